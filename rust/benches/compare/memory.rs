//! Peak memory: of every case that was run, and for a tree ten times larger.

use std::fs;

use crate::data::enlarge;
use crate::process::Series;
use crate::table::{Row, Verdict, mebibytes};
use crate::{Bench, Result};

/// 64 MiB.
const BAR_KIB: u64 = 64 << 10;
pub(crate) const BAR: &str = "≤ 64 MiB";
pub(crate) const MAKE: &str = "peak memory: make, tree 10 times larger";
pub(crate) const EXTRACT: &str = "peak memory: extract, tree 10 times larger";

impl Bench {
    /// Records the peaks of a case for the end of the table.
    pub(crate) fn note_memory(&mut self, case: &str, ours: &Series, theirs: Option<&Series>) {
        self.note_memory_as(&format!("peak memory: {case}"), ours, theirs);
    }

    fn note_memory_as(&mut self, title: &str, ours: &Series, theirs: Option<&Series>) {
        let row = match ours.peak_kib() {
            Some(peak) => memory_row(title, peak, theirs.and_then(Series::peak_kib)),
            None => Row::missing(title, BAR, "skipped: no GNU time"),
        };
        self.memory_rows.push(row);
    }

    /// Ten different copies of the tree: made into a store, and extracted from it. One run each.
    pub(crate) fn tenfold(&mut self) -> Result<()> {
        if !self.programs.runner.measures_memory() {
            return Err("skipped: no GNU time".into());
        }
        let folder = self.scratch.join("tenfold");
        let (tree, store, index) = (folder.join("tree"), folder.join("store"), folder.join("game.caidx"));
        eprintln!("  ten times the tree is written to {}", tree.display());
        enlarge(&self.reference, &tree)?;
        fs::create_dir_all(&store)?;
        let runner = &self.programs.runner;
        match runner.run(&self.programs.make(&store, &index, &tree)) {
            Ok(sample) => self.note_memory_as(MAKE, &Series(vec![sample]), None),
            Err(e) => {
                self.rows.push(Row::missing(MAKE, BAR, &e.to_string()));
                let sample = self.programs.run(self.programs.tar(&store, &index, &tree))?;
                eprintln!("  desync made it, in {:.1} s", sample.wall.as_secs_f64());
            }
        }
        let dest = folder.join("out/GAME");
        self.fresh(&dest)?;
        let extract = self.programs.extract(&store.display().to_string(), &index, &dest);
        let sample = self.programs.runner.run(&extract)?;
        self.programs.expect_same(&dest, &tree)?;
        self.note_memory_as(EXTRACT, &Series(vec![sample]), None);
        Ok(fs::remove_dir_all(&folder)?)
    }
}

fn memory_row(title: &str, ours: u64, theirs: Option<u64>) -> Row {
    let verdict = if ours <= BAR_KIB { Verdict::Pass } else { Verdict::Fail };
    let told = theirs.map_or_else(|| "-".to_owned(), |kib| format!("desync: {}", mebibytes(kib)));
    Row::plain(title, mebibytes(ours), told, BAR, verdict)
}
