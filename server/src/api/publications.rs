//! Operations on the root of trust, and on publications.

use std::str::FromStr;
use std::sync::Arc;

use poem::web::Data;
use poem::{Body, Request};
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::{Binary, Json};
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::{ModeName, Platform};
use vsekai_updater::limits;
use vsekai_updater::net::api::{
    BatchReply, CommitRequest, DocumentKind, MAX_MISSING_IDS, MissingReply, MissingRequest, NewPublication,
    PublicationInfo, PublicationState, RepositoryInfo, TrustUpload, batch,
};
use vsekai_updater::version::Version;

use super::answer::{self, Created, Done, Failure, Found, Page};
use super::body::{self, LimitedJson};
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::chunks::PutOutcome;
use crate::error::Error;
use crate::model::Time;
use crate::service::publish::{Publication, Terms};

/// Largest JSON with a root of trust: all metadata of a repository in base64.
const MAX_TRUST_BYTES: usize = 32 << 20;

/// Largest signed metadata of a mode, in bytes.
const MAX_METADATA_BYTES: u64 = 4 << 20;

pub(super) struct Publications;

#[OpenApi(prefix_path = "/api/v1")]
impl Publications {
    /// Get the state of the repository
    ///
    /// Includes the public keys of this server, which the root of trust must name.
    #[oai(path = "/repository", method = "get", operation_id = "get_repository", tag = "Tags::Repository")]
    async fn repository(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<RepositoryInfo>, Failure> {
        Ok(answer::found_private(context.service.repository_info().await?, if_none_match.0.as_deref()))
    }

    /// Begin the repository, or update its root of trust
    ///
    /// Sends roots, delegations and modes that were signed offline. The server verifies them and signs the rest. Repeating
    /// the request changes nothing. Scope: `admin`; for new metadata of modes alone, `publish:<mode>` of each.
    #[oai(path = "/repository/trust", method = "put", operation_id = "put_trust", tag = "Tags::Repository")]
    async fn put_trust(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        body: LimitedJson<TrustUpload, MAX_TRUST_BYTES>,
    ) -> Result<Json<RepositoryInfo>, Failure> {
        let of_modes = body.roots.is_empty() && body.targets.is_none() && !body.roles.is_empty();
        if of_modes {
            for mode in body.roles.keys() {
                bearer.0.require_publish(&ModeName::new(mode)?)?;
            }
        } else {
            bearer.0.require_admin()?;
        }
        let turn = context.shares.turn(bearer.0.id, Uuid::nil()).await?;
        Ok(Json(context.service.accept_trust(&body, turn, &bearer.actor(&request)).await?))
    }

    /// Begin a publication
    ///
    /// Begins publishing one version for one platform. The client chooses the id; repeating the request returns the same
    /// publication. Scope: `publish:<mode>`.
    #[oai(path = "/publications", method = "post", operation_id = "create_publication", tag = "Tags::Publications")]
    async fn begin(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        body: LimitedJson<NewPublication>,
    ) -> Result<Created<PublicationInfo>, Failure> {
        let mode = ModeName::new(&body.mode)?;
        bearer.0.require_publish(&mode)?;
        let refuse = |_| Error::Invalid { what: "id", reason: "it is not a UUID".to_owned() };
        let id = Uuid::parse_str(&body.id).map_err(refuse)?;
        let (version, platform) = (Version::parse(&body.version)?, Platform::new(&body.platform)?);
        context.shares.open(bearer.0.id, id)?;
        let (publication, is_new) = context.service.begin(id, &mode, &version, &platform).await?;
        let body = Json(info(&publication));
        Ok(if is_new { Created::New(body, format!("/api/v1/publications/{id}")) } else { Created::There(body) })
    }

    /// List the publications under way
    ///
    /// Lists publications that are neither complete nor expired, by id. Scope: `publish:<mode>` with the parameter `mode`,
    /// `publish:*` without.
    #[oai(path = "/publications", method = "get", operation_id = "list_publications", tag = "Tags::Publications")]
    async fn list(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// Only those of the mode with this name.
        mode: Query<Option<String>>,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
    ) -> Result<Found<Page<PublicationInfo>>, Failure> {
        let mode = mode.0.as_deref().map(ModeName::new).transpose()?;
        match &mode {
            Some(mode) => bearer.0.require_publish(mode)?,
            None => bearer.0.require_publish_all()?,
        }
        let page = answer::page::<Uuid>(limit.0, cursor.0.as_deref())?;
        let rows = context.service.publications(mode.as_ref(), &page).await?;
        let items = rows.iter().map(info).collect();
        Ok(answer::found_private(answer::pages(&rows, page.limit, |row| row.upload.id, items), None))
    }

    /// Get a publication
    ///
    /// Scope: `publish:<mode>`.
    #[oai(path = "/publications/:id", method = "get", operation_id = "get_publication", tag = "Tags::Publications")]
    async fn get(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// The id of the publication.
        id: Path<Uuid>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<PublicationInfo>, Failure> {
        let publication = allowed(&context, &bearer, id.0).await?;
        Ok(answer::found_private(info(&publication), if_none_match.0.as_deref()))
    }

    /// Ask which chunks are missing
    ///
    /// The others are kept until the publication expires. Scope: `publish:<mode>`.
    #[oai(
        path = "/publications/:id/missing",
        method = "post",
        operation_id = "list_missing_chunks",
        tag = "Tags::Publications"
    )]
    async fn missing(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// The id of the publication.
        id: Path<Uuid>,
        body: LimitedJson<MissingRequest>,
    ) -> Result<Json<MissingReply>, Failure> {
        allowed(&context, &bearer, id.0).await?;
        for (what, count) in [("ids", body.ids.len()), ("positions", body.positions.len())] {
            if count > MAX_MISSING_IDS {
                let reason = format!("at most {MAX_MISSING_IDS} are accepted at once");
                return Err(Error::Invalid { what, reason }.into());
            }
        }
        let parse = |text: &str, what| {
            ChunkId::from_str(text).map_err(|error| Error::Invalid { what, reason: error.to_string() })
        };
        let ids = body.ids.iter().map(|id| parse(id, "ids")).collect::<Result<Vec<_>, _>>()?;
        let positions = body.positions.iter().map(|at| Ok((at.position, parse(&at.id, "positions")?)));
        let positions = positions.collect::<Result<Vec<_>, Error>>()?;
        let missing = context.service.missing(id.0, bearer.0.id, &ids, positions).await?;
        Ok(Json(MissingReply { missing: missing.iter().map(ToString::to_string).collect() }))
    }

