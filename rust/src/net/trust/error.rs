//! Maps the errors of `tough` to ours, by their type and never by their text.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tough::error::Error as Tough;
use tough::{TransportError, TransportErrorKind};

use crate::error::{Error, TransportKind, TrustKind};

/// Placeholder for the repository's URL between `tough` and the transport. It is never requested.
pub(super) const BASE: &str = "https://repository.invalid/";

/// One of our errors, passed through `tough`.
#[derive(Debug)]
struct Carried(Mutex<Option<Error>>);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("see the error that it carries")
    }
}

impl StdError for Carried {}

/// Wraps one of our errors for `tough`. Missing files are reported as such, because they end the search for newer
/// roots.
pub(super) fn carry(error: Error, url: &str) -> TransportError {
    let kind = match &error {
        Error::Transport { kind: TransportKind::NotFound, .. } => TransportErrorKind::FileNotFound,
        _ => TransportErrorKind::Other,
    };
    TransportError::new_with_cause(kind, url, Carried(Mutex::new(Some(error))))
}

pub(super) fn trust(kind: TrustKind, reason: impl Into<String>) -> Error {
    Error::Trust { kind, reason: reason.into() }
}

/// Converts an error of `tough`.
pub(super) fn of(error: Tough) -> Error {
    use TrustKind::{ClockBack, Expired, Malformed, Mismatch, NotSigned, Rollback, Root, Signature};
    let text = error.to_string().replace(BASE, "");
    let kind = match error {
        Tough::Transport { source, .. } => return of_transport(&source, text),
        Tough::DatastoreInit { source, .. } => return Error::io("create", "the working folder")(source),
        Tough::DatastoreCreate { path, source, .. } => return Error::io("write", path)(source),
        Tough::DatastoreOpen { path, source, .. } => return Error::io("read", path)(source),
        Tough::DatastoreRemove { path, source, .. } => return Error::io("remove", path)(source),
        Tough::ExpiredMetadata { .. } => Expired,
        Tough::OlderMetadata { .. }
        | Tough::OlderSnapshotInTimestamp { .. }
        | Tough::SnapshotRoleMissing { .. }
        | Tough::SnapshotRoleRollback { .. } => Rollback,
        Tough::SystemTimeSteppedBackward { .. } => ClockBack,
        Tough::VerifyTrustedMetadata { .. } | Tough::ParseTrustedMetadata { .. } => Root,
        Tough::VerifyMetadata { .. } | Tough::VerifyRoleMetadata { .. } | Tough::DuplicateKeyid { .. } => Signature,
        Tough::HashMismatch { .. } | Tough::MaxSizeExceeded { .. } | Tough::VersionMismatch { .. } => Mismatch,
        // Its text would mention file permissions, which is misleading here.
        Tough::InvalidPath { source } => {
            return trust(NotSigned, format!("a role lists targets that it may not sign: {source}"));
        }
        _ => Malformed,
    };
    trust(kind, text)
}

fn of_transport(error: &TransportError, text: String) -> Error {
    let Some(source) = error.source() else {
        return trust(TrustKind::Malformed, text);
    };
    if let Some(carried) = source.downcast_ref::<Carried>() {
        let taken = carried.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        return taken.unwrap_or_else(|| trust(TrustKind::Malformed, text));
    }
    match source.downcast_ref::<Tough>() {
        Some(Tough::HashMismatch { .. } | Tough::MaxSizeExceeded { .. }) => {
            let text = source.to_string().replace(BASE, "");
            trust(TrustKind::Mismatch, text)
        }
        _ => trust(TrustKind::Malformed, text),
    }
}

/// Chooses the error to report: a possible attack before a possibly temporary failure.
pub(super) fn worse(a: Error, b: Error) -> Error {
    if rank(&b) > rank(&a) { b } else { a }
}

fn rank(error: &Error) -> u8 {
    match error {
        Error::Transport { kind: TransportKind::NotFound, .. } => 0,
        Error::Transport { .. } => 1,
        _ => 2,
    }
}
