//! Behaviour of all chunk stores: one suite for the database, a folder and S3.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use vsekai_server::bundles::{Bundles, Put};
use vsekai_server::chunks::PutOutcome;
use vsekai_server::db::Page;
use vsekai_server::model::Time;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, Effort};

use super::support::{TestStore, chunk, noise, tomorrow};

macro_rules! conformance {
    ($($name:ident)*) => {
        mod in_the_database {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&crate::files::support::TestStore::database().await).await;
            })*
        }
        mod in_a_folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&crate::files::support::TestStore::folder().await).await;
            })*
        }
        mod on_s3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(test) = crate::files::support::TestStore::s3().await {
                    super::$name(&test).await;
                }
            })*
        }
    };
}

conformance! {
    what_was_put_can_be_got_and_has_its_size
    what_is_absent_is_not_remembered
    the_same_again_is_there
    a_chunk_of_another_id_never_becomes_visible
    a_chunk_that_is_too_large_is_refused
    many_at_once_are_each_answered_for_themselves
    the_cache_answers_the_second_time
    what_nothing_needs_is_removed_after_the_grace
    a_doomed_chunk_that_is_put_again_lives
    what_is_asked_for_is_kept
    a_sound_store_is_found_sound
    two_servers_share_one_store
    a_bundle_is_read_as_it_was_stored_in_any_range
    a_smaller_bundle_takes_the_place_of_a_larger_one
    a_removed_bundle_is_gone_and_can_be_stored_again
    a_damaged_bundle_is_found
}

async fn what_was_put_can_be_got_and_has_its_size(test: &TestStore) {
    let chunks = test.chunks();
    for plain in [&b""[..], b"x", &noise(200_000, 1), &vec![0; 1 << 20]] {
        let (id, stored) = chunk(plain);
        assert_eq!(chunks.put(id, stored.clone(), tomorrow()).await.unwrap(), PutOutcome::New);
        assert_eq!(chunks.get(&id).await.unwrap().unwrap(), stored);
        assert_eq!(chunks.size(&id).await.unwrap(), Some(stored.len() as u64));
    }
}

async fn what_is_absent_is_not_remembered(test: &TestStore) {
    let chunks = test.chunks();
    let (id, stored) = chunk(b"late");
    assert_eq!(chunks.get(&id).await.unwrap(), None);
    assert_eq!(chunks.size(&id).await.unwrap(), None);
    assert_eq!(chunks.missing(&[id], tomorrow()).await.unwrap(), [id]);
    chunks.put(id, stored.clone(), tomorrow()).await.unwrap();
    assert_eq!(chunks.get(&id).await.unwrap().unwrap(), stored);
    assert_eq!(chunks.missing(&[id], tomorrow()).await.unwrap(), []);
}

async fn the_same_again_is_there(test: &TestStore) {
    let chunks = test.chunks();
    let (id, stored) = chunk(b"twice");
    assert_eq!(chunks.put(id, stored.clone(), tomorrow()).await.unwrap(), PutOutcome::New);
    assert_eq!(chunks.put(id, stored, tomorrow()).await.unwrap(), PutOutcome::There);
}

async fn a_chunk_of_another_id_never_becomes_visible(test: &TestStore) {
    let chunks = test.chunks();
    let (id, _) = chunk(b"wanted");
    let (_, other) = chunk(b"other");
    let error = chunks.put(id, other, tomorrow()).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("chunk_corrupt", 422));
    assert_eq!(chunks.get(&id).await.unwrap(), None);
    assert_eq!(chunks.size(&id).await.unwrap(), None);
}

async fn a_chunk_that_is_too_large_is_refused(test: &TestStore) {
    let chunks = test.chunks();
    let (id, stored) = chunk(&vec![7; chunks.max_chunk_bytes() as usize + 1]);
    let error = chunks.put(id, stored, tomorrow()).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("too_large", 413));
    assert_eq!(chunks.get(&id).await.unwrap(), None);
}

async fn many_at_once_are_each_answered_for_themselves(test: &TestStore) {
    let chunks = test.chunks();
    let (there, stored) = chunk(&noise(1000, 0));
    chunks.put(there, stored, tomorrow()).await.unwrap();
    let mut uploads = tokio::task::JoinSet::new();
    for upload in 0..120_u64 {
        let chunks = Arc::clone(&chunks);
        uploads.spawn(async move {
            let (id, mut stored) = chunk(&noise(1000, upload % 40));
            let is_damaged = upload % 40 == 39;
            if is_damaged {
                stored = stored.slice(1..);
            }
            (id, is_damaged, chunks.put(id, stored, tomorrow()).await)
        });
    }
    let mut new = BTreeMap::<_, u32>::new();
    while let Some(upload) = uploads.join_next().await {
        let (id, is_damaged, outcome) = upload.unwrap();
        match outcome {
            Ok(outcome) => *new.entry(id).or_default() += u32::from(outcome == PutOutcome::New),
            Err(error) => assert_eq!((is_damaged, error.code()), (true, "chunk_corrupt")),
        }
    }
    assert_eq!(new.len(), 39);
    for (id, new) in new {
        assert_eq!(new, u32::from(id != there), "each is new to one");
        assert!(chunks.get(&id).await.unwrap().is_some());
    }
}

