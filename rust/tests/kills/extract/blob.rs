//! Replaces one file with another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::names;
use crate::points::{Ground, Scenario, survive};
use crate::support::stores::Bench;
use crate::support::trees::noise;

struct Blob {
    bench: Bench,
    ground: Ground,
    versions: [Vec<u8>; 2],
    indexes: [PathBuf; 2],
}

impl Blob {
    fn new() -> Self {
        let bench = Bench::in_memory();
        let old = noise(1, 60_000);
        let mut new = old.clone();
        new[30_000..30_010].fill(7);
        let indexes = [bench.publish_blob("v1.caibx", &old), bench.publish_blob("v2.caibx", &new)];
        Self { ground: Ground::below(bench.root()), bench, versions: [old, new], indexes }
    }

    fn extract(&self, index: &Path, folder: &Path) -> Command {
        let mut command = self.ground.vsekai();
        command.args(["store", "extract", "--store"]).arg(self.bench.store()).arg(index).arg(folder.join("disk.img"));
        command
    }
}

impl Scenario for Blob {
    fn name(&self) -> &'static str {
        "update of one file"
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn prepare(&self, folder: &Path) {
        self.ground.run(&mut self.extract(&self.indexes[0], folder));
    }

    fn command(&self, folder: &Path) -> Command {
        self.extract(&self.indexes[1], folder)
    }

    fn after_fault(&self, folder: &Path) {
        assert!(self.versions.contains(&fs::read(folder.join("disk.img")).unwrap()));
    }

    fn converged(&self, folder: &Path) {
        assert_eq!(fs::read(folder.join("disk.img")).unwrap(), self.versions[1]);
        assert_eq!(names(folder), [".disk.img.vsekai", "disk.img"]);
        assert_eq!(names(&folder.join(".disk.img.vsekai")), ["lock", "receipt"]);
    }
}

#[test]
fn update_of_one_file_stopped_anywhere_gives_the_old_one_or_the_new() {
    let survived = survive(&Blob::new());
    assert!(survived.operations > 20 && survived.all_faults > 100, "{survived:?}");
}
