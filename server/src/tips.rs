//! Tips for command lines that were refused: which command or option does what was meant.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use vsekai_server::config::EXAMPLE;
use vsekai_updater::text;

/// What other programs call our commands. The first words are those above the command.
const COMMANDS: [(&str, &[&str], &str); 12] = [
    ("", &["start", "run", "up", "server", "daemon", "listen", "init"], "serve"),
    ("", &["config", "validate", "check", "configtest", "doctor", "settings", "show-config"], "check-config"),
    ("", &["default-config", "print-config", "sample-config", "generate-config"], "example-config"),
    ("", &["prune", "clean", "cleanup", "clean-up", "vacuum"], "gc"),
    ("", &["fsck", "scrub"], "verify"),
    ("", &["repair", "fix"], "verify --repair STORE"),
    ("", &["upgrade", "migration", "migrations"], "migrate"),
    ("", &["dump", "snapshot"], "backup FILE"),
    ("", &["tokens", "user", "users"], "token list"),
    ("token", &["new", "add", "make", "issue"], "token create"),
    ("token", &["delete", "remove", "rm"], "token revoke ID"),
    ("bundle", &["delete", "rm"], "bundle remove ID"),
];

/// Commands of the other program.
const OF_PUBLISHERS: [&str; 6] = ["publish", "keys", "repository", "news", "sign", "install"];

/// What other programs call our options, and what stands for a value that is not there.
const OPTIONS: [(&[&str], &str, &str); 6] = [
    (&["-c", "-f", "--conf", "--config-file", "--configuration"], "--config", "FILE"),
    (&["-d", "--data-dir", "--datadir", "--dir"], "--data", "DIR"),
    (&["--db", "--database-url", "--dsn"], "--database", "URL"),
    (&["-l", "-b", "--bind", "--address", "--addr", "--host", "--listen-address"], "--listen", "ADDRESS:PORT"),
    (&["--expires", "--expiry", "--expire", "--ttl", "--valid-days"], "--days", "DAYS"),
    (&["-s"], "--set", "NAME=VALUE"),
];

