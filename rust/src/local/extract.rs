//! Brings a destination to the version that an index describes: install, update, repair and resume are
//! the same operation.
//!
//! ```text
//! prepare: lock, what is there?, read the layout, plan      changes nothing at the destination
//! apply:   assemble in staging, sync, switch, clean up      the switch is one atomic rename
//! ```
//!
//! Killed at any point, the destination is the old version or the new one, and running it again goes on
//! from what is verified in staging. A destination that we did not make is refused, and files of the
//! user's in one that we did make are carried over. It does not fetch indexes, and it trusts no store.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::index::Index;
use crate::local::acquire::DigestChoice;
use crate::local::assemble;
use crate::local::disk::{self, Durability};
use crate::local::lock::Lock;
use crate::local::plan::{self, Inputs, Installed, Plan, Summary};
use crate::local::receipt::{Receipt, Workplace};
use crate::local::sources::{Sources, Transfer};
use crate::local::spool::Spool;
use crate::local::staging::{Check, Intent, Planned, Report, Staging, check_space};
use crate::local::store::LocalStore;

mod destination;
mod layout;
mod seeds;
mod switch;

/// What an index describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexKind {
    /// A `.caidx`: a tree.
    Tree,
    /// A `.caibx`: one file.
    Blob,
}

/// A tree or file on disk that may give chunks.
#[derive(Debug, Clone)]
pub struct SeedSpec {
    /// Where it is.
    pub path: PathBuf,
    /// The index it was installed from, if it is at hand; else it is cut into chunks again.
    pub index: Option<Index>,
}

/// What to extract, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The wanted version.
    pub index: Index,
    /// What it describes.
    pub content: IndexKind,
    /// The folder or file to bring to it.
    pub destination: PathBuf,
    /// Further trees or files to take chunks from. One that is the destination itself is taken over.
    pub seeds: Vec<SeedSpec>,
    /// Folders that are refused as a destination: the home folder, say.
    pub protected: Vec<PathBuf>,
    /// A folder for what a run that only looks cannot keep in memory: the system's temporary one, say.
    pub scratch: PathBuf,
    /// Sync a new tree too, so that it survives a power cut; a tree that replaces another always is.
    pub sync: bool,
}

/// What an extract did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Extracted {
    /// The work, with what reading the layout took.
    #[serde(flatten)]
    pub work: Report,
    /// Whether the destination was as wanted already.
    pub up_to_date: bool,
}

/// An extract that is planned and can be carried out, or dropped.
#[derive(Debug)]
pub struct PreparedExtract {
    request: Request,
    workplace: Workplace,
    planned: Planned,
    layout: Layout,
    replaces: bool,
    transfer: Transfer,
    up_to_date: bool,
    lock: Option<Lock>,
}

/// Finds out what is to be done. Reads the layout from the sources, which may take requests.
pub fn prepare(request: Request, mut sources: Sources, intent: Intent, monitor: &Monitor) -> Result<PreparedExtract> {
    let workplace = Workplace::of(&request.destination)?;
    let lock = admit(&request, &workplace, intent)?;
    let receipt = workplace.receipt();
    let occupied = refuse_strangers(&request, &workplace, receipt.is_some())?;
    let links = OnceCell::new();
    // Tried only where it matters, and not by a run that only looks.
    let has_links = || {
        let try_it = || intent == Intent::DryRun || disk::holds_links(workplace.folder()).unwrap_or(true);
        *links.get_or_init(try_it)
    };
    if let Some(receipt) = &receipt {
        let up_to_date = destination::is_as_wanted(receipt, &request, workplace.destination(), &has_links);
        if intent == Intent::Apply && (up_to_date || receipt.index != request.index) {
            drop_staging_of(&receipt.index, &workplace, monitor);
        }
        if up_to_date {
            return Ok(PreparedExtract::nothing_to_do(request, workplace, receipt.layout.clone(), lock));
        }
    }
    let taken_over = seeds::open(&request, &workplace, receipt.as_ref(), &mut sources, monitor)?;
    let staging = Staging::at(workplace.join(&staging_name(&request.index)));
    let digest = DigestChoice::new(request.index.digest());
    let spool = match intent {
        Intent::Apply => Spool::new(workplace.folder()),
        Intent::DryRun => Spool::new(&request.scratch),
    };
    let early = EarlyChunks::keep(staging.folder(), intent, &mut sources)?;
    let reader = layout::Reader { request: &request, sources: &sources, spool: &spool, digest: &digest, monitor };
    let (layout, looked) = reader.read(receipt.as_ref(), staging.folder(), intent)?;
    early.done(&mut sources);
    if intent == Intent::Apply && disk::folds_case(workplace.folder())? {
        layout.check_case_collisions()?;
    }
    let staged = staging.scan(&request.index, &layout, intent, monitor)?;
    let inputs = Inputs {
        index: &request.index,
        layout: &layout,
        installed: receipt.as_ref().map(|receipt| Installed { root: workplace.destination(), receipt }),
        staged: &staged,
        sources: &sources,
        spool: &spool,
    };
    let mut plan = plan::plan(&inputs, monitor)?;
    looked.add_to(&mut plan.summary);
    if occupied && request.content == IndexKind::Tree {
        // Of a folder that is taken over without a sound index nothing is known: all that is not replaced stays.
        let known = receipt.as_ref().map(|receipt| &receipt.layout).or(taken_over.as_ref()).unwrap_or(&layout);
        plan.carry = destination::foreign(workplace.destination(), known, &layout, &has_links)?;
    }
    check_space(workplace.destination(), &plan.summary)?;
    let (replaces, transfer) = (workplace.destination().exists(), looked.transfer);
    let installed = replaces.then(|| workplace.destination().to_owned());
    let planned = Planned { plan, sources, bundled: None, spool, digest, installed };
    Ok(PreparedExtract { request, workplace, planned, layout, replaces, transfer, up_to_date: false, lock })
}

