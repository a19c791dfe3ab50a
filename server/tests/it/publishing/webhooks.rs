//! What a receiver of webhooks is told without a change: signatures that end, and a server that fails.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::deployment::TestDeployment;

/// The server looks once a minute, and tells of a failure that it finds twice.
const PATIENCE: Duration = Duration::from_secs(240);

/// A receiver. Returns its address, and what it is told.
fn receiver() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (told, messages) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            if told.send(serde_json::from_slice(&body).unwrap()).is_err() {
                break;
            }
        }
    });
    (url, messages)
}

/// Waits for a message of this type about this.
fn wait_for(messages: &mpsc::Receiver<Value>, kind: &str, of: impl Fn(&Value) -> bool) -> Value {
    let (began, mut others) = (Instant::now(), Vec::new());
    while let Some(left) = PATIENCE.checked_sub(began.elapsed()) {
        let Ok(message) = messages.recv_timeout(left) else { break };
        if message["type"] == kind && of(&message["data"]) {
            return message;
        }
        others.push(message);
    }
    panic!("nothing was told of {kind}, but {others:?}")
}

/// Takes more than two minutes, so the nightly run does this.
#[test]
#[ignore = "takes minutes; the nightly run does it"]
fn what_ends_and_what_fails_is_told_to_a_receiver() {
    let (url, messages) = receiver();
    let mut test = TestDeployment::new(&["bundles=false", "allow_private_webhooks=true"]);
    test.kill();
    fs::write(test.path("secret"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    test.settings.push(format!("webhook_secret_file={}", test.path("secret").display()));
    test.settings.push(format!("webhooks={url}"));
    test.start();
    test.publish("stable", "1.0.0", 1).done();
    let published = wait_for(&messages, "version.publish", |data| data["subject"].to_string().contains("1.0.0"));
    assert!(published["text"].as_str().unwrap().contains("stable 1.0.0"), "{published}");
    test.kill();
    // The list of the mode is valid for a year: a third of it is left then.
    if !test.start_at("+260d") {
        return;
    }
    fs::rename(test.path("server/keys"), test.path("kept")).unwrap();
    let ends = wait_for(&messages, "signature.expiring", |data| data["role"] == "stable");
    assert!((100..110).contains(&ends["data"]["days"].as_i64().unwrap()), "{ends}");
    let fails = wait_for(&messages, "server.failing", |data| data["code"] == "keys_missing");
    assert!(fails["text"].as_str().unwrap().contains("keys_missing"), "{fails}");
}
