//! The time that frequent operations take on SQLite. The bounds are far above the measured times, and far below that of
//! a scan.

use std::time::{Duration, Instant};

use vsekai_server::db::{Applied, Change, Db, RowChange};

use super::samples::*;
use crate::databases::{Fixture, Kind};

#[test]
fn five_thousand_ids_are_looked_up_among_many_chunks_at_once() {
    Kind::Sqlite.run(async |f: Fixture| look_up(&f, rows_wanted(20_000)).await);
}

#[test]
fn clean_up_passes_over_chunks_in_use() {
    Kind::Sqlite.run(async |f: Fixture| {
        publish(&*f.db, &mode("stable"), "1.0.0", 0..40_000).await;
        put(&*f.db, 40_000..40_010, NOW).await;
        let began = Instant::now();
        for _ in 0..10 {
            assert_eq!(f.db.doom(later(1), 1).await.unwrap(), 1);
        }
        // A scan would read 40,000 rows in each of the ten passes.
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    });
}

/// `TEST_CHUNK_ROWS=1000000` measures the promise: at most 100 ms for 5,000 ids.
fn rows_wanted(default: u64) -> u64 {
    std::env::var("TEST_CHUNK_ROWS").map_or(default, |rows| rows.parse().unwrap())
}

async fn fill(db: &dyn Db, rows: u64) {
    for part in 0..rows / 5_000 {
        let numbers = part * 5_000..(part + 1) * 5_000;
        let chunks: Vec<_> = numbers.map(|number| (chunk(number, NOW), None)).collect();
        db.put_chunks(&chunks).await.unwrap();
    }
}

async fn look_up(f: &Fixture, rows: u64) {
    let began = Instant::now();
    fill(&*f.db, rows).await;
    let filled = began.elapsed();
    // Half of the ids exist, spread over the whole table. The first pass pins them; in later passes they are already
    // pinned.
    let wanted = ids((0..5_000).map(|number| number * (rows / 2_500)));
    let mut keep_until = later(1);
    for about in ["first pinned", "pinned again", "pinned already"] {
        let mut best = Duration::MAX;
        for _ in 0..if about == "first pinned" { 1 } else { 10 } {
            if about == "pinned again" {
                keep_until = keep_until.plus_seconds(1);
            }
            let began = Instant::now();
            let missing = f.db.missing(&wanted, keep_until).await.unwrap();
            best = best.min(began.elapsed());
            assert_eq!(missing.len(), 2_500);
        }
        eprintln!("{rows} rows (filled in {filled:?}), 5000 ids, {about}: {best:?}");
        assert!(best < Duration::from_secs(1), "{about}: {best:?}");
    }
}

/// As many chunks as the real build has.
#[test]
fn a_version_is_published_and_withdrawn_at_once() {
    Kind::Sqlite.run(async |f: Fixture| publish_and_withdraw(&f).await);
    Kind::Postgres.run(async |f: Fixture| publish_and_withdraw(&f).await);
}

async fn publish_and_withdraw(f: &Fixture) {
    let stable = mode("stable");
    let (mut published, mut withdrawn) = (Duration::MAX, Duration::MAX);
    for round in 0..5 {
        let numbers = round * 1000..round * 1000 + 2083;
        for some in numbers.clone().collect::<Vec<_>>().chunks(200) {
            put(&*f.db, some.iter().copied(), NOW).await;
        }
        let text = format!("{round}.0.0");
        let (version, upload) = (version(&stable, &text), upload("stable", &text));
        f.db.begin_upload(&upload).await.unwrap();
        let change = publication(f.db.revision().await.unwrap(), &stable, &version, &upload, ids(numbers));
        let change = Change { rows: change.rows[usize::from(round > 0)..].to_vec(), ..change };
        let began = Instant::now();
        assert!(matches!(f.db.apply(&change).await.unwrap(), Applied::Done(_)));
        published = published.min(began.elapsed());
        let began = Instant::now();
        apply(&*f.db, vec![RowChange::RemoveFiles(version.id, linux())]).await;
        withdrawn = withdrawn.min(began.elapsed());
    }
    eprintln!("{:?}: 2083 chunks are published in {published:?}, withdrawn in {withdrawn:?}", f.kind);
    assert!(published < Duration::from_secs(2) && withdrawn < Duration::from_secs(2));
}
