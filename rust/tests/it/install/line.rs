//! What is told of a download is what the line brings, within two percent, also in a run that resumes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::shop::Shop;
use crate::support::server::TestServer;
use crate::support::trees::{noise, write};

const BYTES_PER_SECOND: u64 = 400_000;
const CONTENT_BYTES: usize = 1_000_000;

/// What the line brings before it slows down until that is told.
const PORTION_BYTES: u64 = 150_000;

/// Headers of answers, and one piece that is on its way.
const SLACK_BYTES: u64 = 24 << 10;

/// What it brings meanwhile, one byte after another, before it goes on untold: a minute's worth.
const DRIP_BYTES: u64 = 3_000;

/// What a program may tell of a line that waits before it has told everything: ten seconds' worth.
const LOOKS: u32 = 100;

/// No content has been asked for.
const NONE: u64 = u64::MAX;

/// A line of limited rate to a server, which counts what it brings.
///
/// After each portion it all but stops: on a busy machine, what is told may lag behind a line that never waits.
struct Line {
    url: String,
    carried: AtomicU64,
    /// What had been carried when the first content was asked for: metadata and documents.
    before: AtomicU64,
    /// What may be carried at the full rate.
    limit: AtomicU64,
    turn: Mutex<()>,
}

impl Line {
    fn to(server: &TestServer) -> Arc<Self> {
        let target = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            carried: AtomicU64::new(0),
            before: AtomicU64::new(NONE),
            limit: AtomicU64::new(NONE),
            turn: Mutex::default(),
        });
        let accepting = Arc::clone(&line);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(&target)) else { continue };
                let (up, there) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let (asking, answering) = (Arc::clone(&accepting), Arc::clone(&accepting));
                std::thread::spawn(move || asking.ask(up, there));
                std::thread::spawn(move || answering.answer(far, near));
            }
        });
        line
    }

    fn ask(&self, mut near: TcpStream, mut far: TcpStream) {
        let mut piece = [0; 4096];
        while let Ok(count) = near.read(&mut piece) {
            let text = String::from_utf8_lossy(&piece[..count]);
            if text.contains(".cacnk") || (text.contains("/bundles/") && !text.contains(".json")) {
                let carried = self.carried.load(Ordering::SeqCst);
                if self.before.compare_exchange(NONE, carried, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    self.limit.store(carried + PORTION_BYTES, Ordering::SeqCst);
                }
            }
            if count == 0 || far.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        let _ = far.shutdown(std::net::Shutdown::Both);
    }

    /// Passes on what the rate allows all connections together.
    fn answer(&self, mut far: TcpStream, mut near: TcpStream) {
        let mut piece = [0; 4096];
        'read: while let Ok(count @ 1..) = far.read(&mut piece) {
            let mut rest = &piece[..count];
            while !rest.is_empty() {
                let _turn = self.turn.lock().unwrap();
                let over = self.carried.load(Ordering::SeqCst).checked_sub(self.limit.load(Ordering::SeqCst));
                let is_full = over.is_some_and(|over| over < DRIP_BYTES);
                let (now, later) = rest.split_at(if is_full { 1 } else { rest.len() });
                self.carried.fetch_add(now.len() as u64, Ordering::SeqCst);
                if near.write_all(now).is_err() {
                    break 'read;
                }
                let micros = if is_full { 20_000 } else { now.len() as u64 * 1_000_000 / BYTES_PER_SECOND };
                std::thread::sleep(Duration::from_micros(micros));
                rest = later;
            }
        }
        let _ = near.shutdown(std::net::Shutdown::Both);
    }

    /// Bytes of content that it has brought.
    fn content(&self) -> u64 {
        self.carried.load(Ordering::SeqCst).saturating_sub(self.before.load(Ordering::SeqCst))
    }

    /// Whether it waits until what it brought is told.
    fn waits(&self) -> bool {
        self.carried.load(Ordering::SeqCst) >= self.limit.load(Ordering::SeqCst)
    }

    fn bring_more(&self) {
        self.limit.fetch_add(PORTION_BYTES, Ordering::SeqCst);
    }
}

/// Updates, and compares each progress with the line. Stops when this many bytes have come. Returns what was told last.
fn watch(shop: &Shop, line: &Line, stop_at: Option<u64>) -> u64 {
    let mut command = shop.command(&["update", "--json", "--no-shared-cache"]);
    command.args(["--repository", &line.url]).arg("--trust-root").arg(shop.publisher.root());
    let mut child = command.arg(shop.game()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut expected, mut last, mut portions) = (0, 0, 0);
    // Looks, not time: a busy machine may stop the program for longer than anything that one could call a lag.
    let mut wrong = 0;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for text in lines {
        let Ok(event) = serde_json::from_str::<Value>(&text.unwrap()) else { continue };
        match event["event"].as_str() {
            Some("expected") => expected = event["bytes"].as_u64().unwrap(),
            Some("progress") if expected > 0 => {
                let (told, came) = (event["received_bytes"].as_u64().unwrap(), line.content());
                last = told;
                assert!(told <= came + SLACK_BYTES, "{told} are told, {came} came");
                wrong += 1;
                if !line.waits() {
                    wrong = 0;
                } else if told.abs_diff(came) <= came / 50 + SLACK_BYTES {
                    (portions, wrong) = (portions + 1, 0);
                    line.bring_more();
                }
                assert!(wrong < LOOKS, "{told} are told, {came} came");
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
    assert!(portions >= 2, "the line waited {portions} times only");
    // The last lines of progress may lie a tenth of a second before the end.
    let most = expected / 50 + BYTES_PER_SECOND / 10 + SLACK_BYTES;
    assert!(stop_at.is_some() || last.abs_diff(expected) <= most, "{last} came, {expected} were expected");
    last
}

fn download_as_told(options: &[&str], exactly: bool) {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", options, |tree| write(tree, "data/large.pck", &noise(9, CONTENT_BYTES)));
    let server = TestServer::start(shop.publisher.repository());
    // A line of its own for each: what is still on its way to the first program is not for the second one.
    let first = watch(&shop, &Line::to(&server), Some(CONTENT_BYTES as u64 / 3));
    let second = watch(&shop, &Line::to(&server), None);
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
