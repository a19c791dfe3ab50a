//! Calls that start nothing: what they answer, and what the console says about it.

use godot::classes::Engine;
use godot::global::{Error as Answer, godot_error};
use godot::init::is_main_thread;
use godot::obj::{Singleton, WithBaseField};

use super::{Operation, VSekaiUpdater};

impl VSekaiUpdater {
    /// Why an operation cannot start now, and what to do about it.
    pub(super) fn obstacle(&self, operation: Operation) -> Option<(Answer, String)> {
        // First: on another thread, the binding panics as soon as it asks the engine for anything.
        if !is_main_thread() {
            return Some((
                Answer::ERR_UNCONFIGURED,
                "call it from the main thread, such as with call_deferred()".to_owned(),
            ));
        }
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
        self.is_busy().then(|| {
            let running = self.job.as_ref().map_or(Operation::Update, |job| job.operation).method();
            (Answer::ERR_BUSY, format!("wait for finished, or call cancel(): {running}() is running"))
        })
    }
}

/// Says in the console what a refused call should have done, as the engine's own nodes do.
pub(super) fn refuse(answer: Answer, why: &str) -> Answer {
    godot_error!("VSekaiUpdater: {why}.");
    answer
}
