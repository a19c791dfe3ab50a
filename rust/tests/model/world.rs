//! The real world: a repository on disk, an install root, and the builds.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vsekai_updater::app::updater::{Settings, Updater};
use vsekai_updater::error::Result;
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::ChunkSizes;
use vsekai_updater::formats::release::{Entry, ModeName, Platform};
use vsekai_updater::install::InstallRoot;
use vsekai_updater::install::launch::{LaunchOptions, Launched, launch};
use vsekai_updater::net::http::{HttpOptions, Network};
use vsekai_updater::net::publish::{BuildSource, Destination, Edit, Request, edit, publish};
use vsekai_updater::net::trust::{ClockGuard, Days, Keys};
use vsekai_updater::path::RelPath;
use vsekai_updater::version::Version;

use super::expected::KEPT_VERSIONS;
use super::moves::{Harm, How, MODES, VERSIONS};
use crate::support::trees::{chmod, link, noise, write};

/// The entry at a path of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    File(Vec<u8>),
    Link(PathBuf),
}

pub(crate) type Tree = BTreeMap<String, Thing>;

pub(crate) const ENTRY: &str = "bin/game";

/// Files of one build: some are in all builds (one is large enough to be hard-linked), some in every second, one only
/// in this build.
pub(crate) fn build(number: usize) -> Tree {
    let noise = |seed: usize, len: usize| Thing::File(noise(seed as u64 + 1, len));
    let exit = number % 2;
    let mut tree = Tree::from([
        (ENTRY.to_owned(), Thing::File(format!("#!/bin/sh\nexit {exit}\n").into_bytes())),
        ("common".to_owned(), noise(100, 66_000)),
        ("data/half".to_owned(), noise(200 + number / 2, 5000)),
        ("data/own".to_owned(), noise(300 + number, 3000)),
        ("data/empty".to_owned(), Thing::File(Vec::new())),
        (format!("moved/to-{}", number % 3), noise(400, 4000)),
        ("shortcut".to_owned(), Thing::Link(PathBuf::from(ENTRY))),
    ]);
    if number == 4 {
        tree.remove("shortcut");
        tree.insert("shortcut/file".to_owned(), noise(500, 10));
    }
    tree
}

fn is_starting(number: usize) -> bool {
    number.is_multiple_of(2)
}

/// Whether the game of a build starts.
pub(crate) fn starts(number: usize) -> bool {
    is_starting(number)
}

pub(crate) fn keys() -> TempDir {
    let folder = place();
    Keys::init(folder.path().join("keys"), &MODES.map(str::to_owned), &Days::default()).unwrap();
    folder
}

