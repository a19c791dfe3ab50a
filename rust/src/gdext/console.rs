//! What Godot changes of a process, and a command line needs as it was.

use std::path::PathBuf;

/// A reader that goes away is an error of writing, as in any Rust program, and not the end of the process, as it is
/// in Godot.
#[cfg(unix)]
pub(super) fn outlive_readers() {
    // The handler stays; that it cannot be set is no reason to stop.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGPIPE, std::sync::Arc::default());
}

#[cfg(not(unix))]
pub(super) fn outlive_readers() {}

/// The working folder of whoever started us, for as long as this lives.
///
/// Godot goes to the folder of the project, or of the exported program, before anybody can look. What the shell
/// has said in `PWD` is all that is left. Where there is no such variable, as on Windows, paths have to be whole.
pub(super) struct Place {
    before: Option<PathBuf>,
}

impl Place {
    pub(super) fn of_the_caller() -> Self {
        let named = std::env::var_os("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
        let before = std::env::current_dir().ok();
        let is_there = named.is_some_and(|path| std::env::set_current_dir(path).is_ok());
        Self { before: before.filter(|_| is_there) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // It was there a moment ago.
            let _ = std::env::set_current_dir(before);
        }
    }
}
