//! Trees and files made by desync and casync: extracted, and updated to the next version.

use std::collections::HashSet;
use std::fs;

use crate::support::run::{Run, extract};
use crate::support::server::TestServer;
use crate::support::stores::{Bench, ids, read_index};
use crate::support::tools::Maker;
use crate::support::trees::{Same, assert_equal_trees, copy, noise};

/// Both versions, made by this program: installed over HTTP, updated, and taken back from a local store.
pub(crate) fn round(maker: Maker, same: Same) {
    if !maker.is_there() {
        return;
    }
    let bench = Bench::in_memory();
    let (old, new, destination) = (bench.path("old"), bench.path("new"), bench.path("there/GAME"));
    super::first_version(&old);
    super::add_longest_names(&old);
    if !matches!(maker, Maker::Casync(_)) {
        super::add_deepest_folders(&old);
    }
    copy(&old, &new);
    super::second_version(&new);
    let (old_index, new_index) = (bench.path("old.caidx"), bench.path("new.caidx"));
    maker.make(&bench.store(), &old_index, &old);
    maker.make(&bench.store(), &new_index, &new);
    let server = TestServer::start(&bench.store());

    let run = Run::of(&mut extract(&[server.url()], &old_index, &destination));
    run.done();
    assert_equal_trees(&destination, &old, same);
    let (had, has) = (ids(&read_index(&old_index)), ids(&read_index(&new_index)));
    let asked = server.take_counts();
    assert!(asked.values().all(|count| *count == 1), "each once");
    assert!(asked.len() <= had.len());

    let run = Run::of(&mut extract(&[server.url()], &new_index, &destination));
    assert_equal_trees(&destination, &new, same);
    let asked = server.take_counts();
    assert!(asked.values().all(|count| *count == 1), "each once");
    let missing: HashSet<_> = has.difference(&had).map(vsekai_updater::formats::chunk::ChunkId::store_path).collect();
    assert_eq!(asked.keys().cloned().collect::<HashSet<_>>(), missing, "{maker:?}");
    assert_eq!(run.done()["transfer"]["requests"], missing.len() as u64);
    assert_eq!(run.warnings("chunk_corrupt"), Vec::<String>::new());

    let again = Run::of(&mut extract(&[server.url()], &new_index, &destination));
    assert_eq!(again.done()["up_to_date"], true, "{maker:?}");
    Run::of(&mut extract(&[bench.store()], &old_index, &destination)).done();
    assert_equal_trees(&destination, &old, same);
}

#[test]
fn trees_of_desync() {
    round(Maker::Desync(&[]), Same::ModesAndTimes);
}

#[test]
fn trees_of_desync_named_by_sha256() {
    round(Maker::Desync(&["--digest", "sha256"]), Same::ModesAndTimes);
}

#[test]
fn trees_of_casync() {
    round(Maker::Casync(&[]), Same::ModesAndTimes);
}

#[test]
fn trees_of_casync_in_gzip() {
    round(Maker::Casync(&["--compression=gzip"]), Same::ModesAndTimes);
}

#[test]
fn trees_of_casync_in_xz() {
    round(Maker::Casync(&["--compression=xz"]), Same::ModesAndTimes);
}

#[test]
fn trees_of_casync_named_by_sha256_in_small_chunks() {
    round(Maker::Casync(&["--digest=sha256", "--chunk-size=4096"]), Same::ModesAndTimes);
}

#[test]
fn trees_of_casync_that_record_only_what_every_unix_has() {
    // Times there have a resolution of seconds.
    round(Maker::Casync(&["--with=unix"]), Same::Modes);
}

#[test]
fn folder_that_casync_or_desync_extracted_is_taken_over() {
    for (maker, program) in [(Maker::Desync(&[]), "desync"), (Maker::Casync(&[]), "casync")] {
        if !maker.is_there() {
            continue;
        }
        let bench = Bench::in_memory();
        let (old, new, destination) = (bench.path("old"), bench.path("new"), bench.path("GAME"));
        super::first_version(&old);
        copy(&old, &new);
        super::second_version(&new);
        let (old_index, new_index) = (bench.path("old.caidx"), bench.path("new.caidx"));
        maker.make(&bench.store(), &old_index, &old);
        maker.make(&bench.store(), &new_index, &new);
        fs::create_dir(&destination).unwrap();
        super::ours::extract_with(program, bench.store().to_str().unwrap(), &old_index, &destination);
        let server = TestServer::start(&bench.store());
        let mut command = extract(&[server.url()], &new_index, &destination);
        command.arg("--seed").arg(&destination).arg("--seed-index").arg(&old_index);
        Run::of(&mut command).done();
        assert_equal_trees(&destination, &new, Same::ModesAndTimes);
        let asked = server.take_counts().len();
        let missing = ids(&read_index(&new_index)).difference(&ids(&read_index(&old_index))).count();
        // casync also records the names of owners, which we cannot see on the disk, so some chunks with entries differ.
        let all = ids(&read_index(&new_index)).len();
        assert!(missing <= asked && asked < missing + all / 4, "{program}: {asked} of {all}, {missing} missing");
        if program == "desync" {
            assert_eq!(asked, missing);
        }
    }
}

#[test]
fn files_of_both() {
    for maker in [Maker::Desync(&[]), Maker::Casync(&[]), Maker::Desync(&["--digest", "sha256"])] {
        if !maker.is_there() {
            continue;
        }
        let bench = Bench::in_memory();
        let old = [noise(1, 2_000_000), vec![0; 1_000_000], noise(2, 500_000)].concat();
        let new = [&noise(3, 5_000), &old[..1_000_000], &noise(4, 20_000), &old[1_000_000..], b"end"].concat();
        let server = TestServer::start(&bench.store());
        let mut had = HashSet::new();
        for (name, bytes) in [("old", &old), ("new", &new)] {
            let (file, index) = (bench.path(name), bench.path(&format!("{name}.caibx")));
            fs::write(&file, bytes).unwrap();
            maker.make(&bench.store(), &index, &file);
            let run = Run::of(&mut extract(&[server.url()], &index, &bench.path("disk.img")));
            run.done();
            assert!(fs::read(bench.path("disk.img")).unwrap() == *bytes, "{maker:?}");
            let has = ids(&read_index(&index));
            let missing: HashSet<_> =
                has.difference(&had).map(vsekai_updater::formats::chunk::ChunkId::store_path).collect();
            let asked: HashSet<_> = server.take_counts().into_keys().collect();
            // The chunk of zeros is known without a request.
            assert!(asked.is_subset(&missing) && missing.len() <= asked.len() + 1, "{maker:?}");
            had.extend(has);
        }
    }
}
