//! `vsekai self-update`: a copy of the program replaces itself, from a real repository, also if it is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::repository::Publisher;
use crate::support::run::Run;
use crate::support::trees::{chmod, write};

/// A program in a folder of its own, and a publisher of newer ones, which are scripts: small, and easy to tell apart.
struct Desk {
    folder: tempfile::TempDir,
    publisher: Publisher,
    /// The program below the folder.
    program: &'static str,
}

fn script(version: &str, code: u8) -> Vec<u8> {
    format!("#!/bin/sh\necho vsekai {version}\nexit {code}\n").into_bytes()
}

impl Desk {
    fn new() -> Self {
        Self::with("bin/vsekai")
    }

    fn with(program: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(folder.path(), &["command", "other"]);
        let desk = Self { folder, publisher, program };
        fs::create_dir_all(desk.program().parent().unwrap()).unwrap();
        desk.begin();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self) -> PathBuf {
        self.path(self.program)
    }

    /// Puts the program of this build in its place.
    fn begin(&self) {
        let _ = fs::remove_file(self.program());
        fs::copy(env!("CARGO_BIN_EXE_vsekai"), self.program()).unwrap();
    }

    fn publish(&self, mode: &str, version: &str, code: u8) {
        let tree = self.path(&format!("tree-{version}"));
        write(&tree, "game", &script(version, code));
        chmod(&tree, "game", 0o755);
        self.publisher.publish_with(&tree, mode, version, &[]);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command.args(["--json", "self-update", "--repository"]).arg(self.publisher.repository());
        command.arg("--trust-root").arg(self.publisher.root()).args(words).env("XDG_CACHE_HOME", "/nonexistent");
        command.env("XDG_DATA_HOME", self.path("data")).env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    fn update(&self, words: &[&str]) -> Run {
        Run::of(&mut self.command(words))
    }

    fn is_original(&self) -> bool {
        fs::read(self.program()).unwrap() == fs::read(env!("CARGO_BIN_EXE_vsekai")).unwrap()
    }

    #[track_caller]
    fn assert_is(&self, version: &str) {
        let found = fs::read(self.program()).unwrap();
        assert!(found == script(version, 0), "{}", String::from_utf8_lossy(&found[..found.len().min(100)]));
        assert!(Command::new(self.program()).output().unwrap().status.success());
        let names: Vec<_> = fs::read_dir(self.program().parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

#[test]
fn program_replaces_itself_by_the_published_one() {
    let desk = Desk::new();
    desk.publish("command", "9.0.0", 0);
    desk.publish("other", "9.1.0", 0);
    let run = desk.update(&[]);
    assert_eq!((&run.done()["version"], &run.done()["is_replaced"]), (&"9.0.0".into(), &true.into()));
    desk.assert_is("9.0.0");
    // What another mode offers, and a repository that is remembered.
    desk.begin();
    let mut command = Command::new(desk.program());
    command.args(["--json", "self-update", "--mode_name", "other"]).env("XDG_DATA_HOME", desk.path("data"));
    assert_eq!(Run::of(&mut command).done()["version"], "9.1.0");
    desk.assert_is("9.1.0");
}

#[test]
fn program_that_is_published_already_stays() {
    let desk = Desk::new();
    let tree = desk.path("tree");
    fs::create_dir(&tree).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_vsekai"), tree.join("game")).unwrap();
    let here = env!("CARGO_PKG_VERSION");
    desk.publisher.publish_with(&tree, "command", here, &[]);
    let run = desk.update(&[]);
    assert_eq!((&run.done()["version"], &run.done()["is_replaced"]), (&here.into(), &false.into()));
    assert!(desk.is_original());
}

#[test]
fn program_is_not_replaced_by_an_older_one() {
    let desk = Desk::new();
    desk.publish("command", "0.0.1", 0);
    assert_eq!(desk.update(&[]).done()["is_replaced"], false);
    assert!(desk.is_original());
}

#[test]
fn program_that_does_not_start_is_put_aside() {
    let desk = Desk::new();
    desk.publish("command", "9.0.0", 0);
    desk.update(&[]).done();
    desk.begin();
    desk.publish("command", "9.1.0", 7);
    desk.update(&[]).failed("launch_failed");
    assert!(desk.is_original());
    assert_eq!(desk.update(&[]).done()["version"], "9.0.0");
    desk.assert_is("9.0.0");
}

#[test]
fn program_that_the_disk_has_damaged_is_not_used() {
    let desk = Desk::new();
    desk.publish("command", "9.0.0", 0);
    desk.update(&[]).done();
    desk.begin();
    let versions = desk.path("data/vsekai/command/versions");
    let tree = fs::read_dir(versions).unwrap().next().unwrap().unwrap().path();
    write(&tree, "game", &script("9.0.1", 0));
    desk.update(&[]).failed("damaged");
    assert!(desk.is_original());
}

#[test]
fn program_of_a_package_manager_is_left_to_it() {
    let desk = Desk::with("Cellar/vsekai/0.1.0/bin/vsekai");
    desk.publish("command", "9.0.0", 0);
    let message = desk.update(&[]).failed("package_managed");
    assert!(message.contains("Homebrew") && message.contains("brew upgrade vsekai"), "{message}");
    assert!(desk.is_original() && !desk.path("data").exists());
}

/// The operations of a command that runs to its end: name and path.
fn operations(desk: &Desk) -> Vec<(String, PathBuf)> {
    let counted = desk.path("operations");
    Run::of(desk.command(&[]).env("VSEKAI_FAULT", format!("count:{}", counted.display()))).done();
    let lines = fs::read_to_string(counted).unwrap();
    let operation = |line: &str| {
        let mut words = line.splitn(3, ' ').skip(1).map(str::to_owned);
        (words.next().unwrap(), PathBuf::from(words.next().unwrap()))
    };
    lines.lines().map(operation).collect()
}

#[test]
fn program_that_is_killed_anywhere_still_exists_and_goes_on() {
    let desk = Desk::new();
    desk.publish("command", "9.0.0", 0);
    let data = desk.path("data");
    let all = operations(&desk);
    let bin = desk.program().parent().unwrap().to_owned();
    let is_ours = |path: &Path| path.starts_with(&bin);
    assert!(all.len() > 60 && all.iter().filter(|(_, path)| is_ours(path)).count() >= 4, "{all:?}");
    let is_full = std::env::var("VSEKAI_FAULTS").is_ok_and(|value| value == "all");
    let (mut killed, mut survived) = (0, 0);
    for (at, (name, path)) in all.iter().enumerate() {
        // Updates of an install root are killed elsewhere, at each operation.
        if !is_full && !is_ours(path) && at % 24 != 0 {
            continue;
        }
        for kind in ["before", "after", "tear"] {
            let _ = fs::remove_dir_all(&data);
            if !desk.is_original() {
                desk.begin();
            }
            let fault = format!("{}:{kind}", at + 1);
            let status = desk.command(&[]).env("VSEKAI_FAULT", &fault).output().unwrap().status;
            killed += u32::from(!status.success());
            let is_new = fs::read(desk.program()).unwrap() == script("9.0.0", 0);
            assert!(is_new || desk.is_original(), "{fault} {name} {}", path.display());
            if !is_new {
                desk.update(&[]).done();
            }
            desk.assert_is("9.0.0");
            survived += 1;
        }
    }
    assert!(killed >= survived * 9 / 10, "{killed} of {survived}");
}
