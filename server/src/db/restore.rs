//! Puts a copy of an `SQLite` database in the place of one that is there.
//!
//! The copy is made whole beside the database first, and the one that is there is kept under another name: whatever goes
//! wrong, or is killed, one of both is left.

use std::path::{Path, PathBuf};

use vsekai_updater::local::disk;
use vsekai_updater::text;

use super::{Db, Pools, open, sqlite};
use crate::error::{Error, Result};
use crate::model::Time;

/// What belongs to a database besides its file.
const LOGS: [&str; 2] = ["-wal", "-shm"];

/// Replaces the `SQLite` database by a copy of this file, in the form of this server. Returns where the one of before is
/// now, if there was one.
///
/// # Errors
/// `backup_invalid`, `busy`; [`Error::Config`] for other databases, which have tools of their own; those of the disk.
pub async fn restore(url: &str, file: &Path) -> Result<Option<PathBuf>> {
    let target = sqlite::file_of(url).map_err(|_| not_sqlite())?;
    if !file.is_file() {
        let reason = format!("there is no file {}", file.display());
        return Err(Error::command(
            "backup_invalid",
            reason,
            "Name a file that `vsekai-server backup FILE` has written",
        ));
    }
    if file.canonicalize().is_ok_and(|file| target.canonicalize().is_ok_and(|target| file == target)) {
        let reason = format!("{} is the database of this server itself", file.display());
        return Err(Error::command("backup_invalid", reason, "Name the file of the backup"));
    }
    sqlite::check_folder(&target)?;
    if is_in_use(url, &target).await? {
        let hint = "Stop every server of this database, and run it again";
        return Err(Error::command("busy", "a server is using the database that is to be replaced", hint));
    }
    let fresh = beside(&target, "restoring");
    remove(&fresh)?;
    let outcome = async {
        copy(file, &fresh)?;
        bring_up(&fresh, file).await
    };
    if let Err(error) = outcome.await {
        let _ = remove(&fresh);
        return Err(error);
    }
    let old = target.exists().then(|| beside(&target, &format!("replaced-{}", Time::now().0 / 1_000_000)));
    if let Some(old) = &old {
        // Its log first: without the file, nobody takes it for that of another.
        for log in LOGS.iter().filter(|log| with(&target, log).exists()) {
            rename(&with(&target, log), &with(old, log))?;
        }
        rename(&target, old)?;
    }
    for log in LOGS.iter().filter(|log| with(&fresh, log).exists()) {
        rename(&with(&fresh, log), &with(&target, log))?;
    }
    rename(&fresh, &target)?;
    Ok(old)
}

/// The error for what only `SQLite` can do.
fn not_sqlite() -> Error {
    let hint = "Restore PostgreSQL with `pg_restore`, CockroachDB with RESTORE. Then run `vsekai-server raise --seen N`, with \
                the version of the timestamp that players have seen";
    Error::config("`restore` replaces SQLite databases only", hint)
}

/// A database that is damaged is used by nobody.
async fn is_in_use(url: &str, target: &Path) -> Result<bool> {
    Ok(target.exists() && sqlite::is_in_use(url).await.unwrap_or(false))
}

/// Checks the copy, and brings its tables up to date.
async fn bring_up(fresh: &Path, file: &Path) -> Result<()> {
    let invalid = |why: &str| {
        let reason = format!("{} is no backup of a server: {why}", file.display());
        Error::command("backup_invalid", reason, "Name a file that `vsekai-server backup FILE` has written")
    };
    sqlite::check_whole(fresh).await?.map_err(|why| invalid(&why))?;
    let url = format!("sqlite:{}", fresh.display());
    let db: std::sync::Arc<dyn Db> = open(&url, &Pools::default()).await?;
    db.close().await;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    sqlite::make_file(to)?;
    let source = || format!("copying {} to {}", from.display(), to.display());
    std::fs::copy(from, to).map_err(|error| failed(&source(), &error))?;
    // A database that was copied as files has the latest in its log.
    let log = with(from, LOGS[0]);
    if log.exists() {
        sqlite::make_file(&with(to, LOGS[0]))?;
        std::fs::copy(&log, with(to, LOGS[0])).map_err(|error| failed(&source(), &error))?;
    }
    let all = std::fs::File::open(to).and_then(|file| file.sync_all());
    all.map_err(|error| failed(&source(), &error))
}

fn remove(file: &Path) -> Result<()> {
    for one in [file.to_owned(), with(file, LOGS[0]), with(file, LOGS[1])] {
        disk::remove_all(&one)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| failed(&format!("renaming {}", from.display()), &error))
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    let reason = format!("{what}: {}", text::system_reason(error));
    Error::config(reason, "Let the user of the server write to the folder of the database, and make room there")
}

/// A name beside the database.
fn beside(target: &Path, what: &str) -> PathBuf {
    with(target, &format!(".{what}"))
}

fn with(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}
