//! Bundles, as the database knows them.

use uuid::Uuid;
use vsekai_updater::bundle::{self, BundleInfo, Digest};
use vsekai_updater::release::Platform;

use super::Time;

/// How hard it was tried to make a bundle small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// In seconds, for the moment of a release.
    Fast,
    /// As well as a build can wait for.
    Normal,
    /// As well as can be.
    Best,
}

impl Effort {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Normal, Self::Best];

    /// As stored and as shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Normal => "normal",
            Self::Best => "best",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == text)
    }
}

impl From<Effort> for bundle::Effort {
    fn from(effort: Effort) -> Self {
        match effort {
            Effort::Fast => Self::Fast,
            Effort::Normal => Self::Normal,
            Effort::Best => Self::Best,
        }
    }
}

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
    /// Its entry in the list of its version.
    pub info: BundleInfo,
    /// SHA-256 of the index of the version that it is of.
    pub to: Digest,
    /// The most that was tried between the two versions: a try that gave nothing smaller counts too.
    pub effort: Effort,
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
