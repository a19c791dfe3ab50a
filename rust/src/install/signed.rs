//! Compares the release documents of installed versions with the digests that were signed.
//!
//! A release document says what is started, with which arguments, and which files the game may change. Its digest is
//! in the mode's signed metadata, which `.vsekai/trust` remembers; usually the document itself is remembered, too.

use std::collections::BTreeMap;

use super::installed_version::InstalledVersion;
use super::{InstallRoot, Installed};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::formats::release::{Release, target_name};
use crate::limits;
use crate::local::disk;

/// The signed digests of release documents, by target name.
#[derive(Debug, Clone, Default)]
pub struct SignedDigests(BTreeMap<String, Digest>);

impl SignedDigests {
    /// The digests of verified metadata. Documents that are not in it cannot be compared.
    pub fn new(targets: BTreeMap<String, Digest>) -> Self {
        Self(targets)
    }

    fn of(&self, installed: &Installed) -> Option<Digest> {
        let Installed { mode, version, platform, .. } = installed;
        self.0.get(&target_name(mode, version, platform, "release.json")).copied()
    }

    /// The signed digest of the installed release document, if the document differs or is missing. `None` if it is as
    /// signed, or if its digest is not known.
    pub fn differing(&self, root: &InstallRoot, installed: &Installed) -> Option<Digest> {
        let wanted = self.of(installed)?;
        let found = InstalledVersion::release_bytes(root, &installed.folder).map(|bytes| Digest::of(&bytes));
        (found.ok() != Some(wanted)).then_some(wanted)
    }

    /// The release document to start a version with: the installed one, or the remembered one if that differs from what
    /// was signed.
    ///
    /// # Errors
    /// `damaged` if the signed document is not available.
    pub(super) fn release(&self, root: &InstallRoot, installed: &Installed, monitor: &Monitor) -> Result<Release> {
        let Some(wanted) = self.differing(root, installed) else {
            return InstalledVersion::release(root, &installed.folder);
        };
        let path = InstalledVersion::release_path(root, &installed.folder);
        let damaged = Error::Damaged { path: path.clone(), files: 1 };
        let code = damaged.code();
        let bytes = remembered(root, wanted).ok_or(damaged)?;
        let message = format!("{} is not the document that was signed; the signed one is used", path.display());
        monitor.emit(Event::Warned { code, message });
        Release::parse(&bytes, None)
    }
}

/// Replaces a document that is not the signed one by the remembered one. Returns whether it was remembered.
pub fn mend(root: &InstallRoot, installed: &Installed, wanted: Digest) -> Result<bool> {
    match remembered(root, wanted) {
        Some(bytes) => InstalledVersion::replace_release(root, &installed.folder, &bytes).map(|()| true),
        None => Ok(false),
    }
}

/// A document that was remembered with the metadata.
fn remembered(root: &InstallRoot, wanted: Digest) -> Option<Vec<u8>> {
    let path = root.trust().join("cache").join(wanted.to_string());
    let bytes = disk::read_control(&path, limits::MAX_DOCUMENT_BYTES).ok()??;
    (Digest::of(&bytes) == wanted).then_some(bytes)
}
