//! Which chunks a version needs: noted before the version is published, and removed after it is withdrawn, in steps.
//!
//! ```text
//! incoming  ->  live  ->  dropped  ->  gone
//! ```

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_as, query_scalar};
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::Platform;

use super::chunks::{change_in, in_order, not_live, release};
use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver, STEP};
use crate::db::retry::{self, repeat};
use crate::db::rows::{chunk_id, number, parsed};
use crate::db::{LeftoverDb, Publish, sql};
use crate::error::{Error, Result};
use crate::model::Time;

/// How often to begin a set again that clean-up or another commit of the same publication has dropped.
const MAX_BEGINNINGS: u32 = 5;

#[async_trait]
impl LeftoverDb for Store {
    async fn remove_leftovers(&self, before: Time) -> Result<u64> {
        let mut dropped = 0;
        loop {
            let some = write!(self, |conn| drop_left(conn, before))?;
            dropped += some;
            if some < STEP as u64 {
                break;
            }
        }
        self.clear_sets().await?;
        for (version, platform) in statement!(self, |conn| unneeded_references(conn))? {
            self.clear_references(version, &platform).await?;
        }
        self.remove_contents(before).await?;
        Ok(dropped)
    }
}

impl Store {
    /// Notes the chunks of a publication. Returns those that are not live, in which case nothing is noted.
    pub(super) async fn note_chunks(&self, publish: &Publish, at: Time) -> Result<Vec<ChunkId>> {
        let ids = in_order(&publish.chunks);
        let set = publish.upload_id;
        let missing = statement!(self, |conn| not_live(conn, &ids))?;
        if !missing.is_empty() {
            return Ok(missing);
        }
        for _ in 0..MAX_BEGINNINGS {
            let state = transaction!(self.chunk_writers, BEGIN_WRITE, |conn| begin(conn, publish, at))?;
            match state.as_str() {
                "incoming" => {}
                "live" => return Ok(Vec::new()),
                _ => {
                    self.clear_set(set).await?;
                    continue;
                }
            }
            for some in ids.chunks(STEP) {
                transaction!(self.chunk_writers, BEGIN_WRITE, |conn| note(conn, set, some))?;
            }
            if statement!(self, |conn| size(conn, set))? == number(ids.len())? {
                return Ok(Vec::new());
            }
            // Chunks have gone meanwhile, or an earlier commit of this publication has noted others.
            let missing = statement!(self, |conn| not_live(conn, &ids))?;
            write!(self, |conn| drop_one(conn, set))?;
            self.clear_set(set).await?;
            if !missing.is_empty() {
                return Ok(missing);
            }
        }
        Err(retry::busy())
    }

    /// Removes all dropped sets.
    pub(super) async fn clear_sets(&self) -> Result<()> {
        for set in statement!(self, |conn| dropped(conn))? {
            self.clear_set(set).await?;
        }
        Ok(())
    }

    async fn clear_set(&self, set: Uuid) -> Result<()> {
        while transaction!(self.chunk_writers, BEGIN_WRITE, |conn| clear_some(conn, set))? == STEP {}
        Ok(())
    }

    /// [`clear_sets`](Self::clear_sets) for what servers have noted before there were sets.
    pub(super) async fn clear_references(&self, version: Uuid, platform: &Platform) -> Result<()> {
        while transaction!(self.chunk_writers, BEGIN_WRITE, |conn| clear_some_references(conn, version, platform))?
            == STEP
        {}
        Ok(())
    }
}

/// Returns the state of the set.
async fn begin(conn: &mut Conn, publish: &Publish, at: Time) -> Result<String> {
    let begin = query(sql::BEGIN_SET)
        .bind(publish.upload_id)
        .bind(publish.version_id)
        .bind(publish.platform.as_str())
        .bind(at.0);
    begin.execute(&mut *conn).await?;
    let state = state(conn, publish.upload_id).await?;
    state.ok_or_else(|| Error::internal("a set of chunks was not begun"))
}

async fn state(conn: &mut Conn, set: Uuid) -> Result<Option<String>> {
    Ok(query_scalar::<Driver, String>(sql::SET_STATE).bind(set).fetch_optional(conn).await?)
}

