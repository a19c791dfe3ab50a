//! When to retry a transaction, and when to give up.
//!
//! A transaction is repeated from its start if the database reports a conflict (SQLSTATE 40001, from a statement or
//! from COMMIT), that it is busy, or that a prepared plan is out of date, and if the connection is lost. The last is
//! safe because every method of [`super::Db`] may be repeated. After [`MAX_TIME`] it fails with `database_busy`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, disk_full};

/// No retries after this time.
const MAX_TIME: Duration = Duration::from_secs(20);
/// Retries because of outdated plans, which need no pause. Each connection has its own plans.
const MAX_STALE_PLANS: u32 = 200;
const FIRST_WAIT_MS: u64 = 4;
const MAX_WAIT_MS: u64 = 500;

/// Counts the tries of one call.
#[derive(Debug)]
pub(super) struct Tries {
    began: Instant,
    failed: u32,
    stale_plans: u32,
}

impl Tries {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), failed: 0, stale_plans: 0 }
    }

    /// The number of failures so far.
    pub(super) fn count(&self) -> u32 {
        self.failed
    }

    /// Counts a failure and pauses.
    pub(super) async fn pause(&mut self) {
        self.failed += 1;
        count_retry();
        tokio::time::sleep(wait(self.failed)).await;
    }

    /// Pauses before the next try, or returns the error to fail with.
    pub(super) async fn again(&mut self, error: Error) -> Result<()> {
        if is_stale_plan(&error) && self.stale_plans < MAX_STALE_PLANS {
            self.stale_plans += 1;
            count_retry();
            return Ok(());
        }
        if !can_be_repeated(&error) {
            return Err(named(error));
        }
        self.failed += 1;
        count_retry();
        if self.began.elapsed() > MAX_TIME {
            metrics::counter!("vsekai_database_given_up_total").increment(1);
            tracing::warn!(event = "transaction_given_up", %error, tries = self.failed, cause = crate::problem::causes_of(&error), "giving up on a transaction");
            return Err(busy());
        }
        tokio::time::sleep(wait(self.failed)).await;
        Ok(())
    }
}

/// Runs a body on a connection of a pool until it succeeds or must not be retried. This is a macro because a closure
/// that borrows its connection and returns a `Send` future cannot be typed generically over drivers.
macro_rules! repeat {
    ($pool:expr, |$held:ident| $body:expr) => {{
        let mut tries = $crate::db::retry::Tries::new();
        let outcome: $crate::error::Result<_> = loop {
            let outcome: $crate::error::Result<_> = async {
                let mut $held = $pool.acquire().await?;
                let outcome: $crate::error::Result<_> = async { $body }.await;
                if let Err(error) = &outcome {
                    if $crate::db::retry::is_stale_plan(error) {
                        sqlx::Connection::clear_cached_statements(&mut *$held).await?;
                    } else if $crate::db::retry::is_connection_in_doubt(error) {
                        $held.close_on_drop();
                    }
                }
                outcome
            }
            .await;
            match outcome {
                Ok(value) => break Ok(value),
                Err(error) => {
                    if let Err(error) = tries.again(error).await {
                        break Err(error);
                    }
                }
            }
        };
        outcome
    }};
}
pub(super) use repeat;

fn count_retry() {
    metrics::counter!("vsekai_database_retries_total").increment(1);
}

/// The pause doubles each time, and is drawn at random from its upper half, so that transactions that collided do not
/// collide again.
fn wait(failed: u32) -> Duration {
    let longest = FIRST_WAIT_MS.saturating_mul(1 << failed.min(16)).min(MAX_WAIT_MS);
    let random = u64::from(getrandom::u32().unwrap_or_default());
    Duration::from_micros(longest * 500 + random % (longest * 500))
}

pub(super) fn busy() -> Error {
    Error::Unavailable { code: "database_busy", reason: "The database is busy; try again in a moment".to_owned() }
}

/// The error that callers see: some failures of the database have a code of their own.
fn named(error: Error) -> Error {
    match error {
        error if is_full(&error) => {
            note_full();
            tracing::error!(
                event = "disk_full",
                cause = crate::problem::causes_of(&error),
                "the database has no room left"
            );
            disk_full()
        }
        Error::Database(sqlx::Error::PoolTimedOut) => busy(),
        error => error,
    }
}

