//! The desktop's entries for an install.

use super::{Desktop, Updater};
use crate::error::Result;
use crate::event::Monitor;
use crate::install::integrate::{self, Record};
use crate::install::{Installed, InstalledVersion, Session};

impl Updater {
    /// Registers the install with the desktop (`setup_registry_values` in the proposal). Can be repeated.
    pub fn integrate(&self, desktop: &Desktop, monitor: &Monitor) -> Result<Record> {
        let mut session = self.enter("integrate", monitor)?;
        let current = session.current()?;
        let (version, bytes) = (current.version.to_string(), self.tree_bytes(current));
        let record = integrate::integrate(&integrate::Request {
            display_name: &desktop.display_name,
            install_root: self.root.directory(),
            program: &desktop.program,
            copies_program: desktop.copies_program,
            stub: desktop.stub.as_deref(),
            icon_svg: &desktop.icon_svg,
            scheme: &desktop.scheme,
            installed: (&version, bytes),
            links: desktop.links,
            folders: &desktop.folders,
            refresh: desktop.refresh.as_deref(),
            earlier: session.state.integration.as_ref(),
        })?;
        session.state.integration = Some(record.clone());
        session.commit()?;
        Ok(record)
    }

    /// Undoes [`Updater::integrate`]. Returns the record of what was undone, or `None` if nothing was registered.
    pub fn unintegrate(&self, monitor: &Monitor) -> Result<Option<Record>> {
        let mut session = self.enter("unintegrate", monitor)?;
        let Some(record) = session.state.integration.clone() else { return Ok(None) };
        integrate::unintegrate(&record)?;
        session.state.integration = None;
        session.commit()?;
        Ok(Some(record))
    }

    /// Shows the current version where the desktop lists installed programs.
    pub(super) fn show_version(&self, session: &mut Session, monitor: &Monitor) -> Result<()> {
        let (current, before) = (session.current()?.clone(), session.state.integration.clone());
        let Some(record) = &mut session.state.integration else { return Ok(()) };
        if let Err(error) = record.show_version(&current.version.to_string(), self.tree_bytes(&current)) {
            monitor.warn(&error);
        }
        if session.state.integration == before { Ok(()) } else { session.commit() }
    }

    /// The size of an installed version; 0 if its documents are gone.
    fn tree_bytes(&self, installed: &Installed) -> u64 {
        InstalledVersion::release(&self.root, &installed.folder).map_or(0, |release| release.sizes.tree_bytes)
    }
}
