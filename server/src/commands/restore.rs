//! `vsekai-server restore`: puts a backup in the place of the database, and signs above what players have seen of the one
//! that was there.

use std::path::Path;

use vsekai_server::config::Config;
use vsekai_server::db::{self, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_server::service::timestamp_version;
use vsekai_updater::local::disk;

use super::{note, open, print};

pub(super) async fn run(mut config: Config, file: &Path, seen: Option<u64>) -> Result<()> {
    if config.database.is_empty() {
        disk::prefer_private_directory(&config.data)?;
    }
    let url = config.database_url();
    let old = db::restore(&url, file).await?;
    print(&format!("Restored {} to {}.\n", file.display(), config.database_shown()));
    if let Some(old) = &old {
        print(&format!("The database that was there is in {}.\n", old.display()));
    }
    let before = match &old {
        Some(old) => version_of(&format!("sqlite:{}", old.display())).await,
        None => None,
    };
    // Its chunks may be at another place than those of the database that was there.
    if let Some(found) = db::look_for_place(&url).await? {
        config.chunks = found.place;
    }
    let now = version_of(&url).await.unwrap_or_default();
    let rest = "Put back the keys and the chunks that belong to it, and run `vsekai-server verify`.";
    match seen.max(before) {
        Some(seen) if seen > now => {
            let raised = async { open(config).await?.service().raise(seen).await };
            let version = raised.await.map_err(|error| unraised(&error, seen))?;
            print(&format!(
                "The timestamp is at version {version}, above what players have seen. Publish again what the backup lacks.\n"
            ));
            note(rest);
        }
        Some(_) => note(rest),
        None => {
            note(rest);
            note(&format!(
                "Players who have seen a timestamp above version {now} refuse this one: then run `vsekai-server raise --seen N`, with the \
                 version that their error `metadata_rollback` names."
            ));
        }
    }
    Ok(())
}

/// The version of the timestamp; `None` also for a database that is damaged.
async fn version_of(url: &str) -> Option<u64> {
    let db = db::open(url, &Pools::default()).await.ok()?;
    let version = db.view().await.ok().as_ref().and_then(timestamp_version);
    db.close().await;
    version
}

fn unraised(error: &Error, seen: u64) -> Error {
    let reason = format!("The database is restored, but nothing could be signed: {error}");
    let hint =
        format!("Put back the folder of the keys, and run `vsekai-server raise --seen {seen}` before players ask");
    Error::command(error.code(), reason, hint)
}
