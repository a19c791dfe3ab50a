//! The JSON of `/api/v1`, and its conversion from the types of the service.

use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use super::text::Text;
use crate::db::View;
use crate::model;

mod admin;
mod bundles;
mod reports;
mod status;

pub(super) use admin::{AuditEntry, MadeToken, NewToken, Token};
pub(super) use bundles::Bundle;
pub(super) use reports::{Report, ReportCount, ReportLimit};
pub(super) use status::{ChunkStatus, Demand, Offer, Role, Status};

/// A stream of versions that users follow.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(super) struct Mode {
    /// The id of the mode.
    pub(super) id: Uuid,
    /// The name. It never changes.
    pub(super) name: String,
    /// A description, in one sentence.
    pub(super) description: String,
    /// Whether versions are still published to it.
    pub(super) is_active: bool,
    /// The mode that its users are moved to, if any.
    pub(super) update_to: Option<String>,
    /// Counts changes of what the mode offers.
    pub(super) sequence: u64,
    /// When reports of players stop a rollout. Null: players are not asked for any.
    pub(super) reports: Option<ReportLimit>,
    /// Time of the last change (RFC 3339).
    pub(super) updated_at: String,
}

impl Mode {
    pub(super) fn of(mode: &model::Mode, view: &View) -> Self {
        Self {
            id: mode.id,
            name: mode.name.to_string(),
            description: mode.description.clone(),
            is_active: mode.is_active,
            update_to: mode.update_to.and_then(|id| view.mode(id)).map(|next| next.name.to_string()),
            sequence: mode.sequence,
            reports: mode.reports.map(ReportLimit::from),
            updated_at: mode.updated_at.to_string(),
        }
    }
}

impl Example for Mode {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0192_54e3_7a6b_7c2d_8e4f_1020_3040_5060),
            name: "stable".to_owned(),
            description: "What most players use.".to_owned(),
            is_active: true,
            update_to: None,
            sequence: 12,
            reports: None,
            updated_at: "2026-11-22T12:00:00.000000Z".to_owned(),
        }
    }
}

/// A mode to create.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct NewMode {
    /// The name: 1 to 32 characters of `a-z`, `0-9` and `-`. It can never be changed.
    #[oai(validator(max_length = 32, pattern = "^[a-z0-9][a-z0-9-]*$"))]
    pub(super) name: Text,
    /// A description, in one sentence of at most 500 bytes.
    #[oai(default, validator(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) description: Text,
    /// Whether versions are published to it.
    #[oai(default = "yes")]
    pub(super) is_active: bool,
    /// The mode that its users are moved to, if any.
    #[oai(default)]
    pub(super) update_to: Option<Text>,
}

fn yes() -> bool {
    true
}

impl Example for NewMode {
    fn example() -> Self {
        let description = "A new build each night.".into();
        Self { name: "nightly".into(), description, is_active: true, update_to: None }
    }
}

/// Changes of a mode. Omitted fields stay as they are.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct ModeChange {
    /// A description, in one sentence of at most 500 bytes.
    #[oai(validator(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) description: Option<Text>,
    /// Whether versions are published to it.
    pub(super) is_active: Option<bool>,
    /// The mode to move its users to. Null: they stay.
    pub(super) update_to: MaybeUndefined<Text>,
    /// Ask players who agree to report whether versions that are being rolled out start, and stop a rollout by this limit.
    /// Null: do not ask.
    pub(super) reports: MaybeUndefined<ReportLimit>,
}

impl Example for ModeChange {
    fn example() -> Self {
        let update_to = MaybeUndefined::Value("stable".into());
        Self { description: None, is_active: Some(false), update_to, reports: MaybeUndefined::Undefined }
    }
}

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum VersionState {
    /// Its files are available.
    Published,
    /// Its files are gone: it is older than the versions that are kept.
    Withdrawn,
}

