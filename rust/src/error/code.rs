//! The stable code of each error.

use std::io;

use super::{Error, Format, TransportKind, TrustKind};

/// The list of all codes: each a name for Rust, and the word that everybody else reads.
macro_rules! codes {
    ($($name:ident = $word:literal,)+) => {
        /// The code of an error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = concat!("`", $word, "`")] $name,)+
        }

        impl Code {
            /// All of them, always in this order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As scripts, logs and translations have it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

// The place of a code is its number in Godot (`gdext::kinds`): new ones go to the end.
codes! {
    ArchiveMalformed = "archive_malformed",
    BundleMalformed = "bundle_malformed",
    Busy = "busy",
    Cancelled = "cancelled",
    CatalogMalformed = "catalog_malformed",
    ChunkCorrupt = "chunk_corrupt",
    ChunkMalformed = "chunk_malformed",
    ChunkMissing = "chunk_missing",
    ClockWentBack = "clock_went_back",
    ConfigMalformed = "config_malformed",
    Damaged = "damaged",
    DestinationNotOurs = "destination_not_ours",
    DiskFull = "disk_full",
    FileTableMalformed = "file_table_malformed",
    ForeignConflict = "foreign_conflict",
    HttpFailed = "http_failed",
    IndexMalformed = "index_malformed",
    InvalidArgument = "invalid_argument",
    IoFailed = "io_failed",
    KeyMissing = "key_missing",
    LaunchFailed = "launch_failed",
    LauncherTooOld = "launcher_too_old",
    LintFailed = "lint_failed",
    MetadataExpired = "metadata_expired",
    MetadataMalformed = "metadata_malformed",
    MetadataRollback = "metadata_rollback",
    ModeCycle = "mode_cycle",
    ModeRetired = "mode_retired",
    ModeUnknown = "mode_unknown",
    NewsMalformed = "news_malformed",
    NoBuildForPlatform = "no_build_for_platform",
    NoPreviousVersion = "no_previous_version",
    NotFound = "not_found",
    NotInstalled = "not_installed",
    Offline = "offline",
    OtherOwner = "other_owner",
    PackageManaged = "package_managed",
    PassphraseMissing = "passphrase_missing",
    PassphraseWrong = "passphrase_wrong",
    PermissionDenied = "permission_denied",
    PreparationMalformed = "preparation_malformed",
    PreparationStale = "preparation_stale",
    ReadOnly = "read_only",
    ReceiptMalformed = "receipt_malformed",
    ReleaseMalformed = "release_malformed",
    RepositoryMissing = "repository_missing",
    ServerRefused = "server_refused",
    SignatureExpired = "signature_expired",
    SignatureInvalid = "signature_invalid",
    SignerFailed = "signer_failed",
    StateMalformed = "state_malformed",
    StateTooNew = "state_too_new",
    TargetMismatch = "target_mismatch",
    TargetNotSigned = "target_not_signed",
    TimedOut = "timed_out",
    TlsFailed = "tls_failed",
    TrustRootInvalid = "trust_root_invalid",
    Unauthorized = "unauthorized",
    UnsafePath = "unsafe_path",
    Unsupported = "unsupported",
    VersionExists = "version_exists",
    VersionInvalid = "version_invalid",
    VersionTooOld = "version_too_old",
    VersionUnknown = "version_unknown",
}

impl Error {
    /// The stable code for scripts, logs and translations.
    pub fn code(&self) -> &'static str {
        self.kind().word()
    }

    fn kind(&self) -> Code {
        match self {
            Self::Malformed { format: Format::Index, .. } => Code::IndexMalformed,
            Self::Malformed { format: Format::Archive, .. } => Code::ArchiveMalformed,
            Self::Malformed { format: Format::Chunk, .. } => Code::ChunkMalformed,
            Self::Malformed { format: Format::Receipt, .. } => Code::ReceiptMalformed,
            Self::Malformed { format: Format::Release, .. } => Code::ReleaseMalformed,
            Self::Malformed { format: Format::Catalog, .. } => Code::CatalogMalformed,
            Self::Malformed { format: Format::FileTable, .. } => Code::FileTableMalformed,
            Self::Malformed { format: Format::News, .. } => Code::NewsMalformed,
            Self::Malformed { format: Format::Bundle, .. } => Code::BundleMalformed,
            Self::Malformed { format: Format::State, .. } => Code::StateMalformed,
            Self::Malformed { format: Format::Config, .. } => Code::ConfigMalformed,
            Self::Malformed { format: Format::Preparation, .. } => Code::PreparationMalformed,
            Self::UnsafePath { .. } => Code::UnsafePath,
            Self::ChunkCorrupt { .. } => Code::ChunkCorrupt,
            Self::ChunkMissing { .. } => Code::ChunkMissing,
            Self::Io { source, .. } => io_code(source.kind()),
            Self::DiskFull { .. } => Code::DiskFull,
            Self::Transport { kind, .. } => transport_code(*kind),
            Self::ServerRefused { .. } => Code::ServerRefused,
            Self::DestinationNotOurs { .. } => Code::DestinationNotOurs,
            Self::OtherOwner { .. } => Code::OtherOwner,
            Self::ForeignConflict { .. } => Code::ForeignConflict,
            Self::Busy { .. } => Code::Busy,
            Self::Trust { kind, .. } => trust_code(*kind),
            Self::VersionInvalid { .. } => Code::VersionInvalid,
            Self::ModeUnknown { .. } => Code::ModeUnknown,
            Self::ModeRetired { .. } => Code::ModeRetired,
            Self::ModeCycle { .. } => Code::ModeCycle,
            Self::NoBuild { .. } => Code::NoBuildForPlatform,
            Self::VersionRecalled { .. } | Self::VersionUnknown { .. } => Code::VersionUnknown,
            Self::VersionTooOld { .. } => Code::VersionTooOld,
            Self::VersionExists { .. } => Code::VersionExists,
            Self::LauncherTooOld { .. } => Code::LauncherTooOld,
            Self::StateTooNew { .. } => Code::StateTooNew,
            Self::NotInstalled { .. } => Code::NotInstalled,
            Self::RepositoryMissing { .. } => Code::RepositoryMissing,
            Self::NoPrevious { .. } => Code::NoPreviousVersion,
            Self::Damaged { .. } => Code::Damaged,
            Self::LaunchFailed { .. } => Code::LaunchFailed,
            Self::PackageManaged { .. } => Code::PackageManaged,
            Self::LintFailed { .. } => Code::LintFailed,
            Self::KeyMissing { .. } => Code::KeyMissing,
            Self::PassphraseMissing { .. } => Code::PassphraseMissing,
            Self::PassphraseWrong { .. } => Code::PassphraseWrong,
            Self::SignerFailed { .. } => Code::SignerFailed,
            Self::PreparationStale { .. } => Code::PreparationStale,
            Self::SignatureExpired { .. } => Code::SignatureExpired,
            Self::Invalid { .. } => Code::InvalidArgument,
            Self::NotThere { .. } => Code::NotFound,
            Self::Unsupported { .. } => Code::Unsupported,
            Self::Cancelled => Code::Cancelled,
        }
    }
}

fn io_code(kind: io::ErrorKind) -> Code {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::DiskFull,
        io::ErrorKind::PermissionDenied => Code::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem => Code::ReadOnly,
        io::ErrorKind::NotFound => Code::NotFound,
        _ => Code::IoFailed,
    }
}

fn trust_code(kind: TrustKind) -> Code {
    match kind {
        TrustKind::Signature | TrustKind::Unsigned => Code::SignatureInvalid,
        TrustKind::Rollback => Code::MetadataRollback,
        TrustKind::Expired => Code::MetadataExpired,
        TrustKind::ClockBack => Code::ClockWentBack,
        TrustKind::Mismatch => Code::TargetMismatch,
        TrustKind::NotSigned => Code::TargetNotSigned,
        TrustKind::Malformed => Code::MetadataMalformed,
        TrustKind::Root => Code::TrustRootInvalid,
    }
}

fn transport_code(kind: TransportKind) -> Code {
    match kind {
        TransportKind::Offline => Code::Offline,
        TransportKind::TimedOut => Code::TimedOut,
        TransportKind::Tls => Code::TlsFailed,
        TransportKind::Unauthorized => Code::Unauthorized,
        TransportKind::NotFound => Code::NotFound,
        TransportKind::WebPage | TransportKind::Protocol => Code::HttpFailed,
    }
}
