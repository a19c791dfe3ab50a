//! The words of the user's own command line, for the commands that hints and messages suggest: somebody who typed
//! `vsekai update GAME` reads `vsekai verify --repair GAME`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::install::InstallRoot;

use super::options;

/// What a command line names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    command: String,
    dir: Option<PathBuf>,
    repository: Option<String>,
    trust_root: Option<String>,
    server: Option<String>,
    keys: Option<String>,
    store: Option<String>,
    is_of_project: bool,
}

impl Words {
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let (mut at, mut command) = (matches, Vec::new());
        while let Some((name, below)) = at.subcommand() {
            command.push(name);
            at = below;
        }
        let given = |name: &str| {
            let is_given =
                at.try_contains_id(name).unwrap_or(false) && at.value_source(name) == Some(ValueSource::CommandLine);
            is_given.then(|| at.get_raw(name)?.next()).flatten()
        };
        let word = |name: &str| given(name).map(shell_word);
        // With the mode as an option, the first word of `mode switch` is the folder.
        let is_named = command == ["mode", "switch"] && given("mode").is_some();
        Self {
            command: command.join(" "),
            dir: given("dir").or(if is_named { given("name") } else { None }).map(PathBuf::from),
            repository: word("repository"),
            server: word("server"),
            trust_root: word("trust_root"),
            keys: word("keys").or_else(|| word("dir").filter(|_| command.first() == Some(&"keys"))),
            store: word("store"),
            is_of_project: false,
        }
    }

    /// The same words, of which the publisher's file has added these.
    pub(super) fn completed(self, added: &[OsString]) -> Self {
        let names = |option: &str| added.iter().any(|word| word.to_string_lossy().starts_with(option));
        let is_of_project = (names("--repository=") || names("--server=")) && names("--keys=");
        Self { is_of_project, ..self }
    }

    /// The command without its arguments, such as `mode switch`.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// Whether the folder that it names has an installation that was begun and never finished.
    pub(super) fn is_begun(&self) -> bool {
        self.dir.as_ref().is_some_and(|dir| InstallRoot::at(dir).is_ok_and(|root| root.control("staging").is_dir()))
    }

    /// Whether the command line names a folder.
    pub(super) fn has_dir(&self) -> bool {
        self.dir.is_some()
    }

    /// Whether the command line names the trusted root.
    pub(super) fn has_trust_root(&self) -> bool {
        self.trust_root.is_some()
    }

    /// The text with what the command line names in the place of `{command}`, `{dir}`, `{where}`, `{url}`, `{root}`,
    /// `{keys}`, `{server}`, `{repo}`, `{place}`, `{shown}` and `{store}`. What is not known stays a word in capitals.
    pub(super) fn fill(&self, text: &str) -> String {
        let known = |value: &Option<String>, name: &str| value.clone().unwrap_or_else(|| name.to_owned());
        text.replace("{dir}", &after(self.dir.as_deref()))
            .replace("{command}", &self.command)
            .replace("{shown}", &self.shown())
            .replace("{where}", &self.source())
            .replace("{place}", &self.place())
            .replace("{server}", &known(&self.server, "URL"))
            .replace("{url}", &known(&self.repository, "URL"))
            .replace("{root}", &known(&self.trust_root, "FILE"))
            .replace("{keys}", &known(&self.keys, "KEYS"))
            .replace("{repo}", &known(&self.repository, "REPO"))
            .replace("{store}", &known(&self.store, "STORE"))
    }

    /// The repository or the server that a publisher names.
    fn place(&self) -> String {
        match &self.server {
            Some(server) => format!("--server {server}"),
            None => "--repository {repo}".to_owned(),
        }
    }

    /// What `repository show` needs to find the repository: nothing where the publisher's file names it.
    fn shown(&self) -> String {
        if self.is_of_project { String::new() } else { " {place} --keys {keys}".to_owned() }
    }

    /// What a command that queries a repository needs: the install, or the options while nothing is installed there.
    fn source(&self) -> String {
        let is_install = |dir: &PathBuf| InstallRoot::at(dir).is_ok_and(|root| root.is_ours());
        let dir = self.dir.as_ref().filter(|dir| self.repository.is_none() || is_install(dir));
        let option = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name} {value}")).unwrap_or_default()
        };
        let options = option("--repository", &self.repository) + &option("--trust-root", &self.trust_root);
        after(dir.map(PathBuf::as_path)) + &options
    }
}

/// The folder as the user gave it, after a space; nothing if the command found the install around the working folder.
pub(crate) fn after(dir: Option<&Path>) -> String {
    dir.map(|dir| format!(" {}", shell_word(dir.as_os_str()))).unwrap_or_default()
}

/// A word that a shell reads as this argument, without secrets in addresses.
pub(crate) fn shell_word(argument: &OsStr) -> String {
    let text = options::shown(argument);
    let is_plain = |it: char| it.is_alphanumeric() || "_-./:@%+=,".contains(it) || (cfg!(windows) && it == '\\');
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else if cfg!(windows) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Cli;

    fn words(line: &[&str]) -> Words {
        Cli::parse_arguments(line.iter().map(Into::into).collect()).unwrap().words
    }

    #[test]
    fn hints_name_what_the_command_line_names() {
        let line = ["update", "My Game", "--repository", "https://a.example/b", "--trust-root", "it's.json"];
        let quoted = if cfg!(windows) { "\"My Game\" \"it's.json\"" } else { r"'My Game' 'it'\''s.json'" };
        assert_eq!(words(&line).fill("x{dir} {root}"), format!("x {quoted}"));
        assert_eq!(words(&["keys", "show", "K"]).fill("{keys} {repo}"), "K REPO");
        let line = ["repository", "recall", "--server", "https://a.example", "--mode", "m", "--version", "1.0.0"];
        assert_eq!(words(&line).fill("{place}"), "--server https://a.example");
        let line = ["keys", "show", "K", "--repository", "r"];
        assert_eq!(words(&line).fill("{place}"), "--repository r");
        assert_eq!(words(&["store", "verify", "S"]).fill("{store}{dir}"), "S");
        assert_eq!(words(&["update", "GAME"]).fill("{url} {root}"), "URL FILE");
    }

    #[test]
    fn folder_that_was_not_named_is_left_out() {
        assert_eq!(words(&["mode", "switch", "--mode", "beta", "GAME"]).fill("x{dir}"), "x GAME");
        assert_eq!(words(&["mode", "switch", "beta"]).fill("x{dir}"), "x");
        assert_eq!(words(&["verify"]).fill("vsekai verify --repair{dir}"), "vsekai verify --repair");
    }

    #[test]
    fn repository_is_queried_by_its_address_until_something_is_installed() {
        let line = ["update", "no-such-install", "--repository", "r", "--trust-root", "t"];
        assert_eq!(words(&line).fill("vsekai versions{where}"), "vsekai versions --repository r --trust-root t");
        assert_eq!(words(&["update", "GAME"]).fill("vsekai versions{where}"), "vsekai versions GAME");
    }

    #[test]
    fn passwords_in_addresses_are_not_repeated() {
        let line = ["update", "GAME", "--repository", "https://user:secret@a.example/b"];
        assert!(!words(&line).fill("{url}{where}").contains("secret"));
    }
}
