//! Checks a bundle that a publisher has sent: its parts become a file, and the file must be exactly what the server would
//! have built from one version to the other. On a thread of its own, one part and one section at a time.

use std::fs::File;
use std::io::{BufReader, Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::event::{Cancel, Monitor};
use vsekai_updater::formats::bundle::{BundleInfo, Effort};
use vsekai_updater::local::bundle_builder::{self, Side};
use vsekai_updater::local::disk;
use vsekai_updater::net::api::BUNDLE_PART_BYTES;

use super::build::{CancelOnDrop, lower_priority};
use super::source::{Documents, Stored};
use super::throttle::Throttle;
use crate::chunks::Chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::shares::Turn;

/// A bundle to be checked.
pub(crate) struct Candidate {
    /// The publication that it was sent for.
    pub(crate) upload: Uuid,
    /// What its SHA-256 should be.
    pub(crate) id: Digest,
    pub(crate) length: u64,
    /// The version that it should lead to.
    pub(crate) new: Documents,
    /// The version that it should build on.
    pub(crate) old: Option<Documents>,
    /// Where to write it.
    pub(crate) file: PathBuf,
}

/// Writes the bundle to its file, and fails unless it is what it should be. The turn ends with the work.
///
/// # Errors
/// `bundle_refused`, `bundle_incomplete`, [`Error::TooLarge`]; those of the database and the disk.
pub(crate) async fn check(
    db: &Arc<dyn Db>,
    chunks: &Arc<Chunks>,
    candidate: Candidate,
    turn: Arc<Turn>,
) -> Result<BundleInfo> {
    let cancel = Cancel::default();
    let _cancel = CancelOnDrop(cancel.clone());
    let throttle = Arc::new(Throttle::new(100, cancel.clone()));
    let stored = Stored::new(Arc::clone(chunks), Handle::current(), throttle);
    let work = Work { db: Arc::clone(db), stored, candidate, monitor: Monitor { cancel, ..Monitor::default() } };
    let (send, done) = oneshot::channel();
    let run = move || {
        let _turn = turn;
        lower_priority();
        // If the receiver is gone, nobody waits for the answer any more.
        let _ = send.send(work.run());
    };
    let thread = std::thread::Builder::new().name("bundle-check".to_owned()).spawn(run);
    thread.map_err(Error::internal_by("starting a thread"))?;
    done.await.map_err(|_| Error::internal("the thread that checks a bundle has ended"))?
}

struct Work {
    db: Arc<dyn Db>,
    stored: Stored,
    candidate: Candidate,
    monitor: Monitor,
}

impl Work {
    fn run(&self) -> Result<BundleInfo> {
        let Candidate { id, length, new, old, .. } = &self.candidate;
        let checked = new.with(&self.stored, |new| match old {
            None => self.check(new, None),
            Some(old) => old.with(&self.stored, |old| self.check(new, Some(old))),
        })?;
        let from = old.as_ref().map(|old| Digest::of(&old.index.to_bytes()));
        let bundle_builder::Checked { front_bytes, plain_bytes } = checked;
        // Whatever effort it was built with: what a publisher has built should not be built again here.
        Ok(BundleInfo { id: *id, length: *length, front_bytes, plain_bytes, from, effort: Effort::Best })
    }

    fn check(&self, new: Side<'_>, old: Option<Side<'_>>) -> Result<bundle_builder::Checked> {
        let Candidate { length, file: path, .. } = &self.candidate;
        let max_bytes = bundle_builder::max_length(new, old)?;
        if *length > max_bytes {
            return Err(Error::TooLarge { max_bytes });
        }
        let mut file = disk::create(path)?;
        self.gather(&mut file)?;
        file.rewind().map_err(Error::internal_by("reading a bundle"))?;
        let checked = bundle_builder::check(&mut BufReader::new(file), *length, new, old, &self.monitor);
        checked.map_err(|error| match error.code() {
            "bundle_malformed" => refused(&error.message_with_causes()),
            "cancelled" => Error::Unavailable { code: "server_busy", reason: "The check was ended".to_owned() },
            _ => Error::internal_by("checking a bundle")(error),
        })
    }

    /// Joins the parts in the file.
    fn gather(&self, file: &mut File) -> Result<()> {
        let Candidate { upload, id, length, .. } = &self.candidate;
        let mut hash = Sha256::new();
        for part in 0..length.div_ceil(BUNDLE_PART_BYTES) {
            self.monitor.cancel.check()?;
            let bytes = self.stored.runtime.block_on(self.db.upload_bundle_part(*upload, id, part))?;
            let bytes = bytes.ok_or_else(|| incomplete(part))?;
            if bytes.len() as u64 != BUNDLE_PART_BYTES.min(length - part * BUNDLE_PART_BYTES) {
                return Err(refused(&format!("part {part} has {} bytes", bytes.len())));
            }
            hash.update(&bytes);
            file.write_all(&bytes).map_err(Error::internal_by("writing a bundle"))?;
        }
        let found = Digest(hash.finalize().into());
        if found == *id { Ok(()) } else { Err(refused(&format!("its SHA-256 is {found}"))) }
    }
}

/// The error for a bundle of which parts have not been sent.
pub(crate) fn incomplete(part: u64) -> Error {
    Error::Conflict { code: "bundle_incomplete", reason: format!("Part {part} of the bundle has not been sent") }
}

/// The error for a bundle that is not what it should be.
pub(crate) fn refused(reason: &str) -> Error {
    Error::Mismatch { code: "bundle_refused", reason: format!("The bundle is not accepted: {reason}") }
}
