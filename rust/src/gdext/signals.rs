//! The queue of signals that the node emits, in order, while nothing of the node is borrowed.
//!
//! A signal first changes the node's own state, and is then emitted. So a handler that asks the node gets the announced
//! answer.

use godot::obj::Gd;

use super::convert::text;
use super::enums::{Operation, State};
use super::task::{Outcome, VSekaiTask};
use super::updater::{Job, VSekaiUpdater};
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

    pub(super) fn tell_progress(&mut self, job: &mut Job, progress: Progress) {
        let (received, download) = self.since_the_pause(progress.received_bytes, progress.download_bytes);
        let is_last_verify = matches!(job.operation, Operation::Verify | Operation::Launch);
        let whole = |part| job.whole.reach(progress.phase, progress.done_bytes, part, is_last_verify);
        let progress = VSekaiProgress::of(progress, received, download, whole);
        let task = job.task.clone();
        let fraction = progress.fraction();
        let progress = progress.share();
        let kept = progress.clone();
        let keep = move |node: &mut Self| {
            let mut task = task;
            task.bind_mut().progressed(kept.clone());
            node.progress = fraction;
            node.progress_details = Some(kept);
            true
        };
        self.tell_after(keep, move |node| node.signals().progressed().emit(&progress));
    }

    /// Queues the end of a task: that of the node, if it is the only one that somebody may wait for, then its own.
    pub(super) fn tell_end(&mut self, task: &Gd<VSekaiTask>, outcome: Outcome, is_alone: bool) {
        let is_ok = outcome.is_ok();
        if !task.clone().bind_mut().decide(outcome) {
            return;
        }
        if is_alone {
            self.last_task = Some(task.clone());
            let mut settling = task.clone();
            let settle = move |_: &mut Self| {
                settling.bind_mut().settle();
                true
            };
            let told = task.clone();
            self.tell_after(settle, move |node| {
                node.clone().bind_mut().told_task = Some(told.clone());
                node.signals().finished().emit(&told);
                if node.is_instance_valid() {
                    node.clone().bind_mut().told_task = None;
                }
            });
        }
        let (mut settling, mut ending) = (task.clone(), task.clone());
        let settle = move |_: &mut Self| {
            settling.bind_mut().settle();
            true
        };
        // The node keeps the task until then: it tells its end if the node leaves the tree before.
        self.tell_after(settle, move |node| {
            node.clone().bind_mut().tasks.retain(|task| *task != ending);
            let is_first = ending.bind_mut().finish();
            if is_first {
                ending.signals().finished().emit(is_ok);
            }
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

    /// Queues a failure. `is_kept` is not set for a launch or a read beside another operation.
    pub(super) fn tell_failure(&mut self, failure: Gd<VSekaiFailure>, is_kept: bool) {
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
        self.tell_after(apply, move |node| node.signals().operation_failed().emit(&failure));
    }

    /// Applies all signals that are due, before another operation starts. They are emitted later, in their order: none
    /// during the call, whose caller may be a handler of one of them.
    pub(super) fn apply_what_is_due(&mut self) {
        for Signal { apply, emit } in std::mem::take(&mut self.signals) {
            if apply(self) {
                self.signals.push_back(Signal { apply: Box::new(|_| true), emit });
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
