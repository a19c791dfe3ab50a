//! Real concurrency: many tasks and several servers on one database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use sqlx::Connection as _;
use vsekai_server::db::{Applied, Change, Db, Page, RowChange};

use super::samples::*;
use crate::databases::{Fixture, Kind, connect, execute};

super::on_every_database! {
    hostile too:
    of_changes_of_one_revision_exactly_one_is_done,
    every_change_that_decides_again_is_done_once,
    a_publication_and_clean_up_never_both_win,
    an_upload_that_begins_twice_at_once_begins_once,
    the_first_token_is_one_whoever_comes_first,
    a_lease_is_taken_by_one_of_many,
    chunks_are_put_by_many_at_once,
    a_chunk_that_comes_back_while_it_is_swept_is_whole,
    connections_that_are_lost_are_replaced,
    a_read_that_is_given_up_leaves_no_transaction,
    a_hostile_database_does_fail,
}

/// Two servers on the same database.
async fn two_servers(f: &Fixture) -> [Arc<dyn Db>; 2] {
    [f.db.clone(), f.another().await]
}

async fn all<T: Send + 'static>(tasks: impl IntoIterator<Item = tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

async fn of_changes_of_one_revision_exactly_one_is_done(f: Fixture) {
    let servers = two_servers(&f).await;
    for revision in 0..5 {
        let tasks = (0..8).map(|number| {
            let db = servers[number % 2].clone();
            let rows = vec![RowChange::Mode(mode(&format!("m{revision}-{number}")))];
            let audit = vec![audit("race")];
            tokio::spawn(async move { db.apply(&Change { revision, rows, audit, ..Change::default() }).await.unwrap() })
        });
        let outcomes = all(tasks.collect::<Vec<_>>()).await;
        let done = outcomes.iter().filter(|outcome| **outcome == Applied::Done(revision + 1)).count();
        let stale = outcomes.iter().filter(|outcome| **outcome == Applied::Stale).count();
        assert_eq!((done, stale), (1, 7));
    }
    assert_eq!(f.db.view().await.unwrap().modes.len(), 5);
    assert_eq!(f.db.audit(&Page { after: None, limit: 99 }).await.unwrap().len(), 5);
}

async fn every_change_that_decides_again_is_done_once(f: Fixture) {
    let servers = two_servers(&f).await;
    let tasks = (0..8).map(|number| {
        let db = servers[number % 2].clone();
        tokio::spawn(async move {
            loop {
                let revision = db.view().await.unwrap().revision;
                let rows = vec![RowChange::Mode(mode(&format!("m{number}")))];
                if db.apply(&Change { revision, rows, ..Change::default() }).await.unwrap() != Applied::Stale {
                    return;
                }
            }
        })
    });
    all(tasks.collect::<Vec<_>>()).await;
    let view = f.db.view().await.unwrap();
    assert_eq!((view.revision, view.modes.len()), (8, 8));
}

async fn a_publication_and_clean_up_never_both_win(f: Fixture) {
    let servers = two_servers(&f).await;
    let stable = mode("stable");
    let (mut published, mut refused) = (0, 0);
    for round in 0..12_u64 {
        let numbers = round * 40..(round + 1) * 40;
        put(&*f.db, numbers.clone(), NOW).await;
        let text = format!("{}.0.0", round + 1);
        let upload = upload("stable", &text);
        f.db.begin_upload(&upload).await.unwrap();
        let revision = f.db.revision().await.unwrap();
        let change = publication(revision, &stable, &version(&stable, &text), &upload, ids(numbers.clone()));

        let [one, other] = servers.clone();
        let publishes = tokio::spawn(async move { one.apply(&change).await.unwrap() });
        let cleans = tokio::spawn(async move {
            // The later this starts, the more often the publication comes first.
            tokio::time::sleep(std::time::Duration::from_micros(round * 700)).await;
            while other.doom(later(1), 15).await.unwrap() > 0 {}
            other.sweep(later(2), 1000).await.unwrap()
        });
        let (outcome, swept) = (publishes.await.unwrap(), cleans.await.unwrap());
        match outcome {
            Applied::Done(_) => {
                published += 1;
                assert_eq!(f.db.missing(&ids(numbers.clone()), NOW).await.unwrap(), []);
                for number in numbers {
                    assert_eq!(f.db.chunk_bytes(&id(number)).await.unwrap(), Some(bytes(number)));
                }
            }
            Applied::ChunksMissing(missing) => {
                refused += 1;
                assert!(!missing.is_empty() && swept > 0);
            }
            Applied::Stale => panic!("nobody else has changed it"),
        }
    }
    assert_eq!(published + refused, 12);
    assert_eq!(f.db.view().await.unwrap().versions.len(), published);
}

async fn an_upload_that_begins_twice_at_once_begins_once(f: Fixture) {
    let servers = two_servers(&f).await;
    for _ in 0..5 {
        let upload = upload("stable", "1.0.0");
        let tasks = (0..6).map(|number| {
            let (db, mut upload) = (servers[number % 2].clone(), upload.clone());
            upload.expires_at = later(number as i64);
            tokio::spawn(async move { db.begin_upload(&upload).await.unwrap() })
        });
        let begun = all(tasks.collect::<Vec<_>>()).await;
        assert!(begun.iter().all(|upload| *upload == begun[0]), "{begun:?}");
    }
}

async fn the_first_token_is_one_whoever_comes_first(f: Fixture) {
    let servers = two_servers(&f).await;
    let tasks = (0..8).map(|number| {
        let (db, token) = (servers[number % 2].clone(), token(&format!("t{number}")));
        tokio::spawn(async move { db.put_first_token(&token).await.unwrap() })
    });
    let added = all(tasks.collect::<Vec<_>>()).await;
    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    assert_eq!(f.db.tokens(&Page { after: None, limit: 99 }).await.unwrap().len(), 1);
}

