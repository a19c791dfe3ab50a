//! Stops the real binary at every change of the disk that it makes, in every way, and checks what is left.
//!
//! A [`Scenario`] prepares a folder, names the command to run on it, and checks what must hold after a run with a fault
//! and after a further run without one. [`survive`] first runs the command once to learn its operations (see
//! `src/cli/faults.rs`), then once per fault, always in a fresh folder:
//!
//! ```text
//! prepare -> run with the fault -> after_fault -> run without -> converged
//! ```
//!
//! It is a failure if a run that should be killed is not, if it panics, or if its exit code is neither 0 nor 1. A run
//! that ends with 0 in spite of its fault must have warned, or have done its work (`shrugged_off`). All failures are
//! reported together, each with the `VSEKAI_FAULT` rule that reproduces it.
//!
//! Every operation of every scenario meets a fault, but by default only one of the suitable kinds in [`FAULTS`]. The
//! number of the operation decides which, so that every run is the same. The last operation is also stopped after it.
//! Scenarios with [`Scenario::is_full`] meet every kind at every operation, and with `VSEKAI_FAULTS=all` all scenarios
//! do. With `VSEKAI_FAULTS=some`, for a run of little time, only every third operation meets a fault, in each scenario
//! others. One line for each scenario reports how many of its faults were tried, and the last line reports the totals that
//! docs/testing.md names.
//!
//! The command must use `--threads 1`, so that its operations have the same order each time. If the tests run as root,
//! everything is done as the user `nobody`, for whom read-only folders are really read-only: build commands with
//! [`Ground::vsekai`], prepare folders with [`Ground::run`] or a [`Scenario::template`], and pass files that the test
//! writes itself to [`Ground::hand_over`].
//!
//! To add a scenario, implement [`Scenario`] for a struct that holds or borrows a [`Ground`], and call [`survive`] in a
//! test. Folders that record identities (such as the inode numbers in an extract's receipt) cannot be copied: use no
//! template for those, and create them in `prepare`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use vsekai_updater::local::disk::probe;

/// The faults for each operation. `tear` is only used if there is something to tear.
const FAULTS: [Fault; 6] = [
    Fault { rule: "before", kills: true },
    Fault { rule: "after", kills: true },
    Fault { rule: "tear", kills: true },
    Fault { rule: "enospc", kills: false },
    Fault { rule: "eacces", kills: false },
    // From this operation on, every one fails: the disk is gone, or was remounted read-only.
    Fault { rule: "+eio", kills: false },
];

/// Number of failures that are reported in full.
const TOLD: usize = 8;

const NOBODY: u32 = 65_534;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault {
    rule: &'static str,
    kills: bool,
}

impl Fault {
    fn at(self, operation: &Operation) -> String {
        let number = operation.number;
        self.rule.strip_prefix('+').map_or(format!("{number}:{}", self.rule), |rule| format!("{number}+:{rule}"))
    }

    /// The disk after an operation is the disk before the next, so `after` is only needed for the last operation, even
    /// if it is not requested.
    fn fits(self, rules: &[&str], operation: &Operation, last: u64) -> bool {
        let is_asked = rules.contains(&self.rule) || (self.rule == "after" && operation.number == last);
        is_asked && (self.rule != "tear" || probe::CAN_TEAR.contains(&operation.name.as_str()))
    }
}

