//! What to do about a failure, for people in front of a window: no commands of the command line.
//!
//! A launcher that translates has its own texts, by the code.

/// The hint for a code of `docs/errors.md`; empty if there is nothing to do.
pub(super) fn hint(code: &str) -> &'static str {
    match code {
        "offline" => "Check the network connection. Downloaded data is kept.",
        "timed_out" | "http_failed" => "Try again later. Downloaded data is kept.",
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
        | "signature_invalid"
        | "target_mismatch"
        | "target_not_signed"
        | "unsafe_path"
        | "unsupported" => "Nothing was changed. Tell the publisher.",
        super::INTERNAL => "This is a bug. Try again; if it persists, report it with the details.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::hint;
    use crate::app::worker::INTERNAL;

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
        "version_invalid",
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
    fn no_hint_is_a_command() {
        for code in codes().iter().map(String::as_str).chain([INTERNAL]) {
            let text = hint(code);
            assert!(!text.contains("--") && !text.contains('`') && !text.contains("vsekai"), "{code}: {text}");
        }
    }
}
