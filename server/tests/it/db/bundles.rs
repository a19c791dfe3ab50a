//! Rows and parts of bundles, and the counts of updates by version.

use bytes::Bytes;
use vsekai_server::db::{Db, RowChange};
use vsekai_server::model::{Asks, Bundle, BundleState, Time};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, Effort};

use super::samples::{NOW, apply, file, later, linux, mode, version};
use crate::databases::Fixture;

super::on_every_database! {
    bundle_is_seen_when_it_is_whole_and_takes_the_place_of_others,
    bundle_of_a_version_that_is_gone_is_removed_after_the_grace,
    bundle_waits_for_its_version,
    bundle_that_was_never_finished_is_doomed_by_its_age,
    parts_that_are_cleared_leave_room,
    nothing_is_added_to_a_bundle_that_is_being_removed,
    better_effort_for_nothing_is_noted,
    what_is_asked_for_is_added_up_and_forgotten_after_its_days,
    index_of_each_version_is_known,
}

fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

fn bundle(number: u8, to: u8, from: Option<u8>, created_at: Time) -> Bundle {
    let info = BundleInfo {
        id: digest(number),
        length: u64::from(number),
        front_bytes: 1,
        plain_bytes: 1 << 40,
        from: from.map(digest),
        effort: Effort::Fast,
    };
    Bundle { info, to: digest(to), created_at }
}

/// Stores the bundle, in two parts.
async fn put(db: &dyn Db, bundle: &Bundle) {
    assert_eq!(db.begin_bundle(bundle).await.unwrap(), BundleState::Incoming);
    db.put_bundle_parts(&bundle.info.id, 0, &["one".into(), "two".into()]).await.unwrap();
    assert!(db.publish_bundle(bundle).await.unwrap());
}

/// Publishes a version whose index has this digest.
async fn publish(db: &dyn Db, name: &str, index: u8) -> vsekai_server::model::ModeVersion {
    let mode = mode(name);
    let version = version(&mode, "1.0.0");
    let mut of = file(&version, &linux(), "index.caidx", &format!("targets/{name}/index.caidx"));
    of.file_checksum_hash = digest(index).to_string();
    apply(db, vec![RowChange::Mode(mode), RowChange::Version(version.clone()), RowChange::File(of)]).await;
    version
}

async fn bundle_is_seen_when_it_is_whole_and_takes_the_place_of_others(world: Fixture) {
    let db = world.db.as_ref();
    let (first, other) = (bundle(1, 9, Some(8), NOW), bundle(2, 9, None, later(1)));
    put(db, &other).await;
    assert_eq!(db.begin_bundle(&first).await.unwrap(), BundleState::Incoming);
    assert_eq!(db.begin_bundle(&first).await.unwrap(), BundleState::Incoming, "it can be begun again");
    let parts: Vec<Bytes> = vec!["one".into(), "two".into()];
    db.put_bundle_parts(&digest(1), 0, &parts).await.unwrap();
    db.put_bundle_parts(&digest(1), 1, &["2nd".into()]).await.unwrap();
    assert_eq!(db.bundle(&digest(1)).await.unwrap(), None);
    assert_eq!(db.bundles(Some(&digest(9))).await.unwrap(), std::slice::from_ref(&other));
    assert!(db.publish_bundle(&first).await.unwrap());
    assert!(db.publish_bundle(&first).await.unwrap(), "a lost answer is safe");
    assert_eq!(db.bundle(&digest(1)).await.unwrap().as_ref(), Some(&first));
    assert_eq!(db.bundle_part(&digest(1), 1).await.unwrap().as_deref(), Some(&b"2nd"[..]));
    assert_eq!(db.bundle_part(&digest(1), 2).await.unwrap(), None);
    assert_eq!(db.begin_bundle(&first).await.unwrap(), BundleState::Live);

    let better = bundle(3, 9, Some(8), later(2));
    put(db, &better).await;
    assert_eq!(db.bundles(Some(&digest(9))).await.unwrap(), [better.clone(), other.clone()], "the newest first");
    assert_eq!(db.bundles(None).await.unwrap(), [better, other]);
    assert_eq!(db.bundles(Some(&digest(8))).await.unwrap(), []);
    assert!(db.bundle(&digest(1)).await.unwrap().is_some(), "who reads it can go on");
    assert_eq!(db.begin_bundle(&first).await.unwrap(), BundleState::Doomed);
}

