//! Chunks: which are there, which are missing, which are kept.

use std::collections::BTreeSet;

use vsekai_server::db::Page;

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    chunks_that_are_not_here_are_missing,
    asking_keeps_what_is_here,
    asking_never_shortens_what_is_kept,
    a_chunk_is_new_once,
    many_chunks_are_put_at_once,
    a_doomed_chunk_is_served_and_comes_back,
    a_chunk_that_is_being_deleted_is_not_there,
    a_chunk_may_have_its_bytes_elsewhere,
    ids_come_page_by_page_in_order,
    chunks_are_counted_by_state,
    the_largest_chunk_comes_back_as_it_was,
}

async fn chunks_that_are_not_here_are_missing(f: Fixture) {
    assert_eq!(f.db.missing(&[], later(1)).await.unwrap(), []);
    put(&*f.db, 0..1500, NOW).await;
    let missing = f.db.missing(&ids(500..2500), later(1)).await.unwrap();
    assert_eq!(missing.iter().copied().collect::<BTreeSet<_>>(), ids(1500..2500).into_iter().collect());
    assert_eq!(missing.len(), 1000);
    assert_eq!(f.db.missing(&[id(9), id(9), id(9999), id(9999)], NOW).await.unwrap(), [id(9999)]);
}

async fn asking_keeps_what_is_here(f: Fixture) {
    put(&*f.db, 0..600, later(10)).await;
    f.db.missing(&ids(0..550), later(100)).await.unwrap();
    assert_eq!(f.db.count_unused(later(100)).await.unwrap(), (50, 500));
    assert_eq!(f.db.doom(later(100), 1000).await.unwrap(), 50);
    assert_eq!(f.db.doom(later(101), 1000).await.unwrap(), 550);
}

async fn asking_never_shortens_what_is_kept(f: Fixture) {
    put(&*f.db, 0..2, later(100)).await;
    f.db.missing(&ids(0..2), later(10)).await.unwrap();
    f.db.put_chunk(&chunk(0, later(10)), None).await.unwrap();
    put(&*f.db, 0..2, later(10)).await;
    assert_eq!(f.db.count_unused(later(100)).await.unwrap().0, 0);
    assert_eq!(f.db.count_unused(later(101)).await.unwrap().0, 2);
}

async fn a_chunk_is_new_once(f: Fixture) {
    assert_eq!(f.db.put_chunk(&chunk(1, later(5)), Some(bytes(1))).await.unwrap(), Some(true));
    assert_eq!(f.db.put_chunk(&chunk(1, later(5)), Some(bytes(1))).await.unwrap(), Some(false));
    assert_eq!(f.db.chunk_bytes(&id(1)).await.unwrap(), Some(bytes(1)));
    assert_eq!(f.db.chunk_size(&id(1)).await.unwrap(), Some(10));
    assert_eq!(f.db.chunk_bytes(&id(2)).await.unwrap(), None);
    assert_eq!(f.db.chunk_size(&id(2)).await.unwrap(), None);
}

async fn many_chunks_are_put_at_once(f: Fixture) {
    put(&*f.db, [3, 700], NOW).await;
    let mut chunks: Vec<_> = (0..1100).map(|n| (chunk(n, later(5)), Some(bytes(n)))).collect();
    chunks.push(chunks[0].clone());
    let outcomes = f.db.put_chunks(&chunks).await.unwrap();
    // In the order of the request. Chunk 0 came twice, in two parts or in one.
    assert_eq!(outcomes.len(), 1101);
    assert_eq!(outcomes[..1100].iter().filter(|new| **new == Some(true)).count(), 1098);
    assert_eq!([outcomes[3], outcomes[700]], [Some(false); 2]);
    for number in [0, 3, 15, 16, 499, 500, 700, 1099] {
        assert_eq!(f.db.chunk_bytes(&id(number)).await.unwrap(), Some(bytes(number)), "{number}");
    }
    assert_eq!(f.db.chunk_counts().await.unwrap().live, 1100);
    assert_eq!(f.db.put_chunks(&[]).await.unwrap(), []);
}

