//! Better tips than those of the parser, which does not know what commands are for.

use std::ffi::{OsStr, OsString};

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::cli::words::shell_word;
use crate::formats::release::ModeName;
use crate::text;
use crate::version::Version;

/// The error with tips that help. `arguments` are those that were typed.
pub(super) fn improve(arguments: &[OsString], mut error: clap::Error) -> clap::Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            // The parser offers `-- --option`, which is right for no command but `launch`.
            let given = context(ContextKind::InvalidArg).unwrap_or_default();
            error.remove(ContextKind::Suggested);
            let tip = match (command_of_option(&given), option_meant(arguments, &given)) {
                (Some(name), _) => Some(format!("there is a command `vsekai {name}`")),
                (_, Some(tip)) => Some(tip),
                _ => with_option(arguments, &given).map(|line| format!("did you mean `{line}`?")),
            };
            if tip.is_some() {
                // The usage is then that of the argument which the parser would have offered.
                if error.remove(ContextKind::SuggestedArg).is_some() {
                    error.remove(ContextKind::Usage);
                }
            }
            tip
        }
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            keep_the_closest(&mut error, &name);
            meant(arguments, &name)
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Of the names that the parser offers, the one that is closest, if one is close.
fn keep_the_closest(error: &mut clap::Error, given: &str) {
    let Some(ContextValue::Strings(all)) = error.get(ContextKind::SuggestedSubcommand).cloned() else { return };
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    if let Some(name) = text::closest(given, &names).map(str::to_owned) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![name]));
    }
}

/// What other programs call our options, and what they are called here.
const OPTIONS: [(&[&str], &str); 10] = [
    (&["--fix"], "--repair"),
    (&["--force", "-y", "--assume-yes"], "--yes"),
    (&["--channel", "--branch", "--track"], "--mode NAME"),
    (&["--repo", "--url"], "--repository URL"),
    (&["--root"], "--trust-root FILE"),
    (&["--token"], "--token-file FILE"),
    (&["--key", "--key-dir"], "--keys DIR"),
    (&["--passphrase", "--new-passphrase-file"], "--passphrase-file FILE"),
    (&["--exe", "--executable", "--main"], "--entry EXE"),
    (&["--ver", "--vers", "--release"], "--version VERSION"),
];

/// What does what an option of other programs does, or one of another command.
fn option_meant(arguments: &[OsString], given: &str) -> Option<String> {
    let words: Vec<&str> = arguments.iter().skip(1).map(|word| word.to_str()).collect::<Option<_>>()?;
    let mut grammar = &Cli::command();
    for word in &words {
        grammar = grammar.find_subcommand(word).unwrap_or(grammar);
    }
    if given == "--version" && grammar.get_name() == "rollback" {
        return Some(
            "`rollback` goes back to the previous version; `vsekai update --version VERSION` installs any".to_owned(),
        );
    }
    let (_, ours) = OPTIONS.iter().find(|(theirs, _)| theirs.contains(&given))?;
    let name = ours.trim_start_matches("--").split(' ').next();
    grammar.get_arguments().any(|argument| argument.get_long() == name).then(|| format!("did you mean `{ours}`?"))
}

/// The command of the same name as an option that does not exist.
fn command_of_option(given: &str) -> Option<String> {
    let name = given.strip_prefix("--")?;
    Cli::names().into_iter().find(|known| known == name)
}

/// The command line with an option before a version or a mode that was typed as a word.
fn with_option(arguments: &[OsString], given: &str) -> Option<String> {
    let words: Vec<&str> = arguments.iter().skip(1).map(|word| word.to_str()).collect::<Option<_>>()?;
    let mut grammar = &Cli::command();
    for word in &words {
        grammar = grammar.find_subcommand(word).unwrap_or(grammar);
    }
    let is_version = |word: &str| Version::parse(word).is_ok();
    // The parser refuses the last word too many, which need not be the one that is out of place.
    let is_value = |at: usize| at > 0 && words[at - 1].starts_with('-');
    let typed = (0..words.len()).find(|at| is_version(words[*at]) && !is_value(*at)).map(|at| words[at]);
    let (option, value) = match typed.filter(|_| !is_version(given)) {
        Some(version) => ("version", version),
        None if is_version(given) => ("version", given),
        None if ModeName::new(given).is_ok() => ("mode", given),
        None => return None,
    };
    // `mode switch` takes the name of a mode as a word, which is there already.
    if option == "mode" && grammar.get_name() == "switch" {
        return None;
    }
    let is_option = grammar.get_arguments().any(|argument| argument.get_long() == Some(option));
    let name = format!("--{option}");
    if !is_option || words.iter().any(|word| word.split('=').next() == Some(&name)) {
        return None;
    }
    let rest: Vec<&str> = words.into_iter().filter(|word| *word != value).collect();
    let rest: Vec<String> = rest.into_iter().map(|word| shell_word(OsStr::new(word))).collect();
    Some(format!("vsekai {} {name} {value}", rest.join(" ")))
}

