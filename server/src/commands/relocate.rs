//! `vsekai-server move`: moves the chunks of a database to another place, while servers go on.
//!
//! Everything is copied, then the place is recorded, then what arrived meanwhile is copied. A process that has the old
//! place takes no more chunks from two seconds after that on, and still reads there: so the old copy stays until all
//! have been started again. `--finish` then removes it from the database. A move that was interrupted goes on when it is
//! repeated.

use std::sync::Arc;
use std::time::Duration;

use vsekai_server::app::Application;
use vsekai_server::bundles::Bundles;
use vsekai_server::chunks::{Chunks, Options, StorageLocation};
use vsekai_server::config::Config;
use vsekai_server::db::{self, Db, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_updater::text::counted;

use super::{entry, note, print, s3_settings};

/// Longer than any process trusts what it has read of the place, and than an upload takes that had begun.
const SETTLED: Duration = Duration::from_secs(5);

pub(super) async fn run(config: Config, to: &str, finish: bool) -> Result<()> {
    let target = StorageLocation::parse(to)?;
    let db = db::open(&config.database_url(), &Pools::default()).await?;
    let recorded = db.chunk_place(&config.chunks).await?;
    let is_switched = recorded.place == to;
    if finish && !is_switched {
        let reason = format!("The chunks are in {:?}, not in {to:?}", recorded.place);
        return Err(Error::config(reason, format!("Run `vsekai-server move --to {to}` first, without --finish")));
    }
    if finish && target == StorageLocation::Database {
        let reason = "--finish empties the database, which is where the chunks are";
        return Err(Error::config(reason, "There is nothing to finish: leave --finish out"));
    }
    let from = if is_switched { recorded.moved_from } else { recorded.place };
    if from.is_empty() || from == to {
        let hint = "There is nothing to move. `vsekai-server verify` checks that all of them are there";
        return Err(Error::config(format!("The chunks are in {to:?} already"), hint));
    }
    if finish {
        return clear(&config, &db, &from, target).await;
    }
    let old = open(&db, StorageLocation::parse(&from)?)?;
    let bundles = Bundles::open(Arc::clone(&db), &options(target.clone()))?;
    let new = open(&db, target)?;
    new.try_out().await?;
    if !is_switched {
        let (copied, _) = old.copy_to(&new).await?;
        note(&format!("{} copied; switching", counted(copied, "chunk", "chunks")));
        if !db.move_place(&from, to).await? {
            return Err(Error::Unavailable { code: "busy", reason: "Another process is moving the chunks".to_owned() });
        }
    }
    tokio::time::sleep(SETTLED).await;
    copy_rest(&old, &new).await?;
    let detail = serde_json::json!({"from": from, "to": to});
    db.add_audit(&entry("chunks.move", "", &detail)).await?;
    expel_bundles(&db, &bundles, false).await?;
    print(&format!("Moved the chunks from {from} to {to}. Start every server with chunks = {to:?}.\n"));
    if from == "database" {
        note(&format!(
            "The database still has them, for servers that were not started again. When all were, run \
             `vsekai-server move --to {to} --finish` to remove them."
        ));
    } else {
        note(&format!("Nothing was removed from {from}; do that when every server has been started again."));
    }
    Ok(())
}

/// Copies what arrived while the place changed.
async fn copy_rest(old: &Chunks, new: &Chunks) -> Result<()> {
    let (copied, lost) = old.copy_to(new).await?;
    note(&format!("{} copied that arrived meanwhile", counted(copied, "chunk", "chunks")));
    if lost > 0 {
        note(&format!("{} in neither place: see `vsekai-server verify`", counted(lost, "chunk is", "chunks are")));
    }
    Ok(())
}

/// Forgets bundles, of which `keeps` leaves those in the new place: any server with that builds them again from the
/// chunks. Nothing of them may stay: the same bundle, built again, has the same name.
async fn expel_bundles(db: &Arc<dyn Db>, new: &Bundles, keeps: bool) -> Result<()> {
    for bundle in db.bundles(None).await? {
        let (id, length) = (bundle.info.id, bundle.info.length);
        if !(keeps && new.is_sound(id, length, false).await?) {
            db.expel_bundle(&id).await?;
        }
    }
    db.expel_unlisted_bundles().await?;
    new.remove_expelled().await
}

/// Removes from the database what is elsewhere now.
async fn clear(config: &Config, db: &Arc<dyn Db>, from: &str, target: StorageLocation) -> Result<()> {
    let old = open(db, StorageLocation::Database)?;
    if from == "database" {
        copy_rest(&old, &open(db, target.clone())?).await?;
    }
    // A move that was killed may have left them.
    expel_bundles(db, &Bundles::open(Arc::clone(db), &options(target))?, true).await?;
    old.clear_database().await?;
    print("Removed the chunks and bundles from the database.\n");
    if config.database_url().starts_with("sqlite:") {
        note(&format!(
            "{} keeps its size, and uses the room for what comes; to make it smaller, replace it by what \
             `vsekai-server backup FILE` writes while no server runs.",
            config.database_shown()
        ));
    }
    Ok(())
}

fn open(db: &Arc<dyn Db>, location: StorageLocation) -> Result<Chunks> {
    Chunks::open(Arc::clone(db), &options(location))
}

fn options(location: StorageLocation) -> Options {
    Options { cache_bytes: 0, s3: s3_settings(), ..Options::new(location) }
}

/// Brings the bytes of chunks that are missing or damaged from another store.
pub(super) async fn repair(
    app: &Application,
    from: &str,
    ids: &[vsekai_updater::formats::chunk::ChunkId],
) -> Result<usize> {
    let mut repaired = 0;
    for id in ids {
        match super::import::chunk_of(from, id, app.service().chunks().max_stored_bytes()).await {
            Ok(bytes) => {
                app.service().chunks().repair(*id, bytes.into()).await?;
                print(&format!("repaired {id}\n"));
                repaired += 1;
            }
            Err(error) => note(&format!("{id}: {error}")),
        }
    }
    Ok(repaired)
}