/// A command, and what must hold when it is stopped.
pub(crate) trait Scenario: Sync {
    /// The name, for the line that is printed.
    fn name(&self) -> &str;
    /// Where the scenario runs.
    fn ground(&self) -> &Ground;
    /// A folder whose content is copied into each fresh folder.
    fn template(&self) -> Option<&Path> {
        None
    }
    /// Prepares a fresh folder (with the content of the template) for the command.
    fn prepare(&self, _folder: &Path) {}
    /// The command to run, with `--json` and `--threads 1`.
    fn command(&self, folder: &Path) -> Command;
    /// Fails unless what is left after a fault is whole: entirely old, or entirely new.
    fn after_fault(&self, folder: &Path);
    /// Fails unless everything is new, and nothing is left over.
    fn converged(&self, folder: &Path);
    /// Operations that are not available on the system of this scenario, such as `exchange` or `clone`.
    fn lacks(&self) -> &[&str] {
        &[]
    }
    /// The fault rules to try at each operation, of those in the table above.
    fn rules(&self) -> &[&str] {
        &["before", "after", "tear", "enospc", "eacces", "+eio"]
    }
    /// Whether every operation meets every fault, and not just one.
    fn is_full(&self) -> bool {
        false
    }
    /// Fails unless the run after the one with the fault ended as it should.
    fn ended(&self, again: &Output) {
        assert!(again.status.success(), "the next run: {}", text(again));
    }
    /// Fails unless a run that ended with 0 and without a warning, in spite of its fault, has done its work.
    fn shrugged_off(&self, folder: &Path) {
        self.converged(folder);
    }
}

/// The totals of all scenarios of this program, for the last line that is printed.
static TOTAL: Mutex<(usize, Survived)> = Mutex::new((0, Survived { operations: 0, faults: 0, all_faults: 0 }));

/// An operation of the run without a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The result of [`survive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Survived {
    /// Number of operations of the run without a fault.
    pub(crate) operations: usize,
    /// Number of faults that did no harm.
    pub(crate) faults: usize,
    /// Number of faults with `VSEKAI_FAULTS=all`.
    pub(crate) all_faults: usize,
}

/// A place for temporary folders, in memory if possible, and the user that works in them.
#[derive(Debug)]
pub(crate) struct Ground {
    root: PathBuf,
    binary: PathBuf,
    is_root: bool,
    next: AtomicUsize,
}

impl Ground {
    /// A place below a folder of the caller, which removes it.
    pub(crate) fn below(root: &Path) -> Self {
        let is_root = rustix::process::geteuid().is_root();
        let original = PathBuf::from(env!("CARGO_BIN_EXE_vsekai"));
        // The user `nobody` may not be able to reach the folder of the build.
        let binary = if is_root { root.join("vsekai") } else { original.clone() };
        if is_root {
            // Copied by another program: a child of another thread would inherit our open file for a moment, and the
            // kernel refuses to start a file that is open for writing ("text file busy").
            assert!(Command::new("cp").args([&original, &binary]).status().unwrap().success());
            fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { root: root.to_owned(), binary, is_root, next: AtomicUsize::new(0) }
    }

    /// Makes the command run as the user that owns the folders.
    pub(crate) fn demote<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if self.is_root { command.uid(NOBODY).gid(NOBODY) } else { command }
    }

    /// The binary, in an environment where only the test's own files exist.
    pub(crate) fn vsekai(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", "/nonexistent").env("XDG_CACHE_HOME", "/nonexistent").env("NO_PROXY", "*");
        // Reading the system's certificates would take longer than everything else, and no server is used here.
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        command.stdin(Stdio::null()).args(["--json", "--threads", "1"]);
        self.demote(&mut command);
        command
    }

    /// Runs a command, which must succeed.
    #[track_caller]
    pub(crate) fn run(&self, command: &mut Command) {
        let output = self.demote(command).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", text(&output));
    }

    /// Hands a path that the test itself created, and everything below it, over to that user.
    pub(crate) fn hand_over(&self, path: &Path) {
        if !self.is_root {
            return;
        }
        lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if fs::symlink_metadata(path).unwrap().is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.hand_over(&entry.unwrap().path()));
        }
    }

    /// A fresh folder with only the template's content.
    pub(crate) fn fresh(&self, template: Option<&Path>) -> PathBuf {
        let folder = self.root.join(format!("point-{}", self.next.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&folder).unwrap();
        self.hand_over(&folder);
        if let Some(template) = template {
            self.run(Command::new("cp").arg("-a").arg(template.join(".")).arg(&folder));
        }
        folder
    }
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// How many faults a run tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    /// Every suitable one at each operation.
    All,
    /// One for each operation, and `after` for the last.
    OneEach,
    /// One for every third operation, from this one on, and both for the last.
    Some { first: u64 },
}

