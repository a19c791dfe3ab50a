//! Which versions are running, so that nothing is removed under a game.
//!
//! Each start holds a shared lock on `.vsekai/running/<folder>`; the game inherits it. A lock that is still held after
//! the program has gone means that the game is still running.

use std::fs::File;
use std::path::PathBuf;

use super::InstallRoot;
#[cfg(windows)]
use super::installed_version::InstalledVersion;
use crate::error::{Error, Result};
use crate::local::disk;

/// The folder of marks, in `.vsekai`.
pub(super) const RUNNING: &str = "running";

const READY: &str = "ready-";

/// The file that the game creates to say that it has started: one for each process that starts games.
pub(super) fn ready_file(root: &InstallRoot) -> PathBuf {
    root.control(RUNNING).join(format!("{READY}{}", std::process::id()))
}

/// Marks a version as running for as long as this process or the game lives.
pub(super) fn mark(root: &InstallRoot, folder: &str) -> Result<File> {
    disk::create_control_directory(&root.control(RUNNING))?;
    let path = root.control(RUNNING).join(folder);
    let file = disk::open_lock(&path)?;
    disk::settle_mode(&path)?;
    if !disk::try_lock(&file, &path, false)? {
        return Err(Error::Busy { path, holder: "another process".to_owned() });
    }
    // Inherited by the game: the lock lives as long as either of us.
    #[cfg(unix)]
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).map_err(|e| Error::io("lock", path)(e.into()))?;
    Ok(file)
}

/// Whether a process runs from a version, or has its working folder in it.
pub(super) fn is_running(root: &InstallRoot, folder: &str) -> bool {
    let marker = root.control(RUNNING).join(folder);
    let is_marked =
        matches!(disk::open_regular(&marker), Ok(Some(file)) if !disk::try_lock(&file, &marker, true).unwrap_or(false));
    is_marked || is_used(root, folder)
}

/// Removes the ready files that killed starts have left, unless something runs. `names` is all that the folder of marks
/// holds.
pub(super) fn tidy(root: &InstallRoot, names: &[String]) -> Result<()> {
    let (ready, marks): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.starts_with(READY));
    if ready.is_empty() || marks.iter().any(|folder| is_running(root, folder)) {
        return Ok(());
    }
    ready.iter().try_for_each(|name| disk::remove_file(&root.control(RUNNING).join(name)))
}

/// Games that were started without this program leave no mark; `/proc` shows them anyway.
#[cfg(target_os = "linux")]
fn is_used(root: &InstallRoot, folder: &str) -> bool {
    let tree = root.versions(folder);
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let is_below =
            |link: &str| std::fs::read_link(process.path().join(link)).is_ok_and(|path| path.starts_with(&tree));
        is_below("exe") || is_below("cwd")
    })
}

/// The game does not inherit our mark on Windows, but nobody can remove a program that runs.
#[cfg(windows)]
fn is_used(root: &InstallRoot, folder: &str) -> bool {
    let release = InstalledVersion::release(root, folder);
    release.is_ok_and(|release| disk::runs(&release.entry.path.below(&root.versions(folder))))
}

#[cfg(not(any(windows, target_os = "linux")))]
fn is_used(_root: &InstallRoot, _folder: &str) -> bool {
    // macOS keeps removed files for the process that has them open.
    false
}
