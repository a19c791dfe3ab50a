//! Many chunks from several mirrors.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use vsekai_updater::event::{Cancel, Event, Observer, Silent};
use vsekai_updater::formats::chunk::{
    ChunkId, CompressedChunk, Compressor, Decompressor, DigestAlgorithm, VerifiedChunk,
};
use vsekai_updater::net::http::{
    ChunkRequest, Deliver, FetchStats, HttpClient, HttpOptions, HttpStore, RateLimit, Secret, Url, fetch_all,
};
use vsekai_updater::{Error, Result};

use super::quick;
use crate::support::toxic::{Reply, Toxic};

/// Chunks as stored.
pub(crate) struct Sample {
    pub(crate) chunks: Vec<CompressedChunk>,
}

impl Sample {
    /// `count` chunks of `bytes` random bytes.
    pub(crate) fn new(count: usize, bytes: usize) -> Self {
        let mut random = fastrand_like(count as u64);
        let mut compressor = Compressor::new(1).unwrap();
        let mut chunk = || {
            let plain = (0..bytes).map(|_| random()).collect();
            compressor.compress(&VerifiedChunk::of(plain, DigestAlgorithm::Sha512_256)).unwrap()
        };
        Self { chunks: (0..count).map(|_| chunk()).collect() }
    }

    pub(crate) fn requests(&self) -> Vec<ChunkRequest> {
        self.chunks.iter().map(|chunk| ChunkRequest { id: chunk.id(), max_stored_bytes: 320 << 10 }).collect()
    }

    fn stored(&self, at: usize) -> Vec<u8> {
        self.chunks[at].as_bytes().to_vec()
    }

    fn serve_on(&self, server: &Toxic, late: Duration) {
        for (at, chunk) in self.chunks.iter().enumerate() {
            server.on(&path_of(chunk.id()), [Reply::Late(late, self.stored(at))]);
        }
    }
}

/// Incompressible bytes, the same in every run.
fn fastrand_like(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }
}

fn path_of(id: ChunkId) -> String {
    format!("/{}", id.store_path())
}

/// Decodes and verifies like an assembler, and counts.
#[derive(Default)]
pub(crate) struct Taker {
    pub(crate) taken: Mutex<HashMap<ChunkId, usize>>,
}

impl Deliver for Taker {
    async fn deliver(&self, chunk: CompressedChunk, origin: &str) -> Result<()> {
        let id = chunk.id();
        let corrupt = |reason: String| Error::chunk_corrupt(id, origin.to_owned(), reason);
        let plain = Decompressor::new()?
            .decompress(&chunk, 256 << 10, Vec::new())
            .map_err(|error| corrupt(error.to_string()))?;
        plain.verify(DigestAlgorithm::Sha512_256).map_err(|_| corrupt("wrong digest".to_owned()))?;
        *self.taken.lock().unwrap().entry(id).or_default() += 1;
        Ok(())
    }
}

pub(crate) fn store(options: &HttpOptions, url: &str) -> HttpStore {
    HttpStore::new(HttpClient::new(options).unwrap(), Url::parse(url).unwrap()).unwrap()
}

