//! Files of the repository: which are in force, and when the others are removed.

use vsekai_server::db::{Change, FileFilter, Page, RowChange, VersionFilter};
use vsekai_server::model::{RepositoryFile, VersionState};

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    what_is_not_in_force_is_removed_after_its_time,
    what_is_named_again_is_in_force_again,
    files_of_a_withdrawn_version_are_removed_after_their_time,
    a_file_that_another_version_names_stays,
    a_file_that_is_replaced_by_another_is_removed_after_its_time,
    all_files_are_read_as_of_one_moment,
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
    let mut paths: Vec<_> = f.db.repository_files().await.unwrap().into_iter().map(|file| file.path).collect();
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
    // The third change does not restart the period.
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
    // The new version needs chunks 3 and 4, too.
    assert_eq!(f.db.count_unused(later(1)).await.unwrap().0, 3);
    assert_eq!(f.db.remove_superseded(later(10)).await.unwrap(), 0);
    assert_eq!(f.db.remove_superseded(later(11)).await.unwrap(), 1);
    assert_eq!(all_paths(&f).await, ["targets/stable/2.0.0/linux-x86_64/index.caidx", "tuf/timestamp.json"]);
    assert_eq!(f.db.view().await.unwrap().versions, [new.clone(), old.clone()]);
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

async fn all_files_are_read_as_of_one_moment(f: Fixture) {
    let paths: Vec<_> = (0..50).map(|number| format!("targets/{}-{number}", ["a", "B", "é"][number % 3])).collect();
    let all: Vec<_> = paths.iter().map(String::as_str).collect();
    f.db.apply(&metadata(0, 0, &all, &[])).await.unwrap();
    // Every change replaces two files that must not be seen apart, one at each end of the order.
    let of = |revision: u64| {
        let file = |path: &str| RepositoryFile { path: path.to_owned(), bytes: revision.to_string().into_bytes() };
        Change { files: vec![file("a"), file("z")], ..metadata(revision, 1, &[], &[]) }
    };
    f.db.apply(&of(1)).await.unwrap();
    let other = f.another().await;
    let changing = tokio::spawn(async move {
        for revision in 2..20 {
            other.apply(&of(revision)).await.unwrap();
        }
    });
    loop {
        let is_last = changing.is_finished();
        let files = f.db.repository_files().await.unwrap();
        let bytes = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.bytes.clone());
        assert!(bytes("a").is_some());
        assert_eq!(bytes("a"), bytes("z"));
        assert_eq!(files.len(), paths.len() + 2);
        if is_last {
            break;
        }
    }
    changing.await.unwrap();
}
