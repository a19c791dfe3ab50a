//! Carries out a [`Plan`]: builds the wanted tree (or file) in staging.
//!
//! Verified bytes go straight to each of their places, at any position and in any order, so there is no second copy of
//! them. After an interruption, what was written stays, and [`Staged`](crate::local::plan::Staged) finds it again.
//! Never writes to a file that another tree shares, never follows a link, and never touches the destination: the caller
//! makes the switch.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{Layout, Node, NodeKind};
use crate::formats::chunk::{ChunkId, VerifiedChunk};
use crate::local::acquire::{self, Bundled, DigestChoice, Sink, Supply};
use crate::local::disk::{self, CloneMemory};
use crate::local::plan::{ChunkJob, Keep, Plan, Takeover};
use crate::local::sources::{Sources, Transfer, WantedChunk};
use crate::local::spool::Spool;

/// Most files held open at once. By default, systems allow a process 1,024, macOS 256.
const OPEN_FILES: usize = 128;

/// Most files and folders that are copied in place of links, on a disk without links.
const MAX_COPIES: usize = 100_000;

/// The input of [`assemble`].
pub struct Assembly<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The layout of the wanted tree.
    pub layout: &'a Layout,
    /// Where the tree is built: a folder, or the file of a blob.
    pub staging: &'a Path,
    /// The tree with the plan's files to carry over.
    pub installed: Option<&'a Path>,
    /// The sources of chunks.
    pub sources: &'a Sources,
    /// Bundles, which are tried before the stores on other machines.
    pub bundled: Option<&'a Bundled>,
    /// Chunks that were already read.
    pub spool: &'a Spool,
    /// The digest algorithm of the chunk ids.
    pub digest: &'a DigestChoice,
    /// The permissions of each node; 0 leaves them as they are.
    pub mode_of: &'a (dyn Fn(&Node) -> u32 + Sync),
}

impl std::fmt::Debug for Assembly<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Assembly({})", self.staging.display())
    }
}

/// The permissions that an archive records, without set-user-id, set-group-id and sticky: no game needs them.
pub fn recorded_mode(node: &Node) -> u32 {
    node.metadata.mode & 0o777
}

/// The work that was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Assembled {
    /// Requests to other machines, and bytes received.
    pub transfer: Transfer,
    /// Bytes of file content written.
    pub written_bytes: u64,
}

/// Builds the tree. When it returns, the tree is complete but not yet synced.
pub fn assemble(assembly: &Assembly<'_>, monitor: &Monitor) -> Result<Assembled> {
    let plan = assembly.plan;
    make_directories(assembly)?;
    let memory = CloneMemory::default();
    let linked = take_over(assembly, &memory, monitor)?;
    let writer = Writer::new(assembly);
    writer.finish_empty_files()?;
    let wanted: Vec<WantedChunk> = plan.chunks.iter().map(|job| job.want).collect();
    let total_bytes = wanted.iter().map(|want| want.size).sum();
    monitor.emit(Event::Started { phase: Phase::Assemble, total_bytes });
    let supply = Supply { sources: assembly.sources, bundled: assembly.bundled, spool: Some(assembly.spool) };
    let transfer = acquire::acquire(supply, &wanted, assembly.digest, &writer, monitor)?;
    monitor.emit(Event::Finished { phase: Phase::Assemble });
    let written_bytes = linked + writer.written_bytes.load(Ordering::Relaxed);
    let carried = carry_over(assembly, &memory, monitor)?;
    make_links(assembly, monitor)?;
    finish_directories(assembly)?;
    Ok(Assembled { transfer, written_bytes: written_bytes + carried })
}

fn path_of(node: &Node, root: &Path) -> PathBuf {
    node.path.as_ref().map_or(root.to_owned(), |path| path.below(root))
}

fn make_directories(assembly: &Assembly<'_>) -> Result<()> {
    for node in assembly.layout.nodes() {
        if matches!(node.kind, NodeKind::Directory) {
            let path = path_of(node, assembly.staging);
            disk::create_directory(&path)?;
            // An earlier run may already have made the folder read-only.
            disk::offer_mode(&path, 0o755)?;
        }
    }
    Ok(())
}

/// Links or copies the files that the installed tree already has. Returns the number of bytes written.
fn take_over(assembly: &Assembly<'_>, memory: &CloneMemory, monitor: &Monitor) -> Result<u64> {
    let take = |keep: &Keep| {
        monitor.cancel.check()?;
        let node = &assembly.layout.nodes()[keep.node];
        let to = path_of(node, assembly.staging);
        disk::remove_file(&to)?;
        match keep.how {
            Takeover::Share => disk::clone_or_link(&keep.from, &to, memory),
            Takeover::Copy => disk::clone_or_copy(&keep.from, &to, memory),
            Takeover::CopyWithMode => {
                let written = disk::clone_or_copy(&keep.from, &to, memory)?;
                finish(assembly, node, &to)?;
                Ok(written)
            }
        }
    };
    let add = |one: u64, other: u64| Ok(one + other);
    monitor.pool()?.install(|| assembly.plan.keep.par_iter().map(take).try_reduce(|| 0, add))
}

