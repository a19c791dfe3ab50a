//! Brings a version into `versions/` and makes it current. Install, update, repair and resume are one operation.
//!
//! ```text
//! prepare: what is staged, what is installed, plan, is there room?      changes nothing that is installed
//! apply:   assemble in staging, sync, keep the documents, rename into versions/, write state.json
//! ```

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::installed_version::{Documents, InstalledVersion};
use super::takeover::{self, InPlace};
use super::{InstallRoot, InstallState, Installed, Session, changed, foreign, heal, recover};
use crate::error::{Error, Format, Result};
use crate::event::{Event, Monitor};
use crate::formats::archive::Node;
use crate::formats::chunker::Chunker;
use crate::formats::index::ChunkSizes;
use crate::formats::release::{Release, Why};
use crate::local::acquire::Bundled;
use crate::local::assemble::Assembled;
use crate::local::disk::{self, Durability};
use crate::local::make;
use crate::local::offer::BundleOffer;
use crate::local::plan::{self, Inputs, Plan, Summary};
use crate::local::seed::Seed;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::spool::Spool;
use crate::local::staging::{self, Check, Intent, Planned, Report, Staging};
use crate::local::strategy::{self, Link, Price, Strategy, VersionSize};
use crate::local::tree;
use crate::state::Signal;

/// Why a version is brought in.
#[derive(Debug, Clone, Default)]
pub enum Purpose {
    /// It is installed, or updated to.
    #[default]
    Update,
    /// It replaces the same version, which is damaged in this folder.
    Repair(String),
}

