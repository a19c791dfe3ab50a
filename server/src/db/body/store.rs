//! A database of one driver: its pools, and the kinds of transaction that the methods of [`Db`] are made of. The
//! methods themselves are in the modules beside this one.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool, query, query_scalar};

use super::{BEGIN_WRITE, Conn, Driver, ROOM, leases};
use crate::db::retry::{check_room, repeat};
use crate::db::rows::unsigned;
use crate::db::{Db, sql};
use crate::error::{Error, Result};

/// The lease that is written to find out whether the database can be written to. Nobody holds it.
const READY: &str = "ready";

/// An open database.
pub(in crate::db) struct Store {
    /// For transactions that only read.
    pub(in crate::db) readers: Pool<Driver>,
    /// For all others: the same pool where the database has many writers, a single connection on `SQLite`.
    pub(in crate::db) writers: Pool<Driver>,
    /// For incoming chunks, which need not survive a power cut until the commit of their publication.
    pub(in crate::db) chunk_writers: Pool<Driver>,
    /// Whether what never changes is read as of a moment ago, from the nearest copy: see [`unchanging`].
    pub(in crate::db) reads_earlier: AtomicBool,
    /// Whether this is `PostgreSQL` itself, which takes many rows by COPY, and can hash.
    pub(in crate::db) is_postgres: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("driver", &<Driver as sqlx::Database>::NAME)
            .field("reads_earlier", &self.reads_earlier())
            .finish_non_exhaustive()
    }
}

/// A connection that a transaction begins on. It is closed if nobody waits for the answer: sqlx does not know then that
/// there is a transaction, and whoever gets the connection next would read in it, and see what was true when it began.
pub(super) struct Beginning<'a> {
    pub(super) held: &'a mut PoolConnection<Driver>,
    pub(super) is_answered: bool,
}

impl<'a> Beginning<'a> {
    pub(super) fn of(held: &'a mut PoolConnection<Driver>) -> Self {
        Self { held, is_answered: false }
    }
}

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.held.close_on_drop();
        }
    }
}

/// A single statement that only reads, which is a transaction already.
macro_rules! statement {
    ($self:ident, |$conn:ident| $body:expr) => {
        repeat!($self.readers, |held| {
            let $conn: &mut Conn = &mut held;
            $body.await
        })
    };
}

/// A statement that reads what never changes once it is there: `$body` gives an `Option`. `CockroachDB` answers it from
/// the nearest copy, as of a few seconds ago. What is not there yet is asked for again, as of now.
macro_rules! unchanging {
    ($self:ident, |$conn:ident, $moment:ident| $body:expr) => {{
        let mut found = None;
        if $self.reads_earlier() {
            let $moment = Moment::Earlier;
            let earlier: Result<_> = statement!($self, |$conn| $body);
            found = earlier.unwrap_or_else(|error| $self.cannot_read_earlier(&error));
        }
        match found {
            Some(found) => Ok(Some(found)),
            None => {
                let $moment = Moment::Now;
                statement!($self, |$conn| $body)
            }
        }
    }};
}

/// Statements in one transaction on a pool, retried as a whole.
macro_rules! transaction {
    ($pool:expr, $begin:expr, |$conn:ident| $body:expr) => {
        repeat!($pool, |held| {
            let mut beginning = super::store::Beginning::of(&mut held);
            let begun = beginning.held.begin_with($begin).await;
            beginning.is_answered = true;
            let mut transaction = begun?;
            let $conn: &mut Conn = &mut transaction;
            let value = $body.await?;
            transaction.commit().await?;
            Ok(value)
        })
    };
}

/// Several statements that see the same moment.
macro_rules! snapshot {
    ($self:ident, |$conn:ident| $body:expr) => {
        transaction!($self.readers, BEGIN_READ, |$conn| $body)
    };
}

/// A transaction that writes. An error rolls it back.
macro_rules! write {
    ($self:ident, |$conn:ident| $body:expr) => {
        transaction!($self.writers, BEGIN_WRITE, |$conn| $body)
    };
}

pub(super) use {snapshot, statement, transaction, unchanging, write};

impl Store {
    pub(super) fn reads_earlier(&self) -> bool {
        self.reads_earlier.load(Ordering::Relaxed)
    }

    /// From now on, everything is read as of now.
    pub(super) fn cannot_read_earlier<T: Default>(&self, error: &Error) -> T {
        tracing::warn!(event = "followers_refused", %error, cause = crate::problem::causes_of(error), "the database refuses reads from followers");
        self.reads_earlier.store(false, Ordering::Relaxed);
        T::default()
    }
}

#[async_trait]
impl Db for Store {
    async fn close(&self) {
        for pool in [&self.readers, &self.chunk_writers, &self.writers] {
            pool.close().await;
        }
    }

    async fn ping(&self) -> Result<()> {
        statement!(self, |conn| ping(conn))
    }

    async fn ping_writers(&self) -> Result<()> {
        check_room()?;
        write!(self, |conn| leases::lease(conn, READY, READY, 0))?;
        transaction!(self.chunk_writers, BEGIN_WRITE, |conn| leases::lease(conn, READY, READY, 0))?;
        Ok(())
    }

    fn connections(&self) -> (u32, usize) {
        (self.readers.size(), self.readers.num_idle())
    }

    async fn room(&self) -> Result<u64> {
        statement!(self, |conn| room(conn))
    }
}

async fn ping(conn: &mut Conn) -> Result<()> {
    query(sql::PING).execute(conn).await?;
    Ok(())
}

async fn room(conn: &mut Conn) -> Result<u64> {
    unsigned(query_scalar::<Driver, i64>(ROOM).fetch_one(conn).await?, "the room in the database")
}
