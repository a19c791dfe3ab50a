//! `vsekai launch`

use crate::app::host;
use crate::app::updater::signed_digests;
use crate::error::Result;
use crate::event::{Cancel, Monitor};
use crate::install::InstallRoot;
use crate::install::launch::{LaunchOptions, launch};

use crate::cli::arguments::install::Launch;
use crate::cli::output::Output;
use crate::cli::settings;

/// Exit code if a signal killed the game.
const KILLED: u8 = 1;

pub(crate) fn run(args: Launch, output: Output, monitor: &Monitor) -> Result<u8> {
    let root = InstallRoot::at(&args.dir)?;
    let options = LaunchOptions {
        arguments: args.arguments,
        grace: settings::grace(args.grace)?,
        protected: host::protected(),
        leave: Cancel::default(),
        signed: signed_digests(&root),
        trusted_owner: args.trust_owner,
    };
    let launched = launch(&root, &options, monitor)?;
    // The output is the game's. We add text only after a rollback, or with `--json`.
    if let Some(left) = &launched.rolled_back_from {
        output.note(&format!("{left} failed to start twice, so {} was started instead.", launched.version));
    }
    output.done_quietly("launch", &launched);
    let code = launched.exit_code.and_then(|code| u8::try_from(code & 0xff).ok());
    Ok(code.unwrap_or(KILLED))
}
