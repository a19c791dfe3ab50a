//! A folder on disk as a [`Layout`]: the content of its catar.
//!
//! Names are checked as strictly as those from outside: a tree that some systems could not install is rejected here,
//! not on a player's machine. Devices, pipes and sockets are left out. Links are not followed.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::archive::{Layout, NewContent, NewNode, NodeMetadata};
use crate::formats::index::FeatureFlags;
use crate::local::disk;
use crate::path::{LinkTarget, RelPath};

/// Which metadata of the files goes into the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Only what a player needs: type and permissions, the same for every build of the same files. Owner and times are
    /// zero. casync reads a tree only if its entries have the feature flags of its index.
    Reproducible(FeatureFlags),
    /// Owner and times as on disk, with these feature flags: what casync and desync record.
    AsOnDisk(FeatureFlags),
}

/// The layout of the tree at `root`.
pub fn layout(root: &Path, recorded: &Recorded) -> Result<Layout> {
    layout_without(root, recorded, &[])
}

/// The layout without some of the entries directly below `root`.
pub fn layout_without(root: &Path, recorded: &Recorded, names: &[&str]) -> Result<Layout> {
    Ok(layout_and_skipped(root, recorded, names)?.0)
}

/// An entry that is left out, because archives cannot hold its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path in the tree.
    pub path: RelPath,
    /// Its kind, with an article.
    pub what: &'static str,
}

/// The layout without some of the entries directly below `root`, and what else was left out.
pub fn layout_and_skipped(root: &Path, recorded: &Recorded, names: &[&str]) -> Result<(Layout, Vec<Skipped>)> {
    let found = fs::metadata(root).map_err(Error::io("read", root))?;
    let top = NewNode { path: None, metadata: metadata(&found, recorded), content: NewContent::Directory };
    let (mut nodes, mut skipped) = (vec![top], Vec::new());
    list(root, None, recorded, names, &mut nodes, &mut skipped)?;
    Ok((Layout::build(nodes)?, skipped))
}

/// Size of the regular file at `path`, in bytes.
pub fn file_size(path: &Path) -> Result<u64> {
    let found = fs::metadata(path).map_err(Error::io("read", path))?;
    if found.is_file() {
        return Ok(found.len());
    }
    Err(Error::invalid("file", format!("{} is not a regular file", path.display())))
}

fn list(
    folder: &Path,
    at: Option<&RelPath>,
    recorded: &Recorded,
    without: &[&str],
    nodes: &mut Vec<NewNode>,
    skipped: &mut Vec<Skipped>,
) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder).and_then(Iterator::collect).map_err(Error::io("list", folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(Error::UnsafePath { name: shown(at, &name.to_string_lossy()), reason: "not UTF-8" });
        };
        if without.contains(&name) {
            continue;
        }
        let path = at.map_or_else(|| RelPath::new(name), |at| at.child(name));
        let path = path.map_err(|error| match error {
            Error::UnsafePath { reason, .. } => Error::UnsafePath { name: shown(at, name), reason },
            error => error,
        })?;
        let found = entry.metadata().map_err(Error::io("read", entry.path()))?;
        let content = if found.is_dir() {
            NewContent::Directory
        } else if found.is_file() {
            NewContent::File { size: found.len() }
        } else if found.is_symlink() {
            NewContent::Symlink { target: link_target(&entry.path(), &path)? }
        } else {
            skipped.push(Skipped { path, what: kind_of(&found) });
            continue;
        };
        let is_directory = content == NewContent::Directory;
        nodes.push(NewNode { path: Some(path.clone()), metadata: metadata(&found, recorded), content });
        if is_directory {
            list(&entry.path(), Some(&path), recorded, &[], nodes, skipped)?;
        }
    }
    Ok(())
}

/// The path of an entry whose name may not be one.
fn shown(at: Option<&RelPath>, name: &str) -> String {
    at.map_or_else(|| name.to_owned(), |at| format!("{at}/{name}"))
}

/// What an entry that is neither file, folder nor link is.
#[cfg(unix)]
fn kind_of(found: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind_of(_found: &fs::Metadata) -> &'static str {
    "a device"
}

fn link_target(at: &Path, path: &RelPath) -> Result<LinkTarget> {
    let target = fs::read_link(at).map_err(Error::io("read link", at))?;
    let Some(text) = target.to_str() else {
        let name = format!("{path} -> {}", target.to_string_lossy());
        return Err(Error::UnsafePath { name, reason: "not UTF-8" });
    };
    LinkTarget::new(path, text)
}

#[cfg(unix)]
fn metadata(found: &fs::Metadata, recorded: &Recorded) -> NodeMetadata {
    use std::os::unix::fs::MetadataExt;
    let base = NodeMetadata::for_tree(found.mode());
    match recorded {
        Recorded::Reproducible(flags) => NodeMetadata { flags: flags.bits(), ..base },
        Recorded::AsOnDisk(flags) => NodeMetadata {
            flags: flags.bits(),
            uid: u64::from(found.uid()),
            gid: u64::from(found.gid()),
            mtime_ns: disk::mtime_ns(found),
            ..base
        },
    }
}

#[cfg(not(unix))]
fn metadata(found: &fs::Metadata, recorded: &Recorded) -> NodeMetadata {
    // A file made on Windows may be a program, but Windows does not record that: the publisher marks the entry.
    let mode = if found.is_dir() {
        0o040_755
    } else if found.is_symlink() {
        0o120_777
    } else {
        0o100_644
    };
    let base = NodeMetadata::for_tree(mode);
    match recorded {
        Recorded::Reproducible(flags) => NodeMetadata { flags: flags.bits(), ..base },
        Recorded::AsOnDisk(flags) => NodeMetadata { flags: flags.bits(), mtime_ns: disk::mtime_ns(found), ..base },
    }
}
