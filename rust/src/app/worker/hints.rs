//! What to do about a failure, for people in front of a window: no commands of the command line.
//!
//! A launcher that translates has its own texts, by the code.

use super::Failure;

/// What to do about a failure: about the property or the argument that is wrong, if one is; else by the code.
pub(super) fn of(failure: &Failure) -> &'static str {
    by_words(failure).unwrap_or_else(|| hint(&failure.code))
}

/// Whether a property has to be set, or set to something else.
pub(super) fn is_of_configuration(failure: &Failure) -> bool {
    match failure.code.as_str() {
        "mode_unknown" | "repository_missing" | "trust_root_invalid" => true,
        // That is more often a network that is down than a name that is wrong.
        "offline" => false,
        // A player may have chosen the folder, and followed a link.
        _ => by_words(failure).is_some_and(|hint| hint != UNUSABLE_FOLDER && hint != UNUSABLE_LINK),
    }
}

fn by_words(failure: &Failure) -> Option<&'static str> {
    let argument = failure.message.strip_prefix("Invalid ").and_then(|rest| rest.split_once(':'));
    match argument {
        Some((argument, _)) if failure.code == "invalid_argument" => of_argument(argument),
        _ => of_words(failure),
    }
}

fn of_argument(argument: &str) -> Option<&'static str> {
    Some(match argument {
        "repository" => {
            "Set repository_urls to addresses that begin with https:// or http://, or to folders, such as in user://."
        }
        "install_dir" => "Set install_dir to an absolute path, or to a path in user://.",
        "display name" => "Set display_name, without / \\ : * ? \" < > |.",
        "URL scheme" => "Set url_scheme, such as mygame, or leave it empty.",
        "app id" => "Set app_id, such as org.example.game, or leave it empty.",
        "address" => UNUSABLE_LINK,
        "proxy" => "Set proxy to a URL such as http://proxy.example.org:3128, or leave it empty.",
        "mode" => "Use the name of a mode, such as stable, for mode and as an argument.",
        "hours" => "Set rate_limit_from_minute and rate_limit_to_minute to minutes from 0 to 1439.",
        "rate_limit_bytes_per_second" => "Set rate_limit_bytes_per_second to a positive number, or to 0 for no limit.",
        _ => return None,
    })
}

/// Faults of different kinds that share a code.
fn of_words(failure: &Failure) -> Option<&'static str> {
    let says = |words: &str| failure.message.contains(words);
    Some(match failure.code.as_str() {
        "not_found" if says("there is no repository here") => {
            "Check repository_urls: each is an address with https://, or a folder, that has tuf/ in it."
        }
        "not_found" if failure.message.starts_with("Could not create") => UNUSABLE_FOLDER,
        "io_failed" if failure.causes.iter().any(|cause| cause.contains("is a file, not a folder")) => UNUSABLE_FOLDER,
        "tls_failed" if says("does not speak TLS") => {
            "Check repository_urls: the port must be that of https://, or the address must begin with http://."
        }
        "offline" if says("through the proxy") => {
            "Check the network connection, and proxy or this computer's proxy settings."
        }
        "offline" if says("name was not found") => {
            "Check the network connection, and the spelling in repository_urls. Downloaded data is kept."
        }
        "trust_root_invalid" if says("non-resource files") => "Then export again.",
        _ => return None,
    })
}

const UNUSABLE_FOLDER: &str = "Set install_dir to a folder that exists or can be created.";
const UNUSABLE_LINK: &str = "Set url_scheme, and pass a link that begins with it.";

