//! An install from an honest repository, and the attacks on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::metadata_pack::PATH;
use vsekai_updater::formats::release::{Entry, ModeName, Platform};
use vsekai_updater::net::publish::{BuildSource, Destination, Request, publish};
use vsekai_updater::net::trust::{Days, Keys};
use vsekai_updater::path::RelPath;
use vsekai_updater::version::Version;

use crate::support::packing;
use crate::support::run::{Run, vsekai};
use crate::support::server::TestServer;
use crate::support::trees::{Same, Snapshot, assert_same, chmod, copy, noise, snapshot, write};

pub(crate) const MODES: [&str; 3] = ["stable", "beta", "nightly"];

/// Keys, an honest repository with 1.0.0 in `stable`, and an install of it.
pub(crate) struct TestInstall {
    folder: TempDir,
}

/// What an attack must leave unchanged.
pub(crate) struct Before {
    versions: Snapshot,
    current: Value,
}

impl TestInstall {
    pub(crate) fn new() -> Self {
        let test = Self { folder: place() };
        let modes = MODES.map(str::to_owned);
        Keys::init(test.keys(), &modes, &Days::default()).unwrap();
        test.publish(&test.honest(), &test.keys(), "stable", "1.0.0");
        let root = test.keys().join("root.json");
        let mut command = test.command(&test.honest().display().to_string());
        Run::of(command.arg("--trust-root").arg(root)).done();
        assert_eq!(test.launch(), "this is 1.0.0");
        test
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.path("keys")
    }

    pub(crate) fn honest(&self) -> PathBuf {
        self.path("honest")
    }

    pub(crate) fn install(&self) -> PathBuf {
        self.path("install")
    }

    /// A copy of the honest repository, to be attacked.
    pub(crate) fn stolen(&self, name: &str) -> PathBuf {
        let to = self.path(name);
        copy(&self.honest(), &to);
        to
    }

    /// A build whose program prints its version, with 300 KB that differ between versions.
    pub(crate) fn tree(&self, version: &str) -> PathBuf {
        let tree = self.path(&format!("tree-{version}"));
        write(&tree, "game", format!("#!/bin/sh\necho this is {version}\n").as_bytes());
        chmod(&tree, "game", 0o755);
        write(&tree, "data/level.pck", &noise(version.len() as u64 + u64::from(version.as_bytes()[0]), 300_000));
        write(&tree, "data/readme.txt", version.as_bytes());
        tree
    }

    pub(crate) fn publish(&self, repository: &Path, keys: &Path, mode: &str, version: &str) {
        let tree = self.tree(version);
        publish(&request(repository, keys, &tree, mode, version), &Monitor::default()).unwrap();
    }

    fn command(&self, from: &str) -> Command {
        let mut command = vsekai();
        command.args(["--json", "--update"]).arg(self.install()).args(["--repository", from]);
        command
    }

    /// `vsekai --update` from that repository.
    pub(crate) fn update(&self, from: &str) -> Run {
        Run::of(&mut self.command(from))
    }

    pub(crate) fn update_with(&self, from: &str, options: &[&str]) -> Run {
        Run::of(self.command(from).args(options))
    }

