//! Brings a destination to the version that an index describes. Install, update, repair and resume are one operation.
//!
//! ```text
//! prepare: lock, what is there?, read the layout, plan      changes nothing at the destination
//! apply:   assemble in staging, sync, switch, clean up      the switch is one atomic rename
//! ```
//!
//! After a kill at any point, the destination is the old version or the new one, and the next run continues from what
//! is verified in staging. A destination that we did not make is refused; the user's files in one that we made are
//! carried over. Does not fetch indexes, and trusts no store.

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

/// A tree or file on disk that may supply chunks.
#[derive(Debug, Clone)]
pub struct SeedSpec {
    /// Its path.
    pub path: PathBuf,
    /// The index it was installed from; without it, the tree or file is cut into chunks again.
    pub index: Option<Index>,
}

/// The parameters of an extract.
#[derive(Debug, Clone)]
pub struct Request {
    /// The wanted version.
    pub index: Index,
    /// What it describes.
    pub content: IndexKind,
    /// The folder or file to create or update.
    pub destination: PathBuf,
    /// Further trees or files that may supply chunks. Naming the destination itself takes it over.
    pub seeds: Vec<SeedSpec>,
    /// Folders that are refused as a destination, such as the home folder.
    pub protected: Vec<PathBuf>,
    /// A folder for what a dry run cannot keep in memory, such as the system's temporary folder.
    pub scratch: PathBuf,
    /// Whether to sync a new tree, so that it survives a power cut. A tree that replaces another is always synced.
    pub sync: bool,
}

/// The result of an extract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Extracted {
    /// The work that was done, including the reading of the layout.
    #[serde(flatten)]
    pub work: Report,
    /// Whether the destination already had the wanted version.
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

/// Plans an extract. Reads the layout from the sources, which may cause requests.
pub fn prepare(request: Request, mut sources: Sources, intent: Intent, monitor: &Monitor) -> Result<PreparedExtract> {
    let workplace = Workplace::of(&request.destination)?;
    let lock = admit(&request, &workplace, intent)?;
    let receipt = workplace.receipt();
    let occupied = refuse_strangers(&request, &workplace, receipt.is_some())?;
    let links = OnceCell::new();
    // Tried only if the answer matters, and not in a dry run, which must not write.
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
        // Without a sound index, our files in a folder that is taken over are not known, so everything that the new
        // version does not replace is kept.
        let known = receipt.as_ref().map(|receipt| &receipt.layout).or(taken_over.as_ref()).unwrap_or(&layout);
        plan.carry = destination::foreign(workplace.destination(), known, &layout, &has_links)?;
    }
    check_space(workplace.destination(), &plan.summary)?;
    let (replaces, transfer) = (workplace.destination().exists(), looked.transfer);
    let installed = replaces.then(|| workplace.destination().to_owned());
    let planned = Planned { plan, sources, bundled: None, spool, digest, installed };
    Ok(PreparedExtract { request, workplace, planned, layout, replaces, transfer, up_to_date: false, lock })
}

/// Takes the lock, except in a dry run. Refuses destinations that we may not touch.
fn admit(request: &Request, workplace: &Workplace, intent: Intent) -> Result<Option<Lock>> {
    destination::check(request, workplace.destination())?;
    // Check this before taking the lock, so that a refusal creates nothing next to a folder that is not ours.
    refuse_strangers(request, workplace, workplace.folder().exists())?;
    match intent {
        Intent::Apply => enter(workplace).map(Some),
        Intent::DryRun => Ok(None),
    }
}

/// Whether there is anything at the destination. Anything there must be ours, or be named as a seed and so taken over.
fn refuse_strangers(request: &Request, workplace: &Workplace, is_ours: bool) -> Result<bool> {
    let destination = workplace.destination();
    let is_taken_over = || request.seeds.iter().any(|seed| destination::is_same(&seed.path, destination));
    match destination::is_occupied(destination)? {
        true if !is_ours && !is_taken_over() => Err(Error::DestinationNotOurs { path: request.destination.clone() }),
        occupied => Ok(occupied),
    }
}

/// Removes what interrupted runs have left next to the destination.
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

/// Takes the lock and finishes what killed runs began.
fn enter(workplace: &Workplace) -> Result<Lock> {
    let parent = workplace.folder().parent().unwrap_or(Path::new("."));
    disk::create_directory(parent)?;
    disk::create_control_directory(workplace.folder())?;
    refuse_other_owner(workplace)?;
    let lock = Lock::exclusive(&workplace.join("lock"), "store extract")?;
    switch::recover(workplace)?;
    Ok(lock)
}

/// Refuses a workplace of another user, who could exchange what is built there.
fn refuse_other_owner(workplace: &Workplace) -> Result<()> {
    let folder = workplace.folder();
    let found = fs::symlink_metadata(folder).map_err(Error::io("read", folder))?;
    let is_known = |owner: u32| Some(owner) == disk::this_user() || owner == 0;
    if found.is_dir() && disk::owner(&found).is_none_or(is_known) {
        return Ok(());
    }
    let reason = format!("{} is not a folder of this user; remove it, or choose another destination", folder.display());
    Err(Error::invalid("destination", reason))
}

/// Removes the staging of the installed version. If it exists, an earlier run was stopped after the switch, and it
/// contains the version before. Only a repair could continue from it.
fn drop_staging_of(installed: &Index, workplace: &Workplace, monitor: &Monitor) {
    if let Err(error) = disk::remove_all(&workplace.join(&staging_name(installed))) {
        monitor.warn(&error);
    }
}

/// Keeps the chunks that are downloaded to read the layout: there is no tree yet in which an interrupted run could
/// leave them.
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

/// The name of the staging folder: one for each version, so that a run never continues from another version's bytes.
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

    /// The plan in numbers.
    pub fn summary(&self) -> &Summary {
        &self.planned.plan.summary
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    /// Whether the destination already has the wanted version.
    pub fn is_up_to_date(&self) -> bool {
        self.up_to_date
    }

    /// Requests and bytes that planning has cost.
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Carries out the plan.
    pub fn apply(self, monitor: &Monitor) -> Result<Extracted> {
        let mut report = Report { plan: self.planned.plan.summary, transfer: self.transfer, written_bytes: 0 };
        if self.up_to_date {
            return Ok(Extracted { work: report, up_to_date: true });
        }
        if self.lock.is_none() {
            return Err(Error::invalid("intent", "a dry run cannot be applied"));
        }
        let staging = Staging::at(self.workplace.join(&staging_name(&self.request.index)));
        let durability = if self.request.sync || self.replaces { Durability::PowerCut } else { Durability::Kill };
        // Every chunk was already verified, and a bare archive contains no other digests.
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

    /// Sets the times of kept files. They share an inode with the old version, so this cannot happen before the switch.
    /// If it fails or is interrupted, the next run only reads these files once.
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
            // A failure does no harm: the receipt from before the switch is still right for all other files.
            let _ = Receipt::write(&receipt, root, &self.request.index, &self.layout, Durability::PowerCut);
        }
    }
}
