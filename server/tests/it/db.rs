//! One suite for every database: the same tests on SQLite, on PostgreSQL, on a PostgreSQL that fails on purpose, and on
//! CockroachDB. Which are at hand is said by `TEST_POSTGRES_URL` (`tests/tools/postgres.sh` starts one) and
//! `TEST_COCKROACH_URL`; what is not is named on stderr. Not yet run on CockroachDB.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod bundles;
mod chunks;
mod cleanup;
mod databases;
mod files;
mod lists;
mod migrations;
mod property;
mod races;
mod repository;
mod speed;
mod tokens;
mod uploads;
mod world;

/// Makes a test of each function on every database.
macro_rules! on_every_database {
    ($($name:ident,)*) => {
        mod sqlite { $(#[test] fn $name() { crate::databases::Kind::Sqlite.run(super::$name); })* }
        mod postgres { $(#[test] fn $name() { crate::databases::Kind::Postgres.run(super::$name); })* }
        mod hostile_postgres { $(#[test] fn $name() { crate::databases::Kind::HostilePostgres.run(super::$name); })* }
        mod cockroach { $(#[test] fn $name() { crate::databases::Kind::Cockroach.run(super::$name); })* }
    };
}
pub(crate) use on_every_database;
