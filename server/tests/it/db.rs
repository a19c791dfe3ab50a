//! One suite for every database: the same tests on SQLite, on PostgreSQL, on a PostgreSQL that fails on purpose, and on
//! CockroachDB.
//!
//! `TEST_POSTGRES_URL` names a PostgreSQL server (`tests/tools/postgres.sh` starts one); without it, its tests say so
//! on stderr and pass, but in CI they fail. CockroachDB's are ignored unless asked for, and have not been run yet:
//! `TEST_COCKROACH_URL=… cargo test -p vsekai-server --test it cockroach -- --ignored`.

mod bundles;
mod chunks;
mod cleanup;
mod files;
mod limits;
mod lists;
mod migrations;
mod property;
mod races;
mod reports;
mod repository;
mod samples;
mod speed;
mod tables;
mod tokens;
mod uploads;

/// Makes a test of each function for every database. Tests after `hostile too:` race, retry, or change several tables
/// at once; they also run on the PostgreSQL that fails on purpose in every run. The others execute the same statements,
/// so they run there only at night.
macro_rules! on_every_database {
    (@run $kind:ident: $($name:ident,)*) => {
        $(#[test] fn $name() { crate::databases::Kind::$kind.run(super::$name); })*
    };
    (@ignored $kind:ident, $why:literal: $($name:ident,)*) => {
        $(#[test] #[ignore = $why] fn $name() { crate::databases::Kind::$kind.run(super::$name); })*
    };
    (@all $($name:ident,)*) => {
        mod sqlite { super::super::on_every_database! { @run Sqlite: $($name,)* } }
        mod postgres { super::super::on_every_database! { @run Postgres: $($name,)* } }
        mod cockroach {
            super::super::on_every_database! { @ignored Cockroach, "needs a CockroachDB: set TEST_COCKROACH_URL": $($name,)* }
        }
    };
    (hostile too: $($name:ident,)*) => {
        super::on_every_database! { @all $($name,)* }
        mod hostile_postgres { super::super::on_every_database! { @run HostilePostgres: $($name,)* } }
    };
    ($($name:ident,)*) => {
        super::on_every_database! { @all $($name,)* }
        mod hostile_postgres {
            super::super::on_every_database! { @ignored HostilePostgres, "nightly": $($name,)* }
        }
    };
}
use on_every_database;
