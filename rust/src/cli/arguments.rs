//! The arguments of the command line, and their help texts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Args, Command as Grammar, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::caller::refuse_relative;
use crate::cli::words::Words;
use crate::net::http::Url;

mod examples;
mod groups;
mod help;
pub(crate) mod install;
pub(crate) mod news;
pub(crate) mod offline;
pub(crate) mod publish;
pub(crate) mod settings;
pub(crate) mod store;
mod tips;
mod values;

// Given to each argument: a heading of a group would go on after it.
const NETWORK: &str = "Network";
const OUTPUT: &str = "Output and threads";

const EXAMPLES: &str = "\
`vsekai COMMAND -h` shows the options of a command.

Examples:
  # Install a game
  vsekai install GAME --repository https://example.org --trust-root root.json
  # Update to the version its mode offers
  vsekai update GAME
  # Start it, and go back if a new version does not start
  vsekai launch GAME
  # Follow another mode
  vsekai mode switch beta GAME
  # Publish a build
  vsekai publish BUILD --mode beta --version 1.2.0 --entry game \\
    --repository REPO --keys KEYS

In the folder of an install, GAME can be left out.

Settings can also come from a configuration file or VSEKAI_* variables: `vsekai config show`.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 damage found, 75 busy, 130 interrupted, 10 update available (check \
--exit-code)";

/// Safely install and update games from signed repositories of casync/desync chunks
#[derive(Debug, Parser)]
#[command(name = "vsekai", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Short for `vsekai update DIR`; takes the same options
    #[arg(long, hide_short_help = true, value_name = "DIR")]
    update: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What the command line names, for hints.
    #[arg(skip)]
    pub(crate) words: Words,
}

impl Cli {
    /// Parses the arguments, which exclude the program's name. The error is a request for help or a usage error.
    #[cfg(test)]
    pub(crate) fn parse_arguments(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        Self::parse_all(arguments, &[], |_, _| Ok(()))
    }

    /// Parses the arguments, which exclude the program's name; nobody has typed `added`. The error is a request for help or a
    /// usage error.
    pub(crate) fn parse_completed(arguments: Vec<OsString>, added: &[OsString]) -> Result<Self, clap::Error> {
        Self::parse_all(arguments, added, |_, _| Ok(()))
    }

    /// As [`Self::parse_completed`], where the folder is unknown from which relative paths start: refuses them.
    pub(crate) fn parse_elsewhere(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        Self::parse_all(arguments, &[], refuse_relative)
    }

    fn parse_all(
        mut arguments: Vec<OsString>,
        added: &[OsString],
        check: fn(&Grammar, &ArgMatches) -> Result<(), clap::Error>,
    ) -> Result<Self, clap::Error> {
        arguments.insert(0, OsString::from("vsekai"));
        let arguments = help::as_option(with_update_as_command(arguments), &Self::command());
        let parsed = Self::parse(&arguments, check).map(|cli| Self { words: cli.words.completed(added), ..cli });
        parsed.map_err(|error| {
            if error.kind() == ErrorKind::InvalidUtf8 {
                return name_what_is_not_utf8(&arguments, error);
            }
            let typed: Vec<OsString> = arguments.iter().filter(|word| !added.contains(word)).cloned().collect();
            tell_of_game_arguments(&arguments, tips::improve(&typed, error))
        })
    }
}

/// The parser does not say which argument must be UTF-8 and is not: those without which it does not complain.
fn name_what_is_not_utf8(arguments: &[OsString], error: clap::Error) -> clap::Error {
    let is_other = |at: usize| arguments[at].to_str().is_none();
    let is_culprit = |culprit: &usize| {
        let plain = |(at, word): (usize, &OsString)| {
            if at == *culprit { word.clone() } else { OsString::from(word.to_string_lossy().into_owned()) }
        };
        let tried = Cli::try_parse_from(arguments.iter().enumerate().map(plain));
        tried.is_err_and(|error| error.kind() == ErrorKind::InvalidUtf8)
    };
    let Some(at) = (1..arguments.len()).filter(|at| is_other(*at)).find(is_culprit) else { return error };
    let word = arguments[at].to_string_lossy();
    let option = arguments[..at].last().map(|before| before.to_string_lossy());
    let option = option.filter(|before| before.starts_with('-') && !word.starts_with('-'));
    let what = option.map_or_else(|| format!("{word:?}"), |option| format!("the value {word:?} of {option}"));
    Cli::command().error(ErrorKind::InvalidUtf8, format!("{what} is not UTF-8"))
}

