//! Calls that start nothing: what they answer, and what the console says about it.

use godot::classes::Engine;
use godot::global::{Error as Answer, godot_error};
use godot::init::is_main_thread;
use godot::obj::{Singleton, WithBaseField};

use super::{Operation, Started, VSekaiUpdater};
use crate::gdext::task::VSekaiTask;

impl VSekaiUpdater {
    /// Why an operation cannot start now, and what to do about it.
    pub(super) fn obstacle(&self, operation: Operation) -> Option<(Answer, String)> {
        if Engine::singleton().is_editor_hint() {
            return Some((Answer::ERR_UNCONFIGURED, "the node does nothing in the editor".to_owned()));
        }
        if !self.base().is_inside_tree() {
            return Some((Answer::ERR_UNCONFIGURED, "add the node to the scene tree first".to_owned()));
        }
        if operation == Operation::Launch {
            return self
                .game
                .is_some()
                .then(|| (Answer::ERR_BUSY, "wait for game_exited: its game is running".to_owned()));
        }
        let running = self.in_the_way_of(operation)?.method();
        Some((Answer::ERR_BUSY, format!("wait for finished, or call cancel(): {running}() is running")))
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
}

/// Says in the console what a refused call should have done, as the engine's own nodes do.
pub(super) fn refuse(operation: Operation, answer: Answer, why: &str) -> Started {
    if is_elsewhere(&operation.method()) {
        return None;
    }
    godot_error!("VSekaiUpdater: {why}.");
    Some(VSekaiTask::refused(operation, answer, why))
}

/// Whether this is not the main thread, where the binding panics as soon as it asks the engine for anything.
pub(super) fn is_elsewhere(method: &str) -> bool {
    let is_elsewhere = !is_main_thread();
    if is_elsewhere {
        godot_error!("VSekaiUpdater: {method}(): call it from the main thread, such as with call_deferred().");
    }
    is_elsewhere
}
