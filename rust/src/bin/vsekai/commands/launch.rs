//! `vsekai launch`

use std::process::ExitCode;

use vsekai_updater::error::Result;
use vsekai_updater::event::Monitor;
use vsekai_updater::install::InstallRoot;
use vsekai_updater::launch::{LaunchOptions, launch};

use crate::cli::install::Launch;
use crate::output::Output;
use crate::settings;

/// Exit code for a game that a signal ended.
const KILLED: u8 = 1;

pub(crate) fn run(args: Launch, output: Output, monitor: &Monitor) -> Result<ExitCode> {
    let options = LaunchOptions {
        arguments: args.arguments,
        grace: settings::grace(args.grace)?,
        protected: settings::protected(),
    };
    let launched = launch(&InstallRoot::at(&args.dir)?, &options, monitor)?;
    // What the game printed is what the caller wants to see; ours is said in JSON, or when there is news.
    if let Some(left) = &launched.rolled_back_from {
        output.note(&format!("{left} did not start twice: {} was started instead.", launched.version));
    }
    output.done_quietly("launch", &launched);
    let code = launched.exit_code.and_then(|code| u8::try_from(code & 0xff).ok());
    Ok(ExitCode::from(code.unwrap_or(KILLED)))
}
