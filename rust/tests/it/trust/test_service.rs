//! An update server's part of publishing, without the server: its keys, and its repository as files in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use vsekai_updater::Result;
use vsekai_updater::net::http::Network;
use vsekai_updater::net::trust::{
    ClockGuard, Days, Keys, Location, MemoryStorage, OpenOptions, Publication, Repository, ServiceKeys, TrustFiles,
};

use super::test_repository::{modes, quick, write_files};

/// Temporary folders `service` and `keys`, and the published files.
#[derive(Debug)]
pub(crate) struct TestService {
    folder: tempfile::TempDir,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl TestService {
    /// A service and a publisher with keys for `stable` and `nightly`, without a repository.
    pub(crate) fn new() -> Self {
        let test = Self { folder: tempfile::tempdir().unwrap(), files: BTreeMap::new() };
        let online = test.service().online_keys().unwrap();
        Keys::init_online(test.path("keys"), &modes(), &Days::default(), &online).unwrap();
        test
    }

    /// Like [`Self::new`], with a repository.
    pub(crate) fn begun() -> Self {
        let mut test = Self::new();
        let files = test.trust_files().unwrap();
        test.accept(&files).unwrap();
        test
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn service(&self) -> ServiceKeys {
        Keys::service(&self.path("service")).unwrap()
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys::open(self.path("keys")).unwrap()
    }

    pub(crate) fn shelf(&self) -> MemoryStorage {
        MemoryStorage::new(self.files.clone())
    }

    /// The trust files that the publisher has and the service lacks.
    pub(crate) fn trust_files(&self) -> Option<TrustFiles> {
        Publication::open_in(self.shelf(), &self.keys()).unwrap().trust_files().unwrap()
    }

    /// Applies the files to the service. Returns the files that it wrote.
    pub(crate) fn accept(&mut self, files: &TrustFiles) -> Result<Vec<(String, Vec<u8>)>> {
        let service = self.service();
        let mut publication = Publication::open_with_trust(self.shelf(), &service, files)?;
        publication.commit()?;
        Ok(self.keep(publication.into_written()))
    }

    /// The metadata of a mode with these additional targets, signed by the publisher.
    pub(crate) fn sign(&self, mode: &str, targets: &[(&str, &[u8])]) -> Vec<u8> {
        let keys = self.keys();
        let mut publication = Publication::open_in(self.shelf(), &keys).unwrap();
        for (name, bytes) in targets {
            publication.put(mode, name, bytes.to_vec()).unwrap();
        }
        publication.sign_only(mode).unwrap()
    }

    /// Applies that metadata to the service.
    pub(crate) fn publish(&mut self, mode: &str, metadata: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        let service = self.service();
        let mut publication = Publication::open_service(self.shelf(), &service)?;
        publication.accept_role(mode, metadata)?;
        publication.commit()?;
        Ok(self.keep(publication.into_written()))
    }

    fn keep(&mut self, written: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
        self.files.extend(written.iter().cloned());
        written
    }

    /// Opens the published repository, as an install that knows this root.
    pub(crate) fn read(&self, root: &[u8]) -> Result<Repository> {
        let folder = self.path("published");
        write_files(&folder, &self.files);
        Repository::open(OpenOptions {
            locations: vec![format!("file://{}", folder.display()).parse::<Location>().unwrap()],
            root: Some(root.to_vec()),
            memory: None,
            scratch: self.path("scratch"),
            clock_guard: ClockGuard::Keep,
            read_only: true,
            network: Network::new(&quick()).unwrap(),
        })
    }
}
