//! The node `VSekaiUpdater`: properties, methods, signals. What it does with what its workers tell is in `pump`.

use std::collections::VecDeque;

use godot::builtin::{Array, Callable, GString, PackedStringArray};
use godot::classes::notify::NodeNotification;
use godot::classes::{Engine, INode, Node};
use godot::global::Error as Answer;
use godot::obj::{Base, Gd, Singleton, WithBaseField};
use godot::register::{GodotClass, godot_api};

use super::console;
use super::convert::{strings, text, texts};
use super::enums::{Operation, State, UpdatePolicy};
use super::files;
use super::tell::Tell;
use super::values::{VSekaiFailure, VSekaiMode, VSekaiPlan, VSekaiRelease, VSekaiStatus};
use crate::app::host;
use crate::app::worker::{self, Task, Wish, Worker};
use crate::local::disk;

mod pump;

use pump::Job;

/// Installs a game, keeps it up to date and starts it, from signed V-Sekai repositories.
///
/// Put the node into a scene, set [member install_dir], [member repository_urls] and [member trust_root], connect its
/// signals and call [method check_for_update] or [method start_update]. All work is done on other threads; signals
/// come on the main thread, and no call waits. The node does nothing by itself, and nothing at all in the editor.
///
/// Methods that begin work give an [enum @GlobalScope.Error] at once: `OK`, `ERR_BUSY` while
/// another operation of this node runs, `ERR_UNCONFIGURED` outside of the tree or in the editor,
/// `ERR_INVALID_PARAMETER`. Whatever goes wrong later, also a wrong property, comes as
/// [signal operation_failed]. A node that leaves the tree cancels its operation and says nothing more of it; what was
/// fetched stays, and the next [method start_update] goes on with it.
///
/// An install cannot be broken by stopping it: a new version is complete before it becomes the current one, and the
/// version before it stays until the new one has shown that it starts.
#[derive(Debug, GodotClass)]
#[class(tool, init, base=Node)]
pub(crate) struct VSekaiUpdater {
    /// The folder of the install, as a whole path, or one that begins with `user://`. It is made if it is
    /// missing; one that has other files in it is refused.
    #[export(global_dir)]
    #[var(set = set_install_dir)]
    install_dir: GString,
    /// The mode (stream of versions) to follow. Empty: the one that the install follows; for a new one
    /// `stable`.
    #[export]
    mode: GString,
    /// Where versions come from: URLs or folders, the first that answers is used. Empty: where the install came from.
    #[export]
    #[var(set = set_repository_urls)]
    repository_urls: PackedStringArray,
    /// The publisher's `root.json`: whose signatures count. Needed by the first install; an install
    /// remembers it. May be in `res://`, also of an exported game, if the export includes the file.
    #[export(file = "*.json")]
    #[var(set = set_trust_root)]
    trust_root: GString,
    /// What a check that finds an update leads to: [constant SILENT] installs it at once, [constant ASK] tells it
    /// and makes the plan, [constant NEVER] only tells it.
    #[export]
    #[init(val = UpdatePolicy::Ask)]
    update_policy: UpdatePolicy,
    /// Receive at most this many bytes a second; 0: as many as come.
    #[export(range = (0.0, 1_000_000_000.0, 1.0, or_greater))]
    rate_limit_bytes_per_second: i64,
    /// The URL of a proxy. Empty: what the system says.
    #[export]
    proxy: GString,
    /// What the game is called in the menu of the desktop: see [method integrate].
    #[export]
    #[init(val = GString::from(host::DISPLAY_NAME))]
    display_name: GString,
    job: Option<Job>,
    game: Option<Job>,
    /// What is still to be said, in order.
    tells: VecDeque<Tell>,
    /// Connected to the tree's `process_frame` while there is something to do.
    pump: Option<Callable>,
    state: State,
    is_pausing: bool,
    is_resuming: bool,
    plan: Option<Gd<VSekaiPlan>>,
    release: Option<Gd<VSekaiRelease>>,
    status: Option<Gd<VSekaiStatus>>,
    failure: Option<Gd<VSekaiFailure>>,
    base: Base<Node>,
}

#[godot_api]
impl INode for VSekaiUpdater {
    // A notification, as a script on the node may have an `_exit_tree` of its own, which hides ours.
    fn on_notification(&mut self, what: NodeNotification) {
        if what == NodeNotification::EXIT_TREE {
            self.stop();
        }
    }

