//! For any two versions and any damage: unpacking yields the published chunks, or nothing.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::digest::Digest;
use crate::error::Error;
use crate::event::Monitor;
use crate::formats::archive::{Layout, NewContent, NewNode, NodeMetadata};
use crate::formats::bundle::{BundleList, Header, MAX_SECTION_BYTES, decompress, parse_index_document};
use crate::formats::chunk::{Chunk, ChunkId, DigestAlgorithm};
use crate::formats::index::{ChunkSizes, FeatureFlags, Index, IndexChunk};
use crate::formats::release::FileTable;
use crate::path::RelPath;

/// A version in memory: one file, cut at generated positions.
struct Version {
    index: Index,
    table: FileTable,
    chunks: HashMap<ChunkId, Vec<u8>>,
}

impl ChunkSource for Version {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> crate::Result<()> {
        buffer.extend_from_slice(&self.chunks[&chunk.id]);
        Ok(())
    }
}

fn layout_of(content: &[u8]) -> Layout {
    let file = NewNode {
        path: Some(RelPath::new("game.pck").unwrap()),
        metadata: NodeMetadata::for_tree(0o100_644),
        content: NewContent::File { size: content.len() as u64 },
    };
    let root = NewNode { path: None, metadata: NodeMetadata::for_tree(0o040_755), content: NewContent::Directory };
    Layout::build(vec![root, file]).unwrap()
}

fn version(content: &[u8], cuts: &[usize]) -> Version {
    let layout = layout_of(content);
    let mut stream = Vec::new();
    for segment in layout.segments(0..u64::MAX) {
        match segment {
            crate::formats::archive::Segment::Header(bytes) => stream.extend_from_slice(&bytes),
            crate::formats::archive::Segment::Payload { .. } => stream.extend_from_slice(content),
        }
    }
    let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::new(64, 1024, 1 << 20).unwrap());
    let mut chunks = HashMap::new();
    let mut at = 0;
    for size in cuts.iter().cycle() {
        let end = (at + size.max(&1)).min(stream.len());
        let id = DigestAlgorithm::Sha512_256.id_of(&stream[at..end]);
        index.push(id, (end - at) as u64).unwrap();
        chunks.insert(id, stream[at..end].to_vec());
        at = end;
        if at == stream.len() {
            break;
        }
    }
    let table = FileTable::new(layout, &|_| Some(Digest::of(content))).unwrap();
    Version { index, table, chunks }
}

fn bundle(new: &Version, old: Option<&Version>, effort: Effort) -> (BundleInfo, Vec<u8>) {
    let never = |_: usize| false;
    let side = |version| side_of(version, &never);
    let mut file = tempfile::tempfile().unwrap();
    let built = build(side(new), old.map(side), effort, &std::env::temp_dir(), &mut file, &Monitor::default()).unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    (built.info, bytes)
}

fn side_of<'a>(version: &'a Version, is_mutable: &'a (dyn Fn(usize) -> bool + Sync)) -> Side<'a> {
    Side { index: &version.index, table: &version.table, chunks: version, is_mutable }
}

/// The chunks that a bundle supplies, each verified. Faults only reduce their number.
fn unpacked(bytes: &[u8], new: &Version, old: Option<&Version>) -> crate::Result<HashMap<ChunkId, Vec<u8>>> {
    let (header, table) = (Header::parse(bytes)?, Table::parse(bytes)?);
    let mut found = HashMap::new();
    for (place, section) in table.places(header.sections_at()) {
        section.check(&new.index, old.map(|old| &old.index))?;
        let Some(packed) = bytes.get(place.start as usize..place.end as usize) else { continue };
        let (mut prefix, mut plain) = (Vec::new(), Vec::new());
        if let Some(old) = old {
            read_ranges(&old.index, old, &section.prefix, &mut prefix)?;
            section.filter.apply(&mut prefix, old.table.layout(), &section.prefix);
        }
        if !matches!(section.content, SectionContent::Chunks(_))
            || decompress(packed, &prefix, section.plain_bytes, &mut plain).is_err()
        {
            continue;
        }
        section.filter.undo(&mut plain, new.table.layout(), &section.stream_ranges(&new.index));
        let mut rest = &plain[..];
        for chunk in section.positions().filter_map(|position| new.index.get(position)) {
            let (bytes, behind) = rest.split_at(chunk.size() as usize);
            rest = behind;
            if let Ok(sound) = Chunk::new(chunk.id, bytes.to_vec()).verify(DigestAlgorithm::Sha512_256) {
                found.insert(sound.id(), sound.into_bytes());
            }
        }
    }
    Ok(found)
}