    /// Send many chunks
    ///
    /// The body is a sequence of chunks, each of them its id (32 bytes), its length (4 bytes, little-endian) and its stored
    /// bytes. At most 4,096, and no more bytes than `max_batch_bytes` of the repository. Every one is checked before any is
    /// stored, and all are kept until the publication expires. Repeating the request does no harm. Scope: `publish:<mode>`.
    #[oai(path = "/publications/:id/chunks", method = "post", operation_id = "put_chunks", tag = "Tags::Publications")]
    async fn put_chunks(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// The id of the publication.
        id: Path<Uuid>,
        /// The chunks.
        request: &Request,
        body: Binary<Body>,
    ) -> Result<Json<BatchReply>, Failure> {
        allowed(&context, &bearer, id.0).await?;
        let token = bearer.0.id;
        context.shares.check_disk(token).await?;
        let limit = usize::try_from(context.service.chunks().max_batch_bytes()).unwrap_or(usize::MAX);
        let read = body::read_charged(request, body.0, (limit, 1)).await?;
        let refuse = |error: vsekai_updater::Error| Error::Invalid { what: "batch", reason: error.to_string() };
        let chunks = batch::parse(read.bytes.clone()).map_err(refuse)?;
        context.authorizer.count_chunks(token, chunks.len())?;
        let sizes: Vec<u64> = chunks.iter().map(|(_, stored)| stored.len() as u64).collect();
        let outcomes = context.service.put_chunks(id.0, chunks, &context.shares.checks(token)).await?;
        let mut reply = BatchReply::default();
        for (outcome, size) in outcomes.into_iter().zip(sizes) {
            match outcome {
                PutOutcome::New => {
                    context.shares.stored(token, size);
                    reply.new += 1;
                }
                PutOutcome::There => reply.there += 1,
            }
        }
        Ok(Json(reply))
    }

