//! Reports of players: what is taken from anybody, and who sees the counts.

use serde_json::{Value, json};
use vsekai_updater::net::api::{Outcome, Report};

use super::support::Server;

fn report() -> Value {
    json!({"mode": "stable", "version": "1.0.0", "platform": "linux-x86_64", "outcome": "failed"})
}

#[tokio::test]
async fn report_needs_no_token_and_its_answer_tells_nothing() {
    let server = Server::start();
    server.mode("stable").await;
    // Neither this mode asks, nor is there such a version.
    let answer = server.ask_as("", "POST", "/api/v1/reports").json(&report()).send().await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert!(!answer.headers.contains_key("set-cookie"), "{:?}", answer.headers);
    let client = Report {
        mode: "stable".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        platform: "linux-x86_64".parse().unwrap(),
        outcome: Outcome::Failed,
    };
    assert_eq!(serde_json::to_value(client).unwrap(), report(), "what clients write");
    server.get("/api/v1/reports").await.refused(401, "unauthorized");
    let (_, publisher) = server.token(&["publish:stable"]).await;
    server.ask_as(&publisher, "GET", "/api/v1/reports").send().await.refused(403, "forbidden");
    assert_eq!(server.ask("GET", "/api/v1/reports").send().await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let server = Server::start();
    let send = |body: String| server.ask_as("", "POST", "/api/v1/reports").body("application/json", body).send();
    for (field, value) in [
        ("mode", json!("Stable!")),
        ("mode", json!(7)),
        ("version", json!("")),
        ("platform", json!("amiga")),
        ("outcome", json!("crashed")),
        ("install_id", json!("0123")),
    ] {
        let mut body = report();
        body[field] = value;
        let status = send(body.to_string()).await.status;
        assert!((400..=422).contains(&status), "{body}: {status}");
    }
    let twice = report().to_string().replacen('{', "{\"outcome\":\"started\",", 1);
    assert_eq!(send(twice).await.status, 400);
    send(format!("{}{}", report(), " ".repeat(2000))).await.refused(413, "too_large");
    let head = "POST /api/v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let unannounced =
        server.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n800\r\n{}", " ".repeat(2048)).as_bytes());
    assert!(unannounced.starts_with("HTTP/1.1 413 "), "{unannounced}");
    let announced = server.raw(format!("{head}Content-Length: 30000000\r\n\r\n{{").as_bytes());
    assert!(announced.starts_with("HTTP/1.1 413 "), "{announced}");
}

#[tokio::test]
async fn address_that_reports_too_fast_waits_and_is_in_no_log() {
    let server =
        Server::with(&[("writes_per_second", "1"), ("trusted_proxies", "127.0.0.1"), ("log", "info,access=debug")]);
    let send = |from: &'static str| {
        server.ask_as("", "POST", "/api/v1/reports").header("x-forwarded-for", from).json(&report()).send()
    };
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(send("203.0.113.7").await);
    }
    assert_eq!(answers[0].status, 204);
    let last = answers.last().unwrap();
    last.refused(429, "too_many_requests");
    assert!(!last.header("retry-after").is_empty());
    assert_eq!(send("203.0.113.8").await.status, 204, "others need not wait");
    let log = server.until_logged("/api/v1/reports").await;
    assert!(log.contains("status=429") && !log.contains("203.0.113"), "{log}");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_and_the_others_are_shown() {
    let server = Server::start();
    server.mode("stable").await;
    let path = "/api/v1/modes/stable";
    for (minimum, percent) in [(9, 5), (1_000_001, 5), (50, 0), (50, 100)] {
        let limit = json!({"reports": {"minimum": minimum, "percent": percent}});
        assert!((400..=422).contains(&server.patch(path, &limit).await.status), "{limit}");
    }
    let limit = json!({"minimum": 10, "percent": 5});
    assert_eq!(server.patch(path, &json!({"reports": limit})).await.expect(200)["reports"], limit);
    assert_eq!(server.patch(path, &json!({"description": "x"})).await.expect(200)["reports"], limit, "stays");
    assert_eq!(server.get(path).await.expect(200)["reports"], limit);
    assert_eq!(server.patch(path, &json!({"reports": null})).await.expect(200)["reports"], Value::Null);
    let audit = server.ask("GET", "/api/v1/audit").send().await.expect(200);
    assert_eq!(audit["items"][0]["detail"]["before"]["reports"], limit, "{audit}");
}
