//! Uploads by PUT: who may make them, which are accepted, and that refused ones leave nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vsekai_server::listen::Limits;
use vsekai_server::static_files;
use vsekai_updater::formats::chunk::{Compressor, DigestAlgorithm, VerifiedChunk};

use super::support::{SECRET, TestStore, chunk, noise, path_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_is_new_once_and_can_be_read_at_once() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, stored) = chunk(&noise(50_000, 1));
    let path = path_of(id);
    assert_eq!(server.put(&path, stored.clone()).await.status, 201);
    assert_eq!(server.put(&path, stored.clone()).await.status, 200);
    assert_eq!(server.get(&path).await.body, stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_sha256_are_taken_too() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let chunk = VerifiedChunk::of(b"of a store with sha256".to_vec(), DigestAlgorithm::Sha256);
    let stored = Compressor::new(3).unwrap().compress(&chunk).unwrap().into_bytes();
    assert_eq!(server.put(&path_of(chunk.id()), stored).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_can_put() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, stored) = chunk(b"secret");
    let url = server.url(&path_of(id));
    let put = |header: Option<&'static str>| {
        let request = crate::client::plain().build().unwrap().put(&url).body(stored.clone());
        let request = header.into_iter().fold(request, |request, it| request.header("authorization", it));
        super::support::Answer::of(request)
    };
    let answer = put(None).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = put(Some("Bearer wrong")).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(server.get(&path_of(id)).await.status, 404);
    assert_eq!(put(Some(SECRET)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_chunk_is_refused_and_leaves_nothing() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, stored) = chunk(&noise(50_000, 1));
    let (_, other) = chunk(b"other");
    let (_, zeros) = chunk(&[0; 100]);
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00".to_vec();
    for (what, body) in [
        ("another chunk", other.to_vec()),
        ("nothing", Vec::new()),
        ("plain bytes", noise(50_000, 1)),
        ("half of it", stored[..stored.len() / 2].to_vec()),
        ("all but the last byte", stored[..stored.len() - 1].to_vec()),
        ("more than it", [&stored[..], &zeros[..]].concat()),
        ("gzip", gzip),
    ] {
        let answer = server.put(&path_of(id), body).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "chunk_corrupt"), "{what}");
    }
    assert_eq!(server.get(&path_of(id)).await.status, 404);
    assert_eq!(test.db.chunk_counts().await.unwrap(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_are_refused_announced_or_not() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let max = server.chunks.as_ref().unwrap().max_stored_bytes() as usize;
    let (id, _) = chunk(b"");
    let answer = server.put(&path_of(id), vec![0; max + 1]).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"));

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n",
        path_of(id)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = [b"10000\r\n".to_vec(), vec![0; 0x10000], b"\r\n".to_vec()].concat();
    let mut sent = 0;
    // The server may stop reading at any time after its limit.
    while sent <= max && stream.write_all(&piece).await.is_ok() {
        sent += 0x10000;
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_without_being_unpacked() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, bomb) = chunk(&vec![0; 64 << 20]);
    assert!(bomb.len() < 10_000);
    let answer = server.put(&path_of(id), bomb.clone()).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"));
    // The same frame without its content size, but with a byte for the window size.
    assert_eq!(bomb[4] & 0xe0, 0x80, "a size of 4 bytes");
    let silent = [&bomb[..4], &[bomb[4] & 0x1f, bomb[5]], &bomb[10..]].concat();
    let answer = server.put(&path_of(id), silent).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "chunk_corrupt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_prefix_is_refused() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, stored) = chunk(b"content");
    let path = format!("/store/ffff/{id}.cacnk");
    assert_eq!(server.put(&path, stored).await.status, 400);
    assert_eq!(test.db.chunk_counts().await.unwrap(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_given_up() {
    let test = TestStore::database().await;
    let shares =
        vsekai_server::shares::Limits { patience: Duration::from_secs(1), rate: u32::MAX, ..Default::default() };
    let server = test.serve_sharing(static_files::Options::default(), Limits::default(), shares).await;
    let (id, stored) = chunk(&noise(1000, 1));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\r\nContent-Length: {}\r\n\r\n",
        path_of(id),
        stored.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&stored[..10]).await.unwrap();
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), read).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_uploads_at_once_all_arrive() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let client = crate::client::plain().build().unwrap();
    let mut uploads = tokio::task::JoinSet::new();
    for upload in 0..100_u64 {
        let (id, stored) = chunk(&noise(20_000, upload / 2));
        let request = client.put(server.url(&path_of(id))).header("authorization", SECRET).body(stored);
        uploads.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let mut statuses = Vec::new();
    while let Some(status) = uploads.join_next().await {
        statuses.push(status.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200; 50], vec![201; 50]].concat());
    let counts = test.db.chunk_counts().await.unwrap();
    assert_eq!(counts.live, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_kept_for_a_while() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, stored) = chunk(b"kept");
    server.put(&path_of(id), stored).await;
    let now = vsekai_server::model::Time::now();
    assert_eq!(test.db.count_unused(now.plus_seconds(23 * 3600)).await.unwrap().0, 0);
    assert_eq!(test.db.count_unused(now.plus_seconds(25 * 3600)).await.unwrap().0, 1);
}
