//! Faults of networks and servers, caused on purpose: each has a defined outcome, within a defined time.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::toxic::{Reply, Toxic};
use vsekai_updater::net::http::{HttpClient, HttpOptions, RateLimit, Secret, Url};
use vsekai_updater::{Error, Result};

mod mirrors;
mod real;

const CAP: u64 = 100_000;

fn quick() -> HttpOptions {
    HttpOptions {
        connect_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_millis(300),
        backoff: Duration::from_millis(10),
        ..HttpOptions::default()
    }
}

async fn get(options: &HttpOptions, url: &str) -> Result<Vec<u8>> {
    HttpClient::new(options).unwrap().get_document(&Url::parse(url).unwrap(), CAP).await
}

/// Serves `replies` and fetches with `quick()`. Returns the outcome and the number of requests.
async fn fetch(replies: &[Reply]) -> (Result<Vec<u8>>, usize) {
    let server = Toxic::start().await;
    server.on("/x", replies);
    let outcome = get(&quick(), &server.url("/x")).await;
    (outcome, server.count("/x"))
}

fn body() -> Vec<u8> {
    (0..50_000_u32).map(|i| (i * 7) as u8).collect()
}

fn good() -> Reply {
    Reply::Good(body())
}

#[tokio::test]
async fn passing_errors_are_tried_again() {
    let later = || vec![("retry-after", "0".to_owned())];
    for fault in [
        Reply::Status(503, Vec::new()),
        Reply::Status(500, Vec::new()),
        Reply::Status(408, Vec::new()),
        Reply::Status(429, later()),
        Reply::ResetAfter(10_000, body()),
        Reply::CloseAfter(10_000, body()),
        Reply::Silence,
        Reply::StallAfter(10_000, body()),
        Reply::Announce(60_000, body()),
    ] {
        let (outcome, requests) = fetch(&[fault.clone(), good()]).await;
        let fault = format!("{fault:?}").chars().take(40).collect::<String>();
        assert_eq!(outcome.unwrap_or_else(|e| panic!("{fault}: {e}")), body(), "{fault}");
        assert_eq!(requests, 2, "{fault}");
    }
}

#[tokio::test]
async fn tries_end() {
    let (outcome, requests) = fetch(&[Reply::Status(503, Vec::new())]).await;
    assert_eq!(outcome.unwrap_err().code(), "http_failed");
    assert_eq!(requests, 4);
}

