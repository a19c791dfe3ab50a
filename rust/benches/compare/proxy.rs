//! A TCP link with latency: every byte arrives a fixed time after it was sent, at any rate.
//!
//! Each piece is stamped with its due time and queued, so a delay costs no bandwidth. Setting up a connection costs one
//! round trip, like a TCP handshake. Nothing is lost, reordered or throttled.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::Result;

/// Largest piece read at once.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces in flight in one direction of a connection: 128 MiB, far more than loopback transfers during the delay.
const QUEUE: usize = 2048;
/// A connection without traffic for this long is closed.
const IDLE: Duration = Duration::from_mins(2);

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port and forwards everything to `target`, delayed by `one_way` in each direction.
    pub(crate) fn start(target: SocketAddr, one_way: Duration) -> Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = serve(&listener, target, one_way) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves on `port` until the process ends, for manual use.
pub(crate) fn serve_by_hand(port: u16, target: SocketAddr, one_way: Duration) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let listening = listener.local_addr()?;
        eprintln!("{listening} is {target}, {} ms away. Ctrl-C stops it.", 2 * one_way.as_millis());
        serve(&listener, target, one_way).await;
        Ok(())
    })
}

async fn serve(listener: &TcpListener, target: SocketAddr, one_way: Duration) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(connect(client, target, one_way));
            }
            // Out of file descriptors, for example: connections that end free some.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// The handshake's round trip, then both directions.
async fn connect(client: TcpStream, target: SocketAddr, one_way: Duration) {
    let set_up = Instant::now() + 2 * one_way;
    let Ok(Ok(server)) = timeout(Duration::from_secs(10), TcpStream::connect(target)).await else { return };
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    sleep_until(set_up).await;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let there = tokio::spawn(relay(client_read, server_write, one_way));
    relay(server_read, client_write, one_way).await;
    // The answering side has closed, so nothing that the client still sends can be delivered.
    there.abort();
}

async fn relay(from: OwnedReadHalf, to: OwnedWriteHalf, one_way: Duration) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::join!(read(from, sender, one_way), write(to, receiver));
}

async fn read(mut from: OwnedReadHalf, queue: mpsc::Sender<(Instant, Bytes)>, one_way: Duration) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(PIECE_BYTES);
        let count = match timeout(IDLE, from.read_buf(&mut buffer)).await {
            Ok(Ok(count)) => count,
            Ok(Err(_)) | Err(_) => 0,
        };
        // An empty piece marks the end, which takes as long to arrive as other bytes.
        let piece = (Instant::now() + one_way, buffer.split().freeze());
        if queue.send(piece).await.is_err() || count == 0 {
            return;
        }
    }
}

async fn write(mut to: OwnedWriteHalf, mut queue: mpsc::Receiver<(Instant, Bytes)>) {
    while let Some((due, piece)) = queue.recv().await {
        sleep_until(due).await;
        if piece.is_empty() {
            break;
        }
        if !matches!(timeout(IDLE, to.write_all(&piece)).await, Ok(Ok(()))) {
            break;
        }
    }
    let _ = to.shutdown().await;
}
