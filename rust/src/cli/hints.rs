//! What to do about an error, for users of the command line: with the commands and options that help.
//!
//! The library says what happened; each front end says what to do next. The Godot node has a table of its own, without
//! commands. `tests/it/install/hints.rs` tries every hint that names a command.
//!
//! Words in braces, such as `{dir}`, stand for what the command line names: see [`Words::fill`].

use crate::cli::output::Audience;
use crate::cli::words::Words;
use crate::error::Error;

mod found;
mod refusals;

/// What a user of the command line can do about this error, if anything. For a refusal, that depends on the server's code;
/// for some others, on whether the command is one of a publisher.
pub(crate) fn of(error: &Error, audience: Audience, words: &Words) -> Option<String> {
    let code = error.code();
    let hint = match error {
        // It says what was meant, or where to look.
        Error::NotThere { .. } => None,
        Error::ServerRefused { code: refused, status, .. } => refusals::hint(refused, *status).or_else(|| hint(code)),
        _ if audience == Audience::Publisher => publisher_hint(code, words).or_else(|| hint(code)),
        _ => of_player(code, words).or_else(|| hint(code)),
    };
    let hint = hint.map(|hint| words.fill(hint));
    let both = |before: String| hint.as_ref().map_or_else(|| before.clone(), |hint| format!("{before} {hint}"));
    found::instead(error, audience, words).or_else(|| found::before(error).map(both)).or(hint)
}

/// What a player can do about an error with this code, where that depends on the command.
fn of_player(code: &str, words: &Words) -> Option<&'static str> {
    let is_update = matches!(words.command(), "install" | "update");
    Some(match code {
        "cancelled" if is_update => {
            "What was downloaded is kept, and what was installed is as it was: run the same command again to resume."
        }
        "not_installed" if words.is_begun() => {
            "The first installation was stopped: `vsekai update{dir}` continues it, and what was downloaded is kept."
        }
        "not_installed" if matches!(words.command(), "uninstall" | "move") => "Check the name of the folder.",
        "not_installed" if !words.has_dir() => {
            "Work in the folder of an install, or name it. `vsekai install GAME --repository {url} --trust-root {root}` \
             installs one."
        }
        "repository_missing" if words.has_dir() && matches!(words.command(), "update" | "check" | "versions") => {
            "Give both again, as the publisher tells them: `vsekai {command}{dir} --repository URL --trust-root FILE`. The \
             install remembers them."
        }
        "signature_invalid" if words.has_trust_root() => {
            "Nothing was changed. Check that {root} is the root.json of this repository's publisher, and that the \
             address is right. If both are, try another mirror with --repository, and tell the publisher."
        }
        "trust_root_invalid" if words.has_trust_root() => {
            "Get root.json from the publisher again: it is the file that `vsekai keys init` makes."
        }
        _ => return None,
    })
}

/// What a publisher can do about an error with this code, where that differs from what a player can do.
fn publisher_hint(code: &str, words: &Words) -> Option<&'static str> {
    Some(match code {
        "cancelled" if words.command() == "publish" => {
            "Nothing was published. Chunks that were stored are kept: run the same command again to go on."
        }
        "signature_invalid" | "target_mismatch" | "target_not_signed" | "trust_root_invalid" => {
            "Nothing was published. Check that the key folder belongs to this repository. What was prepared must be signed \
             with `vsekai sign FILE` before it is published."
        }
        "mode_unknown" if matches!(words.command(), "publish" | "repository mode") => {
            "The key folder has no key of this mode: `vsekai keys add {keys} --mode NAME` makes the key of a new one."
        }
        "mode_unknown" | "version_unknown" => {
            "`vsekai repository show{shown}` lists the modes and versions of a repository."
        }
        "metadata_malformed" => {
            "Nothing was changed. A file of the repository is damaged, or was only half copied: put it back from a copy, such \
             as the one on your web host, then run this again."
        }
        "passphrase_missing" if words.command() != "keys passphrase" => {
            "Give it with --passphrase-file FILE or VSEKAI_KEY_PASSPHRASE, or run this in a terminal, which asks for it."
        }
        "not_found" => "Check the path or the address in the message.",
        "config_malformed" => {
            "Correct that line, or move the file away. Each line is `key = \"value\"`, with text in quotes."
        }
        "other_owner" => "Look at what is in that file. If you want it, make a copy that is yours.",
        "offline" | "timed_out" if words.command() == "publish" => {
            "Check the network and the address, then run it again: what was sent is kept."
        }
        "offline" | "timed_out" => "Check the network and the address, then run it again.",
        _ => return None,
    })
}

