//! What the service knows: plain data. No SQL, no HTTP, no clock.
//!
//! Times are whole microseconds since 1970, made by the program and never by a database, so that every
//! database stores and compares them alike. Identifiers are UUIDs, made by the program too.

use std::fmt;

use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::{ModeName, Platform};
use vsekai_updater::version::Version;

mod bundles;

pub use bundles::{Asks, Bundle, BundleState, VersionIndex};

/// A moment, in microseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// Now.
    pub fn now() -> Self {
        Self(chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_micros())
    }

    /// So many seconds later, or earlier.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = chrono::DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
    }
}

/// A stream of versions that users follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// Its identifier.
    pub id: Uuid,
    /// Its name, unique.
    pub name: ModeName,
    /// One sentence.
    pub description: String,
    /// Whether it is still published.
    pub is_active: bool,
    /// The mode that its users are moved to.
    pub update_to: Option<Uuid>,
    /// Counts every change of what it offers.
    pub sequence: u64,
    /// When it was last changed.
    pub updated_at: Time,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionState {
    /// On offer.
    Published,
    /// Taken off: older than the versions that are kept.
    Withdrawn,
}

impl VersionState {
    /// As stored and as shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Published, Self::Withdrawn].into_iter().find(|state| state.as_str() == text)
    }
}

/// One release in a mode, for one or more platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeVersion {
    /// Its identifier.
    pub id: Uuid,
    /// Its mode.
    pub mode_id: Uuid,
    /// Its number.
    pub version: Version,
    /// Where it stands.
    pub state: VersionState,
    /// Never offered by itself.
    pub skip_update: bool,
    /// Offered to nobody; who has it is moved off.
    pub recalled: bool,
    /// How many of a hundred are offered it.
    pub rollout: u8,
    /// The mode's count when it was published.
    pub sequence: u64,
    /// Where the description of its files is, below the repository.
    pub manifest_file_uri: String,
    /// When it was published.
    pub published_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

/// A signed file of a version: the index, the file table or the release document of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFile {
    /// Its identifier.
    pub id: Uuid,
    /// Its version.
    pub version_id: Uuid,
    /// What it is for.
    pub platform: Platform,
    /// `index.caidx`, `files.json.zst` or `release.json`.
    pub file_name: String,
    /// Where it is, below the repository.
    pub file_uri: String,
    /// SHA-256, 64 hex.
    pub file_checksum_hash: String,
    /// Bytes.
    pub size: u64,
}

/// Another address of the whole repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cdn {
    /// Its identifier.
    pub uid: Uuid,
    /// Its name, unique.
    pub name: String,
    /// Its base URL.
    pub uri: String,
    /// Where it is, a word of the operator's.
    pub region: String,
    /// Whether clients are told of it.
    pub is_enabled: bool,
    /// Larger comes first among those of a region.
    pub weight: u32,
    /// What the last probes found.
    pub health: Health,
    /// When it was last changed by hand.
    pub updated_at: Time,
}

/// What probing a CDN has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether it is to be used.
    pub is_healthy: bool,
    /// Probes in a row that say otherwise.
    pub contrary_count: u32,
    /// How long the last good probe took, in milliseconds.
    pub latency_ms: Option<u32>,
    /// When it was last probed.
    pub last_checked_on: Option<Time>,
}

/// A publication that is under way or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Made by the publisher.
    pub id: Uuid,
    /// The mode's name. The mode itself may begin with this publication.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// The mode's count, once published.
    pub sequence: Option<u64>,
    /// When it began.
    pub created_at: Time,
    /// Until when what it has brought is kept.
    pub expires_at: Time,
}

/// A part of a publication, as publishers name it.
pub use vsekai_updater::net::api::DocumentKind;

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: Uuid,
    /// What it is for, in the operator's words.
    pub name: String,
    /// SHA-256 of the secret part.
    pub hash: [u8; 32],
    /// What it may do: `admin`, `publish:*`, `publish:<mode>`, separated by blanks.
    pub scopes: String,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When it was taken back.
    pub revoked_at: Option<Time>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Time>,
}

/// One line of the audit log. Never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its identifier; later ones are larger.
    pub id: Uuid,
    /// When.
    pub at: Time,
    /// Who: a token's identifier, or the program's own part, such as `prober`.
    pub actor: String,
    /// What, such as `mode.update`.
    pub action: String,
    /// To what, such as `stable` or `stable 1.2.0 linux-x86_64`.
    pub subject: String,
    /// Before and after, as JSON.
    pub detail: String,
    /// The request, to be found in the log.
    pub request_id: String,
}

/// A chunk as it arrives.
#[derive(Debug, Clone)]
pub struct NewChunk {
    /// Its id.
    pub id: ChunkId,
    /// Plain bytes.
    pub size: u64,
    /// Stored bytes.
    pub stored_size: u64,
    /// Kept at least until then.
    pub keep_until: Time,
}

/// A file of the repository, below `tuf/` or `targets/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFile {
    /// Path below the repository.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}
