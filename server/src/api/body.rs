//! Bodies of requests, none of which is read without a limit. Each operation states the limit beside its parameters:
//! `body: LimitedJson<NewMode>`, or `LimitedJson<_, MAX>` where 1 MiB is not enough.

use std::ops::Deref;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use poem::http::header;
use poem::{Body, Request, RequestBody};
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::answer::Failure;
use crate::error::{Error, Result};
use crate::shares::Charge;

mod unique_keys;

/// Largest JSON body of most operations. 5,000 ids of chunks are a third of it.
pub(super) const MAX_JSON_BYTES: usize = 1 << 20;

/// Largest JSON body of an operation without a token.
const MAX_STRANGER_JSON_BYTES: usize = 1 << 10;

/// JSON is in memory as bytes, as a tree and as the value of the operation, which may hold decoded bytes besides.
const JSON_WEIGHT: u32 = 4;

/// Most bytes read from a client without a valid token, who gets nothing for them but the answer.
const MAX_STRANGER_BYTES: usize = 64 << 10;

/// How long to wait for the body of a client without a valid token.
const TIMEOUT: Duration = Duration::from_mins(1);

/// JSON of at most `MAX_BYTES`, charged to the token of its sender for as long as this exists. `poem-openapi` itself would
/// read it without end.
#[derive(Debug)]
pub(super) struct LimitedJson<T, const MAX_BYTES: usize = MAX_JSON_BYTES> {
    value: T,
    _charge: Charge,
}

impl<T, const MAX_BYTES: usize> LimitedJson<T, MAX_BYTES> {
    /// The value alone.
    pub(super) fn into_inner(self) -> T {
        self.value
    }
}

impl<T, const MAX_BYTES: usize> Deref for LimitedJson<T, MAX_BYTES> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'a, T: ParseFromJSON, const MAX_BYTES: usize> ApiExtractor<'a> for LimitedJson<T, MAX_BYTES> {
    const TYPES: &'static [ApiExtractorType] = <Json<T> as ApiExtractor>::TYPES;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Json<T> as ApiExtractor>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        <Json<T> as ApiExtractor>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let read = read_charged(request, body.take()?, (MAX_BYTES, JSON_WEIGHT)).await.map_err(Failure::from)?;
        unique_keys::check(&read.bytes).map_err(Failure::from)?;
        *body = RequestBody::new(read.bytes.clone().into());
        let json = <Json<T> as ApiExtractor>::from_request(request, body, options).await?;
        Ok(Self { value: json.0, _charge: read.into_charge() })
    }
}

/// JSON of at most 1 KiB, from anybody: for operations without a token, which are counted by address.
#[derive(Debug)]
pub(super) struct StrangerJson<T>(pub(super) T);

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for StrangerJson<T> {
    const TYPES: &'static [ApiExtractorType] = <Json<T> as ApiExtractor>::TYPES;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Json<T> as ApiExtractor>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        <Json<T> as ApiExtractor>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let bytes = read_of_stranger(request, body.take()?).await.map_err(Failure::from)?;
        unique_keys::check(&bytes).map_err(Failure::from)?;
        *body = RequestBody::new(bytes.into());
        Ok(Self(<Json<T> as ApiExtractor>::from_request(request, body, options).await?.0))
    }
}

async fn read_of_stranger(request: &Request, body: Body) -> Result<Bytes> {
    let context = request.data::<std::sync::Arc<super::ApiContext>>().ok_or(Error::Unauthorized)?;
    context.authorizer.count_stranger(request)?;
    if announced(request).is_some_and(|length| length > MAX_STRANGER_JSON_BYTES) {
        return Err(Error::TooLarge { max_bytes: MAX_STRANGER_JSON_BYTES as u64 });
    }
    read_in_time(body, MAX_STRANGER_JSON_BYTES).await
}

/// The length of the body, as its sender announced it.
fn announced(request: &Request) -> Option<usize> {
    request.header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok())
}

/// Reads the body of an operation whose caller has a valid token, and charges it to that token until the result is
/// dropped.
///
/// # Errors
/// As [`Shares::read`](crate::shares::Shares::read).
pub(super) async fn read_charged(
    request: &Request,
    body: Body,
    (max, weight): (usize, u32),
) -> Result<crate::shares::Body> {
    let context = request.data::<std::sync::Arc<super::ApiContext>>().ok_or(Error::Unauthorized)?;
    // `Bearer` comes before the body, and has found the token valid.
    let token = crate::auth::presented_id(request).ok_or(Error::Unauthorized)?;
    context.shares.read(token, body, request.headers(), (max as u64, weight)).await
}

async fn read(body: Body, max: usize) -> Result<Bytes> {
    let mut stream = body.into_bytes_stream();
    let mut bytes = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Error::Invalid { what: "body", reason: "it ended too early".to_owned() })?;
        if bytes.len() + piece.len() > max {
            return Err(Error::TooLarge { max_bytes: max as u64 });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

async fn read_in_time(body: Body, max: usize) -> Result<Bytes> {
    let slow = |_| Error::Invalid { what: "body", reason: "it did not arrive within a minute".to_owned() };
    tokio::time::timeout(TIMEOUT, read(body, max)).await.map_err(slow)?
}

/// Reads what a client without a valid token is sending, so that it sees the refusal. An announced body that is too
/// large is not read at all.
pub(super) async fn drain(request: &Request, body: &mut RequestBody) {
    if announced(request).is_some_and(|length| length > MAX_STRANGER_BYTES) {
        return;
    }
    if let Ok(body) = body.take() {
        // The refusal is the answer, whatever becomes of the body.
        let _ = read_in_time(body, MAX_STRANGER_BYTES).await;
    }
}
