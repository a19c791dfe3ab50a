//! Lost or changed files, of the game and of our own.

use std::fs;

use serde_json::json;

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::server::TestServer;
use crate::support::trees::{chmod, noise, snapshot, write};

#[test]
fn damage_is_named_and_is_exit_code_3() {
    let shop = Shop::with(&["1.0.0"]);
    fs::remove_file(shop.tree().join("licence.txt")).unwrap();
    fs::write(shop.tree().join("data/map"), b"not a map").unwrap();
    chmod(&shop.tree(), "data/pack.pck", 0o600);
    let run = shop.vsekai(&["verify"]);
    assert_eq!(run.code, Some(3));
    let damage = &run.lines.last().unwrap()["damage"];
    let wanted = json!([
        {"kind": "changed", "path": "data/map"},
        {"kind": "mode", "path": "data/pack.pck"},
        {"kind": "missing", "path": "licence.txt"},
    ]);
    assert_eq!(*damage, wanted);
}

#[test]
fn the_price_of_a_repair_is_what_the_repair_fetches() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "data/large.pck", &noise(9, 4_000_000)));
    let server = TestServer::start(shop.publisher.repository());
    let url = server.url();
    let update = ["update", "--no-shared-cache", "--repository", &url];
    Run::of(shop.command(&update).arg(shop.game())).done();
    let large = shop.tree().join("data/large.pck");
    let mut bytes = fs::read(&large).unwrap();
    bytes[2_000_000..2_000_007].copy_from_slice(b"7 bytes");
    fs::write(&large, bytes).unwrap();
    let price = |run: &Run| run.lines.last().unwrap()["damaged_bytes"].as_u64().unwrap();
    let found = price(&shop.vsekai(&["verify"]));
    let repaired = shop.vsekai(&["verify", "--repair"]).done()["repaired"].clone();
    let fetched = repaired["transfer"]["received_bytes"].as_u64().unwrap();
    assert!(fetched > 0 && found.abs_diff(fetched) < fetched / 10, "{found}, and {fetched} were fetched");
    fs::remove_file(shop.tree().join("data/large.pck")).unwrap();
    let found = price(&shop.vsekai(&["verify"]));
    assert!(found.abs_diff(4_000_000) < 400_000, "{found} of a whole file");
}

#[test]
fn repair_fetches_what_is_damaged_and_keeps_the_users_files() {
    let shop = Shop::with(&["1.0.0"]);
    write(&shop.tree(), "mods/hat.pck", b"a hat");
    fs::write(shop.tree().join("data/map"), b"not a map").unwrap();
    let done = shop.vsekai(&["verify", "--repair"]).done().clone();
    assert_eq!(done["repaired"]["plan"]["kept_files"], 3, "{done}");
    assert!(done["repaired"]["plan"]["fetch_plain_bytes"].as_u64().unwrap() < 30_000, "{done}");
    shop.assert_whole();
    assert_eq!(fs::read(shop.tree().join("mods/hat.pck")).unwrap(), b"a hat");
    assert_eq!(fs::read_dir(shop.game().join("versions")).unwrap().count(), 1);
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn repair_needs_no_metadata() {
    let shop = Shop::with(&["1.0.0"]);
    fs::remove_dir_all(shop.publisher.repository().join("tuf")).unwrap();
    fs::remove_file(shop.tree().join("data/map")).unwrap();
    shop.vsekai(&["verify", "--repair"]).done();
    shop.assert_whole();
}

#[test]
fn repair_of_a_repaired_version_works() {
    let shop = Shop::with(&["1.0.0"]);
    for _ in 0..3 {
        fs::remove_file(shop.tree().join("data/map")).unwrap();
        shop.vsekai(&["verify", "--repair"]).done();
        shop.assert_whole();
    }
    shop.publish("2.0.0");
    shop.update(&[]).done();
    shop.assert_whole();
}

#[test]
fn version_with_damage_is_updated_to_one_without() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    fs::write(shop.tree().join("data/pack.pck"), b"not a pack").unwrap();
    fs::remove_file(shop.tree().join("licence.txt")).unwrap();
    shop.update(&[]).done();
    shop.assert_whole();
}

