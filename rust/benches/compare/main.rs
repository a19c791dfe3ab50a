//! Compares `vsekai` with the real desync, in the same run on the same data; prints one table of ratios.
//!
//! ```text
//! VSEKAI_TEST_DATA=DIR cargo bench --bench compare [-- --rounds N] [--write FILE] [--only CASE,CASE] [--check]
//! cargo bench --bench compare -- proxy PORT HOST:PORT [ONE_WAY_MS]
//! ```
//!
//! It runs real programs and measures them from outside; it uses the library only for the floor. The contenders of each
//! case alternate, and a ratio is the median of the rounds' ratios. If a program is missing on the machine, the rows
//! that need it say so. Everything happens in one temporary folder (below `TMPDIR`) and on 127.0.0.1.
//! `VSEKAI_BENCH_BINARY` names another `vsekai` to measure; `DESYNC_VERSION` gives the version of desync, which desync
//! itself does not print. `proxy` only starts the slow link, for manual use.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]

use std::fs;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use data::Data;
use process::Series;
use programs::Programs;
use table::{Row, Verdict};

mod data;
mod floor;
mod local;
mod memory;
mod nginx;
mod process;
mod programs;
mod proxy;
mod remote;
mod root;
mod table;

pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Half of the 50 ms round trip to the far store.
pub(crate) const ONE_WAY: Duration = Duration::from_millis(25);

/// With fewer rounds, a median is meaningless.
const ROUNDS: usize = 5;

/// One run of the benchmark.
pub(crate) struct Bench {
    programs: Programs,
    data: Data,
    /// The new version as extracted by desync: every result is compared with it.
    reference: PathBuf,
    scratch: PathBuf,
    rounds: usize,
    rows: Vec<Row>,
    memory_rows: Vec<Row>,
}

struct Case {
    name: &'static str,
    run: fn(&mut Bench) -> Result<()>,
    /// The rows that the case must produce, with their bars: a row that cannot be measured is listed all the same.
    owes: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 9] = [
    Case { name: "extract", run: Bench::extract, owes: &[(local::EXTRACT, "≤ 0.5"), (local::FLOOR, "≤ 1.3")] },
    Case { name: "make", run: Bench::make, owes: &[(local::MAKE, "≤ 0.7"), (local::AGAIN, "≤ 0.6")] },
    Case {
        name: "far",
        run: Bench::far,
        owes: &[
            (remote::FAR, "≤ 0.15"),
            (remote::FAR_64, "≤ 0.8"),
            (remote::FAR_UPDATE, "none"),
            (remote::FAR_UPDATE_64, "none"),
        ],
    },
    Case {
        name: "update",
        run: Bench::update,
        owes: &[(remote::REQUESTS, "exactly the missing chunks, once each"), (remote::AGAIN, remote::AGAIN_BAR)],
    },
    Case { name: "million", run: Bench::million, owes: &[(local::MILLION, local::MILLION_BAR)] },
    Case {
        name: "check",
        run: Bench::check,
        owes: &[(root::CHECK, root::CHECK_BAR), (root::METADATA, root::METADATA_BAR)],
    },
    Case { name: "verify", run: Bench::verify, owes: &[(root::VERIFY, "≤ 1.11")] },
    Case {
        name: "large",
        run: Bench::large,
        owes: &[
            (root::LARGE, root::LARGE_BAR),
            (root::LARGE_BYTES, root::LARGE_BYTES_BAR),
            (root::MEMORY, root::MEMORY_BAR),
        ],
    },
    Case { name: "tenfold", run: Bench::tenfold, owes: &[(memory::MAKE, memory::BAR), (memory::EXTRACT, memory::BAR)] },
];

impl Bench {
    fn new(scratch: &Path, rounds: usize) -> Result<Self> {
        let programs = Programs::find(scratch)?;
        let data = Data::find(&programs, scratch)?;
        let reference = scratch.join("reference/GAME");
        fs::create_dir_all(scratch.join("reference"))?;
        let store = data.store.display().to_string();
        let by_desync = programs.untar(&store, &data.new, &reference);
        if by_desync.is_none() {
            eprintln!("\nSKIPPED: no desync: there is nothing to compare with, and our own extract is the reference\n");
        }
        programs.runner.run(&by_desync.unwrap_or_else(|| programs.extract(&store, &data.new, &reference)))?;
        let scratch = scratch.to_owned();
        Ok(Self { programs, data, reference, scratch, rounds, rows: Vec::new(), memory_rows: Vec::new() })
    }

    /// Empties the folder that contains `path`, including the files that an updater keeps next to its destination.
    pub(crate) fn fresh(&self, path: &Path) -> Result<()> {
        let folder = path.parent().ok_or("a path without a folder")?;
        self.programs.runner.clear(folder)?;
        Ok(fs::create_dir_all(folder)?)
    }

    pub(crate) fn versus(&mut self, name: &str, case: &str, ours: &Series, theirs: Option<&Series>, bar: Option<f64>) {
        self.rows.push(match theirs {
            Some(theirs) => Row::ratio(case, ours, (name, theirs), bar),
            None => Row::alone(case, ours, bar, "skipped: no desync"),
        });
    }

