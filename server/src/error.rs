//! Everything that can go wrong, with the stable code and the status that clients see.
//!
//! Internals (SQL, addresses, paths) go to the log and never to a client: see [`Problem`](crate::problem::Problem).

use std::borrow::Cow;

use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::text;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error type of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something does not exist.
    #[error("There is no {what}")]
    NotFound {
        /// What is missing, such as `mode` or `chunk`.
        what: &'static str,
    },
    /// The client sent something malformed or not allowed.
    #[error("{what}: {reason}")]
    Invalid {
        /// The offending part.
        what: &'static str,
        /// The reason, for people to read.
        reason: String,
    },
    /// The client sent something well-formed that contradicts what the server knows.
    #[error("{reason}")]
    Mismatch {
        /// The stable code: `document_mismatch`, `signature_invalid`, `chunk_corrupt`.
        code: &'static str,
        /// The reason, for people to read.
        reason: String,
    },
    /// The request conflicts with the current state.
    #[error("{reason}")]
    Conflict {
        /// The stable code: `version_exists`, `publication_stale`, `mode_cycle`, `keys_differ`, `mode_exists`,
        /// `token_exists`.
        code: &'static str,
        /// The reason, for people to read.
        reason: String,
    },
    /// Chunks are missing and must be uploaded first.
    #[error("{} missing", text::counted(.0.len() as u64, "chunk is", "chunks are"))]
    ChunksMissing(Vec<ChunkId>),
    /// A body is too large.
    #[error("The body is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The request has no token.
    #[error("This needs a token, and none was sent")]
    NoToken,
    /// The token is none of this server's.
    #[error("The token is not valid: this server does not know it")]
    Unauthorized,
    /// The token was valid once.
    #[error("The token is not valid any more: it {0}")]
    TokenEnded(String),
    /// The token may not do this.
    #[error("The token lacks the scope {scope}")]
    Forbidden {
        /// The scope that would be needed.
        scope: String,
    },
    /// The condition in `If-Match` does not hold.
    #[error("Somebody else has changed it meanwhile")]
    PreconditionFailed,
    /// Too many requests.
    #[error("Too many requests")]
    TooManyRequests {
        /// How long to wait before retrying, in seconds.
        retry_after_s: u64,
    },
    /// Temporarily impossible.
    #[error("{reason}")]
    Unavailable {
        /// The stable code: `repository_not_begun`, `keys_missing`, `shutting_down`, `database_busy`, `disk_full`,
        /// `chunks_unreachable`, `clock_wrong`, `server_busy`.
        code: &'static str,
        /// The reason, for people to read.
        reason: String,
    },
    /// A command on the command line cannot do what it was told to.
    #[error("{reason}")]
    Command {
        /// The stable code: `address_in_use`, `database_unreachable`, `file_exists`, `no_server`, `not_removed`,
        /// `place_invalid`, `repository_differs`, `token_exists`.
        code: &'static str,
        /// The reason, for people to read.
        reason: String,
        /// What to do about it.
        hint: Cow<'static, str>,
    },
    /// The configuration cannot be used.
    #[error("{reason}")]
    Config {
        /// The reason, for people to read.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// Several settings cannot be used; each has an error of its own.
    #[error("{} settings cannot be used", .0.len())]
    Settings(Vec<Error>),
    /// The database failed.
    #[error("The database failed")]
    Database(#[from] sqlx::Error),
    /// The folder or bucket of the chunks failed.
    #[error("The chunks cannot be reached: {}", crate::chunks::why(.0))]
    ObjectStore(#[from] object_store::Error),
    /// An error of the updater crate.
    #[error("{}", .0.message_with_causes())]
    Updater(#[from] vsekai_updater::Error),
    /// Any other failure.
    #[error("{context}")]
    Internal {
        /// What was being done.
        context: String,
        /// The error from below, if there was one.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// The error for a disk without room, whether of the database or of the chunk store. It ends when there is room again.
pub(crate) fn disk_full() -> Error {
    Error::Unavailable {
        code: "disk_full",
        reason: "The disk of the server is full; its operator must make room".to_owned(),
    }
}

impl Error {
    /// A setting or an address that cannot be used, and what to do about it.
    pub fn config(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Config { reason: reason.into(), hint: hint.into() }
    }

    /// Why a command on the command line cannot do what it was told to, and what to do about it.
    pub fn command(code: &'static str, reason: impl Into<String>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self::Command { code, reason: reason.into(), hint: hint.into() }
    }

    /// Whether the request has no valid token.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::NoToken | Self::Unauthorized | Self::TokenEnded(_))
    }

    /// A failure that nobody outside can do anything about.
    pub fn internal(context: impl Into<String>) -> Self {
        Self::Internal { context: context.into(), source: None }
    }

    /// The same, because of another error: for `map_err`.
    pub fn internal_by<E>(context: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Internal { context: context.into(), source: Some(source.into()) }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Mismatch { code, .. }
            | Self::Conflict { code, .. }
            | Self::Unavailable { code, .. }
            | Self::Command { code, .. } => code,
            Self::ChunksMissing(_) => "chunks_missing",
            Self::TooLarge { .. } => "too_large",
            Self::NoToken | Self::Unauthorized | Self::TokenEnded(_) => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Config { .. } | Self::Settings(_) => "config_invalid",
            Self::Updater(error) => error.code(),
            Self::ObjectStore(_) => "chunks_unreachable",
            Self::Database(_) | Self::Internal { .. } => "internal",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Invalid { .. } => 400,
            Self::Mismatch { .. } | Self::Updater(_) => 422,
            Self::Conflict { .. } | Self::ChunksMissing(_) => 409,
            Self::TooLarge { .. } => 413,
            Self::NoToken | Self::Unauthorized | Self::TokenEnded(_) => 401,
            Self::Forbidden { .. } => 403,
            Self::PreconditionFailed => 412,
            Self::TooManyRequests { .. } => 429,
            Self::Unavailable { .. } | Self::ObjectStore(_) => 503,
            Self::Command { .. }
            | Self::Config { .. }
            | Self::Settings(_)
            | Self::Database(_)
            | Self::Internal { .. } => 500,
        }
    }
}
