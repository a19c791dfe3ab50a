//! Release documents and catalogs as received from a repository.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Catalog, Mode, Offer, Release, is_web_address};
use super::{mode, offer, release, version};
use crate::error::Result;
use crate::limits::MAX_DOCUMENT_BYTES;
use crate::path::RelPath;
use crate::version::Version;

/// A valid release document after a modification.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Release> {
    let mut document: Value = serde_json::from_slice(&release().to_bytes().unwrap()).unwrap();
    change(&mut document);
    Release::parse(document.to_string().as_bytes(), Some(&version("1.0.0")))
}

#[track_caller]
fn assert_refused(code: &str, change: impl FnOnce(&mut Value)) {
    assert_eq!(changed(change).unwrap_err().code(), code);
}

#[test]
fn sound_document_is_read() {
    assert_eq!(changed(|_| {}).unwrap(), release());
}

#[test]
fn folder_is_the_version_and_the_build() {
    assert_eq!(release().folder(), "1.2.0-beta.3+b7-aaaaaaaa");
}

#[test]
fn targets_of_another_mode_version_or_platform_are_refused() {
    for path in [
        "beta/1.2.0-beta.3+b7/linux-x86_64/index.caidx",
        "stable/1.2.0/linux-x86_64/index.caidx",
        "stable/1.2.0-beta.3+b7/windows-x86_64/index.caidx",
        "stable/1.2.0-beta.3+b7/linux-x86_64",
        "stable/1.2.0-beta.3+b7/linux-x86_64/../../../beta/index.caidx",
        "/stable/1.2.0-beta.3+b7/linux-x86_64/index.caidx",
        "",
    ] {
        assert_refused("release_malformed", |it| it["index"]["path"] = path.into());
        assert_refused("release_malformed", |it| it["files"]["path"] = path.into());
    }
}

#[test]
fn digests_that_are_none_are_refused() {
    for digest in ["", "a", &"a".repeat(63), &"a".repeat(65), &"A".repeat(64), &"g".repeat(64), &"ä".repeat(32)] {
        assert_refused("release_malformed", |it| it["index"]["sha256"] = digest.into());
        assert_refused("release_malformed", |it| it["files"]["sha256"] = digest.into());
    }
}

#[test]
fn entry_that_leaves_the_tree_is_refused() {
    for path in ["../game", "/bin/sh", "bin/../../sh", "", "a\0b", "C:\\game.exe"] {
        assert!(changed(|it| it["entry"]["path"] = path.into()).is_err(), "{path}");
        assert!(changed(|it| it["mutable"] = json!([path])).is_err(), "{path}");
    }
    assert_refused("release_malformed", |it| it["entry"]["arguments"] = json!(["a\0b"]));
}

#[test]
fn fields_that_are_missing_or_of_another_kind_are_refused() {
    for field in
        ["schema", "mode", "version", "platform", "sequence", "published_at", "index", "files", "entry", "sizes"]
    {
        assert_refused("release_malformed", |it| drop(it.as_object_mut().unwrap().remove(field)));
        assert_refused("release_malformed", |it| it[field] = json!([[]]));
    }
    assert_refused("release_malformed", |it| it["sequence"] = json!(-1));
    assert_refused("release_malformed", |it| it["index"]["length"] = json!(1.5));
}

#[test]
fn document_of_the_future_asks_for_a_newer_program() {
    assert_refused("launcher_too_old", |it| it["schema"] = 2.into());
    assert_refused("launcher_too_old", |it| it["min_launcher"] = "1.0.1".into());
    // Regardless of its other content.
    assert_refused("launcher_too_old", |it| *it = json!({"schema": 2}));
    assert!(changed(|it| it["min_launcher"] = "1.0.0".into()).is_ok());
}

#[test]
fn what_is_installed_is_started_whatever_it_asks_for() {
    let mut document = release();
    document.min_launcher = Some(version("99.0.0"));
    assert!(Release::parse(&document.to_bytes().unwrap(), None).is_ok());
}

#[test]
fn document_over_the_limit_is_refused_unread() {
    let mut bytes = release().to_bytes().unwrap();
    bytes.resize(MAX_DOCUMENT_BYTES as usize, b' ');
    assert!(Release::parse(&bytes, None).is_ok());
    bytes.push(b' ');
    assert_eq!(Release::parse(&bytes, None).unwrap_err().code(), "release_malformed");
    assert_eq!(Catalog::parse(&bytes).unwrap_err().code(), "catalog_malformed");
}

