//! Metadata packs: what they save, and that no problem with one does any harm.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::path::Path;

use vsekai_updater::formats::metadata_pack::{MAX_PLAIN_BYTES, MetadataPack, PATH};
use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET, Publication};

use super::test_repository::{CAP, Install, NIGHTLY, STABLE, TestRepository, copy_tree, files_of};
use crate::support::forge::{Forge, next, yesterday};
use crate::support::packing;
use crate::support::server::{Asked, Fault, TestServer, nobody};

const CATALOG_TWO: (&str, &str, &[u8]) = (CATALOG_ROLE, CATALOG_TARGET, b"catalog two");

/// A repository on a server, and an install that has not made a request yet.
fn served() -> (TestRepository, TestServer, Install) {
    let test = TestRepository::new();
    let (web, install) = test.over_http();
    (test, web, install)
}

/// Like [`served`], but the install has checked once, and the server's log is empty.
fn known() -> (TestRepository, TestServer, Install) {
    let (test, web, install) = served();
    install.check().unwrap();
    web.take_asked();
    (test, web, install)
}

fn pack(status: u16) -> Vec<Asked> {
    vec![(PATH.to_owned(), status)]
}

fn single(path: &str, status: u16) -> Asked {
    (path.to_owned(), status)
}

/// Sorted by name.
fn sorted(mut asked: Vec<Asked>) -> Vec<Asked> {
    asked.sort();
    asked
}

/// A check that must find the catalog `wanted`. Returns the warning about an ignored pack.
#[track_caller]
fn checked(install: &Install, wanted: &[u8]) -> Option<String> {
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), wanted);
    repository.take_warning().map(|warning| warning.code().to_owned())
}

#[test]
fn first_check_is_one_request() {
    let (_workshop, web, install) = served();
    assert_eq!(checked(&install, b"catalog one"), None);
    assert_eq!(web.take_asked(), pack(200));
}

#[test]
fn check_with_nothing_new_is_one_request_without_a_body() {
    let (_workshop, web, install) = known();
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog one");
    assert_eq!(web.take_asked(), pack(304));
    assert_eq!((repository.transfer().requests, repository.transfer().received_bytes), (1, 0));
}

#[test]
fn check_after_a_publication_is_one_request() {
    let (test, web, install) = known();
    test.publish(&[("nightly", NIGHTLY, b"nightly two"), CATALOG_TWO]);
    assert_eq!(checked(&install, b"catalog two"), None);
    assert_eq!(web.take_asked(), pack(200));
}

#[test]
fn what_is_not_in_the_pack_is_asked_for_singly() {
    let (_workshop, web, install) = served();
    assert_eq!(install.check().unwrap().target(STABLE, CAP).unwrap(), b"stable one");
    let asked = web.take_asked();
    assert_eq!((asked[0].clone(), asked.len()), (pack(200)[0].clone(), 2));
    assert!(asked[1].0.starts_with("targets/stable/1.0.0/"), "{asked:?}");
}

#[test]
fn check_after_a_change_of_all_keys_is_one_request() {
    let (test, web, install) = served();
    install.check().unwrap();
    let mut keys = test.keys();
    for role in ["root", "targets", "snapshot", "timestamp", "catalog", "stable"] {
        keys.rotate(role).unwrap();
    }
    test.publish(&[CATALOG_TWO]);
    web.take_asked();
    let repository = install.check().unwrap();
    assert_eq!((repository.root_version(), web.take_asked()), (5, pack(200)));
}

#[test]
fn client_that_is_further_behind_than_the_pack_asks_for_the_roots_between() {
    let (test, web, install) = served();
    let mut keys = test.keys();
    for _ in 0..18 {
        keys.renew_root().unwrap();
    }
    test.publish(&[CATALOG_TWO]);
    assert_eq!(install.check().unwrap().root_version(), 19);
    let asked = [pack(200)[0].clone(), single("tuf/2.root.json", 200), single("tuf/3.root.json", 200)];
    assert_eq!(web.take_asked(), asked);
}

