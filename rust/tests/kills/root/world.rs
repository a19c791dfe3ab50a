//! A publisher with three versions, and install roots of them that can be copied.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use vsekai_updater::local::disk;
use vsekai_updater::net::http::{HttpOptions, Network};
use vsekai_updater::net::trust::{ClockGuard, OpenOptions, Repository};

use super::Mine;
use crate::points::{Ground, text};
use crate::support::repository::Publisher;
use crate::support::server::TestServer;
use crate::support::stores::Bench;
use crate::support::trees::{self, Snapshot, chmod, link, noise, snapshot, write};

/// The versions: one equal to the old one, old, new, and one that does not start.
pub(crate) const OLDEST: &str = "0.1.0";
pub(crate) const OLD: &str = "1.0.0";
pub(crate) const NEW: &str = "2.0.0";
pub(crate) const BROKEN: &str = "3.0.0";

/// A file that is one inode in all versions.
pub(crate) const SHARED: &str = "versions/*/data/large.pck";

pub(crate) struct World {
    bench: Bench,
    pub(crate) ground: Ground,
    publisher: Publisher,
    /// Bundles are only available over HTTP.
    server: Option<TestServer>,
    /// The repository before any of these versions was published.
    ancient: PathBuf,
    network: Network,
}

/// A program that prints its version, signals readiness if it starts at all, and ends with this exit code.
fn program(version: &str, code: u8) -> Vec<u8> {
    let ready = if code == 0 { "echo yes > \"$VSEKAI_READY_FILE\"\n" } else { "" };
    format!("#!/bin/sh\necho \"this is $VSEKAI_VERSION\"\n# {version}\n{ready}exit {code}\n").into_bytes()
}

fn first_version(root: &Path) {
    write(root, "game", &program(OLD, 0));
    chmod(root, "game", 0o755);
    write(root, "data/pack.pck", &noise(2, 6_000));
    // Large enough to be hard-linked; the zeros are a hole.
    let mut large = noise(3, 1_000);
    large.resize(70_000, 0);
    write(root, "data/large.pck", &large);
    write(root, "data/levels/1.map", &noise(4, 3_000));
    write(root, "data/tool.sh", b"#!/bin/sh\n");
    write(root, "old.dat", &noise(6, 1_000));
    link(root, "start", "game");
}

/// The changes: one file changed, one added in a new folder, one removed, one made executable, and the link points
/// elsewhere.
fn second_version(root: &Path) {
    write(root, "game", &program(NEW, 0));
    let mut map = noise(4, 3_000);
    map[1_000..1_010].fill(7);
    write(root, "data/levels/1.map", &map);
    write(root, "data/more/new.dat", &noise(7, 800));
    fs::remove_file(root.join("old.dat")).unwrap();
    chmod(root, "data/tool.sh", 0o755);
    fs::remove_file(root.join("start")).unwrap();
    link(root, "start", "data/tool.sh");
}

impl World {
    /// A world whose repository is a folder and has no bundles.
    pub(crate) fn new() -> Self {
        Self::publishing(&[])
    }

    /// A world whose repository is on a server, with a bundle of the new version from the old one and a full one.
    pub(crate) fn with_bundles() -> Self {
        let world = Self::publishing(&["--delta-from", "1", "--fast"]);
        let server = TestServer::start(world.publisher.repository());
        Self { server: Some(server), ..world }
    }

    /// A world that publishes the new version with these options.
    fn publishing(options: &[&str]) -> Self {
        let bench = Bench::in_memory();
        let ground = Ground::below(bench.root());
        let publisher = Publisher::new(bench.root(), &["stable"]);
        let tree = |version: &str| bench.path(&format!("tree-{version}"));
        first_version(&tree(OLD));
        publisher.publish_with(&tree(OLD), "stable", OLDEST, &[]);
        let ancient = publisher.keep_as("ancient");
        trees::copy(&tree(OLD), &tree(NEW));
        second_version(&tree(NEW));
        trees::copy(&tree(NEW), &tree(BROKEN));
        write(&tree(BROKEN), "game", &program(BROKEN, 1));
        publisher.publish_with(&tree(BROKEN), "stable", BROKEN, &["--skip-update"]);
        // Published just before the new one, because a delta builds on the last published version.
        publisher.publish_with(&tree(OLD), "stable", OLD, &[]);
        publisher.publish_with(&tree(NEW), "stable", NEW, options);
        let network = Network::new(&HttpOptions::default()).unwrap();
        Self { ground, publisher, server: None, ancient, bench, network }
    }

