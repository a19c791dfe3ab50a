//! Bundles: rows, bytes, and the demand for them.

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::{Connection as _, query, query_as, query_scalar};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::Effort;

use super::steps::steps;
use super::store::{Store, statement, transaction, unchanging, write};
use super::{BEGIN_WRITE, Conn, Driver, STEP};
use crate::db::BundleDb;
use crate::db::retry::repeat;
use crate::db::rows::{self, AsksRow, BundleRow, IndexRow, number, parsed};
use crate::db::sql::{self, Moment};
use crate::error::{Error, Result};
use crate::model::{Asks, Bundle, BundleState, Time, VersionIndex};

#[async_trait]
impl BundleDb for Store {
    async fn indexes(&self) -> Result<Vec<VersionIndex>> {
        statement!(self, |conn| indexes(conn))
    }

    async fn begin_bundle(&self, bundle: &Bundle) -> Result<BundleState> {
        write!(self, |conn| begin(conn, bundle))
    }

    async fn put_bundle_parts(&self, id: &Digest, first: u64, parts: &[Bytes]) -> Result<()> {
        let mut first = first;
        for some in steps(parts, Bytes::len) {
            transaction!(self.chunk_writers, BEGIN_WRITE, |conn| put_parts(conn, id, first, some))?;
            first += some.len() as u64;
        }
        Ok(())
    }

    async fn publish_bundle(&self, bundle: &Bundle) -> Result<bool> {
        write!(self, |conn| publish(conn, bundle))
    }

    async fn publish_bundle_early(&self, bundle: &Bundle) -> Result<Option<BundleState>> {
        write!(self, |conn| publish_early(conn, bundle))
    }

    async fn bundle_state(&self, id: &Digest) -> Result<Option<BundleState>> {
        statement!(self, |conn| state(conn, id))
    }

    async fn raise_effort(&self, id: &Digest, effort: Effort) -> Result<()> {
        write!(self, |conn| raise_effort(conn, id, effort))
    }

    async fn bundle(&self, id: &Digest) -> Result<Option<Bundle>> {
        statement!(self, |conn| bundle(conn, id))
    }

    async fn bundles(&self, to: Option<&Digest>) -> Result<Vec<Bundle>> {
        statement!(self, |conn| bundles(conn, to))
    }

    async fn bundle_part(&self, id: &Digest, part: u64) -> Result<Option<Bytes>> {
        unchanging!(self, |conn, moment| part_of(conn, id, part, moment))
    }

    async fn doom_bundles(&self, now: Time, incoming_before: Time, waiting_before: Time) -> Result<u64> {
        let mut doomed = 0;
        loop {
            let some = write!(self, |conn| doom(conn, now, incoming_before, waiting_before))?;
            doomed += some;
            if some < STEP as u64 {
                return Ok(doomed);
            }
        }
    }

    async fn claim_bundles(&self, doomed_before: Time, limit: u32) -> Result<Vec<Digest>> {
        write!(self, |conn| claim(conn, doomed_before, limit))
    }

    async fn expel_bundle(&self, id: &Digest) -> Result<bool> {
        write!(self, |conn| expel(conn, id))
    }

    async fn expel_unlisted_bundles(&self) -> Result<()> {
        write!(self, |conn| expel_unlisted(conn))
    }

    async fn remove_bundle_parts(&self, id: &Digest, limit: u32) -> Result<u64> {
        write!(self, |conn| remove_parts(conn, id, limit))
    }

    async fn clear_bundle_parts(&self, limit: u32) -> Result<u64> {
        write!(self, |conn| clear_parts(conn, limit))
    }

    async fn forget_bundle(&self, id: &Digest) -> Result<()> {
        write!(self, |conn| forget(conn, id))
    }

    async fn add_asks(&self, day: i64, asks: &[Asks], oldest: i64) -> Result<()> {
        for some in asks.chunks(STEP) {
            write!(self, |conn| add_asks(conn, day, some))?;
        }
        while write!(self, |conn| remove_asks(conn, oldest))? == STEP as u64 {}
        Ok(())
    }