/// The hint for a code of `docs/errors.md`; empty if there is nothing to do.
fn hint(code: &str) -> &'static str {
    match code {
        "offline" => "Check the network connection. Downloaded data is kept.",
        "timed_out" => "Try again later. Downloaded data is kept.",
        "http_failed" => "Try again later. If the problem persists, check repository_urls.",
        "tls_failed" => "Check this computer's clock and whether a proxy or filter intercepts the connection.",
        "unauthorized" => "The server or the proxy requires a login. Ask whoever runs it.",
        "disk_full" => "Free some disk space, or choose a folder on another disk.",
        "permission_denied" => "Choose a folder that you can write to.",
        "read_only" => "Choose a folder on a disk that can be written to.",
        "io_failed" => "Check the disk, then try again.",
        "busy" => "Wait until the other program has finished, or close it.",
        "destination_not_ours" => "Choose an empty or a new folder.",
        "other_owner" => "Choose a folder of your own.",
        "foreign_conflict" => "Move that file out of the folder, then try again. Nothing was changed.",
        "damaged" | "launch_failed" => "Repair the installation, then try again.",
        "state_malformed" => "Update again: the installed versions are found automatically.",
        "state_too_new" | "launcher_too_old" => "Install the newest version of this program.",
        "not_installed" => "Install the game first.",
        "repository_missing" => "Set repository_urls to the address of the repository.",
        "no_previous_version" => "Only the version before the last update is kept.",
        "mode_unknown" | "mode_retired" | "mode_cycle" => "Choose another mode.",
        "version_too_old" => "Update to the newest version.",
        "no_build_for_platform" | "version_unknown" => "Choose another mode, or ask the publisher.",
        "metadata_rollback" => "The server offers older data than before. Nothing was changed. Try again later.",
        "metadata_expired" => "Check this computer's clock. If it is right, the publisher has to renew the repository.",
        "clock_went_back" => "Set this computer's clock, then try again.",
        "trust_root_invalid" => "Set trust_root to the publisher's root.json.",
        "chunk_missing" | "chunk_corrupt" | "chunk_malformed" | "not_found" => {
            "Try again later. If the problem persists, tell the publisher."
        }
        "archive_malformed"
        | "bundle_malformed"
        | "catalog_malformed"
        | "file_table_malformed"
        | "index_malformed"
        | "metadata_malformed"
        | "news_malformed"
        | "release_malformed"
        | "target_mismatch"
        | "target_not_signed"
        | "unsafe_path"
        | "unsupported" => "Nothing was changed. Tell the publisher.",
        "signature_invalid" => {
            "Nothing was changed. Check that trust_root is the root.json of this repository. If it is, tell the publisher."
        }
        "version_invalid" => "Use a version such as 1.0.0.",
        super::INTERNAL => "This is a bug. Try again; if it persists, report it with the details.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{hint, of};
    use crate::app::worker::{Failure, INTERNAL};
    use crate::error::Error;

    /// Codes that only publishing and the command line can meet, and codes whose message says enough.
    const NONE: &[&str] = &[
        "cancelled",
        "config_malformed",
        "invalid_argument",
        "key_missing",
        "lint_failed",
        "package_managed",
        "passphrase_missing",
        "passphrase_wrong",
        "preparation_malformed",
        "preparation_stale",
        "receipt_malformed",
        "server_refused",
        "signature_expired",
        "signer_failed",
        "version_exists",
    ];

    fn codes() -> Vec<String> {
        let page = include_str!("../../../../docs/errors.md");
        let table = page.split("\n## ").next().unwrap_or_default();
        let cell = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
        table.lines().filter_map(cell).collect()
    }

    #[test]
    fn every_code_that_a_game_can_meet_has_a_hint() {
        let codes = codes();
        assert!(codes.len() > 50, "{codes:?}");
        for code in codes {
            assert_eq!(hint(&code).is_empty(), NONE.contains(&code.as_str()), "{code}");
        }
    }

    #[test]
    fn a_wrong_property_is_named() {
        let failure = |code: &str, message: &str, causes: &[&str]| Failure {
            code: code.to_owned(),
            message: message.to_owned(),
            causes: causes.iter().map(ToString::to_string).collect(),
        };
        let invalid = |what| Failure::from(Error::invalid(what, "it is wrong"));
        for (failure, property) in [
            (failure("not_found", "https://example.org/x: there is no repository here (…)", &[]), "repository_urls"),
            (failure("offline", "https://x/: The server's name was not found: …", &[]), "repository_urls"),
            (failure("offline", "https://x/: No connection through the proxy http://p:1: …", &[]), "proxy"),
            (failure("tls_failed", "https://x/: The server does not speak TLS here: …", &[]), "repository_urls"),
            (failure("http_failed", "https://x/: a web page", &[]), "repository_urls"),
            (failure("signature_invalid", "The repository cannot be trusted: …", &[]), "trust_root"),
            (failure("not_found", "Could not create folder /proc/x", &[]), "install_dir"),
            (
                failure("io_failed", "Could not find /x/game", &["A part of the path is a file, not a folder"]),
                "install_dir",
            ),
            (invalid("repository"), "repository_urls"),
            (invalid("install_dir"), "install_dir"),
            (invalid("mode"), "mode"),
            (invalid("hours"), "rate_limit_from_minute"),
        ] {
            assert!(of(&failure).contains(property), "{failure:?}: {}", of(&failure));
        }
        assert!(!of(&failure("not_found", "Could not open /x/y", &[])).contains("install_dir"));
    }

    #[test]
    fn a_fault_of_the_network_or_of_the_server_is_none_of_configuration() {
        let failure = |code: &str, message: &str| Failure {
            code: code.to_owned(),
            message: message.to_owned(),
            causes: Vec::new(),
        };
        for (code, message) in [
            ("repository_missing", "No repository is known"),
            ("trust_root_invalid", "…"),
            ("mode_unknown", "…"),
            ("invalid_argument", "Invalid proxy: it must begin with http://"),
            ("not_found", "https://example.org/x: there is no repository here (…)"),
        ] {
            assert!(failure(code, message).is_of_configuration(), "{code}");
        }
        for (code, message) in [
            ("offline", "https://x/: The server's name was not found: …"),
            ("offline", "https://x/: No connection through the proxy http://p:1: …"),
            ("timed_out", "…"),
            ("not_installed", "…"),
            ("not_found", "Could not create folder /proc/x"),
            ("invalid_argument", "Invalid address: this game has no links"),
            ("invalid_argument", "Invalid previous version: it is on trial"),
            ("cancelled", "…"),
        ] {
            assert!(!failure(code, message).is_of_configuration(), "{code}: {message}");
        }
    }

    #[test]
    fn no_hint_is_a_command() {
        for code in codes().iter().map(String::as_str).chain([INTERNAL]) {
            let text = hint(code);
            assert!(!text.contains("--") && !text.contains('`') && !text.contains("vsekai"), "{code}: {text}");
        }
    }
}
