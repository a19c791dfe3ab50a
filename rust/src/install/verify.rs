//! Reads a version in place and holds every byte against what was signed.
//!
//! By chunks, not by files: all cores work on one large file as they do on many small ones. A chunk that is wrong and
//! touches several files is settled by the files' own digests.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::installed_version::InstalledVersion;
use super::{InstallRoot, foreign, prepare};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{NodeKind, Segment};
use crate::formats::index::IndexChunk;
use crate::local::acquire::DigestChoice;
use crate::local::disk;
use crate::local::seed::Seed;

/// Something in a version that is not as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Damage {
    /// It is not there, or something else is in its place.
    Missing {
        /// Where in the tree.
        path: String,
    },
    /// Its content is another.
    Changed {
        /// Where in the tree.
        path: String,
    },
    /// Its permissions are others.
    Mode {
        /// Where in the tree.
        path: String,
    },
}

impl Damage {
    /// Where in the tree.
    pub fn path(&self) -> &str {
        match self {
            Self::Missing { path } | Self::Changed { path } | Self::Mode { path } => path,
        }
    }
}

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Files looked at.
    pub files: u64,
    /// Bytes of content read.
    pub bytes: u64,
    /// What is wrong, in the order of the tree.
    pub damage: Vec<Damage>,
    /// Files that are not part of the version: no damage, somebody put them there.
    pub foreign: Vec<String>,
    /// For each node of the layout whether it is as published.
    #[serde(skip)]
    pub sound: Vec<bool>,
}

/// Verifies the version in `folder`.
///
/// # Errors
/// `not_installed` if nothing is known of it.
pub fn verify(root: &InstallRoot, folder: &str, monitor: &Monitor) -> Result<Verified> {
    let missing = || Error::NotInstalled { path: root.directory().to_owned() };
    verify_kept(&InstalledVersion::read(root, folder).ok_or_else(missing)?, monitor)
}

pub(super) fn verify_kept(kept: &InstalledVersion, monitor: &Monitor) -> Result<Verified> {
    let layout = kept.documents.table.layout();
    let mut found = Verified { sound: vec![true; layout.nodes().len()], ..Verified::default() };
    look(kept, &mut found);
    let total_bytes = kept.documents.index.stream_bytes();
    monitor.emit(Event::Started { phase: Phase::Verify, total_bytes });
    let reading = Reading {
        kept,
        seed: kept.seed()?,
        digest: DigestChoice::new(kept.documents.index.digest()),
        present: found.sound.clone(),
        settled: Mutex::new(vec![None; layout.nodes().len()]),
        stop: AtomicBool::new(false),
        monitor,
    };
    let changed = reading.run()?;
    monitor.emit(Event::Finished { phase: Phase::Verify });
    for node in changed {
        found.sound[node] = false;
        let path = name_of(kept, node);
        found.damage.push(Damage::Changed { path });
    }
    let foreign = foreign::list(kept.tree(), layout)?;
    found.foreign = foreign.into_iter().map(|path| path.display().to_string()).collect();
    found.damage.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(found)
}

fn name_of(kept: &InstalledVersion, node: usize) -> String {
    let path = &kept.documents.table.layout().nodes()[node].path;
    path.as_ref().map_or_else(|| ".".to_owned(), ToString::to_string)
}

/// What can be seen without reading: is it there, is it of the right kind, size and mode?
fn look(kept: &InstalledVersion, found: &mut Verified) {
    let release = &kept.documents.release;
    for (at, node) in kept.documents.table.layout().nodes().iter().enumerate() {
        let path = node.path.as_ref().map_or(kept.tree().to_owned(), |path| path.below(kept.tree()));
        let name = || name_of(kept, at);
        let metadata = fs::symlink_metadata(&path).ok();
        let damage = match (&node.kind, metadata) {
            (NodeKind::File { .. }, Some(metadata)) if metadata.is_file() => {
                found.files += 1;
                let is_mutable = kept.is_mutable(at);
                if metadata.len() != node.payload_bytes() && !is_mutable {
                    Some(Damage::Changed { path: name() })
                } else if !is_mutable && !has_mode(&metadata, prepare::mode_of(release, node)) {
                    Some(Damage::Mode { path: name() })
                } else {
                    None
                }
            }
            (NodeKind::Directory, Some(metadata)) if metadata.is_dir() => None,
            (NodeKind::Symlink { target }, Some(metadata)) if metadata.is_symlink() => {
                let is_right = fs::read_link(&path).is_ok_and(|to| to == Path::new(target.as_str()));
                (!is_right).then(|| Damage::Changed { path: name() })
            }
            _ => Some(Damage::Missing { path: name() }),
        };
        if let Some(damage) = damage {
            found.sound[at] = false;
            found.damage.push(damage);
        }
    }
    found.bytes = kept.documents.table.files().map(|(_, _, size, _)| size).sum();
}

