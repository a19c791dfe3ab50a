//! The JSON of what an operator looks at: what is offered, and how the server is.

use poem_openapi::Object;
use poem_openapi::types::Example;
use uuid::Uuid;

use crate::db::ChunkCounts;
use crate::service::offers::Offered;

/// What a mode offers for a platform. Meant for tools: clients trust the signed catalog, not this.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(in crate::api) struct Offer {
    /// The mode that players follow.
    pub(in crate::api) mode: String,
    /// The mode whose versions they get: the same, or the one they are moved to.
    pub(in crate::api) resolved_mode: String,
    /// The platform, such as `linux-x86_64`.
    pub(in crate::api) platform: String,
    /// The highest version on offer.
    pub(in crate::api) version: String,
    /// The id of that version.
    pub(in crate::api) version_id: Uuid,
    /// Percentage of installs that are offered it.
    pub(in crate::api) rollout: u8,
    /// The version that everybody else is offered. Null if it is offered to all, or nobody else is offered one.
    pub(in crate::api) version_for_others: Option<String>,
    /// Time of publication of the version (RFC 3339).
    pub(in crate::api) published_at: String,
}

impl From<&Offered<'_>> for Offer {
    fn from(offer: &Offered<'_>) -> Self {
        Self {
            mode: offer.mode.to_string(),
            resolved_mode: offer.resolved.to_string(),
            platform: offer.platform.to_string(),
            version: offer.version.version.to_string(),
            version_id: offer.version.id,
            rollout: offer.version.rollout,
            version_for_others: offer.others.as_ref().map(ToString::to_string),
            published_at: offer.version.published_at.to_string(),
        }
    }
}

impl Example for Offer {
    fn example() -> Self {
        Self {
            mode: "stable".to_owned(),
            resolved_mode: "stable".to_owned(),
            platform: "linux-x86_64".to_owned(),
            version: "1.3.0".to_owned(),
            version_id: Uuid::from_u128(0x0192_54e3_7a6b_7c2d_8e4f_1020_3040_5061),
            rollout: 25,
            version_for_others: Some("1.2.0".to_owned()),
            published_at: "2026-11-22T12:00:00.000000Z".to_owned(),
        }
    }
}

/// A role of the signed metadata.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
pub(in crate::api) struct Role {
    /// `root`, `targets`, `snapshot`, `timestamp`, `catalog`, or the name of a mode.
    pub(in crate::api) name: String,
    /// When the signature in force expires (RFC 3339).
    pub(in crate::api) expires_at: String,
    /// Whether this server renews it. If not, the holder of its key must.
    pub(in crate::api) is_renewed_here: bool,
}

/// The chunks in the store.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
pub(in crate::api) struct ChunkStatus {
    /// Chunks that can be read.
    pub(in crate::api) live: u64,
    /// Chunks that nothing needs any more, and that are removed soon.
    pub(in crate::api) doomed: u64,
    /// Chunks whose bytes are being removed.
    pub(in crate::api) deleting: u64,
    /// Chunks that a version needs, and whose bytes are gone.
    pub(in crate::api) lost: u64,
    /// Bytes of the chunks that can be read, as stored.
    pub(in crate::api) live_bytes: u64,
}

impl From<&ChunkCounts> for ChunkStatus {
    fn from(counts: &ChunkCounts) -> Self {
        let ChunkCounts { live, live_bytes, doomed, deleting, lost } = *counts;
        Self { live, doomed, deleting, lost, live_bytes }
    }
}

/// How the server is, that answers.
#[derive(Debug, Clone, PartialEq, Object)]
pub(in crate::api) struct Status {
    /// The version of the server.
    pub(in crate::api) server_version: String,
    /// The region of this server, in the operator's words.
    pub(in crate::api) region: String,
    /// Where chunks are kept: `database`, `folder` or `bucket`.
    pub(in crate::api) chunks_are_in: String,
    /// The stable code of why this server cannot sign a change, such as `keys_missing` or `clock_wrong`. Null if it can.
    pub(in crate::api) unfit_code: Option<String>,
    /// The reason, for people to read. Null if it can.
    pub(in crate::api) unfit_detail: Option<String>,
    /// The signatures in force, and when they expire.
    pub(in crate::api) roles: Vec<Role>,
    /// The chunks in the store.
    pub(in crate::api) chunks: ChunkStatus,
    /// Number of bundles in the lists.
    pub(in crate::api) bundles: u64,
    /// Bytes of these bundles.
    pub(in crate::api) bundle_bytes: u64,
    /// Bytes that are free on the disk of the server's data folder. Null if that is not known.
    pub(in crate::api) disk_free_bytes: Option<u64>,
    /// When this process last ended a round of clean-up (RFC 3339). Null if it has not since it started.
    pub(in crate::api) last_cleanup_at: Option<String>,
}

/// How many clients have updated from one version to another.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(example)]
pub(in crate::api) struct Demand {
    /// The name of the mode.
    pub(in crate::api) mode: String,
    /// The platform, such as `linux-x86_64`.
    pub(in crate::api) platform: String,
    /// The version that clients have. Null if its files are gone from this server.
    pub(in crate::api) from_version: Option<String>,
    /// The version that clients update to.
    pub(in crate::api) to_version: String,
    /// The number of clients in the last 30 days, as far as their requests reach the server.
    pub(in crate::api) count: u64,
    /// Size of the bundle for exactly this way, in bytes. Null if none is built.
    pub(in crate::api) bundle_size: Option<u64>,
}

impl Example for Demand {
    fn example() -> Self {
        Self {
            mode: "stable".to_owned(),
            platform: "linux-x86_64".to_owned(),
            from_version: Some("1.1.0".to_owned()),
            to_version: "1.2.0".to_owned(),
            count: 4210,
            bundle_size: Some(6_700_000),
        }
    }
}
