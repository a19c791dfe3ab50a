//! Symbolic links on a disk that has none: each is a copy of what it leads to. [`assemble`](crate::local::assemble)
//! makes these copies.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::installed_version::InstalledVersion;
use crate::formats::archive::NodeKind;
use crate::local::assemble::is_left_out;
use crate::local::disk;

/// The target of each link of a version; empty if the disk has links.
pub(super) struct Ends(HashMap<usize, usize>);

impl Ends {
    pub(super) fn of(kept: &InstalledVersion) -> Self {
        Self(if kept.has_copied_links() { kept.documents.table.layout().link_ends() } else { HashMap::new() })
    }

    /// Whether there may be nothing in place of the link at this position, because it leads nowhere or back to itself.
    pub(super) fn may_lack(&self, kept: &InstalledVersion, link: usize) -> bool {
        let layout = kept.documents.table.layout();
        kept.has_copied_links() && self.0.get(&link).is_none_or(|end| is_left_out(layout, link, *end))
    }

    /// Whether there is a copy of the same size in place of the link at this position. Compares the content if `deep`.
    pub(super) fn is_copied(&self, kept: &InstalledVersion, link: usize, deep: bool) -> bool {
        let nodes = kept.documents.table.layout().nodes();
        let Some(path) = &nodes[link].path else { return false };
        let path = path.below(kept.tree());
        match self.0.get(&link) {
            Some(end) if !self.may_lack(kept, link) => is_copy(kept, *end, &path, deep),
            _ => kept.has_copied_links() && fs::symlink_metadata(&path).is_err(),
        }
    }
}

/// Whether there is a copy of this node at `path`. Compares the content if `deep`.
fn is_copy(kept: &InstalledVersion, end: usize, path: &Path, deep: bool) -> bool {
    let nodes = kept.documents.table.layout().nodes();
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    match &nodes[end].kind {
        NodeKind::File { .. } => {
            let is_long = found.is_file() && found.len() == nodes[end].payload_bytes();
            let wanted = kept.documents.table.digest(end);
            is_long && (!deep || disk::sha256(path).is_ok_and(|found| Some(found) == wanted))
        }
        NodeKind::Directory => {
            let above = nodes[end].path.as_ref().map_or("", |path| path.as_str());
            let inside = kept.documents.table.layout().below(end);
            found.is_dir()
                && inside.into_iter().filter(|at| matches!(nodes[*at].kind, NodeKind::File { .. })).all(|at| {
                    let name = nodes[at].path.as_ref().map_or("", |path| path.as_str());
                    let name = name.strip_prefix(above).unwrap_or(name).trim_start_matches('/');
                    is_copy(kept, at, &path.join(name), deep)
                })
        }
        _ => true,
    }
}
