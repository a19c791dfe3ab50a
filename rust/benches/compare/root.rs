//! Cases on install roots: a check with nothing new, the metadata of an update, verify, and a small change in 10 GiB.
//!
//! The large tree is in cargo's own temporary folder, on a disk: few machines have memory for 10 GiB twice.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use vsekai_updater::formats::chunk::DigestAlgorithm;

use crate::nginx::{self, Nginx};
use crate::process::{Contender, Sample, Series, contest, median, series};
use crate::proxy::Proxy;
use crate::table::{Row, Verdict, mebibytes};
use crate::{Bench, ONE_WAY, Result};

pub(crate) const CHECK: &str = "check with nothing new, 50 ms round trip";
pub(crate) const CHECK_BAR: &str = "≤ 2 requests, < 50 ms + 2 round trips, no file of the game";
pub(crate) const METADATA: &str = "metadata fetched for an update";
pub(crate) const METADATA_BAR: &str = "≤ 64 KB + the index + the file table";
pub(crate) const VERIFY: &str = "verify, against hashing the same bytes on all cores";
pub(crate) const LARGE: &str = "update of 10 GiB in which 1 MiB changed";
pub(crate) const LARGE_BAR: &str = "< 1 s";
pub(crate) const LARGE_BYTES: &str = "the same: bytes written";
pub(crate) const LARGE_BYTES_BAR: &str = "≤ 4 MiB";
pub(crate) const MEMORY: &str = "peak memory: install, update, verify of 10 GiB";
pub(crate) const MEMORY_BAR: &str = "≤ 96 MiB";

/// Files of 1 MiB in the large tree.
const LARGE_FILES: u64 = 10 << 10;

/// The entry of every tree here.
const ENTRY: &str = "start";

/// A signed repository and an install root, in one folder.
struct Place {
    keys: PathBuf,
    repository: PathBuf,
    install: PathBuf,
}

impl Place {
    fn new(bench: &Bench, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let [keys, repository, install] = ["keys", "repository", "install"].map(|name| folder.join(name));
        bench.programs.runner.run(&bench.programs.vsekai(&["keys".as_ref(), "init".as_ref(), keys.as_os_str()]))?;
        Ok(Self { keys, repository, install })
    }

    fn publish(&self, bench: &Bench, tree: &Path, version: &str) -> Result<Sample> {
        let mut command =
            bench.programs.vsekai(&["publish", "--mode", "stable", "--entry", ENTRY, "--version", version]);
        command.arg("--repository").arg(&self.repository).arg("--keys").arg(&self.keys).arg(tree);
        bench.programs.runner.run(&command)
    }

    fn update(&self, bench: &Bench, repository: &str) -> Result<Sample> {
        let mut command = bench.programs.vsekai(&["update", "--no-shared-cache", "--repository", repository]);
        command.arg("--trust-root").arg(self.keys.join("root.json")).arg(&self.install);
        bench.programs.runner.run(&command)
    }

    fn ask(&self, bench: &Bench, verb: &str) -> Result<Sample> {
        bench.programs.runner.run(&bench.programs.vsekai(&[verb.as_ref(), self.install.as_os_str()]))
    }
}