    fn run(&mut self, only: Option<&[String]>) -> Result<()> {
        let is_wanted = |name: &str| only.is_none_or(|only| only.iter().any(|wanted| wanted == name));
        for case in CASES {
            if is_wanted(case.name) {
                eprintln!("{}", case.name);
                if let Err(e) = (case.run)(self) {
                    self.say_missing(&case, &e.to_string());
                }
                // The next case does not need the files of this one.
                let folders = fs::read_dir(&self.scratch)?.filter_map(|entry| Some(entry.ok()?.path()));
                for folder in folders.filter(|path| path.is_dir() && !self.is_kept(path)) {
                    fs::remove_dir_all(folder)?;
                }
            }
        }
        self.rows.append(&mut self.memory_rows);
        Ok(())
    }

    fn say_missing(&mut self, case: &Case, reason: &str) {
        for (title, bar) in case.owes {
            if !self.rows.iter().chain(&self.memory_rows).any(|row| row.is_about(title)) {
                self.rows.push(Row::missing(title, bar, reason));
            }
        }
    }

    fn is_kept(&self, folder: &Path) -> bool {
        ["home", "made", "reference"].iter().any(|name| folder == self.scratch.join(name))
    }

    fn report(&self, machine: &str, options: &Options) -> String {
        let is_made = self.data.store.starts_with(&self.scratch);
        let variable = if is_made { "" } else { "VSEKAI_TEST_DATA=DIR " };
        let only = options.only.as_ref().map_or_else(String::new, |only| format!(" --only {}", only.join(",")));
        format!(
            "Ratios of wall time, vsekai / the other: the median of {} rounds in which all ran by turns; the best round in \
             brackets. Seconds are medians, memory is the largest of all rounds.\n\n{}\n{machine}Data: {}.\n\
             Command: `{variable}cargo bench --bench compare -- --rounds {}{only}`\n",
            self.rounds,
            table::markdown(&self.rows),
            self.data.name,
            self.rounds,
        )
    }
}

/// The options on the command line.
struct Options {
    rounds: usize,
    write: Option<PathBuf>,
    only: Option<Vec<String>>,
    check: bool,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self { rounds: ROUNDS, write: None, only: None, check: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => {}
                "--check" => options.check = true,
                "--rounds" => options.rounds = value()?.parse::<usize>()?.clamp(1, 1000),
                "--write" => options.write = Some(value()?.into()),
                "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
                other => return Err(format!("{other} is not known; see the head of benches/compare/main.rs").into()),
            }
        }
        let is_case = |name: &String| CASES.iter().any(|case| case.name == name);
        if let Some(name) = options.only.iter().flatten().find(|name| !is_case(name)) {
            let known = CASES.map(|case| case.name).join(", ");
            return Err(format!("{name} is not a case; available: {known}").into());
        }
        Ok(options)
    }
}

fn measure(options: &Options) -> Result<ExitCode> {
    let temporary = tempfile::Builder::new().prefix("vsekai-bench-").tempdir()?;
    clean_up_when_stopped(temporary.path())?;
    let mut bench = Bench::new(temporary.path(), options.rounds)?;
    let machine = bench.programs.describe(temporary.path());
    bench.run(options.only.as_deref())?;
    let report = bench.report(&machine, options);
    println!("{report}");
    if let Some(file) = &options.write {
        fs::write(file, &report)?;
    }
    let is_missed = bench.rows.iter().any(|row| matches!(row.verdict, Verdict::Fail | Verdict::Missing(_)));
    Ok(if options.check && is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Ctrl-C stops the running program; this removes the temporary files.
fn clean_up_when_stopped(temporary: &Path) -> Result<()> {
    let temporary = temporary.to_owned();
    Ok(ctrlc::set_handler(move || {
        nginx::stop_in(&temporary.join(nginx::FOLDER));
        let _ = fs::remove_dir_all(&temporary);
        std::process::exit(130);
    })?)
}

fn run(words: &[String]) -> Result<ExitCode> {
    let plain: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match plain[..] {
        ["proxy", port, target, ref delay @ ..] => {
            let target = target.to_socket_addrs()?.next().ok_or("the target has no address")?;
            let one_way = delay.first().map_or(Ok(ONE_WAY), |ms| ms.parse().map(Duration::from_millis))?;
            proxy::serve_by_hand(port.parse()?, target, one_way)?;
            Ok(ExitCode::SUCCESS)
        }
        ["parse", file] => local::parse(Path::new(file)).map(|()| ExitCode::SUCCESS),
        // `cargo test --all-targets` also starts benchmarks, without this argument.
        [] if words.is_empty() => Ok(ExitCode::SUCCESS),
        _ => measure(&Options::parse(words)?),
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    run(&words).unwrap_or_else(|e| {
        eprintln!("error: {e}");
        ExitCode::FAILURE
    })
}
