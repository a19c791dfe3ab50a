//! Bundles: every chunk that a frozen bundle promises can be read from it, and building it again gives the same table.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek};

use vsekai_updater::digest::{Digest, DigestAlgorithm};
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::bundle::{
    BundleInfo, BundleList, ChunkSource, Effort, Filter, Header, Section, SectionContent, Table, decompress,
    index_document, list_name, name_of, read_ranges,
};
use vsekai_updater::formats::chunk::Chunk;
use vsekai_updater::local::bundle_builder::{Side, StoreSource, build};
use vsekai_updater::local::store::LocalStore;

use super::frozen::{BETA, STABLE, Version, read, v01, version_of};

const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha512_256;

/// All bundles of a mode, with the versions that they lead from and to.
fn bundles(mode: &str, versions: &[&str]) -> Vec<(BundleInfo, Version, Option<Version>)> {
    let mut all = Vec::new();
    for version in versions {
        let list = list_name(&version_of(mode, version).release.content());
        for info in BundleList::parse(&read(&format!("repository/{list}"))).unwrap().bundles {
            let mut others = versions.iter().map(|version| version_of(mode, version));
            let from = info.from.map(|from| others.find(|other| other.release.content() == from).unwrap());
            all.push((info, version_of(mode, version), from));
        }
    }
    all
}

fn all_bundles() -> Vec<(BundleInfo, Version, Option<Version>)> {
    [bundles("stable", &STABLE), bundles("beta", &BETA)].into_iter().flatten().collect()
}

fn store() -> LocalStore {
    LocalStore::open(&v01("repository/store")).unwrap()
}

/// The plain content of a section.
fn content(
    bundle: &[u8],
    place: std::ops::Range<u64>,
    section: &Section,
    new: &Version,
    old: Option<&Version>,
) -> Vec<u8> {
    let (store, mut prefix, mut plain) = (store(), Vec::new(), Vec::new());
    let source = StoreSource::new(&store, DIGEST);
    match (&section.content, old) {
        (SectionContent::Index, Some(old)) => prefix = index_document(&old.index),
        (SectionContent::FileTable, Some(old)) => prefix = old.table.to_document().unwrap(),
        (SectionContent::Chunks(_), Some(old)) => {
            read_ranges(&old.index, &source, &section.prefix, &mut prefix).unwrap();
            section.filter.apply(&mut prefix, old.table.layout(), &section.prefix);
        }
        (_, None) => {}
    }
    let packed = &bundle[place.start as usize..place.end as usize];
    decompress(packed, &prefix, section.plain_bytes, &mut plain).unwrap();
    section.filter.undo(&mut plain, new.table.layout(), &section.stream_ranges(&new.index));
    plain
}

/// Checks that the content of a bundle is that of the version.
fn assert_gives(bundle: &[u8], new: &Version, old: Option<&Version>) -> u64 {
    let (header, table) = (Header::parse(bundle).unwrap(), Table::parse(bundle).unwrap());
    let mut bytes = 0;
    for (place, section) in table.places(header.sections_at()) {
        section.check(&new.index, old.map(|old| &old.index)).unwrap();
        let plain = content(bundle, place, section, new, old);
        match section.content {
            SectionContent::Index => assert_eq!(plain, index_document(&new.index)),
            SectionContent::FileTable => assert_eq!(plain, new.table.to_document().unwrap()),
            SectionContent::Chunks(_) => {
                let mut rest = &plain[..];
                for chunk in section.positions().map(|position| new.index.get(position).unwrap()) {
                    let (bytes, behind) = rest.split_at(chunk.size() as usize);
                    assert!(Chunk::new(chunk.id, bytes.to_vec()).verify(DIGEST).is_ok());
                    rest = behind;
                }
                assert!(rest.is_empty());
                bytes += section.plain_bytes;
            }
        }
    }
    bytes
}

#[test]
fn bundles_give_the_chunks_that_they_promise() {
    let all = all_bundles();
    assert_eq!(all.len(), 9);
    let mut kinds = BTreeSet::new();
    for (info, new, old) in all {
        let bundle = read(&format!("repository/{}", name_of(&info.id)));
        assert_eq!((info.length, info.id), (bundle.len() as u64, Digest::of(&bundle)));
        assert_eq!(assert_gives(&bundle, &new, old.as_ref()), info.plain_bytes);
        let table = Table::parse(&bundle).unwrap();
        assert_eq!(table.to_bytes().unwrap().len() as u64, Header::parse(&bundle).unwrap().sections_at());
        for section in table.sections.iter().filter(|section| matches!(section.content, SectionContent::Chunks(_))) {
            kinds.insert((!section.prefix.is_empty(), section.filter == Filter::X86));
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [(false, false), (false, true), (true, false), (true, true)]);
}

/// A section without its length, which depends on the zstd release.
fn shape(table: Table) -> Vec<(SectionContent, Filter, Vec<std::ops::Range<u64>>, u64)> {
    let sections = table.sections.into_iter();
    sections.map(|section| (section.content, section.filter, section.prefix, section.plain_bytes)).collect()
}

#[test]
fn building_a_bundle_again_gives_the_same_sections() {
    let (store, never) = (store(), |_: usize| false);
    let source = StoreSource::new(&store, DIGEST);
    let is_settings = |version: &Version| {
        let node = version.release.mutable.first().map(|path| version.table.find(path).unwrap());
        move |at: usize| Some(at) == node
    };
    for (info, new, old) in all_bundles() {
        let mutable = old.as_ref().map(is_settings);
        let side = |version, is_mutable| side_of(version, &source, is_mutable);
        let old_side = old.as_ref().zip(mutable.as_ref()).map(|(old, mutable)| side(old, mutable));
        let bytes = built(side(&new, &never), old_side, info.effort);
        let frozen = read(&format!("repository/{}", name_of(&info.id)));
        assert_eq!(assert_gives(&bytes, &new, old.as_ref()), info.plain_bytes);
        let (ours, theirs) = (Table::parse(&bytes).unwrap(), Table::parse(&frozen).unwrap());
        assert_eq!((ours.from, ours.to), (theirs.from, theirs.to));
        assert_eq!(shape(ours), shape(theirs));
    }
}

fn side_of<'a>(
    version: &'a Version,
    chunks: &'a dyn ChunkSource,
    is_mutable: &'a (dyn Fn(usize) -> bool + Sync),
) -> Side<'a> {
    Side { index: &version.index, table: &version.table, chunks, is_mutable }
}

fn built(new: Side<'_>, old: Option<Side<'_>>, effort: Effort) -> Vec<u8> {
    let (folder, mut bytes) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut file: File = tempfile::tempfile().unwrap();
    build(new, old, effort, folder.path(), &mut file, &Monitor::default()).unwrap();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}
