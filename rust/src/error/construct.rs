//! How errors are made.

use std::io;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Error, Format, TransportKind, TrustKind};
use crate::digest::ChunkId;

type AnyError = dyn std::error::Error + Send + Sync;

/// An error of a library or of the system that caused one of ours. Shared, because one failure can be reported for
/// several files.
///
/// It is not an error itself: `source()` gives the one inside, so that callers can downcast that.
#[derive(Debug, Clone)]
pub struct Source {
    error: Arc<AnyError>,
    is_translated: bool,
}

impl Source {
    fn new(error: impl Into<Box<AnyError>>) -> Self {
        Self { error: Arc::from(error.into()), is_translated: false }
    }

    /// An error whose text is for programmers, or quotes addresses that nobody asked for. The reason says the same in
    /// our words, so that front ends do not show it.
    pub fn translated(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { error: Arc::new(error), is_translated: true }
    }

    pub(super) fn is_translated(&self) -> bool {
        self.is_translated
    }
}

impl Deref for Source {
    type Target = AnyError;

    fn deref(&self) -> &AnyError {
        &*self.error
    }
}

impl Error {
    /// Returns a closure for `map_err` that adds the failed operation and its path to an [`io::Error`].
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.into(), source }
    }

    /// Bytes that violate `format`, at the byte `offset`.
    pub fn malformed(format: Format, offset: u64, reason: impl Into<String>) -> Self {
        Self::Malformed { format, offset, reason: reason.into(), source: None }
    }

    /// A chunk from `origin` that does not decode, or does not hash to its id.
    pub fn chunk_corrupt(id: ChunkId, origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::ChunkCorrupt { id, origin: origin.into(), reason: reason.into(), source: None }
    }

    /// A failure of the network. The URL must be without credentials.
    pub fn transport(kind: TransportKind, url: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Transport { kind, url: url.into(), reason: reason.into(), source: None }
    }

    /// Signed metadata that was rejected.
    pub fn trust(kind: TrustKind, reason: impl Into<String>) -> Self {
        Self::Trust { kind, reason: reason.into(), source: None }
    }

    /// A value of the caller that is out of range; `what` is a noun phrase.
    pub fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { what, reason: reason.into(), source: None }
    }

    /// Something that the caller names and that is not there; `reason` is a sentence.
    pub fn not_there(reason: impl Into<String>) -> Self {
        Self::NotThere { reason: reason.into() }
    }

    /// A feature that this program does not have.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), source: None }
    }

    /// Keeps the error that caused this one, for [`std::error::Error::source`]. Its text must not be in the reason as
    /// well: front ends show both. Variants that have no place for a source are returned unchanged.
    #[must_use]
    pub fn caused_by(self, error: impl Into<Box<AnyError>>) -> Self {
        self.with_source(Some(Source::new(error)))
    }

    /// As [`Self::caused_by`], with the source of another error.
    #[must_use]
    pub fn with_source(mut self, shared: Option<Source>) -> Self {
        match &mut self {
            Self::Malformed { source, .. }
            | Self::ChunkCorrupt { source, .. }
            | Self::Transport { source, .. }
            | Self::Trust { source, .. }
            | Self::Invalid { source, .. }
            | Self::Unsupported { source, .. } => *source = shared,
            _ => {}
        }
        self
    }
}
