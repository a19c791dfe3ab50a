//! Reads installed versions and compares every byte with what was signed.
//!
//! Reads chunk by chunk, so that all cores work on one large file as well as on many small ones. If a wrong chunk
//! touches several files, the digests of those files decide which of them are damaged.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use super::copied_links::Ends;
use super::installed_version::{InstalledVersion, RELEASE};
use super::signed::SignedDigests;
use super::{InstallRoot, InstallState, Installation, Installed, foreign, prepare};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{NodeKind, Segment};
use crate::formats::chunk::ChunkId;
use crate::formats::index::{Index, IndexChunk};
use crate::local::acquire::DigestChoice;
use crate::local::disk;
use crate::local::plan::Summary;
use crate::local::seed::Seed;

/// A difference between an installed version and the published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Damage {
    /// It is missing, or something else is in its place.
    Missing {
        /// Path in the tree, or of a document in `.vsekai`.
        path: String,
    },
    /// Its content differs.
    Changed {
        /// Path in the tree, or of a document in `.vsekai`.
        path: String,
    },
    /// Its permissions differ.
    Mode {
        /// Path in the tree.
        path: String,
    },
}

impl Damage {
    /// Path in the tree, or of a document in `.vsekai`.
    pub fn path(&self) -> &str {
        match self {
            Self::Missing { path } | Self::Changed { path } | Self::Mode { path } => path,
        }
    }
}

/// The condition of a file, folder or link of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It is as published.
    Sound,
    /// Its content is as published, its permissions are not.
    OtherMode,
    /// It is missing, or its content differs.
    Damaged,
}

/// The result of [`verify`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Number of files that were found.
    pub files: u64,
    /// Total size of the version's files, in bytes.
    pub bytes: u64,
    /// About what a repair downloads, in bytes: the chunks that neither this version nor another one has any more. 0 if
    /// the documents that tell it are lost.
    pub damaged_bytes: u64,
    /// All differences, sorted by path.
    pub damage: Vec<Damage>,
    /// Files that are not part of the version, which is not damage.
    pub foreign: Vec<String>,
    /// The condition of each node of the layout; empty if its documents are lost.
    #[serde(skip)]
    pub nodes: Vec<Condition>,
    /// The chunks that a repair has to get, with their estimated size as stored.
    #[serde(skip)]
    lost: HashMap<ChunkId, u64>,
}

impl Verified {
    /// Number of damaged files.
    pub fn damaged_files(&self) -> u64 {
        self.damage.iter().map(Damage::path).collect::<BTreeSet<_>>().len() as u64
    }
}

/// A kept version, and the result of its check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// The version that was checked.
    #[serde(flatten)]
    pub installed: Installed,
    /// Whether it is the current version; otherwise it is the previous one.
    pub is_current: bool,
    /// The result of the check.
    #[serde(flatten)]
    pub found: Verified,
    /// The work of its repair; `None` if it was whole or was not repaired.
    pub repaired: Option<Installation>,
}

impl Examined {
    /// Whether all of it is as published, including after a repair.
    pub fn is_whole(&self) -> bool {
        self.found.damage.is_empty() || self.repaired.is_some()
    }
}

/// Verifies all kept versions, the current one first. A version whose documents are lost counts as damaged: without
/// them it can be neither started nor gone back to, and nothing of it can be compared.
///
/// Also compares the release documents with `signed`, as far as their digests are known.
pub fn examine(
    root: &InstallRoot,
    state: &InstallState,
    signed: &SignedDigests,
    monitor: &Monitor,
) -> Result<Vec<Examined>> {
    let all: Vec<_> =
        state.kept().map(|installed| (installed, InstalledVersion::known(root, &installed.folder))).collect();
    let bytes =
        |(_, kept): &(&Installed, Option<InstalledVersion>)| kept.as_ref().map(|it| it.documents.index.stream_bytes());
    monitor.emit(Event::Started { phase: Phase::Verify, total_bytes: all.iter().filter_map(bytes).sum() });
    let mut examined = Vec::new();
    for (installed, kept) in &all {
        let mut found = match kept {
            Some(kept) => read_all(kept, monitor)?,
            None => without_documents(installed),
        };
        if kept.is_some() && signed.differing(root, installed).is_some() {
            let path = format!("{INDEXES}/{}{RELEASE}", installed.folder);
            found.damage.insert(0, Damage::Changed { path });
        }
        let is_current = state.current.as_ref() == Some(*installed);
        examined.push(Examined { installed: (*installed).clone(), is_current, found, repaired: None });
    }
    let indexes: Vec<_> = all.iter().map(|(_, kept)| kept.as_ref().map(|it| &it.documents.index)).collect();
    share_what_is_sound(&mut examined, &indexes);
    monitor.emit(Event::Finished { phase: Phase::Verify });
    Ok(examined)
}