    fn get_configuration_warnings(&self) -> PackedStringArray {
        let trust_root = Some(&self.trust_root).filter(|path| !path.is_empty()).map(files::exists);
        let directory = files::system_path(&self.install_dir);
        let warnings = worker::warnings(&directory, &strings(&self.repository_urls), trust_root);
        texts(warnings.into_iter().map(ToOwned::to_owned))
    }
}

#[godot_api]
impl VSekaiUpdater {
    /// The node is in another state now.
    #[signal]
    pub(super) fn state_changed(state: State);

    /// A check has found a version to take. Nothing is fetched yet, unless [member update_policy] is
    /// [constant SILENT].
    #[signal]
    pub(super) fn update_found(release: Gd<VSekaiRelease>);

    /// A check, or an update, has found that what is installed is what should be.
    #[signal]
    pub(super) fn no_update_found();

    /// What an update will do: after [signal update_found], if [member update_policy] is [constant ASK], and when an
    /// update begins to fetch.
    #[signal]
    pub(super) fn plan_made(plan: Gd<VSekaiPlan>);

    /// The operation moved on; at most once a frame. [param done_bytes] of [param total_bytes] of content are
    /// handled, be they received or taken from what is here; [param seconds_left] is -1 as long as that is not known.
    /// Each part of an operation, such as looking at what is there, begins at 0.
    #[signal]
    pub(super) fn progress_changed(done_bytes: i64, total_bytes: i64, bytes_per_second: f64, seconds_left: f64);

    /// The version is installed and will be the next to start.
    #[signal]
    pub(super) fn update_completed(version: GString);

    /// The check or update was stopped by [method cancel]. What is fetched stays.
    #[signal]
    pub(super) fn update_cancelled();

    /// The update was stopped by [method pause]; [method resume] goes on with it.
    #[signal]
    pub(super) fn update_paused();

    /// An operation was not done. What is installed is as it was.
    #[signal]
    pub(super) fn operation_failed(failure: Gd<VSekaiFailure>);

    /// After [signal operation_failed], if it was a check or an update.
    #[signal]
    pub(super) fn update_failed(code: GString, message: GString, hint: GString);

    /// Something was wrong that does not stop the operation.
    #[signal]
    pub(super) fn warned(code: GString, message: GString);

    /// The answer to [method read_status].
    #[signal]
    pub(super) fn status_read(status: Gd<VSekaiStatus>);

    /// The answer to [method list_modes].
    #[signal]
    pub(super) fn modes_listed(modes: Array<Gd<VSekaiMode>>);

    /// The install follows this mode now; the next update brings its version.
    #[signal]
    pub(super) fn mode_switched(mode: GString);

    /// The answer to [method plan_mode]. [param plan] is `null` if there would be nothing to do.
    #[signal]
    pub(super) fn mode_planned(mode: GString, plan: Option<Gd<VSekaiPlan>>);

    /// All files were read; these are missing or not as published. None: all is well.
    #[signal]
    pub(super) fn verify_completed(damaged_files: PackedStringArray);

    /// All files are as published; this many were not before.
    #[signal]
    pub(super) fn repair_completed(repaired_files: i64);

    /// This version is the current one again: after [method rollback], or because a new one did not start.
    #[signal]
    pub(super) fn rolled_back(version: GString);

    /// The game was started.
    #[signal]
    pub(super) fn launched(version: GString);

    /// The game has ended. [param exit_code] is -1 if a signal ended it; [param is_acknowledged] tells whether the
    /// version has shown that it starts.
    #[signal]
    pub(super) fn game_exited(exit_code: i64, is_acknowledged: bool);

    /// The install is registered with the desktop.
    #[signal]
    pub(super) fn integrated();

    /// The install is not registered with the desktop any more.
    #[signal]
    pub(super) fn unintegrated();

    /// The install was removed.
    #[signal]
    pub(super) fn uninstalled();

    /// Asks the repository whether there is a version to take: [signal update_found] or [signal no_update_found].
    /// Changes nothing, and fetches no part of the game, unless [member update_policy] is [constant SILENT].
    #[func]
    fn check_for_update(&mut self) -> Answer {
        self.begin(Task::Check { plan: self.update_policy == UpdatePolicy::Ask })
    }

    /// Installs, updates, or goes on with what was interrupted: [signal update_completed], or
    /// [signal no_update_found] if there is nothing to do. The installed version can be played meanwhile.
    #[func]
    pub(super) fn start_update(&mut self) -> Answer {
        self.begin(Task::Update)
    }

