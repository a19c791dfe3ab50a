//! Metadata that a publisher without the online keys signs for a server.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Publication;
use crate::error::{Result, TrustKind};
use crate::net::api::TrustUpload;
use crate::net::trust::CATALOG_ROLE;
use crate::net::trust::error::trust;

/// Files that were signed offline to create a repository, or to add roots, delegations and modes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustFiles {
    /// Roots by version, without a gap after the published ones. Published roots may be included.
    pub roots: BTreeMap<u64, Vec<u8>>,
    /// `targets.json`, if it has changed.
    pub targets: Option<Vec<u8>>,
    /// Metadata of each mode that is new or has a new key, by mode name.
    pub roles: BTreeMap<String, Vec<u8>>,
}

impl TrustFiles {
    /// Encodes the files for the request to the server.
    pub fn to_upload(&self) -> TrustUpload {
        let roots = self.roots.iter().map(|(version, bytes)| (version.to_string(), STANDARD.encode(bytes)));
        let roles = self.roles.iter().map(|(mode, bytes)| (mode.clone(), STANDARD.encode(bytes)));
        TrustUpload {
            roots: roots.collect(),
            targets: self.targets.as_ref().map(|bytes| STANDARD.encode(bytes)),
            roles: roles.collect(),
        }
    }

    /// Decodes the files from a request. Nothing is verified yet.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Malformed` for invalid version numbers or base64.
    pub fn from_upload(upload: &TrustUpload) -> Result<Self> {
        let bad = |what: &str| trust(TrustKind::Malformed, format!("{what} cannot be read"));
        let decode = |what: &str, text: &str| STANDARD.decode(text).map_err(|_| bad(what));
        let mut files = Self::default();
        for (version, text) in &upload.roots {
            let what = format!("root {version:?}");
            let number: u64 = version.parse().map_err(|_| bad(&what))?;
            // Accept one spelling per version only: otherwise "01" and "1" would overwrite each other.
            if number.to_string() != *version {
                return Err(bad(&what));
            }
            files.roots.insert(number, decode(&what, text)?);
        }
        files.targets = upload.targets.as_ref().map(|text| decode("targets", text)).transpose()?;
        for (mode, text) in &upload.roles {
            files.roles.insert(mode.clone(), decode(mode, text)?);
        }
        Ok(files)
    }
}

impl Publication<'_> {
    /// Signs a mode's metadata as a commit would, without writing it.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`], [`Error::KeyMissing`], [`Error::Invalid`] if it has become too large.
    pub fn sign_only(&self, mode: &str) -> Result<Vec<u8>> {
        let document = self.roles.get(mode).ok_or_else(|| self.unknown(mode))?;
        Ok(self.sign_document(mode, document)?.1)
    }

    /// The roots, delegations and modes of the key folder that this repository lacks, with the metadata of modes that
    /// are new or have new keys; `None` if nothing is missing. Call it before putting targets.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] without the key of `targets`, or of a mode that has to be signed.
    pub fn trust_files(&self) -> Result<Option<TrustFiles>> {
        let modes = || self.roles.iter().filter(|(name, document)| *name != CATALOG_ROLE && document.changed);
        if self.new_roots.is_empty() && !self.targets.changed && modes().next().is_none() {
            return Ok(None);
        }
        let targets = self.targets.changed.then(|| self.sign_document("targets", &self.targets)).transpose()?;
        let mut roles = BTreeMap::new();
        for (name, document) in modes() {
            roles.insert(name.clone(), self.sign_document(name, document)?.1);
        }
        let roots = self.new_roots.clone();
        Ok(Some(TrustFiles { roots, targets: targets.map(|(_, bytes)| bytes), roles }))
    }
}
