//! Stopping what runs, and going on.

use godot::global::Error as Answer;
use godot::obj::Gd;
use godot::register::godot_api;

use super::refusals::{Refusal, refuse};
use super::{Operation, Outcome, Started, State, VSekaiTask, VSekaiUpdater};
use crate::gdext::other_thread::is_elsewhere;

#[godot_api(secondary)]
impl VSekaiUpdater {
    /// Stops the running update: [signal update_paused], and its task ends with `false`. Downloaded data is kept. Returns
    /// `ERR_UNAVAILABLE` if no update runs; an update that is about to complete does so all the same.
    #[func]
    fn pause(&mut self) -> Answer {
        if is_elsewhere("pause") {
            return Answer::ERR_UNCONFIGURED;
        }
        let update = self.job.as_ref().filter(|job| job.operation == Operation::Update);
        let Some(job) = update.filter(|job| self.is_pausing || !job.worker.is_cancelled()) else {
            return Answer::ERR_UNAVAILABLE;
        };
        job.worker.cancel();
        (self.is_pausing, self.is_resuming) = (true, false);
        Answer::OK
    }

    /// Continues an update stopped by [method pause], as a task of its own; if it has not stopped yet, as the one that runs.
    /// The task's error is `ERR_UNAVAILABLE` if there is none. A check in between leaves it paused; another
    /// [member install_dir] does not, because the update belongs to its folder.
    #[func]
    fn resume(&mut self) -> Started {
        if is_elsewhere("resume") {
            return None;
        }
        if let Some(job) = self.job.as_ref().filter(|_| self.is_pausing) {
            self.is_resuming = true;
            return Some(job.task.clone());
        }
        if self.job.is_none() && self.paused_bytes.is_none() {
            let refusal = Refusal::unavailable("no update is paused", "Call start_update().");
            return refuse(Operation::Update, &refusal.of("resume"));
        }
        self.update_as(None, self.wanted_version.clone())
    }

    /// Stops what runs, with [signal operation_cancelled]; reads such as [method list_news] only if nothing else runs. If
    /// nothing does, gives up a paused update. Returns `ERR_UNAVAILABLE` if there is none, either. Downloaded data is kept, and the next
    /// [method start_update] resumes from it. Does not end a game. To stop one operation for sure, see
    /// [method VSekaiTask.cancel].
    #[func]
    fn cancel(&mut self) -> Answer {
        if is_elsewhere("cancel") {
            return Answer::ERR_UNCONFIGURED;
        }
        if self.is_changing() {
            return self.cancel_change();
        }
        for read in &self.reads {
            read.worker.cancel();
        }
        if !self.reads.is_empty() {
            return Answer::OK;
        }
        if self.paused_bytes.is_some() {
            self.cancelled(Operation::Update);
            self.start_pump();
            return Answer::OK;
        }
        Answer::ERR_UNAVAILABLE
    }
}

impl VSekaiUpdater {
    /// The folder is another one: what was paused, or is about to be, does not go on in this one.
    pub(super) fn forget_pause(&mut self) {
        (self.is_pausing, self.is_resuming) = (false, false);
        if self.paused_bytes.take().is_some() && self.state == State::Paused {
            self.enter(State::Idle);
            self.start_pump();
        }
    }

    /// For [`VSekaiTask`].
    pub(in crate::gdext) fn cancel_task(&mut self, task: &Gd<VSekaiTask>) -> Answer {
        let is_due = self.due_task.as_ref() == Some(task);
        if is_due || self.job.as_ref().is_some_and(|job| job.task == *task) {
            return self.cancel_change();
        }
        let Some(read) = self.reads.iter().find(|job| job.task == *task) else { return Answer::ERR_UNAVAILABLE };
        read.worker.cancel();
        Answer::OK
    }

    fn cancel_change(&mut self) -> Answer {
        (self.is_pausing, self.is_resuming) = (false, false);
        if let Some(job) = &self.job {
            job.worker.cancel();
        } else if std::mem::take(&mut self.is_update_due) {
            let failure = self.cancelled(Operation::Update);
            if let Some(task) = self.due_task.take() {
                self.ended(&task, Outcome::Failed(failure));
            }
            self.start_pump();
        }
        Answer::OK
    }
}