/// What a user of the command line can do about an error with this code, if anything.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "index_malformed" => "Check that the path or URL names a .caibx or .caidx file, and fetch it again.",
        "archive_malformed" => "The index names a blob, not a tree, or the publisher's archive is broken.",
        "unsafe_path" => "Rename the entry in the tree and publish it again.",
        "chunk_corrupt" => {
            "Name another mirror with --repository, or another store with --store. The store's operator can find \
             damaged chunks with `vsekai store verify {store}`."
        }
        "chunk_missing" => {
            "Name another mirror with --repository; for `vsekai store`, every store that holds chunks of this \
             index, each with --store."
        }
        "disk_full" => "Free some space, or choose a destination on another disk.",
        "permission_denied" => "Change the permissions of the path in the message, or choose another folder.",
        "not_found" => {
            "Check the path or address. A repository's address is that of the folder with tuf/ and store/ in it."
        }
        "read_only" => "Choose a destination on a writable disk.",
        "offline" => "Check the network and the URL, then run it again: downloaded data is kept.",
        "timed_out" => "The server is slow or unreachable. Run it again later: downloaded data is kept.",
        "http_failed" => {
            "Try again later: what was done is kept. If it fails again, check the address; for a bucket, also its region \
             and the AWS_* variables."
        }
        "unauthorized" => "The server needs credentials: set VSEKAI_HTTP_AUTH, or give --http-auth-file.",
        "tls_failed" => "Check the clock and the certificate; name a private authority with --ca-cert.",
        "server_refused" => {
            "The code in brackets is the reason. Each is explained at \
             https://github.com/V-Sekai/vsekai-updater/blob/main/docs/errors.md#the-update-server"
        }
        "destination_not_ours" => {
            "Give an empty or new folder. `install --adopt` takes over one that has files; `store extract` reuses them with \
             --seed DEST --seed-index INDEX."
        }
        "other_owner" => {
            "Run it as that user. If you trust whoever that is, name them with --trust-owner and the number in the \
             message."
        }
        "foreign_conflict" => "Nothing was changed. Move that file away, then run it again.",
        "busy" => "Wait until the other process has ended, then run it again.",
        "signature_invalid" => {
            "Nothing was changed. If the address is another publisher's, give theirs with --repository. If the publisher \
             has made new keys, get the new root.json from them, and give it with --trust-root FILE. Otherwise try \
             another mirror with --repository, and tell the publisher."
        }
        "target_mismatch" | "target_not_signed" | "metadata_malformed" => {
            "Nothing was changed. Try another mirror with --repository, and tell the publisher."
        }
        "metadata_rollback" => {
            "Nothing was changed. Try another mirror with --repository, or try later; if it lasts, tell the publisher."
        }
        "metadata_expired" => {
            "Check this machine's clock. If it is right, the repository was not renewed in time: tell the \
             publisher. The installed version still starts."
        }
        "clock_went_back" => {
            "Set the clock. If it is right now and was wrong at the last check, give --reset-clock-guard once."
        }
        "trust_root_invalid" => "Get root.json from the publisher, and give it with --trust-root FILE.",
        "mode_unknown" => "`vsekai mode list{where}` shows all modes.",
        "mode_retired" => "Choose another mode with `vsekai mode switch NAME{dir}`.",
        "mode_cycle" => "Choose a mode outside the cycle, and tell the publisher.",
        "no_build_for_platform" => "Choose another mode, or another platform with --platform.",
        "version_unknown" => "`vsekai versions{where}` shows what there is.",
        "version_too_old" => "Update without --version to get the newest one.",
        "version_exists" => "Publish the new build under a new version number.",
        "launcher_too_old" => {
            "Run `vsekai self-update`, then this again. If that fails in the same way, install the newest vsekai."
        }
        "state_too_new" => "Run `vsekai self-update`, or install the newest vsekai. The game itself was not touched.",
        "state_malformed" => "Run `vsekai update{dir} --repository {url}`: it reinstalls whatever it cannot recover.",
        "not_installed" => "Install first: `vsekai install{dir} --repository {url} --trust-root {root}`",
        "repository_missing" => {
            "Give --repository URL and --trust-root FILE, which the publisher gives you. An install remembers them."
        }
        "no_previous_version" => {
            "Only the version before the last update is kept. `vsekai update{dir} --version VERSION` installs any version \
             that the repository still offers."
        }
        "damaged" => {
            "Run `vsekai verify --repair{dir}`: it repairs every installed version. Data that none of them has is \
             downloaded, so the repository must be reachable."
        }
        "launch_failed" => {
            "Run `vsekai verify --repair{dir}`, then start it again. If no file was damaged, the program does not \
             run on this system: tell the publisher."
        }
        "config_malformed" => {
            "Correct that line: each is `key = value`, with text in quotes. Or remove it with `vsekai config unset KEY`, or \
             move the file away: every key has a default."
        }
        _ => return of_publication(code),
    })
}

