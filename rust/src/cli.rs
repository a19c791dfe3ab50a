//! The `vsekai` command line: parses, calls the library, prints, and turns errors into exit codes.
//!
//! Data goes to stdout, everything else to stderr. With `--json`, stdout has one JSON object on each line;
//! the last one says `"event":"done"` or `"event":"error"`. The binary `vsekai` and the Godot extension
//! (`--headless`) run this same code. It ends the process only on a second Ctrl-C.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

mod arguments;
mod caller;
mod checks;
mod commands;
mod connect;
#[cfg(debug_assertions)]
mod faults;
mod hints;
mod options;
mod output;
mod passphrase;
mod progress;
mod project;
mod settings;
mod signals;
mod size;
mod style;
mod summary;
mod updater;
mod words;

use crate::local::program;

use arguments::{Cli, Command};
pub use caller::forget_caller_folder;
use output::{Audience, INTERNAL, Output};

/// Runs a command line and returns the exit code (see `vsekai --help`). `arguments` excludes the program's name.
///
/// Blocks until the command ends. A panic is caught and reported on stderr; the exit code is then 101, as in any Rust
/// program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = arguments.into_iter().collect();
    std::panic::catch_unwind(|| obey(arguments)).unwrap_or(INTERNAL)
}

/// Whether this process is the program `vsekai`, and not one that only contains its command line.
static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// Says that this process is the program `vsekai`, which can replace itself. On Windows, finishes what an interrupted
/// `vsekai self-update` has left, and removes the program that it replaced; elsewhere a replacement is one step.
pub fn begin_as_program() {
    IS_PROGRAM.store(true, Ordering::Relaxed);
    if cfg!(windows)
        && let Ok(this) = std::env::current_exe()
    {
        // Nothing that keeps a command from its work: the next start tries again.
        let _ = program::restore(&program::original(&this).unwrap_or(this));
    }
}

/// The whole command line, for manual pages and completions of shells.
pub fn command() -> clap::Command {
    Cli::grouped()
}

fn obey(arguments: Vec<OsString>) -> u8 {
    let wants_json = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let (arguments, added) = match project::complete(arguments, &Cli::grouped()) {
        Ok(completed) => completed,
        Err(error) => return Output::for_script(wants_json).fail(&error, &words::Words::default()),
    };
    let words_added = added.as_ref().map_or(&[][..], |added| &added.words);
    let parsed = if caller::is_folder_known() {
        Cli::parse_completed(arguments, words_added)
    } else {
        Cli::parse_elsewhere(arguments)
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(said) if said.use_stderr() => return Output::refuse(&said.render().to_string(), wants_json),
        Err(said) => {
            // Help goes to stdout. A reader that closed the pipe is not an error.
            let _ = said.print();
            return output::DONE;
        }
    };
    let audience = match cli.command {
        Command::Publish(_) | Command::Sign(_) | Command::Repository(_) | Command::News(_) | Command::Keys(_) => {
            Audience::Publisher
        }
        _ => Audience::Player,
    };
    let output = Output::new(&cli.global).for_whom(audience);
    if let Some(project::Added { file, options, .. }) = added {
        output.note(&format!("With {}: {options}", file.display()));
    }
    let words = cli.words.clone();
    #[cfg(debug_assertions)]
    if let Err(error) = faults::arm() {
        return output.fail(&error, &words);
    }
    Output::after(commands::run(cli, output).unwrap_or_else(|error| output.fail(&error, &words)))
}