/// A number in the last line of JSON output.
fn number(sample: &Sample, field: &str) -> u64 {
    let line = sample.stdout.lines().last().unwrap_or_default();
    let found = line.split(&format!("\"{field}\":")).nth(1).unwrap_or_default();
    found.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn add_entry(tree: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(tree.join(ENTRY), "#!/bin/sh\nexit 0\n")?;
    Ok(fs::set_permissions(tree.join(ENTRY), fs::Permissions::from_mode(0o755))?)
}

impl Bench {
    /// A copy of the game with an entry, published twice: the second version has one more file.
    fn published(&self, folder: &Path) -> Result<Place> {
        let place = Place::new(self, folder)?;
        let tree = folder.join("tree");
        self.programs.runner.run(std::process::Command::new("cp").arg("-r").args([&self.reference, &tree]))?;
        add_entry(&tree)?;
        place.publish(self, &tree, "1.0.0")?;
        fs::write(tree.join("news.txt"), "new")?;
        Ok(place)
    }

    pub(crate) fn check(&mut self) -> Result<()> {
        let folder = self.scratch.join("check");
        let place = self.published(&folder)?;
        let program = self.programs.nginx.as_ref().ok_or("skipped: no nginx")?;
        let server = Nginx::start(program, &place.repository, &self.scratch.join(nginx::FOLDER))?;
        let proxy = Proxy::start(server.address(), ONE_WAY)?;
        let far = format!("http://{}/store", proxy.address());
        place.update(self, &far)?;
        // Hidden files cannot be read.
        let (versions, hidden) = (place.install.join("versions"), folder.join("hidden"));
        fs::rename(&versions, &hidden)?;
        let mut seconds = Vec::new();
        let mut most_requests = 0;
        for _ in 0..self.rounds {
            let mark = server.mark();
            seconds.push(place.ask(self, "check")?.wall.as_secs_f64());
            most_requests = most_requests.max(server.requests_since(mark)?.len());
        }
        fs::rename(&hidden, &versions)?;
        let wall = median(&seconds);
        let bar = 0.05 + 4.0 * ONE_WAY.as_secs_f64();
        let verdict = if most_requests <= 2 && wall < bar { Verdict::Pass } else { Verdict::Fail };
        let ours = format!("{most_requests} requests, {:.0} ms", wall * 1e3);
        self.rows.push(Row::plain(CHECK, ours, "-".to_owned(), CHECK_BAR, verdict));

        place.publish(self, &folder.join("tree"), "1.1.0")?;
        let updated = place.update(self, &format!("http://{}/store", server.address()))?;
        let indexes = fs::read_dir(place.install.join(".vsekai/indexes"))?.filter_map(Result::ok).filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("1.1.0-") && [".caidx", ".zst"].iter().any(|ending| name.ends_with(ending))
        });
        let documents: u64 = indexes.map(|entry| entry.metadata().map_or(0, |found| found.len())).sum();
        let line = updated.stdout.lines().last().unwrap_or_default().to_owned();
        let metadata = line.split("\"metadata\":").nth(1).unwrap_or_default().to_owned();
        let all = number(&Sample { stdout: metadata, ..Sample::default() }, "received_bytes");
        // Where a bundle is used, index and file table come in its front, which is counted as content.
        let is_met = documents > 0 && all > 0 && all <= documents + 64_000;
        let verdict = if is_met { Verdict::Pass } else { Verdict::Fail };
        let ours = format!("{all} bytes; index and file table have {documents}");
        self.rows.push(Row::plain(METADATA, ours, "-".to_owned(), METADATA_BAR, verdict));
        Ok(())
    }

    pub(crate) fn verify(&mut self) -> Result<()> {
        let place = self.published(&self.scratch.join("verify"))?;
        place.update(self, &place.repository.display().to_string())?;
        let current = place.install.join("current");
        let contenders = vec![
            Contender::new("vsekai", |_| place.ask(self, "verify")),
            Contender::new("hash", |_| hash_all(&current).map(Sample::of)),
        ];
        let all = contest(self.rounds, contenders)?;
        let take = |name| series(&all, name).cloned().unwrap_or_default();
        let (ours, hash) = (take("vsekai"), take("hash"));
        let row = Row::ratio(VERIFY, &ours, ("SHA-512/256 of 64 KiB pieces, all cores", &hash), Some(1.11));
        self.rows.push(row);
        Ok(())
    }

    /// A single run, because it takes minutes.
    pub(crate) fn large(&mut self) -> Result<()> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let outcome = self.large_in(&folder);
        fs::remove_dir_all(&folder)?;
        outcome
    }

    fn large_in(&mut self, folder: &Path) -> Result<()> {
        let place = Place::new(self, folder)?;
        let tree = folder.join("tree");
        eprintln!("  10 GiB are written to {}", tree.display());
        write_large(&tree)?;
        add_entry(&tree)?;
        let mut runs = vec![place.publish(self, &tree, "1.0.0")?];
        write_megabyte(&tree.join("data/007/007.bin"), u64::MAX)?;
        runs.push(place.publish(self, &tree, "1.1.0")?);
        fs::remove_dir_all(&tree)?;
        let repository = place.repository.display().to_string();
        let mut first = self.programs.vsekai(&["update", "--no-shared-cache", "--version", "1.0.0", "--repository"]);
        first.arg(&repository).arg("--trust-root").arg(place.keys.join("root.json")).arg(&place.install);
        let mut ours = Series(vec![self.programs.runner.run(&first)?]);
        self.programs.runner.run(std::process::Command::new("sync").arg("-f").arg(folder))?;
        let update = place.update(self, &repository)?;
        let (wall, content) = (update.wall.as_secs_f64(), number(&update, "written_bytes"));
        let (kernel, all) = (update.kernel_kib.unwrap_or(0), update.written_bytes.unwrap_or(u64::MAX));
        ours.0.push(update);
        ours.0.push(place.ask(self, "verify")?);
        let shown = format!(
            "{wall:.2} s, of a local repository; publishing took {:.0} s, then {:.0} s",
            runs[0].wall.as_secs_f64(),
            runs[1].wall.as_secs_f64()
        );
        let verdict = |is_met: bool| if is_met { Verdict::Pass } else { Verdict::Fail };
        self.rows.push(Row::plain(LARGE, shown, "-".to_owned(), LARGE_BAR, verdict(wall < 1.0)));
        let shown = format!(
            "{} in all, {} of it content; the kernel wrote {}, inodes and folders of the links too",
            mebibytes(all / 1024),
            mebibytes(content / 1024),
            mebibytes(kernel)
        );
        let is_met = content > 0 && all <= 4 << 20;
        self.rows.push(Row::plain(LARGE_BYTES, shown, "-".to_owned(), LARGE_BYTES_BAR, verdict(is_met)));
        let peak = ours.peak_kib().unwrap_or(u64::MAX);
        self.rows.push(Row::plain(MEMORY, mebibytes(peak), "-".to_owned(), MEMORY_BAR, verdict(peak <= 96 << 10)));
        Ok(())
    }
}

