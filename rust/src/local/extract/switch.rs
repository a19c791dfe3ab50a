//! The single step that changes the destination, and recovery from a kill before or after it.
//!
//! Before: `receipt.new` describes the staged tree. Switch: two folders are exchanged, or one is renamed if nothing was
//! there. After: `receipt.new` becomes `receipt`, and the old tree is removed. Where a system cannot exchange folders,
//! the old tree is first moved to `old`; [`recover`] brings it back if the second rename never happened.

use std::path::Path;

use super::IndexKind;
use crate::error::Result;
use crate::event::Monitor;
use crate::local::disk::{self, Durability};
use crate::local::receipt::{Receipt, Workplace};

pub(super) fn switch(workplace: &Workplace, tree: &Path, content: IndexKind, durability: Durability) -> Result<()> {
    let destination = workplace.destination();
    if content == IndexKind::Blob || !destination.exists() {
        disk::rename(tree, destination)?;
    } else if !disk::exchange(tree, destination)? {
        let old = workplace.join("old");
        disk::remove_all(&old)?;
        disk::rename(destination, &old)?;
        if let Err(error) = disk::rename(tree, destination) {
            disk::rename(&old, destination)?;
            return Err(error);
        }
    }
    match (durability, destination.parent()) {
        (Durability::PowerCut, Some(folder)) => disk::sync_directory(folder),
        _ => Ok(()),
    }
}

/// After the switch: makes the new receipt valid, and removes what is no longer needed. The new version is in place, so a
/// leftover that cannot be removed is only a warning; the next run removes it.
pub(super) fn clean_up(workplace: &Workplace, staging: &Path, monitor: &Monitor) -> Result<()> {
    disk::rename(&workplace.join("receipt.new"), &workplace.join("receipt"))?;
    for leftover in [staging.to_owned(), workplace.join("old")] {
        if let Err(error) = disk::remove_all(&leftover) {
            monitor.warn(&error);
        }
    }
    Ok(())
}

/// Completes a run that was killed; at most one of these steps is needed.
pub(super) fn recover(workplace: &Workplace) -> Result<()> {
    let (old, new) = (workplace.join("old"), workplace.join("receipt.new"));
    if old.exists() && !workplace.destination().exists() {
        disk::rename(&old, workplace.destination())?;
    }
    match Receipt::read(&new, workplace.destination()) {
        // The switch was done.
        Ok(Some(_)) => disk::rename(&new, &workplace.join("receipt"))?,
        _ => disk::remove_file(&new)?,
    }
    disk::remove_all(&old)?;
    drop_spools(workplace.folder())
}

fn drop_spools(folder: &Path) -> Result<()> {
    for entry in disk::list(folder)? {
        if entry.file_name().to_string_lossy().starts_with("spool-") {
            disk::remove_file(&entry.path())?;
        }
    }
    disk::remove_temporaries(folder)
}