/// Copies the user's own files into the new tree, except those that this user may not read. Returns the number of bytes
/// written.
fn carry_over(assembly: &Assembly<'_>, memory: &CloneMemory, monitor: &Monitor) -> Result<u64> {
    let Some(installed) = assembly.installed else { return Ok(0) };
    let mut written = 0;
    let mut folders = Vec::new();
    for path in &assembly.plan.carry {
        let (from, to) = (installed.join(path), assembly.staging.join(path));
        let found = fs::symlink_metadata(&from).map_err(Error::io("read", &from))?;
        if found.is_dir() {
            disk::create_directory(&to)?;
            folders.push((to, found));
        } else if found.is_file() {
            to.parent().map_or(Ok(()), disk::create_directory)?;
            disk::remove_file(&to)?;
            match disk::clone_or_link(&from, &to, memory) {
                // A file that cannot be read (no permission, or a bad sector) stays behind; a full or missing disk is
                // an error.
                Err(Error::Io { source, .. }) if disk::sha256(&from).is_err() => {
                    disk::remove_file(&to)?;
                    stays_behind(&from, &source, monitor);
                }
                other => written += other?,
            }
        } else if found.is_symlink() {
            let target = fs::read_link(&from).map_err(Error::io("read", &from))?;
            disk::remove_file(&to)?;
            match disk::symlink(&target, &to) {
                Err(Error::Io { source, .. }) if disk::is_beyond_the_disk(&source) => {
                    stays_behind(&from, &source, monitor);
                }
                other => other?,
            }
        }
    }
    // Innermost first, after their content: a folder may be read-only, and private folders stay private.
    for (folder, found) in folders.iter().rev() {
        disk::offer_mtime(folder, disk::mtime_ns(found))?;
        disk::offer_mode(folder, disk::mode(found))?;
    }
    Ok(written)
}

fn stays_behind(path: &Path, why: &std::io::Error, monitor: &Monitor) {
    let code = Error::io("read", path)(why.kind().into()).code();
    let message = format!("{} cannot be carried over ({why}): it stays where it is", path.display());
    monitor.emit(Event::Warned { code, message });
}

/// Creates the links last, so that nothing is written through one. On a disk without links, they become copies.
fn make_links(assembly: &Assembly<'_>, monitor: &Monitor) -> Result<()> {
    let mut refused = Vec::new();
    for (at, node) in assembly.layout.nodes().iter().enumerate() {
        let path = path_of(node, assembly.staging);
        match &node.kind {
            NodeKind::Symlink { target } => {
                disk::remove_all(&path)?;
                match disk::symlink(Path::new(target.as_str()), &path) {
                    Err(Error::Io { source, .. }) if disk::is_beyond_the_disk(&source) => refused.push(at),
                    other => other?,
                }
            }
            NodeKind::Device { .. } | NodeKind::Other => {
                let what = format!("{} is a device, pipe or socket and is left out", path.display());
                monitor.warn(&Error::unsupported(what));
            }
            NodeKind::Directory | NodeKind::File { .. } => {}
        }
    }
    if refused.is_empty() { Ok(()) } else { copy_links(assembly, &refused, monitor) }
}

/// Copies the target of each link to the link's place. Leaves out links that lead nowhere, or to a folder that contains
/// them, and links to folders inside a copied folder, because these copies might never end.
fn copy_links(assembly: &Assembly<'_>, links: &[usize], monitor: &Monitor) -> Result<()> {
    let (layout, nodes) = (assembly.layout, assembly.layout.nodes());
    let ends = layout.link_ends();
    let mut left = MAX_COPIES;
    for link in links {
        let to = path_of(&nodes[*link], assembly.staging);
        let Some(end) = ends.get(link).filter(|end| !is_left_out(layout, *link, **end)) else {
            let what = format!("{} is a link that this disk cannot hold, and is left out", to.display());
            monitor.warn(&Error::unsupported(what));
            continue;
        };
        let from = path_of(&nodes[*end], assembly.staging);
        for at in std::iter::once(*end).chain(layout.below(*end)) {
            left = left.checked_sub(1).ok_or_else(|| {
                Error::unsupported("this disk has no links, and the version has more of them than can be copied")
            })?;
            let source = path_of(&nodes[at], assembly.staging);
            let to = source.strip_prefix(&from).map_or(to.clone(), |name| to.join(name));
            let to = if at == *end { path_of(&nodes[*link], assembly.staging) } else { to };
            match &nodes[at].kind {
                NodeKind::Directory => disk::create_directory(&to)?,
                NodeKind::File { .. } => drop(disk::copy(&source, &to)?),
                NodeKind::Symlink { .. } => {
                    let end = ends.get(&at).filter(|end| matches!(nodes[**end].kind, NodeKind::File { .. }));
                    if let Some(end) = end {
                        disk::copy(&path_of(&nodes[*end], assembly.staging), &to)?;
                    }
                }
                NodeKind::Device { .. } | NodeKind::Other => {}
            }
        }
    }
    Ok(())
}

