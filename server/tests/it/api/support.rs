//! A server for one test: the real program with its own folder, and its output.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::Value;
use tempfile::TempDir;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_vsekai-server");

/// The longest time to wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program without the configuration of the user who runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("VSEKAI_")) {
            command.env_remove(name);
        }
    }
    command
}

/// A running server, which ends with its test.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: Option<TempDir>,
    log: Arc<Mutex<String>>,
    client: reqwest::Client,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    /// The token that was printed at the first start.
    pub(crate) admin: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these settings.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::spawn(tempfile::tempdir().unwrap(), String::new(), settings)
    }

    /// Ends this server, and starts another one on the same data.
    pub(crate) fn again(mut self, settings: &[(&str, &str)]) -> Self {
        self.terminate();
        assert!(self.wait().success(), "{}", self.log());
        let folder = self.folder.take().unwrap();
        Self::spawn(folder, self.admin.clone(), settings)
    }

    /// Starts another server on the same data, after this one has ended on its own.
    pub(crate) fn again_after_end(mut self) -> Self {
        let folder = self.folder.take().unwrap();
        Self::spawn(folder, self.admin.clone(), &[])
    }

    fn spawn(folder: TempDir, admin: String, settings: &[(&str, &str)]) -> Self {
        let mut command = program();
        command.arg("serve").args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
        for (name, value) in settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut piece) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = |start: &str| {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {}", log.lock().unwrap())).unwrap();
            let line = match serde_json::from_str::<Value>(&line) {
                Ok(entry) => entry["fields"]["message"].as_str().unwrap().to_owned(),
                Err(_) => line,
            };
            line.strip_prefix(start).unwrap_or_else(|| panic!("{line:?} is not {start:?}")).to_owned()
        };
        let base = line("Listening at ");
        let admin = if admin.is_empty() {
            std::fs::read_to_string(line("Admin token in ")).unwrap().trim().to_owned()
        } else {
            admin
        };
        let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
        Self { child, folder: Some(folder), log, client, base, admin }
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.as_ref().unwrap().path()
    }

    /// A request with the token of the administrator.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        self.ask_as(&self.admin, method, path)
    }

    /// A request with this token, or without one if it is empty.
    pub(crate) fn ask_as(&self, token: &str, method: &str, path: &str) -> Ask {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let ask = self.client.request(method, format!("{}{path}", self.base));
        Ask(if token.is_empty() { ask } else { ask.bearer_auth(token) })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask_as("", "GET", path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path).json(body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask("PATCH", path).json(body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path).send().await
    }

    /// A new token with these scopes: its id and its text.
    pub(crate) async fn token(&self, scopes: &[&str]) -> (String, String) {
        let name = format!("test {}", uuid::Uuid::new_v4());
        let body = serde_json::json!({"name": name, "scopes": scopes});
        let made = self.post("/api/v1/tokens", &body).await.expect(201);
        (made["row"]["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn mode(&self, name: &str) {
        self.post("/api/v1/modes", &serde_json::json!({"name": name})).await.expect(201);
    }

    /// Sends these bytes on a new connection, and returns the whole answer.
    pub(crate) fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server may refuse and close before everything is written.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Everything that the server has written to stderr.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log contains this text.
    pub(crate) async fn until_logged(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(started.elapsed() < PATIENCE, "{text:?} is not in {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask(reqwest::RequestBuilder);

impl Ask {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(self, kind: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", kind).body(body))
    }

    pub(crate) async fn send(self) -> Answer {
        let answer = self.0.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks the status, and returns the JSON.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    /// Checks that the answer is a complete problem with this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().ends_with(&format!("#{code}")), "{problem}");
        for part in ["title", "detail"] {
            assert!(!problem[part].as_str().unwrap().is_empty(), "{problem}");
        }
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        problem
    }
}
