//! A whole server on a PostgreSQL that fails on purpose, and refuses large values and transactions.

use crate::databases::{Kind, create_hostile, drop_database};
use crate::support::deployment::{TestDeployment, text};

/// The nightly run does this, as the other tests on this database.
#[test]
#[ignore = "takes a while; the nightly run does it"]
fn hostile_postgres_takes_publications_recalls_withdrawals_and_copies() {
    let Some(server) = Kind::HostilePostgres.server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (url, name) = runtime.block_on(create_hostile(&server));
    let settings = ["bundles=false", "clean_grace_h=0", "superseded_h=0", &format!("database={url}")];
    let mut test = TestDeployment::new(&settings);
    let command = |test: &TestDeployment, args: &[&str]| {
        let output = test.server_command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output));
    };
    let recall = |test: &TestDeployment, more: &[&str]| {
        let of = ["repository", "recall", "--mode", "stable", "--version", "1.1.0", "--server", test.url()];
        test.publisher(&[&of[..], more].concat()).done();
    };
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    recall(&test, &[]);
    test.update("game").done();
    test.assert_has("game", 1);
    recall(&test, &["--undo"]);
    command(&test, &["bundle", "build", "--effort", "fast", "--now"]);
    test.update("game").done();
    test.assert_has("game", 2);
    // 1.0.0 is withdrawn.
    test.publish("stable", "1.2.0", 3).args(["--keep-versions", "2"]).done();
    test.publisher(&["keys", "renew", "keys", "stable", "--server", test.url()]).done();
    command(&test, &["gc"]);
    command(&test, &["verify", "--deep"]);
    test.kill();

    let sqlite = format!("sqlite:{}", test.path("copied.db").display());
    command(&test, &["copy", "--from", &url, "--to", &sqlite]);
    let (back, other) = runtime.block_on(create_hostile(&server));
    command(&test, &["copy", "--from", &sqlite, "--to", &back]);
    test.settings.pop();
    test.settings.push(format!("database={back}"));
    test.start();
    test.publish("stable", "1.3.0", 4).done();
    test.update("game").done();
    test.assert_has("game", 4);
    command(&test, &["verify", "--deep"]);
    test.kill();
    for name in [name, other] {
        runtime.block_on(drop_database(&server, &name));
    }
}
