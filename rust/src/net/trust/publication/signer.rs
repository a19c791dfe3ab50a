//! The signer of a publication: which root it trusts, and which keys it signs with.

use std::collections::BTreeMap;

use super::storage::StorageReader;
use crate::error::Result;
use crate::net::trust::MAX_ROOT_BYTES;
use crate::net::trust::keys::{Days, KeyFile, KeyStore, Keys, ServiceKeys};

/// A key folder with its root and delegations, or a service that takes both from its own repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer<'k> {
    pub(super) ring: &'k KeyStore,
    pub(super) days: &'k Days,
    pub(super) offline: Option<&'k Keys>,
}

impl<'k> Signer<'k> {
    pub(super) fn offline(keys: &'k Keys) -> Self {
        Self { ring: keys.ring(), days: keys.days(), offline: Some(keys) }
    }

    pub(super) fn service(keys: &'k ServiceKeys) -> Self {
        Self { ring: keys.ring(), days: keys.days(), offline: None }
    }

    pub(super) fn file(&self) -> Option<&'k KeyFile> {
        self.offline.map(Keys::file)
    }

    /// The trusted root of this version.
    pub(super) fn root_of(&self, place: &StorageReader, version: u64) -> Result<Vec<u8>> {
        match self.offline {
            Some(keys) => keys.root_of_version(version),
            None => place.require(&format!("tuf/{version}.root.json"), MAX_ROOT_BYTES),
        }
    }

    /// The roots after `version` in the key folder; none for a service.
    pub(super) fn roots_after(&self, version: u64) -> Result<BTreeMap<u64, Vec<u8>>> {
        let Some(keys) = self.offline else { return Ok(BTreeMap::new()) };
        let newest = keys.newest_root().signed.version.get();
        (version + 1..=newest).map(|version| Ok((version, keys.root_of_version(version)?))).collect()
    }
}