fn any_content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..2_000),
        (any::<u8>(), 1_usize..5_000).prop_map(|(byte, count)| vec![byte; count]),
        (0_u8..4, 1_usize..400).prop_map(|(seed, count)| [seed, 7, 9, 11, 13].repeat(count)),
    ];
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bundles_give_every_chunk_that_the_old_version_has_not(
        (old, new) in (any_content(), any_content()),
        kept in 0_usize..30_000,
        cuts in prop::collection::vec(1_usize..3_000, 1..6),
        has_old in any::<bool>(),
    ) {
        let new = version(&[&old[..kept.min(old.len())], &new[..], &old[..]].concat(), &cuts);
        let old = has_old.then(|| version(&old, &cuts));
        let (info, bytes) = bundle(&new, old.as_ref(), Effort::Fast);
        prop_assert_eq!((info.length, info.id), (bytes.len() as u64, Digest::of(&bytes)));
        let found = unpacked(&bytes, &new, old.as_ref()).unwrap();
        for chunk in new.index.iter() {
            let is_old = old.as_ref().is_some_and(|old| old.chunks.contains_key(&chunk.id));
            prop_assert_eq!(found.get(&chunk.id), (!is_old).then(|| &new.chunks[&chunk.id]));
        }
    }

    #[test]
    fn damage_gives_sound_chunks_or_none(
        (old, new) in (any_content(), any_content()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        in_old in any::<bool>(),
    ) {
        let new = version(&[&new[..], &old[..]].concat(), &[900, 2_000]);
        let mut old = version(&old, &[1_500]);
        let (_, mut bytes) = bundle(&new, Some(&old), Effort::Fast);
        if in_old {
            let chunk = old.chunks.values_mut().next().unwrap();
            for (at, byte) in &damage {
                let at = at.index(chunk.len());
                chunk[at] = *byte;
            }
        } else {
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Verified inside; this only checks that nothing panics or asks for unbounded memory.
        let _ = unpacked(&bytes, &new, Some(&old));
    }

    #[test]
    fn tables_are_read_as_they_were_written(
        runs in prop::collection::vec((1_u32..90, 1_u32..90), 1..20),
        ranges in prop::collection::vec((1_u64..9_000, 1_u64..9_000), 0..20),
        (from, to) in (any::<[u8; 32]>(), any::<[u8; 32]>()),
        is_filtered in any::<bool>(),
    ) {
        let mut at = 0;
        let runs = runs.iter().map(|(gap, len)| { let start = at + gap; at = start + len; start..at }).collect();
        let mut at = 0;
        let prefix = ranges.iter().map(|(gap, len)| { let start = at + gap; at = start + len; start..at }).collect();
        let section = Section {
            content: SectionContent::Chunks(runs),
            filter: if is_filtered { Filter::X86 } else { Filter::None },
            prefix,
            packed_bytes: 7,
            plain_bytes: 9_000,
        };
        let document =
            Section { content: SectionContent::Index, filter: Filter::None, prefix: Vec::new(), ..section.clone() };
        let from = if from == [0; 32] { [1; 32] } else { from };
        let table = Table { from: Some(Digest(from)), to: Digest(to), sections: vec![document, section] };
        prop_assert_eq!(Table::parse(&table.to_bytes().unwrap()).unwrap(), table);
    }

    #[test]
    fn index_documents_are_read_as_they_were_written(content in any_content(), cuts in prop::collection::vec(1_usize..900, 1..5)) {
        let index = version(&content, &cuts).index;
        prop_assert_eq!(parse_index_document(&index_document(&index)).unwrap(), index);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (Table::parse(&bytes), parse_index_document(&bytes), BundleList::parse(&bytes));
        // Also behind a valid header.
        let packed = zstd::bulk::compress(&bytes, 1).unwrap();
        let head = [&b"VSKBNDL\x01"[..], &(packed.len() as u32).to_le_bytes(), &(bytes.len() as u32).to_le_bytes()];
        let _ = Table::parse(&[&head.concat()[..], &packed[..]].concat());
    }
}

fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(count).collect()
}

