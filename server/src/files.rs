//! The repository as plain files over HTTP: what clients and desync read, and where publishers put chunks.
//!
//! ```text
//! Files         which path, which method                         this file
//!   path        from the URL to what is meant, or nothing        files/path.rs
//!   BundleFiles bundles and their lists                          files/bundles.rs
//!   Documents   metadata and targets, kept in memory             files/documents.rs
//!   answer      headers, conditions, ranges                      files/answer.rs
//!   put         a chunk comes in                                 files/put.rs
//! ```
//!
//! Promises: the layout is that of a folder of files and of a desync store; nothing is looked up for a path that
//! is not well-formed; what can never change says so, what changes can be kept for half a minute; an answer from
//! memory copies no content. It does not decide who may publish: a [`Gate`] does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use poem::http::{HeaderValue, Method, header};
use poem::{Body, Endpoint, Request, Response};
use tokio::sync::Semaphore;

use crate::bundles::Bundles;
use crate::chunks::Chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::problem::{Problem, not_allowed};

mod answer;
mod bundles;
mod documents;
mod path;
mod put;

use answer::{Content, Kind};
use bundles::BundleFiles;
use documents::Documents;
use path::Wanted;
pub(crate) use path::parse_digest;

/// Who may put chunks into the store.
#[async_trait]
pub trait Gate: std::fmt::Debug + Send + Sync {
    /// Lets the request in.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`] or [`Error::TooManyRequests`].
    async fn may_put(&self, request: &Request) -> Result<()>;
}

/// How files are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long a chunk that was put is kept if nothing comes to need it, in seconds.
    pub keep_s: i64,
    /// Bytes of memory for metadata and targets.
    pub cache_bytes: u64,
    /// For how long what can change, and what is not there, is answered from memory.
    pub fresh: Duration,
    /// Bytes of memory for bodies that are being received.
    pub upload_bytes: u32,
    /// How long any upload is waited for.
    pub upload_patience: Duration,
    /// The slowest upload that is waited for after that, in bytes a second.
    pub upload_rate: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            keep_s: 24 * 3600,
            cache_bytes: 64 << 20,
            fresh: Duration::from_secs(1),
            upload_bytes: 256 << 20,
            upload_patience: Duration::from_secs(30),
            upload_rate: 16 << 10,
        }
    }
}

/// The endpoint of `/store/…`, `/tuf/…`, `/targets/…` and `/bundles/…`. It looks at the whole path: mount it with
/// `at("/store/*", …)` and the like, or in front of everything else with [`Files::before`].
#[derive(Debug)]
pub struct Files {
    chunks: Arc<Chunks>,
    documents: Documents,
    bundles: BundleFiles,
    gate: Arc<dyn Gate>,
    options: Options,
    /// One permit for each KiB of a body that is being received.
    room: Semaphore,
}

impl Files {
    /// An endpoint over these chunks and this database.
    pub fn new(
        chunks: Arc<Chunks>,
        bundles: Arc<Bundles>,
        db: Arc<dyn Db>,
        gate: Arc<dyn Gate>,
        options: Options,
    ) -> Self {
        let room = Semaphore::new(put::kibibytes(u64::from(options.upload_bytes)) as usize);
        let documents = Documents::new(Arc::clone(&db), Arc::clone(&bundles), options.cache_bytes, options.fresh);
        let bundles = BundleFiles::new(db, bundles, options.fresh);
        Self { chunks, documents, bundles, gate, options, room }
    }

    /// Forgets what can change: to be called after this process has changed the repository.
    pub fn changed(&self) {
        self.documents.changed();
        self.bundles.changed();
    }

    /// This for its own paths, `rest` for all others.
    pub fn before<E: Endpoint>(self: Arc<Self>, rest: E) -> Before<E> {
        Before { files: self, rest }
    }

    /// Answers a request for one of its paths.
    pub async fn answer(&self, mut request: Request) -> Response {
        let is_head = request.method() == Method::HEAD;
        let answer = match Wanted::parse(request.uri().path()) {
            Some(wanted) => self.answer_wanted(&wanted, &mut request).await,
            None => Err(Error::Invalid { what: "path", reason: "it is none of this repository's".to_owned() }),
        };
        let mut response = answer.unwrap_or_else(|error| refusal(&error, request.uri().path()));
        if is_head {
            response.set_body(Body::empty());
        }
        response
    }

    async fn answer_wanted(&self, wanted: &Wanted, request: &mut Request) -> Result<Response> {
        let is_store = matches!(wanted, Wanted::Chunk(_));
        match (request.method().clone(), wanted) {
            (Method::GET, Wanted::Chunk(id)) => match self.chunks.get(id).await? {
                Some(bytes) => {
                    let content = Content::new(bytes, answer::chunk_tag(id), Kind::Chunk);
                    Ok(content.answer(request.headers(), true))
                }
                None => Err(Error::NotFound { what: "chunk" }),
            },
            (Method::HEAD, Wanted::Chunk(id)) => match self.chunks.size(id).await? {
                Some(size) => Ok(answer::chunk_head(id, size, request.headers())),
                None => Err(Error::NotFound { what: "chunk" }),
            },
            (Method::PUT, Wanted::Chunk(id)) => self.put(*id, request).await,
            (method @ (Method::GET | Method::HEAD), Wanted::Document(path)) => {
                self.document(path, method == Method::GET, request).await
            }
            (method @ (Method::GET | Method::HEAD), Wanted::Bundle(id)) => {
                self.bundles.bundle(*id, request.headers(), method == Method::GET).await
            }
            (method @ (Method::GET | Method::HEAD), Wanted::BundleList(to)) => {
                self.bundles.list(*to, request, method == Method::GET).await
            }
            (Method::GET | Method::HEAD, Wanted::NoBundle) => Err(Error::NotFound { what: "bundle" }),
            _ if is_store => Ok(not_allowed("GET, HEAD, PUT")),
            _ => Ok(not_allowed("GET, HEAD")),
        }
    }
}

impl Files {
    /// A publisher gets what is in force now and not what was a second ago, here or in a cache on the way: its
    /// signature builds on it.
    async fn document(&self, path: &str, with_body: bool, request: &Request) -> Result<Response> {
        // Other words stand there too, such as those for a proxy in front; and nobody else may have the cache emptied.
        let given = request.header(header::AUTHORIZATION).unwrap_or_default();
        let is_publisher = given.contains("vsk_") && self.gate.may_put(request).await.is_ok();
        let found = if is_publisher { self.documents.get_newest(path).await } else { self.documents.get(path).await };
        let content = found?.ok_or(Error::NotFound { what: "file" })?;
        let mut response = content.answer(request.headers(), with_body);
        if is_publisher {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        Ok(response)
    }
}

impl Endpoint for Files {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        Ok(self.answer(request).await)
    }
}

/// See [`Files::before`].
#[derive(Debug)]
pub struct Before<E> {
    files: Arc<Files>,
    rest: E,
}

impl<E: Endpoint> Endpoint for Before<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if path::is_ours(request.uri().path()) {
            Ok(self.files.answer(request).await)
        } else {
            self.rest.call(request).await.map(poem::IntoResponse::into_response)
        }
    }
}

/// A failure. That something is not there may be kept for a moment: longer, and a client that asks during a
/// publication would spoil it for all.
fn refusal(error: &Error, path: &str) -> Response {
    let mut response = Problem::of(error).about(path).into_response();
    if matches!(error, Error::NotFound { .. }) {
        response.headers_mut().insert(header::CACHE_CONTROL, answer::ABSENT);
    }
    response
}
