//! What clients, desync and CDNs read: content, headers, conditions, ranges, and refused requests.

use std::time::Duration;

use vsekai_server::listen::Limits;
use vsekai_server::static_files;

use super::support::{Server, TestStore, chunk, noise, path_of, tomorrow};

const LASTING: &str = "public, max-age=31536000, immutable";

async fn with_chunk(test: &TestStore, plain: &[u8]) -> (Server, String, bytes::Bytes) {
    let server = test.serve().await;
    let (id, stored) = chunk(plain);
    server.chunks.as_ref().unwrap().put(id, stored.clone(), tomorrow()).await.unwrap();
    (server, path_of(id), stored)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_comes_with_all_that_a_cache_needs() {
    let test = TestStore::database().await;
    let (server, path, stored) = with_chunk(&test, &noise(70_000, 1)).await;
    let answer = server.get(&path).await;
    assert_eq!((answer.status, &answer.body), (200, &stored));
    let mut names: Vec<_> = answer.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept-ranges",
            "access-control-allow-origin",
            "cache-control",
            "content-length",
            "content-type",
            "date",
            "etag",
            "x-content-type-options"
        ]
    );
    assert_eq!(answer.header("cache-control"), LASTING);
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.header("content-length"), stored.len().to_string());
    assert_eq!(answer.header("etag"), format!("\"{}\"", &path[12..76]));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("accept-ranges"), "bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let test = TestStore::database().await;
    let (server, path, stored) = with_chunk(&test, &noise(70_000, 1)).await;
    test.publish(&[("tuf/1.root.json", b"{}"), ("tuf/timestamp.json", b"{ }")]).await;
    for path in [&path, "/tuf/1.root.json", "/tuf/timestamp.json"] {
        let mut get = server.get(path).await;
        let mut head = server.ask("HEAD", path, &[]).await;
        get.headers.remove("date");
        head.headers.remove("date");
        assert_eq!((head.status, &head.headers), (200, &get.headers), "{path}");
        assert!(head.body.is_empty());
    }
    // The connection carries no byte of a body.
    let raw = server.raw(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(raw.ends_with("\r\n\r\n"), "{raw}");
    assert!(raw.contains(&format!("content-length: {}\r\n", stored.len())), "{raw}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_have_their_types_and_their_ages() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let release = "targets/stable/1.0.0+7/linux-x86_64/ab.release.json";
    let index = "targets/stable/1.0.0+7/linux-x86_64/ab.index.caidx";
    test.publish(&[
        ("tuf/1.root.json", b"root"),
        ("tuf/timestamp.json", b"time"),
        (release, b"release"),
        (index, b"index"),
    ])
    .await;
    let changing = "public, max-age=30, stale-while-revalidate=300, stale-if-error=86400";
    for (path, body, kind, age) in [
        ("/tuf/1.root.json", "root", "application/json", LASTING),
        ("/tuf/timestamp.json", "time", "application/json", changing),
        ("/targets/stable/1.0.0+7/linux-x86_64/ab.release.json", "release", "application/json", LASTING),
        ("/targets/stable/1.0.0%2B7/linux-x86_64/ab.release.json", "release", "application/json", LASTING),
        ("/targets/stable/1.0.0%2b7/linux-x86_64/ab.index.caidx", "index", "application/octet-stream", LASTING),
    ] {
        for _ in 0..2 {
            let answer = server.get(path).await;
            assert_eq!((answer.status, &*answer.body), (200, body.as_bytes()), "{path}");
            assert_eq!(answer.header("content-type"), kind, "{path}");
            assert_eq!(answer.header("cache-control"), age, "{path}");
            assert_eq!(answer.header("etag").len(), 66, "{path}");
            assert_eq!(answer.header("vary"), "");
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_already_is_told_so() {
    let test = TestStore::database().await;
    let (server, path, _) = with_chunk(&test, b"same").await;
    test.publish(&[("tuf/timestamp.json", b"time")]).await;
    for path in [&path, "/tuf/timestamp.json"] {
        let tag = server.get(path).await.header("etag").to_owned();
        for value in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let answer = server.ask(method, path, &[("if-none-match", &value)]).await;
                assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {path} {value}");
                assert_eq!(answer.header("etag"), tag);
                assert_ne!(answer.header("cache-control"), "");
            }
        }
        assert_eq!(server.ask("GET", path, &[("if-none-match", "\"x\"")]).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_can_be_asked_for() {
    let test = TestStore::database().await;
    let (server, path, stored) = with_chunk(&test, &noise(70_000, 1)).await;
    let len = stored.len();
    for (range, part) in [("bytes=0-99", 0..100), ("bytes=100-", 100..len), ("bytes=-7", len - 7..len)] {
        let answer = server.ask("GET", &path, &[("range", range)]).await;
        assert_eq!((answer.status, &answer.body), (206, &stored.slice(part.clone())), "{range}");
        let is = format!("bytes {}-{}/{len}", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), is);
        assert_eq!(answer.header("content-length"), part.len().to_string());
    }
    let answer = server.ask("GET", &path, &[("range", "bytes=99999999-")]).await;
    assert_eq!((answer.status, answer.code().as_str()), (416, "range_not_satisfiable"));
    assert_eq!(answer.header("content-range"), format!("bytes */{len}"));
    for range in ["bytes=0-1,5-6", "bytes=5-1", "lines=1-2"] {
        let answer = server.ask("GET", &path, &[("range", range)]).await;
        assert_eq!((answer.status, answer.body.len()), (200, len), "{range}");
    }
    let head = server.ask("HEAD", &path, &[("range", "bytes=0-9")]).await;
    assert_eq!((head.status, head.header("content-length")), (200, len.to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_something_else_is_not_given() {
    let test = TestStore::database().await;
    let (server, path, stored) = with_chunk(&test, b"content").await;
    let tag = server.get(&path).await.header("etag").to_owned();
    let ask = |value: String| {
        let (server, path) = (&server, &path);
        async move { server.ask("GET", path, &[("range", "bytes=0-1"), ("if-range", &value)]).await }
    };
    assert_eq!(ask(tag.clone()).await.status, 206);
    for other in ["\"x\"".to_owned(), format!("W/{tag}"), "Wed, 21 Oct 2015 07:28:00 GMT".to_owned()] {
        let answer = ask(other.clone()).await;
        assert_eq!((answer.status, answer.body.len()), (200, stored.len()), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_kept_for_a_moment_only() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let (id, stored) = chunk(b"later");
    for path in [&path_of(id), "/tuf/9.root.json", "/targets/a/b.json", "/bundles/x"] {
        for method in ["GET", "HEAD"] {
            let answer = server.ask(method, path, &[]).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.header("cache-control"), "public, max-age=5");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
        assert_eq!(server.get(path).await.code(), "not_found");
    }
    server.chunks.as_ref().unwrap().put(id, stored, tomorrow()).await.unwrap();
    assert_eq!(server.get(&path_of(id)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_timestamp_is_seen_after_a_moment_or_at_once_where_it_was_made() {
    let test = TestStore::database().await;
    let options = static_files::Options { fresh: Duration::from_millis(500), ..Default::default() };
    let here = test.serve_with(options.clone(), Limits::default()).await;
    let there = test.serve_with(options, Limits::default()).await;
    test.publish(&[("tuf/timestamp.json", b"1")]).await;
    for server in [&here, &there] {
        assert_eq!(server.get("/tuf/timestamp.json").await.body, "1");
        assert_eq!(server.get("/tuf/2.root.json").await.status, 404);
    }
    test.publish(&[("tuf/timestamp.json", b"2"), ("tuf/2.root.json", b"root")]).await;
    here.files.as_ref().unwrap().changed();
    assert_eq!(here.get("/tuf/timestamp.json").await.body, "2");
    assert_eq!(here.get("/tuf/2.root.json").await.status, 200);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(there.get("/tuf/timestamp.json").await.body, "2");
    assert_eq!(there.get("/tuf/2.root.json").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_repository_makes_no_pack() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    assert_eq!(server.get("/tuf/current.pack").await.status, 404);
    test.publish(&[("tuf/1.root.json", b"root"), ("tuf/timestamp.json", b"time")]).await;
    server.files.as_ref().unwrap().changed();
    let answer = server.get("/tuf/current.pack").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "clients read the single files");
    assert_eq!(answer.header("cache-control"), "public, max-age=5");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_told_what_can_be_used() {
    let test = TestStore::database().await;
    let (server, path, _) = with_chunk(&test, b"content").await;
    for method in ["POST", "DELETE", "PATCH", "OPTIONS"] {
        let answer = server.ask(method, &path, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD, PUT"), "{method}");
        assert_eq!(answer.code(), "method_not_allowed");
        for path in ["/tuf/timestamp.json", "/targets/a", "/bundles/a"] {
            let answer = server.ask(method, path, &[]).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{method} {path}");
        }
    }
    assert_eq!(server.ask("PUT", "/tuf/timestamp.json", &[]).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_lead_elsewhere_are_refused() {
    let test = TestStore::database().await;
    let (server, path, _) = with_chunk(&test, b"content").await;
    test.publish(&[("tuf/1.root.json", b"root"), ("targets/a/b", b"x")]).await;
    let hex = &path[12..76];
    for path in [
        "/store/../tuf/1.root.json".to_owned(),
        "/tuf/../tuf/1.root.json".to_owned(),
        "/tuf/%2e%2e/tuf/1.root.json".to_owned(),
        "/tuf/..%2ftuf%2f1.root.json".to_owned(),
        "/tuf/..\\1.root.json".to_owned(),
        "/tuf/1.root.json%00".to_owned(),
        "/tuf//1.root.json".to_owned(),
        "/targets/a//b".to_owned(),
        "/targets/a%2fb".to_owned(),
        "/targets/a/./b".to_owned(),
        "/targets/%ff".to_owned(),
        "/targets/%c0%ae%c0%ae/x".to_owned(),
        "/targets/../../../../etc/passwd".to_owned(),
        format!("/targets/{}", "a/".repeat(600)),
        format!("/store/ffff/{hex}.cacnk"),
        format!("/store/{}/{hex}.cacnk", &hex[..5]),
        format!("/store/{}/{}.cacnk", &hex[..4], hex.to_uppercase()),
        format!("/store/{}/{hex}", &hex[..4]),
        format!("/store/{}/%{:02x}{}.cacnk", &hex[..4], hex.as_bytes()[0], &hex[1..]),
    ] {
        assert_eq!(server.raw_status(&path).await, 400, "{path}");
    }
    assert_eq!(server.raw_status(&path).await, 200);
    assert_eq!(server.raw_status("/targets/a/b").await, 200);
    assert_eq!(server.get("/store/x").await.code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_go_to_the_rest_of_the_service() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    for path in ["/", "/api/v1/modes", "/storeroom", "/tuf"] {
        assert_eq!(server.get(path).await.body, "something else", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_get_what_each_asked_for() {
    let test = TestStore::database().await;
    let server = test.serve().await;
    let chunks = server.chunks.as_ref().unwrap();
    let mut all = Vec::new();
    for seed in 0..20 {
        let (id, stored) = chunk(&noise(30_000 + seed as usize, seed));
        chunks.put(id, stored.clone(), tomorrow()).await.unwrap();
        all.push((server.url(&path_of(id)), stored));
    }
    let client = crate::client::plain().build().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32_usize {
        let (client, all) = (client.clone(), all.clone());
        tasks.spawn(async move {
            for round in 0..20 {
                let (url, stored) = &all[(task * 7 + round) % all.len()];
                let answer = client.get(url).send().await.unwrap();
                assert_eq!(answer.bytes().await.unwrap(), stored);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}
