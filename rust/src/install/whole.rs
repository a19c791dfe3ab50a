//! Before a start: checks that the current version is complete. If it is not, repairs it from what is on the disk,
//! because a start does not wait for the network; otherwise the previous version is started instead, this once.

use super::heal::can_start;
use super::launch::LaunchOptions;
use super::presence::{Need, first_missing};
use super::takeover::InPlace;
use super::verify::glance;
use super::{Admission, InstallRoot, InstallState, InstalledVersion, Session, signed, warn_of};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::local::sources::Sources;

/// Makes sure that `state` names a version that can be started. If another version takes the place of an incomplete
/// one, returns the number of the incomplete version; the state on the disk does not change then.
///
/// # Errors
/// `damaged` if no version can be started; `cancelled`.
pub(super) fn ready(
    root: &InstallRoot,
    state: &mut InstallState,
    (admission, options): (&Admission<'_>, &LaunchOptions),
    monitor: &Monitor,
) -> Result<Option<String>> {
    let Some(current) = state.current.clone() else { return Ok(None) };
    if let Some(wanted) = options.signed.differing(root, &current) {
        // A failure does not matter here: the signed document is used in any case.
        let _ = Session::enter(root, admission, monitor).and_then(|_lock| signed::mend(root, &current, wanted));
    }
    let Some(missing) = first_missing(root, &current, Need::Start, monitor) else { return Ok(None) };
    let tell = |message: String| {
        let code = Error::Damaged { path: root.versions(&current.folder), files: 1 }.code();
        monitor.emit(Event::Warned { code, message });
    };
    let is_there = std::fs::symlink_metadata(&missing).is_ok();
    let what = if is_there { "is not as it was installed with" } else { "is missing from" };
    tell(format!("{} {what} {}", missing.display(), current.version));
    match mend(root, admission, monitor) {
        Ok(mended) => {
            tell(format!("{} was repaired from what is on this disk", current.version));
            *state = mended;
            return Ok(None);
        }
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) if error.is_for_want_of_bytes() => {
            tell(format!("what is missing is not on this disk; repairing {} needs the repository", current.version));
        }
        Err(error) => monitor.warn(&error),
    }
    let previous = state.previous.clone().filter(|it| first_missing(root, it, Need::Start, monitor).is_none());
    let starts = |folder: &str| InstalledVersion::read(root, folder).is_some_and(|kept| can_start(&kept));
    if let Some(previous) = previous.filter(|previous| starts(&previous.folder)) {
        tell(format!("{} is started instead of {}", previous.version, current.version));
        state.current = Some(previous);
        state.previous = None;
        state.trial = None;
        return Ok(Some(current.version.to_string()));
    }
    if InstalledVersion::release(root, &current.folder).is_err() {
        return Err(Error::Damaged { path: missing, files: 1 });
    }
    if starts(&current.folder) {
        warn_of(root, &current.folder, monitor);
    }
    Ok(None)
}

/// Repairs the current version from itself and the previous one. Returns the resulting state.
fn mend(root: &InstallRoot, admission: &Admission<'_>, monitor: &Monitor) -> Result<InstallState> {
    let mut session = Session::enter(root, admission, monitor)?;
    let current = session.current()?.clone();
    let damaged = || Error::Damaged { path: root.versions(&current.folder), files: 1 };
    let kept = InstalledVersion::known(root, &current.folder).ok_or_else(damaged)?;
    let found = glance(&kept, monitor)?;
    let previous = session.state.previous.as_ref();
    let previous = previous.and_then(|previous| InstalledVersion::read(root, &previous.folder));
    let others = previous.map(InPlace::unread).into_iter().collect();
    session.mend(&current.folder, &found, others, Sources::default(), &monitor.without_states())?;
    Ok(session.state.clone())
}
