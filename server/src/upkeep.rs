//! What the background tasks of this process have done and failed to do since it started, for whoever asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::model::Time;
use crate::problem::Problem;

/// The last successes and failures of the background tasks.
#[derive(Debug, Default)]
pub struct Upkeep {
    /// When the last round of clean-up ended; 0 if there was none.
    cleaned: AtomicI64,
    /// The last failure of each task that nobody has taken note of yet.
    failures: Mutex<BTreeMap<&'static str, Failure>>,
}

/// How a background task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: &'static str,
    /// The reason, for people to read.
    pub detail: String,
}

impl Upkeep {
    /// Records that a round of clean-up has ended.
    pub fn has_cleaned(&self, at: Time) {
        self.cleaned.store(at.0, Ordering::Relaxed);
    }

    /// Records that a task has failed.
    pub fn has_failed(&self, task: &'static str, error: &Error) {
        let failure = Failure { code: error.code(), detail: Problem::of(error).detail };
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).insert(task, failure);
    }

    /// The failures since this was asked last, one for each task.
    pub fn take_failures(&self) -> BTreeMap<&'static str, Failure> {
        std::mem::take(&mut self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When this process last ended a round of clean-up.
    pub fn last_cleanup(&self) -> Option<Time> {
        Some(self.cleaned.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Time)
    }
}