/// A mode that the tree does not record is whatever it is.
fn has_mode(metadata: &fs::Metadata, wanted: u32) -> bool {
    !cfg!(unix) || wanted == 0 || disk::mode(metadata) & 0o777 == wanted
}

struct Reading<'a> {
    kept: &'a InstalledVersion,
    seed: Seed,
    digest: DigestChoice,
    /// Whether there is a file to read.
    present: Vec<bool>,
    /// Files that were read as a whole, and whether they are as published.
    settled: Mutex<Vec<Option<bool>>>,
    stop: AtomicBool,
    monitor: &'a Monitor,
}

impl Reading<'_> {
    /// The files whose content is not as published, in order.
    fn run(&self) -> Result<Vec<usize>> {
        let chunks: Vec<IndexChunk> = self.kept.documents.index.iter().collect();
        let pool = self.monitor.pool()?;
        pool.install(|| {
            chunks.par_iter().for_each_init(Vec::new, |buffer, chunk| {
                if self.stop.load(Ordering::Relaxed) || self.monitor.cancel.is_cancelled() {
                    self.stop.store(true, Ordering::Relaxed);
                } else {
                    self.check(*chunk, buffer);
                    self.monitor.emit(Event::Advanced { phase: Phase::Verify, bytes: chunk.size() });
                }
            });
        });
        self.monitor.cancel.check()?;
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(settled.iter().enumerate().filter(|(_, good)| **good == Some(false)).map(|(node, _)| node).collect())
    }

    fn check(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) {
        let layout = self.kept.documents.table.layout();
        let files = || {
            layout.segments(chunk.range()).filter_map(|segment| match segment {
                Segment::Payload { node, .. } => Some(node),
                Segment::Header(_) => None,
            })
        };
        if files().next().is_none() {
            return;
        }
        let is_sound = match self.seed.read_at(chunk, std::mem::take(buffer)) {
            Ok(read) => match self.digest.verify(read, chunk.id, self.monitor) {
                Ok(good) => {
                    *buffer = good.into_bytes();
                    true
                }
                Err(bad) => {
                    *buffer = bad;
                    false
                }
            },
            Err(_) => false,
        };
        if !is_sound {
            files()
                .filter(|node| self.present[*node] && !self.kept.is_mutable(*node))
                .for_each(|node| self.settle(node));
        }
    }

    /// Reads a file as a whole, once.
    fn settle(&self, node: usize) {
        let is_known = |settled: &Vec<Option<bool>>| settled[node].is_some();
        if is_known(&self.settled.lock().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let path =
            self.kept.documents.table.layout().nodes()[node].path.as_ref().map(|path| path.below(self.kept.tree()));
        let wanted = self.kept.documents.table.digest(node);
        let is_good =
            path.is_some_and(|path| wanted.is_some_and(|wanted| sha256(&path).is_ok_and(|it| it == wanted.0)));
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)[node] = Some(is_good);
    }
}

/// The SHA-256 of a file.
pub(crate) fn sha256(path: &Path) -> Result<[u8; 32]> {
    let file = disk::open(path)?;
    let mut reader = std::io::BufReader::with_capacity(1 << 18, file);
    let mut hash = Sha256::new();
    loop {
        let bytes = std::io::BufRead::fill_buf(&mut reader).map_err(Error::io("read", path))?;
        if bytes.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        let count = bytes.len();
        std::io::BufRead::consume(&mut reader, count);
    }
}
