//! The stub as a process, in an install root: with scripts in place of `vsekai`, and with the real one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

const STUB: &str = env!("CARGO_BIN_EXE_vsekai-stub");

/// The `vsekai` of the same build.
fn vsekai() -> PathBuf {
    let path = Path::new(STUB).with_file_name("vsekai");
    assert!(path.exists(), "{} is not built: cargo build --workspace --bins", path.display());
    path
}

/// One test at a time: a program cannot be started while another thread's child still has it open for writing.
static TURN: Mutex<()> = Mutex::new(());

struct Desk(tempfile::TempDir, #[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Desk {
    /// A folder with a stub in it, at `root/V-Sekai`.
    fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = Self(tempfile::tempdir().unwrap(), turn);
        fs::create_dir_all(desk.at("tmp")).unwrap();
        desk.place_stub();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.at("root")
    }

    fn place_stub(&self) {
        fs::create_dir_all(self.root()).unwrap();
        fs::copy(STUB, self.root().join("V-Sekai")).unwrap();
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A `vsekai` of the root that notes its name and its arguments.
    fn noting(&self, place: &str, end: &str) {
        self.script(
            &format!("root/{place}/vsekai"),
            &format!("echo {place} \"$@\" >>'{}'\n{end}", self.at("note").display()),
        );
    }

    fn state(&self, text: &str) {
        fs::create_dir_all(self.root().join(".vsekai")).unwrap();
        fs::write(self.root().join(".vsekai/state.json"), text).unwrap();
    }

    fn stub(&self, words: &[&str]) -> Output {
        Command::new(self.root().join("V-Sekai")).args(words).env("TMPDIR", self.at("tmp")).output().unwrap()
    }

    /// The first word of each note: who was started.
    fn started(&self) -> Vec<String> {
        let note = fs::read_to_string(self.at("note")).unwrap_or_default();
        let _ = fs::remove_file(self.at("note"));
        note.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const STATE: &str = r#"{"current":{"folder":"2"},"previous":{"folder":"1"}}"#;

#[test]
fn words_and_exit_code_are_passed_on() {
    let desk = Desk::new();
    desk.noting(".vsekai/bin", "exit 7");
    assert_eq!(desk.stub(&["open", "--", "uro://a b", "--x"]).status.code(), Some(7));
    let note = fs::read_to_string(desk.at("note")).unwrap();
    assert_eq!(note, format!(".vsekai/bin --json open {} -- uro://a b --x\n", desk.root().display()));
    let refused = desk.stub(&["launch"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).starts_with("V-Sekai: "), "{}", said(&refused));
}

#[test]
fn next_one_is_tried_if_one_is_missing_or_cannot_be_started() {
    let desk = Desk::new();
    desk.state(STATE);
    for place in [".vsekai/bin", "versions/2", "versions/1"] {
        desk.noting(place, "");
    }
    assert_eq!((desk.stub(&[]).status.code(), desk.started()), (Some(0), vec![".vsekai/bin".to_owned()]));
    fs::write(desk.root().join(".vsekai/bin/vsekai"), b"\x7fELF, or not").unwrap();
    assert_eq!((desk.stub(&[]).status.code(), desk.started()), (Some(0), vec!["versions/2".to_owned()]));
    fs::remove_file(desk.root().join("versions/2/vsekai")).unwrap();
    assert_eq!((desk.stub(&[]).status.code(), desk.started()), (Some(0), vec!["versions/1".to_owned()]));
    fs::remove_dir_all(desk.root().join("versions")).unwrap();
    let none = desk.stub(&[]);
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("cannot be started") && said(&none).contains("Install it again"), "{}", said(&none));
}

#[test]
fn one_that_is_too_old_for_the_state_leaves_it_to_a_newer_one() {
    let desk = Desk::new();
    desk.state(STATE);
    desk.noting(".vsekai/bin", r#"echo '{"event":"error","code":"state_too_new","message":"it is newer"}'; exit 1"#);
    desk.noting("versions/2", "exit 5");
    assert_eq!(desk.stub(&[]).status.code(), Some(5));
    assert_eq!(desk.started(), [".vsekai/bin", "versions/2"]);
    // Without another one, the person is told.
    fs::remove_dir_all(desk.root().join("versions")).unwrap();
    let failed = desk.stub(&[]);
    assert_eq!((failed.status.code(), said(&failed).as_str()), (Some(1), "V-Sekai: it is newer\n"));
}

#[test]
fn quiet_uninstallation_runs_from_elsewhere() {
    let desk = Desk::new();
    desk.script("root/.vsekai/bin/vsekai", "[ \"$2\" = uninstall ] && rm -r \"$3\" && echo \"$0\" >\"$3.by\"");
    assert!(desk.stub(&["uninstall"]).status.code() == Some(1) && desk.root().exists(), "nobody has said yes");
    assert_eq!(desk.stub(&["uninstall", "--quiet"]).status.code(), Some(0));
    let begun = std::time::Instant::now();
    while !desk.at("root.by").exists() {
        assert!(begun.elapsed().as_secs() < 20, "it is not removed");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(!desk.root().exists());
    assert!(fs::read_to_string(desk.at("root.by")).unwrap().starts_with(desk.at("tmp").to_str().unwrap()));
}

/// A launcher as a product: its program, and a `vsekai`, which is the real one.
struct Product(Desk);

impl Product {
    /// With these versions published; a version that ends with 1 does not start.
    fn new(versions: &[&str]) -> Self {
        let product = Self(Desk::new());
        fs::remove_dir_all(product.0.root()).unwrap();
        product.run(&["keys", "init", "KEYS", "--mode", "launcher"]);
        for version in versions {
            let code = u8::from(version.ends_with('1'));
            let ready = if code == 0 { ": >\"$VSEKAI_READY_FILE\"\n" } else { "" };
            let tree = format!("tree-{version}");
            product.0.script(&format!("{tree}/launcher"), &format!("echo this is {version} >&3\n{ready}exit {code}"));
            product.0.script(&format!("{tree}/vsekai"), &format!("exec '{}' \"$@\"", vsekai().display()));
            let options = ["--mode", "launcher", "--version", version, "--entry", "launcher", "--delta-from", "0"];
            let place = ["--repository", "REPO", "--keys", "KEYS"];
            product.run(&[&["publish", tree.as_str()][..], &options, &place].concat());
        }
        product
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(vsekai());
        command.args(words).current_dir(self.0.at("")).env("XDG_CACHE_HOME", "/nonexistent");
        command.env("TMPDIR", self.0.at("tmp"));
        command
    }

    fn run(&self, words: &[&str]) {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", said(&output));
    }

    fn update(&self, version: &str) -> Command {
        let place = ["--repository", "REPO", "--trust-root", "KEYS/root.json", "--mode", "launcher"];
        self.command(&[&["update", "--quiet", "root", "--version", version, "--threads", "1"][..], &place].concat())
    }

    /// Starts the stub; returns the exit code and the version that was started.
    fn start(&self) -> (Option<i32>, String) {
        let heard = self.0.at("heard");
        let stub = format!("exec '{}' 3>'{}'", self.0.root().join("V-Sekai").display(), heard.display());
        let mut command = Command::new("sh");
        let output = command.args(["-c", &stub]).env("TMPDIR", self.0.at("tmp")).output().unwrap();
        let heard = fs::read_to_string(heard).unwrap();
        (output.status.code(), heard.trim().replace("this is ", ""))
    }
}

#[test]
fn launcher_that_does_not_start_gives_way_to_the_old_one() {
    let product = Product::new(&["1.0.0", "1.1.1"]);
    product.0.run_update(&product, "1.0.0");
    assert_eq!(product.start(), (Some(0), "1.0.0".to_owned()));
    product.0.run_update(&product, "1.1.1");
    for _ in 0..2 {
        assert_eq!(product.start(), (Some(1), "1.1.1".to_owned()));
    }
    assert_eq!(product.start(), (Some(0), "1.0.0".to_owned()));
    let state: Value = serde_json::from_slice(&fs::read(product.0.root().join(".vsekai/state.json")).unwrap()).unwrap();
    assert_eq!(state["current"]["version"], "1.0.0");
}

impl Desk {
    fn run_update(&self, product: &Product, version: &str) {
        let output = product.update(version).output().unwrap();
        assert!(output.status.success(), "{}: {}", self.root().display(), said(&output));
        self.place_stub();
    }
}

/// With `VSEKAI_FAULTS=all` at each operation in three ways, with `some` at every third in one, otherwise at each in one.
#[test]
fn update_of_the_launcher_killed_at_any_operation_leaves_one_that_starts() {
    let product = Product::new(&["1.0.0", "2.0.0"]);
    product.0.run_update(&product, "1.0.0");
    let (root, template, counted) = (product.0.root(), product.0.at("template"), product.0.at("operations"));
    let copy = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    copy(&root, &template);
    let count = format!("count:{}", counted.display());
    assert!(product.update("2.0.0").env("VSEKAI_FAULT", count).status().unwrap().success());
    let operations = fs::read_to_string(&counted).unwrap().lines().count();
    assert!(operations > 60, "{operations}");
    let amount = std::env::var("VSEKAI_FAULTS").unwrap_or_default();
    let (is_full, step) = (amount == "all", if amount == "some" { 3 } else { 1 });
    let (mut killed, mut new) = (0, 0);
    for number in (1..=operations).step_by(step) {
        let kinds = ["before", "tear", "after"];
        for kind in if is_full { &kinds[..] } else { &kinds[number / step % 3..=number / step % 3] } {
            copy(&template, &root);
            let fault = format!("{number}:{kind}");
            let status = product.update("2.0.0").env("VSEKAI_FAULT", &fault).status().unwrap();
            killed += u32::from(!status.success());
            let (code, version) = product.start();
            assert!(code == Some(0) && matches!(version.as_str(), "1.0.0" | "2.0.0"), "{fault}: {code:?} {version:?}");
            new += u32::from(version == "2.0.0");
        }
    }
    assert!(killed as usize >= operations / step * 9 / 10 && new > 0, "{killed} of {operations} killed, {new} new");
    eprintln!(
        "killed {killed} times at {operations} operations, a launcher started each time; {new} times the new one"
    );
}