pub(crate) fn network() -> Network {
    Network::new(&HttpOptions::default()).unwrap()
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

pub(crate) fn mode(number: usize) -> ModeName {
    ModeName::new(MODES[number]).unwrap()
}

pub(crate) fn version(number: usize) -> Version {
    Version::parse(VERSIONS[number]).unwrap()
}

/// Programs started meanwhile, also by the other test, would inherit the mark of a running game.
static ONE_CHILD: Mutex<()> = Mutex::new(());

fn one_child() -> MutexGuard<'static, ()> {
    ONE_CHILD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a run of the binary ended.
pub(crate) enum Ended {
    Killed,
    Done,
    Failed(String),
}

pub(crate) struct World {
    folder: TempDir,
    keys: PathBuf,
    network: Network,
    monitor: Monitor,
}

impl World {
    pub(crate) fn new(keys: &Path, network: &Network) -> Self {
        let monitor = Monitor { threads: 1, ..Monitor::default() };
        Self { folder: place(), keys: keys.join("keys"), network: network.clone(), monitor }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tree(&self, number: usize) -> PathBuf {
        let root = self.path(&format!("build-{number}"));
        if !root.exists() {
            for (path, thing) in build(number) {
                match thing {
                    Thing::File(bytes) => write(&root, &path, &bytes),
                    Thing::Link(to) => link(&root, &path, to.to_str().unwrap()),
                }
            }
            chmod(&root, ENTRY, 0o755);
        }
        root
    }

    pub(crate) fn publish(&self, in_mode: usize, of: usize, build: usize) -> Result<()> {
        let sizes = ChunkSizes::new(1 << 10, 2 << 10, 4 << 10)?;
        let request = Request {
            content: BuildSource::Tree(self.tree(build)),
            mode: mode(in_mode),
            version: version(of),
            platform: Some(Platform::current()),
            entry: Entry { path: RelPath::new(ENTRY)?, arguments: Vec::new() },
            notes: String::new(),
            min_launcher: None,
            oldest_allowed: None,
            mutable: Vec::new(),
            rollout: 100,
            skip_update: false,
            repository: Destination::Folder(self.path("repository")),
            keys: self.keys.clone().into(),
            chunker: Some(Chunker::new(Algorithm::Casync, sizes)?),
            level: 1,
            strict: false,
            allowed: vec!["version_lower".to_owned()],
            allowed_secrets: Vec::new(),
            private: Vec::new(),
            keep_versions: KEPT_VERSIONS,
            bundling: None,
            scratch: self.path("scratch"),
        };
        publish(&request, &self.monitor).map(drop)
    }

    pub(crate) fn edit(&self, change: Edit) -> Result<()> {
        edit(&Destination::Folder(self.path("repository")), self.keys.clone(), &[change]).map(drop)
    }

    pub(crate) fn updater(&self, asked: Option<usize>) -> Updater {
        let settings = Settings {
            defaults: vsekai_updater::app::updater::Defaults::default(),
            repository: vec![self.path("repository").display().to_string()],
            trust_root: Some(fs::read(self.keys.join("root.json")).unwrap()),
            mode: None,
            platform: Platform::current(),
            version: asked.map(version),
            at_once: false,
            adopt: false,
            discard: false,
            clock_guard: ClockGuard::Keep,
            network: self.network.clone(),
            caches: Vec::new(),
            write_cache: None,
            scratch: self.path("scratch"),
            protected: Vec::new(),
            trusted_owner: None,
        };
        Updater::new(&self.path("install"), settings).unwrap()
    }

    pub(crate) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Runs an update by the real binary, which dies at this disk operation if it gets that far.
    pub(crate) fn killed_update(&self, operation: u16, how: How) -> Ended {
        let how = match how {
            How::Before => "before",
            How::After => "after",
            How::Tear => "tear",
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_vsekai"));
        command.args(["--json", "--threads", "1", "update", "--no-shared-cache"]).arg(self.path("install"));
        command.arg("--repository").arg(self.path("repository"));
        command.arg("--trust-root").arg(self.keys.join("root.json"));
        command.env("VSEKAI_FAULT", format!("{operation}:{how}")).env("TMPDIR", self.folder.path());
        let turn = one_child();
        let output = command.stdin(Stdio::null()).output().unwrap();
        drop(turn);
        if output.status.signal() == Some(9) {
            return Ended::Killed;
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        if output.status.success() { Ended::Done } else { Ended::Failed(last["code"].as_str().unwrap().to_owned()) }
    }

    pub(crate) fn launch(&self) -> Result<Launched> {
        let options = LaunchOptions { grace: Duration::from_mins(1), ..LaunchOptions::default() };
        let _turn = one_child();
        launch(&InstallRoot::at(&self.path("install")).unwrap(), &options, &self.monitor)
    }

    /// The names of the folders in `versions/`.
    pub(crate) fn folders(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("install/versions")) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The paths at which the version differs from its build, found by reading all files.
    pub(crate) fn differences(&self, folder: &str, number: usize) -> Vec<String> {
        let found = read(&self.path("install/versions").join(folder));
        let wanted = build(number);
        let all: std::collections::BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
        all.into_iter().filter(|path| found.get(*path) != wanted.get(*path)).cloned().collect()
    }

    /// Damages a file. Returns its path, and whether other versions share it; `None` if there is no file to damage.
    pub(crate) fn damage(&self, folder: &str, file: usize, how: Harm) -> Option<(String, bool)> {
        let root = self.path("install/versions").join(folder);
        let tree = read(&root);
        let (path, thing) = tree.iter().nth(file % tree.len().max(1))?;
        let at = root.join(path);
        match (how, thing) {
            (Harm::Delete, _) => fs::remove_file(&at).unwrap(),
            // No model can predict what a script with a changed byte does.
            (_, Thing::Link(_)) => return None,
            (_, Thing::File(bytes)) if path == ENTRY || bytes.is_empty() => return None,
            (Harm::Byte, Thing::File(bytes)) => {
                let is_shared = fs::metadata(&at).unwrap().nlink() > 1;
                let mut bytes = bytes.clone();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x40;
                let mut file = fs::File::options().write(true).open(&at).unwrap();
                std::io::Write::write_all(&mut file, &bytes).unwrap();
                return Some((path.clone(), is_shared));
            }
            (Harm::Replace, Thing::File(bytes)) => {
                let mut bytes = bytes.clone();
                bytes[0] ^= 1;
                fs::remove_file(&at).unwrap();
                fs::write(&at, bytes).unwrap();
            }
        }
        Some((path.clone(), false))
    }

    /// Whether a file of this build is gone from the folder.
    pub(crate) fn lacks_a_file(&self, folder: &str, build: usize) -> bool {
        let root = self.path("install/versions").join(folder);
        self.differences(folder, build).iter().any(|path| fs::symlink_metadata(root.join(path)).is_err())
    }

    /// The mode and version of a folder, according to `.vsekai/indexes`.
    pub(crate) fn described(&self, folder: &str) -> Option<(String, String)> {
        let file = self.path("install/.vsekai/indexes").join(format!("{folder}.release.json"));
        let release: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        Some((release["mode"].as_str()?.to_owned(), release["version"].as_str()?.to_owned()))
    }

    pub(crate) fn state(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.path("install/.vsekai/state.json")).ok()?).ok()
    }
}

fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries.map(Result::unwrap) {
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().unwrap();
            let name = path.to_str().unwrap().to_owned();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                tree.insert(name, Thing::Link(fs::read_link(entry.path()).unwrap()));
            } else {
                tree.insert(name, Thing::File(fs::read(entry.path()).unwrap()));
            }
        }
    }
    tree
}
