//! `vsekai-server export`: writes the whole repository as plain files.
//!
//! Chunks and bundles come first, then what names them, and the timestamp and the metadata pack last, so that clients
//! that read during an export see the previous state in full. Existing files are not rewritten, and only `--prune`
//! removes any, after that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use vsekai_server::app::Application;
use vsekai_server::db::Page;
use vsekai_server::error::{Error, Result};
use vsekai_server::model::{Bundle, RepositoryFile};
use vsekai_server::service::metadata_pack::pack_of_files;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, BundleList, list_name, name_of};
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::metadata_pack::PATH as PACK;
use vsekai_updater::limits;
use vsekai_updater::local::disk::{self, Durability};
use vsekai_updater::local::lock::Lock;
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::text::{self, counted};

use super::{note, print};

mod prune;

/// Held by an export, so that no other removes what it needs.
const LOCK: &str = ".vsekai-export-lock";

/// Entries per page.
const BATCH: u32 = 500;

/// What is done about files that the repository no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prune {
    /// Nothing.
    No,
    /// They are listed, and nothing is written.
    List,
    /// They are removed once they have been out of use for this long, in seconds.
    After(i64),
}

/// Exports the repository to a folder.
pub(super) async fn run(app: &Application, dir: &Path, prune: Prune) -> Result<()> {
    // Of one moment, and before chunks are copied: what is published meanwhile belongs to the next export.
    let mut files = app.service().db().repository_files().await?;
    if files.is_empty() {
        let reason = "there is no repository yet: nothing has been published".to_owned();
        let hint = "Publish to this server first, with `vsekai publish --server URL`";
        return Err(Error::command("not_found", reason, hint));
    }
    if prune != Prune::No {
        prune::check_is_same(dir, &files)?;
    }
    if prune == Prune::List {
        return preview(app, dir, &files).await;
    }
    files
        .sort_by_key(|file| (!file.path.starts_with("targets/"), file.path == "tuf/timestamp.json", file.path.clone()));
    let store = LocalStore::create(&dir.join("store"))?;
    let _lock = Lock::exclusive(&dir.join(LOCK), "export to")?;
    let (chunks, written) = export_chunks(app, &store).await?;
    let bundles = export_bundles(app, dir).await?;
    for file in &files {
        write(&dir.join(&file.path), &file.bytes, Durability::PowerCut)?;
    }
    match pack_of_files(&files, &|path| exported(dir, path)) {
        Some(packed) => write(&dir.join(PACK), &packed, Durability::PowerCut)?,
        None => disk::remove_file(&dir.join(PACK))?,
    }
    print(&format!(
        "Exported {}, {} and {} to {}; {} new.\n",
        counted(files.len() as u64, "signed file", "signed files"),
        counted(chunks.len() as u64, "chunk", "chunks"),
        counted(bundles.len() as u64, "bundle", "bundles"),
        dir.display(),
        counted(written, "chunk was", "chunks were")
    ));
    if let Prune::After(grace_s) = prune {
        let needed = needed(&files, chunks, &bundles)?;
        let found = prune::find(dir, &needed, grace_s)?;
        print(&format!(
            "Removed {}, {}; {} later.\n",
            counted(found.due.len() as u64, "file", "files"),
            text::bytes(found.bytes()),
            counted(found.waiting(), "file goes", "files go")
        ));
        found.remove(dir)?;
    }
    Ok(())
}

/// Lists what `--prune` would remove, now or once its time is over.
async fn preview(app: &Application, dir: &Path, files: &[RepositoryFile]) -> Result<()> {
    let mut chunks = BTreeSet::new();
    let mut page = Page { after: None, limit: BATCH };
    loop {
        let ids = app.service().db().chunk_ids(&page).await?;
        chunks.extend(ids.iter().map(path_of));
        let Some(last) = ids.last().filter(|_| ids.len() == BATCH as usize) else { break };
        page.after = Some(*last);
    }
    let bundles = app.service().db().bundles(None).await?;
    let found = prune::find(dir, &needed(files, chunks, &bundles)?, 0)?;
    for (path, _) in &found.due {
        print(&format!("{path}\n"));
    }
    let what = counted(found.due.len() as u64, "file is", "files are");
    note(&format!("{what} no longer needed: {}. Nothing was written or removed.", text::bytes(found.bytes())));
    Ok(())
}

