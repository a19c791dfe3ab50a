//! The one error type of this crate.
//!
//! Every failure has a stable [`Error::code`] for scripts and translations, and a message that names what failed. Each
//! front end adds what its users can do about it. Codes are never renamed; `docs/errors.md` lists them, and a test
//! compares the two.

mod code;
mod construct;
mod format;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

pub use code::Code;
pub use construct::Source;
pub use format::Format;

use crate::digest::ChunkId;
use crate::text;

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How communication with another machine failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// No connection: name not found, refused, no route, proxy down.
    Offline,
    /// Connected, then no data for longer than the idle limit.
    TimedOut,
    /// The certificate or the TLS handshake was rejected.
    Tls,
    /// Status 401 or 407.
    Unauthorized,
    /// Status 404, 403 or 410, and there is no other source.
    NotFound,
    /// A web page instead of the file, as a network sends that wants its users to log in.
    WebPage,
    /// Any other status, a truncated body, a body over its cap, or a redirect that must not be followed.
    Protocol,
}

/// Why signed metadata was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustKind {
    /// Too few valid signatures by the role's keys.
    Signature,
    /// Not signed by anybody yet: whoever prepared it has to have it signed.
    Unsigned,
    /// Older than metadata seen before.
    Rollback,
    /// Past its expiry: the repository is stale, or somebody is withholding updates.
    Expired,
    /// The machine's clock is behind the time of the last successful check.
    ClockBack,
    /// A target or metadata file differs from the signed one: another length or digest, or from another snapshot.
    Mismatch,
    /// No signed role lists this name, or the role that lists it may not.
    NotSigned,
    /// Signed metadata that cannot be read.
    Malformed,
    /// The trusted root cannot be read, or is not signed by its own keys.
    Root,
}

/// A finding of the preflight that prevents publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The finding's stable code.
    pub code: &'static str,
    /// The file or folder concerned, if there is one.
    pub path: Option<String>,
    /// How to fix it, as a sentence.
    pub hint: &'static str,
    /// Whether the publisher can allow it.
    pub can_be_allowed: bool,
}