async fn a_lease_is_taken_by_one_of_many(f: Fixture) {
    let servers = two_servers(&f).await;
    for round in 0..4 {
        let tasks = (0..8).map(|number| {
            let (db, holder) = (servers[number % 2].clone(), format!("holder-{number}"));
            let name = format!("cleanup {round}");
            tokio::spawn(async move { db.lease(&name, &holder, 60).await.unwrap() })
        });
        let taken = all(tasks.collect::<Vec<_>>()).await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    }
}

async fn chunks_are_put_by_many_at_once(f: Fixture) {
    let servers = two_servers(&f).await;
    let tasks = (0..6).map(|number: u64| {
        let db = servers[number as usize % 2].clone();
        tokio::spawn(async move {
            let mut new = 0;
            for part in 0..5 {
                // The parts overlap with those of other tasks, and arrive in another order.
                let mut chunks: Vec<_> = (0..40).map(|n| part * 20 + (n * 7 + number * 3) % 40).collect();
                chunks.dedup();
                let chunks: Vec<_> = chunks.into_iter().map(|n| (chunk(n, NOW), Some(bytes(n)))).collect();
                let outcomes = db.put_chunks(&chunks).await.unwrap();
                new += outcomes.iter().filter(|new| **new == Some(true)).count() as u64;
            }
            new
        })
    });
    let new = all(tasks.collect::<Vec<_>>()).await;
    // Each of the chunks 0 to 119 is new for exactly one task.
    assert_eq!(new.iter().sum::<u64>(), 120);
    for number in 0..120 {
        assert_eq!(f.db.chunk_bytes(&id(number)).await.unwrap(), Some(bytes(number)));
    }
}

async fn a_chunk_that_comes_back_while_it_is_swept_is_whole(f: Fixture) {
    let servers = two_servers(&f).await;
    for _ in 0..8 {
        put(&*f.db, 0..20, NOW).await;
        f.db.doom(later(1), 100).await.unwrap();
        let [one, other] = servers.clone();
        let puts = tokio::spawn(async move {
            for number in 0..20 {
                one.put_chunk(&chunk(number, NOW), Some(bytes(number))).await.unwrap();
            }
        });
        let sweeps = tokio::spawn(async move {
            for _ in 0..5 {
                other.sweep(later(2), 5).await.unwrap();
            }
        });
        puts.await.unwrap();
        sweeps.await.unwrap();
        assert_eq!(f.db.missing(&ids(0..20), NOW).await.unwrap(), []);
        for number in 0..20 {
            assert_eq!(f.db.chunk_bytes(&id(number)).await.unwrap(), Some(bytes(number)));
        }
    }
}

async fn connections_that_are_lost_are_replaced(f: Fixture) {
    if matches!(f.kind, Kind::Sqlite | Kind::Cockroach) {
        return;
    }
    let db = f.db.clone();
    let done = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&done);
    let works = tokio::spawn(async move {
        for number in 0..200 {
            db.add_audit(&audit(&format!("a{number}"))).await.unwrap();
            db.revision().await.unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut killer = connect(&f.url).await;
    let (mut killed, mut seen) = (0, 0);
    while !works.is_finished() && killed < 40 {
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        // If connecting takes longer than this pause, no work would ever get done, and giving up would be correct.
        let now = done.load(Ordering::Relaxed);
        if now == seen {
            continue;
        }
        seen = now;
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
        )
        .fetch_all(&mut killer)
        .await
        .unwrap();
        killed += ended.len();
    }
    works.await.unwrap();
    assert!(killed > 0);
    let log = f.db.audit(&Page { after: None, limit: 999 }).await.unwrap();
    assert_eq!(log.len(), 200);
}

async fn a_read_that_is_given_up_leaves_no_transaction(f: Fixture) {
    let other = f.another().await;
    // Several times for each connection. Polled once, each has sent BEGIN and waits for the answer.
    for _ in 0..20 {
        let mut read = f.db.view();
        std::future::poll_fn(|context| Poll::Ready(read.as_mut().poll(context).is_pending())).await;
        drop(read);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..20 {
        assert_eq!(f.db.revision().await.unwrap(), 0);
    }
    let change = Change { revision: 0, rows: vec![RowChange::Mode(mode("stable"))], ..Change::default() };
    assert_eq!(other.apply(&change).await.unwrap(), Applied::Done(1));
    for _ in 0..20 {
        assert_eq!(f.db.revision().await.unwrap(), 1, "a read in a transaction that nobody has ended");
    }
}

async fn a_hostile_database_does_fail(f: Fixture) {
    if f.kind != Kind::HostilePostgres {
        return;
    }
    let mut conn = connect(&f.url).await;
    let (mut at_statement, mut at_commit) = (0, 0);
    for _ in 0..60 {
        let mut transaction = conn.begin().await.unwrap();
        let written = sqlx::query("UPDATE repository SET revision = revision").execute(&mut *transaction).await;
        match written {
            Err(_) => at_statement += 1,
            Ok(_) => at_commit += u32::from(transaction.commit().await.is_err()),
        }
    }
    assert!(at_statement > 0 && at_commit > 0, "{at_statement} {at_commit}");
    let locked = sqlx::query("SELECT pg_advisory_lock(1)").execute(&mut conn).await;
    assert!(locked.is_err());
    execute(&mut conn, "SELECT 1".to_owned()).await;
}
