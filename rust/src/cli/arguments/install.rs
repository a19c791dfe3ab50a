//! Arguments of the commands that players and server operators use.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::formats::release::{ModeName, Platform};
use crate::version::Version;
use clap::{Args, Subcommand};

use super::{Network, values};
use crate::cli::words::shell_word;

/// Where versions come from, and whose signatures are trusted
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Repository")]
pub(crate) struct Source {
    /// URL or folder of the repository. Repeat for mirrors [default: where the install came from]
    #[arg(long, value_name = "URL")]
    pub(crate) repository: Vec<OsString>,
    /// The publisher's root.json, which names the trusted keys. Required for the first install only
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_root: Option<PathBuf>,
    /// Install for this platform [default: this one]
    #[arg(long, value_name = "PLATFORM", value_parser = values::platform)]
    pub(crate) platform: Option<Platform>,
    /// Accept that this machine's clock was set back (once)
    #[arg(long)]
    pub(crate) reset_clock_guard: bool,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
    #[command(flatten)]
    pub(crate) network: Network,
}

const INSTALL_EXAMPLES: &str = "\
Examples:
  vsekai install GAME --repository https://example.org --trust-root root.json
  vsekai install GAME --repository https://example.org --trust-root root.json \\
    --mode beta

Afterwards, GAME remembers its repository: `vsekai update GAME`, `vsekai launch GAME`. Ctrl-C interrupts; run the same \
command again to resume.";

/// Install a game. If it is installed already, this is `update`
#[derive(Debug, Args)]
#[command(after_help = INSTALL_EXAMPLES)]
pub(crate) struct Install {
    /// The install root: a new or empty folder
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) how: How,
}

const UPDATE_EXAMPLES: &str = "\
Examples:
  # Update it, or resume an update
  vsekai update GAME
  # Only show what would be done
  vsekai update GAME --dry-run
  # Install this version, even if it is older
  vsekai update GAME --version 1.2.0

The old version is kept until the next update, or until `vsekai clean`. Ctrl-C interrupts; run the same command again to resume.";

/// Update a game to the version its mode offers, or install it; also `vsekai --update DIR`
///
/// Installs, updates or resumes, as needed. The installed version stays untouched until the new one is complete; one
/// atomic write then makes the new version current.
#[derive(Debug, Args)]
#[command(after_help = UPDATE_EXAMPLES)]
pub(crate) struct Update {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: How,
}

/// How a version is installed
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct How {
    /// Follow this mode [default: the current mode, or stable]
    #[arg(long, aliases = ["mode_name", "mode-name"], value_name = "NAME", value_parser = values::mode)]
    pub(crate) mode: Option<ModeName>,
    /// Install this version, even if it is older
    #[arg(long, value_name = "VERSION", value_parser = values::version)]
    pub(crate) version: Option<Version>,
    /// Do not wait for a gradual rollout to reach this install
    #[arg(long)]
    pub(crate) now: bool,
    /// Take over a folder that already has files: they stay, and matching content is not downloaded
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Show what would be done, without changing anything
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Discard the work of an interrupted run and start over
    #[arg(long)]
    pub(crate) discard: bool,
    /// Read chunks from this cache, and add downloaded chunks to it
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Ignore the chunk cache that casync tools share
    #[arg(long)]
    pub(crate) no_shared_cache: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

const CHECK_EXAMPLES: &str = "\
Example:
  vsekai check --exit-code GAME || [ $? -ne 10 ] || vsekai update GAME

With --json, the download size is an upper bound; `vsekai update --dry-run` computes it.";

/// Check for an update, without changing anything
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct Check {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Exit with code 10 if an update is available
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Check this mode instead of the current one
    #[arg(long, aliases = ["mode_name", "mode-name"], value_name = "NAME", value_parser = values::mode)]
    pub(crate) mode: Option<ModeName>,
    /// Do not wait for a gradual rollout to reach this install
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Show what is installed, without network access
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
}

/// List the versions of a repository, newest first
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vsekai versions --mode beta GAME\n\nThe version that is installed is marked with *. The download is what a first install of that version takes; an update takes less. The newest 20 have a date and a size."
)]
pub(crate) struct Versions {
    /// An install root, whose repository is queried [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Only the versions of this mode [default: the mode that the install follows, or all]
    #[arg(long, aliases = ["mode_name", "mode-name"], value_name = "NAME", value_parser = values::mode)]
    pub(crate) mode: Option<ModeName>,
    /// The versions of all modes
    #[arg(long, conflicts_with = "mode")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Show which versions were installed here, and when
#[derive(Debug, Args)]
pub(crate) struct History {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
}

/// Check every file of the installed versions; exits with code 3 if any are damaged
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai verify --repair GAME")]
pub(crate) struct Verify {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Repair damaged files: copies sound data from the other version, and downloads only the rest
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Go back to the previous version, repairing it if needed; the version left is not offered again automatically
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
}

/// Remove the version that `rollback` returns to, and free its space
#[derive(Debug, Args)]
pub(crate) struct Clean {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
}

const LAUNCH_EXAMPLES: &str = "\
Example:
  vsekai launch GAME -- --use_vr

A new version is on trial until the game creates the file named by VSEKAI_READY_FILE, runs for the grace time, or exits \
with code 0. After two failed starts, the previous version is restored. A start that a signal ends, such as Ctrl-C, does \
not count.

The exit code is the game's, or 128 and the number of the signal: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.";

/// Start the current version; roll back if a new version fails to start
#[derive(Debug, Args)]
#[command(after_help = LAUNCH_EXAMPLES)]
pub(crate) struct Launch {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
    /// How long a game must run to count as started, if it does not signal readiness
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) grace: Option<Duration>,
    /// Arguments passed to the game
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
}

