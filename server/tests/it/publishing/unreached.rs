//! A bucket or folder of chunks that cannot be used: who is told what, and that it passes by itself.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::files::support::start_s3;
use crate::support::deployment::{TestDeployment, text};

/// Longer than a finding is kept, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// An S3 server of one test, behind a line that can be held up.
struct Bucket {
    _child: Child,
    url: String,
    line: String,
    is_held: Arc<AtomicBool>,
}

impl Bucket {
    /// `None`, with a line on stderr, without `moto_server`.
    fn start() -> Option<Self> {
        let (child, url) = start_s3()?;
        let is_held = Arc::new(AtomicBool::new(false));
        let line = line_to(url.strip_prefix("http://").unwrap().to_owned(), Arc::clone(&is_held));
        let bucket = Self { _child: child, url, line, is_held };
        let started = Instant::now();
        while bucket.send("PUT", "/chunks", "") != Some(200) {
            assert!(started.elapsed() < PATIENCE, "moto_server does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(bucket)
    }

    fn send(&self, method: &str, path: &str, body: &'static str) -> Option<u16> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
            let request = client.request(method.parse().unwrap(), format!("{}{path}", self.url)).body(body);
            request.send().await.ok().map(|answer| answer.status().as_u16())
        })
    }

    /// Whether it refuses the credentials of everybody, none of which it knows.
    fn refuse(&self, refuses: bool) {
        assert_eq!(self.send("POST", "/moto-api/reset-auth", if refuses { "0" } else { "inf" }), Some(200));
    }

    /// Removes the bucket with all that is in it.
    fn remove(&self) {
        assert_eq!(self.send("POST", "/moto-api/reset", ""), Some(200));
    }

