//! What the service asks of a database for bundles. The same promises as [`Db`](super::Db), with one exception:
//! [`BundleDb::add_asks`] counts, and after a lost answer it may count twice.

use async_trait::async_trait;
use bytes::Bytes;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::Effort;

use crate::error::Result;
use crate::model::{Asks, Bundle, BundleState, Time, VersionIndex};

/// A bundle goes from incoming to live, from there to doomed when a better one takes its place, and is then claimed
/// (deleting), its bytes are removed, and it is forgotten.
#[async_trait]
pub trait BundleDb {
    /// The indexes of all versions that have their files here.
    async fn indexes(&self) -> Result<Vec<VersionIndex>>;

    /// Notes that the bytes of a bundle are about to be stored, at its `created_at`. Gives how it stands now: bytes are
    /// to be stored only if it is [`BundleState::Incoming`].
    async fn begin_bundle(&self, bundle: &Bundle) -> Result<BundleState>;
    /// Keeps parts of an incoming bundle, from the `first` on.
    async fn put_bundle_parts(&self, id: &Digest, first: u64, parts: &[Bytes]) -> Result<()>;
    /// Makes a bundle live whose bytes are all there, and dooms the others of the same two versions. Gives whether it is
    /// live now: not if clean-up has come between.
    async fn publish_bundle(&self, bundle: &Bundle) -> Result<bool>;
    /// Notes that a greater effort gave nothing smaller than this bundle.
    async fn raise_effort(&self, id: &Digest, effort: Effort) -> Result<()>;

    /// A bundle that can be read: live or doomed.
    async fn bundle(&self, id: &Digest) -> Result<Option<Bundle>>;
    /// The live bundles of the version with this index, or all, the newest first.
    async fn bundles(&self, to: Option<&Digest>) -> Result<Vec<Bundle>>;
    /// A part of a bundle.
    async fn bundle_part(&self, id: &Digest, part: u64) -> Result<Option<Bytes>>;

    /// Dooms live bundles whose version is gone, and those that have been incoming since before `incoming_before`. Gives
    /// their number.
    async fn doom_bundles(&self, now: Time, incoming_before: Time) -> Result<u64>;
    /// Claims up to `limit` bundles doomed before this, and those claimed earlier, for deletion.
    async fn claim_bundles(&self, doomed_before: Time, limit: u32) -> Result<Vec<Digest>>;
    /// Claims this one, whatever its state. Gives whether there is one.
    async fn expel_bundle(&self, id: &Digest) -> Result<bool>;
    /// Removes up to `limit` parts of a claimed or incoming bundle. Gives their number: fewer if no more are left.
    async fn remove_bundle_parts(&self, id: &Digest, limit: u32) -> Result<u64>;
    /// Forgets a claimed bundle whose bytes are gone.
    async fn forget_bundle(&self, id: &Digest) -> Result<()>;

    /// Adds to the counts of a day, in days since 1970, and removes those of days before `oldest`.
    async fn add_asks(&self, day: i64, asks: &[Asks], oldest: i64) -> Result<()>;
    /// The sums of all days from `oldest` on.
    async fn asks(&self, oldest: i64) -> Result<Vec<Asks>>;
}
