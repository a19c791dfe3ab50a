//! A rollout that halts by itself: real players report to a real server how a new version began.
//!
//! Each player comes from an address of its own: a relay connects to the server from there, and keeps what was sent.

use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use vsekai_updater::app::worker::{Message, Options, Worker};

use crate::databases::Kind;
use crate::support::deployment::{Call, TestDeployment};

const PATIENCE: Duration = Duration::from_secs(60);

/// Passes connections on from an address of its own, and keeps every byte that the player sends.
struct Relay {
    url: String,
    sent: Arc<Mutex<Vec<u8>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Relay {
    fn start(server: &str, number: u8) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let to: std::net::SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&sent);
        runtime.spawn(async move {
            while let Ok((mut player, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let socket = TcpSocket::new_v4().unwrap();
                    socket.bind((address(number), 0).into()).unwrap();
                    let mut server = socket.connect(to).await.unwrap();
                    let (mut from_player, mut to_player) = player.split();
                    let (mut from_server, mut to_server) = server.split();
                    let up = async {
                        let mut piece = [0; 8192];
                        while let Ok(length @ 1..) = from_player.read(&mut piece).await {
                            kept.lock().unwrap().extend_from_slice(&piece[..length]);
                            if to_server.write_all(&piece[..length]).await.is_err() {
                                break;
                            }
                        }
                        let _ = to_server.shutdown().await;
                    };
                    let _ = tokio::join!(up, tokio::io::copy(&mut from_server, &mut to_player));
                });
            }
        });
        Self { url, sent, _runtime: runtime }
    }

    /// What has been sent, as text.
    fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock().unwrap()).into_owned()
    }
}

fn address(number: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, number])
}

/// A player with an install, a configuration and an address of its own.
struct Player<'a> {
    test: &'a TestDeployment,
    relay: Relay,
    name: String,
}

impl<'a> Player<'a> {
    fn new(test: &'a TestDeployment, number: u8) -> Self {
        let player = Self { test, relay: Relay::start(test.url(), number), name: format!("player-{number}") };
        player.update(&[]).done();
        player
    }

    fn command(&self, args: &[&str]) -> Call {
        let mut call = self.test.publisher(args);
        call.0.env_remove("VSEKAI_TOKEN").env("VSEKAI_CONFIG", self.test.path(&format!("{}.toml", self.name)));
        call
    }

    fn agrees(self) -> Self {
        self.command(&["config", "set", "reports", "on"]).done();
        self
    }

    fn update(&self, args: &[&str]) -> Call {
        let named = ["--repository", &self.relay.url, "--trust-root", "root.json", "--no-shared-cache"];
        self.command(&["--update", &self.name]).args(named).args(args.iter().copied())
    }

    fn launch(&self) -> Option<i32> {
        self.command(&["launch", &self.name]).0.output().unwrap().status.code()
    }

    fn version(&self) -> String {
        self.command(&["status", &self.name]).done()["current"]["version"].as_str().unwrap().to_owned()
    }
}

/// Publishes a version whose game ends with this exit code.
fn publish(test: &TestDeployment, version: &str, exit_code: i32, rollout: &str) {
    let build = test.build(1);
    std::fs::write(build.join("game"), format!("#!/bin/sh\n: {version}\nexit {exit_code}\n")).unwrap();
    let mut call = test.publisher(&["publish"]);
    call.0.arg(build).args(["--mode", "stable", "--version", version, "--platform", "linux-x86_64"]);
    call.args(["--entry", "game", "--server", test.url(), "--keys", "keys", "--rollout", rollout]).done();
}

/// `vsekai repository reports`
fn ask(test: &TestDeployment, how: &[&str]) {
    let call = test.publisher(&["repository", "reports", "--server", test.url(), "--mode", "stable"]);
    call.args(how.iter().copied()).done();
}

/// Reports made up by somebody at this address. Returns the statuses.
fn forge(test: &TestDeployment, from: u8, version: &str, outcome: &str, times: usize) -> Vec<u16> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = crate::client::plain().local_address(address(from)).build().unwrap();
        let body = json!({"mode": "stable", "version": version, "platform": "linux-x86_64", "outcome": outcome});
        let mut statuses = Vec::new();
        for _ in 0..times {
            let request = client.post(format!("{}/api/v1/reports", test.url()));
            let request = request.header("content-type", "application/json").body(body.to_string());
            statuses.push(request.send().await.unwrap().status().as_u16());
        }
        statuses
    })
}

