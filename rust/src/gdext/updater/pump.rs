//! Once a frame: takes the messages of the workers, updates the node, and emits its signals.
//!
//! Signals are emitted while nothing of the node is borrowed: a handler may call any method, free the node or remove it
//! from the tree. The pump is connected to the tree's `process_frame` and does not use `_process`, because a script on
//! the node may have one of its own, which hides ours. It is connected only while there is something to do.

use std::time::Duration;

use godot::builtin::{Callable, GString, Variant};
use godot::classes::SceneTree;
use godot::obj::{Gd, WithBaseField};

use super::{Operation, State, UpdatePolicy, VSekaiUpdater};
use crate::app::updater::Checked;
use crate::app::worker::{Context, Failure, Message, Options, PlanSummary, Worker, is_unasked};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::event::whole::Whole;
use crate::gdext::convert::text;
use crate::gdext::task::{Outcome, VSekaiTask};
use crate::gdext::values::{VSekaiFailure, VSekaiPlan, VSekaiRelease, VSekaiStatus};
use crate::install::{Damage, Examined};

/// How long leaving the tree may block while work stops. Work checks its flag far more often, but a DNS lookup does
/// not.
const LONGEST_STOP: Duration = Duration::from_secs(2);

const FRAME: &str = "process_frame";

/// What the node does with the result of an operation, on the main thread.
pub(super) struct Reply(Box<dyn FnOnce(&mut VSekaiUpdater) + Send>);

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

/// A running operation.
#[derive(Debug)]
pub(in crate::gdext) struct Job {
    pub(in crate::gdext) operation: Operation,
    pub(in crate::gdext) task: Gd<VSekaiTask>,
    pub(in crate::gdext) whole: Whole,
    pub(super) worker: Worker<Reply>,
}

impl Job {
    pub(super) fn start<T: Send + 'static>(
        operation: Operation,
        task: Gd<VSekaiTask>,
        options: Options,
        work: impl FnOnce(Options, &Context) -> Result<T> + Send + 'static,
        reply: impl FnOnce(&mut VSekaiUpdater, T) + Send + 'static,
    ) -> Self {
        let worker = Worker::start(options, move |options, context| {
            let result = work(options, context)?;
            Ok(Reply(Box::new(move |node| reply(node, result))))
        });
        Self { operation, task, whole: Whole::default(), worker }
    }
}

impl VSekaiUpdater {
    pub(super) fn start_pump(&mut self) {
        let Some(mut tree) = self.tree().filter(|_| self.pump.is_none()) else { return };
        let id = self.base().instance_id();
        let pump = Callable::from_fn("VSekaiUpdater", move |_: &[&Variant]| {
            if let Ok(node) = Gd::<Self>::try_from_instance_id(id) {
                pump(node);
            }
        });
        tree.connect(FRAME, &pump);
        self.pump = Some(pump);
    }

    fn stop_pump(&mut self) {
        if let Some(pump) = self.pump.take()
            && let Some(mut tree) = self.tree()
        {
            tree.disconnect(FRAME, &pump);
        }
    }

    fn tree(&self) -> Option<Gd<SceneTree>> {
        if self.base().is_inside_tree() { self.base().get_tree_or_null() } else { None }
    }

    /// Stops all work and drops signals that were not emitted yet. A game keeps running.
    pub(super) fn stop(&mut self) {
        self.stop_pump();
        self.signals.clear();
        (self.is_update_due, self.due_task) = (false, None);
        let (job, reads, game) = (self.job.take(), std::mem::take(&mut self.reads), self.game.take());
        for job in job.iter().chain(&reads) {
            job.worker.cancel();
        }
        if let Some(game) = &game {
            game.worker.leave();
        }
        for job in job.into_iter().chain(reads).chain(game) {
            job.worker.join(LONGEST_STOP);
        }
        for task in std::mem::take(&mut self.tasks) {
            let (operation, decided) = (task.bind().operation(), task.bind().outcome());
            let gone = || Outcome::Failed(stopped(operation, "The node has left the scene tree."));
            VSekaiTask::end_later(task, decided.unwrap_or_else(gone));
        }
        if self.state == State::Verifying {
            self.state = self.state_before;
        } else if self.state.is_working() {
            self.state = State::Idle;
        }
    }

    /// Takes the messages since the last frame. A game comes last: whether it is alone depends on the others.
    fn gather(&mut self) {
        let (job, reads, game) = (self.job.take(), std::mem::take(&mut self.reads), self.game.take());
        for mut job in job.into_iter().chain(reads).chain(game) {
            let messages = job.worker.messages();
            let is_done = messages.iter().any(|message| matches!(message, Message::Done(_)));
            let mut progress = job.worker.progress();
            for message in messages {
                if matches!(message, Message::Done(_))
                    && let Some(progress) = progress.take()
                {
                    self.tell_progress(&mut job, progress);
                }
                self.take(&job.task, job.operation, message);
            }
            if let Some(progress) = progress {
                self.tell_progress(&mut job, progress);
            }
            match job.operation {
                _ if is_done => {}
                Operation::Launch => self.game = Some(job),
                operation if operation.is_read() => self.reads.push(job),
                _ => self.job = Some(job),
            }
        }
    }