    /// Send a document
    ///
    /// A publication needs four documents: the index, the file table, the release document, and the newly signed metadata
    /// of the mode, which lists the other three. Each can be replaced until the commit. Scope: `publish:<mode>`.
    #[oai(
        path = "/publications/:id/documents/:kind",
        method = "put",
        operation_id = "put_document",
        tag = "Tags::Publications"
    )]
    async fn put_document(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// The id of the publication.
        id: Path<Uuid>,
        /// The kind of document.
        kind: Path<DocumentKind>,
        /// The content of the document.
        request: &Request,
        body: Binary<Body>,
    ) -> Result<Done, Failure> {
        allowed(&context, &bearer, id.0).await?;
        let max_bytes = match kind.0 {
            DocumentKind::Index | DocumentKind::Files => context.max_index_bytes,
            DocumentKind::Release => limits::MAX_DOCUMENT_BYTES,
            DocumentKind::Metadata => MAX_METADATA_BYTES,
        };
        let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let token = bearer.0.id;
        context.shares.check_disk(token).await?;
        let read = body::read_charged(request, body.0, (limit, 1)).await?;
        context.service.put_document(id.0, kind.0, read.bytes.clone()).await?;
        context.shares.stored(token, read.bytes.len() as u64);
        Ok(Done::Ok)
    }

    /// Publish the version
    ///
    /// The server rebuilds the tree from its chunks and compares every byte with what was signed, which can take minutes.
    /// Then one transaction publishes the version: clients see all of it or nothing. Repeating the request returns the same
    /// result. Scope: `publish:<mode>`.
    #[oai(
        path = "/publications/:id/commit",
        method = "post",
        operation_id = "commit_publication",
        tag = "Tags::Publications"
    )]
    async fn commit(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The id of the publication.
        id: Path<Uuid>,
        body: LimitedJson<CommitRequest>,
    ) -> Result<Json<PublicationInfo>, Failure> {
        allowed(&context, &bearer, id.0).await?;
        if body.rollout > 100 {
            return Err(Error::Invalid { what: "rollout", reason: "it must be at most 100 percent".to_owned() }.into());
        }
        let terms = Terms { rollout: body.rollout, skip_update: body.skip_update };
        let turn = context.shares.turn(bearer.0.id, id.0).await?;
        let (publication, bytes) = context.service.commit(id.0, terms, turn, &bearer.actor(&request)).await?;
        context.shares.published(bearer.0.id, id.0, bytes);
        Ok(Json(info(&publication)))
    }
}

/// The publication with this id, if the token may publish to its mode. Otherwise the answer is that of a publication that
/// does not exist.
pub(super) async fn allowed(context: &ApiContext, bearer: &Bearer, id: Uuid) -> Result<Publication, Error> {
    bearer.0.require_publish_any()?;
    let publication = context.service.publication(id).await?;
    bearer.0.require_publish(&publication.upload.mode).map_err(|_| Error::NotFound { what: "publication" })?;
    Ok(publication)
}

fn info(publication: &Publication) -> PublicationInfo {
    let upload = &publication.upload;
    let state = match upload.sequence {
        Some(_) => PublicationState::Published,
        None if upload.expires_at <= Time::now() => PublicationState::Expired,
        None => PublicationState::Open,
    };
    PublicationInfo {
        id: upload.id.to_string(),
        mode: upload.mode.to_string(),
        version: upload.version.to_string(),
        platform: upload.platform.to_string(),
        state,
        expires_at: upload.expires_at.to_string(),
        sequence: upload.sequence,
        received: publication.received.clone(),
    }
}
