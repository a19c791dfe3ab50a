//! The application: put together from a configuration, and run.
//!
//! ```text
//! Application    opens everything, makes the endpoint, starts the background tasks    this file
//!   middleware   around the API and the pages: HEAD, timeout, problems, headers       app/middleware.rs
//!   allow        the header Allow                                                     app/allow.rs
//!   health       /healthz, /readyz                                                    app/health.rs
//! ```
//!
//! The pages for people are in [`pages`]. Repository files are served by [`static_files`], which is in front of all of
//! that. Who may do what is decided by
//! [`auth`](crate::auth).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::{EndpointExt, Response, Route};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::api::{self, About, ApiContext};
use crate::auth::{Authorizer, Lockout, NewToken, Scope, Tokens};
use crate::bundles::{self, Builder, Bundles, Policy};
use crate::chunks::{self, Chunks, StorageLocation};
use crate::client::ClientAddresses;
use crate::config::Config;
use crate::db::{self, Db, Page, Pools};
use crate::error::{Error, Result};
use crate::gc::{self, Retention};
use crate::limit::{Limiter, Rates};
use crate::model::Time;
use crate::pages;
use crate::probe::{self, Prober};
use crate::reports;
use crate::service::{Service, ServiceOptions, Signer};
use crate::shares::{self, Reserve, Shares};
use crate::static_files::{self, StaticFiles};
use crate::webhooks::Webhooks;

mod allow;
mod health;
mod middleware;

/// How long the first token is valid, in seconds: its file may be forgotten.
const FIRST_TOKEN_S: i64 = 7 * 86_400;

/// Where it is, below the data.
const FIRST_TOKEN_FILE: &str = "admin-token";

/// The folder for bundles while they are checked, in that of the data.
const CHECKS: &str = "bundle-checks.tmp";

/// How long the counts of the last minute may take to be written at the end.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Everything a server needs, opened but not serving yet.
#[derive(Debug)]
pub struct Application {
    config: Config,
    context: Arc<ApiContext>,
    /// The name under which this process takes leases.
    holder: String,
    /// Whether new requests are welcome.
    is_ready: Arc<AtomicBool>,
    builder: Arc<Builder>,
    /// Wakes the builder when this process has changed the repository.
    changed: Arc<Notify>,
    webhooks: Arc<Webhooks>,
}

impl Application {
    /// Opens the database, the chunk store and the keys.
    ///
    /// # Errors
    /// [`Error::Config`], and those of the database and the keys.
    pub async fn open(config: Config, s3: Vec<(String, String)>) -> Result<Self> {
        let db = open_database(&config).await?;
        let options = chunks::Options {
            cache_bytes: config.chunk_cache_mib << 20,
            s3,
            ..chunks::Options::new(config.chunk_location()?)
        };
        let chunks = Arc::new(Chunks::open(Arc::clone(&db), &options)?);
        chunks.claim_place().await?;
        let bundles = Arc::new(Bundles::open(Arc::clone(&db), &options)?);
        let is_new = db.view().await?.metadata.is_empty();
        let signer = Signer::open(config.keys_folder(), is_new).await.map_err(about_keys)?;
        let options = ServiceOptions {
            region: config.region.clone(),
            upload_ttl_s: config.publication_h * 3600,
            allow_private_cdns: config.allow_private_cdns,
            trust_clock: config.trust_clock,
            scratch: config.data.join(CHECKS),
        };
        let service = Arc::new(Service::new(Arc::clone(&db), chunks, bundles, signer, options));
        let reserve = reserve(&config, &db)?;
        let tokens = Arc::new(Tokens::new(db));
        let authorizer = Arc::new(authorizer(&config, Arc::clone(&tokens)));
        let max_index_bytes = config.max_index_mib << 20;
        let shares = Arc::new(Shares::new(shares_of(&config)).with_reserve(reserve));
        let about = About { data: config.data.clone(), chunks_are_in: config.chunk_location()?.kind() };
        let context = Arc::new(ApiContext { service, tokens, authorizer, shares, max_index_bytes, about });
        let holder = Uuid::new_v4().to_string();
        let builder = Arc::new(builder(&context.service, &holder, build_options(&config)?));
        let is_ready = Arc::new(AtomicBool::new(true));
        let webhooks = Arc::new(Webhooks::open(&config).await?);
        Ok(Self { config, context, holder, is_ready, builder, changed: Arc::default(), webhooks })
    }

