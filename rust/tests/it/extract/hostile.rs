//! Malicious archives and indexes: they cause an error, and nothing outside the destination changes.

use std::hash::Hasher;
use std::path::Path;

use siphasher::sip::SipHasher24;
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};

use super::Game;
use crate::support::run::{Run, extract};
use crate::support::stores::{Bench, read_index};
use crate::support::trees::{Same, assert_same, noise, snapshot};

const ENTRY: u64 = 0x1396_fabc_ea5b_bb51;
const FILENAME: u64 = 0x6dbb_6ebc_b316_1f0b;
const PAYLOAD: u64 = 0x8b9e_1d93_d6dc_ffc9;
const SYMLINK: u64 = 0x664a_6fb6_830e_0d6c;
const GOODBYE: u64 = 0xdfd3_5c5e_8327_c403;
const GOODBYE_TAIL: u64 = 0x5744_6fa5_3370_2943;

fn words(fields: &[u64]) -> Vec<u8> {
    fields.iter().flat_map(|field| field.to_le_bytes()).collect()
}

fn string(kind: u64, text: &[u8]) -> Vec<u8> {
    [words(&[16 + text.len() as u64 + 1, kind]), text.to_vec(), vec![0]].concat()
}

fn entry(mode: u64) -> Vec<u8> {
    words(&[64, ENTRY, FeatureFlags::TREE.bits(), mode, 0, 0, 0, 0])
}

fn file(content: &[u8]) -> Vec<u8> {
    [entry(0o100_644), words(&[16 + content.len() as u64, PAYLOAD]), content.to_vec()].concat()
}

fn symlink(target: &str) -> Vec<u8> {
    [entry(0o120_777), string(SYMLINK, target.as_bytes())].concat()
}

/// A directory with up to two children, with a table that casync would accept.
fn directory(children: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let mut out = entry(0o040_755);
    let mut starts = Vec::new();
    for (name, node) in children {
        starts.push((out.len() as u64, *name));
        out.extend(string(FILENAME, name));
        out.extend(node);
    }
    let end = out.len() as u64;
    let mut items: Vec<_> = starts
        .iter()
        .enumerate()
        .map(|(at, (start, name))| {
            let next = starts.get(at + 1).map_or(end, |(next, _)| *next);
            let mut hash = SipHasher24::new_with_keys(0x8574_442b_0f1d_84b3, 0x2736_ed30_d1c2_2ec1);
            hash.write(name);
            (hash.finish(), end - start, next - start)
        })
        .collect();
    items.sort_unstable();
    // With two children, the root of the search tree is the second.
    items.reverse();
    assert!(items.len() <= 2);
    let size = 16 + 24 * (items.len() as u64 + 1);
    out.extend(words(&[size, GOODBYE]));
    for (hash, offset, size) in items {
        out.extend(words(&[offset, size, hash]));
    }
    out.extend(words(&[end, size, GOODBYE_TAIL]));
    out
}

fn run(bench: &Bench, stream: &[u8]) -> Run {
    let index = bench.publish_stream("hostile.caidx", FeatureFlags::TREE, stream);
    Run::of(&mut extract(&[bench.store()], &index, &bench.path("there/GAME")))
}

/// Checks that nothing was created but our own folder next to the destination, and that it contains no tree.
fn assert_nothing_came_of_it(bench: &Bench, before: &crate::support::trees::Snapshot) {
    let mut after = snapshot(bench.root());
    after.retain(|path, _| {
        !path.starts_with("there") && !path.starts_with("store") && path != Path::new("hostile.caidx")
    });
    let mut before = before.clone();
    before.retain(|path, _| after.contains_key(path) || !path.starts_with("store"));
    after.insert("".into(), before[Path::new("")].clone());
    before.insert("".into(), after[Path::new("")].clone());
    assert_same(&before, &after, Same::Untouched);
    assert!(!bench.path("there/GAME").exists());
    assert!(!Path::new("/tmp/vsekai-hostile").exists());
}

#[test]
fn archives_made_by_hand_here_are_sound() {
    let bench = Bench::in_memory();
    let stream = directory(&[(b"a", directory(&[(b"x", file(b"one"))])), (b"b", symlink("a/x"))]);
    run(&bench, &stream).done();
    assert_eq!(std::fs::read(bench.path("there/GAME/b")).unwrap(), b"one");
}