#[test]
fn damaged_state_is_found_again_from_the_versions() {
    for damage in [&b"{"[..], b"", b"\0\0\0\0", b"[]", b"{\"schema\":1}"] {
        let shop = Shop::with(&["1.0.0", "2.0.0"]);
        shop.update(&[]).done();
        fs::write(shop.control("state.json"), damage).unwrap();
        assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
        assert_eq!(shop.version(), "2.0.0");
        assert_eq!(fs::read(shop.control("state.json.damaged")).unwrap(), damage);
        shop.assert_whole();
        shop.publish("3.0.0");
        shop.update(&[]).done();
        assert_eq!(shop.version(), "3.0.0");
    }
}

#[test]
fn state_of_many_megabytes_is_a_damaged_one() {
    let shop = Shop::with(&["1.0.0"]);
    fs::write(shop.control("state.json"), vec![b' '; 5 << 20]).unwrap();
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn state_that_was_damaged_twice_is_found_again_twice() {
    let shop = Shop::with(&["1.0.0"]);
    for damage in ["{", "["] {
        fs::write(shop.control("state.json"), damage).unwrap();
        assert_eq!(shop.version(), "1.0.0");
        assert_eq!(fs::read_to_string(shop.control("state.json.damaged")).unwrap(), damage);
    }
}

#[test]
fn damaged_state_of_an_install_that_never_was_is_no_reason_to_fail() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    write(&shop.game(), ".vsekai/state.json", b"{");
    shop.vsekai(&["launch"]).failed("not_installed");
    shop.update(&[]).done();
    shop.assert_whole();
}

#[test]
fn lost_state_is_found_again_by_an_update() {
    let shop = Shop::with(&["1.0.0"]);
    fs::remove_file(shop.control("state.json")).unwrap();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn state_of_a_newer_program_is_left_alone() {
    let shop = Shop::with(&["1.0.0"]);
    fs::write(shop.control("state.json"), br#"{"schema":99,"current":"of the future"}"#).unwrap();
    let before = snapshot(&shop.game());
    for words in [&["status"][..], &["launch"], &["verify"], &["rollback"], &["uninstall", "--yes"], &["check"]] {
        shop.vsekai(words).failed("state_too_new");
    }
    shop.update(&[]).failed("state_too_new");
    let after = snapshot(&shop.game());
    assert!(before.keys().eq(after.keys()));
    assert_eq!(fs::read(shop.control("state.json")).unwrap(), br#"{"schema":99,"current":"of the future"}"#);
}

fn documents(shop: &Shop, ending: &str) -> std::path::PathBuf {
    shop.control("indexes").join(format!("{}{ending}", shop.folder_of("1.0.0")))
}

const DOCUMENTS: [&str; 4] = [".caidx", ".files.json.zst", ".stamps", ".release.json"];

#[test]
fn update_copes_without_a_document_of_what_is_installed() {
    for ending in DOCUMENTS {
        let shop = Shop::with(&["1.0.0", "2.0.0"]);
        fs::remove_file(documents(&shop, ending)).unwrap();
        shop.update(&[]).done();
        shop.assert_whole();
        assert_eq!(shop.launch(&[]).last["version"], "2.0.0", "without {ending}");
    }
}

#[test]
fn repair_gets_lost_documents_again() {
    for ending in DOCUMENTS {
        let shop = Shop::with(&["1.0.0"]);
        fs::remove_file(documents(&shop, ending)).unwrap();
        shop.vsekai(&["verify", "--repair"]).done();
        assert!(documents(&shop, ending).exists());
        shop.assert_whole();
        assert_eq!(shop.launch(&[]).last["version"], "1.0.0", "without {ending}");
    }
}

#[test]
fn repair_gets_damaged_documents_again() {
    for ending in DOCUMENTS {
        let shop = Shop::with(&["1.0.0"]);
        fs::write(documents(&shop, ending), b"nonsense").unwrap();
        shop.vsekai(&["verify", "--repair"]).done();
        shop.assert_whole();
        assert_eq!(shop.launch(&[]).last["version"], "1.0.0", "without {ending}");
    }
}

#[test]
fn lost_trust_memory_is_no_reason_to_fail() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    fs::remove_dir_all(shop.control("trust")).unwrap();
    shop.vsekai(&["check"]).failed("trust_root_invalid");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
}
