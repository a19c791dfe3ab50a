//! The tables, which are created once, by the first server.

use std::time::Duration;

use vsekai_server::db::{Pools, open};

use super::samples::*;
use crate::databases::{Fixture, Kind, connect, execute};

super::on_every_database! {
    hostile too:
    servers_that_start_at_once_make_the_tables_once,
    a_newer_database_is_refused,
    a_database_of_another_build_is_refused,
    a_migration_that_was_not_noted_is_done_again,
    a_lease_of_one_that_died_ends,
    a_changed_table_does_not_disturb_a_running_server,
}

/// An empty database next to that of the test.
async fn empty(f: &Fixture) -> (String, Option<(String, String)>) {
    match f.kind.server() {
        Some(server) if f.kind != Kind::Sqlite => {
            let (url, name) = crate::databases::create(&server, f.kind == Kind::HostilePostgres).await;
            (url, Some((server, name)))
        }
        _ => (f.url.replace("server.db", "empty.db"), None),
    }
}

pub(super) async fn change(f: &Fixture, sql: &str) {
    if f.kind == Kind::Sqlite {
        let mut conn = <sqlx::SqliteConnection as sqlx::Connection>::connect(&f.url).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
    } else {
        execute(&mut connect(&f.url).await, sql.to_owned()).await;
    }
}

async fn servers_that_start_at_once_make_the_tables_once(f: Fixture) {
    let (url, made) = empty(&f).await;
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url, &Pools::default()).await.unwrap() })
        })
        .collect();
    let mut servers = Vec::new();
    for task in tasks {
        servers.push(task.await.unwrap());
    }
    put(&*servers[0], 0..3, NOW).await;
    for server in &servers {
        assert_eq!(server.chunk_counts().await.unwrap().live, 3);
        assert_eq!(server.revision().await.unwrap(), 0);
    }
    drop(servers);
    if let Some((server, name)) = made {
        crate::databases::drop_database(&server, &name).await;
    }
}

async fn refusal(f: &Fixture) -> String {
    let error = open(&f.url, &Pools::default()).await.unwrap_err();
    assert_eq!(error.code(), "config_invalid");
    error.to_string()
}

async fn a_newer_database_is_refused(f: Fixture) {
    change(
        &f,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    let error = refusal(&f).await;
    assert!(error.contains("newer than this server") && error.contains("9999"), "{error}");
}

async fn a_database_of_another_build_is_refused(f: Fixture) {
    change(
        &f,
        "UPDATE _sqlx_migrations SET checksum = (SELECT o.checksum FROM _sqlx_migrations o WHERE o.version = 1) \
         WHERE version = 2",
    )
    .await;
    let error = refusal(&f).await;
    assert!(error.contains("migration 2 differs"), "{error}");
}

async fn a_migration_that_was_not_noted_is_done_again(f: Fixture) {
    put(&*f.db, 0..3, NOW).await;
    change(&f, "DELETE FROM _sqlx_migrations WHERE version > 4").await;
    let again = f.another().await;
    assert_eq!(again.chunk_counts().await.unwrap().live, 3);
    assert_eq!(again.revision().await.unwrap(), 0);
}

async fn a_lease_of_one_that_died_ends(f: Fixture) {
    let now = vsekai_server::model::Time::now();
    assert!(f.db.lease("migrate", "died", 2).await.unwrap());
    // A server does not wait if all tables exist.
    tokio::time::timeout(Duration::from_millis(1500), f.another()).await.unwrap();
    change(&f, "DELETE FROM _sqlx_migrations WHERE version = 14").await;
    f.another().await;
    assert!(vsekai_server::model::Time::now() >= now.plus_seconds(2));
}

async fn a_changed_table_does_not_disturb_a_running_server(f: Fixture) {
    let token = token("ci");
    f.db.put_token(&token, None).await.unwrap();
    for _ in 0..20 {
        f.db.token(token.id).await.unwrap();
    }
    change(&f, "ALTER TABLE tokens ADD COLUMN later TEXT").await;
    assert_eq!(f.db.token(token.id).await.unwrap().as_ref(), Some(&token));
    f.db.revoke_token(token.id, NOW, None).await.unwrap();
    if f.kind != Kind::Sqlite {
        // The type of a selected column changes, so prepared plans are refused once on each connection.
        change(&f, "ALTER TABLE tokens ALTER COLUMN name TYPE VARCHAR(50)").await;
        for _ in 0..20 {
            assert!(f.db.token(token.id).await.unwrap().is_some());
        }
    }
}