#[test]
fn folder_is_read_without_its_pack() {
    let test = TestRepository::new();
    fs::write(test.repository().join(PATH), b"?").unwrap();
    assert_eq!(checked(&test.install("a"), b"catalog one"), None);
}

#[test]
fn repository_without_a_pack_costs_one_request_more_and_only_once() {
    let test = TestRepository::new();
    packing::remove(&test.repository());
    let (web, install) = test.over_http();
    install.check().unwrap();
    assert_eq!(web.take_asked()[0], single(PATH, 404));
    install.check().unwrap();
    let two = [single("tuf/2.root.json", 404), single("tuf/timestamp.json", 304)];
    assert_eq!(sorted(web.take_asked()), two);
}

#[test]
fn pack_that_comes_with_a_publication_is_found() {
    let test = TestRepository::new();
    packing::remove(&test.repository());
    let (web, install) = test.over_http();
    install.check().unwrap();
    test.publish(&[CATALOG_TWO]);
    web.take_asked();
    // The timestamp has changed, so the pack is requested again.
    assert_eq!(checked(&install, b"catalog two"), None);
    assert!(web.take_asked().iter().all(|(path, _)| path != PATH));
    assert_eq!(checked(&install, b"catalog two"), None);
    assert_eq!(web.take_asked(), pack(200));
}

#[test]
fn repository_without_a_pack_is_asked_for_one_again_after_a_day_and_when_the_clock_was_wrong() {
    for seconds in [-86_401, 3600] {
        let test = TestRepository::new();
        packing::remove(&test.repository());
        let (web, install) = test.over_http();
        install.check().unwrap();
        let record = install.memory().join("client.json");
        let mut known: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
        let since = &mut known["pack"]["absent"]["since"];
        *since = (since.as_i64().unwrap() + seconds).into();
        fs::write(&record, known.to_string()).unwrap();
        web.take_asked();
        install.check().unwrap();
        assert_eq!(web.take_asked()[0], single(PATH, 404), "{seconds}");
    }
}

#[test]
fn pack_may_be_missing_in_three_ways() {
    for status in [403, 404, 410] {
        let (_workshop, web, install) = served();
        web.break_path(PATH, Fault::Status(status));
        assert_eq!(checked(&install, b"catalog one"), None, "{status}");
    }
}

/// A server's possible answers in place of a pack, and the warnings they cause.
fn broken(test: &TestRepository) -> Vec<(Fault, Option<&'static str>)> {
    let packed = fs::read(test.repository().join(PATH)).unwrap();
    let malformed = Some("metadata_malformed");
    let bomb = zstd::bulk::compress(&vec![0; MAX_PLAIN_BYTES as usize + 1], 3).unwrap();
    let foreign = plain(&[("state.json", b"{}")]);
    let twice = plain(&[("tuf/timestamp.json", b"{}"), ("tuf/timestamp.json", b"[]")]);
    vec![
        (Fault::Body(Vec::new()), malformed),
        (Fault::Body(b"no pack".to_vec()), malformed),
        (Fault::Body(b"<html>Sign in</html>".to_vec()), None),
        (Fault::Body(packed[..packed.len() / 2].to_vec()), malformed),
        (Fault::Body(packed.iter().map(|byte| byte ^ 1).collect()), malformed),
        (Fault::Body(bomb), malformed),
        (Fault::Body(foreign), malformed),
        (Fault::Body(twice), malformed),
        (Fault::Body(MetadataPack::write(&BTreeMap::new()).unwrap()), malformed),
        (Fault::Endless, malformed),
        (Fault::Announce(1 << 40, vec![0; 1 << 16]), malformed),
        (Fault::Announce(900, b"(".to_vec()), None),
        (Fault::Status(304), None),
        (Fault::Status(401), None),
        (Fault::Status(500), None),
        (Fault::Redirect("file:///etc/passwd".to_owned()), None),
        (Fault::Stall, None),
        (Fault::Drip, None),
    ]
}