impl From<model::VersionState> for VersionState {
    fn from(state: model::VersionState) -> Self {
        match state {
            model::VersionState::Published => Self::Published,
            model::VersionState::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<VersionState> for model::VersionState {
    fn from(state: VersionState) -> Self {
        match state {
            VersionState::Published => Self::Published,
            VersionState::Withdrawn => Self::Withdrawn,
        }
    }
}

/// A release of a mode.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
#[expect(clippy::struct_field_names, reason = "names of the API")]
pub(super) struct Version {
    /// The id of the version.
    pub(super) id: Uuid,
    /// The id of its mode.
    pub(super) mode_id: Uuid,
    /// The version number (`SemVer`).
    pub(super) version: String,
    /// Whether its files are available.
    pub(super) state: VersionState,
    /// Whether it is offered only by name, never as an update.
    pub(super) skip_update: bool,
    /// Whether it is recalled: no longer offered, and players who have it are moved to another version.
    pub(super) recalled: bool,
    /// Percentage of installs that are offered it.
    pub(super) rollout: u8,
    /// The sequence number of the mode when it was published.
    pub(super) sequence: u64,
    /// The path of the description of its files, relative to the address of the server.
    pub(super) manifest_file_uri: String,
    /// Time of publication (RFC 3339).
    pub(super) published_at: String,
    /// Time of the last change (RFC 3339).
    pub(super) updated_at: String,
}

impl From<&model::ModeVersion> for Version {
    fn from(version: &model::ModeVersion) -> Self {
        Self {
            id: version.id,
            mode_id: version.mode_id,
            version: version.version.to_string(),
            state: version.state.into(),
            skip_update: version.skip_update,
            recalled: version.recalled,
            rollout: version.rollout,
            sequence: version.sequence,
            manifest_file_uri: version.manifest_file_uri.clone(),
            published_at: version.published_at.to_string(),
            updated_at: version.updated_at.to_string(),
        }
    }
}

impl Example for Version {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0192_54e3_7a6b_7c2d_8e4f_1020_3040_5061),
            mode_id: Mode::example().id,
            version: "1.2.0".to_owned(),
            state: VersionState::Published,
            skip_update: false,
            recalled: false,
            rollout: 100,
            sequence: 12,
            manifest_file_uri: "api/v1/versions/019254e3-7a6b-7c2d-8e4f-102030405061/manifest".to_owned(),
            published_at: "2026-11-22T12:00:00.000000Z".to_owned(),
            updated_at: "2026-11-22T12:00:00.000000Z".to_owned(),
        }
    }
}

/// Changes of how a version is offered. Omitted fields stay as they are.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct VersionChange {
    /// Whether to offer it only by name, never as an update.
    pub(super) skip_update: Option<bool>,
    /// Whether to recall it: stop offering it, and move players who have it to another version.
    pub(super) recalled: Option<bool>,
    /// Percentage of installs to offer it to.
    #[oai(validator(maximum(value = "100")))]
    pub(super) rollout: Option<u8>,
}

impl Example for VersionChange {
    fn example() -> Self {
        Self { skip_update: None, recalled: Some(true), rollout: None }
    }
}

/// A signed file of a version.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
#[expect(clippy::struct_field_names, reason = "names of the API")]
pub(super) struct File {
    /// The id of the file.
    pub(super) id: Uuid,
    /// The id of its version.
    pub(super) version_id: Uuid,
    /// The platform, such as `linux-x86_64`.
    pub(super) platform: String,
    /// `release.json`, `index.caidx` or `files.json.zst`.
    pub(super) file_name: String,
    /// The path of the file, relative to the address of the server.
    pub(super) file_uri: String,
    /// SHA-256 of the file, 64 hex digits.
    pub(super) file_checksum_hash: String,
    /// Size in bytes.
    pub(super) size: u64,
}

impl From<&model::VersionFile> for File {
    fn from(file: &model::VersionFile) -> Self {
        Self {
            id: file.id,
            version_id: file.version_id,
            platform: file.platform.to_string(),
            file_name: file.file_name.clone(),
            file_uri: file.file_uri.clone(),
            file_checksum_hash: file.file_checksum_hash.clone(),
            size: file.size,
        }
    }
}

impl Example for File {
    fn example() -> Self {
        let hash = "3b1f3e1c8a1d7a0e6d2f4b5c6d7e8f90112233445566778899aabbccddeeff00".to_owned();
        Self {
            id: Uuid::from_u128(0x0192_54e3_7a6b_7c2d_8e4f_1020_3040_5062),
            version_id: Version::example().id,
            platform: "linux-x86_64".to_owned(),
            file_name: "release.json".to_owned(),
            file_uri: format!("targets/stable/1.2.0/linux-x86_64/{hash}.release.json"),
            file_checksum_hash: hash,
            size: 1042,
        }
    }
}

/// The files of a version, all verified by this server. Clients trust the signed files, not this list.
#[derive(Debug, Clone, PartialEq, Object)]
pub(super) struct Manifest {
    /// The name of the mode.
    pub(super) mode: String,
    /// The version number.
    pub(super) version: String,
    /// The signed files, for all platforms.
    pub(super) files: Vec<File>,
}