/// What other programs call our commands.
const ELSEWHERE: [(&str, &str); 8] = [
    ("remove", "uninstall"),
    ("delete", "uninstall"),
    ("run", "launch"),
    ("start", "launch"),
    ("play", "launch"),
    ("upgrade", "update"),
    ("fix", "verify --repair"),
    ("repair", "verify --repair"),
];

/// The command that is meant by a word: what other programs call it, one below another command, or one with a similar
/// name.
fn meant(arguments: &[OsString], given: &str) -> Option<String> {
    let words = arguments.iter().skip(1).filter(|word| !word.to_string_lossy().starts_with('-'));
    let before: Vec<_> = words.take_while(|word| *word != given).collect();
    let names = Cli::names();
    let quoted = |commands: Vec<String>| {
        let all: Vec<_> = commands.iter().map(|command| format!("`vsekai {command}`")).collect();
        (!all.is_empty()).then(|| format!("did you mean {}?", all.join(" or ")))
    };
    match before.as_slice() {
        [] => {
            let grammar = Cli::command();
            let has = |parent: &&clap::Command| parent.find_subcommand(given).is_some();
            let parents = grammar.get_subcommands().filter(|it| it.get_name() != "help").filter(has);
            let ours = ELSEWHERE.iter().filter(|(theirs, _)| *theirs == given).map(|(_, ours)| (*ours).to_owned());
            quoted(ours.chain(parents.map(|parent| format!("{} {given}", parent.get_name()))).collect())
        }
        [help] if *help == "help" => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            quoted(text::closest(given, &names).map(|name| format!("help {name}")).into_iter().collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> String {
        Cli::parse_arguments(words.split(' ').map(OsString::from).collect()).unwrap_err().to_string()
    }

    #[test]
    fn tips_name_the_command_that_is_meant() {
        for (words, tip) in [
            ("update GAME --rollback", "tip: there is a command `vsekai rollback`"),
            ("recall", "tip: did you mean `vsekai repository recall`?"),
            ("remove", "tip: did you mean `vsekai uninstall` or `vsekai news remove`?"),
            ("run", "tip: did you mean `vsekai launch`?"),
            ("rollout --mode m", "tip: did you mean `vsekai repository rollout`?"),
            ("prune", "tip: did you mean `vsekai repository prune` or `vsekai store prune`?"),
            ("help instal", "tip: did you mean `vsekai help install`?"),
            ("publish build 2.0.1", "tip: did you mean `vsekai publish build --version 2.0.1`?"),
            (
                "publish b --oldest-allowed 1.0.0 2.0.0",
                "did you mean `vsekai publish b --oldest-allowed 1.0.0 --version 2.0.0`?",
            ),
            ("publish 2.0.1 build", "tip: did you mean `vsekai publish build --version 2.0.1`?"),
            ("update GAME 1.2.0", "tip: did you mean `vsekai update GAME --version 1.2.0`?"),
            ("install GAME beta", "tip: did you mean `vsekai install GAME --mode beta`?"),
            ("updat GAME", "'update'"),
            ("instal GAME", "a similar subcommand exists: 'install'"),
            ("verify --fix", "tip: did you mean `--repair`?"),
            ("rollback --version 1.0.0", "`vsekai update --version VERSION` installs any"),
            ("keys init K --mode m --encrypt --new-passphrase-file f", "tip: did you mean `--passphrase-file FILE`?"),
            ("publish build --vers 1.5.0", "tip: did you mean `--version VERSION`?"),
            ("install GAME --channel beta", "tip: did you mean `--mode NAME`?"),
            ("update GAME --dryrun", "'--dry-run'"),
        ] {
            let said = said(words);
            assert!(said.contains(tip) && said.matches("tip:").count() == 1, "{words}: {said}");
        }
        for words in ["mode switch beta GAME extra", "foo", "uninstall --fix"] {
            assert!(!said(words).contains("tip:"), "{words}: {}", said(words));
        }
        for words in ["update GAME --nonsense", "status GAME --rollback", "help zzz"] {
            assert!(!said(words).contains("as a value"), "{words}");
        }
    }
}
