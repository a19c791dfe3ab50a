//! The JSON of `/api/v1`, and how it is made of what the service knows.

use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use super::text::Text;
use crate::db::View;
use crate::model;

mod admin;
mod bundles;

pub(super) use admin::{AuditEntry, MadeToken, NewToken, Token};
pub(super) use bundles::Bundle;

/// A stream of versions that users follow.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(super) struct Mode {
    /// Its identifier.
    pub(super) id: Uuid,
    /// Its name, which never changes.
    pub(super) name: String,
    /// What it is for, in one sentence.
    pub(super) description: String,
    /// Whether it is still published.
    pub(super) is_active: bool,
    /// The mode that its users are moved to.
    pub(super) update_to: Option<String>,
    /// Counts every change of what it offers.
    pub(super) sequence: u64,
    /// When it was last changed (RFC 3339).
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
            updated_at: "2026-11-22T12:00:00.000000Z".to_owned(),
        }
    }
}

/// A mode to begin.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct NewMode {
    /// 1 to 32 of `a-z`, `0-9` and `-`; never changes.
    #[oai(validator(max_length = 32, pattern = "^[a-z0-9][a-z0-9-]*$"))]
    pub(super) name: Text,
    /// What it is for, in one sentence of at most 500 bytes.
    #[oai(default, validator(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) description: Text,
    /// Whether it is published.
    #[oai(default = "yes")]
    pub(super) is_active: bool,
    /// The mode that its users are moved to.
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

/// What is to change in a mode. What is left out stays.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct ModeChange {
    /// What it is for, in one sentence of at most 500 bytes.
    #[oai(validator(max_length = 500, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) description: Option<Text>,
    /// Whether it is published.
    pub(super) is_active: Option<bool>,
    /// The mode that its users are moved to; null: they stay.
    pub(super) update_to: MaybeUndefined<Text>,
}

impl Example for ModeChange {
    fn example() -> Self {
        let update_to = MaybeUndefined::Value("stable".into());
        Self { description: None, is_active: Some(false), update_to }
    }
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum VersionState {
    /// On offer.
    Published,
    /// Taken off: older than the versions that are kept.
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

/// One release in a mode.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
#[expect(clippy::struct_field_names, reason = "names of the API")]
pub(super) struct Version {
    /// Its identifier.
    pub(super) id: Uuid,
    /// Its mode.
    pub(super) mode_id: Uuid,
    /// Its number, as `SemVer` has it.
    pub(super) version: String,
    /// Where it stands.
    pub(super) state: VersionState,
    /// Never offered by itself, only by name.
    pub(super) skip_update: bool,
    /// Offered to nobody; who has it is moved off.
    pub(super) recalled: bool,
    /// How many of a hundred installs are offered it.
    pub(super) rollout: u8,
    /// The mode's count when it was published.
    pub(super) sequence: u64,
    /// Where its files are described, below the server's address.
    pub(super) manifest_file_uri: String,
    /// When it was published (RFC 3339).
    pub(super) published_at: String,
    /// When it was last changed (RFC 3339).
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

/// How a version is offered. What is left out stays.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct VersionChange {
    /// Never offer it by itself.
    pub(super) skip_update: Option<bool>,
    /// Offer it to nobody, and move off who has it.
    pub(super) recalled: Option<bool>,
    /// To how many of a hundred installs.
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
    /// Its identifier.
    pub(super) id: Uuid,
    /// Its version.
    pub(super) version_id: Uuid,
    /// What it is for.
    pub(super) platform: String,
    /// `release.json`, `index.caidx` or `files.json.zst`.
    pub(super) file_name: String,
    /// Where it is, below the server's address.
    pub(super) file_uri: String,
    /// SHA-256, 64 hex.
    pub(super) file_checksum_hash: String,
    /// Bytes.
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

/// What a version is, made of what this server has verified. Clients believe the signed files, not this.
#[derive(Debug, Clone, PartialEq, Object)]
pub(super) struct Manifest {
    /// The mode.
    pub(super) mode: String,
    /// The version.
    pub(super) version: String,
    /// Its signed files, for all platforms.
    pub(super) files: Vec<File>,
}

/// Another address of the whole repository.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(super) struct Cdn {
    /// Its identifier.
    pub(super) uid: Uuid,
    /// Its name.
    pub(super) name: String,
    /// Its base URL.
    pub(super) uri: String,
    /// Where it is, a word of the operator's.
    pub(super) region: String,
    /// Whether clients are told of it.
    pub(super) is_enabled: bool,
    /// Larger comes first among those of a region.
    pub(super) weight: u32,
    /// Whether the last probes found it well.
    pub(super) is_healthy: bool,
    /// How long the last good probe took, in milliseconds.
    pub(super) latency_ms: Option<u32>,
    /// When it was last probed (RFC 3339).
    pub(super) last_checked_on: Option<String>,
    /// When it was last changed by hand (RFC 3339).
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
    /// An identifier made by the client: the same again means the same CDN. Left out, the server makes one.
    pub(super) uid: Option<Uuid>,
    /// Its name, of at most 100 bytes.
    #[oai(validator(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"))]
    pub(super) name: Text,
    /// Its base URL: `https`, no private address unless the server allows it, and neither password nor query.
    #[oai(validator(max_length = 2000))]
    pub(super) uri: Text,
    /// Where it is, a word of the operator's, of at most 100 bytes.
    #[oai(default, validator(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) region: Text,
    /// Whether clients are told of it.
    #[oai(default = "yes")]
    pub(super) is_enabled: bool,
    /// Larger comes first among those of a region.
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

/// What is to change in a CDN. What is left out stays.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct CdnChange {
    /// Its name.
    #[oai(validator(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"))]
    pub(super) name: Option<Text>,
    /// Its base URL.
    #[oai(validator(max_length = 2000))]
    pub(super) uri: Option<Text>,
    /// Where it is.
    #[oai(validator(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(super) region: Option<Text>,
    /// Whether clients are told of it.
    pub(super) is_enabled: Option<bool>,
    /// Larger comes first.
    pub(super) weight: Option<u32>,
}

impl Example for CdnChange {
    fn example() -> Self {
        Self { name: None, uri: None, region: None, is_enabled: Some(false), weight: None }
    }
}

/// What a mode offers for a platform now. For tools: clients believe the signed catalog, not this.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(super) struct Update {
    /// The mode that was asked for.
    pub(super) mode: String,
    /// The mode that its users are on: the same, or the one they are moved to.
    pub(super) resolved_mode: String,
    /// The highest version on offer; null if there is none for this platform.
    pub(super) version: Option<String>,
    /// How many of a hundred installs are offered it.
    pub(super) rollout: Option<u8>,
    /// The release document, below the server's address.
    pub(super) release_uri: Option<String>,
    /// Other addresses of the repository, best first.
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
