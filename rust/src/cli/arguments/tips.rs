//! Better tips than those of the parser, which does not know what commands are for.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::text;

/// The error with tips that help.
pub(super) fn improve(arguments: &[OsString], mut error: clap::Error) -> clap::Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            // The parser offers `-- --option`, which is right for no command but `launch`.
            let command = context(ContextKind::InvalidArg).and_then(|given| command_of_option(&given));
            error.remove(ContextKind::Suggested);
            command.map(|name| format!("there is a command `vsekai {name}`"))
        }
        ErrorKind::InvalidSubcommand => {
            context(ContextKind::InvalidSubcommand).and_then(|name| meant(arguments, &name))
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The command of the same name as an option that does not exist.
fn command_of_option(given: &str) -> Option<String> {
    let name = given.strip_prefix("--")?;
    Cli::names().into_iter().find(|known| known == name)
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
            ("updat GAME", "'update'"),
            ("update GAME --dryrun", "'--dry-run'"),
        ] {
            let said = said(words);
            assert!(said.contains(tip) && said.matches("tip:").count() == 1, "{words}: {said}");
        }
        for words in ["update GAME --nonsense", "status GAME --rollback", "help zzz"] {
            assert!(!said(words).contains("as a value"), "{words}");
        }
    }
}
