//! The signed repository: its rows and files, and the one transaction that changes them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::{AssertSqlSafe, Connection as _, query, query_as, query_scalar};
use uuid::Uuid;
use vsekai_updater::formats::release::Platform;

use super::contents::{self, Staged};
use super::store::{Store, snapshot, statement, transaction, write};
use super::{BEGIN_READ, BEGIN_WRITE, CHANGE_ROWS, Conn, Driver, STEP, audit, bundles, reports, sets, uploads};
use crate::db::retry::{self, repeat};
use crate::db::rows::{self, CdnRow, ModeRow, RepositoryFileRow, StoredFile, VersionRow, number, parsed, unsigned};
use crate::db::{Applied, Change, Publish, RepositoryDb, RowChange, View, sql};
use crate::error::{Error, Result};
use crate::model::{Cdn, Mode, ModeVersion, RepositoryFile, Time, VersionFile};

/// Files that are read with one statement.
const FILES_AT_ONCE: i64 = 16;

/// How often to read a file again that is replaced meanwhile, and to begin a change again whose preparation clean-up has
/// removed.
const MAX_BEGINNINGS: u32 = 3;

#[async_trait]
impl RepositoryDb for Store {
    async fn view(&self) -> Result<View> {
        snapshot!(self, |conn| view(conn))
    }

    async fn apply(&self, change: &Change) -> Result<Applied> {
        check_size(change)?;
        let large = contents::too_large(&change.files);
        for _ in 0..MAX_BEGINNINGS {
            if self.revision().await? != change.revision {
                return Ok(Applied::Stale);
            }
            for staged in &large {
                self.stage(staged, change.at).await?;
            }
            if let Some(publish) = &change.publish {
                let missing = self.note_chunks(publish, change.at).await?;
                if !missing.is_empty() {
                    return Ok(Applied::ChunksMissing(missing));
                }
            }
            if let Some(applied) = write!(self, |conn| apply(conn, change, &large))? {
                if matches!(applied, Applied::Done(_)) {
                    self.remove_withdrawn(change).await;
                }
                return Ok(applied);
            }
        }
        Err(retry::busy())
    }