    async fn asks(&self, oldest: i64) -> Result<Vec<Asks>> {
        statement!(self, |conn| asks(conn, oldest))
    }
}

async fn indexes(conn: &mut Conn) -> Result<Vec<VersionIndex>> {
    rows::all(query_as::<Driver, IndexRow>(sql::INDEXES).fetch_all(conn).await?)
}

/// The version that a bundle needs, as stored.
fn from_text(from: Option<&Digest>) -> String {
    from.map(Digest::to_string).unwrap_or_default()
}

async fn begin(conn: &mut Conn, bundle: &Bundle) -> Result<BundleState> {
    let info = &bundle.info;
    let add = query(sql::ADD_BUNDLE)
        .bind(info.id.to_string())
        .bind(bundle.to.to_string())
        .bind(from_text(info.from.as_ref()))
        .bind(number(info.length)?)
        .bind(number(info.front_bytes)?)
        .bind(number(info.plain_bytes)?)
        .bind(bundle.info.effort.as_str())
        .bind(bundle.created_at.0);
    add.execute(&mut *conn).await?;
    state(conn, &info.id).await?.ok_or_else(|| rows::bad("bundles.state"))
}

async fn put_parts(conn: &mut Conn, id: &Digest, first: u64, parts: &[Bytes]) -> Result<()> {
    for (part, bytes) in (first..).zip(parts) {
        let put = query(sql::PUT_BUNDLE_PART).bind(id.to_string()).bind(number(part)?).bind(bytes.as_ref());
        put.execute(&mut *conn).await.map_err(|error| match &error {
            sqlx::Error::Database(of_database) if of_database.is_foreign_key_violation() => Error::Unavailable {
                code: "bundle_deleting",
                reason: "The bundle was removed by garbage collection".to_owned(),
            },
            _ => error.into(),
        })?;
    }
    Ok(())
}

async fn publish(conn: &mut Conn, bundle: &Bundle) -> Result<bool> {
    publish_by(conn, sql::PUBLISH_BUNDLE, bundle).await
}

async fn publish_early(conn: &mut Conn, bundle: &Bundle) -> Result<Option<BundleState>> {
    if publish_by(&mut *conn, sql::PUBLISH_BUNDLE_EARLY, bundle).await? {
        state(conn, &bundle.info.id).await
    } else {
        Ok(None)
    }
}

/// Lists the bundles that wait for the version with this index.
pub(super) async fn publish_waiting(conn: &mut Conn, to: &str, at: Time) -> Result<()> {
    query(sql::PUBLISH_WAITING_BUNDLES).bind(to).bind(at.0).execute(conn).await?;
    Ok(())
}

async fn state(conn: &mut Conn, id: &Digest) -> Result<Option<BundleState>> {
    let state = query_scalar::<Driver, String>(sql::BUNDLE_STATE).bind(id.to_string()).fetch_optional(conn).await?;
    state.map(|state| BundleState::parse(&state).ok_or_else(|| rows::bad("bundles.state"))).transpose()
}

async fn publish_by(conn: &mut Conn, statement: &'static str, bundle: &Bundle) -> Result<bool> {
    let id = bundle.info.id.to_string();
    let publish = query(statement).bind(&id).bind(bundle.created_at.0).bind(bundle.info.effort.as_str());
    if publish.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let others = query(sql::DOOM_OTHER_BUNDLES)
        .bind(&id)
        .bind(bundle.created_at.0)
        .bind(bundle.to.to_string())
        .bind(from_text(bundle.info.from.as_ref()));
    others.execute(conn).await?;
    Ok(true)
}

async fn raise_effort(conn: &mut Conn, id: &Digest, effort: Effort) -> Result<()> {
    query(sql::RAISE_EFFORT).bind(id.to_string()).bind(effort.as_str()).execute(conn).await?;
    Ok(())
}