#[test]
fn names_that_leave_the_folder_or_exist_nowhere_are_refused() {
    let long = [b'n'; 256];
    let names: [&[u8]; 24] = [
        b"..",
        b".",
        b"",
        b"/etc",
        b"/",
        b"../x",
        b"a/b",
        b"a\\b",
        b"..\\x",
        b"C:",
        b"C:x",
        b"nul\0x",
        b"CON",
        b"nul.txt",
        b"com1",
        b"a.",
        b"a ",
        b"a:stream",
        b"a\nb",
        b"a*",
        b"\xff\xfe",
        b"/tmp/vsekai-hostile",
        &long,
        b"\x7f",
    ];
    let bench = Bench::in_memory();
    let before = snapshot(bench.root());
    for (at, name) in names.into_iter().enumerate() {
        let stream = match at % 3 {
            0 => directory(&[(name, directory(&[(b"inside", file(b"evil"))]))]),
            1 => directory(&[(name, file(b"evil"))]),
            _ => directory(&[(b"deeper", directory(&[(name, symlink("x"))]))]),
        };
        let run = run(&bench, &stream);
        let code = run.lines.last().unwrap()["code"].clone();
        assert!(code == "unsafe_path" || code == "archive_malformed", "{:?}: {code}", name.escape_ascii());
        assert_nothing_came_of_it(&bench, &before);
    }
}

#[test]
fn links_that_leave_the_folder_are_refused() {
    let bench = Bench::in_memory();
    let before = snapshot(bench.root());
    for target in ["/etc/passwd", "..", "../x", "a/../../x", "/", "", "C:x", "..\\x", "./../x"] {
        let message = run(&bench, &directory(&[(b"a", symlink(target))]));
        let code = message.lines.last().unwrap()["code"].clone();
        assert!(code == "unsafe_path" || code == "archive_malformed", "{target}: {code}");
        assert_nothing_came_of_it(&bench, &before);
    }
}

#[test]
fn link_that_leaves_the_folder_through_another_is_refused_by_its_name() {
    let bench = Bench::in_memory();
    let before = snapshot(bench.root());
    let up = || directory(&[(b"up", symlink(".."))]);
    let deep = directory(&[(b"d2", directory(&[(b"up", symlink("../.."))]))]);
    for (stream, link) in [
        (directory(&[(b"d1", up()), (b"e", symlink("d1/up/../outside"))]), "e -> d1/up/../outside"),
        (directory(&[(b"d1", deep), (b"e", symlink("d1/d2/up/../x"))]), "e -> d1/d2/up/../x"),
    ] {
        let message = run(&bench, &stream).failed("unsafe_path");
        assert!(message.contains(link), "{message}");
        assert_nothing_came_of_it(&bench, &before);
    }
}

#[test]
fn name_that_is_there_twice_is_refused_so_nothing_is_written_through_a_link() {
    let bench = Bench::in_memory();
    let before = snapshot(bench.root());
    for stream in [
        directory(&[(b"a", file(b"1")), (b"a", file(b"2"))]),
        directory(&[(b"a", symlink("b")), (b"a", directory(&[(b"x", file(b"evil"))]))]),
        directory(&[(b"a", directory(&[(b"x", file(b"evil"))])), (b"a", symlink("b"))]),
    ] {
        run(&bench, &stream).failed("archive_malformed");
        assert_nothing_came_of_it(&bench, &before);
    }
}

#[test]
fn names_that_differ_in_case_are_two_files_where_the_disk_says_so() {
    let bench = Bench::in_memory();
    run(&bench, &directory(&[(b"Readme", file(b"1")), (b"readme", file(b"2"))])).done();
    assert_eq!(std::fs::read_dir(bench.path("there/GAME")).unwrap().count(), 2);
}

#[test]
fn set_user_id_is_not_taken_from_an_archive() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::in_memory();
    let suid = [entry(0o106_755), words(&[20, PAYLOAD]), b"evil".to_vec()].concat();
    run(&bench, &directory(&[(b"a", suid)])).done();
    assert_eq!(std::fs::metadata(bench.path("there/GAME/a")).unwrap().permissions().mode(), 0o100_755);
}

#[test]
fn devices_and_pipes_are_left_out_with_a_warning() {
    let bench = Bench::in_memory();
    let stream = directory(&[(b"a", entry(0o010_644)), (b"b", file(b"good"))]);
    let run = run(&bench, &stream);
    run.done();
    assert_eq!(run.warnings("unsupported").len(), 1);
    assert_eq!(std::fs::read_dir(bench.path("there/GAME")).unwrap().count(), 1);
}

