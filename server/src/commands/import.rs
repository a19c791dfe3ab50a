//! `vsekai-server import`: takes the chunks of a desync or casync store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use futures_util::{StreamExt, TryStreamExt, stream};
use vsekai_server::app::Application;
use vsekai_server::chunks::PutOutcome;
use vsekai_server::error::{Error, Result};
use vsekai_server::model::Time;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::Index;
use vsekai_updater::limits;
use vsekai_updater::local::disk;
use vsekai_updater::net::api::MAX_MISSING_IDS;
use vsekai_updater::text::{self, counted};

use super::{entry, note, print};

/// Chunks copied at the same time.
const CONCURRENCY: usize = 16;

/// What a store is.
const STORE: &str =
    "Name the folder of a desync or casync store, which has folders such as 0a1b with .cacnk files in them";

/// Copies the missing chunks of a store: all of a folder, or those that the indexes name.
pub(super) async fn run(app: &Application, store: &str, indexes: &[PathBuf], keep_days: u16) -> Result<()> {
    let is_url = store.starts_with("http://") || store.starts_with("https://");
    let ids = match (indexes, is_url) {
        ([], true) => {
            let reason = "a store at a URL cannot be listed".to_owned();
            let hint = "Name each index whose chunks you want with `--index FILE.caidx`";
            return Err(Error::command("store_unreadable", reason, hint));
        }
        ([], false) => list(Path::new(store))?,
        (indexes, _) => named_by(indexes)?,
    };
    let keep_until = Time::now().plus_seconds(i64::from(keep_days) * 86_400);
    let mut wanted = Vec::new();
    let all: Vec<ChunkId> = ids.into_iter().collect();
    for batch in all.chunks(MAX_MISSING_IDS) {
        let missing = app.service().chunks().missing(batch, keep_until).await?;
        // A row may be there without its bytes, after a restore.
        let lacking: BTreeSet<ChunkId> = missing.iter().copied().collect();
        let known: Vec<ChunkId> = batch.iter().copied().filter(|id| !lacking.contains(id)).collect();
        wanted.extend(app.service().chunks().find_lost(&known).await?);
        wanted.extend(missing);
    }
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build();
    let client = client.map_err(Error::internal_by("making an HTTP client"))?;
    let max = app.service().chunks().max_stored_bytes();
    let copied = stream::iter(wanted)
        .map(|id| {
            let client = &client;
            async move {
                let bytes = if is_url { fetch(client, store, &id, max).await? } else { read(store, &id, max)? };
                Ok::<bool, Error>(app.service().chunks().put(id, bytes.into(), keep_until).await? == PutOutcome::New)
            }
        })
        .buffer_unordered(CONCURRENCY)
        .try_fold(0_u64, |count, is_new| async move { Ok(count + u64::from(is_new)) })
        .await?;
    if copied > 0 {
        let detail = serde_json::json!({"from": vsekai_updater::text::without_secrets(store), "chunks": copied});
        app.service().db().add_audit(&entry("chunks.import", "", &detail)).await?;
    }
    print(&format!(
        "Imported {}; {} were already there.\n",
        counted(copied, "chunk", "chunks"),
        all.len() as u64 - copied
    ));
    note(&format!(
        "They are kept for {}. Publish versions from them with `vsekai publish --from-index`.",
        counted(u64::from(keep_days), "day", "days")
    ));
    Ok(())
}

/// A chunk of a store, which is a folder or a URL.
pub(super) async fn chunk_of(store: &str, id: &ChunkId, max: u64) -> Result<Vec<u8>> {
    if !(store.starts_with("http://") || store.starts_with("https://")) {
        return read(store, id, max);
    }
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build();
    let client = client.map_err(Error::internal_by("making an HTTP client"))?;
    fetch(&client, store, id, max).await
}

fn read(store: &str, id: &ChunkId, max: u64) -> Result<Vec<u8>> {
    Ok(disk::read(&Path::new(store).join(id.store_path()), max)?)
}

async fn fetch(client: &reqwest::Client, store: &str, id: &ChunkId, max: u64) -> Result<Vec<u8>> {
    let url = format!("{}/{}", store.trim_end_matches('/'), id.store_path());
    let failed = |error: reqwest::Error| Error::Invalid { what: "store", reason: format!("{url}: {error}") };
    let mut response = client.get(&url).send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > max {
            return Err(Error::TooLarge { max_bytes: max });
        }
    }
    Ok(bytes)
}

/// The chunks that these indexes name.
fn named_by(indexes: &[PathBuf]) -> Result<BTreeSet<ChunkId>> {
    let mut ids = BTreeSet::new();
    for path in indexes {
        let index = Index::parse(&disk::read(path, limits::MAX_INDEX_BYTES)?)?;
        ids.extend(index.iter().map(|chunk| chunk.id));
    }
    Ok(ids)
}

/// The chunks in a folder: files named `<4 hex>/<64 hex>.cacnk`.
fn list(store: &Path) -> Result<BTreeSet<ChunkId>> {
    let read = |path: &Path| {
        let failed = |error: std::io::Error| {
            let reason = format!("{} cannot be read: {}", path.display(), text::system_reason(&error));
            Error::command("store_unreadable", reason, STORE)
        };
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
        let reason = format!("there are no chunks in {}", store.display());
        return Err(Error::command("store_unreadable", reason, STORE));
    }
    Ok(ids)
}