async fn fetch(sample: &Sample, mirrors: &[&Toxic], options: &HttpOptions) -> Result<FetchStats> {
    let stores: Vec<_> = mirrors.iter().map(|mirror| store(options, &mirror.url(""))).collect();
    let taker = Arc::new(Taker::default());
    let stats = fetch_all(&stores, sample.requests(), Arc::clone(&taker), &Cancel::default(), &Silent).await?;
    let taken = taker.taken.lock().unwrap();
    assert_eq!(taken.len(), sample.chunks.len());
    assert!(taken.values().all(|&times| times == 1), "a chunk was delivered twice");
    Ok(stats)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_chunk_is_asked_for_once_and_no_more_than_max_at_a_time() {
    let sample = Sample::new(300, 2000);
    let server = Toxic::start().await;
    sample.serve_on(&server, Duration::from_millis(5));
    let options = HttpOptions { max_in_flight: 24, ..quick() };
    let stats = fetch(&sample, &[&server], &options).await.unwrap();
    assert_eq!(server.seen().len(), 300);
    assert_eq!((stats.requests, stats.retries, stats.peak_in_flight), (300, 0, 24));
    let bytes: usize = sample.chunks.iter().map(|chunk| chunk.as_bytes().len()).sum();
    assert_eq!(stats.received_bytes, bytes as u64);
    assert!(server.peak() <= 24, "{}", server.peak());
}

#[tokio::test(flavor = "multi_thread")]
async fn chunk_that_is_missing_or_broken_in_one_mirror_comes_from_the_next() {
    let sample = Sample::new(1, 50_000);
    let path = path_of(sample.chunks[0].id());
    let mut wrong = sample.stored(0);
    wrong[25_000] ^= 1;
    for fault in [
        Reply::Status(404, Vec::new()),
        Reply::Status(403, Vec::new()),
        Reply::Status(410, Vec::new()),
        Reply::Status(400, Vec::new()),
        Reply::Status(500, Vec::new()),
        Reply::Good(wrong),
        Reply::Good(b"<html>Welcome to this network</html>".to_vec()),
        Reply::Good(Vec::new()),
        Reply::ResetAfter(10_000, sample.stored(0)),
        Reply::Announce(400 << 10, Vec::new()),
        Reply::Endless,
    ] {
        let (bad, fine) = (Toxic::start().await, Toxic::start().await);
        bad.on(&path, [fault.clone()]);
        fine.on(&path, [Reply::Good(sample.stored(0))]);
        let outcome = fetch(&sample, &[&bad, &fine], &quick()).await;
        assert!(outcome.is_ok(), "{outcome:?} after {:.60}", format!("{fault:?}"));
        assert_eq!(fine.count(&path), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn error_says_what_each_mirror_said() {
    let sample = Sample::new(1, 1000);
    let id = sample.chunks[0].id();
    let path = path_of(id);
    let (a, b) = (Toxic::start().await, Toxic::start().await);
    let hear = async |reply_a: Reply, reply_b: Reply| {
        a.on(&path, [reply_a]);
        b.on(&path, [reply_b]);
        let error = fetch(&sample, &[&a, &b], &quick()).await.unwrap_err();
        let text = error.to_string();
        for part in [id.to_string(), a.port().to_string(), b.port().to_string()] {
            assert!(text.contains(&part), "{part} is not in {text}");
        }
        (error.code(), text)
    };
    let (code, text) = hear(Reply::Status(404, Vec::new()), Reply::Status(403, Vec::new())).await;
    assert_eq!(code, "chunk_missing");
    assert!(text.contains("404") && text.contains("403"), "{text}");
    let (code, text) = hear(Reply::Good(b"junk".to_vec()), Reply::Status(404, Vec::new())).await;
    assert_eq!(code, "chunk_corrupt");
    assert!(text.contains("404"), "{text}");
    let (code, text) = hear(Reply::Status(404, Vec::new()), Reply::Status(502, Vec::new())).await;
    assert_eq!(code, "http_failed");
    assert!(text.contains("404") && text.contains("502"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_stop_everything_at_once() {
    let sample = Sample::new(50, 1000);
    let (a, b) = (Toxic::start().await, Toxic::start().await);
    a.otherwise(Reply::Status(401, Vec::new()));
    sample.serve_on(&b, Duration::ZERO);
    assert_eq!(fetch(&sample, &[&a, &b], &quick()).await.unwrap_err().code(), "unauthorized");
    assert!(a.seen().len() <= 10, "{}", a.seen().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_mirror_costs_once_and_not_per_chunk() {
    let sample = Sample::new(300, 1000);
    let fine = Toxic::start().await;
    sample.serve_on(&fine, Duration::ZERO);
    // Accepts connections but never answers: the worst way to fail.
    let dead = Toxic::start().await;
    dead.otherwise(Reply::Silence);
    let begun = Instant::now();
    let stats = fetch(&sample, &[&dead, &fine], &quick()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(dead.seen().len() <= 25, "{}", dead.seen().len());
    assert_eq!(fine.seen().len(), 300);
    assert!(stats.requests <= 325);
}

#[derive(Default)]
struct Listener(Mutex<Vec<Event>>);

impl Observer for Listener {
    fn on_event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mirror_that_comes_back_is_used_again() {
    let sample = Sample::new(400, 1000);
    let (first, second) = (Toxic::start().await, Toxic::start().await);
    first.otherwise(Reply::Status(500, Vec::new()));
    sample.serve_on(&second, Duration::from_millis(40));
    let options = HttpOptions { max_in_flight: 8, attempts: 2, ..quick() };
    let stores = [store(&options, &first.url("")), store(&options, &second.url(""))];
    let (listener, taker) = (Listener::default(), Arc::new(Taker::default()));
    let cancel = Cancel::default();
    let work = fetch_all(&stores, sample.requests(), Arc::clone(&taker), &cancel, &listener);
    let repair = async {
        sleep(Duration::from_millis(300)).await;
        sample.serve_on(&first, Duration::ZERO);
    };
    let (stats, ()) = tokio::join!(work, repair);
    stats.unwrap();
    assert_eq!(taker.taken.lock().unwrap().len(), 400);
    assert!(first.seen().len() > 100, "{} went to the first again", first.seen().len());
    let events = listener.0.lock().unwrap();
    let warnings = events.iter().filter(|event| matches!(event, Event::Warned { .. })).count();
    assert_eq!(warnings, 1, "once, when it went down");
    let bytes = |event: &Event| if let Event::Received { bytes } = event { *bytes } else { 0 };
    let total: usize = sample.chunks.iter().map(|chunk| chunk.as_bytes().len()).sum();
    assert_eq!(events.iter().map(bytes).sum::<u64>(), total as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_answered_with_fewer_requests() {
    let sample = Sample::new(60, 1000);
    let server = Toxic::start().await;
    for (at, chunk) in sample.chunks.iter().enumerate() {
        let busy = Reply::Status(429, vec![("Retry-After", "0".to_owned())]);
        let fine = Reply::Late(Duration::from_millis(5), sample.stored(at));
        let replies = if at < 20 { vec![busy.clone(), busy, fine] } else { vec![fine] };
        server.on(&path_of(chunk.id()), replies);
    }
    let stats = fetch(&sample, &[&server], &quick()).await.unwrap();
    assert_eq!(stats.retries, 40);
    assert!(stats.peak_in_flight <= 12, "{}", stats.peak_in_flight);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_works_within_200_ms_even_when_everything_hangs() {
    let sample = Sample::new(100, 1000);
    let patient = HttpOptions { idle_timeout: Duration::from_secs(30), ..quick() };
    let pause = || Reply::Status(503, vec![("Retry-After", "60".to_owned())]);
    for reply in [Reply::Silence, Reply::StallAfter(10, vec![0; 1000]), pause()] {
        let server = Toxic::start().await;
        server.otherwise(reply);
        let cancel = Cancel::default();
        let stores = [store(&patient, &server.url(""))];
        let work = fetch_all(&stores, sample.requests(), Arc::new(Taker::default()), &cancel, &Silent);
        let stop = async {
            sleep(Duration::from_millis(200)).await;
            cancel.cancel();
            Instant::now()
        };
        let (outcome, asked) = tokio::join!(work, stop);
        assert!(asked.elapsed() < Duration::from_millis(200), "{:?}", asked.elapsed());
        assert_eq!(outcome.unwrap_err().code(), "cancelled");
    }
}

/// Fails at the tenth chunk, like a full disk.
#[derive(Default)]
struct FullDisk(Mutex<u32>);

impl Deliver for FullDisk {
    async fn deliver(&self, _: CompressedChunk, _: &str) -> Result<()> {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        if *count < 10 { Ok(()) } else { Err(Error::DiskFull { path: "/d".into(), needed_bytes: 1, free_bytes: 0 }) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_our_own_stops_everything_without_trying_other_mirrors() {
    let sample = Sample::new(100, 1000);
    let (a, b) = (Toxic::start().await, Toxic::start().await);
    sample.serve_on(&a, Duration::ZERO);
    sample.serve_on(&b, Duration::ZERO);
    let stores = [store(&quick(), &a.url("")), store(&quick(), &b.url(""))];
    let disk = Arc::new(FullDisk::default());
    let outcome = fetch_all(&stores, sample.requests(), disk, &Cancel::default(), &Silent).await;
    assert_eq!(outcome.unwrap_err().code(), "disk_full");
    assert!(b.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_chunks_are_fetched_few_at_a_time() {
    let sample = Sample::new(40, 1000);
    let server = Toxic::start().await;
    sample.serve_on(&server, Duration::from_millis(5));
    let mut requests = sample.requests();
    requests.iter_mut().for_each(|request| request.max_stored_bytes = 16 << 20);
    let stores = [store(&quick(), &server.url(""))];
    let taker = Arc::new(Taker::default());
    let stats = fetch_all(&stores, requests, taker, &Cancel::default(), &Silent).await.unwrap();
    assert_eq!(stats.peak_in_flight, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_holds_over_all_requests_together() {
    let sample = Sample::new(64, 32_000);
    let server = Toxic::start().await;
    sample.serve_on(&server, Duration::ZERO);
    let options = HttpOptions { rate_limit: RateLimit::new(Some(1_000_000), None), ..quick() };
    let begun = Instant::now();
    let stats = fetch(&sample, &[&server], &options).await.unwrap();
    let rate = stats.received_bytes as f64 / begun.elapsed().as_secs_f64();
    assert!((900_000.0..1_100_000.0).contains(&rate), "{rate}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_can_be_lifted_while_requests_run() {
    let sample = Sample::new(64, 32_000);
    let server = Toxic::start().await;
    sample.serve_on(&server, Duration::ZERO);
    let limit = RateLimit::new(Some(20_000), None);
    let options = HttpOptions { rate_limit: limit.clone(), ..quick() };
    let lift = async {
        sleep(Duration::from_millis(500)).await;
        limit.set(None, None);
    };
    let begun = Instant::now();
    let servers = [&server];
    let (stats, ()) = tokio::join!(fetch(&sample, &servers, &options), lift);
    let took = begun.elapsed();
    assert!(stats.unwrap().received_bytes > 1_000_000, "at the old rate that takes a minute");
    assert!((Duration::from_millis(500)..Duration::from_secs(10)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn single_chunk_is_there_or_not_or_an_error() {
    let sample = Sample::new(1, 1000);
    let id = sample.chunks[0].id();
    let server = Toxic::start().await;
    let options = HttpOptions { authorization: Some(Secret::new("Basic eA==")), ..quick() };
    let store = store(&options, &server.url("/deep/store/"));
    assert_eq!(store.get(&id, 10_000).await.unwrap(), None);
    let path = format!("/deep/store{}", path_of(id));
    server.on(&path, [Reply::Status(404, Vec::new()), Reply::Good(sample.stored(0))]);
    assert_eq!(store.get(&id, 10_000).await.unwrap(), Some(sample.chunks[0].clone()));
    assert_eq!(store.get(&id, 100).await.unwrap_err().code(), "http_failed", "over its cap");
    assert_eq!(server.seen()[0].headers["authorization"], "Basic eA==");
}
