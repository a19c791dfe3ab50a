//! What a disk can hold: FAT, exFAT and many network shares have no permissions and no links.
//!
//! Nothing tells this reliably but trying. A difference that the disk cannot hold is no damage.

use std::fs;
use std::io;
use std::path::Path;

use super::{create, names, remove_file, step::step, system, temporary_beside};
use crate::error::{Error, Result};

/// The permission bits that a file gets on the disk of `folder` when it is given `mode`. Creates a file to find out, so
/// `folder` must be ours.
pub fn held_mode(folder: &Path, mode: u32) -> Result<u32> {
    let path = temporary_beside(&folder.join("mode"));
    drop(create(&path)?);
    let offered = names::offer_mode(&path, mode);
    let found = fs::symlink_metadata(&path).map(|found| system::mode(&found)).map_err(Error::io("read", &path));
    // A read-only file cannot be removed on some systems.
    let _ = names::offer_mode(&path, 0o600);
    remove_file(&path)?;
    offered.and(found)
}

/// Whether the disk of `folder` has symbolic links. Creates one to find out, so `folder` must be ours.
pub fn holds_links(folder: &Path) -> Result<bool> {
    let path = temporary_beside(&folder.join("link"));
    match step("symlink", &path, || system::symlink(Path::new("nothing"), &path)) {
        Ok(()) => remove_file(&path).map(|()| true),
        Err(e) if is_beyond_the_disk(&e) => Ok(false),
        Err(e) => Err(Error::io("create link", &path)(e)),
    }
}

/// Whether this error means that the disk has no such thing, and not that this user may not do it.
pub fn is_beyond_the_disk(error: &io::Error) -> bool {
    system::is_beyond_the_disk(error)
}
