//! What is too much for one transaction, or for one value: written and removed in steps, and seen whole or not at all.
//! On the PostgreSQL that fails on purpose, its limits are enforced.

use vsekai_server::db::copy::{TABLES, Value};
use vsekai_server::db::{Applied, Change, Db, RowChange};
use vsekai_server::model::{Mode, ModeVersion, RepositoryFile, VersionState};

use super::samples::*;
use crate::databases::{Fixture, Kind};

super::on_every_database! {
    hostile too:
    a_large_version_comes_and_goes_in_steps,
    a_large_file_is_there_whole_or_not_at_all,
    many_small_files_are_one_change,
    as_many_withdrawals_as_fit_are_one_change,
    a_commit_that_never_ended_shows_nothing_and_is_removed,
    a_commit_that_clean_up_takes_for_dead_is_whole_or_nothing,
    a_commit_of_other_chunks_takes_the_place_of_one_that_failed,
    what_older_servers_have_noted_is_kept_and_removed,
    what_older_servers_have_stored_in_one_value_is_read,
    chunks_that_do_not_compress_are_removed_whole,
    whole_tables_are_written_in_steps,
    much_that_has_expired_is_removed_in_steps,
}

/// A PostgreSQL that calls itself CockroachDB: it does not know the statement that reads from followers.
#[test]
fn a_database_that_refuses_reads_from_followers_is_read_as_of_now() {
    Kind::Postgres.run(async |f: Fixture| {
        let version = "CREATE FUNCTION version() RETURNS text LANGUAGE sql AS $$ SELECT 'CockroachDB CCL v25.4.0' $$";
        super::migrations::change(&f, version).await;
        let separator = if f.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}options[search_path]=public,pg_catalog", f.url);
        let db = vsekai_server::db::open(&url, &vsekai_server::db::Pools::default()).await.unwrap();
        put(&*db, 0..3, NOW).await;
        let shown = |db: &dyn Db| format!("{db:?}");
        assert!(shown(&*db).contains("reads_earlier: true"), "{db:?}");
        assert!(shown(&*f.db).contains("reads_earlier: false"), "{:?}", f.db);
        assert_eq!(db.chunk_bytes(&id(1)).await.unwrap(), Some(bytes(1)));
        assert!(shown(&*db).contains("reads_earlier: false"), "{db:?}");
        assert_eq!(db.chunks_bytes(&ids([2, 5])).await.unwrap(), [Some(bytes(2)), None]);
    });
}

/// Bytes that depend on their place, and on `seed`.
fn content(seed: u32, length: usize) -> Vec<u8> {
    (0_u32..).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8).take(length).collect()
}

fn large(path: &str, seed: u32, length: usize) -> RepositoryFile {
    RepositoryFile { path: path.to_owned(), bytes: content(seed, length) }
}

/// The rows of a table.
pub(super) async fn rows(db: &dyn Db, name: &str) -> Vec<Vec<Value>> {
    let table = TABLES.iter().find(|table| table.name == name).unwrap();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let some = db.rows(table, after.as_deref()).await.unwrap();
        let is_last = some.len() < table.page as usize;
        after = some.last().map(|row| row[..table.key].to_vec());
        all.extend(some);
        if is_last {
            return all;
        }
    }
}

async fn counts<const N: usize>(db: &dyn Db, names: [&str; N]) -> [usize; N] {
    let mut counts = [0; N];
    for (count, name) in counts.iter_mut().zip(names) {
        *count = rows(db, name).await.len();
    }
    counts
}

async fn put_row(db: &dyn Db, name: &str, row: Vec<Value>) {
    let table = TABLES.iter().find(|table| table.name == name).unwrap();
    db.put_rows(table, &[row]).await.unwrap();
}

const LEFTOVERS: [&str; 5] = ["chunk_sets", "set_chunks", "contents", "content_parts", "file_contents"];

async fn withdraw(db: &dyn Db, mut version: ModeVersion) {
    version.state = VersionState::Withdrawn;
    let rows = vec![RowChange::Version(version.clone()), RowChange::RemoveFiles(version.id, linux())];
    let change = Change { revision: db.revision().await.unwrap(), rows, at: later(9), ..Change::default() };
    assert!(matches!(db.apply(&change).await.unwrap(), Applied::Done(_)));
}