#[test]
fn file_tables_are_read_from_their_documents() {
    let version = version(&noise(1, 9_000), &[700]);
    let document = version.table.to_document().unwrap();
    assert_eq!(FileTable::of_document(&document, &version.index).unwrap(), version.table);
    assert!(!String::from_utf8(document).unwrap().contains("start"));
}

#[test]
fn content_that_moved_is_found_wherever_it_went() {
    let (a, b) = (noise(1, 900_000), noise(2, 900_000));
    let old = version(&[&a[..], &b[..]].concat(), &[64 << 10]);
    // In swapped order, and with one byte changed in each stretch of 4 KiB: no chunk is the same.
    let mut moved = [&b[..], &a[..]].concat();
    moved.iter_mut().step_by(4 << 10).for_each(|byte| *byte ^= 1);
    let new = version(&moved, &[60 << 10]);
    let (info, bytes) = bundle(&new, Some(&old), Effort::Normal);
    assert!(info.length < 60_000, "{} bytes for 450 changed ones of random data", info.length);
    assert_eq!(unpacked(&bytes, &new, Some(&old)).unwrap().len(), new.chunks.len());
}

#[test]
fn a_small_change_against_a_large_prefix_stays_small() {
    let old = noise(3, 24 << 20);
    let mut new = old.clone();
    new[100_000..100_400].copy_from_slice(&noise(4, 400));
    let (old, new) = (version(&old, &[256 << 10]), version(&new, &[256 << 10]));
    let (info, _) = bundle(&new, Some(&old), Effort::Normal);
    let front = info.front_bytes;
    assert!(info.length - front < 2_000, "{} bytes for 400", info.length - front);
}

/// Something like machine code: functions of some length, which often call a few others.
fn program(growth: usize) -> Vec<u8> {
    const FUNCTIONS: usize = 4_000;
    let mut random = fastrand::Rng::with_seed(12);
    let bodies: Vec<(usize, Vec<usize>)> = std::iter::repeat_with(|| {
        let callees = std::iter::repeat_with(|| random.usize(..FUNCTIONS / 100) * 100).take(8).collect();
        (40 + random.usize(..120), callees)
    })
    .take(FUNCTIONS)
    .collect();
    let mut places = Vec::new();
    let mut at = 0;
    for (number, (size, callees)) in bodies.iter().enumerate() {
        places.push(at);
        at += size + 5 * callees.len() + if number % 20 == 0 { growth } else { 0 };
    }
    let mut code = Vec::new();
    for (number, (size, callees)) in bodies.iter().enumerate() {
        code.extend(noise(number as u64, *size).iter().map(|byte| byte & 0x3f));
        for callee in callees {
            code.push(0xe8);
            let distance = places[*callee] as i64 - (code.len() + 4) as i64;
            code.extend((distance as i32).to_le_bytes());
        }
        code.extend(vec![0x90; if number % 20 == 0 { growth } else { 0 }]);
    }
    code
}

#[test]
fn calls_across_code_that_has_grown_cost_little() {
    let (old, new) = (version(&program(0), &[9_000]), version(&program(16), &[9_100]));
    let (info, bytes) = bundle(&new, Some(&old), Effort::Normal);
    let sections = Table::parse(&bytes).unwrap().sections;
    let is_converted = |section: &Section| section.filter == Filter::X86;
    assert!(sections.iter().filter(|section| matches!(section.content, SectionContent::Chunks(_))).all(is_converted));
    let content = info.length - info.front_bytes;
    let plainly = compress(19, &program(0), &program(16)).unwrap().len() as u64;
    assert!(content < plainly * 3 / 4, "{content} bytes, and {plainly} without the filter");
    assert_eq!(unpacked(&bytes, &new, Some(&old)).unwrap().len(), new.chunks.len());
}

