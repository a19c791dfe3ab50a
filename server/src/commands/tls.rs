//! TLS by files that may be replaced while the server runs.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::Stream;
use poem::http::uri::Scheme;
use poem::listener::{Acceptor, AcceptorExt as _, RustlsCertificate, RustlsConfig};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::sync::watch;
use vsekai_server::error::{Error, Result};
use vsekai_server::listen::Tcp;

/// How often it is looked whether the certificate is another.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(5);

/// What accepts connections with the certificate and the key in these files.
///
/// # Errors
/// [`Error::Config`] if they cannot be used now. Later ones that cannot are logged, and the last good ones stay.
pub(super) async fn accept(tcp: Tcp, files: (PathBuf, PathBuf)) -> Result<impl Acceptor> {
    // Before it is read: what is written meanwhile is a change.
    let seen = changed_at(&files).await;
    let first = certificate(&files).await?;
    let (taken, is_taken) = watch::channel(false);
    Ok(Ready { tcp, is_taken }.rustls(certificates(files, seen, first, taken)))
}

/// Accepts nothing until the first certificate was taken: poem's acceptor breaks connections that come before it.
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
        tokio::fs::read(path).await.map_err(|error| Error::Config(format!("{shown}: {error}")))
    };
    let shown = (cert.display().to_string(), key.display().to_string());
    let (cert, key) = (read(cert.clone()).await?, read(key.clone()).await?);
    // A half-written file must not take the place of what works.
    let certificates = reqwest::Certificate::from_pem_bundle(&cert);
    if !certificates.is_ok_and(|found| !found.is_empty()) {
        return Err(Error::Config(format!("{}: there is no certificate in it, in PEM", shown.0)));
    }
    if !String::from_utf8_lossy(&key).contains("PRIVATE KEY-----") {
        return Err(Error::Config(format!("{}: there is no private key in it, in PEM", shown.1)));
    }
    Ok(RustlsConfig::new().fallback(RustlsCertificate::new().cert(cert).key(key)))
}

/// The certificate, and each that takes its place. One that cannot be read leaves the last in force.
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
        // Whoever asks for another one has taken the first.
        taken.send_replace(true);
        loop {
            tokio::time::sleep(CERTIFICATE_EVERY).await;
            let now = changed_at(&files).await;
            if now == seen {
                continue;
            }
            match certificate(&files).await {
                Ok(config) => {
                    tracing::info!("read the certificate again");
                    return Some((config, (files, None, now, taken)));
                }
                Err(error) => tracing::error!("{error}"),
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
