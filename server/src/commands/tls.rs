//! TLS with certificate files that may be replaced while the server runs.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::Stream;
use poem::http::uri::Scheme;
use poem::listener::{Acceptor, AcceptorExt as _, RustlsCertificate, RustlsConfig};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::sync::watch;
use vsekai_server::config::Config;
use vsekai_server::error::{Error, Result};
use vsekai_server::listen::Tcp;
use vsekai_updater::text;

/// What the two files are.
const PEM: &str = "Set tls_cert to the PEM file with the whole chain, and tls_key to that with its private key, both \
                   readable by the user of the server";

/// How often to check whether the certificate has changed.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(5);

/// The certificate and the key, if there are any.
pub(super) fn files(config: &Config) -> Option<(PathBuf, PathBuf)> {
    (!config.tls_cert.is_empty()).then(|| (PathBuf::from(&config.tls_cert), PathBuf::from(&config.tls_key)))
}

/// Fails as [`accept`] would, before anything else is done.
pub(super) async fn check(files: &(PathBuf, PathBuf)) -> Result<()> {
    certificate(files).await.map(|_| ())
}

/// Accepts connections with the certificate and the key in these files.
///
/// # Errors
/// [`Error::Config`] if they cannot be used now. Later replacements that cannot be used are logged and ignored.
pub(super) async fn accept(tcp: Tcp, files: (PathBuf, PathBuf)) -> Result<impl Acceptor> {
    // Read the times before the files, so that a change in between is noticed.
    let seen = changed_at(&files).await;
    let first = certificate(&files).await?;
    let (taken, is_taken) = watch::channel(false);
    Ok(Ready { tcp, is_taken }.rustls(certificates(files, seen, first, taken)))
}

/// Accepts nothing until the first certificate is in use: poem's acceptor drops connections that arrive earlier.
struct Ready {
    tcp: Tcp,
    is_taken: watch::Receiver<bool>,
}

impl Acceptor for Ready {
    type Io = <Tcp as Acceptor>::Io;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.tcp.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        self.is_taken.wait_for(|is_taken| *is_taken).await.map_err(io::Error::other)?;
        self.tcp.accept().await
    }
}

async fn certificate((cert, key): &(PathBuf, PathBuf)) -> Result<RustlsConfig> {
    let read = |path: PathBuf| async move {
        let shown = path.display().to_string();
        tokio::fs::read(path)
            .await
            .map_err(|error| Error::config(format!("{shown}: {}", text::system_reason(&error)), PEM))
    };
    let shown = (cert.display().to_string(), key.display().to_string());
    let (cert, key) = (read(cert.clone()).await?, read(key.clone()).await?);
    // A half-written file must not replace a certificate that works.
    let certificates = reqwest::Certificate::from_pem_bundle(&cert);
    if !certificates.is_ok_and(|found| !found.is_empty()) {
        return Err(Error::config(format!("{}: it contains no PEM certificate", shown.0), PEM));
    }
    if !String::from_utf8_lossy(&key).contains("PRIVATE KEY-----") {
        return Err(Error::config(format!("{}: it contains no PEM private key", shown.1), PEM));
    }
    Ok(RustlsConfig::new().fallback(RustlsCertificate::new().cert(cert).key(key)))
}

/// Yields the certificate, and then each replacement that can be used.
fn certificates(
    files: (PathBuf, PathBuf),
    seen: Option<(SystemTime, SystemTime)>,
    first: RustlsConfig,
    taken: watch::Sender<bool>,
) -> impl Stream<Item = RustlsConfig> + Send + 'static {
    let start = (files, Some(first), seen, taken);
    Box::pin(futures_util::stream::unfold(start, |(files, first, mut seen, taken)| async move {
        if let Some(first) = first {
            return Some((first, (files, None, seen, taken)));
        }
        // Being polled again means that the first certificate is in use.
        taken.send_replace(true);
        loop {
            tokio::time::sleep(CERTIFICATE_EVERY).await;
            let now = changed_at(&files).await;
            if now == seen {
                continue;
            }
            match certificate(&files).await {
                Ok(config) => {
                    tracing::info!(event = "certificate_reloaded", "reloaded the certificate");
                    return Some((config, (files, None, now, taken)));
                }
                Err(error) => tracing::error!(event = "certificate_refused", "{error}"),
            }
            seen = now;
        }
    }))
}

async fn changed_at((cert, key): &(PathBuf, PathBuf)) -> Option<(SystemTime, SystemTime)> {
    let cert = tokio::fs::metadata(cert).await.ok()?.modified().ok()?;
    let key = tokio::fs::metadata(key).await.ok()?.modified().ok()?;
    Some((cert, key))
}
