//! What operators are told without asking: webhooks, and the log of requests.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::{PATIENCE, Server, program};

const SECRET: [u8; 32] = [7; 32];

/// Receives one message, and answers with this status.
async fn receive(listener: &TcpListener, status: &str) -> (String, Vec<u8>) {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("nothing was told").unwrap();
    let mut stream = accepted.0;
    let mut got = Vec::new();
    let (head, length) = loop {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "it ended");
        got.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&got).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
            break (head.to_owned(), length);
        }
    };
    while got.len() < head.len() + 4 + length {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        got.extend_from_slice(&piece[..length]);
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    let body = got[head.len() + 4..].to_vec();
    (head, body)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let found = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    found.unwrap_or_else(|| panic!("{name} is not in {head}"))
}

/// Whether the signature is that of Standard Webhooks with our secret.
fn is_signed(head: &str, body: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(format!("{}.{}.", header(head, "webhook-id"), header(head, "webhook-timestamp")).as_bytes());
    mac.update(body);
    let expected = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    header(head, "webhook-signature") == format!("v1,{expected}")
}

#[tokio::test]
async fn a_change_is_told_signed_and_again_after_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, format!("whsec_{}\n", base64::engine::general_purpose::STANDARD.encode(SECRET))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hush", listener.local_addr().unwrap());
    let secret = secret.display().to_string();
    let settings = [("webhooks", url.as_str()), ("webhook_secret_file", &secret), ("allow_private_webhooks", "true")];
    let server = Server::with(&settings);
    server.mode("stable").await;
    let (first, body) = receive(&listener, "500 Internal Server Error").await;
    assert!(first.starts_with("POST /hush HTTP/1.1") && is_signed(&first, &body), "{first}");
    let (again, same) = receive(&listener, "204 No Content").await;
    assert_eq!((header(&first, "webhook-id"), &body), (header(&again, "webhook-id"), &same));
    assert!(is_signed(&again, &same), "{again}");
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["type"], &told["data"]["subject"]), (&json!("mode.create"), &json!("stable")));
    let audit = server.ask("GET", "/api/v1/audit").send().await.expect(200);
    assert_eq!((&audit["items"][0]["at"], &audit["items"][0]["actor"]), (&told["timestamp"], &told["data"]["actor"]));
    // A message that is refused is not sent again: the next one is another.
    server.mode("beta").await;
    let (refused, _) = receive(&listener, "400 Bad Request").await;
    server.mode("nightly").await;
    let (next, _) = receive(&listener, "200 OK").await;
    assert_ne!(header(&refused, "webhook-id"), header(&next, "webhook-id"));
    server.until_logged("a webhook was not delivered").await;
    assert!(!server.log().contains("hush"), "the address may be a secret: {}", server.log());
}

#[test]
fn webhooks_to_private_addresses_and_without_a_secret_are_refused_at_the_start() {
    for settings in [
        &["webhooks=http://127.0.0.1:9/x", "webhook_secret_file=/dev/null"][..],
        &["webhooks=https://10.0.0.1/x", "webhook_secret_file=/dev/null"],
        &["webhooks=https://hooks.example.org/hush"],
    ] {
        let mut command = program();
        command.arg("check-config");
        for setting in settings {
            command.args(["--set", setting]);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains("webhook") && !text.contains("hush"), "{text}");
    }
    let shown = program()
        .args(["check-config", "--set", "webhooks=https://hooks.example.org/hush", "--set", "webhook_secret_file=/s"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("https://hooks.example.org/…") && !text.contains("hush"), "{text}");
}

/// The lines of a log in JSON.
#[track_caller]
fn entries(log: &str) -> Vec<Value> {
    let entry = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")) };
    let entries: Vec<Value> = log.lines().map(entry).collect();
    for entry in &entries {
        for field in ["timestamp", "level", "target"] {
            assert!(entry[field].is_string(), "{entry}");
        }
        assert!(entry["fields"]["message"].is_string(), "{entry}");
    }
    entries
}

#[tokio::test]
async fn every_line_of_a_log_in_json_is_json() {
    let mut server = Server::with(&[("log_format", "json"), ("metrics_listen", "127.0.0.1:0")]);
    server.terminate();
    assert!(server.wait().success());
    let log = server.until_logged("Stopped.").await;
    let said: Vec<String> =
        entries(&log).iter().map(|entry| entry["fields"]["message"].as_str().unwrap().to_owned()).collect();
    for start in ["database ", "metrics ", "Move that file", "Nothing is published yet", "shutting down", "Stopped."] {
        assert!(said.iter().any(|line| line.starts_with(start)), "{start}: {log}");
    }
}

#[test]
fn a_start_that_fails_says_so_in_the_form_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "log_format = \"json\"\nconections = 3\n").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let data = folder.path().join("data");
    let run = |arguments: &[&str], status: i32| {
        let output = program().arg("serve").args(arguments).arg("--data").arg(&data).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(status), 0));
        entries(&String::from_utf8(output.stderr).unwrap())
    };
    let json = ["--set", "log_format=json"];
    for (arguments, status, codes) in [
        (&["--config", file.to_str().unwrap()][..], 2, &["config_invalid"][..]),
        (&["--set", "log_format=json", "--set", "docs=maybe", "--listen", "x"], 2, &["config_invalid"; 2]),
        (&[&json[..], &["--listen", &listen]].concat(), 1, &["address_in_use"]),
    ] {
        let failed: Vec<Value> = run(arguments, status).into_iter().filter(|entry| entry["level"] == "ERROR").collect();
        let found: Vec<&str> = failed.iter().map(|entry| entry["fields"]["code"].as_str().unwrap()).collect();
        assert_eq!(found, codes, "{failed:?}");
        let is_whole = |entry: &Value| entry["fields"]["hint"].is_string() && entry["fields"]["event"] == "failed";
        assert!(failed.iter().all(is_whole), "{failed:?}");
    }
}

