//! The worst request for each operation of the API, from each kind of token, while a player asks for the metadata pack:
//! nobody waits for what others send, and memory stays below its bound.
//!
//! What is sent is in `worst/bodies.rs`. The operations are those of the OpenAPI document: one that is new there fails a
//! test until it has a worst request.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::deployment::{TestDeployment, is_release};

mod bodies;
mod trees;

/// What a player may wait for the pack, but for one request in a hundred. Debug builds hash and parse about twenty times
/// slower, on machines that do other things, too; a server that stands still makes players wait far longer.
fn pack_p99() -> Duration {
    Duration::from_millis(if is_release() { 50 } else { 1000 })
}

/// Resident memory, without the caches, which are configured to next to nothing here.
const MAX_RESIDENT_KIB: u64 = 256 << 10;

/// How long all requests of one kind may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often each request is sent at the same time.
const AT_ONCE: usize = 8;

/// A request to be sent.
#[derive(Debug, Clone)]
struct Worst {
    method: &'static str,
    path: String,
    kind: &'static str,
    body: bytes::Bytes,
}

impl Worst {
    fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), kind: "", body: bytes::Bytes::new() }
    }

    fn json(method: &'static str, path: impl Into<String>, body: impl Into<bytes::Bytes>) -> Self {
        Self { method, path: path.into(), kind: "application/json", body: body.into() }
    }

    fn bytes(method: &'static str, path: impl Into<String>, body: impl Into<bytes::Bytes>) -> Self {
        Self { method, path: path.into(), kind: "application/octet-stream", body: body.into() }
    }
}

/// What requests name.
#[derive(Debug)]
struct Names {
    version: String,
    index: String,
    file: String,
    cdn: String,
    publication: String,
    /// A publication whose tree is followed while its chunks arrive.
    followed: String,
    token: String,
    chunk: String,
    target: String,
}

