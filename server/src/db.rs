//! The database: domain types in and out, every rule above it.
//!
//! ```text
//! Db           what the service asks of a database                 this file
//!   BundleDb   the part of it for bundles                         db/bundles.rs
//! statements   one text for SQLite, PostgreSQL and CockroachDB     db/sql.rs
//! body         what runs them, compiled once for each driver       db/body/, by db/sqlite.rs and db/postgres.rs
//! migrations   one schema for all                                  ../migrations, db/migrate.rs
//! ```
//!
//! Promises: every method is one transaction, serializable, and is tried again when the database asks for it
//! (SQLSTATE 40001), so that the caller sees it happen once or not at all. Each method can be repeated: a lost
//! answer is safe. What changes the signed repository goes through [`Db::apply`] and nothing else. It does not
//! decide anything, and it makes neither times nor identifiers.

mod bundles;
mod migrate;
mod postgres;
mod retry;
mod rows;
mod sql;
mod sqlite;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::Platform;

use crate::error::{Error, Result};
use crate::model::{
    AuditEntry, Cdn, DocumentKind, Health, Mode, ModeVersion, NewChunk, RepositoryFile, Time, Token, Upload,
    VersionFile, VersionState,
};

pub use bundles::BundleDb;
pub use sql::statements;

/// How many connections there are, and how long one waits for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// Connections to `PostgreSQL` or `CockroachDB`: about four for each core of the database, divided by the number of
    /// servers. On `SQLite`, those that read; one more writes.
    pub connections: u32,
    /// After this long without a free connection the answer is `database_busy`.
    pub acquire_timeout: Duration,
}

impl Default for Pools {
    fn default() -> Self {
        Self { connections: 8, acquire_timeout: Duration::from_secs(10) }
    }
}

/// Opens a database and brings its tables up to date: `sqlite:PATH`, `postgres://…`, `postgresql://…` or
/// `cockroachdb://…`.
///
/// # Errors
/// [`Error::Config`] if the URL is not one of these or the database's tables are those of a newer server.
pub async fn open(url: &str, pools: &Pools) -> Result<Arc<dyn Db>> {
    match url.split_once(':') {
        Some(("sqlite", _)) => sqlite::open(url, pools).await,
        Some(("postgres" | "postgresql" | "cockroachdb", _)) => postgres::open(url, pools).await,
        _ => {
            let reason = "The database's URL begins with sqlite:, postgres://, postgresql:// or cockroachdb://";
            Err(Error::Config(reason.to_owned()))
        }
    }
}

/// Copies an `SQLite` database to a new file while it is in use.
///
/// # Errors
/// [`Error::Config`] for other databases, which have tools of their own for it, and if the file is there already.
pub async fn backup(url: &str, file: &std::path::Path) -> Result<()> {
    if url.starts_with("sqlite:") {
        return sqlite::backup(url, file).await;
    }
    Err(Error::Config("backup copies SQLite only; use pg_dump, or BACKUP on CockroachDB".to_owned()))
}

/// Everything that the signed catalog is made of, at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Counts every change of the repository.
    pub revision: u64,
    /// All modes, by name.
    pub modes: Vec<Mode>,
    /// All versions, withdrawn ones too: what was published once keeps its row.
    pub versions: Vec<ModeVersion>,
    /// The platforms of those that are published or recalled.
    pub platforms: Vec<(Uuid, Platform)>,
    /// All CDNs.
    pub cdns: Vec<Cdn>,
    /// The signed metadata in force, and the catalog: what the next signature builds on.
    pub metadata: Vec<RepositoryFile>,
}

/// A change of one row. Rows are whole: what is there is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// Adds or replaces.
    Mode(Mode),
    /// Adds or replaces.
    Version(ModeVersion),
    /// Adds or replaces the file of this version, platform and name.
    File(VersionFile),
    /// Takes the files of a version and platform away, and its references to chunks.
    RemoveFiles(Uuid, Platform),
    /// Adds or replaces, but for what probing has found.
    Cdn(Cdn),
    /// Takes away.
    RemoveCdn(Uuid),
}

/// The end of a publication, as part of a [`Change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The upload; its documents are removed.
    pub upload_id: Uuid,
    /// The mode's count.
    pub sequence: u64,
    /// What is published.
    pub version_id: Uuid,
    /// For what.
    pub platform: Platform,
    /// All its chunks, each once. Each must be live, or nothing happens.
    pub chunks: Vec<ChunkId>,
}

