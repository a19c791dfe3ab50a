//! What the node says next: one value for each signal, said while nothing of the node is borrowed.

use godot::builtin::{Array, GString, PackedStringArray};
use godot::obj::Gd;

use super::convert::{int, text};
use super::enums::State;
use super::updater::VSekaiUpdater;
use super::values::{VSekaiFailure, VSekaiMode, VSekaiPlan, VSekaiRelease, VSekaiStatus};
use crate::event::throughput::Progress;

/// One signal, or two that belong together.
#[derive(Debug)]
pub(super) enum Tell {
    State(State),
    Found(Gd<VSekaiRelease>),
    NotFound,
    Plan(Gd<VSekaiPlan>),
    Progress(Progress),
    Completed(GString),
    Cancelled,
    Paused,
    /// The failure, and whether it was one of a check or an update.
    Failed(Gd<VSekaiFailure>, bool),
    Warned(GString, GString),
    Status(Gd<VSekaiStatus>),
    Modes(Array<Gd<VSekaiMode>>),
    Switched(GString),
    ModePlanned(GString, Option<Gd<VSekaiPlan>>),
    Verified(PackedStringArray),
    Repaired(u64),
    RolledBack(GString),
    Launched(GString),
    GameExited(Option<i32>, bool),
    Integrated,
    Unintegrated,
    Uninstalled,
    /// No signal: an update is to be started, if nothing else was by now.
    Start,
}

impl Tell {
    /// Emits it. Whoever listens may do anything, also free the node.
    pub(super) fn emit(self, node: &mut Gd<VSekaiUpdater>) {
        match self {
            Self::State(state) => node.signals().state_changed().emit(state),
            Self::Found(release) => node.signals().update_found().emit(&release),
            Self::NotFound => node.signals().no_update_found().emit(),
            Self::Plan(plan) => node.signals().plan_made().emit(&plan),
            Self::Progress(progress) => emit_progress(node, progress),
            Self::Completed(version) => node.signals().update_completed().emit(&version),
            Self::Cancelled => node.signals().update_cancelled().emit(),
            Self::Paused => node.signals().update_paused().emit(),
            Self::Failed(failure, is_update) => emit_failure(node, &failure, is_update),
            Self::Warned(code, message) => node.signals().warned().emit(&code, &message),
            Self::Status(status) => node.signals().status_read().emit(&status),
            Self::Modes(modes) => node.signals().modes_listed().emit(&modes),
            Self::Switched(mode) => node.signals().mode_switched().emit(&mode),
            Self::ModePlanned(mode, plan) => node.signals().mode_planned().emit(&mode, plan.as_ref()),
            Self::Verified(damaged) => node.signals().verify_completed().emit(&damaged),
            Self::Repaired(files) => node.signals().repair_completed().emit(int(files)),
            Self::RolledBack(version) => node.signals().rolled_back().emit(&version),
            Self::Launched(version) => node.signals().launched().emit(&version),
            Self::GameExited(code, is_acknowledged) => {
                node.signals().game_exited().emit(code.map_or(-1, i64::from), is_acknowledged);
            }
            Self::Integrated => node.signals().integrated().emit(),
            Self::Unintegrated => node.signals().unintegrated().emit(),
            Self::Uninstalled => node.signals().uninstalled().emit(),
            Self::Start => {}
        }
    }
}

fn emit_progress(node: &Gd<VSekaiUpdater>, progress: Progress) {
    let Progress { done_bytes, total_bytes, bytes_per_second, seconds_left } = progress;
    let (done, total, left) = (int(done_bytes), int(total_bytes), seconds_left.unwrap_or(-1.0));
    node.signals().progress_changed().emit(done, total, bytes_per_second, left);
}

fn emit_failure(node: &Gd<VSekaiUpdater>, failure: &Gd<VSekaiFailure>, is_update: bool) {
    let (code, message, hint) = failure.bind().words();
    node.signals().operation_failed().emit(failure);
    if is_update && node.is_instance_valid() {
        node.signals().update_failed().emit(&code, &message, &hint);
    }
}

/// A warning in its own words.
pub(super) fn warning(code: &str, message: &str) -> Tell {
    Tell::Warned(text(code), text(message))
}
