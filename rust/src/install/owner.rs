//! Checks who owns an install. Another user who may write to it decides what is started here, and files that are
//! written there belong to the wrong user. So an install of another user is refused unless the caller names that user.

use std::fs;

use super::InstallRoot;
use crate::error::{Error, Result};
use crate::local::disk;

/// The administrator can do anything to this user anyway.
const ADMINISTRATOR: u32 = 0;

/// Our files and folders that decide what is started or trusted; the first is the root itself, the second `.vsekai`.
const DECIDING: [&str; 6] = ["", ".vsekai", ".vsekai/state.json", ".vsekai/indexes", ".vsekai/trust", "versions"];

/// Refuses an install that another user owns in whole or in part, unless it is the `trusted` one.
///
/// # Errors
/// `other_owner`; `invalid_argument` if `.vsekai` is a link.
pub(super) fn check(root: &InstallRoot, trusted: Option<u32>) -> Result<()> {
    let Some(us) = disk::this_user() else { return Ok(()) };
    for name in DECIDING {
        let path = if name.is_empty() { root.directory().to_owned() } else { root.directory().join(name) };
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if name == DECIDING[1] && found.is_symlink() {
            let reason = format!("{} is a link: the folder itself must be there", path.display());
            return Err(Error::invalid("install root", reason));
        }
        let is_known = |owner: u32| owner == us || owner == ADMINISTRATOR || Some(owner) == trusted;
        if let Some(owner) = disk::owner(&found).filter(|owner| !is_known(*owner)) {
            return Err(Error::OtherOwner { path, owner });
        }
    }
    Ok(())
}
