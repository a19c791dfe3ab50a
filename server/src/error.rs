//! Everything that can go wrong, with the stable word and the status that clients see.
//!
//! What is inside (SQL, addresses, paths) goes to the log and never to a client: [`Error::Internal`].

use vsekai_updater::formats::chunk::ChunkId;

/// Of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// See the module's head.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none.
    #[error("There is no {what}")]
    NotFound {
        /// What was asked for, such as `mode` or `chunk`.
        what: &'static str,
    },
    /// What the client sent is not understood or not allowed.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which part of it.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// What was sent is well-formed and disagrees with what the server knows.
    #[error("{reason}")]
    Mismatch {
        /// The stable word: `document_mismatch`, `signature_invalid`, `chunk_corrupt`.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// It cannot be done as things stand.
    #[error("{reason}")]
    Conflict {
        /// The stable word: `version_exists`, `publication_stale`, `mode_cycle`, `keys_differ`, `mode_exists`.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// Chunks are not here; send them first.
    #[error("{} chunks are not here", .0.len())]
    ChunksMissing(Vec<ChunkId>),
    /// A body is too large.
    #[error("The body has more than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// There is no token, or it is not valid.
    #[error("A valid token is needed")]
    Unauthorized,
    /// The token may not do this.
    #[error("The token lacks the scope {scope}")]
    Forbidden {
        /// What it would need.
        scope: String,
    },
    /// The condition of the request does not hold.
    #[error("It has been changed by another in between")]
    PreconditionFailed,
    /// Too many requests.
    #[error("Too many requests")]
    TooManyRequests {
        /// When to come again, in seconds.
        retry_after_s: u64,
    },
    /// Not now.
    #[error("{reason}")]
    Unavailable {
        /// The stable word: `repository_not_begun`, `keys_missing`, `shutting_down`, `database_busy`.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// A configuration that cannot be used.
    #[error("{0}")]
    Config(String),
    /// The database failed.
    #[error("The database failed")]
    Database(#[from] sqlx::Error),
    /// The object store failed.
    #[error("The object store failed")]
    ObjectStore(#[from] object_store::Error),
    /// The updater's own code refused.
    #[error(transparent)]
    Updater(#[from] vsekai_updater::Error),
    /// Anything else.
    #[error("{context}")]
    Internal {
        /// What was being done.
        context: String,
    },
}

impl Error {
    /// The stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Mismatch { code, .. } | Self::Conflict { code, .. } | Self::Unavailable { code, .. } => code,
            Self::ChunksMissing(_) => "chunks_missing",
            Self::TooLarge { .. } => "too_large",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Config(_) => "config_invalid",
            Self::Updater(error) => error.code(),
            Self::Database(_) | Self::ObjectStore(_) | Self::Internal { .. } => "internal",
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
            Self::Unauthorized => 401,
            Self::Forbidden { .. } => 403,
            Self::PreconditionFailed => 412,
            Self::TooManyRequests { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::Config(_) | Self::Database(_) | Self::ObjectStore(_) | Self::Internal { .. } => 500,
        }
    }
}
