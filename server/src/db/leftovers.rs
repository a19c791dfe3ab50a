//! What changes have left: rows that nobody sees, of commits that were killed and of versions that are gone.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::Time;

/// Removes what nobody sees.
#[async_trait]
pub trait LeftoverDb {
    /// Removes the noted chunks and the contents of commits that began before this and never ended, and of versions
    /// that are not published any more. Returns how many commits and versions had left something.
    async fn remove_leftovers(&self, before: Time) -> Result<u64>;
}
