//! The stable code of each error.

use std::io;

use super::{Error, Format, TransportKind, TrustKind};

impl Error {
    /// The stable code for scripts, logs and translations.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { format: Format::Index, .. } => "index_malformed",
            Self::Malformed { format: Format::Archive, .. } => "archive_malformed",
            Self::Malformed { format: Format::Chunk, .. } => "chunk_malformed",
            Self::Malformed { format: Format::Receipt, .. } => "receipt_malformed",
            Self::Malformed { format: Format::Release, .. } => "release_malformed",
            Self::Malformed { format: Format::Catalog, .. } => "catalog_malformed",
            Self::Malformed { format: Format::FileTable, .. } => "file_table_malformed",
            Self::Malformed { format: Format::News, .. } => "news_malformed",
            Self::Malformed { format: Format::Bundle, .. } => "bundle_malformed",
            Self::Malformed { format: Format::State, .. } => "state_malformed",
            Self::Malformed { format: Format::Config, .. } => "config_malformed",
            Self::Malformed { format: Format::Preparation, .. } => "preparation_malformed",
            Self::UnsafePath { .. } => "unsafe_path",
            Self::ChunkCorrupt { .. } => "chunk_corrupt",
            Self::ChunkMissing { .. } => "chunk_missing",
            Self::Io { source, .. } => io_code(source.kind()),
            Self::DiskFull { .. } => "disk_full",
            Self::Transport { kind, .. } => transport_code(*kind),
            Self::ServerRefused { .. } => "server_refused",
            Self::DestinationNotOurs { .. } => "destination_not_ours",
            Self::OtherOwner { .. } => "other_owner",
            Self::ForeignConflict { .. } => "foreign_conflict",
            Self::Busy { .. } => "busy",
            Self::Trust { kind, .. } => trust_code(*kind),
            Self::VersionInvalid { .. } => "version_invalid",
            Self::ModeUnknown { .. } => "mode_unknown",
            Self::ModeRetired { .. } => "mode_retired",
            Self::ModeCycle { .. } => "mode_cycle",
            Self::NoBuild { .. } => "no_build_for_platform",
            Self::VersionRecalled { .. } | Self::VersionUnknown { .. } => "version_unknown",
            Self::VersionTooOld { .. } => "version_too_old",
            Self::VersionExists { .. } => "version_exists",
            Self::LauncherTooOld { .. } => "launcher_too_old",
            Self::StateTooNew { .. } => "state_too_new",
            Self::NotInstalled { .. } => "not_installed",
            Self::RepositoryMissing { .. } => "repository_missing",
            Self::NoPrevious { .. } => "no_previous_version",
            Self::Damaged { .. } => "damaged",
            Self::LaunchFailed { .. } => "launch_failed",
            Self::PackageManaged { .. } => "package_managed",
            Self::LintFailed { .. } => "lint_failed",
            Self::KeyMissing { .. } => "key_missing",
            Self::PassphraseMissing { .. } => "passphrase_missing",
            Self::PassphraseWrong { .. } => "passphrase_wrong",
            Self::SignerFailed { .. } => "signer_failed",
            Self::PreparationStale { .. } => "preparation_stale",
            Self::SignatureExpired { .. } => "signature_expired",
            Self::Invalid { .. } => "invalid_argument",
            Self::Unsupported { .. } => "unsupported",
            Self::Cancelled => "cancelled",
        }
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
        TransportKind::WebPage | TransportKind::Protocol => "http_failed",
    }
}
