//! What needs no operation: getters, and functions of the class.

use std::path::PathBuf;

use godot::builtin::{Array, GString, PackedStringArray};
use godot::obj::Gd;
use godot::register::godot_api;

use super::{Operation, State, VSekaiTask, VSekaiUpdater};
use crate::app::{host, log, notes, places};
use crate::gdext::convert::{int, strings, text, texts};
use crate::gdext::enums::Place;
use crate::gdext::values::{
    VSekaiFailure, VSekaiMode, VSekaiNews, VSekaiNotes, VSekaiPlan, VSekaiProgress, VSekaiRelease, VSekaiStatus,
};
use crate::gdext::{console, files, project_settings};
use crate::local::disk::{self, Durability};
use crate::version::Version;

#[godot_api(secondary)]
impl VSekaiUpdater {
    /// Whether an operation is running, a read included. A launched game does not count.
    #[func]
    pub(super) fn is_busy(&self) -> bool {
        self.is_changing() || !self.reads.is_empty()
    }

    /// Whether an update is paused, which [method resume] continues and [method cancel] gives up. Unlike
    /// [constant PAUSED], this outlasts a check.
    #[func]
    fn is_paused(&self) -> bool {
        self.paused_bytes.is_some()
    }

    /// In a handler of [signal finished], the task that has ended. Otherwise that of the running operation; that of a read
    /// only if nothing else runs. If nothing does, that of the one that has ended last; `null` before that. For those who
    /// have not called the method themselves.
    #[func]
    fn get_task(&self) -> Option<Gd<VSekaiTask>> {
        let running = self.job.as_ref().or(self.reads.first().filter(|_| !self.is_update_due)).map(|job| &job.task);
        self.told_task.as_ref().or(running).or(self.due_task.as_ref()).or(self.last_task.as_ref()).cloned()
    }

    /// Whether a version is higher than another one, by Semantic Versioning. `false` if either is not a valid version:
    /// `1.0` is not, `1.0.0` is.
    #[func]
    fn is_newer(version: GString, than: GString) -> bool {
        match (Version::parse(&version.to_string()), Version::parse(&than.to_string())) {
            (Ok(version), Ok(than)) => version > than,
            _ => false,
        }
    }

    /// Whether a game that [method launch] has started is running.
    #[func]
    fn is_game_running(&self) -> bool {
        self.game.is_some()
    }

    /// The running operation, or [constant NONE]; a read only if nothing else runs. A launch does not count: see
    /// [method is_game_running].
    #[func]
    fn get_operation(&self) -> Operation {
        self.job.as_ref().or(self.reads.first()).map_or(Operation::None, |job| job.operation)
    }

    /// How far the update is, as last reported by [signal state_changed]. After an operation it stays at the outcome, such as
    /// [constant FAILED] or [constant UPDATE_SUCCESSFUL], until the next check, update, repair or rollback starts: see
    /// [enum State]. For whether anything is running, ask [method is_busy].
    #[func]
    fn get_state(&self) -> State {
        self.state
    }

    /// How much of the running operation is done, from 0 to 1, for a progress bar: [member VSekaiProgress.fraction] of the last
    /// [signal progressed]. -1 before that. When an update has succeeded, this is 1, and when another operation has, unless it
    /// told no progress; otherwise it stays at the last value.
    #[func]
    fn get_progress(&self) -> f64 {
        self.progress
    }

    /// The bytes, the speed and the time left of the operation, as last told by [signal progressed]. `null` before that: each
    /// operation clears it when it starts.
    #[func]
    fn get_progress_details(&self) -> Option<Gd<VSekaiProgress>> {
        self.progress_details.clone()
    }

    /// What the update that was found will do, in numbers, as last told by [signal plan_made]. `null` before that, and whenever
    /// [method get_release] is forgotten.
    #[func]
    fn get_plan(&self) -> Option<Gd<VSekaiPlan>> {
        self.plan.clone()
    }

    /// The update that the last check has found. `null` if there is none. It is forgotten when the next check starts, so that a
    /// failed one leaves nothing old; when an update has succeeded, also one that [method install_version] has made; after
    /// [method switch_mode], [method rollback] and [method uninstall]; and when [member install_dir], [member mode] or
    /// [member repository_urls] change. Check again then.
    #[func]
    fn get_release(&self) -> Option<Gd<VSekaiRelease>> {
        self.release.clone()
    }