/// A publication with an index of 3.5 MiB and a file table of 1 MiB.
fn large_publication(revision: u64, mode: &Mode, version: &ModeVersion, chunks: u64) -> (Change, Vec<RepositoryFile>) {
    let upload = upload(mode.name.as_str(), &version.version.to_string());
    let mut change = publication(revision, mode, version, &upload, ids(0..chunks));
    let folder = format!("targets/{}/{}", mode.name, version.version);
    let files = vec![
        large(&format!("{folder}/index.caidx"), 1, (7 << 20) / 2),
        large(&format!("{folder}/files.json.zst"), 2, 1 << 20),
        large("tuf/1.stable.json", 3, 5 << 19),
    ];
    for file_name in ["index.caidx", "files.json.zst"] {
        change.rows.push(RowChange::File(file(version, &linux(), file_name, &format!("{folder}/{file_name}"))));
    }
    change.files.extend(files.clone());
    change.in_force.push("tuf/1.stable.json".to_owned());
    (change, files)
}

async fn begin_upload_of(db: &dyn Db, change: &Change, mode: &Mode, version: &ModeVersion) {
    let mut upload = upload(mode.name.as_str(), &version.version.to_string());
    upload.id = change.publish.as_ref().unwrap().upload_id;
    db.begin_upload(&upload).await.unwrap();
}

async fn a_large_version_comes_and_goes_in_steps(f: Fixture) {
    let (stable, chunks) = (mode("stable"), 3100);
    let release = version(&stable, "1.0.0");
    put(&*f.db, 0..chunks, NOW).await;
    let (change, files) = large_publication(0, &stable, &release, chunks);
    begin_upload_of(&*f.db, &change, &stable, &release).await;
    assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(1));
    for file in &files {
        let found = f.db.repository_file(&file.path).await.unwrap().unwrap();
        assert!(found == file.bytes, "{}", file.path);
    }
    let view = f.db.view().await.unwrap();
    assert!(view.metadata.contains(&files[2]) && view.versions == [release.clone()]);
    let all = f.db.repository_files().await.unwrap();
    assert!(files.iter().all(|file| all.contains(file)));
    assert_eq!(f.db.remove_leftovers(later(1_000_000)).await.unwrap(), 0);
    assert_eq!(f.db.count_unused(later(1_000_000)).await.unwrap().0, 0);

    withdraw(&*f.db, release).await;
    assert_eq!(f.db.count_unused(later(1)).await.unwrap().0, chunks);
    // The metadata is out of force now, too: this change named none.
    assert_eq!(f.db.remove_superseded(later(10)).await.unwrap(), 4);
    f.db.remove_leftovers(later(10)).await.unwrap();
    assert_eq!(counts(&*f.db, LEFTOVERS).await, [0; 5]);
    assert_eq!(f.db.repository_file(&files[0].path).await.unwrap(), None);
}

async fn a_large_file_is_there_whole_or_not_at_all(f: Fixture) {
    let of = |revision: u64, seed, length| Change {
        revision,
        files: vec![large("tuf/timestamp.json", seed, length)],
        in_force: vec!["tuf/timestamp.json".to_owned()],
        at: NOW,
        ..Change::default()
    };
    let lengths = [5_usize << 19, 10, 3 << 20, (1 << 20) + 1, 1 << 20, 0, 2 << 20];
    f.db.apply(&of(0, 0, lengths[0])).await.unwrap();
    let other = f.another().await;
    let changing = tokio::spawn(async move {
        for (revision, length) in (1..).zip(lengths.into_iter().skip(1)) {
            other.apply(&of(revision, u32::try_from(revision).unwrap(), length)).await.unwrap();
            // Takes for dead all that no file has.
            other.remove_leftovers(later(1)).await.unwrap();
        }
    });
    loop {
        let is_last = changing.is_finished();
        let found = f.db.repository_file("tuf/timestamp.json").await.unwrap().unwrap();
        let metadata = f.db.view().await.unwrap().metadata.remove(0).bytes;
        for bytes in [found.to_vec(), metadata] {
            let at = lengths.iter().position(|length| *length == bytes.len()).unwrap();
            assert!(bytes == content(u32::try_from(at).unwrap(), bytes.len()), "{}", bytes.len());
        }
        if is_last {
            break;
        }
    }
    changing.await.unwrap();
    assert_eq!(counts(&*f.db, ["contents", "content_parts", "file_contents"]).await, [1, 2, 1]);
}

