//! Bundles: chunks of a version compressed together, built here and kept where chunks are kept.
//!
//! ```text
//! Bundles      put, open, list, remove, verify             this file, bundles/care.rs
//!   Kept       parts in the database, or objects           bundles/bytes.rs
//!   Asked      who comes from where, counted               bundles/asked.rs
//! choose       which are worth building, and in what order bundles/choose.rs     (pure)
//! Builder      builds them beside everything else          bundles/build.rs, bundles/work.rs
//! ```
//!
//! Promises: a bundle that is in a list has all of its bytes; no bundle is ever in memory as a whole; what was built is
//! kept until its version goes, or a smaller one has taken its place and a grace is over. Nobody has to believe a bundle:
//! whoever reads one holds its chunks against the signed index. So nothing here is signed, and nothing waits for it.

use std::path::Path;
use std::sync::Arc;

use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, BundleList};

use crate::chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{Bundle, BundleState, Time};

mod asked;
mod build;
mod bytes;
mod care;
mod choose;
mod source;
mod work;

pub use asked::Asked;
pub use build::{Builder, Options, Outcome};
pub use care::Cleaned;
pub use choose::{Job, Policy};

use bytes::Kept;
pub use bytes::Pieces;

/// Bundles that one list names, at the most. There are fewer by far.
const MAX_LISTED: usize = 256;

/// What [`Bundles::put`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is in the list now.
    Listed,
    /// The one in the list is as small; that this was tried is noted.
    NoSmaller,
}

/// See the module's head.
#[derive(Debug)]
pub struct Bundles {
    db: Arc<dyn Db>,
    kept: Kept,
    asked: Asked,
}

impl Bundles {
    /// Opens the place where chunks are kept, for bundles.
    ///
    /// # Errors
    /// If the options cannot be used. An object store is not asked anything yet.
    pub fn open(db: Arc<dyn Db>, options: &chunks::Options) -> Result<Self> {
        let kept = Kept::open(Arc::clone(&db), options)?;
        Ok(Self { db, kept, asked: Asked::default() })
    }

    /// Who comes from where.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Stores a bundle, of which `file` has the bytes, if it is smaller than the one that there is for the two versions.
    ///
    /// # Errors
    /// `bundle_deleting` if clean-up removes the same one just now: later it can be stored again.
    pub async fn put(&self, to: Digest, info: &BundleInfo, file: &Path) -> Result<Put> {
        let there = self.db.bundles(Some(&to)).await?;
        let rival = there.iter().find(|other| other.info.from == info.from);
        if let Some(rival) = rival.filter(|rival| rival.info.length <= info.length) {
            self.db.raise_effort(&rival.info.id, info.effort.max(rival.info.effort)).await?;
            return Ok(Put::NoSmaller);
        }
        let bundle = Bundle { info: info.clone(), to, created_at: Time::now() };
        match self.db.begin_bundle(&bundle).await? {
            BundleState::Incoming => self.kept.put(&info.id, info.length, file).await?,
            BundleState::Live | BundleState::Doomed => {}
            BundleState::Deleting => return Err(deleting()),
        }
        if self.db.publish_bundle(&bundle).await? { Ok(Put::Listed) } else { Err(deleting()) }
    }

    /// A bundle that can be read.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, id: &Digest) -> Result<Option<Bundle>> {
        self.db.bundle(id).await
    }

    /// Bytes of a bundle, which has so many, piece by piece. What can be seen to be missing is an error now.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the database and the object store.
    pub async fn read(&self, id: Digest, range: std::ops::Range<u64>) -> Result<Pieces> {
        self.kept.read(id, range).await
    }

    /// The list of a version's bundles, as clients read it.
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

/// The stable word for a bundle that is being removed just now.
fn deleting() -> Error {
    Error::Unavailable {
        code: "bundle_deleting",
        reason: "The bundle is being removed; store it again in a moment".to_owned(),
    }
}
