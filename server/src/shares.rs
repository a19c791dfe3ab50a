//! What a token may take of the server at once: memory for bodies, turns at heavy work, open publications, and disk for
//! chunks that no version needs yet.
//!
//! ```text
//! Shares          all tokens, and what the server has for them together    this file
//!   Body          a body, charged as its bytes arrive                      shares/body.rs
//!   Turn          a turn at heavy work, such as the check of a commit
//!   checks        turns at having chunks checked                           chunks/check.rs
//!   Reserve       what uploads leave free on the disk                      shares/reserve.rs
//! ```
//!
//! Promises: whatever one token sends, the others find room, turns and disk; memory for bodies is bounded by
//! [`Limits::memory_bytes`], and counted when bytes arrive, not when they are announced. What is counted here is of this
//! process, and forgotten when it ends. That is enough: memory and turns are free again then, what was sent is removed when
//! it expires whoever counts it, and no token can make a server start again. So a token may fill its share of the disk once
//! for each server and each start within that time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::chunks;
use crate::error::{Error, Result};

mod body;
mod reserve;

pub use body::{Body, Charge};
pub use reserve::Reserve;

/// A token uses at most one of this many parts of the memory, and of the turns.
const PARTS: u32 = 2;

/// Most publications whose turn is remembered.
const MAX_LOCKS: usize = 10_000;

/// What there is to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory for the bodies of requests, of all tokens together.
    pub memory_bytes: u64,
    /// How many commits are checked at once, of all tokens together.
    pub turns: u32,
    /// Open publications of one token.
    pub publications: usize,
    /// Bytes of one token that no version needs yet. 0: as many as there is room for.
    pub unpublished_bytes: u64,
    /// How long unpublished bytes are kept.
    pub kept: Duration,
    /// How long every body may take.
    pub patience: Duration,
    /// The slowest rate at which a body may take longer, in bytes per second.
    pub rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            memory_bytes: 192 << 20,
            turns: u32::try_from(cores).unwrap_or(2).max(PARTS),
            publications: 100,
            unpublished_bytes: 0,
            kept: Duration::from_hours(24),
            patience: Duration::from_secs(30),
            rate: 16 << 10,
        }
    }
}

/// The shares of all tokens.
#[derive(Debug)]
pub struct Shares {
    limits: Limits,
    reserve: Option<Reserve>,
    memory: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    tokens: Mutex<HashMap<Uuid, Arc<Share>>>,
    publications: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>,
}

