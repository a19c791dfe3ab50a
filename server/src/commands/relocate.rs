//! `vsekai-server move`: moves the chunks of a database to another place, while servers go on.
//!
//! Everything is copied, then the place is recorded, then what arrived meanwhile is copied. A process that has the old
//! place takes no more chunks from two seconds after that on. A move that was interrupted goes on when it is repeated.

use std::sync::Arc;
use std::time::Duration;

use vsekai_server::app::Application;
use vsekai_server::chunks::{Chunks, Options, StorageLocation};
use vsekai_server::config::Config;
use vsekai_server::db::{self, Db, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_updater::text::counted;

use super::{entry, note, print, s3_settings};

/// Longer than any process trusts what it has read of the place, and than an upload takes that had begun.
const SETTLED: Duration = Duration::from_secs(5);

pub(super) async fn run(config: Config, to: &str) -> Result<()> {
    let target = StorageLocation::parse(to)?;
    let db = db::open(&config.database_url(), &Pools::default()).await?;
    let recorded = db.chunk_place(&config.chunks).await?;
    let is_switched = recorded.place == to;
    let from = if is_switched { recorded.moved_from } else { recorded.place };
    if from.is_empty() || from == to {
        return Err(Error::Config(format!("The chunks are in {to:?} already")));
    }
    let old = open(&db, StorageLocation::parse(&from)?)?;
    let new = open(&db, target.clone())?;
    if !is_switched {
        let (copied, _) = old.copy_to(&new).await?;
        note(&format!("{} copied; switching", counted(copied, "chunk", "chunks")));
        if !db.move_place(&from, to).await? {
            return Err(Error::Unavailable { code: "busy", reason: "Another process is moving the chunks".to_owned() });
        }
    }
    tokio::time::sleep(SETTLED).await;
    let (copied, lost) = old.copy_to(&new).await?;
    note(&format!("{} copied that arrived meanwhile", counted(copied, "chunk", "chunks")));
    if lost > 0 {
        note(&format!("{} in neither place: see `vsekai-server verify`", counted(lost, "chunk is", "chunks are")));
    }
    let detail = serde_json::json!({"from": from, "to": to});
    db.add_audit(&entry("chunks.move", "", &detail)).await?;
    // Bundles are built again from the chunks, by any server with the new place.
    let bundles = db.bundles(None).await?;
    for bundle in &bundles {
        db.expel_bundle(&bundle.info.id).await?;
    }
    db.expel_waiting_bundles().await?;
    if from == "database" && target != StorageLocation::Database {
        old.clear_database().await?;
    }
    print(&format!("Moved the chunks from {from} to {to}. Start every server with chunks = {to:?}.\n"));
    if from != "database" {
        note(&format!("Nothing was removed from {from}; do that when every server has been started again."));
    }
    Ok(())
}

fn open(db: &Arc<dyn Db>, location: StorageLocation) -> Result<Chunks> {
    let options = Options { cache_bytes: 0, s3: s3_settings(), ..Options::new(location) };
    Chunks::open(Arc::clone(db), &options)
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