    /// The version as published.
    pub(crate) fn tree(&self, version: &str) -> PathBuf {
        self.bench.path(&format!("tree-{version}"))
    }

    /// The version as found in an install root.
    pub(crate) fn published(&self, version: &str) -> Snapshot {
        // The first two versions differ only in their name.
        snapshot(&self.tree(if version == OLDEST { OLD } else { version }))
    }

    /// The name of a version's folder.
    pub(crate) fn folder(&self, version: &str) -> String {
        let target = self.publisher.index_digest("stable", version);
        format!("{version}-{}", &target[..8])
    }

    /// A template folder with a file that must not be touched, and whatever `fill` adds.
    pub(crate) fn template(&self, fill: impl Fn(&Path)) -> PathBuf {
        let folder = self.bench.path("template");
        write(&folder, "OTHER/mine", b"mine");
        write(&folder, ".tmp-vsekai-1-1", b"of another program");
        fs::create_dir(folder.join("tmp")).unwrap();
        self.ground.hand_over(&folder);
        fill(&folder);
        folder
    }

    /// `vsekai --json WORDS folder/GAME`
    pub(crate) fn vsekai(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = self.ground.vsekai();
        command.env("TMPDIR", folder.join("tmp")).args(words).arg(folder.join("GAME"));
        command
    }

    /// `vsekai update`, with all options of a first install.
    pub(crate) fn update(&self, folder: &Path, words: &[&str]) -> Command {
        let mut command = self.vsekai(folder, &["update"]);
        match &self.server {
            // The cache of one run must not spare the next one its requests.
            Some(server) => command.args(["--no-shared-cache", "--repository", &server.url()]),
            None => command.arg("--repository").arg(self.publisher.repository()),
        };
        command.arg("--trust-root").arg(self.publisher.root()).args(words);
        command
    }

    /// Installs this version, which need not be the newest.
    pub(crate) fn install(&self, folder: &Path, version: &str) {
        self.ground.run(&mut self.update(folder, &["--version", version]));
    }

    /// Fails unless all content requested since the last call came in the one bundle of the new version that builds on
    /// this version.
    #[track_caller]
    pub(crate) fn assert_asked_for_one_bundle(&self, from: Option<&str>) {
        let asked = self.server.as_ref().unwrap().take_counts();
        let is_content = |name: &&String| name.starts_with("store/") || name.starts_with("bundles/");
        let content: Vec<_> = asked.keys().filter(is_content).filter(|name| !name.ends_with(".json")).collect();
        assert_eq!(content, [&self.bundle(from)], "{asked:?}");
    }

    /// Clears the log of requests.
    pub(crate) fn begin_to_count(&self) {
        drop(self.server.as_ref().unwrap().take_counts());
    }

    /// The path, below the repository, of the new version's bundle that builds on this version.
    fn bundle(&self, from: Option<&str>) -> String {
        let digest = |version: &str| self.publisher.index_digest("stable", version);
        let list = self.publisher.repository().join(format!("bundles/{}.json", digest(NEW)));
        let list: Value = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
        let from = from.map(digest);
        let mut bundles = list["bundles"].as_array().unwrap().iter();
        let found = bundles.find(|info| info["from"].as_str() == from.as_deref());
        format!("bundles/{}", found.unwrap()["id"].as_str().unwrap())
    }

    /// Starts the game once, so that its version is no longer on trial.
    pub(crate) fn start(&self, folder: &Path) {
        self.ground.run(&mut self.vsekai(folder, &["launch"]));
    }

    /// Puts files of the user into the install root. A `*` stands for the only version there.
    pub(crate) fn put(&self, folder: &Path, mine: &[Mine]) {
        for (path, content) in mine {
            let path = path.replace('*', &self.current_folder(folder));
            write(&folder.join("GAME"), &path, content);
        }
        self.ground.hand_over(&folder.join("GAME"));
    }

