//! Once a frame: takes what the workers tell, keeps it as the node's state, and emits it.
//!
//! Signals are emitted while nothing of the node is borrowed: who hears them may call any method, free the node or
//! leave the scene. The pump hangs on the tree's `process_frame`, and not on `_process`: a script on the node may have
//! one of its own, which hides ours. It hangs there only while there is something to do.

use std::time::Duration;

use godot::builtin::{Array, Callable, Variant};
use godot::classes::{Engine, SceneTree};
use godot::obj::{Gd, Singleton, WithBaseField};

use super::{Operation, State, Tell, UpdatePolicy, VSekaiUpdater};
use crate::app::updater::Checked;
use crate::app::worker::{Failed, Message, Outcome, PlanMade, Worker};
use crate::event::Event;
use crate::gdext::convert::{text, texts};
use crate::gdext::tell::warning;
use crate::gdext::values::{VSekaiFailure, VSekaiMode, VSekaiPlan, VSekaiRelease, VSekaiStatus};
use crate::install::Damage;

/// How long leaving the tree may take because work has to stop. It looks at its flag far more often, but a system that
/// looks for the name of a host does not.
const LONGEST_STOP: Duration = Duration::from_secs(2);

const FRAME: &str = "process_frame";

/// A worker, and what it does.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) worker: Worker,
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

    /// Ends all work and forgets what was not told yet. A game goes on.
    pub(super) fn stop(&mut self) {
        self.stop_pump();
        self.tells.clear();
        let (job, game) = (self.job.take(), self.game.take());
        if let Some(job) = &job {
            job.worker.cancel();
        }
        if let Some(game) = &game {
            game.worker.leave();
        }
        for job in job.into_iter().chain(game) {
            job.worker.join(LONGEST_STOP);
        }
        if self.state.is_working() {
            self.state = State::Idle;
        }
    }

    /// Takes what was told since the last frame.
    fn gather(&mut self) {
        for mut job in [self.job.take(), self.game.take()].into_iter().flatten() {
            let messages = job.worker.messages();
            let is_done = messages.iter().any(|message| matches!(message, Message::Done(_)));
            let mut progress = job.worker.progress().map(Tell::Progress);
            for message in messages {
                if matches!(message, Message::Done(_)) {
                    self.tells.extend(progress.take());
                }
                self.take(job.operation, message);
            }
            self.tells.extend(progress);
            match job.operation {
                _ if is_done => {}
                Operation::Launch => self.game = Some(job),
                _ => self.job = Some(job),
            }
        }
    }

    fn take(&mut self, operation: Operation, message: Message) {
        match message {
            Message::Event(Event::StateChanged { state }) => {
                let state = State::from(state);
                // How it ends is told when it has ended.
                let is_found = state == State::UpdateAvailable && operation == Operation::Update;
                if state.is_working() || is_found {
                    self.tells.push_back(Tell::State(state));
                }
            }
            Message::Event(Event::Warned { code, message }) => self.tells.push_back(warning(code, &message)),
            Message::Event(Event::Launched { version, rolled_back_from }) => {
                if let Some(left) = rolled_back_from {
                    let message = format!("{left} did not start twice: {version} was started instead.");
                    self.tells.push_back(warning("rolled_back", &message));
                    self.tells.push_back(Tell::RolledBack(text(&version)));
                }
                self.tells.push_back(Tell::Launched(text(&version)));
            }
            Message::Event(_) => {}
            Message::Planned(plan) => self.tells.push_back(Tell::Plan(VSekaiPlan::of(&plan))),
            Message::Done(Ok(outcome)) => self.succeed(outcome),
            Message::Done(Err(failed)) => self.fail(operation, &failed),
        }
    }

    fn succeed(&mut self, outcome: Outcome) {
        let tells = &mut self.tells;
        match outcome {
            Outcome::Checked(checked, plan) => self.found(&checked, plan.as_ref()),
            Outcome::Updated(updated) if updated.why.is_none() => {
                tells.extend([Tell::State(State::NoUpdateFound), Tell::NotFound]);
            }
            Outcome::Updated(updated) => {
                let version = text(&updated.current.version.to_string());
                tells.extend([Tell::State(State::UpdateSuccessful), Tell::Completed(version)]);
            }
            Outcome::Verified(verified) => tells.push_back(Tell::Verified(texts(paths(&verified.damage)))),
            Outcome::Repaired(found, _) => {
                tells.push_back(Tell::State(State::Idle));
                tells.push_back(Tell::Repaired(paths(&found.damage).len() as u64));
            }
            Outcome::RolledBack(current) => {
                tells.push_back(Tell::State(State::Idle));
                tells.push_back(Tell::RolledBack(text(&current.version.to_string())));
            }
            Outcome::Modes(modes) => {
                let modes: Array<Gd<VSekaiMode>> = modes.iter().map(VSekaiMode::of).collect();
                tells.push_back(Tell::Modes(modes));
            }
            Outcome::Switched(mode) => tells.push_back(Tell::Switched(text(mode.as_str()))),
            Outcome::ModePlanned(mode, plan) => {
                tells.push_back(Tell::ModePlanned(text(mode.as_str()), plan.as_ref().map(VSekaiPlan::of)));
            }
            Outcome::Played(played) => tells.push_back(Tell::GameExited(played.exit_code, played.is_acknowledged)),
            Outcome::Integrated => tells.push_back(Tell::Integrated),
            Outcome::Unintegrated => tells.push_back(Tell::Unintegrated),
            Outcome::Uninstalled => tells.push_back(Tell::Uninstalled),
            Outcome::Status(status) => tells.push_back(Tell::Status(VSekaiStatus::of(&status))),
        }
    }

    fn found(&mut self, checked: &Checked, plan: Option<&PlanMade>) {
        let Some(available) = &checked.available else {
            self.tells.extend([Tell::State(State::NoUpdateFound), Tell::NotFound]);
            return;
        };
        let release = VSekaiRelease::of(available);
        self.tells.extend([Tell::State(State::UpdateAvailable), Tell::Found(release)]);
        self.tells.extend(plan.map(|plan| Tell::Plan(VSekaiPlan::of(plan))));
        if self.update_policy == UpdatePolicy::Silent {
            self.tells.push_back(Tell::Start);
        }
    }

    fn fail(&mut self, operation: Operation, failed: &Failed) {
        let is_update = matches!(operation, Operation::Check | Operation::Update);
        let (is_pausing, is_resuming) = (self.is_pausing, self.is_resuming);
        (self.is_pausing, self.is_resuming) = (false, false);
        if failed.is_cancelled() && is_update {
            match (is_pausing, is_resuming) {
                (true, true) => self.tells.push_back(Tell::Start),
                (true, false) => self.tells.extend([Tell::State(State::Paused), Tell::Paused]),
                (false, _) => self.tells.extend([Tell::State(State::Cancelled), Tell::Cancelled]),
            }
            return;
        }
        if is_update || matches!(operation, Operation::Rollback | Operation::Repair) {
            self.tells.push_back(Tell::State(State::Failed));
        }
        let version = Engine::singleton().get_version_info().get("string").unwrap_or_default();
        let engine = format!("Godot {version}");
        let details = failed.details(operation.word(), &engine, std::env::home_dir().as_deref());
        self.tells.push_back(Tell::Failed(VSekaiFailure::of(operation, failed, &details), is_update));
    }

    /// What is to be said next, which is true from now on.
    fn next(&mut self) -> Option<Tell> {
        let tell = self.tells.pop_front()?;
        match &tell {
            Tell::State(state) if *state == self.state => return self.next(),
            Tell::State(state) => self.state = *state,
            Tell::Found(release) => self.release = Some(release.clone()),
            Tell::NotFound | Tell::Completed(_) | Tell::Uninstalled => (self.release, self.plan) = (None, None),
            Tell::Plan(plan) => self.plan = Some(plan.clone()),
            Tell::Status(status) => self.status = Some(status.clone()),
            Tell::Failed(failure, _) => self.failure = Some(failure.clone()),
            Tell::Switched(mode) if !self.mode.is_empty() => self.mode = mode.clone(),
            Tell::Start => {
                // Somebody may have begun something else meanwhile: then that is what is wanted.
                self.start_update();
            }
            _ => {}
        }
        Some(tell)
    }
}

/// Says what there is to say now; what is told while it speaks waits for the next frame.
fn pump(mut node: Gd<VSekaiUpdater>) {
    node.bind_mut().gather();
    let count = node.bind().tells.len();
    for _ in 0..count {
        let Some(tell) = node.bind_mut().next() else { break };
        tell.emit(&mut node);
        // Whoever heard it may have freed the node or taken it out of the tree.
        if !node.is_instance_valid() || !node.is_inside_tree() {
            return;
        }
    }
    let mut node = node.bind_mut();
    if node.job.is_none() && node.game.is_none() && node.tells.is_empty() {
        node.stop_pump();
    }
}

/// Each damaged file once.
fn paths(damage: &[Damage]) -> Vec<String> {
    let files: std::collections::BTreeSet<&str> = damage.iter().map(Damage::path).collect();
    files.into_iter().map(ToOwned::to_owned).collect()
}
