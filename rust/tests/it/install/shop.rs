//! A publisher, and the install root of one player.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::repository::Publisher;
use crate::support::run::{Run, vsekai};
use crate::support::stores::Bench;
use crate::support::trees::{chmod, noise, write};

/// Long enough for a loaded machine. Tests that pass do not wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

const NOBODY: u32 = 65_534;

/// The game: prints its version, signals readiness, runs for a while, ends.
const GAME: &str = r#"#!/bin/sh
echo "this is $VSEKAI_VERSION, told: $*"
[ -z "$GAME_READY" ] || echo yes > "$VSEKAI_READY_FILE"
[ -z "$GAME_RUN" ] || exec sleep "$GAME_RUN"
[ -z "$GAME_SLEEP" ] || sleep "$GAME_SLEEP"
exit ${GAME_EXIT:-0}
"#;

pub(crate) struct Shop {
    pub(crate) bench: Bench,
    pub(crate) publisher: Publisher,
}

/// How a start ended.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) code: Option<i32>,
    /// The output of the game, and of `--json`.
    pub(crate) said: String,
    pub(crate) last: Value,
}

impl Shop {
    /// A shop with keys for `stable` and `beta`, and nothing published.
    pub(crate) fn new() -> Self {
        let bench = Bench::in_memory();
        let publisher = Publisher::new(bench.root(), &["stable", "beta"]);
        fs::create_dir(bench.path("home")).unwrap();
        Self { bench, publisher }
    }

    /// A shop with these versions in `stable`, the first of which is installed.
    pub(crate) fn with(versions: &[&str]) -> Self {
        let shop = Self::new();
        versions.iter().for_each(|version| shop.publish(version));
        if let Some(first) = versions.first() {
            shop.update(&["--version", first]).done();
        }
        shop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bench.path(name)
    }

    /// The install root.
    pub(crate) fn game(&self) -> PathBuf {
        self.path("GAME")
    }

    /// The path of a file in `.vsekai`.
    pub(crate) fn control(&self, name: &str) -> PathBuf {
        self.game().join(".vsekai").join(name)
    }

    /// A build of this version. Each has its own map; all else is the same.
    pub(crate) fn build(&self, version: &str) -> PathBuf {
        let tree = self.path(&format!("build-{version}"));
        write(&tree, "game", GAME.as_bytes());
        chmod(&tree, "game", 0o755);
        write(&tree, "data/pack.pck", &noise(2, 40_000));
        write(&tree, "data/map", &noise(version.bytes().map(u64::from).sum(), 5_000));
        write(&tree, "licence.txt", b"MIT\n");
        tree
    }

    /// Publishes [`Shop::build`] in `stable`.
    #[track_caller]
    pub(crate) fn publish(&self, version: &str) {
        self.publish_in("stable", version, &[], |_| {});
    }

    /// Publishes it with changes, in a mode, with options.
    #[track_caller]
    pub(crate) fn publish_in(&self, mode: &str, version: &str, options: &[&str], change: impl FnOnce(&Path)) {
        let tree = self.build(version);
        change(&tree);
        self.publisher.publish_with(&tree, mode, version, options);
    }

    /// `vsekai repository EDIT --mode MODE --version VERSION`
    #[track_caller]
    pub(crate) fn edit(&self, edit: &str, mode: &str, version: &str) {
        self.publisher.edit(&[edit, "--mode", mode, "--version", version]);
    }

    /// An update of the install from this publisher, as if it were the first.
    pub(crate) fn updating_new(&self, publisher: &Publisher) -> Run {
        let mut command = self.command(&["update", "--no-shared-cache"]);
        command.arg(self.game()).arg("--repository").arg(publisher.repository());
        Run::of(command.arg("--trust-root").arg(publisher.root()))
    }