/// Arguments of the game must not be taken for ours: `launch` wants them after `--`.
fn tell_of_game_arguments(arguments: &[OsString], mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let is_launch = arguments.iter().skip(1).find(|word| !word.to_string_lossy().starts_with('-'));
    if is_launch.is_some_and(|word| word == "launch")
        && let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg).cloned()
    {
        let tip = format!("arguments for the game go after `--`, as in `vsekai launch GAME -- {given}`");
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// V-Sekai's proposal uses `--update DIR`. This turns it into the `update` command by moving it to the front.
fn with_update_as_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_command = |argument: &OsString| Cli::names().iter().any(|name| argument == name.as_str());
    let end = arguments.iter().position(|argument| argument == "--" || is_command(argument));
    let end = end.unwrap_or(arguments.len());
    for at in 1..end {
        let Some(text) = arguments[at].to_str() else { continue };
        let moved = match text.strip_prefix("--update=") {
            Some(value) => vec![OsString::from("update"), OsString::from(value)],
            None if text == "--update" && at + 1 < arguments.len() => {
                vec![OsString::from("update"), arguments.remove(at + 1)]
            }
            None => continue,
        };
        arguments.remove(at);
        arguments.splice(1..1, moved);
        break;
    }
    arguments
}

impl Cli {
    /// The whole command line, with the commands of its help in groups.
    pub(crate) fn grouped() -> clap::Command {
        groups::group(examples::add(Self::command()))
    }

    /// The same, laid out for `-h` or `--help`.
    fn laid_out(arguments: &[OsString]) -> clap::Command {
        help::laid_out(Self::grouped(), help::wants_all(arguments))
    }

    fn parse(
        arguments: &[OsString],
        check: fn(&Grammar, &ArgMatches) -> Result<(), clap::Error>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::laid_out(arguments);
        let matches = command.try_get_matches_from_mut(arguments)?;
        check(&command, &matches)?;
        let cli = Self::from_arg_matches(&matches)?;
        Ok(Self { words: Words::of(&matches), ..cli })
    }

    fn names() -> Vec<String> {
        Self::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }
}

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Global {
    /// Print newline-delimited JSON to stdout
    #[arg(long, help_heading = OUTPUT, global = true)]
    pub(crate) json: bool,
    /// Print errors only
    #[arg(short, long, help_heading = OUTPUT, global = true)]
    pub(crate) quiet: bool,
    /// Also say what is done, how long it takes, and what was read, kept and requested
    #[arg(short, long, help_heading = OUTPUT, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Hide the progress bar, even on a terminal
    #[arg(long, help_heading = OUTPUT, global = true)]
    pub(crate) no_progress: bool,
    /// Threads for hashing, compression and file access [default: all cores]
    #[arg(long, help_heading = OUTPUT, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Install(Box<install::Install>),
    Update(Box<install::Update>),
    Check(install::Check),
    Status(install::Status),
    Versions(install::Versions),
    History(install::History),
    Verify(install::Verify),
    Rollback(install::Rollback),
    Clean(install::Clean),
    Launch(install::Launch),
    Open(install::Open),
    Uninstall(install::Uninstall),
    Move(install::Move),
    SelfUpdate(install::SelfUpdate),
    /// List, show or switch modes (streams of versions such as stable or beta)
    #[command(subcommand, arg_required_else_help = true)]
    Mode(install::Mode),
    Integrate(install::Integrate),
    Unintegrate(install::Unintegrate),
    /// Show and change the settings of this user
    #[command(subcommand, arg_required_else_help = true)]
    Config(settings::Config),
    Completions(settings::Completions),
    Publish(Box<publish::Publish>),
    Sign(offline::Sign),
    /// Show and change what a repository offers: recall, skip, roll out, retire, renew
    #[command(subcommand, arg_required_else_help = true)]
    Repository(publish::Repository),
    /// Tell the players of a mode what is going on, with texts by language, a link and a picture
    #[command(subcommand, arg_required_else_help = true)]
    News(news::News),
    /// Create, change and show the keys that sign a repository
    #[command(subcommand, arg_required_else_help = true)]
    Keys(publish::Keys),
    /// Work with chunk stores and indexes: make, extract, verify, info, prune, chunk
    #[command(subcommand, arg_required_else_help = true)]
    Store(store::Store),
}

