//! A TCP proxy that simulates latency: delays each direction by half a round trip, without limiting the bandwidth.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

/// Starts a proxy to `target` and returns its address. It ends with the runtime.
pub(crate) async fn start(target: SocketAddr, round_trip: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(far) = TcpStream::connect(target).await else { return };
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                // The handshake of this connection had no delay here, so its first bytes are delayed by the full round
                // trip.
                let opened = Instant::now() + round_trip;
                relay(near_in, far_out, round_trip / 2, opened + round_trip / 2);
                relay(far_in, near_out, round_trip / 2, opened);
            });
        }
    });
    address
}

fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, late: Duration, not_before: Instant) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(4096);
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let due = (Instant::now() + late).max(not_before);
            if sender.send((due, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due.into()).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
}