/// A repair gets each chunk once, and none that another version still has.
fn share_what_is_sound(examined: &mut [Examined], indexes: &[Option<&Index>]) {
    let lost: Vec<HashSet<ChunkId>> = examined.iter().map(|it| it.found.lost.keys().copied().collect()).collect();
    for (at, version) in examined.iter_mut().enumerate() {
        for (other, index) in indexes.iter().enumerate().filter(|(other, _)| *other != at) {
            for chunk in index.iter().flat_map(|index| index.iter()) {
                if other < at || !lost[other].contains(&chunk.id) {
                    version.found.lost.remove(&chunk.id);
                }
            }
        }
        version.found.damaged_bytes = version.found.lost.values().sum();
    }
}

/// The folder of documents, as it appears in [`Damage`].
const INDEXES: &str = ".vsekai/indexes";

fn without_documents(installed: &Installed) -> Verified {
    let path = format!("{INDEXES}/{}", installed.folder);
    Verified { damage: vec![Damage::Missing { path }], ..Verified::default() }
}

/// Verifies the version in `folder`.
///
/// # Errors
/// `not_installed` if the version's documents are missing.
pub fn verify(root: &InstallRoot, folder: &str, monitor: &Monitor) -> Result<Verified> {
    let missing = || Error::NotInstalled { path: root.directory().to_owned() };
    verify_kept(&InstalledVersion::known(root, folder).ok_or_else(missing)?, monitor)
}

pub(super) fn verify_kept(kept: &InstalledVersion, monitor: &Monitor) -> Result<Verified> {
    let total_bytes = kept.documents.index.stream_bytes();
    monitor.emit(Event::Started { phase: Phase::Verify, total_bytes });
    let found = read_all(kept, monitor)?;
    monitor.emit(Event::Finished { phase: Phase::Verify });
    Ok(found)
}

/// Like [`verify`], but trusts files with unchanged stamps: for a start, which should not wait until gigabytes are
/// read.
pub fn glance(kept: &InstalledVersion, monitor: &Monitor) -> Result<Verified> {
    let mut found = look(kept);
    let is_changed = |at: &usize| {
        let is_open = found.nodes[*at] != Condition::Damaged && !kept.is_mutable(*at) && !kept.is_untouched(*at);
        is_open && !monitor.cancel.is_cancelled() && !has_content(kept, *at)
    };
    let files: Vec<usize> = kept.documents.table.files().map(|(node, ..)| node).collect();
    let changed: Vec<usize> = monitor.pool()?.install(|| files.into_par_iter().filter(is_changed).collect());
    monitor.cancel.check()?;
    note_changed(kept, changed, &mut found);
    Ok(found)
}

fn read_all(kept: &InstalledVersion, monitor: &Monitor) -> Result<Verified> {
    let layout = kept.documents.table.layout();
    let mut found = look(kept);
    let reading = Reading {
        kept,
        seed: kept.seed()?,
        digest: DigestChoice::new(kept.documents.index.digest()),
        present: found.nodes.iter().map(|condition| *condition != Condition::Damaged).collect(),
        settled: Mutex::new(vec![None; layout.nodes().len()]),
        bad: Mutex::default(),
        stop: AtomicBool::new(false),
        monitor,
    };
    let mut changed = reading.run()?;
    if kept.has_copied_links() {
        let ends = Ends::of(kept);
        let links = layout.nodes().iter().enumerate().filter(|(_, node)| matches!(node.kind, NodeKind::Symlink { .. }));
        let is_wrong = |at: &usize| found.nodes[*at] == Condition::Sound && !ends.is_copied(kept, *at, true);
        changed.extend(links.map(|(at, _)| at).filter(is_wrong));
    }
    note_changed(kept, changed, &mut found);
    found.lost = reading.lost(&found.nodes);
    found.damaged_bytes = found.lost.values().sum();
    let foreign = foreign::list(kept);
    foreign.warn(kept.tree(), monitor);
    found.foreign = foreign.paths.into_iter().map(|path| path.display().to_string()).collect();
    Ok(found)
}

fn note_changed(kept: &InstalledVersion, changed: Vec<usize>, found: &mut Verified) {
    for node in changed {
        found.nodes[node] = Condition::Damaged;
        found.damage.push(Damage::Changed { path: name_of(kept, node) });
    }
    found.damage.sort_by(|a, b| a.path().cmp(b.path()));
}

