//! `vsekai launch`, `open`

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;

use crate::app::host;
use crate::app::updater::{Updater, signed_digests};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::integrate::Opens;
use crate::install::launch::{LaunchOptions, Launched, MAX_ATTEMPTS, end, launch};
use crate::install::link::LinkAddress;
use crate::install::{InstallRoot, InstallState, is_of_another_user};

use crate::cli::arguments::install::{Launch, Open};
use crate::cli::output::{DONE, Output};
use crate::cli::words::Words;
use crate::cli::{options, settings, signals, updater};

/// How long a menu entry looks for a newer version, and installs it, before the game starts.
const LOOK: Duration = Duration::from_secs(3);

/// Exit code if a signal killed the game.
const KILLED: u8 = 1;

/// The signals whose exit code is that of shells: SIGHUP, SIGINT, SIGQUIT, SIGTERM.
const POLITE: [i32; 4] = [1, 2, 3, 15];

/// The launcher that was opened instead of the game.
#[derive(Serialize)]
struct Opened<'a> {
    launcher: &'a Path,
}

pub(crate) fn run(args: Launch, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let how = how(args.arguments, None, args.grace, args.trust_owner);
    start("launch", &dir, how, output, monitor)
}

pub(crate) fn open(args: &Open, output: Output, monitor: &Monitor) -> Result<u8> {
    let root = InstallRoot::at(options::folder(&args.dir)?)?;
    let state = InstallState::load(&root).ok().flatten();
    let record = state.and_then(|state| state.integration);
    // Who may write the record decides what it opens.
    if args.address.is_none()
        && !is_of_another_user(&root, args.trust_owner)
        && let Some(record) = &record
        && let Some(code) = from_menu(args, &record.opens, output, monitor)
    {
        return Ok(code);
    }
    // The scheme that this install was registered for.
    let scheme = record.and_then(|record| record.scheme);
    let address = args.address.as_deref().map(|text| {
        let reason = || Error::invalid("address", "it is not UTF-8");
        LinkAddress::parse(text.to_str().ok_or_else(reason)?, scheme.as_deref().unwrap_or(host::SCHEME))
    });
    let how = how(Vec::new(), address.transpose()?, None, args.trust_owner);
    start("open", &args.dir, how, output, monitor)
}

/// What a menu entry does before it starts the game, or instead: `None` if the game is to be started. Nothing here keeps
/// a person from the game.
fn from_menu(args: &Open, opens: &Opens, output: Output, monitor: &Monitor) -> Option<u8> {
    match opens {
        Opens::Program(program) if program.is_file() && spawn(program) => {
            output.done_quietly("open", &Opened { launcher: program });
            return Some(DONE);
        }
        Opens::Install(root) if is_same(root, &args.dir) => return None,
        Opens::Install(root) => {
            let how = how(Vec::new(), None, None, args.trust_owner);
            if let Ok(code) = start("open", root, how, output, monitor) {
                return Some(code);
            }
        }
        _ => {}
    }
    let briefly = |updater: Updater| updater.update_briefly(LOOK, monitor);
    if let Ok(Some(version)) = updater::offline(&args.dir, args.trust_owner).and_then(briefly) {
        output.note(&format!("Updated to {version}."));
    }
    None
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Starts a launcher, which goes on without this program.
fn spawn(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}

fn how(
    arguments: Vec<OsString>,
    address: Option<LinkAddress>,
    grace: Option<Duration>,
    trusted_owner: Option<u32>,
) -> LaunchOptions {
    LaunchOptions {
        arguments,
        address,
        environment: host::game_environment(),
        grace: settings::grace(grace),
        protected: host::protected(),
        trusted_owner,
        reports: settings::usable().reports.value,
        ..LaunchOptions::default()
    }
}

fn start(command: &str, dir: &Path, how: LaunchOptions, output: Output, monitor: &Monitor) -> Result<u8> {
    let root = InstallRoot::at(options::folder(dir)?)?;
    let how = LaunchOptions { signed: signed_digests(&root, &std::env::temp_dir()), ..how };
    let launched = launch(&root, &how, monitor);
    if how.reports && !matches!(launched, Err(Error::Cancelled)) {
        report(dir, how.trusted_owner);
    }
    let launched = match launched {
        Err(Error::Cancelled) => {
            let code = output.fail(&Error::Cancelled, &Words::default());
            return Ok(signals::exit_code().unwrap_or(code));
        }
        other => other?,
    };
    // The output is the game's. We add text only if a version on trial has failed.
    if let Some(text) = failed_start(&root, &launched) {
        output.note(&text);
    }
    output.done_quietly(command, &launched);
    Ok(signals::exit_code().unwrap_or_else(|| exit_code(&launched)))
}

/// How long sending reports may take. Whoever waits for it has just ended a game.
const LONGEST_REPORT: Duration = Duration::from_secs(10);

/// What a failed start of a version on trial means for the next ones.
fn failed_start(root: &InstallRoot, launched: &Launched) -> Option<String> {
    let code = launched.exit_code.filter(|code| *code != 0 && !launched.is_acknowledged)?;
    let state = InstallState::load(root).ok()??;
    let (attempts, previous) = (state.trial?.attempts, state.previous?.version);
    let version = &launched.version;
    Some(match attempts {
        0 => return None,
        1..MAX_ATTEMPTS => format!(
            "{version} ended with code {code}: failed start {attempts} of {MAX_ATTEMPTS}. After the second, {previous} comes back."
        ),
        _ => format!("{version} ended with code {code} again: the next start goes back to {previous}."),
    })
}

/// Tells the publisher how a new version began. Whether that works is nobody's concern.
fn report(dir: &Path, trusted_owner: Option<u32>) {
    let tell = |updater: Updater| updater.send_reports(&updater.take_reports()?, LONGEST_REPORT);
    let _ = updater::offline(dir, trusted_owner).and_then(tell);
}

/// The exit code of the game, or the one that shells report for the signal that ended it.
fn exit_code(launched: &Launched) -> u8 {
    let code = match launched.signal {
        Some(signal) => POLITE.contains(&signal).then_some(end::SHELL_BASE + signal),
        None => launched.exit_code,
    };
    code.and_then(|code| u8::try_from(code & 0xff).ok()).unwrap_or(KILLED)
}