async fn the_cache_answers_the_second_time(test: &TestStore) {
    let chunks = test.chunks();
    let (id, stored) = chunk(&noise(5000, 2));
    chunks.put(id, stored.clone(), tomorrow()).await.unwrap();
    let first = chunks.get(&id).await.unwrap().unwrap();
    let second = chunks.get(&id).await.unwrap().unwrap();
    assert_eq!(first.as_ptr(), second.as_ptr(), "the same bytes, not a copy");
    let counts = chunks.cache_counts();
    assert_eq!((counts.hits, counts.misses), (1, 1));
    let bare = test.bare();
    assert_ne!(bare.get(&id).await.unwrap().unwrap().as_ptr(), first.as_ptr());
}

async fn what_nothing_needs_is_removed_after_the_grace(test: &TestStore) {
    let chunks = test.bare();
    let (id, stored) = chunk(b"in passing");
    let (kept, kept_stored) = chunk(b"kept");
    chunks.put(id, stored, Time(0).plus_seconds(100)).await.unwrap();
    chunks.put(kept, kept_stored, Time(0).plus_seconds(1_000_000)).await.unwrap();
    let at = |seconds| Time(0).plus_seconds(seconds);
    let cleaned = |doomed, removed| vsekai_server::chunks::Cleaned { doomed, removed, failed: 0 };
    assert_eq!(chunks.clean(at(99), 10, 100).await.unwrap(), cleaned(0, 0));
    assert_eq!(chunks.clean(at(200), 10, 100).await.unwrap(), cleaned(1, 0));
    assert!(chunks.get(&id).await.unwrap().is_some(), "who is under way may still need it");
    assert_eq!(chunks.missing(&[id], at(300)).await.unwrap(), [id]);
    assert_eq!(chunks.clean(at(209), 10, 100).await.unwrap(), cleaned(0, 0));
    assert_eq!(chunks.clean(at(211), 10, 100).await.unwrap(), cleaned(0, 1));
    assert_eq!(chunks.get(&id).await.unwrap(), None);
    assert_eq!(chunks.size(&id).await.unwrap(), None);
    assert!(chunks.get(&kept).await.unwrap().is_some());
}

async fn a_doomed_chunk_that_is_put_again_lives(test: &TestStore) {
    let chunks = test.bare();
    let (id, stored) = chunk(b"back again");
    let at = |seconds| Time(0).plus_seconds(seconds);
    chunks.put(id, stored.clone(), at(100)).await.unwrap();
    assert_eq!(chunks.clean(at(200), 10, 100).await.unwrap().doomed, 1);
    assert_eq!(chunks.put(id, stored.clone(), at(9000)).await.unwrap(), PutOutcome::New);
    let cleaned = chunks.clean(at(300), 10, 100).await.unwrap();
    assert!(!cleaned.did_something());
    assert_eq!(chunks.get(&id).await.unwrap().unwrap(), stored);
}

async fn what_is_asked_for_is_kept(test: &TestStore) {
    let chunks = test.bare();
    let (id, stored) = chunk(b"wanted soon");
    let at = |seconds| Time(0).plus_seconds(seconds);
    chunks.put(id, stored, at(100)).await.unwrap();
    assert_eq!(chunks.missing(&[id], at(5000)).await.unwrap(), []);
    assert!(!chunks.clean(at(4999), 0, 100).await.unwrap().did_something());
    assert_eq!(chunks.clean(at(5001), 0, 100).await.unwrap().doomed, 1);
}

async fn a_sound_store_is_found_sound(test: &TestStore) {
    let chunks = test.chunks();
    let mut ids = Vec::new();
    for seed in 0..5 {
        let (id, stored) = chunk(&noise(1000, seed));
        chunks.put(id, stored, tomorrow()).await.unwrap();
        ids.push(id);
    }
    ids.sort_unstable();
    for deeply in [false, true] {
        let first = chunks.verify(&Page { after: None, limit: 3 }, deeply).await.unwrap();
        assert_eq!((first.checked, first.last), (3, Some(ids[2])));
        let second = chunks.verify(&Page { after: first.last, limit: 3 }, deeply).await.unwrap();
        assert_eq!((second.checked, second.last), (2, None));
        assert_eq!([first.missing, first.corrupt, second.missing, second.corrupt].concat(), []);
    }
}

async fn two_servers_share_one_store(test: &TestStore) {
    let (one, other) = (test.chunks(), test.chunks());
    let (id, stored) = chunk(b"shared");
    assert_eq!(one.put(id, stored.clone(), tomorrow()).await.unwrap(), PutOutcome::New);
    assert_eq!(other.get(&id).await.unwrap().unwrap(), stored);
    assert_eq!(other.put(id, stored, tomorrow()).await.unwrap(), PutOutcome::There);
}

