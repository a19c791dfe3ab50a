//! The one error type of this crate.
//!
//! Every failure has a stable [`Error::code`] (scripts and translations key on it), a sentence that
//! names the thing that failed, and, where there is something to do, an [`Error::hint`].
//! Codes are never renamed; `docs/errors.md` lists them, and a test compares.

use std::io;
use std::path::PathBuf;

use crate::chunk::ChunkId;

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
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Archive => "archive",
            Self::Chunk => "chunk",
            Self::Receipt => "receipt",
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
            Self::UnsafePath { .. } => "unsafe_path",
            Self::ChunkCorrupt { .. } => "chunk_corrupt",
            Self::ChunkMissing { .. } => "chunk_missing",
            Self::Io { source, .. } => io_code(source.kind()),
            Self::DiskFull { .. } => "disk_full",
            Self::Transport { kind, .. } => transport_code(*kind),
            Self::DestinationNotOurs { .. } => "destination_not_ours",
            Self::ForeignConflict { .. } => "foreign_conflict",
            Self::Busy { .. } => "busy",
            Self::Invalid { .. } => "invalid_argument",
            Self::Unsupported { .. } => "unsupported",
            Self::Cancelled => "cancelled",
        }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.code() {
            "index_malformed" => "Check that the path or URL names a .caibx or .caidx file, and fetch it again.",
            "archive_malformed" => "The index names a blob, not a tree, or the publisher's archive is broken.",
            "unsafe_path" => "Rename the entry in the tree and publish it again.",
            "chunk_corrupt" => "Run `vsekai store verify` on the store, or name another store to fall back to.",
            "chunk_missing" => "Name every store that holds chunks of this index, each with --store.",
            "disk_full" => "Free some space, or choose a destination on another disk.",
            "permission_denied" => "Choose a folder that you may write to.",
            "read_only" => "Choose a destination on a disk that can be written.",
            "offline" => "Check the network and the URL. What was fetched so far is kept: run it again.",
            "timed_out" => "The server is slow or gone. What was fetched so far is kept: run it again.",
            "unauthorized" => "The server wants credentials: set VSEKAI_HTTP_AUTH, or give --http-auth-file.",
            "tls_failed" => "Check the clock and the certificate; name a private authority with --ca-cert.",
            "destination_not_ours" => {
                "Give an empty or new folder. To take over a tree that another tool extracted, give it \
                 and its index as the seed: --seed DEST --seed-index INDEX."
            }
            "foreign_conflict" => "Move that file away, then run it again. Nothing was changed.",
            "busy" => "Wait until the other process has ended, then run it again.",
            _ => return None,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each; a new variant without a sample is seen as a code that the documentation has too much.
    fn samples() -> Vec<Error> {
        let id = ChunkId::from_bytes([0; 32]);
        let text = String::new;
        let malformed = |format| Error::Malformed { format, offset: 0, reason: text() };
        let io = |kind: io::ErrorKind| Error::io("read", "/f")(kind.into());
        let transport = |kind| Error::Transport { kind, url: text(), reason: text() };
        let mut all = vec![
            Error::UnsafePath { name: text(), reason: "" },
            Error::ChunkCorrupt { id, origin: text(), reason: text() },
            Error::ChunkMissing { id, origins: text() },
            Error::DiskFull { path: "/d".into(), needed_bytes: 2, free_bytes: 1 },
            Error::DestinationNotOurs { path: "/d".into() },
            Error::ForeignConflict { path: "/d".into() },
            Error::Busy { path: "/d".into(), holder: text() },
            Error::Invalid { what: "", reason: text() },
            Error::Unsupported { what: text() },
            Error::Cancelled,
        ];
        all.extend([Format::Index, Format::Archive, Format::Chunk, Format::Receipt].map(malformed));
        all.extend(
            [
                io::ErrorKind::StorageFull,
                io::ErrorKind::PermissionDenied,
                io::ErrorKind::ReadOnlyFilesystem,
                io::ErrorKind::NotFound,
                io::ErrorKind::Other,
            ]
            .map(io),
        );
        use TransportKind::{NotFound, Offline, Protocol, TimedOut, Tls, Unauthorized};
        all.extend([Offline, TimedOut, Tls, Unauthorized, NotFound, Protocol].map(transport));
        all
    }

    #[test]
    fn documentation_lists_every_code_and_no_other() {
        let codes: std::collections::BTreeSet<&str> = samples().iter().map(Error::code).collect();
        let table = include_str!("../../docs/errors.md");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        assert_eq!(rows.collect::<Vec<_>>(), codes.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn full_disk_has_one_code_however_it_was_found() {
        let before = Error::DiskFull { path: "/d".into(), needed_bytes: 2, free_bytes: 1 };
        let during = Error::io("write", "/d/f")(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(before.code(), "disk_full");
        assert_eq!(during.code(), "disk_full");
        assert_eq!(before.hint(), during.hint());
    }
}
