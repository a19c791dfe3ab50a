//! The commands of `vsekai --help`, in groups: for who plays, who publishes, and who works with chunks.

use std::fmt::Write as _;

const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Play",
        &[
            "install",
            "update",
            "check",
            "launch",
            "open",
            "status",
            "versions",
            "history",
            "rollback",
            "clean",
            "verify",
            "mode",
            "move",
            "integrate",
            "unintegrate",
            "uninstall",
        ],
    ),
    ("Publish", &["publish", "sign", "repository", "news", "keys"]),
    ("Chunks", &["store"]),
    ("This command", &["config", "completions", "self-update", "help"]),
];

/// Shows the commands of the help in groups.
pub(super) fn group(command: clap::Command) -> clap::Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}{{all-args}}{{after-help}}",
        listed(&command)
    );
    // clap's own list would repeat them without groups.
    let template = template.replace("{all-args}", "\u{1b}[1m\u{1b}[4mOptions:\u{1b}[0m\n{options}");
    command.help_template(template)
}

fn listed(command: &clap::Command) -> String {
    let about = |name: &str| match name {
        "help" => "Print this message, or the help of a command".to_owned(),
        _ => command
            .find_subcommand(name)
            .and_then(clap::Command::get_about)
            .map(|about| in_short(&about.to_string()))
            .unwrap_or_default(),
    };
    let mut out = String::new();
    for (heading, names) in GROUPS {
        // Writing to a String cannot fail. The heading looks like those of clap, which leaves out styles where needed.
        let _ = writeln!(out, "\u{1b}[1m\u{1b}[4m{heading}:\u{1b}[0m");
        for name in names {
            let _ = writeln!(out, "  \u{1b}[1m{name}\u{1b}[0m{:width$}  {}", "", about(name), width = 11 - name.len());
        }
        out.push('\n');
    }
    out
}

/// What a command is for, without what its own help adds.
fn in_short(about: &str) -> String {
    let end = ["; ", ". "].iter().filter_map(|mark| about.find(mark)).min().unwrap_or(about.len());
    about[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::arguments::Cli;

    #[test]
    fn every_command_is_in_one_group() {
        let mut listed: Vec<&str> =
            GROUPS.iter().flat_map(|(_, names)| *names).copied().filter(|name| *name != "help").collect();
        let mut all: Vec<String> = Cli::command().get_subcommands().map(|it| it.get_name().to_owned()).collect();
        all.retain(|name| name != "help");
        listed.sort_unstable();
        all.sort_unstable();
        assert_eq!(listed, all);
    }
}
