//! The data to measure with: the published game if it is available, else two generated trees.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::Index;

use crate::Result;
use crate::programs::Programs;

/// Two versions of one tree, and a store with the chunks of both.
#[derive(Debug)]
pub(crate) struct Data {
    /// Describes the data in the table.
    pub(crate) name: String,
    pub(crate) old: PathBuf,
    pub(crate) new: PathBuf,
    pub(crate) store: PathBuf,
}

impl Data {
    /// The data named by `VSEKAI_TEST_DATA`, or generated data. Incomplete data in that folder is an error.
    pub(crate) fn find(programs: &Programs, scratch: &Path) -> Result<Self> {
        if let Some(folder) = std::env::var_os("VSEKAI_TEST_DATA").filter(|folder| !folder.is_empty()) {
            return Self::published(Path::new(&folder));
        }
        eprintln!(
            "\n*** VSEKAI_TEST_DATA is not set: these numbers are NOT about the published game. ***\n\
             *** Two trees of about 150 MB are made now and measured instead.               ***\n"
        );
        Self::made(programs, scratch)
    }

    fn published(folder: &Path) -> Result<Self> {
        let mut indexes: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        indexes.retain(|path| path.extension().is_some_and(|ending| ending == "caidx"));
        indexes.sort();
        let [old, .., new] = &indexes[..] else {
            return Err(format!("VSEKAI_TEST_DATA needs two .caidx and their store: {}", folder.display()).into());
        };
        let stem = |path: &Path| path.file_stem().unwrap_or_default().display().to_string();
        let name = format!("the published game, {} and {}", stem(old), stem(new));
        Ok(Self { name, old: old.clone(), new: new.clone(), store: folder.join("store") })
    }

    fn made(programs: &Programs, scratch: &Path) -> Result<Self> {
        let folder = scratch.join("made");
        let store = folder.join("store");
        fs::create_dir_all(&store)?;
        let mut indexes = Vec::new();
        for (version, name) in [(0, "old"), (1, "new")] {
            let tree = folder.join(name);
            write_tree(&tree, version)?;
            let index = folder.join(format!("{name}.caidx"));
            let by_desync = programs.tar(&store, &index, &tree);
            let command = by_desync.unwrap_or_else(|| programs.make(&store, &index, &tree));
            programs.runner.run(&command)?;
            indexes.push(index);
        }
        let name = "made trees (VSEKAI_TEST_DATA is not set)".to_owned();
        let [old, new] = <[PathBuf; 2]>::try_from(indexes).map_err(|_| "two versions are made")?;
        Ok(Self { name, old, new, store })
    }

    /// The chunks that the new version has and the old one lacks.
    pub(crate) fn missing(&self) -> Result<BTreeSet<ChunkId>> {
        let old = unique(&read_index(&self.old)?);
        Ok(unique(&read_index(&self.new)?).difference(&old).copied().collect())
    }
}

pub(crate) fn read_index(path: &Path) -> Result<Index> {
    Ok(Index::parse(&fs::read(path)?)?)
}

fn unique(index: &Index) -> BTreeSet<ChunkId> {
    index.iter().map(|chunk| chunk.id).collect()
}

/// A well-mixed number for each `n`, by splitmix64.
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// A program, a data file and 200 small files. The new version changes a fifth of the content, and adds, removes and
/// moves files.
fn write_tree(tree: &Path, version: u64) -> Result<()> {
    fs::create_dir_all(tree.join("assets"))?;
    write_file(&tree.join("game"), 1, 40 << 20, version)?;
    write_file(&tree.join("game.pck"), 2, 90 << 20, version)?;
    for n in 0..200 {
        let is_absent = (n == 7 && version == 1) || (n == 8 && version == 0);
        let moved = if n == 9 && version == 1 { "moved-" } else { "" };
        if !is_absent {
            write_file(&tree.join(format!("assets/{moved}{n:03}.bin")), 100 + n, 100 << 10, version)?;
        }
    }
    Ok(())
}

fn write_file(path: &Path, file: u64, bytes: usize, version: u64) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut written = 0;
    let mut segment = Vec::new();
    for n in 0_u64.. {
        if written >= bytes {
            break;
        }
        let mut seed = mixed(file << 32 | n);
        if version == 1 && mixed(seed).is_multiple_of(5) {
            seed = mixed(seed ^ 1);
        }
        fill(&mut segment, seed);
        out.write_all(&segment)?;
        written += segment.len();
    }
    Ok(out.flush()?)
}

/// Writes 4 to 64 KiB of noise, of words, or of small numbers: a game's content compresses to about half.
fn fill(segment: &mut Vec<u8>, seed: u64) {
    segment.clear();
    let length = 4096 + usize::try_from(seed % 61_440).unwrap_or(0);
    let mut at = seed;
    while segment.len() < length {
        at = at.wrapping_add(1);
        let word = mixed(at);
        match seed >> 32 & 3 {
            0 | 1 => segment.extend(word.to_le_bytes()),
            2 => segment.extend(mixed(word & 0xff).to_string().bytes()),
            _ => segment.extend((word & 0x0707_0707_0707_0707).to_le_bytes()),
        }
    }
}

/// Writes ten copies of a tree into `to`. Each copy changes every byte of the files in a different way.
pub(crate) fn enlarge(tree: &Path, to: &Path) -> Result<()> {
    for mask in 0..10 {
        copy_masked(tree, &to.join(format!("copy-{mask}")), mask)?;
    }
    Ok(())
}

fn copy_masked(from: &Path, to: &Path, mask: u8) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_masked(&entry.path(), &target, mask)?;
        } else if kind.is_file() {
            let mut input = BufReader::new(File::open(entry.path())?);
            let mut output = File::create(&target)?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                let count = input.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                buffer[..count].iter_mut().for_each(|byte| *byte ^= mask);
                output.write_all(&buffer[..count])?;
            }
        }
    }
    Ok(())
}
