//! The demand for bundles: how many clients update from one version to another, counted per pair and day.
//!
//! Nothing else is recorded: no address, no client program, no time of day. Counts are kept in memory and written once
//! a minute; a server that is killed loses at most that minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use vsekai_updater::digest::Digest;

use crate::db::Db;
use crate::error::Result;
use crate::model::{Asks, Time};

/// How long counts are kept.
const DAYS: i64 = 30;

/// Most pairs counted between two writes. Callers count known versions only, of which there are few.
const MAX_PAIRS: usize = 10_000;

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// Counts of clients by the pair of versions that they update between: (to, from).
#[derive(Debug, Default)]
pub struct Demand(Mutex<BTreeMap<(Digest, Digest), u64>>);

impl Demand {
    /// Counts a client that updates from one version to another. Both must be versions that this server has.
    pub fn count(&self, to: Digest, from: Digest) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MAX_PAIRS || counts.contains_key(&(to, from)) {
            *counts.entry((to, from)).or_default() += 1;
        }
    }

    /// Writes what was counted since the last write, and removes old counts. What cannot be written now is included in
    /// the next write.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write(&self, db: &dyn Db) -> Result<()> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let today = today();
        let asks: Vec<_> = counts.iter().map(|(&(to, from), &count)| Asks { to, from, count }).collect();
        let written = db.add_asks(today, &asks, today - DAYS).await;
        if written.is_err() {
            let mut newer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (pair, count) in counts {
                *newer.entry(pair).or_default() += count;
            }
        }
        written
    }
}

/// The demand of the last 30 days.
pub(crate) async fn recent(db: &dyn Db) -> Result<Vec<Asks>> {
    db.asks(today() - DAYS).await
}

fn today() -> i64 {
    Time::now().0.div_euclid(DAY_MICROS)
}