fn rollout(test: &TestDeployment, version: &str) -> u64 {
    let (_, found) = test.api("GET", &format!("/api/v1/versions?mode=stable&version={version}"), None);
    found["items"][0]["rollout"].as_u64().unwrap()
}

fn counts(test: &TestDeployment) -> Value {
    let (status, found) = test.api("GET", "/api/v1/reports", None);
    assert_eq!(status, 200, "{found}");
    found["items"].clone()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Receives messages of webhooks.
fn receiver() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told = Arc::<Mutex<Vec<Value>>>::default();
    let kept = Arc::clone(&told);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
            let body = loop {
                let length = stream.read(&mut piece).unwrap();
                bytes.extend_from_slice(&piece[..length]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                match text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<Value>(body).ok()) {
                    Some(body) => break body,
                    None => assert!(length > 0, "{text}"),
                }
            };
            kept.lock().unwrap().push(body);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    (url, told)
}

fn deployment(kind: Kind, more: &[&str]) -> Option<TestDeployment> {
    let server = kind.server()?;
    let mut settings = vec!["bundles=false".to_owned(), "reports_every_s=1".to_owned()];
    settings.push("log=info,access=debug".to_owned());
    settings.extend(more.iter().map(|it| (*it).to_owned()));
    if kind == Kind::Postgres {
        settings.push(format!("database={}", super::copies::empty(&server).0));
    }
    Some(TestDeployment::new(&settings.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn failing_version_is_stopped_with_a_reason_until_somebody_lets_it_go_on(kind: Kind) {
    let (url, told) = receiver();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap();
    let secret = format!("webhook_secret_file={}", secret.path().display());
    let hooks = [&format!("webhooks={url}"), "allow_private_webhooks=true", &secret, "metrics_listen=127.0.0.1:0"];
    let Some(test) = deployment(kind, &hooks) else { return };
    publish(&test, "1.0.0", 0, "100");
    ask(&test, &["--on", "--minimum", "10", "--limit", "20"]);
    let players = [11, 12, 13].map(|number| Player::new(&test, number).agrees());
    let waiting = Player::new(&test, 14).agrees();
    publish(&test, "1.1.0", 3, "60");
    for player in &players {
        player.update(&["--now"]).done();
        assert_eq!([player.launch(), player.launch()], [Some(3), Some(3)]);
    }
    until("reports are not counted", || counts(&test)[0]["reports"] == 0);
    assert_eq!((&counts(&test)[0]["failed_percent"], rollout(&test, "1.1.0")), (&Value::Null, 60), "too few to tell");
    // Two of seven others for whom it starts: 8 of 10 fail.
    for from in 21..=27 {
        forge(&test, from, "1.1.0", if from <= 22 { "started" } else { "failed" }, 1);
    }
    until("it is not stopped", || rollout(&test, "1.1.0") == 0);

    let reason = "80% of about 10 players on linux-x86_64 reported that it failed to start; the limit is 20%";
    let count = &counts(&test)[0];
    assert_eq!((&count["reports"], &count["failed_percent"]), (&json!(10), &json!(80)), "{count}");
    assert_eq!((&count["halted_because"], count["halted_at"].is_string()), (&json!(reason), true), "{count}");
    let (_, audit) = test.api("GET", "/api/v1/audit", None);
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["subject"]), (&json!("rollout.halt"), &json!("stable 1.1.0")), "{entry}");
    assert_eq!((&entry["actor"], &entry["detail"]["reason"]), (&json!("reports"), &json!(reason)), "{entry}");
    assert_eq!(entry["detail"]["before"]["rollout"], 60);
    until("no webhook", || told.lock().unwrap().iter().any(|told| told["type"] == "rollout.halt"));
    let message = told.lock().unwrap().iter().find(|told| told["type"] == "rollout.halt").cloned().unwrap();
    assert_eq!(message["text"], format!("rollout.halt stable 1.1.0: {reason}"));
    let log = std::fs::read_to_string(test.path("server.log")).unwrap();
    let metrics = log.split_whitespace().find(|word| word.ends_with("/metrics")).unwrap_or_else(|| panic!("{log}"));
    let metrics = metrics.trim_start_matches(|c| c != 'h');
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = || runtime.block_on(async { reqwest::get(metrics).await.unwrap().text().await.unwrap() });
    assert!(read().contains("vsekai_halted_rollouts 1\n"), "{}", read());
    assert!(read().contains("vsekai_reports_total{outcome=\"counted\"} 10\n"), "{}", read());

    let about = "mode=\"stable\",version=\"1.1.0\",platform=\"linux-x86_64\"";
    assert!(read().contains(&format!("vsekai_version_reports{{{about}}} 10\n")), "{}", read());

    // Nobody new gets it; who has it keeps it, and goes back by itself.
    waiting.update(&[]).done();
    assert_eq!(waiting.version(), "1.0.0");
    assert_eq!((players[0].launch(), players[0].version()), (Some(0), "1.0.0".to_owned()));
    let access: Vec<_> = log.lines().filter(|line| line.contains("/api/v1/reports")).collect();
    assert!(access.len() >= 10 && !access.iter().any(|line| line.contains("127.0.0")), "{access:?}");

    let of = ["--mode", "stable", "--version", "1.1.0"];
    let go_on = test.publisher(&["repository", "rollout", "--server", test.url(), "--percent", "30"]);
    go_on.args(of).done();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((rollout(&test, "1.1.0"), counts(&test)), (30, json!([])), "it begins anew");
    assert!(read().contains("vsekai_halted_rollouts 0\n"), "{}", read());
    assert!(read().contains(&format!("vsekai_version_reports{{{about}}} 0\n")), "{}", read());
}

#[test]
fn failing_version_is_stopped_with_a_reason_until_somebody_lets_it_go_on_sqlite() {
    failing_version_is_stopped_with_a_reason_until_somebody_lets_it_go_on(Kind::Sqlite);
}

#[test]
fn failing_version_is_stopped_with_a_reason_until_somebody_lets_it_go_on_postgres() {
    failing_version_is_stopped_with_a_reason_until_somebody_lets_it_go_on(Kind::Postgres);
}

#[test]
fn version_that_starts_goes_on_and_one_address_stops_nothing() {
    let test = deployment(Kind::Sqlite, &[]).unwrap();
    publish(&test, "1.0.0", 0, "100");
    ask(&test, &["--on", "--minimum", "10", "--limit", "20"]);
    let players = [11, 12].map(|number| Player::new(&test, number).agrees());
    publish(&test, "1.1.0", 0, "60");
    for player in &players {
        player.update(&["--now"]).done();
        assert_eq!(player.launch(), Some(0));
    }
    // Only the first of what an address says counts.
    assert_eq!(forge(&test, 99, "1.1.0", "failed", 200), [204; 200]);
    until("reports are not counted", || !counts(&test).as_array().unwrap().is_empty());
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((&counts(&test)[0]["reports"], rollout(&test, "1.1.0")), (&json!(0), 60));
    for from in 21..=28 {
        forge(&test, from, "1.1.0", if from == 28 { "failed" } else { "started" }, 1);
    }
    until("reports are not counted", || counts(&test)[0]["reports"] == 10);
    std::thread::sleep(Duration::from_secs(3));
    // 2 of 11, which is less than the limit.
    assert_eq!((&counts(&test)[0]["failed_percent"], rollout(&test, "1.1.0")), (&json!(19), 60));
    // What is offered to all is not counted, and not stopped.
    publish(&test, "1.2.0", 0, "100");
    (31..=45).for_each(|from| drop(forge(&test, from, "1.2.0", "failed", 1)));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((counts(&test).as_array().unwrap().len(), rollout(&test, "1.2.0")), (1, 100));
}

#[test]
fn nothing_is_sent_unless_the_player_agrees_and_the_publisher_asks() {
    let test = deployment(Kind::Sqlite, &[]).unwrap();
    publish(&test, "1.0.0", 0, "100");
    let [silent, agrees] = [Player::new(&test, 11), Player::new(&test, 12).agrees()];
    let play = |player: &Player<'_>, code| {
        player.update(&["--now"]).done();
        assert_eq!([player.launch(), player.launch()], [Some(code); 2]);
    };
    // The publisher does not ask.
    publish(&test, "1.1.0", 0, "60");
    play(&agrees, 0);
    // The publisher asks, but not about what everybody is offered.
    ask(&test, &["--on", "--minimum", "10", "--limit", "20"]);
    publish(&test, "1.2.0", 0, "100");
    play(&agrees, 0);
    // The player has not agreed.
    publish(&test, "1.3.0", 0, "60");
    play(&silent, 0);
    for player in [&silent, &agrees] {
        let sent = player.relay.sent();
        assert!(sent.contains("GET /") && !sent.contains("POST"), "{sent}");
    }
    // The publisher asks no longer.
    ask(&test, &["--off"]);
    play(&agrees, 0);
    assert!(!agrees.relay.sent().contains("POST"));
    let log = std::fs::read_to_string(test.path("server.log")).unwrap();
    assert!(log.contains("/tuf/") && !log.contains("/api/v1/reports"), "{log}");
}

