//! Builds the missing or improvable bundles of a version in a repository folder, and writes their list last. Nothing is
//! signed, so this can be repeated at any time without a key.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Bundling;
use super::check::Job;
use super::history::{self, History};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::bundle::{BundleInfo, BundleList, list_name, name_of};
use crate::formats::index::Index;
use crate::formats::release::{Catalog, FileTable, Release};
use crate::limits;
use crate::local::bundle_builder::{Side, StoreSource, build};
use crate::local::disk::{self, Durability};
use crate::local::store::LocalStore;
use crate::path::RelPath;

/// How long a replaced bundle is kept for clients that are downloading it.
const GRACE: Duration = Duration::from_hours(24);

/// The parts of a version from which bundles are built.
pub(super) struct Subject {
    pub(super) index: Index,
    pub(super) table: FileTable,
    pub(super) mutable: Vec<RelPath>,
}

impl Subject {
    pub(super) fn of(past: &dyn History, release: &Release) -> Result<Option<Self>> {
        let (Some(index), Some(table)) = (past.target(&release.index.path)?, past.target(&release.files.path)?) else {
            return Ok(None);
        };
        let index = Index::parse(&index)?;
        let table = FileTable::parse(&table, &index)?;
        Ok(Some(Self { index, table, mutable: release.mutable.clone() }))
    }

    fn is_mutable(&self, node: usize) -> bool {
        let path = self.table.layout().nodes().get(node).and_then(|node| node.path.as_ref());
        path.is_some_and(|path| self.mutable.contains(path))
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.index.to_bytes())
    }
}

/// Builds the missing bundles, and returns those that were added to the list.
pub(super) fn make(
    job: &Job<'_>,
    bundling: Bundling,
    folder: &Path,
    (past, catalog): (&dyn History, &Catalog),
    new: &Subject,
    monitor: &Monitor,
) -> Result<Vec<BundleInfo>> {
    let store = LocalStore::open(&folder.join(crate::formats::release::DEFAULT_STORE))?;
    let to = new.digest();
    let path = folder.join(list_name(&to));
    let known =
        disk::read_if_exists(&path, limits::MAX_DOCUMENT_BYTES)?.and_then(|bytes| BundleList::parse(&bytes).ok());
    let mut list = known.unwrap_or_else(|| BundleList::new(Vec::new()));
    list.bundles.retain(|info| folder.join(name_of(&info.id)).is_file());
    let mut made = Vec::new();
    let olds = olds(job, bundling.deltas, past, catalog, to)?;
    for old in olds.iter().map(Some).chain([None]) {
        let from = old.map(Subject::digest);
        if list.find(from.as_ref()).is_some_and(|info| info.effort >= bundling.effort) {
            continue;
        }
        let info = make_one(&store, folder, new, old, bundling, monitor)?;
        list.put(info.clone());
        made.push(info);
    }
    if !made.is_empty() {
        disk::write_atomic(&path, &list.to_bytes()?, Durability::PowerCut)?;
    }
    Ok(made)
}

/// The newest other versions, without duplicate content.
fn olds(job: &Job<'_>, most: usize, past: &dyn History, catalog: &Catalog, to: Digest) -> Result<Vec<Subject>> {
    let mut seen: HashSet<Digest> = [to].into();
    let mut olds = Vec::new();
    for before in history::versions(past, catalog, job) {
        let before = before?;
        if olds.len() == most {
            break;
        }
        if let Some(old) = Subject::of(past, &before)?
            && seen.insert(old.digest())
        {
            olds.push(old);
        }
    }
    Ok(olds)
}

fn make_one(
    store: &LocalStore,
    folder: &Path,
    new: &Subject,
    old: Option<&Subject>,
    bundling: Bundling,
    monitor: &Monitor,
) -> Result<BundleInfo> {
    let bundles = folder.join("bundles");
    disk::create_directory(&bundles)?;
    let chunks = StoreSource::new(store, new.index.digest());
    let old_chunks = old.map(|old| StoreSource::new(store, old.index.digest()));
    let new_mutable = |node: usize| new.is_mutable(node);
    let old_mutable = |node: usize| old.is_some_and(|old| old.is_mutable(node));
    let side = Side { index: &new.index, table: &new.table, chunks: &chunks, is_mutable: &new_mutable };
    let old_side = match (old, &old_chunks) {
        (Some(old), Some(chunks)) => {
            Some(Side { index: &old.index, table: &old.table, chunks, is_mutable: &old_mutable })
        }
        _ => None,
    };
    let temporary = disk::temporary_beside(&bundles.join("new"));
    let mut file = disk::create(&temporary)?;
    let built = build(side, old_side, bundling.effort, &bundles, &mut file, monitor);
    let placed = built.and_then(|built| {
        disk::sync_file(&file, &temporary)?;
        disk::rename(&temporary, &folder.join(name_of(&built.info.id)))?;
        disk::sync_directory(&bundles)?;
        Ok(built.info)
    });
    if placed.is_err() {
        // The error that stopped the build is the one to report.
        let _ = disk::remove_file(&temporary);
    }
    placed
}

/// Removes bundles that no list names, and lists of versions that are not in `kept`. Files younger than [`GRACE`] are
/// kept, because clients may be downloading them.
pub(super) fn clean(folder: &Path, kept: &HashSet<Digest>) -> Result<()> {
    let bundles = folder.join("bundles");
    if !bundles.is_dir() {
        return Ok(());
    }
    let mut named: HashSet<String> = HashSet::new();
    for to in kept {
        let name = list_name(to);
        if let Some(bytes) = disk::read_if_exists(&folder.join(&name), limits::MAX_DOCUMENT_BYTES)? {
            named.insert(name);
            let list = BundleList::parse(&bytes).unwrap_or_default();
            named.extend(list.bundles.iter().map(|info| name_of(&info.id)));
        }
    }
    for entry in disk::list(&bundles)? {
        let name = format!("bundles/{}", entry.file_name().to_string_lossy());
        let written = match entry.metadata().and_then(|found| found.modified()) {
            Ok(written) => written,
            // Another publisher has removed it.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(Error::io("read", entry.path())(e)),
        };
        let age = SystemTime::now().duration_since(written).unwrap_or_default();
        if !named.contains(&name) && age > GRACE {
            disk::remove_file(&entry.path())?;
        }
    }
    Ok(())
}