    /// Reads all files of the installed version: [signal verify_completed].
    #[func]
    fn verify(&mut self) -> Answer {
        self.begin(Task::Verify)
    }

    /// Makes the installed version whole again, and fetches no more than what is damaged: [signal repair_completed].
    #[func]
    fn repair(&mut self) -> Answer {
        self.begin(Task::Repair)
    }

    /// Goes back to the version before: [signal rolled_back]. The one that is left is not offered again.
    #[func]
    fn rollback(&mut self) -> Answer {
        self.begin(Task::RollBack)
    }

    /// Asks the repository for its modes: [signal modes_listed].
    #[func]
    fn list_modes(&mut self) -> Answer {
        self.begin(Task::ListModes)
    }

    /// Makes the install follow another mode: [signal mode_switched]. If [member mode] is set, it is set to that mode
    /// too. Where nothing is installed yet, set [member mode] instead.
    #[func]
    fn switch_mode(&mut self, name: GString) -> Answer {
        if name.is_empty() {
            return Answer::ERR_INVALID_PARAMETER;
        }
        self.begin(Task::SwitchMode(name.to_string()))
    }

    /// Finds out what an update would do if the install followed this mode: [signal mode_planned]. Changes nothing.
    #[func]
    fn plan_mode(&mut self, name: GString) -> Answer {
        if name.is_empty() {
            return Answer::ERR_INVALID_PARAMETER;
        }
        self.begin(Task::PlanMode(name.to_string()))
    }

    /// Starts the installed version with these arguments, behind those of its publisher: [signal launched], and
    /// [signal game_exited] when it has ended. Needs no network. A game and another operation can run at the same
    /// time, two games of one node cannot.
    ///
    /// A new version is on trial until it has shown that it starts (it makes the file that the variable
    /// `VSEKAI_READY_FILE` names, lives for 30 seconds, or ends with 0): keep the node that long. A start
    /// that is left before does not count.
    #[func]
    fn launch(&mut self, #[opt(default = &PackedStringArray::new())] arguments: PackedStringArray) -> Answer {
        let arguments = strings(&arguments).into_iter().map(Into::into).collect();
        self.begin(Task::Launch(arguments))
    }

    /// Registers the install with the user's desktop: menu entry, icon, `uro://` links, unless another
    /// program has them: [signal integrated]. This program is what the menu will start.
    #[func]
    fn integrate(&mut self) -> Answer {
        self.begin(Task::Integrate(self.display_name.to_string()))
    }

    /// Takes back what [method integrate] did: [signal unintegrated].
    #[func]
    fn unintegrate(&mut self) -> Answer {
        self.begin(Task::Unintegrate)
    }

    /// Removes the install, and nothing that was not installed: [signal uninstalled].
    #[func]
    fn uninstall(&mut self) -> Answer {
        self.begin(Task::Uninstall)
    }

    /// Reads what is installed, without asking anybody: [signal status_read].
    #[func]
    fn read_status(&mut self) -> Answer {
        self.begin(Task::ReadStatus)
    }

    /// Stops the update that runs: [signal update_paused]. What is fetched stays. Does nothing to other operations,
    /// nor to an update that is about to be done.
    #[func]
    fn pause(&mut self) {
        if let Some(job) = self.job.as_ref().filter(|job| job.operation == Operation::Update) {
            self.is_pausing = !job.worker.is_cancelled() || self.is_pausing;
            self.is_resuming = false;
            job.worker.cancel();
        }
    }

    /// Goes on with an update that [method pause] has stopped; `ERR_UNAVAILABLE` if there is none.
    #[func]
    fn resume(&mut self) -> Answer {
        if self.is_pausing && self.job.is_some() {
            self.is_resuming = true;
            return Answer::OK;
        }
        if self.job.is_none() && self.state != State::Paused {
            return Answer::ERR_UNAVAILABLE;
        }
        self.begin(Task::Update)
    }

    /// Stops the operation that runs, or gives up a paused update: [signal update_cancelled]; for other operations
    /// [signal operation_failed] with the code `cancelled`. What is fetched stays, and the next
    /// [method start_update] goes on with it. Does not end a game.
    #[func]
    fn cancel(&mut self) {
        self.is_pausing = false;
        self.is_resuming = false;
        if let Some(job) = &self.job {
            job.worker.cancel();
        } else if self.state == State::Paused {
            self.tells.extend([Tell::State(State::Cancelled), Tell::Cancelled]);
            self.start_pump();
        }
    }

