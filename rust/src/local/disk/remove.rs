//! Removal, one step for each name: a kill in the middle leaves the rest of the tree.

use std::fs;
use std::io;
use std::path::Path;

use super::step::step;
use super::system::{Patience, patiently, until_free};
use super::{TEMPORARY_PREFIX, held_or, list, system, taken_or};
use crate::error::{Error, Result};

/// Removes a file or link, if it exists.
pub fn remove_file(path: &Path) -> Result<()> {
    let remove = || patiently(Patience::May, || system::remove_file(path));
    if_there(step("remove-file", path, remove)).map_err(held_or("remove", path, path))
}

/// Removes a file, or a folder with its content, if it exists. Follows no symlink.
pub fn remove_all(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => if_there(remove_tree(path)).map_err(held_or("remove", path, path)),
        Ok(_) => remove_file(path),
        Err(e) => if_there(Err(e)).map_err(Error::io("remove", path)),
    }
}

/// Removes a folder if it is empty. Returns whether it was.
///
/// # Errors
/// [`Error::Busy`] also if a program has its working folder there, on some systems.
pub fn remove_empty_directory(path: &Path) -> Result<bool> {
    match step("remove-folder", path, || until_free(Patience::May, || fs::remove_dir(path))) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => Ok(false),
        Err(e) => Err(taken_or("remove", path)(e)),
    }
}

/// Removes the unfinished files of killed writers in this folder. The caller must hold the folder's lock, because this
/// would also remove the files of a running writer.
pub fn remove_temporaries(folder: &Path) -> Result<()> {
    for entry in list(folder)? {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_tree(path: &Path) -> io::Result<()> {
    if system::is_locked(path) {
        if_held(step("set-mode", path, || system::set_mode(path, 0o700)))?;
    }
    empty(&system::Folder::open(path)?, path)?;
    step("remove-folder", path, || patiently(Patience::May, || fs::remove_dir(path)))
}

/// Removes the content of `folder`, which is at `path`.
fn empty(folder: &system::Folder, path: &Path) -> io::Result<()> {
    for (name, is_folder) in folder.entries()? {
        let at = path.join(&name);
        if !is_folder {
            if_there(step("remove-file", &at, || folder.remove_file(&name)))?;
            continue;
        }
        // Read-only folders are made writable, so that they can be emptied.
        if folder.is_locked(&name) {
            if_held(step("set-mode", &at, || folder.unlock(&name)))?;
        }
        folder.open_inner(&name).and_then(|inner| empty(&inner, &at))?;
        if_there(step("remove-folder", &at, || folder.remove_folder(&name)))?;
    }
    Ok(())
}

fn if_there(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A disk without permissions lets us remove, or says why not.
fn if_held(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(e) if system::is_beyond_the_disk(&e) => Ok(()),
        other => other,
    }
}
