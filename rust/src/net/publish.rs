//! Publishes a build: writes its chunks to the store, then the documents that describe it, then the catalog that offers
//! it.
//!
//! ```text
//! tree, or an index and a store  --check, build-->  index + file table  -->  release document
//!                                                    |                        |
//! a folder:                                       store/           targets/, catalog, tuf/ (timestamp last)
//! a server:                                       missing chunks   documents, signed list, commit
//! ```
//!
//! Readers see a complete version or none of it, because the timestamp is written last. Published versions never
//! change: publishing a version again with the same content does nothing, with different content it is an error. A
//! folder needs the keys of the mode, the catalog, the snapshot and the timestamp; a server needs only the mode's key,
//! because it has the others. The keys of root and targets stay offline.

use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::bundle::{BundleInfo, Effort};
use crate::formats::chunker::Chunker;
use crate::formats::index::Index;
use crate::formats::release::{Entry, ModeName, Platform};
use crate::limits;
use crate::local::preflight::Finding;
use crate::local::sources::Sources;
use crate::net::trust::{KeyFolder, RoleValidity};
use crate::path::RelPath;
use crate::version::Version;

#[cfg(feature = "bucket")]
mod bucket;
mod build;
mod bundles;
mod check;
mod documents;
mod edit;
mod folder;
mod history;
mod import;
mod news;
mod prepared;
mod prune;
mod rehearsal;
mod roles;
mod server;
mod upload;

#[cfg(feature = "bucket")]
pub use bucket::BucketRepository;
pub use edit::{Edit, Edited, edit, edit_on_server};
pub use news::{NewsEdit, edit_news, read_news};
use prepared::Ending;
pub use prepared::{
    CommitResult, MAX_PREPARED_BYTES, Prepared, Review, ReviewedVersion, commit, prepare_renewal, review, sign,
};
pub use prune::prune;
pub use rehearsal::{Rehearsal, RehearsedDocument, rehearse};
pub use roles::{Look, Standing, look, look_unchecked, roles};
pub use server::{Server, push_keys, renew_on_server, retire_on_server};

/// The content to publish.
#[derive(Debug)]
pub enum BuildSource {
    /// A folder, which is split into chunks.
    Tree(PathBuf),
    /// A tree that desync or casync has already split into chunks.
    Cut {
        /// The index of the tree.
        index: Index,
        /// Stores with the index's chunks.
        sources: Box<Sources>,
    },
}

/// The repository to publish to.
#[derive(Debug)]
pub enum Destination {
    /// A folder; created if missing.
    Folder(PathBuf),
    /// A bucket of an S3-compatible service; the repository is created if missing.
    #[cfg(feature = "bucket")]
    Bucket(BucketRepository),
    /// An update server.
    Server(Server),
}

/// A version to publish.
#[derive(Debug)]
pub struct Request {
    /// The build, or an index of it.
    pub content: BuildSource,
    /// The mode to publish to; created if it is new.
    pub mode: ModeName,
    /// The version number.
    pub version: Version,
    /// The platform that the build runs on. `None` takes that of the program to start.
    pub platform: Option<Platform>,
    /// The program to start, and its arguments.
    pub entry: Entry,
    /// The release notes, in Markdown.
    pub notes: String,
    /// The oldest `vsekai` that can install it.
    pub min_launcher: Option<Version>,
    /// The oldest version of the mode that may still be installed.
    pub oldest_allowed: Option<Version>,
    /// Files that the game changes when it runs.
    pub mutable: Vec<RelPath>,
    /// Percentage of installs that are offered the version, 0 to 100.
    pub rollout: u8,
    /// Never offer the version automatically.
    pub skip_update: bool,
    /// The folder or server to publish to.
    pub repository: Destination,
    /// The key folder.
    pub keys: KeyFolder,
    /// The chunker. `None` uses that of the previous version, or chooses by the size of the tree.
    pub chunker: Option<Chunker>,
    /// zstd compression level of chunks, 1 to 22.
    pub level: i32,
    /// Treat all findings of the preflight as errors.
    pub strict: bool,
    /// Codes of findings that do not prevent publishing. Findings that are always refused still prevent it.
    pub allowed: Vec<String>,
    /// Files of the tree with secrets that are published all the same, by path.
    pub allowed_secrets: Vec<RelPath>,
    /// Further files of the publisher that must not be in the tree, such as a token: each with what it is, as the
    /// subject of a sentence.
    pub private: Vec<(String, PathBuf)>,
    /// Number of versions of the mode that stay on offer. Older ones are withdrawn, to keep metadata small.
    pub keep_versions: usize,
    /// The bundles to build; `None` builds none, and leaves them to a server.
    pub bundling: Option<Bundling>,
    /// A folder for temporary files.
    pub scratch: PathBuf,
}

