//! `VSekaiTask`: what has become of one call of the node.

use godot::builtin::{Callable, GString, Signal, Variant};
use godot::classes::{IRefCounted, RefCounted};
use godot::global::Error as Answer;
use godot::meta::ToGodot;
use godot::obj::{Base, Gd, InstanceId};
use godot::register::{GodotClass, godot_api};

use super::enums::Operation;
use super::other_thread::is_elsewhere;
use super::updater::VSekaiUpdater;
use super::values::{VSekaiFailure, VSekaiProgress};

/// How an operation has ended: whether it went well, or else why not.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Done,
    Failed(Gd<VSekaiFailure>),
}

impl Outcome {
    pub(super) fn is_ok(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// One operation of a [VSekaiUpdater], from its call to its end; read-only.
///
/// Every method that starts an operation returns one. `await` its [method wait], which gives `true` if it has ended well,
/// and the answer is that of this call, whatever else the node does meanwhile:
/// ```gdscript
/// extends Node
///
/// @onready var updater: VSekaiUpdater = $VSekaiUpdater
///
///
/// func _ready() -> void:
///     var task := updater.check_for_update()
///     if not await task.wait():
///         print(task.failure.player_text)
///     elif updater.get_release() != null:
///         print("There is an update: ", updater.get_release().version)
/// ```
/// You need not keep it: the node does, until it has ended.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiTask {
    /// What was asked for.
    #[var(get = get_operation, no_set)]
    operation: Operation,
    /// `OK` if it was started. Otherwise nothing was: `ERR_BUSY` while an operation runs that this one cannot run beside;
    /// `ERR_UNCONFIGURED` outside the scene tree or in the editor; `ERR_INVALID_PARAMETER`; `ERR_UNAVAILABLE` from
    /// [method VSekaiUpdater.resume] if nothing is paused. The console says what to do. Such a task has ended at once, and
    /// [member failure] says why in the same form: its kinds are `BUSY`, `UNAVAILABLE` for the two that concern the node, and
    /// `INVALID_ARGUMENT`.
    #[var(get = get_error, no_set)]
    error: Answer,
    /// Whether it has ended: [signal finished] was emitted, or is about to be.
    #[var(no_set)]
    is_finished: bool,
    /// Whether it has ended well.
    #[var(no_set)]
    is_ok: bool,
    /// Why it has not ended well, also after a pause, a cancellation or a refusal. `null` before its end, and after a good
    /// one.
    #[var(no_set)]
    failure: Option<Gd<VSekaiFailure>>,
    /// How far it is. `null` before the first progress, and if it tells none.
    #[var(no_set)]
    progress: Option<Gd<VSekaiProgress>>,
    node: Option<InstanceId>,
    /// Set before [signal finished].
    outcome: Option<Outcome>,
    /// Whether [signal finished] was emitted.
    is_told: bool,
    base: Base<RefCounted>,
}

#[godot_api]
impl IRefCounted for VSekaiTask {
    fn to_string(&self) -> GString {
        let state = match &self.failure {
            _ if !self.is_finished => "not finished".to_owned(),
            Some(failure) => failure.bind().code(),
            None => "done".to_owned(),
        };
        GString::from(format!("<VSekaiTask {}: {state}>", self.operation.word()).as_str())
    }
}

#[godot_api]
impl VSekaiTask {
    /// It has ended; emitted exactly once, and never during the call that has returned the task. For `await`, use
    /// [method wait]: an `await` of this signal never returns if the task has ended before. [param is_ok] is false if it has failed, was paused, cancelled or refused, or if its
    /// node has left the tree: [member failure] then says why. A check that goes on to install
    /// ([constant VSekaiUpdater.SILENT]) ends with the update. A launch ends when the game has started.
    #[signal]
    pub(super) fn finished(is_ok: bool);