#[tokio::test]
async fn the_log_of_requests_says_whose_token_and_from_where() {
    let server = Server::with(&[("trusted_proxies", "127.0.0.1"), ("log_format", "json")]);
    let (_, token) = server.token(&["admin"]).await;
    let asked = server.ask_as(&token, "POST", "/api/v1/modes").header("x-forwarded-for", "203.0.113.7");
    asked.json(&json!({"name": "stable"})).send().await.expect(201);
    server.ask_as("", "POST", "/api/v1/modes").json(&json!({"name": "beta"})).send().await.refused(401, "unauthorized");
    let log = server.until_logged("\"status\":401").await;
    let lines = entries(&log);
    let line = |status: u64| {
        let found =
            lines.iter().find(|line| line["fields"]["status"] == status && line["fields"]["path"] == "/api/v1/modes");
        found.unwrap_or_else(|| panic!("{log}"))["fields"].clone()
    };
    assert!(line(201)["token"].as_str().unwrap().starts_with("test "), "{log}");
    assert_eq!(line(201)["client"], "203.0.113.7");
    assert_eq!((&line(401)["token"], &line(401)["client"]), (&json!(""), &json!("127.0.0.1")));
    assert!(!log.contains(&token));
    let line =
        |event: &str| lines.iter().find(|line| line["fields"]["event"] == event).unwrap_or_else(|| panic!("{log}"));
    assert_eq!(line("request_answered")["target"], "access");
    assert!(line("request_answered")["fields"]["ms"].is_u64(), "{log}");
    assert!(line("database")["fields"]["database"].as_str().unwrap().starts_with("sqlite:"), "{log}");
    assert!(
        lines.iter().filter(|line| line["target"] != "sqlx::query").all(|line| line["fields"]["event"].is_string()),
        "{log}"
    );
}

#[tokio::test]
async fn every_metric_has_a_help_text() {
    let server = Server::with(&[("metrics_listen", "127.0.0.1:0")]);
    server.mode("stable").await;
    let log = server.until_logged("/metrics").await;
    let address =
        log.lines().find_map(|line| line.trim_end().rsplit_once("http://").filter(|(_, it)| it.ends_with("/metrics")));
    let answer = reqwest::get(format!("http://{}", address.unwrap().1)).await.unwrap().text().await.unwrap();
    let names = |start: &str| -> std::collections::BTreeSet<String> {
        let lines = answer.lines().filter_map(|line| line.strip_prefix(start));
        lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    };
    let (typed, helped) = (names("# TYPE "), names("# HELP "));
    assert!(typed.len() > 15 && typed.contains("vsekai_disk_free_bytes"), "{answer}");
    for state in ["used", "idle"] {
        assert!(answer.contains(&format!("vsekai_database_connections{{state=\"{state}\"}} ")), "{answer}");
    }
    assert!(answer.contains("vsekai_database_retries_total "), "{answer}");
    assert_eq!(typed, helped);
}
