//! Publishes a build: chunks into the store, then the documents that describe it, then the catalog that offers it.
//!
//! ```text
//! tree, or an index and a store  --build-->  index + file table  --lint-->  release document
//!                                             |                              |
//! a folder:                                store/                 targets/, catalog, tuf/ (timestamp last)
//! a server:                                chunks that it lacks   documents, signed list, commit
//! ```
//!
//! Readers see all of a version or nothing of it: the timestamp is written last. What is on offer is never changed: the
//! same version with the same content again is no work, with other content it is an error. To a folder, the keys that
//! are needed are the mode's, the catalog's, the snapshot's and the timestamp's; to a server the mode's alone, for it
//! has the others. Those of root and targets stay offline.

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
use crate::path::RelPath;
use crate::version::Version;

mod build;
mod bundles;
mod check;
mod documents;
mod edit;
mod folder;
mod history;
mod import;
mod server;

pub use edit::{Edit, edit};
pub use server::Server;

/// What is published.
#[derive(Debug)]
pub enum BuildSource {
    /// A folder, to be cut into chunks.
    Tree(PathBuf),
    /// A tree that desync or casync has cut already.
    Cut {
        /// Its index.
        index: Index,
        /// Who has its chunks.
        sources: Box<Sources>,
    },
}

/// Where a repository is written.
#[derive(Debug)]
pub enum Destination {
    /// A folder; made if it is not there.
    Folder(PathBuf),
    /// An update server.
    Server(Server),
}

/// A version to publish.
#[derive(Debug)]
pub struct Request {
    /// What.
    pub content: BuildSource,
    /// The mode.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// What to start.
    pub entry: Entry,
    /// What is new, in Markdown.
    pub notes: String,
    /// The oldest `vsekai` that can install it.
    pub min_launcher: Option<Version>,
    /// Files that the game changes by itself.
    pub mutable: Vec<RelPath>,
    /// How many of a hundred are offered it.
    pub rollout: u8,
    /// Never offered by itself.
    pub skip_update: bool,
    /// Where.
    pub repository: Destination,
    /// The folder of keys.
    pub keys: PathBuf,
    /// Where to cut. Nothing: as the version before was cut, or by the size of the tree.
    pub chunker: Option<Chunker>,
    /// zstd level of chunks.
    pub level: i32,
    /// Findings of the lint are errors.
    pub strict: bool,
    /// Versions of the mode that stay on offer; older ones are withdrawn, so that metadata stays small.
    pub keep_versions: usize,
    /// Which bundles are built; nothing for none. A server builds its own.
    pub bundling: Option<Bundling>,
    /// A folder for working files.
    pub scratch: PathBuf,
}

/// Which bundles are built of a version, beside the one that builds on nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundling {
    /// From how many of the newest versions before.
    pub deltas: usize,
    /// How hard to try. What was built with less effort is replaced.
    pub effort: Effort,
}

/// What was published.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The mode.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// The mode's count.
    pub sequence: u64,
    /// What the tree amounts to.
    pub sizes: crate::formats::release::Sizes,
    /// Chunks that were new in the store.
    pub new_chunks: u64,
    /// Their size as stored, in bytes: what an update from the version before fetches at the most.
    pub new_stored_bytes: u64,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// Whether all of it was there before.
    pub was_there: bool,
    /// Signed metadata written, in bytes.
    pub metadata_bytes: u64,
    /// Bundles that were built.
    pub bundles: Vec<BundleInfo>,
}

/// Publishes.
///
/// # Errors
/// `key_missing`, `version_exists`, `lint_failed` with [`Request::strict`]; to a server `server_refused` and those of
/// the network. Nothing is offered then; chunks that were stored stay.
pub fn publish(request: &Request, monitor: &Monitor) -> Result<Published> {
    match &request.repository {
        Destination::Folder(folder) => folder::publish(request, folder, monitor),
        Destination::Server(server) => server::publish(request, server, monitor),
    }
}

/// Largest notes, in bytes.
pub const MAX_NOTES_BYTES: u64 = limits::MAX_DOCUMENT_BYTES / 4;