#[test]
fn report_says_how_the_version_began_and_nothing_else_and_only_once() {
    let test = deployment(Kind::Sqlite, &[]).unwrap();
    publish(&test, "1.0.0", 0, "100");
    ask(&test, &["--on", "--minimum", "10", "--limit", "20"]);
    let mut player = Player::new(&test, 11).agrees();
    // A password in the address would say who sends it.
    player.relay.url = player.relay.url.replace("http://", "http://somebody:hush@");
    let host = player.relay.url.rsplit_once('@').unwrap().1.to_owned();
    for (version, code, outcome) in [("1.1.0", 0, "started"), ("1.2.0", 3, "failed")] {
        publish(&test, version, code, "60");
        player.update(&["--now"]).done();
        player.relay.sent.lock().unwrap().clear();
        // The third start of a version that fails goes back to the one before.
        (0..3).for_each(|_| assert!(player.launch().is_some()));
        let sent = player.relay.sent();
        let posts: Vec<_> = sent.match_indices("POST ").map(|(at, _)| &sent[at..]).collect();
        assert_eq!(posts.len(), 1, "{sent}");
        let body =
            format!(r#"{{"mode":"stable","version":"{version}","platform":"linux-x86_64","outcome":"{outcome}"}}"#);
        let expected = format!(
            "POST /api/v1/reports HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\n\
             user-agent: vsekai-updater\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(posts[0], expected);
    }
    // Asked for by name, the version is on trial again; that is not told again.
    player.update(&["--version", "1.2.0"]).done();
    player.relay.sent.lock().unwrap().clear();
    (0..2).for_each(|_| assert!(player.launch().is_some()));
    assert_eq!(player.relay.sent(), "", "and the network is not used");
}

/// The launcher's part: its worker tells in the background, and nobody waits for that.
#[test]
fn launcher_reports_in_the_background_if_its_player_agreed() {
    let test = deployment(Kind::Sqlite, &[]).unwrap();
    publish(&test, "1.0.0", 0, "100");
    ask(&test, &["--on", "--minimum", "10", "--limit", "20"]);
    // Both have 1.0.0: a first installation has no trial, and a rollout would give 1.1.0 to most new players.
    let players = [(Player::new(&test, 11), false), (Player::new(&test, 12), true)];
    publish(&test, "1.1.0", 0, "60");
    for (player, reports) in players {
        player.update(&["--now"]).done();
        player.relay.sent.lock().unwrap().clear();
        let options = Options { directory: test.path(&player.name), reports, ..Options::default() };
        let mut worker = Worker::start(options, |options, context| context.launch(options, Vec::new(), None));
        let done = || {
            let done = worker.messages().into_iter().find_map(|message| match message {
                Message::Done(result) => Some(result.unwrap()),
                _ => None,
            });
            done.inspect(|launched| assert!(launched.is_acknowledged)).is_some()
        };
        until("the game does not end", done);
        if reports {
            until("it is not told", || player.relay.sent().contains(r#""outcome":"started"}"#));
        }
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(player.relay.sent().matches("POST ").count(), usize::from(reports), "{}", player.relay.sent());
    }
}

#[test]
fn start_waits_for_no_server() {
    let test = deployment(Kind::Sqlite, &[]).unwrap();
    publish(&test, "1.0.0", 0, "100");
    ask(&test, &["--on", "--minimum", "10", "--limit", "20"]);
    let player = Player::new(&test, 11).agrees();
    publish(&test, "1.1.0", 0, "60");
    player.update(&["--now"]).done();
    // A server that takes connections and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let state = test.path("player-11/.vsekai/state.json");
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, text.replace(&player.relay.url, &format!("http://{}", mute.local_addr().unwrap()))).unwrap();
    let started = Instant::now();
    assert_eq!(player.launch(), Some(0));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    mute.set_nonblocking(true).unwrap();
    assert!(mute.accept().is_ok(), "it was not even asked, so this shows nothing");
    let again = Instant::now();
    assert_eq!(player.launch(), Some(0));
    assert!(again.elapsed() < took, "nothing is left to tell");
}
