//! The node `VSekaiUpdater`: properties, methods, signals. Each operation says here what its worker does, and what the
//! node emits afterwards; `pump` calls that, once a frame. Getters and static functions are in `queries`.

use std::collections::{HashSet, VecDeque};

use godot::builtin::{Array, Callable, GString, PackedStringArray};
use godot::classes::notify::NodeNotification;
use godot::classes::{INode, Node};
use godot::obj::{Base, Gd};
use godot::register::{GodotClass, godot_api};

use super::convert::texts;
use super::enums::{Operation, State, UpdatePolicy};
use super::picture::Picture;
use super::signals::Signal;
use super::task::{Outcome, VSekaiTask};
use super::values::{
    VSekaiFailure, VSekaiMode, VSekaiNews, VSekaiNotes, VSekaiPlan, VSekaiProgress, VSekaiRelease, VSekaiStatus,
};
use crate::app::updater::Story;
use crate::app::worker::Planning;
use crate::net::http::RateLimit;

mod begin;
mod care;
mod offers;
mod properties;
mod pump;
mod queries;
mod refusals;
mod start;
mod stop;

use begin::{Started, is_started};
pub(super) use pump::Job;

/// The progress of an operation that has reported none.
const UNKNOWN: f64 = -1.0;

/// Installs, updates and starts a game from a signed V-Sekai repository.
///
/// Add the node to a scene, set [member repository_urls] and [member trust_root], and call
/// [method check_for_update] or [method start_update]. All work runs on other threads, and signals are
/// emitted on the main thread. The node starts nothing on its own, and does nothing in the editor.
///
/// Use the node, its tasks and its answers from the main thread only. On another one, a call does nothing, what it returns
/// is `null` or a default, no node is made, and the console says so: use `call_deferred()`.
///
/// An operation uses the properties as they were when it started. A change applies from the next one on, which
/// [method resume] is, too. Two are read later: [member update_policy] when a check ends, and the rate limit at any time.
///
/// Methods that start an operation return its [VSekaiTask] immediately. `await` its [method VSekaiTask.wait], which returns
/// however it ends, also if the call was refused or the node leaves the tree. [member VSekaiTask.error] says
/// if it was refused: one operation runs at a time, but [method launch] and the reads ([method read_status],
/// [method list_modes], [method list_notes], [method list_news]) may run beside another.
///
/// If a property is missing or wrong, such as [member trust_root], the operation that meets that says so in the console,
/// once, as the editor does beforehand.
///
/// Start the next operation after its end, or in a handler of any signal: what the one before still has to
/// say is emitted first, but not during the call. So `await` the task of the new one, because the node's
/// [signal finished] of the one before may still come. A node that leaves the tree cancels its
/// operations and emits nothing more. Downloaded data is kept, and the next [method start_update] resumes from it.
///
/// Stopping an update never breaks an install: a new version becomes current only when it is complete, and the
/// previous version is kept until the new one has started successfully.
///
/// Recipes, and what to call for what, are in [the documentation](https://github.com/V-Sekai/vsekai-updater/blob/main/docs/godot.md).
///
/// ```gdscript
/// extends Node
///
/// @onready var updater: VSekaiUpdater = $VSekaiUpdater
///
///
/// func _ready() -> void:
///     var task := updater.start_update()
///     if not await task.wait():
///         print(task.failure.player_text)
///     # Without a network, this is the version of last time.
///     updater.launch()
/// ```
#[derive(Debug, GodotClass)]
#[class(tool, init, base=Node)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct VSekaiUpdater {
    /// The folder to install into: an absolute path, or a path in `user://`, but not in `res://`. It is created if it does
    /// not exist, and refused if it contains other files. If empty, [method get_default_install_dir]: a folder that is named
    /// after the project.
    #[export_group(name = "Install")]
    #[export(global_dir)]
    #[var(set = set_install_dir)]
    install_dir: GString,
    /// The mode (stream of versions) to follow. If empty, the mode that the install follows, or `stable` for a new
    /// install.
    #[export]
    #[var(set = set_mode, hint = ENUM_SUGGESTION, hint_string = "stable,beta")]
    mode: GString,
    /// The repository and its mirrors, as URLs or folders; the first that answers is used. If empty, those of the
    /// install. A folder is an absolute path, or a path in `user://`; while you develop, also one in `res://`, which an
    /// exported program does not have as a folder.
    #[export_group(name = "Repository")]
    #[export]
    #[var(set = set_repository_urls)]
    repository_urls: PackedStringArray,
    /// The publisher's `root.json`, which says whose signatures to trust. Needed for the first install, which remembers
    /// it. May be in `res://`: then add `*.json` to the export preset's filter of non-resource files.
    #[export(file = "*.json")]
    #[var(set = set_trust_root)]
    trust_root: GString,
    /// What happens when [method check_for_update] finds an update: [constant SILENT] installs it immediately,
    /// [constant ASK] reports it with a plan, [constant NEVER] only reports it. [constant SILENT] never installs where
    /// nothing is installed, such as after [method uninstall] or in a new folder, and never a lower version: it then does
    /// what [constant ASK] does, which is the default.
    #[export_group(name = "Updates")]
    #[export]
    #[var(get = get_update_policy)]
    #[init(val = UpdatePolicy::Ask)]
    update_policy: UpdatePolicy,
    /// The maximum download rate, in bytes per second; 0 for no limit. All operations share it, and a change applies at
    /// once, also to a download that runs.
    #[export_group(name = "Network")]
    #[export(range = (0.0, 100_000_000.0, 1000.0, or_greater, suffix = "B/s"))]
    #[var(set = set_rate_limit_bytes_per_second)]
    rate_limit_bytes_per_second: i64,
    /// The minute of the day from which the limit applies, by the clock of this computer, such as 1080 for 18:00. It ends at
    /// [member rate_limit_to_minute], across midnight if that is the earlier one. If both are the same, it always applies.
    #[export(range = (0.0, 1439.0, 1.0, suffix = "min"))]
    #[var(set = set_rate_limit_from_minute)]
    rate_limit_from_minute: i64,
    /// The minute of the day at which the limit ends: see [member rate_limit_from_minute].
    #[export(range = (0.0, 1439.0, 1.0, suffix = "min"))]
    #[var(set = set_rate_limit_to_minute)]
    rate_limit_to_minute: i64,
    /// Whether to tell the publisher if a new version starts. Only a player can agree to that: leave it off, and offer a
    /// switch if [member VSekaiMode.asks_for_reports] of the followed mode is true. One report for each version is sent to
    /// the first of [member repository_urls] that is a URL, after the game has ended: mode, version, platform, and whether
    /// it started. Nothing in it says who sends it.
    #[export]
    reports: bool,
    /// The URL of a proxy, which begins with `http://`, `https://`, `socks5://` or `socks5h://`. If empty, the system's
    /// proxy settings apply.
    #[export(placeholder = "http://proxy.example.org:3128")]
    #[var(set = set_proxy)]
    proxy: GString,
    /// The name of the game in the desktop's menu. If empty, the project's name. It becomes the name of a file, so it must
    /// not contain any of `/ \ : * ? " < > |`. See [method integrate].
    #[export_group(name = "Desktop")]
    #[export(placeholder = "The project's name")]
    display_name: GString,
    /// Whether [method integrate] makes the game open the links of [member url_scheme].
    #[export]
    #[init(val = true)]
    handles_links: bool,
    /// The scheme of links that open the game, such as `mygame` for `mygame://`: lower-case letters, digits, `+`, `.` and
    /// `-`. If empty, no links do. See [method integrate].
    #[export(placeholder = "mygame")]
    #[var(set = set_url_scheme)]
    url_scheme: GString,
    /// The identifier of the game on the desktop, such as `org.example.game`: letters, digits, `.`, `_` and `-`. The names
    /// of its files and registry keys begin with it. If empty, it is made of the name: `my-game` of "My Game". See
    /// [method integrate].
    #[export(placeholder = "org.example.game")]
    #[var(set = set_app_id)]
    app_id: GString,
    /// The game's icon in the desktop's menu, a square [Texture2D]. If `null`, the project's icon. See [method integrate].
    #[export]
    #[var(get = get_icon, set = set_icon)]
    icon: Picture,
    /// Shared by all operations.
    rate_limit: RateLimit,
    /// The faults of configuration that the console has shown.
    said: HashSet<String>,
    /// One at a time.
    job: Option<Job>,
    /// Beside it, or without it.
    reads: Vec<Job>,
    game: Option<Job>,
    /// Those that have not told their end.
    pub(super) tasks: Vec<Gd<VSekaiTask>>,
    /// The one whose end the node is telling.
    pub(super) told_task: Option<Gd<VSekaiTask>>,
    /// The one whose end the node has told last.
    pub(super) last_task: Option<Gd<VSekaiTask>>,
    /// The one that the update continues which is due.
    due_task: Option<Gd<VSekaiTask>>,
    /// Signals to emit, in order.
    pub(super) signals: VecDeque<Signal>,
    /// Connected to the tree's `process_frame` while there is work or a signal to emit.
    pump: Option<Callable>,
    #[init(val = State::Idle)]
    pub(super) state: State,
    /// What a verification gives back.
    #[init(val = State::Idle)]
    state_before: State,
    is_pausing: bool,
    is_resuming: bool,
    /// Set while the result of an operation is taken that another one continues.
    goes_on: bool,
    /// Set until the update starts that continues what has just ended: nothing else may start in between.
    is_update_due: bool,
    /// Received of the download, and at the pause that this run continues.
    received_bytes: u64,
    received_before: u64,
    /// What the last update was asked for; empty = the version that is offered.
    wanted_version: String,
    /// What the paused update has received.
    paused_bytes: Option<u64>,
    #[init(val = UNKNOWN)]
    pub(super) progress: f64,
    pub(super) progress_details: Option<Gd<VSekaiProgress>>,
    plan: Option<Gd<VSekaiPlan>>,
    release: Option<Gd<VSekaiRelease>>,
    pub(super) news: Vec<Story>,
    status: Option<Gd<VSekaiStatus>>,
    modes: Vec<Gd<VSekaiMode>>,
    notes: Vec<Gd<VSekaiNotes>>,
    mode_plan: Option<Gd<VSekaiPlan>>,
    damaged_files: PackedStringArray,
    damaged_bytes: u64,
    pub(super) failure: Option<Gd<VSekaiFailure>>,
    pub(super) launch_failure: Option<Gd<VSekaiFailure>>,
    base: Base<Node>,
}

