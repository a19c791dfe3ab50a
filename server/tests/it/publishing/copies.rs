//! A repository that moves from one kind of database to the other and back: players and publishers go on.

use sqlx::Executor as _;

use crate::databases::Kind;
use crate::support::deployment::{TestDeployment, text};

fn copied(test: &TestDeployment, from: &str, to: &str) {
    let copy = test.server_command(&["copy", "--from", from, "--to", to]).output().unwrap();
    let said = text(&copy);
    assert!(copy.status.success(), "{said}");
    // The tables that an operator knows, and one line about all.
    let told = said.lines().filter(|line| line.ends_with(", compared")).count();
    assert!(told < 8 && said.contains("tables, compared") && said.contains("versions"), "{said}");
    let again = test.server_command(&["copy", "--from", from, "--to", to]).output().unwrap();
    assert!(!again.status.success() && text(&again).contains("has a repository"), "{}", text(&again));
}

/// An empty database of PostgreSQL.
pub(super) fn empty(server: &str) -> (String, String) {
    let name = format!("vsekai_copy_{}", uuid::Uuid::new_v4().simple());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(server).await.unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    });
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(&name);
    (url.into(), name)
}

#[test]
fn repository_moves_to_postgres_and_back_and_players_go_on() {
    let Some(server) = Kind::Postgres.server() else { return };
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    test.publish("beta", "2.0.0", 3).done();
    test.update("game").done();
    test.kill();
    let (url, name) = empty(&server);
    let sqlite = format!("sqlite:{}", test.path("server/vsekai.db").display());
    copied(&test, &sqlite, &url);

    test.settings.push(format!("database={url}"));
    test.start();
    // The same token, and metadata that the player does not take for older.
    test.publish("stable", "1.2.0", 4).done();
    test.update("game").done();
    test.assert_has("game", 4);
    let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
    assert!(verify.status.success(), "{}", text(&verify));
    test.kill();
    let log = std::fs::read_to_string(test.path("server.log")).unwrap();
    assert!(!log.contains("skipping"), "notices of the database are in the log: {log}");

    let back = format!("sqlite:{}", test.path("server/back.db").display());
    copied(&test, &url, &back);
    test.settings.pop();
    test.settings.push(format!("database={back}"));
    test.start();
    test.publish("stable", "1.3.0", 5).done();
    test.update("game").done();
    test.assert_has("game", 5);
    test.update("new").args(["--mode", "beta"]).done();
    test.assert_has("new", 3);
    test.kill();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(crate::databases::drop_database(&server, &name));
}
