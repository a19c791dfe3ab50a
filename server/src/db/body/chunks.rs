//! Chunks: rows, bytes, which versions need them, and their removal.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Database, Row as _, query, query_as, query_scalar};
use vsekai_updater::formats::chunk::ChunkId;

use super::steps::steps;
use super::store::{Store, statement, transaction, unchanging, write};
use super::{BEGIN_WRITE, Conn, Driver, STEP};
use crate::db::retry::repeat;
use crate::db::rows::{chunk_id, number, unsigned};
use crate::db::sql::{self, Moment};
use crate::db::{ChunkCounts, ChunkDb, Page};
use crate::error::Result;
use crate::model::{NewChunk, Time};

/// Chunks whose bytes are read at once. One of the lengths of lists.
const READ: usize = 32;

/// Stored bytes of a chunk that are in its row; what follows is a row of its own. It can never change.
const HEAD_BYTES: usize = 1 << 20;

type Arguments = <Driver as Database>::Arguments;

#[async_trait]
impl ChunkDb for Store {
    async fn missing(&self, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>> {
        let mut all = Vec::new();
        for some in in_order(ids).chunks(STEP) {
            all.extend(write!(self, |conn| missing(conn, some, keep_until))?);
        }
        Ok(all)
    }

    async fn put_chunk(&self, chunk: &NewChunk, bytes: Option<Bytes>) -> Result<Option<bool>> {
        let chunk = [(chunk.clone(), bytes)];
        let outcomes = transaction!(self.chunk_writers, BEGIN_WRITE, |conn| put(conn, &chunk))?;
        Ok(outcomes.first().copied().flatten())
    }

    async fn put_chunks(&self, chunks: &[(NewChunk, Option<Bytes>)]) -> Result<Vec<Option<bool>>> {
        let mut outcomes = Vec::with_capacity(chunks.len());
        for some in steps(chunks, |(_, bytes)| bytes.as_ref().map_or(0, Bytes::len)) {
            outcomes.extend(transaction!(self.chunk_writers, BEGIN_WRITE, |conn| put(conn, some))?);
        }
        Ok(outcomes)
    }

    async fn chunk_bytes(&self, id: &ChunkId) -> Result<Option<Bytes>> {
        unchanging!(self, |conn, moment| bytes(conn, id, moment))
    }

    async fn chunks_bytes(&self, ids: &[ChunkId]) -> Result<Vec<Option<Bytes>>> {
        let mut found = BTreeMap::new();
        if self.reads_earlier() {
            let earlier: Result<_> = statement!(self, |conn| bytes_of(conn, ids, Moment::Earlier));
            found = earlier.unwrap_or_else(|error| self.cannot_read_earlier(&error));
        }
        let others: Vec<_> = ids.iter().filter(|id| !found.contains_key(*id)).copied().collect();
        found.extend(statement!(self, |conn| bytes_of(conn, &others, Moment::Now))?);
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn chunk_size(&self, id: &ChunkId) -> Result<Option<u64>> {
        statement!(self, |conn| size(conn, id))
    }

    async fn lose_chunks(&self, ids: &[ChunkId]) -> Result<()> {
        for some in in_order(ids).chunks(STEP) {
            write!(self, |conn| change(conn, sql::LOSE_CHUNKS, some))?;
        }
        Ok(())
    }

    async fn drop_chunk_data(&self, ids: &[ChunkId]) -> Result<()> {
        for some in in_order(ids).chunks(STEP) {
            write!(self, |conn| drop_data(conn, some))?;
        }
        Ok(())
    }

    async fn chunk_ids(&self, page: &Page<ChunkId>) -> Result<Vec<ChunkId>> {
        statement!(self, |conn| ids(conn, page))
    }

    async fn chunk_counts(&self) -> Result<ChunkCounts> {
        statement!(self, |conn| counts(conn))
    }

    async fn count_unused(&self, now: Time) -> Result<(u64, u64)> {
        statement!(self, |conn| count_unused(conn, now))
    }

    async fn doom(&self, now: Time, limit: u32) -> Result<u64> {
        // Candidates are selected outside the transaction that dooms them, which checks them again. That keeps it
        // short, and it conflicts only with transactions that want the same chunks.
        let ids = statement!(self, |conn| unused(conn, now, limit))?;
        let mut doomed = 0;
        for some in ids.chunks(STEP) {
            doomed += write!(self, |conn| doom(conn, now, some))?;
        }
        Ok(doomed)
    }

    async fn sweep(&self, doomed_before: Time, limit: u32) -> Result<u64> {
        let ids = statement!(self, |conn| select(conn, sql::DOOMED_CHUNKS, doomed_before, limit))?;
        let mut removed = 0;
        for some in ids.chunks(STEP) {
            removed += write!(self, |conn| sweep(conn, some))?;
        }
        Ok(removed)
    }

    async fn claim(&self, doomed_before: Time, limit: u32) -> Result<Vec<ChunkId>> {
        write!(self, |conn| claim(conn, doomed_before, limit))
    }

    async fn forget(&self, ids: &[ChunkId]) -> Result<()> {
        for some in in_order(ids).chunks(STEP) {
            write!(self, |conn| forget(conn, some))?;
        }
        Ok(())
    }
}

/// A statement with a list of ids. `bind` binds the values before it.
fn with_ids(
    statement: &'static str,
    ids: &[ChunkId],
    bind: impl FnOnce(Query<'static, Driver, Arguments>) -> Query<'static, Driver, Arguments>,
) -> Query<'static, Driver, Arguments> {
    let (text, length) = sql::list(statement, ids.len());
    // The text consists of one of our constants and numbers.
    bind_ids(bind(query(AssertSqlSafe(text))), ids, length)
}

/// Binds this many ids, the last one again and again if there are fewer.
fn bind_ids(
    mut query: Query<'static, Driver, Arguments>,
    ids: &[ChunkId],
    length: usize,
) -> Query<'static, Driver, Arguments> {
    let padding = ids.last().into_iter().cycle();
    for id in ids.iter().chain(padding).take(length) {
        query = query.bind(id.as_bytes().to_vec());
    }
    query
}

/// Runs a statement for all `ids`, a list at a time. `bind` binds the values before the list. Returns the number of rows
/// changed.
pub(super) async fn change_in(
    conn: &mut Conn,
    statement: &'static str,
    ids: &[ChunkId],
    bind: impl Fn(Query<'static, Driver, Arguments>) -> Query<'static, Driver, Arguments>,
) -> Result<u64> {
    let mut changed = 0;
    for part in ids.chunks(sql::LIST) {
        changed += with_ids(statement, part, &bind).execute(&mut *conn).await?.rows_affected();
    }
    Ok(changed)
}

async fn change(conn: &mut Conn, statement: &'static str, ids: &[ChunkId]) -> Result<u64> {
    change_in(conn, statement, ids, |query| query).await
}

/// [`change`] with a time as the first value.
async fn change_at(conn: &mut Conn, statement: &'static str, time: Time, ids: &[ChunkId]) -> Result<u64> {
    change_in(conn, statement, ids, |query| query.bind(time.0)).await
}

/// Those of `ids` that are live, and how long each is kept: forever while a version needs it.
async fn live(conn: &mut Conn, ids: &[ChunkId]) -> Result<BTreeMap<ChunkId, Time>> {
    let mut live = BTreeMap::new();
    for part in ids.chunks(sql::LIST) {
        for row in with_ids(sql::LIVE_CHUNKS, part, |query| query).fetch_all(&mut *conn).await? {
            let kept = if row.try_get(2)? { Time(i64::MAX) } else { Time(row.try_get(1)?) };
            live.insert(chunk_id(row.try_get(0)?)?, kept);
        }
    }
    Ok(live)
}

fn not_in(live: &BTreeMap<ChunkId, Time>, ids: &[ChunkId]) -> Vec<ChunkId> {
    ids.iter().filter(|id| !live.contains_key(*id)).copied().collect()
}

/// Sorts ids. Every transaction locks rows in this order, so that two of them never deadlock.
pub(super) fn in_order(ids: &[ChunkId]) -> Vec<ChunkId> {
    ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

async fn missing(conn: &mut Conn, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>> {
    let live = live(conn, ids).await?;
    let to_pin: Vec<_> = live.iter().filter(|(_, until)| **until < keep_until).map(|(id, _)| *id).collect();
    for part in in_rows(&to_pin) {
        let mut query = query(AssertSqlSafe(sql::rows(sql::PIN_CHUNKS, part.len())));
        for id in part {
            query = query.bind(id.as_bytes().to_vec()).bind(keep_until.0);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(not_in(&live, ids))
}

/// Those of `ids` that are not live.
pub(super) async fn not_live(conn: &mut Conn, ids: &[ChunkId]) -> Result<Vec<ChunkId>> {
    Ok(not_in(&live(conn, ids).await?, ids))
}

/// Records that a version no longer needs these chunks; another may. Open uploads have not pinned chunks that were in
/// use, so all of these are kept until the last open upload expires.
pub(super) async fn release(conn: &mut Conn, ids: &[ChunkId]) -> Result<()> {
    let last_expiry = query_scalar::<Driver, i64>(sql::LAST_EXPIRY).fetch_one(&mut *conn).await?;
    change_at(conn, sql::RELEASE_CHUNKS, Time(last_expiry), ids).await?;
    Ok(())
}

/// Returns for each chunk whether it was not live before; `None` if it was skipped because it is being deleted.
async fn put(conn: &mut Conn, chunks: &[(NewChunk, Option<Bytes>)]) -> Result<Vec<Option<bool>>> {
    let mut outcomes = Vec::with_capacity(chunks.len());
    for all in chunks.chunks(sql::LIST) {
        // Each id once, in order.
        let part: BTreeMap<_, _> = all.iter().map(|(chunk, bytes)| (chunk.id, (chunk, bytes))).collect();
        let ids: Vec<_> = part.keys().copied().collect();
        let states = states(conn, &ids).await?;
        let is = |id: &ChunkId, state| states.get(id).is_some_and(|is| is == state);
        let kept: Vec<_> = part.iter().filter(|(id, _)| !is(id, "deleting")).map(|(_, chunk)| *chunk).collect();
        outcomes.extend(all.iter().map(|(chunk, _)| (!is(&chunk.id, "deleting")).then_some(!is(&chunk.id, "live"))));

        let new: Vec<_> = kept.iter().map(|(chunk, _)| *chunk).filter(|c| !states.contains_key(&c.id)).collect();
        add_rows(conn, &new).await?;
        let known: Vec<_> = kept.iter().map(|(c, _)| c.id).filter(|id| states.contains_key(id)).collect();
        let keep_until = kept.iter().map(|(chunk, _)| chunk.keep_until).max().unwrap_or_default();
        change_at(conn, sql::REVIVE_CHUNKS, keep_until, &known).await?;
        let data: Vec<_> = kept.iter().filter_map(|(chunk, bytes)| Some((chunk.id, bytes.as_ref()?))).collect();
        add_data(conn, &data).await?;
    }
    Ok(outcomes)
}

async fn states(conn: &mut Conn, ids: &[ChunkId]) -> Result<BTreeMap<ChunkId, String>> {
    let rows = with_ids(sql::CHUNK_STATES, ids, |query| query).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((chunk_id(row.try_get(0)?)?, row.try_get(1)?))).collect()
}

/// Splits into parts of the lengths in [`sql::ROWS`], so that few statements are prepared.
fn in_rows<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let length = sql::ROWS.into_iter().find(|length| *length <= rest.len())?;
        let part;
        (part, rest) = rest.split_at(length);
        Some(part)
    })
}

async fn add_rows(conn: &mut Conn, chunks: &[&NewChunk]) -> Result<()> {
    for part in in_rows(chunks) {
        let mut query = query(AssertSqlSafe(sql::rows(sql::ADD_CHUNKS, part.len())));
        for chunk in part {
            query = query
                .bind(chunk.id.as_bytes().as_slice())
                .bind(number(chunk.size)?)
                .bind(number(chunk.stored_size)?)
                .bind(chunk.keep_until.0);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

async fn add_data(conn: &mut Conn, chunks: &[(ChunkId, &Bytes)]) -> Result<()> {
    for (id, bytes) in chunks.iter().filter(|(_, bytes)| bytes.len() > HEAD_BYTES) {
        add_tail(conn, id, &bytes[HEAD_BYTES..]).await?;
    }
    for part in in_rows(chunks) {
        let mut query = query(AssertSqlSafe(sql::rows(sql::ADD_CHUNK_DATA, part.len())));
        for (id, bytes) in part {
            query = query.bind(id.as_bytes().as_slice()).bind(&bytes[..bytes.len().min(HEAD_BYTES)]);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

/// Adds what does not fit into the row of a chunk, before that row. A chunk that has its row keeps it, and this may be
/// compressed differently.
async fn add_tail(conn: &mut Conn, id: &ChunkId, bytes: &[u8]) -> Result<()> {
    let there = query_scalar::<Driver, i64>(sql::HAS_CHUNK_DATA).bind(id.as_bytes().as_slice());
    if there.fetch_one(&mut *conn).await? == 0 {
        query(sql::ADD_CHUNK_TAIL).bind(id.as_bytes().as_slice()).bind(bytes).execute(conn).await?;
    }
    Ok(())
}

async fn bytes(conn: &mut Conn, id: &ChunkId, moment: Moment) -> Result<Option<Bytes>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::at(sql::CHUNK_BYTES, moment)).bind(id.as_bytes().as_slice());
    match query.fetch_optional(&mut *conn).await? {
        Some(head) => Ok(Some(with_tail(conn, id, head, moment).await?)),
        None => Ok(None),
    }
}

/// All bytes of a chunk. Older servers have stored them as one.
async fn with_tail(conn: &mut Conn, id: &ChunkId, mut bytes: Vec<u8>, moment: Moment) -> Result<Bytes> {
    if bytes.len() == HEAD_BYTES {
        let tail = query_scalar::<Driver, Vec<u8>>(sql::at(sql::CHUNK_TAIL, moment)).bind(id.as_bytes().as_slice());
        bytes.extend(tail.fetch_optional(conn).await?.unwrap_or_default());
    }
    Ok(bytes.into())
}

async fn bytes_of(conn: &mut Conn, ids: &[ChunkId], moment: Moment) -> Result<BTreeMap<ChunkId, Bytes>> {
    let mut found = BTreeMap::new();
    for part in ids.chunks(READ) {
        let (text, length) = sql::list(sql::CHUNKS_BYTES, part.len());
        let query = bind_ids(query(sql::at(&text, moment)), part, length);
        for row in query.fetch_all(&mut *conn).await? {
            let id = chunk_id(row.try_get(0)?)?;
            found.insert(id, with_tail(conn, &id, row.try_get(1)?, moment).await?);
        }
    }
    Ok(found)
}

async fn size(conn: &mut Conn, id: &ChunkId) -> Result<Option<u64>> {
    let query = query_scalar::<Driver, i64>(sql::CHUNK_SIZE).bind(id.as_bytes().as_slice());
    query.fetch_optional(conn).await?.map(|size| unsigned(size, "chunks.stored_size")).transpose()
}

async fn ids(conn: &mut Conn, page: &Page<ChunkId>) -> Result<Vec<ChunkId>> {
    let after: &[u8] = page.after.as_ref().map_or(&[], |id| id.as_bytes());
    let query = query_scalar::<Driver, Vec<u8>>(sql::CHUNK_IDS).bind(after).bind(i64::from(page.limit));
    query.fetch_all(conn).await?.iter().map(|id| chunk_id(id)).collect()
}

async fn counts(conn: &mut Conn) -> Result<ChunkCounts> {
    let mut counts = ChunkCounts::default();
    for (state, count, bytes) in query_as::<Driver, (String, i64, i64)>(sql::CHUNK_COUNTS).fetch_all(conn).await? {
        let count = unsigned(count, "chunks")?;
        match state.as_str() {
            "live" => {
                (counts.live, counts.live_bytes) = (count, unsigned(bytes, "chunks.stored_size")?);
            }
            "doomed" => counts.doomed = count,
            "lost" => counts.lost = count,
            _ => counts.deleting = count,
        }
    }
    Ok(counts)
}

async fn count_unused(conn: &mut Conn, now: Time) -> Result<(u64, u64)> {
    let query = query_as::<Driver, (i64, i64)>(sql::COUNT_UNUSED).bind(now.0);
    let (count, bytes) = query.fetch_one(conn).await?;
    Ok((unsigned(count, "chunks")?, unsigned(bytes, "chunks.stored_size")?))
}

/// The ids that a statement with a time and a limit returns, in order.
async fn select(conn: &mut Conn, statement: &'static str, before: Time, limit: u32) -> Result<Vec<ChunkId>> {
    let query = query_scalar::<Driver, Vec<u8>>(statement).bind(before.0).bind(i64::from(limit));
    let ids: Vec<_> = query.fetch_all(conn).await?.iter().map(|id| chunk_id(id)).collect::<Result<_>>()?;
    Ok(in_order(&ids))
}

async fn unused(conn: &mut Conn, now: Time, limit: u32) -> Result<Vec<ChunkId>> {
    select(conn, sql::UNUSED_CHUNKS, now, limit).await
}

/// Dooms those of `ids` that are still unused.
async fn doom(conn: &mut Conn, now: Time, ids: &[ChunkId]) -> Result<u64> {
    change_at(conn, sql::DOOM_CHUNKS, now, ids).await
}

async fn drop_data(conn: &mut Conn, ids: &[ChunkId]) -> Result<()> {
    change(conn, sql::DROP_CHUNK_DATA, ids).await?;
    change(conn, sql::DROP_CHUNK_TAILS, ids).await?;
    Ok(())
}

/// Removes the bytes of those of `ids` that have no row any more.
async fn remove_data(conn: &mut Conn, ids: &[ChunkId]) -> Result<()> {
    change(conn, sql::REMOVE_CHUNK_DATA, ids).await?;
    change(conn, sql::REMOVE_CHUNK_TAILS, ids).await?;
    Ok(())
}

/// Removes those of `ids` that are still doomed.
async fn sweep(conn: &mut Conn, ids: &[ChunkId]) -> Result<u64> {
    let removed = change(conn, sql::REMOVE_DOOMED, ids).await?;
    remove_data(conn, ids).await?;
    Ok(removed)
}

async fn claim(conn: &mut Conn, doomed_before: Time, limit: u32) -> Result<Vec<ChunkId>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::CLAIMED_CHUNKS).bind(i64::from(limit));
    let claimed: Vec<_> = query.fetch_all(&mut *conn).await?.iter().map(|id| chunk_id(id)).collect::<Result<_>>()?;
    let room = limit.saturating_sub(u32::try_from(claimed.len()).unwrap_or(limit));
    let new = select(conn, sql::DOOMED_CHUNKS, doomed_before, room).await?;
    change(conn, sql::CLAIM_CHUNKS, &new).await?;
    Ok([claimed, new].concat())
}

async fn forget(conn: &mut Conn, ids: &[ChunkId]) -> Result<()> {
    change(conn, sql::FORGET_CHUNKS, ids).await?;
    remove_data(conn, ids).await
}