async fn bundle_of_a_version_that_is_gone_is_removed_after_the_grace(world: Fixture) {
    let db = world.db.as_ref();
    let here = publish(db, "stable", 9).await;
    publish(db, "beta", 8).await;
    for one in [bundle(1, 9, Some(8), NOW), bundle(2, 9, None, NOW), bundle(3, 8, None, NOW)] {
        put(db, &one).await;
    }
    assert_eq!(db.doom_bundles(NOW, NOW, NOW).await.unwrap(), 0);
    apply(db, vec![RowChange::RemoveFiles(here.id, linux())]).await;
    assert_eq!(db.doom_bundles(later(10), NOW, NOW).await.unwrap(), 2);
    assert_eq!(db.doom_bundles(later(20), NOW, NOW).await.unwrap(), 0);
    assert_eq!(db.claim_bundles(later(9), 10).await.unwrap(), []);
    assert_eq!(db.claim_bundles(later(10), 1).await.unwrap().len(), 1);
    let claimed = db.claim_bundles(later(10), 10).await.unwrap();
    assert_eq!(claimed.len(), 2, "those that were claimed earlier come again: {claimed:?}");
    for id in &claimed {
        assert_eq!(db.bundle(id).await.unwrap(), None);
        assert_eq!(db.remove_bundle_parts(id, 1).await.unwrap(), 1);
        assert_eq!(db.remove_bundle_parts(id, 5).await.unwrap(), 1);
        assert_eq!(db.remove_bundle_parts(id, 5).await.unwrap(), 0);
        db.forget_bundle(id).await.unwrap();
    }
    assert_eq!(db.claim_bundles(later(99), 10).await.unwrap(), []);
    assert_eq!(db.bundles(None).await.unwrap().len(), 1);
}

async fn bundle_that_was_never_finished_is_doomed_by_its_age(world: Fixture) {
    let db = world.db.as_ref();
    let one = bundle(1, 9, None, NOW);
    db.begin_bundle(&one).await.unwrap();
    assert_eq!(db.doom_bundles(later(5), NOW, NOW).await.unwrap(), 0);
    db.begin_bundle(&bundle(1, 9, None, later(3))).await.unwrap();
    assert_eq!(db.doom_bundles(later(5), later(2), later(2)).await.unwrap(), 0, "it was begun again");
    assert_eq!(db.doom_bundles(later(5), later(4), later(4)).await.unwrap(), 1);
}

async fn bundle_waits_for_its_version(world: Fixture) {
    let db = world.db.as_ref();
    let (early, late, lost) = (bundle(1, 9, Some(8), NOW), bundle(2, 9, None, NOW), bundle(3, 7, None, NOW));
    for one in [&early, &lost] {
        db.begin_bundle(one).await.unwrap();
        db.put_bundle_parts(&one.info.id, 0, &["one".into(), "two".into()]).await.unwrap();
        for _ in 0..2 {
            assert_eq!(db.publish_bundle_early(one).await.unwrap(), Some(BundleState::Waiting));
        }
    }
    assert_eq!(db.bundle_state(&digest(1)).await.unwrap(), Some(BundleState::Waiting));
    assert_eq!(db.bundle(&digest(1)).await.unwrap(), None, "nobody sees it");
    assert_eq!(db.bundles(None).await.unwrap(), []);
    assert_eq!(db.doom_bundles(later(5), later(5), NOW).await.unwrap(), 0);
    let better = bundle(4, 9, Some(8), later(1));
    db.begin_bundle(&better).await.unwrap();
    assert_eq!(db.publish_bundle_early(&better).await.unwrap(), Some(BundleState::Waiting));
    assert_eq!(db.bundle_state(&digest(1)).await.unwrap(), Some(BundleState::Doomed), "another takes its place");
    publish(db, "stable", 9).await;
    assert_eq!(db.bundles(None).await.unwrap(), [better]);
    db.begin_bundle(&late).await.unwrap();
    assert_eq!(db.publish_bundle_early(&late).await.unwrap(), Some(BundleState::Live), "its version is there");
    assert_eq!(db.doom_bundles(later(9), later(9), later(1)).await.unwrap(), 1, "that of the lost version");
    assert_eq!(db.bundle_state(&digest(3)).await.unwrap(), Some(BundleState::Doomed));
    let moved = bundle(5, 7, None, NOW);
    db.begin_bundle(&moved).await.unwrap();
    assert_eq!(db.publish_bundle_early(&moved).await.unwrap(), Some(BundleState::Waiting));
    db.expel_unlisted_bundles().await.unwrap();
    assert_eq!(db.bundle_state(&digest(5)).await.unwrap(), Some(BundleState::Deleting));
    assert!(db.expel_bundle(&digest(3)).await.unwrap());
    assert_eq!(db.publish_bundle_early(&lost).await.unwrap(), None);
    assert_eq!(db.bundle_state(&digest(99)).await.unwrap(), None);
}