/// A version to bring in.
#[derive(Debug)]
pub struct VersionJob {
    /// Its signed documents.
    pub documents: Documents,
    /// The versions in place, the current one first: see [`InstalledVersion::all`].
    pub in_place: Vec<InPlace>,
    /// Sources of chunks in addition to the installed versions.
    pub sources: Sources,
    /// Bundles that may be used.
    pub offers: Vec<BundleOffer>,
    /// The measured link to the host of the bundles.
    pub link: Link,
    /// Whether it is an update or takes the place of a damaged copy.
    pub purpose: Purpose,
    /// Whether it will be carried out.
    pub intent: Intent,
    /// A folder for what a dry run cannot keep in memory.
    pub scratch: PathBuf,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Installation {
    /// The work.
    #[serde(flatten)]
    pub work: Report,
    /// Files that were added to a version which has been removed; they are in `saved/` now.
    pub saved_files: u64,
}

/// A version that is planned and can be brought in, or dropped.
#[derive(Debug)]
pub struct Prepared {
    root: InstallRoot,
    documents: Documents,
    folder: String,
    planned: Planned,
    /// The version is already in `versions/`.
    is_there: bool,
    /// The folder that holds a damaged copy of this version, if there is one.
    hurt: Option<String>,
    /// The version that an update leaves.
    left: Option<String>,
    purpose: Purpose,
    intent: Intent,
}

/// The permissions of a node in an install root: nobody but the owner may write, and the entry can be run.
/// V-Sekai's own builds record 0666 for everything.
pub(super) fn mode_of(release: &Release, node: &Node) -> u32 {
    let mode = node.metadata.mode & 0o755;
    match &node.path {
        Some(path) if *path == release.entry.path && release.platform.has_exec_bit() => mode | 0o555,
        _ if mode == 0 => 0,
        _ => mode | 0o400,
    }
}

/// Plans the work.
///
/// # Errors
/// `disk_full` if there is not enough space; `unsafe_path` for names that this disk cannot tell apart.
pub fn prepare(root: &InstallRoot, state: &InstallState, mut job: VersionJob, monitor: &Monitor) -> Result<Prepared> {
    monitor.signal(Signal::Start);
    let folder = folder_for(root, state, &job);
    let is_there = InstalledVersion::read(root, &folder).is_some_and(|kept| kept.is_complete());
    let spool_folder = if job.intent == Intent::Apply { root.control("") } else { job.scratch.clone() };
    let mut prepared = Prepared {
        root: root.clone(),
        folder,
        planned: Planned::nothing(&job.documents.index, Spool::new(&spool_folder)),
        is_there,
        left: left_by(state, &job),
        hurt: job.in_place.iter().find(|it| is_of(&it.kept, &job)).and_then(|it| it.kept.folder()),
        purpose: job.purpose.clone(),
        intent: job.intent,
        documents: job.documents.clone(),
    };
    if is_there {
        return Ok(prepared);
    }
    if job.intent == Intent::Apply {
        recover::drop_staged(root, Some(&prepared.folder), monitor)?;
        if disk::folds_case(&root.control(""))? {
            job.documents.table.layout().check_case_collisions()?;
        }
    }
    let base = open_seeds(root, state, &mut job, monitor)?;
    let staging = Staging::at(root.staging(&prepared.folder));
    let staged = staging.scan(&job.documents.index, job.documents.table.layout(), job.intent, monitor)?;
    let keep = takeover::unchanged(&job, base, monitor)?;
    let inputs = Inputs {
        index: &job.documents.index,
        layout: job.documents.table.layout(),
        installed: None,
        staged: &staged,
        sources: &job.sources,
        spool: &prepared.planned.spool,
    };
    let mut plan = plan::with_kept(&inputs, keep)?;
    let parts = staging.parts();
    job.offers.iter_mut().for_each(|offer| offer.find_kept(&parts));
    let strategy = strategy_for(&inputs, &plan, &job, base.map(|base| &job.in_place[base].kept.documents));
    if let Some(base) = base.map(|base| &job.in_place[base].kept) {
        plan.summary.removed_files = takeover::removed(base, &job.documents);
        let foreign = foreign::list(base);
        foreign.warn(base.tree(), monitor);
        plan.carry = foreign::without_conflicts(foreign.into_readable(), job.documents.table.layout());
        prepared.planned.installed = Some(base.tree().to_owned());
    }
    if let Some(price) = strategy.price() {
        (plan.summary.requests, plan.summary.fetch_bytes) = (price.requests, price.bytes);
    }
    let left_bytes = plan.summary.download_bytes(job.documents.release.sizes);
    plan.summary.earlier_bytes = staging.earlier_bytes(left_bytes);
    check_space(root, &job, &mut plan)?;
    let parts = (job.intent == Intent::Apply).then_some(parts);
    let bundled = Some(Bundled { offers: job.offers, strategy, parts });
    prepared.planned = Planned { plan, sources: job.sources, bundled, ..prepared.planned };
    Ok(prepared)
}

/// The folder of the version that this job makes its users leave.
fn left_by(state: &InstallState, job: &VersionJob) -> Option<String> {
    match job.purpose {
        Purpose::Update => state.current.as_ref().map(|current| current.folder.clone()),
        Purpose::Repair(_) => None,
    }
}

/// Checks that the plan fits. Copies count in full, unless only they do not fit and the disk can clone.
fn check_space(root: &InstallRoot, job: &VersionJob, plan: &mut Plan) -> Result<()> {
    let outcome = staging::check_space(root.directory(), &plan.summary);
    let copied_bytes = plan.copied_bytes(job.documents.table.layout());
    if outcome.is_err() && copied_bytes > 0 && job.intent == Intent::Apply && disk::can_clone(&root.control(""))? {
        plan.summary.disk_bytes -= copied_bytes;
        return staging::check_space(root.directory(), &plan.summary);
    }
    outcome
}

/// Whether this is the wanted version, from the same mode.
fn is_of(kept: &InstalledVersion, job: &VersionJob) -> bool {
    kept.documents.release_bytes == job.documents.release_bytes
}

/// Chooses how to download the chunks that only other machines have. `installed` is the version that is replaced.
fn strategy_for(inputs: &Inputs<'_>, plan: &Plan, job: &VersionJob, installed: Option<&Documents>) -> Strategy {
    let is_far = |want: &WantedChunk| !inputs.spool.has(&want.id) && !inputs.sources.has_locally(&want.id);
    let wanted: Vec<WantedChunk> = plan.chunks.iter().map(|job| job.want).filter(is_far).collect();
    let stored_ratio = strategy::stored_ratio(size_of(&job.documents), installed.map(size_of));
    strategy::choose(&strategy::Inputs { wanted: &wanted, offers: &job.offers, stored_ratio, link: job.link })
}

fn size_of(documents: &Documents) -> VersionSize<'_> {
    VersionSize { index: &documents.index, stored_bytes: documents.release.sizes.stored_bytes }
}

