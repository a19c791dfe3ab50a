//! What the background tasks of this process have done since it started, for whoever asks.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::model::Time;

/// The last successes of the background tasks.
#[derive(Debug, Default)]
pub struct Upkeep {
    /// When the last round of clean-up ended; 0 if there was none.
    cleaned: AtomicI64,
}

impl Upkeep {
    /// Records that a round of clean-up has ended.
    pub fn has_cleaned(&self, at: Time) {
        self.cleaned.store(at.0, Ordering::Relaxed);
    }

    /// When this process last ended a round of clean-up.
    pub fn last_cleanup(&self) -> Option<Time> {
        Some(self.cleaned.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Time)
    }
}
