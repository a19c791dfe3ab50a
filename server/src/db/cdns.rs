//! CDNs as lists, and what probing found out about them. Adding, changing and removing a CDN changes the signed
//! catalog, so it goes through [`apply`](super::RepositoryDb::apply).

use async_trait::async_trait;
use uuid::Uuid;

use super::Page;
use crate::error::Result;
use crate::model::{Cdn, Health};

/// Selects CDNs. `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CdnFilter {
    /// The region to match.
    pub region: Option<String>,
    /// Whether clients are told about them.
    pub is_enabled: Option<bool>,
    /// Whether the last probes succeeded.
    pub is_healthy: Option<bool>,
}

/// Lists CDNs and records their health.
#[async_trait]
pub trait CdnDb {
    /// CDNs by name.
    async fn cdns(&self, filter: &CdnFilter, page: &Page<String>) -> Result<Vec<Cdn>>;
    /// The CDN with this id.
    async fn cdn(&self, uid: Uuid) -> Result<Option<Cdn>>;
    /// Records the result of a probe. This is not part of the repository and makes no new revision.
    async fn put_health(&self, uid: Uuid, health: &Health) -> Result<()>;
}
