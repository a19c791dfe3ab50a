//! Chunks that move from the database to another place and back, while players go on.

use std::fs;

use sqlx::Connection as _;

use super::copies::empty;
use crate::databases::{Kind, drop_database};
use crate::files::support::s3_variables;
use crate::support::deployment::{TestDeployment, text};

/// The bytes of chunks in the database.
fn in_database(test: &TestDeployment) -> i64 {
    let sum = "SELECT CAST(COALESCE(SUM(LENGTH(bytes)), 0) AS BIGINT) FROM chunk_data";
    let postgres = test.settings.iter().find_map(|setting| setting.strip_prefix("database="));
    blocking(async {
        match postgres {
            Some(url) => {
                let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sum).fetch_one(&mut conn).await.unwrap()
            }
            None => {
                let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
                let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_scalar(sum).fetch_one(&mut conn).await.unwrap()
            }
        }
    })
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Moves the chunks of a deployment to this place and back. `lose` removes them there in the end.
fn there_and_back(mut test: TestDeployment, place: &str, lose: impl FnOnce(&mut TestDeployment)) -> TestDeployment {
    test.publish("stable", "1.0.0", 1).done();
    let move_to = |test: &TestDeployment, more: &[&str]| {
        let moved = test.server_command(&[&["move", "--to"], more].concat()).output().unwrap();
        assert!(moved.status.success(), "{}", text(&moved));
        text(&moved)
    };
    let early = test.server_command(&["move", "--to", place, "--finish"]).output().unwrap();
    assert!(!early.status.success() && text(&early).contains("first, without --finish"), "{}", text(&early));
    let said = move_to(&test, &[place]);
    assert!(said.contains(&format!("vsekai-server move --to {place} --finish")), "{said}");
    let refused = test.publish("stable", "1.1.0", 2).fails();
    assert!(refused.to_string().contains("store_moved"), "{refused}");
    // A server with the old place goes on serving players, also new ones, and when the move is repeated.
    test.update("new").done();
    test.assert_has("new", 1);
    let check = test.server_command(&["check-config", "--chunks", "database"]).output().unwrap();
    assert!(!check.status.success() && text(&check).contains(&format!("`chunks = {place:?}`")), "{}", text(&check));
    let check = test.server_command(&["check-config"]).output().unwrap();
    assert!(check.status.success(), "who names no place takes that of the database: {}", text(&check));
    move_to(&test, &[place]);
    test.update("newer").done();
    // Neither the server nor a command is told the place again.
    test.kill();
    test.start();
    assert!(in_database(&test) > 1_000_000, "the database still has the chunks");
    let said = move_to(&test, &[place, "--finish"]);
    let is_file = !test.settings.iter().any(|setting| setting.starts_with("database="));
    assert_eq!(said.contains("backup"), is_file, "how to make the file smaller: {said}");
    assert_eq!(in_database(&test), 0);
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
    test.update("newest").args(["--version", "1.0.0"]).done();
    let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
    assert!(verify.status.success(), "{}", text(&verify));
    move_to(&test, &["database"]);
    test.update("latest").done();
    test.kill();
    lose(&mut test);
    test.start();
    test.update("game").args(["--version", "1.0.0"]).done();
    test.assert_has("game", 1);
    test
}

/// The server knows no bucket any more.
fn lose_bucket(test: &mut TestDeployment) {
    test.variables.clear();
}

const SETTINGS: [&str; 2] = ["bundles=false", "chunk_cache_mib=0"];

#[test]
fn chunks_move_to_a_folder_and_back() {
    let test = TestDeployment::new(&SETTINGS);
    let elsewhere = test.path("elsewhere");
    let test = there_and_back(test, &format!("file://{}", elsewhere.display()), |_| {
        fs::remove_dir_all(&elsewhere).unwrap();
    });
    // What `vsekai-server move` says about the size of the file.
    let backup = test.server_command(&["backup", "smaller.db"]).output().unwrap();
    assert!(backup.status.success(), "{}", text(&backup));
}

#[test]
fn chunks_move_to_s3_and_back() {
    let Some(variables) = blocking(s3_variables()) else { return };
    let place = format!("s3://chunks/moved-{}", uuid::Uuid::new_v4());
    there_and_back(TestDeployment::with(&SETTINGS, &variables), &place, lose_bucket);
}

#[test]
fn chunks_move_out_of_postgres_to_s3_and_back() {
    let (Some(server), Some(variables)) = (Kind::Postgres.server(), blocking(s3_variables())) else { return };
    let (url, name) = empty(&server);
    let place = format!("s3://chunks/moved-{}", uuid::Uuid::new_v4());
    let settings = [SETTINGS[0], SETTINGS[1], &format!("database={url}")];
    let mut test = there_and_back(TestDeployment::with(&settings, &variables), &place, lose_bucket);
    test.kill();
    blocking(drop_database(&server, &name));
}