/// Takes the lock, unless this is a destination that we may not touch or a run that only looks.
fn admit(request: &Request, workplace: &Workplace, intent: Intent) -> Result<Option<Lock>> {
    destination::check(request, workplace.destination())?;
    // Before the lock, so that a refusal leaves nothing beside a folder that was never ours.
    refuse_strangers(request, workplace, workplace.folder().exists())?;
    match intent {
        Intent::Apply => enter(workplace).map(Some),
        Intent::DryRun => Ok(None),
    }
}

/// Whether there is anything at the destination. It must be ours, or named as a seed and so taken over.
fn refuse_strangers(request: &Request, workplace: &Workplace, is_ours: bool) -> Result<bool> {
    let destination = workplace.destination();
    let is_taken_over = || request.seeds.iter().any(|seed| destination::is_same(&seed.path, destination));
    match destination::is_occupied(destination)? {
        true if !is_ours && !is_taken_over() => Err(Error::DestinationNotOurs { path: request.destination.clone() }),
        occupied => Ok(occupied),
    }
}

/// Drops what interrupted runs have left beside the destination.
pub fn discard(request: &Request) -> Result<()> {
    let workplace = Workplace::of(&request.destination)?;
    if !workplace.folder().is_dir() {
        return Ok(());
    }
    let _lock = enter(&workplace)?;
    for entry in disk::list(workplace.folder())? {
        if entry.file_name().to_string_lossy().starts_with("staging-") {
            disk::remove_all(&entry.path())?;
        }
    }
    Ok(())
}

/// Takes the lock and tidies up after runs that were killed.
fn enter(workplace: &Workplace) -> Result<Lock> {
    let parent = workplace.folder().parent().unwrap_or(Path::new("."));
    disk::create_directory(parent)?;
    disk::create_control_directory(workplace.folder())?;
    refuse_other_owner(workplace)?;
    let lock = Lock::exclusive(&workplace.join("lock"), "store extract")?;
    switch::recover(workplace)?;
    Ok(lock)
}

/// Another user could exchange what is built there.
fn refuse_other_owner(workplace: &Workplace) -> Result<()> {
    let folder = workplace.folder();
    let found = fs::symlink_metadata(folder).map_err(Error::io("read", folder))?;
    let is_known = |owner: u32| Some(owner) == disk::this_user() || owner == 0;
    if found.is_dir() && disk::owner(&found).is_none_or(is_known) {
        return Ok(());
    }
    let reason = format!("{} is not a folder of this user; remove it, or choose another destination", folder.display());
    Err(Error::Invalid { what: "destination", reason })
}

/// What is installed needs no staging: if there is one, a run was stopped after the switch, and the tree in
/// it is the version before. Only a repair goes on from it.
fn drop_staging_of(installed: &Index, workplace: &Workplace, monitor: &Monitor) {
    if let Err(error) = disk::remove_all(&workplace.join(&staging_name(installed))) {
        monitor.warn(&error);
    }
}

