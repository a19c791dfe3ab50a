//! Leases: how several servers on one database agree which of them does a job.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::Time;

/// The longest that any lease may last, in seconds. One that ends later was made by a process with a wrong clock, and
/// is nobody's.
pub const MAX_LEASE_S: i64 = 86_400;

/// Takes and renews leases. Their times are those of the database, so that processes with different clocks agree.
#[async_trait]
pub trait LeaseDb {
    /// Takes the lease for this many seconds, or renews it if `holder` has it already. Returns whether `holder` has it
    /// now. With 0 seconds, gives it back.
    async fn lease(&self, name: &str, holder: &str, seconds: i64) -> Result<bool>;
    /// The time by the database's clock.
    async fn clock(&self) -> Result<Time>;
}