    async fn repository_file(&self, path: &str) -> Result<Option<Bytes>> {
        for _ in 0..MAX_BEGINNINGS {
            let Some(StoredFile { bytes, content, .. }) = statement!(self, |conn| file(conn, path))? else { break };
            let Some((digest, length)) = content else { return Ok(Some(bytes.into())) };
            if let Some(bytes) = self.content(&digest, length).await? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    async fn revision(&self) -> Result<u64> {
        statement!(self, |conn| revision(conn))
    }

    async fn repository_files(&self) -> Result<Vec<RepositoryFile>> {
        snapshot!(self, |conn| files(conn))
    }

    async fn remove_superseded(&self, before: Time) -> Result<u64> {
        let mut removed = 0;
        loop {
            let some = write!(self, |conn| remove_superseded(conn, before))?;
            removed += some;
            if some < STEP as u64 {
                return Ok(removed);
            }
        }
    }
}

impl Store {
    /// Removes what the withdrawn versions of a change needed. Clean-up does what fails here.
    async fn remove_withdrawn(&self, change: &Change) {
        let withdrawn: Vec<_> = change.rows.iter().filter_map(removed).collect();
        if withdrawn.is_empty() {
            return;
        }
        let removed = async {
            self.clear_sets().await?;
            for (version, platform) in withdrawn {
                self.clear_references(version, platform).await?;
            }
            Ok(())
        };
        let removed: Result<()> = removed.await;
        if let Err(error) = removed {
            tracing::warn!(
                event = "leftovers_kept",
                code = error.code(),
                "clean-up will remove what withdrawn versions needed: {error}"
            );
        }
    }
}

/// Refuses a change of more rows than one transaction may have: of those that come with a publication, only withdrawals
/// can be so many. Each has three files, which are marked, too, and a set of chunks.
fn check_size(change: &Change) -> Result<()> {
    let rows = change.rows.iter().map(|row| match row {
        RowChange::RemoveFiles(..) => 7,
        RowChange::File(_) => 2,
        _ => 1,
    });
    let others = 2 * (change.files.len() + change.in_force.len()) + change.audit.len() + 10;
    if rows.sum::<usize>() + others > CHANGE_ROWS {
        let reason =
            "it withdraws too many versions at once; keep more of them, and withdraw the others later".to_owned();
        return Err(Error::Invalid { what: "publication", reason });
    }
    Ok(())
}

fn removed(row: &RowChange) -> Option<(Uuid, &Platform)> {
    match row {
        RowChange::RemoveFiles(version, platform) => Some((*version, platform)),
        _ => None,
    }
}

async fn view(conn: &mut Conn) -> Result<View> {
    let revision = revision(&mut *conn).await?;
    let modes = query_as::<Driver, ModeRow>(sql::ALL_MODES).fetch_all(&mut *conn).await?;
    let versions = query_as::<Driver, VersionRow>(sql::ALL_VERSIONS).fetch_all(&mut *conn).await?;
    let platforms = query_as::<Driver, (Uuid, String)>(sql::ALL_PLATFORMS).fetch_all(&mut *conn).await?;
    let cdns = query_as::<Driver, CdnRow>(sql::ALL_CDNS).fetch_all(&mut *conn).await?;
    let metadata = query_as::<Driver, RepositoryFileRow>(sql::METADATA).fetch_all(&mut *conn).await?;
    let metadata = whole(conn, metadata).await?;
    let platform = |(id, name): (Uuid, String)| Ok((id, parsed(&name, "files.platform")?));

    let mut view = View {
        revision,
        modes: rows::all(modes)?,
        versions: rows::all(versions)?,
        platforms: platforms.into_iter().map(platform).collect::<Result<_>>()?,
        cdns: rows::all(cdns)?,
        metadata,
    };
    // Sorted here and not in SQL: each database orders text differently, and what is signed must not depend on that.
    view.modes.sort_by(|one, other| one.name.cmp(&other.name));
    view.platforms.sort();
    view.cdns.sort_by(|one, other| one.name.cmp(&other.name));
    view.metadata.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(view)
}

async fn revision(conn: &mut Conn) -> Result<u64> {
    let revision = query_scalar::<Driver, i64>(sql::REVISION).fetch_one(conn).await?;
    unsigned(revision, "repository.revision")
}

async fn file(conn: &mut Conn, path: &str) -> Result<Option<StoredFile>> {
    let row = query_as::<Driver, RepositoryFileRow>(sql::REPOSITORY_FILE).bind(path).fetch_optional(conn).await?;
    row.map(StoredFile::try_from).transpose()
}

async fn whole(conn: &mut Conn, found: Vec<RepositoryFileRow>) -> Result<Vec<RepositoryFile>> {
    let mut files = Vec::with_capacity(found.len());
    for file in rows::all::<_, StoredFile>(found)? {
        files.push(contents::whole(conn, file).await?);
    }
    Ok(files)
}

async fn files(conn: &mut Conn) -> Result<Vec<RepositoryFile>> {
    let mut all: Vec<RepositoryFile> = Vec::new();
    loop {
        let after = all.last().map_or("", |file| file.path.as_str()).to_owned();
        let query = query_as::<Driver, RepositoryFileRow>(sql::REPOSITORY_FILES).bind(after).bind(FILES_AT_ONCE);
        let some = query.fetch_all(&mut *conn).await?;
        let some = whole(conn, some).await?;
        let is_last = i64::try_from(some.len()).is_ok_and(|count| count < FILES_AT_ONCE);
        all.extend(some);
        if is_last {
            return Ok(all);
        }
    }
}

/// The revision is updated first: of two changes decided on the same revision, the later one waits or conflicts there,
/// whatever else they change. Does nothing, and returns `None`, if clean-up has removed what was written before.
async fn apply(conn: &mut Conn, change: &Change, large: &[Staged<'_>]) -> Result<Option<Applied>> {
    if revision(&mut *conn).await? == change.revision && !is_prepared(&mut *conn, change, large).await? {
        return Ok(None);
    }
    let next = query(sql::NEXT_REVISION).bind(number(change.revision)?).execute(&mut *conn).await?;
    if next.rows_affected() == 0 {
        return Ok(Some(Applied::Stale));
    }
    for row in &change.rows {
        change_row(conn, row, change.at).await?;
    }
    if let Some(publish) = &change.publish {
        end_publication(conn, publish, change.at).await?;
    }
    for file in &change.files {
        put_file(conn, file, large.iter().find(|staged| staged.path == file.path)).await?;
    }
    put_in_force(conn, &change.in_force, change.at).await?;
    for entry in &change.audit {
        audit::add_audit(conn, entry).await?;
    }
    Ok(Some(Applied::Done(change.revision + 1)))
}

async fn is_prepared(conn: &mut Conn, change: &Change, large: &[Staged<'_>]) -> Result<bool> {
    for staged in large {
        if !contents::is_whole(&mut *conn, staged).await? {
            return Ok(false);
        }
    }
    match &change.publish {
        Some(publish) => sets::is_noted(conn, publish).await,
        None => Ok(true),
    }
}

async fn change_row(conn: &mut Conn, row: &RowChange, at: Time) -> Result<()> {
    match row {
        RowChange::Mode(mode) => put_mode(conn, mode).await,
        RowChange::Version(version) => put_version(conn, version).await,
        RowChange::File(file) => put_version_file(conn, file, at).await,
        RowChange::RemoveFiles(version, platform) => remove_files(conn, *version, platform, at).await,
        RowChange::Cdn(cdn) => put_cdn(conn, cdn).await,
        RowChange::RemoveCdn(uid) => {
            query(sql::REMOVE_CDN).bind(*uid).execute(conn).await?;
            Ok(())
        }
        RowChange::RemoveTarget(path) => supersede_unnamed(conn, path, at).await,
        RowChange::Halt(halt) => reports::put_halt(conn, halt).await,
        RowChange::ForgetReports(version) => reports::forget(conn, *version).await,
    }
}

/// Turns the violation of a unique constraint into a conflict.
fn or_exists(code: &'static str, what: String) -> impl FnOnce(sqlx::Error) -> Error {
    move |error| match &error {
        sqlx::Error::Database(of_database) if of_database.is_unique_violation() => {
            Error::Conflict { code, reason: format!("{what} exists already") }
        }
        _ => error.into(),
    }
}

async fn put_mode(conn: &mut Conn, mode: &Mode) -> Result<()> {
    let query = query(sql::PUT_MODE)
        .bind(mode.id)
        .bind(mode.name.as_str())
        .bind(&mode.description)
        .bind(mode.is_active)
        .bind(mode.update_to)
        .bind(number(mode.sequence)?)
        .bind(mode.updated_at.0);
    query.execute(&mut *conn).await.map_err(or_exists("mode_exists", format!("The mode {}", mode.name)))?;
    reports::put_limit(conn, mode).await
}

async fn put_version(conn: &mut Conn, version: &ModeVersion) -> Result<()> {
    let query = query(sql::PUT_VERSION)
        .bind(version.id)
        .bind(version.mode_id)
        .bind(version.version.to_string())
        .bind(version.version.sort_key().into_bytes())
        .bind(version.state.as_str())
        .bind(version.skip_update)
        .bind(version.recalled)
        .bind(i64::from(version.rollout))
        .bind(number(version.sequence)?)
        .bind(&version.manifest_file_uri)
        .bind(version.published_at.0)
        .bind(version.updated_at.0);
    query.execute(conn).await.map_err(or_exists("version_exists", format!("The version {}", version.version)))?;
    Ok(())
}

async fn put_version_file(conn: &mut Conn, file: &VersionFile, at: Time) -> Result<()> {
    let before = query_scalar::<Driver, String>(sql::FILE_URI)
        .bind(file.version_id)
        .bind(file.platform.as_str())
        .bind(&file.file_name)
        .fetch_optional(&mut *conn)
        .await?;
    let query = query(sql::PUT_FILE)
        .bind(file.id)
        .bind(file.version_id)
        .bind(file.platform.as_str())
        .bind(&file.file_name)
        .bind(&file.file_uri)
        .bind(&file.file_checksum_hash)
        .bind(number(file.size)?);
    query.execute(&mut *conn).await?;
    if file.file_name == "index.caidx" {
        bundles::publish_waiting(&mut *conn, &file.file_checksum_hash, at).await?;
    }
    match before {
        Some(before) if before != file.file_uri => supersede_unnamed(conn, &before, at).await,
        _ => Ok(()),
    }
}

async fn remove_files(conn: &mut Conn, version: Uuid, platform: &Platform, at: Time) -> Result<()> {
    sets::drop_of(conn, version, platform, at).await?;
    let query_uris = query_scalar::<Driver, String>(sql::FILE_URIS).bind(version).bind(platform.as_str());
    let uris = query_uris.fetch_all(&mut *conn).await?;
    query(sql::REMOVE_FILES).bind(version).bind(platform.as_str()).execute(&mut *conn).await?;
    for uri in uris {
        supersede_unnamed(conn, &uri, at).await?;
    }
    Ok(())
}

/// Marks a target that no version names any more, so that it is removed later.
async fn supersede_unnamed(conn: &mut Conn, path: &str, at: Time) -> Result<()> {
    query(sql::SUPERSEDE_UNNAMED).bind(at.0).bind(path).execute(conn).await?;
    Ok(())
}

async fn put_cdn(conn: &mut Conn, cdn: &Cdn) -> Result<()> {
    let query = query(sql::PUT_CDN)
        .bind(cdn.uid)
        .bind(&cdn.name)
        .bind(&cdn.uri)
        .bind(&cdn.region)
        .bind(cdn.is_enabled)
        .bind(i64::from(cdn.weight))
        .bind(cdn.updated_at.0)
        .bind(cdn.health.is_healthy)
        .bind(i64::from(cdn.health.contrary_count))
        .bind(cdn.health.latency_ms.map(i64::from))
        .bind(cdn.health.last_checked_on.map(|time| time.0));
    query.execute(conn).await.map_err(or_exists("cdn_exists", format!("A CDN with the name {}", cdn.name)))?;
    Ok(())
}

async fn end_publication(conn: &mut Conn, publish: &Publish, at: Time) -> Result<()> {
    sets::publish(conn, publish, at).await?;
    uploads::end(conn, publish.upload_id, publish.sequence).await
}

/// The kind of a file, which decides how long it stays: a `root` forever, because clients walk from the root they know
/// to the newest one by one; `metadata` until it has been out of force for a while; a `target` until no version names
/// it.
fn kind(path: &str) -> &'static str {
    let is_root = |name: &str| name.strip_suffix(".root.json").is_some_and(|number| number.parse::<u64>().is_ok());
    match (path.strip_prefix("tuf/"), path.strip_prefix("targets/")) {
        (Some(name), _) if is_root(name) => "root",
        (Some(_), _) => "metadata",
        (_, Some(name)) if name.ends_with("catalog.json") && !name.contains('/') => "metadata",
        _ => "target",
    }
}

/// Puts a file, or the name of its content if that is large.
async fn put_file(conn: &mut Conn, file: &RepositoryFile, large: Option<&Staged<'_>>) -> Result<()> {
    let bytes = if large.is_some() { &[] } else { file.bytes.as_slice() };
    query(sql::PUT_REPOSITORY_FILE).bind(&file.path).bind(kind(&file.path)).bind(bytes).execute(&mut *conn).await?;
    if let Some(staged) = large {
        return contents::name(conn, staged).await;
    }
    query(sql::UNNAME_CONTENT).bind(&file.path).execute(conn).await?;
    Ok(())
}

/// Makes exactly these paths the metadata in force.
async fn put_in_force(conn: &mut Conn, paths: &[String], at: Time) -> Result<()> {
    let wanted: BTreeSet<_> = paths.iter().map(String::as_str).collect();
    let live = query_as::<Driver, (String, bool)>(sql::LIVE_METADATA).fetch_all(&mut *conn).await?;
    let gone: Vec<_> = live.iter().map(|(path, _)| path.as_str()).filter(|path| !wanted.contains(path)).collect();
    let in_force: BTreeSet<_> = live.iter().filter(|(_, is_in_force)| *is_in_force).map(|(path, _)| path).collect();
    let new: Vec<_> = wanted.into_iter().filter(|path| !in_force.iter().any(|known| known == path)).collect();

    for part in gone.chunks(sql::LIST) {
        change_paths(conn, sql::TAKE_OUT_OF_FORCE, Some(at), part).await?;
    }
    for part in new.chunks(sql::LIST) {
        change_paths(conn, sql::PUT_IN_FORCE, None, part).await?;
    }
    Ok(())
}

async fn change_paths(conn: &mut Conn, statement: &'static str, at: Option<Time>, paths: &[&str]) -> Result<()> {
    let (text, length) = sql::list(statement, paths.len());
    let mut query = query(AssertSqlSafe(text));
    if let Some(at) = at {
        query = query.bind(at.0);
    }
    for path in paths.iter().chain(paths.last().into_iter().cycle()).take(length) {
        query = query.bind(*path);
    }
    query.execute(conn).await?;
    Ok(())
}

async fn remove_superseded(conn: &mut Conn, before: Time) -> Result<u64> {
    let remove = query(sql::REMOVE_SUPERSEDED).bind(before.0).bind(number(STEP)?);
    Ok(remove.execute(conn).await?.rows_affected())
}
