//! `vsekai-server export`: writes the whole repository as plain files.
//!
//! Chunks and bundles come first, then what names them, and the timestamp and the metadata pack last, so that clients
//! that read during an export see the previous state in full. Nothing is removed, and existing files are not rewritten.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use vsekai_server::app::Application;
use vsekai_server::db::Page;
use vsekai_server::error::{Error, Result};
use vsekai_server::model::Bundle;
use vsekai_server::service::metadata_pack::pack_of_files;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, BundleList, list_name, name_of};
use vsekai_updater::formats::metadata_pack::PATH as PACK;
use vsekai_updater::limits;
use vsekai_updater::local::disk::{self, Durability};
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::text::counted;

use super::print;

/// Entries per page.
const BATCH: u32 = 500;

/// Exports the repository to a folder.
pub(super) async fn run(app: &Application, dir: &Path) -> Result<()> {
    let service = app.service();
    // Of one moment, and before chunks are copied: what is published meanwhile belongs to the next export.
    let mut files = service.db().repository_files().await?;
    if files.is_empty() {
        let reason = "there is no repository yet: nothing has been published".to_owned();
        let hint = "Publish to this server first, with `vsekai publish --server URL`";
        return Err(Error::command("not_found", reason, hint));
    }
    files
        .sort_by_key(|file| (!file.path.starts_with("targets/"), file.path == "tuf/timestamp.json", file.path.clone()));
    let store = LocalStore::create(&dir.join("store"))?;
    let (mut page, mut chunks, mut written) = (Page { after: None, limit: BATCH }, 0_u64, 0_u64);
    loop {
        let ids = service.db().chunk_ids(&page).await?;
        for id in &ids {
            chunks += 1;
            let path = store.path_of(id);
            if path.exists() {
                continue;
            }
            // It may have been collected since; then no version needs it.
            let Some(bytes) = service.chunks().get(id).await? else { continue };
            write(&path, &bytes, Durability::Kill)?;
            written += 1;
        }
        let Some(last) = ids.last().filter(|_| ids.len() == BATCH as usize) else { break };
        page.after = Some(*last);
    }
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
        counted(chunks, "chunk", "chunks"),
        counted(bundles as u64, "bundle", "bundles"),
        dir.display(),
        counted(written, "chunk was", "chunks were")
    ));
    Ok(())
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

/// Writes all bundles, then the lists that name them. Returns the number of bundles.
async fn export_bundles(app: &Application, dir: &Path) -> Result<usize> {
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
    Ok(bundles.len())
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
