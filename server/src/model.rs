//! The data of the service. No SQL, no HTTP.
//!
//! Times are whole microseconds since 1970, made by the program and never by a database, so that all databases store
//! and compare them alike. Ids are UUIDs, also made by the program.

use std::fmt;

use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::{ModeName, Platform};
use vsekai_updater::version::Version;

mod bundles;
mod reports;

pub use bundles::{Asks, Bundle, BundleState, VersionIndex};
pub use reports::{Halt, ReportCount, ReportLimit, percentage, rounded};

/// A moment, in microseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// The date in UTC.
    #[must_use]
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// The current time.
    pub fn now() -> Self {
        Self(chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_micros())
    }

    /// The time this many seconds later, or earlier if negative.
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
    /// The id of the mode.
    pub id: Uuid,
    /// The name, which is unique.
    pub name: ModeName,
    /// A description, in one sentence.
    pub description: String,
    /// Whether versions are still published to it.
    pub is_active: bool,
    /// The mode that its users are moved to, if any.
    pub update_to: Option<Uuid>,
    /// Counts changes of what the mode offers.
    pub sequence: u64,
    /// When reports stop a rollout. `None`: none are asked for.
    pub reports: Option<ReportLimit>,
    /// Time of the last change.
    pub updated_at: Time,
}

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionState {
    /// Its files are available.
    Published,
    /// Its files are gone: it is older than the versions that are kept.
    Withdrawn,
}

impl VersionState {
    /// The name, as in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Parses a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Published, Self::Withdrawn].into_iter().find(|state| state.as_str() == text)
    }
}

/// A release of a mode, for one or more platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeVersion {
    /// The id of the version.
    pub id: Uuid,
    /// The id of its mode.
    pub mode_id: Uuid,
    /// The version number.
    pub version: Version,
    /// Whether its files are available.
    pub state: VersionState,
    /// Whether it is offered only by name, never as an update.
    pub skip_update: bool,
    /// Whether it is recalled: no longer offered, and players who have it are moved to another version.
    pub recalled: bool,
    /// Percentage of installs that are offered it.
    pub rollout: u8,
    /// The sequence number of the mode when it was published.
    pub sequence: u64,
    /// The path of the description of its files.
    pub manifest_file_uri: String,
    /// Time of publication.
    pub published_at: Time,
    /// Time of the last change.
    pub updated_at: Time,
}

/// A signed file of a version: the index, the file table or the release document of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFile {
    /// The id of the file.
    pub id: Uuid,
    /// The id of its version.
    pub version_id: Uuid,
    /// The platform.
    pub platform: Platform,
    /// `index.caidx`, `files.json.zst` or `release.json`.
    pub file_name: String,
    /// The path within the repository.
    pub file_uri: String,
    /// SHA-256 of the file, 64 hex digits.
    pub file_checksum_hash: String,
    /// Size in bytes.
    pub size: u64,
}

/// A mirror of the whole repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cdn {
    /// The id of the CDN.
    pub uid: Uuid,
    /// The name, which is unique.
    pub name: String,
    /// The base URL.
    pub uri: String,
    /// The region, in the operator's words.
    pub region: String,
    /// Whether clients are told about it.
    pub is_enabled: bool,
    /// Within a region, larger weights come first.
    pub weight: u32,
    /// The result of the last probes.
    pub health: Health,
    /// Time of the last change by an operator.
    pub updated_at: Time,
}

/// The health of a CDN, according to its probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether clients should use it.
    pub is_healthy: bool,
    /// Consecutive probes that contradict `is_healthy`.
    pub contrary_count: u32,
    /// Duration of the last successful probe, in milliseconds.
    pub latency_ms: Option<u32>,
    /// Time of the last probe.
    pub last_checked_on: Option<Time>,
}

/// A publication, complete or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The id, chosen by the publisher.
    pub id: Uuid,
    /// The name of the mode, which need not exist yet.
    pub mode: ModeName,
    /// The version number.
    pub version: Version,
    /// The platform.
    pub platform: Platform,
    /// The sequence number of the mode, once published.
    pub sequence: Option<u64>,
    /// Time when it began.
    pub created_at: Time,
    /// When it expires. What it has sent is kept until then.
    pub expires_at: Time,
}

/// The kind of a document of a publication.
pub use vsekai_updater::net::api::DocumentKind;

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The id, which is the public part of the token.
    pub id: Uuid,
    /// What the token is for, in the operator's words.
    pub name: String,
    /// SHA-256 of the secret part.
    pub hash: [u8; 32],
    /// What the token may do: `admin`, `publish:*` or `publish:<mode>`, separated by spaces.
    pub scopes: String,
    /// Time of creation.
    pub created_at: Time,
    /// Time of expiry, if any.
    pub expires_at: Option<Time>,
    /// Time of revocation, if revoked.
    pub revoked_at: Option<Time>,
    /// Time of the last use, to the hour.
    pub last_used_at: Option<Time>,
}

/// An entry of the audit log. It is never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The id of the entry. Later entries have larger ids.
    pub id: Uuid,
    /// Time of the change.
    pub at: Time,
    /// Who made the change: the id of a token, or a part of the program such as `prober`.
    pub actor: String,
    /// What was done, such as `mode.update`.
    pub action: String,
    /// What was changed, such as `stable` or `stable 1.2.0 linux-x86_64`.
    pub subject: String,
    /// Details, such as the state before and after, as JSON.
    pub detail: String,
    /// The id of the request in the log.
    pub request_id: String,
}

impl AuditEntry {
    /// An entry of now, of no request.
    pub fn new(actor: impl Into<String>, action: &str, subject: impl Into<String>, detail: &serde_json::Value) -> Self {
        Self {
            id: Uuid::now_v7(),
            at: Time::now(),
            actor: actor.into(),
            action: action.to_owned(),
            subject: subject.into(),
            detail: detail.to_string(),
            request_id: String::new(),
        }
    }
}

/// A chunk that has arrived.
#[derive(Debug, Clone)]
pub struct NewChunk {
    /// The id of the chunk.
    pub id: ChunkId,
    /// Size of the plain content, in bytes.
    pub size: u64,
    /// Size as stored, in bytes.
    pub stored_size: u64,
    /// Keep it at least until this time.
    pub keep_until: Time,
}

/// A file of the repository, below `tuf/` or `targets/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFile {
    /// The path within the repository.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
}
