//! Behaviour of object stores only: objects from other programs, and concurrent clean-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vsekai_server::chunks::PutOutcome;
use vsekai_server::db::Page;
use vsekai_server::model::Time;

use super::support::{TestStore, chunk, chunk_at, noise, tomorrow};

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_a_desync_store() {
    let test = TestStore::folder().await;
    let (id, stored) = chunk(b"plain");
    test.chunks().put(id, stored.clone(), tomorrow()).await.unwrap();
    let path = test.folder.path().join("store").join(id.store_path());
    assert_eq!(std::fs::read(path).unwrap(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_packed_in_another_way_is_as_good() {
    let test = TestStore::folder().await;
    let plain: Vec<u8> = noise(20_000, 1).iter().map(|byte| b'a' + byte % 7).collect();
    let (id, theirs) = chunk_at(&plain, 1);
    let (_, ours) = chunk_at(&plain, 19);
    assert_ne!(theirs.len(), ours.len());
    let path = test.folder.path().join("store").join(id.store_path());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &theirs).unwrap();

    let chunks = test.chunks();
    assert_eq!(chunks.put(id, ours, tomorrow()).await.unwrap(), PutOutcome::New);
    assert_eq!(chunks.get(&id).await.unwrap().unwrap(), theirs);
    assert_eq!(chunks.size(&id).await.unwrap(), Some(theirs.len() as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_has_packed_anew_is_no_damage() {
    let test = TestStore::folder().await;
    let chunks = test.bare();
    let plain: Vec<u8> = noise(20_000, 2).iter().map(|byte| b'a' + byte % 7).collect();
    let (id, ours) = chunk_at(&plain, 19);
    let (_, theirs) = chunk_at(&plain, 1);
    chunks.put(id, ours, tomorrow()).await.unwrap();
    std::fs::write(test.folder.path().join("store").join(id.store_path()), theirs).unwrap();
    let quick = chunks.verify(&Page { after: None, limit: 100 }, false).await.unwrap();
    assert_eq!((quick.checked, quick.missing, quick.corrupt), (1, vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_replaced_by_the_next_upload() {
    let test = TestStore::folder().await;
    let (id, stored) = chunk(&noise(5000, 1));
    let path = test.folder.path().join("store").join(id.store_path());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &stored[..100]).unwrap();

    let chunks = test.chunks();
    chunks.put(id, stored.clone(), tomorrow()).await.unwrap();
    assert_eq!(chunks.get(&id).await.unwrap().unwrap(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_object_is_found_missing_and_comes_back_with_the_next_upload() {
    let test = TestStore::folder().await;
    let chunks = test.bare();
    let (id, stored) = chunk(b"to be lost");
    let (damaged, damaged_stored) = chunk(b"to be damaged");
    let path = |id: vsekai_updater::formats::chunk::ChunkId| test.folder.path().join("store").join(id.store_path());
    chunks.put(id, stored.clone(), tomorrow()).await.unwrap();
    chunks.put(damaged, damaged_stored, tomorrow()).await.unwrap();
    std::fs::remove_file(path(id)).unwrap();
    let mut other = std::fs::read(path(damaged)).unwrap();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(path(damaged), other).unwrap();

    let all = Page { after: None, limit: 100 };
    let quick = chunks.verify(&all, false).await.unwrap();
    assert_eq!((quick.missing, quick.corrupt), (vec![id], vec![]), "its size is right");
    std::fs::write(path(damaged), b"nonsense").unwrap();
    let quick = chunks.verify(&all, false).await.unwrap();
    assert_eq!((quick.missing, quick.corrupt), (vec![id], vec![damaged]), "its size is wrong");
    let deep = chunks.verify(&all, true).await.unwrap();
    assert_eq!((deep.missing, deep.corrupt), (vec![id], vec![damaged]));

    assert_eq!(chunks.put(id, stored.clone(), tomorrow()).await.unwrap(), PutOutcome::There);
    assert_eq!(chunks.get(&id).await.unwrap().unwrap(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_clean_up_has_claimed_is_taken_two_seconds_later() {
    let test = TestStore::folder().await;
    let chunks = test.bare();
    let (id, stored) = chunk(b"in between");
    chunks.put(id, stored.clone(), Time(100)).await.unwrap();
    test.db.doom(Time(200), 10).await.unwrap();
    // As if clean-up was killed here: the row is claimed, and the object still exists.
    assert_eq!(test.db.claim(Time(300), 10).await.unwrap(), [id]);

    // The lease of one that lives, and then does not renew it any more.
    let holder = "killed";
    assert!(test.db.lease(vsekai_server::chunks::LEASE, holder, 2).await.unwrap());
    let error = chunks.put(id, stored.clone(), tomorrow()).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("chunk_deleting", 503));
    assert_eq!(chunks.size(&id).await.unwrap(), None);
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert_eq!(chunks.put(id, stored.clone(), tomorrow()).await.unwrap(), PutOutcome::New);
    assert_eq!(chunks.get(&id).await.unwrap().unwrap(), stored);
    assert_eq!(test.db.chunk_counts().await.unwrap().deleting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_kept_as_long_as_the_work_and_given_back() {
    let test = TestStore::folder().await;
    let held = vsekai_server::lease::Held::take(&test.db, "work", "one").await.unwrap().unwrap();
    for _ in 0..6 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert!(held.is_held());
        assert!(!test.db.lease("work", "other", 60).await.unwrap());
    }
    held.give_back().await.unwrap();
    assert!(test.db.lease("work", "other", 60).await.unwrap());
}

/// Uploads and cleans up the same few chunks concurrently, without a grace period: after each successful upload that
/// keeps its chunk, the chunk exists.
#[tokio::test(flavor = "multi_thread")]
async fn no_live_chunk_is_ever_without_its_bytes() {
    let test = TestStore::folder().await;
    let chunks = test.bare();
    let is_over = Arc::new(AtomicBool::new(false));
    let clean = {
        let (chunks, is_over) = (Arc::clone(&chunks), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut removed = 0;
            while !is_over.load(Ordering::Relaxed) {
                removed += chunks.clean(tomorrow().plus_seconds(5), -10, 50).await.unwrap().removed;
            }
            removed
        })
    };
    let mut uploads = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let chunks = Arc::clone(&chunks);
        uploads.spawn(async move {
            for round in 0..100_u64 {
                let (id, stored) = chunk(&noise(100, round / 2));
                // Half of the uploads keep their chunk, so it must stay.
                let stays = worker >= 2 && round % 2 == 1;
                let until = if stays { tomorrow().plus_seconds(86_400) } else { Time(0) };
                match chunks.put(id, stored, until).await {
                    Ok(_) if stays => assert!(chunks.get(&id).await.unwrap().is_some()),
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.code(), "chunk_deleting"),
                }
            }
        });
    }
    while let Some(worker) = uploads.join_next().await {
        worker.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    clean.await.unwrap();
    let all = chunks.verify(&Page { after: None, limit: 100 }, true).await.unwrap();
    assert_eq!((all.missing, all.corrupt), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut test = TestStore::database().await;
    test.options.location = vsekai_server::chunks::StorageLocation::parse("s3://chunks/a").unwrap();
    test.options.timeout = Duration::from_secs(1);
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    test.options.s3 = vec![
        set("aws_endpoint", &format!("http://{}", silent.local_addr().unwrap())),
        set("aws_allow_http", "true"),
        set("aws_access_key_id", "test"),
        set("aws_secret_access_key", "test"),
    ];
    let (id, _) = chunk(b"");
    let begun = std::time::Instant::now();
    let error = test.chunks().get(&id).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("chunks_unreachable", 503));
    assert!(error.to_string().contains("no answer in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_is_no_setting_of_s3_is_passed_over() {
    let mut test = TestStore::database().await;
    test.options.location = vsekai_server::chunks::StorageLocation::parse("s3://chunks").unwrap();
    let set = |name: &str| (name.to_owned(), "x".to_owned());
    test.options.s3 = vec![set("aws_execution_env"), set("aws_profile"), set("aws_region")];
    vsekai_server::chunks::Chunks::open(Arc::clone(&test.db), &test.options).unwrap();
}
