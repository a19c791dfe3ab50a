//! A server in a folder, a publisher with keys, and players.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct TestDeployment {
    pub(crate) folder: TempDir,
    pub(crate) server: Option<Server>,
    pub(crate) token: String,
    pub(crate) settings: Vec<String>,
    /// Of the environment of the server program.
    pub(crate) variables: Vec<(String, String)>,
}

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of the folder `VSEKAI_BIN`, or of this build.
fn program(name: &str) -> PathBuf {
    let path = match std::env::var_os("VSEKAI_BIN") {
        Some(folder) => Path::new(&folder).join(name),
        None => Path::new(env!("CARGO_BIN_EXE_vsekai-server")).with_file_name(name),
    };
    assert!(path.exists(), "{} is missing: `cargo build --bin vsekai` makes it, and `./run test` does", path.display());
    path.canonicalize().unwrap()
}

/// Whether the programs are optimised.
#[allow(dead_code, reason = "not of the program that kills")]
pub(crate) fn is_release() -> bool {
    !program("vsekai-server").components().any(|part| part.as_os_str() == "debug")
}

impl TestDeployment {
    pub(crate) fn new(settings: &[&str]) -> Self {
        Self::with(settings, &[])
    }

    pub(crate) fn with(settings: &[&str], variables: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings.iter().map(|it| (*it).to_owned()).collect();
        let variables = variables.to_vec();
        let mut test = Self { folder, server: None, token: String::new(), settings, variables };
        test.start();
        test.publisher(&["keys", "init"])
            .arg("keys")
            .args(["--mode", "stable", "--mode", "beta"])
            .args(["--online", test.url()])
            .done();
        fs::copy(test.path("keys/root.json"), test.path("root.json")).unwrap();
        test
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn url(&self) -> &str {
        &self.server.as_ref().unwrap().url
    }

    /// A command of the server program on its folder.
    pub(crate) fn server_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("vsekai-server"));
        command.current_dir(self.folder.path()).env_clear().args(args).args(["--data", "server"]);
        // As the unit and the container set them.
        command.env("MALLOC_ARENA_MAX", "2").env("MALLOC_MMAP_THRESHOLD_", "262144").envs(self.variables.clone());
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    pub(crate) fn start(&mut self) {
        self.start_command(self.server_command(&["serve", "--listen", "127.0.0.1:0"]));
    }

    /// Starts the server with a clock that is wrong by this much, such as `-9d`. Without `faketime`, prints a line and
    /// returns false; in CI, fails.
    #[allow(dead_code, reason = "not of the program that kills")]
    pub(crate) fn start_at(&mut self, away: &str) -> bool {
        if Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs faketime");
            use std::io::Write as _;
            let _ = std::io::stderr().write_all(b"SKIPPED: no faketime: a wrong clock is not tested\n");
            return false;
        }
        let plain = self.server_command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut command = Command::new("faketime");
        command.current_dir(self.folder.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.args(["-f", away]).arg(plain.get_program()).args(plain.get_args());
        command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
        self.start_command(command);
        true
    }

    /// Starts a second server with the same settings, on the same folder.
    #[allow(dead_code, reason = "not of the program that kills")]
    pub(crate) fn start_another(&mut self) -> Server {
        let first = self.server.take();
        self.start();
        std::mem::replace(&mut self.server, first).unwrap()
    }