#[test]
fn nothing_is_built_on_files_that_the_game_changes() {
    let (old, new) = (noise(5, 400_000), [noise(6, 100), noise(5, 400_000)].concat());
    let (old, new) = (version(&old, &[9_000]), version(&new, &[9_100]));
    let always = |_: usize| true;
    let mut file = tempfile::tempfile().unwrap();
    let sides = (side_of(&new, &always), Some(side_of(&old, &always)));
    build(sides.0, sides.1, Effort::Fast, Path::new("/tmp"), &mut file, &Monitor::default()).unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let payload = old.table.layout().nodes()[1].range();
    for section in Table::parse(&bytes).unwrap().sections {
        let inside = |range: &std::ops::Range<u64>| range.start > payload.start + 200 && range.end < payload.end;
        assert!(!section.prefix.iter().any(inside), "{:?}", section.prefix);
    }
}

#[test]
fn sections_that_would_take_too_much_memory_are_refused() {
    let section = |plain_bytes: u64, prefix: u64| {
        let section = Section {
            content: SectionContent::Chunks(std::iter::once(0..1).collect()),
            filter: Filter::None,
            prefix: std::iter::once(0..prefix).collect(),
            packed_bytes: 9,
            plain_bytes,
        };
        Table { from: Some(Digest([1; 32])), to: Digest([2; 32]), sections: vec![section] }
    };
    assert!(section(64 << 20, 64 << 20).to_bytes().is_ok());
    assert!(matches!(section(64 << 20, (64 << 20) + 1).to_bytes(), Err(Error::Invalid { .. })));
    assert!(matches!(section(u64::MAX, 2).to_bytes(), Err(Error::Invalid { .. })));
}

#[test]
fn a_frame_that_gives_more_than_announced_is_refused_without_being_unpacked() {
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let mut plain = Vec::new();
    assert_eq!(decompress(&bomb, &[], 1_000, &mut plain).unwrap_err().code(), "bundle_malformed");
    assert!(plain.capacity() < 1 << 20);
    assert_eq!(
        decompress(&bomb, &[], 65 << 20, &mut plain).unwrap_err().code(),
        "bundle_malformed",
        "and one with less"
    );
}

#[test]
fn a_table_is_no_bomb() {
    let packed = zstd::bulk::compress(&vec![0; 32 << 20], 19).unwrap();
    let head = |plain: u32| {
        [&b"VSKBNDL\x01"[..], &(packed.len() as u32).to_le_bytes(), &plain.to_le_bytes(), &packed].concat()
    };
    for plain in [0, 1_000, 16 << 20, 32 << 20, u32::MAX] {
        assert_eq!(Table::parse(&head(plain)).unwrap_err().code(), "bundle_malformed");
    }
}