    pub(crate) fn before(&self) -> Before {
        Before { versions: snapshot(&self.install().join("versions")), current: self.state()["current"].clone() }
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::from_slice(&fs::read(self.install().join(".vsekai/state.json")).unwrap()).unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_untouched(&self, before: &Before) {
        assert_same(&before.versions, &snapshot(&self.install().join("versions")), Same::Untouched);
        assert_eq!(before.current, self.state()["current"]);
        let beside: Vec<_> = fs::read_dir(self.install()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let known = |name: &std::ffi::OsString| [".vsekai", "current", "versions"].iter().any(|known| name == known);
        assert!(beside.iter().all(known), "{beside:?}");
    }

    /// The output of the installed game.
    #[track_caller]
    pub(crate) fn launch(&self) -> String {
        let output = vsekai().arg("launch").arg(self.install()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The attack: an update from the hostile folder, and from servers of it without and with a pack. Each must end
    /// with this code.
    #[track_caller]
    pub(crate) fn attack(&self, hostile: &Path, code: &str) {
        self.attack_from(&[&hostile.display().to_string()], code);
        self.assert_survived();
    }

    /// Like [`Self::attack`], from these mirrors, without the checks afterwards.
    #[track_caller]
    pub(crate) fn attack_from(&self, mirrors: &[&str], code: &str) -> String {
        let message = self.attack_as_it_is(mirrors, code);
        let folders: Vec<&Path> = mirrors.iter().map(Path::new).filter(|path| path.is_dir()).collect();
        if folders.len() == mirrors.len() {
            for folder in &folders {
                // Copied files are not part of the attack.
                let _ = fs::remove_file(folder.join(PATH));
            }
            self.attack_over_http(&folders, code);
            folders.iter().for_each(|folder| packing::rebuild(folder));
            self.attack_over_http(&folders, code);
        }
        message
    }

    #[track_caller]
    fn attack_over_http(&self, folders: &[&Path], code: &str) {
        let servers: Vec<TestServer> = folders.iter().map(|folder| TestServer::start(folder)).collect();
        let urls: Vec<String> = servers.iter().map(TestServer::url).collect();
        self.attack_as_it_is(&urls.iter().map(String::as_str).collect::<Vec<_>>(), code);
        assert!(servers.iter().any(|server| server.take_counts().contains_key(PATH)), "no pack was requested");
    }

    /// Updates from these mirrors only.
    #[track_caller]
    pub(crate) fn attack_as_it_is(&self, mirrors: &[&str], code: &str) -> String {
        let before = self.before();
        let more: Vec<&str> = mirrors[1..].iter().flat_map(|mirror| ["--repository", *mirror]).collect();
        let message = self.update_with(mirrors[0], &more).failed(code);
        self.assert_untouched(&before);
        message
    }

    /// Checks that the game starts, and that the install accepts the publisher's next version. Before that, the
    /// publisher replaces the keys of snapshot and timestamp, which nearly all attacks here have used: an install
    /// rightly keeps to the highest numbers that these keys have signed.
    #[track_caller]
    pub(crate) fn assert_survived(&self) {
        assert_eq!(self.launch(), "this is 1.0.0");
        let mut keys = Keys::open(self.keys()).unwrap();
        keys.rotate("snapshot").unwrap();
        keys.rotate("timestamp").unwrap();
        self.publish(&self.honest(), &self.keys(), "stable", "1.1.0");
        let done = self.update(&self.honest().display().to_string());
        assert_eq!(done.done()["current"]["version"], "1.1.0");
        assert_eq!(self.launch(), "this is 1.1.0");
    }
}

pub(crate) fn request(repository: &Path, keys: &Path, tree: &Path, mode: &str, version: &str) -> Request {
    Request {
        content: BuildSource::Tree(tree.to_owned()),
        mode: ModeName::new(mode).unwrap(),
        version: Version::parse(version).unwrap(),
        platform: Some(Platform::current()),
        entry: Entry { path: RelPath::new("game").unwrap(), arguments: Vec::new() },
        notes: String::new(),
        min_launcher: None,
        oldest_allowed: None,
        mutable: Vec::new(),
        rollout: 100,
        skip_update: false,
        repository: Destination::Folder(repository.to_owned()),
        keys: keys.into(),
        chunker: None,
        level: 1,
        strict: false,
        allowed: Vec::new(),
        allowed_secrets: Vec::new(),
        private: Vec::new(),
        keep_versions: 20,
        bundling: None,
        scratch: std::env::temp_dir(),
    }
}

/// In memory, if there is a RAM disk from which programs may be run.
fn place() -> TempDir {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return tempfile::tempdir().unwrap() };
    write(folder.path(), "probe", b"#!/bin/sh\n");
    chmod(folder.path(), "probe", 0o755);
    let may_run = Command::new(folder.path().join("probe")).status().is_ok();
    fs::remove_file(folder.path().join("probe")).unwrap();
    if may_run { folder } else { tempfile::tempdir().unwrap() }
}
