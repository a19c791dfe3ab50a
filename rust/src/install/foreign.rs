//! Foreign files: those that others added to a version's folder. They are carried over to the next version, and never
//! deleted. Those that this user may not read or move stay where they are, and do not block anything.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::InstallRoot;
use super::installed_version::InstalledVersion;
use super::root::IN_THE_WAY;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::formats::archive::{Layout, NodeKind};
use crate::local::disk;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Link,
    File,
}

/// The paths of a layout, each with its kind.
type Known = HashMap<PathBuf, Kind>;

fn known(layout: &Layout) -> Known {
    let entry = |node: &crate::formats::archive::Node| {
        let path = node.path.as_ref()?.below(Path::new(""));
        let kind = match node.kind {
            NodeKind::Directory => Kind::Folder,
            NodeKind::Symlink { .. } => Kind::Link,
            _ => Kind::File,
        };
        Some((path, kind))
    };
    layout.nodes().iter().filter_map(entry).collect()
}

/// The foreign files and folders of a version. Paths are relative to its tree.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// Everything that is not part of the version. Folders come before their content.
    pub(super) paths: Vec<PathBuf>,
    /// Folders that cannot be listed, so their content is unknown.
    pub(super) unreadable: Vec<PathBuf>,
}

impl Foreign {
    /// The paths that can be carried over.
    pub(super) fn into_readable(self) -> Vec<PathBuf> {
        let is_open = |path: &PathBuf| !self.unreadable.contains(path);
        self.paths.into_iter().filter(is_open).collect()
    }

    /// Warns about the folders that stay behind.
    pub(super) fn warn(&self, tree: &Path, monitor: &Monitor) {
        self.unreadable.iter().for_each(|path| stays(&tree.join(path), monitor));
    }
}

/// Warns that something stays where it is, because this user may not read or move it.
pub(super) fn stays(path: &Path, monitor: &Monitor) {
    let code = Error::io("read", path)(io::ErrorKind::PermissionDenied.into()).code();
    let message = format!("{} cannot be read or moved by this user: it stays where it is", path.display());
    monitor.emit(Event::Warned { code, message });
}

/// The foreign files of this version.
pub(super) fn list(kept: &InstalledVersion) -> Foreign {
    let tree = kept.tree();
    let known = known(kept.documents.table.layout());
    let mut found = Foreign::default();
    let mut folders = if tree.is_dir() { vec![PathBuf::new()] } else { Vec::new() };
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(tree.join(&folder)).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let Ok(entries) = entries else {
            found.unreadable.push(folder);
            continue;
        };
        for entry in entries {
            let path = folder.join(entry.file_name());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match known.get(&path) {
                // A copy in place of a link: ours, with all of its content.
                Some(Kind::Link) if kept.has_copied_links() => continue,
                Some(kind) if (*kind == Kind::Folder) == is_folder => {}
                _ => found.paths.push(path.clone()),
            }
            if is_folder {
                folders.push(path);
            }
        }
    }
    found.paths.sort();
    found.unreadable.sort();
    found
}

/// The `paths` that do not conflict with those of `wanted`. The others stay in the old version, and are saved when it
/// is removed.
pub(super) fn without_conflicts(paths: Vec<PathBuf>, wanted: &Layout) -> Vec<PathBuf> {
    let wanted = known(wanted);
    let is_free = |path: &PathBuf| {
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        !wanted.contains_key(path)
            && above.into_iter().all(|above| wanted.get(above).is_none_or(|kind| *kind == Kind::Folder))
    };
    paths.into_iter().filter(is_free).collect()
}

/// The result of [`save`].
#[derive(Debug, Default)]
pub(super) struct Saved {
    /// Files moved.
    pub(super) moved: u64,
    /// Paths that this user may not move, relative to the tree.
    pub(super) stuck: Vec<PathBuf>,
}

/// Moves the foreign files of `tree` to `saved`, except those that a remaining version also has.
pub(super) fn save(tree: &Path, paths: &[PathBuf], staying: &[PathBuf], saved: &Path) -> Result<Saved> {
    let mut done = Saved::default();
    for path in paths {
        let from = tree.join(path);
        let Ok(found) = fs::symlink_metadata(&from) else { continue };
        if found.is_dir() || staying.iter().any(|other| is_same(&from, &other.join(path))) {
            continue;
        }
        if !from.parent().is_some_and(disk::may_write) {
            done.stuck.push(path.clone());
            continue;
        }
        let to = free_place(saved, path);
        to.parent().map_or(Ok(()), disk::create_directory)?;
        disk::rename(&from, &to)?;
        done.moved += 1;
    }
    Ok(done)
}

/// Moves something that is in the place of one of our own files to `saved/in-the-way`, and warns about it.
pub(super) fn set_aside(root: &InstallRoot, path: &Path, monitor: &Monitor) -> Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    let to = free_place(&root.saved(IN_THE_WAY), Path::new(name));
    to.parent().map_or(Ok(()), disk::create_directory)?;
    disk::rename_over(path, &to)?;
    let message = format!("{} was in the way; it was moved to {}", path.display(), to.display());
    monitor.emit(Event::Warned { code: Error::ForeignConflict { path: path.to_owned() }.code(), message });
    Ok(())
}

/// A free place for `path` below `saved`, or below a numbered folder next to it: a version that was installed twice may
/// have left the same name twice, or a folder with a file's name. The number is not added to the file's name, which may
/// already have the maximum length.
pub(super) fn free_place(saved: &Path, path: &Path) -> PathBuf {
    let is_free = |root: &Path| {
        let mut above = path.ancestors().skip(1).map(|above| root.join(above));
        fs::symlink_metadata(root.join(path)).is_err()
            && above.all(|above| fs::symlink_metadata(above).map_or(true, |found| found.is_dir()))
    };
    let mut root = saved.to_owned();
    let mut number = 1_u64;
    while !is_free(&root) {
        number += 1;
        let mut name = saved.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        root = saved.with_file_name(name);
    }
    root.join(path)
}

/// Whether both paths are the same file, or files with the same content.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    let (Ok(left), Ok(right)) = (fs::symlink_metadata(a), fs::symlink_metadata(b)) else { return false };
    let identity = disk::identity(a, &left);
    if identity.is_some() && identity == disk::identity(b, &right) {
        return true;
    }
    if left.is_symlink() || right.is_symlink() {
        return matches!((fs::read_link(a), fs::read_link(b)), (Ok(a), Ok(b)) if a == b);
    }
    left.is_file() && right.is_file() && left.len() == right.len() && have_same_bytes(a, b, left.len())
}
fn have_same_bytes(a: &Path, b: &Path, len: u64) -> bool {
    let (Ok(one), Ok(other)) = (disk::open(a), disk::open(b)) else { return false };
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut at = 0;
    while at < len {
        let count = usize::try_from(len - at).unwrap_or(usize::MAX).min(left.len());
        let both = disk::read_exact_at(&one, a, at, &mut left[..count])
            .and_then(|()| disk::read_exact_at(&other, b, at, &mut right[..count]));
        if both.is_err() || left[..count] != right[..count] {
            return false;
        }
        at += count as u64;
    }
    true
}
