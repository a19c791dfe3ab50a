//! Clean-up: what is removed when, and what is never removed.

use vsekai_server::db::{Change, RowChange};

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    chunks_of_a_version_are_never_doomed,
    chunks_of_files_that_are_taken_away_are_unused,
    what_an_upload_has_asked_for_stays_when_its_version_goes,
    a_chunk_of_two_versions_is_kept_by_either,
    doomed_chunks_go_after_their_grace,
    clean_up_goes_in_steps,
    claimed_chunks_stay_claimed_until_they_are_forgotten,
    what_is_not_claimed_is_not_forgotten,
}

async fn chunks_of_a_version_are_never_doomed(f: Fixture) {
    publish(&*f.db, &mode("stable"), "1.0.0", 0..20).await;
    put(&*f.db, 20..25, NOW).await;
    assert_eq!(f.db.count_unused(later(1_000_000)).await.unwrap(), (5, 50));
    assert_eq!(f.db.doom(later(1_000_000), 1000).await.unwrap(), 5);
    assert_eq!(f.db.doom(later(1_000_000), 1000).await.unwrap(), 0);
    assert_eq!(f.db.sweep(later(2_000_000), 1000).await.unwrap(), 5);
    assert_eq!(f.db.missing(&ids(0..25), NOW).await.unwrap().len(), 5);
    for number in 0..20 {
        assert_eq!(f.db.chunk_bytes(&id(number)).await.unwrap(), Some(bytes(number)));
    }
}

async fn remove_files(f: &Fixture, version: uuid::Uuid) {
    let rows = vec![RowChange::RemoveFiles(version, linux())];
    let revision = f.db.revision().await.unwrap();
    f.db.apply(&Change { revision, rows, at: NOW, ..Change::default() }).await.unwrap();
}

async fn chunks_of_files_that_are_taken_away_are_unused(f: Fixture) {
    let version = publish(&*f.db, &mode("stable"), "1.0.0", 0..20).await;
    remove_files(&f, version.id).await;
    assert_eq!(f.db.count_unused(later(1)).await.unwrap().0, 20);
    // Again, as after a lost answer.
    remove_files(&f, version.id).await;
    assert_eq!(f.db.doom(later(1), 100).await.unwrap(), 20);
}

async fn what_an_upload_has_asked_for_stays_when_its_version_goes(f: Fixture) {
    let version = publish(&*f.db, &mode("stable"), "1.0.0", 0..20).await;
    let mut open = upload("stable", "2.0.0");
    open.expires_at = later(500);
    f.db.begin_upload(&open).await.unwrap();
    f.db.missing(&ids(0..5), open.expires_at).await.unwrap();
    remove_files(&f, version.id).await;
    assert_eq!(f.db.doom(open.expires_at, 100).await.unwrap(), 0);
    assert_eq!(f.db.doom(later(501), 100).await.unwrap(), 20);
}

async fn a_chunk_of_two_versions_is_kept_by_either(f: Fixture) {
    let stable = mode("stable");
    let one = publish(&*f.db, &stable, "1.0.0", 0..10).await;
    let two = publish(&*f.db, &stable, "2.0.0", 5..15).await;
    remove_files(&f, one.id).await;
    assert_eq!(f.db.doom(later(1), 100).await.unwrap(), 5);
    remove_files(&f, two.id).await;
    assert_eq!(f.db.doom(later(1), 100).await.unwrap(), 10);
}

async fn doomed_chunks_go_after_their_grace(f: Fixture) {
    put(&*f.db, 0..3, NOW).await;
    assert_eq!(f.db.doom(NOW, 10).await.unwrap(), 0);
    assert_eq!(f.db.doom(later(10), 10).await.unwrap(), 3);
    assert_eq!(f.db.sweep(later(10), 10).await.unwrap(), 0);
    assert_eq!(f.db.sweep(later(11), 10).await.unwrap(), 3);
    assert_eq!(f.db.chunk_bytes(&id(0)).await.unwrap(), None);
    assert_eq!(f.db.chunk_counts().await.unwrap(), vsekai_server::db::ChunkCounts::default());
}

async fn clean_up_goes_in_steps(f: Fixture) {
    put(&*f.db, 0..1200, NOW).await;
    assert_eq!(f.db.doom(later(1), 700).await.unwrap(), 700);
    assert_eq!(f.db.doom(later(1), 700).await.unwrap(), 500);
    assert_eq!(f.db.sweep(later(2), 1000).await.unwrap(), 1000);
    assert_eq!(f.db.sweep(later(2), 1000).await.unwrap(), 200);
    assert_eq!(f.db.doom(later(1), 0).await.unwrap(), 0);
}

async fn claimed_chunks_stay_claimed_until_they_are_forgotten(f: Fixture) {
    for number in 0..6 {
        f.db.put_chunk(&chunk(number, NOW), None).await.unwrap();
    }
    f.db.doom(later(1), 10).await.unwrap();
    assert_eq!(f.db.claim(later(1), 4).await.unwrap(), []);
    let first = f.db.claim(later(2), 4).await.unwrap();
    assert_eq!(first.len(), 4);
    // Returns the same chunks again, as after a crash between claim and deletion.
    assert_eq!(f.db.claim(later(2), 4).await.unwrap().len(), 4);
    assert_eq!(f.db.claim(later(2), 100).await.unwrap().len(), 6);
    f.db.forget(&first).await.unwrap();
    f.db.forget(&first).await.unwrap();
    assert_eq!(f.db.claim(later(2), 100).await.unwrap().len(), 2);
    assert_eq!(f.db.chunk_counts().await.unwrap().deleting, 2);
}

async fn what_is_not_claimed_is_not_forgotten(f: Fixture) {
    put(&*f.db, 0..2, NOW).await;
    put(&*f.db, 2..3, later(10)).await;
    f.db.doom(later(1), 10).await.unwrap();
    f.db.forget(&ids(0..3)).await.unwrap();
    for number in 0..3 {
        assert_eq!(f.db.chunk_bytes(&id(number)).await.unwrap(), Some(bytes(number)));
    }
}
