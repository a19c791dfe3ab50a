//! Repairs an installed version, and decides whether a version that cannot be repaired can be started anyway.
//!
//! ```text
//! only permissions are wrong  --->  chmod in place: one step for each file, from wrong to right
//! anything else               --->  prepare, apply: the version is built again next to the damaged one, from its
//!                                      sound parts, from the other version, and last from `sources`; then `state.json`
//!                                      names the new folder instead of the damaged one
//! ```
//!
//! Never writes to a file that two versions share: each version gets an inode of its own.

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
    /// Repairs the version in `folder`, whose differences are in `found`. Bytes come from the version itself, from the
    /// other installed versions, and from `sources`, in this order. Returns the work, if there was any.
    ///
    /// # Errors
    /// Those of the sources and of the disk; the version is then unchanged.
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
            // The new stamps only save the next run from reading the version again.
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
            // Usually little is damaged, and a bundle may build on the damaged parts.
            offers: Vec::new(),
            link: Link::default(),
            purpose: Purpose::Repair(folder.to_owned()),
            intent: Intent::Apply,
            scratch: self.root().control(""),
        };
        let prepared = prepare(&self.root().clone(), &self.state, job, monitor)?;
        prepared.apply(self, None, monitor).map(Some)
    }
}

/// Corrects the permissions. Returns the condition of each node afterwards.
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
        // A disk without permissions accepts any mode and keeps its own, which is not a reason to rebuild the version.
        let is_set = disk::set_mode(&path, mode).is_ok();
        let is_right = is_set || fs::symlink_metadata(&path).is_ok_and(|found| has_mode(&found, mode));
        // A file without read permission could not be verified before.
        if is_right && (nodes[at] == Condition::OtherMode || has_content(kept, at)) {
            nodes[at] = Condition::Sound;
        }
    }
    nodes
}

/// Whether another version shares this inode but needs another mode, so that each needs an inode of its own.
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

/// Accepts a damaged version, with a warning, if it can be started: a damaged game is better than none.
///
/// # Errors
/// `error`, the reason why it was not repaired, if it would not start.
pub(super) fn take_as_it_is(root: &InstallRoot, folder: &str, error: Error, monitor: &Monitor) -> Result<()> {
    if !InstalledVersion::read(root, folder).is_some_and(|kept| can_start(&kept)) {
        return Err(error);
    }
    monitor.warn(&error);
    warn_of(root, folder, monitor);
    Ok(())
}

/// Warns that a damaged version is used.
pub(crate) fn warn_of(root: &InstallRoot, folder: &str, monitor: &Monitor) {
    let path = root.versions(folder);
    let message =
        format!("{} is damaged and could not be mended now; it starts, so it is used as it is", path.display());
    let code = Error::Damaged { path, files: 0 }.code();
    monitor.emit(Event::Warned { code, message });
}

/// Whether the entry program of a version is whole and executable.
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
