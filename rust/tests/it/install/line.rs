//! What is told of a download is what the line brings: within two percent in every second, also of a run that resumes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::shop::Shop;
use crate::support::server::TestServer;
use crate::support::trees::{noise, write};

const BYTES_PER_SECOND: u64 = 400_000;
const CONTENT_BYTES: usize = 1_000_000;

/// Headers of answers, and one piece that is on its way.
const SLACK_BYTES: u64 = 24 << 10;

/// A line of limited rate to a server, which counts what it brings.
struct Line {
    url: String,
    carried: Arc<AtomicU64>,
}

impl Line {
    fn to(server: &TestServer) -> Self {
        let target = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let carried = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&carried);
        let turn = Arc::<Mutex<()>>::default();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(&target)) else { continue };
                let (mut up, mut there) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut up, &mut there));
                let (counter, turn) = (Arc::clone(&counter), Arc::clone(&turn));
                std::thread::spawn(move || carry(far, near, &counter, &turn));
            }
        });
        Self { url, carried }
    }
}

/// Passes on what the rate allows all connections together.
fn carry(mut far: TcpStream, mut near: TcpStream, carried: &AtomicU64, turn: &Mutex<()>) {
    let mut piece = [0; 4096];
    while let Ok(count) = far.read(&mut piece) {
        let _turn = turn.lock().unwrap();
        if count == 0 || near.write_all(&piece[..count]).is_err() {
            break;
        }
        carried.fetch_add(count as u64, Ordering::Relaxed);
        std::thread::sleep(Duration::from_micros(count as u64 * 1_000_000 / BYTES_PER_SECOND));
    }
    let _ = near.shutdown(std::net::Shutdown::Both);
}

/// Updates, and compares each progress with the line. Stops when this many bytes have come. Returns what was told last.
fn watch(shop: &Shop, line: &Line, words: &[&str], stop_at: Option<u64>) -> u64 {
    let mut command = shop.command(&["update", "--json", "--no-shared-cache"]);
    command.args(words).args(["--repository", &line.url]).arg("--trust-root").arg(shop.publisher.root());
    let mut child = command.arg(shop.game()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut before, mut expected, mut last, mut looks) = (0, 0, 0, 0);
    // A busy machine may not let the program read for a moment, while its system accepts what comes.
    let mut right = Instant::now();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for text in lines {
        let Ok(event) = serde_json::from_str::<Value>(&text.unwrap()) else { continue };
        match event["event"].as_str() {
            // Metadata and documents came before.
            Some("expected") => {
                before = line.carried.load(Ordering::Relaxed);
                right = Instant::now();
                expected = event["bytes"].as_u64().unwrap();
            }
            Some("progress") if expected > 0 => {
                let (told, came) = (event["received_bytes"].as_u64().unwrap(), line.carried.load(Ordering::Relaxed));
                let came = came - before;
                let most = came / 50 + SLACK_BYTES;
                if told.abs_diff(came) <= most {
                    right = Instant::now();
                }
                assert!(right.elapsed() < Duration::from_secs(1), "{told} are told, {came} came");
                (last, looks) = (told, looks + u32::from(told > 0));
                if stop_at.is_some_and(|stop| told >= stop) {
                    let _ = rustix::process::kill_process(
                        rustix::process::Pid::from_child(&child),
                        rustix::process::Signal::INT,
                    );
                }
            }
            _ => {}
        }
    }
    let status = child.wait().unwrap();
    assert_eq!(status.success(), stop_at.is_none(), "{status:?}");
    assert!(looks >= 5, "it was told {looks} times only");
    // The last lines of progress may lie a tenth of a second before the end.
    let most = expected / 50 + BYTES_PER_SECOND / 10;
    assert!(stop_at.is_some() || last.abs_diff(expected) <= most, "{last} came, {expected} were expected");
    last
}

fn download_as_told(options: &[&str], exactly: bool) {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", options, |tree| write(tree, "data/large.pck", &noise(9, CONTENT_BYTES)));
    let server = TestServer::start(shop.publisher.repository());
    let line = Line::to(&server);
    let first = watch(&shop, &line, &[], Some(CONTENT_BYTES as u64 / 3));
    let second = watch(&shop, &line, &[], None);
    let all = first + second;
    assert!(!exactly || all < CONTENT_BYTES as u64 * 3 / 2, "{first} and {second} came: nothing was kept");
    shop.assert_whole();
}

#[test]
fn a_bundle_is_told_as_it_comes_and_so_is_the_rest_after_a_pause() {
    download_as_told(&["--fast"], true);
}

#[test]
fn chunks_are_told_as_they_come_and_so_is_the_rest_after_a_pause() {
    download_as_told(&[], true);
}