async fn a_doomed_chunk_is_served_and_comes_back(f: Fixture) {
    put(&*f.db, 0..2, NOW).await;
    assert_eq!(f.db.doom(later(1), 10).await.unwrap(), 2);
    assert_eq!(f.db.missing(&ids(0..2), NOW).await.unwrap().len(), 2);
    assert_eq!(f.db.chunk_bytes(&id(0)).await.unwrap(), Some(bytes(0)));
    assert_eq!(f.db.put_chunk(&chunk(0, later(5)), Some(bytes(0))).await.unwrap(), Some(true));
    assert_eq!(f.db.missing(&ids(0..2), NOW).await.unwrap(), [id(1)]);
    assert_eq!(f.db.sweep(later(1000), 10).await.unwrap(), 1);
    assert_eq!(f.db.chunk_bytes(&id(0)).await.unwrap(), Some(bytes(0)));
    assert_eq!(f.db.chunk_bytes(&id(1)).await.unwrap(), None);
    // The grace period starts again when the chunk is doomed again.
    assert_eq!(f.db.doom(later(100), 10).await.unwrap(), 1);
    assert_eq!(f.db.sweep(later(100), 10).await.unwrap(), 0);
}

async fn a_chunk_that_is_being_deleted_is_not_there(f: Fixture) {
    for number in 0..2 {
        f.db.put_chunk(&chunk(number, NOW), None).await.unwrap();
    }
    f.db.doom(later(1), 10).await.unwrap();
    let mut claimed = f.db.claim(later(2), 10).await.unwrap();
    claimed.sort();
    let mut both = ids(0..2);
    both.sort();
    assert_eq!(claimed, both);
    assert_eq!(f.db.missing(&ids(0..2), NOW).await.unwrap().len(), 2);
    assert_eq!(f.db.chunk_size(&id(0)).await.unwrap(), None);
    assert_eq!(f.db.put_chunk(&chunk(0, later(9)), None).await.unwrap(), None);
    let both = [(chunk(0, later(9)), None), (chunk(7, later(9)), None)];
    assert_eq!(f.db.put_chunks(&both).await.unwrap(), [None, Some(true)]);
    assert_eq!(f.db.chunk_size(&id(0)).await.unwrap(), None);
    f.db.forget(&ids(0..2)).await.unwrap();
    assert_eq!(f.db.put_chunk(&chunk(0, later(9)), None).await.unwrap(), Some(true));
}

async fn a_chunk_may_have_its_bytes_elsewhere(f: Fixture) {
    assert_eq!(f.db.put_chunk(&chunk(0, NOW), None).await.unwrap(), Some(true));
    assert_eq!(f.db.chunk_bytes(&id(0)).await.unwrap(), None);
    assert_eq!(f.db.chunk_size(&id(0)).await.unwrap(), Some(10));
    assert_eq!(f.db.missing(&[id(0)], NOW).await.unwrap(), []);
    // The bytes may arrive later.
    assert_eq!(f.db.put_chunk(&chunk(0, NOW), Some(bytes(0))).await.unwrap(), Some(false));
    assert_eq!(f.db.chunk_bytes(&id(0)).await.unwrap(), Some(bytes(0)));
}

async fn ids_come_page_by_page_in_order(f: Fixture) {
    put(&*f.db, 0..50, NOW).await;
    put(&*f.db, 50..60, later(9)).await;
    f.db.doom(later(1), 5).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let page = Page { after: seen.last().copied(), limit: 8 };
        let next = f.db.chunk_ids(&page).await.unwrap();
        if next.is_empty() {
            break;
        }
        seen.extend(next);
    }
    assert!(seen.is_sorted());
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 55);
}

async fn chunks_are_counted_by_state(f: Fixture) {
    assert_eq!(f.db.chunk_counts().await.unwrap(), vsekai_server::db::ChunkCounts::default());
    put(&*f.db, 0..10, NOW).await;
    put(&*f.db, 10..16, later(9)).await;
    f.db.doom(later(1), 10).await.unwrap();
    f.db.claim(later(2), 3).await.unwrap();
    let counts = f.db.chunk_counts().await.unwrap();
    assert_eq!((counts.live, counts.live_bytes, counts.doomed, counts.deleting), (6, 60, 7, 3));
}

async fn the_largest_chunk_comes_back_as_it_was(f: Fixture) {
    let mut content = vec![0; (1 << 20) + 4096];
    content.iter_mut().zip(0_u32..).for_each(|(byte, place)| *byte = (place.wrapping_mul(2_654_435_761) >> 24) as u8);
    let content = bytes::Bytes::from(content);
    f.db.put_chunk(&chunk(0, NOW), Some(content.clone())).await.unwrap();
    assert!(f.db.chunk_bytes(&id(0)).await.unwrap() == Some(content));
}
