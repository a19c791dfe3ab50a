//! The audit log: who changed what, and when. Entries are never changed and never removed.

use async_trait::async_trait;
use uuid::Uuid;

use super::Page;
use crate::error::Result;
use crate::model::AuditEntry;

/// Reads and extends the audit log.
#[async_trait]
pub trait AuditDb {
    /// Entries, newest first.
    async fn audit(&self, page: &Page<Uuid>) -> Result<Vec<AuditEntry>>;
    /// Adds an entry. Those of a [`Change`](super::Change) are added by [`apply`](super::RepositoryDb::apply).
    async fn add_audit(&self, entry: &AuditEntry) -> Result<()>;
}
