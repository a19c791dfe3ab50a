//! Operations on the bundles that a publisher sends with a publication.

use std::sync::Arc;

use poem::web::Data;
use poem::{Body, Request};
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::{Binary, Json};
use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::net::api::{BUNDLE_PART_BYTES, BundleOutcome, BundleParts, BundleReply, NewBundle};

use super::answer::{self, Done, Failure, Found};
use super::body::{self, LimitedJson};
use super::publications::allowed;
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::bundles::Put;
use crate::error::Error;
use crate::service;

pub(super) struct PublicationBundles;

#[OpenApi(prefix_path = "/api/v1/publications")]
impl PublicationBundles {
    /// Send a part of a bundle
    ///
    /// Bundles come in parts of 1 MiB, the last of them shorter, in any order; they are kept until the publication expires.
    /// Nothing is checked before `create_bundle`. Repeating the request does no harm. Scope: `publish:<mode>`.
    #[oai(
        path = "/:id/bundles/:bundle/parts/:part",
        method = "put",
        operation_id = "put_bundle_part",
        tag = "Tags::Publications"
    )]
    #[expect(clippy::too_many_arguments, reason = "what is in the path, and what every operation needs")]
    async fn put_part(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// The id of the publication.
        id: Path<Uuid>,
        /// SHA-256 of the whole bundle, 64 hex digits.
        #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
        bundle: Path<String>,
        /// The number of the part, beginning with 0.
        #[oai(validator(maximum(value = "4095")))]
        part: Path<u64>,
        /// The bytes.
        request: &Request,
        body: Binary<Body>,
    ) -> Result<Done, Failure> {
        allowed(&context, &bearer, id.0).await?;
        let bundle = digest("bundle", &bundle.0)?;
        let token = bearer.0.id;
        context.shares.check_disk(token).await?;
        let limit = usize::try_from(BUNDLE_PART_BYTES).unwrap_or(usize::MAX);
        let read = body::read_charged(request, body.0, (limit, 1)).await?;
        context.service.put_bundle_part(id.0, &bundle, part.0, read.bytes.clone()).await?;
        context.shares.stored(token, read.bytes.len() as u64);
        Ok(Done::Ok)
    }

    /// Ask which parts of a bundle have arrived
    ///
    /// Scope: `publish:<mode>`.
    #[oai(
        path = "/:id/bundles/:bundle",
        method = "get",
        operation_id = "list_bundle_parts",
        tag = "Tags::Publications"
    )]
    async fn parts(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// The id of the publication.
        id: Path<Uuid>,
        /// SHA-256 of the whole bundle, 64 hex digits.
        #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
        bundle: Path<String>,
    ) -> Result<Found<BundleParts>, Failure> {
        allowed(&context, &bearer, id.0).await?;
        let parts = context.service.bundle_parts(id.0, &digest("bundle", &bundle.0)?).await?;
        Ok(answer::found_private(BundleParts { parts }, None))
    }

    /// Offer a bundle whose parts have been sent
    ///
    /// The server unpacks it and compares every chunk with the index of the version, which can take minutes. The bundle is
    /// listed with the version: at once if that is published, otherwise by the commit; all documents must have been sent
    /// then. The server does not build it again. A bundle that is not what it should be is refused and removed, and changes nothing. Repeating the request
    /// returns the same result. Scope: `publish:<mode>`.
    #[oai(path = "/:id/bundles", method = "post", operation_id = "create_bundle", tag = "Tags::Publications")]
    async fn create(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The id of the publication.
        id: Path<Uuid>,
        body: LimitedJson<NewBundle>,
    ) -> Result<Json<BundleReply>, Failure> {
        allowed(&context, &bearer, id.0).await?;
        let from = body.from.as_ref().map(|from| digest("from", from)).transpose()?;
        let length = body.length;
        let new = service::NewBundle { id: digest("id", &body.id)?, length, from };
        drop(body);
        let turn = context.shares.turn(bearer.0.id, id.0).await?;
        let put = context.service.accept_bundle(id.0, new, turn, &bearer.actor(&request)).await?;
        context.shares.used(bearer.0.id, length);
        let outcome = match put {
            Put::Listed => BundleOutcome::Listed,
            Put::Waiting => BundleOutcome::Waiting,
            Put::NoSmaller => BundleOutcome::NoSmaller,
        };
        Ok(Json(BundleReply { outcome }))
    }
}

fn digest(what: &'static str, text: &str) -> Result<Digest, Error> {
    text.parse().map_err(|_| Error::Invalid { what, reason: "it is not a SHA-256 in hex".to_owned() })
}
