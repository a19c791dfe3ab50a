//! The help of each command: its own options, and those that say which server it is about only where they matter.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _};

use crate::Cli;

/// The commands, for who starts a server, lets others publish, and keeps it running.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Start", &["serve", "example-config", "check-config", "token"]),
    ("Look after it", &["backup", "restore", "raise", "verify", "gc", "bundle"]),
    ("Move data", &["import", "export", "copy", "move", "migrate"]),
    ("This command", &["completions", "manual", "openapi", "help"]),
];

/// Commands that ask no server.
const ALONE: [&str; 5] = ["openapi", "example-config", "copy", "completions", "manual"];

/// Examples of commands, by the words of each.
const EXAMPLES: [(&str, &str); 17] = [
    (
        "serve",
        "  vsekai-server serve                                  on this machine, with SQLite in ./data
  vsekai-server serve --config config.toml             with settings of `vsekai-server example-config`
  vsekai-server serve --set log=debug --set region=eu  any setting, on the command line

Ctrl-C or SIGTERM stops it, after the requests under way; a second one at once.",
    ),
    (
        "check-config",
        "  vsekai-server check-config --config config.toml | grep -v '# default'    only what differs
  vsekai-server check-config --json | jq -e .is_usable                     in a script",
    ),
    (
        "completions",
        "  bash:  vsekai-server completions bash > ~/.local/share/bash-completion/completions/vsekai-server
  zsh:   vsekai-server completions zsh > ~/.zfunc/_vsekai-server    with `fpath+=~/.zfunc` in ~/.zshrc
  fish:  vsekai-server completions fish > ~/.config/fish/completions/vsekai-server.fish

The packages of a release bring them.",
    ),
    ("manual", "  vsekai-server manual ~/.local/share/man/man1    then `man vsekai-server-serve`"),
    ("example-config", "  vsekai-server example-config > config.toml"),
    (
        "token create",
        "  vsekai-server token create --name ci --scope publish:nightly --days 90
  (umask 077 && vsekai-server token create --name ops --scope admin --days 30 > ops.token)",
    ),
    ("token revoke", "  vsekai-server token revoke ci"),
    ("gc", "  vsekai-server gc --dry-run    how much would go\n  vsekai-server gc              one round at once"),
    (
        "verify",
        "  vsekai-server verify                            whether everything is there; exit code 3 if not
  vsekai-server verify --deep --repair /srv/mirror/store",
    ),
    (
        "restore",
        "  vsekai-server restore /backup/vsekai-2026-01-31.db

The database that is there stays beside it, under another name, and what the server signs is raised above what it
has signed. PostgreSQL: `pg_restore`, then `vsekai-server raise`.",
    ),
    (
        "raise",
        "  vsekai-server raise --seen 412    the version that the error of players names\n\nPlayers who have seen later versions refuse older ones. This raises what the server signs above them.",
    ),
    (
        "backup",
        "  vsekai-server backup /backup/vsekai-$(date +%F).db\n\nCopy the folder of the keys too, and the chunks if they are elsewhere.",
    ),
    (
        "copy",
        "  vsekai-server copy --from sqlite:data/vsekai.db --to postgres://USER:PASSWORD@HOST/NAME\n\nServers with the other database go on where these ended. The keys stay where they are, and chunks that are\nelsewhere, too.",
    ),
    (
        "move",
        "  vsekai-server move --to file:///srv/chunks             then start the servers with that place
  vsekai-server move --to file:///srv/chunks --finish    then free the room in the database

It can be stopped and run again. Start every server with the new place before anybody publishes.",
    ),
    (
        "export",
        "  vsekai-server export /srv/www/v-sekai            at least every 3 days: its timestamp expires
  vsekai-server export /srv/www/v-sekai --prune    and remove what is no longer needed",
    ),
    (
        "import",
        "  vsekai-server import /srv/old/store\n  vsekai-server import https://example.org/store --index game.caidx",
    ),
    ("bundle build", "  vsekai-server bundle build --effort best --now    at night, by cron"),
];

const POINTER: &str = "\
Which server: SQLite in ./data, or --data DIR, --config FILE, --database URL, --chunks URL and
--set NAME=VALUE, as for `serve`. `vsekai-server check-config` shows what is in force.";

/// Reads the command line.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let is_full = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--help");
    let mut grammar = grammar(is_full);
    let matches = grammar.try_get_matches_from_mut(arguments);
    let matches = matches.map_err(|error| crate::tips::improve(&grammar, arguments, error))?;
    Cli::from_arg_matches(&matches)
}

/// The whole command line, for man pages and completions of shells.
pub(crate) fn whole() -> Command {
    grammar(true)
}

fn grammar(is_full: bool) -> Command {
    let command = Cli::command();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}{{all-args}}{{after-help}}",
        listed(&command)
    );
    // clap's own list would repeat the commands without groups.
    let template = template.replace("{all-args}", "\u{1b}[1m\u{1b}[4mOptions:\u{1b}[0m\n{options}");
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command =
        names.iter().fold(command, |it, name| it.mut_subcommand(name, |below| laid_out(below, name, is_full)));
    flagged(command.help_template(template), is_full)
}

