//! The real desync as a client: it adds chunks to the store and extracts from it.

use std::path::Path;
use std::process::{Command, Output};

use super::support::{SECRET, TestStore, is_there, noise};

async fn desync(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("desync");
    command.args(arguments).env("HOME", home).env("LC_ALL", "C.UTF-8");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn make_and_extract(test: &TestStore) {
    if !is_there("desync") {
        return;
    }
    let server = test.serve().await;
    let path = |name: &str| test.folder.path().join(name).to_str().unwrap().to_owned();
    let (store, config) = (server.url("/store"), path("config.json"));
    let plain = [noise(2_000_000, 1), vec![0; 1_000_000], b"words ".repeat(100_000)].concat();
    std::fs::write(path("blob"), &plain).unwrap();
    let make = ["--config", &config, "make", "-m", "16:64:256", "-s", &store, &path("blob.caibx"), &path("blob")];

    std::fs::write(&config, "{}").unwrap();
    let refused = desync(test.folder.path(), &make).await;
    assert!(!refused.status.success(), "nobody may write without the word");
    assert_eq!(test.db.chunk_counts().await.unwrap().live, 0);

    let secret = serde_json::json!({"store-options": {&store: {"http-auth": SECRET}}});
    std::fs::write(&config, secret.to_string()).unwrap();
    succeeded(&desync(test.folder.path(), &make).await);
    let live = test.db.chunk_counts().await.unwrap().live;
    assert!(live > 10, "{live}");
    // All chunks exist now, so desync asks with HEAD and sends nothing.
    succeeded(&desync(test.folder.path(), &make).await);
    assert_eq!(test.db.chunk_counts().await.unwrap().live, live);

    std::fs::write(&config, "{}").unwrap();
    let extract = ["--config", &config, "extract", "-s", &store, &path("blob.caibx"), &path("again")];
    succeeded(&desync(test.folder.path(), &extract).await);
    assert!(std::fs::read(path("again")).unwrap() == plain, "the same comes back");
    let verify = ["--config", &config, "cat", "-s", &store, &path("blob.caibx")];
    assert!(desync(test.folder.path(), &verify).await.stdout == plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn desync_makes_and_extracts_through_the_database() {
    make_and_extract(&TestStore::database().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn desync_makes_and_extracts_through_a_folder() {
    let test = TestStore::folder().await;
    make_and_extract(&test).await;
    if is_there("desync") {
        let store = test.folder.path().join("store");
        let verified = desync(test.folder.path(), &["verify", "-s", store.to_str().unwrap()]).await;
        succeeded(&verified);
        assert!(!String::from_utf8_lossy(&verified.stderr).contains("does not match"));
    }
}
