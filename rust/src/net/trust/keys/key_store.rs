//! The private keys of a folder, and a helper to run `tough` with them.

use std::path::Path;

use tokio::runtime::Builder;

use super::passphrase::{KeyFolder, Passphrase};
use super::{KeyKind, key_files};
use crate::error::{Error, Result};
use crate::net::trust::sign::{KeyId, PrivateKey};

#[derive(Debug)]
pub(in crate::net::trust) struct KeyStore {
    folder: KeyFolder,
    private: Vec<PrivateKey>,
}

impl KeyStore {
    pub(super) fn empty() -> Self {
        Self { folder: KeyFolder::from(Path::new("")), private: Vec::new() }
    }

    pub(super) fn read(folder: &KeyFolder) -> Result<Self> {
        let private = key_files::read_private(folder)?;
        Ok(Self { folder: folder.clone(), private })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder, with its passphrases.
    pub(super) fn source(&self) -> &KeyFolder {
        &self.folder
    }

    pub(super) fn into_private(self) -> Vec<PrivateKey> {
        self.private
    }

    /// All private keys that are here.
    pub(super) fn all(&self) -> &[PrivateKey] {
        &self.private
    }

    /// The passphrase of new keys, if they are to be encrypted.
    pub(super) fn passphrase_of_new(&self) -> Result<Option<Passphrase>> {
        let encrypted = self.private.iter().find_map(PrivateKey::locked);
        let is_wanted = encrypted.is_some() || self.folder.encrypts();
        is_wanted.then(|| self.folder.new_passphrase(encrypted)).transpose()
    }

    /// What holds this key; `None` if it is not here.
    pub(super) fn kind(&self, id: &KeyId) -> Option<KeyKind> {
        self.private.iter().find(|key| key.id == *id).map(PrivateKey::kind)
    }

    pub(super) fn push(&mut self, key: PrivateKey) {
        self.private.push(key);
    }

    /// The available private keys with these identifiers.
    pub(in crate::net::trust) fn private<'a>(&'a self, ids: &'a [KeyId]) -> impl Iterator<Item = &'a PrivateKey> {
        self.private.iter().filter(|key| ids.contains(&key.id))
    }

    /// The key that was created last, of those whose file has the role's name.
    pub(super) fn newest(&self, role: &str) -> Option<&PrivateKey> {
        let made = |key: &PrivateKey| std::fs::metadata(&key.path).and_then(|found| found.modified()).ok();
        let of_role = self.private.iter().filter(|key| super::ceremony::names_role(&key.path, role));
        of_role.max_by_key(|key| (made(key), &key.path))
    }

    pub(in crate::net::trust) fn missing(&self, role: &str) -> Error {
        Error::KeyMissing { role: role.to_owned(), path: self.folder.path().to_owned() }
    }
}

/// Runs a future of `tough` on this thread, which must be allowed to block. The runtime is not kept: dropping it within
/// another runtime's task would panic.
pub(in crate::net::trust) fn block_on<F: Future>(work: F) -> Result<F::Output> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|e| Error::unsupported(format!("asynchronous I/O: {}", crate::text::system_reason(&e))))?;
    Ok(runtime.block_on(work))
}
