//! The part of the disk that uploads leave free. What one publisher sends must not keep the database from being written:
//! renewals, clean-up and the publications of others would stop with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsekai_updater::local::disk;

use crate::db::Db;
use crate::error::{Error, Result, disk_full};

/// The reserve is at most one of this many parts of a disk.
const PARTS: u64 = 20;

/// What uploads leave free.
#[derive(Debug)]
pub struct Reserve {
    /// On the disk of each of these folders.
    folders: Vec<PathBuf>,
    /// Bytes. 0: nothing.
    bytes: u64,
    /// The database that uploads fill, if that is where they go: they use its empty pages first.
    database: Option<Arc<dyn Db>>,
    was_short: AtomicBool,
}

impl Reserve {
    /// Leaves this much free on the disks of these folders.
    pub fn new(folders: Vec<PathBuf>, bytes: u64, database: Option<Arc<dyn Db>>) -> Self {
        Self { folders, bytes, database, was_short: AtomicBool::new(false) }
    }

    /// Fails if an upload would use the reserve.
    ///
    /// # Errors
    /// `disk_full`, and those of the database.
    pub(super) async fn check(&self) -> Result<()> {
        if self.bytes == 0 {
            return Ok(());
        }
        let (folders, most) = (self.folders.clone(), self.bytes);
        let look = move || folders.iter().map(|folder| lacking(folder, most)).max().unwrap_or_default();
        let lacking = tokio::task::spawn_blocking(look).await.map_err(Error::internal_by("asking for free space"))?;
        let is_short = lacking > 0 && lacking > self.room_in_database().await?;
        if is_short != self.was_short.swap(is_short, Ordering::Relaxed) {
            if is_short {
                tracing::warn!(
                    event = "uploads_refused",
                    lacking,
                    "uploads are refused: they would use the disk's reserve"
                );
            } else {
                tracing::info!(event = "uploads_resumed", "uploads are taken again: the disk has room");
            }
        }
        if is_short { Err(disk_full()) } else { Ok(()) }
    }

    async fn room_in_database(&self) -> Result<u64> {
        match &self.database {
            Some(database) => database.room().await,
            None => Ok(0),
        }
    }
}

/// How many bytes the disk of a folder lacks of its reserve. A disk that cannot be asked lacks none.
fn lacking(folder: &std::path::Path, most: u64) -> u64 {
    let (Ok(free), Ok(total)) = (disk::free_bytes(folder), disk::total_bytes(folder)) else { return 0 };
    most.min(total / PARTS).saturating_sub(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reserve_is_a_twentieth_of_the_disk_at_most_and_zero_turns_it_off() {
        let here = PathBuf::from(".");
        let total = disk::total_bytes(&here).unwrap();
        assert!(total >= disk::free_bytes(&here).unwrap());
        assert_eq!(lacking(&here, 0), 0);
        assert!(lacking(&here, u64::MAX) <= total / PARTS);
        Reserve::new(vec![here], 0, None).check().await.unwrap();
        Reserve::new(Vec::new(), u64::MAX, None).check().await.unwrap();
    }
}
