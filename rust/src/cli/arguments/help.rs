//! Help in one layout: `-h` shows what most people need, `--help` shows everything. clap's own long help gives each option
//! three lines.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

/// Options that few people need, wherever they are. [`Arg::hide_short_help`] does the same for one of them.
const RARE: [&str; 26] = [
    "adopt",
    "allow",
    "allow_secret",
    "best",
    "bucket_cache",
    "bundles",
    "cache",
    "chunk_size",
    "chunker",
    "delta_from",
    "discard",
    "entry_arguments",
    "fast",
    "from_index",
    "from_store",
    "keep_versions",
    "level",
    "min_launcher",
    "mutable",
    "no_progress",
    "no_shared_cache",
    "oldest_allowed",
    "reset_clock_guard",
    "strict",
    "threads",
    "trust_owner",
];

/// Whether the command line asks for all of the help.
pub(super) fn wants_all(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|word| *word != "--").any(|word| word == "--help")
}

/// `help COMMAND` is `COMMAND --help`, if there is such a command.
pub(super) fn as_option(mut arguments: Vec<OsString>, grammar: &Command) -> Vec<OsString> {
    let mut at = Some(grammar);
    let named = arguments.iter().skip(2).take_while(|word| !word.to_string_lossy().starts_with('-'));
    for word in named {
        at = at.and_then(|command| command.find_subcommand(word));
    }
    if arguments.get(1).is_some_and(|word| word == "help") && at.is_some() {
        arguments.remove(1);
        arguments.push(OsString::from("--help"));
    }
    arguments
}

/// The grammar with the help of `-h`, or of `--help`.
pub(super) fn laid_out(command: Command, is_full: bool) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command = names.iter().fold(command, |it, name| it.mut_subcommand(name, |below| laid_out(below, is_full)));
    let command = if is_full { full(command) } else { short(command) };
    let about = if is_full { "Print help (a summary with -h)" } else { "Print help (all of it with --help)" };
    let flag = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help(about);
    command.disable_help_flag(true).arg(flag.help_heading(None::<&str>).display_order(1000))
}

fn full(command: Command) -> Command {
    let about = command.get_long_about().or(command.get_about()).cloned();
    let after = command.get_after_long_help().or(command.get_after_help()).cloned();
    let command = command.mut_args(|arg| {
        let help = arg.get_long_help().or(arg.get_help()).cloned();
        let arg = arg.hide_short_help(false);
        if let Some(help) = help { arg.help(help) } else { arg }
    });
    let command = if let Some(about) = about { command.about(about) } else { command };
    if let Some(after) = after { command.after_help(after) } else { command }
}

/// Without rare options, and of the text at the end only the first paragraph, which has the examples.
fn short(command: Command) -> Command {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = after.split("\n\n").next().unwrap_or_default().to_owned();
    let command =
        command.mut_args(|arg| if RARE.contains(&arg.get_id().as_str()) { arg.hide_short_help(true) } else { arg });
    if examples.len() < after.len() { command.after_help(examples) } else { command }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Cli;

    /// The narrowest terminal that most people have.
    const WIDTH: usize = 80;

    fn help(words: &str) -> String {
        Cli::parse_arguments(words.split(' ').map(OsString::from).collect()).unwrap_err().to_string()
    }

    #[test]
    fn summary_fits_a_screen_and_the_rest_is_in_the_long_help() {
        for (command, most) in [("", 46), ("install ", 34), ("update ", 36), ("check ", 30), ("publish ", 46)] {
            let (short, long) = (help(&format!("{command}-h")), help(&format!("{command}--help")));
            assert!(short.lines().count() <= most, "{}: {short}", short.lines().count());
            assert!(long.lines().count() > short.lines().count(), "{long}");
            assert!(short.contains("--help") && long.contains("-h"), "{command}");
        }
        assert!(!help("update -h").contains("--trust-owner") && help("update --help").contains("--trust-owner"));
        assert!(help("open --help").contains("at most 3 seconds"), "the long text is there");
        assert!(help("launch --help").contains("two failed starts") && !help("launch -h").contains("two failed"));
    }

    #[test]
    fn long_help_gives_an_option_as_few_lines_as_the_summary() {
        for command in ["install", "publish", "store extract", "repository recall"] {
            let long = help(&format!("{command} --help"));
            let blank = long.split("Options:").nth(1).unwrap().split("\n\n").count();
            assert!(blank < 9, "{blank}: {long}");
        }
    }

    /// Whoever pastes an example must get all of it, and nothing else.
    #[test]
    fn examples_are_whole_commands_on_lines_that_are_never_broken() {
        fn check(command: &Command, found: &mut usize) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = after.lines().filter(|line| line.starts_with("  ")).collect();
            let mut grammar =
                Command::new("help").disable_help_flag(true).max_term_width(100).after_help(after.clone());
            let shown = grammar.render_help().to_string();
            let mut is_continued = false;
            for line in &examples {
                *found += 1;
                assert!(line.chars().count() <= WIDTH, "{}: {line}", command.get_name());
                assert!(shown.lines().any(|it| it == *line), "{line}");
                let is_start = ["  vsekai ", "  # "].iter().any(|start| line.starts_with(start));
                assert!(is_start != is_continued && (is_start || line.starts_with("    ")), "{line}");
                assert!(line.starts_with("  # ") || !line.contains("  #"), "zsh takes this for arguments: {line}");
                is_continued = line.ends_with(" \\");
            }
            assert!(!is_continued);
            command.get_subcommands().for_each(|below| check(below, found));
        }
        let mut found = 0;
        check(&Cli::grouped(), &mut found);
        assert!(found > 40, "{found}");
    }

    #[test]
    fn help_as_a_command_is_help_as_an_option() {
        for command in ["install", "repository recall", "keys"] {
            assert_eq!(help(&format!("help {command}")), help(&format!("{command} --help")), "{command}");
        }
        assert_eq!(help("help"), help("--help"));
    }

    #[test]
    fn rare_options_exist() {
        fn names(command: &Command, out: &mut Vec<String>) {
            out.extend(command.get_arguments().map(|arg| arg.get_id().to_string()));
            command.get_subcommands().for_each(|below| names(below, out));
        }
        let mut grammar = Cli::grouped();
        grammar.build();
        let mut all = Vec::new();
        names(&grammar, &mut all);
        assert!(RARE.iter().all(|rare| all.iter().any(|name| name == rare)), "{RARE:?}");
    }
}
