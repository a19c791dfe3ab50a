//! One writer at a time: an advisory lock that names its holder.
//!
//! The lock ends with its process, however that ends. A second process fails within a tenth of a second and
//! never waits. A link in place of the lock is not followed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::local::disk;

/// How often, and after how long each time, a lock is tried again that somebody may only be looking at.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(4);

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing the file would release the lock, except that a child process which another thread is just starting
    /// shares the file until its exec.
    fn drop(&mut self) {
        disk::unlock(&self.file);
    }
}

impl Lock {
    /// Takes the lock exclusively. `verb` says what this process is doing.
    ///
    /// # Errors
    /// [`Error::Busy`] with the holder if anyone holds the lock, shared or exclusive.
    pub fn exclusive(path: &Path, verb: &str) -> Result<Self> {
        let file = disk::open_lock(path)?;
        // Somebody may hold it only for the moment that [`holder`] takes.
        let mut looks = LOOKS;
        while !disk::try_lock(&file, path, true)? {
            if looks == 0 {
                return Err(busy(file, path));
            }
            looks -= 1;
            std::thread::sleep(LOOK);
        }
        sign(&file, path, verb)?;
        Ok(Self { file })
    }

    /// Takes the lock shared with others.
    ///
    /// # Errors
    /// [`Error::Busy`] with the holder if anyone holds the lock exclusively.
    pub fn shared(path: &Path, verb: &str) -> Result<Self> {
        let file = disk::open_lock(path)?;
        if !disk::try_lock(&file, path, false)? {
            return Err(busy(file, path));
        }
        sign(&file, path, verb)?;
        Ok(Self { file })
    }
}

/// Who holds a lock exclusively, if anybody does. Creates nothing. Holds it shared for a moment, if nobody does.
pub fn holder(path: &Path) -> Option<String> {
    let file = disk::open_regular(path).ok().flatten()?;
    if disk::try_lock(&file, path, false).ok()? {
        disk::unlock(&file);
        return None;
    }
    match busy(file, path) {
        Error::Busy { holder, .. } => Some(holder),
        _ => None,
    }
}

fn sign(file: &File, path: &Path, verb: &str) -> Result<()> {
    disk::set_length(file, path, 0)?;
    disk::write_all_at(file, path, 0, format!("process {} ({verb})", std::process::id()).as_bytes())
}

fn busy(mut file: File, path: &Path) -> Error {
    let mut holder = String::new();
    let read = Read::by_ref(&mut file).take(200).read_to_string(&mut holder);
    if read.is_err() || holder.is_empty() {
        "another process".clone_into(&mut holder);
    }
    Error::Busy { path: PathBuf::from(path), holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_at_it_makes_nobody_wait_in_vain() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        drop(Lock::exclusive(&path, "update").unwrap());
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = holder(&path);
                }
            });
            let failed = (0..400).find_map(|_| Lock::exclusive(&path, "update").err());
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(failed.is_none(), "{failed:?}");
        });
    }

    #[test]
    fn processes_that_are_started_meanwhile_do_not_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = std::process::Command::new("true").current_dir(folder.path()).status();
                }
            });
            let failed = (0..400).find_map(|_| Lock::exclusive(&path, "update").err());
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(failed.is_none(), "{failed:?}");
        });
    }

    #[test]
    fn second_taker_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::exclusive(&path, "extract").unwrap();
        let error = Lock::shared(&path, "make").unwrap_err();
        assert_eq!(error.code(), "busy");
        assert!(error.to_string().contains("extract"), "{error}");
        assert!(holder(&path).is_some_and(|holder| holder.contains("(extract)")));
        drop(first);
        assert_eq!((holder(&path), holder(&folder.path().join("none"))), (None, None));
        let _one = Lock::shared(&path, "make").unwrap();
        let _two = Lock::shared(&path, "make").unwrap();
        assert!(Lock::exclusive(&path, "prune").is_err());
    }
}
