//! Every change of the disk passes here. Without debug assertions this only calls the operation.

use std::io;
use std::path::Path;

/// Carries out an operation that cannot be half done.
#[cfg(debug_assertions)]
pub(super) fn step<T>(name: &'static str, path: &Path, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    super::probe::pass(name, path, operation, None::<fn() -> io::Result<()>>)
}

/// Carries out an operation that a kill may leave half done; `half` does its first half.
#[cfg(debug_assertions)]
pub(super) fn step_in_half<T>(
    name: &'static str,
    path: &Path,
    operation: impl FnOnce() -> io::Result<T>,
    half: impl FnOnce() -> io::Result<()>,
) -> io::Result<T> {
    super::probe::pass(name, path, operation, Some(half))
}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub(super) fn step<T>(_name: &'static str, _path: &Path, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    operation()
}

#[cfg(not(debug_assertions))]
#[inline(always)]
pub(super) fn step_in_half<T>(
    _name: &'static str,
    _path: &Path,
    operation: impl FnOnce() -> io::Result<T>,
    _half: impl FnOnce() -> io::Result<()>,
) -> io::Result<T> {
    operation()
}
