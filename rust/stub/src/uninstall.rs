//! Uninstalls the folder that this program runs from.
//!
//! Windows keeps the file of a running program. So this program copies itself and `vsekai` to a folder for temporary
//! files, starts that copy, and ends; the copy waits for that and does the work. The copy of `vsekai` is removed
//! afterwards. The copy of this program stays, since it is the one that runs: the next uninstallation removes it, or
//! whatever tidies the folder for temporary files.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{self, Stub};
use crate::wanted;
use crate::{FAILED, programs, system};

/// The beginning of the names of the folders for temporary files.
const PREFIX: &str = "vsekai-uninstall-";

/// Asks, unless it is to be quiet, and leaves the work to a copy.
pub(crate) fn begin(stub: &Stub, is_quiet: bool) -> i32 {
    let question = format!("Remove {} and its settings in this folder?\n\n{}", stub.name, stub.root.display());
    if !is_quiet && !system::ask(&stub.name, &question) {
        return i32::from(FAILED);
    }
    let outcome = copy(stub).and_then(|(folder, copied)| {
        let mut command = Command::new(&copied);
        command.args(wanted::go_on(stub.root.as_os_str(), is_quiet)).current_dir(&folder);
        // The copy reads this until this program has ended.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
        system::without_window(&mut command).spawn()
    });
    match outcome {
        // The handle of the pipe is closed by the end of this process, and not before.
        Ok(child) => std::mem::forget(child),
        Err(error) => {
            if !is_quiet {
                system::show(&stub.name, &run::nothing_to_start(&stub.name, &[error.to_string()]));
            }
            return i32::from(FAILED);
        }
    }
    0
}

/// Copies this program and all that may be a `vsekai`, and returns the folder and the copy of this program.
fn copy(stub: &Stub) -> io::Result<(PathBuf, PathBuf)> {
    let above = std::env::temp_dir();
    tidy(&above);
    let folder = above.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir(&folder)?;
    let copied = folder.join(stub.path.file_name().unwrap_or_default());
    fs::copy(&stub.path, &copied)?;
    let state = programs::state(&stub.root);
    let all = programs::candidates(&stub.root, &state, &programs::name());
    for (number, program) in all.iter().filter(|program| program.is_file()).enumerate() {
        fs::copy(program, place(&folder, number))?;
    }
    Ok((folder, copied))
}

fn place(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}-{}", programs::name()))
}

/// Removes what earlier uninstallations have left.
fn tidy(above: &Path) {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // One that runs cannot be removed.
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// Waits until the original has ended, removes the install, and says what was done.
pub(crate) fn go_on(stub: &Stub, root: &Path, is_quiet: bool) -> i32 {
    let _ = io::stdin().read_to_end(&mut Vec::new());
    let programs: Vec<_> = (0..4).map(|number| place(&stub.root, number)).collect();
    let command = wanted::Command { verb: "uninstall", after: vec!["--yes".into()] };
    let (text, code) = match run::first_that_works(&programs, root, &stub.root, &command) {
        Ok(outcome) => (outcome.message().unwrap_or_else(|| outcome.removed(&stub.name, root)), outcome.code),
        Err(reasons) => (run::nothing_to_start(&stub.name, &reasons), i32::from(FAILED)),
    };
    for program in programs {
        let _ = fs::remove_file(program);
    }
    if !is_quiet {
        system::show(&stub.name, &text);
    }
    code
}
