//! A publisher with keys and a repository, and the installs that follow it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vsekai_updater::formats::metadata_pack;
use vsekai_updater::net::http::{HttpOptions, Network};
use vsekai_updater::net::trust::{
    CATALOG_ROLE, CATALOG_TARGET, ClockGuard, Committed, Days, Keys, Location, OpenOptions, Publication, Repository,
};
use vsekai_updater::{Error, Result};

use crate::support::packing;
use crate::support::server::TestServer;

pub(crate) const CAP: u64 = 1 << 20;
pub(crate) const STABLE: &str = "stable/1.0.0/linux-x86_64/release.json";
pub(crate) const NIGHTLY: &str = "nightly/1.1.0-nightly.1/linux-x86_64/release.json";

/// Temporary folders: `keys`, `repository` and one for each install.
#[derive(Debug)]
pub(crate) struct TestRepository {
    folder: tempfile::TempDir,
}

impl TestRepository {
    /// A publisher with keys for `stable` and `nightly`, one release in each, and a catalog.
    pub(crate) fn new() -> Self {
        let test = Self { folder: tempfile::tempdir().unwrap() };
        Keys::init(test.keys_folder(), &modes(), &Days::default()).unwrap();
        test.publish(&[
            ("stable", STABLE, b"stable one"),
            ("nightly", NIGHTLY, b"nightly one"),
            (CATALOG_ROLE, CATALOG_TARGET, b"catalog one"),
        ]);
        test
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn keys_folder(&self) -> PathBuf {
        self.path("keys")
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys::open(self.keys_folder()).unwrap()
    }

    /// The root that is shipped with new launchers.
    pub(crate) fn root(&self) -> Vec<u8> {
        self.keys().root().to_vec()
    }

    pub(crate) fn publish(&self, targets: &[(&str, &str, &[u8])]) -> Committed {
        self.publish_with(&self.keys_folder(), targets).unwrap()
    }

    pub(crate) fn publish_with(&self, keys: &Path, targets: &[(&str, &str, &[u8])]) -> Result<Committed> {
        let keys = Keys::open(keys)?;
        let mut publication = Publication::open(&self.repository(), &keys)?;
        for (role, name, bytes) in targets {
            publication.put(role, name, bytes.to_vec())?;
        }
        publication.commit()
    }

    /// A copy of the current repository.
    pub(crate) fn keep_as(&self, name: &str) -> PathBuf {
        copy_tree(&self.repository(), &self.path(name));
        self.path(name)
    }

    /// Replaces the repository with such a copy.
    pub(crate) fn put_back(&self, name: &str) {
        fs::remove_dir_all(self.repository()).unwrap();
        copy_tree(&self.path(name), &self.repository());
    }

    /// A key folder that contains only the keys of these roles.
    pub(crate) fn some_keys(&self, name: &str, roles: &[&str]) -> PathBuf {
        copy_tree(&self.keys_folder(), &self.path(name));
        for file in fs::read_dir(self.path(name)).unwrap().flatten() {
            let text = file.file_name().into_string().unwrap();
            if text.ends_with(".pk8") && !roles.contains(&text.split('.').next().unwrap()) {
                fs::remove_file(file.path()).unwrap();
            }
        }
        self.path(name)
    }

    /// The repository on a server, and an install that has not made a request yet.
    pub(crate) fn over_http(&self) -> (TestServer, Install) {
        let web = TestServer::start(&self.repository());
        let install = self.install("a").at(&[&web.url()]);
        (web, install)
    }

    /// An install that reads the repository folder, with the current root.
    pub(crate) fn install(&self, name: &str) -> Install {
        let folder = self.repository().display().to_string();
        Install {
            folder: self.path(name),
            locations: vec![folder],
            root: Some(self.root()),
            clock_guard: ClockGuard::Keep,
            options: quick(),
        }
    }
}

/// One install: its datastore and its locations.
#[derive(Debug, Clone)]
pub(crate) struct Install {
    folder: PathBuf,
    pub(crate) locations: Vec<String>,
    pub(crate) root: Option<Vec<u8>>,
    pub(crate) clock_guard: ClockGuard,
    pub(crate) options: HttpOptions,
}

impl Install {
    pub(crate) fn at(mut self, locations: &[&str]) -> Self {
        self.locations = locations.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    pub(crate) fn memory(&self) -> PathBuf {
        self.folder.join("trust")
    }

    pub(crate) fn open(&self) -> Result<Repository> {
        Repository::open(OpenOptions {
            locations: self.locations.iter().map(|text| text.parse::<Location>().unwrap()).collect(),
            root: self.root.clone(),
            memory: Some(self.memory()),
            scratch: self.folder.join("scratch"),
            clock_guard: self.clock_guard,
            read_only: false,
            network: Network::new(&self.options).unwrap(),
        })
    }

    /// Opens the repository, reads the catalog and remembers: the steps of every check.
    pub(crate) fn check(&self) -> Result<Repository> {
        let mut repository = self.open()?;
        repository.target(CATALOG_TARGET, CAP)?;
        repository.remember()?;
        Ok(repository)
    }

    /// What the datastore keeps beside the metadata that was verified, which it keeps even when a check fails.
    fn cache(&self) -> BTreeMap<String, Vec<u8>> {
        packing::files_where(&self.memory(), &|name, _| name.starts_with("cache/") || name == "client.json")
    }

    /// The error of opening. Checks that the cache is unchanged, and that no working file is left. For a folder, also
    /// tries a copy with a pack.
    pub(crate) fn refusal(&self) -> Error {
        let error = self.refusal_there();
        if let Some((web, packed)) = self.packed() {
            assert_eq!(packed.refusal_there().code(), error.code(), "through a pack");
            // Without a root, no request is made.
            let is_asked = web.take_asked().contains(&(metadata_pack::PATH.to_owned(), 200));
            assert!(is_asked || error.code() == "trust_root_invalid");
        }
        error
    }

    fn refusal_there(&self) -> Error {
        let before = self.cache();
        let error = self.check().expect_err("this must be refused");
        assert_eq!(self.cache(), before, "the cache has changed: {error}");
        assert_eq!(files_of(&self.folder.join("scratch")), BTreeMap::new(), "working files are left");
        error
    }

    /// A copy of this install that reads from a server, whose repository has a pack of all files in the folder.
    fn packed(&self) -> Option<(TestServer, Self)> {
        let [folder] = &self.locations[..] else { return None };
        if folder.contains("://") {
            return None;
        }
        let copy = self.folder.with_extension("packed");
        let _ = fs::remove_dir_all(&copy);
        copy_tree(Path::new(folder), &copy);
        packing::rebuild(&copy);
        let web = TestServer::start(&copy);
        let packed = self.clone().at(&[&web.url()]);
        Some((web, packed))
    }

    /// The error of reading one target; for a folder, also from a copy with a pack.
    pub(crate) fn target_refusal(&self, name: &str) -> Error {
        let error = self.target_refusal_there(name);
        if let Some((web, packed)) = self.packed() {
            assert_eq!(packed.target_refusal_there(name).code(), error.code(), "through a pack");
            assert!(web.take_asked().contains(&(metadata_pack::PATH.to_owned(), 200)));
        }
        error
    }

    fn target_refusal_there(&self, name: &str) -> Error {
        let before = self.cache();
        let error = self.open().unwrap().target(name, CAP).expect_err("this must be refused");
        assert_eq!(self.cache(), before, "the cache has changed: {error}");
        error
    }
}

pub(crate) fn modes() -> Vec<String> {
    vec!["stable".to_owned(), "nightly".to_owned()]
}

pub(crate) fn quick() -> HttpOptions {
    HttpOptions {
        connect_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_millis(300),
        backoff: Duration::from_millis(5),
        attempts: 2,
        ..HttpOptions::default()
    }
}

/// All files below a folder, by relative path; none if there is no folder.
pub(crate) fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    packing::files_where(folder, &|_, _| true)
}

pub(crate) fn write_files(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    write_files(to, &files_of(from));
}