/// A frame with these entries.
fn plain(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut plain = [&b"vsk-pack\x01\0\0\0"[..], &(entries.len() as u32).to_le_bytes()].concat();
    for (path, body) in entries {
        plain.extend((path.len() as u16).to_le_bytes());
        plain.extend(path.as_bytes());
        plain.extend((body.len() as u32).to_le_bytes());
        plain.extend(*body);
    }
    zstd::bulk::compress(&plain, 3).unwrap()
}

#[test]
fn broken_pack_gives_way_to_the_single_files() {
    let test = TestRepository::new();
    for (number, (fault, warning)) in broken(&test).into_iter().enumerate() {
        let web = TestServer::start(&test.repository());
        let install = test.install(&format!("a{number}")).at(&[&web.url()]);
        web.break_path(PATH, fault.clone());
        let begun = std::time::Instant::now();
        assert_eq!(checked(&install, b"catalog one").as_deref(), warning, "{fault:?}");
        assert!(begun.elapsed().as_secs() < 5, "{fault:?}");
        if warning.is_some() {
            web.take_asked();
            assert_eq!(checked(&install, b"catalog one"), None, "told once: {fault:?}");
            assert_eq!(web.take_asked().len(), 2, "and not asked for again: {fault:?}");
        }
    }
}

#[test]
fn pack_of_a_later_version_is_no_reason_to_warn() {
    let (_workshop, web, install) = served();
    web.break_path(PATH, Fault::Body(zstd::bulk::compress(b"vsk-pack\x02\0\0\0and so on", 3).unwrap()));
    assert_eq!(checked(&install, b"catalog one"), None);
}

/// A commit that was killed between the timestamp and the pack.
#[test]
fn older_pack_is_passed_over_by_who_has_seen_newer_and_mended_by_the_next_who_publishes() {
    let (test, web, install) = served();
    let path = test.repository().join(PATH);
    let old = fs::read(&path).unwrap();
    test.publish(&[CATALOG_TWO]);
    install.check().unwrap();
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog three")]);
    fs::write(&path, &old).unwrap();
    assert_eq!(checked(&install, b"catalog three").as_deref(), Some("metadata_rollback"));
    web.take_asked();
    assert_eq!(checked(&install, b"catalog three"), None);
    assert_eq!(sorted(web.take_asked()), [single("tuf/2.root.json", 404), single("tuf/timestamp.json", 304)]);

    let before = files_of(&test.repository());
    drop(Publication::open(&test.repository(), &test.keys()).unwrap());
    let after = files_of(&test.repository());
    let changed: Vec<&String> = after.keys().filter(|name| after.get(*name) != before.get(*name)).collect();
    assert_eq!(changed, [PATH]);
    assert_eq!(checked(&test.install("b").at(&[&web.url()]), b"catalog three"), None);
    assert_eq!(web.take_asked(), pack(200));
}

#[test]
fn older_pack_is_as_good_as_an_older_mirror_to_who_has_seen_nothing() {
    let (test, _web, install) = served();
    let path = test.repository().join(PATH);
    let old = fs::read(&path).unwrap();
    test.publish(&[CATALOG_TWO]);
    fs::write(&path, &old).unwrap();
    assert_eq!(checked(&install, b"catalog one"), None);
}

#[test]
fn older_pack_that_has_expired_is_passed_over_by_everybody() {
    let (test, _web, install) = served();
    test.keep_as("old");
    test.publish(&[CATALOG_TWO]);
    let forge = Forge::new(&test.path("old"), &test.keys_folder());
    let mut timestamp = forge.timestamp();
    timestamp.expires = yesterday();
    forge.put_timestamp(timestamp);
    packing::rebuild(&test.path("old"));
    fs::copy(test.path("old").join(PATH), test.repository().join(PATH)).unwrap();
    assert_eq!(checked(&install, b"catalog two").as_deref(), Some("metadata_expired"));
}