/// A mirror of the whole repository.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(super) struct Cdn {
    /// The id of the CDN.
    pub(super) uid: Uuid,
    /// The name.
    pub(super) name: String,
    /// The base URL.
    pub(super) uri: String,
    /// The region, in the operator's words.
    pub(super) region: String,
    /// Whether clients are told about it.
    pub(super) is_enabled: bool,
    /// Within a region, larger weights come first.
    pub(super) weight: u32,
    /// Whether the last probes succeeded.
    pub(super) is_healthy: bool,
    /// Duration of the last successful probe, in milliseconds.
    pub(super) latency_ms: Option<u32>,
    /// Time of the last probe (RFC 3339).
    pub(super) last_checked_on: Option<String>,
    /// Time of the last change by an operator (RFC 3339).
    pub(super) updated_at: String,
}

impl From<&model::Cdn> for Cdn {
    fn from(cdn: &model::Cdn) -> Self {
        Self {
            uid: cdn.uid,
            name: cdn.name.clone(),
            uri: cdn.uri.clone(),
            region: cdn.region.clone(),
            is_enabled: cdn.is_enabled,
            weight: cdn.weight,
            is_healthy: cdn.health.is_healthy,
            latency_ms: cdn.health.latency_ms,
            last_checked_on: cdn.health.last_checked_on.map(|time| time.to_string()),
            updated_at: cdn.updated_at.to_string(),
        }
    }
}

impl Example for Cdn {
    fn example() -> Self {
        Self {
            uid: Uuid::from_u128(0x0192_54e3_7a6b_7c2d_8e4f_1020_3040_5063),
            name: "edge-eu".to_owned(),
            uri: "https://eu.cdn.example.org/v-sekai".to_owned(),
            region: "eu".to_owned(),
            is_enabled: true,
            weight: 100,
            is_healthy: true,
            latency_ms: Some(23),
            last_checked_on: Some("2026-11-22T12:00:00.000000Z".to_owned()),
            updated_at: "2026-11-22T11:00:00.000000Z".to_owned(),
        }
    }
}

/// A CDN to add.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct NewCdn {
    /// An id chosen by the client, which makes the request repeatable. If omitted, the server makes one.
    pub(super) uid: Option<Uuid>,
    /// The name, at most 100 bytes.
    #[oai(validator(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"))]
    pub(super) name: Text,
    /// The base URL: `https`, without password or query, and with a public address unless the server allows private ones.
    #[oai(validator(max_length = 2000))]
    pub(super) uri: Text,
    /// The region, in the operator's words, at most 100 bytes.
    #[oai(default, validator(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) region: Text,
    /// Whether clients are told about it.
    #[oai(default = "yes")]
    pub(super) is_enabled: bool,
    /// Within a region, larger weights come first.
    #[oai(default = "hundred")]
    pub(super) weight: u32,
}

fn hundred() -> u32 {
    100
}

impl Example for NewCdn {
    fn example() -> Self {
        Self {
            uid: None,
            name: "edge-eu".into(),
            uri: "https://eu.cdn.example.org/v-sekai".into(),
            region: "eu".into(),
            is_enabled: true,
            weight: 100,
        }
    }
}

/// Changes of a CDN. Omitted fields stay as they are.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct CdnChange {
    /// The name.
    #[oai(validator(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"))]
    pub(super) name: Option<Text>,
    /// The base URL.
    #[oai(validator(max_length = 2000))]
    pub(super) uri: Option<Text>,
    /// The region.
    #[oai(validator(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) region: Option<Text>,
    /// Whether clients are told about it.
    pub(super) is_enabled: Option<bool>,
    /// Within a region, larger weights come first.
    pub(super) weight: Option<u32>,
}

impl Example for CdnChange {
    fn example() -> Self {
        Self { name: None, uri: None, region: None, is_enabled: Some(false), weight: None }
    }
}

/// What a mode offers for a platform now. Meant for tools: clients trust the signed catalog, not this.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(super) struct Update {
    /// The requested mode.
    pub(super) mode: String,
    /// The mode whose versions its users get: the same, or the one they are moved to.
    pub(super) resolved_mode: String,
    /// The highest version on offer. Null if there is none for this platform.
    pub(super) version: Option<String>,
    /// Percentage of installs that are offered it.
    pub(super) rollout: Option<u8>,
    /// The path of the release document, relative to the address of the server.
    pub(super) release_uri: Option<String>,
    /// Base URLs of mirrors, best first.
    pub(super) mirrors: Vec<String>,
}

impl Example for Update {
    fn example() -> Self {
        Self {
            mode: "stable".to_owned(),
            resolved_mode: "stable".to_owned(),
            version: Some("1.2.0".to_owned()),
            rollout: Some(100),
            release_uri: Some(File::example().file_uri),
            mirrors: vec![Cdn::example().uri],
        }
    }
}
