//! A gibibyte of holes, and twenty thousand files.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::run::{Run, extract, planned};
use crate::support::stores::Bench;
use crate::support::tools::Maker;
use crate::support::trees::{Same, assert_equal_trees, noise, write};

const GIB: u64 = 1 << 30;

#[test]
fn sparse_gibibyte_stays_sparse() {
    for maker in [Maker::Desync(&[]), Maker::Casync(&[])] {
        if !maker.is_there() {
            continue;
        }
        let bench = Bench::in_memory();
        let (tree, destination) = (bench.path("tree"), bench.path("GAME"));
        write(&tree, "a", b"before");
        let file = fs::File::create(tree.join("sparse")).unwrap();
        file.set_len(GIB).unwrap();
        for (at, len) in [(0, 100_000), (300 << 20, 100_000), (GIB - 50_000, 50_000)] {
            file.write_all_at(&noise(at, len), at).unwrap();
        }
        drop(file);
        write(&tree, "z", b"after");
        let index = bench.path("sparse.caidx");
        maker.make(&bench.store(), &index, &tree);
        let started = Instant::now();
        let run = Run::of(&mut extract(&[bench.store()], &index, &destination));
        let took = started.elapsed();
        assert!(run.done()["written_bytes"].as_u64().unwrap() < 4 << 20, "{}", run.done());
        let found = fs::metadata(destination.join("sparse")).unwrap();
        assert_eq!(found.len(), GIB);
        assert!(found.blocks() * 512 < 8 << 20, "{} bytes on the disk", found.blocks() * 512);
        assert!(took < Duration::from_secs(10), "{took:?}");
        let same = Command::new("cmp").arg(tree.join("sparse")).arg(destination.join("sparse")).status().unwrap();
        assert!(same.success());
        assert_eq!(Run::of(&mut extract(&[bench.store()], &index, &destination)).done()["up_to_date"], true);
    }
}

#[test]
fn twenty_thousand_files_are_installed_and_updated() {
    let bench = Bench::in_memory();
    let tree = bench.path("tree");
    let content = |number: u64, version: u64| noise(number * 10 + version, 20 + usize::try_from(number % 300).unwrap());
    let name = |number: u64| format!("{}/{}/{number}.dat", number % 7, number % 150);
    for number in 0..20_000 {
        write(&tree, &name(number), &content(number, 0));
    }
    let makers = [("desync", Maker::Desync(&[])), ("casync", Maker::Casync(&[]))];
    let present: Vec<_> = makers.into_iter().filter(|(_, maker)| maker.is_there()).collect();
    let go = |index: &str, maker: Maker, to: &str| {
        let index = bench.path(index);
        maker.make(&bench.path(to).with_extension("store"), &index, &tree);
        let mut command = extract(&[bench.path(to).with_extension("store")], &index, &bench.path(to));
        let run = Run::of(&mut command);
        run.done();
        assert_equal_trees(&bench.path(to), &tree, Same::ModesAndTimes);
        run
    };
    for (program, maker) in &present {
        go("first.caidx", *maker, program);
    }
    for number in (0..20_000).step_by(400) {
        write(&tree, &name(number), &content(number, 1));
        fs::remove_file(tree.join(name(number + 1))).unwrap();
        fs::rename(tree.join(name(number + 2)), tree.join(format!("moved {number}"))).unwrap();
    }
    for (program, maker) in &present {
        let run = go("second.caidx", *maker, program);
        assert!(planned(run.done(), "kept_files") > 15_000, "{}", run.done());
    }
}
