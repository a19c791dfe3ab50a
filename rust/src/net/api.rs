//! The JSON that `vsekai publish --server` and an update server exchange.
//!
//! ```text
//! GET  /api/v1/repository                              RepositoryInfo
//! PUT  /api/v1/repository/trust                        TrustUpload -> RepositoryInfo
//! POST /api/v1/publications                            NewPublication -> PublicationInfo
//! GET  /api/v1/publications/{id}                       PublicationInfo
//! POST /api/v1/publications/{id}/missing               MissingRequest -> MissingReply
//! POST /api/v1/publications/{id}/chunks                a batch of stored chunks -> BatchReply
//! PUT  /api/v1/modes/{mode}/news                       NewsUpload
//! PUT  /store/<4 hex>/<64 hex>.cacnk                   a stored chunk
//! PUT  /api/v1/publications/{id}/documents/{kind}      the bytes of a DocumentKind
//! PUT  /api/v1/publications/{id}/bundles/{sha256}/parts/{n}   a part of a bundle
//! GET  /api/v1/publications/{id}/bundles/{sha256}      BundleParts
//! POST /api/v1/publications/{id}/bundles               NewBundle -> BundleReply
//! POST /api/v1/publications/{id}/commit                CommitRequest -> PublicationInfo
//! ```
//!
//! And what a player's updater sends, if the player agreed and the mode asks:
//!
//! ```text
//! POST /api/v1/reports                                 Report
//! ```
//!
//! Failures are [`Problem`]s. Promises: each type but the last reads and writes the same JSON by serde and, with the feature
//! `openapi`, by `poem-openapi`; requests with unknown fields are refused, and unknown fields in replies are ignored.
//! Nothing else is checked here: the receiver checks what the values mean.

use std::collections::BTreeMap;

#[cfg(feature = "openapi")]
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::formats::release::{ModeName, Platform};
use crate::version::Version;

pub mod batch;
#[cfg(test)]
mod tests;

/// Most ids in one [`MissingRequest`].
pub const MAX_MISSING_IDS: usize = 5000;

/// Most chunks in one batch.
pub const MAX_BATCH_CHUNKS: usize = 4096;

/// Largest stored chunk that servers accept unless they announce another limit, in bytes.
pub const MAX_CHUNK_BYTES: u64 = 1 << 20;

/// Size of all parts of a bundle but the last, in bytes.
pub const BUNDLE_PART_BYTES: u64 = 1 << 20;

/// Largest bundle that publishers may send, in bytes.
pub const MAX_BUNDLE_BYTES: u64 = 4 << 30;

/// The media type of a [`Problem`] (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// The state of the repository that this server publishes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct RepositoryInfo {
    /// Increases by one with each change of the repository.
    pub revision: u64,
    /// The version of the newest root of trust. Null while the repository has not begun.
    pub root_version: Option<u64>,
    /// The public keys that this server signs with.
    pub online_keys: OnlineKeys,
    /// Largest chunk accepted, in bytes before compression.
    pub max_chunk_bytes: u64,
    /// Largest batch of chunks accepted, in bytes. Absent from servers that take chunks only one by one.
    #[serde(default)]
    pub max_batch_bytes: Option<u64>,
    /// Largest bundle accepted from publishers, in bytes. Absent from servers that build all bundles themselves.
    #[serde(default)]
    pub max_bundle_bytes: Option<u64>,
    /// Whether publishers may say where in the tree their chunks belong, so that the tree is checked as it arrives.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", oai(default))]
    pub takes_positions: bool,
}

/// The public keys that the server signs with, each as in TUF metadata:
/// `{"keytype", "scheme", "keyval": {"public"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct OnlineKeys {
    /// Signs the catalog: what each mode offers.
    pub catalog: serde_json::Value,
    /// Signs the snapshot: the list of all metadata.
    pub snapshot: serde_json::Value,
    /// Signs the timestamp: which snapshot is the newest.
    pub timestamp: serde_json::Value,
}

/// Metadata that was signed offline, to begin the repository or to add roots, delegations and modes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields))]
pub struct TrustUpload {
    /// New roots by version, each file in standard base64. A new repository needs all of them, including the first.
    pub roots: BTreeMap<String, String>,
    /// The `targets.json` that delegates to the catalog and the modes, in standard base64. Null if it stays as it is.
    #[serde(default)]
    pub targets: Option<String>,
    /// The metadata of new modes, by name of the mode, each file in standard base64.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", oai(default))]
    pub roles: BTreeMap<String, String>,
}

/// The news of a mode, signed by its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields))]
pub struct NewsUpload {
    /// The newly signed metadata of the mode, in standard base64. It lists the same versions as before.
    pub metadata: String,
    /// The files of the news that the server does not have yet, by name of their target, each in standard base64:
    /// `<mode>/news.json` and pictures.
    pub files: BTreeMap<String, String>,
}

/// A version to publish for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields, example))]
pub struct NewPublication {
    /// A UUID chosen by the client, which makes the request repeatable.
    pub id: String,
    /// The name of the mode.
    pub mode: String,
    /// The version number (`SemVer`).
    pub version: String,
    /// The platform, such as `linux-x86_64`.
    pub platform: String,
}

#[cfg(feature = "openapi")]
impl poem_openapi::types::Example for NewPublication {
    fn example() -> Self {
        Self {
            id: "6f0c1f6e-4b1d-8a52-9d0a-2f4f5b9f8a11".to_owned(),
            mode: "stable".to_owned(),
            version: "1.2.0".to_owned(),
            platform: "linux-x86_64".to_owned(),
        }
    }
}

