//! Bundles: chunks of a version compressed together, built here and kept where chunks are kept.
//!
//! ```text
//! Bundles      put, find, read, list, remove, verify        this file, bundles/maintenance.rs
//!   Storage    parts in the database, or objects            bundles/storage.rs
//!   Demand     how many clients update from which version   bundles/demand.rs
//! choose       which are worth building, in what order      bundles/choose.rs     (pure)
//! Builder      builds them in the background                bundles/build.rs, bundles/schedule.rs
//!   source     versions as the builder reads them           bundles/source.rs
//! check        is what a publisher sent a bundle of this version?    bundles/check.rs
//!   Throttle   limits the processor time of a build         bundles/throttle.rs
//! ```
//!
//! Promises: a listed bundle has all of its bytes; no bundle is ever in memory as a whole; a bundle is kept until its
//! version is gone, or until a smaller one has replaced it and the grace period is over. Nobody has to trust a bundle:
//! readers check every chunk against the signed index. So nothing here is signed, and nothing waits for a bundle.

use std::path::Path;
use std::sync::Arc;

use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, BundleList};

use crate::chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{Bundle, BundleState, Time};

mod build;
mod check;
mod choose;
pub(crate) mod demand;
mod maintenance;
mod schedule;
mod source;
mod storage;
mod throttle;

pub use build::{Builder, Options, Outcome};
pub(crate) use check::{Candidate, check, incomplete, refused};
pub use choose::{BuildJob, Policy};
pub use demand::Demand;
pub use maintenance::Cleaned;
pub(crate) use source::Documents;
pub use storage::Pieces;

use storage::Storage;

/// Most bundles in one list. There are far fewer.
const MAX_LISTED: usize = 256;

/// What [`Bundles::put`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// Stored it: it is in the list now.
    Listed,
    /// Stored it: it is in the list as soon as its version is published.
    Waiting,
    /// Did not store it, because the listed one is as small. The effort is recorded.
    NoSmaller,
}

impl Put {
    /// The word for it in the log, which stays the same.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Waiting => "waiting",
            Self::NoSmaller => "no_smaller",
        }
    }
}

/// A store of bundles.
#[derive(Debug)]
pub struct Bundles {
    db: Arc<dyn Db>,
    storage: Storage,
    demand: Demand,
}

impl Bundles {
    /// Opens the store for bundles, which is where chunks are kept too.
    ///
    /// # Errors
    /// [`Error::Config`] if the options cannot be used. An object store is not contacted yet.
    pub fn open(db: Arc<dyn Db>, options: &chunks::Options) -> Result<Self> {
        let storage = Storage::open(Arc::clone(&db), options)?;
        Ok(Self { db, storage, demand: Demand::default() })
    }

    /// The demand, to be counted and written.
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Stores the bundle in `file`, if it is smaller than the existing one between the same two versions.
    ///
    /// # Errors
    /// `bundle_deleting` while garbage collection removes the same bundle: it can be stored again later.
    pub async fn put(&self, to: Digest, info: &BundleInfo, file: &Path) -> Result<Put> {
        let Some(bundle) = self.store(to, info, file).await? else { return Ok(Put::NoSmaller) };
        if self.db.publish_bundle(&bundle).await? { Ok(Put::Listed) } else { Err(deleting()) }
    }

    /// The same for a version that may not be published yet.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn put_early(&self, to: Digest, info: &BundleInfo, file: &Path) -> Result<Put> {
        let Some(bundle) = self.store(to, info, file).await? else { return Ok(Put::NoSmaller) };
        match self.db.publish_bundle_early(&bundle).await? {
            Some(BundleState::Waiting) => Ok(Put::Waiting),
            Some(_) => Ok(Put::Listed),
            None => Err(deleting()),
        }
    }

    /// Stores the bytes of a bundle, unless the listed one is as small.
    async fn store(&self, to: Digest, info: &BundleInfo, file: &Path) -> Result<Option<Bundle>> {
        let there = self.db.bundles(Some(&to)).await?;
        let rival = there.iter().find(|other| other.info.from == info.from);
        if let Some(rival) = rival.filter(|rival| rival.info.length <= info.length) {
            self.db.raise_effort(&rival.info.id, info.effort.max(rival.info.effort)).await?;
            return Ok(None);
        }
        let bundle = Bundle { info: info.clone(), to, created_at: Time::now() };
        match self.db.begin_bundle(&bundle).await? {
            BundleState::Incoming => self.storage.put(&info.id, info.length, file).await?,
            BundleState::Waiting | BundleState::Live | BundleState::Doomed => {}
            BundleState::Deleting => return Err(deleting()),
        }
        Ok(Some(bundle))
    }

    /// Finds a bundle that can be read.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, id: &Digest) -> Result<Option<Bundle>> {
        self.db.bundle(id).await
    }

    /// Reads a range of a bundle, piece by piece. Fails now if the first piece is missing.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the database and the object store.
    pub async fn read(&self, id: Digest, range: std::ops::Range<u64>) -> Result<Pieces> {
        self.storage.read(id, range).await
    }

    /// The list of the bundles of a version, as clients read it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, to: &Digest) -> Result<BundleList> {
        let mut bundles: Vec<BundleInfo> = self.db.bundles(Some(to)).await?.into_iter().map(|it| it.info).collect();
        bundles.truncate(MAX_LISTED);
        bundles.sort_by_key(|info| (info.from, info.id));
        Ok(BundleList::new(bundles))
    }
}

/// The error for a bundle that is being removed right now.
fn deleting() -> Error {
    Error::Unavailable {
        code: "bundle_deleting",
        reason: "The bundle is being removed; store it again in a moment".to_owned(),
    }
}
