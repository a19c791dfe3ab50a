//! A body that is read: its memory is charged to the token that sends it, and to the server, as its bytes arrive.
//!
//! A token's own bodies wait for each other by their announced length, so that each one that is begun can end. Between
//! tokens nothing waits: if the server's memory is used up, a body is refused, and its sender tries again.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use poem::http::{HeaderMap, header};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::{Shares, kibibytes};
use crate::error::{Error, Result};

/// What is charged at once, in KiB.
const STEP_KIB: u32 = 64;

/// How much of an oversized body is read and discarded. If the connection were closed at once, a client that is still
/// sending would never see the answer.
const DRAIN_BYTES: usize = 8 << 20;

/// For how long.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The bytes of a body, and the memory that they are charged with until this is dropped.
#[derive(Debug)]
pub struct Body {
    /// The bytes.
    pub bytes: Bytes,
    charge: Charge,
}

impl Body {
    /// The charge without the bytes, to be held for as long as what was made of them.
    pub fn into_charge(self) -> Charge {
        self.charge
    }
}

/// Memory that is charged to a token, until this is dropped.
#[derive(Debug)]
pub struct Charge {
    _room: OwnedSemaphorePermit,
    memory: Option<OwnedSemaphorePermit>,
    kib: u32,
}

impl Shares {
    /// Reads a body of at most `max` bytes. Each byte is charged `weight` times: what is made of the body takes memory, too.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Invalid`] if it ends too early or comes too slowly; `server_busy` if the memory of
    /// the server is used up.
    pub async fn read(
        &self,
        token: Uuid,
        body: poem::Body,
        headers: &HeaderMap,
        (max, weight): (u64, u32),
    ) -> Result<Body> {
        let announced = announced_bytes(headers);
        if announced.is_some_and(|bytes| bytes > max) {
            drain(&mut body.into_bytes_stream()).await;
            return Err(Error::TooLarge { max_bytes: max });
        }
        let expected = announced.unwrap_or(max).min(max);
        let time = self.limits.patience + Duration::from_secs(expected / u64::from(self.limits.rate.max(1)));
        let slow = |_| Error::Invalid { what: "body", reason: "it arrived too slowly".to_owned() };
        tokio::time::timeout(time, self.read_all(token, body, expected, (max, weight))).await.map_err(slow)?
    }

    async fn read_all(&self, token: Uuid, body: poem::Body, expected: u64, (max, weight): (u64, u32)) -> Result<Body> {
        let closed = |_| Error::internal("waiting for memory");
        let share = self.of(token);
        let whole = kibibytes(self.limits.memory_bytes) / super::PARTS;
        let room = kibibytes(expected.saturating_mul(weight.into())).clamp(1, whole.max(1));
        let room = Arc::clone(&share.room).acquire_many_owned(room).await.map_err(closed)?;
        let mut charge = Charge { _room: room, memory: None, kib: 0 };
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        // Reserved memory takes none until it is written to.
        let mut bytes = BytesMut::with_capacity(usize::try_from(expected).unwrap_or_default().min(max));
        let mut length = 0_usize;
        let mut stream = body.into_bytes_stream();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|_| Error::Invalid { what: "body", reason: "it ended too early".to_owned() })?;
            length = length.saturating_add(piece.len());
            if length > max {
                drain(&mut stream).await;
                return Err(Error::TooLarge { max_bytes: max as u64 });
            }
            self.charge(&mut charge, length as u64 * u64::from(weight))?;
            bytes.extend_from_slice(&piece);
        }
        Ok(Body { bytes: bytes.freeze(), charge })
    }

    /// Charges what has arrived so far.
    fn charge(&self, charge: &mut Charge, bytes: u64) -> Result<()> {
        let needed = kibibytes(bytes);
        if needed <= charge.kib {
            return Ok(());
        }
        let more = (needed - charge.kib).max(STEP_KIB);
        let busy = |_| Error::Unavailable {
            code: "server_busy",
            reason: "The server has no memory left for uploads; try again in a moment".to_owned(),
        };
        let permit = Arc::clone(&self.memory).try_acquire_many_owned(more).map_err(busy)?;
        match &mut charge.memory {
            Some(memory) => memory.merge(permit),
            none => *none = Some(permit),
        }
        charge.kib += more;
        Ok(())
    }
}

/// Reads and discards some of the rest of an oversized body, for a moment.
async fn drain<E>(stream: &mut (impl Stream<Item = std::result::Result<Bytes, E>> + Unpin)) {
    let read = async {
        let mut length = 0_usize;
        while let Some(Ok(piece)) = stream.next().await {
            length = length.saturating_add(piece.len());
            if length > DRAIN_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}

fn announced_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    fn body(length: usize, then_waits: bool) -> poem::Body {
        let piece = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![7; length])]);
        if then_waits {
            poem::Body::from_bytes_stream(piece.chain(futures_util::stream::pending()))
        } else {
            poem::Body::from_bytes_stream(piece)
        }
    }

    fn announced(length: usize) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, length.into())])
    }

    #[tokio::test]
    async fn bodies_that_are_announced_and_do_not_come_take_nothing_from_other_tokens() {
        let limits = Limits { memory_bytes: 4 << 20, ..Limits::default() };
        let shares = Arc::new(Shares::new(limits));
        let mut idle = tokio::task::JoinSet::new();
        for number in 0..40_u32 {
            let shares = Arc::clone(&shares);
            let token = Uuid::from_u128(u128::from(number % 4));
            idle.spawn(async move {
                let headers = announced(1 << 20);
                shares.read(token, body(1, true), &headers, (1 << 20, 1)).await.map(drop)
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let headers = announced(1 << 20);
        let honest = shares.read(Uuid::from_u128(9), body(1 << 20, false), &headers, (1 << 20, 1));
        let read = tokio::time::timeout(Duration::from_secs(1), honest).await.unwrap().unwrap();
        assert_eq!(read.bytes.len(), 1 << 20);
    }

    #[tokio::test]
    async fn memory_that_is_used_up_refuses_and_comes_back() {
        let shares = Shares::new(Limits { memory_bytes: 1 << 20, ..Limits::default() });
        let none = HeaderMap::new();
        let read = |token, length| shares.read(Uuid::from_u128(token), body(length, false), &none, (512 << 10, 1));
        let (one, two) = (read(1, 512 << 10).await.unwrap(), read(2, 448 << 10).await.unwrap());
        assert_eq!(read(3, 256 << 10).await.unwrap_err().code(), "server_busy");
        drop((one, two));
        read(3, 256 << 10).await.unwrap();
        assert_eq!(read(3, (512 << 10) + 1).await.unwrap_err().code(), "too_large");
    }
}