    /// `vsekai --json WORDS`, in an environment where only the test's own files exist.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = vsekai();
        command.env("HOME", self.path("home")).env("XDG_CONFIG_HOME", self.path("home/.config"));
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        command.arg("--json").args(words);
        command
    }

    /// `vsekai --json WORDS GAME`
    pub(crate) fn vsekai(&self, words: &[&str]) -> Run {
        Run::of(self.command(words).arg(self.game()))
    }

    /// `vsekai update` with all options of a first install.
    pub(crate) fn updating(&self, words: &[&str]) -> Command {
        let mut command = self.command(&["update"]);
        command.arg(self.game()).arg("--trust-root").arg(self.publisher.root());
        command.arg("--repository").arg(self.publisher.repository()).args(words);
        command
    }

    pub(crate) fn update(&self, words: &[&str]) -> Run {
        Run::of(&mut self.updating(words))
    }

    /// `vsekai launch` of a game that is controlled by these variables.
    pub(crate) fn launching(&self, told: &[(&str, &str)]) -> Command {
        let mut command = self.command(&["launch"]);
        command.envs(told.iter().copied()).arg(self.game());
        command
    }

    pub(crate) fn launch(&self, told: &[(&str, &str)]) -> Launched {
        Launched::of(&mut self.launching(told))
    }

    /// The current version according to `status`.
    #[track_caller]
    pub(crate) fn version(&self) -> String {
        self.status()["current"]["version"].as_str().unwrap_or("nothing").to_owned()
    }

    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        self.vsekai(&["status"]).done().clone()
    }

    /// The folder of the current version.
    #[track_caller]
    pub(crate) fn tree(&self) -> PathBuf {
        self.game().join("versions").join(self.status()["current"]["folder"].as_str().unwrap())
    }

    /// The folder of an installed version.
    #[track_caller]
    pub(crate) fn tree_of(&self, version: &str) -> PathBuf {
        self.game().join("versions").join(self.folder_of(version))
    }

    /// The name of a version's folder.
    #[track_caller]
    pub(crate) fn folder_of(&self, version: &str) -> String {
        format!("{version}-{}", &self.publisher.index_digest("stable", version)[..8])
    }

    /// The version that `check` offers, if any.
    #[track_caller]
    pub(crate) fn offered(&self, words: &[&str]) -> Option<String> {
        let run = Run::of(self.command(&["check"]).args(words).arg(self.game()));
        run.done()["available"]["version"].as_str().map(ToOwned::to_owned)
    }

    /// Reads all files of the current version, which must be as published.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        let run = self.vsekai(&["verify"]);
        // The exit code is 3 if the previous version is damaged.
        assert!(matches!(run.code, Some(0 | 3)), "{:?} {}", run.lines.last(), run.stderr);
        assert_eq!(run.lines.last().unwrap()["damage"], serde_json::json!([]));
    }
}

impl Launched {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let last = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
        let last = last.unwrap_or_else(|| panic!("{said} {}", String::from_utf8_lossy(&output.stderr)));
        Self { code: output.status.code(), said, last }
    }
}

/// Waits until the condition is true.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A child process that is killed when the test ends in any way.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Sends Ctrl-C and returns the exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        self.stop(rustix::process::Signal::INT)
    }

    pub(crate) fn stop(&mut self, signal: rustix::process::Signal) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes the command run as a user that owns none of the test's files. Needs root, and is skipped without it.
pub(crate) fn as_nobody(shop: &Shop, command: &Command) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        super::skipped("not run as root: an install of another user is not tested");
        return None;
    }
    // The user `nobody` may not be able to reach the folder of the build.
    let binary = shop.path("vsekai");
    // Not with `fs::copy`: a child of another thread would inherit our open file for a moment, and a file that is open
    // for writing cannot be started.
    assert!(Command::new("cp").args([Path::new(env!("CARGO_BIN_EXE_vsekai")), &binary]).status().unwrap().success());
    chmod(shop.bench.root(), "", 0o755);
    let mut demoted = Command::new(binary);
    demoted.args(command.get_args()).env_clear().env("HOME", "/nonexistent");
    demoted
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))).filter(|(name, _)| *name != "HOME"));
    demoted.env("TMPDIR", std::env::temp_dir()).stdin(Stdio::null()).uid(NOBODY).gid(NOBODY);
    Some(demoted)
}
