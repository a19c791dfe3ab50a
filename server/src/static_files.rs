//! The repository as static files: what clients and desync read, and where publishers upload chunks.
//!
//! ```text
//! StaticFiles    which resource, which method                    this file
//!   resource     from the path of a URL to a resource            static_files/resource.rs
//!   BundleFiles  bundles and their lists                         static_files/bundles.rs
//!   Documents    metadata and targets, cached                    static_files/documents.rs
//!   response     headers, conditional requests, ranges           static_files/response.rs
//!   upload       a chunk arrives                                 static_files/upload.rs
//! ```
//!
//! Promises: the layout is that of a folder of files and of a desync store; malformed paths are refused before anything
//! is looked up; immutable content says so, and changing content may be cached for half a minute; content is served
//! from memory without copying it. Who may upload is decided by an [`AuthorizeUpload`], not here.

use std::sync::Arc;
use std::time::Duration;

use poem::http::{HeaderValue, Method, header};
use poem::{Body, Endpoint, Request, Response};

use crate::auth::{AuthorizeUpload, presents_token};
use crate::bundles::Bundles;
use crate::chunks::Chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::problem::{Problem, not_allowed};
use crate::shares::Shares;

mod bundles;
mod documents;
mod resource;
mod response;
mod upload;

use bundles::BundleFiles;
use documents::Documents;
use resource::Resource;
use response::{Kind, Representation};

pub(crate) use documents::shared;

/// How files are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long an uploaded chunk is kept if no version needs it, in seconds.
    pub keep_s: i64,
    /// Size of the cache for metadata and targets, in bytes.
    pub cache_bytes: u64,
    /// How long changing content, and the absence of content, is cached.
    pub fresh: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep_s: 24 * 3600, cache_bytes: 64 << 20, fresh: Duration::from_secs(1) }
    }
}

/// The endpoint of `/store/…`, `/tuf/…`, `/targets/…` and `/bundles/…`. It looks at the whole path: mount it with
/// `at("/store/*", …)` and the like, or in front of everything else with [`StaticFiles::before`].
#[derive(Debug)]
pub struct StaticFiles {
    chunks: Arc<Chunks>,
    documents: Documents,
    bundles: BundleFiles,
    authorizer: Arc<dyn AuthorizeUpload>,
    options: Options,
    shares: Arc<Shares>,
}

impl StaticFiles {
    /// Serves what is in these stores and this database.
    pub fn new(
        chunks: Arc<Chunks>,
        bundles: Arc<Bundles>,
        db: Arc<dyn Db>,
        authorizer: Arc<dyn AuthorizeUpload>,
        shares: Arc<Shares>,
        options: Options,
    ) -> Self {
        let documents = Documents::new(Arc::clone(&db), Arc::clone(&bundles), options.cache_bytes, options.fresh);
        let bundles = BundleFiles::new(db, bundles, options.fresh);
        Self { chunks, documents, bundles, authorizer, options, shares }
    }

    /// Drops cached content that may have changed. Must be called when this process has changed the repository.
    pub fn changed(&self) {
        self.documents.changed();
        self.bundles.changed();
    }

    /// An endpoint that serves the paths of the repository, and passes all others to `rest`.
    pub fn before<E: Endpoint>(self: Arc<Self>, rest: E) -> Before<E> {
        Before { files: self, rest }
    }

    /// Answers a request for a path of the repository.
    pub async fn answer(&self, mut request: Request) -> Response {
        let is_head = request.method() == Method::HEAD;
        let answer = match Resource::parse(request.uri().path()) {
            Some(resource) => self.serve(&resource, &mut request).await,
            None => Err(Error::Invalid { what: "path", reason: "it names no file of a repository".to_owned() }),
        };
        let mut response = answer.unwrap_or_else(|error| refusal(&error, request.uri().path()));
        if is_head {
            response.set_body(Body::empty());
        }
        response
    }

    async fn serve(&self, resource: &Resource, request: &mut Request) -> Result<Response> {
        let is_store = matches!(resource, Resource::Chunk(_));
        match (request.method().clone(), resource) {
            (Method::GET, Resource::Chunk(id)) => match self.chunks.get(id).await? {
                Some(bytes) => {
                    let chunk = Representation::new(bytes, response::chunk_tag(id), Kind::Chunk);
                    Ok(chunk.respond(request.headers(), true))
                }
                None => Err(Error::NotFound { what: "chunk" }),
            },
            (Method::HEAD, Resource::Chunk(id)) => match self.chunks.size(id).await? {
                Some(size) => Ok(response::chunk_head(id, size, request.headers())),
                None => Err(Error::NotFound { what: "chunk" }),
            },
            (Method::PUT, Resource::Chunk(id)) => self.upload(*id, request).await,
            (method @ (Method::GET | Method::HEAD), Resource::Document(path)) => {
                self.document(path, method == Method::GET, request).await
            }
            (method @ (Method::GET | Method::HEAD), Resource::Bundle(id)) => {
                self.bundles.bundle(*id, request.headers(), method == Method::GET).await
            }
            (method @ (Method::GET | Method::HEAD), Resource::BundleList(to)) => {
                self.bundles.list(*to, request, method == Method::GET).await
            }
            (Method::GET | Method::HEAD, Resource::NoBundle) => Err(Error::NotFound { what: "bundle" }),
            _ if is_store => Ok(not_allowed("GET, HEAD, PUT")),
            _ => Ok(not_allowed("GET, HEAD")),
        }
    }
}

impl StaticFiles {
    /// Serves metadata or a target. A publisher gets what is in force now, bypassing every cache, because its next
    /// signature builds on it.
    async fn document(&self, path: &str, with_body: bool, request: &Request) -> Result<Response> {
        // Credentials meant for a proxy must not count as a wrong token, and only publishers may bypass the cache.
        let is_publisher = presents_token(request) && self.authorizer.authorize_upload(request).await.is_ok();
        let found = if is_publisher { self.documents.get_newest(path).await } else { self.documents.get(path).await };
        let document = found?.ok_or(Error::NotFound { what: "file" })?;
        let mut response = document.respond(request.headers(), with_body);
        if is_publisher {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        Ok(response)
    }
}

impl Endpoint for StaticFiles {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        Ok(self.answer(request).await)
    }
}

/// See [`StaticFiles::before`].
#[derive(Debug)]
pub struct Before<E> {
    files: Arc<StaticFiles>,
    rest: E,
}

impl<E: Endpoint> Endpoint for Before<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if resource::is_in_repository(request.uri().path()) {
            Ok(self.files.answer(request).await)
        } else {
            self.rest.call(request).await.map(poem::IntoResponse::into_response)
        }
    }
}

/// Answers with a failure. Caches may remember for a moment that something is absent, but not longer: otherwise one
/// client that asks too early would hide a new file from all others.
fn refusal(error: &Error, path: &str) -> Response {
    let mut response = Problem::of(error).about(path).into_response();
    if matches!(error, Error::NotFound { .. }) {
        response.headers_mut().insert(header::CACHE_CONTROL, response::ABSENT);
    }
    response
}
