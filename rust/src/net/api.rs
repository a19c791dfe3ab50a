//! What `vsekai publish --server` and an update server say to each other, as JSON.
//!
//! ```text
//! GET  /api/v1/repository                              RepositoryInfo
//! PUT  /api/v1/repository/trust                        TrustUpload -> RepositoryInfo
//! POST /api/v1/publications                            NewPublication -> PublicationInfo
//! GET  /api/v1/publications/{id}                       PublicationInfo
//! POST /api/v1/publications/{id}/missing               MissingRequest -> MissingReply
//! PUT  /store/<4 hex>/<64 hex>.cacnk                   a stored chunk
//! PUT  /api/v1/publications/{id}/documents/{kind}      the bytes of a DocumentKind
//! POST /api/v1/publications/{id}/commit                CommitRequest -> PublicationInfo
//! ```
//!
//! Failures are [`Problem`]s. Promises: each type reads and writes the same JSON by serde and, with the feature
//! `openapi`, by `poem-openapi`; requests with unknown fields are refused, replies with unknown fields are read.
//! It checks nothing else: what a text means is for whoever takes it.

use std::collections::BTreeMap;

#[cfg(feature = "openapi")]
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Most ids in one [`MissingRequest`].
pub const MAX_MISSING_IDS: usize = 5000;

/// Largest stored chunk that servers take unless they say another number, in bytes.
pub const MAX_CHUNK_BYTES: u64 = 1 << 20;

/// The media type of a [`Problem`] (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// The state of the repository that this server publishes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct RepositoryInfo {
    /// Grows by one with each change of the repository.
    pub revision: u64,
    /// The version of the newest trusted root; null while the repository has not begun.
    pub root_version: Option<u64>,
    /// The public keys by which this server signs.
    pub online_keys: OnlineKeys,
    /// Largest stored chunk that is taken, in bytes.
    pub max_chunk_bytes: u64,
}

/// The public keys by which the server signs, each as TUF metadata has it:
/// `{"keytype", "scheme", "keyval": {"public"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct OnlineKeys {
    /// Signs what each mode offers.
    pub catalog: serde_json::Value,
    /// Signs the list of all metadata.
    pub snapshot: serde_json::Value,
    /// Signs that the list is the newest.
    pub timestamp: serde_json::Value,
}

/// Metadata that was signed offline: it begins the repository, or brings new roots, delegations and modes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields))]
pub struct TrustUpload {
    /// New roots by version; all of them, the first one included, to begin. Each file in standard base64.
    pub roots: BTreeMap<String, String>,
    /// The `targets.json` that delegates to the catalog and the modes, in standard base64; null if it stays.
    #[serde(default)]
    pub targets: Option<String>,
    /// The metadata of modes that are new, by mode: each file in standard base64.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", oai(default))]
    pub roles: BTreeMap<String, String>,
}

/// A version to publish for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields, example))]
pub struct NewPublication {
    /// A UUID that the client chooses. The same again means the same publication.
    pub id: String,
    /// The mode.
    pub mode: String,
    /// The version, as `SemVer` has it.
    pub version: String,
    /// What it runs on.
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

/// How far a publication is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(Enum), oai(rename_all = "snake_case"))]
pub enum PublicationState {
    /// Chunks and documents are taken.
    Open,
    /// It is on offer.
    Published,
    /// It was not finished in time. Begin it again.
    Expired,
}

/// The documents that a publication needs beside its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(Enum), oai(rename_all = "snake_case"))]
pub enum DocumentKind {
    /// The `.caidx`.
    Index,
    /// The list of files, `files.json.zst`.
    Files,
    /// The release document.
    Release,
    /// The mode's newly signed metadata, which lists the other three.
    Metadata,
}

impl DocumentKind {
    /// All, in the order in which they are sent.
    pub const ALL: [Self; 4] = [Self::Index, Self::Files, Self::Release, Self::Metadata];

    /// As in URLs and JSON.
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

/// A publication, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct PublicationInfo {
    /// The UUID that the client chose.
    pub id: String,
    /// The mode.
    pub mode: String,
    /// The version.
    pub version: String,
    /// What it runs on.
    pub platform: String,
    /// How far it is.
    pub state: PublicationState,
    /// Until when its chunks and documents are kept while it is open: RFC 3339.
    pub expires_at: String,
    /// The mode's count of publications, once it is published.
    pub sequence: Option<u64>,
    /// The documents that the server has.
    pub received: Vec<DocumentKind>,
}

/// Chunks that the client is about to need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields))]
pub struct MissingRequest {
    /// Ids of chunks, 64 hex each, at most 5000.
    #[cfg_attr(feature = "openapi", oai(validator(max_items = 5000)))]
    pub ids: Vec<String>,
}

/// Which of the chunks asked for the server lacks. The others are kept for the publication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct MissingReply {
    /// Their ids, 64 hex each.
    pub missing: Vec<String>,
}

/// How a version is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(Object), oai(deny_unknown_fields, example))]
pub struct CommitRequest {
    /// How many of a hundred installs are offered it, 0 to 100.
    #[cfg_attr(feature = "openapi", oai(validator(maximum(value = "100"))))]
    pub rollout: u8,
    /// Never offered by itself.
    pub skip_update: bool,
}

#[cfg(feature = "openapi")]
impl poem_openapi::types::Example for CommitRequest {
    fn example() -> Self {
        Self { rollout: 100, skip_update: false }
    }
}

/// Why a request failed (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(Object))]
pub struct Problem {
    /// A URI for the kind of problem; `about:blank` if the title says it all.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", oai(rename = "type"))]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// A stable word for programs, such as `chunks_missing`.
    pub code: String,
}