#[godot_api]
impl INode for VSekaiUpdater {
    // A notification, because an `_exit_tree` of a script on the node would hide ours.
    fn on_notification(&mut self, what: NodeNotification) {
        if what == NodeNotification::EXIT_TREE {
            self.stop();
        }
    }

    fn get_configuration_warnings(&self) -> PackedStringArray {
        texts(self.warnings().into_iter().map(ToOwned::to_owned))
    }
}

#[godot_api]
impl VSekaiUpdater {
    /// [method get_state] has changed: see [enum State].
    #[signal]
    pub(super) fn state_changed(state: State);

    /// A check has found an update. Nothing is downloaded yet; [member update_policy] says what happens next.
    #[signal]
    pub(super) fn update_found(release: Gd<VSekaiRelease>);

    /// A check or an update has found nothing to do: the install is up to date.
    #[signal]
    pub(super) fn no_update_found();

    /// What the update will do: emitted after [signal update_found] if somebody has to be asked, as
    /// [member update_policy] says, and again before an update starts to download.
    #[signal]
    pub(super) fn plan_made(plan: Gd<VSekaiPlan>);

    /// The operation has progressed; emitted at most once a frame.
    #[signal]
    pub(super) fn progressed(progress: Gd<VSekaiProgress>);

    /// The version is installed, and the next [method launch] starts it.
    #[signal]
    pub(super) fn update_completed(version: GString);

