//! Files of the repository that are too large for a row: their contents are written before, in steps, and named by the
//! transaction that makes the change.

use std::collections::BTreeSet;

use bytes::Bytes;
use sqlx::{Connection as _, query, query_scalar};
use vsekai_updater::digest::Digest;

use super::store::{Store, statement, transaction, unchanging, write};
use super::{BEGIN_WRITE, Conn, Driver, STEP};
use crate::db::retry::repeat;
use crate::db::rows::{StoredFile, number};
use crate::db::sql::{self, Moment};
use crate::error::{Error, Result};
use crate::model::{RepositoryFile, Time};

/// Size of a part. It can never change, because stored contents depend on it.
pub(super) const PART_BYTES: usize = 1 << 20;

/// Bytes of files that the transaction of a change writes itself.
const INLINE_BYTES: usize = 1 << 20;

/// A file whose content is written before the change that names it.
pub(super) struct Staged<'a> {
    pub(super) path: &'a str,
    pub(super) digest: String,
    bytes: &'a [u8],
}

/// The files that are too large for the transaction of the change: the largest, until the others are few bytes.
pub(super) fn too_large(files: &[RepositoryFile]) -> Vec<Staged<'_>> {
    let mut by_size: Vec<_> = files.iter().collect();
    by_size.sort_by_key(|file| (file.bytes.len(), &file.path));
    let mut inline = 0;
    let large = by_size.into_iter().filter(|file| {
        inline += file.bytes.len();
        inline > INLINE_BYTES
    });
    large
        .map(|file| Staged { path: &file.path, digest: Digest::of(&file.bytes).to_string(), bytes: &file.bytes })
        .collect()
}

impl Store {
    /// Writes a content that nothing names yet. Clean-up leaves it alone for a while after `at`.
    pub(super) async fn stage(&self, staged: &Staged<'_>, at: Time) -> Result<()> {
        let Staged { digest, bytes, .. } = staged;
        let parts: Vec<_> = bytes.chunks(PART_BYTES).collect();
        let there = transaction!(self.chunk_writers, BEGIN_WRITE, |conn| begin(conn, digest, bytes.len(), at))?;
        if usize::try_from(there).is_ok_and(|there| there == parts.len()) {
            return Ok(());
        }
        for (part, piece) in (0..).zip(parts) {
            match transaction!(self.chunk_writers, BEGIN_WRITE, |conn| put_part(conn, digest, part, piece)) {
                // Clean-up has removed the content. The change finds that it is not whole, and begins again.
                Err(error) if is_of_nothing(&error) => return Ok(()),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// A content, or `None` if it is gone.
    pub(super) async fn content(&self, digest: &str, length: u64) -> Result<Option<Bytes>> {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        for number in 0..parts(length) {
            let found = unchanging!(self, |conn, moment| part(conn, digest, number, moment))?;
            let Some(piece) = found else { return Ok(None) };
            bytes.extend_from_slice(&piece);
        }
        Ok((bytes.len() as u64 == length).then(|| bytes.into()))
    }

    /// Removes contents that no file has, and that were not begun after `before`.
    pub(super) async fn remove_contents(&self, before: Time) -> Result<()> {
        while write!(self, |conn| unname(conn))? > 0 {}
        let mut tried = BTreeSet::new();
        loop {
            let unnamed = statement!(self, |conn| unnamed(conn, before))?;
            let new: Vec<_> = unnamed.into_iter().filter(|digest| !tried.contains(digest)).collect();
            if new.is_empty() {
                return Ok(());
            }
            for digest in new {
                write!(self, |conn| remove(conn, &digest, before))?;
                tried.insert(digest);
            }
        }
    }
}

fn parts(length: u64) -> u64 {
    length.div_ceil(PART_BYTES as u64)
}

/// Returns how many parts are there already.
async fn begin(conn: &mut Conn, digest: &str, length: usize, at: Time) -> Result<i64> {
    query(sql::BEGIN_CONTENT).bind(digest).bind(number(length)?).bind(at.0).execute(&mut *conn).await?;
    Ok(query_scalar::<Driver, i64>(sql::COUNT_CONTENT_PARTS).bind(digest).fetch_one(conn).await?)
}

fn is_of_nothing(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Database(error)) if error.is_foreign_key_violation())
}

/// Whether all of a content is there: clean-up may have removed it.
pub(super) async fn is_whole(conn: &mut Conn, staged: &Staged<'_>) -> Result<bool> {
    let count = query_scalar::<Driver, i64>(sql::COUNT_CONTENT_PARTS).bind(&staged.digest).fetch_one(conn).await?;
    Ok(count == number(staged.bytes.len().div_ceil(PART_BYTES))?)
}

async fn put_part(conn: &mut Conn, digest: &str, part: i64, bytes: &[u8]) -> Result<()> {
    query(sql::PUT_CONTENT_PART).bind(digest).bind(part).bind(bytes).execute(conn).await?;
    Ok(())
}

async fn part(conn: &mut Conn, digest: &str, part: u64, moment: Moment) -> Result<Option<Vec<u8>>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::at(sql::CONTENT_PART, moment)).bind(digest).bind(number(part)?);
    Ok(query.fetch_optional(conn).await?)
}

/// A file with all its bytes, as of the moment of this transaction.
pub(super) async fn whole(conn: &mut Conn, file: StoredFile) -> Result<RepositoryFile> {
    let StoredFile { path, mut bytes, content } = file;
    if let Some((digest, length)) = content {
        for number in 0..parts(length) {
            let gone = || Error::internal(format!("a part of {path} is not in the database"));
            bytes.extend_from_slice(&part(conn, &digest, number, Moment::Now).await?.ok_or_else(gone)?);
        }
    }
    Ok(RepositoryFile { path, bytes })
}

/// Makes this the content of a file.
pub(super) async fn name(conn: &mut Conn, staged: &Staged<'_>) -> Result<()> {
    query(sql::NAME_CONTENT).bind(staged.path).bind(&staged.digest).execute(conn).await?;
    Ok(())
}

async fn unname(conn: &mut Conn) -> Result<u64> {
    Ok(query(sql::UNNAME_OF_NO_FILE).bind(number(STEP)?).execute(conn).await?.rows_affected())
}

async fn unnamed(conn: &mut Conn, before: Time) -> Result<Vec<String>> {
    let query = query_scalar::<Driver, String>(sql::UNNAMED_CONTENTS).bind(before.0).bind(number(STEP)?);
    Ok(query.fetch_all(conn).await?)
}

async fn remove(conn: &mut Conn, digest: &str, before: Time) -> Result<()> {
    for statement in [sql::REMOVE_CONTENT_PARTS, sql::REMOVE_CONTENT] {
        query(statement).bind(digest).bind(before.0).execute(&mut *conn).await?;
    }
    Ok(())
}
