//! `vsekai completions`

use std::io::Write as _;

use crate::error::Result;

use crate::cli::arguments::Cli;
use crate::cli::arguments::settings::Completions;
use crate::cli::output::DONE;

#[expect(clippy::unnecessary_wraps, reason = "as the other commands")]
pub(crate) fn run(args: &Completions) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::grouped(), "vsekai", &mut script);
    // A reader that closed the pipe is not an error.
    let _ = std::io::stdout().lock().write_all(&script);
    Ok(DONE)
}