async fn many_small_files_are_one_change(f: Fixture) {
    let files: Vec<_> = (0..30).map(|number| large(&format!("targets/{number}"), number, 100_000)).collect();
    let change = Change { files: files.clone(), at: NOW, ..Change::default() };
    assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(1));
    for file in &files {
        assert!(f.db.repository_file(&file.path).await.unwrap().unwrap() == file.bytes, "{}", file.path);
    }
}

async fn as_many_withdrawals_as_fit_are_one_change(f: Fixture) {
    let stable = mode("stable");
    apply(&*f.db, vec![RowChange::Mode(stable.clone())]).await;
    let versions: Vec<_> = (0..130).map(|number| version(&stable, &format!("{number}.0.0"))).collect();
    for some in versions.chunks(30) {
        let mut rows = Vec::new();
        let mut files = Vec::new();
        for version in some {
            rows.push(RowChange::Version(version.clone()));
            for name in ["index.caidx", "files.json.zst", "release.json"] {
                let uri = format!("targets/{}/{name}", version.version);
                rows.push(RowChange::File(file(version, &linux(), name, &uri)));
                files.push(repository_file(&uri));
            }
        }
        let revision = f.db.revision().await.unwrap();
        let change = Change { revision, rows, files, at: NOW, ..Change::default() };
        assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(revision + 1));
    }
    let withdrawal = |versions: &[ModeVersion], revision| {
        let rows = versions.iter().flat_map(|version| {
            let withdrawn = ModeVersion { state: VersionState::Withdrawn, ..version.clone() };
            [RowChange::RemoveFiles(version.id, linux()), RowChange::Version(withdrawn)]
        });
        Change { revision, rows: rows.collect(), at: NOW, ..Change::default() }
    };
    let revision = f.db.revision().await.unwrap();
    let before = f.db.view().await.unwrap();
    if f.kind != Kind::Sqlite {
        let error = f.db.apply(&withdrawal(&versions, revision)).await.unwrap_err();
        assert_eq!(error.code(), "invalid");
        assert_eq!(f.db.view().await.unwrap(), before);
    }
    let fitting = if f.kind == Kind::Sqlite { 130 } else { 120 };
    assert_eq!(f.db.apply(&withdrawal(&versions[..fitting], revision)).await.unwrap(), Applied::Done(revision + 1));
    assert_eq!(f.db.view().await.unwrap().platforms.len(), 130 - fitting);
}

async fn a_commit_that_never_ended_shows_nothing_and_is_removed(f: Fixture) {
    let stable = mode("stable");
    let release = version(&stable, "1.0.0");
    put(&*f.db, 0..1200, NOW).await;
    // Without its upload, the last transaction fails; all before it have been made, as by one that is killed there.
    let (change, files) = large_publication(0, &stable, &release, 1200);
    assert_eq!(f.db.apply(&change).await.unwrap_err().code(), "not_found");
    assert_eq!(f.db.view().await.unwrap(), vsekai_server::db::View::default());
    assert_eq!(f.db.repository_files().await.unwrap(), []);
    assert_eq!(f.db.repository_file(&files[0].path).await.unwrap(), None);
    assert_eq!(counts(&*f.db, LEFTOVERS).await, [1, 1200, 3, 8, 0]);
    // It may still be under way: clean-up spares it.
    assert_eq!(f.db.doom(later(1), 2000).await.unwrap(), 0);
    assert_eq!(f.db.remove_leftovers(NOW).await.unwrap(), 0);
    assert_eq!(counts(&*f.db, LEFTOVERS).await, [1, 1200, 3, 8, 0]);
    assert_eq!(f.db.remove_leftovers(later(1)).await.unwrap(), 1);
    assert_eq!(counts(&*f.db, LEFTOVERS).await, [0; 5]);
    assert_eq!(f.db.doom(later(1), 2000).await.unwrap(), 1200);
}

