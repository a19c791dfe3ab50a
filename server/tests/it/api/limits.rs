//! Limits for one client: sizes, rates, wrong tokens.

use serde_json::json;

use super::support::Server;

const WRONG: &str =
    "vsk_00000000000000000000000000000000_0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused() {
    let server = Server::start();
    let large = json!({"name": "stable", "description": "x".repeat(2 << 20)});
    server.post("/api/v1/modes", &large).await.refused(413, "too_large");
    // A body of unknown length, in pieces.
    let pieces = (0..64).map(|_| Ok::<_, std::io::Error>(vec![b' '; 32 << 10]));
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let answer = server.ask("POST", "/api/v1/modes").body("application/json", stream).send().await;
    answer.refused(413, "too_large");
    server.get("/api/v1/modes").await.expect(200);
}

#[tokio::test]
async fn documents_beyond_the_limit_are_refused() {
    let server = Server::with(&[("max_index_mib", "1")]);
    let id = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11";
    let new = json!({"id": id, "mode": "stable", "version": "1.0.0", "platform": "linux-x86_64"});
    server.post("/api/v1/publications", &new).await.expect(201);
    let put = server.ask("PUT", &format!("/api/v1/publications/{id}/documents/files"));
    let answer = put.body("application/octet-stream", vec![0; (1 << 20) + 1]).send().await;
    answer.refused(413, "too_large");
}

#[tokio::test]
async fn who_has_no_token_cannot_make_the_server_read_much() {
    let server = Server::start();
    let started = server.raw(b"PUT /api/v1/repository/trust HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n{");
    assert!(started.starts_with("HTTP/1.1 401 "), "{started}");
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let server = Server::start();
    let many: String = (0..2000).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    for headers in [many, long] {
        let answer = server.raw(format!("GET /api/v1/modes HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let answer = server.raw(path.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 414 ") || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    server.get("/api/v1/modes").await.expect(200);
}

#[tokio::test]
async fn deep_json_is_refused() {
    let server = Server::start();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let body = format!("{{\"name\": {}1{}}}", open.repeat(100_000), close.repeat(100_000));
        server.ask("POST", "/api/v1/modes").body("application/json", body).send().await.refused(400, "invalid");
    }
    server.get("/api/v1/modes").await.expect(200);
}

#[tokio::test]
async fn who_tries_wrong_tokens_must_wait_and_others_need_not() {
    let server = Server::with(&[("wrong_tokens_per_minute", "3"), ("trusted_proxies", "127.0.0.1")]);
    let from = async |token: &str, address: &str| {
        server.ask_as(token, "GET", "/api/v1/audit").header("x-forwarded-for", address).send().await
    };
    for _ in 0..4 {
        from(WRONG, "192.0.2.1").await.refused(401, "unauthorized");
    }
    let barred = from(WRONG, "192.0.2.1").await;
    barred.refused(429, "too_many_requests");
    assert!((1..=60).contains(&barred.header("retry-after").parse::<u32>().unwrap()));
    let chunk = server.ask_as(WRONG, "PUT", &format!("/store/0000/{}.cacnk", "0".repeat(64)));
    chunk
        .header("x-forwarded-for", "192.0.2.1")
        .body("application/octet-stream", "x")
        .send()
        .await
        .refused(429, "too_many_requests");
    // Many publishers share an address: whose token is valid is not barred with the others there.
    from(&server.admin, "192.0.2.1").await.expect(200);
    // Addresses that the client itself has put before it do not count.
    from(WRONG, "192.0.2.2, 192.0.2.1").await.refused(429, "too_many_requests");
    from(WRONG, "192.0.2.1, 192.0.2.2").await.refused(401, "unauthorized");
}

#[tokio::test]
async fn wrong_tokens_count_in_every_spelling_of_the_header() {
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
        let server = Server::with(&[("wrong_tokens_per_minute", "3")]);
        let ask = async || {
            let ask = server.ask_as("", "GET", "/api/v1/audit").header("authorization", &format!("{scheme} {WRONG}"));
            ask.send().await.status
        };
        for _ in 0..4 {
            assert_eq!(ask().await, 401);
        }
        assert_eq!(ask().await, 429, "{scheme:?}");
    }
}

#[tokio::test]
async fn addresses_are_not_believed_from_strangers() {
    let server = Server::with(&[("wrong_tokens_per_minute", "3"), ("trusted_proxies", "192.0.2.77")]);
    for number in 0..4 {
        let ask =
            server.ask_as(WRONG, "GET", "/api/v1/audit").header("x-forwarded-for", &format!("198.51.100.{number}"));
        ask.send().await.refused(401, "unauthorized");
    }
    let ask = server.ask_as(WRONG, "GET", "/api/v1/audit").header("x-forwarded-for", "198.51.100.99");
    ask.send().await.refused(429, "too_many_requests");
}

#[tokio::test]
async fn who_changes_too_much_must_wait_and_others_need_not() {
    let server = Server::with(&[("writes_per_second", "1")]);
    let (_, other) = server.token(&["admin"]).await;
    let mut statuses = Vec::new();
    for number in 0..25 {
        let answer = server.post("/api/v1/modes", &json!({"name": format!("mode{number}")})).await;
        if answer.status == 429 {
            answer.refused(429, "too_many_requests");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        }
        statuses.push(answer.status);
    }
    assert!(statuses.contains(&201) && statuses.contains(&429), "{statuses:?}");
    server.ask_as(&other, "POST", "/api/v1/modes").json(&json!({"name": "other"})).send().await.expect(201);
    server.get("/api/v1/modes").await.expect(200);
}