/// How to reach stores over the network
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Network {
    /// File whose first line is sent as the Authorization header [env: `VSEKAI_HTTP_AUTH`, the value itself]
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "FILE")]
    pub(crate) http_auth_file: Option<PathBuf>,
    /// File whose first line is sent as the Cookie header [env: `VSEKAI_HTTP_COOKIE`, the value itself]
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "FILE")]
    pub(crate) http_cookie_file: Option<PathBuf>,
    /// Also send these credentials to the server at this URL, if the catalog of a repository names it. May be repeated
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "URL", value_parser = values::web_url)]
    pub(crate) http_auth_origin: Vec<Url>,
    /// PEM file with the client certificate and its key
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,
    /// PEM file with the client key, if it is not in the certificate's file
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// PEM file of an additional certificate authority to trust. May be repeated
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "FILE")]
    pub(crate) ca_cert: Vec<PathBuf>,
    /// Proxy to use [default: from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`]
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Limit downloads to this many bytes per second, such as 5M or 500K
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "RATE", value_parser = values::rate)]
    pub(crate) limit_rate: Option<u64>,
    /// Maximum number of parallel requests; the actual number adapts to the link [default: 128]
    #[arg(long, help_heading = NETWORK, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) connections: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_sound() {
        Cli::grouped().debug_assert();
    }

    #[test]
    fn both_layouts_of_the_help_are_sound() {
        for words in ["vsekai -h", "vsekai --help"] {
            let words: Vec<_> = words.split(' ').map(OsString::from).collect();
            Cli::laid_out(&words).debug_assert();
        }
    }

    #[test]
    fn short_help_leaves_the_network_to_the_long_one() {
        let help = |words: &str| Cli::parse_arguments(words.split(' ').map(OsString::from).collect()).unwrap_err();
        for command in ["update", "check", "publish", "store extract"] {
            assert!(!help(&format!("{command} -h")).to_string().contains("--proxy"), "{command}");
            assert!(help(&format!("{command} --help")).to_string().contains("--proxy"), "{command}");
        }
    }

    #[test]
    fn mode_is_a_word_or_an_option() {
        let switch = |words: &str| {
            let cli = Cli::parse_arguments(words.split(' ').map(OsString::from).collect()).unwrap();
            let Command::Mode(install::Mode::Switch(args)) = cli.command else { panic!("{words}") };
            args.wanted().map(|(mode, dir)| (mode.to_string(), dir))
        };
        let wanted = |dir: Option<&str>| Some(("beta".to_owned(), dir.map(PathBuf::from)));
        for (words, dir) in [
            ("mode switch beta", None),
            ("mode switch --mode_name beta", None),
            ("mode switch beta GAME", Some("GAME")),
            ("mode switch --mode_name beta GAME", Some("GAME")),
            ("mode switch GAME --mode beta", Some("GAME")),
            ("mode switch GAME --mode-name beta", Some("GAME")),
        ] {
            assert_eq!(switch(words).ok(), wanted(dir), "{words}");
        }
        for words in ["mode switch", "mode switch Not/A/Mode", "mode switch a b --mode c", "mode switch a b c"] {
            let parsed = Cli::parse_arguments(words.split(' ').map(OsString::from).collect());
            let is_refused = match parsed.map(|cli| cli.command) {
                Ok(Command::Mode(install::Mode::Switch(args))) => args.wanted().is_err(),
                other => other.is_err(),
            };
            assert!(is_refused, "{words}");
        }
    }

    #[test]
    fn launch_says_where_arguments_of_the_game_go() {
        let said = |words: &str| {
            let refused = Cli::parse_arguments(words.split(' ').map(OsString::from).collect()).unwrap_err();
            refused.to_string()
        };
        for (words, tip) in [
            ("launch DIR hello", "vsekai launch GAME -- hello"),
            ("launch DIR --use_vr", "vsekai launch GAME -- --use_vr"),
            ("--quiet launch DIR hello", "vsekai launch GAME -- hello"),
        ] {
            assert!(said(words).contains(tip) && said(words).matches("tip:").count() == 1, "{}", said(words));
        }
        assert!(!said("status launch hello").contains("for the game"));
    }

    #[test]
    fn update_as_an_option_is_the_command() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (given, wanted) in [
            ("vsekai --update DIR", "vsekai update DIR"),
            ("vsekai --update=DIR --mode beta", "vsekai update DIR --mode beta"),
            ("vsekai --json --mode beta --update DIR", "vsekai update DIR --json --mode beta"),
            ("headless-vsekai-v0.1.0.exe --update DIR", "headless-vsekai-v0.1.0.exe update DIR"),
            ("vsekai launch DIR -- --update X", "vsekai launch DIR -- --update X"),
            ("vsekai --update", "vsekai --update"),
        ] {
            assert_eq!(with_update_as_command(words(given)), words(wanted));
        }
    }
}
