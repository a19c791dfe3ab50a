//! Starts a `vsekai`, one after the other until one works.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::outcome::Outcome;
use crate::wanted;
use crate::{FAILED, programs, system};

/// How much of the end of what is printed is kept. The line that counts has less than a kilobyte.
const MAX_PRINTED: usize = 64 << 10;

/// How long after its end to wait for the last words of `vsekai`: the pipe stays open if the game has left a program.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// This program.
#[derive(Debug)]
pub(crate) struct Stub {
    pub(crate) path: PathBuf,
    /// The install root: the folder of this program.
    pub(crate) root: PathBuf,
    /// The name to show, which is that of the file.
    pub(crate) name: String,
}

impl Stub {
    pub(crate) fn find() -> Option<Self> {
        let path = std::env::current_exe().ok()?;
        let name = path.file_stem()?.to_string_lossy().into_owned();
        Some(Self { root: path.parent()?.to_owned(), name, path })
    }
}

/// Runs a command of `vsekai`, and tells what failed. Returns the exit code.
pub(crate) fn start(stub: &Stub, command: &wanted::Command) -> i32 {
    let state = programs::state(&stub.root);
    let all = programs::candidates(&stub.root, &state, &programs::name());
    match first_that_works(&all, &stub.root, &stub.root, command) {
        Ok(outcome) => {
            if let Some(message) = outcome.message() {
                system::show(&stub.name, &message);
            }
            outcome.code
        }
        Err(reasons) => {
            system::show(&stub.name, &nothing_to_start(&stub.name, &reasons));
            i32::from(FAILED)
        }
    }
}

/// Tells that no program could be started. `reasons` are those of programs that exist.
pub(crate) fn nothing_to_start(name: &str, reasons: &[String]) -> String {
    let mut text = format!("{name} cannot be started: {} is missing.", programs::name());
    if !reasons.is_empty() {
        text = format!("{name} cannot be started.\n{}", reasons.join("\n"));
    }
    format!("{text}\n\nInstall it again, into the same folder: your files stay.")
}

/// The outcome of the first program that can do the work; of the last, if each leaves it to another.
///
/// # Errors
/// Why those that exist could not be started.
pub(crate) fn first_that_works(
    programs: &[PathBuf],
    root: &Path,
    folder: &Path,
    command: &wanted::Command,
) -> Result<Outcome, Vec<String>> {
    let (mut reasons, mut last) = (Vec::new(), None);
    for program in programs.iter().filter(|program| program.is_file()) {
        match run(program, root, folder, command) {
            Ok(outcome) if outcome.leaves_it_to_another() => last = last.or(Some(outcome)),
            Ok(outcome) => return Ok(outcome),
            Err(error) => reasons.push(format!("{}: {error}", program.display())),
        }
    }
    last.ok_or(reasons)
}

/// `PROGRAM --json VERB ROOT AFTER`, in this folder.
fn run(program: &Path, root: &Path, folder: &Path, command: &wanted::Command) -> std::io::Result<Outcome> {
    let mut process = Command::new(program);
    process.arg("--json").arg(command.verb).arg(root).args(&command.after).current_dir(folder);
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = system::without_window(&mut process).spawn()?;
    let printed = Arc::new(Mutex::new(Vec::new()));
    let reader = child.stdout.take().map(|pipe| {
        let printed = Arc::clone(&printed);
        std::thread::spawn(move || keep_the_end(pipe, &printed))
    });
    let status = child.wait()?;
    let begun = std::time::Instant::now();
    while reader.as_ref().is_some_and(|reader| !reader.is_finished()) && begun.elapsed() < LAST_WORDS {
        std::thread::sleep(Duration::from_millis(5));
    }
    let printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Outcome::of(status.code().unwrap_or(i32::from(FAILED)), &printed))
}

fn keep_the_end(mut pipe: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&part[..count]);
        let surplus = kept.len().saturating_sub(MAX_PRINTED);
        kept.drain(..surplus);
    }
}