#[test]
fn digest_has_one_spelling() {
    let digest = Digest::of(b"content");
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    let text = digest.to_string();
    for wrong in
        [text.to_uppercase(), text[..62].to_owned(), format!("{text}00"), text.replace('a', "g"), String::new()]
    {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

fn checked(bytes: &[u8], new: &Version, old: Option<&Version>) -> crate::Result<Checked> {
    let never = |_: usize| false;
    let old = old.map(|old| side_of(old, &never));
    check(&mut &bytes[..], bytes.len() as u64, side_of(new, &never), old, &Monitor::default())
}

/// Two versions, and a third that shares most of its chunks with them.
fn three() -> [Version; 3] {
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(9000).collect();
    let changed = |from: usize, to: usize| {
        let mut other = noise.clone();
        other[from..to].reverse();
        version(&other, &[512])
    };
    [version(&noise, &[512]), changed(2000, 3000), changed(5000, 7000)]
}

#[test]
fn what_is_built_passes_the_check() {
    let [old, new, _] = three();
    let never = |_: usize| false;
    for old in [Some(&old), None] {
        let (info, bytes) = bundle(&new, old, Effort::Fast);
        let found = checked(&bytes, &new, old).unwrap();
        assert_eq!((found.front_bytes, found.plain_bytes), (info.front_bytes, info.plain_bytes));
        let old = old.map(|old| side_of(old, &never));
        assert!(info.length <= max_length(side_of(&new, &never), old).unwrap());
    }
}

#[test]
fn bundle_of_other_versions_is_refused() {
    let [old, new, other] = three();
    let (_, bytes) = bundle(&new, Some(&old), Effort::Fast);
    for (new, old) in [(&other, Some(&old)), (&new, Some(&other)), (&new, None), (&old, Some(&new))] {
        assert_eq!(checked(&bytes, new, old).unwrap_err().code(), "bundle_malformed");
    }
}

#[test]
fn every_changed_or_missing_byte_is_found() {
    let [old, new, _] = three();
    let (_, bytes) = bundle(&new, Some(&old), Effort::Fast);
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        // A frame may say the same in other bytes; what comes out of it is what counts.
        if checked(&bad, &new, Some(&old)).is_ok() {
            assert_eq!(unpacked(&bad, &new, Some(&old)).unwrap(), unpacked(&bytes, &new, Some(&old)).unwrap());
        }
        assert!(checked(&bytes[..at], &new, Some(&old)).is_err(), "cut at {at}");
    }
    assert!(checked(&[&bytes[..], b"x"].concat(), &new, Some(&old)).is_err());
}

#[test]
fn section_too_few_too_many_or_too_large_is_refused() {
    let [_, new, _] = three();
    let (_, bytes) = bundle(&new, None, Effort::Fast);
    let (header, table) = (Header::parse(&bytes).unwrap(), Table::parse(&bytes).unwrap());
    let body = &bytes[header.sections_at() as usize..];
    let packed = table.sections.last().unwrap().packed_bytes as usize;
    let changed = |change: &dyn Fn(&mut Vec<Section>), body: &[u8]| {
        let mut table = table.clone();
        change(&mut table.sections);
        let bytes = [&table.to_bytes().unwrap(), body].concat();
        checked(&bytes, &new, None).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(changed(&|_| {}, body), Ok(()));
    let reason = |outcome: Result<(), String>| outcome.unwrap_err();
    let without = changed(&|all| drop(all.pop()), &body[..body.len() - packed]);
    assert!(reason(without).contains("lacks"));
    let twice = [body, &body[body.len() - packed..]].concat();
    let twice = changed(&|all| all.push(all.last().unwrap().clone()), &twice);
    assert!(reason(twice).contains("twice"));
    let late = changed(&|all| all.rotate_left(1), body);
    assert!(reason(late).contains("an index, a file table"));
    let huge = changed(&|all| all.last_mut().unwrap().plain_bytes = MAX_SECTION_BYTES, body);
    assert!(reason(huge).contains("memory"));
    // A byte of a prefix costs a whole chunk: many of them are much work for few bytes.
    let large = version(&vec![7; 16 << 20], &[1 << 20]);
    let (_, bytes) = bundle(&new, Some(&large), Effort::Fast);
    let mut table = Table::parse(&bytes).unwrap();
    let mut greedy = table.sections.last().unwrap().clone();
    greedy.prefix = (0..16).map(|at| (at << 20)..(at << 20) + 1).collect();
    table.sections.extend(vec![greedy; 300]);
    let end = table.places(table.to_bytes().unwrap().len() as u64).last().unwrap().0.end;
    let front = table.to_bytes().unwrap();
    let bytes = [&front[..], &vec![0; end as usize - front.len()]].concat();
    let error = checked(&bytes, &new, Some(&large)).unwrap_err().to_string();
    assert!(error.contains("builds on more"), "{error}");
}

#[test]
fn prefix_in_a_file_that_players_change_is_refused() {
    let [old, new, _] = three();
    let (_, bytes) = bundle(&new, Some(&old), Effort::Fast);
    let (never, all) = (|_: usize| false, |_: usize| true);
    let refused = check(
        &mut &bytes[..],
        bytes.len() as u64,
        side_of(&new, &never),
        Some(side_of(&old, &all)),
        &Monitor::default(),
    );
    assert!(refused.unwrap_err().to_string().contains("players may change"));
}
