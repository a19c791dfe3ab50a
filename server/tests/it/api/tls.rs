//! TLS with certificate files that are replaced while the server runs.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client};

use super::support::{PATIENCE, Server, program};

/// Writes a new certificate for this machine, and its key. Returns the certificate for clients.
fn write_certificate(folder: &Path) -> Certificate {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let pem = made.cert.pem();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), &pem).unwrap();
    Certificate::from_pem(pem.as_bytes()).unwrap()
}

fn client(trusted: Certificate) -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).tls_certs_only([trusted]).build().unwrap()
}

fn start(folder: &Path) -> Server {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    Server::with(&[("tls_cert", &path("cert.pem")), ("tls_key", &path("key.pem"))])
}

#[tokio::test]
async fn requests_are_answered_over_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = write_certificate(folder.path());
    let server = start(folder.path());
    let address = server.base.strip_prefix("https://").unwrap().to_owned();
    let answer = client(trusted).get(format!("https://{address}/healthz")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    let plain = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    assert!(plain.get(format!("http://{address}/healthz")).send().await.is_err());
    let other = tempfile::tempdir().unwrap();
    let stranger = client(write_certificate(other.path()));
    assert!(stranger.get(format!("https://{address}/healthz")).send().await.is_err());
}

#[tokio::test]
async fn a_new_certificate_is_taken_without_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let server = start(folder.path());
    // Some disks store times in whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let trusted = write_certificate(folder.path());
    let begun = Instant::now();
    loop {
        // A new client each time, because a connection keeps the certificate that it began with.
        if client(trusted.clone()).get(format!("{}/healthz", server.base)).send().await.is_ok() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn files_that_are_no_certificate_are_named_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.pem");
    std::fs::write(&file, "nothing").unwrap();
    let mut command = program();
    command.arg("serve").args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
    for name in ["tls_cert", "tls_key"] {
        command.arg("--set").arg(format!("{name}={}", file.display()));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("config_invalid"), "{said}");
}
