//! The repository: changing it and reading it.

use vsekai_server::db::{Applied, Change, Page, RowChange};
use vsekai_server::error::Error;
use vsekai_server::model::VersionState;

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    hostile too:
    a_new_repository_is_empty_at_revision_0,
    a_change_is_seen_whole_at_the_next_revision,
    a_change_of_an_old_revision_does_nothing,
    rows_are_replaced_whole,
    probing_is_kept_when_a_cdn_is_changed,
    a_name_that_is_taken_is_a_conflict,
    a_publication_ends_its_upload,
    a_publication_without_all_chunks_does_nothing,
    a_publication_without_its_upload_does_nothing,
    the_view_has_every_version_and_the_platforms_of_those_on_offer,
}

async fn a_new_repository_is_empty_at_revision_0(f: Fixture) {
    assert_eq!(f.db.revision().await.unwrap(), 0);
    assert_eq!(f.db.view().await.unwrap(), vsekai_server::db::View::default());
    assert_eq!(f.db.repository_file("tuf/timestamp.json").await.unwrap(), None);
    f.db.ping().await.unwrap();
}

async fn a_change_is_seen_whole_at_the_next_revision(f: Fixture) {
    let mut stable = mode("stable");
    stable.sequence = 3;
    let nightly = mode("nightly");
    stable.update_to = Some(nightly.id);
    let release = version(&stable, "1.2.3-rc.1");
    let (linux, windows) = (linux(), windows());
    let mirror = cdn("Frankfurt one");
    let change = Change {
        revision: 0,
        rows: vec![
            RowChange::Mode(stable.clone()),
            RowChange::Mode(nightly.clone()),
            RowChange::Version(release.clone()),
            RowChange::File(file(&release, &linux, "index.caidx", "targets/a")),
            RowChange::File(file(&release, &linux, "release.json", "targets/b")),
            RowChange::File(file(&release, &windows, "index.caidx", "targets/c")),
            RowChange::Cdn(mirror.clone()),
        ],
        files: vec![
            repository_file("tuf/1.root.json"),
            repository_file("tuf/timestamp.json"),
            repository_file("targets/ab.catalog.json"),
            repository_file("targets/a"),
        ],
        in_force: vec!["tuf/timestamp.json".into(), "targets/ab.catalog.json".into()],
        audit: vec![audit("first"), audit("second")],
        publish: None,
        at: NOW,
    };
    assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(1));

    let view = f.db.view().await.unwrap();
    assert_eq!(view.revision, 1);
    assert_eq!(view.modes, [nightly, stable]);
    assert_eq!(view.versions, std::slice::from_ref(&release));
    assert_eq!(view.platforms, [(release.id, linux), (release.id, windows)]);
    assert_eq!(view.cdns, [mirror]);
    assert_eq!(view.metadata, [repository_file("targets/ab.catalog.json"), repository_file("tuf/timestamp.json")]);
    assert_eq!(f.db.repository_file("targets/a").await.unwrap().unwrap(), "targets/a");
    let log = f.db.audit(&Page { after: None, limit: 10 }).await.unwrap();
    assert_eq!(log, [change.audit[1].clone(), change.audit[0].clone()]);
}

async fn a_change_of_an_old_revision_does_nothing(f: Fixture) {
    apply(&*f.db, vec![RowChange::Mode(mode("stable"))]).await;
    let before = f.db.view().await.unwrap();
    for revision in [0, 2, 7] {
        let late = Change {
            revision,
            rows: vec![RowChange::Mode(mode("nightly"))],
            files: vec![repository_file("tuf/timestamp.json")],
            audit: vec![audit("late")],
            ..Change::default()
        };
        assert_eq!(f.db.apply(&late).await.unwrap(), Applied::Stale);
    }
    assert_eq!(f.db.view().await.unwrap(), before);
    assert_eq!(f.db.audit(&Page { after: None, limit: 10 }).await.unwrap(), []);
    assert_eq!(f.db.repository_file("tuf/timestamp.json").await.unwrap(), None);
}

async fn rows_are_replaced_whole(f: Fixture) {
    let mut stable = mode("stable");
    let mut release = version(&stable, "1.0.0");
    apply(&*f.db, vec![RowChange::Mode(stable.clone()), RowChange::Version(release.clone())]).await;
    stable.description = "Changed".to_owned();
    stable.is_active = false;
    stable.sequence = u64::from(u32::MAX) + 7;
    stable.updated_at = later(5);
    release.rollout = 7;
    release.recalled = true;
    release.skip_update = true;
    release.manifest_file_uri = "targets/other".to_owned();
    release.updated_at = later(6);
    apply(&*f.db, vec![RowChange::Mode(stable.clone()), RowChange::Version(release.clone())]).await;
    assert_eq!(f.db.mode(stable.id).await.unwrap(), Some(stable));
    assert_eq!(f.db.version(release.id).await.unwrap(), Some(release));
}