/// Every error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that violate the format they were read as.
    #[error("Malformed {format}{}: {reason}", place_in(*format, *offset))]
    Malformed {
        /// The format they were read as.
        format: Format,
        /// Position of the fault in the input, in bytes from its start.
        offset: u64,
        /// What is wrong at that position.
        reason: String,
        /// The error from below, if that is what revealed it.
        source: Option<Source>,
    },
    /// A name or link target from outside that could leave the destination, or that some systems cannot store.
    #[error("Unsafe name {name:?}: {reason}")]
    UnsafePath {
        /// The name as received.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Content that does not decode or does not hash to its id.
    #[error("Chunk {id} from {origin} is damaged: {reason}")]
    ChunkCorrupt {
        /// The requested chunk.
        id: ChunkId,
        /// The store, seed or URL that it came from.
        origin: String,
        /// The damage.
        reason: String,
        /// The error from below, if that is what revealed it.
        source: Option<Source>,
    },
    /// No source has the chunk.
    #[error("Chunk {id} is missing from {origins}")]
    ChunkMissing {
        /// The requested chunk.
        id: ChunkId,
        /// All sources that were tried, each with its answer.
        origins: String,
    },
    /// The operating system refused a file operation.
    #[error("Could not {action} {}", path.display())]
    Io {
        /// The operation, as a verb phrase.
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Too little free space, found before anything was written.
    #[error("{} has {} free, and {} are needed", path.display(), text::bytes(*free_bytes), text::bytes(*needed_bytes))]
    DiskFull {
        /// A path on the full file system.
        path: PathBuf,
        /// Space that the plan needs, in bytes.
        needed_bytes: u64,
        /// Free space, in bytes.
        free_bytes: u64,
    },
    /// The network failed, not the data.
    #[error("{url}: {reason}")]
    Transport {
        /// The kind of failure.
        kind: TransportKind,
        /// The requested URL, without credentials.
        url: String,
        /// A description of the failure.
        reason: String,
        /// The error from below, if that is what revealed it.
        source: Option<Source>,
    },
    /// An update server understood the request and refused it.
    #[error("The server refused: {detail} [{code}]")]
    ServerRefused {
        /// The HTTP status.
        status: u16,
        /// The server's stable code for the reason.
        code: String,
        /// The reason in the server's words.
        detail: String,
    },
    /// The destination holds files that this program did not write.
    #[error("{} is not empty and was not made by this program", path.display())]
    DestinationNotOurs {
        /// The destination.
        path: PathBuf,
    },
    /// An install, or a part of it that decides what is started, belongs to another user.
    #[error("{} belongs to another user, number {owner}", path.display())]
    OtherOwner {
        /// What belongs to that user.
        path: PathBuf,
        /// The user's number.
        owner: u32,
    },
    /// A user's file is where the new version has one of its own.
    #[error("{} is not part of the installed version, but the new one has a file there", path.display())]
    ForeignConflict {
        /// The user's file.
        path: PathBuf,
    },
    /// Another process holds the lock.
    #[error("{} is in use by {holder}", path.display())]
    Busy {
        /// The locked file or folder.
        path: PathBuf,
        /// Process id and verb of the holder.
        holder: String,
    },
    /// Signed metadata that was rejected.
    #[error("{}{reason}", trust_heading(*kind))]
    Trust {
        /// The reason, as a kind.
        kind: TrustKind,
        /// The file concerned, and what is wrong with it.
        reason: String,
        /// The error from below, if that is what revealed it.
        source: Option<Source>,
    },
    /// A version that is not `SemVer`, or not in the canonical form.
    #[error("{version:?} is not a valid version: {reason}")]
    VersionInvalid {
        /// The version as received.
        version: String,
        /// What is wrong with it, and its canonical form if it has one.
        reason: String,
    },
    /// The catalog has no mode of this name.
    #[error("There is no mode {mode:?}; available: {known}")]
    ModeUnknown {
        /// The requested name.
        mode: String,
        /// All existing names, separated by commas.
        known: String,
    },
    /// The mode is no longer active, and no successor is signed.
    #[error("The mode {mode:?} has ended; choose another mode")]
    ModeRetired {
        /// The retired mode.
        mode: String,
    },
    /// Following `update_to` leads back to a mode already visited.
    #[error("The successors of the modes form a cycle: {path}")]
    ModeCycle {
        /// The modes in the order visited.
        path: String,
    },
    /// The mode offers nothing for this platform.
    #[error("{}", nothing_offered(mode, platform, *is_recalled))]
    NoBuild {
        /// The requested mode.
        mode: String,
        /// The platform that has no build.
        platform: String,
        /// Whether there were builds, and all were recalled.
        is_recalled: bool,
    },
    /// The mode does not have this version for this platform.
    #[error("The mode {mode:?} has no version {version}")]
    VersionUnknown {
        /// The requested mode.
        mode: String,
        /// The requested version.
        version: String,
        /// The versions that it has, newest first, separated by commas.
        known: String,
    },
    /// The publisher has recalled the version that was asked for.
    #[error("{version} of the mode {mode:?} was recalled by its publisher and can no longer be installed")]
    VersionRecalled {
        /// The mode it was published in.
        mode: String,
        /// The requested version.
        version: String,
    },
    /// The publisher no longer allows this version to be installed.
    #[error("{version} of the mode {mode:?} may no longer be installed: the oldest allowed version is {oldest}")]
    VersionTooOld {
        /// The mode it was published in.
        mode: String,
        /// The requested version.
        version: String,
        /// The oldest version that the publisher allows.
        oldest: String,
    },
    /// The version is already published; published content never changes.
    #[error("{version} is already published in mode {mode:?}, and this differs in: {differs}")]
    VersionExists {
        /// The mode it was published in.
        mode: String,
        /// The published version.
        version: String,
        /// What is different, such as `content, notes`.
        differs: String,
    },
    /// The release or the repository needs a newer version of this program.
    #[error("{what} needs vsekai {needed} or later; this is {}", env!("CARGO_PKG_VERSION"))]
    LauncherTooOld {
        /// The thing that needs it, as the subject of a sentence.
        what: String,
        /// The required version or schema.
        needed: String,
    },
    /// `state.json` was written by a newer version of this program.
    #[error("{} was written by a newer vsekai (schema {schema})", path.display())]
    StateTooNew {
        /// Path of the state file.
        path: PathBuf,
        /// The schema that it declares.
        schema: u64,
    },
    /// The folder contains no installed version.
    #[error("Nothing is installed in {}", path.display())]
    NotInstalled {
        /// The install root.
        path: PathBuf,
    },
    /// Nothing says where the versions of this install come from.
    #[error("No repository is known for {}", path.display())]
    RepositoryMissing {
        /// The install root.
        path: PathBuf,
    },
    /// The folder has no previous version to go back to.
    #[error("There is no previous version in {}", path.display())]
    NoPrevious {
        /// The install root.
        path: PathBuf,
    },
    /// Installed files differ from the published ones.
    #[error("{} of {} damaged", text::counted(*files, "file", "files"), damaged_in(path, *files))]
    Damaged {
        /// The version's folder.
        path: PathBuf,
        /// Number of damaged files.
        files: u64,
    },
    /// The game could not be started.
    #[error("Could not start {}", path.display())]
    LaunchFailed {
        /// The program that was to be started.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A package manager has installed this program, and updates it.
    #[error("{} was installed by {manager}, which updates it too: {command}", path.display())]
    PackageManaged {
        /// The program.
        path: PathBuf,
        /// The package manager's name.
        manager: &'static str,
        /// The command that updates it.
        command: String,
    },
    /// Preflight found problems that prevent publishing.
    #[error("The checks refuse this build: {codes}")]
    LintFailed {
        /// Number of findings that prevent it.
        findings: u64,
        /// Their codes, separated by commas.
        codes: String,
        /// What prevents it: the first of each code and path.
        refused: Vec<Refused>,
    },
    /// The key store lacks a signing key that is needed.
    #[error("The key of the role {role:?} is not in {}", path.display())]
    KeyMissing {
        /// The role whose key is missing.
        role: String,
        /// The key store's folder.
        path: PathBuf,
    },
    /// A key is encrypted or is to be, and nobody gives the passphrase.
    #[error("There is no passphrase for {}", path.display())]
    PassphraseMissing {
        /// The key's file, or the folder of new keys.
        path: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error("The passphrase does not open {}", path.display())]
    PassphraseWrong {
        /// The key's file.
        path: PathBuf,
    },
    /// A command that signs for a key has not made a valid signature.
    #[error("The command in {} did not sign: {reason}", path.display())]
    SignerFailed {
        /// The file that names the command.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The repository has changed since a publication was prepared, or has lost what was stored for it.
    #[error("What was prepared does not fit the repository any more: {reason}")]
    PreparationStale {
        /// What has changed.
        reason: String,
    },
    /// A signature that all others depend on is not valid any more.
    #[error("The signature of {role} expired on {expires}: players accept nothing that is published now")]
    SignatureExpired {
        /// The role whose signature expired.
        role: String,
        /// When it expired.
        expires: jiff::Timestamp,
    },
    /// A value chosen by the caller is out of range or contradicts another.
    #[error("Invalid {what}: {reason}")]
    Invalid {
        /// The parameter, as a noun phrase.
        what: &'static str,
        /// What is wrong with the value.
        reason: String,
        /// The error from below, if that is what revealed it.
        source: Option<Source>,
    },
    /// The caller names something that is not there, such as a role, a file of a build, or an item of news.
    #[error("{reason}")]
    NotThere {
        /// What is not there, and what was perhaps meant, as a sentence.
        reason: String,
    },
    /// Valid input that uses a feature this program does not have.
    #[error("Unsupported: {what}")]
    Unsupported {
        /// The feature.
        what: String,
        /// The error from below, if that is what revealed it.
        source: Option<Source>,
    },
    /// The caller asked to stop.
    #[error("Cancelled")]
    Cancelled,
}

impl Error {
    /// The message, safe to show: on one line, without control characters, and without secrets in addresses.
    pub fn message(&self) -> String {
        text::message(&self.to_string())
    }

    /// The underlying reasons, outermost first, in words and safe to show.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = self.shown_source();
        while let Some(reason) = cause {
            causes.push(match reason.downcast_ref::<io::Error>() {
                Some(error) => text::message(&text::system_reason(error)),
                None => text::message(&reason.to_string()),
            });
            cause = match reason.downcast_ref::<Self>() {
                Some(error) => error.shown_source(),
                None => reason.source(),
            };
        }
        causes
    }

    /// The message and its causes on one line, for warnings and for lists of what each source answered.
    pub fn message_with_causes(&self) -> String {
        std::iter::once(self.message()).chain(self.causes()).collect::<Vec<_>>().join(": ")
    }

    /// The source, unless the reason already says in our words what it says.
    fn shown_source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { source: Some(source), .. }
            | Self::Transport { source: Some(source), .. }
            | Self::Trust { source: Some(source), .. }
                if source.is_translated() =>
            {
                None
            }
            _ => std::error::Error::source(self),
        }
    }

    /// Whether bytes could not be obtained, so that another source or a later attempt may supply them.
    pub fn is_for_want_of_bytes(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::ChunkMissing { .. } | Self::ChunkCorrupt { .. })
    }
}

/// Where the fault is. A text has lines, which the reason names.
fn place_in(format: Format, offset: u64) -> String {
    if format.is_text() { String::new() } else { format!(" at byte {offset}") }
}

fn damaged_in(path: &std::path::Path, files: u64) -> String {
    format!("{} {}", path.display(), if files == 1 { "is" } else { "are" })
}

/// The beginning of a message about rejected metadata. A clock that went back and an expired file are not signs of a
/// forgery.
fn nothing_offered(mode: &str, platform: &str, is_recalled: bool) -> String {
    if is_recalled {
        format!("All versions of the mode {mode:?} were recalled by its publisher; what is installed keeps working")
    } else {
        format!("The mode {mode:?} has no build for {platform}")
    }
}

fn trust_heading(kind: TrustKind) -> &'static str {
    match kind {
        TrustKind::ClockBack | TrustKind::Unsigned => "",
        TrustKind::Expired => "The repository is out of date: ",
        TrustKind::Root => "The trusted root cannot be used: ",
        _ => "The repository cannot be trusted: ",
    }
}
