//! Bundles, as the database knows them.

use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::BundleInfo;
use vsekai_updater::formats::release::Platform;

use super::Time;

/// Where a bundle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleState {
    /// Its bytes are being stored. Nobody sees it.
    Incoming,
    /// In the list of its version.
    Live,
    /// Out of the list, for a better one is there or its version is gone. It can still be read.
    Doomed,
    /// Its bytes are being removed. Nobody sees it.
    Deleting,
}

impl BundleState {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Live => "live",
            Self::Doomed => "doomed",
            Self::Deleting => "deleting",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Incoming, Self::Live, Self::Doomed, Self::Deleting].into_iter().find(|state| state.as_str() == text)
    }
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its entry in the list of its version. The effort is the most that was tried between the two versions: a try that
    /// gave nothing smaller counts too.
    pub info: BundleInfo,
    /// SHA-256 of the index of the version that it is of.
    pub to: Digest,
    /// When it was stored.
    pub created_at: Time,
}

/// The index of a version that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionIndex {
    /// SHA-256 of the index.
    pub digest: Digest,
    /// Whose it is.
    pub version_id: Uuid,
    /// For what.
    pub platform: Platform,
}

/// How often it was asked for the way between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks {
    /// SHA-256 of the index of the newer one.
    pub to: Digest,
    /// SHA-256 of the index of the older one.
    pub from: Digest,
    /// How often.
    pub count: u64,
}
