//! Checks what is at the destination, and whether we may replace it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{IndexKind, Request};
use crate::error::{Error, Result};
use crate::formats::archive::{Layout, Node, NodeKind};
use crate::local::disk;
use crate::local::receipt::Receipt;

/// Rejects destinations that cannot be intended.
pub(super) fn check(request: &Request, destination: &Path) -> Result<()> {
    let protected = request.protected.iter().filter_map(|path| disk::canonicalize(path).ok());
    if protected.into_iter().any(|path| path == destination) {
        let reason = format!("{} is not a folder for a game; give one below it", destination.display());
        return Err(Error::invalid("destination", reason));
    }
    match (request.content, fs::metadata(destination)) {
        (IndexKind::Blob, Ok(found)) if found.is_dir() => {
            let reason = format!("{} is a folder, but a .caibx contains a file", destination.display());
            Err(Error::invalid("destination", reason))
        }
        (IndexKind::Tree, Ok(found)) if !found.is_dir() => {
            Err(Error::DestinationNotOurs { path: destination.to_owned() })
        }
        (_, Err(e)) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("read", destination)(e)),
        _ => Ok(()),
    }
}

/// Whether both paths lead to the same existing file or folder.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    matches!((disk::canonicalize(a), disk::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Whether the destination has content that could be lost.
pub(super) fn is_occupied(destination: &Path) -> Result<bool> {
    match fs::read_dir(destination) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Ok(true),
        Err(e) => Err(Error::io("list", destination)(e)),
    }
}

/// Whether the destination is the wanted version, judged without reading files.
///
/// Where the disk has no links, there is a copy in the place of each, or nothing if it could not be copied.
pub(super) fn is_as_wanted(
    receipt: &Receipt,
    request: &Request,
    destination: &Path,
    has_links: &dyn Fn() -> bool,
) -> bool {
    let is_there = |(at, node): (usize, &Node)| {
        let path = node.path.as_ref().map_or(destination.to_owned(), |path| path.below(destination));
        match &node.kind {
            NodeKind::File { .. } => receipt.is_untouched(at, destination),
            NodeKind::Directory => fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()),
            NodeKind::Symlink { target } => {
                fs::read_link(&path).is_ok_and(|found| found == Path::new(target.as_str()))
                    || (!path.is_symlink() && !has_links())
            }
            NodeKind::Device { .. } | NodeKind::Other => true,
        }
    };
    receipt.index == request.index && receipt.layout.nodes().iter().enumerate().all(is_there)
}

/// The files in the destination that none of our versions installed, relative to it.
///
/// # Errors
/// [`Error::ForeignConflict`] if one of them is where the new version has something else.
pub(super) fn foreign(
    destination: &Path,
    known: &Layout,
    wanted: &Layout,
    has_links: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>> {
    let is_link = |node: &&Node| matches!(node.kind, NodeKind::Symlink { .. });
    let links: HashSet<String> =
        known.nodes().iter().filter(is_link).filter_map(|node| Some(node.path.as_ref()?.to_string())).collect();
    let known = paths(known);
    let wanted = paths(wanted);
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let absolute = destination.join(&folder);
        for entry in fs::read_dir(&absolute).map_err(Error::io("list", &absolute))? {
            let entry = entry.map_err(Error::io("list", &absolute))?;
            let path = folder.join(entry.file_name());
            let is_directory = entry.file_type().map_err(Error::io("read", entry.path()))?.is_dir();
            let key = key_of(&path);
            // A copy of what the link leads to, with all that is in it.
            if is_directory && links.contains(&key) && !has_links() {
                continue;
            }
            if !known.contains_key(&key) {
                if conflicts(&key, is_directory, &wanted) {
                    return Err(Error::ForeignConflict { path: destination.join(path) });
                }
                if !(is_directory && wanted.contains_key(&key)) {
                    found.push(path.clone());
                }
            }
            if is_directory {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A path as layouts write it. A name that is not UTF-8 is not in any layout, so its replacement characters do no harm.
fn key_of(path: &Path) -> String {
    let names: Vec<_> = path.iter().map(std::ffi::OsStr::to_string_lossy).collect();
    names.join("/")
}

fn paths(layout: &Layout) -> HashMap<String, bool> {
    let entry = |node: &Node| Some((node.path.as_ref()?.to_string(), matches!(node.kind, NodeKind::Directory)));
    layout.nodes().iter().filter_map(entry).collect()
}

/// Whether the new version has something else at this path, or a file where this path needs a folder.
fn conflicts(key: &str, is_directory: bool, wanted: &HashMap<String, bool>) -> bool {
    if wanted.get(key).is_some_and(|wanted| !(*wanted && is_directory)) {
        return true;
    }
    let above = key.match_indices('/').map(|(at, _)| &key[..at]);
    above.into_iter().any(|parent| wanted.get(parent) == Some(&false))
}