    /// The operation was stopped by [method cancel] or [method VSekaiTask.cancel], or a paused update was given up. That is
    /// no failure: [signal operation_failed] is not emitted. Downloaded data is kept.
    #[signal]
    pub(super) fn operation_cancelled(operation: Operation);

    /// The update was stopped by [method pause]; [method resume] continues it.
    #[signal]
    pub(super) fn update_paused();

    /// An operation failed, and the install is as it was. [member VSekaiFailure.operation] says which one.
    #[signal]
    pub(super) fn operation_failed(failure: Gd<VSekaiFailure>);

    /// The operation of this task has ended; emitted once for each, after its other signals. [member VSekaiTask.operation]
    /// says which one it was, [member VSekaiTask.is_ok] whether it went well, and [member VSekaiTask.failure] why not. A
    /// launch beside another operation, and a read beside one that is no read, do not emit it: whoever waits for the other
    /// one would take it for its end.
    ///
    /// For a scene that follows everything that the node does. For the end of one call, `await` [method VSekaiTask.wait] of
    /// the task that it has returned.
    #[signal]
    pub(super) fn finished(task: Gd<VSekaiTask>);

    /// There was a problem that does not stop the operation, such as a mirror that did not answer. [param code] is one of
    /// those of errors, or one that only warnings have: `rolled_back` if a new version did not start, and `no_ranges` if a
    /// server sends only whole files, so that bundles cannot be used. [param message] is one sentence in English, for a log.
    #[signal]
    pub(super) fn warned(code: GString, message: GString);

