//! Signed repositories: what may be believed of files from anywhere, and how such files are signed.
//!
//! ```text
//! Repository    open, target, remember: the reader's side        trust/repository.rs
//!   MirrorTransport     mirrors, cache and caps under `tough`            trust/transport.rs
//!   Datastore      what one install has seen                        trust/datastore.rs
//!   error       every failure of `tough` as one of ours          trust/error.rs
//! Keys          private keys and root.json: the ceremony         trust/keys.rs
//! ServiceKeys   the keys of an update server                     trust/keys/service.rs
//! Publication   put, remove, commit: the publisher's side        trust/publication.rs
//!   RepositoryStorage       its folder, or files in memory                   trust/publication/storage.rs
//!   import      what was signed elsewhere                        trust/publication/import.rs
//!   offline_signing  what is signed for a server                      trust/publication/offline_signing.rs
//! ```
//!
//! All verification is done by the `tough` crate, after The Update Framework (TUF) 1.0; there is none of our
//! own here. What is ours: where bytes come from and how many, what is kept between two runs, in which
//! order a publisher writes, and that one mode whose metadata has expired does not stop the others.
//!
//! Promises: nothing unverified is given to the caller or kept on disk, nothing is written into the memory
//! before [`Repository::remember`], every body has a cap. It knows nothing of versions or catalogs: a target
//! is a name and bytes.
//!
//! Files below a repository's root: `tuf/` (`N.root.json`, `timestamp.json`, `N.snapshot.json`,
//! `N.targets.json`, `N.<role>.json`) and `targets/<folders of the name>/<sha256>.<last part of the name>`,
//! the consistent-snapshot layout of the specification (section 6.2). `tough` itself would put the digest
//! before the first folder; the courier and the publisher follow the specification.

mod datastore;
mod error;
mod keys;
mod location;
mod publication;
mod repository;
mod sign;
mod transport;

pub use crate::formats::metadata_pack::{check_role_name, check_target_name, target_path};
pub use keys::{Days, KeyInfo, Keys, ServiceKeys};
pub use location::Location;
pub use publication::{Committed, Listed, MemoryStorage, Publication, Read, TrustFiles, make_pack};
pub use repository::{ClockGuard, OpenOptions, Repository};

/// The role that signs `catalog.json` and nothing else.
pub const CATALOG_ROLE: &str = "catalog";

/// The one target of [`CATALOG_ROLE`].
pub const CATALOG_TARGET: &str = "catalog.json";

/// Largest `root.json`, in bytes: some hundred keys.
const MAX_ROOT_BYTES: u64 = 256 << 10;

/// Largest `timestamp.json`, in bytes; it names one file.
const MAX_TIMESTAMP_BYTES: u64 = 64 << 10;

/// Largest `N.snapshot.json`, in bytes: thousands of roles.
const MAX_SNAPSHOT_BYTES: u64 = 1 << 20;

/// Largest metadata file of one role, in bytes: some 25,000 targets.
const MAX_TARGETS_BYTES: u64 = 4 << 20;

/// Most versions that a root may be behind.
const MAX_ROOT_UPDATES: u64 = 64;
