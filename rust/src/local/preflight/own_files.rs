//! Finds the publisher's own files in the tree: whatever is in the tree goes to every player.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::binary::System;
use super::{Finding, Findings, Rule};
use crate::error::{Error, Result};
use crate::formats::archive::{Layout, NodeKind};
use crate::local::disk;

/// One finding for each of these files and folders that is in the tree: directly, through links, in another spelling,
/// or as a hard link. What does not exist yet is judged by the folder in which it would be created. `what` names each,
/// as the subject of a sentence.
///
/// # Errors
/// [`Error::Io`] if the tree cannot be read.
pub fn own_files(root: &Path, layout: &Layout, own: &[(&str, &Path)]) -> Result<Vec<Finding>> {
    let tree = Place::of(root).map_err(Error::io("read", root))?;
    let mut findings = Findings::of(System::Linux);
    for (what, path) in own {
        if tree.contains(path) {
            let message = format!("{what}, {}, is in the tree.", path.display());
            findings.add(Rule::PublisherFile, None, message);
        } else if let Some(twin) = hard_link(root, layout, path) {
            let message = format!("{what}, {}, is in the tree, as {twin}.", path.display());
            findings.add(Rule::PublisherFile, None, message);
        }
    }
    Ok(findings.finish())
}

/// A folder, under any name.
struct Place {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Place {
    fn of(folder: &Path) -> std::io::Result<Self> {
        Ok(Self { path: disk::canonicalize(folder)?, identity: disk::identity(folder, &fs::metadata(folder)?) })
    }

    /// Whether a path, or what it leads to, is this folder or in it.
    fn contains(&self, path: &Path) -> bool {
        let Ok(written) = std::path::absolute(path) else { return false };
        // As written: a link in the tree is in the tree, wherever it leads. As it leads: a link into the tree, too.
        let existing = written.ancestors().find_map(|above| disk::canonicalize(above).ok());
        [Some(without_dots(&written)), existing].iter().flatten().any(|path| path.ancestors().any(|it| self.is(it)))
    }

    fn is(&self, folder: &Path) -> bool {
        if folder == self.path {
            return true;
        }
        let found = || fs::metadata(folder).ok().and_then(|found| disk::identity(folder, &found));
        self.identity.is_some() && found() == self.identity
    }
}

/// The folder of the path without links, and its last name as it is.
fn without_dots(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| disk::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// A file of the tree that is the same file on disk.
fn hard_link(root: &Path, layout: &Layout, path: &Path) -> Option<String> {
    let own = fs::metadata(path).ok().filter(Metadata::is_file)?;
    let identity = disk::identity(path, &own).filter(|_| disk::link_count(path, &own) > 1)?;
    let files = layout.nodes().iter().filter(|node| matches!(node.kind, NodeKind::File { .. }));
    let paths = files.filter(|node| node.payload_bytes() == own.len()).filter_map(|node| node.path.as_ref());
    let is_twin = |path: &&crate::path::RelPath| {
        let path = path.below(root);
        fs::symlink_metadata(&path).is_ok_and(|found| disk::identity(&path, &found) == Some(identity))
    };
    paths.into_iter().find(is_twin).map(ToString::to_string)
}
