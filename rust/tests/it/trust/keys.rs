//! The key folder: keys are created once and never overwritten, and old clients follow every change of keys.

use std::fs;

use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET, Days, Keys, Publication};

use super::test_repository::{CAP, NIGHTLY, STABLE, TestRepository, copy_tree, files_of, modes};

const ROLES: [&str; 7] = ["root", "targets", "snapshot", "timestamp", "catalog", "nightly", "stable"];

#[test]
fn every_role_gets_a_key_of_its_own() {
    let test = TestRepository::new();
    let shown = test.keys().show();
    assert_eq!(shown.iter().map(|info| info.role.as_str()).collect::<Vec<_>>(), ROLES);
    let ids: std::collections::BTreeSet<&str> = shown.iter().map(|info| info.key_id.as_str()).collect();
    assert_eq!(ids.len(), ROLES.len());
    assert!(shown.iter().all(|info| info.present && info.threshold == 1 && info.root_version == 1));
    let online = Keys::open(test.some_keys("online", &["snapshot", "timestamp"])).unwrap();
    let here: Vec<String> = online.show().into_iter().filter(|info| info.present).map(|info| info.role).collect();
    assert_eq!(here, ["snapshot", "timestamp"]);
}

#[cfg(unix)]
#[test]
fn only_their_owner_can_read_private_keys() {
    use std::os::unix::fs::PermissionsExt;
    let test = TestRepository::new();
    test.keys().rotate("timestamp").unwrap();
    let mut count = 0;
    for entry in fs::read_dir(test.keys_folder()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.contains(".pk8") {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn existing_keys_are_never_overwritten() {
    let test = TestRepository::new();
    let before = files_of(&test.keys_folder());
    let error = Keys::init(test.keys_folder(), &modes(), &Days::default()).unwrap_err();
    assert_eq!(error.code(), "invalid_argument");
    assert_eq!(files_of(&test.keys_folder()), before);
}

#[test]
fn interrupted_init_goes_on_with_the_keys_that_it_made() {
    let test = TestRepository::new();
    let whole = files_of(&test.keys_folder());
    let folder = test.path("again");
    copy_tree(&test.keys_folder(), &folder);
    for name in ["keys.json", "root.json", "1.root.json"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    let lost = whole.keys().find(|name| name.starts_with("stable.")).unwrap();
    fs::remove_file(folder.join(lost)).unwrap();
    let keys = Keys::init(&folder, &modes(), &Days::default()).unwrap();
    assert!(keys.show().iter().all(|info| info.present));
    let private = files_of(&folder).into_iter().filter(|(name, _)| name.ends_with(".pk8"));
    let kept = private.filter(|(name, bytes)| whole.get(name) == Some(bytes)).count();
    assert_eq!(kept, ROLES.len() - 1);
}

#[test]
fn modes_and_days_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let init = |modes: &[&str], days: &Days| {
        let modes: Vec<String> = modes.iter().map(|mode| (*mode).to_owned()).collect();
        Keys::init(folder.path().join("keys"), &modes, days).unwrap_err().code()
    };
    for modes in [&["root"][..], &["a/b"], &["../x"], &["*"], &[], &["stable", "catalog"]] {
        assert_eq!(init(modes, &Days::default()), "invalid_argument", "{modes:?}");
    }
    assert_eq!(init(&["stable"], &Days { timestamp: 0, ..Days::default() }), "invalid_argument");
    assert!(!folder.path().join("keys").exists(), "nothing was made");
}

#[test]
fn client_with_the_first_root_follows_a_change_of_every_key() {
    for role in ROLES {
        let test = TestRepository::new();
        let (fresh, old) = (test.install("fresh"), test.install("old"));
        old.check().unwrap();
        let mut keys = test.keys();
        let id = |keys: &Keys| keys.show().into_iter().find(|info| info.role == role).unwrap().key_id;
        let before = id(&keys);
        keys.rotate(role).unwrap();
        assert_ne!(id(&keys), before);
        test.publish(&[("stable", STABLE, b"stable two"), (CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
        for install in [fresh, old] {
            let mut repository = install.check().unwrap();
            assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable two", "{role}");
        }
    }
}

#[test]
fn replaced_key_is_worth_nothing() {
    for role in ["stable", "catalog", "snapshot", "timestamp", "targets"] {
        let test = TestRepository::new();
        copy_tree(&test.keys_folder(), &test.path("stolen"));
        test.keys().rotate(role).unwrap();
        test.publish(&[("stable", STABLE, b"stable two")]);
        let before = files_of(&test.repository());
        let evil: [(&str, &str, &[u8]); 2] =
            [("stable", STABLE, b"evil"), (CATALOG_ROLE, CATALOG_TARGET, b"evil catalog")];
        let outcome = test.publish_with(&test.path("stolen"), &evil);
        if role == "targets" {
            // That key signs no release, and is not needed for one.
            outcome.unwrap();
        } else {
            assert_eq!(outcome.unwrap_err().code(), "key_missing", "{role}");
            assert_eq!(files_of(&test.repository()), before);
        }
    }
}

#[test]
fn old_copy_of_the_keys_does_not_bring_a_replaced_key_back() {
    let test = TestRepository::new();
    copy_tree(&test.keys_folder(), &test.path("other-machine"));
    test.keys().rotate("nightly").unwrap();
    test.publish(&[]);
    let install = test.install("a");
    test.publish_with(&test.path("other-machine"), &[("stable", STABLE, b"stable two")]).unwrap();
    test.publish(&[("nightly", NIGHTLY, b"nightly two")]);
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable two");
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap(), b"nightly two");
}

#[test]
fn new_mode_is_published_with_the_key_of_targets() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let mut keys = test.keys();
    assert_eq!(keys.add_mode("stable").unwrap_err().code(), "invalid_argument");
    keys.add_mode("beta").unwrap();
    let online = test.some_keys("online", &["beta", "snapshot", "timestamp"]);
    let online = Keys::open(&online).unwrap();
    let mut publication = Publication::open(&test.repository(), &online).unwrap();
    assert_eq!(publication.add_mode("beta").unwrap_err().code(), "key_missing");
    assert_eq!(publication.add_mode("gamma").unwrap_err().code(), "mode_unknown");
    drop(publication);
    let name = "beta/1.0.0/linux-x86_64/release.json";
    test.publish(&[("beta", name, b"beta one")]);
    assert_eq!(install.check().unwrap().target(name, CAP).unwrap(), b"beta one");
}

#[test]
fn lost_key_is_replaced_like_any_other() {
    let test = TestRepository::new();
    let folder = test.some_keys("rest", &["root", "targets", "snapshot", "catalog", "nightly"]);
    let mut keys = Keys::open(&folder).unwrap();
    keys.rotate("timestamp").unwrap();
    keys.rotate("stable").unwrap();
    test.publish_with(&folder, &[("stable", STABLE, b"stable two")]).unwrap();
    assert_eq!(test.install("a").check().unwrap().target(STABLE, CAP).unwrap(), b"stable two");
}

#[test]
fn no_new_root_without_the_key_of_root() {
    let test = TestRepository::new();
    let folder = test.some_keys("rest", &["targets", "snapshot", "timestamp"]);
    let mut keys = Keys::open(&folder).unwrap();
    for role in ["root", "timestamp"] {
        assert_eq!(keys.rotate(role).unwrap_err().code(), "key_missing", "{role}");
    }
    assert_eq!(keys.renew_root().unwrap_err().code(), "key_missing");
    assert_eq!(Keys::open(&folder).unwrap().show()[0].root_version, 1);
}

#[test]
fn renewed_root_has_the_same_keys() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let mut keys = test.keys();
    let before = keys.show();
    keys.renew_root().unwrap();
    let ids = |shown: &[vsekai_updater::net::trust::KeyInfo]| -> Vec<String> {
        shown.iter().map(|info| info.key_id.clone()).collect()
    };
    assert_eq!(ids(&keys.show()), ids(&before));
    test.publish(&[]);
    assert_eq!(install.check().unwrap().root_version(), 2);
}

/// Moves the private keys of `role`, except the first `kept`, out of the folder.
fn take_away(test: &TestRepository, folder: &str, role: &str, kept: usize) -> std::path::PathBuf {
    copy_tree(&test.keys_folder(), &test.path(folder));
    let files = files_of(&test.path(folder)).into_keys();
    let of_role = files.filter(|name| name.starts_with(&format!("{role}.")) && name.ends_with(".pk8"));
    for name in of_role.skip(kept) {
        fs::remove_file(test.path(folder).join(name)).unwrap();
    }
    test.path(folder)
}

#[test]
fn role_of_two_out_of_three_keys_needs_two() {
    for role in ["stable", "timestamp"] {
        let test = TestRepository::new();
        let install = test.install("a");
        install.check().unwrap();
        let mut keys = test.keys();
        keys.add_key(role).unwrap();
        keys.add_key(role).unwrap();
        for wrong in [0, 4] {
            assert_eq!(keys.set_threshold(role, wrong).unwrap_err().code(), "invalid_argument");
        }
        keys.set_threshold(role, 2).unwrap();
        test.publish(&[]);
        install.check().unwrap();
        let two: [(&str, &str, &[u8]); 1] = [("stable", STABLE, b"stable two")];
        let one = take_away(&test, "one", role, 1);
        assert_eq!(test.publish_with(&one, &two).unwrap_err().code(), "key_missing", "{role}");
        test.publish_with(&take_away(&test, "two", role, 2), &two).unwrap();
        assert_eq!(install.check().unwrap().target(STABLE, CAP).unwrap(), b"stable two", "{role}");
    }
}

#[test]
fn root_of_two_out_of_three_keys_changes_with_two() {
    let test = TestRepository::new();
    let install = test.install("a");
    let mut keys = test.keys();
    keys.add_key("root").unwrap();
    keys.add_key("root").unwrap();
    keys.set_threshold("root", 2).unwrap();
    let shown = keys.show();
    assert!(shown.iter().filter(|info| info.role == "root").all(|info| info.threshold == 2));
    let one = take_away(&test, "one", "root", 1);
    assert_eq!(Keys::open(&one).unwrap().rotate("snapshot").unwrap_err().code(), "key_missing");
    let two = take_away(&test, "two", "root", 2);
    let mut keys = Keys::open(&two).unwrap();
    keys.rotate("snapshot").unwrap();
    keys.rotate("root").unwrap();
    test.publish_with(&two, &[("stable", STABLE, b"stable two")]).unwrap();
    assert_eq!(install.check().unwrap().root_version(), 6);
}
