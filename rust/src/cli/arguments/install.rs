//! What players and server operators say.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::formats::release::{ModeName, Platform};
use crate::version::Version;
use clap::{Args, Subcommand};

use super::Network;
use crate::cli::size::parse_duration;

/// Where versions come from, and whom to believe
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Repository")]
pub(crate) struct Source {
    /// The repository: a URL or a folder. Repeat it for mirrors [default: where the install came from]
    #[arg(long, value_name = "URL")]
    pub(crate) repository: Vec<String>,
    /// The publisher's root.json: whose signatures count. Needed once, by the first install
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_root: Option<PathBuf>,
    /// Install for this platform [default: this one]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Accept once that this machine's clock went back
    #[arg(long)]
    pub(crate) reset_clock_guard: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

const UPDATE_EXAMPLES: &str = "\
Examples:
  Install:     vsekai update GAME --repository https://example.org --trust-root root.json
  Update:      vsekai update GAME
  Only look:   vsekai update --dry-run GAME
  One version: vsekai update --version 1.2.0 GAME

The old version stays until the new one has started. Ctrl-C stops it; running it again goes on where it was.";

/// Bring an install to the version that its mode offers; also `vsekai --update DIR`
///
/// Installs, updates or resumes, whichever is needed. The installed version is not touched until the new one is
/// complete; then one atomic write makes that the current one.
#[derive(Debug, Args)]
#[command(after_help = UPDATE_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Update {
    /// The install root: a new or empty folder, or one that was installed before
    pub(crate) dir: PathBuf,
    /// Follow this mode [default: the one that is followed, else stable]
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: Option<ModeName>,
    /// Take this version, even an older one
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<Version>,
    /// Do not wait for a version that is offered to some at first
    #[arg(long)]
    pub(crate) now: bool,
    /// Take a folder that has files already: they stay, and their bytes need not be fetched
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Drop what an interrupted run has left, and start anew
    #[arg(long)]
    pub(crate) discard: bool,
    /// Read this chunk cache, and keep in it what is fetched
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Do not read chunks from the cache that casync tools share
    #[arg(long)]
    pub(crate) no_shared_cache: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Ask whether there is an update, and change nothing
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai check --exit-code GAME || [ $? -ne 10 ] || vsekai update GAME")]
pub(crate) struct Check {
    /// The install root
    pub(crate) dir: PathBuf,
    /// End with exit code 10 if there is one
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// As if this mode were followed
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: Option<ModeName>,
    /// Do not wait for a version that is offered to some at first
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Show what is installed, without asking anybody
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The install root
    pub(crate) dir: PathBuf,
}

/// Read all files of the current version and of the one before, and compare them with what was published; exit code 3 for damage
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai verify --repair GAME")]
pub(crate) struct Verify {
    /// The install root
    pub(crate) dir: PathBuf,
    /// Make them whole again: takes from one what the other lacks, and fetches only what neither has
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Go back to the version before, mended if it was damaged; the one that is left is not offered again automatically
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The install root
    pub(crate) dir: PathBuf,
}

const LAUNCH_EXAMPLES: &str = "\
Example:
  vsekai launch GAME -- --use_vr

A new version is on trial until the game makes the file that VSEKAI_READY_FILE names, lives for the grace time, or ends
with exit code 0. After two starts that show nothing, the version before comes back.
The exit code is that of the game.";

/// Start the current version, and go back to the one before if a new one does not start
#[derive(Debug, Args)]
#[command(after_help = LAUNCH_EXAMPLES)]
pub(crate) struct Launch {
    /// The install root
    pub(crate) dir: PathBuf,
    /// How long a game that says nothing must live to count as started
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) grace: Option<Duration>,
    /// Arguments for the game
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
}

/// Remove an install, and nothing that was not installed
#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// The install root
    pub(crate) dir: PathBuf,
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
    /// An install root: its repository is asked
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Show the mode that an install follows, or the one of new installs
#[derive(Debug, Args)]
pub(crate) struct ModeCurrent {
    /// The install root
    pub(crate) dir: Option<PathBuf>,
}

/// Follow another mode; the next update brings its version. Without DIR: the mode of new installs
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai mode switch --mode_name beta GAME && vsekai --update GAME")]
pub(crate) struct ModeSwitch {
    /// The mode
    #[arg(long = "mode_name", alias = "mode-name", value_name = "NAME", required = true)]
    pub(crate) mode_name: ModeName,
    /// The install root
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Register an install with the desktop: menu entry, icon, uro:// links. For this user only, and reversible
#[derive(Debug, Args)]
pub(crate) struct Integrate {
    /// The install root
    pub(crate) dir: PathBuf,
    /// Take uro:// links even if another program has them
    #[arg(long)]
    pub(crate) take_links: bool,
}

/// Take back what `integrate` did
#[derive(Debug, Args)]
pub(crate) struct Unintegrate {
    /// The install root
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show each setting, its value, and whether it comes from the environment, the file or the defaults
    Show,
}