    /// What was received, and will be: never less than before a pause, though what was given up then comes again.
    pub(in crate::gdext) fn since_the_pause(&mut self, received: u64, download: Option<u64>) -> (u64, Option<u64>) {
        self.received_bytes = self.received_before.max(received);
        (self.received_bytes, download.map(|bytes| bytes.max(self.received_bytes)))
    }

    fn take(&mut self, task: &Gd<VSekaiTask>, operation: Operation, message: Message<Reply>) {
        match message {
            Message::Event(Event::StateChanged { .. }) if operation.is_one_state() => {}
            Message::Event(Event::StateChanged { state }) => {
                let state = State::from(state);
                // The final state follows with the result.
                let is_found = state == State::UpdateAvailable && operation == Operation::Update;
                if state.is_working() || is_found {
                    self.tell_state(state);
                }
            }
            Message::Event(Event::Warned { code, message }) => self.tell_warning(code, &message),
            Message::Event(Event::Launched { version, rolled_back_from }) => {
                let version = text(&version);
                if let Some(left) = rolled_back_from {
                    let message = format!("{left} failed to start twice, so {version} was started instead.");
                    self.tell_warning("rolled_back", &message);
                    let version = version.clone();
                    self.tell(move |node| node.signals().rolled_back().emit(&version));
                }
                self.tell(move |node| node.signals().launched().emit(&version));
                self.ended(task, Outcome::Done);
            }
            Message::Event(_) => {}
            Message::Planned(plan) => self.planned(&plan),
            Message::Done(Ok(Reply(reply))) => {
                self.complete(operation);
                self.leave_verification(operation);
                reply(self);
                self.ended(task, Outcome::Done);
            }
            Message::Done(Err(failure)) => {
                self.leave_verification(operation);
                let failure = self.fail(operation, &failure);
                self.ended(task, Outcome::Failed(failure));
            }
        }
    }

    /// Says that an operation is over, unless another one continues it. A launch is over when the game has started. The node
    /// says nothing of a launch or a read while another operation runs, because whoever waits for that would take it for its
    /// end; their tasks do.
    pub(super) fn ended(&mut self, task: &Gd<VSekaiTask>, outcome: Outcome) {
        let operation = task.bind().operation();
        if is_change(operation) && std::mem::take(&mut self.goes_on) {
            self.due_task = Some(task.clone());
            return;
        }
        let is_alone = self.is_alone(operation);
        self.tell_end(task, outcome, is_alone);
    }

    /// A verification is no outcome: what could be done before, such as [`VSekaiUpdater::resume`], still can.
    fn leave_verification(&mut self, operation: Operation) {
        if operation == Operation::Verify {
            self.tell_state(self.state_before);
        }
    }

    /// Whether what becomes of the operation is what [`VSekaiUpdater::get_failure`] tells. A launch or a read beside another
    /// operation leaves that to the other one.
    pub(super) fn is_alone(&self, operation: Operation) -> bool {
        match operation {
            Operation::Launch => !self.is_busy(),
            _ => !operation.is_read() || !self.is_changing(),
        }
    }

    /// The size of a download is an estimate: an operation that has succeeded is done, whatever has come.
    fn complete(&mut self, operation: Operation) {
        if !is_change(operation) {
            return;
        }
        let complete = move |node: &mut Self| {
            if operation == Operation::Update || node.progress >= 0.0 {
                node.progress = 1.0;
            }
            false
        };
        self.tell_after(complete, |_| {});
    }

    /// A check has ended.
    pub(super) fn found(&mut self, (checked, plan): (Checked, Option<PlanSummary>)) {
        self.news.clone_from(&checked.news);
        let Some(available) = &checked.available else { return self.up_to_date() };
        let release = VSekaiRelease::of(available, checked.current.as_ref().map(|current| &current.version));
        let kept = release.clone();
        let keep = move |node: &mut Self| {
            node.release = Some(kept);
            true
        };
        self.tell_state(State::UpdateAvailable);
        self.tell_after(keep, move |node| node.signals().update_found().emit(&release));
        if let Some(plan) = &plan {
            self.planned(plan);
        }
        if self.update_policy == UpdatePolicy::Silent && is_unasked(&checked) {
            self.update_soon(String::new());
        }
    }

    fn planned(&mut self, plan: &PlanSummary) {
        let plan = VSekaiPlan::of(plan);
        let kept = plan.clone();
        let keep = move |node: &mut Self| {
            node.plan = Some(kept);
            true
        };
        self.tell_after(keep, move |node| node.signals().plan_made().emit(&plan));
    }

    pub(super) fn up_to_date(&mut self) {
        self.tell_state(State::NoUpdateFound);
        self.tell_after(Self::forget_release, |node| node.signals().no_update_found().emit());
    }

    pub(super) fn updated(&mut self, version: &str) {
        let version = text(version);
        self.tell_state(State::UpdateSuccessful);
        self.tell_after(Self::forget_release, move |node| node.signals().update_completed().emit(&version));
    }

