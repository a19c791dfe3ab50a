//! Prune and verify: no needed chunk is removed, and no damage goes unnoticed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crossbeam_channel::Sender;
use tempfile::TempDir;
use vsekai_updater::error::{Error, Result};
use vsekai_updater::event::{Event, Monitor, Observer};
use vsekai_updater::formats::archive::Layout;
use vsekai_updater::formats::chunk::{ChunkId, CompressedChunk, Compressor, DigestAlgorithm, VerifiedChunk};
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};
use vsekai_updater::local::make::{MakeOptions, make};
use vsekai_updater::local::seed::Seed;
use vsekai_updater::local::sources::{Delivery, Remote, Sources, Transfer, WantedChunk};
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::local::store::prune::{Pruned, prune};
use vsekai_updater::local::store_verify::verify;

const HOUR: Duration = Duration::from_hours(1);

struct TestStore {
    folder: TempDir,
    store: LocalStore,
    index: Index,
}

fn options() -> MakeOptions {
    let chunker = Chunker::new(Algorithm::Casync, ChunkSizes::new(1024, 4096, 16384).unwrap()).unwrap();
    MakeOptions { chunker, flags: FeatureFlags::BLOB, forced_cuts: false, level: 3, hint: None }
}

fn make_blob(file: &Path, store: &LocalStore, monitor: &Monitor) -> Result<Index> {
    let layout = Layout::blob(fs::metadata(file).unwrap().len());
    make(file, &layout, store, &options(), monitor).map(|made| made.index)
}

/// A store with the chunks of one file.
fn test() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let blob = folder.path().join("blob");
    let words: Vec<u8> = (0..60_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(&blob, words).unwrap();
    let store = LocalStore::create(&folder.path().join("store")).unwrap();
    let index = make_blob(&blob, &store, &Monitor::default()).unwrap();
    assert!(index.len() > 20);
    TestStore { folder, store, index }
}

impl TestStore {
    fn id(&self, position: usize) -> ChunkId {
        self.index.get(position).unwrap().id
    }

    fn path(&self, position: usize) -> PathBuf {
        self.store.path_of(&self.id(position))
    }

    /// A second store with the same chunks.
    fn copy(&self) -> LocalStore {
        let copy = LocalStore::create(&self.folder.path().join("copy")).unwrap();
        make_blob(&self.folder.path().join("blob"), &copy, &Monitor::default()).unwrap();
        copy
    }

    /// Damages one chunk in each possible way. Returns their ids in order.
    fn damage(&self) -> Vec<ChunkId> {
        let mut flipped = fs::read(self.path(0)).unwrap();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        fs::write(self.path(0), flipped).unwrap();
        let whole = fs::read(self.path(1)).unwrap();
        fs::write(self.path(1), &whole[..whole.len() - 5]).unwrap();
        fs::copy(self.path(5), self.path(2)).unwrap();
        fs::write(self.path(3), b"").unwrap();
        fs::write(self.path(4), vec![7; 20 << 20]).unwrap();
        let mut ids: Vec<ChunkId> = (0..5).map(|position| self.id(position)).collect();
        ids.sort_unstable();
        ids
    }
}

