//! Cases on local stores: extract, make, make again, and parsing an index of a million chunks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};
use vsekai_updater::local::store::LocalStore;

use crate::data::read_index;
use crate::floor::Floor;
use crate::process::{Contender, Sample, Series, contest, median, series};
use crate::table::{Row, Verdict, mebibytes};
use crate::{Bench, Result};

pub(crate) const EXTRACT: &str = "extract from a local store into a new folder";
pub(crate) const FLOOR: &str = "the same extract, against the floor";
pub(crate) const MAKE: &str = "make into a new store, zstd level 3";
pub(crate) const AGAIN: &str = "make again, all chunks there";
pub(crate) const MILLION: &str = "parse an index of 1,000,000 chunks";
pub(crate) const MILLION_BAR: &str = "< 100 ms, < 100 MB";

impl Bench {
    /// Extract, against desync and against the floor.
    pub(crate) fn extract(&mut self) -> Result<()> {
        let data = &self.data;
        let store = data.store.display().to_string();
        let floor = Floor::load(&read_index(&data.new)?, &LocalStore::open(&data.store)?)?;
        let [ours, theirs, copy] = ["extract/ours/GAME", "extract/desync/GAME", "extract/copy/GAME"];
        let [ours, theirs, copy] = [ours, theirs, copy].map(|name| self.scratch.join(name));
        let mut contenders = vec![
            Contender::new("vsekai", |round| {
                self.fresh(&ours)?;
                let sample = self.programs.runner.run(&self.programs.extract(&store, &data.new, &ours))?;
                if round == 0 {
                    self.programs.expect_same(&ours, &self.reference)?;
                }
                Ok(sample)
            }),
            Contender::new("decode", |_| Ok(Sample::of(floor.run()?))),
            Contender::new("cp -r", |_| {
                self.fresh(&copy)?;
                self.programs.runner.run(Command::new("cp").arg("-r").args([&self.reference, &copy]))
            }),
        ];
        if self.programs.has_desync() {
            contenders.push(Contender::new("desync", |_| {
                self.fresh(&theirs)?;
                self.programs.run(self.programs.untar(&store, &data.new, &theirs))
            }));
        }
        let all = contest(self.rounds, contenders)?;
        let take = |name| series(&all, name).cloned().unwrap_or_default();
        let (ours, decode, copy) = (take("vsekai"), take("decode"), take("cp -r"));
        self.versus("desync untar", EXTRACT, &ours, series(&all, "desync"), Some(0.5));
        let name = format!(
            "decode and hash the unique chunks, from memory, on all cores ({:.3} s) + `cp -r` of the tree ({:.3} s)",
            median(&decode.seconds()),
            median(&copy.seconds())
        );
        let floor = decode.0.iter().zip(&copy.0).map(|(decode, copy)| Sample::of(decode.wall + copy.wall)).collect();
        self.rows.push(Row::ratio(FLOOR, &ours, (&name, &Series(floor)), Some(1.3)));
        self.note_memory("extract", &ours, series(&all, "desync"));
        Ok(())
    }

    /// Makes into empty stores, then makes once more into the same stores.
    pub(crate) fn make(&mut self) -> Result<()> {
        let ours = self.make_contest(true)?;
        self.versus("desync tar", MAKE, &ours.0, ours.1.as_ref(), Some(0.7));
        self.note_memory("make", &ours.0, ours.1.as_ref());
        self.expect_readable()?;
        let again = self.make_contest(false)?;
        self.versus("desync tar", AGAIN, &again.0, again.1.as_ref(), Some(0.6));
        self.note_memory("make again", &again.0, again.1.as_ref());
        let stored = |name: &str| folder_bytes(&self.made_in(name, 0).join("store"));
        let (ours, theirs) = (stored("ours")?, stored("desync")?);
        let words = |bytes: u64| format!("{} of chunk files", mebibytes(bytes / 1024));
        self.rows.push(Row::plain("size of the store made", words(ours), words(theirs), "none", Verdict::Shown));
        Ok(())
    }

