//! Lists: their filters, their order, their pages.

use vsekai_server::db::{CdnFilter, FileFilter, ModeFilter, Page, RowChange, VersionFilter};
use vsekai_server::model::{ModeVersion, VersionState};
use vsekai_updater::version::Version;

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    modes_are_listed_by_name_and_filtered,
    versions_are_listed_by_precedence,
    versions_are_filtered_by_each_of_their_fields,
    versions_of_one_precedence_are_listed_each_once,
    files_are_listed_by_id_and_filtered,
    cdns_are_listed_by_name_and_filtered,
    the_audit_log_is_listed_newest_first,
    what_is_not_there_is_nothing,
}

fn first<K>(limit: u32) -> Page<K> {
    Page { after: None, limit }
}

async fn modes_are_listed_by_name_and_filtered(f: Fixture) {
    let names = ["nightly", "stable", "beta", "experimental", "a2", "a10"];
    let mut modes: Vec<_> = names.into_iter().map(mode).collect();
    modes[2].is_active = false;
    apply(&*f.db, modes.iter().cloned().map(RowChange::Mode).collect()).await;
    modes.sort_by(|one, other| one.name.cmp(&other.name));

    let none = ModeFilter::default();
    assert_eq!(f.db.modes(&none, &first(100)).await.unwrap(), modes);
    assert_eq!(f.db.modes(&none, &first(2)).await.unwrap(), modes[..2]);
    let page = Page { after: Some("beta".to_owned()), limit: 2 };
    assert_eq!(f.db.modes(&none, &page).await.unwrap(), modes[3..5]);
    // The last entry of the previous page is gone.
    let page = Page { after: Some("c".to_owned()), limit: 2 };
    assert_eq!(f.db.modes(&none, &page).await.unwrap(), modes[3..5]);
    let inactive = ModeFilter { is_active: Some(false), ..none.clone() };
    assert_eq!(f.db.modes(&inactive, &first(9)).await.unwrap(), [modes[2].clone()]);
    let named = ModeFilter { name: Some("stable".to_owned()), is_active: Some(true) };
    assert_eq!(f.db.modes(&named, &first(9)).await.unwrap(), [modes[5].clone()]);
    let neither = ModeFilter { name: Some("stable".to_owned()), is_active: Some(false) };
    assert_eq!(f.db.modes(&neither, &first(9)).await.unwrap(), []);
}

async fn all_versions(f: &Fixture, filter: &VersionFilter, limit: u32) -> Vec<ModeVersion> {
    let mut all: Vec<ModeVersion> = Vec::new();
    loop {
        let after = all.last().map(|version| (version.version.sort_key().into_bytes(), version.id));
        let next = f.db.versions(filter, &Page { after, limit }).await.unwrap();
        if next.is_empty() {
            return all;
        }
        all.extend(next);
    }
}

async fn versions_are_listed_by_precedence(f: Fixture) {
    let stable = mode("stable");
    // From the specification of SemVer, and versions that sort wrongly as text.
    let ordered = [
        "10.0.0",
        "9.0.0",
        "1.10.0",
        "1.9.0",
        "1.0.0",
        "1.0.0-rc.1",
        "1.0.0-beta.11",
        "1.0.0-beta.2",
        "1.0.0-beta",
        "1.0.0-alpha.beta",
        "1.0.0-alpha.1",
        "1.0.0-alpha",
        "0.1.0-alpha.14",
        "0.1.0-alpha.2",
    ];
    let mut rows = vec![RowChange::Mode(stable.clone())];
    for place in [7, 2, 13, 0, 9, 4, 11, 6, 1, 8, 3, 10, 5, 12] {
        rows.push(RowChange::Version(version(&stable, ordered[place])));
    }
    apply(&*f.db, rows).await;
    for limit in [1, 3, 100] {
        let listed = all_versions(&f, &VersionFilter::default(), limit).await;
        let listed: Vec<_> = listed.iter().map(|version| version.version.to_string()).collect();
        assert_eq!(listed, ordered);
    }
}

