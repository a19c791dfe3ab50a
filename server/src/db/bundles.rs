//! Bundles: their rows, their bytes if the database is the chunk store, and the demand for them.
//!
//! ```text
//! incoming  ->  live  ->  doomed  ->  deleting  ->  gone
//!        waiting, until its version is published
//! ```

use async_trait::async_trait;
use bytes::Bytes;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::Effort;

use crate::error::Result;
use crate::model::{Asks, Bundle, BundleState, Time, VersionIndex};

/// Keeps bundles, and removes those that better ones have replaced or whose version is gone.
#[async_trait]
pub trait BundleDb {
    /// The indexes of all versions that have files.
    async fn indexes(&self) -> Result<Vec<VersionIndex>>;

    /// Records that the bytes of a bundle are about to be stored. Returns its state: the bytes must be stored only if
    /// that is [`BundleState::Incoming`].
    async fn begin_bundle(&self, bundle: &Bundle) -> Result<BundleState>;
    /// Stores parts of an incoming bundle, beginning with number `first`.
    async fn put_bundle_parts(&self, id: &Digest, first: u64, parts: &[Bytes]) -> Result<()>;
    /// Makes a complete bundle live, and dooms the others between the same two versions. Returns whether it is live
    /// now: not if garbage collection has intervened.
    async fn publish_bundle(&self, bundle: &Bundle) -> Result<bool>;
    /// The same for a bundle whose version may not be published yet: then it waits, and goes live with the version. Returns
    /// its state; `None` if garbage collection has intervened.
    async fn publish_bundle_early(&self, bundle: &Bundle) -> Result<Option<BundleState>>;
    /// The state of a bundle, if it exists.
    async fn bundle_state(&self, id: &Digest) -> Result<Option<BundleState>>;
    /// Records that a greater effort gave nothing smaller than this bundle.
    async fn raise_effort(&self, id: &Digest, effort: Effort) -> Result<()>;

    /// The bundle with this id, if it can be read: live or doomed.
    async fn bundle(&self, id: &Digest) -> Result<Option<Bundle>>;
    /// Live bundles, newest first: of the version with this index, or all.
    async fn bundles(&self, to: Option<&Digest>) -> Result<Vec<Bundle>>;
    /// A part of a bundle.
    async fn bundle_part(&self, id: &Digest, part: u64) -> Result<Option<Bytes>>;

    /// Dooms live bundles whose version is gone, those that have been incoming since before `incoming_before`, and those
    /// that have waited for their version since before `waiting_before`. Returns how many.
    async fn doom_bundles(&self, now: Time, incoming_before: Time, waiting_before: Time) -> Result<u64>;
    /// Claims up to `limit` bundles for deletion: those claimed earlier, and those doomed before this.
    async fn claim_bundles(&self, doomed_before: Time, limit: u32) -> Result<Vec<Digest>>;
    /// Claims this bundle, whatever its state. Returns whether it exists.
    async fn expel_bundle(&self, id: &Digest) -> Result<bool>;
    /// Claims all bundles that are not live: those that wait for their version, are incoming or are doomed.
    async fn expel_unlisted_bundles(&self) -> Result<()>;
    /// Removes up to `limit` parts of a claimed or incoming bundle. Returns how many: fewer than `limit` if none are
    /// left.
    async fn remove_bundle_parts(&self, id: &Digest, limit: u32) -> Result<u64>;
    /// Removes up to `limit` parts of any bundles, which are kept elsewhere now. Returns how many: fewer than `limit` if
    /// none are left.
    async fn clear_bundle_parts(&self, limit: u32) -> Result<u64>;
    /// Forgets a claimed bundle whose bytes have been removed.
    async fn forget_bundle(&self, id: &Digest) -> Result<()>;

    /// Adds to the counts of a day (in days since 1970), and removes those of days before `oldest`. Unlike all other
    /// methods, repeating it is not harmless: after a lost answer, clients may be counted twice.
    async fn add_asks(&self, day: i64, asks: &[Asks], oldest: i64) -> Result<()>;
    /// The sums of all days since `oldest`.
    async fn asks(&self, oldest: i64) -> Result<Vec<Asks>>;
}