async fn a_commit_that_clean_up_takes_for_dead_is_whole_or_nothing(f: Fixture) {
    let stable = mode("stable");
    apply(&*f.db, vec![RowChange::Mode(stable.clone())]).await;
    let other = f.another().await;
    let cleaning = tokio::spawn(async move {
        for _ in 0..40 {
            other.remove_leftovers(later(1)).await.unwrap();
        }
    });
    let mut published = 0;
    while published < 3 {
        let release = version(&stable, &format!("{published}.0.0"));
        put(&*f.db, 0..600, later(1000)).await;
        let (mut change, files) = large_publication(f.db.revision().await.unwrap(), &stable, &release, 600);
        change.rows.remove(0);
        begin_upload_of(&*f.db, &change, &stable, &release).await;
        match f.db.apply(&change).await {
            Ok(applied) => assert_eq!(applied, Applied::Done(change.revision + 1)),
            Err(error) => {
                assert_eq!(error.code(), "database_busy");
                continue;
            }
        }
        published += 1;
        assert!(f.db.repository_file(&files[0].path).await.unwrap().unwrap() == files[0].bytes);
        let set = change.publish.unwrap().upload_id;
        let noted = rows(&*f.db, "set_chunks").await;
        assert_eq!(noted.iter().filter(|row| row[1] == Value::Uuid(set)).count(), 600);
    }
    cleaning.await.unwrap();
    f.db.remove_leftovers(later(1)).await.unwrap();
    assert_eq!(counts(&*f.db, ["chunk_sets", "set_chunks", "file_contents"]).await, [3, 1800, 7]);
}

async fn a_commit_of_other_chunks_takes_the_place_of_one_that_failed(f: Fixture) {
    let stable = mode("stable");
    let release = version(&stable, "1.0.0");
    put(&*f.db, 0..20, NOW).await;
    let of = upload("stable", "1.0.0");
    let first = publication(0, &stable, &release, &of, ids(0..15));
    assert_eq!(f.db.apply(&first).await.unwrap_err().code(), "not_found");
    f.db.begin_upload(&of).await.unwrap();
    let second = publication(0, &stable, &release, &of, ids(10..20));
    assert_eq!(f.db.apply(&second).await.unwrap(), Applied::Done(1));
    assert_eq!(counts(&*f.db, ["chunk_sets", "set_chunks"]).await, [1, 10]);
    assert_eq!(f.db.doom(later(1_000_000), 100).await.unwrap(), 10);
    assert_eq!(f.db.missing(&ids(10..20), NOW).await.unwrap(), []);
}

async fn what_older_servers_have_noted_is_kept_and_removed(f: Fixture) {
    let stable = mode("stable");
    let release = version(&stable, "1.0.0");
    let named = RowChange::File(file(&release, &linux(), "index.caidx", "targets/a"));
    apply(&*f.db, vec![RowChange::Mode(stable.clone()), RowChange::Version(release.clone()), named]).await;
    put(&*f.db, 0..600, NOW).await;
    for chunk in ids(0..600) {
        let id = Value::Bytes(chunk.as_bytes().to_vec());
        let reference = vec![id.clone(), Value::Uuid(release.id), Value::Text("linux-x86_64".to_owned())];
        put_row(&*f.db, "version_chunks", reference).await;
        let row = [Value::Int(100), Value::Int(10), Value::Text("live".to_owned()), Value::Bool(true)];
        put_row(&*f.db, "chunks", [vec![id], row.to_vec(), vec![Value::Int(NOW.0), Value::Null]].concat()).await;
    }
    // A version that a newer server has published needs some of them, too.
    let newer = publish(&*f.db, &stable, "2.0.0", 500..700).await;
    f.db.remove_leftovers(later(1_000_000)).await.unwrap();
    assert_eq!(f.db.doom(later(1), 1000).await.unwrap(), 0);
    withdraw(&*f.db, release).await;
    assert_eq!(f.db.doom(later(1), 1000).await.unwrap(), 500);
    assert_eq!(rows(&*f.db, "version_chunks").await.len(), 0);
    // An older server withdraws a version: it knows nothing of the set.
    super::migrations::change(&f, "DELETE FROM files").await;
    super::migrations::change(&f, "UPDATE chunks SET in_use = FALSE WHERE in_use = TRUE").await;
    assert_eq!(f.db.doom(later(1), 1000).await.unwrap(), 0, "{}", newer.version);
    assert_eq!(f.db.remove_leftovers(later(1)).await.unwrap(), 1);
    assert_eq!(f.db.doom(later(1), 1000).await.unwrap(), 200);
}

