//! Stopping what runs, and going on.

use godot::global::Error as Answer;
use godot::register::godot_api;

use super::refusals::refuse;
use super::{Operation, State, VSekaiUpdater};

#[godot_api(secondary)]
impl VSekaiUpdater {
    /// Stops the running update: [signal update_paused], then [signal finished] with `false`. Downloaded data is kept. Has no
    /// effect on other operations, or on an update that is about to complete.
    #[func]
    fn pause(&mut self) {
        if let Some(job) = self.job.as_ref().filter(|job| job.operation == Operation::Update) {
            self.is_pausing = !job.worker.is_cancelled() || self.is_pausing;
            self.is_resuming = false;
            job.worker.cancel();
        }
    }

    /// Continues an update stopped by [method pause]; returns `ERR_UNAVAILABLE` if there is none.
    #[func]
    fn resume(&mut self) -> Answer {
        if self.is_pausing && self.job.is_some() {
            self.is_resuming = true;
            return Answer::OK;
        }
        if self.job.is_none() && self.state != State::Paused {
            return refuse(Answer::ERR_UNAVAILABLE, "no update is paused: call start_update()");
        }
        self.update_to(self.wanted_version.clone())
    }

    /// Stops a running check or update, or gives up a paused one: [signal update_cancelled]. Other operations end with
    /// [signal operation_failed] and the code `cancelled`. Downloaded data is kept, and the next [method start_update]
    /// resumes from it. Does not end a game.
    #[func]
    fn cancel(&mut self) {
        self.is_pausing = false;
        self.is_resuming = false;
        if let Some(job) = &self.job {
            job.worker.cancel();
        } else if std::mem::take(&mut self.is_update_due) {
            self.cancelled(Operation::Update);
            self.ended(Operation::Update, false);
            self.start_pump();
        } else if self.state == State::Paused {
            self.cancelled(Operation::Update);
            self.start_pump();
        }
    }
}