/// A bundle with this content, as far as stores look at it, and its file.
fn bundle(test: &TestStore, bytes: &[u8], from: Option<Digest>) -> (BundleInfo, std::path::PathBuf) {
    let id = Digest::of(bytes);
    let file = test.folder.path().join(id.to_string());
    std::fs::write(&file, bytes).unwrap();
    let length = bytes.len() as u64;
    (BundleInfo { id, length, front_bytes: 1, plain_bytes: length, from, effort: Effort::Fast }, file)
}

async fn all(bundles: &Bundles, id: Digest, range: std::ops::Range<u64>) -> Vec<u8> {
    let pieces: Vec<_> = bundles.read(id, range).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

const TO: Digest = Digest([7; 32]);

async fn a_bundle_is_read_as_it_was_stored_in_any_range(test: &TestStore) {
    let bundles = test.bundles();
    // Sizes above those of a piece, of a part in the database, and of a part of an upload to S3.
    for (number, size) in [1, 256 << 10, (1 << 20) + 5, 9 << 20].into_iter().enumerate() {
        let content = noise(size, size as u64);
        let (info, file) = bundle(test, &content, Some(Digest([number as u8; 32])));
        assert_eq!(bundles.put(TO, &info, &file).await.unwrap(), Put::Listed);
        let end = info.length;
        for range in [0..end, 0..1, end - 1..end, end / 2..end, end / 3..end / 2] {
            let expected = &content[range.start as usize..range.end as usize];
            assert!(all(&bundles, info.id, range.clone()).await == expected, "{range:?} of {size}");
        }
        assert!(bundles.is_sound(info.id, info.length, true).await.unwrap());
    }
    let absent = bundles.read(Digest([1; 32]), 0..10).await.map(drop).unwrap_err();
    assert_eq!(absent.code(), "not_found");
}

async fn a_smaller_bundle_takes_the_place_of_a_larger_one(test: &TestStore) {
    let bundles = test.bundles();
    let tried = |info: &BundleInfo, effort: Effort| BundleInfo { effort, ..info.clone() };
    let (large, large_file) = bundle(test, &noise(3000, 1), None);
    let (small, small_file) = bundle(test, &noise(2000, 2), None);
    let (other, other_file) = bundle(test, &noise(9000, 3), Some(Digest([1; 32])));
    assert_eq!(bundles.put(TO, &large, &large_file).await.unwrap(), Put::Listed);
    assert_eq!(bundles.put(TO, &other, &other_file).await.unwrap(), Put::Listed);
    assert_eq!(bundles.put(TO, &tried(&small, Effort::Normal), &small_file).await.unwrap(), Put::Listed);
    // The list has the greatest effort that was tried.
    let expected = [tried(&small, Effort::Normal), tried(&other, Effort::Fast)];
    assert_eq!(bundles.list(&TO).await.unwrap().bundles, expected);
    assert_eq!(bundles.put(TO, &tried(&large, Effort::Best), &large_file).await.unwrap(), Put::NoSmaller);
    let there = bundles.find(&small.id).await.unwrap().unwrap();
    assert_eq!(there.info, tried(&small, Effort::Best));
    assert_eq!(all(&bundles, large.id, 0..3000).await, noise(3000, 1), "who reads it can go on");
    let cleaned = bundles.clean(Time::now().plus_seconds(100), 50, 50).await.unwrap();
    assert_eq!((cleaned.removed, cleaned.failed), (1, 0));
    assert!(bundles.find(&large.id).await.unwrap().is_none());
}

async fn a_removed_bundle_is_gone_and_can_be_stored_again(test: &TestStore) {
    let bundles = test.bundles();
    let content = noise(600_000, 5);
    let (info, file) = bundle(test, &content, None);
    bundles.put(TO, &info, &file).await.unwrap();
    assert!(bundles.remove(&info.id).await.unwrap());
    assert!(!bundles.remove(&info.id).await.unwrap());
    assert!(bundles.list(&TO).await.unwrap().bundles.is_empty());
    assert!(bundles.read(info.id, 0..10).await.is_err());
    bundles.put(TO, &info, &file).await.unwrap();
    assert!(all(&bundles, info.id, 0..info.length).await == content);
}

async fn a_damaged_bundle_is_found(test: &TestStore) {
    let bundles = test.bundles();
    let (info, file) = bundle(test, &noise(600_000, 5), None);
    // The stored bytes do not match the name, as after a disk error.
    std::fs::write(&file, noise(600_000, 6)).unwrap();
    bundles.put(TO, &info, &file).await.unwrap();
    assert!(bundles.is_sound(info.id, info.length, false).await.unwrap());
    assert!(!bundles.is_sound(info.id, info.length, true).await.unwrap());
    assert!(!bundles.is_sound(info.id, info.length + 1, false).await.unwrap());
}