async fn probing_is_kept_when_a_cdn_is_changed(f: Fixture) {
    let mut mirror = cdn("one");
    apply(&*f.db, vec![RowChange::Cdn(mirror.clone())]).await;
    mirror.health.is_healthy = false;
    mirror.health.contrary_count = 2;
    mirror.health.latency_ms = Some(u32::MAX);
    mirror.health.last_checked_on = Some(later(9));
    let revision = f.db.revision().await.unwrap();
    f.db.put_health(mirror.uid, &mirror.health).await.unwrap();
    assert_eq!(f.db.revision().await.unwrap(), revision);
    assert_eq!(f.db.cdn(mirror.uid).await.unwrap(), Some(mirror.clone()));

    let mut changed = mirror.clone();
    changed.uri = "https://other.example.org/".to_owned();
    changed.weight = u32::MAX;
    changed.health.is_healthy = true;
    changed.health.last_checked_on = None;
    apply(&*f.db, vec![RowChange::Cdn(changed.clone())]).await;
    changed.health = mirror.health;
    assert_eq!(f.db.cdn(mirror.uid).await.unwrap(), Some(changed));

    apply(&*f.db, vec![RowChange::RemoveCdn(mirror.uid)]).await;
    assert_eq!(f.db.cdn(mirror.uid).await.unwrap(), None);
}

async fn a_name_that_is_taken_is_a_conflict(f: Fixture) {
    let stable = mode("stable");
    let release = version(&stable, "1.0.0");
    let mirror = cdn("one");
    apply(&*f.db, vec![RowChange::Mode(stable.clone()), RowChange::Version(release), RowChange::Cdn(mirror)]).await;
    let taken = [
        (RowChange::Mode(mode("stable")), "mode_exists"),
        (RowChange::Version(version(&stable, "1.0.0")), "version_exists"),
        (RowChange::Cdn(cdn("one")), "cdn_exists"),
    ];
    for (row, code) in taken {
        let rows = vec![RowChange::Mode(mode("nightly")), row];
        let error = f.db.apply(&Change { revision: 1, rows, ..Change::default() }).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
        assert_eq!(error.code(), code);
    }
    assert_eq!(f.db.revision().await.unwrap(), 1);
    assert_eq!(f.db.view().await.unwrap().modes.len(), 1);
}

async fn a_publication_ends_its_upload(f: Fixture) {
    let stable = mode("stable");
    let mut release = version(&stable, "1.0.0");
    release.sequence = 12;
    let upload = upload("stable", "1.0.0");
    f.db.begin_upload(&upload).await.unwrap();
    for kind in vsekai_server::model::DocumentKind::ALL {
        f.db.put_document(upload.id, kind, bytes(1)).await.unwrap();
    }
    // More chunks than fit into one list, and one id twice.
    put(&*f.db, 0..1203, NOW).await;
    let mut chunks = ids(0..1203);
    chunks.push(chunks[5]);
    let change = publication(0, &stable, &release, &upload, chunks);
    assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(1));

    assert_eq!(f.db.upload(upload.id).await.unwrap().unwrap().sequence, Some(12));
    assert_eq!(f.db.documents(upload.id).await.unwrap(), []);
    assert_eq!(f.db.count_unused(later(1_000_000)).await.unwrap(), (0, 0));
    // Again, as after a lost answer: the revision has changed, so nothing happens.
    assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Stale);
}

async fn a_publication_without_all_chunks_does_nothing(f: Fixture) {
    let stable = mode("stable");
    let release = version(&stable, "1.0.0");
    let upload = upload("stable", "1.0.0");
    f.db.begin_upload(&upload).await.unwrap();
    put(&*f.db, 0..700, NOW).await;
    let change = publication(0, &stable, &release, &upload, ids(0..702));
    let Applied::ChunksMissing(mut missing) = f.db.apply(&change).await.unwrap() else { panic!() };
    missing.sort();
    let mut wanted = ids(700..702);
    wanted.sort();
    assert_eq!(missing, wanted);
    assert_eq!(f.db.view().await.unwrap(), vsekai_server::db::View::default());
    assert_eq!(f.db.upload(upload.id).await.unwrap().unwrap().sequence, None);
    assert_eq!(f.db.count_unused(later(1)).await.unwrap(), (700, 7000));

    // A doomed chunk counts as missing.
    put(&*f.db, 700..702, later(100)).await;
    assert_eq!(f.db.doom(later(1), 1).await.unwrap(), 1);
    let Applied::ChunksMissing(missing) = f.db.apply(&change).await.unwrap() else { panic!() };
    assert_eq!(missing.len(), 1);
}

async fn a_publication_without_its_upload_does_nothing(f: Fixture) {
    let stable = mode("stable");
    let release = version(&stable, "1.0.0");
    put(&*f.db, 0..2, NOW).await;
    let change = publication(0, &stable, &release, &upload("stable", "1.0.0"), ids(0..2));
    assert_eq!(f.db.apply(&change).await.unwrap_err().code(), "not_found");
    assert_eq!(f.db.view().await.unwrap(), vsekai_server::db::View::default());
}

async fn the_view_has_every_version_and_the_platforms_of_those_on_offer(f: Fixture) {
    let stable = mode("stable");
    let published = version(&stable, "1.0.0");
    let mut withdrawn = version(&stable, "2.0.0");
    withdrawn.state = VersionState::Withdrawn;
    let mut recalled = version(&stable, "3.0.0");
    recalled.recalled = true;
    recalled.state = VersionState::Withdrawn;
    let mut rows = vec![RowChange::Mode(stable)];
    for version in [&published, &withdrawn, &recalled] {
        rows.push(RowChange::Version(version.clone()));
        rows.push(RowChange::File(file(version, &linux(), "index.caidx", "targets/a")));
    }
    apply(&*f.db, rows).await;
    let view = f.db.view().await.unwrap();
    let mut seen: Vec<_> = view.platforms.iter().map(|(id, _)| *id).collect();
    seen.sort();
    assert_eq!(view.versions, [recalled.clone(), withdrawn, published.clone()]);
    assert_eq!(seen, [published.id, recalled.id]);
}
