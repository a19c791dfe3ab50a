//! The `vsekai` command: see [`vsekai_updater::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    vsekai_updater::cli::begin_as_program();
    ExitCode::from(vsekai_updater::cli::run(std::env::args_os().skip(1)))
}