    /// A bundle builder with changed options: an operator may want more than the configuration says.
    pub fn builder(&self, change: impl FnOnce(&mut bundles::Options)) -> Builder {
        let mut options = self.builder.options().clone();
        change(&mut options);
        builder(&self.context.service, &self.holder, options)
    }

    /// The rules, for commands that need no server.
    pub fn service(&self) -> &Arc<Service> {
        &self.context.service
    }

    /// Makes the first token of a database that has none, and writes it to a file beside the data that its owner alone can
    /// read. Returns the file. A log is kept and passed on, so the token must not be in it.
    ///
    /// # Errors
    /// Those of the database and of the disk.
    pub async fn first_token(&self) -> Result<Option<PathBuf>> {
        if !self.context.service.db().tokens(&Page { after: None, limit: 1 }).await?.is_empty() {
            return Ok(None);
        }
        let ends = Time::now().plus_seconds(FIRST_TOKEN_S);
        let token = NewToken::make("first", &[Scope::Admin], Some(ends))?;
        let file = self.config.data.join(FIRST_TOKEN_FILE);
        let file = std::path::absolute(&file).unwrap_or(file);
        // Before the database has it: whoever is killed in between makes another one at the next start.
        write_for_owner(&file, &token.text)?;
        if self.context.service.db().put_first_token(&token.row).await? {
            return Ok(Some(file));
        }
        // Another server of the same database was faster.
        let _ = std::fs::remove_file(&file);
        Ok(None)
    }

    /// The name under which this process takes leases.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The folder whose disk has to have room.
    pub fn data(&self) -> &std::path::Path {
        &self.config.data
    }

    /// The configured retention periods.
    pub fn retention(&self) -> Retention {
        Retention { doomed_s: self.config.clean_grace_h * 3600, superseded_s: self.config.superseded_h * 3600 }
    }

    /// Declines new requests from now on; those under way are answered.
    pub fn stop(&self) {
        self.builder.stop();
        self.is_ready.store(false, Ordering::Relaxed);
    }

    /// Starts the background tasks. They end when the set is dropped.
    ///
    /// # Errors
    /// [`Error::Internal`] if the client for probes cannot be made.
    pub fn background_tasks(&self) -> Result<JoinSet<()>> {
        // What a killed server has left.
        vsekai_updater::local::disk::remove_all(&self.config.data.join(CHECKS))?;
        let mut tasks = JoinSet::new();
        let service = Arc::clone(&self.context.service);
        tasks.spawn(async move { service.renew_forever().await });
        if self.config.probe_every_s > 0 {
            let prober = Prober::new(self.config.allow_private_cdns)?;
            let every = Duration::from_secs(self.config.probe_every_s);
            tasks.spawn(probe::probe_forever(Arc::clone(self.service()), prober, self.holder.clone(), every));
        }
        let every = Duration::from_secs(self.config.reports_every_s);
        tasks.spawn(reports::forever(Arc::clone(self.service()), self.holder.clone(), every));
        if self.config.clean_every_min > 0 {
            let every = Duration::from_secs(self.config.clean_every_min * 60);
            tasks.spawn(gc::collect_forever(Arc::clone(self.service()), self.holder.clone(), every, self.retention()));
        }
        Arc::clone(&self.webhooks).start(&mut tasks, self.service(), &self.holder)?;
        tasks.spawn(Arc::clone(&self.builder).record_demand_forever());
        if self.config.bundles {
            tasks.spawn(Arc::clone(&self.builder).build_forever(Arc::clone(&self.changed)));
        }
        Ok(tasks)
    }

    /// Finishes once no requests are answered and no background tasks run: writes what was counted since the last
    /// write, and waits a second for a build to end.
    pub async fn finish(&self) {
        let service = &self.context.service;
        let write = service.bundles().demand().write(service.db().as_ref());
        if !matches!(tokio::time::timeout(LAST_WRITE, write).await, Ok(Ok(()))) {
            tracing::warn!(event = "demand_not_recorded", "the demand for bundles in the last minute was not recorded");
        }
        let write = service.reports().write(service.db().as_ref());
        if !matches!(tokio::time::timeout(LAST_WRITE, write).await, Ok(Ok(()))) {
            tracing::warn!(event = "reports_not_recorded", "the last reports of players were not recorded");
        }
        self.builder.finish().await;
    }

