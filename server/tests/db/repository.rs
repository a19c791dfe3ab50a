//! The repository: changes, and what is read of it.

use vsekai_server::db::{Applied, Change, FileFilter, Page, RowChange, VersionFilter};
use vsekai_server::error::Error;
use vsekai_server::model::VersionState;

use crate::databases::Fixture;
use crate::world::*;

crate::on_every_database! {
    a_new_repository_is_empty_at_revision_0,
    a_change_is_seen_whole_at_the_next_revision,
    a_change_of_an_old_revision_does_nothing,
    rows_are_replaced_whole,
    probing_is_kept_when_a_cdn_is_changed,
    a_name_that_is_taken_is_a_conflict,
    a_publication_ends_its_upload,
    a_publication_without_all_chunks_does_nothing,
    a_publication_without_its_upload_does_nothing,
    what_is_not_in_force_is_removed_after_its_time,
    what_is_named_again_is_in_force_again,
    files_of_a_withdrawn_version_are_removed_after_their_time,
    a_file_that_another_version_names_stays,
    a_file_that_is_replaced_by_another_is_removed_after_its_time,
    the_view_has_every_version_and_the_platforms_of_those_on_offer,
    paths_come_page_by_page,
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
    // More than one list's worth, and one id twice.
    put(&*f.db, 0..1203, NOW).await;
    let mut chunks = ids(0..1203);
    chunks.push(chunks[5]);
    let change = publication(0, &stable, &release, &upload, chunks);
    assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(1));

    assert_eq!(f.db.upload(upload.id).await.unwrap().unwrap().sequence, Some(12));
    assert_eq!(f.db.documents(upload.id).await.unwrap(), []);
    assert_eq!(f.db.count_unused(later(1_000_000)).await.unwrap(), (0, 0));
    // Once more, as after a lost answer: another revision is needed, and nothing else changes.
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

    // A doomed one is missing too.
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

fn metadata(revision: u64, at: i64, files: &[&str], in_force: &[&str]) -> Change {
    Change {
        revision,
        files: files.iter().map(|path| repository_file(path)).collect(),
        in_force: in_force.iter().map(|path| (*path).to_owned()).collect(),
        at: later(at),
        ..Change::default()
    }
}

async fn all_paths(f: &Fixture) -> Vec<String> {
    let mut paths = f.db.repository_paths(&Page { after: None, limit: 1000 }).await.unwrap();
    paths.sort();
    paths
}

async fn what_is_not_in_force_is_removed_after_its_time(f: Fixture) {
    let first =
        ["tuf/1.root.json", "tuf/1.stable.json", "tuf/timestamp.json", "targets/aa.catalog.json", "targets/stable/x"];
    let second = ["tuf/2.root.json", "tuf/2.stable.json", "tuf/timestamp.json", "targets/bb.catalog.json"];
    f.db.apply(&metadata(0, 0, &first, &first[..4])).await.unwrap();
    f.db.apply(&metadata(1, 10, &second, &second)).await.unwrap();
    assert_eq!(f.db.remove_superseded(later(10)).await.unwrap(), 0);
    // The third change does not make the time begin again.
    f.db.apply(&metadata(2, 20, &[], &second)).await.unwrap();
    assert_eq!(f.db.remove_superseded(later(11)).await.unwrap(), 2);
    let left = [
        "targets/bb.catalog.json",
        "targets/stable/x",
        "tuf/1.root.json",
        "tuf/2.root.json",
        "tuf/2.stable.json",
        "tuf/timestamp.json",
    ];
    assert_eq!(all_paths(&f).await, left);
    assert_eq!(f.db.view().await.unwrap().metadata.len(), 4);
}

async fn what_is_named_again_is_in_force_again(f: Fixture) {
    let (one, two) = ("tuf/1.stable.json", "tuf/2.stable.json");
    f.db.apply(&metadata(0, 0, &[one], &[one])).await.unwrap();
    f.db.apply(&metadata(1, 10, &[two], &[two])).await.unwrap();
    f.db.apply(&metadata(2, 20, &[], &[one])).await.unwrap();
    assert_eq!(f.db.view().await.unwrap().metadata, [repository_file(one)]);
    assert_eq!(f.db.remove_superseded(later(1000)).await.unwrap(), 1);
    assert_eq!(all_paths(&f).await, [one]);
}