    /// What [method read_status] has read last; `null` before that. It does not follow later changes.
    #[func]
    fn get_status(&self) -> Option<Gd<VSekaiStatus>> {
        self.status.clone()
    }

    /// Why the last operation has failed, was paused or was cancelled; the code is `cancelled` for the last two. `null` while
    /// an operation runs, and after one that has succeeded: each operation clears it when it starts. A launch or a read beside
    /// another operation leaves it to that one, and a refused call leaves it as it was: [member VSekaiTask.failure] is that
    /// of one call, refused or not, and stays.
    #[func]
    fn get_failure(&self) -> Option<Gd<VSekaiFailure>> {
        self.failure.clone()
    }

    /// Why the last [method launch] has failed; `null` if it has not. A launch that fails while another operation runs is told
    /// here and by [signal operation_failed] alone; otherwise [method get_failure] has it, too.
    #[func]
    fn get_launch_failure(&self) -> Option<Gd<VSekaiFailure>> {
        self.launch_failure.clone()
    }

    /// What [method list_modes] has found last; empty before that.
    #[func]
    fn get_modes(&self) -> Array<Gd<VSekaiMode>> {
        self.modes.iter().cloned().collect()
    }

    /// What [method list_notes] has found last, the newest version first; empty before that.
    #[func]
    fn get_notes(&self) -> Array<Gd<VSekaiNotes>> {
        self.notes.iter().cloned().collect()
    }

    /// What [method plan_mode] has found last. `null` if there would be nothing to do, if it has failed, and before it.
    #[func]
    fn get_mode_plan(&self) -> Option<Gd<VSekaiPlan>> {
        self.mode_plan.clone()
    }

    /// The files that the last [method verify] has found missing or different from what was published. Empty if all are
    /// intact, if it has failed, before it, and when [method repair] has succeeded.
    #[func]
    fn get_damaged_files(&self) -> PackedStringArray {
        self.damaged_files.clone()
    }

    /// About what [method repair] downloads, in bytes: only the damaged parts of [method get_damaged_files]. 0 if there are
    /// none, and if the list of a version's files is lost too.
    #[func]
    fn get_damaged_bytes(&self) -> i64 {
        int(self.damaged_bytes)
    }

    /// The news that the last check or [method list_news] has found, the newest first, with texts for [param locale],
    /// such as `pt_BR`: in that language, else in English, else in any. If it is empty, the locale of the
    /// [TranslationServer].
    #[func]
    fn get_news(&self, #[opt(default = &GString::new())] locale: GString) -> Array<Gd<VSekaiNews>> {
        let locale = if locale.is_empty() { project_settings::locale() } else { locale.to_string() };
        self.news.iter().map(|story| VSekaiNews::of(story, &locale)).collect()
    }

    /// The version of this library, such as `0.1.0`, for a page about the launcher or a bug report.
    #[func]
    fn get_library_version() -> GString {
        text(env!("CARGO_PKG_VERSION"))
    }

    /// Runs the `vsekai` command line with these arguments, prints its output, and returns its exit code. Blocks until it
    /// is done: for `--headless`, not for a window. Relative paths start at the folder in the environment variable `PWD`,
    /// as set by shells, because the engine changes its own working folder. Without that variable, as on Windows, they are
    /// refused.
    #[func]
    fn run_command_line(arguments: PackedStringArray) -> i64 {
        console::outlive_readers();
        let _there = console::WorkingFolder::of_the_caller();
        i64::from(crate::cli::run(strings(&arguments).into_iter().map(Into::into)))
    }

    /// Free disk space at this folder, in bytes, whether it exists yet or not; -1 if unknown.
    #[func]
    fn get_free_bytes(directory: GString) -> i64 {
        let path = files::system_path(&directory);
        let free = if path.is_absolute() { disk::free_bytes(&path).ok() } else { None };
        free.filter(|free| *free != u64::MAX).and_then(|free| i64::try_from(free).ok()).unwrap_or(-1)
    }

