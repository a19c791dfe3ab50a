//! The `vsekai` command: parses, calls the library, prints, and turns errors into exit codes.
//!
//! Data goes to stdout, everything else to stderr. With `--json` stdout has one JSON object a line, the
//! last of which says `"event":"done"` or `"event":"error"`.

use std::process::ExitCode;

mod cli;
mod commands;
#[cfg(all(debug_assertions, unix))]
mod faults;
mod options;
mod output;
mod progress;
mod settings;
mod size;
mod summary;

use cli::Cli;
use output::Output;

fn main() -> ExitCode {
    let cli = Cli::from_arguments();
    let output = Output::new(&cli.global);
    #[cfg(all(debug_assertions, unix))]
    if let Err(error) = faults::arm() {
        return output.fail(&error);
    }
    match commands::run(cli, output) {
        Ok(code) => code,
        Err(error) => output.fail(&error),
    }
}
