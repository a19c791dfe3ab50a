//! What players report about versions that are being rolled out, and the rollouts that were stopped for it. These rows
//! go, and those of stopped rollouts come, only by a change of the repository: see [`RowChange`](super::RowChange).

use async_trait::async_trait;

use crate::error::Result;
use crate::model::{Halt, ReportCount};

/// Counts reports.
#[async_trait]
pub trait ReportDb {
    /// Adds to the counts. As with [`add_asks`](super::BundleDb::add_asks), repeating it is not harmless: after a lost
    /// answer, players may be counted twice.
    async fn add_reports(&self, counts: &[ReportCount]) -> Result<()>;
    /// All counts, by version and platform.
    async fn reports(&self) -> Result<Vec<ReportCount>>;
    /// All stopped rollouts, the latest first.
    async fn halts(&self) -> Result<Vec<Halt>>;
}