    /// Answers every request.
    pub fn endpoint(&self) -> BoxEndpoint<'static, Response> {
        let files = self.static_files();
        let readiness = health::Readiness::new(Arc::clone(self.service()), Arc::clone(&self.is_ready));
        let routes = pages::add(health::add(Route::new()), &self.config, self.service());
        let routes = routes.nest_no_strip("/api", api::service()).data(Arc::clone(&self.context)).data(readiness);
        let allowed = Arc::new(allow::Allowed::of(&api::spec()));
        let routes = routes.around(move |endpoint, request| {
            let allowed = Arc::clone(&allowed);
            async move { Ok(middleware::answer(&endpoint, request, &allowed).await) }
        });
        let addresses = Arc::new(ClientAddresses::new(&self.config.trusted_proxies));
        files
            .before(routes)
            .around(move |endpoint, request| {
                let addresses = Arc::clone(&addresses);
                async move { Ok(crate::observe::observe(&endpoint, request, &addresses).await) }
            })
            .boxed()
    }

    fn static_files(&self) -> Arc<StaticFiles> {
        let service = &self.context.service;
        let options =
            static_files::Options { keep_s: self.config.publication_h * 3600, ..static_files::Options::default() };
        let (chunks, bundles) = (Arc::clone(service.chunks()), Arc::clone(service.bundles()));
        let authorizer = Arc::clone(&self.context.authorizer);
        let shares = Arc::clone(&self.context.shares);
        let files = Arc::new(StaticFiles::new(chunks, bundles, Arc::clone(service.db()), authorizer, shares, options));
        let (stale, wake) = (Arc::clone(&files), Arc::clone(&self.changed));
        let webhooks = Arc::clone(&self.webhooks);
        service.on_change(move |entries| {
            stale.changed();
            webhooks.tell_changes(entries);
            wake.notify_one();
        });
        files
    }
}

/// Opens the database alone, for what needs neither chunks nor keys.
///
/// # Errors
/// Those of the database, and of the disk with the data folder.
pub async fn open_database(config: &Config) -> Result<Arc<dyn Db>> {
    let data = config.data.clone();
    let make = tokio::task::spawn_blocking(move || vsekai_updater::local::disk::prefer_private_directory(&data)).await;
    make.map_err(Error::internal_by("making the folder of the data"))??;
    let pools = Pools { connections: config.database_connections, ..Pools::default() };
    db::open(&config.database_url(), &pools).await
}

/// A damaged key, with what to do about it.
fn about_keys(error: Error) -> Error {
    match error {
        Error::Updater(error) if error.code() == "invalid_argument" => Error::config(
            error.message_with_causes(),
            "Put that file back from the backup of the folder of keys; remove it only if nothing was published yet",
        ),
        other => other,
    }
}

fn authorizer(config: &Config, tokens: Arc<Tokens>) -> Authorizer {
    let rates = Rates { writes_per_second: config.writes_per_second, puts_per_second: config.chunk_puts_per_second };
    Authorizer::new(
        tokens,
        ClientAddresses::new(&config.trusted_proxies),
        Lockout::new(config.wrong_tokens_per_minute),
        Limiter::new(rates),
    )
}

fn shares_of(config: &Config) -> shares::Limits {
    shares::Limits {
        memory_bytes: config.upload_memory_mib << 20,
        publications: config.open_publications,
        unpublished_bytes: config.unpublished_gib << 30,
        kept: Duration::from_secs(config.publication_h.unsigned_abs() * 3600),
        ..shares::Limits::default()
    }
}

/// What uploads leave free. They use empty pages of an `SQLite` file, which does not shrink, before the disk.
fn reserve(config: &Config, db: &Arc<dyn Db>) -> Result<Reserve> {
    let folders = std::iter::once(config.data.clone()).chain(config.database_folder()).collect();
    let is_in_database = config.chunk_location()? == StorageLocation::Database;
    let database = is_in_database.then(|| Arc::clone(db));
    Ok(Reserve::new(folders, config.disk_reserve_mib << 20, database))
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

/// Writes a secret to a new file that only its owner can read; on Windows, those who can read its folder, which is made for
/// the owner alone.
fn write_for_owner(path: &Path, secret: &str) -> Result<()> {
    let failed = |error: std::io::Error| {
        let reason = format!("cannot write {}: {}", path.display(), vsekai_updater::text::system_reason(&error));
        Error::config(reason, "Let the user of the server write there, or choose another folder with `--data DIR`")
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