    /// The result of [method read_status].
    #[signal]
    pub(super) fn status_read(status: Gd<VSekaiStatus>);

    /// The result of [method list_modes].
    #[signal]
    pub(super) fn modes_listed(modes: Array<Gd<VSekaiMode>>);

    /// The install now follows this mode; the next update installs its version.
    #[signal]
    pub(super) fn mode_switched(mode: GString);

    /// The result of [method plan_mode]. [param plan] is `null` if there would be nothing to do.
    #[signal]
    pub(super) fn mode_planned(mode: GString, plan: Option<Gd<VSekaiPlan>>);

    /// All files have been read, of the current version and of the one to go back to. [param damaged_files] are missing
    /// or differ from what was published; empty if all files are intact.
    #[signal]
    pub(super) fn verify_completed(damaged_files: PackedStringArray);

    /// All files are intact again; [param repaired_files] of them were damaged.
    #[signal]
    pub(super) fn repair_completed(repaired_files: i64);

    /// This version is current again: after [method rollback], or because a new one failed to start.
    #[signal]
    pub(super) fn rolled_back(version: GString);

    /// The game has started, in this version.
    #[signal]
    pub(super) fn launched(version: GString);

    /// The game has ended. [param exit_code] is -1 if a signal ended it. [param is_acknowledged] is true if the version
    /// counts as having started successfully.
    #[signal]
    pub(super) fn game_exited(exit_code: i64, is_acknowledged: bool);

    /// The install is registered with the desktop: see [method integrate].
    #[signal]
    pub(super) fn integrated();

    /// The install is no longer registered with the desktop: see [method unintegrate].
    #[signal]
    pub(super) fn unintegrated();

    /// The launcher now starts when the user logs in, or no longer: see [method start_at_login].
    #[signal]
    pub(super) fn login_changed();

    /// This version was downloaded, and waits beside the installed one: see [method download_update].
    #[signal]
    pub(super) fn update_downloaded(version: GString);

    /// The install has been removed.
    #[signal]
    pub(super) fn uninstalled();

