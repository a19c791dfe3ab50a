//! Examples for the commands below `repository` and `keys`: lines to paste, for the end of each help.

use clap::Command;

/// The commands, in the words after `vsekai`, and their examples.
const EXAMPLES: [(&str, &str); 21] = [
    (
        "repository show",
        "  vsekai repository show --repository REPO --keys KEYS
  vsekai repository show --server https://updates.example.org --mode stable",
    ),
    ("repository prune", "  vsekai repository prune --repository REPO --keys KEYS --dry-run"),
    (
        "repository recall",
        "  vsekai repository recall --mode stable --version 1.2.0 \\
    --repository REPO --keys KEYS
  vsekai repository recall --mode stable --version 1.2.0 --undo \\
    --server https://updates.example.org",
    ),
    (
        "repository skip",
        "  vsekai repository skip --mode stable --version 1.2.0 \\
    --repository REPO --keys KEYS",
    ),
    (
        "repository rollout",
        "  vsekai repository rollout --mode stable --version 1.2.0 --percent 25 \\
    --repository REPO --keys KEYS",
    ),
    (
        "repository reports",
        "  vsekai repository reports --mode stable --on --minimum 100 --limit 5 \\
    --server https://updates.example.org
  vsekai repository reports --mode stable --off \\
    --server https://updates.example.org",
    ),
    (
        "repository retire",
        "  vsekai repository retire --mode beta --update-to stable \\
    --repository REPO --keys KEYS",
    ),
    ("repository activate", "  vsekai repository activate --mode beta --repository REPO --keys KEYS"),
    (
        "repository mode",
        "  vsekai repository mode --mode beta --description \"Next\" \\
    --repository REPO --keys KEYS",
    ),
    (
        "repository stores",
        "  vsekai repository stores https://cdn.example.net/store store \\
    --repository REPO --keys KEYS
  vsekai repository stores --repository REPO --keys KEYS",
    ),
    (
        "repository mirrors",
        "  vsekai repository mirrors https://mirror.example.net/game \\
    --repository REPO --keys KEYS",
    ),
    (
        "repository renew",
        "  vsekai repository renew --repository REPO --keys KEYS
  # Where the key of the mode is somewhere else:
  vsekai repository renew --repository REPO --keys PUBLIC --prepare FILE",
    ),
    ("keys add", "  vsekai keys add KEYS --mode beta"),
    (
        "keys show",
        "  vsekai keys show KEYS
  vsekai keys show KEYS --repository REPO",
    ),
    (
        "keys rotate",
        "  vsekai keys rotate KEYS timestamp
  # A key that stays in a token:
  vsekai keys rotate KEYS stable --public-key key.pem -- sign-with-token",
    ),
    ("keys add-key", "  vsekai keys add-key KEYS targets"),
    (
        "keys passphrase",
        "  vsekai keys passphrase KEYS
  vsekai keys passphrase KEYS --remove",
    ),
    ("keys threshold", "  vsekai keys threshold KEYS targets 2"),
    ("keys renew-root", "  vsekai keys renew-root KEYS"),
    ("keys renew", "  vsekai keys renew KEYS stable --server https://updates.example.org"),
    ("keys push", "  vsekai keys push KEYS --server https://updates.example.org"),
];

/// Ends the help of each of these commands with its examples.
pub(super) fn add(command: Command) -> Command {
    command.mut_subcommands(|parent| {
        let name = parent.get_name().to_owned();
        parent.mut_subcommands(|below| match examples_of(&format!("{name} {}", below.get_name())) {
            Some(examples) => below.after_help(format!("Examples:\n{examples}")),
            None => below,
        })
    })
}

fn examples_of(words: &str) -> Option<&'static str> {
    EXAMPLES.iter().find(|(command, _)| *command == words).map(|(_, examples)| *examples)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::cli::arguments::Cli;

    /// The commands of an example, each as the words after `vsekai`.
    fn commands(examples: &str) -> Vec<Vec<OsString>> {
        let lines = examples.replace("\\\n", " ");
        let lines = lines.lines().filter_map(|line| line.trim().strip_prefix("vsekai "));
        lines.map(|line| line.replace('"', "").split_whitespace().map(OsString::from).collect()).collect()
    }

    #[test]
    fn every_command_of_repositories_and_keys_has_examples_that_it_takes() {
        let grammar = Cli::grouped();
        for parent in ["repository", "keys"] {
            for command in grammar.find_subcommand(parent).unwrap().get_subcommands() {
                let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                let found = commands(&after);
                assert!(!found.is_empty(), "{parent} {} has no example", command.get_name());
                for words in found {
                    assert!(words[..2] == [parent, command.get_name()].map(OsString::from), "{words:?}");
                    let parsed = Cli::parse_arguments(words.clone());
                    assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
                }
            }
        }
    }
}