/// The bundles to build of a version, in addition to the full one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundling {
    /// The number of previous versions, newest first, from which deltas are built.
    pub deltas: usize,
    /// The compression effort. Existing bundles with less effort are replaced.
    pub effort: Effort,
}

/// The bundles that a publication has built.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Bundles {
    /// Those that are listed now.
    #[serde(rename = "bundles")]
    pub built: Vec<BundleInfo>,
    /// Deltas that save players too little.
    #[serde(rename = "bundles_left_out", skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A delta that was built and not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The version that it starts from.
    pub from: Version,
    /// Its length in bytes.
    pub length: u64,
    /// What players of that version download without it, in bytes: chunks, or parts of the bundle for first installs.
    pub instead_bytes: u64,
}

/// The result of a publication.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The mode.
    pub mode: ModeName,
    /// The version number.
    pub version: Version,
    /// The platform that the build runs on.
    pub platform: Platform,
    /// The sequence number of the version in its mode.
    pub sequence: u64,
    /// Number of files and chunks of the tree, and their bytes.
    pub sizes: crate::formats::release::Sizes,
    /// Number of chunks that were new in the store.
    pub new_chunks: u64,
    /// Stored size of the new chunks, in bytes. An update from the previous version downloads at most this.
    pub new_stored_bytes: u64,
    /// The findings of the preflight.
    pub findings: Vec<Finding>,
    /// Whether the same version with the same content had been published before.
    pub was_there: bool,
    /// Signed metadata written, in bytes.
    pub metadata_bytes: u64,
    /// The bundles that were built.
    #[serde(flatten)]
    pub bundles: Bundles,
    /// How long the signatures of all roles are valid.
    pub roles: Vec<RoleValidity>,
}

/// Publishes a version.
///
/// # Errors
/// `lint_failed`, `signature_expired`, `key_missing`, `version_exists`; for a server, also `server_refused` and network
/// errors. The version is then not offered; chunks that were stored are kept. After `lint_failed`, nothing was stored
/// or sent.
pub fn publish(request: &Request, monitor: &Monitor) -> Result<Published> {
    Ok(run(request, Ending::Commit, monitor)?.0)
}

/// Stores the chunks and documents of a version where no reader sees them, and returns what somebody else has to sign;
/// nothing if the version is published already. Needs no private key.
///
/// # Errors
/// As [`publish`]; `invalid_argument` if the repository does not have the mode yet.
pub fn prepare(request: &Request, monitor: &Monitor) -> Result<(Published, Option<Prepared>)> {
    run(request, Ending::Prepare, monitor)
}

fn run(request: &Request, ending: Ending, monitor: &Monitor) -> Result<(Published, Option<Prepared>)> {
    match &request.repository {
        Destination::Folder(folder) => folder::publish(request, folder, ending, monitor),
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => bucket::publish(request, bucket, ending, monitor),
        Destination::Server(server) => server::publish(request, server, ending, monitor),
    }
}

/// Largest release notes, in bytes.
pub const MAX_NOTES_BYTES: u64 = limits::MAX_DOCUMENT_BYTES / 4;