fn name_of(kept: &InstalledVersion, node: usize) -> String {
    let path = &kept.documents.table.layout().nodes()[node].path;
    path.as_ref().map_or_else(|| ".".to_owned(), ToString::to_string)
}

/// Checks what can be seen without reading content: presence, kind, size and permissions.
fn look(kept: &InstalledVersion) -> Verified {
    let release = &kept.documents.release;
    let nodes = vec![Condition::Sound; kept.documents.table.layout().nodes().len()];
    let mut found = Verified { nodes, ..Verified::default() };
    let ends = Ends::of(kept);
    let mut beyond: HashMap<u32, bool> = HashMap::new();
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
                } else {
                    let wanted = prepare::mode_of(release, node);
                    let is_wrong = !is_mutable && !has_mode(&metadata, wanted);
                    let mut is_beyond =
                        || *beyond.entry(wanted).or_insert_with(|| kept.is_mode_beyond_the_disk(at, wanted));
                    (is_wrong && !is_beyond()).then(|| Damage::Mode { path: name() })
                }
            }
            (NodeKind::Directory, Some(metadata)) if metadata.is_dir() => None,
            (NodeKind::Symlink { target }, Some(metadata)) if metadata.is_symlink() => {
                let is_right = fs::read_link(&path).is_ok_and(|to| to == Path::new(target.as_str()));
                (!is_right).then(|| Damage::Changed { path: name() })
            }
            (NodeKind::Symlink { .. }, _) if ends.is_copied(kept, at, false) => None,
            _ => Some(Damage::Missing { path: name() }),
        };
        if let Some(damage) = damage {
            let is_mode = matches!(damage, Damage::Mode { .. });
            found.nodes[at] = if is_mode { Condition::OtherMode } else { Condition::Damaged };
            found.damage.push(damage);
        }
    }
    found.bytes = kept.documents.table.files().map(|(_, _, size, _)| size).sum();
    found
}

/// Whether a file has the wanted permissions; 0 means that the tree does not record any.
pub(super) fn has_mode(metadata: &fs::Metadata, wanted: u32) -> bool {
    !cfg!(unix) || wanted == 0 || disk::mode(metadata) & 0o777 == wanted
}

struct Reading<'a> {
    kept: &'a InstalledVersion,
    seed: Seed,
    digest: DigestChoice,
    /// Whether each node exists with the right kind and size, so that reading it makes sense.
    present: Vec<bool>,
    /// The files that were read as a whole, and whether their content is as published.
    settled: Mutex<Vec<Option<bool>>>,
    /// The chunks whose bytes are not there any more.
    bad: Mutex<Vec<IndexChunk>>,
    stop: AtomicBool,
    monitor: &'a Monitor,
}

impl Reading<'_> {
    /// The files whose content differs from the published one, in order.
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
            self.bad.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
            files()
                .filter(|node| self.present[*node] && !self.kept.is_mutable(*node))
                .for_each(|node| self.settle(node));
        }
    }

    /// The bad chunks of which a damaged file needs a part. A changed file that the game may change is none.
    fn lost(&self, nodes: &[Condition]) -> HashMap<ChunkId, u64> {
        let documents = &self.kept.documents;
        let is_wanted = |chunk: &&IndexChunk| {
            documents.table.layout().segments(chunk.range()).any(|segment| match segment {
                Segment::Payload { node, .. } => nodes[node] == Condition::Damaged,
                Segment::Header(_) => false,
            })
        };
        let stored_bytes = |chunk: &IndexChunk| {
            let alone = Summary { fetch_plain_bytes: chunk.size(), ..Summary::default() };
            (chunk.id, alone.download_bytes(documents.release.sizes))
        };
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.iter().filter(is_wanted).map(stored_bytes).collect()
    }

    /// Reads a whole file, once, to decide whether it is damaged.
    fn settle(&self, node: usize) {
        let is_known = |settled: &Vec<Option<bool>>| settled[node].is_some();
        if is_known(&self.settled.lock().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let is_good = has_content(self.kept, node);
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)[node] = Some(is_good);
    }
}

/// Whether a file has the published content. Reads all of it.
pub(super) fn has_content(kept: &InstalledVersion, node: usize) -> bool {
    let table = &kept.documents.table;
    let path = table.layout().nodes()[node].path.as_ref().map(|path| path.below(kept.tree()));
    let (Some(path), Some(wanted)) = (path, table.digest(node)) else { return false };
    disk::sha256(&path).is_ok_and(|found| found == wanted)
}