#[tokio::test]
async fn retry_after_is_waited_out() {
    let begun = Instant::now();
    let (outcome, _) = fetch(&[Reply::Status(429, vec![("Retry-After", "1".to_owned())]), good()]).await;
    outcome.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn lasting_errors_are_not_tried_again() {
    for (status, code) in
        [(400, "http_failed"), (401, "unauthorized"), (403, "not_found"), (404, "not_found"), (204, "http_failed")]
    {
        let (outcome, requests) = fetch(&[Reply::Status(status, Vec::new())]).await;
        assert_eq!(outcome.unwrap_err().code(), code, "{status}");
        assert_eq!(requests, 1, "{status}");
    }
}

#[tokio::test]
async fn body_that_is_complete_does_not_wait_for_the_connection_to_close() {
    let begun = Instant::now();
    let (outcome, requests) = fetch(&[Reply::SlowClose(body())]).await;
    assert_eq!((outcome.unwrap(), requests), (body(), 1));
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn silence_and_dripping_end_as_time_out() {
    let options = HttpOptions { attempts: 1, ..quick() };
    for fault in [Reply::Silence, Reply::StallAfter(100, body()), Reply::Drip(Duration::from_millis(20), body())] {
        let server = Toxic::start().await;
        server.on("/x", [fault]);
        let begun = Instant::now();
        assert_eq!(get(&options, &server.url("/x")).await.unwrap_err().code(), "timed_out");
        assert!(begun.elapsed() < Duration::from_millis(1200), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn body_over_the_cap_is_refused_by_its_announcement_or_when_it_gets_there() {
    for fault in
        [Reply::Announce(CAP as usize + 1, Vec::new()), Reply::Announce(usize::MAX / 2, body()), Reply::Endless]
    {
        let (outcome, requests) = fetch(&[fault]).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), "http_failed");
        assert!(error.to_string().contains("longer than 100000 bytes"), "{error}");
        assert_eq!(requests, 1, "the same would come again");
    }
}

#[tokio::test]
async fn nobody_at_home_is_offline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(get(&quick(), &format!("http://{address}/x")).await.unwrap_err().code(), "offline");
    let options = HttpOptions { attempts: 1, ..quick() };
    assert_eq!(get(&options, "http://no-such-host.invalid/x").await.unwrap_err().code(), "offline");
}

#[tokio::test]
async fn plain_server_behind_https_is_a_tls_error() {
    let server = Toxic::start().await;
    let error = get(&quick(), &format!("https://localhost:{}/x", server.port())).await.unwrap_err();
    assert_eq!(error.code(), "tls_failed", "{error}");
}

fn redirect_to(url: String) -> Reply {
    Reply::Status(302, vec![("Location", url)])
}

#[tokio::test]
async fn redirects_are_followed_five_times_and_no_more() {
    let server = Toxic::start().await;
    for hop in 0..6 {
        server.on(&format!("/{hop}"), [redirect_to(format!("/{}", hop + 1))]);
    }
    server.on("/6", [good()]);
    assert_eq!(get(&quick(), &server.url("/1")).await.unwrap(), body());
    let error = get(&quick(), &server.url("/0")).await.unwrap_err();
    assert!(error.to_string().contains("5 redirects"), "{error}");
    assert_eq!(server.count("/0"), 1, "it is not tried again");
}

#[tokio::test]
async fn redirect_loops_and_other_schemes_are_refused() {
    let server = Toxic::start().await;
    server.on("/loop", [redirect_to("/loop".to_owned())]);
    assert_eq!(get(&quick(), &server.url("/loop")).await.unwrap_err().code(), "http_failed");
    server.on("/file", [redirect_to("file:///etc/passwd".to_owned())]);
    assert_eq!(get(&quick(), &server.url("/file")).await.unwrap_err().code(), "http_failed");
}

#[tokio::test]
async fn credentials_are_sent_but_not_to_where_a_redirect_leads() {
    let (here, there) = (Toxic::start().await, Toxic::start().await);
    here.on("/x", [redirect_to(there.url("/y"))]);
    here.on("/z", [redirect_to("/x".to_owned())]);
    there.on("/y", [good()]);
    let options = HttpOptions {
        authorization: Some(Secret::new("Bearer hush")),
        cookie: Some(Secret::new("session=hush")),
        ..quick()
    };
    get(&options, &here.url("/z")).await.unwrap();
    for seen in here.seen() {
        assert_eq!(seen.headers["authorization"], "Bearer hush", "{}", seen.path);
        assert_eq!(seen.headers["cookie"], "session=hush", "{}", seen.path);
        assert_eq!(seen.headers["accept-encoding"], "identity");
    }
    let seen = &there.seen()[0];
    assert!(!seen.headers.values().any(|value| value.contains("hush")), "{seen:?}");
}

#[tokio::test]
async fn errors_name_the_url_without_its_secrets() {
    let server = Toxic::start().await;
    let url = format!("http://me:hush@127.0.0.1:{}/x?token=hush", server.port());
    let error = get(&quick(), &url).await.unwrap_err();
    assert!(error.to_string().contains("/x?…"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn proxy_is_asked_for_everything() {
    let proxy = Toxic::start().await;
    proxy.on("http://files.invalid/x", [good()]);
    let options = HttpOptions { proxy: Some(proxy.url("")), ..quick() };
    assert_eq!(get(&options, "http://files.invalid/x").await.unwrap(), body());
}

#[tokio::test]
async fn failure_names_the_proxy_that_was_asked() {
    let through = |proxy: &str| HttpOptions { proxy: Some(proxy.to_owned()), attempts: 1, ..quick() };
    for url in ["http://files.invalid/x", "https://files.invalid/x"] {
        let error = get(&through("http://me:hush@127.0.0.1:1"), url).await.unwrap_err();
        let (code, text) = (error.code(), error.to_string());
        assert!(code == "offline" && text.contains("through the proxy http://127.0.0.1:1: "), "{text}");
        assert!(!format!("{error:?} {text}").contains("hush"), "{error:?}");
    }
    let proxy = Toxic::start().await;
    proxy.on("http://files.invalid/x", [Reply::Status(504, Vec::new()), Reply::Status(404, Vec::new())]);
    let name = format!("(through the proxy http://127.0.0.1:{})", proxy.port());
    let text = get(&through(&proxy.url("")), "http://files.invalid/x").await.unwrap_err().to_string();
    assert!(text.contains(&name), "{text}");
    let text = get(&through(&proxy.url("")), "http://files.invalid/x").await.unwrap_err().to_string();
    assert!(!text.contains("proxy"), "that is what the server says: {text}");
    let text = get(&HttpOptions { attempts: 1, ..quick() }, "http://127.0.0.1:1/x").await.unwrap_err().to_string();
    assert!(!text.contains("proxy"), "there is none: {text}");
}

/// Runs one test of this file again, in a process with a different environment.
fn passes_with(environment: &[(&str, &str)], test: &str) {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this).args(["--exact", test]).envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{environment:?}: {text}");
}

#[test]
fn machine_without_authorities_can_still_use_plain_http() {
    passes_with(&[("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")], "faults::tries_end");
}

#[test]
fn environment_names_the_proxy_and_what_goes_around_it() {
    let nobody = "http://127.0.0.1:1";
    passes_with(&[("http_proxy", nobody), ("NO_PROXY", "127.0.0.1")], "faults::tries_end");
    let this = std::env::current_exe().unwrap();
    let mut through = Command::new(this);
    through
        .args(["--exact", "faults::tries_end"])
        .env("http_proxy", nobody)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let through = through.output().unwrap();
    assert!(!through.status.success(), "the proxy was not asked");
}

#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    for options in [
        HttpOptions { attempts: 0, ..quick() },
        HttpOptions { max_in_flight: 0, ..quick() },
        HttpOptions { rate_limit: RateLimit::new(Some(0), None), ..quick() },
        HttpOptions { authorization: Some(Secret::new("two\nlines")), ..quick() },
        HttpOptions { ca_certificates_pem: vec![b"no certificate".to_vec()], ..quick() },
        HttpOptions { client_certificate_pem: Some(b"no certificate".to_vec()), ..quick() },
        HttpOptions { proxy: Some("::".to_owned()), ..quick() },
    ] {
        assert!(matches!(HttpClient::new(&options), Err(Error::Invalid { .. })), "{options:?}");
    }
}