#[test]
fn nonsense_is_refused() {
    for bytes in [&b""[..], b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"{\"schema\":\"1\"}", b"{\"schema\":1}{}"] {
        assert_eq!(Release::parse(bytes, None).unwrap_err().code(), "release_malformed");
        assert_eq!(Catalog::parse(bytes).unwrap_err().code(), "catalog_malformed");
    }
}

#[test]
fn document_that_would_be_refused_is_not_written() {
    let mut document = release();
    document.index.sha256.clear();
    assert_eq!(document.to_bytes().unwrap_err().code(), "release_malformed");
}

/// A catalog with one mode, of these offers.
fn catalog(sequence: u64, versions: Vec<Offer>) -> Catalog {
    let mut catalog = Catalog::empty();
    catalog.modes.insert(mode("stable"), Mode { sequence, versions, ..Mode::begin() });
    catalog
}

#[test]
fn catalog_with_a_version_twice_is_refused() {
    let twice = catalog(2, vec![offer("1.0.0", 1), offer("1.0.0", 2)]);
    assert_eq!(twice.to_bytes().unwrap_err().code(), "catalog_malformed");
    // Two builds of one version are two versions.
    assert!(catalog(2, vec![offer("1.0.0+a", 1), offer("1.0.0+b", 2)]).to_bytes().is_ok());
}

#[test]
fn catalog_with_a_rollout_over_all_is_refused() {
    let offer = Offer { rollout: 101, ..offer("1.0.0", 1) };
    assert_eq!(catalog(1, vec![offer]).to_bytes().unwrap_err().code(), "catalog_malformed");
}

#[test]
fn catalog_with_a_version_ahead_of_its_mode_is_refused() {
    assert_eq!(catalog(1, vec![offer("1.0.0", 2)]).to_bytes().unwrap_err().code(), "catalog_malformed");
}

#[test]
fn catalog_that_counts_too_far_is_refused() {
    assert!(catalog(1 << 53, Vec::new()).to_bytes().is_ok());
    assert_eq!(catalog((1 << 53) + 1, Vec::new()).to_bytes().unwrap_err().code(), "catalog_malformed");
}

#[test]
fn addresses_of_the_players_machine_are_read_and_not_followed() {
    for place in ["/etc", "../store", "file:///etc", "ftp://example.org", "C:\\store", "\\\\server\\share", ""] {
        let mut catalog = catalog(1, Vec::new());
        catalog.stores = vec![place.to_owned()];
        catalog.mirrors = vec![place.to_owned()];
        let read = Catalog::parse(&catalog.to_bytes().expect("a catalog")).expect("a catalog of later times");
        assert_eq!(read, catalog);
        assert!(!is_web_address(place), "{place}");
        assert!(RelPath::new(place).is_err(), "{place} leaves the repository");
    }
    assert!(is_web_address("https://example.org/store") && is_web_address("http://127.0.0.1:1/"));
}

#[test]
fn catalog_of_the_future_asks_for_a_newer_program() {
    assert_eq!(Catalog::parse(br#"{"schema":2,"what":"ever"}"#).unwrap_err().code(), "launcher_too_old");
}

#[test]
fn catalog_is_read_with_what_it_leaves_out() {
    let bytes = br#"{"schema":1,"modes":{"stable":{"is_active":true,"sequence":3,"versions":[
        {"version":"1.0.0","sequence":2,"platforms":["linux-x86_64"]}]}}}"#;
    assert_eq!(Catalog::parse(bytes).unwrap(), catalog(3, vec![offer("1.0.0", 2)]));
}

