//! Which offline signatures an update server accepts, and that clients accept what it signs.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroU64;

use tough::schema::{Delegations, PathPattern, PathSet, Signed, Targets};
use vsekai_updater::net::trust::{
    CATALOG_ROLE, CATALOG_TARGET, Days, Keys, MemoryStorage, Publication, ServiceKeys, TrustFiles,
};

use super::test_repository::{CAP, NIGHTLY, STABLE, files_of, modes};
use super::test_service::TestService;
use crate::support::forge::{Forge, yesterday};

fn names(written: &[(String, Vec<u8>)]) -> Vec<&str> {
    written.iter().map(|(name, _)| name.as_str()).collect()
}

/// The content of a signed file.
fn body(bytes: &[u8]) -> Targets {
    serde_json::from_slice::<Signed<Targets>>(bytes).unwrap().signed
}

fn forge(test: &TestService) -> Forge {
    Forge::new(&test.path("published"), &test.path("keys"))
}

#[test]
fn repository_begun_from_offline_files_is_one_that_clients_read() {
    let mut test = TestService::new();
    let files = test.trust_files().unwrap();
    let written = test.accept(&files).unwrap();
    assert_eq!(names(&written).last(), Some(&"tuf/timestamp.json"));
    for name in
        ["tuf/1.root.json", "tuf/1.targets.json", "tuf/1.stable.json", "tuf/1.nightly.json", "tuf/1.catalog.json"]
    {
        assert!(test.files.contains_key(name), "{name} of {:?}", names(&written));
    }
    assert_eq!(&test.files["tuf/1.stable.json"], &files.roles["stable"], "what came is what is published");
    let repository = test.read(test.keys().root()).unwrap();
    assert_eq!(repository.target_names(), Vec::<String>::new());
}

#[test]
fn the_same_trust_again_changes_nothing() {
    let mut test = TestService::new();
    let files = test.trust_files().unwrap();
    test.accept(&files).unwrap();
    assert_eq!(test.trust_files(), None, "the publisher has nothing to add");
    assert_eq!(test.accept(&files).unwrap(), []);
    let metadata = test.sign("stable", &[(STABLE, b"one")]);
    test.publish("stable", &metadata).unwrap();
    assert_eq!(test.accept(&files).unwrap(), [], "the first metadata of a mode is outdated later");
}

#[test]
fn what_a_mode_has_signed_elsewhere_is_published_as_it_came() {
    let mut test = TestService::begun();
    let metadata = test.sign("stable", &[(STABLE, b"one")]);
    let written = test.publish("stable", &metadata).unwrap();
    assert_eq!(names(&written), ["tuf/2.stable.json", "tuf/2.snapshot.json", "tuf/timestamp.json"]);
    assert_eq!(written[0].1, metadata);
    let service = test.service();
    let publication = Publication::open_service(test.shelf(), &service).unwrap();
    let listed = publication.listed(STABLE).unwrap().unwrap();
    assert_eq!((listed.length, publication.published_version("stable")), (3, Some(2)));
    assert_eq!(publication.target(STABLE).unwrap_err().code(), "not_found", "the shelf has no release documents");
    assert_eq!(publication.target(NIGHTLY).unwrap(), None);
    test.files.insert(listed.path, b"one".to_vec());
    assert_eq!(test.read(test.keys().root()).unwrap().target(STABLE, CAP).unwrap(), b"one");
}

#[test]
fn service_signs_the_catalog_with_what_was_accepted() {
    let mut test = TestService::begun();
    let metadata = test.sign("nightly", &[(NIGHTLY, b"one")]);
    let service = test.service();
    let mut publication = Publication::open_service(test.shelf(), &service).unwrap();
    publication.accept_role("nightly", &metadata).unwrap();
    publication.put(CATALOG_ROLE, CATALOG_TARGET, b"offers".to_vec()).unwrap();
    publication.commit().unwrap();
    let written = publication.into_written();
    let [catalog, ..] = names(&written)[..] else { panic!("{written:?}") };
    assert!(catalog.starts_with("targets/") && catalog.ends_with(".catalog.json"), "targets come first: {catalog}");
    test.files.extend(written);
    let mut repository = test.read(test.keys().root()).unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"offers");
}

#[test]
fn service_renews_what_it_signs() {
    let mut test = TestService::begun();
    let service = test.service();
    let mut publication = Publication::open_service(test.shelf(), &service).unwrap();
    publication.renew().unwrap();
    publication.commit().unwrap();
    assert_eq!(names(publication.written()), ["tuf/2.snapshot.json", "tuf/timestamp.json"]);
    test.files.extend(publication.into_written());
    test.read(test.keys().root()).unwrap();
}

