//! The schema: one list of migrations for every database.
//!
//! Any number of servers may start at once: one migrates, and the others wait for it. sqlx uses advisory locks, which
//! `CockroachDB` and `SQLite` do not have. Here the lock is a row of `leases` that its holder keeps renewing, so that
//! it expires if the holder dies. Every migration can run twice (`IF NOT EXISTS`), and none is in a transaction: on
//! `CockroachDB` each change of the schema commits separately, so a crash can leave one done but not yet recorded. A
//! server that finds a newer schema than its own refuses to start.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::error::{Error, Result};

macro_rules! migrations {
    ($($name:literal,)*) => {
        /// Names and texts in order, beginning with migration 1.
        pub(super) const MIGRATIONS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../migrations/", $name, ".sql"))),)*];
    };
}

migrations! {
    "0001_leases",
    "0002_modes",
    "0003_versions",
    "0004_files",
    "0005_cdn",
    "0006_chunks",
    "0007_chunk_data",
    "0008_version_chunks",
    "0009_repository",
    "0010_repository_files",
    "0011_uploads",
    "0012_upload_documents",
    "0013_tokens",
    "0014_audit",
    "0015_chunk_pins",
    "0016_bundles",
    "0017_bundle_data",
    "0018_bundle_asks",
    "0019_files_by_checksum",
    "0020_chunk_place",
    "0021_upload_document_parts",
    "0022_contents",
    "0023_content_parts",
    "0024_file_contents",
    "0025_chunk_sets",
    "0026_set_chunks",
    "0027_chunk_tails",
    "0028_report_limits",
    "0029_report_counts",
    "0030_halts",
    "0031_upload_bundle_parts",
}

/// The lease that the migrating server holds.
pub(super) const LEASE: &str = "migrate";
/// Makes the table of leases.
pub(super) const LEASES: &str = MIGRATIONS[0].1;
/// Duration of the lease, in seconds.
pub(super) const LEASE_SECONDS: i64 = 30;
/// How often the lease is renewed.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often other servers try to take it.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long other servers wait for it.
pub(super) const MAX_WAIT: Duration = Duration::from_mins(10);

pub(super) fn migrator() -> Migrator {
    let migration = |(number, (name, text)): (i64, &(&'static str, &'static str))| {
        Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), true)
    };
    let mut migrator = Migrator::with_migrations((1..).zip(MIGRATIONS).map(migration).collect());
    migrator.set_locking(false);
    migrator
}

/// Whether all migrations are done. Fails if there are unknown ones.
pub(super) fn is_done(done: &[(i64, Vec<u8>)]) -> Result<bool> {
    let migrator = migrator();
    for (version, checksum) in done {
        match migrator.iter().find(|migration| migration.version == *version) {
            None => return Err(is_newer(*version)),
            Some(migration) if *migration.checksum != **checksum => return Err(differs(*version)),
            Some(_) => {}
        }
    }
    Ok(done.len() == MIGRATIONS.len())
}

/// Converts sqlx's errors.
pub(super) fn failed(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Error::Database(error),
        MigrateError::VersionMissing(version) => is_newer(version),
        MigrateError::VersionMismatch(version) => differs(version),
        other => Error::config(
            format!("cannot make the tables of the database: {other}"),
            "Let this server's user create tables there, or name an empty database with `--database URL`",
        ),
    }
}

fn is_newer(version: i64) -> Error {
    let ours = MIGRATIONS.len();
    Error::config(
        format!(
            "The database is newer than this server: its tables are at version {version}, and this server knows {ours}"
        ),
        "Use the newer server, or restore the backup of before the upgrade",
    )
}

fn differs(version: i64) -> Error {
    Error::config(
        format!("The database was made by another build of the server: migration {version} differs"),
        "Use that build, or start with an empty database",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let listed: Vec<_> = MIGRATIONS.iter().map(|(name, _)| format!("{name}.sql")).collect();
        assert_eq!(files, listed);
        for (number, (name, text)) in (1..).zip(MIGRATIONS) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert!(text.starts_with("-- no-transaction\n"), "{name}");
        }
    }

    #[test]
    fn a_newer_schema_is_refused_by_name() {
        let newer = MIGRATIONS.len() as i64 + 1;
        let error = is_done(&[(newer, Vec::new())]).unwrap_err();
        assert!(error.to_string().contains("newer than this server"), "{error}");
    }
}
