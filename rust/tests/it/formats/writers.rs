//! Writers: the same build gives the same index, chunk for chunk, and the same file table and names.

use std::fs;
use std::path::PathBuf;

use vsekai_updater::digest::Digest;
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::archive::NodeKind;
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags};
use vsekai_updater::formats::release::FileTable;
use vsekai_updater::local::make::{self, MakeOptions};
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::local::tree::{self, Recorded};

use super::frozen::{Copy, STABLE, read, stable, v01};
use super::player::run;

/// The index of a version in the frozen repository.
pub(crate) fn index_path(version: &str) -> PathBuf {
    let folder = v01(&format!("repository/targets/stable/{version}/linux-x86_64"));
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|ending| ending == "caidx")).unwrap()
}

fn options(sizes: ChunkSizes, flags: FeatureFlags, forced_cuts: bool) -> MakeOptions {
    let chunker = Chunker::new(Algorithm::Casync, sizes).unwrap();
    MakeOptions { chunker, flags, forced_cuts, level: 3, hint: None }
}

#[test]
fn a_build_is_cut_and_described_as_it_was() {
    for version in STABLE {
        let copy = Copy::of(&["repository"]);
        let (store, build) = (copy.path("repository/store"), copy.path("build"));
        let index = index_path(version);
        run(&copy, &["store", "extract", "--store"], &[("", &store), ("", &index), ("", &build)]).done();
        let layout = tree::layout(&build, &Recorded::Reproducible(FeatureFlags::TREE)).unwrap();
        let frozen = stable(version);
        let made = LocalStore::create(&copy.path("made")).unwrap();
        let options = options(frozen.index.sizes(), FeatureFlags::TREE, true);
        let index = make::make(&build, &layout, &made, &options, &Monitor::default()).unwrap().index;
        assert_eq!(index.to_bytes(), frozen.index_bytes, "{version}");
        let digest = |node: usize| match &layout.nodes()[node] {
            node if matches!(node.kind, NodeKind::File { .. }) => {
                Some(Digest::of(&fs::read(node.path.as_ref().unwrap().below(&build)).unwrap()))
            }
            _ => None,
        };
        let table = FileTable::new(layout.clone(), &digest).unwrap();
        assert_eq!(table, frozen.table);
        assert_eq!(table.to_document().unwrap(), frozen.table.to_document().unwrap());
    }
}

#[test]
fn a_blob_is_cut_as_it_was() {
    let copy = Copy::of(&["install"]);
    let engine = copy.path("install/current/bin/engine");
    let sizes = ChunkSizes::new(1 << 10, 4 << 10, 16 << 10).unwrap();
    let chunker = Chunker::new(Algorithm::Casync, sizes).unwrap();
    let digest = FeatureFlags::BLOB.digest();
    let index = make::list_chunks(&engine, &chunker, digest, &Monitor::default()).unwrap();
    assert_eq!(index.to_bytes(), read("documents/engine.caibx"));
}