    fn make_contest(&self, is_new: bool) -> Result<(Series, Option<Series>)> {
        let prepare = |name: &str, round: usize| -> Result<[PathBuf; 2]> {
            let folder = self.made_in(name, if is_new { round } else { 0 });
            fs::create_dir_all(folder.join("store"))?;
            self.programs.runner.settle();
            Ok([folder.join("store"), folder.join("game.caidx")])
        };
        let mut contenders = vec![Contender::new("vsekai", |round| {
            let [store, index] = prepare("ours", round)?;
            self.programs.runner.run(&self.programs.make(&store, &index, &self.reference))
        })];
        if self.programs.has_desync() {
            contenders.push(Contender::new("desync", |round| {
                let [store, index] = prepare("desync", round)?;
                self.programs.run(self.programs.tar(&store, &index, &self.reference))
            }));
        }
        let all = contest(self.rounds, contenders)?;
        Ok((series(&all, "vsekai").cloned().unwrap_or_default(), series(&all, "desync").cloned()))
    }

    /// A folder for each round, all kept until the case ends. Without a journal, ext4 searches for minutes past every
    /// inode that was just freed; with thousands of them, that would be measured instead.
    fn made_in(&self, name: &str, round: usize) -> PathBuf {
        self.scratch.join("make").join(format!("{name}-{round}"))
    }

    /// Checks that desync can read our store, and gets the same tree from it.
    fn expect_readable(&self) -> Result<()> {
        let folder = self.made_in("ours", 0);
        let back = self.scratch.join("make/back/GAME");
        self.fresh(&back)?;
        let store = folder.join("store").display().to_string();
        if let Some(untar) = self.programs.untar(&store, &folder.join("game.caidx"), &back) {
            self.programs.runner.run(&untar)?;
            self.programs.expect_same(&back, &self.reference)?;
        }
        self.fresh(&back)
    }

    /// Runs in a separate process, so that its peak memory is that of the parse.
    pub(crate) fn million(&mut self) -> Result<()> {
        let file = self.scratch.join("million.caibx");
        fs::write(&file, million_chunks()?.to_bytes())?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("parse").arg(&file);
        let mut samples = Vec::new();
        let mut milliseconds = Vec::new();
        for _ in 0..self.rounds {
            let sample = self.programs.runner.run(&command)?;
            milliseconds.push(sample.stdout.trim().parse::<f64>()?);
            samples.push(sample);
        }
        let time = median(&milliseconds);
        let peak = Series(samples).peak_kib();
        let is_good = time < 100.0 && peak.is_none_or(|kib| kib * 1024 < 100_000_000);
        let verdict = if is_good { Verdict::Pass } else { Verdict::Fail };
        let memory = peak.map_or_else(|| "memory not measured".to_owned(), mebibytes);
        let words = format!("{time:.1} ms, {memory} (with the file's bytes in memory)");
        self.rows.push(Row::plain(MILLION, words, "-".to_owned(), MILLION_BAR, verdict));
        Ok(fs::remove_file(file)?)
    }
}

fn million_chunks() -> Result<Index> {
    let mut index = Index::new(FeatureFlags::BLOB, ChunkSizes::default());
    for n in 0..1_000_000_u64 {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        index.push(ChunkId::from_bytes(id), 16_384 + n % 200_000)?;
    }
    Ok(index)
}

/// The other half of [`Bench::million`]: prints the duration of the parse in milliseconds.
pub(crate) fn parse(file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let started = Instant::now();
    let index = Index::parse(&bytes)?;
    println!("{}", started.elapsed().as_secs_f64() * 1000.0);
    if index.is_empty() { Err("the index is empty".into()) } else { Ok(()) }
}

/// Total size of all files below a folder; 0 if it does not exist.
fn folder_bytes(folder: &PathBuf) -> Result<u64> {
    let mut total = 0;
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            total += if entry.file_type()?.is_dir() { folder_bytes(&entry.path())? } else { entry.metadata()?.len() };
        }
    }
    Ok(total)
}
