//! Locks in a bucket, which keep a clean-up apart from publishers.
//!
//! Each holder first writes a file of its own, and only then looks for those of others. Listings of S3 show what was
//! written before, so of two that start at the same time at least one sees the other. Whoever is killed leaves its lock,
//! which ends when it has not been renewed for [`LIFE`], by the clock of the bucket.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::net::bucket::{Bucket, Condition, Entry};

const FOLDER: &str = "locks";

/// A lock that was not renewed for this long has ended.
const LIFE: Duration = Duration::from_mins(30);

/// How often a lock is renewed.
const RENEWAL: Duration = Duration::from_mins(5);

/// A holder that could not renew its lock for this long gives up, before others may think that it is gone.
const TRUSTED: Duration = Duration::from_mins(20);

/// How long a publisher waits for a clean-up.
const PATIENCE: Duration = Duration::from_mins(2);

const PAUSE: Duration = Duration::from_secs(1);

/// Most locks that are looked at. Those of clean-ups come first in a list.
const MAX_LOCKS: usize = 10_000;

/// What a lock is for. Publishers share a bucket; a clean-up has it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Prune,
    Publish,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Prune => "prune",
            Self::Publish => "publish",
        }
    }

    const fn holder(self) -> &'static str {
        match self {
            Self::Prune => "a clean-up of this bucket",
            Self::Publish => "a publication to this bucket",
        }
    }

    fn of(path: &str) -> Option<Self> {
        let (name, _) = path.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('-')?;
        [Self::Prune, Self::Publish].into_iter().find(|purpose| purpose.name() == name)
    }

    const fn excludes(self, other: Self) -> bool {
        matches!((self, other), (Self::Prune, _) | (_, Self::Prune))
    }
}

/// A lock that is held and renewed until it is dropped.
pub(in crate::net::publish) struct Lock {
    bucket: Bucket,
    path: String,
    renewed: Arc<Mutex<SystemTime>>,
    renewer: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Lock {
    /// # Errors
    /// [`Error::Busy`] if another purpose holds the bucket; a publisher waits for a while.
    pub(super) fn take(bucket: &Bucket, purpose: Purpose, monitor: &Monitor) -> Result<Self> {
        let path = format!("{FOLDER}/{}-{:016x}", purpose.name(), fastrand::u64(..));
        let lock = Self::write(bucket, path)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let entries = bucket.list(FOLDER, MAX_LOCKS)?;
            let Some(other) = in_the_way(&entries, &lock.path, purpose) else { return Ok(lock) };
            if purpose == Purpose::Prune || Instant::now() > until {
                return Err(Error::Busy { path: bucket.to_string().into(), holder: other.holder().into() });
            }
            monitor.cancel.check()?;
            std::thread::sleep(PAUSE);
        }
    }

    fn write(bucket: &Bucket, path: String) -> Result<Self> {
        let now = SystemTime::now();
        bucket.write(&path, text().as_bytes(), &Condition::Always)?;
        let renewed = Arc::new(Mutex::new(now));
        let (stop, stopped) = channel();
        let thread = std::thread::spawn({
            let (bucket, path, renewed) = (bucket.clone(), path.clone(), Arc::clone(&renewed));
            move || {
                while stopped.recv_timeout(RENEWAL) == Err(RecvTimeoutError::Timeout) {
                    let now = SystemTime::now();
                    // What fails is tried again, until the holder no longer trusts it.
                    if bucket.write(&path, text().as_bytes(), &Condition::Always).is_ok() {
                        *renewed.lock().unwrap_or_else(PoisonError::into_inner) = now;
                    }
                }
            }
        });
        Ok(Self { bucket: bucket.clone(), path, renewed, renewer: Some((stop, thread)) })
    }

    /// Whether it still holds, to be asked before what needs it.
    ///
    /// # Errors
    /// [`Error::Busy`] if it could not be renewed for long.
    pub(super) fn check(&self) -> Result<()> {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        // Of the system, as the other clock stands still while a machine sleeps.
        match SystemTime::now().duration_since(renewed) {
            Ok(age) if age < TRUSTED => Ok(()),
            _ => Err(Error::Busy { path: self.bucket.to_string().into(), holder: "others: the lock has ended".into() }),
        }
    }

    /// Removes the locks of those that were killed.
    pub(super) fn remove_ended(&self) -> Result<()> {
        let entries = self.bucket.list(FOLDER, MAX_LOCKS)?;
        let Some(now) = written(&entries, &self.path) else { return Ok(()) };
        let ended = entries.into_iter().filter(|entry| has_ended(entry, now));
        self.bucket.remove(ended.map(|entry| entry.path).collect())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.renewer.take() {
            drop(stop);
            let _ = thread.join();
        }
        self.bucket.remove_in_passing(&self.path);
    }
}

/// Only for people who look into the bucket.
fn text() -> String {
    format!("vsekai {}\n", env!("CARGO_PKG_VERSION"))
}

/// Whose lock excludes that of `own`, if any. Ages are by the clock of the bucket: the difference to `own`.
fn in_the_way(entries: &[Entry], own: &str, purpose: Purpose) -> Option<Purpose> {
    let now = written(entries, own).unwrap_or_else(SystemTime::now);
    let others = entries.iter().filter(|entry| entry.path != own && !has_ended(entry, now));
    others.filter_map(|entry| Purpose::of(&entry.path)).find(|other| purpose.excludes(*other))
}

fn written(entries: &[Entry], path: &str) -> Option<SystemTime> {
    entries.iter().find(|entry| entry.path == path).map(|entry| entry.modified)
}

fn has_ended(entry: &Entry, now: SystemTime) -> bool {
    now.duration_since(entry.modified).is_ok_and(|age| age > LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, minutes_ago: u64) -> Entry {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        Entry { path: path.to_owned(), modified: now - Duration::from_mins(minutes_ago), length: 8 }
    }

    #[test]
    fn clean_up_is_alone_and_publishers_share() {
        use Purpose::{Prune, Publish};
        let own = |purpose: Purpose| entry(&format!("locks/{}-own", purpose.name()), 0);
        for (purpose, other, minutes_ago, found) in [
            (Publish, "locks/publish-1", 0, None),
            (Publish, "locks/prune-1", 0, Some(Prune)),
            (Prune, "locks/publish-1", 0, Some(Publish)),
            (Prune, "locks/prune-1", 0, Some(Prune)),
            (Prune, "locks/publish-1", 29, Some(Publish)),
            (Prune, "locks/publish-1", 31, None),
            (Publish, "locks/prune-1", 31, None),
            (Prune, "locks/readme", 0, None),
            (Prune, "store/publish-1", 0, None),
        ] {
            let own = own(purpose);
            let entries = [entry(other, minutes_ago), own.clone()];
            assert_eq!(in_the_way(&entries, &own.path, purpose), found, "{purpose:?} {other} {minutes_ago}");
        }
    }
}