/// Reads every file below a folder in pieces of 64 KiB and hashes each, on all cores, regardless of the files' sizes.
fn hash_all(folder: &Path) -> Result<std::time::Duration> {
    let mut pieces = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                pieces.extend((0..metadata.len()).step_by(1 << 16).map(|at| (entry.path(), at)));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            let mut open: Option<(PathBuf, File)> = None;
            let mut buffer = Vec::new();
            // Runs of pieces, so that a file is not opened for each one.
            loop {
                let first = next.fetch_add(64, Ordering::Relaxed);
                if first >= pieces.len() {
                    return Ok(());
                }
                for (path, at) in &pieces[first..pieces.len().min(first + 64)] {
                    if open.as_ref().is_none_or(|(known, _)| known != path) {
                        open = Some((path.clone(), File::open(path)?));
                    }
                    let Some((_, file)) = &mut open else { continue };
                    file.seek(SeekFrom::Start(*at))?;
                    buffer.clear();
                    file.take(1 << 16).read_to_end(&mut buffer)?;
                    std::hint::black_box(DigestAlgorithm::Sha512_256.id_of(&buffer));
                }
            }
        };
        let threads = std::thread::available_parallelism()?.get();
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread died")?)
    })?;
    Ok(started.elapsed())
}

fn write_large(tree: &Path) -> Result<()> {
    for file in 0..LARGE_FILES {
        let folder = tree.join(format!("data/{:03}", file / 256));
        if file % 256 == 0 {
            fs::create_dir_all(&folder)?;
        }
        write_megabyte(&folder.join(format!("{:03}.bin", file % 256)), file)?;
    }
    Ok(())
}

/// Writes lines of 64 bytes that are all different but mostly alike: they have to be hashed and stored, and compress
/// well.
fn write_megabyte(path: &Path, seed: u64) -> Result<()> {
    let mut bytes = Vec::with_capacity(1 << 20);
    for line in 0..1_u64 << 14 {
        let word = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ line).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bytes.extend(word.to_le_bytes());
        bytes.extend([line.to_le_bytes()[0]; 56]);
    }
    Ok(File::create(path)?.write_all(&bytes)?)
}
