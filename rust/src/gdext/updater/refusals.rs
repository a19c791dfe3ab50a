//! Calls that start nothing: what they answer, and what the console says about it.

use godot::classes::Engine;
use godot::global::{Error as Answer, godot_error};
use godot::obj::{Gd, Singleton, WithBaseField};

use super::{Operation, Started, VSekaiUpdater};
use crate::app::worker::{Failure, UNAVAILABLE};
use crate::gdext::other_thread::is_elsewhere;
use crate::gdext::task::VSekaiTask;
use crate::gdext::values::VSekaiFailure;

/// Why a call starts nothing, and what to do about it.
pub(super) struct Refusal {
    answer: Answer,
    /// Half a sentence.
    what: String,
    hint: &'static str,
    /// The method that was called, if it is not that of the operation.
    method: Option<&'static str>,
}

impl Refusal {
    fn new(answer: Answer, what: impl Into<String>, hint: &'static str) -> Self {
        Self { answer, what: what.into(), hint, method: None }
    }

    /// An argument or a property has a value that cannot be used.
    pub(super) fn invalid(what: impl Into<String>, hint: &'static str) -> Self {
        Self::new(Answer::ERR_INVALID_PARAMETER, what, hint)
    }

    /// There is nothing that the call could apply to.
    pub(super) fn unavailable(what: &str, hint: &'static str) -> Self {
        Self::new(Answer::ERR_UNAVAILABLE, what, hint)
    }

    /// The same, of a method that starts an operation in a way of its own.
    pub(super) fn of(self, method: &'static str) -> Self {
        Self { method: Some(method), ..self }
    }

    fn method(&self, operation: Operation) -> String {
        self.method.map_or_else(|| operation.method(), ToOwned::to_owned)
    }

    fn code(&self) -> &'static str {
        match self.answer {
            Answer::ERR_BUSY => "busy",
            Answer::ERR_INVALID_PARAMETER => "invalid_argument",
            _ => UNAVAILABLE,
        }
    }

    /// As what an operation fails with.
    pub(super) fn failure(&self, operation: Operation) -> Gd<VSekaiFailure> {
        let message = format!("{}(): {}.", self.method(operation), self.what);
        let failure = Failure { code: self.code().to_owned(), message, causes: Vec::new() };
        VSekaiFailure::of(operation, &failure, self.hint)
    }

    /// Says in the console what the call should have done, as the engine's own nodes do.
    pub(super) fn say(&self, operation: Operation) {
        godot_error!("VSekaiUpdater: {}(): {}. {}", self.method(operation), self.what, self.hint);
    }
}

impl VSekaiUpdater {
    /// Why an operation cannot start now.
    pub(super) fn obstacle(&self, operation: Operation) -> Option<Refusal> {
        if Engine::singleton().is_editor_hint() {
            let what = "the node does nothing in the editor";
            return Some(Refusal::new(Answer::ERR_UNCONFIGURED, what, "Run the project."));
        }
        if !self.base().is_inside_tree() {
            let what = "the node is not in the scene tree";
            return Some(Refusal::new(Answer::ERR_UNCONFIGURED, what, "Add it first, such as with add_child()."));
        }
        if operation == Operation::Launch {
            let is_running = self.game.is_some();
            return is_running.then(|| Refusal::new(Answer::ERR_BUSY, "its game is running", "Wait for game_exited."));
        }
        let what = format!("{}() is running", self.in_the_way_of(operation)?.method());
        Some(Refusal::new(Answer::ERR_BUSY, what, "Wait until it has ended, or call cancel()."))
    }

    /// The running operation that this one cannot run beside.
    fn in_the_way_of(&self, operation: Operation) -> Option<Operation> {
        let change = self.job.as_ref().map(|job| job.operation).or(self.is_update_due.then_some(Operation::Update));
        let reads = || self.reads.iter().map(|job| job.operation);
        if operation.is_read() {
            return change.filter(|change| change.takes_folder()).or_else(|| reads().find(|read| *read == operation));
        }
        change.or_else(|| if operation.takes_folder() { reads().next() } else { None })
    }

    /// Says in the console which property to set, once for each fault: nothing else shows it to an author who does not
    /// look at the task.
    pub(super) fn say_if_of_configuration(&mut self, operation: Operation, failure: &Failure) {
        // Of these two, the mode is an argument, which a player may have chosen.
        let is_argument = matches!(operation, Operation::PlanMode | Operation::SwitchMode);
        let is_meant = failure.is_of_configuration() && !(is_argument && failure.code == "mode_unknown");
        if is_meant && self.said.insert(failure.message.clone()) {
            let hint = if failure.code == "mode_unknown" { "Set mode to one that there is." } else { failure.hint() };
            let message = failure.message.trim_end_matches('.');
            godot_error!("VSekaiUpdater: {}(): {message}. {hint}", operation.method());
        }
    }
}

/// Ends a call that starts nothing.
pub(super) fn refuse(operation: Operation, refusal: &Refusal) -> Started {
    if is_elsewhere(&operation.method()) {
        return None;
    }
    refusal.say(operation);
    Some(VSekaiTask::refused(operation, refusal.answer, refusal.failure(operation)))
}
