//! Fault injection for tests, only in builds with debug assertions. The variable `VSEKAI_FAULT` says where to kill this
//! process or fail a file operation.
//!
//! ```text
//! count:FILE          appends a line `number name path` to FILE for each change of the disk
//! N:before            kills the process (SIGKILL) before operation N; also after, tear (half of it is written)
//! N:enospc            operation N fails with this error; also eacces, eio
//! N+:enospc           operation N and all later ones fail
//! N:panic             panics at operation N, as a bug in this program would
//! without:NAME        all operations of this name fail, as on a system that lacks them
//! ```
//!
//! Rules are separated by commas; the first that applies to an operation decides.

use std::fs::File;
use std::io::Write;
use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::local::disk::probe::{self, Operation, Verdict};

const VARIABLE: &str = "VSEKAI_FAULT";

/// The errors of the system.
#[cfg(unix)]
mod code {
    use rustix::io::Errno;

    pub(super) const NOSPC: i32 = Errno::NOSPC.raw_os_error();
    pub(super) const ACCESS: i32 = Errno::ACCESS.raw_os_error();
    pub(super) const IO: i32 = Errno::IO.raw_os_error();
    pub(super) const NOSYS: i32 = Errno::NOSYS.raw_os_error();
}

/// `ERROR_DISK_FULL`, `ERROR_ACCESS_DENIED`, `ERROR_IO_DEVICE` and `ERROR_NOT_SUPPORTED`.
#[cfg(windows)]
mod code {
    pub(super) const NOSPC: i32 = 112;
    pub(super) const ACCESS: i32 = 5;
    pub(super) const IO: i32 = 1117;
    pub(super) const NOSYS: i32 = 50;
}

enum Rule {
    Count(Mutex<File>),
    At { number: u64, and_after: bool, verdict: Verdict },
    Without(String),
    Panic(u64),
}

/// Installs the probe if the variable is set.
pub(crate) fn arm() -> Result<()> {
    let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
    let rules = text.split(',').map(parse).collect::<Result<Vec<Rule>>>()?;
    probe::set(Box::new(move |operation| {
        let verdicts = rules.iter().map(|rule| judge(rule, operation));
        verdicts.into_iter().find(|verdict| *verdict != Verdict::Go).unwrap_or(Verdict::Go)
    }));
    Ok(())
}

fn parse(rule: &str) -> Result<Rule> {
    let invalid = || Error::invalid(VARIABLE, format!("{rule:?} is not a rule"));
    match rule.split_once(':').ok_or_else(invalid)? {
        ("count", path) => {
            let file = File::options().append(true).create(true).open(path).map_err(Error::io("open", path))?;
            Ok(Rule::Count(Mutex::new(file)))
        }
        ("without", name) => Ok(Rule::Without(name.to_owned())),
        (number, kind) => {
            if kind == "panic" {
                return Ok(Rule::Panic(number.parse().map_err(|_| invalid())?));
            }
            let (number, and_after) = number.strip_suffix('+').map_or((number, false), |number| (number, true));
            let verdict = match kind {
                "before" => Verdict::KillBefore,
                "after" => Verdict::KillAfter,
                "tear" => Verdict::Tear,
                "enospc" => Verdict::Fail(code::NOSPC),
                "eacces" => Verdict::Fail(code::ACCESS),
                "eio" => Verdict::Fail(code::IO),
                _ => return Err(invalid()),
            };
            Ok(Rule::At { number: number.parse().map_err(|_| invalid())?, and_after, verdict })
        }
    }
}

#[expect(clippy::panic, reason = "the rule requests it")]
fn judge(rule: &Rule, operation: &Operation) -> Verdict {
    match rule {
        Rule::Count(file) => {
            let line = format!("{} {} {}\n", operation.number, operation.name, operation.path.display());
            let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // A lost line is noticed: it leaves a gap in the numbers.
            let _ = file.write_all(line.as_bytes());
            Verdict::Go
        }
        Rule::At { number, and_after, verdict } => {
            let is_it = operation.number == *number || (*and_after && operation.number > *number);
            if is_it { *verdict } else { Verdict::Go }
        }
        Rule::Without(name) if name == operation.name => Verdict::Fail(code::NOSYS),
        Rule::Panic(number) if *number == operation.number => panic!("panic requested by VSEKAI_FAULT"),
        Rule::Without(_) | Rule::Panic(_) => Verdict::Go,
    }
}