    /// For `await`, at any time: `await task.wait()` returns when the task has ended, at once if it has, and gives
    /// [member is_ok]. Without `await`, it does nothing, and does not block. In other words, it returns [signal finished],
    /// or [member is_ok] of a task that has ended, so give a variable its type: `var is_ok: bool = await task.wait()`.
    #[func(gd_self)]
    fn wait(this: Gd<Self>) -> Variant {
        let task = this.bind();
        if task.is_finished {
            task.is_ok.to_variant()
        } else {
            Signal::from_object_signal(&this, "finished").to_variant()
        }
    }

    /// Stops this operation, and no other. Returns `ERR_UNAVAILABLE` if it has ended, or is a launch: a game is not ended.
    #[func(gd_self)]
    fn cancel(this: Gd<Self>) -> Answer {
        if is_elsewhere("cancel") {
            return Answer::ERR_UNCONFIGURED;
        }
        let node = this.bind().node;
        let node = node.and_then(|id| Gd::<VSekaiUpdater>::try_from_instance_id(id).ok());
        node.map_or(Answer::ERR_UNAVAILABLE, |mut node| node.bind_mut().cancel_task(&this))
    }

    #[func]
    fn get_operation(&self) -> Operation {
        self.operation
    }

    #[func]
    fn get_error(&self) -> Answer {
        self.error
    }
}

impl VSekaiTask {
    pub(super) fn begin(operation: Operation, node: InstanceId) -> Gd<Self> {
        Self::new(operation, Answer::OK, Some(node))
    }

    /// Of a call that starts nothing: it has ended before it is returned, and tells that when the frame ends.
    pub(super) fn refused(operation: Operation, error: Answer, failure: Gd<VSekaiFailure>) -> Gd<Self> {
        let mut task = Self::new(operation, error, None);
        let outcome = Outcome::Failed(failure);
        task.bind_mut().decide(outcome.clone());
        task.bind_mut().settle();
        Self::end_later(task.clone(), outcome);
        task
    }

    fn new(operation: Operation, error: Answer, node: Option<InstanceId>) -> Gd<Self> {
        Gd::from_init_fn(|base| Self {
            operation,
            error,
            is_finished: false,
            is_ok: false,
            failure: None,
            progress: None,
            node,
            outcome: None,
            is_told: false,
            base,
        })
    }

    pub(super) fn is_started(&self) -> bool {
        self.error == Answer::OK
    }

    pub(super) fn operation(&self) -> Operation {
        self.operation
    }

    pub(super) fn progressed(&mut self, progress: Gd<VSekaiProgress>) {
        self.progress = Some(progress);
    }

    /// Decides how it has ended; [`Self::finish`] tells. False if that was decided before.
    pub(super) fn decide(&mut self, outcome: Outcome) -> bool {
        let is_first = self.outcome.is_none();
        self.outcome.get_or_insert(outcome);
        is_first
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.clone()
    }

    /// Makes the outcome readable.
    pub(super) fn settle(&mut self) {
        let Some(outcome) = self.outcome.clone() else { return };
        (self.is_finished, self.is_ok) = (true, outcome.is_ok());
        if let Outcome::Failed(failure) = outcome {
            self.failure = Some(failure);
        }
    }

    /// Makes the outcome readable, before its end is told. False if it was told before.
    pub(super) fn finish(&mut self) -> bool {
        self.settle();
        self.is_finished && !std::mem::replace(&mut self.is_told, true)
    }

    /// For a task that no node tells about: ends it when the frame does. The call keeps it alive until then.
    pub(super) fn end_later(task: Gd<Self>, outcome: Outcome) {
        let end = Callable::from_fn("VSekaiTask", move |_: &[&Variant]| {
            let mut task = task.clone();
            task.bind_mut().decide(outcome.clone());
            if task.bind_mut().finish() {
                let is_ok = task.bind().is_ok;
                task.signals().finished().emit(is_ok);
            }
        });
        end.call_deferred(&[]);
    }
}