/// The error with a tip that helps, if there is one.
pub(crate) fn improve(grammar: &Command, arguments: &[OsString], mut error: clap::Error) -> clap::Error {
    let Some(words) = arguments.iter().skip(1).map(|word| word.to_str()).collect::<Option<Vec<_>>>() else {
        return error;
    };
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            context(ContextKind::InvalidSubcommand).and_then(|given| of_command(grammar, &words, &given))
        }
        ErrorKind::UnknownArgument => {
            context(ContextKind::InvalidArg).and_then(|given| of_argument(grammar, &words, &given))
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn of_command(grammar: &Command, words: &[&str], given: &str) -> Option<String> {
    let above = words.iter().take_while(|word| **word != given).find(|word| grammar.find_subcommand(word).is_some());
    let above = above.copied().unwrap_or_default();
    if above.is_empty() && OF_PUBLISHERS.contains(&given) {
        return Some(format!("that is a command of `vsekai`: see `vsekai {given} --help`"));
    }
    let ours = COMMANDS.iter().filter(|(parent, theirs, _)| *parent == above && theirs.contains(&given));
    let ours = ours.map(|(_, _, ours)| (*ours).to_owned());
    let below = grammar.get_subcommands().filter(|it| above.is_empty() && it.find_subcommand(given).is_some());
    let below = below.filter(|it| it.get_name() != "help").map(|it| format!("{} {given}", it.get_name()));
    let all: Vec<String> = ours.chain(below).map(|line| format!("`vsekai-server {line}`")).collect();
    (!all.is_empty()).then(|| format!("did you mean {}?", all.join(" or ")))
}

fn of_argument(grammar: &Command, words: &[&str], given: &str) -> Option<String> {
    let at = words.iter().position(|word| word.split('=').next() == Some(given) || *word == given)?;
    let (meant, used) = if given.starts_with('-') { of_option(words, at, given)? } else { (of_word(given)?, 1) };
    let command = words.iter().fold(grammar, |command, word| command.find_subcommand(word).unwrap_or(command));
    let is_known = |name: &str| {
        let is_it = |argument: &clap::Arg| argument.get_long().is_some_and(|long| name == format!("--{long}"));
        command.get_arguments().chain(grammar.get_arguments()).any(is_it)
    };
    // Only `serve` listens.
    let (option, value) = meant;
    let meant = match option {
        _ if is_known(option) => format!("{option} {value}"),
        "--listen" => format!("--set listen={value}"),
        _ => return None,
    };
    let before = words[..at].iter().copied();
    let line: Vec<&str> = before.chain([meant.as_str()]).chain(words[at + used..].iter().copied()).collect();
    Some(format!("did you mean `vsekai-server {}`?", line.join(" ")))
}

/// What is meant by an option that does not exist, and how many words it takes.
fn of_option(words: &[&str], at: usize, given: &str) -> Option<((&'static str, String), usize)> {
    let attached = words[at].split_once('=').map(|(_, value)| value);
    let next = words.get(at + 1).copied().filter(|word| !word.starts_with('-'));
    let value = attached.or(next);
    let used = if attached.is_none() && next.is_some() { 2 } else { 1 };
    let or = |name: &str| value.unwrap_or(name).to_owned();
    if matches!(given, "-p" | "--port") {
        return Some((("--listen", format!("127.0.0.1:{}", or("PORT"))), used));
    }
    if matches!(given, "-v" | "--verbose" | "--debug") {
        return Some((("--set", "log=debug".to_owned()), 1));
    }
    if let Some((_, ours, name)) = OPTIONS.iter().find(|(theirs, ..)| theirs.contains(&given)) {
        return Some(((ours, or(name)), used));
    }
    let setting = given.strip_prefix("--")?.replace('-', "_");
    let known: Vec<&str> = settings().collect();
    let meant = known.iter().find(|name| **name == setting).copied().or_else(|| text::closest(&setting, &known))?;
    Some((("--set", format!("{meant}={}", or("VALUE"))), used))
}

/// What is meant by a word that has no place.
fn of_word(given: &str) -> Option<(&'static str, String)> {
    let is_setting = given.split_once('=').is_some_and(|(name, _)| settings().any(|known| known == name));
    let is_database = ["sqlite:", "postgres://", "postgresql://", "cockroachdb://"];
    let option = match given {
        _ if is_setting => "--set",
        _ if is_database.iter().any(|start| given.starts_with(start)) => "--database",
        _ if Path::new(given).extension().is_some_and(|it| it.eq_ignore_ascii_case("toml")) => "--config",
        _ if given.parse::<SocketAddr>().is_ok() => "--listen",
        _ if given.parse::<u16>().is_ok() => return Some(("--listen", format!("127.0.0.1:{given}"))),
        _ if Path::new(given).is_dir() => "--data",
        _ => return None,
    };
    Some((option, given.to_owned()))
}

/// The names of all settings.
fn settings() -> impl Iterator<Item = &'static str> {
    let names = EXAMPLE.lines().filter(|line| !line.starts_with('#'));
    names.filter_map(|line| Some(line.split_once(" = ")?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn said(words: &str) -> String {
        let words = format!("vsekai-server {words}");
        crate::help::parse(&words.split(' ').map(OsString::from).collect::<Vec<_>>()).unwrap_err().to_string()
    }

    #[test]
    fn tips_name_the_command_that_is_meant() {
        for (words, tip) in [
            ("start", "`vsekai-server serve`?"),
            ("run --data D", "`vsekai-server serve`?"),
            ("config", "`vsekai-server check-config`?"),
            ("--data D validate", "`vsekai-server check-config`?"),
            ("list", "`vsekai-server token list` or `vsekai-server bundle list`?"),
            ("revoke x", "`vsekai-server token revoke`?"),
            ("repair", "`vsekai-server verify --repair STORE`?"),
            ("token new --name x", "`vsekai-server token create`?"),
            ("token rm x", "`vsekai-server token revoke ID`?"),
            ("publish build", "that is a command of `vsekai`: see `vsekai publish --help`"),
            ("tokn list", "'token'"),
        ] {
            let said = said(words);
            assert!(said.contains(tip) && said.matches("tip:").count() == 1, "{words}: {said}");
        }
        assert!(!said("zzz").contains("tip:"), "{}", said("zzz"));
    }

    #[test]
    fn tips_write_the_option_that_is_meant() {
        for (words, line) in [
            ("serve -c c.toml", "serve --config c.toml"),
            ("serve --data D c.toml", "serve --data D --config c.toml"),
            ("-f c.toml serve", "--config c.toml serve"),
            ("serve -c", "serve --config FILE"),
            ("serve --port 80", "serve --listen 127.0.0.1:80"),
            ("serve --port=80 --data D", "serve --listen 127.0.0.1:80 --data D"),
            ("serve 0.0.0.0:80", "serve --listen 0.0.0.0:80"),
            ("serve 8080", "serve --listen 127.0.0.1:8080"),
            ("check-config --port 80", "check-config --set listen=127.0.0.1:80"),
            ("serve --log debug", "serve --set log=debug"),
            ("serve --log-format=json", "serve --set log_format=json"),
            ("serve --tls-crt a.pem", "serve --set tls_cert=a.pem"),
            ("serve region=eu", "serve --set region=eu"),
            ("serve -v", "serve --set log=debug"),
            ("migrate postgres://h/n", "migrate --database postgres://h/n"),
            ("token create --name x --scope admin --ttl 9", "token create --name x --scope admin --days 9"),
        ] {
            let said = said(words);
            let tip = format!("did you mean `vsekai-server {line}`?");
            assert!(said.contains(&tip) && said.matches("tip:").count() == 1, "{words}: {said}");
        }
        for words in ["serve --nonsense", "serve nonsense", "gc --ttl 3"] {
            assert!(!said(words).contains("did you mean"), "{words}: {}", said(words));
        }
    }
}