async fn parts_that_are_cleared_leave_room(world: Fixture) {
    let db = world.db.as_ref();
    let one = bundle(1, 9, None, NOW);
    assert_eq!(db.begin_bundle(&one).await.unwrap(), BundleState::Incoming);
    let parts: Vec<_> = (0..4).map(|byte| vec![byte; 200_000].into()).collect();
    db.put_bundle_parts(&digest(1), 0, &parts).await.unwrap();
    let before = db.room().await.unwrap();
    assert_eq!(db.clear_bundle_parts(3).await.unwrap(), 3);
    assert_eq!(db.clear_bundle_parts(3).await.unwrap(), 1);
    assert_eq!(db.clear_bundle_parts(3).await.unwrap(), 0);
    assert_eq!(db.bundle_part(&digest(1), 0).await.unwrap(), None);
    let freed = db.room().await.unwrap() - before;
    assert!(freed == 0 || freed >= 800_000, "all of it, or the database cannot tell: {freed}");
}

async fn nothing_is_added_to_a_bundle_that_is_being_removed(world: Fixture) {
    let db = world.db.as_ref();
    let one = bundle(1, 9, None, NOW);
    put(db, &one).await;
    assert!(db.expel_bundle(&digest(1)).await.unwrap());
    assert!(!db.expel_bundle(&digest(2)).await.unwrap());
    assert_eq!(db.begin_bundle(&one).await.unwrap(), BundleState::Deleting);
    assert!(!db.publish_bundle(&one).await.unwrap());
    while db.remove_bundle_parts(&digest(1), 10).await.unwrap() > 0 {}
    db.forget_bundle(&digest(1)).await.unwrap();
    let late = db.put_bundle_parts(&digest(1), 0, &["late".into()]).await.unwrap_err();
    assert_eq!(late.code(), "bundle_deleting");
    put(db, &one).await;
    db.forget_bundle(&digest(1)).await.unwrap();
    assert!(db.bundle(&digest(1)).await.unwrap().is_some(), "only a claimed one is forgotten");
}

async fn better_effort_for_nothing_is_noted(world: Fixture) {
    let db = world.db.as_ref();
    let one = bundle(1, 9, None, NOW);
    put(db, &one).await;
    db.raise_effort(&digest(1), Effort::Best).await.unwrap();
    let info = BundleInfo { effort: Effort::Best, ..one.info.clone() };
    let expected = Bundle { info, ..one };
    assert_eq!(db.bundles(Some(&digest(9))).await.unwrap(), [expected]);
}

async fn what_is_asked_for_is_added_up_and_forgotten_after_its_days(world: Fixture) {
    let db = world.db.as_ref();
    let asks = |to, from, count| Asks { to: digest(to), from: digest(from), count };
    db.add_asks(100, &[asks(9, 8, 5), asks(9, 7, 1)], 70).await.unwrap();
    db.add_asks(100, &[asks(9, 8, 2)], 70).await.unwrap();
    db.add_asks(101, &[asks(9, 8, 10)], 71).await.unwrap();
    let mut all = db.asks(71).await.unwrap();
    all.sort_by_key(|asks| asks.count);
    assert_eq!(all, [asks(9, 7, 1), asks(9, 8, 17)]);
    assert_eq!(db.asks(101).await.unwrap(), [asks(9, 8, 10)]);
    db.add_asks(131, &[], 101).await.unwrap();
    assert_eq!(db.asks(0).await.unwrap(), [asks(9, 8, 10)]);
}

async fn index_of_each_version_is_known(world: Fixture) {
    let db = world.db.as_ref();
    assert_eq!(db.indexes().await.unwrap(), []);
    let here = publish(db, "stable", 9).await;
    let known = db.indexes().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].digest, known[0].version_id, &known[0].platform), (digest(9), here.id, &linux()));
}
