//! The values that signals carry: read-only, and none of them changes after it was made.

use godot::builtin::{GString, PackedStringArray};
use godot::obj::Gd;
use godot::register::GodotClass;

use super::convert::{int, text, texts};
use super::enums::Operation;
use crate::app::updater::{Available, ModeInfo, Status};
use crate::app::worker::{Failed, PlanMade};

/// A version that a check has found. Comes with [signal VSekaiUpdater.update_found]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiRelease {
    /// The mode that offers it.
    #[var(no_set)]
    mode: GString,
    /// The version, such as `1.2.0`.
    #[var(no_set)]
    version: GString,
    /// What is new, in Markdown, as the publisher wrote it.
    #[var(no_set)]
    notes: GString,
    /// The size of all its files, in bytes.
    #[var(no_set)]
    installed_bytes: i64,
    /// Why it would be taken: `install` (nothing is installed), `newer`,
    /// `recalled` (the installed version was withdrawn), `mode_changed` (the installed version
    /// comes from another mode), `asked`.
    #[var(no_set)]
    why: GString,
}

impl VSekaiRelease {
    pub(super) fn of(found: &Available) -> Gd<Self> {
        let why = serde_json::to_value(found.why).ok();
        Gd::from_object(Self {
            mode: text(found.mode.as_str()),
            version: text(&found.version.to_string()),
            notes: text(&found.notes),
            installed_bytes: int(found.sizes.tree_bytes),
            why: text(why.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default()),
        })
    }
}

/// What an update will do, in numbers, before it does anything. Comes with [signal VSekaiUpdater.plan_made]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiPlan {
    /// The version that it leads to.
    #[var(no_set)]
    version: GString,
    /// Bytes to receive. An estimate from how well the version compresses: some percent more or less will come.
    #[var(no_set)]
    download_bytes: i64,
    /// Bytes that the installed version, an interrupted run or a chunk cache gives, so that they need not be received.
    #[var(no_set)]
    reused_bytes: i64,
    /// Bytes of files to write. Files that have not changed are not written.
    #[var(no_set)]
    written_bytes: i64,
    /// Room needed on the disk while it works, in bytes, on top of what is installed.
    #[var(no_set)]
    needed_bytes: i64,
    /// Room on the disk, in bytes; -1 if the system does not say.
    #[var(no_set)]
    free_bytes: i64,
    /// Requests to servers; 0 if everything is here.
    #[var(no_set)]
    requests: i64,
    /// Nothing is installed yet.
    #[var(no_set)]
    is_first_install: bool,
    /// It goes on with an update that was interrupted.
    #[var(no_set)]
    is_resume: bool,
}

impl VSekaiPlan {
    pub(super) fn of(plan: &PlanMade) -> Gd<Self> {
        let summary = &plan.summary;
        Gd::from_object(Self {
            version: text(&plan.version),
            download_bytes: int(plan.download_bytes()),
            reused_bytes: int(summary
                .seed_bytes
                .saturating_add(summary.kept_bytes)
                .saturating_add(summary.resumed_bytes)),
            written_bytes: int(summary.write_bytes),
            needed_bytes: int(summary.disk_bytes),
            free_bytes: plan.free_bytes.map_or(-1, int),
            requests: int(summary.requests),
            is_first_install: plan.is_first_install,
            is_resume: summary.resumed_bytes > 0,
        })
    }
}

/// What is known of an install without asking anybody. Comes with [signal VSekaiUpdater.status_read]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(crate) struct VSekaiStatus {
    /// The folder of the install.
    #[var(no_set)]
    directory: GString,
    /// The mode that is followed.
    #[var(no_set)]
    mode: GString,
    /// Whether a version is there that can be started.
    #[var(no_set)]
    is_installed: bool,
    /// The version that starts; empty if there is none.
    #[var(no_set)]
    version: GString,
    /// The version that [method VSekaiUpdater.rollback] goes back to; empty if there is none.
    #[var(no_set)]
    previous_version: GString,
    /// The version is new, and has not shown yet that it starts.
    #[var(no_set)]
    is_on_trial: bool,
    /// An update was interrupted; [method VSekaiUpdater.start_update] goes on with it.
    #[var(no_set)]
    is_resumable: bool,
    /// It is registered with the desktop.
    #[var(no_set)]
    is_integrated: bool,
    /// Versions that did not start, or were rolled back by hand: they are not offered again.
    #[var(no_set)]
    bad_versions: PackedStringArray,
    /// Where updates come from.
    #[var(no_set)]
    repository_urls: PackedStringArray,
}

impl VSekaiStatus {
    pub(super) fn of(status: &Status) -> Gd<Self> {
        let version = |installed: &Option<crate::install::Installed>| {
            installed.as_ref().map_or_else(GString::new, |it| text(&it.version.to_string()))
        };
        Gd::from_object(Self {
            directory: text(&status.directory.to_string_lossy()),
            mode: text(status.mode.as_str()),
            is_installed: status.current.is_some(),
            version: version(&status.current),
            previous_version: version(&status.previous),
            is_on_trial: status.trial.is_some(),
            is_resumable: status.is_resumable,
            is_integrated: status.is_integrated,
            bad_versions: texts(status.bad.iter().map(|(_, version)| version.to_string())),
            repository_urls: texts(status.repository.iter().cloned()),
        })
    }
}

/// A mode: a stream of versions that users follow. Comes with [signal VSekaiUpdater.modes_listed]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiMode {
    /// Its name, such as `stable`.
    #[var(no_set)]
    name: GString,
    /// One sentence from the publisher; may be empty.
    #[var(no_set)]
    description: GString,
    /// The mode that its users are moved to; empty if they are not.
    #[var(no_set)]
    update_to: GString,
    /// The newest version that it offers for this platform; empty if it offers none.
    #[var(no_set)]
    newest: GString,
    /// Whether it is still published.
    #[var(no_set)]
    is_active: bool,
    /// Whether the install follows it.
    #[var(no_set)]
    is_current: bool,
}

impl VSekaiMode {
    pub(super) fn of(mode: &ModeInfo) -> Gd<Self> {
        Gd::from_object(Self {
            name: text(mode.name.as_str()),
            description: text(&mode.description),
            update_to: text(mode.update_to.as_ref().map_or("", |mode| mode.as_str())),
            newest: text(&mode.newest.as_ref().map(ToString::to_string).unwrap_or_default()),
            is_active: mode.is_active,
            is_current: mode.is_current,
        })
    }
}

/// Why an operation was not done. Comes with [signal VSekaiUpdater.operation_failed]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiFailure {
    /// What was to be done.
    #[var(no_set)]
    operation: Operation,
    /// A stable word for what went wrong, such as `offline`: for scripts and translations. `internal` is a mistake in
    /// the updater itself.
    #[var(no_set)]
    code: GString,
    /// One sentence in English.
    #[var(no_set)]
    message: GString,
    /// What to do about it, in English; may be empty.
    #[var(no_set)]
    hint: GString,
    /// Some lines to copy into a report: code, message, reasons, versions and system. The user's home folder is
    /// shortened, and there are no secrets in it.
    #[var(no_set)]
    details: GString,
}

impl VSekaiFailure {
    pub(super) fn of(operation: Operation, failed: &Failed, details: &str) -> Gd<Self> {
        Gd::from_object(Self {
            operation,
            code: text(&failed.code),
            message: text(&failed.message),
            hint: text(&failed.hint),
            details: text(details),
        })
    }

    /// Code, message and hint.
    pub(super) fn words(&self) -> (GString, GString, GString) {
        (self.code.clone(), self.message.clone(), self.hint.clone())
    }
}