    pub(super) fn switched(&mut self, mode: GString) {
        let followed = mode.clone();
        let follow = move |node: &mut Self| {
            if !node.mode.is_empty() {
                node.mode = followed;
            }
            node.forget_release()
        };
        self.tell_after(follow, move |node| node.signals().mode_switched().emit(&mode));
    }

    pub(super) fn status_known(&mut self, status: Gd<VSekaiStatus>) {
        let kept = status.clone();
        let keep = move |node: &mut Self| {
            node.status = Some(kept);
            true
        };
        self.tell_after(keep, move |node| node.signals().status_read().emit(&status));
    }

    pub(super) fn forget_release(&mut self) -> bool {
        (self.release, self.plan) = (None, None);
        true
    }

    /// After the signals before it. Their handlers can start nothing else, but cancel it.
    fn update_soon(&mut self, version: String) {
        (self.goes_on, self.is_update_due) = (true, true);
        let start = move |node: &mut Self| {
            if std::mem::take(&mut node.is_update_due) {
                let task = node.due_task.take();
                node.update_as(task, version);
            }
            false
        };
        self.tell_after(start, |_| {});
    }

    fn fail(&mut self, operation: Operation, failure: &Failure) -> Gd<VSekaiFailure> {
        let (is_pausing, is_resuming) = (self.is_pausing, self.is_resuming);
        if is_change(operation) {
            (self.is_pausing, self.is_resuming) = (false, false);
        }
        if failure.is_cancelled() {
            let is_pause = is_pausing && operation == Operation::Update;
            return if is_pause { self.paused(is_resuming) } else { self.cancelled(operation) };
        }
        self.say_if_of_configuration(operation, failure);
        if tells_outcome(operation) {
            self.tell_state(State::Failed);
        }
        let is_kept = self.is_alone(operation);
        let failure = in_words(operation, failure);
        self.tell_failure(failure.clone(), is_kept);
        failure
    }

    fn paused(&mut self, is_resuming: bool) -> Gd<VSekaiFailure> {
        self.paused_bytes = Some(self.received_bytes);
        let paused = stopped(Operation::Update, "The update was paused.");
        if is_resuming {
            self.update_soon(self.wanted_version.clone());
        } else {
            self.keep_failure(paused.clone());
            self.tell_state(State::Paused);
            self.tell(|node| node.signals().update_paused().emit());
        }
        paused
    }

    pub(super) fn cancelled(&mut self, operation: Operation) -> Gd<VSekaiFailure> {
        let what = match operation {
            Operation::Check => "The check was cancelled.",
            Operation::Update => "The update was cancelled.",
            _ => "The operation was cancelled.",
        };
        let failure = stopped(operation, what);
        if self.is_alone(operation) {
            self.keep_failure(failure.clone());
        }
        if operation == Operation::Update {
            self.paused_bytes = None;
        }
        if tells_outcome(operation) {
            self.tell_state(State::Cancelled);
        }
        self.tell(move |node| node.signals().operation_cancelled().emit(operation));
        failure
    }
}

/// Whether the state stays at what became of it.
fn tells_outcome(operation: Operation) -> bool {
    matches!(operation, Operation::Check | Operation::Update | Operation::Rollback | Operation::Repair)
}

/// Whether it is one of those of which one runs at a time.
pub(super) fn is_change(operation: Operation) -> bool {
    operation != Operation::Launch && !operation.is_read()
}

fn in_words(operation: Operation, failure: &Failure) -> Gd<VSekaiFailure> {
    VSekaiFailure::of(operation, failure, failure.hint())
}

fn stopped(operation: Operation, message: &str) -> Gd<VSekaiFailure> {
    in_words(operation, &Failure { message: message.to_owned(), ..Failure::from(Error::Cancelled) })
}

/// Emits the signals that are due; those that are queued meanwhile wait for the next frame.
fn pump(mut node: Gd<VSekaiUpdater>) {
    node.bind_mut().gather();
    let count = node.bind().signals.len();
    for _ in 0..count {
        let Some(emit) = node.bind_mut().next_signal() else { break };
        emit(&node);
        // A handler may have freed the node or removed it from the tree.
        if !node.is_instance_valid() || !node.is_inside_tree() {
            return;
        }
    }
    let mut node = node.bind_mut();
    if node.job.is_none() && node.reads.is_empty() && node.game.is_none() && node.signals.is_empty() {
        node.stop_pump();
    }
}

/// Each damaged file once, whichever version it is in.
pub(super) fn damaged_files(versions: &[Examined]) -> Vec<String> {
    let damage = versions.iter().flat_map(|version| &version.found.damage);
    let files: std::collections::BTreeSet<&str> = damage.map(Damage::path).collect();
    files.into_iter().map(ToOwned::to_owned).collect()
}

/// Size of what is damaged in these versions, in bytes.
pub(super) fn damaged_bytes(versions: &[Examined]) -> u64 {
    versions.iter().map(|version| version.found.damaged_bytes).sum()
}
