//! Connections: accepted, counted, watched, and served with hyper.
//!
//! poem's own `Server` is not used, because it does not set `TCP_NODELAY`, waits forever for the header of a request,
//! accepts headers of half a megabyte, does not limit the number of connections, and hides the socket behind a box
//! through which every body is copied once more. Endpoints, acceptors and TLS are poem's.
//!
//! ```text
//! serve       the loop: accept, serve, shut down            this file
//!   Tcp       a listener that does not delay small packets  this file
//!   Slots     how many connections each network has         listen/slots.rs
//!   Watched   a connection with timeouts                    listen/watched.rs
//! ```
//!
//! Promises: no more connections than allowed, of all together and of each network, while others wait in the system's
//! queue; clients that are slow to send a
//! header, idle, or do not read their response are disconnected. How long a handler may read a body or work is up to
//! the handler.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use poem::Endpoint;
use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

mod slots;
mod watched;

use slots::Slots;
use watched::{Activity, Watched};

/// Idle time of connections that are accepted when fewer than a quarter of the slots is left.
const SHORT_IDLE: Duration = Duration::from_secs(5);

/// Limits of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most open connections.
    pub connections: usize,
    /// Most open connections of one network: an address, or 64 bits of an IPv6 address.
    pub connections_per_network: usize,
    /// Addresses without that limit: proxies, through which many clients come.
    pub proxies: Vec<IpAddr>,
    /// Time from the first byte of a request to the end of its header; for the first request, from the start of the
    /// connection.
    pub head: Duration,
    /// Time without a byte in either direction, unless a request is being handled.
    pub idle: Duration,
    /// Largest header of a request, in bytes. At least 8192.
    pub head_bytes: usize,
    /// Most concurrent requests on one HTTP/2 connection.
    pub streams: u32,
    /// Time for requests under way at shutdown.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_network: 2_500,
            proxies: Vec::new(),
            head: Duration::from_secs(15),
            idle: Duration::from_secs(75),
            head_bytes: 32 << 10,
            streams: 256,
            shutdown: Duration::from_secs(30),
        }
    }
}

/// A TCP listener.
#[derive(Debug)]
pub struct Tcp {
    listener: TcpListener,
    address: SocketAddr,
}

impl Tcp {
    /// Listens at this address.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Acceptor for Tcp {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.address.into())]
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, remote) = self.listener.accept().await?;
        // If the connection is gone already, reading from it will show that.
        let _ = stream.set_nodelay(true);
        let local = LocalAddr(self.address.into());
        Ok((stream, local, RemoteAddr(remote.into()), Scheme::HTTP))
    }
}

/// Serves until `stop` completes, and then until the requests under way are answered or their time is over.
pub async fn serve<A, E>(mut acceptor: A, endpoint: E, limits: &Limits, stop: impl Future<Output = ()>)
where
    A: Acceptor,
    E: Endpoint + 'static,
{
    let endpoint = Arc::new(endpoint);
    let permits = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let slots = Slots::new(limits);
    let mut stop = pin!(stop);
    loop {
        if permits.available_permits() == 0 {
            tracing::warn!(
                event = "connections_exhausted",
                limit = limits.connections,
                "the limit of connections is reached"
            );
        }
        let permit = tokio::select! {
            () = &mut stop => break,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = acceptor.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, local, remote, scheme)) => {
                // Dropping the stream closes the connection.
                let Some(slot) = slots.take(&remote) else { continue };
                let peer = Peer { local, remote, scheme };
                let limits = Limits { idle: idle_time(limits, permits.available_permits()), ..limits.clone() };
                let work = connection(stream, peer, Arc::clone(&endpoint), limits, stopped.clone());
                connections.spawn(async move {
                    let _held = (permit, slot);
                    work.await;
                });
            }
            Err(error) => {
                tracing::warn!(event = "connection_not_accepted", %error, "cannot accept a connection");
                // Usually there are no file descriptors left, and retrying at once would only waste time.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop((acceptor, stopped));
    let _ = stopping.send(());
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.shutdown, all).await.is_err() {
        tracing::warn!(event = "requests_aborted", "requests were aborted at shutdown");
    }
}

/// How long a new connection may be idle: less when slots are few.
fn idle_time(limits: &Limits, free: usize) -> Duration {
    if free < limits.connections / 4 { limits.idle.min(SHORT_IDLE) } else { limits.idle }
}

#[derive(Clone)]
struct Peer {
    local: LocalAddr,
    remote: RemoteAddr,
    scheme: Scheme,
}

async fn connection<Io, E>(stream: Io, peer: Peer, endpoint: Arc<E>, limits: Limits, mut stopped: watch::Receiver<()>)
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    E: Endpoint + 'static,
{
    let activity = Arc::new(Activity::default());
    let stream = Watched::new(stream, Arc::clone(&activity), &limits);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let busy = activity.begin(request.version() == hyper::Version::HTTP_2);
        let (endpoint, peer) = (Arc::clone(&endpoint), peer.clone());
        async move {
            let _busy = busy;
            let request = (request, peer.local, peer.remote, peer.scheme).into();
            let response: hyper::Response<_> = endpoint.get_response(request).await.into();
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(limits.head_bytes);
    builder
        .http2()
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(20)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
    let mut work = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // Errors of a connection concern its client only: gone, too slow, not HTTP.
    tokio::select! {
        _ = work.as_mut() => return,
        _ = stopped.changed() => {}
    }
    work.as_mut().graceful_shutdown();
    let _ = work.await;
}