/// The paths of everything that the repository has.
fn needed(files: &[RepositoryFile], chunks: BTreeSet<String>, bundles: &[Bundle]) -> Result<BTreeSet<String>> {
    let mut needed = chunks;
    // The database has these, too, unless something is wrong with it.
    needed.extend(prune::chunks_of(files)?);
    needed.extend(files.iter().map(|file| file.path.clone()));
    needed.extend(bundles.iter().flat_map(|bundle| [name_of(&bundle.info.id), list_name(&bundle.to)]));
    Ok(needed)
}

fn path_of(id: &ChunkId) -> String {
    format!("store/{}", id.store_path())
}

/// Writes all chunks that are not there yet. Returns the paths of all, and how many were written.
async fn export_chunks(app: &Application, store: &LocalStore) -> Result<(BTreeSet<String>, u64)> {
    let service = app.service();
    let (mut page, mut all, mut written) = (Page { after: None, limit: BATCH }, BTreeSet::new(), 0_u64);
    loop {
        let ids = service.db().chunk_ids(&page).await?;
        for id in &ids {
            all.insert(path_of(id));
            let path = store.path_of(id);
            if path.exists() {
                continue;
            }
            // It may have been collected since; then no version needs it.
            let Some(bytes) = service.chunks().get(id).await? else { continue };
            write(&path, &bytes, Durability::Kill)?;
            written += 1;
        }
        let Some(last) = ids.last().filter(|_| ids.len() == BATCH as usize) else { return Ok((all, written)) };
        page.after = Some(*last);
    }
}

/// Reads a list of bundles that has just been exported.
fn exported(dir: &Path, path: &str) -> std::result::Result<Option<Bytes>, vsekai_updater::Error> {
    let found = disk::read_if_exists(&dir.join(path), limits::MAX_DOCUMENT_BYTES)?;
    Ok(found.map(Bytes::from))
}

/// Writes a file, unless it has this content already.
fn write(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    if disk::read_if_exists(path, bytes.len() as u64).ok().flatten().as_deref() == Some(bytes) {
        return Ok(());
    }
    disk::create_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(disk::write_atomic(path, bytes, durability)?)
}

/// Writes all bundles, then the lists that name them.
async fn export_bundles(app: &Application, dir: &Path) -> Result<Vec<Bundle>> {
    let service = app.service();
    let bundles = service.db().bundles(None).await?;
    for bundle in &bundles {
        let path = dir.join(name_of(&bundle.info.id));
        let is_there = std::fs::metadata(&path).is_ok_and(|it| it.len() == bundle.info.length);
        if !is_there {
            write_bundle(app, bundle, &path).await?;
        }
    }
    let mut lists = BTreeMap::<Digest, Vec<BundleInfo>>::new();
    for bundle in &bundles {
        lists.entry(bundle.to).or_default().push(bundle.info.clone());
    }
    for (to, infos) in lists {
        write(&dir.join(list_name(&to)), &BundleList::new(infos).to_bytes()?, Durability::Kill)?;
    }
    Ok(bundles)
}

async fn write_bundle(app: &Application, bundle: &Bundle, path: &Path) -> Result<()> {
    disk::create_directory(path.parent().unwrap_or(Path::new(".")))?;
    let temporary = disk::temporary_beside(path);
    let failed = |error: std::io::Error| Error::from(vsekai_updater::Error::io("write", &temporary)(error));
    let mut pieces = app.service().bundles().read(bundle.info.id, 0..bundle.info.length).await?;
    let mut file = disk::create(&temporary)?;
    let written: Result<()> = async {
        while let Some(bytes) = pieces.try_next().await? {
            file.write_all(&bytes).map_err(failed)?;
        }
        disk::sync_file(&file, &temporary)?;
        disk::rename_over(&temporary, path)?;
        Ok(())
    }
    .await;
    if written.is_err() {
        let _ = disk::remove_file(&temporary);
    }
    written
}
