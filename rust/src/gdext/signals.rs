//! The queue of signals that the node emits, in order, while nothing of the node is borrowed.
//!
//! A signal first changes the node's own state, and is then emitted. So a handler that asks the node gets the announced
//! answer.

use godot::obj::{Gd, WithBaseField};

use super::convert::text;
use super::enums::State;
use super::updater::VSekaiUpdater;
use super::values::{VSekaiFailure, VSekaiProgress};
use crate::event::throughput::Progress;

type Apply = Box<dyn FnOnce(&mut VSekaiUpdater) -> bool>;
type Emit = Box<dyn FnOnce(&Gd<VSekaiUpdater>)>;

/// A signal that is waiting to be emitted.
pub(super) struct Signal {
    apply: Apply,
    emit: Emit,
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}

impl VSekaiUpdater {
    /// Queues a signal.
    pub(super) fn tell(&mut self, emit: impl FnOnce(&Gd<Self>) + 'static) {
        self.tell_after(|_| true, emit);
    }

    /// Queues a signal and the change of the node that it announces. Nothing is emitted if `apply` returns false.
    pub(super) fn tell_after(
        &mut self,
        apply: impl FnOnce(&mut Self) -> bool + 'static,
        emit: impl FnOnce(&Gd<Self>) + 'static,
    ) {
        self.signals.push_back(Signal { apply: Box::new(apply), emit: Box::new(emit) });
    }

    /// Changes the state at once, and queues the signal of it: an operation starts.
    pub(super) fn enter(&mut self, state: State) {
        if std::mem::replace(&mut self.state, state) != state {
            self.tell(move |node| node.signals().state_changed().emit(state));
        }
    }

    pub(super) fn tell_state(&mut self, state: State) {
        let apply = move |node: &mut Self| std::mem::replace(&mut node.state, state) != state;
        self.tell_after(apply, move |node| node.signals().state_changed().emit(state));
    }

    pub(super) fn tell_progress(&mut self, progress: Progress) {
        let (received, download) = self.with_earlier_runs(progress.received_bytes, progress.download_bytes);
        let progress = VSekaiProgress::of(progress, received, download);
        let (fraction, numbers) = (progress.fraction(), progress.numbers());
        let progress = progress.share();
        let kept = progress.clone();
        let keep = move |node: &mut Self| {
            node.progress = fraction;
            node.progress_details = Some(kept);
            true
        };
        self.tell_after(keep, move |node| node.signals().progressed().emit(&progress));
        self.tell(move |node| {
            let (done, total, rate, left, received, download) = numbers;
            node.signals().progress_changed().emit(done, total, rate, left, received, download);
        });
    }

    /// Sets the failure of an operation that was stopped, which has signals of its own.
    pub(super) fn keep_failure(&mut self, failure: Gd<VSekaiFailure>) {
        let keep = |node: &mut Self| {
            node.failure = Some(failure);
            false
        };
        self.tell_after(keep, |_| {});
    }

    pub(super) fn tell_warning(&mut self, code: &str, message: &str) {
        let (code, message) = (text(code), text(message));
        self.tell(move |node| node.signals().warned().emit(&code, &message));
    }

    /// Queues a failure. `is_kept` is not set for a launch beside another operation; `is_update` is set for checks and
    /// updates, which have an additional signal.
    pub(super) fn tell_failure(&mut self, failure: Gd<VSekaiFailure>, is_kept: bool, is_update: bool) {
        let kept = failure.clone();
        let apply = move |node: &mut Self| {
            if kept.bind().is_of_launch() {
                node.launch_failure = Some(kept.clone());
            }
            if is_kept {
                node.failure = Some(kept);
            }
            true
        };
        let (code, message, hint) = failure.bind().words();
        self.tell_after(apply, move |node| node.signals().operation_failed().emit(&failure));
        if is_update {
            self.tell(move |node| node.signals().update_failed().emit(&code, &message, &hint));
        }
    }

    /// Emits all signals that are due before another operation starts, so that whoever starts it in a handler, and then
    /// waits for `finished`, does not get that of the operation before.
    pub(super) fn emit_what_is_due(&mut self) {
        let node = self.to_gd();
        while let Some(emit) = self.next_signal() {
            // While it lives, handlers may call the node.
            let open = self.base_mut();
            emit(&node);
            drop(open);
            if !node.is_instance_valid() || !node.is_inside_tree() {
                return;
            }
        }
    }

    /// Applies the next signal to the node. The caller emits it after releasing its borrow of the node.
    pub(super) fn next_signal(&mut self) -> Option<Emit> {
        while let Some(Signal { apply, emit }) = self.signals.pop_front() {
            if apply(self) {
                return Some(emit);
            }
        }
        None
    }
}