    /// Appends a line to the log of a launcher, such as `user://launcher.log`, which is created if it is missing. The log
    /// never exceeds 256 KiB: the oldest lines go. It holds no secrets: user, password and query of an address, and the
    /// name of the home folder, are left out.
    #[func]
    fn append_to_log(path: GString, line: GString) -> bool {
        log::append(&files::system_path(&path), &line.to_string(), std::env::home_dir().as_deref()).is_ok()
    }

    /// The default folder of a new install of the game with this name: `my-game/game` of "My Game", among the data of the
    /// user's programs (`~/.local/share`, `%LOCALAPPDATA%` or `~/Library/Application Support`). If [param product] is empty,
    /// it is the project's name. Empty if there is no name, or no home folder.
    #[func]
    fn get_default_install_dir(#[opt(default = &GString::new())] product: GString) -> GString {
        let product = if product.is_empty() { project_settings::name() } else { product.to_string() };
        let folder = if product.is_empty() { None } else { host::default_install_folder(&product) };
        folder.map_or_else(GString::new, |folder| text(&folder.to_string_lossy()))
    }

    /// The folder to install into, for a folder that a person has chosen, such as `D:\Games`: a folder of this name in it,
    /// so that a game is never installed among other files. It is the chosen folder itself if it has that name, or the
    /// game.
    #[func]
    fn find_install_dir(chosen: GString, name: GString) -> GString {
        text(&places::below(&files::system_path(&chosen), &name.to_string()).to_string_lossy())
    }

    /// What a folder is, for somebody who wants to install there. Changes nothing.
    #[func]
    fn inspect_folder(directory: GString) -> Place {
        if files::is_in_project(&directory) {
            return Place::Taken;
        }
        places::look(&files::system_path(&directory)).into()
    }

    /// The addresses of the repository that is built into this library; empty in one that you have built yourself. They
    /// apply if [member repository_urls] is empty.
    #[func]
    fn get_built_in_repository_urls() -> PackedStringArray {
        texts(host::built_in().0)
    }

    /// The name of a state, such as `CHECKING`, for a log. It is not translated.
    #[func]
    fn get_state_name(state: State) -> GString {
        text(state.word())
    }

    /// Renders release notes, such as [member VSekaiRelease.notes], for a `RichTextLabel` with BBCode enabled. Whatever
    /// the Markdown contains, the result is safe to show: it has no BBCode of the notes, loads no images, and links only
    /// to addresses with `http` or `https`, each of which is shown. Links do nothing until you handle
    /// [signal RichTextLabel.meta_clicked]; open only addresses that [method notes_links] returns.
    #[func]
    fn notes_to_bbcode(markdown: GString) -> GString {
        text(&notes::render(&markdown.to_string()).bbcode)
    }

    /// The addresses that [method notes_to_bbcode] links to, each once.
    #[func]
    fn notes_links(markdown: GString) -> PackedStringArray {
        texts(notes::render(&markdown.to_string()).links)
    }

    /// The install that this program was started from by [method launch] or `vsekai launch`; empty if it was started
    /// otherwise. A launcher that is installed like a game updates this folder too.
    #[func]
    fn get_own_install_dir() -> GString {
        host::own_install().map_or_else(GString::new, |(root, _)| text(&root.to_string_lossy()))
    }

    /// Says that this program has started well, by which the trial of its version ends: creates the file that
    /// `VSEKAI_READY_FILE` names. Returns false if that is not possible. Does nothing if nobody waits for it.
    #[func]
    fn tell_ready() -> bool {
        host::own_install().is_none_or(|(_, ready)| disk::write_atomic(&ready, b"", Durability::Kill).is_ok())
    }
}

impl VSekaiUpdater {
    /// Whether one of the operations runs, or is due, of which one runs at a time.
    pub(super) fn is_changing(&self) -> bool {
        self.job.is_some() || self.is_update_due
    }

    /// The folder to install into.
    pub(super) fn directory(&self) -> PathBuf {
        let default =
            if self.install_dir.is_empty() { Self::get_default_install_dir(GString::new()) } else { GString::new() };
        files::system_path(if default.is_empty() { &self.install_dir } else { &default })
    }
}