/// Names the folder of the version. A published folder is never written to again, so a repaired version gets another
/// name. So does a build that was promoted from one mode to another: its entry may differ, and a rollback returns to
/// it.
fn folder_for(root: &InstallRoot, state: &InstallState, job: &VersionJob) -> String {
    let name = job.documents.release.folder();
    let is_free = |folder: &String| std::fs::symlink_metadata(root.versions(folder)).is_err();
    // An earlier run may have been stopped right before the switch.
    let is_whole =
        |folder: &String| InstalledVersion::read(root, folder).is_some_and(|it| is_of(&it, job) && it.is_complete());
    let is_usable = |folder: &String| match &job.purpose {
        Purpose::Update => is_free(folder) || is_whole(folder),
        Purpose::Repair(_) => is_free(folder) || (!state.needs(folder) && is_whole(folder)),
    };
    let numbered = (2..).map(|number: u32| format!("{name}.{number}"));
    std::iter::once(name.clone()).chain(numbered).find(is_usable).unwrap_or(name)
}

/// Makes the installed versions sources of chunks. Returns the one that is replaced: its unchanged files, and those
/// that were added to it, are carried over.
fn open_seeds(
    root: &InstallRoot,
    state: &InstallState,
    job: &mut VersionJob,
    monitor: &Monitor,
) -> Result<Option<usize>> {
    let is_there = |it: &&InPlace| it.kept.tree().is_dir();
    let seeds = job.in_place.iter().filter(is_there).map(|it| it.kept.seed()).collect::<Result<Vec<_>>>()?;
    job.sources.seeds.extend(seeds);
    if state.adopted && state.current.is_none() {
        match adopted_seed(root, job, monitor) {
            Ok(seed) => job.sources.seeds.push(seed),
            // Without this seed, more is downloaded; nothing else changes.
            Err(error) => monitor.warn(&error),
        }
    }
    let replaced = match &job.purpose {
        Purpose::Update => state.current.as_ref().map(|current| &current.folder),
        Purpose::Repair(folder) => Some(folder),
    };
    let tree = replaced.map(|folder| root.versions(folder));
    Ok(job.in_place.iter().position(|it| Some(it.kept.tree()) == tree.as_deref()))
}

/// The files that were in an adopted folder, cut with the chunker of the new version.
fn adopted_seed(root: &InstallRoot, job: &VersionJob, monitor: &Monitor) -> Result<Seed> {
    let recorded = tree::Recorded::Reproducible(job.documents.index.flags());
    let layout = tree::layout_without(root.directory(), &recorded, &[".vsekai", "versions", "current", "saved"])?;
    let chunking = job.documents.release.chunking;
    let [min, avg, max] = chunking.sizes_bytes;
    let chunker = Chunker::new(chunking.algorithm, ChunkSizes::new(min, avg, max)?)?;
    let flags = job.documents.index.flags();
    let index = make::index_of(root.directory(), &layout, &chunker, flags, chunking.forced_cuts, monitor)?;
    Seed::new(root.directory(), index, layout)
}

impl Prepared {
    /// What will be done, in numbers.
    pub fn summary(&self) -> &Summary {
        &self.planned.plan.summary
    }

    /// The chosen download strategy, and what the others would have cost.
    pub fn prices(&self) -> &[Price] {
        self.planned.bundled.as_ref().map_or(&[], |bundled| &bundled.strategy.prices)
    }

    /// The install root that it is for.
    pub fn root(&self) -> &InstallRoot {
        &self.root
    }

    /// The version.
    pub fn release(&self) -> &Release {
        &self.documents.release
    }

    /// Whether the version is already in place, so that only `state.json` has to be written.
    pub fn is_there(&self) -> bool {
        self.is_there
    }

