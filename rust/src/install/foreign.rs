//! Foreign files, which were added to a version's folder by others: carried over to the next version, and never
//! deleted.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::archive::{Layout, NodeKind};
use crate::local::disk;

/// The paths of a layout, and whether each is a folder.
type Known = HashMap<PathBuf, bool>;

fn known(layout: &Layout) -> Known {
    let entry = |node: &crate::formats::archive::Node| {
        let path = node.path.as_ref()?.below(Path::new(""));
        Some((path, matches!(node.kind, NodeKind::Directory)))
    };
    layout.nodes().iter().filter_map(entry).collect()
}

/// All paths in `tree` that `layout` does not have, relative to `tree`. Folders come before their content.
pub(super) fn list(tree: &Path, layout: &Layout) -> Result<Vec<PathBuf>> {
    let known = known(layout);
    let mut found = Vec::new();
    let mut folders = if tree.is_dir() { vec![PathBuf::new()] } else { Vec::new() };
    while let Some(folder) = folders.pop() {
        let absolute = tree.join(&folder);
        for entry in fs::read_dir(&absolute).map_err(Error::io("list", &absolute))? {
            let entry = entry.map_err(Error::io("list", &absolute))?;
            let path = folder.join(entry.file_name());
            let is_folder = entry.file_type().map_err(Error::io("read", entry.path()))?.is_dir();
            if known.get(&path) != Some(&is_folder) {
                found.push(path.clone());
            }
            if is_folder {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The `paths` that do not conflict with those of `wanted`. The others stay in the old version, and are saved when it
/// is removed.
pub(super) fn without_conflicts(paths: Vec<PathBuf>, wanted: &Layout) -> Vec<PathBuf> {
    let wanted = known(wanted);
    let is_free = |path: &PathBuf| {
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        !wanted.contains_key(path) && above.into_iter().all(|above| wanted.get(above) != Some(&false))
    };
    paths.into_iter().filter(is_free).collect()
}

/// Moves the foreign files of `tree` to `saved`, except those that a remaining version also has. Returns the number of
/// files moved.
pub(super) fn save(tree: &Path, layout: &Layout, staying: &[PathBuf], saved: &Path) -> Result<u64> {
    let mut moved = 0;
    for path in list(tree, layout)? {
        let from = tree.join(&path);
        let Ok(found) = fs::symlink_metadata(&from) else { continue };
        if found.is_dir() || staying.iter().any(|other| is_same(&from, &other.join(&path))) {
            continue;
        }
        let to = free_place(saved, &path);
        to.parent().map_or(Ok(()), disk::create_directory)?;
        disk::rename(&from, &to)?;
        moved += 1;
    }
    Ok(moved)
}

/// A free place for `path` below `saved`, or below a numbered folder next to it: a version that was installed twice may
/// have left the same name twice, or a folder with a file's name. The number is not added to the file's name, which may
/// already have the maximum length.
fn free_place(saved: &Path, path: &Path) -> PathBuf {
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
fn is_same(a: &Path, b: &Path) -> bool {
    let (Ok(left), Ok(right)) = (fs::symlink_metadata(a), fs::symlink_metadata(b)) else { return false };
    if disk::identity(&left).is_some() && disk::identity(&left) == disk::identity(&right) {
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