    fn variables(&self) -> Vec<(String, String)> {
        let all = [
            ("AWS_ENDPOINT", self.line.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "nobody"),
            ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
            ("AWS_REGION", "us-east-1"),
        ];
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

/// Passes connections on. While it is held, nothing passes, and nobody is told.
fn line_to(address: String, is_held: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let (near, far) = (near.unwrap(), TcpStream::connect(&address).unwrap());
            for (from, to) in [(&near, &far), (&far, &near)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let is_held = Arc::clone(&is_held);
                std::thread::spawn(move || {
                    let mut piece = [0; 16384];
                    while let Ok(length @ 1..) = from.read(&mut piece) {
                        while is_held.load(Ordering::Relaxed) {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                        if to.write_all(&piece[..length]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    url
}

/// Waits until `/readyz` answers with this status. Returns the problem.
#[track_caller]
fn until_ready(test: &TestDeployment, status: u16) -> Value {
    let started = Instant::now();
    loop {
        let asked = Instant::now();
        let (found, problem) = test.api("GET", "/readyz", None);
        assert!(asked.elapsed() < Duration::from_secs(15), "it waits for the bucket");
        if found == status {
            return problem;
        }
        assert!(started.elapsed() < PATIENCE, "{found} {problem}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Waits until the server is not ready, because of its chunks, and says this of them.
#[track_caller]
fn until_unreached(test: &TestDeployment, why: &str) {
    let started = Instant::now();
    loop {
        let problem = until_ready(test, 503);
        assert_eq!(problem["code"], "chunks_unreachable", "{problem}");
        let said = problem["detail"].as_str().unwrap().to_owned();
        assert!(!said.contains("hush") && !said.contains("127.0.0.1"), "{said}");
        if said.contains(why) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{said}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

const SETTINGS: [&str; 3] = ["bundles=false", "chunk_cache_mib=0", "chunks=s3://chunks/a"];

#[test]
fn wrong_credentials_are_said_and_pass() {
    let Some(bucket) = Bucket::start() else { return };
    let test = TestDeployment::with(&SETTINGS, &bucket.variables());
    until_ready(&test, 200);
    test.publish("stable", "1.0.0", 1).done();
    bucket.refuse(true);
    let refused = test.publish("stable", "1.1.0", 2).fails();
    assert!(refused.to_string().contains("chunks_unreachable"), "{refused}");
    until_unreached(&test, "AWS_ACCESS_KEY_ID");
    // What needs no bucket goes on.
    assert_eq!(test.api("GET", "/tuf/timestamp.json", None).0, 200);
    assert_eq!(test.api("GET", "/api/v1/modes/stable", None).0, 200);
    let verify = test.server_command(&["verify"]).output().unwrap();
    let said = text(&verify);
    assert!(verify.status.code() == Some(1) && said.contains("[chunks_unreachable]"), "{said}");
    bucket.refuse(false);
    until_ready(&test, 200);
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
    let log = fs::read_to_string(test.path("server.log")).unwrap();
    assert!(log.contains("chunks_unreachable") && log.contains("chunks_reachable"), "{log}");
}

#[test]
fn a_server_that_starts_without_its_bucket_records_no_place_and_recovers() {
    let Some(bucket) = Bucket::start() else { return };
    bucket.refuse(true);
    let check = |test: &TestDeployment, more: &[&str]| {
        let output = test.server_command(&[&["check-config"], more].concat()).output().unwrap();
        (output.status.code(), text(&output))
    };
    let mut test = TestDeployment::with(&SETTINGS, &bucket.variables());
    until_unreached(&test, "credentials");
    let (code, said) = check(&test, &[]);
    assert!(code == Some(1) && said.contains("[chunks_unreachable]"), "{said}");
    assert!(said.contains("hint: ") && !said.contains("hush"), "{said}");
    assert_eq!(check(&test, &["--offline"]).0, Some(0));
    // A place that was never reached may be a mistake: it binds nobody.
    test.kill();
    let place = test.settings.pop().unwrap();
    test.settings.push(place.replace("/a", "/b"));
    test.start();
    bucket.refuse(false);
    until_ready(&test, 200);
    test.publish("stable", "1.0.0", 1).done();
    assert_eq!(check(&test, &[]).0, Some(0));
    test.settings.pop();
    test.settings.push(place);
    let (code, said) = check(&test, &[]);
    assert!(code == Some(1) && said.contains("s3://chunks/b"), "{said}");
}

#[test]
fn a_bucket_that_does_not_answer_holds_nobody_up() {
    let Some(bucket) = Bucket::start() else { return };
    let test = TestDeployment::with(&SETTINGS, &bucket.variables());
    until_ready(&test, 200);
    bucket.is_held.store(true, Ordering::Relaxed);
    until_unreached(&test, "no answer in time");
    assert_eq!(test.api("GET", "/api/v1/modes", None).0, 200, "the database answers");
    bucket.is_held.store(false, Ordering::Relaxed);
    until_ready(&test, 200);
    test.publish("stable", "1.0.0", 1).done();
}

#[test]
fn a_bucket_that_is_gone_loses_no_chunks_until_it_is_back_without_them() {
    let Some(bucket) = Bucket::start() else { return };
    let test = TestDeployment::with(&SETTINGS, &bucket.variables());
    test.publish("stable", "1.0.0", 1).done();
    bucket.remove();
    until_unreached(&test, "NoSuchBucket");
    let verify = test.server_command(&["verify"]).output().unwrap();
    let said = text(&verify);
    assert!(verify.status.code() == Some(1) && !said.contains("missing "), "{said}");
    assert_eq!(bucket.send("PUT", "/chunks", ""), Some(200));
    until_unreached(&test, "empty");
    // Whoever runs the server decides that they are lost.
    let verify = test.server_command(&["verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(3), "{}", text(&verify));
    until_ready(&test, 200);
    test.publish("stable", "1.1.0", 1).done();
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn a_folder_whose_disk_is_not_mounted_is_not_taken_for_the_store() {
    let mut test = TestDeployment::new(&["bundles=false", "chunk_cache_mib=0"]);
    let (here, away) = (test.path("store"), test.path("away"));
    let moved = test.server_command(&["move", "--to", &format!("file://{}", here.display())]).output().unwrap();
    assert!(moved.status.success(), "{}", text(&moved));
    // The database says where they are.
    test.kill();
    test.start();
    test.publish("stable", "1.0.0", 1).done();
    until_ready(&test, 200);
    fs::rename(&here, &away).unwrap();
    fs::create_dir(&here).unwrap();
    until_unreached(&test, "not mounted");
    fs::remove_dir_all(&here).unwrap();
    fs::rename(&away, &here).unwrap();
    until_ready(&test, 200);
    let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
    assert!(verify.status.success(), "{}", text(&verify));
}

#[test]
fn chunks_are_not_moved_to_a_bucket_that_refuses() {
    let Some(bucket) = Bucket::start() else { return };
    bucket.refuse(true);
    let test = TestDeployment::with(&["bundles=false"], &bucket.variables());
    let moved = test.server_command(&["move", "--to", "s3://chunks/a"]).output().unwrap();
    let said = text(&moved);
    assert!(moved.status.code() == Some(1) && said.contains("[chunks_unreachable]"), "{said}");
    test.publish("stable", "1.0.0", 1).done();
}
