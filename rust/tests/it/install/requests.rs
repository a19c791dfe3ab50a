//! The requests of a check and an update, in addition to those for content.

use std::fs;
use std::path::Path;

use vsekai_updater::formats::metadata_pack::{MetadataPack, PATH};

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::server::TestServer;

/// The requests since the last call, except those for chunks.
fn asked(web: &TestServer) -> Vec<(String, u16)> {
    let mut asked = web.take_asked();
    asked.retain(|(path, _)| !path.starts_with("store/"));
    // The digest is irrelevant, and not informative.
    asked.iter_mut().for_each(|(path, _)| {
        if let Some((_, name)) = path.strip_prefix("targets/").and_then(|path| path.rsplit('/').next()?.split_once('.'))
        {
            *path = name.to_owned();
        }
    });
    asked
}

/// An install of 1.0.0 from a server, with the log of all requests.
fn first_installed() -> (Shop, TestServer) {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let web = TestServer::start(shop.publisher.repository());
    let mut command = shop.command(&["update", "--trust-root"]);
    command.arg(shop.publisher.root()).args(["--repository", &web.url()]).arg(shop.game());
    Run::of(&mut command).done();
    (shop, web)
}

/// Like [`first_installed`], with an empty log.
fn installed() -> (Shop, TestServer) {
    let (shop, web) = first_installed();
    web.take_asked();
    (shop, web)
}

fn one(path: &str, status: u16) -> (String, u16) {
    (path.to_owned(), status)
}

#[test]
fn check_and_update_of_a_new_version_are_two_requests_and_what_the_pack_has_not() {
    let (shop, web) = installed();
    shop.publish("1.1.0");
    let check = shop.vsekai(&["check"]);
    assert_eq!(check.done()["available"]["version"], "1.1.0");
    assert_eq!(check.done()["transfer"]["requests"], 1);
    assert_eq!(asked(&web), [one(PATH, 200)]);

    shop.vsekai(&["update"]).done();
    let update = [one(PATH, 304), one("index.caidx", 200), one("files.json.zst", 200)];
    assert_eq!(asked(&web), update);

    assert_eq!(shop.offered(&[]), None);
    assert_eq!(asked(&web), [one(PATH, 304)]);
}

#[test]
fn first_install_is_one_request_and_what_the_pack_has_not() {
    let (_shop, web) = first_installed();
    assert_eq!(asked(&web), [one(PATH, 200), one("index.caidx", 200), one("files.json.zst", 200)]);
}

fn packed(repository: &Path) -> MetadataPack {
    MetadataPack::parse(&fs::read(repository.join(PATH)).unwrap()).unwrap()
}

/// The versions whose release documents are in the pack.
fn releases(shop: &Shop) -> Vec<String> {
    let pack = packed(shop.publisher.repository());
    let names = pack.paths().filter(|path| path.ends_with(".release.json"));
    names.map(|path| path.split('/').take(3).skip(1).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn pack_has_the_release_documents_that_are_offered_now() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    shop.publish("1.1.0");
    shop.publish_in("beta", "1.2.0-beta.1", &[], |_| {});
    assert_eq!(releases(&shop), ["beta 1.2.0-beta.1", "stable 1.1.0"]);
    shop.publish_in("stable", "1.2.0", &["--rollout", "5"], |_| {});
    assert_eq!(releases(&shop), ["beta 1.2.0-beta.1", "stable 1.1.0", "stable 1.2.0"]);
    shop.edit("recall", "stable", "1.2.0");
    assert_eq!(releases(&shop), ["beta 1.2.0-beta.1", "stable 1.1.0"]);
    shop.publisher.edit(&["retire", "--mode", "beta", "--update-to", "stable"]);
    assert_eq!(releases(&shop), ["stable 1.1.0"]);
}

#[test]
fn pack_is_as_new_as_what_was_renewed_and_has_the_lists_of_bundles() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let repository = Path::new(&shop.publisher.repository()).to_owned();
    let list = format!("bundles/{}.json", shop.publisher.index_digest("stable", "1.0.0"));
    fs::create_dir_all(repository.join("bundles")).unwrap();
    fs::write(repository.join(&list), b"a list").unwrap();
    shop.publisher.edit(&["renew"]);
    let pack = packed(&repository);
    assert_eq!(pack.get("tuf/timestamp.json"), Some(&fs::read(repository.join("tuf/timestamp.json")).unwrap()[..]));
    assert_eq!(pack.get(&list), Some(&b"a list"[..]));
}

#[test]
fn warning_of_a_pack_that_does_not_hold_is_told_and_the_update_comes() {
    let (shop, _web) = installed();
    let path = Path::new(&shop.publisher.repository()).join(PATH);
    let old = fs::read(&path).unwrap();
    shop.publish("1.1.0");
    shop.vsekai(&["update"]).done();
    shop.publish("1.2.0");
    fs::write(&path, old).unwrap();
    let update = shop.vsekai(&["update"]);
    assert_eq!(update.done()["current"]["version"], "1.2.0");
    let warned = |line: &&serde_json::Value| line["event"] == "warned";
    let warnings: Vec<_> = update.lines.iter().filter(warned).map(|line| line["code"].clone()).collect();
    assert_eq!(warnings, ["metadata_rollback"]);
}

/// An install of 1.1.0, a server that offers 1.2.0, and a copy of the repository as it was at 1.0.0.
fn overtaken() -> (Shop, TestServer, tempfile::TempDir) {
    let (shop, web) = installed();
    let older = tempfile::tempdir().unwrap();
    let from = format!("{}/.", Path::new(&shop.publisher.repository()).display());
    assert!(std::process::Command::new("cp").args(["-a", &from]).arg(older.path()).status().unwrap().success());
    shop.publish("1.1.0");
    shop.vsekai(&["update"]).done();
    shop.publish("1.2.0");
    web.take_asked();
    (shop, web, older)
}

#[test]
fn server_that_is_behind_is_asked_again() {
    let (shop, web, older) = overtaken();
    // The pack, and then the timestamp and a root, of the first attempt.
    web.fall_behind(older.path(), 3);
    let update = shop.vsekai(&["update"]);
    assert_eq!(update.done()["current"]["version"], "1.2.0");
    let packs = asked(&web).into_iter().filter(|(path, _)| path == PATH).count();
    assert_eq!(packs, 2);
}

#[test]
fn server_that_stays_behind_is_given_up_after_the_usual_attempts() {
    let (shop, web, older) = overtaken();
    web.fall_behind(older.path(), usize::MAX);
    shop.vsekai(&["update"]).failed("metadata_rollback");
    let packs = asked(&web).into_iter().filter(|(path, _)| path == PATH).count();
    assert_eq!(packs, 4);
    assert_eq!(shop.vsekai(&["status"]).done()["current"]["version"], "1.1.0", "nothing older is taken");
}
