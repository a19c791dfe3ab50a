//! The rules, independent of databases and stores: what may be published, changed and signed.
//!
//! ```text
//! change          decide on a View -> sign the new catalog -> RepositoryDb::apply; start over if the view was stale
//!   modes, cdns, trust, publish, news, halts    the decisions
//!   catalog       rows -> catalog                                          (pure)
//!   sign          catalog -> signed metadata, with this server's keys      (in memory)
//! bundles         bundles that publishers send
//! incoming        checks a tree while its chunks arrive
//! rebuild         does the tree made of the stored chunks match the file table? for those that could not be followed
//! rebuilt         those that need not be rebuilt when their commit is repeated
//! renew           signs again before anything expires
//! fitness         may this server sign: its keys and its clock
//! metadata_pack   all metadata in force in one file, tuf/current.pack
//! ```
//!
//! Promises: what clients see changes in one transaction or not at all; nothing is signed unless it was verified; this
//! server never signs what the publisher's offline keys must sign. It knows neither HTTP nor SQL.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::bundles::Bundles;
use crate::chunks::Chunks;
use crate::db::{Applied, Change, Db, Publish, RowChange, View};
use crate::error::{Error, Result};
use crate::model::{AuditEntry, Time};
use crate::reports::Reports;
use crate::upkeep::Upkeep;

mod bundles;
pub mod catalog;
mod cdns;
mod fitness;
mod halts;
mod incoming;
pub mod metadata_pack;
mod modes;
mod news;
pub mod offers;
pub mod publish;
mod rebuild;
mod rebuilt;
mod renew;
mod sign;
mod statement;
mod submission;
mod trust;

pub use bundles::NewBundle;
pub(crate) use cdns::is_private_host;
pub use cdns::{CdnEdit, check_uri};
pub(crate) use halts::{is_in_rollout, open_halts, passed_limit};
pub use modes::{ModeEdit, VersionEdit};
pub use renew::{expiries, is_signed_here, timestamp_version, warning_days};
pub use sign::{Accept, Signer};
pub(crate) use vsekai_updater::net::http::is_private;

/// How often to decide again because the view was stale.
const MAX_DECISIONS: u32 = 20;

/// Who makes a change.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The id of a token, or a part of the program such as `renew`.
    pub name: String,
    /// The id of the request in the log.
    pub request_id: String,
}

impl Actor {
    /// The program itself: one of its parts.
    pub fn program(part: &str) -> Self {
        Self { name: part.to_owned(), request_id: String::new() }
    }

    /// An entry of the audit log, of now.
    fn entry(&self, action: &str, subject: String, detail: &serde_json::Value) -> AuditEntry {
        AuditEntry {
            id: Uuid::now_v7(),
            at: Time::now(),
            actor: self.name.clone(),
            action: action.to_owned(),
            subject,
            detail: detail.to_string(),
            request_id: self.request_id.clone(),
        }
    }
}

/// A change of the repository, decided on a [`View`] but not signed yet.
#[derive(Debug, Default)]
struct Decision {
    rows: Vec<RowChange>,
    publish: Option<Publish>,
    /// The files of a publication.
    files: Vec<crate::model::RepositoryFile>,
    /// Metadata that was signed elsewhere.
    accept: Accept,
    /// Whether to sign even if nothing else changes.
    renew: Renewal,
    /// Action and subject, for the audit log; no entry if the action is empty.
    audit: (&'static str, String),
    /// Before and after, for the audit log.
    detail: serde_json::Value,
}

/// What is signed although nothing changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Renewal {
    /// Nothing.
    #[default]
    No,
    /// Snapshot and timestamp, and the catalog if it is due.
    Due,
    /// All that this server signs, so that the version of each goes up.
    All,
}

/// A callback for changes made by this process.
#[derive(Default)]
struct Hook(std::sync::OnceLock<Callback>);

type Callback = Box<dyn Fn(&[AuditEntry]) + Send + Sync>;

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hook({})", self.0.get().is_some())
    }
}

/// Applies the rules to one repository.
#[derive(Debug)]
pub struct Service {
    changed: Hook,
    upkeep: Upkeep,
    reports: Reports,
    db: Arc<dyn Db>,
    chunks: Arc<Chunks>,
    bundles: Arc<Bundles>,
    signer: Signer,
    /// The region of this server, in the operator's words.
    region: String,
    /// How long a publication may take, in seconds.
    upload_ttl_s: i64,
    /// Whether CDNs may have private addresses.
    allow_private_cdns: bool,
    /// Whether to sign although an earlier signature ends later than one of now.
    trust_clock: bool,
    /// Trees that need not be rebuilt when their commit is repeated.
    rebuilt: rebuilt::Rebuilt,
    /// Trees that are checked while their chunks arrive.
    incoming: incoming::Incoming,
    /// Where bundles are checked.
    scratch: PathBuf,
    /// Held while a bundle is checked, which takes memory for its largest section.
    checking: tokio::sync::Mutex<()>,
    /// Held while an index is read, whose entries take as much memory as the index itself.
    reading: tokio::sync::Mutex<()>,
}

