//! Bundles and the demand for them, as in the database.

use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::BundleInfo;
use vsekai_updater::formats::release::Platform;

use super::Time;

/// The state of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleState {
    /// Its bytes are being stored. Clients do not see it.
    Incoming,
    /// All of its bytes are there, and it has been checked, but its version is not published yet. Clients do not see it.
    Waiting,
    /// It is in the list of its version.
    Live,
    /// It is no longer listed, because a better one has replaced it or its version is gone. It can still be read.
    Doomed,
    /// Its bytes are being removed. Clients do not see it.
    Deleting,
}

impl BundleState {
    /// The name, as in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Waiting => "waiting",
            Self::Live => "live",
            Self::Doomed => "doomed",
            Self::Deleting => "deleting",
        }
    }

    /// Parses a name.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Incoming, Self::Waiting, Self::Live, Self::Doomed, Self::Deleting];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

/// A bundle of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its entry in the list of its version. The effort is the greatest that was tried between the two versions, even
    /// if that gave nothing smaller.
    pub info: BundleInfo,
    /// SHA-256 of the index of the version that it contains.
    pub to: Digest,
    /// Time when it was stored.
    pub created_at: Time,
}

/// The index of a version that has its files on this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionIndex {
    /// SHA-256 of the index.
    pub digest: Digest,
    /// The id of the version.
    pub version_id: Uuid,
    /// The platform.
    pub platform: Platform,
}

/// How many clients have updated from one version to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks {
    /// SHA-256 of the index of the newer version.
    pub to: Digest,
    /// SHA-256 of the index of the older version.
    pub from: Digest,
    /// The number of clients.
    pub count: u64,
}
