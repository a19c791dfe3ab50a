//! The updater's states and the transitions between them, as a table.
//!
//! Operations report what happened ([`Monitor::signal`](crate::event::Monitor::signal)), and the table decides which
//! state that leads to. The names are those of V-Sekai's proposal; `Paused`, `Cancelled`, `Failed` and `RollingBack`
//! are ours. The launcher shows the state, `--json` prints it, and the diagram in `docs/install-root.md` is made by
//! [`diagram`].

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// What the updater is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Nothing.
    #[default]
    Idle,
    /// Asking the repository for a newer version.
    Checking,
    /// The repository has nothing newer.
    NoUpdateFound,
    /// The repository has a newer version.
    UpdateAvailable,
    /// Planning the update: `check_launcher_folder`, `validate_manifest_file_and_version`,
    /// `ensure_correct_files_for_update`.
    PreparingUpdate,
    /// Acquiring chunks into staging: `download_to_temp`.
    DownloadingUpdate,
    /// Making the new version current: `delete_old_and_move_over`, in the safe order.
    ApplyingUpdate,
    /// Desktop integration and clean-up: `setup_registry_values`.
    FinalizingUpdate,
    /// The new version is current.
    UpdateSuccessful,
    /// Paused by the user; downloaded data is kept.
    Paused,
    /// Stopped by the user; downloaded data is kept.
    Cancelled,
    /// Stopped by an error; the installed version is unchanged.
    Failed,
    /// Going back to the previous version.
    RollingBack,
}

/// An event that can change the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Signal {
    /// The user or a timer asks for a check.
    Check,
    /// The repository has nothing newer.
    NothingNew,
    /// The repository has a newer version.
    Found,
    /// The user or the update policy starts the update.
    Start,
    /// The plan is made, and there is enough free space for it.
    Planned,
    /// Everything is in staging and verified.
    Downloaded,
    /// The new version is current.
    Applied,
    /// Nothing is left to do.
    Finished,
    /// The user pauses the update.
    Pause,
    /// The user resumes the update.
    Resume,
    /// The user cancels the operation.
    Cancel,
    /// The operation failed.
    Fail,
    /// The user asks for the previous version, or a version did not start.
    RollBack,
    /// The user asks for a check of all files.
    Verify,
    /// The result was shown to the user.
    Acknowledge,
}

use Signal as On;
use State as Is;

/// Every transition: from a state, on a signal, to a state.
pub const TRANSITIONS: &[(State, Signal, State)] = &[
    (Is::Idle, On::Check, Is::Checking),
    (Is::Idle, On::Cancel, Is::Cancelled),
    (Is::Idle, On::Fail, Is::Failed),
    (Is::Idle, On::Verify, Is::Idle),
    (Is::Checking, On::NothingNew, Is::NoUpdateFound),
    (Is::NoUpdateFound, On::Acknowledge, Is::Idle),
    (Is::Checking, On::Found, Is::UpdateAvailable),
    (Is::UpdateAvailable, On::Acknowledge, Is::Idle),
    (Is::UpdateAvailable, On::Start, Is::PreparingUpdate),
    // A repair, or a dry run.
    (Is::Idle, On::Start, Is::PreparingUpdate),
    (Is::PreparingUpdate, On::Planned, Is::DownloadingUpdate),
    // The version is already complete: an earlier run was stopped just before the switch.
    (Is::PreparingUpdate, On::Downloaded, Is::ApplyingUpdate),
    (Is::PreparingUpdate, On::Acknowledge, Is::Idle),
    (Is::DownloadingUpdate, On::Downloaded, Is::ApplyingUpdate),
    (Is::ApplyingUpdate, On::Applied, Is::FinalizingUpdate),
    (Is::FinalizingUpdate, On::Finished, Is::UpdateSuccessful),
    // The end of a repair.
    (Is::FinalizingUpdate, On::Acknowledge, Is::Idle),
    (Is::UpdateSuccessful, On::Acknowledge, Is::Idle),
    (Is::Checking, On::Pause, Is::Paused),
    (Is::UpdateAvailable, On::Pause, Is::Paused),
    (Is::PreparingUpdate, On::Pause, Is::Paused),
    (Is::DownloadingUpdate, On::Pause, Is::Paused),
    // The next check finds the downloaded data again.
    (Is::Paused, On::Resume, Is::Checking),
    (Is::Paused, On::Cancel, Is::Cancelled),
    (Is::Checking, On::Cancel, Is::Cancelled),
    (Is::UpdateAvailable, On::Cancel, Is::Cancelled),
    (Is::PreparingUpdate, On::Cancel, Is::Cancelled),
    (Is::DownloadingUpdate, On::Cancel, Is::Cancelled),
    (Is::Cancelled, On::Acknowledge, Is::Idle),
    (Is::Checking, On::Fail, Is::Failed),
    (Is::UpdateAvailable, On::Fail, Is::Failed),
    (Is::PreparingUpdate, On::Fail, Is::Failed),
    (Is::DownloadingUpdate, On::Fail, Is::Failed),
    (Is::ApplyingUpdate, On::Fail, Is::Failed),
    (Is::FinalizingUpdate, On::Fail, Is::Failed),
    (Is::Failed, On::Acknowledge, Is::Idle),
    (Is::Idle, On::RollBack, Is::RollingBack),
    (Is::RollingBack, On::Finished, Is::Idle),
    (Is::RollingBack, On::Cancel, Is::Cancelled),
    (Is::RollingBack, On::Fail, Is::Failed),
];

impl State {
    /// The state that a signal leads to, or `None` if the signal is ignored in this state.
    pub fn next(self, signal: Signal) -> Option<Self> {
        TRANSITIONS.iter().find(|(from, on, _)| *from == self && *on == signal).map(|(_, _, to)| *to)
    }

    /// Whether an update is in progress: the proposal's `Updating`.
    pub fn is_updating(self) -> bool {
        matches!(self, Self::PreparingUpdate | Self::DownloadingUpdate | Self::ApplyingUpdate | Self::FinalizingUpdate)
    }
}

/// The table as a Mermaid state diagram.
pub fn diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> Idle\n");
    for (from, on, to) in TRANSITIONS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {from:?} --> {to:?}: {on:?}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn table_has_one_answer_for_each_question_and_no_dead_end() {
        let mut seen = HashSet::new();
        let mut reached = HashSet::from([State::Idle]);
        for (from, on, to) in TRANSITIONS {
            assert!(seen.insert((from, on)), "{from:?} on {on:?} leads to two states");
            reached.insert(*to);
        }
        for state in &reached {
            assert!(TRANSITIONS.iter().any(|(from, ..)| from == state), "{state:?} is never left");
        }
        // Every state can return to `Idle`.
        let mut home = HashSet::from([State::Idle]);
        while TRANSITIONS.iter().any(|(from, _, to)| home.contains(to) && home.insert(*from)) {}
        assert_eq!(home, reached);
    }

    #[test]
    fn an_update_goes_the_way_of_the_proposal() {
        let way = [On::Check, On::Found, On::Start, On::Planned, On::Downloaded, On::Applied, On::Finished];
        let state = way.iter().fold(State::Idle, |state, signal| state.next(*signal).unwrap());
        assert_eq!(state, State::UpdateSuccessful);
        assert!(State::ApplyingUpdate.is_updating() && !State::Checking.is_updating());
        assert_eq!(State::ApplyingUpdate.next(On::Cancel), None, "the switch is not interrupted");
    }

    #[test]
    fn the_picture_in_the_documentation_is_this_table() {
        assert!(include_str!("../../docs/install-root.md").contains(&diagram()), "put this there:\n{}", diagram());
    }
}
