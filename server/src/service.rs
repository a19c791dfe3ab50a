//! The rules, once for all databases and stores: what may be published, changed and signed.
//!
//! ```text
//! change     decide on a View -> sign the catalog that follows -> Db::apply, again if another came between
//!   modes, versions, cdns, trust, publish     what is decided
//!   catalog    rows -> catalog                            (pure)
//!   sign       catalog -> signed metadata                 (this server's keys, in memory)
//! rebuild    index + chunks -> does the file table tell the truth?
//! renew      signs again before anything expires
//! ```
//!
//! Promises: what clients see changes in one transaction or not at all; nothing is signed that was not verified; what
//! the publisher's offline keys must say is never said by this server. It speaks neither HTTP nor SQL.

use std::sync::Arc;

use uuid::Uuid;

use crate::bundles::Bundles;
use crate::chunks::Chunks;
use crate::db::{Applied, Change, Db, Publish, RowChange, View};
use crate::error::{Error, Result};
use crate::model::{AuditEntry, Time};

pub mod catalog;
mod cdns;
mod modes;
pub mod publish;
mod rebuild;
mod renew;
mod sign;
mod trust;

pub(crate) use cdns::is_private;
pub use cdns::{CdnEdit, check_uri};
pub use modes::{ModeEdit, VersionEdit};
pub use sign::{Accept, Signer};

/// How often a change is decided anew because another came between.
const MAX_DECISIONS: u32 = 20;

/// Who asks for a change.
#[derive(Debug, Clone)]
pub struct Actor {
    /// A token's identifier, or a part of the program such as `renew`.
    pub name: String,
    /// The request, to be found in the log.
    pub request_id: String,
}

impl Actor {
    /// A part of the program.
    pub fn program(part: &str) -> Self {
        Self { name: part.to_owned(), request_id: String::new() }
    }
}

/// What is to be changed, decided on a [`View`].
#[derive(Debug, Default)]
struct Decision {
    rows: Vec<RowChange>,
    publish: Option<Publish>,
    /// Files of a publication.
    files: Vec<crate::model::RepositoryFile>,
    /// Metadata that was signed elsewhere.
    accept: Accept,
    /// Sign although nothing else changes.
    renew: bool,
    /// Action and subject, for the audit log.
    audit: (&'static str, String),
    /// Before and after, for the audit log.
    detail: serde_json::Value,
}

/// What is called after every change that this process has made.
#[derive(Default)]
struct Hook(std::sync::OnceLock<Box<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hook({})", self.0.get().is_some())
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Service {
    changed: Hook,
    db: Arc<dyn Db>,
    chunks: Arc<Chunks>,
    bundles: Arc<Bundles>,
    signer: Signer,
    /// This server's region, a word of the operator's.
    region: String,
    /// How long what a publication has brought is kept, in seconds.
    upload_ttl_s: i64,
    /// Whether CDNs may have private addresses.
    allow_private_cdns: bool,
}

/// What a [`Service`] is told besides its parts.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// See [`Service`].
    pub region: String,
    /// Seconds.
    pub upload_ttl_s: i64,
    /// For tests and local networks.
    pub allow_private_cdns: bool,
}

impl Service {
    /// Puts it together.
    pub fn new(
        db: Arc<dyn Db>,
        chunks: Arc<Chunks>,
        bundles: Arc<Bundles>,
        signer: Signer,
        options: ServiceOptions,
    ) -> Self {
        let ServiceOptions { region, upload_ttl_s, allow_private_cdns } = options;
        Self { changed: Hook::default(), db, chunks, bundles, signer, region, upload_ttl_s, allow_private_cdns }
    }

    /// Has this called after every change that is made here, before it is answered for: what is kept in memory of the
    /// repository is out of date then. The first one stays.
    pub fn on_change(&self, call: impl Fn() + Send + Sync + 'static) {
        let _ = self.changed.0.set(Box::new(call));
    }

    /// The database, for what only reads.
    pub fn db(&self) -> &Arc<dyn Db> {
        &self.db
    }

    /// The chunks.
    pub fn chunks(&self) -> &Arc<Chunks> {
        &self.chunks
    }

    /// The bundles.
    pub fn bundles(&self) -> &Arc<Bundles> {
        &self.bundles
    }

    /// Where this server is.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Decides, signs and applies, until nothing came between. A decision without changes is the end.
    async fn change(&self, actor: &Actor, decide: impl Fn(&View) -> Result<Decision> + Sync) -> Result<()> {
        for _ in 0..MAX_DECISIONS {
            let view = self.db.view().await?;
            let decision = decide(&view)?;
            if decision.rows.is_empty() && decision.accept.is_empty() && !decision.renew {
                return Ok(());
            }
            let change = self.sign(&view, decision, actor).await?;
            match self.db.apply(&change).await? {
                Applied::Done(_) => {
                    if let Some(call) = self.changed.0.get() {
                        call();
                    }
                    return Ok(());
                }
                Applied::Stale => {}
                Applied::ChunksMissing(ids) => return Err(Error::ChunksMissing(ids)),
            }
        }
        Err(Error::Unavailable {
            code: "database_busy",
            reason: "Others change the repository all the time".to_owned(),
        })
    }

    /// Everything that one transaction needs.
    async fn sign(&self, view: &View, decision: Decision, actor: &Actor) -> Result<Change> {
        let after = view.after(&decision.rows);
        let catalog = catalog::catalog_of(&after, &self.region)?;
        let signed = self.signer.sign(view.metadata.clone(), catalog, decision.accept, decision.renew).await?;
        let at = Time::now();
        let mut files = decision.files;
        files.extend(signed.files);
        let (action, subject) = decision.audit;
        Ok(Change {
            revision: view.revision,
            rows: decision.rows,
            publish: decision.publish,
            files,
            in_force: signed.in_force,
            audit: vec![AuditEntry {
                id: Uuid::now_v7(),
                at,
                actor: actor.name.clone(),
                action: action.to_owned(),
                subject,
                detail: decision.detail.to_string(),
                request_id: actor.request_id.clone(),
            }],
            at,
        })
    }
}