#[test]
fn role_that_its_key_has_not_signed_is_refused() {
    let mut test = TestService::begun();
    let stable = test.sign("stable", &[(STABLE, b"one")]);
    let before = test.files.clone();
    assert_eq!(test.publish("nightly", &stable).unwrap_err().code(), "signature_invalid");
    let text = String::from_utf8(stable.clone()).unwrap().replace("\"length\":3", "\"length\":4");
    assert_eq!(test.publish("stable", text.as_bytes()).unwrap_err().code(), "signature_invalid");
    assert_eq!(test.publish("stable", b"{}").unwrap_err().code(), "metadata_malformed");
    assert_eq!(test.publish("beta", &stable).unwrap_err().code(), "mode_unknown");
    assert_eq!(test.publish(CATALOG_ROLE, &stable).unwrap_err().code(), "mode_unknown");
    assert_eq!(test.publish("stable", &vec![b' '; (4 << 20) + 1]).unwrap_err().code(), "invalid_argument");
    assert_eq!(test.files, before);
}

#[test]
fn role_that_would_stop_other_modes_is_refused() {
    let mut test = TestService::begun();
    let forge = forge(&test);
    let honest = body(&test.sign("stable", &[(STABLE, b"one")]));
    let target = honest.targets.values().next().unwrap().clone();
    for name in [NIGHTLY, CATALOG_TARGET, "stable/a/b/c/d", "stablex/a"] {
        let mut evil = honest.clone();
        evil.add_target(tough::TargetName::new(name).unwrap(), target.clone());
        let error = test.publish("stable", &forge.sign(evil, "stable")).unwrap_err();
        assert_eq!(error.code(), "invalid_argument", "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut evil = honest.clone();
    evil.delegations = Some(Delegations { keys: HashMap::new(), roles: Vec::new() });
    assert_eq!(test.publish("stable", &forge.sign(evil, "stable")).unwrap_err().code(), "invalid_argument");
    let mut evil = honest.clone();
    evil.targets.values_mut().for_each(|target| target.hashes.sha256 = vec![1].into());
    assert_eq!(test.publish("stable", &forge.sign(evil, "stable")).unwrap_err().code(), "invalid_argument");
    test.publish("stable", &forge.sign(honest, "stable")).unwrap();
}

#[test]
fn role_that_is_old_skips_a_version_or_has_expired_is_refused() {
    let mut test = TestService::begun();
    let forge = forge(&test);
    let first = test.sign("stable", &[(STABLE, b"one")]);
    let late = test.sign("stable", &[(STABLE, b"late")]);
    test.publish("stable", &first).unwrap();
    assert_eq!(test.publish("stable", &first).unwrap_err().code(), "metadata_rollback");
    assert_eq!(test.publish("stable", &late).unwrap_err().code(), "metadata_rollback");
    let mut next = body(&test.sign("stable", &[(STABLE, b"two")]));
    assert_eq!(next.version.get(), 3);
    next.version = NonZeroU64::new(4).unwrap();
    assert_eq!(test.publish("stable", &forge.sign(next.clone(), "stable")).unwrap_err().code(), "invalid_argument");
    next.version = NonZeroU64::new(3).unwrap();
    next.expires = yesterday();
    assert_eq!(test.publish("stable", &forge.sign(next, "stable")).unwrap_err().code(), "metadata_expired");
}

#[test]
fn keys_that_the_service_has_not_are_found_out_before_it_begins() {
    let mut test = TestService::new();
    let stranger = TestService::new();
    let files = stranger.trust_files().unwrap();
    assert_eq!(test.accept(&files).unwrap_err().code(), "key_missing");
    // A separate catalog key, where snapshot and timestamp are right.
    let text = fs::read_to_string(test.path("keys/keys.json")).unwrap();
    let (ours, theirs) = (test.service().online_keys().unwrap(), stranger.service().online_keys().unwrap());
    let public = |key: &serde_json::Value| key["keyval"]["public"].as_str().unwrap().to_owned();
    fs::write(test.path("keys/keys.json"), text.replace(&public(&ours.catalog), &public(&theirs.catalog))).unwrap();
    let error = test.accept(&test.trust_files().unwrap()).unwrap_err();
    assert_eq!(error.code(), "key_missing");
    assert!(error.to_string().contains("catalog"), "{error}");
    assert!(test.files.is_empty());
}

#[test]
fn repository_of_one_publisher_is_not_taken_over_by_another() {
    let mut test = TestService::begun();
    let online = test.service().online_keys().unwrap();
    let other = Keys::init_online(test.path("other"), &modes(), &Days::default(), &online).unwrap();
    let files = Publication::open_in(MemoryStorage::default(), &other).unwrap().trust_files().unwrap().unwrap();
    let before = test.files.clone();
    assert_eq!(test.accept(&files).unwrap_err().code(), "signature_invalid");
    let later = TrustFiles { roots: [(2, files.roots[&1].clone())].into(), ..files };
    assert_eq!(test.accept(&later).unwrap_err().code(), "trust_root_invalid");
    assert_eq!(test.files, before);
}

#[test]
fn change_of_every_offline_key_is_taken_and_followed() {
    for role in ["root", "targets", "stable"] {
        let mut test = TestService::begun();
        let first = test.keys().root().to_vec();
        let metadata = test.sign("stable", &[(STABLE, b"one")]);
        test.publish("stable", &metadata).unwrap();
        test.keys().rotate(role).unwrap();
        let files = test.trust_files().unwrap();
        test.accept(&files).unwrap();
        assert_eq!(test.accept(&files).unwrap(), [], "{role}");
        assert_eq!(test.trust_files(), None, "{role}");
        let metadata = test.sign("stable", &[("stable/1.1.0/linux-x86_64/release.json", b"two")]);
        test.publish("stable", &metadata).unwrap();
        let repository = test.read(&first).unwrap();
        assert_eq!(repository.target_names().len(), 2, "{role}: nothing was lost");
        assert_eq!(repository.root_version(), if role == "stable" { 1 } else { 2 });
    }
}

#[test]
fn new_keys_of_the_service_are_taken_once_the_root_names_them() {
    for role in ["snapshot", "timestamp", "catalog"] {
        let mut test = TestService::begun();
        let first = test.keys().root().to_vec();
        test.keys().rotate(role).unwrap();
        let files = test.trust_files().unwrap();
        assert_eq!(test.accept(&files).unwrap_err().code(), "key_missing", "{role}");
        for (name, bytes) in files_of(&test.path("keys")) {
            if name.starts_with(&format!("{role}.")) && name.ends_with(".pk8") {
                fs::write(test.path("service").join(name), bytes).unwrap();
            }
        }
        test.accept(&files).unwrap();
        test.read(&first).unwrap();
    }
}

#[test]
fn roots_come_without_a_gap() {
    let mut test = TestService::begun();
    let mut keys = test.keys();
    keys.renew_root().unwrap();
    keys.renew_root().unwrap();
    let mut files = test.trust_files().unwrap();
    assert_eq!(files.roots.keys().copied().collect::<Vec<_>>(), [2, 3]);
    let second = files.roots.remove(&2).unwrap();
    let error = test.accept(&files).unwrap_err();
    assert_eq!(error.code(), "trust_root_invalid");
    files.roots.insert(2, files.roots[&3].clone());
    assert_eq!(test.accept(&files).unwrap_err().code(), "trust_root_invalid");
    files.roots.insert(2, second);
    test.accept(&files).unwrap();
    assert_eq!(test.read(&test.files["tuf/1.root.json"]).unwrap().root_version(), 3);
}

#[test]
fn new_mode_comes_with_its_delegation_and_its_metadata() {
    let mut test = TestService::begun();
    test.keys().add_mode("beta").unwrap();
    let files = test.trust_files().unwrap();
    assert_eq!(files.roles.keys().collect::<Vec<_>>(), ["beta"]);
    let bare = TrustFiles { roles: Default::default(), ..files.clone() };
    assert_eq!(test.accept(&bare).unwrap_err().code(), "invalid_argument");
    let without = TrustFiles { targets: None, ..files.clone() };
    assert_eq!(test.accept(&without).unwrap_err().code(), "invalid_argument");
    test.accept(&files).unwrap();
    let beta = "beta/1.0.0/linux-x86_64/release.json";
    let metadata = test.sign("beta", &[(beta, b"one")]);
    test.publish("beta", &metadata).unwrap();
    assert_eq!(test.read(test.keys().root()).unwrap().target_names(), [beta]);
}

#[test]
fn delegations_that_no_client_should_follow_are_refused() {
    let mut test = TestService::new();
    let forge = forge(&test);
    let files = test.trust_files().unwrap();
    let honest = body(files.targets.as_ref().unwrap());
    let change = |how: &dyn Fn(&mut Targets)| {
        let mut evil = honest.clone();
        how(&mut evil);
        TrustFiles { targets: Some(forge.sign(evil, "targets")), ..files.clone() }
    };
    fn delegations(targets: &mut Targets) -> &mut Delegations {
        targets.delegations.as_mut().unwrap()
    }
    let all = || PathSet::Paths(vec![PathPattern::new("*").unwrap()]);
    let bad = [
        change(&|targets| delegations(targets).roles[1].paths = all()),
        change(&|targets| delegations(targets).roles[1].terminating = false),
        change(&|targets| delegations(targets).roles[1].name = "snapshot".to_owned()),
        change(&|targets| drop(delegations(targets).roles.remove(0))),
        change(&|targets| {
            let twice = delegations(targets).roles[1].clone();
            delegations(targets).roles.push(twice);
        }),
        change(&|targets| {
            let stable = body(&test.sign("stable", &[(STABLE, b"one")]));
            targets.targets = stable.targets;
        }),
    ];
    for files in bad {
        let error = test.accept(&files).unwrap_err();
        assert_eq!(error.code(), "invalid_argument", "{error}");
    }
    let expired = change(&|targets| targets.expires = yesterday());
    assert_eq!(test.accept(&expired).unwrap_err().code(), "metadata_expired");
    let unsigned = TrustFiles { targets: Some(forge.sign(honest.clone(), "stable")), ..files.clone() };
    assert_eq!(test.accept(&unsigned).unwrap_err().code(), "signature_invalid");
    let none = TrustFiles { targets: None, ..files.clone() };
    assert_eq!(test.accept(&none).unwrap_err().code(), "invalid_argument");
    test.accept(&files).unwrap();
    let mut fewer = honest.clone();
    fewer.version = NonZeroU64::new(2).unwrap();
    fewer.delegations.as_mut().unwrap().roles.retain(|role| role.name != "nightly");
    let fewer = TrustFiles { targets: Some(forge.sign(fewer, "targets")), ..TrustFiles::default() };
    assert_eq!(test.accept(&fewer).unwrap_err().code(), "invalid_argument", "a published mode stays");
}

#[test]
fn older_targets_file_is_no_news() {
    let mut test = TestService::begun();
    let old = test.files["tuf/1.targets.json"].clone();
    test.keys().add_mode("beta").unwrap();
    test.accept(&test.trust_files().unwrap()).unwrap();
    let files = TrustFiles { targets: Some(old), ..TrustFiles::default() };
    assert_eq!(test.accept(&files).unwrap_err().code(), "metadata_rollback");
}

#[test]
fn keys_of_a_service_are_made_once_and_lost_ones_anew() {
    let test = TestService::new();
    let first = test.service().online_keys().unwrap();
    assert_eq!(test.service().online_keys().unwrap(), first);
    let files: Vec<String> = files_of(&test.path("service")).into_keys().filter(|name| name != "lock").collect();
    let roles: Vec<&str> = files.iter().map(|name| name.split('.').next().unwrap()).collect();
    assert_eq!(roles, ["catalog", "snapshot", "timestamp"]);
    #[cfg(unix)]
    for name in &files {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(test.path("service").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    fs::remove_file(test.path("service").join(&files[1])).unwrap();
    let second = test.service().online_keys().unwrap();
    assert_eq!((second.catalog, second.timestamp), (first.catalog, first.timestamp));
    assert_ne!(second.snapshot, first.snapshot);
}

#[test]
fn publisher_of_a_service_has_none_of_its_private_keys() {
    let test = TestService::new();
    let here: Vec<String> = test.keys().show().into_iter().filter(|info| info.present).map(|info| info.role).collect();
    assert_eq!(here, ["root", "targets", "nightly", "stable"]);
    let keys = test.keys();
    let error = Publication::open(&test.path("repository"), &keys).unwrap_err();
    assert_eq!(error.code(), "key_missing", "a folder is signed by who has all keys");
    let mut online = test.service().online_keys().unwrap();
    online.snapshot["keyval"]["public"] = "abcd".into();
    let folder = test.path("again");
    for bad in [online.snapshot.clone(), serde_json::Value::Null] {
        online.snapshot = bad;
        let error = Keys::init_online(&folder, &modes(), &Days::default(), &online).unwrap_err();
        assert_eq!(error.code(), "invalid_argument");
    }
    assert!(!folder.exists(), "nothing was made");
}

#[test]
fn trust_files_are_the_same_after_the_way_through_json() {
    let files = TestService::new().trust_files().unwrap();
    let upload = files.to_upload();
    assert_eq!(TrustFiles::from_upload(&upload).unwrap(), files);
    for (version, text) in [("01", "AA=="), ("-1", "AA=="), ("x", "AA=="), ("2", "not base64")] {
        let mut upload = upload.clone();
        upload.roots.insert(version.to_owned(), text.to_owned());
        assert_eq!(TrustFiles::from_upload(&upload).unwrap_err().code(), "metadata_malformed", "{version} {text}");
    }
}

#[test]
fn all_of_it_works_where_a_server_may_block() {
    fn is_send<T: Send + Sync>() {}
    is_send::<ServiceKeys>();
    is_send::<Keys>();
    is_send::<Publication<'static>>();
    let test = TestService::begun();
    let (service, shelf) = (test.service(), test.shelf());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let written = runtime.block_on(async {
        let work = move || {
            let mut publication = Publication::open_service(shelf, &service).unwrap();
            publication.renew().unwrap();
            publication.commit().unwrap();
            (publication.into_written().len(), service)
        };
        let (written, service) = tokio::task::spawn_blocking(work).await.unwrap();
        drop(service);
        written
    });
    assert_eq!(written, 2);
}
