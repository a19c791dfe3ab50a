//! Maps the errors of `tough` to ours, by their type and never by their text.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tough::error::Error as Tough;
use tough::{TransportError, TransportErrorKind};

use super::clock;
use crate::error::{Error, Source, TransportKind, TrustKind};
use crate::formats::metadata_pack::PackQuery;

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
/// roots. Some hosts answer with their start page instead of status 404. On a network that wants a login, every file is
/// a page; the request for the timestamp then reports that.
pub(super) fn carry(error: Error, url: &str) -> TransportError {
    let kind = match &error {
        Error::Transport { kind: TransportKind::NotFound, .. } => TransportErrorKind::FileNotFound,
        Error::Transport { kind: TransportKind::WebPage, .. } if url.ends_with(".root.json") => {
            TransportErrorKind::FileNotFound
        }
        _ => TransportErrorKind::Other,
    };
    TransportError::new_with_cause(kind, url, Carried(Mutex::new(Some(error))))
}

pub(super) fn trust(kind: TrustKind, reason: impl Into<String>) -> Error {
    Error::trust(kind, reason.into())
}

/// Metadata that does not parse; `what` names the file or the field.
pub(super) fn not_json(what: &str, error: serde_json::Error) -> Error {
    trust(TrustKind::Malformed, format!("{what} does not parse")).caused_by(error)
}

/// Converts an error of `tough`.
pub(super) fn of(error: Tough) -> Error {
    use TrustKind::{ClockBack, Expired, Malformed, Mismatch, NotSigned, Rollback, Root, Signature};
    let error = match error {
        Tough::DatastoreInit { source, .. } => return Error::io("create", "the working folder")(source),
        Tough::DatastoreCreate { path, source, .. } => return Error::io("write", path)(source),
        Tough::DatastoreOpen { path, source, .. } => return Error::io("read", path)(source),
        Tough::DatastoreRemove { path, source, .. } => return Error::io("remove", path)(source),
        other => other,
    };
    let text = with_paths(&error.to_string());
    let (kind, reason) = match &error {
        Tough::Transport { url, source, .. } => return of_transport(source, url.as_str(), text),
        Tough::SystemTimeSteppedBackward { sys_time, latest_known_time } => {
            (ClockBack, clock::explain(*sys_time, *latest_known_time))
        }
        Tough::ParseMetadata { role, source, .. } => {
            (Malformed, format!("the metadata of {role} is not what it should be: {source}"))
        }
        Tough::ExpiredMetadata { .. } => (Expired, text),
        Tough::OlderMetadata { .. }
        | Tough::OlderSnapshotInTimestamp { .. }
        | Tough::SnapshotRoleMissing { .. }
        | Tough::SnapshotRoleRollback { .. } => (Rollback, older(&error).unwrap_or(text)),
        Tough::VerifyTrustedMetadata { .. } | Tough::ParseTrustedMetadata { .. } => (Root, text),
        Tough::VerifyMetadata { role, .. } => {
            (Signature, format!("too few of the keys that the trusted root names have signed its {role}"))
        }
        Tough::VerifyRoleMetadata { .. } | Tough::DuplicateKeyid { .. } => (Signature, text),
        Tough::HashMismatch { context, .. } => (Mismatch, mismatch(context, &error).unwrap_or(text)),
        Tough::MaxSizeExceeded { .. } | Tough::VersionMismatch { .. } => (Mismatch, text),
        // Its text would mention file permissions, which is misleading here.
        Tough::InvalidPath { source } => (NotSigned, format!("a role lists targets that it may not sign: {source}")),
        _ => (Malformed, text),
    };
    trust(kind, reason).with_source(Some(Source::translated(error)))
}

/// Metadata that is older than what was seen: what of it, with both versions.
fn older(error: &Tough) -> Option<String> {
    let numbers = match error {
        Tough::OlderMetadata { role, current_version, new_version, .. } => {
            format!("{role}: version {new_version}, after version {current_version}")
        }
        Tough::OlderSnapshotInTimestamp { snapshot_new, snapshot_old, .. } => {
            format!("snapshot: version {snapshot_new}, after version {snapshot_old}")
        }
        Tough::SnapshotRoleRollback { role, old_role_version, new_role_version, .. } => {
            format!("{role}: version {new_role_version}, after version {old_role_version}")
        }
        Tough::SnapshotRoleMissing { role, old_version, new_version } => {
            format!("{role}: missing from snapshot version {new_version}, was in version {old_version}")
        }
        _ => return None,
    };
    Some(format!("the server offers older metadata than was seen before ({numbers})"))
}

/// A file that is not the signed one, by the path that was asked for.
fn mismatch(url: &str, error: &Tough) -> Option<String> {
    let path = with_paths(url);
    match error {
        Tough::HashMismatch { calculated, expected, .. } => {
            Some(format!("{path} is not the file that was signed: its SHA-256 is {calculated}, not {expected}"))
        }
        Tough::MaxSizeExceeded { max_size, .. } => {
            Some(format!("{path} is longer than the {max_size} bytes that it may have"))
        }
        _ => None,
    }
}

/// Replaces the URLs that `tough` makes of names by the paths that mirrors are asked for.
fn with_paths(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(BASE) {
        out.push_str(&rest[..at]);
        rest = &rest[at + BASE.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches([':', '.', ';']);
        match PackQuery::parse(path) {
            Some(query) => out.push_str(&query.path()),
            None => out.push_str(path),
        }
        rest = &rest[path.len()..];
    }
    out.push_str(rest);
    out
}

fn of_transport(error: &TransportError, url: &str, text: String) -> Error {
    let Some(source) = error.source() else {
        return trust(TrustKind::Malformed, text);
    };
    if let Some(carried) = source.downcast_ref::<Carried>() {
        let taken = carried.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        return taken.unwrap_or_else(|| trust(TrustKind::Malformed, text));
    }
    let differs = source.downcast_ref::<Tough>().and_then(|source| mismatch(url, source));
    differs.map_or_else(|| trust(TrustKind::Malformed, text), |reason| trust(TrustKind::Mismatch, reason))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_metadata_is_told_in_words_with_the_numbers_after_them() {
        let (role, old_role_version, new_role_version) = ("stable.json".to_owned(), 5, 4);
        let (old_snapshot_version, new_snapshot_version) = (9, 10);
        let error = of(Tough::SnapshotRoleRollback {
            role,
            old_role_version,
            old_snapshot_version,
            new_role_version,
            new_snapshot_version,
        });
        let wanted = "the server offers older metadata than was seen before (stable.json: version 4, after version 5)";
        assert!(error.code() == "metadata_rollback" && error.to_string().ends_with(wanted), "{error}");
    }

    #[test]
    fn files_are_named_by_the_paths_that_were_asked_for() {
        let digest = "0a".repeat(32);
        let text =
            format!("Failed: {BASE}targets/{digest}.stable/1.0.0/x.json: and \"{BASE}tuf/2.root.json\", {BASE}x y");
        let wanted = format!("Failed: targets/stable/1.0.0/{digest}.x.json: and \"tuf/2.root.json\", x y");
        assert_eq!(with_paths(&text), wanted);
    }
}
