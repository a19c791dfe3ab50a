//! A small program at a path of the install root that never changes, for the desktop to start: the shortcut, the links
//! and the uninstall entry name it. It finds a `vsekai` that can be started and lets that do the work, without a console
//! window; the exit code is the one of `vsekai`. If nothing can be done, it says why in a message.
//!
//! It is made for Windows. On other systems it does the same and prints its messages, which is how it is tested there.
//! `docs/integration.md` has its command line. It changes nothing but the folder that an uninstallation works in.

#![cfg_attr(windows, windows_subsystem = "windows")]

mod outcome;
mod programs;
mod run;
mod system;
mod uninstall;
mod wanted;

use std::process::ExitCode;

use run::Stub;
use wanted::Wanted;

/// The exit code of a command line that is not understood, and of a stub that finds nothing to start.
const USAGE: u8 = 2;
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let Some(stub) = Stub::find() else { return ExitCode::from(FAILED) };
    let code = match Wanted::of(words) {
        Some(Wanted::Vsekai(words)) => run::start(&stub, &words),
        Some(Wanted::Uninstall { is_quiet }) => uninstall::begin(&stub, is_quiet),
        Some(Wanted::GoOn { root, is_quiet }) => uninstall::go_on(&stub, &root, is_quiet),
        None => {
            system::show(&stub.name, "This program was started with arguments that it does not know.");
            i32::from(USAGE)
        }
    };
    // Codes of Windows have 32 bits.
    std::process::exit(code)
}