    /// The folder that `state.json` names.
    pub(crate) fn current_folder(&self, folder: &Path) -> String {
        let state = fs::read(folder.join("GAME/.vsekai/state.json"));
        let state: Value = state.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
        state["current"]["folder"].as_str().unwrap_or_default().to_owned()
    }

    /// The current version according to `status`; `None` if there is none.
    #[track_caller]
    pub(crate) fn status(&self, folder: &Path) -> Option<String> {
        let output = self.vsekai(folder, &["status"]).output().unwrap();
        let last = last_line(&output);
        if last["event"] == "error" {
            assert_eq!((output.status.code(), &last["code"]), (Some(1), &"not_installed".into()), "{}", text(&output));
            return None;
        }
        assert!(output.status.success(), "{}", text(&output));
        last["current"]["version"].as_str().map(ToOwned::to_owned)
    }

    /// Starts the game in a copy of the folder, so that the next run finds the state that the fault has left.
    #[track_caller]
    pub(crate) fn assert_launch_works(&self, folder: &Path, status: Option<&str>) {
        let copy = self.ground.fresh(Some(folder));
        let output = self.vsekai(&copy, &["launch"]).output().unwrap();
        let last = last_line(&output);
        match status {
            None => assert_eq!((output.status.code(), &last["code"]), (Some(1), &"not_installed".into())),
            Some(status) => {
                assert!(output.status.success(), "launch: {}", text(&output));
                let started = last["version"].as_str().unwrap();
                assert!(text(&output).contains(&format!("this is {started}")), "launch: {}", text(&output));
                // A version that does not start is replaced by the previous one.
                assert!(started == status || (status == BROKEN && started == OLD), "{started} was started");
            }
        }
        disk::remove_all(&copy).unwrap();
    }

    /// Checks that the remembered metadata of the repository still counts, and can be read.
    #[track_caller]
    pub(crate) fn assert_older_repository_is_refused(&self, game: &Path) {
        let open = |folder: &Path| {
            Repository::open(OpenOptions {
                locations: vec![folder.to_str().unwrap().parse().unwrap()],
                root: None,
                memory: Some(game.join(".vsekai/trust")),
                scratch: self.bench.path("scratch"),
                clock_guard: ClockGuard::Keep,
                read_only: true,
                network: self.network.clone(),
            })
        };
        assert_eq!(open(&self.ancient).unwrap_err().code(), "metadata_rollback");
        drop(open(self.publisher.repository()).unwrap());
    }
}

fn last_line(output: &Output) -> Value {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_else(|| panic!("no line: {}", text(output)));
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON: {}", text(output)))
}

/// Makes a copied install root look like the original: writes the identity of each version's folder into its stamps.
/// Installing it again for each fault would take ten times as long.
pub(crate) fn stamp_again(game: &Path) {
    let Ok(indexes) = fs::read_dir(game.join(".vsekai/indexes")) else { return };
    for entry in indexes {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(folder) = name.strip_suffix(".stamps") else { continue };
        let tree = game.join("versions").join(folder);
        let Ok(found) = fs::symlink_metadata(&tree) else { continue };
        let plain = zstd::stream::decode_all(&*fs::read(&path).unwrap()).unwrap();
        let mut stamps: Value = serde_json::from_slice(&plain).unwrap();
        let (device, inode) = disk::identity(&tree, &found).unwrap();
        stamps["root"] = serde_json::json!([device, inode]);
        fs::write(&path, zstd::stream::encode_all(&*serde_json::to_vec(&stamps).unwrap(), 1).unwrap()).unwrap();
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Fails if anything next to the install root differs from what [`World::template`] created.
#[track_caller]
pub(crate) fn assert_rest_untouched(folder: &Path) {
    let mut found = names(folder);
    found.retain(|name| name != "GAME");
    assert_eq!(found, [".tmp-vsekai-1-1", "OTHER", "tmp"]);
    assert_eq!(names(&folder.join("OTHER")), ["mine"]);
    assert_eq!(fs::read(folder.join("OTHER/mine")).unwrap(), b"mine");
}
