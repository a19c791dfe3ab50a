//! A server whose PostgreSQL goes away: it has stopped, or does not answer. What is in memory is served, and all goes on
//! afterwards.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use super::copies::empty;
use crate::databases::Kind;
use crate::support::deployment::TestDeployment;

/// Longer than the server keeps what can change without asking again.
const STALE: Duration = Duration::from_millis(2500);

/// The longest that a player may wait for what is in memory: the server asks the database for a second.
const WAIT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Connections end, and new ones do so at once.
    Cut,
    /// Nothing arrives any more.
    Silent,
}

/// Stands between the server and its database.
struct Relay {
    line: watch::Sender<Line>,
    url: String,
    runtime: tokio::runtime::Runtime,
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// A connection to the PostgreSQL at this URL, which may name the folder of a socket.
async fn connect(url: &url::Url) -> Box<dyn Connection> {
    let (host, port) = (url.host_str().unwrap().replace("%2F", "/").replace("%2f", "/"), url.port().unwrap_or(5432));
    if host.starts_with('/') {
        return Box::new(UnixStream::connect(format!("{host}/.s.PGSQL.{port}")).await.unwrap());
    }
    Box::new(TcpStream::connect((host, port)).await.unwrap())
}

async fn relay(mut from: TcpStream, database: url::Url, mut line: watch::Receiver<Line>) {
    if *line.borrow() == Line::Open {
        let mut to = connect(&database).await;
        tokio::select! {
            _ = copy_bidirectional(&mut from, &mut to) => return,
            _ = line.wait_for(|line| *line != Line::Open) => {}
        }
        // What the database would still say to it goes nowhere.
    }
    let _ = line.wait_for(|line| *line != Line::Silent).await;
}

impl Relay {
    fn to(database: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let database = url::Url::parse(database).unwrap();
        let port = listener.local_addr().unwrap().port();
        let user = if database.username().is_empty() { "postgres" } else { database.username() };
        let url = format!("postgres://{user}@127.0.0.1:{port}{}?sslmode=disable", database.path());
        let (line, seen) = watch::channel(Line::Open);
        runtime.spawn(async move {
            loop {
                let (from, _) = listener.accept().await.unwrap();
                tokio::spawn(relay(from, database.clone(), seen.clone()));
            }
        });
        Self { line, url, runtime }
    }

    fn set(&self, line: Line) {
        self.line.send(line).unwrap();
    }

    /// Status and bytes of an answer, and how long it took.
    fn get(&self, url: &str) -> (u16, Vec<u8>, Duration) {
        let began = Instant::now();
        self.runtime.block_on(async {
            let client = crate::client::plain().timeout(Duration::from_secs(60)).build().unwrap();
            let answer = client.get(url).send().await.unwrap();
            (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec(), began.elapsed())
        })
    }
}

/// The paths of the metadata in force.
fn in_force(test: &TestDeployment) -> Vec<String> {
    let version = |document: &Value, name: &str| document["signed"]["meta"][name]["version"].as_u64().unwrap();
    let timestamp = test.api("GET", "/tuf/timestamp.json", None).1;
    let snapshot = format!("/tuf/{}.snapshot.json", version(&timestamp, "snapshot.json"));
    let roles = test.api("GET", &snapshot, None).1;
    let names = roles["signed"]["meta"].as_object().unwrap().keys();
    let mut all: Vec<String> = names.map(|name| format!("/tuf/{}.{name}", version(&roles, name))).collect();
    all.extend(["/tuf/timestamp.json", "/tuf/current.pack", "/tuf/1.root.json"].map(str::to_owned));
    all.push(snapshot);
    all
}

fn what_is_in_memory_is_served_without_the_database(how: Line) {
    let Some(server) = Kind::Postgres.server() else { return };
    let (database, name) = empty(&server);
    let relay = Relay::to(&database);
    let mut test = TestDeployment::new(&["bundles=false", &format!("database={}", relay.url)]);
    test.publish("stable", "1.0.0", 1).done();
    test.update("game").done();
    let url = |path: &str| format!("{}{path}", test.url());
    let documents = in_force(&test);
    assert!(documents.len() > 6, "{documents:?}");
    let before: Vec<_> = documents.iter().map(|path| relay.get(&url(path)).1).collect();

    relay.set(how);
    std::thread::sleep(STALE);
    for _ in 0..2 {
        for (path, before) in documents.iter().zip(&before) {
            let (status, bytes, took) = relay.get(&url(path));
            assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
            assert!(bytes == *before && took < WAIT, "{path} took {took:?}");
        }
        std::thread::sleep(STALE);
    }
    let (status, said, took) = relay.get(&url("/readyz"));
    assert_eq!(status, 503, "{}", String::from_utf8_lossy(&said));
    assert!(took < Duration::from_secs(10), "{took:?}");
    test.update("game").done();

    relay.set(Line::Open);
    let began = Instant::now();
    while relay.get(&url("/readyz")).0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(40), "it does not go on");
        std::thread::sleep(Duration::from_millis(200));
    }
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
    test.kill();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(crate::databases::drop_database(&server, &name));
}

#[test]
fn what_is_in_memory_is_served_while_postgres_has_stopped() {
    what_is_in_memory_is_served_without_the_database(Line::Cut);
}

#[test]
fn what_is_in_memory_is_served_while_postgres_does_not_answer() {
    what_is_in_memory_is_served_without_the_database(Line::Silent);
}
