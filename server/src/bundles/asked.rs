//! Which old versions players come from: a number for each pair of versions and day, and nothing else.
//!
//! It never holds who has asked, from where, with what, or at what time of the day. Counts are kept in memory and
//! written once a minute; a server that is killed loses a minute of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use vsekai_updater::digest::Digest;

use crate::db::Db;
use crate::error::Result;
use crate::model::{Asks, Time};

/// For how long counts are kept.
const DAYS: i64 = 30;

/// Pairs that are counted between two writes. The callers count known versions only, of which there are few.
const MAX_PAIRS: usize = 10_000;

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// See the module's head.
#[derive(Debug, Default)]
pub struct Asked(Mutex<BTreeMap<(Digest, Digest), u64>>);

impl Asked {
    /// Counts one who wants to come from one version to another. Both must be versions that this server has.
    pub fn count(&self, to: Digest, from: Digest) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MAX_PAIRS || counts.contains_key(&(to, from)) {
            *counts.entry((to, from)).or_default() += 1;
        }
    }

    /// Writes what was counted since the last time, and removes what is too old. What could not be written is counted
    /// again the next time.
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

/// What was asked for in the last days.
pub(super) async fn recent(db: &dyn Db) -> Result<Vec<Asks>> {
    db.asks(today() - DAYS).await
}

fn today() -> i64 {
    Time::now().0.div_euclid(DAY_MICROS)
}
