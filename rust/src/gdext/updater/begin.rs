//! How an operation begins, and what the call answers.

use godot::obj::{Gd, WithBaseField};

use super::pump::Job;
use super::refusals::refuse;
use super::{Operation, Outcome, UNKNOWN, VSekaiTask, VSekaiUpdater};
use crate::app::worker::{Context, Options};
use crate::error::Result;
use crate::gdext::other_thread::is_elsewhere;

impl VSekaiUpdater {
    /// Starts an operation, unless something prevents it: `work` on a thread of its own, then `reply` with its result.
    pub(super) fn begin<T: Send + 'static>(
        &mut self,
        operation: Operation,
        work: impl FnOnce(Options, &Context) -> Result<T> + Send + 'static,
        reply: impl FnOnce(&mut Self, T) + Send + 'static,
    ) -> Started {
        self.begin_as(None, operation, work, reply)
    }

    /// The same; `task` is the one that this continues.
    pub(super) fn begin_as<T: Send + 'static>(
        &mut self,
        task: Option<Gd<VSekaiTask>>,
        operation: Operation,
        work: impl FnOnce(Options, &Context) -> Result<T> + Send + 'static,
        reply: impl FnOnce(&mut Self, T) + Send + 'static,
    ) -> Started {
        if is_elsewhere(&operation.method()) {
            return None;
        }
        let mut obstacle = self.obstacle(operation);
        if obstacle.is_none() && !self.signals.is_empty() {
            self.apply_what_is_due();
            // An update that follows a check may have started.
            obstacle = self.obstacle(operation);
        }
        if let Some(refusal) = obstacle {
            if let Some(task) = task {
                self.tell_end(&task, Outcome::Failed(refusal.failure(operation)), true);
            }
            return refuse(operation, &refusal);
        }
        let task = task.unwrap_or_else(|| VSekaiTask::begin(operation, self.base().instance_id()));
        let refusal = self.refusal(operation);
        let work = move |options, context: &Context| refusal.map_or_else(|| work(options, context), Err);
        let job = Job::start(operation, task.clone(), self.options(), work, reply);
        if !self.tasks.contains(&task) {
            self.tasks.push(task.clone());
        }
        if self.is_alone(operation) {
            self.failure = None;
        }
        match operation {
            Operation::Launch => {
                self.launch_failure = None;
                self.game = Some(job);
            }
            _ if operation.is_read() => self.reads.push(job),
            _ => self.begin_change(job),
        }
        self.start_pump();
        Some(task)
    }

    fn begin_change(&mut self, job: Job) {
        if let Some(state) = job.operation.first_state() {
            self.state_before = self.state;
            self.enter(state);
        }
        if job.operation == Operation::Check {
            self.forget_release();
        }
        (self.progress, self.progress_details) = (UNKNOWN, None);
        (self.is_pausing, self.is_resuming) = (false, false);
        if matches!(job.operation, Operation::Rollback | Operation::Repair | Operation::Uninstall) {
            self.paused_bytes = None;
        }
        let is_update = job.operation == Operation::Update;
        self.received_before = if is_update { self.paused_bytes.take().unwrap_or(0) } else { 0 };
        self.received_bytes = self.received_before;
        self.job = Some(job);
    }
}

/// What a call that starts an operation answers: its task. `None` on another thread than the main one, where there are none.
pub(super) type Started = Option<Gd<VSekaiTask>>;

pub(super) fn is_started(task: Option<&Gd<VSekaiTask>>) -> bool {
    task.is_some_and(|task| task.bind().is_started())
}