/// A change of the repository: rows, the files that were signed for them, and who did it. All or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The revision that it was decided on.
    pub revision: u64,
    /// In this order.
    pub rows: Vec<RowChange>,
    /// A publication that ends with it.
    pub publish: Option<Publish>,
    /// Files to add or replace; they are the metadata in force then if `in_force` names them.
    pub files: Vec<RepositoryFile>,
    /// The paths of all metadata that is in force after this change; what is not among them can be removed later.
    pub in_force: Vec<String>,
    /// For the audit log.
    pub audit: Vec<AuditEntry>,
    /// When.
    pub at: Time,
}

/// What [`Db::apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// All of it. The new revision.
    Done(u64),
    /// Nothing: another change came between. Decide again.
    Stale,
    /// Nothing: these chunks are not live.
    ChunksMissing(Vec<ChunkId>),
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<K> {
    /// Begin after this one.
    pub after: Option<K>,
    /// At most so many.
    pub limit: u32,
}

/// Which modes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModeFilter {
    /// This name only.
    pub name: Option<String>,
    /// Published or not.
    pub is_active: Option<bool>,
}

/// Which versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionFilter {
    /// Of this mode.
    pub mode_id: Option<Uuid>,
    /// With this state.
    pub state: Option<VersionState>,
    /// This version only, as text.
    pub version: Option<String>,
    /// That run on this.
    pub platform: Option<Platform>,
    /// Never offered by themselves, or not.
    pub skip_update: Option<bool>,
    /// Recalled or not.
    pub recalled: Option<bool>,
}

/// Which files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFilter {
    /// Of this version.
    pub version_id: Option<Uuid>,
    /// For this platform.
    pub platform: Option<Platform>,
    /// This name only.
    pub file_name: Option<String>,
}

/// Which CDNs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CdnFilter {
    /// In this region.
    pub region: Option<String>,
    /// In use or not.
    pub is_enabled: Option<bool>,
    /// Healthy or not.
    pub is_healthy: Option<bool>,
}

/// How clean-up is doing: chunks by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkCounts {
    /// In use, or kept for a while.
    pub live: u64,
    /// Stored bytes of those.
    pub live_bytes: u64,
    /// To be removed after the grace.
    pub doomed: u64,
    /// Being removed.
    pub deleting: u64,
}

/// See the module's head.
#[async_trait]
pub trait Db: BundleDb + fmt::Debug + Send + Sync {
    /// Whether it answers.
    async fn ping(&self) -> Result<()>;

    // The repository

    /// What the catalog is made of, from one moment.
    async fn view(&self) -> Result<View>;
    /// Makes a change if the revision is still that of its decision.
    async fn apply(&self, change: &Change) -> Result<Applied>;
    /// A file below `tuf/` or `targets/`.
    async fn repository_file(&self, path: &str) -> Result<Option<Bytes>>;
    /// The revision alone: cheap, to see whether something changed.
    async fn revision(&self) -> Result<u64>;
    /// The paths of all files of the repository, after this one, in order.
    async fn repository_paths(&self, page: &Page<String>) -> Result<Vec<String>>;

    // Lists. `after` is the last entry of the page before; an entry that is gone does not disturb.

    /// Modes by name.
    async fn modes(&self, filter: &ModeFilter, page: &Page<String>) -> Result<Vec<Mode>>;
    /// A mode.
    async fn mode(&self, id: Uuid) -> Result<Option<Mode>>;
    /// Versions, the highest of each precedence order first: by sort key downwards, then by id.
    async fn versions(&self, filter: &VersionFilter, page: &Page<(Vec<u8>, Uuid)>) -> Result<Vec<ModeVersion>>;
    /// A version.
    async fn version(&self, id: Uuid) -> Result<Option<ModeVersion>>;
    /// Files by id.
    async fn files(&self, filter: &FileFilter, page: &Page<Uuid>) -> Result<Vec<VersionFile>>;
    /// A file.
    async fn file(&self, id: Uuid) -> Result<Option<VersionFile>>;
    /// CDNs by name.
    async fn cdns(&self, filter: &CdnFilter, page: &Page<String>) -> Result<Vec<Cdn>>;
    /// A CDN.
    async fn cdn(&self, uid: Uuid) -> Result<Option<Cdn>>;
    /// Keeps what a probe has found. No part of the repository: no new revision.
    async fn put_health(&self, uid: Uuid, health: &Health) -> Result<()>;
    /// The audit log, the newest first.
    async fn audit(&self, page: &Page<Uuid>) -> Result<Vec<AuditEntry>>;
    /// Adds a line to the audit log. Those of a [`Change`] are added by it.
    async fn add_audit(&self, entry: &AuditEntry) -> Result<()>;

