//! A chunk arrives: the permission, the size and the time are checked before its body is read and stored.

use std::time::Duration;

use poem::error::ReadBodyError;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Body, Request, Response};
use vsekai_updater::formats::chunk::ChunkId;

use super::StaticFiles;
use crate::chunks::PutOutcome;
use crate::error::{Error, Result};
use crate::model::Time;

impl StaticFiles {
    pub(super) async fn upload(&self, id: ChunkId, request: &mut Request) -> Result<Response> {
        self.authorizer.authorize_upload(request).await?;
        let max_bytes = self.chunks.max_stored_bytes();
        let announced = announced_bytes(request.headers());
        if announced.is_some_and(|bytes| bytes > max_bytes) {
            return Err(Error::TooLarge { max_bytes });
        }
        let time = self.time_for(announced.unwrap_or(max_bytes));
        let body = request.take_body();
        let put = async {
            // As much memory as the body can need, or all there is.
            let room = kibibytes(announced.unwrap_or(max_bytes).min(self.options.upload_bytes.into()));
            let closed = |_| Error::Internal { context: "no memory for uploads".to_owned() };
            let _room = self.room.acquire_many(room).await.map_err(closed)?;
            let read = tokio::time::timeout(time, read(body, max_bytes));
            let stored = read.await.map_err(|_| too_slow())??;
            let keep_until = Time::now().plus_seconds(self.options.keep_s);
            self.chunks.put(id, stored, keep_until).await
        };
        let status = match put.await? {
            PutOutcome::New => StatusCode::CREATED,
            PutOutcome::There => StatusCode::OK,
        };
        let mut response = Response::default();
        response.set_status(status);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::ETAG, super::response::chunk_tag(&id));
        Ok(response)
    }

    fn time_for(&self, bytes: u64) -> Duration {
        self.options.upload_patience + Duration::from_secs(bytes / u64::from(self.options.upload_rate.max(1)))
    }
}

async fn read(body: Body, max_bytes: u64) -> Result<bytes::Bytes> {
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    body.into_bytes_limit(max).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Error::TooLarge { max_bytes },
        error => Error::Invalid { what: "body", reason: error.to_string() },
    })
}

fn announced_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_slow() -> Error {
    Error::Invalid { what: "body", reason: "it arrived too slowly".to_owned() }
}

/// The size in KiB, rounded up, and at least 1.
pub(super) fn kibibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}