async fn bundle(conn: &mut Conn, id: &Digest) -> Result<Option<Bundle>> {
    let row = query_as::<Driver, BundleRow>(sql::BUNDLE).bind(id.to_string()).fetch_optional(conn).await?;
    row.map(Bundle::try_from).transpose()
}

async fn bundles(conn: &mut Conn, to: Option<&Digest>) -> Result<Vec<Bundle>> {
    let query = match to {
        Some(to) => query_as::<Driver, BundleRow>(sql::BUNDLES_OF).bind(to.to_string()),
        None => query_as::<Driver, BundleRow>(sql::ALL_BUNDLES),
    };
    rows::all(query.fetch_all(conn).await?)
}

async fn part_of(conn: &mut Conn, id: &Digest, part: u64, moment: Moment) -> Result<Option<Bytes>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::at(sql::BUNDLE_PART, moment));
    let query = query.bind(id.to_string()).bind(number(part)?);
    Ok(query.fetch_optional(conn).await?.map(Bytes::from))
}

async fn doom(conn: &mut Conn, now: Time, incoming_before: Time, waiting_before: Time) -> Result<u64> {
    let doom = query(sql::DOOM_BUNDLES).bind(now.0).bind(incoming_before.0).bind(waiting_before.0).bind(number(STEP)?);
    Ok(doom.execute(conn).await?.rows_affected())
}

async fn claim(conn: &mut Conn, doomed_before: Time, limit: u32) -> Result<Vec<Digest>> {
    let claimable = query_scalar::<Driver, String>(sql::CLAIMABLE_BUNDLES);
    let ids = claimable.bind(doomed_before.0).bind(i64::from(limit)).fetch_all(&mut *conn).await?;
    for id in &ids {
        query(sql::CLAIM_BUNDLE).bind(id).execute(&mut *conn).await?;
    }
    ids.iter().map(|id| parsed(id, "bundles.id")).collect()
}

async fn expel(conn: &mut Conn, id: &Digest) -> Result<bool> {
    Ok(query(sql::CLAIM_BUNDLE).bind(id.to_string()).execute(conn).await?.rows_affected() > 0)
}

async fn expel_unlisted(conn: &mut Conn) -> Result<()> {
    query(sql::CLAIM_UNLISTED_BUNDLES).execute(conn).await?;
    Ok(())
}

async fn remove_parts(conn: &mut Conn, id: &Digest, limit: u32) -> Result<u64> {
    let remove = query(sql::REMOVE_BUNDLE_PARTS).bind(id.to_string()).bind(i64::from(limit));
    Ok(remove.execute(conn).await?.rows_affected())
}

async fn clear_parts(conn: &mut Conn, limit: u32) -> Result<u64> {
    let clear = query(sql::CLEAR_BUNDLE_PARTS).bind(i64::from(limit));
    Ok(clear.execute(conn).await?.rows_affected())
}

async fn forget(conn: &mut Conn, id: &Digest) -> Result<()> {
    query(sql::FORGET_BUNDLE).bind(id.to_string()).execute(conn).await?;
    Ok(())
}

async fn add_asks(conn: &mut Conn, day: i64, asks: &[Asks]) -> Result<()> {
    for asks in asks {
        let add = query(sql::ADD_ASKS).bind(asks.to.to_string()).bind(asks.from.to_string()).bind(day);
        add.bind(number(asks.count)?).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn remove_asks(conn: &mut Conn, oldest: i64) -> Result<u64> {
    Ok(query(sql::REMOVE_ASKS).bind(oldest).bind(number(STEP)?).execute(conn).await?.rows_affected())
}

async fn asks(conn: &mut Conn, oldest: i64) -> Result<Vec<Asks>> {
    rows::all(query_as::<Driver, AsksRow>(sql::ASKS).bind(oldest).fetch_all(conn).await?)
}