const OPEN_EXAMPLES: &str = "\
Example:
  vsekai open GAME -- uro://example.org/world

Desktops run this for links, see `vsekai integrate`. The game gets the address as its last argument, after `--`. \
Anything that is not a single uro: address of at most 2048 characters is refused.";

/// Start the current version and let it open a uro:// link
///
/// Like `launch`, for an address from outside. Without an address it does what the menu entry does: it opens the launcher
/// that has made the entry, or else looks for an update for at most 3 seconds and starts the game.
#[derive(Debug, Args)]
#[command(after_help = OPEN_EXAMPLES)]
pub(crate) struct Open {
    /// The install root
    pub(crate) dir: PathBuf,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
    /// The address of the link
    pub(crate) address: Option<OsString>,
}

/// Remove an install; files that were not installed are kept
#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// The install root
    pub(crate) dir: PathBuf,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
    /// Do not ask. Required where there is no terminal to ask on, and with `--json` or `--quiet`
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Move an install to another folder, also on another disk; run it again to continue a move that was stopped
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The install root
    pub(crate) dir: PathBuf,
    /// The new folder: it must be empty, or not exist yet
    pub(crate) to: PathBuf,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
}

const SELF_UPDATE_EXAMPLES: &str = "\
Examples:
  # The first time:
  vsekai self-update --repository https://example.org --trust-root root.json
  # Later:
  vsekai self-update

Downloads into an install root of its own, and remembers the repository there. The running program is replaced in one \
step, after the new one has shown that it starts. A program that a package manager has installed is left to it.";

/// Update this command itself
#[derive(Debug, Args)]
#[command(after_help = SELF_UPDATE_EXAMPLES)]
pub(crate) struct SelfUpdate {
    /// The mode in which the command is published [default: the one followed, or command]
    #[arg(long, aliases = ["mode_name", "mode-name"], value_name = "NAME", value_parser = values::mode)]
    pub(crate) mode: Option<ModeName>,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Mode {
    List(ModeList),
    Current(ModeCurrent),
    Switch(ModeSwitch),
}

/// List the modes of a repository
#[derive(Debug, Args)]
pub(crate) struct ModeList {
    /// An install root, whose repository is queried [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Show the mode that an install follows, or the default for new installs
#[derive(Debug, Args)]
pub(crate) struct ModeCurrent {
    /// The install root [default: the install that holds the working folder; elsewhere, the setting for new installs]
    pub(crate) dir: Option<PathBuf>,
}

/// Follow another mode from the next update on
///
/// Without DIR, and outside an install, this sets the mode of new installs.
#[derive(Debug, Args)]
#[command(
    override_usage = "vsekai mode switch [OPTIONS] <NAME> [DIR]\n       vsekai mode switch [OPTIONS] --mode <NAME> [DIR]",
    after_help = "Example:\n  vsekai mode switch beta GAME && vsekai update GAME"
)]
pub(crate) struct ModeSwitch {
    /// The mode to follow
    #[arg(long, aliases = ["mode_name", "mode-name"], value_name = "NAME", required_unless_present = "name", value_parser = values::mode)]
    mode: Option<ModeName>,
    /// The mode to follow, unless it is given as an option
    name: Option<OsString>,
    /// The install root [default: the install that holds the working folder; elsewhere, the setting for new installs]
    dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: Source,
}

impl ModeSwitch {
    /// The mode, and the install root. If the mode is an option, the first word is the install root.
    pub(crate) fn wanted(&self) -> Result<(ModeName, Option<PathBuf>)> {
        match (&self.mode, &self.name, &self.dir) {
            (Some(mode), dir, None) => Ok((mode.clone(), dir.as_ref().map(PathBuf::from))),
            (Some(_), _, Some(_)) => Err(Error::invalid("NAME", "give the mode once, as a word or with --mode")),
            (None, Some(name), dir) => {
                let name = name.to_string_lossy();
                Ok((ModeName::new(&name).map_err(|error| swapped(error, &name, dir.as_deref()))?, dir.clone()))
            }
            (None, None, _) => Err(Error::invalid("NAME", "give the mode to follow")),
        }
    }
}

/// The error for a mode that is none, where the folder could be one.
fn swapped(error: Error, name: &str, dir: Option<&Path>) -> Error {
    let mode = dir.and_then(Path::to_str).filter(|mode| ModeName::new(mode).is_ok());
    let Some(mode) = mode else { return error };
    let name = shell_word(OsStr::new(name));
    Error::invalid("mode", format!("the mode comes first: did you mean `vsekai mode switch {mode} {name}`?"))
}

/// Register an install with this user's desktop: menu entry, icon and uro:// links. Reversible
#[derive(Debug, Args)]
pub(crate) struct Integrate {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
    /// Handle uro:// links even if another program does so now
    #[arg(long)]
    pub(crate) take_links: bool,
    /// Handle no uro:// links: for a program that cannot open them, such as a launcher
    #[arg(long, conflicts_with = "take_links")]
    pub(crate) no_links: bool,
    /// The name shown to the user [default: V-Sekai]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Undo `integrate`
#[derive(Debug, Args)]
pub(crate) struct Unintegrate {
    /// The install root [default: the install that holds the working folder]
    pub(crate) dir: Option<PathBuf>,
    /// Accept an install owned by this user id. Its owner decides which program is started
    #[arg(long, value_name = "UID")]
    pub(crate) trust_owner: Option<u32>,
}
