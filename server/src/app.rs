//! The service put together: from a configuration to an endpoint, and what runs beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Body, Endpoint, EndpointExt, IntoResponse, Request, Response, Route, get, handler};
use poem_openapi::auth::{Bearer, BearerAuthorization};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::api::{self, App, BodyLimits};
use crate::auth::{NewToken, Principal, Scope, Tokens};
use crate::bundles::{self, Builder, Bundles, Policy};
use crate::chunks::{self, Chunks};
use crate::clean::{self, Graces};
use crate::config::Config;
use crate::db::{self, Pools};
use crate::error::{Error, Result};
use crate::files::{self, Files, Gate};
use crate::limit::{self, Limiter, Rates};
use crate::probe::{self, Prober};
use crate::problem::Problem;
use crate::service::{Service, ServiceOptions, Signer};
use vsekai_updater::net::api::PROBLEM_MEDIA_TYPE;

mod allow;
mod docs;

/// The largest JSON that is read: 5,000 ids of chunks are a third of it.
const MAX_JSON_BYTES: usize = 1 << 20;

/// The largest JSON with a root of trust: all the metadata of a repository in base64.
const MAX_TRUST_BYTES: usize = 32 << 20;

/// The most that is read for somebody without a valid token, who gets nothing for it but the answer.
const MAX_STRANGER_BYTES: usize = 64 << 10;

/// What the page at `/` may do: show itself.
const MAY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The longest that JSON is waited for.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest that an operation of `/api/v1` may take: the commit of a large tree is the slowest.
const TIMEOUT: Duration = Duration::from_mins(10);

/// A service that is open, and not served yet.
#[derive(Debug)]
pub struct Open {
    config: Config,
    app: Arc<App>,
    limiter: Arc<Limiter>,
    holder: String,
    /// Whether new requests are welcome.
    ready: Arc<AtomicBool>,
    builder: Arc<Builder>,
    /// Wakes the builder.
    changed: Arc<Notify>,
}

impl Open {
    /// Opens the database, the chunks and the keys.
    ///
    /// # Errors
    /// [`Error::Config`], and those of the database and the keys.
    pub async fn open(config: Config, s3: Vec<(String, String)>) -> Result<Self> {
        let data = config.data.clone();
        let make = tokio::task::spawn_blocking(move || vsekai_updater::local::disk::create_directory(&data)).await;
        make.map_err(|error| Error::Internal { context: error.to_string() })??;
        let pools = Pools { connections: config.database_connections, ..Pools::default() };
        let db = db::open(&config.database_url(), &pools).await?;
        let options =
            chunks::Options { cache_bytes: config.chunk_cache_mib << 20, s3, ..chunks::Options::new(config.place()?) };
        let chunks = Arc::new(Chunks::open(Arc::clone(&db), &options)?);
        let bundles = Arc::new(Bundles::open(Arc::clone(&db), &options)?);
        let signer = Signer::open(config.keys_folder()).await?;
        let options = ServiceOptions {
            region: config.region.clone(),
            upload_ttl_s: config.publication_h * 3600,
            allow_private_cdns: config.allow_private_cdns,
        };
        let service = Arc::new(Service::new(Arc::clone(&db), chunks, bundles, signer, options));
        let tokens = Arc::new(Tokens::new(db));
        let limits = BodyLimits { max_index_bytes: config.max_index_mib << 20 };
        let limiter = Arc::new(Limiter::new(&Rates {
            writes_per_second: config.writes_per_second,
            puts_per_second: config.chunk_puts_per_second,
            wrong_tokens_per_minute: config.wrong_tokens_per_minute,
            trusted_proxies: config.trusted_proxies.clone(),
        }));
        let app = Arc::new(App { service, tokens, limits });
        let ready = Arc::new(AtomicBool::new(true));
        let holder = Uuid::new_v4().to_string();
        let builder = Arc::new(builder(&app.service, &holder, build_options(&config)?));
        Ok(Self { config, app, limiter, holder, ready, builder, changed: Arc::default() })
    }

