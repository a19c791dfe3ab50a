//! The one error type of this crate.
//!
//! Every failure has a stable [`Error::code`] (scripts and translations key on it), a sentence that
//! names the thing that failed, and, where there is something to do, an [`Error::hint`].
//! Codes are never renamed; `docs/errors.md` lists them, and a test compares.

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use crate::digest::ChunkId;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which of the formats a malformed input claimed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.caibx` or `.caidx`.
    Index,
    /// The catar stream.
    Archive,
    /// A stored chunk (zstd, gzip or xz).
    Chunk,
    /// The record that an extract leaves beside its destination.
    Receipt,
    /// The description of one version for one platform.
    Release,
    /// The choice of what each mode offers.
    Catalog,
    /// The list of a version's files.
    FileTable,
    /// Chunks of a version, compressed together, or the list of such files.
    Bundle,
    /// `.vsekai/state.json` of an install root.
    State,
    /// The user's configuration file.
    Config,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Archive => "archive",
            Self::Chunk => "chunk",
            Self::Receipt => "receipt",
            Self::Release => "release document",
            Self::Catalog => "catalog",
            Self::FileTable => "file table",
            Self::Bundle => "bundle",
            Self::State => "state of the install root",
            Self::Config => "configuration",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong between us and another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// No connection: name not found, refused, no route, proxy down.
    Offline,
    /// Connected, then silence for longer than the idle limit.
    TimedOut,
    /// The certificate or the TLS handshake was not accepted.
    Tls,
    /// 401 or 407.
    Unauthorized,
    /// 404, 403 or 410 on something that has no other source.
    NotFound,
    /// Any other status, a cut body, a body over its cap, a redirect that may not be followed.
    Protocol,
}

/// Why signed metadata was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustKind {
    /// Not signed by enough of the keys that may.
    Signature,
    /// Older than what was seen before.
    Rollback,
    /// Past its expiry: the repository is stale, or held back by somebody.
    Expired,
    /// The machine's clock is behind the last time that it was seen.
    ClockBack,
    /// A target or metadata file is not the one that was signed: wrong length or digest, or of another snapshot.
    Mismatch,
    /// A name that no signed role lists, or that its role may not list.
    NotSigned,
    /// Signed metadata that cannot be read.
    Malformed,
    /// The trusted root cannot be read, or is not signed by its own keys.
    Root,
}

/// Everything that can go wrong here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are not what they claim to be.
    #[error("Malformed {format} at byte {offset}: {reason}")]
    Malformed {
        /// The format they claimed.
        format: Format,
        /// Where in the input, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A name or link target from outside that could leave the destination or not exist everywhere.
    #[error("Unsafe name {name:?}: {reason}")]
    UnsafePath {
        /// The name as it came.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Content that does not hash to its id, or does not decode.
    #[error("Chunk {id} from {origin} is damaged: {reason}")]
    ChunkCorrupt {
        /// The chunk asked for.
        id: ChunkId,
        /// The store, seed or URL that gave it.
        origin: String,
        /// How it is damaged.
        reason: String,
    },
    /// No source has the chunk.
    #[error("Chunk {id} is missing from {origins}")]
    ChunkMissing {
        /// The chunk asked for.
        id: ChunkId,
        /// All sources that were tried, and what each said.
        origins: String,
    },
    /// The operating system refused a file operation.
    #[error("Could not {action} {}", path.display())]
    Io {
        /// The operation, as a verb phrase.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not enough room, found out before anything was written.
    #[error("{} has {free_bytes} bytes free, {needed_bytes} are needed", path.display())]
    DiskFull {
        /// A path on the full file system.
        path: PathBuf,
        /// What the plan needs, in bytes.
        needed_bytes: u64,
        /// What there is, in bytes.
        free_bytes: u64,
    },
    /// The network, not the data.
    #[error("{url}: {reason}")]
    Transport {
        /// The kind of failure.
        kind: TransportKind,
        /// What was asked for, without credentials.
        url: String,
        /// The failure in words.
        reason: String,
    },
    /// An update server understood what was asked of it, and does not do it.
    #[error("The server refused: {detail} [{code}]")]
    ServerRefused {
        /// The HTTP status.
        status: u16,
        /// The server's stable word for why.
        code: String,
        /// Why, in the server's words.
        detail: String,
    },
    /// The destination holds files that this program did not put there.
    #[error("{} is not empty and was not made by this program", path.display())]
    DestinationNotOurs {
        /// The destination.
        path: PathBuf,
    },
    /// A file of the user's stands where the new version has one of its own.
    #[error("{} is not part of the installed version, but the new one has a file there", path.display())]
    ForeignConflict {
        /// The user's file.
        path: PathBuf,
    },
    /// Another process works on the same thing.
    #[error("{} is in use by {holder}", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// Process id and verb of the holder.
        holder: String,
    },
    /// Signed metadata that is not to be believed.
    #[error("The repository is not to be trusted: {reason}")]
    Trust {
        /// Why.
        kind: TrustKind,
        /// What was wrong with which file.
        reason: String,
    },
    /// A version that is not `SemVer`, or not in the one form that we use.
    #[error("{version:?} is no version: {reason}")]
    VersionInvalid {
        /// The version as it came.
        version: String,
        /// What is wrong with it, and the canonical form if there is one.
        reason: String,
    },
    /// The catalog has no mode of this name.
    #[error("There is no mode {mode:?}; there are: {known}")]
    ModeUnknown {
        /// The name.
        mode: String,
        /// The names that exist, with commas.
        known: String,
    },
    /// The mode is not active any more and names no successor.
    #[error("The mode {mode:?} is retired and has no successor")]
    ModeRetired {
        /// The name.
        mode: String,
    },
    /// Following `update_to` leads back to a mode that was left.
    #[error("The modes lead in a circle: {path}")]
    ModeCycle {
        /// The names in order.
        path: String,
    },
    /// The mode offers nothing for this platform.
    #[error("The mode {mode:?} has no build for {platform}")]
    NoBuild {
        /// The mode.
        mode: String,
        /// The platform.
        platform: String,
    },
    /// The mode has no version of this name for this platform.
    #[error("The mode {mode:?} has no version {version}")]
    VersionUnknown {
        /// The mode.
        mode: String,
        /// The version.
        version: String,
    },
    /// A version exists already, and what is published is never changed.
    #[error("{version} is published already in mode {mode:?}, with other content")]
    VersionExists {
        /// The mode.
        mode: String,
        /// The version.
        version: String,
    },
    /// The release, or the repository, is newer than this program understands.
    #[error("{what} needs vsekai {needed} or later; this is {}", env!("CARGO_PKG_VERSION"))]
    LauncherTooOld {
        /// What needs it.
        what: String,
        /// The version it needs.
        needed: String,
    },
    /// `state.json` was written by a newer version of this program.
    #[error("{} was written by a newer vsekai (schema {schema})", path.display())]
    StateTooNew {
        /// The file.
        path: PathBuf,
        /// Its schema.
        schema: u64,
    },
    /// Nothing is installed there.
    #[error("Nothing is installed in {}", path.display())]
    NotInstalled {
        /// The install root.
        path: PathBuf,
    },
    /// There is no version to go back to.
    #[error("There is no previous version in {}", path.display())]
    NoPrevious {
        /// The install root.
        path: PathBuf,
    },
    /// Installed files are not as they were published.
    #[error("{files} files of {} are damaged", path.display())]
    Damaged {
        /// The version's folder.
        path: PathBuf,
        /// How many.
        files: u64,
    },
    /// The game did not start.
    #[error("Could not start {}: {reason}", path.display())]
    LaunchFailed {
        /// The program.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The publisher's checks found something, and were asked to be strict.
    #[error("{findings} findings in the tree")]
    LintFailed {
        /// How many.
        findings: u64,
    },
    /// A signing key that is needed is not in the folder of keys.
    #[error("The key of the role {role:?} is not in {}", path.display())]
    KeyMissing {
        /// The role.
        role: String,
        /// The folder.
        path: PathBuf,
    },
    /// A value that the caller chose is out of range or contradicts another.
    #[error("Invalid {what}: {reason}")]
    Invalid {
        /// The parameter.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The input is sound, but uses a feature that this program does not have.
    #[error("Unsupported: {what}")]
    Unsupported {
        /// The feature.
        what: String,
    },
    /// The caller asked to stop.
    #[error("Cancelled")]
    Cancelled,
}

impl Error {
    /// Wraps an [`io::Error`] with what was being done to which path.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.into(), source }
    }

    /// A stable word for scripts, logs and translations.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { format: Format::Index, .. } => "index_malformed",
            Self::Malformed { format: Format::Archive, .. } => "archive_malformed",
            Self::Malformed { format: Format::Chunk, .. } => "chunk_malformed",
            Self::Malformed { format: Format::Receipt, .. } => "receipt_malformed",
            Self::Malformed { format: Format::Release, .. } => "release_malformed",
            Self::Malformed { format: Format::Catalog, .. } => "catalog_malformed",
            Self::Malformed { format: Format::FileTable, .. } => "file_table_malformed",
            Self::Malformed { format: Format::Bundle, .. } => "bundle_malformed",
            Self::Malformed { format: Format::State, .. } => "state_malformed",
            Self::Malformed { format: Format::Config, .. } => "config_malformed",
            Self::UnsafePath { .. } => "unsafe_path",
            Self::ChunkCorrupt { .. } => "chunk_corrupt",
            Self::ChunkMissing { .. } => "chunk_missing",
            Self::Io { source, .. } => io_code(source.kind()),
            Self::DiskFull { .. } => "disk_full",
            Self::Transport { kind, .. } => transport_code(*kind),
            Self::ServerRefused { .. } => "server_refused",
            Self::DestinationNotOurs { .. } => "destination_not_ours",
            Self::ForeignConflict { .. } => "foreign_conflict",
            Self::Busy { .. } => "busy",
            Self::Trust { kind, .. } => trust_code(*kind),
            Self::VersionInvalid { .. } => "version_invalid",
            Self::ModeUnknown { .. } => "mode_unknown",
            Self::ModeRetired { .. } => "mode_retired",
            Self::ModeCycle { .. } => "mode_cycle",
            Self::NoBuild { .. } => "no_build_for_platform",
            Self::VersionUnknown { .. } => "version_unknown",
            Self::VersionExists { .. } => "version_exists",
            Self::LauncherTooOld { .. } => "launcher_too_old",
            Self::StateTooNew { .. } => "state_too_new",
            Self::NotInstalled { .. } => "not_installed",
            Self::NoPrevious { .. } => "no_previous_version",
            Self::Damaged { .. } => "damaged",
            Self::LaunchFailed { .. } => "launch_failed",
            Self::LintFailed { .. } => "lint_failed",
            Self::KeyMissing { .. } => "key_missing",
            Self::Invalid { .. } => "invalid_argument",
            Self::Unsupported { .. } => "unsupported",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether bytes were wanted that nobody gave: from another source, or later, they may be had.
    pub fn is_for_want_of_bytes(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::ChunkMissing { .. } | Self::ChunkCorrupt { .. })
    }
}

fn io_code(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk_full",
        io::ErrorKind::PermissionDenied => "permission_denied",
        io::ErrorKind::ReadOnlyFilesystem => "read_only",
        io::ErrorKind::NotFound => "not_found",
        _ => "io_failed",
    }
}

fn trust_code(kind: TrustKind) -> &'static str {
    match kind {
        TrustKind::Signature => "signature_invalid",
        TrustKind::Rollback => "metadata_rollback",
        TrustKind::Expired => "metadata_expired",
        TrustKind::ClockBack => "clock_went_back",
        TrustKind::Mismatch => "target_mismatch",
        TrustKind::NotSigned => "target_not_signed",
        TrustKind::Malformed => "metadata_malformed",
        TrustKind::Root => "trust_root_invalid",
    }
}

fn transport_code(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Offline => "offline",
        TransportKind::TimedOut => "timed_out",
        TransportKind::Tls => "tls_failed",
        TransportKind::Unauthorized => "unauthorized",
        TransportKind::NotFound => "not_found",
        TransportKind::Protocol => "http_failed",
    }
}