/// What is fetched to read the layout is kept in staging: there is no tree yet that a run which is cut short
/// could leave it in.
struct EarlyChunks(bool);

impl EarlyChunks {
    fn keep(staging: &Path, intent: Intent, sources: &mut Sources) -> Result<Self> {
        let folder = staging.join("chunks");
        if folder.is_dir() {
            sources.caches.push(LocalStore::open(&folder)?);
        }
        let wanted = intent == Intent::Apply && sources.remote.is_some() && sources.write_cache.is_none();
        if wanted {
            sources.write_cache = Some(LocalStore::create(&folder)?);
        }
        Ok(Self(wanted))
    }

    fn done(self, sources: &mut Sources) {
        if self.0 {
            sources.caches.extend(sources.write_cache.take());
        }
    }
}

/// One folder for each version, so that a run for another version cannot go on from the wrong bytes.
fn staging_name(index: &Index) -> String {
    let digest = index.digest().id_of(&index.to_bytes()).to_string();
    format!("staging-{}", &digest[..8])
}

impl PreparedExtract {
    fn nothing_to_do(request: Request, workplace: Workplace, layout: Layout, lock: Option<Lock>) -> Self {
        let planned = Planned::nothing(&request.index, Spool::new(workplace.folder()));
        let (replaces, transfer, up_to_date) = (true, Transfer::default(), true);
        Self { request, workplace, planned, layout, replaces, transfer, up_to_date, lock }
    }

    /// What will be done, in numbers.
    pub fn summary(&self) -> &Summary {
        &self.planned.plan.summary
    }

    /// The whole plan.
    pub fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    /// Whether the destination is as wanted already.
    pub fn is_up_to_date(&self) -> bool {
        self.up_to_date
    }

    /// What finding out took from other machines.
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Does it.
    pub fn apply(self, monitor: &Monitor) -> Result<Extracted> {
        let mut report = Report { plan: self.planned.plan.summary, transfer: self.transfer, written_bytes: 0 };
        if self.up_to_date {
            return Ok(Extracted { work: report, up_to_date: true });
        }
        if self.lock.is_none() {
            return Err(Error::Invalid { what: "intent", reason: "a dry run cannot be applied".into() });
        }
        let staging = Staging::at(self.workplace.join(&staging_name(&self.request.index)));
        let durability = if self.request.sync || self.replaces { Durability::PowerCut } else { Durability::Kill };
        // Every chunk was verified on its way, and no more is known of an archive.
        let last = (durability, (&|_: &Path| Ok(())) as Check<'_>);
        let assembled = self.planned.build(&staging, &self.layout, &assemble::recorded_mode, last, monitor)?;
        let tree = staging.tree();
        let new_receipt = self.workplace.join("receipt.new");
        Receipt::write(&new_receipt, &tree, &self.request.index, &self.layout, durability)?;
        switch::switch(&self.workplace, &tree, self.request.content, durability)?;
        self.refresh_kept_times();
        switch::clean_up(&self.workplace, staging.folder(), monitor)?;
        report.transfer.add(assembled.transfer);
        report.written_bytes = assembled.written_bytes;
        Ok(Extracted { work: report, up_to_date: false })
    }

    /// A kept file shares its inode with the old version, so its new time can only be set now. The time is
    /// no part of its content: if this fails, or is never reached, the next run reads the file once.
    fn refresh_kept_times(&self) {
        let mut changed = false;
        for keep in &self.planned.plan.keep {
            let node = &self.layout.nodes()[keep.node];
            let path = node.path.as_ref().map(|path| path.below(self.workplace.destination()));
            let path = path.unwrap_or_else(|| self.workplace.destination().to_owned());
            let wanted = node.metadata.mtime_ns;
            let differs = std::fs::symlink_metadata(&path).is_ok_and(|found| disk::mtime_ns(&found) != wanted);
            if wanted != 0 && differs {
                changed |= disk::set_mtime(&path, wanted).is_ok();
            }
        }
        if changed {
            let receipt = self.workplace.join("receipt.new");
            let root = self.workplace.destination();
            // Not worth failing for: the receipt written before the switch is still true of all other files.
            let _ = Receipt::write(&receipt, root, &self.request.index, &self.layout, Durability::PowerCut);
        }
    }
}