async fn files_of_a_withdrawn_version_are_removed_after_their_time(f: Fixture) {
    let stable = mode("stable");
    let mut old = publish(&*f.db, &stable, "1.0.0", 0..5).await;
    let new = publish(&*f.db, &stable, "2.0.0", 3..8).await;
    old.state = VersionState::Withdrawn;
    let rows = vec![RowChange::Version(old.clone()), RowChange::RemoveFiles(old.id, linux())];
    let change = Change { rows, in_force: vec!["tuf/timestamp.json".into()], ..metadata(2, 10, &[], &[]) };
    f.db.apply(&change).await.unwrap();

    let filter = FileFilter { version_id: Some(old.id), ..FileFilter::default() };
    assert_eq!(f.db.files(&filter, &Page { after: None, limit: 10 }).await.unwrap(), []);
    // Chunks 3 and 4 are the new version's too.
    assert_eq!(f.db.count_unused(later(1)).await.unwrap().0, 3);
    assert_eq!(f.db.remove_superseded(later(10)).await.unwrap(), 0);
    assert_eq!(f.db.remove_superseded(later(11)).await.unwrap(), 1);
    assert_eq!(all_paths(&f).await, ["targets/stable/2.0.0/linux-x86_64/index.caidx", "tuf/timestamp.json"]);
    assert_eq!(f.db.view().await.unwrap().versions, std::slice::from_ref(&new));
    let all = f.db.versions(&VersionFilter::default(), &Page { after: None, limit: 10 }).await.unwrap();
    assert_eq!(all, [new, old]);
}

async fn a_file_that_another_version_names_stays(f: Fixture) {
    let stable = mode("stable");
    let (one, two) = (version(&stable, "1.0.0"), version(&stable, "2.0.0"));
    let named = |version| RowChange::File(file(version, &linux(), "index.caidx", "targets/same"));
    let rows = vec![
        RowChange::Mode(stable.clone()),
        RowChange::Version(one.clone()),
        RowChange::Version(two.clone()),
        named(&one),
        named(&two),
    ];
    f.db.apply(&Change { rows, ..metadata(0, 0, &["targets/same"], &[]) }).await.unwrap();
    let remove = |version: uuid::Uuid| vec![RowChange::RemoveFiles(version, linux())];
    f.db.apply(&Change { rows: remove(one.id), ..metadata(1, 1, &[], &[]) }).await.unwrap();
    assert_eq!(f.db.remove_superseded(later(100)).await.unwrap(), 0);
    f.db.apply(&Change { rows: remove(two.id), ..metadata(2, 2, &[], &[]) }).await.unwrap();
    assert_eq!(f.db.remove_superseded(later(100)).await.unwrap(), 1);
}

async fn a_file_that_is_replaced_by_another_is_removed_after_its_time(f: Fixture) {
    let stable = mode("stable");
    let one = version(&stable, "1.0.0");
    let named = |uri| RowChange::File(file(&one, &linux(), "index.caidx", uri));
    let rows = vec![RowChange::Mode(stable.clone()), RowChange::Version(one.clone()), named("targets/a")];
    f.db.apply(&Change { rows, ..metadata(0, 0, &["targets/a"], &[]) }).await.unwrap();
    f.db.apply(&Change { rows: vec![named("targets/b")], ..metadata(1, 1, &["targets/b"], &[]) }).await.unwrap();
    assert_eq!(f.db.remove_superseded(later(100)).await.unwrap(), 1);
    assert_eq!(all_paths(&f).await, ["targets/b"]);
    let files = f.db.files(&FileFilter::default(), &Page { after: None, limit: 10 }).await.unwrap();
    assert_eq!(files.iter().map(|file| file.file_uri.as_str()).collect::<Vec<_>>(), ["targets/b"]);
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

async fn paths_come_page_by_page(f: Fixture) {
    let paths: Vec<_> = (0..25).map(|number| format!("targets/{}-{number}", ["a", "B", "é"][number % 3])).collect();
    let all: Vec<_> = paths.iter().map(String::as_str).collect();
    f.db.apply(&metadata(0, 0, &all, &[])).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let page = Page { after: seen.last().cloned(), limit: 7 };
        let next = f.db.repository_paths(&page).await.unwrap();
        if next.is_empty() {
            break;
        }
        seen.extend(next);
    }
    assert_eq!(seen.len(), paths.len());
    seen.sort();
    let mut paths = paths;
    paths.sort();
    assert_eq!(seen, paths);
}
