//! Faults with a real server: latency, TLS, HTTP/2, client certificates.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vsekai_updater::event::{Cancel, Silent};
use vsekai_updater::net::http::{FetchStats, HttpOptions, fetch_all};

use super::mirrors::{Sample, Taker, store};
use super::{get, quick};
use crate::support::{delay, nginx};

fn publish(sample: &Sample, nginx: &nginx::Nginx) {
    for chunk in &sample.chunks {
        let file = nginx.www().join(chunk.id().store_path());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, chunk.as_bytes()).unwrap();
    }
}

async fn fetch_from(sample: &Sample, options: &HttpOptions, url: &str) -> (FetchStats, Duration) {
    let taker = Arc::new(Taker::default());
    let stores = [store(options, url)];
    let begun = Instant::now();
    let stats = fetch_all(&stores, sample.requests(), Arc::clone(&taker), &Cancel::default(), &Silent).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(taker.taken.lock().unwrap().len(), sample.chunks.len());
    (stats, took)
}

#[tokio::test(flavor = "multi_thread")]
async fn long_line_is_filled() {
    if !nginx::is_installed() {
        return;
    }
    let sample = Sample::new(2012, 32_000);
    let nginx = nginx::Nginx::start(TempDir::new().unwrap(), None);
    publish(&sample, &nginx);
    let far = delay::start(nginx.address(), Duration::from_millis(50)).await;
    let options = HttpOptions { idle_timeout: Duration::from_secs(5), ..HttpOptions::default() };
    let (stats, took) = fetch_from(&sample, &options, &format!("http://{far}/")).await;
    println!("2012 chunks over 50 ms: {took:?}, {stats:?}");
    assert_eq!((stats.requests, stats.peak_in_flight), (2012, 128));
    assert_eq!(nginx.access_log(2012).len(), 2012);
    // With 10 at a time, this would take more than 10 s. The slowness of a loaded machine must not fail the test.
    assert!(took < Duration::from_secs(8), "{took:?}");
}

const TLS: &str = "ssl_certificate server.pem; ssl_certificate_key server.key;
    ssl_client_certificate ca.pem; ssl_verify_client optional;
    location /private/ { if ($ssl_client_verify != SUCCESS) { return 495; } }";

fn tls_server() -> nginx::Nginx {
    let directory = TempDir::new().unwrap();
    nginx::make_certificates(directory.path());
    nginx::Nginx::start(directory, Some(TLS))
}

#[tokio::test(flavor = "multi_thread")]
async fn private_authority_is_accepted_only_when_given() {
    if !nginx::is_installed() {
        return;
    }
    let nginx = tls_server();
    fs::write(nginx.www().join("index.caibx"), b"bytes").unwrap();
    let url = format!("https://localhost:{}/index.caibx", nginx.address().port());
    let error = get(&quick(), &url).await.unwrap_err();
    assert_eq!(error.code(), "tls_failed", "{error}");
    let options = HttpOptions { ca_certificates_pem: vec![nginx.read("ca.pem")], ..quick() };
    assert_eq!(get(&options, &url).await.unwrap(), b"bytes");
    assert_eq!(nginx.access_log(1), ["HTTP/2.0 200 /index.caibx -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificate_opens_the_door() {
    if !nginx::is_installed() {
        return;
    }
    let nginx = tls_server();
    fs::create_dir_all(nginx.www().join("private")).unwrap();
    fs::write(nginx.www().join("private/x"), b"bytes").unwrap();
    let url = format!("https://localhost:{}/private/x", nginx.address().port());
    let mut options = HttpOptions { ca_certificates_pem: vec![nginx.read("ca.pem")], ..quick() };
    assert_eq!(get(&options, &url).await.unwrap_err().code(), "http_failed");
    options.client_certificate_pem = Some(nginx.read("client.pem"));
    assert_eq!(get(&options, &url).await.unwrap(), b"bytes");
    assert_eq!(nginx.access_log(2).last().unwrap(), "HTTP/2.0 200 /private/x CN=test-client");
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_carries_many_chunks_over_a_long_line() {
    if !nginx::is_installed() {
        return;
    }
    let sample = Sample::new(400, 32_000);
    let nginx = tls_server();
    publish(&sample, &nginx);
    let far = delay::start(nginx.address(), Duration::from_millis(50)).await;
    let options = HttpOptions {
        ca_certificates_pem: vec![nginx.read("ca.pem")],
        idle_timeout: Duration::from_secs(5),
        ..HttpOptions::default()
    };
    let (stats, took) = fetch_from(&sample, &options, &format!("https://localhost:{}/", far.port())).await;
    println!("400 chunks over HTTP/2 and 50 ms: {took:?}, {stats:?}");
    assert_eq!(nginx.access_log(400).iter().filter(|line| line.starts_with("HTTP/2.0 200")).count(), 400);
    assert!(took < Duration::from_secs(8), "{took:?}");
}