#[test]
fn every_cut_of_an_archive_is_an_error() {
    let bench = Bench::in_memory();
    let before = snapshot(bench.root());
    let stream = directory(&[(b"a", directory(&[(b"x", file(b"one"))])), (b"b", symlink("a/x"))]);
    for len in [1, 15, 16, 64, 100, stream.len() - 24, stream.len() - 1] {
        run(&bench, &stream[..len]).failed("archive_malformed");
        assert_nothing_came_of_it(&bench, &before);
    }
    run(&bench, &[&stream[..], b"x"].concat()).failed("archive_malformed");
    run(&bench, &noise(8, 100_000)).failed("archive_malformed");
    assert_nothing_came_of_it(&bench, &before);
}

#[test]
fn blob_named_as_a_tree_is_an_error_and_a_wrong_ending_is_wrong_usage() {
    let game = Game::new();
    let blob = game.bench.publish_blob("blob.caidx", &noise(1, 50_000));
    game.extract(&blob).failed("archive_malformed");
    let other = game.bench.path("v1.txt");
    std::fs::copy(&game.old_index, &other).unwrap();
    game.extract(&other).failed("invalid_argument");
    game.extract(&game.bench.path("none.caidx")).failed("not_found");
}

/// The index with changed chunk sizes.
fn resized(index: &Index, resize: impl Fn(usize, u64) -> u64) -> Vec<u8> {
    let mut out = Index::new(index.flags(), index.sizes());
    for (at, chunk) in index.iter().enumerate() {
        out.push(chunk.id, resize(at, chunk.size())).unwrap();
    }
    out.to_bytes()
}

#[test]
fn wrong_sizes_for_real_chunks_are_an_error() {
    let game = Game::installed();
    let before = snapshot(&game.destination);
    let index = read_index(&game.new_index);
    let at = (0..index.len()).find(|at| game.missing().contains(&index.get(*at).unwrap().id)).unwrap();
    let path = game.bench.path("wrong.caidx");
    for by in [1, -1] {
        let bytes = resized(&index, |position, size| match position {
            _ if position == at => size.checked_add_signed(by).unwrap(),
            _ if position == at + 1 => size.checked_add_signed(-by).unwrap(),
            _ => size,
        });
        std::fs::write(&path, bytes).unwrap();
        game.extract(&path).failed("chunk_corrupt");
        assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    }
    let one = game.bench.publish_blob("blob.caibx", &noise(1, 50_000));
    let longer = resized(&read_index(&one), |_, size| size + 1);
    std::fs::write(game.bench.path("wrong.caibx"), longer).unwrap();
    let mut command = extract(&[game.bench.store()], &game.bench.path("wrong.caibx"), &game.bench.path("blob"));
    Run::of(&mut command).failed("chunk_corrupt");
    assert!(!game.bench.path("blob").exists());
}

#[test]
fn indexes_that_claim_too_much_are_refused_at_once() {
    let game = Game::new();
    let good = std::fs::read(&game.old_index).unwrap();
    let path = game.bench.path("bad.caidx");
    let field = |at: usize, value: u64| {
        let mut bad = good.clone();
        bad[at..at + 8].copy_from_slice(&value.to_le_bytes());
        bad
    };
    for bad in [
        field(16, u64::MAX),
        field(40, 1 << 40),
        field(24, 0),
        field(64, u64::MAX),
        field(64, 0),
        field(good.len() - 16, u64::MAX),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
        b"<!DOCTYPE html>".to_vec(),
        Vec::new(),
    ] {
        std::fs::write(&path, bad).unwrap();
        game.extract(&path).failed("index_malformed");
    }
    assert!(!game.destination.exists());
}

#[test]
fn index_of_far_more_than_the_disk_holds_is_refused() {
    let bench = Bench::in_memory();
    let sizes = ChunkSizes::new(1 << 20, 4 << 20, 16 << 20).unwrap();
    let mut index = Index::new(FeatureFlags::BLOB, sizes);
    let id = bench.put(b"tiny");
    for _ in 0..2_000_000 {
        index.push(id, 16 << 20).unwrap();
    }
    std::fs::write(bench.path("huge.caibx"), index.to_bytes()).unwrap();
    let started = std::time::Instant::now();
    Run::of(&mut extract(&[bench.store()], &bench.path("huge.caibx"), &bench.path("out"))).failed("disk_full");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    assert!(!bench.path("out").exists());
}
