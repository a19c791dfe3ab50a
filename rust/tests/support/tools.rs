//! desync, casync and our own `store make` as child processes.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run::{Run, vsekai};

/// Whether the program can be run. If not, prints a line past the test harness; in CI that is a failure.
pub(crate) fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} must be on PATH in CI");
        let text = format!("SKIPPED: {program} is not on PATH, nothing is tested against it\n");
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    found
}

/// Runs the program, which must succeed.
#[track_caller]
pub(crate) fn tool<S: AsRef<OsStr>>(program: &str, arguments: &[S]) {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap();
    let shown: Vec<_> = arguments.iter().map(|it| it.as_ref().to_string_lossy()).collect();
    assert!(output.status.success(), "{program} {shown:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A program, with options, that creates stores.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Maker {
    Desync(&'static [&'static str]),
    Casync(&'static [&'static str]),
    Ours(&'static [&'static str]),
}

impl Maker {
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Desync(_) => is_there("desync"),
            Self::Casync(_) => is_there("casync"),
            Self::Ours(_) => true,
        }
    }

    /// Adds the folder or file to the store, and writes its index.
    pub(crate) fn make(self, store: &Path, index: &Path, from: &Path) {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let verb: &[&str] = if from.is_dir() { &["tar", "-i"] } else { &["make"] };
        let paths = [text(index), text(from)];
        match self {
            Self::Desync(options) => {
                std::fs::create_dir_all(store).unwrap();
                let all = options.iter().chain(verb).map(ToString::to_string);
                tool("desync", &all.chain(["-s".to_owned(), text(store)]).chain(paths).collect::<Vec<_>>());
            }
            Self::Ours(options) => {
                let mut command = vsekai();
                command.args(["--json", "store", "make"]).args(options).arg("--store").arg(store).args(paths);
                Run::of(&mut command).done();
            }
            Self::Casync(options) => {
                let all = options.iter().map(ToString::to_string);
                let named = ["make".to_owned(), format!("--store={}", text(store))];
                tool("casync", &all.chain(named).chain(paths).collect::<Vec<_>>());
            }
        }
    }
}