    /// The version that [method rollback] returned to is gone; the install takes this much less room.
    #[signal]
    pub(super) fn previous_removed(freed_bytes: i64);

    /// The install is in this folder now, and so is [member install_dir]: see [method move_install].
    #[signal]
    pub(super) fn install_moved(directory: GString);

    /// The result of [method list_notes], the newest version first.
    #[signal]
    pub(super) fn notes_listed(notes: Array<Gd<VSekaiNotes>>);

    /// The result of [method list_news], the newest item first. Empty if the mode has no news.
    #[signal]
    pub(super) fn news_listed(news: Array<Gd<VSekaiNews>>);

    /// Checks for an update: [signal update_found] or [signal no_update_found]. Changes nothing and downloads no part of
    /// the game, unless [member update_policy] is [constant SILENT]. Refused while an update runs, after which its answer
    /// would not hold.
    #[func]
    fn check_for_update(&mut self) -> Started {
        let planning = match self.update_policy {
            UpdatePolicy::Ask => Planning::Always,
            UpdatePolicy::Silent => Planning::IfAsked,
            UpdatePolicy::Never => Planning::Never,
        };
        self.begin(Operation::Check, move |options, context| context.check(options, planning), Self::found)
    }

    /// Installs, updates or resumes: [signal update_completed], or [signal no_update_found] if there is nothing to do.
    /// The installed version can be played meanwhile.
    #[func]
    pub(super) fn start_update(&mut self) -> Started {
        self.update_as(None, String::new())
    }

    #[func]
    fn set_install_dir(&mut self, install_dir: GString) {
        if self.install_dir != install_dir {
            self.forget_release();
            self.forget_pause();
        }
        self.install_dir = install_dir;
        self.warn_in_editor();
    }

    #[func]
    fn set_mode(&mut self, mode: GString) {
        if self.mode != mode {
            self.forget_release();
        }
        self.mode = mode;
        self.warn_in_editor();
    }

    #[func]
    fn set_repository_urls(&mut self, repository_urls: PackedStringArray) {
        if self.repository_urls != repository_urls {
            self.forget_release();
        }
        self.repository_urls = repository_urls;
        self.warn_in_editor();
    }

    #[func]
    fn set_trust_root(&mut self, trust_root: GString) {
        self.trust_root = trust_root;
        self.warn_in_editor();
    }

    #[func]
    fn set_rate_limit_bytes_per_second(&mut self, rate_limit_bytes_per_second: i64) {
        self.rate_limit_bytes_per_second = rate_limit_bytes_per_second;
        self.apply_rate_limit();
    }

    #[func]
    fn set_rate_limit_from_minute(&mut self, rate_limit_from_minute: i64) {
        self.rate_limit_from_minute = rate_limit_from_minute;
        self.apply_rate_limit();
    }

    #[func]
    fn set_rate_limit_to_minute(&mut self, rate_limit_to_minute: i64) {
        self.rate_limit_to_minute = rate_limit_to_minute;
        self.apply_rate_limit();
    }

    #[func]
    fn set_proxy(&mut self, proxy: GString) {
        self.proxy = proxy;
        self.warn_in_editor();
    }

    #[func]
    fn set_url_scheme(&mut self, url_scheme: GString) {
        self.url_scheme = url_scheme;
        self.warn_in_editor();
    }

    #[func]
    fn set_app_id(&mut self, app_id: GString) {
        self.app_id = app_id;
        self.warn_in_editor();
    }

    // Both have the type of the property, which the accessors that gdext makes do not tell scripts.
    #[func]
    fn set_icon(&mut self, icon: Picture) {
        self.icon = icon;
    }

    #[func]
    fn get_icon(&self) -> Picture {
        self.icon.clone()
    }

    // As a value of the enumeration: the getter that gdext makes tells scripts that it is a number.
    #[func]
    fn get_update_policy(&self) -> UpdatePolicy {
        self.update_policy
    }
}
