//! The received bytes of a section. On a slow link they are kept on disk, so that a stopped run loses no more than
//! about a second of downloading; on a fast link nothing is written.
//!
//! A part is trusted no more than a bundle: each chunk of the resulting section is hashed. Problems with its file are
//! not errors.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Bundled, clamp};
use crate::formats::bundle::Section;
use crate::local::disk;
use crate::local::offer::{BundleOffer, part_path};

/// How far the file may lag behind the network.
const BEHIND: Duration = Duration::from_secs(1);

/// A packed section, complete or not.
pub(super) struct Part<'a> {
    pub(super) section: &'a Section,
    /// Its range in the bundle.
    pub(super) place: Range<u64>,
    pub(super) bytes: Vec<u8>,
    /// Plain size of its wanted chunks, in bytes.
    pub(super) wanted_bytes: u64,
    /// How many of those were reported as done during the download.
    pub(super) told_bytes: u64,
    keeper: Option<Keeper>,
}

struct Keeper {
    path: PathBuf,
    file: Option<File>,
    kept: usize,
    since: Instant,
}

impl<'a> Part<'a> {
    /// A section, with the bytes that an earlier run kept.
    pub(super) fn open(
        bundled: &Bundled,
        offer: &BundleOffer,
        number: usize,
        (place, section): &(Range<u64>, &'a Section),
    ) -> Self {
        let path = bundled.parts.as_ref().map(|folder| part_path(folder, &offer.info, number));
        let found = path.as_deref().and_then(|path| disk::read_control(path, section.packed_bytes).ok().flatten());
        let bytes = found.unwrap_or_default();
        let keeper = path.map(|path| Keeper { path, file: None, kept: bytes.len(), since: Instant::now() });
        Self { section, place: place.clone(), bytes, wanted_bytes: 0, told_bytes: 0, keeper }
    }

    /// How many more of the wanted bytes now count as done; some are left for the unpacking.
    pub(super) fn tell(&mut self) -> u64 {
        let received = u128::from(self.wanted_bytes) * self.bytes.len() as u128;
        let share = received * 9 / 10 / u128::from(self.section.packed_bytes.max(1));
        let told = u64::try_from(share).unwrap_or(0).max(self.told_bytes);
        told - std::mem::replace(&mut self.told_bytes, told)
    }

    /// Position in the bundle of the next missing byte.
    pub(super) fn next(&self) -> u64 {
        self.place.start + self.bytes.len() as u64
    }

    pub(super) fn is_complete(&self) -> bool {
        self.next() == self.place.end
    }

    /// Appends the section's bytes from a piece of the bundle at position `at`. Returns how many bytes of the piece
    /// were consumed; bytes before the section are skipped.
    pub(super) fn take(&mut self, at: u64, piece: &[u8]) -> usize {
        let skip = clamp(self.next().saturating_sub(at), piece.len());
        let end = clamp(self.place.end.saturating_sub(at), piece.len());
        self.bytes.extend_from_slice(&piece[skip..end]);
        match &mut self.keeper {
            Some(keeper) if keeper.since.elapsed() >= BEHIND => keeper.keep(&self.bytes),
            _ => {}
        }
        end
    }

    /// Keeps the part on disk: this run does not continue it.
    pub(super) fn leave(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(&self.bytes);
        }
    }

    /// Removes the kept file: the section was used, successfully or not.
    pub(super) fn done(&self) {
        if let Some(keeper) = self.keeper.as_ref().filter(|keeper| keeper.kept > 0) {
            let _ = disk::remove_file(&keeper.path);
        }
    }
}

impl Keeper {
    fn keep(&mut self, bytes: &[u8]) {
        self.since = Instant::now();
        let Some(more) = bytes.get(self.kept..).filter(|more| !more.is_empty()) else { return };
        if self.file.is_none() {
            self.file = self.path.parent().and_then(|folder| create(folder, &self.path));
        }
        let Some(file) = &self.file else { return };
        if disk::write_all_at(file, &self.path, self.kept as u64, more).is_ok() {
            self.kept = bytes.len();
        }
    }
}

fn create(folder: &Path, path: &Path) -> Option<File> {
    disk::create_control_directory(folder).ok()?;
    disk::open_or_create(path).ok()
}
