//! Checks that an installed version is complete, without reading its files.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::installed_version::InstalledVersion;
use super::{InstallRoot, Installed, copied_links};
use crate::event::Monitor;
use crate::formats::archive::NodeKind;

/// The purpose for which a version is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To start it: needs its release document and its files.
    Start,
    /// To update, verify or go back to it: also needs its other documents.
    All,
}

/// The first part of an installed version that is missing or has something else in its place; `None` if nothing is.
/// Files with changed content are not missing.
pub fn first_missing(root: &InstallRoot, installed: &Installed, need: Need, monitor: &Monitor) -> Option<PathBuf> {
    let tree = root.versions(&installed.folder);
    if !fs::symlink_metadata(&tree).is_ok_and(|found| found.is_dir()) {
        return Some(tree);
    }
    let documents = || Some(root.control("indexes").join(&installed.folder));
    let Ok(release) = InstalledVersion::release(root, &installed.folder) else { return documents() };
    let entry = release.entry.path.below(&tree);
    if !is_file(&entry) {
        return Some(entry);
    }
    match InstalledVersion::known(root, &installed.folder) {
        Some(kept) => missing_node(&kept, monitor),
        None if need == Need::All => documents(),
        None => None,
    }
}

fn missing_node(kept: &InstalledVersion, monitor: &Monitor) -> Option<PathBuf> {
    let nodes = kept.documents.table.layout().nodes();
    let entry = &kept.documents.release.entry.path;
    let ends = copied_links::Ends::of(kept);
    let is_missing = |at: &usize| {
        let node = &nodes[*at];
        let path = node.path.as_ref().map_or(kept.tree().to_owned(), |path| path.below(kept.tree()));
        let Ok(found) = fs::symlink_metadata(&path) else {
            return !matches!(node.kind, NodeKind::Symlink { .. }) || !ends.may_lack(kept, *at);
        };
        match &node.kind {
            NodeKind::File { .. } if !found.is_file() => true,
            NodeKind::File { .. } => {
                let wanted = node.payload_bytes();
                let is_empty = found.len() == 0 && wanted > 0 && !kept.is_mutable(*at);
                // A program of another length would not start.
                is_empty || (node.path.as_ref() == Some(entry) && !kept.is_mutable(*at) && found.len() != wanted)
            }
            NodeKind::Directory => !found.is_dir(),
            NodeKind::Symlink { .. } => !found.is_symlink() && !kept.has_copied_links(),
            NodeKind::Device { .. } | NodeKind::Other => false,
        }
    };
    let path_of = |at: usize| nodes[at].path.as_ref().map_or(kept.tree().to_owned(), |path| path.below(kept.tree()));
    let first = match monitor.pool() {
        Ok(pool) => pool.install(|| (0..nodes.len()).into_par_iter().find_first(is_missing)),
        Err(_) => (0..nodes.len()).find(is_missing),
    };
    first.map(path_of)
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() || found.is_symlink())
}