/// Operation, method and path of everything in the OpenAPI document.
fn operations() -> Vec<String> {
    let spec = fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json")).unwrap();
    let spec: Value = serde_json::from_str(&spec).unwrap();
    let items = spec["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<String> =
        operations.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect();
    // What others name goes last.
    names.sort_by_key(|name| name.starts_with("delete"));
    names
}

fn names(test: &TestDeployment) -> Names {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let version = test.api("GET", "/api/v1/versions", None).1["items"][0].clone();
    let files = test.api("GET", "/api/v1/files", None).1["items"].clone();
    let index = files.as_array().unwrap().iter().find(|file| file["file_name"] == "index.caidx").unwrap().clone();
    let cdn = json!({"name": "edge", "uri": "https://cdn.example.org"});
    let publication = |id: &str| {
        let new = json!({"id": id, "mode": "stable", "version": "9.0.0", "platform": "linux-x86_64"});
        assert_eq!(test.api("POST", "/api/v1/publications", Some(new)).0, 201);
        id.to_owned()
    };
    let doomed = test.api("POST", "/api/v1/tokens", Some(json!({"name": "doomed", "scopes": ["publish:beta"]}))).1;
    Names {
        version: text(&version["id"]),
        index: text(&index["file_checksum_hash"]),
        file: text(&index["id"]),
        cdn: text(&test.api("POST", "/api/v1/cdns", Some(cdn)).1["uid"]),
        publication: publication("6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11"),
        followed: publication("6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a12"),
        token: text(&doomed["row"]["id"]),
        chunk: bodies::bomb_id(),
        target: text(&index["file_uri"]),
    }
}

/// A player who asks for the pack again and again.
struct Player {
    stop: Arc<AtomicBool>,
    playing: tokio::task::JoinHandle<Vec<Duration>>,
}

impl Player {
    fn start(runtime: &tokio::runtime::Runtime, url: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self { stop: Arc::clone(&stop), playing: runtime.spawn(play(url.to_owned(), stop)) }
    }

    /// Fails if the player has waited too long.
    fn end(self, runtime: &tokio::runtime::Runtime, meanwhile: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let times = runtime.block_on(self.playing).unwrap();
        let (p99, longest) = (times[times.len() * 99 / 100], times.last().unwrap());
        eprintln!("{meanwhile}: {} packs, p99 {p99:?}, longest {longest:?}", times.len());
        assert!(p99 < pack_p99(), "{meanwhile}: a player waited {p99:?} for the pack; the longest {longest:?}");
    }
}

/// Returns how long each answer took, in order of length.
async fn play(url: String, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let answer = client.get(format!("{url}/tuf/current.pack")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answer.bytes().await.unwrap();
        times.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    times.sort();
    times
}

/// Sends a request several times at once. Returns the statuses; 0 for a connection that was closed.
async fn send(url: &str, token: &str, worst: &Worst, times: usize) -> Vec<u16> {
    let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
    let mut all = JoinSet::new();
    for _ in 0..times {
        let mut request = client.request(worst.method.parse().unwrap(), format!("{url}{}", worst.path));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !worst.kind.is_empty() {
            request = request.header("content-type", worst.kind).body(worst.body.clone());
        }
        all.spawn(async move {
            // A refusal may come, and the connection end, before everything is sent.
            request.send().await.map_or(0, |answer| answer.status().as_u16())
        });
    }
    all.join_all().await
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn every_operation_has_a_worst_request() {
    let nil = || uuid::Uuid::nil().to_string();
    let (index, chunk) = ("0".repeat(64), "0".repeat(64));
    let (version, file, cdn, publication, followed, token) = (nil(), nil(), nil(), nil(), nil(), nil());
    let names =
        Names { version, index, file, cdn, publication, followed, token, chunk, target: "targets/x".to_owned() };
    let without: Vec<_> = operations().into_iter().filter(|it| bodies::worst(it, &names, 64).is_empty()).collect();
    assert!(without.is_empty(), "write the worst requests of {without:?}");
    assert!(bodies::worst("no_operation", &names, 64).is_empty());
}

/// Takes minutes, so the nightly run does this, with a release.
#[test]
#[ignore = "takes minutes; the nightly run does it"]
fn nobody_waits_for_the_worst_that_any_token_can_send() {
    let mut test =
        TestDeployment::new(&["bundles=false", "chunk_cache_mib=1", "log=info,vsekai_server::service=debug"]);
    test.publish("stable", "1.0.0", 1).done();
    let token = |scope: &str| {
        let body = json!({"name": uuid::Uuid::new_v4().to_string(), "scopes": [scope]});
        test.api("POST", "/api/v1/tokens", Some(body)).1["token"].as_str().unwrap().to_owned()
    };
    let tokens = [
        ("nobody", String::new()),
        ("wrong", format!("vsk_{}_{}", uuid::Uuid::nil(), "x".repeat(43))),
        ("beta", token("publish:beta")),
        ("stable", token("publish:stable")),
        ("admin", test.token.clone()),
    ];
    let of_stable = [token("publish:stable"), token("publish:stable")];
    let prepared = trees::prepare(&mut test);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let pid = test.server.as_ref().unwrap().child.id();

    let player = Player::start(&runtime, test.url());
    trees::commit(&test, &prepared, &of_stable);
    player.end(&runtime, "commits of large trees");
    eprintln!("{} MiB", resident_kib(pid) >> 10);

    let names = names(&test);
    let player = Player::start(&runtime, test.url());
    let mut answers: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for operation in operations() {
        let worst = bodies::worst(&operation, &names, 1);
        for (who, token) in &tokens {
            let began = Instant::now();
            for one in &worst {
                let statuses = runtime.block_on(send(test.url(), token, one, AT_ONCE));
                assert!(!statuses.contains(&500), "{who}: {operation}: {statuses:?}");
                answers.entry(operation.clone()).or_default().extend(statuses);
            }
            assert!(began.elapsed() < PATIENCE, "{who}: {operation} took {:?}", began.elapsed());
        }
    }
    player.end(&runtime, "every operation");
    let resident = resident_kib(pid);
    eprintln!("{} MiB", resident >> 10);
    assert!(resident < MAX_RESIDENT_KIB, "{resident} KiB of memory");
    // What is sent reaches the operations: somebody is let in, and somebody is not.
    for (operation, statuses) in &answers {
        assert!(statuses.iter().any(|status| *status != 0 && *status != 404), "{operation}: {statuses:?}");
    }
    assert!(answers["put_chunks"].contains(&200), "{answers:?}");
    test.update("game").done();
}