    /// A builder of bundles for an operator, who may want more than the configuration says.
    pub fn builder(&self, change: impl FnOnce(&mut bundles::Options)) -> Builder {
        let mut options = self.builder.options().clone();
        change(&mut options);
        builder(&self.app.service, &self.holder, options)
    }

    /// The rules, for commands that need no server.
    pub fn service(&self) -> &Arc<Service> {
        &self.app.service
    }

    /// The first token of a database that has none, to be shown once.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn first_token(&self) -> Result<Option<String>> {
        let token = NewToken::make("first", &[Scope::Admin], None)?;
        let is_first = self.app.service.db().put_first_token(&token.row).await?;
        Ok(is_first.then_some(token.text))
    }

    /// What this process is called where it takes leases.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// How long what is kept for whom.
    pub fn graces(&self) -> Graces {
        Graces { chunks_s: self.config.clean_grace_h * 3600, metadata_s: self.config.superseded_h * 3600 }
    }

    /// Says that no new requests are welcome; those under way go on.
    pub fn stop(&self) {
        self.builder.stop();
        self.ready.store(false, Ordering::Relaxed);
    }

    /// What runs beside the requests, until the set is dropped.
    ///
    /// # Errors
    /// [`Error::Internal`] if probes cannot be made.
    pub fn beside(&self) -> Result<JoinSet<()>> {
        let mut beside = JoinSet::new();
        let service = Arc::clone(&self.app.service);
        beside.spawn(async move { service.keep_fresh().await });
        if self.config.probe_every_s > 0 {
            let prober = Prober::new(self.config.allow_private_cdns)?;
            let every = Duration::from_secs(self.config.probe_every_s);
            beside.spawn(probe::keep_probing(Arc::clone(self.service()), prober, self.holder.clone(), every));
        }
        if self.config.clean_every_min > 0 {
            let every = Duration::from_secs(self.config.clean_every_min * 60);
            beside.spawn(clean::keep_clean(Arc::clone(self.service()), self.holder.clone(), every, self.graces()));
        }
        beside.spawn(Arc::clone(&self.builder).keep_counting());
        if self.config.bundles {
            beside.spawn(Arc::clone(&self.builder).keep_building(Arc::clone(&self.changed)));
        }
        Ok(beside)
    }

    /// What is left to do when nothing is answered any more and nothing runs beside: writes what was counted, and waits a
    /// second for a build to end.
    pub async fn finish(&self) {
        let service = &self.app.service;
        let write = service.bundles().asked().write(service.db().as_ref());
        if !matches!(tokio::time::timeout(Duration::from_secs(2), write).await, Ok(Ok(()))) {
            tracing::warn!("what was asked for in the last minute is not counted");
        }
        self.builder.finish().await;
    }

    /// Everything that is answered.
    pub fn endpoint(&self) -> BoxEndpoint<'static, Response> {
        let service = &self.app.service;
        let gate = Arc::new(Door { app: Arc::clone(&self.app), limiter: Arc::clone(&self.limiter) });
        let options = files::Options { keep_s: self.config.publication_h * 3600, ..files::Options::default() };
        let (chunks, bundles) = (Arc::clone(service.chunks()), Arc::clone(service.bundles()));
        let files = Arc::new(Files::new(chunks, bundles, Arc::clone(service.db()), gate, options));
        let (stale, wake) = (Arc::clone(&files), Arc::clone(&self.changed));
        service.on_change(move || {
            stale.changed();
            wake.notify_one();
        });
        let operations = api::service();
        let mut rest = Route::new().at("/healthz", get(healthz)).at("/readyz", get(readyz)).at("/", get(welcome));
        if self.config.docs {
            rest = docs::add(rest, &self.config.public_url);
        }
        let allowed = Arc::new(allow::Allowed::of(&api::spec()));
        let limiter = Arc::clone(&self.limiter);
        let app = Arc::clone(&self.app);
        let ready = Ready { service: Arc::clone(service), ready: Arc::clone(&self.ready) };
        let rest = rest.nest_no_strip("/api", operations).data(Arc::clone(&self.app)).data(ready);
        let rest = rest.around(move |endpoint, request| {
            let (allowed, limiter, app) = (Arc::clone(&allowed), Arc::clone(&limiter), Arc::clone(&app));
            async move { Ok(answer(&endpoint, request, &allowed, &limiter, &app).await) }
        });
        files
            .before(rest)
            .around(|endpoint, request| async move { Ok(crate::observe::observe(&endpoint, request).await) })
            .boxed()
    }
}

