//! The signed repository: everything its catalog is made of, and the one way to change it.

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::Platform;

use crate::error::Result;
use crate::model::{AuditEntry, Cdn, Halt, Mode, ModeVersion, RepositoryFile, Time, VersionFile};

/// Everything the signed catalog is made of, at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Counts changes of the repository.
    pub revision: u64,
    /// All modes, by name.
    pub modes: Vec<Mode>,
    /// All versions, including withdrawn ones: a published version keeps its row for ever.
    pub versions: Vec<ModeVersion>,
    /// The platforms of those that are published or recalled.
    pub platforms: Vec<(Uuid, Platform)>,
    /// All CDNs, by name.
    pub cdns: Vec<Cdn>,
    /// The signed metadata in force, and the catalog: what the next signature builds on.
    pub metadata: Vec<RepositoryFile>,
}

/// A change of one row. Rows are replaced whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// Adds or replaces a mode.
    Mode(Mode),
    /// Adds or replaces a version.
    Version(ModeVersion),
    /// Adds or replaces the file with this version, platform and name.
    File(VersionFile),
    /// Removes the files of a version and platform, and its references to chunks.
    RemoveFiles(Uuid, Platform),
    /// Adds or replaces a CDN. The health of an existing one is kept.
    Cdn(Cdn),
    /// Removes a CDN.
    RemoveCdn(Uuid),
    /// Marks a target that belongs to no version, by its path, to be removed later.
    RemoveTarget(String),
    /// Records that reports have stopped a rollout.
    Halt(Halt),
    /// Forgets what was reported about a version, and that this stopped its rollout.
    ForgetReports(Uuid),
}

/// The end of a publication, as part of a [`Change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The upload to end. Its documents are removed.
    pub upload_id: Uuid,
    /// The mode's sequence number after this publication.
    pub sequence: u64,
    /// The version that is published.
    pub version_id: Uuid,
    /// The platform that it is published for.
    pub platform: Platform,
    /// All its chunks, each once. Unless all are live, nothing is changed.
    pub chunks: Vec<ChunkId>,
}

/// A change of the repository: rows, the files signed for them, and who made it. All or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The revision that the change was decided on.
    pub revision: u64,
    /// The rows to change, in this order.
    pub rows: Vec<RowChange>,
    /// The publication that this change completes.
    pub publish: Option<Publish>,
    /// Files to add or replace. They come into force if `in_force` names them.
    pub files: Vec<RepositoryFile>,
    /// The paths of all metadata in force after this change. Metadata not listed here may be removed later.
    pub in_force: Vec<String>,
    /// Entries for the audit log.
    pub audit: Vec<AuditEntry>,
    /// When the change was made.
    pub at: Time,
}

/// What [`RepositoryDb::apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Made the change. This is the new revision.
    Done(u64),
    /// Nothing: the repository has changed since the decision. Decide again.
    Stale,
    /// Nothing: these chunks are not live.
    ChunksMissing(Vec<ChunkId>),
}

/// Reads and changes the signed repository.
#[async_trait]
pub trait RepositoryDb {
    /// The repository at one moment.
    async fn view(&self) -> Result<View>;
    /// Makes a change if the revision is still the one it was decided on.
    async fn apply(&self, change: &Change) -> Result<Applied>;
    /// A file below `tuf/` or `targets/`.
    async fn repository_file(&self, path: &str) -> Result<Option<Bytes>>;
    /// The revision alone: a cheap way to see whether anything changed.
    async fn revision(&self) -> Result<u64>;
    /// All files of the repository as of one moment, by path.
    async fn repository_files(&self) -> Result<Vec<RepositoryFile>>;
    /// Removes files that have been out of force since before this and that no version names. Returns how many.
    async fn remove_superseded(&self, before: Time) -> Result<u64>;
}
