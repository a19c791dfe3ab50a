//! The `vsekai` binary as a child process.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The binary, in an environment where only the test's own files exist.
pub(crate) fn vsekai() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vsekai"));
    command.env("XDG_CACHE_HOME", "/nonexistent").env("NO_PROXY", "*").stdin(Stdio::null());
    for name in ["VSEKAI_HTTP_AUTH", "VSEKAI_HTTP_COOKIE", "VSEKAI_PROXY"] {
        command.env_remove(name);
    }
    command
}

/// `vsekai --json store extract --store STORE... INDEX DEST`, to which options can be added.
pub(crate) fn extract<S: AsRef<OsStr>>(stores: &[S], index: &Path, destination: &Path) -> Command {
    let mut command = vsekai();
    command.args(["--json", "store", "extract"]);
    for store in stores {
        command.arg("--store").arg(store);
    }
    command.arg(index).arg(destination);
    command
}

/// How a run ended, and its output.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command with `--json`: every line of stdout must parse.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    pub(crate) fn from(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let lines = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { code: output.status.code(), lines, stderr }
    }

    /// The result of a run, which must have succeeded.
    #[track_caller]
    pub(crate) fn done(&self) -> &Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        let last = self.lines.last().unwrap();
        assert_eq!(last["event"], "done", "{last}");
        last
    }

    /// The message of a run, which must have failed with this code, and exit code 1 (or 2 for usage).
    #[track_caller]
    pub(crate) fn failed(&self, code: &str) -> String {
        let last = self.lines.last().unwrap_or_else(|| panic!("no line, {:?}: {}", self.code, self.stderr));
        assert_eq!((&last["event"], &last["code"]), (&"error".into(), &code.into()), "{last} {}", self.stderr);
        let exit = match code {
            "invalid_argument" | "version_invalid" => 2,
            "busy" => 75,
            "cancelled" => 130,
            _ => 1,
        };
        assert_eq!(self.code, Some(exit));
        last["message"].as_str().unwrap().to_owned()
    }

    /// The messages of all warnings with this code.
    pub(crate) fn warnings(&self, code: &str) -> Vec<String> {
        let warned = self.lines.iter().filter(|line| line["event"] == "warned" && line["code"] == code);
        warned.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }
}

/// A number of the plan in a `done` line.
#[track_caller]
pub(crate) fn planned(done: &Value, field: &str) -> u64 {
    done["plan"][field].as_u64().unwrap_or_else(|| panic!("no {field} in {done}"))
}
