//! Where a tree is built before it takes its place: one pipeline for `store extract` and for install roots.
//!
//! ```text
//! scan    tidies what an earlier run left, and finds out how much of it is good     Staging::scan
//! plan    by the caller: what is kept, which chunks come from where                 local/plan.rs
//! room    is there enough space?                                                    check_space
//! build   assemble, check, sync                                                     Planned::build
//! switch  by the caller: one rename
//! ```
//!
//! Killed anywhere before the switch, what stands at the destination is as it was, and the next run continues from what
//! is good in staging.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::{Layout, Node, NodeKind};
use crate::formats::index::Index;
use crate::local::acquire::{Bundled, DigestChoice};
use crate::local::assemble::{self, Assembled, Assembly};
use crate::local::disk::{self, Durability, Shared};
use crate::local::plan::{Plan, Staged, Summary};
use crate::local::seed::Seed;
use crate::local::sources::{Sources, Transfer};
use crate::local::spool::Spool;

/// Whether a preparation will be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It locks the destination and tidies staging.
    Apply,
    /// It changes nothing. Temporary data goes to a scratch folder.
    DryRun,
}

/// The folder in which one version is built.
#[derive(Debug, Clone)]
pub struct Staging {
    folder: PathBuf,
}

impl Staging {
    /// Staging in `folder`, which need not exist yet.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tree that is being built, or the file if a blob is.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Sections of bundles that have been received in part.
    pub fn parts(&self) -> PathBuf {
        self.folder.join("parts")
    }

    /// How much of the download is no longer to come, if `left_bytes` are: what the first run has planned says how much
    /// it was. 0 if there was no earlier run.
    pub fn earlier_bytes(&self, left_bytes: u64) -> u64 {
        let noted = fs::read_to_string(self.download()).ok();
        let whole: Option<u64> = noted.and_then(|text| text.trim().parse().ok());
        whole.map_or(0, |whole| whole.saturating_sub(left_bytes))
    }

    /// Notes the size of the whole download for later runs. Without that they count from where they begin, which is no
    /// reason to fail.
    pub fn note_download(&self, bytes: u64) {
        let note = || disk::write_control(&self.download(), bytes.to_string().as_bytes(), Durability::Kill);
        let _ = disk::create_control_directory(self.folder()).and_then(|()| note());
    }

    fn download(&self) -> PathBuf {
        self.folder.join("download")
    }

    /// What is good in the tree of an earlier run. With [`Intent::Apply`], first removes everything that does not
    /// belong to it.
    ///
    /// # Errors
    /// Those of the disk; [`Error::Cancelled`].
    pub fn scan(&self, index: &Index, layout: &Layout, intent: Intent, monitor: &Monitor) -> Result<Staged> {
        let tree = self.tree();
        if !tree.exists() {
            return Ok(Staged::none());
        }
        if intent == Intent::Apply {
            tidy(&tree, layout)?;
        }
        Staged::scan(&tree, index, layout, monitor)
    }
}

/// A tree that is planned and can be built.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The sources of chunks.
    pub sources: Sources,
    /// Bundles, which are tried before the stores on other machines.
    pub bundled: Option<Bundled>,
    /// Chunks that were already read.
    pub spool: Spool,
    /// The digest algorithm of the chunk ids.
    pub digest: DigestChoice,
    /// The tree with the user's files to carry over.
    pub installed: Option<PathBuf>,
}

/// The work that building a tree took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The plan in numbers.
    pub plan: Summary,
    /// Requests to other machines, and bytes received.
    pub transfer: Transfer,
    /// Bytes of file content written.
    pub written_bytes: u64,
}

/// A check of the finished tree, before it is synced.
pub type Check<'a> = &'a dyn Fn(&Path) -> Result<()>;

impl Planned {
    /// A plan without any work.
    pub fn nothing(index: &Index, spool: Spool) -> Self {
        let summary = Summary { index_chunks: index.len() as u64, ..Summary::default() };
        Self {
            plan: Plan { summary, ..Plan::default() },
            sources: Sources::default(),
            bundled: None,
            spool,
            digest: DigestChoice::new(index.digest()),
            installed: None,
        }
    }

    /// Builds the tree in staging. `mode_of` returns the permissions of each node. `check` is called before the tree is
    /// synced, which happens only for [`Durability::PowerCut`].
    ///
    /// # Errors
    /// Those of the sources and of the disk, and whatever `check` returns. What was built stays for the next run.
    pub fn build(
        &self,
        staging: &Staging,
        layout: &Layout,
        mode_of: &(dyn Fn(&Node) -> u32 + Sync),
        (durability, check): (Durability, Check<'_>),
        monitor: &Monitor,
    ) -> Result<Assembled> {
        let tree = staging.tree();
        disk::create_control_directory(staging.folder())?;
        let assembly = Assembly {
            plan: &self.plan,
            layout,
            staging: &tree,
            installed: self.installed.as_deref(),
            sources: &self.sources,
            bundled: self.bundled.as_ref(),
            spool: &self.spool,
            digest: &self.digest,
            mode_of,
        };
        let assembled = assemble::assemble(&assembly, monitor);
        self.close_seeds();
        let assembled = assembled?;
        check(&tree)?;
        monitor.cancel.check()?;
        if durability == Durability::PowerCut {
            disk::sync_disk(&tree, Shared::Skip)?;
        }
        Ok(assembled)
    }

    fn close_seeds(&self) {
        self.sources.seeds.iter().for_each(Seed::close_files);
        let offers = self.bundled.iter().flat_map(|bundled| &bundled.offers);
        offers.filter_map(|offer| offer.old.as_ref()).for_each(|old| old.seed.close_files());
    }
}

/// Checks that the plan fits on the disk of `destination`. Adds a twentieth for folders, journals and slack, which the
/// plan does not count.
///
/// # Errors
/// [`Error::DiskFull`].
pub fn check_space(destination: &Path, summary: &Summary) -> Result<()> {
    let needed_bytes = summary.disk_bytes + summary.disk_bytes / 20;
    let free_bytes = disk::free_bytes(destination)?;
    if needed_bytes > free_bytes {
        return Err(Error::DiskFull { path: destination.to_owned(), needed_bytes, free_bytes });
    }
    Ok(())
}

/// Makes the tree of an earlier run safe to continue with: removes what is not in the layout, and every file that
/// shares its bytes with another tree (it is linked again if it is still wanted).
fn tidy(tree: &Path, layout: &Layout) -> Result<()> {
    let mut directories: HashSet<PathBuf> = HashSet::new();
    let mut files: HashSet<PathBuf> = HashSet::new();
    for node in layout.nodes() {
        let path = node.path.as_ref().map_or(tree.to_owned(), |path| path.below(tree));
        match node.kind {
            NodeKind::Directory => directories.insert(path),
            NodeKind::File { .. } => files.insert(path),
            _ => false,
        };
    }
    let mut rest = vec![tree.to_owned()];
    while let Some(path) = rest.pop() {
        let found = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?;
        if found.is_dir() && directories.contains(&path) {
            disk::offer_mode(&path, 0o755)?;
            rest.extend(disk::list(&path)?.iter().map(fs::DirEntry::path));
        } else if !(found.is_file() && files.contains(&path) && disk::link_count(&path, &found) == 1) {
            disk::remove_all(&path)?;
        }
    }
    Ok(())
}
