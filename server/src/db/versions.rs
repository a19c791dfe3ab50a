//! Modes, versions and their files as lists. Reading only: changes go through
//! [`apply`](super::RepositoryDb::apply).
//!
//! Paging: [`Page::after`] is the last entry of the previous page. It need not exist any more.

use async_trait::async_trait;
use uuid::Uuid;
use vsekai_updater::formats::release::Platform;

use super::Page;
use crate::error::Result;
use crate::model::{Mode, ModeVersion, VersionFile, VersionState};

/// Selects modes. `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModeFilter {
    /// The name to match.
    pub name: Option<String>,
    /// Whether they are still published.
    pub is_active: Option<bool>,
}

/// Selects versions. `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionFilter {
    /// The mode to match.
    pub mode_id: Option<Uuid>,
    /// The state to match.
    pub state: Option<VersionState>,
    /// The version number to match, as text.
    pub version: Option<String>,
    /// A platform that they have files for.
    pub platform: Option<Platform>,
    /// Whether they are offered only by name.
    pub skip_update: Option<bool>,
    /// Whether they are recalled.
    pub recalled: Option<bool>,
}

/// Selects files. `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFilter {
    /// The version to match.
    pub version_id: Option<Uuid>,
    /// The platform to match.
    pub platform: Option<Platform>,
    /// The file name to match.
    pub file_name: Option<String>,
}

/// Lists modes, versions and files.
#[async_trait]
pub trait VersionDb {
    /// Modes by name.
    async fn modes(&self, filter: &ModeFilter, page: &Page<String>) -> Result<Vec<Mode>>;
    /// The mode with this id.
    async fn mode(&self, id: Uuid) -> Result<Option<Mode>>;
    /// Versions in descending `SemVer` precedence (by sort key), then by id.
    async fn versions(&self, filter: &VersionFilter, page: &Page<(Vec<u8>, Uuid)>) -> Result<Vec<ModeVersion>>;
    /// The version with this id.
    async fn version(&self, id: Uuid) -> Result<Option<ModeVersion>>;
    /// Files by id.
    async fn files(&self, filter: &FileFilter, page: &Page<Uuid>) -> Result<Vec<VersionFile>>;
    /// The file with this id.
    async fn file(&self, id: Uuid) -> Result<Option<VersionFile>>;
}