impl Default for Shares {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// The share of one token.
#[derive(Debug)]
struct Share {
    room: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    sent: Mutex<Sent>,
}

/// What a token has sent and not published.
#[derive(Debug, Default)]
struct Sent {
    since: Option<Instant>,
    bytes: u64,
    /// Open publications, and when they began.
    open: HashMap<Uuid, Instant>,
}

/// A turn at heavy work, which ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    _publication: OwnedMutexGuard<()>,
    _of_token: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Shares {
    /// Shares this among the tokens.
    pub fn new(limits: Limits) -> Self {
        let memory = Semaphore::new(kibibytes(limits.memory_bytes) as usize);
        let turns = Semaphore::new(limits.turns.max(1) as usize);
        Self {
            limits,
            reserve: None,
            memory: Arc::new(memory),
            turns: Arc::new(turns),
            tokens: Mutex::default(),
            publications: Mutex::default(),
        }
    }

    /// With a part of the disk that uploads leave free.
    #[must_use]
    pub fn with_reserve(self, reserve: Reserve) -> Self {
        Self { reserve: Some(reserve), ..self }
    }

    fn of(&self, token: Uuid) -> Arc<Share> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let room = kibibytes(self.limits.memory_bytes) / PARTS;
            let turns = (self.limits.turns / PARTS).max(1);
            Arc::new(Share {
                room: Arc::new(Semaphore::new(room as usize)),
                turns: Arc::new(Semaphore::new(turns as usize)),
                checks: chunks::turns(),
                sent: Mutex::default(),
            })
        };
        Arc::clone(tokens.entry(token).or_insert_with(new))
    }

    /// Waits for a turn of this token at the work of a publication. A second one for the same publication waits until
    /// the first has ended. It waits for the token's turn first: while it holds a publication, which other tokens may
    /// want too, it never waits for what its own token has used up.
    ///
    /// # Errors
    /// [`Error::Internal`] if the server ends.
    pub async fn turn(&self, token: Uuid, publication: Uuid) -> Result<Turn> {
        let ended = |_| Error::internal("waiting for a turn");
        let lock = {
            let mut all = self.publications.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_LOCKS {
                all.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            Arc::clone(all.entry(publication).or_default())
        };
        let of_token = Arc::clone(&self.of(token).turns).acquire_owned().await.map_err(ended)?;
        let publication = lock.lock_owned().await;
        let of_all = Arc::clone(&self.turns).acquire_owned().await.map_err(ended)?;
        Ok(Turn { _publication: publication, _of_token: of_token, _of_all: of_all })
    }

    /// The turns of this token at having chunks checked.
    pub fn checks(&self, token: Uuid) -> Arc<Semaphore> {
        Arc::clone(&self.of(token).checks)
    }

    /// Counts a publication that a token begins, or continues.
    ///
    /// # Errors
    /// `too_many_publications`.
    pub fn open(&self, token: Uuid, publication: Uuid) -> Result<()> {
        let share = self.of(token);
        let mut sent = share.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.limits.kept;
        sent.open.retain(|_, began| began.elapsed() < kept);
        if sent.open.len() >= self.limits.publications && !sent.open.contains_key(&publication) {
            let reason = format!(
                "This token has {} open publications, and may not have more; finish one, or wait until they expire",
                sent.open.len()
            );
            return Err(Error::Conflict { code: "too_many_publications", reason });
        }
        sent.open.entry(publication).or_insert_with(Instant::now);
        Ok(())
    }

    /// Fails if the disk has no room for uploads.
    ///
    /// # Errors
    /// `disk_full`, and those of the database.
    pub async fn check_room(&self) -> Result<()> {
        match &self.reserve {
            Some(reserve) => reserve.check().await,
            None => Ok(()),
        }
    }

    /// Fails if the disk has no room for uploads, or a token has sent as many unpublished bytes as it may.
    ///
    /// # Errors
    /// As [`check_room`](Self::check_room); `quota_exceeded`.
    pub async fn check_disk(&self, token: Uuid) -> Result<()> {
        self.check_room().await?;
        self.check_quota(token)
    }

    fn check_quota(&self, token: Uuid) -> Result<()> {
        let share = self.of(token);
        let mut sent = share.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.since.is_some_and(|since| since.elapsed() > self.limits.kept) {
            (sent.since, sent.bytes) = (None, 0);
        }
        let max = self.limits.unpublished_bytes;
        if max > 0 && sent.bytes >= max {
            let reason = format!(
                "This token has sent {} bytes that no version needs yet, and may not send more; publish them, or wait \
                 until they are removed",
                sent.bytes
            );
            return Err(Error::Conflict { code: "quota_exceeded", reason });
        }
        Ok(())
    }

    /// Counts bytes that a token has stored.
    pub fn stored(&self, token: Uuid, bytes: u64) {
        let share = self.of(token);
        let mut sent = share.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.since.get_or_insert_with(Instant::now);
        sent.bytes = sent.bytes.saturating_add(bytes);
    }

    /// Counts bytes that a token has stored as needed: they no longer belong to its share.
    pub fn used(&self, token: Uuid, bytes: u64) {
        let share = self.of(token);
        let mut sent = share.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.bytes = sent.bytes.saturating_sub(bytes);
    }

    /// Counts a publication as ended. Its bytes are needed by a version now.
    pub fn published(&self, token: Uuid, publication: Uuid, bytes: u64) {
        let share = self.of(token);
        let mut sent = share.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.open.remove(&publication);
        sent.bytes = sent.bytes.saturating_sub(bytes);
    }
}

/// The size in KiB, rounded up.
fn kibibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { memory_bytes: 1 << 20, turns: 2, publications: 2, unpublished_bytes: 100, ..Limits::default() }
    }

    #[test]
    fn what_one_token_has_begun_and_sent_does_not_count_for_another() {
        let shares = Shares::new(limits());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for publication in [1, 2, 1] {
            shares.open(one, Uuid::from_u128(publication)).unwrap();
        }
        assert_eq!(shares.open(one, Uuid::from_u128(3)).unwrap_err().code(), "too_many_publications");
        shares.open(two, Uuid::from_u128(3)).unwrap();
        shares.stored(one, 100);
        assert_eq!(shares.check_quota(one).unwrap_err().code(), "quota_exceeded");
        shares.check_quota(two).unwrap();
        shares.published(one, Uuid::from_u128(1), 60);
        shares.check_quota(one).unwrap();
        shares.open(one, Uuid::from_u128(3)).unwrap();
    }

    #[tokio::test]
    async fn a_publication_has_one_turn_and_a_token_half_of_them() {
        let shares = Shares::new(limits());
        let turn = |token, publication| shares.turn(Uuid::from_u128(token), Uuid::from_u128(publication));
        let soon = Duration::from_millis(50);
        let first = turn(1, 1).await.unwrap();
        assert!(tokio::time::timeout(soon, turn(1, 1)).await.is_err(), "the same publication");
        assert!(tokio::time::timeout(soon, turn(1, 2)).await.is_err(), "another of the same token");
        let _other = tokio::time::timeout(soon, turn(2, 3)).await.unwrap().unwrap();
        drop(first);
        tokio::time::timeout(soon, turn(1, 2)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_token_that_waits_for_its_own_turn_holds_up_nobody_else() {
        let shares = Shares::new(limits());
        let turn = |token, publication| shares.turn(Uuid::from_u128(token), Uuid::from_u128(publication));
        let soon = Duration::from_millis(50);
        let _long = turn(1, 1).await.unwrap();
        let waiting = turn(1, 0);
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(soon, &mut waiting).await.is_err(), "its turn is taken");
        tokio::time::timeout(soon, turn(2, 0)).await.unwrap().unwrap();
    }
}