fn make_old(path: &Path, age: Duration) {
    fs::File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

fn part_of(index: &Index, count: usize) -> Index {
    let mut part = Index::new(index.flags(), index.sizes());
    index.iter().take(count).for_each(|chunk| part.push(chunk.id, chunk.size()).unwrap());
    part
}

#[test]
fn prune_removes_only_what_is_unnamed_and_old() {
    let test = test();
    let (total, monitor) = (test.index.len() as u64, Monitor::default());
    let keep = [part_of(&test.index, 3)];
    (0..10).for_each(|position| make_old(&test.path(position), 2 * HOUR));
    let young = test.path(10).parent().unwrap().join(".tmp-cacnk-young");
    let old = test.path(10).parent().unwrap().join(".tmp-cacnk-old");
    for path in [&young, &old] {
        fs::write(path, b"left").unwrap();
    }
    make_old(&old, 2 * HOUR);
    let planned = prune(&test.store, &keep, HOUR, true, &monitor).unwrap();
    assert!(test.path(5).exists() && old.exists());
    let done = prune(&test.store, &keep, HOUR, false, &monitor).unwrap();
    assert_eq!(planned, done);
    assert_eq!((done.kept, done.removed, done.too_young), (3, 8, total - 10 + 1));
    assert!(done.removed_bytes > 0);
    assert!((0..3).chain(10..test.index.len()).all(|position| test.path(position).exists()));
    assert!((3..10).all(|position| !test.path(position).parent().unwrap().exists()), "empty folders stayed");
    assert!(young.exists() && !old.exists());
    let again = prune(&test.store, &keep, HOUR, false, &monitor).unwrap();
    assert_eq!(again, Pruned { removed: 0, removed_bytes: 0, ..done });
}

#[test]
fn prune_without_an_index_is_refused() {
    let test = test();
    assert_eq!(prune(&test.store, &[], HOUR, false, &Monitor::default()).unwrap_err().code(), "invalid_argument");
}

/// Prunes while a make is running, and keeps the results.
struct PruneInTheMiddle(LocalStore, Mutex<Vec<Result<Pruned>>>);

impl Observer for PruneInTheMiddle {
    fn on_event(&self, event: Event) {
        if matches!(event, Event::Advanced { .. }) {
            let keep = [Index::new(FeatureFlags::BLOB, ChunkSizes::default())];
            let outcome = prune(&self.0, &keep, Duration::ZERO, false, &Monitor::default());
            self.1.lock().unwrap().push(outcome);
        }
    }
}

#[test]
fn prune_while_a_make_runs_is_busy_and_the_other_way_round() {
    let test = test();
    let observer = Arc::new(PruneInTheMiddle(test.store.clone(), Mutex::default()));
    let monitor = Monitor { observer: observer.clone(), ..Monitor::default() };
    let blob = test.folder.path().join("blob");
    make_blob(&blob, &test.store, &monitor).unwrap();
    let outcomes = observer.1.lock().unwrap();
    assert!(!outcomes.is_empty());
    for outcome in outcomes.iter() {
        assert_eq!(outcome.as_ref().unwrap_err().code(), "busy");
    }
    assert!((0..test.index.len()).all(|position| test.path(position).exists()));
    let lock = vsekai_updater::local::lock::Lock::exclusive(&test.store.root().join(".vsekai-lock"), "prune").unwrap();
    assert_eq!(make_blob(&blob, &test.store, &Monitor::default()).unwrap_err().code(), "busy");
    drop(lock);
    make_blob(&blob, &test.store, &Monitor::default()).unwrap();
}

#[test]
fn verify_finds_every_kind_of_damage_and_changes_nothing() {
    let test = test();
    let sound = verify(&test.store, None, None, &Monitor::default()).unwrap();
    assert_eq!((sound.checked, sound.damaged.len()), (test.index.len() as u64, 0));
    assert_eq!(sound.bytes, test.index.stream_bytes());
    let damaged = test.damage();
    fs::write(test.path(9).parent().unwrap().join(".tmp-cacnk1"), b"").unwrap();
    for digest in [None, Some(DigestAlgorithm::Sha512_256)] {
        let found = verify(&test.store, digest, None, &Monitor::default()).unwrap();
        assert_eq!(found.damaged, damaged);
        assert_eq!((found.repaired.len(), found.leftovers), (0, 1));
    }
    assert!(damaged.iter().all(|id| test.store.path_of(id).exists()));
}

#[test]
fn chunks_of_both_digests_are_sound() {
    let test = test();
    let chunk = VerifiedChunk::of(b"named by SHA-256".to_vec(), DigestAlgorithm::Sha256);
    test.store.put(&Compressor::new(3).unwrap().compress(&chunk).unwrap()).unwrap();
    assert!(verify(&test.store, None, None, &Monitor::default()).unwrap().damaged.is_empty());
    let strict = verify(&test.store, Some(DigestAlgorithm::Sha512_256), None, &Monitor::default()).unwrap();
    assert_eq!(strict.damaged, [chunk.id()]);
}

#[test]
fn repair_takes_sound_chunks_from_another_store_and_removes_the_rest() {
    let test = test();
    let copy = test.copy();
    let damaged = test.damage();
    // The copy is damaged, too, and lacks one chunk.
    fs::write(copy.path_of(&damaged[0]), b"also bad").unwrap();
    copy.remove(&damaged[1]).unwrap();
    let sources = Sources { stores: vec![test.store.clone(), copy], ..Sources::default() };
    let done = verify(&test.store, None, Some(&sources), &Monitor::default()).unwrap();
    assert_eq!((&done.damaged[..], &done.repaired[..]), damaged.split_at(2));
    assert!(!test.store.has(&damaged[0]) && !test.store.has(&damaged[1]));
    let after = verify(&test.store, None, None, &Monitor::default()).unwrap();
    assert_eq!((after.checked, after.damaged.len()), (test.index.len() as u64 - 2, 0));
    // The next make restores the removed chunks.
    make_blob(&test.folder.path().join("blob"), &test.store, &Monitor::default()).unwrap();
    assert!(test.store.has(&damaged[0]) && test.store.has(&damaged[1]));
}

#[test]
fn repair_takes_chunks_from_an_installed_file() {
    let test = test();
    let damaged = test.damage();
    let layout = Layout::blob(test.index.stream_bytes());
    let seed = Seed::new(&test.folder.path().join("blob"), test.index.clone(), layout).unwrap();
    let sources = Sources { seeds: vec![seed], ..Sources::default() };
    let done = verify(&test.store, None, Some(&sources), &Monitor::default()).unwrap();
    assert_eq!((done.damaged.len(), done.repaired), (0, damaged));
}

/// A remote backed by a local store: one request per chunk, and it stops at the first missing one, like the real one.
#[derive(Debug)]
struct OneByOne(LocalStore);

impl Remote for OneByOne {
    fn fetch(&self, wanted: &[WantedChunk], deliveries: Sender<Delivery>, _: &Monitor) -> Result<Transfer> {
        for want in wanted {
            let Some(chunk) = self.0.get(&want.id, want.max_stored_bytes())? else {
                return Err(Error::ChunkMissing { id: want.id, origins: "remote".into() });
            };
            let outcome: Arc<Mutex<Result<()>>> = Arc::new(Mutex::new(Ok(())));
            let told = outcome.clone();
            let verdict = Box::new(move |verdict| *told.lock().unwrap() = verdict);
            let delivery = Delivery { chunk, origin: "remote".into(), verdict };
            deliveries.send(delivery).map_err(|_| Error::Cancelled)?;
            while Arc::strong_count(&outcome) > 1 {
                std::thread::yield_now();
            }
            std::mem::replace(&mut *outcome.lock().unwrap(), Ok(()))?;
        }
        Ok(Transfer::default())
    }
}

#[test]
fn repair_fetches_what_a_remote_can_give() {
    let test = test();
    let copy = test.copy();
    let damaged = test.damage();
    copy.remove(&damaged[0]).unwrap();
    copy.put(&CompressedChunk::new(damaged[2], b"bad as well".to_vec())).unwrap();
    let sources = Sources { remote: Some(Arc::new(OneByOne(copy))), ..Sources::default() };
    let done = verify(&test.store, None, Some(&sources), &Monitor::default()).unwrap();
    assert_eq!(done.damaged, [damaged[0], damaged[2]]);
    assert_eq!(done.repaired, [damaged[1], damaged[3], damaged[4]]);
}

/// A remote without a network.
#[derive(Debug)]
struct Unreachable;

impl Remote for Unreachable {
    fn fetch(&self, _: &[WantedChunk], _: Sender<Delivery>, _: &Monitor) -> Result<Transfer> {
        Err(Error::Io { action: "connect", path: "remote".into(), source: std::io::ErrorKind::NotConnected.into() })
    }
}

#[test]
fn repair_removes_nothing_when_nobody_can_say_what_can_be_had() {
    let test = test();
    let damaged = test.damage();
    let there = |id: &&ChunkId| test.store.path_of(id).exists();
    let before = damaged.iter().filter(there).count();
    let sources = Sources { remote: Some(Arc::new(Unreachable)), ..Sources::default() };
    verify(&test.store, None, Some(&sources), &Monitor::default()).unwrap_err();
    assert!(before > 0 && damaged.iter().filter(there).count() == before);
}
