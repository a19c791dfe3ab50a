//! The programs to compare, how to call them, and the machine they run on.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::Digest;

use crate::Result;
use crate::process::{Runner, Sample, find};

/// The programs' paths. A missing program is `None`, and the rows that need it say so.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) runner: Runner,
    vsekai: PathBuf,
    desync: Option<PathBuf>,
    pub(crate) nginx: Option<PathBuf>,
    is_root: bool,
}

impl Programs {
    pub(crate) fn find(scratch: &Path) -> Result<Self> {
        use std::os::unix::fs::MetadataExt;

        let named = std::env::var_os("VSEKAI_BENCH_BINARY").filter(|path| !path.is_empty());
        let vsekai = named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_vsekai")), PathBuf::from);
        let runner = Runner::new(scratch)?;
        runner.run(Command::new(&vsekai).arg("--version"))?;
        if !runner.measures_memory() {
            eprintln!("\nSKIPPED: no GNU time: neither memory nor CPU time is measured\n");
        }
        let is_root = fs::metadata(scratch)?.uid() == 0;
        Ok(Self { runner, vsekai, desync: find("desync"), nginx: find("nginx"), is_root })
    }

    pub(crate) fn has_desync(&self) -> bool {
        self.desync.is_some()
    }

    pub(crate) fn version(&self) -> Command {
        let mut command = Command::new(&self.vsekai);
        command.arg("--version");
        command
    }

    /// `vsekai --json` with these arguments
    pub(crate) fn vsekai<S: AsRef<std::ffi::OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.vsekai);
        command.arg("--json").args(words);
        command
    }

    /// `vsekai store extract`
    pub(crate) fn extract(&self, store: &str, index: &Path, to: &Path) -> Command {
        let mut command = Command::new(&self.vsekai);
        command.args(["--json", "store", "extract", "--no-shared-cache", "--store", store]).args([index, to]);
        command
    }

    /// `vsekai store make`
    pub(crate) fn make(&self, store: &Path, index: &Path, tree: &Path) -> Command {
        let mut command = Command::new(&self.vsekai);
        command.args(["--json", "store", "make", "--store"]).args([store, index, tree]);
        command
    }

    /// `desync untar -i` with its defaults
    pub(crate) fn untar(&self, store: &str, index: &Path, to: &Path) -> Option<Command> {
        self.untar_with(store, index, to, None)
    }

    /// `desync untar -i -n concurrency`
    pub(crate) fn untar_with(&self, store: &str, index: &Path, to: &Path, concurrency: Option<u32>) -> Option<Command> {
        let mut command = Command::new(self.desync.as_ref()?);
        command.args(["untar", "-i", "-s", store]);
        if let Some(concurrency) = concurrency {
            command.args(["-n", &concurrency.to_string()]);
        }
        if !self.is_root {
            command.arg("--no-same-owner");
        }
        command.args([index, to]);
        Some(command)
    }

    /// `desync tar -i`
    pub(crate) fn tar(&self, store: &Path, index: &Path, tree: &Path) -> Option<Command> {
        let mut command = Command::new(self.desync.as_ref()?);
        command.args(["tar", "-i", "-s"]).args([store, index, tree]);
        Some(command)
    }

    /// Runs a command that is `None` if its program is missing.
    pub(crate) fn run(&self, command: Option<Command>) -> Result<Sample> {
        self.runner.run(&command.ok_or("no desync")?)
    }

    /// Fails with the first difference unless both trees have the same names and content.
    pub(crate) fn expect_same(&self, ours: &Path, reference: &Path) -> Result<()> {
        let compared =
            self.runner.run(Command::new("diff").args(["-r", "-q", "--no-dereference"]).args([ours, reference]));
        compared.map(drop).map_err(|e| format!("what was extracted is WRONG: {e}").into())
    }

    /// The machine and the versions, one line each.
    pub(crate) fn describe(&self, scratch: &Path) -> String {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or("?");
        let is_busy = load.parse::<f64>().is_ok_and(|load| load > 1.0);
        let warning = if is_busy { " (**the machine was busy: these numbers are no measure**)" } else { "" };
        let disk =
            first_line(Command::new("findmnt").args(["-n", "-o", "FSTYPE", "-T"]).arg(scratch)).unwrap_or_default();
        let version = |command: &mut Command| first_line(command).unwrap_or_else(|| "not there".to_owned());
        let nginx =
            self.nginx.as_ref().map_or_else(|| "no nginx".to_owned(), |nginx| version(Command::new(nginx).arg("-v")));
        format!(
            "Machine: {cores} cores of {}, Linux {}, {disk}; load {load} before the first run{warning}.\n\
             Programs: {}, desync {}, {}, {}.\n",
            model.unwrap_or("an unknown CPU"),
            kernel.trim(),
            version(&mut self.version()),
            self.desync_version(),
            version(Command::new("casync").arg("--version")),
            nginx.trim_start_matches("nginx version: "),
        )
    }

    /// desync does not print its version. Uses the package's version or the environment, or else identifies the program
    /// by its hash.
    fn desync_version(&self) -> String {
        let Some(desync) = &self.desync else { return "not there".to_owned() };
        let package = first_line(Command::new("dpkg-query").args(["-W", "-f", "${Version}", "desync"]));
        package.or_else(|| std::env::var("DESYNC_VERSION").ok()).unwrap_or_else(|| {
            let hash =
                fs::read(desync).map_or_else(|_| String::new(), |bytes| hex::encode(sha2::Sha256::digest(bytes)));
            format!("of unknown version (SHA-256 of the program {}…)", hash.get(..16).unwrap_or_default())
        })
    }
}

/// The first line of a program's output, on either stream.
fn first_line(command: &mut Command) -> Option<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    let mut text = String::new();
    child.stdout.take()?.take(4096).read_to_string(&mut text).ok()?;
    let mut errors = String::new();
    child.stderr.take()?.take(4096).read_to_string(&mut errors).ok()?;
    let is_done = child.wait().is_ok_and(|status| status.success());
    let line = text.lines().chain(errors.lines()).map(str::trim).find(|line| !line.is_empty())?;
    is_done.then(|| line.to_owned())
}
