//! Signed repositories: verifies files from any origin, and signs them.
//!
//! ```text
//! Repository           open, target, remember: the reader's side   trust/repository.rs
//!   Metadata           verified roles, each for itself             trust/repository/metadata.rs
//!   MirrorTransport    mirrors, cache and limits for `tough`       trust/transport.rs
//!   Datastore          verified metadata of one install            trust/datastore.rs
//!   signed_documents   what it tells without network access        trust/repository/remembered.rs
//!   clock              how far the clock may go back               trust/clock.rs
//!   error              maps the errors of `tough` to ours          trust/error.rs
//! Keys                 private keys and root.json: the ceremony    trust/keys.rs
//! ServiceKeys          the keys of an update server                trust/keys/service.rs
//! Publication          put, remove, commit: the publisher's side   trust/publication.rs
//!   RepositoryStorage  its folder, or files in memory              trust/publication/storage.rs
//!   import             metadata that was signed elsewhere          trust/publication/import.rs
//!   offline_signing    metadata that is signed for a server        trust/publication/offline_signing.rs
//!   detached           metadata that is signed on another machine  trust/publication/detached.rs
//!   statement          a mode's successor and oldest version       trust/publication/statement.rs
//!   validity           how many days each signature has left       trust/publication/validity.rs
//! ```
//!
//! The `tough` crate does all verification, following The Update Framework (TUF) 1.0. Our part: where bytes come from
//! and how many are accepted, what is kept between two runs, in which order a publisher writes, and that one mode with
//! expired or invalid metadata does not block the others.
//!
//! Promises: nothing unverified reaches the caller or stays on disk; what was verified is kept at once, also if a load
//! fails later, and only the cache waits for [`Repository::remember`]; every body has a size limit. Versions and
//! catalogs are unknown here: a target is a name and bytes.
//!
//! Files below a repository's root: `tuf/` (`N.root.json`, `timestamp.json`, `N.snapshot.json`,
//! `N.targets.json`, `N.<role>.json`) and `targets/<folders of the name>/<sha256>.<last part of the name>`,
//! the consistent-snapshot layout of the specification (section 6.2). `tough` would put the digest before
//! the first folder; our transport and publication follow the specification.

mod clock;
mod datastore;
mod error;
mod keys;
mod location;
mod publication;
mod repository;
mod sign;
mod transport;

pub use crate::formats::metadata_pack::{check_role_name, check_target_name, target_path};
pub use keys::{
    Days, KeyFolder, KeyInfo, KeyKind, Keys, NO_KEY_FOLDER, NewKey, Passphrase, PassphraseFor, Passphrases, ServiceKeys,
};
pub use location::Location;
pub use publication::{
    Committed, DetachedRole, Listed, MemoryStorage, Publication, Read, RoleChange, RoleValidity, TrustFiles, Validity,
    make_pack,
};
pub use repository::{ClockGuard, OpenOptions, Repository, signed_documents};

/// The role that signs `catalog.json` and nothing else.
pub const CATALOG_ROLE: &str = "catalog";

/// The one target of [`CATALOG_ROLE`].
pub const CATALOG_TARGET: &str = "catalog.json";

/// Largest `root.json`, in bytes: room for a few hundred keys.
const MAX_ROOT_BYTES: u64 = 256 << 10;

/// Largest `timestamp.json`, in bytes. It names a single file.
const MAX_TIMESTAMP_BYTES: u64 = 64 << 10;

/// Largest `N.snapshot.json`, in bytes: room for thousands of roles.
const MAX_SNAPSHOT_BYTES: u64 = 1 << 20;

/// Largest metadata file of one role, in bytes: room for about 25,000 targets.
const MAX_TARGETS_BYTES: u64 = 4 << 20;

/// Most versions by which a trusted root may be behind the newest.
const MAX_ROOT_UPDATES: u64 = 64;
