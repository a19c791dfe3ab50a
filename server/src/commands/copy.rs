//! `vsekai-server export` and `vsekai-server import`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use vsekai_server::app::Open;
use vsekai_server::chunks::PutOutcome;
use vsekai_server::db::Page;
use vsekai_server::error::{Error, Result};
use vsekai_server::model::{RepositoryFile, Time};
use vsekai_server::pack;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::metadata_pack::PATH as PACK;
use vsekai_updater::limits;
use vsekai_updater::local::disk::{self, Durability};
use vsekai_updater::local::store::LocalStore;

use super::{note, print};

/// Chunks on their way at once.
const AT_ONCE: usize = 16;

/// Entries of one page.
const PIECE: u32 = 500;

/// Chunks first, then what names them, the timestamp and the pack last: whoever reads meanwhile finds all of an older state.
pub(super) async fn export(open: &Open, dir: &Path) -> Result<()> {
    let service = open.service();
    let paths = all_paths(open).await?;
    if paths.is_empty() {
        return Err(Error::NotFound { what: "repository yet: nothing has been published" });
    }
    // What is in force now, and does not change while chunks are copied.
    let mut files = Vec::new();
    for path in &paths {
        if let Some(bytes) = service.db().repository_file(path).await? {
            files.push(RepositoryFile { path: path.clone(), bytes: bytes.to_vec() });
        }
    }
    files
        .sort_by_key(|file| (!file.path.starts_with("targets/"), file.path == "tuf/timestamp.json", file.path.clone()));
    let store = LocalStore::create(&dir.join("store"))?;
    let (mut page, mut chunks, mut written) = (Page { after: None, limit: PIECE }, 0_u64, 0_u64);
    loop {
        let ids = service.db().chunk_ids(&page).await?;
        for id in &ids {
            chunks += 1;
            let path = store.path_of(id);
            if path.exists() {
                continue;
            }
            // It may have been cleaned up since: then no version needs it.
            let Some(bytes) = service.chunks().get(id).await? else { continue };
            write(&path, &bytes, Durability::Kill)?;
            written += 1;
        }
        let Some(last) = ids.last().filter(|_| ids.len() == PIECE as usize) else { break };
        page.after = Some(*last);
    }
    let bundles = super::bundle::export(open, dir).await?;
    for file in &files {
        write(&dir.join(&file.path), &file.bytes, Durability::PowerCut)?;
    }
    match pack::of_files(&files, &|path| beside(dir, path)) {
        Some(packed) => write(&dir.join(PACK), &packed, Durability::PowerCut)?,
        None => disk::remove_file(&dir.join(PACK))?,
    }
    print(&format!(
        "Exported {} signed files, {chunks} chunks and {bundles} bundles to {}; {written} chunks were new.\n",
        files.len(),
        dir.display()
    ));
    Ok(())
}

/// A list of bundles, which was exported before.
fn beside(dir: &Path, path: &str) -> std::result::Result<Option<Bytes>, vsekai_updater::Error> {
    let found = disk::read_if_exists(&dir.join(path), vsekai_updater::limits::MAX_DOCUMENT_BYTES)?;
    Ok(found.map(Bytes::from))
}

async fn all_paths(open: &Open) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut page = Page { after: None, limit: PIECE };
    loop {
        let paths = open.service().db().repository_paths(&page).await?;
        let is_last = paths.len() < PIECE as usize;
        page.after = paths.last().cloned();
        all.extend(paths);
        if is_last {
            return Ok(all);
        }
    }
}

pub(super) fn write(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    if disk::read_if_exists(path, bytes.len() as u64).ok().flatten().as_deref() == Some(bytes) {
        return Ok(());
    }
    disk::create_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(disk::write_atomic(path, bytes, durability)?)
}

pub(super) async fn import(open: &Open, store: &str, indexes: &[PathBuf], keep_days: u16) -> Result<()> {
    let is_url = store.starts_with("http://") || store.starts_with("https://");
    let ids = match (indexes, is_url) {
        ([], true) => {
            return Err(Error::Invalid {
                what: "--index",
                reason: "a URL cannot be listed; say which chunks".to_owned(),
            });
        }
        ([], false) => list(Path::new(store))?,
        (indexes, _) => named_by(indexes)?,
    };
    let keep_until = Time::now().plus_seconds(i64::from(keep_days) * 86_400);
    let mut wanted = Vec::new();
    let all: Vec<ChunkId> = ids.into_iter().collect();
    for some in all.chunks(5000) {
        wanted.extend(open.service().chunks().missing(some, keep_until).await?);
    }
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build();
    let client = client.map_err(|error| Error::Internal { context: format!("a client: {error}") })?;
    let max = open.service().chunks().max_stored_bytes();
    let copied = stream::iter(wanted)
        .map(|id| {
            let client = &client;
            async move {
                let bytes = if is_url { fetch(client, store, &id, max).await? } else { read(store, &id, max)? };
                Ok::<bool, Error>(open.service().chunks().put(id, bytes.into(), keep_until).await? == PutOutcome::New)
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0_u64, |count, is_new| async move { Ok(count + u64::from(is_new)) })
        .await?;
    print(&format!("Imported {copied} chunks; {} were here already.\n", all.len() as u64 - copied));
    note(&format!("They are kept for {keep_days} days. `vsekai publish --from-index` makes versions of them."));
    Ok(())
}

fn read(store: &str, id: &ChunkId, max: u64) -> Result<Vec<u8>> {
    Ok(disk::read(&Path::new(store).join(id.store_path()), max)?)
}

async fn fetch(client: &reqwest::Client, store: &str, id: &ChunkId, max: u64) -> Result<Vec<u8>> {
    let url = format!("{}/{}", store.trim_end_matches('/'), id.store_path());
    let failed = |error: reqwest::Error| Error::Invalid { what: "store", reason: format!("{url}: {error}") };
    let mut answer = client.get(&url).send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > max {
            return Err(Error::TooLarge { max_bytes: max });
        }
    }
    Ok(bytes)
}

fn named_by(indexes: &[PathBuf]) -> Result<BTreeSet<ChunkId>> {
    let mut ids = BTreeSet::new();
    for path in indexes {
        let index = Index::parse(&disk::read(path, limits::MAX_INDEX_BYTES)?)?;
        ids.extend(index.iter().map(|chunk| chunk.id));
    }
    Ok(ids)
}

/// The chunks of a folder: files `<4 hex>/<64 hex>.cacnk`.
fn list(store: &Path) -> Result<BTreeSet<ChunkId>> {
    let read = |path: &Path| {
        let failed =
            |error: std::io::Error| Error::Invalid { what: "store", reason: format!("{}: {error}", path.display()) };
        std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(failed)
    };
    let mut ids = BTreeSet::new();
    for folder in read(store)? {
        if !folder.path().is_dir() {
            continue;
        }
        for file in read(&folder.path())? {
            let name = file.file_name();
            let id = name.to_str().and_then(|name| ChunkId::from_str(name.strip_suffix(".cacnk")?).ok());
            ids.extend(id.filter(|id| file.path().ends_with(id.store_path())));
        }
    }
    if ids.is_empty() {
        return Err(Error::Invalid { what: "store", reason: format!("there are no chunks in {}", store.display()) });
    }
    Ok(ids)
}
