//! What a player reads about a failure: what has happened and what they can do, without paths, addresses, or anything that
//! only an author could change.
//!
//! A launcher that translates has its own texts, by the code.

/// The text for a code of `docs/errors.md`.
pub(super) fn text(code: &str) -> &'static str {
    match code {
        "offline" => "No connection to the server. Check your internet connection, then try again.",
        "timed_out" => "The server is not responding. Try again later.",
        "tls_failed" => {
            "No secure connection to the server is possible. Check this computer's clock, and whether a proxy or a filter \
             interferes."
        }
        "http_failed" => "The server sent an unexpected answer. Try again later.",
        "unauthorized" => "The server or the proxy requires a login.",
        "disk_full" => "There is not enough disk space. Free some, or choose a folder on another disk.",
        "permission_denied" => "The system does not allow writing to that folder. Choose another one.",
        "read_only" => "That disk can only be read. Choose a folder on another one.",
        "io_failed" => "A file could not be read or written. Check the disk, then try again.",
        "busy" => "Something else is using this installation. Close it, or wait until it has finished.",
        "cancelled" => "Stopped. What was downloaded is kept.",
        "destination_not_ours" => "That folder has other files in it. Choose an empty one.",
        "foreign_conflict" => "A file that you have added is in the way. Move it out of the folder, then try again.",
        "other_owner" => "This installation belongs to another user of this computer. Choose a folder of your own.",
        "not_installed" => "The game is not installed yet.",
        "no_previous_version" => "There is no previous version to go back to.",
        "damaged" => "Some files of the game are damaged. Repair it, then try again.",
        "launch_failed" => "The game did not start. Repair it, then try again.",
        "state_malformed" => "The record of what is installed is damaged. Update again: the files are used again.",
        "state_too_new" | "launcher_too_old" => "This program is too old for that. Install its newest version.",
        "mode_unknown" | "mode_retired" | "mode_cycle" => {
            "The channel that you follow does not exist any more. Choose another one."
        }
        "no_build_for_platform" => "There is no version for this kind of computer.",
        "version_too_old" => "The publisher no longer allows this version. Update to the newest one.",
        "version_unknown" => "This version is no longer available.",
        "signature_invalid" | "metadata_malformed" | "target_mismatch" | "target_not_signed" => {
            "This update is not signed by the publisher, so it was refused. Nothing was changed."
        }
        "metadata_rollback" => "The server offers older data than before, so it was refused. Try again later.",
        "metadata_expired" => {
            "What the server offers is out of date. Check this computer's clock; if it is right, tell the publisher."
        }
        "clock_went_back" => "This computer's clock was set back. Correct it, then try again.",
        "chunk_missing" | "chunk_corrupt" => "A part of the game is missing or damaged on the server. Try again later.",
        // A folder of this computer, or a file of the server.
        "not_found" => {
            "A folder or file that is needed does not exist. Check the folder that you chose, or try again later."
        }
        "archive_malformed"
        | "bundle_malformed"
        | "catalog_malformed"
        | "chunk_malformed"
        | "file_table_malformed"
        | "index_malformed"
        | "news_malformed"
        | "release_malformed"
        | "unsafe_path"
        | "unsupported" => {
            "This version cannot be installed: its data is invalid. Nothing was changed. Tell the publisher."
        }
        // A folder that the game cannot be in, most of all.
        "invalid_argument" => "That is not possible here. Choose something else, such as another folder.",
        "repository_missing" | "trust_root_invalid" => "This program is set up incorrectly. Tell its publisher.",
        _ => "Something went wrong. Try again; if it persists, tell the publisher.",
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::error::Code;

    #[test]
    fn no_text_for_players_is_for_authors() {
        for code in Code::ALL {
            let text = text(code.word());
            let is_plain = !text.contains(['_', '/', '`', '{', '\n']) && !text.contains("  ");
            assert!(is_plain && text.ends_with('.'), "{}: {text}", code.word());
        }
    }

    #[test]
    fn what_players_can_do_something_about_has_a_text_of_its_own() {
        let page = include_str!("../../../../docs/errors.md");
        let rows = page.split("\n### ").find(|part| part.starts_with("The player can do something")).unwrap();
        let codes = rows.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0));
        let others = ["config_malformed", "package_managed"];
        let bare: Vec<&str> = codes.filter(|code| text(code) == text("") && !others.contains(code)).collect();
        assert!(bare.is_empty(), "{bare:?}");
    }
}
