//! Finds the files of a new version that an installed version also has, at the same or another path, and decides how to
//! take over each.
//!
//! If the disk does not support clones, two versions may share an inode, and a write to one also changes the other.
//! Files that games may write to are therefore copied: small ones, and types used for settings, saved games and logs.
//! The rest is hard-linked, which is nearly all bytes but few files. `docs/install-root.md` states the cost.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use super::installed_version::InstalledVersion;
use super::prepare::mode_of;
use super::verify::{Condition, has_content};
use super::{Documents, Purpose, VersionJob};
use crate::digest::Digest;
use crate::error::Result;
use crate::event::Monitor;
use crate::local::plan::{Keep, Takeover};
use crate::path::RelPath;

/// Files below this size, in bytes, are copied: creating the inode costs as much as copying them.
const SHARE_FROM_BYTES: u64 = 64 << 10;

/// Extensions of files that games write to. They are copied regardless of their size.
const WRITTEN: [&str; 17] = [
    "cfg",
    "conf",
    "config",
    "csv",
    "db",
    "ini",
    "json",
    "log",
    "properties",
    "sav",
    "save",
    "sqlite",
    "toml",
    "txt",
    "xml",
    "yaml",
    "yml",
];

/// An installed version, and the condition of its files.
#[derive(Debug)]
pub struct InPlace {
    /// The installed version.
    pub kept: InstalledVersion,
    /// The condition of each node of its layout; `None` if its files were not read.
    pub nodes: Option<Vec<Condition>>,
}

impl InPlace {
    /// A version whose files were not read: those with unchanged stamps are trusted.
    pub fn unread(kept: InstalledVersion) -> Self {
        Self { kept, nodes: None }
    }

    /// The condition of a file. An update trusts its stamp; a repair reads it.
    fn condition(&self, node: usize, purpose: &Purpose) -> Condition {
        match (&self.nodes, purpose) {
            (Some(nodes), _) => nodes.get(node).copied().unwrap_or(Condition::Damaged),
            (None, Purpose::Update) if self.kept.is_untouched(node) => Condition::Sound,
            (None, Purpose::Repair(_)) if self.kept.is_untouched(node) && has_content(&self.kept, node) => {
                Condition::Sound
            }
            (None, _) => Condition::Damaged,
        }
    }
}

/// Whether two versions may share the bytes of this file.
pub(super) fn may_share(path: &RelPath, size: u64) -> bool {
    let ending = Path::new(path.as_str()).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    size >= SHARE_FROM_BYTES && !WRITTEN.iter().any(|kind| ending.eq_ignore_ascii_case(kind))
}

/// The place of a file's content: the position of the version, and the node in its layout.
type Place = (usize, usize);

/// The files that can be taken over. The version at `base` has priority, and its mutable files belong to the player.
pub(super) fn unchanged(job: &VersionJob, base: Option<usize>, monitor: &Monitor) -> Result<Vec<Keep>> {
    let order = base.into_iter().chain((0..job.in_place.len()).filter(|at| Some(*at) != base));
    let search = Search::new(job, base, order);
    let files: Vec<_> = job.documents.table.files().collect();
    Ok(monitor.pool()?.install(|| files.into_par_iter().filter_map(|file| search.keep(file)).collect()))
}

struct Search<'a> {
    job: &'a VersionJob,
    base: Option<usize>,
    by_path: HashMap<&'a RelPath, usize>,
    by_content: HashMap<(Digest, u64), Vec<Place>>,
}

impl<'a> Search<'a> {
    fn new(job: &'a VersionJob, base: Option<usize>, order: impl Iterator<Item = usize>) -> Self {
        let mut by_content: HashMap<_, Vec<Place>> = HashMap::new();
        for at in order {
            let kept = &job.in_place[at].kept;
            for (node, _, size, digest) in kept.documents.table.files().filter(|(node, ..)| !kept.is_mutable(*node)) {
                by_content.entry((digest, size)).or_default().push((at, node));
            }
        }
        let files = base.map(|base| job.in_place[base].kept.documents.table.files());
        let by_path = files.into_iter().flatten().map(|(node, path, ..)| (path, node)).collect();
        Self { job, base, by_path, by_content }
    }

    fn keep(&self, (node, path, size, digest): (usize, &RelPath, u64, Digest)) -> Option<Keep> {
        let is_mutable = self.job.documents.release.mutable.contains(path);
        let here = self.base.and_then(|base| Some((base, *self.by_path.get(path)?)));
        let here = here.filter(|place| self.kept(*place).documents.table.digest(place.1) == Some(digest));
        let (place, condition) = if is_mutable {
            // Keep the player's copy as the game left it, because the publisher has not changed the original.
            let is_players = |place: &Place| self.kept(*place).is_mutable(place.1);
            here.filter(|place| is_players(place) || self.usable(*place).is_some())
                .map(|place| (place, Condition::OtherMode))
        } else {
            let here = here.filter(|place| !self.kept(*place).is_mutable(place.1));
            let elsewhere = self.by_content.get(&(digest, size)).into_iter().flatten().copied();
            here.into_iter().chain(elsewhere).find_map(|place| self.usable(place))
        }?;
        let old = &self.kept(place).documents;
        let from_node = &old.table.layout().nodes()[place.1];
        let from = from_node.path.as_ref()?.below(self.kept(place).tree());
        let new_node = &self.job.documents.table.layout().nodes()[node];
        let is_same_mode = mode_of(&old.release, from_node) == mode_of(&self.job.documents.release, new_node);
        let how = if !is_same_mode || condition != Condition::Sound {
            Takeover::CopyWithMode
        } else if may_share(path, size) {
            Takeover::Share
        } else {
            Takeover::Copy
        };
        std::fs::symlink_metadata(&from).is_ok_and(|found| found.is_file()).then_some(Keep { node, from, how })
    }

    fn kept(&self, (at, _): Place) -> &InstalledVersion {
        &self.job.in_place[at].kept
    }

    /// The place and its condition, if it has the right content. May read the file.
    fn usable(&self, place: Place) -> Option<(Place, Condition)> {
        let condition = self.job.in_place[place.0].condition(place.1, &self.job.purpose);
        (condition != Condition::Damaged).then_some((place, condition))
    }
}

/// Number of files of `old` that the new version does not have.
pub(super) fn removed(old: &InstalledVersion, documents: &Documents) -> u64 {
    let wanted: std::collections::HashSet<&RelPath> = documents.table.files().map(|(_, path, ..)| path).collect();
    old.documents.table.files().filter(|(_, path, ..)| !wanted.contains(path)).count() as u64
}