    fn start_command(&mut self, mut command: Command) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("server.log")).unwrap();
        let mut child = command.stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok);
        let Some(first) = first else {
            panic!("the server did not start: {}", fs::read_to_string(self.path("server.log")).unwrap())
        };
        let url = first.strip_prefix("Listening at ").unwrap_or_else(|| panic!("{first}")).to_owned();
        if self.token.is_empty() {
            let said = lines.next().unwrap().unwrap();
            let file = said.strip_prefix("Admin token in ").unwrap_or_else(|| panic!("{said}"));
            self.token = fs::read_to_string(file).unwrap().trim().to_owned();
        }
        // Nobody reads further lines, of which there are few.
        std::thread::spawn(move || lines.for_each(drop));
        self.server = Some(Server { child, url });
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(&mut self) {
        drop(self.server.take());
    }

    pub(crate) fn publisher(&self, args: &[&str]) -> Call {
        let mut command = Command::new(program("vsekai"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("VSEKAI_TOKEN", &self.token);
        command.env("NO_PROXY", "*").env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        command.stdin(Stdio::null()).arg("--json").args(args);
        Call(command)
    }

    /// A build, which is the same for the same number.
    pub(crate) fn build(&self, number: u32) -> PathBuf {
        let tree = self.path(&format!("build-{number}"));
        fs::create_dir_all(tree.join("data")).unwrap();
        fs::write(tree.join("game"), format!("#!/bin/sh\necho {number}\n")).unwrap();
        fs::set_permissions(tree.join("game"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(tree.join("data/world.pck"), noise(7, 900_000)).unwrap();
        fs::write(tree.join("data/news.pck"), noise(1000 + number, 400_000)).unwrap();
        fs::write(tree.join("data/empty"), b"").unwrap();
        tree
    }

    /// `vsekai repository retire --server`
    pub(crate) fn retire(&self, mode: &str, next: Option<&str>) -> Call {
        let call = self.publisher(&["repository", "retire", "--server", self.url(), "--mode", mode, "--keys", "keys"]);
        match next {
            Some(next) => call.args(["--update-to", next]),
            None => call,
        }
    }

    pub(crate) fn publish(&self, mode: &str, version: &str, number: u32) -> Call {
        self.publish_to(self.url(), mode, version, number)
    }

    /// Publishes to a server at another address.
    pub(crate) fn publish_to(&self, url: &str, mode: &str, version: &str, number: u32) -> Call {
        let build = self.build(number);
        let mut call = self.publisher(&["publish"]);
        call.0.arg(build).args(["--mode", mode, "--version", version, "--platform", "linux-x86_64", "--entry", "game"]);
        call.args(["--server", url, "--keys", "keys"])
    }

    pub(crate) fn update(&self, install: &str) -> Call {
        let call = self.publisher(&["--update", install]);
        call.args(["--repository", self.url(), "--trust-root", "root.json", "--no-shared-cache"])
    }

    /// Checks that the install has exactly the build with this number.
    pub(crate) fn assert_has(&self, install: &str, number: u32) {
        let build = self.build(number);
        for file in ["game", "data/world.pck", "data/news.pck", "data/empty"] {
            let installed = fs::read(self.path(install).join("current").join(file)).unwrap();
            assert!(installed == fs::read(build.join(file)).unwrap(), "{file} of build {number}");
        }
    }

    pub(crate) fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
            let url = format!("{}{path}", self.url());
            let mut request = client.request(method.parse().unwrap(), url).bearer_auth(&self.token);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap_or(json!(null)))
        })
    }
}

/// Bytes that cannot be compressed, the same for the same seed.
pub(crate) fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) << 1 | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

/// A command to run.
pub(crate) struct Call(pub(crate) Command);

impl Call {
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.0.arg(arg);
        self
    }

    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.args(args);
        self
    }

    /// Runs it, which must succeed. Returns the last line of its JSON.
    #[track_caller]
    pub(crate) fn done(mut self) -> Value {
        let output = self.0.output().unwrap();
        assert!(output.status.success(), "{:?}\n{}", self.0, text(&output));
        last(&output)
    }

    /// Runs it, which must fail. Returns the last line of its JSON.
    #[track_caller]
    pub(crate) fn fails(mut self) -> Value {
        let output = self.0.output().unwrap();
        assert!(!output.status.success(), "{:?}\n{}", self.0, text(&output));
        last(&output)
    }
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn last(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rfind(|line| line.starts_with('{')).unwrap_or("null");
    serde_json::from_str(line).unwrap()
}
