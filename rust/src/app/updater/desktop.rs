//! The desktop's entries for an install.

use std::path::Path;

use super::{Desktop, Updater};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::integrate::{self, Icon, Opens, Record};
use crate::install::{self, InstallRoot, InstallState, Installed, InstalledVersion, Moved, Session};

impl Updater {
    /// Registers the install with the desktop (`setup_registry_values` in the proposal). Can be repeated.
    pub fn integrate(&self, desktop: &Desktop, monitor: &Monitor) -> Result<Record> {
        let mut session = self.enter("integrate", monitor)?;
        let current = session.current()?;
        let (version, bytes) = (current.version.to_string(), self.tree_bytes(current));
        let installed = (version.as_str(), bytes);
        let earlier = session.state.integration.as_ref();
        let record = integrate::integrate(&self.request(desktop, installed, earlier))?;
        let before = session.state.integration.as_ref().map(|record| &record.opens);
        let opens = if desktop.opens == Opens::Game { before.unwrap_or(&Opens::Game) } else { &desktop.opens };
        let record = record.opening(opens);
        session.state.integration = Some(record.clone());
        session.commit()?;
        Ok(record)
    }

    /// Starts `desktop.opens`, a launcher, when the user logs in, or no longer. Can be repeated.
    pub fn start_at_login(&self, desktop: &Desktop, is_wanted: bool, monitor: &Monitor) -> Result<()> {
        let mut session = self.enter("start at login", monitor)?;
        session.current()?;
        let earlier = session.state.login.take();
        if is_wanted {
            let request = self.request(desktop, ("", 0), earlier.as_ref());
            session.state.login = Some(integrate::start_at_login(&request, &desktop.opens)?);
        } else if let Some(record) = earlier {
            integrate::unintegrate(&record)?;
        }
        session.commit()
    }

    fn request<'a>(
        &'a self,
        desktop: &'a Desktop,
        installed: (&'a str, u64),
        earlier: Option<&'a Record>,
    ) -> integrate::Request<'a> {
        integrate::Request {
            display_name: &desktop.display_name,
            install_root: self.root.directory(),
            program: &desktop.program,
            copies_program: desktop.copies_program,
            stub: desktop.stub.as_deref(),
            icon: match (&desktop.icon_png256, &desktop.icon_svg) {
                (Some(png), _) => Some(Icon::Png256(png)),
                (None, svg) => svg.as_deref().map(Icon::Svg),
            },
            app_id_prefix: &desktop.app_id_prefix,
            scheme: &desktop.scheme,
            installed,
            links: desktop.links,
            folders: &desktop.folders,
            refresh: desktop.refresh.as_deref(),
            earlier,
        }
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

    /// Moves the install to another folder, or continues a move. What is registered with the desktop is registered anew,
    /// as `desktop` says when it is given the name and the links of before.
    pub fn move_install(
        &self,
        to: &Path,
        desktop: &dyn Fn(&Record) -> Result<Desktop>,
        monitor: &Monitor,
    ) -> Result<Moved> {
        let there = Self { root: InstallRoot::at(to)?, settings: self.settings.clone() };
        let moved = match install::move_install(&self.root, &there.root, &self.admission("move"), monitor) {
            // An earlier run was stopped after its last step.
            Err(Error::NotInstalled { .. }) if there.is_registered_elsewhere() => {
                let directory = there.root.directory().to_owned();
                Moved { directory, copied_bytes: 0, is_old_folder_gone: !self.root.directory().exists() }
            }
            other => other?,
        };
        let there = Self { root: InstallRoot::at(to)?, ..there };
        if let Err(error) = there.register_again(desktop, monitor) {
            // The game works without it, and it can be asked for again.
            monitor.warn(&error);
        }
        Ok(moved)
    }

    /// The record of a registration for the folder that this install was moved from.
    fn old_record(&self) -> Option<Record> {
        let record = InstallState::load(&self.root).ok()??.integration?;
        let is_old = !record.app_id.ends_with(&integrate::digits(self.root.directory()));
        is_old.then_some(record)
    }

    fn is_registered_elsewhere(&self) -> bool {
        self.old_record().is_some()
    }

    fn register_again(&self, desktop: &dyn Fn(&Record) -> Result<Desktop>, monitor: &Monitor) -> Result<()> {
        let Some(record) = self.old_record() else { return Ok(()) };
        integrate::unintegrate(&record)?;
        self.integrate(&desktop(&record)?, monitor).map(drop)
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
