//! Whole tables, as `vsekai-server copy` writes and compares them.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use vsekai_server::db::copy::{TABLES, Table, Value};

use super::limits::rows;
use crate::databases::Fixture;

super::on_every_database! {
    hostile too:
    every_kind_of_value_arrives_and_replaces_what_is_there,
    digests_have_the_sha256_of_bytes_that_are_not_in_the_key,
}

fn table(name: &str) -> &'static Table {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

/// A row with every kind of value but bytes, and without some.
fn cdn(number: u128, name: &str, is_healthy: bool) -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let checked = if is_healthy { Value::Int(-1) } else { Value::Null };
    vec![
        Value::Uuid(Uuid::from_u128(number)),
        text(name),
        text("https://cdn.example.org/\t\\N"),
        text(""),
        Value::Bool(true),
        Value::Int(i64::MAX),
        Value::Bool(is_healthy),
        Value::Int(0),
        Value::Null,
        checked,
        Value::Int(i64::MIN),
    ]
}

async fn every_kind_of_value_arrives_and_replaces_what_is_there(f: Fixture) {
    let cdns = table("cdn");
    let first: Vec<_> = (0..3).map(|number| cdn(number, &format!("é{number}"), false)).collect();
    f.db.put_rows(cdns, &first).await.unwrap();
    assert_eq!(rows(&*f.db, "cdn").await, first);
    // As after a copy that was interrupted: some are there, and one has changed since.
    let second: Vec<_> = (1..5).map(|number| cdn(number, &format!("new {number}"), true)).collect();
    f.db.put_rows(cdns, &second).await.unwrap();
    assert_eq!(rows(&*f.db, "cdn").await, [&first[..1], &second].concat());
    let (pins, pin) = (table("chunk_pins"), vec![Value::Bytes(vec![1; 32]), Value::Int(7)]);
    for _ in 0..2 {
        f.db.put_rows(pins, std::slice::from_ref(&pin)).await.unwrap();
    }
    assert_eq!(rows(&*f.db, "chunk_pins").await, [pin]);
}

async fn digests_have_the_sha256_of_bytes_that_are_not_in_the_key(f: Fixture) {
    let (data, id, bytes) = (table("chunk_data"), Value::Bytes(vec![9; 32]), vec![0, 255, 7]);
    f.db.put_rows(data, &[vec![id.clone(), Value::Bytes(bytes.clone())]]).await.unwrap();
    let expected = vec![id.clone(), Value::Bytes(Sha256::digest(&bytes).to_vec())];
    assert_eq!(f.db.digests(data, None).await.unwrap(), [expected]);
    assert!(f.db.digests(data, Some(&[id])).await.unwrap().is_empty());
    let of_cdn = cdn(1, "name", false);
    f.db.put_rows(table("cdn"), std::slice::from_ref(&of_cdn)).await.unwrap();
    assert_eq!(f.db.digests(table("cdn"), None).await.unwrap(), [of_cdn]);
}