/// Notes those of `ids` that are live. From then on, clean-up spares them.
async fn note(conn: &mut Conn, set: Uuid, ids: &[ChunkId]) -> Result<()> {
    if is_incoming(&mut *conn, set).await? {
        change_in(conn, sql::USE_CHUNKS, ids, |query| query).await?;
        change_in(conn, sql::ADD_TO_SET, ids, |query| query.bind(set)).await?;
    }
    Ok(())
}

/// Whether all chunks of a publication are still noted: clean-up may have removed them.
pub(super) async fn is_noted(conn: &mut Conn, publish: &Publish) -> Result<bool> {
    let (set, count) = (publish.upload_id, in_order(&publish.chunks).len());
    Ok(is_incoming(&mut *conn, set).await? && size(conn, set).await? == number(count)?)
}

async fn size(conn: &mut Conn, set: Uuid) -> Result<i64> {
    Ok(query_scalar::<Driver, i64>(sql::SET_SIZE).bind(set).fetch_one(conn).await?)
}

async fn is_incoming(conn: &mut Conn, set: Uuid) -> Result<bool> {
    Ok(state(conn, set).await?.as_deref() == Some("incoming"))
}

/// Makes the incoming set that of its version.
pub(super) async fn publish(conn: &mut Conn, publish: &Publish, at: Time) -> Result<()> {
    drop_of(conn, publish.version_id, &publish.platform, at).await?;
    let live = query(sql::PUBLISH_SET)
        .bind(publish.upload_id)
        .bind(publish.version_id)
        .bind(publish.platform.as_str())
        .bind(at.0);
    live.execute(conn).await?;
    Ok(())
}

/// Drops the sets of a version and platform.
pub(super) async fn drop_of(conn: &mut Conn, version: Uuid, platform: &Platform, at: Time) -> Result<()> {
    query(sql::DROP_SETS).bind(version).bind(platform.as_str()).bind(at.0).execute(conn).await?;
    Ok(())
}

async fn drop_one(conn: &mut Conn, set: Uuid) -> Result<()> {
    query(sql::DROP_SET).bind(set).execute(conn).await?;
    Ok(())
}

async fn drop_left(conn: &mut Conn, before: Time) -> Result<u64> {
    Ok(query(sql::DROP_LEFT_SETS).bind(before.0).bind(number(STEP)?).execute(conn).await?.rows_affected())
}

async fn dropped(conn: &mut Conn) -> Result<Vec<Uuid>> {
    Ok(query_scalar::<Driver, Uuid>(sql::DROPPED_SETS).fetch_all(conn).await?)
}

/// Removes some chunks from a dropped set, and the set if there are no more. Returns how many.
async fn clear_some(conn: &mut Conn, set: Uuid) -> Result<usize> {
    let query_ids = query_scalar::<Driver, Vec<u8>>(sql::DROPPED_CHUNKS).bind(set).bind(number(STEP)?);
    let ids = ids(&query_ids.fetch_all(&mut *conn).await?)?;
    change_in(conn, sql::REMOVE_FROM_SET, &ids, |query| query.bind(set)).await?;
    release(conn, &ids).await?;
    if ids.len() < STEP {
        query(sql::FORGET_SET).bind(set).execute(conn).await?;
    }
    Ok(ids.len())
}

async fn unneeded_references(conn: &mut Conn) -> Result<Vec<(Uuid, Platform)>> {
    let found = query_as::<Driver, (Uuid, String)>(sql::UNNEEDED_REFERENCES).fetch_all(conn).await?;
    found.into_iter().map(|(id, platform)| Ok((id, parsed(platform, "version_chunks.platform")?))).collect()
}

async fn clear_some_references(conn: &mut Conn, version: Uuid, platform: &Platform) -> Result<usize> {
    let unneeded =
        query_scalar::<Driver, Vec<u8>>(sql::UNNEEDED_CHUNKS).bind(version).bind(platform.as_str()).bind(number(STEP)?);
    let ids = ids(&unneeded.fetch_all(&mut *conn).await?)?;
    let bind = |platform: &Platform| platform.as_str().to_owned();
    change_in(conn, sql::REMOVE_REFERENCES, &ids, |query| query.bind(version).bind(bind(platform))).await?;
    release(conn, &ids).await?;
    Ok(ids.len())
}

fn ids(found: &[Vec<u8>]) -> Result<Vec<ChunkId>> {
    found.iter().map(|id| chunk_id(id)).collect()
}
