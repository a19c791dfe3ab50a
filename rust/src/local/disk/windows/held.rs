//! What other programs' handles prevent: trying again while they are open, and finding who has them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{ERROR_LOCK_VIOLATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, api};

const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_DIR_NOT_EMPTY: i32 = 145;

/// How long to try again what somebody's open handle prevents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Patience {
    /// For what must be done: the time that scanners were seen to need, <https://github.com/rust-lang/rustup/pull/1873>.
    Must,
    /// For what the next run can do as well, such as removing.
    May,
}

/// Tries again with growing pauses while another program may have the file open.
pub(in super::super) fn patiently<T>(patience: Patience, operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    again_while(is_held, patience, operation)
}

/// Like [`patiently`], for operations that are often denied for other reasons: takes such an answer at its word.
pub(in super::super) fn until_free<T>(patience: Patience, operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    again_while(is_taken, patience, operation)
}

fn again_while<T>(
    is_worth_it: fn(&io::Error) -> bool,
    patience: Patience,
    mut operation: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let limit = match patience {
        Patience::Must => Duration::from_secs(30),
        Patience::May => Duration::from_secs(1),
    };
    let begun = Instant::now();
    let mut pause = Duration::from_millis(10);
    loop {
        match operation() {
            Err(e) if is_worth_it(&e) && begun.elapsed() + pause < limit => std::thread::sleep(pause),
            other => return other,
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Whether an error can come from another program's handle. Windows also says "access denied" for a folder with an open
/// file in it.
pub(in super::super) fn is_held(error: &io::Error) -> bool {
    is_taken(error) || matches!(error.raw_os_error(), Some(ERROR_ACCESS_DENIED | ERROR_DIR_NOT_EMPTY))
}

/// Whether an error can only come from another program's handle.
pub(in super::super) fn is_taken(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
        || error.kind() == io::ErrorKind::ResourceBusy
}

/// The programs that have this file, or one directly in this folder, open.
pub(in super::super) fn holders(path: &Path) -> Vec<String> {
    const MAX_FILES: usize = 1000;
    let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).take(MAX_FILES);
    let files: Vec<PathBuf> = std::iter::once(path.to_owned()).chain(inside).filter(|path| path.is_file()).collect();
    api::holders(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>())
}

/// The first file or folder of a tree that somebody has open in a way that prevents its removal: the working folder of
/// a program is open, and so is, in effect, a program that runs.
pub(in super::super) fn first_held(tree: &Path) -> Option<PathBuf> {
    let mut rest = vec![tree.to_owned()];
    while let Some(path) = rest.pop() {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let is_held = match open_to_remove(&path, found.is_dir()) {
            Ok(file) => found.is_file() && is_program(&file) && is_executed(&path),
            Err(e) => is_taken(&e),
        };
        if is_held {
            return Some(path);
        }
        if found.is_dir() {
            rest.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    None
}

fn open_to_remove(path: &Path, is_folder: bool) -> io::Result<File> {
    const DELETE: u32 = 0x0001_0000;
    const FILE_READ_DATA: u32 = 1;
    let mut options = OpenOptions::new();
    options.access_mode(if is_folder { DELETE } else { DELETE | FILE_READ_DATA });
    options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

fn is_program(mut file: &File) -> bool {
    let mut magic = [0; 2];
    file.read_exact(&mut magic).is_ok_and(|()| magic == *b"MZ")
}

/// Whether a program runs from this file, and it is not just that somebody has it open, such as a scanner.
pub fn runs(program: &Path) -> bool {
    open_to_remove(program, false).is_ok() && is_executed(program)
}

/// Whether a program may run from this file: the system lets nobody write to it then.
pub fn is_executed(program: &Path) -> bool {
    match OpenOptions::new().write(true).open(program) {
        Ok(_) => false,
        // To a read-only file nobody may write anyway.
        Err(e) if e.raw_os_error() == Some(ERROR_ACCESS_DENIED) => !holders(program).is_empty(),
        Err(e) => is_taken(&e),
    }
}
