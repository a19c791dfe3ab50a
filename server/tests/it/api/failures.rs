//! What the server does when something around it fails: the disk, the clock, the keys, the reader of its log.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::{PATIENCE, PROGRAM, Server, program};
use crate::files::support::{chunk, noise, path_of};

/// A server whose data folder is a disk of its own, with a ballast that can be thrown off.
struct OnSmallDisk {
    child: Child,
    base: String,
    admin: String,
    _folder: tempfile::TempDir,
    data: std::path::PathBuf,
}

impl OnSmallDisk {
    /// `None`, with a line on stderr, where this user may not mount a disk.
    fn start(megabytes: u32, chunks_in_folder: bool, reserve_mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let chunks =
            if chunks_in_folder { format!("--chunks file://{}/chunks", data.display()) } else { String::new() };
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs {data} && head -c 2000000 /dev/zero >{data}/ballast && \
             exec {PROGRAM} serve --listen 127.0.0.1:0 --set bundles=false --set disk_reserve_mib={reserve_mib} --data {data} {chunks}",
            data = data.display()
        );
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(first)) = lines.next() else {
            let _ = child.wait();
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no disk can be mounted");
            use std::io::Write as _;
            let _ = std::io::stderr().write_all(b"SKIPPED: no disk can be mounted: a full one is not tested\n");
            return None;
        };
        let base = first.strip_prefix("Listening at ").unwrap().to_owned();
        let said = lines.next().unwrap().unwrap();
        // The disk is mounted for that process alone.
        let file = format!("/proc/{}/root{}", child.id(), said.strip_prefix("Admin token in ").unwrap());
        let admin = std::fs::read_to_string(file).unwrap().trim().to_owned();
        Some(Self { child, base, admin, _folder: folder, data })
    }

    async fn put(&self, seed: u64) -> (u16, serde_json::Value) {
        let (id, stored) = chunk(&noise(200_000, seed));
        let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
        let url = format!("{}{}", self.base, path_of(id));
        let answer = client.put(url).bearer_auth(&self.admin).body(stored).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Makes a token, as anything else that is written. Returns the status of the answer.
    async fn make_token(&self, name: &str) -> u16 {
        let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
        let body = json!({"name": name, "scopes": ["publish:beta"]}).to_string();
        let post = client.post(format!("{}/api/v1/tokens", self.base)).bearer_auth(&self.admin);
        let answer = post.header("content-type", "application/json").body(body).send().await.unwrap();
        answer.status().as_u16()
    }

    async fn free_bytes(&self) -> u64 {
        let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
        let answer = client.get(format!("{}/api/v1/status", self.base)).bearer_auth(&self.admin).send().await.unwrap();
        let status: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        status["disk_free_bytes"].as_u64().unwrap()
    }

    async fn ready(&self) -> (u16, String) {
        let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
        let answer = client.get(format!("{}/readyz", self.base)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn throw_off_ballast(&self) {
        let inside = format!("/proc/{}/root{}/ballast", self.child.id(), self.data.display());
        std::fs::remove_file(inside).unwrap();
    }
}

impl OnSmallDisk {
    /// Puts chunks until one is refused because the disk is full. Returns which it is.
    async fn fill(&self) -> u64 {
        for seed in 1..400 {
            let (status, said) = self.put(seed).await;
            if status != 201 {
                assert_eq!((status, &said["code"]), (503, &json!("disk_full")));
                return seed;
            }
        }
        panic!("the disk does not fill up");
    }
}

impl Drop for OnSmallDisk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn a_full_disk_is_said_and_passes(in_folder: bool) {
    let Some(server) = OnSmallDisk::start(8, in_folder, 0) else { return };
    assert_eq!(server.ready().await.0, 200);
    let seed = server.fill().await;
    // Again and again, as publishers do.
    for more in 0..20 {
        assert_eq!(server.put(1000 + more).await.0, 503);
    }
    if !in_folder {
        let full = Instant::now();
        loop {
            let (status, text) = server.ready().await;
            if status == 503 && text.contains("disk_full") {
                break;
            }
            assert!(full.elapsed() < Duration::from_secs(4), "{status} {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    server.throw_off_ballast();
    let freed = Instant::now();
    while server.ready().await.0 != 200 || server.put(seed).await.0 != 201 {
        assert!(freed.elapsed() < Duration::from_secs(20), "it does not recover: {:?}", server.ready().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.put(5000).await.0, 201);
}

#[tokio::test]
async fn a_full_disk_of_the_database_is_said_and_passes() {
    a_full_disk_is_said_and_passes(false).await;
}

#[tokio::test]
async fn a_full_disk_of_the_chunks_is_said_and_passes() {
    a_full_disk_is_said_and_passes(true).await;
}

async fn uploads_leave_a_reserve(in_folder: bool) {
    // A twentieth of this disk, since that is less than the default.
    let Some(server) = OnSmallDisk::start(64, in_folder, 1024) else { return };
    let seed = server.fill().await;
    let free = server.free_bytes().await;
    assert!((2 << 20..4 << 20).contains(&free), "{free}");
    for more in 0..20 {
        assert_eq!(server.put(1000 + more).await.0, 503);
        assert_eq!(server.make_token(&format!("token {more}")).await, 201, "all else is written");
    }
    assert_eq!(server.ready().await.0, 200);
    server.throw_off_ballast();
    assert_eq!(server.put(seed).await.0, 201);
}

#[tokio::test]
async fn uploads_leave_a_reserve_of_the_disk_with_the_database() {
    uploads_leave_a_reserve(false).await;
}

#[tokio::test]
async fn uploads_leave_a_reserve_of_the_disk_with_the_chunks() {
    uploads_leave_a_reserve(true).await;
}

/// A server whose log somebody was to read, after far more lines than a pipe holds.
async fn after_many_lines(is_closed: bool) -> (Child, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--set", "log=trace", "--data"]).arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let base = first.strip_prefix("Listening at ").unwrap().to_owned();
    if is_closed {
        drop(child.stderr.take());
    }
    let client = crate::client::plain().timeout(Duration::from_secs(5)).build().unwrap();
    for number in 0..600 {
        let answer = client.get(format!("{base}/api/v1/modes?name={number}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
    (child, folder)
}

async fn nobody_need_read_the_log(is_closed: bool) {
    let (mut child, _folder) = after_many_lines(is_closed).await;
    assert!(child.try_wait().unwrap().is_none(), "it has ended by itself");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let asked = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if asked.elapsed() > Duration::from_secs(10) {
            let _ = child.kill();
            panic!("it does not end");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn nobody_need_read_the_log_for_it_to_go_on_and_to_end() {
    nobody_need_read_the_log(false).await;
}

#[tokio::test]
async fn a_reader_of_the_log_may_close_it_and_it_goes_on_and_ends() {
    nobody_need_read_the_log(true).await;
}

#[tokio::test]
async fn valid_tokens_go_on_while_others_at_their_address_guess() {
    let server = Server::with(&[("wrong_tokens_per_minute", "3")]);
    let wrong = format!("vsk_{}_{}", "0".repeat(32), "0".repeat(64));
    let mut last = 0;
    for _ in 0..6 {
        last = server.ask_as(&wrong, "GET", "/api/v1/audit").send().await.status;
    }
    assert_eq!(last, 429, "who guesses is locked out");
    server.ask("GET", "/api/v1/audit").send().await.expect(200);
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
    let (id, stored) = chunk(b"sent in spite of that");
    let put = server.ask("PUT", &path_of(id)).body("application/octet-stream", stored);
    assert_eq!(put.send().await.status, 201);
}
