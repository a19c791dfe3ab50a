//! The commands. Each turns options into a library call, and the result into text.

use crate::error::Result;

use crate::cli::arguments::store::Store;
use crate::cli::arguments::{Cli, Command};
use crate::cli::output::{Audience, Output};
use crate::cli::words::Words;
use crate::cli::{hints, progress, settings};

mod check;
mod completions;
mod config;
mod history;
mod integrate;
mod keys;
mod launch;
mod mode;
mod move_install;
mod news;
mod publish;
mod repository;
mod self_update;
mod sign;
mod status;
mod store;
mod uninstall;
mod update;
mod verify;
mod versions;

/// Whether a command does its work whatever is in the settings: see [`settings::usable`].
fn needs_no_settings(command: &Command) -> bool {
    matches!(
        command,
        Command::Status(_)
            | Command::History(_)
            | Command::Launch(_)
            | Command::Open(_)
            | Command::Rollback(_)
            | Command::Clean(_)
            | Command::Uninstall(_)
            | Command::Move(_)
            | Command::Integrate(_)
            | Command::Unintegrate(_)
    )
}

fn warn_of_settings(output: Output, words: &Words) {
    if let Err(error) = settings::all() {
        let hint = hints::of(&error, Audience::Player, words).map(|hint| format!(" {hint}")).unwrap_or_default();
        output.note(&format!("warning: {}\n  It does not count for this command.{hint}", error.message()));
    }
}

/// Runs the command and returns its exit code.
pub(crate) fn run(cli: Cli, output: Output) -> Result<u8> {
    let has_steps = match &cli.command {
        Command::Install(args) => !args.how.dry_run,
        Command::Update(args) => !args.how.dry_run,
        Command::SelfUpdate(_) => true,
        _ => false,
    };
    let monitor = progress::monitor(&cli.global, has_steps);
    if needs_no_settings(&cli.command) {
        warn_of_settings(output, &cli.words);
    }
    match cli.command {
        Command::Install(args) => update::install(&args, output, &monitor),
        Command::Update(args) => update::run(&args, output, &monitor),
        Command::Check(args) => check::run(&args, output, &monitor),
        Command::Status(args) => status::run(&args, output, &monitor),
        Command::Verify(args) => verify::run(&args, output, &monitor),
        Command::Rollback(args) => update::roll_back(&args, output, &monitor),
        Command::Clean(args) => update::clean(&args, output, &monitor),
        Command::Launch(args) => launch::run(args, output, &monitor),
        Command::Open(args) => launch::open(&args, output, &monitor),
        Command::Versions(args) => versions::run(&args, output, &monitor),
        Command::History(args) => history::run(&args, output, &monitor),
        Command::Uninstall(args) => uninstall::run(&args, output, &monitor),
        Command::Move(args) => move_install::run(&args, output, &monitor),
        Command::SelfUpdate(args) => self_update::run(&args, output, &monitor),
        Command::Mode(args) => mode::run(args, output, &monitor),
        Command::Integrate(args) => integrate::run(&args, output, &monitor),
        Command::Unintegrate(args) => integrate::undo(&args, output, &monitor),
        Command::Config(args) => config::run(&args, output),
        Command::Completions(args) => completions::run(&args),
        Command::Publish(args) => publish::run(*args, output, &monitor),
        Command::Sign(args) => sign::run(args, output),
        Command::Repository(args) => repository::run(args, output, &monitor),
        Command::News(args) => news::run(args, output),
        Command::Keys(args) => keys::run(args, output),
        Command::Store(Store::Extract(args)) => store::extract::run(&args, output, &monitor),
        Command::Store(Store::Info(args)) => store::info::run(&args, output),
        Command::Store(Store::Make(args)) => store::make::run(&args, output, &monitor),
        Command::Store(Store::Verify(args)) => store::verify::run(&args, output, &monitor),
        Command::Store(Store::Prune(args)) => store::prune::run(&args, output, &monitor),
        Command::Store(Store::Chunk(args)) => store::chunk::run(&args, output, &monitor),
    }
}
