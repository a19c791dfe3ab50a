//! The programs that an integration places in the install root, so that what the desktop starts has a path that stays.

use std::path::PathBuf;

use super::change::Work;
use super::{Request, digits};
use crate::error::Result;
use crate::install::config::System;
use crate::local::disk;
use crate::path::check_name;

/// What the desktop starts.
#[derive(Debug)]
pub(super) struct Placed {
    /// The `vsekai`: the one of the request, or a copy of it.
    pub(super) program: PathBuf,
    /// The copy of the stub.
    pub(super) stub: Option<PathBuf>,
    is_copy: bool,
}

impl Placed {
    /// Decides what is placed where.
    pub(super) fn find(system: System, request: &Request<'_>, work: &Work<'_>) -> Result<Self> {
        let stub = match request.stub.filter(|_| system == System::Windows) {
            Some(stub) if check_name(request.display_name).is_ok() => {
                let place = request.install_root.join(format!("{}.exe", request.display_name));
                let digits = digits(request.install_root);
                let other = request.install_root.join(format!("{} ({digits}).exe", request.display_name));
                // Next to a program that is not ours.
                Some(if work.may_place(&place, stub)? { place } else { other })
            }
            _ => None,
        };
        let is_copy = request.copies_program || stub.is_some();
        let copy = || {
            let name = format!("vsekai{}", if system == System::Windows { ".exe" } else { "" });
            request.install_root.join(".vsekai").join("bin").join(name)
        };
        Ok(Self { program: if is_copy { copy() } else { request.program.to_owned() }, stub, is_copy })
    }

    /// Places the copies.
    pub(super) fn place(&self, request: &Request<'_>, work: &mut Work<'_>) -> Result<()> {
        if self.is_copy {
            if let Some(folder) = self.program.parent() {
                work.folder(folder)?;
                // Who may write here decides what is started.
                disk::keep_to_owner(folder)?;
            }
            work.copy(&self.program, request.program)?;
        }
        match (&self.stub, request.stub) {
            (Some(place), Some(stub)) => work.copy(place, stub),
            _ => Ok(()),
        }
    }
}
