//! In any order of events, no published version lacks a chunk: neither its row nor its bytes.
//!
//! Publishers, clean-up and withdrawals run at the same time on a small set of chunks, so that they often meet. A
//! seed, which is printed after a failure, decides their choices; the machine decides how they interleave.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use uuid::Uuid;
use vsekai_server::db::{Applied, Change, Db, RowChange};
use vsekai_server::model::{Mode, Time, VersionState};

use super::samples::*;
use crate::databases::{Fixture, Kind};

super::on_every_database! {
    hostile too:
    no_published_version_ever_lacks_a_chunk,
}

const CHUNKS: u64 = 30;

/// Random numbers from a seed: Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn chunks(&mut self) -> Vec<u64> {
        let mut chunks: Vec<_> = (0..CHUNKS).filter(|_| self.below(3) == 0).collect();
        chunks.push(self.below(CHUNKS));
        chunks.sort_unstable();
        chunks.dedup();
        chunks
    }
}

struct Simulation {
    db: Arc<dyn Db>,
    mode: Mode,
    /// Advances with every step, so that what is kept soon expires.
    clock: AtomicI64,
    /// Versions that are published and not withdrawn. Locked during a withdrawal.
    published: Mutex<BTreeMap<Uuid, Vec<u64>>>,
    next: AtomicI64,
}

impl Simulation {
    fn now(&self) -> Time {
        later(self.clock.fetch_add(1, Ordering::SeqCst))
    }

    /// Publishes like a publisher: asks, sends the missing chunks, commits; starts again if chunks have disappeared.
    async fn publish(&self, random: &mut Random) {
        let chunks = random.chunks();
        let text = format!("{}.0.0", self.next.fetch_add(1, Ordering::SeqCst));
        let (upload, version) = (upload("stable", &text), version(&self.mode, &text));
        self.db.begin_upload(&upload).await.unwrap();
        for _ in 0..50 {
            // Sometimes so short that chunks which were reported as present are doomed before the commit.
            let keep_until = self.now().plus_seconds(random.below(12) as i64);
            let all = ids(chunks.iter().copied());
            let missing = self.db.missing(&all, keep_until).await.unwrap();
            for number in chunks.iter().filter(|number| missing.contains(&id(**number))) {
                self.db.put_chunk(&chunk(*number, keep_until), Some(bytes(*number))).await.unwrap();
            }
            let revision = self.db.revision().await.unwrap();
            let change = publication(revision, &self.mode, &version, &upload, all);
            let mut change = Change { at: self.now(), ..change };
            change.rows.remove(0);
            match self.db.apply(&change).await {
                Ok(Applied::Done(_)) => {
                    self.published.lock().unwrap().insert(version.id, chunks);
                    return;
                }
                Ok(_) => {}
                Err(error) => assert_eq!(error.code(), "database_busy"),
            }
        }
    }

    async fn clean_up(&self, random: &mut Random) {
        self.db.doom(self.now(), 1 + random.below(9) as u32).await.unwrap();
        let before = self.now().plus_seconds(-(random.below(4) as i64));
        self.db.sweep(before, 1 + random.below(9) as u32).await.unwrap();
        // Takes some commits for dead that are under way.
        self.db.remove_leftovers(self.now().plus_seconds(-(random.below(40) as i64))).await.unwrap();
    }

    async fn withdraw(&self, random: &mut Random) {
        let taken = {
            let mut published = self.published.lock().unwrap();
            let place = random.below(published.len().max(1) as u64) as usize;
            let id = published.keys().nth(place).copied();
            id.and_then(|id| Some((id, published.remove(&id)?)))
        };
        let Some((id, _)) = taken else { return };
        let mut version = self.db.version(id).await.unwrap().unwrap();
        version.state = VersionState::Withdrawn;
        loop {
            let revision = self.db.revision().await.unwrap();
            let rows = vec![RowChange::Version(version.clone()), RowChange::RemoveFiles(id, linux())];
            let change = Change { revision, rows, at: self.now(), ..Change::default() };
            if self.db.apply(&change).await.unwrap() != Applied::Stale {
                return;
            }
        }
    }

    async fn check(&self) {
        let published = self.published.lock().unwrap().clone();
        for (version, chunks) in published {
            for number in chunks {
                let content = self.db.chunk_bytes(&id(number)).await.unwrap();
                // The version may have been withdrawn meanwhile.
                let is_published = || self.published.lock().unwrap().contains_key(&version);
                assert!(content == Some(bytes(number)) || !is_published(), "{version} lacks {number}");
            }
        }
    }
}

async fn no_published_version_ever_lacks_a_chunk(f: Fixture) {
    let (rounds, steps) = if f.kind == Kind::Sqlite { (6, 25) } else { (3, 20) };
    for round in 0..rounds {
        let seed = 0x5eed_0000 + round * 7919;
        let simulation = Arc::new(Simulation {
            db: if round % 2 == 0 { f.db.clone() } else { f.another().await },
            mode: mode(&format!("m{round}")),
            clock: AtomicI64::new(round as i64 * 100_000),
            published: Mutex::default(),
            next: AtomicI64::new(1),
        });
        apply(&*f.db, vec![RowChange::Mode(simulation.mode.clone())]).await;
        let workers: Vec<_> = (0..5_u64)
            .map(|worker| {
                let simulation = simulation.clone();
                let mut random = Random(seed + worker * 104_729);
                tokio::spawn(async move {
                    for _ in 0..steps {
                        match (worker, random.below(10)) {
                            (0 | 1, _) => simulation.publish(&mut random).await,
                            (2 | 3, _) => simulation.clean_up(&mut random).await,
                            (_, 0..5) => simulation.withdraw(&mut random).await,
                            _ => simulation.check().await,
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            assert!(worker.await.is_ok(), "seed {seed}");
        }
        simulation.check().await;
        let published = simulation.published.lock().unwrap().clone();
        assert!(!published.is_empty());
        // Checks the rows, too: needed chunks are live, and all others can be removed.
        let mut needed: Vec<_> = published.values().flatten().copied().collect();
        needed.sort_unstable();
        needed.dedup();
        assert_eq!(f.db.missing(&ids(needed.iter().copied()), NOW).await.unwrap(), [], "seed {seed}");
        let end = later(round as i64 * 100_000 + 90_000);
        f.db.remove_leftovers(end).await.unwrap();
        while f.db.doom(end, 1000).await.unwrap() > 0 {}
        f.db.sweep(end.plus_seconds(1), 1000).await.unwrap();
        let counts = f.db.chunk_counts().await.unwrap();
        assert_eq!((counts.live, counts.doomed), (needed.len() as u64, 0), "seed {seed}");
        // Empties the database for the next round.
        for version in published.keys() {
            let revision = f.db.revision().await.unwrap();
            let rows = vec![RowChange::RemoveFiles(*version, linux())];
            f.db.apply(&Change { revision, rows, ..Change::default() }).await.unwrap();
        }
        while f.db.doom(end, 1000).await.unwrap() > 0 {}
        f.db.sweep(end.plus_seconds(1), 1000).await.unwrap();
        assert_eq!(f.db.chunk_counts().await.unwrap().live, 0);
    }
}
