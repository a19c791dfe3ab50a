//! Checks of options, and texts, that several of the publisher's commands share.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::net::publish::Destination;
use crate::net::trust::{RoleValidity, Validity};

use crate::cli::options;
use crate::cli::output::Output;

/// A folder that a publisher's command writes to. The error for an address says what the command takes instead.
pub(crate) fn local_folder(option: &'static str, path: PathBuf) -> Result<PathBuf> {
    let Some(scheme) = options::scheme(&path) else { return Ok(path) };
    let instead = match (option, scheme.to_ascii_lowercase().as_str()) {
        (_, "file") => "give the path alone",
        ("--repository", "http" | "https") => {
            "an update server is named with --server URL. For a web host, give a folder here and upload it"
        }
        ("--repository", _) => "give a folder here, and upload it",
        _ => "give a folder",
    };
    Err(Error::invalid(option, format!("it takes a folder, and this is an address ({scheme}:...); {instead}")))
}

/// What is left to do after a change to this repository: one in a folder has to be uploaded.
pub(crate) fn upload(place: &Destination) -> String {
    let Destination::Folder(folder) = place else { return String::new() };
    format!("\nNow upload {} to your web host, tuf/timestamp.json and tuf/current.pack last.", folder.display())
}

/// How many days each signature is valid, on one line.
pub(crate) fn days_left(roles: &[RoleValidity]) -> String {
    let days = |role: &RoleValidity| match role.state {
        Validity::Expired => format!("{} expired", role.role),
        _ => format!("{} {}", role.role, role.days_left),
    };
    let all: Vec<String> = roles.iter().map(days).collect();
    if all.is_empty() { String::new() } else { format!("\nDays left of the signatures: {}.", all.join(", ")) }
}

/// The same after a command that is about something else: only for those who want to know more. What is due is warned of
/// in any case, by [`warn_of_ending`].
pub(crate) fn days_left_if_verbose(roles: &[RoleValidity], output: Output) -> String {
    if output.is_verbose() { days_left(roles) } else { String::new() }
}

/// Warns of each signature that has expired, or is valid for less than a third of its lifetime.
pub(crate) fn warn_of_ending(roles: &[RoleValidity], output: Output) {
    for role in roles.iter().filter(|role| role.state != Validity::Good) {
        let when = match role.state {
            Validity::Expired => format!("expired on {}", role.expires),
            _ => format!("expires on {}, in {} of {} days", role.expires, role.days_left, role.days),
        };
        let remedy = match role.role.as_str() {
            "root" => "run `vsekai keys renew-root KEYS` where its key is, then publish",
            "catalog" | "snapshot" | "timestamp" => "run `vsekai repository renew`; an update server does so itself",
            _ => "run `vsekai repository renew` where its key is; for an update server, publish with it",
        };
        output.note(&format!("warning: the signature of {} {when}; {remedy}", role.role));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_no_folders() {
        for address in
            ["http://host", "HTTPS://host/a", "s3://bucket", "file:///a", "ftp://h", "sftp+x://h", "http:/h", "Http:h"]
        {
            assert!(local_folder("--repository", address.into()).is_err(), "{address}");
        }
        for folder in ["repo", "/a/b", "C:\\repo", "C://repo", "a:b", "./http://x", "a/b://c", "", "host:8080"] {
            assert!(local_folder("--repository", folder.into()).is_ok(), "{folder}");
        }
    }

    #[test]
    fn refusal_names_what_was_meant_and_no_password() {
        let refused = local_folder("--repository", "https://user:secret@host".into()).unwrap_err().to_string();
        assert!(refused.contains("--server") && !refused.contains("secret"), "{refused}");
    }
}