#[test]
fn pack_that_knows_no_root_as_new_as_ours_is_passed_over() {
    let (test, _web, install) = served();
    let old = fs::read(test.repository().join(PATH)).unwrap();
    test.keys().rotate("root").unwrap();
    test.publish(&[CATALOG_TWO]);
    install.check().unwrap();
    fs::write(test.repository().join(PATH), old).unwrap();
    assert_eq!(checked(&install, b"catalog two").as_deref(), Some("metadata_rollback"));
}

#[test]
fn files_of_two_times_in_one_pack_do_not_hold() {
    let (test, _web, install) = served();
    let old = packing::read(&test.repository());
    test.publish(&[("stable", STABLE, b"stable two"), CATALOG_TWO]);
    let new = packing::read(&test.repository());
    for role in ["snapshot", "stable", "catalog"] {
        let of = |files: &BTreeMap<String, Vec<u8>>| {
            let mut found =
                files.iter().filter(|(path, _)| path.starts_with("tuf/") && path.ends_with(&format!(".{role}.json")));
            found.next().map(|(path, bytes)| (path.clone(), bytes.clone())).unwrap()
        };
        let ((_, before), (path, _)) = (of(&old), of(&new));
        let mut mixed = new.clone();
        mixed.insert(path.clone(), before.clone());
        packing::put(&test.repository(), &mixed);
        let _ = fs::remove_dir_all(install.memory());
        assert_eq!(checked(&install, b"catalog two").as_deref(), Some("target_mismatch"), "{role}");
    }
    // Only the newest timestamp: the files that it refers to are requested singly, and verify.
    let mut lacking = new.clone();
    lacking.retain(|path, _| path == "tuf/timestamp.json" || path.ends_with(".root.json"));
    packing::put(&test.repository(), &lacking);
    fs::remove_dir_all(install.memory()).unwrap();
    assert_eq!(checked(&install, b"catalog two"), None);
}

#[test]
fn wrong_target_in_a_pack_is_passed_over_whatever_its_length() {
    for wrong in [&b"catalog 0ne"[..], b"catalog", b"", &[b'x'; 5000]] {
        let (test, web, install) = served();
        let mut files = packing::read(&test.repository());
        let path =
            files.keys().find(|path| path.ends_with(".catalog.json") && path.starts_with("targets")).unwrap().clone();
        files.insert(path, wrong.to_vec());
        packing::put(&test.repository(), &files);
        let warning = checked(&install, b"catalog one");
        // A file that is longer than its signed length is not even taken from the pack.
        let expected = (wrong.len() <= 11).then(|| "target_mismatch".to_owned());
        assert_eq!(warning, expected, "{} bytes", wrong.len());
        assert_eq!(web.take_asked().len(), 2, "{} bytes", wrong.len());
    }
}

/// A folder that an attacker has changed, with any keys.
type Attack = fn(&Forge, &Path);

const ATTACKS: [(&str, Attack); 5] = [
    ("signature_invalid", |forge, _| forge.put_role("stable", forge.role("stable"), "nightly")),
    ("metadata_expired", |forge, _| {
        let mut targets = forge.role("targets");
        targets.expires = yesterday();
        forge.put_role("targets", targets, "targets");
    }),
    ("metadata_rollback", |forge, _| {
        let mut snapshot = forge.snapshot();
        snapshot.version = next(snapshot.version);
        snapshot.meta.remove("stable.json");
        forge.put_snapshot(snapshot);
    }),
    ("metadata_malformed", |_, folder| fs::write(folder.join("tuf/timestamp.json"), b"<html>").unwrap()),
    ("signature_invalid", |_, folder| {
        let strangers = TestRepository::new();
        fs::remove_dir_all(folder).unwrap();
        copy_tree(&strangers.repository(), folder);
    }),
];

