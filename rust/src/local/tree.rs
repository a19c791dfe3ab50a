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
    let listed = Listed::of(root, recorded, names)?;
    listed.layout()
}

/// An entry that is left out, because archives cannot hold its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path in the tree.
    pub path: RelPath,
    /// Its kind, with an article.
    pub what: &'static str,
}

/// The layout, and what was left out because archives cannot hold it.
pub fn layout_and_skipped(root: &Path, recorded: &Recorded) -> Result<(Layout, Vec<Skipped>)> {
    let mut listed = Listed::of(root, recorded, &[])?;
    let skipped = std::mem::take(&mut listed.skipped);
    Ok((listed.layout()?, skipped))
}

/// A name or a link that no tree may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe {
    /// Its path in the tree; of a link also its target.
    pub name: String,
    /// Why it is refused.
    pub reason: &'static str,
}

/// A tree for which everything that is wrong with it is to be told: its layout without the names and links that no tree
/// may have.
#[derive(Debug)]
pub struct Surveyed {
    /// The layout.
    pub layout: Layout,
    /// What was left out because archives cannot hold it.
    pub skipped: Vec<Skipped>,
    /// What no tree may have.
    pub refused: Vec<Unsafe>,
}

/// # Errors
/// Those of [`layout_and_skipped`] but `unsafe_path`.
pub fn survey(root: &Path, recorded: &Recorded) -> Result<Surveyed> {
    let Listed { mut nodes, skipped, mut refused } = Listed::of(root, recorded, &[])?;
    loop {
        match Layout::build(nodes.clone()) {
            Err(Error::UnsafePath { name, reason }) => {
                let count = nodes.len();
                nodes.retain(|node| shown_link(node).is_none_or(|shown| shown != name));
                if nodes.len() == count {
                    return Err(Error::UnsafePath { name, reason });
                }
                refused.push(Unsafe { name, reason });
            }
            layout => return Ok(Surveyed { layout: layout?, skipped, refused }),
        }
    }
}

/// A link as errors name it.
fn shown_link(node: &NewNode) -> Option<String> {
    match (&node.path, &node.content) {
        (Some(path), NewContent::Symlink { target }) => Some(format!("{path} -> {}", target.as_str())),
        _ => None,
    }
}

/// What a folder has.
struct Listed {
    nodes: Vec<NewNode>,
    skipped: Vec<Skipped>,
    refused: Vec<Unsafe>,
}

impl Listed {
    fn of(root: &Path, recorded: &Recorded, without: &[&str]) -> Result<Self> {
        let found = fs::metadata(root).map_err(Error::io("read", root))?;
        let top = NewNode { path: None, metadata: metadata(&found, recorded), content: NewContent::Directory };
        let mut listed = Self { nodes: vec![top], skipped: Vec::new(), refused: Vec::new() };
        list(root, None, recorded, without, &mut listed)?;
        Ok(listed)
    }

    /// # Errors
    /// `unsafe_path` for the first name or link that no tree may have.
    fn layout(self) -> Result<Layout> {
        match self.refused.into_iter().next() {
            Some(Unsafe { name, reason }) => Err(Error::UnsafePath { name, reason }),
            None => Layout::build(self.nodes),
        }
    }

    /// Notes an error that is about one entry alone.
    fn refuse(&mut self, error: Error) -> Result<()> {
        match error {
            Error::UnsafePath { name, reason } => {
                self.refused.push(Unsafe { name, reason });
                Ok(())
            }
            error => Err(error),
        }
    }
}

/// Size of the regular file at `path`, in bytes.
pub fn file_size(path: &Path) -> Result<u64> {
    let found = fs::metadata(path).map_err(Error::io("read", path))?;
    if found.is_file() {
        return Ok(found.len());
    }
    Err(Error::invalid("file", format!("{} is not a regular file", path.display())))
}

fn list(folder: &Path, at: Option<&RelPath>, recorded: &Recorded, without: &[&str], listed: &mut Listed) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder).and_then(Iterator::collect).map_err(Error::io("list", folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            listed.refuse(Error::UnsafePath { name: shown(at, &name.to_string_lossy()), reason: "not UTF-8" })?;
            continue;
        };
        if without.contains(&name) {
            continue;
        }
        let path = at.map_or_else(|| RelPath::new(name), |at| at.child(name));
        let path = match path {
            Ok(path) => path,
            Err(Error::UnsafePath { reason, .. }) => {
                listed.refuse(Error::UnsafePath { name: shown(at, name), reason })?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let found = entry.metadata().map_err(Error::io("read", entry.path()))?;
        let content = if found.is_dir() {
            NewContent::Directory
        } else if found.is_file() {
            NewContent::File { size: found.len() }
        } else if found.is_symlink() {
            match link_target(&entry.path(), &path) {
                Ok(target) => NewContent::Symlink { target },
                Err(error) => {
                    listed.refuse(error)?;
                    continue;
                }
            }
        } else {
            listed.skipped.push(Skipped { path, what: kind_of(&found) });
            continue;
        };
        let is_directory = content == NewContent::Directory;
        listed.nodes.push(NewNode { path: Some(path.clone()), metadata: metadata(&found, recorded), content });
        if is_directory {
            list(&entry.path(), Some(&path), recorded, &[], listed)?;
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
