//! An install root: complete versions side by side, and one small file that says which of them is current.
//!
//! ```text
//! DIR/.vsekai/state.json   what is current, what was before, what is on trial   install/state.rs
//! DIR/.vsekai/lock         one process changes the root at a time
//! DIR/.vsekai/staging/     the version being built; survives a kill, and the next run continues from it
//! DIR/.vsekai/indexes/     documents and stamps of each version                      install/installed_version.rs
//! DIR/.vsekai/trust/       signed metadata seen so far
//! DIR/.vsekai/arriving     where an install that is being moved here comes from   install/move_install.rs
//! DIR/.vsekai/running/     who runs what, so that nothing is removed under a game
//! DIR/versions/<folder>/   a complete tree, never written to once it is there
//! DIR/current              a link to the current version, a convenience
//! DIR/saved/<folder>/      files that others added to a version that is gone, or changed in a version
//! ```
//!
//! Promises: an atomic write of `state.json` switches versions; before it the old one starts, after it the new one.
//! After a kill at any point, the next run continues. Files that we did not put there are never removed. Does not fetch
//! metadata, and trusts what it is given: [`updater`](crate::app::updater) fetches and verifies.

use crate::error::Result;
use crate::event::Monitor;

mod changed;
mod clean;
pub mod config;
mod copied_links;
mod foreign;
mod heal;
mod installed_version;
pub mod integrate;
pub mod launch;
pub mod link;
mod move_install;
mod owner;
mod prepare;
mod presence;
mod recover;
mod report;
mod rollback;
mod root;
mod running;
mod session;
mod signed;
mod state;
mod takeover;
mod uninstall;
mod used;
mod verify;
mod whole;

pub(crate) use heal::{can_start, warn_of};
pub use installed_version::{Documents, InstalledVersion, this_launcher};
pub use move_install::{Moved, move_install};
pub use prepare::{Installation, Prepared, Purpose, VersionJob, prepare};
pub use presence::{Need, first_missing};
pub use report::{Outcome, Report};
pub use rollback::VerifyDepth;
pub use root::InstallRoot;
pub use session::{Admission, Session};
pub use signed::{SignedDigests, mend as mend_release};
pub use state::{Change, End, InstallState, Installed, MAX_CHANGES, OpenStart, RollbackReason, Trial};
pub use takeover::InPlace;
pub use uninstall::{Uninstalled, uninstall};
pub use used::{removable_bytes, used_bytes};
pub use verify::{Condition, Damage, Examined, Verified, examine, glance, verify};

/// The name of the lock, in `.vsekai`.
const LOCK: &str = "lock";

/// Whether an install belongs to another user, so that this user may only read it; see `docs/install-root.md`.
pub fn is_of_another_user(root: &InstallRoot, trusted: Option<u32>) -> bool {
    owner::check(root, trusted).is_err()
}

/// Drops what interrupted runs have staged. The caller holds the root's lock.
pub fn discard(root: &InstallRoot, monitor: &Monitor) -> Result<()> {
    recover::drop_staged(root, None, monitor)
}
