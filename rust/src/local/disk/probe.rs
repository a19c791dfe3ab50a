//! For tests: sees every change of the disk before it is done, and can end the process there or fail it.
//!
//! There is one probe for the process, and in builds without debug assertions none at all. A kill is a real
//! one (SIGKILL): no destructor runs, nothing is flushed. While no probe is set, a step costs one relaxed
//! load. It says nothing about power cuts: what was written before a kill is still written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Operations that can be half done, and so answer to [`Verdict::Tear`].
pub const CAN_TEAR: [&str; 2] = ["write", "copy"];

/// A change of the disk that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What, in one word, such as `write` or `remove-file`.
    pub name: &'static str,
    /// To what; of two paths, the one that appears or is replaced.
    pub path: PathBuf,
    /// How many came before it since the probe was set, and one: the first is 1.
    pub number: u64,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Go,
    /// The process is killed instead.
    KillBefore,
    /// It is done, then the process is killed.
    KillAfter,
    /// Half of its bytes are written, then the process is killed. Of an operation without bytes: none.
    Tear,
    /// It is not done, and gives this error of the operating system.
    Fail(i32),
}

/// Decides on each operation. Called from whatever thread works.
pub type Probe = Box<dyn Fn(&Operation) -> Verdict + Send + Sync>;

struct Set {
    probe: Probe,
    last: std::sync::atomic::AtomicU64,
}

static IS_SET: AtomicBool = AtomicBool::new(false);
static SET: RwLock<Option<Arc<Set>>> = RwLock::new(None);

/// Sets the probe, or another one; the next operation has number 1.
pub fn set(probe: Probe) {
    replace(Some(Arc::new(Set { probe, last: 0.into() })));
}

/// Takes the probe away.
pub fn unset() {
    replace(None);
}

fn replace(new: Option<Arc<Set>>) {
    let mut set = SET.write().unwrap_or_else(PoisonError::into_inner);
    IS_SET.store(new.is_some(), Ordering::Relaxed);
    *set = new;
}

pub(super) fn pass<T>(
    name: &'static str,
    path: &Path,
    operation: impl FnOnce() -> io::Result<T>,
    half: Option<impl FnOnce() -> io::Result<()>>,
) -> io::Result<T> {
    if !IS_SET.load(Ordering::Relaxed) {
        return operation();
    }
    match judge(name, path) {
        Verdict::Go => operation(),
        Verdict::KillBefore => kill(),
        Verdict::KillAfter => {
            let _done = operation();
            kill()
        }
        Verdict::Tear => {
            let _done = half.map(|half| half());
            kill()
        }
        Verdict::Fail(code) => Err(io::Error::from_raw_os_error(code)),
    }
}

fn judge(name: &'static str, path: &Path) -> Verdict {
    let set = SET.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(set) = set else { return Verdict::Go };
    let number = set.last.fetch_add(1, Ordering::Relaxed) + 1;
    (set.probe)(&Operation { name, path: path.to_owned(), number })
}

#[cfg(unix)]
fn kill() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(not(unix))]
fn kill() -> ! {
    std::process::abort()
}
