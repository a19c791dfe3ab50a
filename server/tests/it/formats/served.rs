//! An update of the server: this one starts on the data folder of an old release.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::frozen::{names, unpack, v01};

struct Server {
    folder: TempDir,
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("keys")).unwrap();
        unpack("server.db.zst", &data.join("vsekai.db"));
        for name in names(&v01("keys")) {
            fs::copy(v01("keys").join(&name), data.join("keys").join(&name)).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_vsekai-server"));
        command.env_clear().current_dir(folder.path()).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.args(["--set", "probe_every_s=0", "--set", "bundles=false", "--set", "log=error"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.next().unwrap().unwrap().strip_prefix("Listening at ").unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { folder, child, url }
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        let client = crate::client::plain().build().unwrap();
        let token = fs::read_to_string(v01("admin-token")).unwrap();
        let answer = client.get(format!("{}/{path}", self.url)).bearer_auth(token.trim()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.bytes().await.unwrap().to_vec()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).await).unwrap()
    }
}

#[tokio::test]
async fn what_was_published_is_served() {
    let server = Server::start();
    let modes = server.json("api/v1/modes").await;
    let named: Vec<_> = modes["items"].as_array().unwrap().iter().map(|mode| mode["name"].clone()).collect();
    assert_eq!(named, ["beta", "stable"]);
    // The old token still exists.
    assert_eq!(server.json("api/v1/tokens").await["items"].as_array().unwrap().len(), 2);
    let files = server.json("api/v1/files").await;
    let files = files["items"].as_array().unwrap();
    assert_eq!(files.len(), 6);
    for file in files {
        let bytes = server.get(file["file_uri"].as_str().unwrap()).await;
        assert_eq!(hex::encode(Sha256::digest(&bytes)), file["file_checksum_hash"].as_str().unwrap());
    }
}

#[tokio::test]
async fn what_has_expired_is_signed_again_with_the_same_keys() {
    let server = Server::start();
    let now = chrono::Utc::now();
    for _ in 0..100 {
        let timestamp = server.json("tuf/timestamp.json").await;
        let expires: chrono::DateTime<chrono::Utc> = timestamp["signed"]["expires"].as_str().unwrap().parse().unwrap();
        if expires > now {
            let key = timestamp["signatures"][0]["keyid"].as_str().unwrap();
            let file = names(&v01("keys")).into_iter().find(|name| name.starts_with("timestamp.")).unwrap();
            assert_eq!(format!("timestamp.{}.pk8", &key[..8]), file);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the timestamp is still expired");
}

/// `vsekai --json WORDS`, the other program of the workspace; it must succeed. `./run test` builds it.
fn vsekai(server: &Server, words: &[&str]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_vsekai-server")).with_file_name("vsekai");
    assert!(program.exists(), "{} is missing: `cargo build --bin vsekai` makes it", program.display());
    let mut command = Command::new(program);
    command.env_clear().env("HOME", server.folder.path()).env("NO_PROXY", "*").current_dir(server.folder.path());
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    let output = command.arg("--json").args(words).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn players_install_and_publishers_go_on() {
    let server = Server::start();
    let keys = server.folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    for name in names(&v01("publisher-keys")) {
        fs::copy(v01("publisher-keys").join(&name), keys.join(&name)).unwrap();
    }
    let (token, url) = (v01("admin-token"), server.url.clone());
    let from = ["--repository", &url, "--trust-root", "keys/root.json"];
    let on = ["--platform", "linux-x86_64", "--no-shared-cache"];
    vsekai(&server, &[&["update", "game"][..], &from, &on].concat());
    let game = server.folder.path().join("game/current");
    assert!(fs::read_to_string(game.join("game")).unwrap().contains("version 2"));
    let words = ["publish", "game/current/", "--mode", "stable", "--version", "1.2.0", "--platform", "linux-x86_64"];
    let desk = ["--entry", "game", "--server", &url, "--keys", "keys", "--token-file", token.to_str().unwrap()];
    vsekai(&server, &[&words[..], &desk].concat());
    let done = vsekai(&server, &[&["update", "game"][..], &from, &on].concat());
    let last: Value = serde_json::from_str(done.lines().last().unwrap()).unwrap();
    assert_eq!((&last["from"], &last["current"]["version"]), (&"1.1.0".into(), &"1.2.0".into()));
}

#[test]
fn every_chunk_and_bundle_is_sound() {
    let server = Server::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vsekai-server"));
    command.env_clear().args(["verify", "--deep", "--data"]).arg(server.folder.path().join("data"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(", 0 missing or corrupt."), "{said}");
}

#[test]
fn every_file_of_the_server_has_its_tests() {
    let expected = ["admin-token", "keys", "migrations", "publisher-keys", "server.db.zst"];
    assert_eq!(names(&v01("")), expected);
    assert_eq!(names(&v01("keys")).len(), 4);
}