/// The state of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(Enum), oai(rename_all = "snake_case"))]
pub enum PublicationState {
    /// Chunks and documents are accepted.
    Open,
    /// The version is published.
    Published,
    /// It was not committed in time. Begin a new one.
    Expired,
}

/// The documents that a publication needs in addition to its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(Enum), oai(rename_all = "snake_case"))]
pub enum DocumentKind {
    /// The index, `.caidx`.
    Index,
    /// The file table, `files.json.zst`.
    Files,
    /// The release document.
    Release,
    /// The newly signed metadata of the mode, which lists the other three.
    Metadata,
}

impl DocumentKind {
    /// All kinds, in the order in which they are sent.
    pub const ALL: [Self; 4] = [Self::Index, Self::Files, Self::Release, Self::Metadata];

    /// The name that is used in URLs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Files => "files",
            Self::Release => "release",
            Self::Metadata => "metadata",
        }
    }
}

impl std::fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A publication and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct PublicationInfo {
    /// The id chosen by the client.
    pub id: String,
    /// The name of the mode.
    pub mode: String,
    /// The version number.
    pub version: String,
    /// The platform, such as `linux-x86_64`.
    pub platform: String,
    /// The state of the publication.
    pub state: PublicationState,
    /// When an open publication expires (RFC 3339). Its chunks and documents are kept until then.
    pub expires_at: String,
    /// The sequence number of the mode, once the version is published.
    pub sequence: Option<u64>,
    /// The documents that the server has received.
    pub received: Vec<DocumentKind>,
}

/// Chunks that the publication needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields))]
pub struct MissingRequest {
    /// Ids of chunks, 64 hex digits each, at most 5000.
    #[cfg_attr(feature = "openapi", oai(validator(max_items = 5000)))]
    pub ids: Vec<String>,
    /// Where chunks belong that are sent now or were sent before, at most 5000. A server that knows where all belong checks
    /// the tree as it arrives, and need not read it again for the commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", oai(default, skip_serializing_if_is_empty, validator(max_items = 5000)))]
    pub positions: Vec<ChunkPosition>,
}

/// Where a chunk belongs in the archive of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields))]
pub struct ChunkPosition {
    /// Number of bytes before it.
    pub position: u64,
    /// Id of the chunk, 64 hex digits.
    pub id: String,
}

/// The requested chunks that the server does not have. The others are kept for the publication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct MissingReply {
    /// Ids of the missing chunks, 64 hex digits each.
    pub missing: Vec<String>,
}

/// What became of the chunks of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct BatchReply {
    /// How many the server did not have before.
    pub new: u32,
    /// How many it had already.
    pub there: u32,
}

/// A bundle whose parts have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields, example))]
pub struct NewBundle {
    /// SHA-256 of the bundle, 64 hex digits.
    pub id: String,
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256 of the index of the version that it builds on, 64 hex digits. Null if it needs none.
    #[serde(default)]
    pub from: Option<String>,
}

#[cfg(feature = "openapi")]
impl poem_openapi::types::Example for NewBundle {
    fn example() -> Self {
        let (id, from) = ("cd".repeat(32), Some("ab".repeat(32)));
        Self { id, length: 6_700_000, from }
    }
}

/// What became of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(Enum), oai(rename_all = "snake_case"))]
pub enum BundleOutcome {
    /// Players find it in the list of the version.
    Listed,
    /// It has been checked, and will be listed when the version is published.
    Waiting,
    /// The listed one between the same versions is as small, and stays.
    NoSmaller,
}

/// What became of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct BundleReply {
    /// Whether it is listed.
    pub outcome: BundleOutcome,
}

/// The parts of a bundle that the server has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct BundleParts {
    /// Their numbers, beginning with 0, in order.
    pub parts: Vec<u64>,
}

/// How a version is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields, example))]
pub struct CommitRequest {
    /// Percentage of installs that are offered it, 0 to 100.
    #[cfg_attr(feature = "openapi", oai(validator(maximum(value = "100"))))]
    pub rollout: u8,
    /// Whether to offer it only by name, never as an update.
    pub skip_update: bool,
}

#[cfg(feature = "openapi")]
impl poem_openapi::types::Example for CommitRequest {
    fn example() -> Self {
        Self { rollout: 100, skip_update: false }
    }
}

/// Where a [`Report`] goes, below the address of the repository.
pub const REPORTS_PATH: &str = "api/v1/reports";

/// How a new version began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(Enum), oai(rename_all = "snake_case"))]
pub enum Outcome {
    /// It has shown that it works.
    Started,
    /// It was put aside because it did not start.
    Failed,
}

/// Whether a version that is being rolled out has started. Nothing says who reports it. Written by clients only: the
/// server reads it by a type of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The mode.
    pub mode: ModeName,
    /// The version number.
    pub version: Version,
    /// The platform.
    pub platform: Platform,
    /// How it began.
    pub outcome: Outcome,
}

/// Why a request failed (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct Problem {
    /// The address of the explanation of `code`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", oai(rename = "type"))]
    pub kind: String,
    /// The standard name of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for people to read.
    pub detail: String,
    /// The requested path.
    pub instance: String,
    /// The stable code for programs, such as `chunks_missing`.
    pub code: String,
}