async fn what_older_servers_have_stored_in_one_value_is_read(f: Fixture) {
    // The hostile one has no such values.
    let more = if f.kind == Kind::HostilePostgres { 0 } else { 5000 };
    let bytes = content(4, (1 << 20) + more);
    let file = |kind: &str| [Value::Text("targets/a".to_owned()), Value::Text(kind.to_owned())];
    let row = [&file("target")[..], &[Value::Bytes(bytes.clone()), Value::Bool(false), Value::Null]].concat();
    put_row(&*f.db, "repository_files", row).await;
    assert!(f.db.repository_file("targets/a").await.unwrap().unwrap() == bytes);
    assert!(f.db.repository_files().await.unwrap()[0].bytes == bytes);
    f.db.put_chunk(&chunk(1, NOW), None).await.unwrap();
    put_row(&*f.db, "chunk_data", vec![Value::Bytes(id(1).as_bytes().to_vec()), Value::Bytes(bytes.clone())]).await;
    assert!(f.db.chunk_bytes(&id(1)).await.unwrap().unwrap() == bytes);
    // One that is compressed differently changes nothing.
    f.db.put_chunk(&chunk(1, NOW), Some(content(5, (1 << 20) + 9).into())).await.unwrap();
    assert!(f.db.chunk_bytes(&id(1)).await.unwrap().unwrap() == bytes);
    assert_eq!(rows(&*f.db, "chunk_tails").await.len(), 0);
}

async fn chunks_that_do_not_compress_are_removed_whole(f: Fixture) {
    let bytes: bytes::Bytes = content(6, (1 << 20) + 40).into();
    for number in 0..3 {
        f.db.put_chunk(&chunk(number, NOW), Some(bytes.clone())).await.unwrap();
    }
    let found = f.db.chunks_bytes(&ids([0, 9, 2])).await.unwrap();
    assert!(found == [Some(bytes.clone()), None, Some(bytes.clone())]);
    f.db.drop_chunk_data(&ids([0])).await.unwrap();
    assert_eq!(counts(&*f.db, ["chunk_data", "chunk_tails"]).await, [2, 2]);
    f.db.put_chunk(&chunk(0, NOW), Some(bytes.clone())).await.unwrap();
    assert_eq!(f.db.doom(later(1), 10).await.unwrap(), 3);
    assert_eq!(f.db.sweep(later(2), 10).await.unwrap(), 3);
    assert_eq!(counts(&*f.db, ["chunk_data", "chunk_tails"]).await, [0, 0]);
}

async fn whole_tables_are_written_in_steps(f: Fixture) {
    let table = TABLES.iter().find(|table| table.name == "chunk_data").unwrap();
    let row = |number: u64| {
        vec![Value::Bytes(id(number).as_bytes().to_vec()), Value::Bytes(content(7, 1 << (number % 2 * 19 + 1)))]
    };
    let mut wanted: Vec<_> = (0..8).map(row).collect();
    f.db.put_rows(table, &wanted).await.unwrap();
    wanted.sort_by_key(|row| match &row[0] {
        Value::Bytes(id) => id.clone(),
        _ => unreachable!(),
    });
    assert!(rows(&*f.db, "chunk_data").await == wanted);
    let pins = TABLES.iter().find(|table| table.name == "chunk_pins").unwrap();
    let pin = |number: u64| vec![Value::Bytes(id(number).as_bytes().to_vec()), Value::Int(1)];
    f.db.put_rows(pins, &(0..1500).map(pin).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(rows(&*f.db, "chunk_pins").await.len(), 1500);
}

async fn much_that_has_expired_is_removed_in_steps(f: Fixture) {
    put(&*f.db, 0..1500, NOW).await;
    f.db.missing(&ids(0..1500), later(5)).await.unwrap();
    let paths: Vec<_> = (0..1200).map(|number| format!("tuf/{number}.snapshot.json")).collect();
    for (revision, some) in (0..).zip(paths.chunks(200)) {
        let files = some.iter().map(|path| repository_file(path)).collect();
        let change = Change { revision, files, in_force: some.to_vec(), at: NOW, ..Change::default() };
        assert_eq!(f.db.apply(&change).await.unwrap(), Applied::Done(revision + 1));
    }
    assert_eq!(f.db.remove_superseded(later(1)).await.unwrap(), 1000);
    for number in 0..260 {
        let mut upload = upload("stable", "1.0.0");
        upload.id = uuid::Uuid::from_u128(number);
        f.db.begin_upload(&upload).await.unwrap();
        f.db.put_document(upload.id, vsekai_server::model::DocumentKind::Index, bytes(1)).await.unwrap();
    }
    assert_eq!(f.db.reap_uploads(later(1_000_000)).await.unwrap(), 260);
    assert_eq!(counts(&*f.db, ["uploads", "upload_documents", "chunk_pins"]).await, [0, 0, 0]);
}