fn build_options(config: &Config) -> Result<bundles::Options> {
    let policy = Policy {
        versions: config.bundle_versions,
        deltas: config.bundle_deltas,
        asked: config.bundle_asked,
        effort: config.bundle_effort()?,
        only_last: false,
    };
    Ok(bundles::Options {
        policy,
        threads: config.bundle_threads,
        cpu_percent: config.bundle_cpu_percent,
        scratch: config.data.join("bundles.tmp"),
    })
}

fn builder(service: &Service, holder: &str, options: bundles::Options) -> Builder {
    let (db, chunks, bundles) = (service.db(), service.chunks(), service.bundles());
    Builder::new(Arc::clone(db), Arc::clone(chunks), Arc::clone(bundles), holder.to_owned(), options)
}

/// Answers what is no file: an operation, a page, or a problem.
async fn answer(
    endpoint: &impl Endpoint<Output: IntoResponse>,
    mut request: Request,
    allowed: &allow::Allowed,
    limiter: &Limiter,
    app: &App,
) -> Response {
    let path = request.uri().path().to_owned();
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.set_method(Method::GET);
    }
    let method = request.method().clone();
    if let Err(error) = prepare(&mut request, &method, limiter, app).await {
        let mut response = Problem::of(&error).about(&path).into_response();
        finish(&mut response, &path);
        return response;
    }
    let outcome = tokio::time::timeout(TIMEOUT, endpoint.call(request)).await;
    let mut response = match outcome {
        Ok(Ok(output)) => output.into_response(),
        Ok(Err(error)) if error.is_from_response() => error.into_response(),
        Ok(Err(error)) => Problem::of_web(&error).about(&path).into_response(),
        Err(_) => {
            let reason = "It took too long".to_owned();
            Problem::of(&Error::Unavailable { code: "timed_out", reason }).about(&path).into_response()
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(methods) = HeaderValue::from_str(&allowed.methods(&path))
    {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    if response.content_type() == Some(PROBLEM_MEDIA_TYPE) {
        name_instance(&mut response, &path).await;
    }
    finish(&mut response, &path);
    if is_head {
        leave_out_body(&mut response).await;
    }
    response
}

/// What is to be done before an operation is asked for: everything that may be refused to anybody.
async fn prepare(request: &mut Request, method: &Method, limiter: &Limiter, app: &App) -> Result<()> {
    let query = request.uri().query().unwrap_or_default();
    if query.contains("%00") {
        let reason = "no text here has a NUL in it".to_owned();
        return Err(Error::Invalid { what: "query", reason });
    }
    let principal = admit(request, method, limiter, app).await?;
    let path = request.uri().path().to_owned();
    read_json(request, &path, principal.is_some()).await
}

/// Operations do not know what they were asked as.
async fn name_instance(response: &mut Response, path: &str) {
    let bytes = response.take_body().into_bytes().await.unwrap_or_default();
    let named = serde_json::from_slice::<vsekai_updater::net::api::Problem>(&bytes).and_then(|problem| {
        serde_json::to_vec(&vsekai_updater::net::api::Problem { instance: path.to_owned(), ..problem })
    });
    response.set_body(named.map_or(bytes, Into::into));
}

/// The head is that of GET, its length included.
async fn leave_out_body(response: &mut Response) {
    let bytes = response.take_body().into_bytes().await.unwrap_or_default();
    if response.status() != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    response.set_body(Body::empty());
}

/// Reads the body of an operation that takes JSON: poem-openapi would read one without end.
async fn read_json(request: &mut Request, path: &str, is_known: bool) -> Result<()> {
    let is_streamed = path.contains("/documents/") && is_known;
    if is_streamed || matches!(*request.method(), Method::GET | Method::OPTIONS) {
        return Ok(());
    }
    let max = match (is_known, path) {
        (false, _) => MAX_STRANGER_BYTES,
        (true, "/api/v1/repository/trust") => MAX_TRUST_BYTES,
        (true, _) => MAX_JSON_BYTES,
    };
    let length = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if !is_known && length.is_some_and(|length| length > max) {
        return Err(Error::Unauthorized);
    }
    let read = tokio::time::timeout(BODY_TIMEOUT, limit::read_body(request.take_body(), max)).await;
    let slow = |_| Error::Invalid { what: "body", reason: "it did not arrive within a minute".to_owned() };
    match read.map_err(slow)? {
        Err(Error::TooLarge { .. }) if !is_known => Err(Error::Unauthorized),
        Err(error) => Err(error),
        Ok(bytes) => {
            request.set_body(bytes);
            Ok(())
        }
    }
}

/// What every answer has.
fn finish(response: &mut Response, path: &str) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if path.starts_with("/api/") || path == "/openapi.json" {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(MAY));
    }
}

