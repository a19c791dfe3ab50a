//! One file for each command: options to library call, result to words.

use std::process::ExitCode;

use vsekai_updater::error::Result;

use crate::cli::{Cli, Command, Store};
use crate::output::Output;
use crate::progress;

mod store;

/// Runs what was asked for.
pub(crate) fn run(cli: Cli, output: Output) -> Result<ExitCode> {
    let monitor = progress::monitor(&cli.global);
    match cli.command {
        Command::Store(Store::Extract(args)) => store::extract::run(&args, output, &monitor),
        Command::Store(Store::Info(args)) => store::info::run(&args, output),
        Command::Store(Store::Make(args)) => store::make::run(&args, output, &monitor),
        Command::Store(Store::Verify(args)) => store::verify::run(&args, output, &monitor),
        Command::Store(Store::Prune(args)) => store::prune::run(&args, output, &monitor),
        Command::Store(Store::Chunk(args)) => store::chunk::run(&args, output, &monitor),
    }
}