#[test]
fn attacked_pack_beside_honest_files_brings_what_is_honest() {
    for (number, (code, attack)) in ATTACKS.into_iter().enumerate() {
        let (test, _web, install) = served();
        install.check().unwrap();
        let hostile = test.keep_as("hostile");
        attack(&Forge::new(&hostile, &test.keys_folder()), &hostile);
        test.publish(&[CATALOG_TWO]);
        packing::rebuild(&hostile);
        fs::copy(hostile.join(PATH), test.repository().join(PATH)).unwrap();
        assert_eq!(checked(&install, b"catalog two").as_deref(), Some(code), "attack {number}");
        assert_eq!(checked(&install, b"catalog two"), None, "attack {number}");
    }
}

#[test]
fn fast_forward_in_a_pack_is_undone_by_new_keys() {
    let (test, _web, install) = served();
    let hostile = test.keep_as("hostile");
    let forge = Forge::new(&hostile, &test.keys_folder());
    let mut snapshot = forge.snapshot();
    snapshot.version = NonZeroU64::new(u64::MAX - 1).unwrap();
    forge.put_snapshot(snapshot);
    packing::rebuild(&hostile);
    fs::copy(hostile.join(PATH), test.repository().join(PATH)).unwrap();
    // The snapshot with that number is in the pack, and the pack is valid.
    assert_eq!(checked(&install, b"catalog one"), None);
    let mut keys = test.keys();
    keys.rotate("timestamp").unwrap();
    keys.rotate("snapshot").unwrap();
    test.publish(&[CATALOG_TWO]);
    assert_eq!(checked(&install, b"catalog two"), None);
}

#[test]
fn mirror_that_is_down_costs_one_try_before_the_pack_of_the_next() {
    let test = TestRepository::new();
    let web = TestServer::start(&test.repository());
    let install = test.install("a").at(&[&nobody(), &web.url()]);
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog one");
    assert_eq!(repository.transfer().requests, 2);
}

#[test]
fn mirror_with_a_hostile_pack_and_hostile_files_gives_way_to_the_next() {
    let (test, strangers) = (TestRepository::new(), TestRepository::new());
    let (bad, good) = (TestServer::start(&strangers.repository()), TestServer::start(&test.repository()));
    let install = test.install("a").at(&[&bad.url(), &good.url()]);
    assert_eq!(checked(&install, b"catalog one").as_deref(), Some("signature_invalid"));
}

#[test]
fn planted_pack_in_the_memory_is_found_out() {
    let (test, strangers) = (TestRepository::new(), TestRepository::new());
    let (web, install) = test.over_http();
    install.check().unwrap();
    let planted = fs::read(strangers.repository().join(PATH)).unwrap();
    fs::write(install.memory().join("cache/current.pack"), planted).unwrap();
    web.take_asked();
    assert_eq!(checked(&install, b"catalog one"), None);
    assert_eq!(web.take_asked(), pack(200));
}

#[test]
fn lists_beside_the_signed_files_come_along_and_stay() {
    let (test, web, install) = served();
    let path = format!("bundles/{}.json", "0a".repeat(32));
    let mut files = packing::read(&test.repository());
    files.insert(path.clone(), b"a list".to_vec());
    packing::put(&test.repository(), &files);
    for status in [200, 304] {
        let repository = install.check().unwrap();
        assert_eq!(repository.beside(&path).as_deref(), Some(&b"a list"[..]));
        assert_eq!(repository.beside("bundles/other.json"), None);
        assert_eq!(web.take_asked(), pack(status));
    }
    // Only files of the pack: none from the folder, and none if the pack is ignored.
    assert_eq!(test.install("b").check().unwrap().beside(&path), None);
}

#[test]
fn kept_pack_does_not_outlive_the_one_that_is_served() {
    let (test, _web, install) = served();
    install.check().unwrap();
    assert!(install.memory().join("cache/current.pack").exists());
    packing::remove(&test.repository());
    install.check().unwrap();
    assert!(!install.memory().join("cache/current.pack").exists());
}
