//! For tests: observes every change of the disk before it happens, and can kill the process there or make the change
//! fail.
//!
//! The process has one probe; builds without debug assertions have none. A kill is real (SIGKILL): no destructor runs,
//! nothing is flushed. While no probe is set, a step costs one relaxed load. Power cuts are not simulated: data written
//! before a kill stays written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Operations that can be half done, for [`Verdict::Tear`].
pub const CAN_TEAR: [&str; 2] = ["write", "copy"];

/// A change of the disk that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The kind, in one word, such as `write` or `remove-file`.
    pub name: &'static str,
    /// The affected path; of two paths, the one that appears or is replaced.
    pub path: PathBuf,
    /// Sequence number since the probe was set, starting at 1.
    pub number: u64,
}

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is carried out.
    Go,
    /// The process is killed instead.
    KillBefore,
    /// It is carried out, then the process is killed.
    KillAfter,
    /// Half of its bytes are written, then the process is killed. An operation without bytes is not carried out.
    Tear,
    /// It is not carried out, and fails with this error code of the operating system.
    Fail(i32),
}

/// Decides on each operation. Called from any thread.
pub type Probe = Box<dyn Fn(&Operation) -> Verdict + Send + Sync>;

struct Set {
    probe: Probe,
    last: std::sync::atomic::AtomicU64,
}

static IS_SET: AtomicBool = AtomicBool::new(false);
static SET: RwLock<Option<Arc<Set>>> = RwLock::new(None);

/// Sets or replaces the probe; the next operation has number 1.
pub fn set(probe: Probe) {
    replace(Some(Arc::new(Set { probe, last: 0.into() })));
}

/// Removes the probe.
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
