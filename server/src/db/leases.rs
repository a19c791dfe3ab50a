//! Leases: how several servers on one database agree which of them does a job.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::Time;

/// Takes and renews leases.
#[async_trait]
pub trait LeaseDb {
    /// Takes the lease, or renews it if `holder` has it already. Returns whether `holder` has it now.
    async fn lease(&self, name: &str, holder: &str, now: Time, until: Time) -> Result<bool>;
}