    // Publications

    /// Begins an upload, or gives the one of this id as it is.
    async fn begin_upload(&self, upload: &Upload) -> Result<Upload>;
    /// An upload.
    async fn upload(&self, id: Uuid) -> Result<Option<Upload>>;
    /// Keeps a part of an upload, in place of what was there.
    async fn put_document(&self, upload: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()>;
    /// A part of an upload.
    async fn document(&self, upload: Uuid, kind: DocumentKind) -> Result<Option<Bytes>>;
    /// Which parts of an upload are there.
    async fn documents(&self, upload: Uuid) -> Result<Vec<DocumentKind>>;
    /// Removes uploads that expired before this and never became a version, and what was kept for them. Gives their
    /// number.
    async fn reap_uploads(&self, before: Time) -> Result<u64>;

    // Chunks: rows. Bytes are here too when the database is the chunk store.

    /// Those of `ids` (at most 5,000) that are not live; keeps the others at least until then, which is when the
    /// asking upload expires. Those that a version needs are kept anyway, and if that version goes, until every
    /// upload that is open now has expired.
    async fn missing(&self, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>>;
    /// Makes a chunk live, with its bytes if they are kept here. Gives whether it was not live before.
    /// Nothing happens, and it gives nothing, while the chunk is being deleted.
    async fn put_chunk(&self, chunk: &NewChunk, bytes: Option<Bytes>) -> Result<Option<bool>>;
    /// The same for many chunks, each id once, in one transaction: what [`Self::put_chunk`] gives, in their order.
    async fn put_chunks(&self, chunks: &[(NewChunk, Option<Bytes>)]) -> Result<Vec<Option<bool>>>;
    /// The bytes of a chunk that is not being deleted.
    async fn chunk_bytes(&self, id: &ChunkId) -> Result<Option<Bytes>>;
    /// The stored size of a chunk that is not being deleted.
    async fn chunk_size(&self, id: &ChunkId) -> Result<Option<u64>>;
    /// Ids of live chunks after this one, in order.
    async fn chunk_ids(&self, page: &Page<ChunkId>) -> Result<Vec<ChunkId>>;
    /// How many there are.
    async fn chunk_counts(&self) -> Result<ChunkCounts>;

    // Clean-up: live -> doomed -> (deleting ->) gone

    /// How many chunks [`Self::doom`] would doom.
    async fn count_unused(&self, now: Time) -> Result<(u64, u64)>;
    /// Dooms up to `limit` live chunks that no version and no upload keeps. Gives their number.
    async fn doom(&self, now: Time, limit: u32) -> Result<u64>;
    /// Removes up to `limit` chunks doomed before this, row and bytes together. Gives their number.
    async fn sweep(&self, doomed_before: Time, limit: u32) -> Result<u64>;
    /// Claims up to `limit` chunks doomed before this, and those claimed earlier, for deletion elsewhere.
    async fn claim(&self, doomed_before: Time, limit: u32) -> Result<Vec<ChunkId>>;
    /// Forgets chunks whose deletion is done.
    async fn forget(&self, ids: &[ChunkId]) -> Result<()>;
    /// Removes files of the repository that have not been in force since before this, and that no version names.
    async fn remove_superseded(&self, before: Time) -> Result<u64>;

    // Tokens and leases

    /// Adds a token.
    async fn put_token(&self, token: &Token) -> Result<()>;
    /// Adds a token if there is none at all yet. Gives whether it was added.
    async fn put_first_token(&self, token: &Token) -> Result<bool>;
    /// A token.
    async fn token(&self, id: Uuid) -> Result<Option<Token>>;
    /// All tokens, by id.
    async fn tokens(&self, page: &Page<Uuid>) -> Result<Vec<Token>>;
    /// Takes a token back. Gives whether there is one.
    async fn revoke_token(&self, id: Uuid, at: Time) -> Result<bool>;
    /// Notes that a token was used.
    async fn touch_token(&self, id: Uuid, at: Time) -> Result<()>;
    /// Takes or keeps a lease. Gives whether `holder` has it now.
    async fn lease(&self, name: &str, holder: &str, now: Time, until: Time) -> Result<bool>;
}
