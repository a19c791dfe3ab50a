//! Runs a program and measures wall time, CPU time and peak memory, with a limit on its duration.
//!
//! GNU time is run between this process and the program. Without it the peak would be that of this process, because
//! Linux keeps it across fork and exec.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// Longest duration of any program.
const LIMIT_SECONDS: u32 = 900;

/// The measurements of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub(crate) wall: Duration,
    /// User and system time, in seconds.
    pub(crate) cpu_seconds: Option<f64>,
    /// Largest resident set, in KiB.
    pub(crate) peak_kib: Option<u64>,
    /// Bytes written to all files and pipes.
    pub(crate) written_bytes: Option<u64>,
    /// KiB that the kernel wrote to disks, including folders and inodes; 0 on a RAM disk.
    pub(crate) kernel_kib: Option<u64>,
    pub(crate) stdout: String,
}

impl Sample {
    /// The measurement of something that ran in this process.
    pub(crate) fn of(wall: Duration) -> Self {
        Self { wall, ..Self::default() }
    }
}

/// Runs programs in the same environment, with nothing from the user's.
#[derive(Debug)]
pub(crate) struct Runner {
    time: Option<PathBuf>,
    scratch: PathBuf,
}

impl Runner {
    pub(crate) fn new(scratch: &Path) -> Result<Self> {
        fs::create_dir_all(scratch.join("home"))?;
        let time = find("time").filter(|time| {
            let mut probe = Command::new(time);
            probe.args(["-f", "%M", "true"]).stderr(Stdio::null());
            probe.status().is_ok_and(|status| status.success())
        });
        Ok(Self { time, scratch: scratch.to_owned() })
    }

    pub(crate) fn measures_memory(&self) -> bool {
        self.time.is_some()
    }

    /// Runs the program to its end. A failure is an error with the program's output.
    pub(crate) fn run(&self, command: &Command) -> Result<Sample> {
        let usage = self.scratch.join("usage");
        let mut words: Vec<OsString> = Vec::new();
        if let Some(time) = &self.time {
            words.extend([time.into(), "-o".into(), usage.clone().into(), "-f".into(), "%U %S %M %O".into()]);
        }
        words.extend(["timeout", "--foreground", "--signal=KILL"].map(OsString::from));
        words.push(LIMIT_SECONDS.to_string().into());
        words.push(command.get_program().to_owned());
        words.extend(command.get_args().map(ToOwned::to_owned));
        let mut wrapped = Command::new(&words[0]);
        wrapped.args(&words[1..]).stdin(Stdio::null()).env("HOME", self.scratch.join("home"));
        for variable in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "VSEKAI_PROXY"] {
            wrapped.env_remove(variable);
        }
        for variable in ["http_proxy", "https_proxy", "all_proxy"] {
            wrapped.env_remove(variable).env_remove(variable.to_uppercase());
        }
        let before = written_bytes();
        let started = Instant::now();
        let output = wrapped.output()?;
        let wall = started.elapsed();
        let written = written_bytes().zip(before).map(|(after, before)| after - before);
        if !output.status.success() {
            let name = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
            let said = String::from_utf8_lossy(&output.stderr);
            let said: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).take(4).collect();
            return Err(format!("{name} failed ({}): {}", output.status, said.join(" / ")).into());
        }
        let mut sample = Sample::of(wall);
        sample.written_bytes = written;
        sample.stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if self.time.is_some() {
            let text = fs::read_to_string(&usage)?;
            let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            if let [user, system, peak, blocks] = numbers[..] {
                sample.cpu_seconds = Some(user + system);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of KiB")]
                let (kib, half_kib) = (peak as u64, blocks as u64);
                sample.peak_kib = Some(kib);
                sample.kernel_kib = Some(half_kib.div_ceil(2));
            }
        }
        Ok(sample)
    }

    /// Removes `path`, and waits until earlier runs' data is on the disk.
    pub(crate) fn clear(&self, path: &Path) -> Result<()> {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        self.settle();
        Ok(())
    }

    /// Waits until the data of earlier runs is on the disk.
    pub(crate) fn settle(&self) {
        // This only reduces noise: a file system that does not support it is measured all the same.
        let mut flush = Command::new("timeout");
        let _ = flush.args(["60", "sync", "-f"]).arg(&self.scratch).stderr(Stdio::null()).status();
    }
}

/// Bytes written so far by this process and all children that it has waited for.
fn written_bytes() -> Option<u64> {
    let counters = fs::read_to_string("/proc/self/io").ok()?;
    counters.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
}

/// The path of a program; also searches the folders of daemons.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs of one program in the rounds of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(pub(crate) Vec<Sample>);

impl Series {
    pub(crate) fn seconds(&self) -> Vec<f64> {
        self.0.iter().map(|sample| sample.wall.as_secs_f64()).collect()
    }

    /// The largest peak of all runs, in KiB.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        self.0.iter().filter_map(|sample| sample.peak_kib).max()
    }

    pub(crate) fn median_cpu(&self) -> Option<f64> {
        let all: Vec<f64> = self.0.iter().filter_map(|sample| sample.cpu_seconds).collect();
        (!all.is_empty()).then(|| median(&all))
    }
}

/// The middle value, or the mean of the middle two; 0 if there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// Something that runs once a round.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut(usize) -> Result<Sample> + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: &'static str, run: impl FnMut(usize) -> Result<Sample> + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// The series of every contender. The order changes each round, so that no contender always gets the quieter machine.
pub(crate) fn contest(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Result<Vec<(&'static str, Series)>> {
    let mut all: Vec<(&'static str, Series)> =
        contenders.iter().map(|contender| (contender.name, Series::default())).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let sample = (contenders[at].run)(round)?;
            eprintln!("  round {}: {:14} {:7.3} s", round + 1, contenders[at].name, sample.wall.as_secs_f64());
            all[at].1.0.push(sample);
        }
    }
    Ok(all)
}

/// The series of one contender, if it took part.
pub(crate) fn series<'s>(all: &'s [(&'static str, Series)], name: &str) -> Option<&'s Series> {
    all.iter().find(|(known, series)| *known == name && !series.0.is_empty()).map(|(_, series)| series)
}