/// A command without options of its own takes the settings, which its usage would leave out.
fn with_options(command: Command, path: &str) -> Command {
    if command.get_opts().next().is_some() {
        return command;
    }
    let words = command.get_positionals().map(ToString::to_string);
    let usage = ["vsekai-server", path, "[OPTIONS]"].into_iter().map(str::to_owned).chain(words);
    let usage = usage.collect::<Vec<_>>().join(" ");
    command.override_usage(usage)
}

/// `serve` and `check-config` show the settings; other commands name them in one paragraph, unless all is asked for.
fn laid_out(command: Command, path: &str, is_full: bool) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command = names
        .iter()
        .fold(command, |it, name| it.mut_subcommand(name, |below| laid_out(below, &format!("{path} {name}"), is_full)));
    let is_alone = ALONE.contains(&command.get_name());
    let command = if is_alone || !names.is_empty() { command } else { with_options(command, path) };
    let command = flagged(command, is_full);
    let examples = EXAMPLES.iter().find(|(of, _)| *of == path).map(|(_, lines)| format!("Examples:\n{lines}"));
    let command = match &examples {
        Some(examples) => command.after_help(examples.clone()),
        None => command,
    };
    if matches!(command.get_name(), "serve" | "check-config") || (is_full && !is_alone) {
        return command;
    }
    // Before clap copies the settings into each command: what is there already is left alone.
    let settings = Cli::command();
    let hidden = settings.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.clone().hide(true));
    let command = command.args(hidden.collect::<Vec<_>>());
    match (is_alone, examples) {
        (true, _) => command,
        (false, Some(examples)) => command.after_help(format!("{examples}\n\n{POINTER}")),
        (false, None) => command.after_help(POINTER),
    }
}

fn flagged(command: Command, is_full: bool) -> Command {
    let about = if is_full { "Print help (a summary with -h)" } else { "Print help (all of it with --help)" };
    let flag = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help(about);
    command.disable_help_flag(true).arg(flag.help_heading(None::<&str>).display_order(1000))
}

fn listed(command: &Command) -> String {
    let about = |name: &str| match name {
        "help" => "Print this message, or the help of a command".to_owned(),
        _ => command.find_subcommand(name).and_then(Command::get_about).map(ToString::to_string).unwrap_or_default(),
    };
    let group = |(heading, names): &(&str, &[&str])| {
        let line = |name: &&str| format!("  \u{1b}[1m{name}\u{1b}[0m{:1$}  {2}\n", "", 14 - name.len(), about(name));
        format!("\u{1b}[1m\u{1b}[4m{heading}:\u{1b}[0m\n{}\n", names.iter().map(line).collect::<String>())
    };
    GROUPS.iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SETTINGS;

    fn help(words: &str) -> String {
        let words = format!("vsekai-server {words}");
        parse(&words.split(' ').map(OsString::from).collect::<Vec<_>>()).unwrap_err().to_string()
    }

    #[test]
    fn both_grammars_are_sound() {
        for is_full in [false, true] {
            grammar(is_full).debug_assert();
        }
    }

    #[test]
    fn every_command_is_in_one_group() {
        let mut listed: Vec<&str> =
            GROUPS.iter().flat_map(|(_, names)| *names).copied().filter(|it| *it != "help").collect();
        let command = Cli::command();
        let mut all: Vec<&str> = command.get_subcommands().map(Command::get_name).filter(|it| *it != "help").collect();
        listed.sort_unstable();
        all.sort_unstable();
        assert_eq!(listed, all);
    }

    #[test]
    fn commands_show_their_own_options() {
        for words in
            ["token create -h", "gc -h", "verify -h", "bundle build -h", "backup -h", "copy -h", "openapi --help"]
        {
            let said = help(words);
            assert!(!said.contains("\n      --database") && !said.contains("--set <"), "{words}: {said}");
        }
        assert!(help("token create -h").contains("Which server: SQLite in ./data, or --data DIR"));
        for (of, lines) in EXAMPLES {
            assert!(help(&format!("{of} -h")).contains(lines.lines().next().unwrap()), "{of}");
            assert!(lines.contains(&format!("vsekai-server {of}")), "{of}");
        }
        for (words, usage) in [
            ("check-config -h", "check-config [OPTIONS]\n"),
            ("migrate -h", "migrate [OPTIONS]\n"),
            ("backup -h", "backup [OPTIONS] <FILE>\n"),
            ("bundle remove -h", "bundle remove [OPTIONS] <ID>\n"),
            ("openapi -h", "openapi\n"),
        ] {
            assert!(help(words).contains(&format!("Usage: vsekai-server {usage}")), "{}", help(words));
        }
        for words in ["serve -h", "check-config -h", "token create --help"] {
            let said = help(words);
            let (own, which) = said.split_once(&format!("{SETTINGS}:")).unwrap();
            assert!(which.contains("--database") && !own.contains("--database"), "{said}");
        }
    }

    #[test]
    fn settings_are_taken_before_and_after_the_command() {
        for words in ["--data D gc --dry-run", "gc --data D", "token --data D list", "token list --data D"] {
            let words = format!("vsekai-server {words}");
            let cli = parse(&words.split(' ').map(OsString::from).collect::<Vec<_>>()).unwrap();
            assert_eq!(cli.settings.data.as_deref(), Some("D"), "{words}");
        }
    }
}