/// Whether a table has changed since the statement was prepared (SQLSTATE 0A000).
pub(super) fn is_stale_plan(error: &Error) -> bool {
    let Error::Database(sqlx::Error::Database(error)) = error else {
        return false;
    };
    error.code().as_deref() == Some("0A000") && error.message().contains("cached plan")
}

/// Whether nobody knows what state the connection is in after this error, so that it must not be used again. `SQLite`
/// ends a transaction by itself when the disk is full or fails, and the driver would go on counting it as open: no
/// transaction could begin on that connection any more. Conflicts and violated constraints leave a connection sound.
pub(super) fn is_connection_in_doubt(error: &Error) -> bool {
    match error {
        Error::Database(sqlx::Error::Database(error)) => {
            let is_of_rows = error.is_unique_violation()
                || error.is_foreign_key_violation()
                || error.is_check_violation()
                || matches!(error.kind(), sqlx::error::ErrorKind::NotNullViolation);
            !is_of_rows && !error.code().is_some_and(|code| is_passing(&code))
        }
        Error::Database(sqlx::Error::RowNotFound | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => false,
        Error::Database(_) => true,
        _ => false,
    }
}

/// When a write last found no room, in milliseconds since [`BEGAN`]; 0 for never.
static LAST_FULL: AtomicU64 = AtomicU64::new(0);
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How long a disk counts as full after a write has found no room: small writes may succeed where large ones do not.
const FULL_FOR_MS: u64 = 5_000;

fn note_full() {
    LAST_FULL.store(since_began() + 1, Ordering::Relaxed);
}

fn since_began() -> u64 {
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Fails if a write has found no room a moment ago.
pub(super) fn check_room() -> Result<()> {
    let last = LAST_FULL.load(Ordering::Relaxed);
    if last > 0 && since_began() < last + FULL_FOR_MS { Err(disk_full()) } else { Ok(()) }
}

/// Whether the database has no room left: `SQLITE_FULL`, or SQLSTATE 53100.
fn is_full(error: &Error) -> bool {
    let Error::Database(sqlx::Error::Database(error)) = error else { return false };
    match error.code().as_deref() {
        Some("53100") => true,
        Some(code) if code.len() < 5 => code.parse::<u32>().is_ok_and(|code| code & 0xff == 13),
        _ => false,
    }
}

fn can_be_repeated(error: &Error) -> bool {
    match error {
        Error::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| is_passing(&code)),
        Error::Database(sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed) => true,
        _ => false,
    }
}

/// SQLSTATEs (<https://www.postgresql.org/docs/15/errcodes-appendix.html>) have five characters; the result codes of
/// `SQLite` (<https://sqlite.org/rescode.html>) are numbers, whose lowest byte is BUSY (5) or LOCKED (6).
fn is_passing(code: &str) -> bool {
    if code.len() == 5 {
        // Serialization, deadlock, unknown completion, lost connections, a database that is shutting down or starting.
        return matches!(code, "40001" | "40P01" | "40003" | "57P01" | "57P02" | "57P03" | "53300")
            || code.starts_with("08");
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_stays_is_not() {
        // 261 is BUSY_RECOVERY, 517 BUSY_SNAPSHOT, 2067 a unique index, 23505 the same.
        for code in ["40001", "40003", "40P01", "08006", "57P01", "5", "6", "261", "517"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["23505", "42P01", "2067", "1", "19", "0A000"] {
            assert!(!is_passing(code), "{code}");
        }
    }

    #[test]
    fn waits_grow_to_half_a_second() {
        for failed in 1..40 {
            let longest = (FIRST_WAIT_MS << failed.min(16)).min(MAX_WAIT_MS);
            let wait = wait(failed);
            assert!(wait >= Duration::from_micros(longest * 500) && wait < Duration::from_millis(longest));
        }
    }

    #[tokio::test]
    async fn what_never_passes_ends_as_busy() {
        let left = Duration::from_millis(100);
        let began = Instant::now().checked_sub(MAX_TIME).unwrap() + left;
        let mut tries = Tries { began, ..Tries::new() };
        let mut count = 1;
        let end = loop {
            match tries.again(Error::Database(sqlx::Error::WorkerCrashed)).await {
                Ok(()) => count += 1,
                Err(end) => break end,
            }
        };
        assert_eq!(end.code(), "database_busy");
        // However many tries: they last 4, 8, 16 ms and so on.
        assert!(count > 3 && tries.began.elapsed() >= MAX_TIME, "{count}");
    }
}