/// The same, for what only publishing can meet.
fn of_publication(code: &str) -> Option<&'static str> {
    Some(match code {
        "signature_expired" => {
            "For root, run `vsekai keys renew-root {keys}` where its key is. For targets, run `vsekai repository renew \
             --repository {repo} --keys {keys}` where its key is, or publish from there to a server. Then run this again."
        }
        "key_missing" => "Run this on the machine with that key, or name its folder with --keys.",
        "passphrase_missing" => {
            "Give it with --passphrase-file or VSEKAI_KEY_PASSPHRASE, and a new one with --new-passphrase-file or \
             VSEKAI_NEW_KEY_PASSPHRASE; or run this in a terminal, which asks for it."
        }
        "passphrase_wrong" => "Nothing was changed. Give the passphrase of the file in the message.",
        "signer_failed" => "Run the command in that file by hand, with some bytes on stdin: it must print a signature.",
        "preparation_malformed" => "Prepare again with --prepare, and carry the file unchanged.",
        "preparation_stale" => "Nothing was published. Prepare again with --prepare, and have that signed.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{hint, of};
    use crate::cli::arguments::Cli;
    use crate::cli::output::Audience;
    use crate::error::Error;

    fn codes() -> Vec<&'static str> {
        let page = include_str!("../../../docs/errors.md");
        let table = page.split("\n## ").next().unwrap_or_default();
        table.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0)).collect()
    }

    #[test]
    fn interrupted_commands_say_what_is_kept() {
        let hint = |line: &str, audience| {
            let cli = Cli::parse_arguments(line.split(' ').map(Into::into).collect()).unwrap();
            of(&Error::Cancelled, audience, &cli.words)
        };
        for line in ["update GAME", "install GAME", "--update GAME"] {
            assert!(hint(line, Audience::Player).is_some_and(|it| it.contains("downloaded is kept")), "{line}");
        }
        let publish = "publish BUILD --mode m --version 1.0.0 --entry game --repository R --keys K";
        assert!(hint(publish, Audience::Publisher).is_some_and(|it| it.starts_with("Nothing was published.")));
        assert_eq!(hint("status GAME", Audience::Player), None);
    }

    /// Who has only the program has no folder `docs`.
    #[test]
    fn pages_are_named_by_their_address() {
        let sources = [
            include_str!("hints.rs").split("#[cfg(test)]").next().unwrap(),
            include_str!("hints/found.rs").split("#[cfg(test)]").next().unwrap(),
            include_str!("commands/keys.rs"),
            include_str!("../net/http/client.rs"),
        ];
        for line in sources.iter().flat_map(|source| source.lines()).filter(|line| !line.trim().starts_with("//")) {
            assert!(!line.contains("docs/") || line.contains("vsekai-updater/blob/main/docs/"), "{line}");
        }
        let mut grammar = Cli::grouped();
        grammar.build();
        for command in grammar.get_subcommands_mut().flat_map(|it| it.get_subcommands_mut()) {
            let help = command.render_long_help().to_string();
            assert!(help.matches("docs/").count() == help.matches("/blob/main/docs/").count(), "{help}");
        }
    }

    #[test]
    fn the_table_has_only_codes_that_exist() {
        let source = include_str!("hints.rs").split("#[cfg(test)]").next().unwrap();
        let quoted = source.lines().filter(|line| line.contains("=>")).flat_map(|line| line.split("=>").next());
        // A guard names commands.
        let quoted = quoted.flat_map(|left| left.split(" if ").next());
        let named: Vec<&str> = quoted.flat_map(|left| left.split('"').skip(1).step_by(2)).collect();
        assert!(named.len() > 30, "{named:?}");
        let unknown: Vec<_> = named.iter().filter(|code| !codes().contains(*code)).collect();
        assert!(unknown.is_empty(), "no such codes: {unknown:?}");
    }

    #[test]
    fn every_hint_that_names_a_command_is_tried() {
        let tried = include_str!("../../tests/it/install/hints.rs");
        let names_a_command = |code: &&str| hint(code).is_some_and(|hint| hint.contains("vsekai "));
        let named: Vec<&str> = codes().into_iter().filter(names_a_command).collect();
        assert!(named.len() > 5, "{named:?}");
        let missed: Vec<_> = named.iter().filter(|code| !tried.contains(&format!("\"{code}\""))).collect();
        assert!(missed.is_empty(), "no test runs what these hints name: {missed:?}");
    }
}
