//! A lease that is held: renewed in the background for as long as its work takes, and gone two seconds after a kill.
//!
//! Work that would do harm without the lease asks [`Held::is_held`] before each step. A process that was suspended finds
//! there that its lease has passed to another.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::db::Db;
use crate::error::Result;

/// Duration of a lease, in seconds: the longest that a killed process can keep others waiting.
const LEASE_S: i64 = 2;

/// How often it is renewed.
const RENEW: Duration = Duration::from_millis(500);

/// What this process stops counting on before the database does.
const MARGIN: Duration = Duration::from_millis(200);

/// A lease that this process has.
#[derive(Debug)]
pub struct Held {
    db: Arc<dyn Db>,
    name: &'static str,
    holder: String,
    until: Arc<Mutex<Instant>>,
    renewal: JoinHandle<()>,
}

impl Held {
    /// Takes the lease and keeps it. `None` if another process has it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn take(db: &Arc<dyn Db>, name: &'static str, holder: &str) -> Result<Option<Self>> {
        let Some(end) = take(db, name, holder).await? else { return Ok(None) };
        let until = Arc::new(Mutex::new(end));
        let (task_db, task_holder, task_until) = (Arc::clone(db), holder.to_owned(), Arc::clone(&until));
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW).await;
                match take(&task_db, name, &task_holder).await {
                    Ok(Some(end)) => *task_until.lock().unwrap_or_else(PoisonError::into_inner) = end,
                    Ok(None) => return,
                    Err(error) => tracing::warn!(
                        event = "lease_not_renewed",
                        name,
                        code = error.code(),
                        "cannot renew a lease: {error}"
                    ),
                }
            }
        });
        Ok(Some(Self { db: Arc::clone(db), name, holder: holder.to_owned(), until, renewal }))
    }

    /// Whether this process has the lease still.
    pub fn is_held(&self) -> bool {
        Instant::now() < *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lease back, so that the next need not wait until it ends.
    ///
    /// # Errors
    /// Those of the database. Then it ends by itself.
    pub async fn give_back(self) -> Result<()> {
        self.renewal.abort();
        self.db.lease(self.name, &self.holder, 0).await.map(drop)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Takes or renews. Returns until when this process may count on it, which begins before the database is asked.
async fn take(db: &Arc<dyn Db>, name: &str, holder: &str) -> Result<Option<Instant>> {
    let asked = Instant::now();
    let length = Duration::from_secs(LEASE_S.unsigned_abs()).saturating_sub(MARGIN);
    Ok(db.lease(name, holder, LEASE_S).await?.then_some(asked + length))
}
