//! The documents that decide what is started are compared with what was signed.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::shop::Shop;

/// The game prints its arguments.
fn release_of(shop: &Shop) -> PathBuf {
    shop.control("indexes").join(format!("{}.release.json", shop.folder_of("1.0.0")))
}

fn forge(shop: &Shop, change: impl Fn(&mut Value)) {
    let path = release_of(shop);
    let mut release: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut release);
    fs::write(&path, serde_json::to_vec(&release).unwrap()).unwrap();
}

type Change = fn(&mut Value);

const FORGERIES: [Change; 3] = [
    |release| release["entry"]["arguments"] = serde_json::json!(["--injected"]),
    |release| release["entry"]["path"] = "data/map".into(),
    |release| release["mutable"] = serde_json::json!(["game"]),
];

#[test]
fn document_that_is_not_the_signed_one_is_damage_and_repaired() {
    for forgery in FORGERIES {
        let shop = Shop::with(&["1.0.0"]);
        forge(&shop, forgery);
        let run = shop.vsekai(&["verify"]);
        assert_eq!(run.code, Some(3), "{:?}", run.lines.last());
        let damage = &run.lines.last().unwrap()["damage"];
        assert!(damage.to_string().contains(".vsekai/indexes/"), "{damage}");
        shop.vsekai(&["verify", "--repair"]).done();
        assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
        let launched = shop.launch(&[]);
        assert!(launched.code == Some(0) && !launched.said.contains("--injected"), "{}", launched.said);
    }
}

#[test]
fn launch_uses_the_signed_document_and_puts_it_back() {
    for forgery in FORGERIES {
        let shop = Shop::with(&["1.0.0"]);
        let genuine = fs::read(release_of(&shop)).unwrap();
        forge(&shop, forgery);
        let launched = shop.launch(&[]);
        assert_eq!(launched.code, Some(0), "{}", launched.said);
        assert!(!launched.said.contains("--injected"), "{}", launched.said);
        assert_eq!(fs::read(release_of(&shop)).unwrap(), genuine);
        assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
    }
}

#[test]
fn launch_refuses_a_forged_document_if_the_signed_one_is_not_at_hand() {
    let shop = Shop::with(&["1.0.0"]);
    let genuine = fs::read(release_of(&shop)).unwrap();
    let digest = vsekai_updater::digest::Digest::of(&genuine).to_string();
    fs::remove_file(shop.control("trust/cache").join(digest)).unwrap();
    forge(&shop, FORGERIES[0]);
    let launched = shop.launch(&[]);
    assert_eq!(launched.last["code"], "damaged", "{}", launched.said);
    assert!(!launched.said.contains("this is"), "nothing was started: {}", launched.said);
    shop.vsekai(&["verify", "--repair"]).done();
    assert_eq!(fs::read(release_of(&shop)).unwrap(), genuine);
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn lost_document_comes_back_from_what_was_remembered() {
    let shop = Shop::with(&["1.0.0"]);
    fs::remove_file(release_of(&shop)).unwrap();
    fs::rename(shop.publisher.repository(), shop.path("away")).unwrap();
    assert_eq!(shop.launch(&[]).code, Some(0));
    fs::rename(shop.path("away"), shop.publisher.repository()).unwrap();
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
}

#[test]
fn lost_list_of_one_mode_leaves_the_documents_of_others_compared() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("beta", "2.0.0-beta.1", &[], |_| ());
    shop.vsekai(&["check"]).done();
    let genuine = fs::read(release_of(&shop)).unwrap();
    let lists = fs::read_dir(shop.control("trust/cache")).unwrap().map(|it| it.unwrap().path());
    let lists: Vec<_> = lists.filter(|path| path.to_str().is_some_and(|path| path.ends_with(".beta.json"))).collect();
    assert_eq!(lists.len(), 1);
    for harm in [Some("{}"), None] {
        fs::remove_file(&lists[0]).unwrap();
        harm.iter().for_each(|text| fs::write(&lists[0], text).unwrap());
        forge(&shop, FORGERIES[0]);
        let launched = shop.launch(&[]);
        assert_eq!(launched.code, Some(0), "{}", launched.said);
        assert!(!launched.said.contains("--injected"), "{}", launched.said);
        assert_eq!(fs::read(release_of(&shop)).unwrap(), genuine);
    }
}

#[test]
fn without_a_memory_of_what_was_signed_the_game_starts() {
    let shop = Shop::with(&["1.0.0"]);
    fs::remove_dir_all(shop.control("trust")).unwrap();
    assert_eq!(shop.launch(&[]).code, Some(0));
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
}

#[test]
fn documents_of_another_version_are_not_taken_for_this_one() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    let (old, new) = (shop.folder_of("1.0.0"), shop.folder_of("2.0.0"));
    for ending in [".caidx", ".files.json.zst"] {
        let path = |folder: &str| shop.control("indexes").join(format!("{folder}{ending}"));
        fs::copy(path(&old), path(&new)).unwrap();
    }
    assert_eq!(shop.vsekai(&["verify"]).code, Some(3));
    shop.vsekai(&["verify", "--repair"]).done();
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
    shop.assert_whole();
}