async fn versions_are_filtered_by_each_of_their_fields(f: Fixture) {
    let (stable, nightly) = (mode("stable"), mode("nightly"));
    let one = version(&stable, "1.0.0");
    let mut two = version(&stable, "2.0.0");
    two.skip_update = true;
    let mut three = version(&stable, "3.0.0");
    three.recalled = true;
    let mut four = version(&nightly, "4.0.0");
    four.state = VersionState::Withdrawn;
    let mut rows = vec![RowChange::Mode(stable.clone()), RowChange::Mode(nightly.clone())];
    rows.extend([&one, &two, &three, &four].map(|version| RowChange::Version(version.clone())));
    rows.push(RowChange::File(file(&one, &windows(), "index.caidx", "targets/a")));
    rows.push(RowChange::File(file(&one, &windows(), "release.json", "targets/b")));
    rows.push(RowChange::File(file(&two, &linux(), "index.caidx", "targets/c")));
    apply(&*f.db, rows).await;

    let none = VersionFilter::default();
    let cases = [
        (VersionFilter { mode_id: Some(nightly.id), ..none.clone() }, vec![&four]),
        (VersionFilter { state: Some(VersionState::Published), ..none.clone() }, vec![&three, &two, &one]),
        (VersionFilter { version: Some("2.0.0".to_owned()), ..none.clone() }, vec![&two]),
        (VersionFilter { platform: Some(windows()), ..none.clone() }, vec![&one]),
        (VersionFilter { skip_update: Some(true), ..none.clone() }, vec![&two]),
        (VersionFilter { recalled: Some(false), mode_id: Some(stable.id), ..none.clone() }, vec![&two, &one]),
        (VersionFilter { recalled: Some(true), skip_update: Some(true), ..none.clone() }, vec![]),
        (none, vec![&four, &three, &two, &one]),
    ];
    for (filter, wanted) in cases {
        let listed = all_versions(&f, &filter, 10).await;
        assert_eq!(listed.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
    }
}

async fn versions_of_one_precedence_are_listed_each_once(f: Fixture) {
    let mut rows = Vec::new();
    for number in 0..7 {
        let mode = mode(&format!("m{number}"));
        rows.push(RowChange::Mode(mode.clone()));
        rows.push(RowChange::Version(version(&mode, "1.0.0")));
    }
    apply(&*f.db, rows).await;
    for limit in [1, 2, 7] {
        let mut listed: Vec<_> =
            all_versions(&f, &VersionFilter::default(), limit).await.iter().map(|v| v.id).collect();
        assert!(listed.is_sorted());
        listed.dedup();
        assert_eq!(listed.len(), 7);
    }
    assert!(Version::parse("1.0.0").unwrap().sort_key().is_ascii());
}

async fn files_are_listed_by_id_and_filtered(f: Fixture) {
    let stable = mode("stable");
    let one = version(&stable, "1.0.0");
    let mut files = Vec::new();
    for name in ["index.caidx", "files.json.zst", "release.json"] {
        for platform in [linux(), windows()] {
            let uri = format!("targets/stable/1.0.0/{platform}/{name}");
            files.push(file(&one, &platform, name, &uri));
        }
    }
    let mut rows = vec![RowChange::Mode(stable), RowChange::Version(one.clone())];
    rows.extend(files.iter().rev().cloned().map(RowChange::File));
    apply(&*f.db, rows).await;

    let none = FileFilter::default();
    assert_eq!(f.db.files(&none, &first(4)).await.unwrap(), files[..4]);
    let page = Page { after: Some(files[3].id), limit: 4 };
    assert_eq!(f.db.files(&none, &page).await.unwrap(), files[4..]);
    let filter =
        FileFilter { version_id: Some(one.id), platform: Some(windows()), file_name: Some("release.json".to_owned()) };
    assert_eq!(f.db.files(&filter, &first(9)).await.unwrap(), files[5..]);
    assert_eq!(f.db.file(files[2].id).await.unwrap(), Some(files[2].clone()));
    let other = FileFilter { version_id: Some(uuid::Uuid::new_v4()), ..none };
    assert_eq!(f.db.files(&other, &first(9)).await.unwrap(), []);
}

async fn cdns_are_listed_by_name_and_filtered(f: Fixture) {
    let mut cdns: Vec<_> = ["alpha", "beta", "delta", "gamma"].into_iter().map(cdn).collect();
    cdns[1].region = "us".to_owned();
    cdns[2].is_enabled = false;
    cdns[3].health.is_healthy = false;
    apply(&*f.db, cdns.iter().rev().cloned().map(RowChange::Cdn).collect()).await;
    let none = CdnFilter::default();
    assert_eq!(f.db.cdns(&none, &first(9)).await.unwrap(), cdns);
    let page = Page { after: Some("alpha".to_owned()), limit: 2 };
    assert_eq!(f.db.cdns(&none, &page).await.unwrap(), cdns[1..3]);
    let cases = [
        (CdnFilter { region: Some("us".to_owned()), ..none.clone() }, 1),
        (CdnFilter { is_enabled: Some(false), ..none.clone() }, 2),
        (CdnFilter { is_healthy: Some(false), ..none.clone() }, 3),
    ];
    for (filter, place) in cases {
        assert_eq!(f.db.cdns(&filter, &first(9)).await.unwrap(), [cdns[place].clone()], "{filter:?}");
    }
}

async fn the_audit_log_is_listed_newest_first(f: Fixture) {
    let entries: Vec<_> = (0..9).map(|number| audit(&format!("action.{number}"))).collect();
    for entry in &entries {
        f.db.add_audit(entry).await.unwrap();
        // Again, as after a lost answer.
        f.db.add_audit(entry).await.unwrap();
    }
    let newest: Vec<_> = entries.iter().rev().cloned().collect();
    assert_eq!(f.db.audit(&first(4)).await.unwrap(), newest[..4]);
    let page = Page { after: Some(newest[3].id), limit: 100 };
    assert_eq!(f.db.audit(&page).await.unwrap(), newest[4..]);
}

async fn what_is_not_there_is_nothing(f: Fixture) {
    let id = uuid::Uuid::new_v4();
    assert_eq!(f.db.mode(id).await.unwrap(), None);
    assert_eq!(f.db.version(id).await.unwrap(), None);
    assert_eq!(f.db.file(id).await.unwrap(), None);
    assert_eq!(f.db.cdn(id).await.unwrap(), None);
    assert_eq!(f.db.upload(id).await.unwrap(), None);
    assert_eq!(f.db.token(id).await.unwrap(), None);
    f.db.put_health(id, &cdn("one").health).await.unwrap();
}