/// Whether a link cannot be replaced by a copy of its target, because the target contains the link.
pub fn is_left_out(layout: &Layout, link: usize, end: usize) -> bool {
    layout.below(end).contains(&link)
}

/// Sets permissions and times of the folders, innermost first, because a read-only folder cannot be filled any more.
fn finish_directories(assembly: &Assembly<'_>) -> Result<()> {
    for node in assembly.layout.nodes().iter().rev() {
        if matches!(node.kind, NodeKind::Directory) {
            finish(assembly, node, &path_of(node, assembly.staging))?;
        }
    }
    Ok(())
}

fn finish(assembly: &Assembly<'_>, node: &Node, path: &Path) -> Result<()> {
    if node.metadata.mtime_ns != 0 {
        disk::offer_mtime(path, node.metadata.mtime_ns)?;
    }
    // The top folder is renamed now and at the next update, which needs write permission for its owner.
    let needed = if node.path.is_none() && matches!(node.kind, NodeKind::Directory) { 0o700 } else { 0 };
    match (assembly.mode_of)(node) {
        0 => Ok(()),
        mode => disk::offer_mode(path, mode | needed).map(drop),
    }
}

/// A file being written.
struct Slot {
    node: usize,
    /// Number of places that are not written yet.
    left: AtomicU32,
    handle: Mutex<Option<Arc<File>>>,
}

/// The [`Sink`] that writes each chunk to all its places.
struct Writer<'a> {
    assembly: &'a Assembly<'a>,
    slots: Vec<Slot>,
    jobs: HashMap<ChunkId, ChunkJob>,
    open: AtomicUsize,
    written_bytes: AtomicU64,
}

impl<'a> Writer<'a> {
    fn new(assembly: &'a Assembly<'a>) -> Self {
        let plan = assembly.plan;
        let slot = |node: &usize| Slot { node: *node, left: AtomicU32::new(0), handle: Mutex::default() };
        let slots: Vec<Slot> = plan.files.iter().map(slot).collect();
        for place in &plan.places {
            slots[place.file as usize].left.fetch_add(1, Ordering::Relaxed);
        }
        let jobs = plan.chunks.iter().map(|job| (job.want.id, *job)).collect();
        Self { assembly, slots, jobs, open: AtomicUsize::new(0), written_bytes: AtomicU64::new(0) }
    }

    /// Finishes the files that get no chunk: empty ones, those of zeros only, and those that an earlier run completed.
    fn finish_empty_files(&self) -> Result<()> {
        for slot in self.slots.iter().filter(|slot| slot.left.load(Ordering::Relaxed) == 0) {
            let (path, size) = self.place_of(slot);
            disk::open_sized(&path, size)?;
            finish(self.assembly, &self.assembly.layout.nodes()[slot.node], &path)?;
        }
        Ok(())
    }

    fn place_of(&self, slot: &Slot) -> (PathBuf, u64) {
        let node = &self.assembly.layout.nodes()[slot.node];
        (path_of(node, self.assembly.staging), node.payload_bytes())
    }

    fn handle(&self, slot: &Slot, path: &Path, size: u64) -> Result<Arc<File>> {
        let mut handle = slot.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*handle {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(disk::open_sized(path, size)?);
        self.open.fetch_add(1, Ordering::Relaxed);
        *handle = Some(Arc::clone(&file));
        Ok(file)
    }

    fn release(&self, slot: &Slot) {
        if slot.handle.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Sink for Writer<'_> {
    fn accept(&self, chunk: &VerifiedChunk) -> Result<()> {
        let Some(job) = self.jobs.get(&chunk.id()) else { return Ok(()) };
        let places = &self.assembly.plan.places[job.first as usize..][..job.count as usize];
        for place in places {
            let slot = &self.slots[place.file as usize];
            let (path, size) = self.place_of(slot);
            let bytes = &chunk.as_bytes()[place.chunk_offset as usize..][..place.len as usize];
            let file = self.handle(slot, &path, size)?;
            disk::write_all_at(&file, &path, place.file_offset, bytes)?;
            self.written_bytes.fetch_add(u64::from(place.len), Ordering::Relaxed);
            if slot.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                drop(file);
                self.release(slot);
                finish(self.assembly, &self.assembly.layout.nodes()[slot.node], &path)?;
            } else if self.open.load(Ordering::Relaxed) > OPEN_FILES {
                self.release(slot);
            }
        }
        Ok(())
    }
}