#[test]
fn reports_are_asked_for_only_about_what_is_being_rolled_out() {
    let offers = [(10, false), (100, false), (10, true), (0, false)].iter().zip(1..);
    let offers = offers.map(|((rollout, recalled), number)| Offer {
        rollout: *rollout,
        recalled: *recalled,
        ..offer(&format!("1.{number}.0"), number)
    });
    let mut mode = Mode { reports: true, sequence: 9, versions: offers.collect(), ..Mode::begin() };
    let asked = |mode: &Mode| (1..=5).filter(|it| mode.asks_about(&version(&format!("1.{it}.0")))).collect::<Vec<_>>();
    assert_eq!(asked(&mode), [1]);
    mode.reports = false;
    assert_eq!(asked(&mode), [0; 0]);
    let bytes = br#"{"schema":1,"modes":{"stable":{"is_active":true,"sequence":3,"reports":true}}}"#;
    assert!(Catalog::parse(bytes).unwrap().modes.values().all(|mode| mode.reports));
}

#[test]
fn names_of_modes_that_are_none_are_refused() {
    for name in ["", "Stable", "a b", "-a", "ä", "targets", "root", "a/b", "..", &"a".repeat(33)] {
        let text = json!({"schema": 1, "modes": {name: {"is_active": true, "sequence": 0}}}).to_string();
        assert_eq!(Catalog::parse(text.as_bytes()).unwrap_err().code(), "catalog_malformed", "{name}");
    }
}

#[test]
fn mode_that_is_not_there_is_told_with_those_that_are() {
    let error = catalog(1, Vec::new()).mode(&mode("beta")).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("stable")), ("mode_unknown", true));
}

fn any_version() -> impl Strategy<Value = Version> {
    let text = (0_u64..4, 0_u64..4, 0_u64..4, prop::option::of(0_u64..3), prop::option::of("[a-z]{1,3}"));
    text.prop_map(|(major, minor, patch, pre, build)| {
        let pre = pre.map(|pre| format!("-rc.{pre}")).unwrap_or_default();
        let build = build.map(|build| format!("+{build}")).unwrap_or_default();
        version(&format!("{major}.{minor}.{patch}{pre}{build}"))
    })
}

fn any_mode() -> impl Strategy<Value = Mode> {
    let flags = (any::<bool>(), any::<bool>(), 0_u8..=100, 0_u64..50);
    let offers = prop::collection::btree_map(any_version(), flags, 0..6);
    let switches = (any::<bool>(), any::<bool>());
    (switches, prop::option::of("[b-m]{7}"), "\\PC{0,20}", 50_u64..100, offers).prop_map(
        |((is_active, reports), next, description, sequence, offers)| {
            let versions = offers.into_iter().map(|(version, (skip_update, recalled, rollout, sequence))| Offer {
                version,
                skip_update,
                recalled,
                rollout,
                sequence,
                platforms: [super::linux()].into(),
            });
            let update_to = next.map(|name| mode(&name));
            Mode { is_active, update_to, description, sequence, reports, versions: versions.collect() }
        },
    )
}

proptest! {
    #[test]
    fn catalogs_are_read_as_they_were_written(modes in prop::collection::btree_map("[b-m]{1,5}", any_mode(), 0..4)) {
        let mut catalog = Catalog::empty();
        let names = modes.into_iter().filter(|(name, _)| name != "root");
        catalog.modes = names.map(|(name, found)| (mode(&name), found)).collect::<BTreeMap<_, _>>();
        prop_assert_eq!(Catalog::parse(&catalog.to_bytes().unwrap()).unwrap(), catalog);
    }

    #[test]
    fn release_documents_are_read_as_they_were_written(
        notes in "\\PC{0,60}",
        arguments in prop::collection::vec("[^\0]{0,9}", 0..4),
        mutable in prop::collection::vec("[b-m]{1,8}/[b-m]{1,8}", 0..4),
        sequence in any::<u64>(),
        document_sha256 in prop::option::of("[0-9a-f]{64}"),
        min_launcher in prop::option::of(any_version()),
    ) {
        let mut document = release();
        (document.notes, document.entry.arguments, document.sequence) = (notes, arguments, sequence);
        document.mutable = mutable.iter().map(|path| RelPath::new(path).unwrap()).collect();
        document.files.document_sha256 = document_sha256;
        document.min_launcher = min_launcher;
        prop_assert_eq!(Release::parse(&document.to_bytes().unwrap(), None).unwrap(), document);
    }

    #[test]
    fn damaged_documents_are_refused_or_read_and_never_panic(at in 0_usize..900, byte in any::<u8>()) {
        let mut bytes = release().to_bytes().unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = Release::parse(&bytes, None) {
            prop_assert!(read.to_bytes().is_ok());
        }
    }
}