    /// Carries out the plan and makes the version current. `session` holds the lock of the same root. `why` it is installed
    /// is recorded if it is older than the version before.
    pub fn apply(self, session: &mut Session, why: Option<Why>, monitor: &Monitor) -> Result<Installation> {
        if self.intent != Intent::Apply || session.root() != &self.root {
            return Err(Error::invalid("intent", "a dry run cannot be applied"));
        }
        let mut done = Installation::default();
        done.work.plan = self.planned.plan.summary;
        let mut folder = &self.folder;
        if !self.is_there {
            monitor.signal(Signal::Planned);
            match (self.bring_in(monitor), &self.purpose, &self.hurt) {
                (Ok(assembled), ..) => {
                    done.work.transfer = assembled.transfer;
                    done.work.written_bytes = assembled.written_bytes;
                }
                // The damaged copy may start, and that is better than the version to be left.
                (Err(error), Purpose::Update, Some(hurt)) if error.is_for_want_of_bytes() => {
                    heal::take_as_it_is(&self.root, hurt, error, monitor)?;
                    folder = hurt;
                }
                (Err(error), ..) => return Err(error),
            }
        }
        monitor.signal(Signal::Downloaded);
        match &self.purpose {
            Purpose::Update => {
                session.state.switch_to(Installed::of(&self.documents.release, folder.clone()), why);
            }
            Purpose::Repair(replaced) => session.state.move_to(replaced, folder),
        }
        session.commit()?;
        monitor.signal(Signal::Applied);
        // The new version is current now, so leftovers are not a reason to fail.
        done.saved_files = self.copy_changes(session, monitor).unwrap_or_else(|error| {
            monitor.warn(&error);
            0
        });
        match recover::drop_staged(&self.root, None, monitor).and_then(|()| session.clean(monitor)) {
            Ok(saved) => done.saved_files += saved,
            Err(error) => monitor.warn(&error),
        }
        Ok(done)
    }

    /// Brings the version in without making it current: an update then only has to switch. `session` holds the lock of
    /// the same root.
    pub fn bring(&self, session: &Session, monitor: &Monitor) -> Result<()> {
        if self.intent != Intent::Apply || session.root() != &self.root {
            return Err(Error::invalid("intent", "a dry run cannot be applied"));
        }
        if !self.is_there {
            self.bring_in(monitor)?;
        }
        match recover::drop_staged(&self.root, None, monitor) {
            Err(error) => {
                monitor.warn(&error);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Saves what somebody has changed in the version that was left. If this does not happen, it is saved when that
    /// version is removed.
    fn copy_changes(&self, session: &Session, monitor: &Monitor) -> Result<u64> {
        let left = self.left.as_ref().and_then(|left| InstalledVersion::read(&self.root, left));
        match (left, session.current()) {
            (Some(left), Ok(new)) if left.folder().as_ref() != Some(&new.folder) => {
                changed::copy(&self.root, &left, &self.root.versions(&new.folder), monitor)
            }
            _ => Ok(0),
        }
    }

    /// Compares what was written with the file table. The index already vouches for the content; but the next version
    /// takes over files by these digests, and another mode's key may have signed it.
    fn check_digests(&self, tree: &Path, monitor: &Monitor) -> Result<()> {
        let table = &self.documents.table;
        let check = |node: &usize| {
            monitor.cancel.check()?;
            let (Some(digest), Some(path)) = (table.digest(*node), &table.layout().nodes()[*node].path) else {
                return Ok(());
            };
            if disk::sha256(&path.below(tree))? == digest {
                return Ok(());
            }
            let reason = format!("{path} does not have the digest that it gives");
            Err(Error::malformed(Format::FileTable, 0, reason))
        };
        monitor.pool()?.install(|| self.planned.plan.files.par_iter().try_for_each(check))
    }

    /// Builds the tree in staging and moves it into `versions/`.
    fn bring_in(&self, monitor: &Monitor) -> Result<Assembled> {
        let staging = Staging::at(self.root.staging(&self.folder));
        let tree = staging.tree();
        let (layout, release) = (self.documents.table.layout(), &self.documents.release);
        let check = |tree: &Path| self.check_digests(tree, monitor);
        let last = (Durability::PowerCut, &check as Check<'_>);
        let (bytes, earlier_bytes) = (self.summary().download_bytes(release.sizes), self.summary().earlier_bytes);
        if bytes > 0 && earlier_bytes == 0 {
            staging.note_download(bytes);
        }
        monitor.emit(Event::Expected { bytes, earlier_bytes });
        let assembled = self.planned.build(&staging, layout, &|node| mode_of(release, node), last, monitor)?;
        InstalledVersion::write(&self.root, &self.folder, &self.documents, &tree, monitor)?;
        let versions = self.root.versions("");
        disk::create_control_directory(versions.components().as_path())?;
        disk::rename(&tree, &self.root.versions(&self.folder))?;
        disk::sync_directory(&versions)?;
        Ok(assembled)
    }
}