/// Counts what changes something, and wrong tokens, and says when it is too much. Gives whose token it is, if it is
/// a valid one.
async fn admit(request: &Request, method: &Method, limiter: &Limiter, app: &App) -> Result<Option<Principal>> {
    let address = limiter.address_of(request);
    limiter.check_patience(address)?;
    // Read as the operations read it: "bearer" in small letters is one, too, and must not be a way around.
    let token = Bearer::from_request(request).ok();
    let principal = match token {
        None => None,
        Some(token) => match app.tokens.recognise(&token.token).await {
            Ok(principal) => Some(principal),
            Err(Error::Unauthorized) => {
                limiter.note_wrong_token(address);
                None
            }
            Err(error) => return Err(error),
        },
    };
    if method == Method::GET || method == Method::OPTIONS {
        return Ok(principal);
    }
    limiter.check_write(principal.as_ref().map(|principal| principal.id), address)?;
    Ok(principal)
}

/// Who may put chunks.
#[derive(Debug)]
struct Door {
    app: Arc<App>,
    limiter: Arc<Limiter>,
}

#[async_trait]
impl Gate for Door {
    async fn may_put(&self, request: &Request) -> Result<()> {
        let address = self.limiter.address_of(request);
        self.limiter.check_patience(address)?;
        // desync sends the whole header as it is configured.
        let given = request.header(header::AUTHORIZATION).unwrap_or_default();
        let token = given.strip_prefix("Bearer ").unwrap_or(given);
        let principal: Principal = match self.app.tokens.recognise(token).await {
            Err(Error::Unauthorized) => {
                self.limiter.note_wrong_token(address);
                return Err(Error::Unauthorized);
            }
            outcome => outcome?,
        };
        principal.require_publish_any()?;
        self.limiter.check_put(principal.id)
    }
}

#[derive(Clone)]
struct Ready {
    service: Arc<Service>,
    ready: Arc<AtomicBool>,
}

/// The process runs.
#[handler]
fn healthz() -> &'static str {
    "ok\n"
}

/// Requests can be answered: the database answers, and the server is not about to end.
#[handler]
async fn readyz(ready: poem::web::Data<&Ready>) -> Response {
    if !ready.ready.load(Ordering::Relaxed) {
        let reason = "The server is about to end".to_owned();
        return Problem::of(&Error::Unavailable { code: "shutting_down", reason }).into_response();
    }
    if let Ok(Ok(())) = tokio::time::timeout(Duration::from_secs(2), ready.service.db().ping()).await {
        return "ready\n".into_response();
    }
    let reason = "The database does not answer".to_owned();
    Problem::of(&Error::Unavailable { code: "database_busy", reason }).into_response()
}

/// What somebody sees who opens the server's address.
#[handler]
fn welcome() -> poem::web::Html<&'static str> {
    poem::web::Html(include_str!("app/welcome.html"))
}
