//! Makes a version in place whole again, and says whether one that cannot be made whole starts all the same.
//!
//! ```text
//! permissions alone are wrong  --->  chmod, in place: one step a file, from wrong to right
//! anything else                --->  prepare, apply: the version is built anew beside the damaged one, from what is
//!                                    sound in it, from the other version, and last from `sources`; then state.json
//!                                    names the new folder instead of the damaged one
//! ```
//!
//! A file that two versions share is never written to: each gets an inode of its own.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::installed_version::InstalledVersion;
use super::prepare::{mode_of, prepare};
use super::takeover::InPlace;
use super::verify::{Condition, Damage, Verified, has_content, has_mode};
use super::{InstallRoot, Installation, Purpose, Session, VersionJob};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::local::disk;
use crate::local::sources::Sources;
use crate::local::staging::Intent;
use crate::local::strategy::Link;

impl Session {
    /// Mends the version in `folder`, of which `found` tells what is wrong. Bytes come from itself, from the other
    /// versions in place, and from `sources`, in this order. Gives the work, if there was any.
    ///
    /// # Errors
    /// If what is missing cannot be had, or not be written: the version is as it was then.
    pub fn mend(
        &mut self,
        folder: &str,
        found: &Verified,
        others: Vec<InPlace>,
        sources: Sources,
        monitor: &Monitor,
    ) -> Result<Option<Installation>> {
        let lost = || Error::Damaged { path: self.root().versions(folder), files: found.damaged_files() };
        let kept = InstalledVersion::known(self.root(), folder).ok_or_else(lost)?;
        let nodes = mend_modes(&kept, found, &others);
        if nodes.iter().all(|condition| *condition == Condition::Sound) {
            // Only saves the next one from reading it again.
            kept.stamp_again(self.root(), folder, monitor).unwrap_or_else(|error| monitor.warn(&error));
            return Ok((!found.damage.is_empty()).then(Installation::default));
        }
        let documents = kept.documents.clone();
        let mut in_place = vec![InPlace { kept, nodes: Some(nodes) }];
        in_place.extend(others);
        let job = VersionJob {
            documents,
            in_place,
            sources,
            // What is damaged is little, as a rule, and a bundle may build on it.
            offers: Vec::new(),
            link: Link::default(),
            purpose: Purpose::Repair(folder.to_owned()),
            intent: Intent::Apply,
            scratch: self.root().control(""),
        };
        let prepared = prepare(&self.root().clone(), &self.state, job, monitor)?;
        prepared.apply(self, monitor).map(Some)
    }
}

/// Sets the permissions that are wrong, and gives the condition of each node then.
fn mend_modes(kept: &InstalledVersion, found: &Verified, others: &[InPlace]) -> Vec<Condition> {
    let mut nodes = found.nodes.clone();
    let is_mode = |damage: &&Damage| matches!(damage, Damage::Mode { .. });
    let wrong: HashSet<&str> = found.damage.iter().filter(is_mode).map(Damage::path).collect();
    for (at, node) in kept.documents.table.layout().nodes().iter().enumerate() {
        let Some(name) = node.path.as_ref().filter(|path| wrong.contains(path.as_str())) else { continue };
        let (path, mode) = (name.below(kept.tree()), mode_of(&kept.documents.release, node));
        if is_wanted_otherwise(&path, kept, at, mode, others) {
            continue;
        }
        // A disk that keeps no permissions takes any, and stays as it is: no reason to build the version anew.
        let is_set = disk::set_mode(&path, mode).is_ok();
        let is_right = is_set || fs::symlink_metadata(&path).is_ok_and(|found| has_mode(&found, mode));
        // Nobody could read a file that nobody may read.
        if is_right && (nodes[at] == Condition::OtherMode || has_content(kept, at)) {
            nodes[at] = Condition::Sound;
        }
    }
    nodes
}

/// Whether another version has the same inode, and wants it with another mode: then it needs two.
fn is_wanted_otherwise(path: &Path, kept: &InstalledVersion, node: usize, mode: u32, others: &[InPlace]) -> bool {
    let identity = |path: &Path| fs::symlink_metadata(path).ok().and_then(|found| disk::identity(path, &found));
    let digest = kept.documents.table.digest(node);
    let Some(here) = identity(path) else { return false };
    others.iter().map(|other| &other.kept).any(|other| {
        let table = &other.documents.table;
        let same = table.files().filter(|(.., found)| Some(*found) == digest);
        let mut differs =
            same.filter(|(at, ..)| mode_of(&other.documents.release, &table.layout().nodes()[*at]) != mode);
        differs.any(|(_, path, ..)| identity(&path.below(other.tree())) == Some(here))
    })
}

/// Lets a damaged version be taken as it is, with a warning, if it starts: a game that starts beats none.
///
/// # Errors
/// `error`, which says why it was not mended, if it would not start.
pub(super) fn take_as_it_is(root: &InstallRoot, folder: &str, error: Error, monitor: &Monitor) -> Result<()> {
    if !InstalledVersion::read(root, folder).is_some_and(|kept| can_start(&kept)) {
        return Err(error);
    }
    monitor.warn(&error);
    warn_of(root, folder, monitor);
    Ok(())
}

/// Warns that a damaged version is taken.
pub(crate) fn warn_of(root: &InstallRoot, folder: &str, monitor: &Monitor) {
    let path = root.versions(folder);
    let message =
        format!("{} is damaged and could not be mended now; it starts, so it is used as it is", path.display());
    let code = Error::Damaged { path, files: 0 }.code();
    monitor.emit(Event::Warned { code, message });
}

/// Whether the program of a version is whole, and may be run.
pub(crate) fn can_start(kept: &InstalledVersion) -> bool {
    let release = &kept.documents.release;
    let Some(entry) = kept.documents.table.find(&release.entry.path) else { return false };
    let path = release.entry.path.below(kept.tree());
    let may_run = || {
        let found = fs::symlink_metadata(&path);
        !cfg!(unix) || !release.platform.has_exec_bit() || found.is_ok_and(|found| disk::mode(&found) & 0o111 != 0)
    };
    has_content(kept, entry) && may_run()
}