impl Amount {
    fn of(scenario: &dyn Scenario) -> Self {
        let name = scenario.name().bytes();
        match std::env::var("VSEKAI_FAULTS").as_deref() {
            Ok("all") => Self::All,
            Ok("some") => Self::Some { first: name.fold(0, |sum, byte| sum + u64::from(byte)) },
            _ if scenario.is_full() => Self::All,
            _ => Self::OneEach,
        }
    }

    fn has(self, operation: &Operation, last: u64) -> bool {
        match self {
            Self::All | Self::OneEach => true,
            Self::Some { first } => operation.number == last || operation.number % 3 == first % 3,
        }
    }
}

/// The faults of a run.
fn choose<'a>(rules: &[&str], operations: &'a [Operation], amount: Amount) -> Vec<(Fault, &'a Operation)> {
    let last = operations.len() as u64;
    let mut chosen = Vec::new();
    for operation in operations.iter().filter(|operation| amount.has(operation, last)) {
        let fitting: Vec<Fault> = FAULTS.into_iter().filter(|fault| fault.fits(rules, operation, last)).collect();
        // Spread by Fibonacci hashing, so that a command that repeats a few operations meets all kinds.
        let in_turn = (operation.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % fitting.len();
        let is_chosen = |at: usize, fault: Fault| {
            amount == Amount::All || at == in_turn || (fault.rule == "after" && operation.number == last)
        };
        let faults = fitting.iter().enumerate().filter(|(at, fault)| is_chosen(*at, **fault));
        chosen.extend(faults.map(|(_, fault)| (*fault, operation)));
    }
    chosen
}

/// Runs the scenario with its faults, and fails if one does harm.
pub(crate) fn survive(scenario: &dyn Scenario) -> Survived {
    let operations = learn(scenario);
    let faults = choose(scenario.rules(), &operations, Amount::of(scenario));
    let all_faults = choose(scenario.rules(), &operations, Amount::All).len();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // Twice as many as cores, because children wait for disks and for each other.
    let threads = 2 * std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((fault, operation)) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = catch_unwind(AssertUnwindSafe(|| play(scenario, *fault, operation))) {
                        let Operation { name, path, .. } = operation;
                        let story = format!("{} ({name} {}): {}", fault.at(operation), path.display(), said(&*why));
                        failures.lock().unwrap().push((operation.number, story));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    let told: Vec<_> = failures.iter().take(TOLD).map(|(_, story)| story.as_str()).collect();
    assert!(
        failures.is_empty(),
        "{}: {} of {} faults:\n{}",
        scenario.name(),
        failures.len(),
        faults.len(),
        told.join("\n")
    );
    let survived = Survived { operations: operations.len(), faults: faults.len(), all_faults };
    tell(scenario.name(), survived);
    survived
}

/// Prints the result of a scenario, and the totals so far.
fn tell(name: &str, survived: Survived) {
    let Survived { operations, faults, all_faults } = survived;
    let mut total = TOTAL.lock().unwrap();
    total.0 += 1;
    total.1.operations += operations;
    total.1.faults += faults;
    total.1.all_faults += all_faults;
    let (scenarios, sum) = *total;
    let line = format!(
        "{name}: {faults} of {all_faults} faults at {operations} operations survived \
         (so far {} of {} at {} in {scenarios} scenarios)\n",
        sum.faults, sum.all_faults, sum.operations
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// The operations of two runs without a fault, which must be the same.
fn learn(scenario: &dyn Scenario) -> Vec<Operation> {
    let [first, second] = [(); 2].map(|()| {
        let folder = scenario.ground().fresh(scenario.template());
        scenario.prepare(&folder);
        let operations = operations(&folder, scenario.command(&folder), scenario.lacks());
        scenario.converged(&folder);
        remove(&folder);
        operations
    });
    let names = |operations: &[Operation]| operations.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), names(&second), "{}: not the same operations each time", scenario.name());
    first
}

/// Runs the command, which must succeed. Returns its operations, with paths relative to the folder.
pub(crate) fn operations(folder: &Path, mut command: Command, lacks: &[&str]) -> Vec<Operation> {
    let list = folder.with_extension("operations");
    // Created here and writable for all: its folder may belong to another user than the one that writes the file.
    fs::write(&list, b"").unwrap();
    fs::set_permissions(&list, fs::Permissions::from_mode(0o666)).unwrap();
    let output = command.env("VSEKAI_FAULT", rules(&format!("count:{}", list.display()), lacks)).output().unwrap();
    assert!(output.status.success(), "without a fault: {}", text(&output));
    let lines = fs::read_to_string(&list).unwrap();
    fs::remove_file(&list).unwrap();
    let parse = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (number, name) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        let path = Path::new(words.next()?);
        Some(Operation { number, name, path: path.strip_prefix(folder).unwrap_or(path).to_owned() })
    };
    let operations: Vec<_> = lines.lines().map(|line| parse(line).unwrap()).collect();
    let numbers = operations.iter().map(|operation| operation.number);
    assert!(numbers.eq(1..=operations.len() as u64) && !operations.is_empty(), "gaps in {lines}");
    operations
}

fn rules(rule: &str, lacks: &[&str]) -> String {
    let lacks = lacks.iter().map(|name| format!("without:{name}"));
    let rule = Some(rule.to_owned()).filter(|rule| !rule.is_empty());
    rule.into_iter().chain(lacks).collect::<Vec<_>>().join(",")
}

fn play(scenario: &dyn Scenario, fault: Fault, operation: &Operation) {
    let folder = scenario.ground().fresh(scenario.template());
    scenario.prepare(&folder);
    let rule = rules(&fault.at(operation), scenario.lacks());
    let output = scenario.command(&folder).env("VSEKAI_FAULT", rule).output().unwrap();
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
    if fault.kills {
        assert_eq!(output.status.signal(), Some(9), "it was not killed: {}", text(&output));
    } else {
        assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {}", output.status, text(&output));
    }
    scenario.after_fault(&folder);
    if output.status.success() && !text(&output).contains(r#""event":"warned""#) {
        scenario.shrugged_off(&folder);
    }
    scenario.ended(&run_again(scenario, &folder));
    scenario.converged(&folder);
    remove(&folder);
}

fn run_again(scenario: &dyn Scenario, folder: &Path) -> Output {
    let mut command = scenario.command(folder);
    if !scenario.lacks().is_empty() {
        command.env("VSEKAI_FAULT", rules("", scenario.lacks()));
    }
    command.output().unwrap()
}

/// Removes a folder that may contain read-only folders. Those of failures stay until the ground is dropped.
fn remove(folder: &Path) {
    vsekai_updater::local::disk::remove_all(folder).unwrap();
}

#[test]
fn sampled_faults_are_one_for_each_operation_and_of_every_kind() {
    let names = ["create", "write", "sync", "rename"];
    let operations: Vec<Operation> = (1..=60)
        .map(|number| Operation { number, name: names[number as usize % 4].to_owned(), path: PathBuf::new() })
        .collect();
    let rules = ["before", "tear", "enospc", "eacces", "+eio"];
    let (sampled, all) = (choose(&rules, &operations, Amount::OneEach), choose(&rules, &operations, Amount::All));
    let third = |first| choose(&rules, &operations, Amount::Some { first });
    assert!((0..3).all(|first| (21..=23).contains(&third(first).len())), "{}", third(0).len());
    assert_ne!(third(1), third(2));
    assert_eq!(sampled.len(), operations.len() + 1, "and one after the last");
    assert!(all.len() > 4 * operations.len());
    for operation in &operations {
        assert!(sampled.iter().any(|(_, at)| at.number == operation.number));
    }
    for rule in rules {
        assert!(sampled.iter().any(|(fault, _)| fault.rule == rule), "{rule}");
        let of_writes = sampled.iter().any(|(fault, at)| fault.rule == rule && at.name == "write");
        assert!(of_writes, "every fourth operation is a write, and none meets {rule}");
    }
}
