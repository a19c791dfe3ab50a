//! Restores process settings that Godot changes and that a command line needs.

use std::path::PathBuf;

use crate::cli::forget_caller_folder;

/// Turns a closed pipe into a write error, as in any Rust program. Under Godot, the signal would end the process.
#[cfg(unix)]
pub(super) fn outlive_readers() {
    // The handler stays installed. A failure is not a reason to stop.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGPIPE, std::sync::Arc::default());
}

#[cfg(not(unix))]
pub(super) fn outlive_readers() {}

/// Sets the working folder to the caller's, for as long as this value lives.
///
/// Godot changes to the folder of the project or of the exported program before any of our code runs. Only `PWD`, which
/// the shell has set, still names the caller's folder. Without that variable, as on Windows, relative paths are refused.
pub(super) struct WorkingFolder {
    before: Option<PathBuf>,
}

impl WorkingFolder {
    pub(super) fn of_the_caller() -> Self {
        let named = std::env::var_os("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
        let before = std::env::current_dir().ok();
        let is_set = named.is_some_and(|path| std::env::set_current_dir(path).is_ok());
        if !is_set {
            forget_caller_folder();
        }
        Self { before: before.filter(|_| is_set) }
    }
}

impl Drop for WorkingFolder {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // It existed a moment ago.
            let _ = std::env::set_current_dir(before);
        }
    }
}