/// Settings of a [`Service`].
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The region of this server: CDNs of the same region come first.
    pub region: String,
    /// How long a publication may take, and how long what it has sent is kept, in seconds.
    pub upload_ttl_s: i64,
    /// Whether CDNs may have private addresses: for tests and local networks.
    pub allow_private_cdns: bool,
    /// Whether to sign although an earlier signature ends later than one of now.
    pub trust_clock: bool,
    /// A folder for bundles while they are checked.
    pub scratch: PathBuf,
}

impl Service {
    /// Puts the parts together.
    pub fn new(
        db: Arc<dyn Db>,
        chunks: Arc<Chunks>,
        bundles: Arc<Bundles>,
        signer: Signer,
        options: ServiceOptions,
    ) -> Self {
        let ServiceOptions { region, upload_ttl_s, allow_private_cdns, trust_clock, scratch } = options;
        let (changed, upkeep, reports) = (Hook::default(), Upkeep::default(), Reports::default());
        let reading = tokio::sync::Mutex::default();
        Self {
            changed,
            upkeep,
            reports,
            db,
            chunks,
            bundles,
            signer,
            region,
            upload_ttl_s,
            allow_private_cdns,
            trust_clock,
            rebuilt: rebuilt::Rebuilt::default(),
            incoming: incoming::Incoming::default(),
            scratch,
            checking: tokio::sync::Mutex::default(),
            reading,
        }
    }

    /// Sets a callback for every change made by this process, called before the change is reported to the client, with its
    /// entries of the audit log: cached parts of the repository are stale then. Only the first callback is kept.
    pub fn on_change(&self, call: impl Fn(&[AuditEntry]) + Send + Sync + 'static) {
        let _ = self.changed.0.set(Box::new(call));
    }

    /// The database, for reading.
    pub fn db(&self) -> &Arc<dyn Db> {
        &self.db
    }

    /// The chunk store.
    pub fn chunks(&self) -> &Arc<Chunks> {
        &self.chunks
    }

    /// The bundle store.
    pub fn bundles(&self) -> &Arc<Bundles> {
        &self.bundles
    }

    /// What the background tasks of this process have done.
    pub fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    /// What players have reported to this process.
    pub fn reports(&self) -> &Reports {
        &self.reports
    }

    /// How long a publication may take, and how long what it has sent is kept, in seconds.
    pub fn upload_ttl_s(&self) -> i64 {
        self.upload_ttl_s
    }

    /// The region of this server.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Decides, signs and applies, and starts over if the view was stale. A decision without changes ends it.
    async fn change(&self, actor: &Actor, decide: impl Fn(&View) -> Result<Decision> + Sync) -> Result<()> {
        for _ in 0..MAX_DECISIONS {
            let view = self.db.view().await?;
            let decision = decide(&view)?;
            if decision.rows.is_empty() && decision.accept.is_empty() && decision.renew == Renewal::No {
                return Ok(());
            }
            self.check_clock(&view).await?;
            let change = self.sign(&view, decision, actor).await?;
            match self.db.apply(&change).await? {
                Applied::Done(_) => {
                    self.reports.changed();
                    if let Some(call) = self.changed.0.get() {
                        call(&change.audit);
                    }
                    return Ok(());
                }
                Applied::Stale => {}
                Applied::ChunksMissing(ids) => return Err(Error::ChunksMissing(ids)),
            }
        }
        Err(Error::Unavailable {
            code: "database_busy",
            reason: "The repository keeps changing; try again in a moment".to_owned(),
        })
    }

    /// Signs a decision, and makes the change for one transaction.
    async fn sign(&self, view: &View, decision: Decision, actor: &Actor) -> Result<Change> {
        let after = view.after(&decision.rows);
        let catalog = catalog::catalog_of(&after, &self.region)?;
        let signed = self.signer.sign(view.metadata.clone(), catalog, decision.accept, decision.renew).await?;
        let at = Time::now();
        let mut files = decision.files;
        files.extend(signed.files);
        let (action, subject) = decision.audit;
        let entry = AuditEntry { at, ..actor.entry(action, subject, &decision.detail) };
        Ok(Change {
            revision: view.revision,
            rows: decision.rows,
            publish: decision.publish,
            files,
            in_force: signed.in_force,
            audit: if action.is_empty() { Vec::new() } else { vec![entry] },
            at,
        })
    }
}
