//! Many rows by COPY, which `CockroachDB` has only in part.

use super::Conn;
use crate::db::copy::{Table, Value};
use crate::error::Result;

/// Signature, flags, and the length of a header extension that is not there.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Adds rows that are not there yet.
pub(super) async fn fill(conn: &mut Conn, table: &'static Table, rows: &[Vec<Value>]) -> Result<()> {
    let mut copy = conn.copy_in_raw(&table.copy_in()).await?;
    copy.send(binary(rows)).await?;
    copy.finish().await?;
    Ok(())
}

/// Rows in the binary format of COPY (<https://www.postgresql.org/docs/15/sql-copy.html>).
fn binary(rows: &[Vec<Value>]) -> Vec<u8> {
    let mut file = HEADER.to_vec();
    for row in rows {
        file.extend(i16::try_from(row.len()).unwrap_or(i16::MAX).to_be_bytes());
        for value in row {
            match value {
                Value::Null => file.extend((-1_i32).to_be_bytes()),
                Value::Int(number) => put(&mut file, &number.to_be_bytes()),
                Value::Bool(is) => put(&mut file, &[u8::from(*is)]),
                Value::Text(text) => put(&mut file, text.as_bytes()),
                Value::Bytes(bytes) => put(&mut file, bytes),
                Value::Uuid(id) => put(&mut file, id.as_bytes()),
            }
        }
    }
    file.extend((-1_i16).to_be_bytes());
    file
}

fn put(file: &mut Vec<u8>, field: &[u8]) {
    file.extend(i32::try_from(field.len()).unwrap_or(i32::MAX).to_be_bytes());
    file.extend_from_slice(field);
}