    /// Whether an operation runs. A game that was launched is none.
    #[func]
    fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// Whether a game runs that this node has started.
    #[func]
    fn is_game_running(&self) -> bool {
        self.game.is_some()
    }

    /// The operation that runs, or [constant NONE].
    #[func]
    fn get_operation(&self) -> Operation {
        self.job.as_ref().map_or(Operation::None, |job| job.operation)
    }

    /// The state, as [signal state_changed] told last.
    #[func]
    fn get_state(&self) -> State {
        self.state
    }

    /// The last plan, or `null`.
    #[func]
    fn get_plan(&self) -> Option<Gd<VSekaiPlan>> {
        self.plan.clone()
    }

    /// The version that the last check has found, or `null`.
    #[func]
    fn get_release(&self) -> Option<Gd<VSekaiRelease>> {
        self.release.clone()
    }

    /// The last status that was read, or `null`.
    #[func]
    fn get_status(&self) -> Option<Gd<VSekaiStatus>> {
        self.status.clone()
    }

    /// The last failure, or `null`.
    #[func]
    fn get_failure(&self) -> Option<Gd<VSekaiFailure>> {
        self.failure.clone()
    }

    /// The version of this library.
    #[func]
    fn get_library_version() -> GString {
        text(env!("CARGO_PKG_VERSION"))
    }

    /// The command line of the updater: does what the arguments say, as the program `vsekai` does, prints,
    /// and gives the exit code. Waits until it is done: for `--headless`, not for a window. Paths are seen from the
    /// folder that the variable `PWD` names, as shells set it: the engine has gone to its own.
    #[func]
    fn run_command_line(arguments: PackedStringArray) -> i64 {
        console::outlive_readers();
        let _there = console::Place::of_the_caller();
        i64::from(crate::cli::run(strings(&arguments).into_iter().map(Into::into)))
    }

    /// Bytes that can still be written where this folder is, or will be; -1 if the system does not say.
    #[func]
    fn get_free_bytes(directory: GString) -> i64 {
        let path = files::system_path(&directory);
        let free = if path.is_absolute() { disk::free_bytes(&path).ok() } else { None };
        free.filter(|free| *free != u64::MAX).and_then(|free| i64::try_from(free).ok()).unwrap_or(-1)
    }

    /// Where a game is installed if nobody says where, among the data of this user's programs; empty if no home
    /// folder is known.
    #[func]
    fn get_default_install_dir() -> GString {
        host::default_install_folder().map_or_else(GString::new, |folder| text(&folder.to_string_lossy()))
    }

    /// The name of a state, such as `CHECKING`.
    #[func]
    fn format_state(state: State) -> GString {
        text(state.word())
    }

    #[func]
    fn set_install_dir(&mut self, install_dir: GString) {
        self.install_dir = install_dir;
        self.warn_in_editor();
    }

    #[func]
    fn set_repository_urls(&mut self, repository_urls: PackedStringArray) {
        self.repository_urls = repository_urls;
        self.warn_in_editor();
    }

    #[func]
    fn set_trust_root(&mut self, trust_root: GString) {
        self.trust_root = trust_root;
        self.warn_in_editor();
    }

    fn warn_in_editor(&mut self) {
        if Engine::singleton().is_editor_hint() {
            self.base_mut().update_configuration_warnings();
        }
    }

    /// Begins an operation, unless there is a reason not to.
    fn begin(&mut self, task: Task) -> Answer {
        if Engine::singleton().is_editor_hint() || !self.base().is_inside_tree() {
            return Answer::ERR_UNCONFIGURED;
        }
        let operation = Operation::from(&task);
        let is_game = operation == Operation::Launch;
        if (if is_game { &self.game } else { &self.job }).is_some() {
            return Answer::ERR_BUSY;
        }
        let job = Job { operation, worker: Worker::start(self.wish(), task) };
        if is_game {
            self.game = Some(job);
        } else {
            (self.is_pausing, self.is_resuming) = (false, false);
            self.job = Some(job);
        }
        self.start_pump();
        Answer::OK
    }

    fn wish(&self) -> Wish {
        Wish {
            directory: files::system_path(&self.install_dir),
            mode: self.mode.to_string(),
            repository: strings(&self.repository_urls),
            trust_root: files::trust_root(&self.trust_root),
            rate_limit_bytes_per_second: u64::try_from(self.rate_limit_bytes_per_second).ok().filter(|rate| *rate > 0),
            proxy: self.proxy.to_string(),
        }
    }
}
