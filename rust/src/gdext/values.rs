//! The values that signals carry. Read-only: none of them changes after it was made.

use godot::builtin::{GString, PackedStringArray};
use godot::classes::Engine;
use godot::obj::{Gd, Singleton};
use godot::register::{GodotClass, godot_api};

use super::convert::{int, text, texts};
use super::enums::{Operation, Reason};
use super::kinds::Kind;
use crate::app::updater::{Available, ModeInfo, Status, Story, VersionNotes};
use crate::app::worker::{Failure, PlanSummary};
use crate::version::Version;

mod printed;
mod progress;

pub(super) use progress::VSekaiProgress;

/// A version found by a check. Carried by [signal VSekaiUpdater.update_found]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiRelease {
    /// The mode that offers it.
    #[var(no_set)]
    mode: GString,
    /// The version, such as `1.2.0`.
    #[var(no_set)]
    version: GString,
    /// The release notes, in Markdown, as the publisher wrote them. [method VSekaiUpdater.notes_to_bbcode] makes them
    /// safe to show.
    #[var(no_set)]
    notes: GString,
    /// The total size of its files, in bytes.
    #[var(no_set)]
    installed_bytes: i64,
    /// Why it is offered.
    #[var(get = get_reason, no_set)]
    reason: Reason,
    /// It is lower than the installed version, which a player should be told before.
    #[var(no_set)]
    is_downgrade: bool,
}

#[godot_api]
impl VSekaiRelease {
    #[func]
    fn get_reason(&self) -> Reason {
        self.reason
    }
}

impl VSekaiRelease {
    pub(super) fn of(found: &Available, installed: Option<&Version>) -> Gd<Self> {
        Gd::from_object(Self {
            mode: text(found.mode.as_str()),
            version: text(&found.version.to_string()),
            notes: text(&found.notes),
            installed_bytes: int(found.sizes.tree_bytes),
            reason: found.why.into(),
            is_downgrade: installed.is_some_and(|installed| found.version < *installed),
        })
    }
}

/// What an update will do, in numbers, before it does anything: enough to ask the player. Carried by
/// [signal VSekaiUpdater.plan_made]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiPlan {
    /// The version that will be installed.
    #[var(no_set)]
    version: GString,
    /// Bytes to download. An estimate, usually within a few percent.
    #[var(no_set)]
    download_bytes: i64,
    /// Bytes that need no download any more, because an interrupted run of this update has them: with
    /// [member download_bytes], the whole download, which [member VSekaiProgress.download_bytes] tells.
    #[var(no_set)]
    earlier_bytes: i64,
    /// Bytes that need no download, because the installed version, an interrupted update or a shared cache has them.
    #[var(no_set)]
    reused_bytes: i64,
    /// Bytes to write to disk. Unchanged files are not written.
    #[var(no_set)]
    written_bytes: i64,
    /// Disk space needed during the update, in bytes, in addition to the installed version.
    #[var(no_set)]
    needed_bytes: i64,
    /// Free disk space, in bytes; -1 if unknown.
    #[var(no_set)]
    free_bytes: i64,
    /// Number of requests to servers; 0 if nothing has to be downloaded.
    #[var(no_set)]
    requests: i64,
    /// Nothing is installed yet.
    #[var(no_set)]
    is_first_install: bool,
    /// The update resumes an interrupted one.
    #[var(no_set)]
    is_resume: bool,
    /// The version is lower than the installed one.
    #[var(no_set)]
    is_downgrade: bool,
}

impl VSekaiPlan {
    pub(super) fn of(plan: &PlanSummary) -> Gd<Self> {
        let summary = &plan.summary;
        Gd::from_object(Self {
            version: text(&plan.version),
            download_bytes: int(plan.download_bytes()),
            earlier_bytes: int(summary.earlier_bytes),
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
            is_downgrade: plan.is_downgrade,
        })
    }
}

/// The status of an install, as known without network access. Carried by [signal VSekaiUpdater.status_read]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(crate) struct VSekaiStatus {
    /// The install folder.
    #[var(no_set)]
    directory: GString,
    /// A random name that the install was given when it was made: after an uninstallation, the same folder gets another.
    /// It never leaves this device. Empty without an install.
    #[var(no_set)]
    install_id: GString,
    /// The mode that the install follows.
    #[var(no_set)]
    mode: GString,
    /// Whether a version is installed.
    #[var(no_set)]
    is_installed: bool,
    /// The current version; empty if there is none.
    #[var(no_set)]
    version: GString,
    /// The version that [method VSekaiUpdater.rollback] returns to; empty if there is none.
    #[var(no_set)]
    previous_version: GString,
    /// The version that [method VSekaiUpdater.download_update] has put beside the current one; empty if there is none. A
    /// check may say that it is not wanted any more.
    #[var(no_set)]
    downloaded_version: GString,
    /// The version is new and has not started successfully yet.
    #[var(no_set)]
    is_on_trial: bool,
    /// How often the version on trial was started without showing that it works. After two such starts, the next one
    /// returns to the previous version.
    #[var(no_set)]
    failed_starts: i64,
    /// An update was interrupted; [method VSekaiUpdater.start_update] resumes it.
    #[var(no_set)]
    is_resumable: bool,
    /// The install is registered with the desktop: see [method VSekaiUpdater.integrate].
    #[var(no_set)]
    is_integrated: bool,
    /// A launcher starts when the user logs in: see [method VSekaiUpdater.start_at_login].
    #[var(no_set)]
    starts_at_login: bool,
    /// The size of all files in the install folder, in bytes.
    #[var(no_set)]
    disk_bytes: i64,
    /// What [method VSekaiUpdater.remove_previous] would free, in bytes: files that the current version shares stay.
    #[var(no_set)]
    removable_bytes: i64,
    /// Versions that failed to start or were rolled back. They are not offered again.
    #[var(no_set)]
    bad_versions: PackedStringArray,
    /// The repository and its mirrors.
    #[var(no_set)]
    repository_urls: PackedStringArray,
}

impl VSekaiStatus {
    pub(super) fn of(status: &Status, disk_bytes: u64, removable_bytes: u64) -> Gd<Self> {
        let version = |installed: &Option<crate::install::Installed>| {
            installed.as_ref().map_or_else(GString::new, |it| text(&it.version.to_string()))
        };
        Gd::from_object(Self {
            directory: text(&status.directory.to_string_lossy()),
            install_id: text(&status.install_id),
            mode: text(status.mode.as_str()),
            is_installed: status.current.is_some(),
            version: version(&status.current),
            previous_version: version(&status.previous),
            downloaded_version: text(&status.downloaded.as_ref().map(ToString::to_string).unwrap_or_default()),
            is_on_trial: status.trial.is_some(),
            failed_starts: status.trial.as_ref().map_or(0, |trial| i64::from(trial.attempts)),
            is_resumable: status.is_resumable,
            is_integrated: status.is_integrated,
            starts_at_login: status.starts_at_login,
            disk_bytes: int(disk_bytes),
            removable_bytes: int(removable_bytes),
            bad_versions: texts(status.bad.iter().map(|(_, version)| version.to_string())),
            repository_urls: texts(status.repository.iter().cloned()),
        })
    }
}

/// A mode: a stream of versions that users follow, such as `stable` or `beta`. Carried by
/// [signal VSekaiUpdater.modes_listed]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiMode {
    /// The name, such as `stable`.
    #[var(no_set)]
    name: GString,
    /// The publisher's description, one sentence; may be empty.
    #[var(no_set)]
    description: GString,
    /// The mode that replaces this one; empty if there is none.
    #[var(no_set)]
    update_to: GString,
    /// The newest version for this platform; empty if there is none.
    #[var(no_set)]
    newest: GString,
    /// Whether the publisher still maintains it.
    #[var(no_set)]
    is_active: bool,
    /// Whether the install follows it.
    #[var(no_set)]
    is_current: bool,
    /// Whether the publisher asks players who agree if new versions start: see [member VSekaiUpdater.reports].
    #[var(no_set)]
    asks_for_reports: bool,
}

impl VSekaiMode {
    pub(super) fn of(mode: &ModeInfo) -> Gd<Self> {
        Gd::from_object(Self {
            name: text(mode.name.as_str()),
            description: text(&crate::text::line(&mode.description)),
            update_to: text(mode.update_to.as_ref().map_or("", |mode| mode.as_str())),
            newest: text(&mode.newest.as_ref().map(ToString::to_string).unwrap_or_default()),
            is_active: mode.is_active,
            is_current: mode.is_current,
            asks_for_reports: mode.asks_for_reports,
        })
    }
}

/// The release notes of one version. Carried by [signal VSekaiUpdater.notes_listed]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiNotes {
    /// The mode that offers the version.
    #[var(no_set)]
    mode: GString,
    /// The version, such as `1.2.0`.
    #[var(no_set)]
    version: GString,
    /// Time of publication, in seconds since 1970; 0 if unknown.
    #[var(no_set)]
    published_at: i64,
    /// The release notes, in Markdown; may be empty. [method VSekaiUpdater.notes_to_bbcode] makes them safe to show.
    #[var(no_set)]
    notes: GString,
    /// It is the installed version.
    #[var(no_set)]
    is_current: bool,
    /// It is higher than the installed version.
    #[var(no_set)]
    is_new: bool,
}

impl VSekaiNotes {
    pub(super) fn of(notes: &VersionNotes) -> Gd<Self> {
        Gd::from_object(Self {
            mode: text(notes.mode.as_str()),
            version: text(&notes.version.to_string()),
            published_at: notes.published_at_s,
            notes: text(&notes.notes),
            is_current: notes.is_current,
            is_new: notes.is_new,
        })
    }
}

/// One item of the news of the followed mode. Carried by [signal VSekaiUpdater.news_listed]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiNews {
    /// The publisher's name for it; no other item of the mode has the same.
    #[var(no_set)]
    id: GString,
    /// The title: one line of plain text, at most 100 characters.
    #[var(no_set)]
    title: GString,
    /// A few sentences of plain text, at most 500 characters.
    #[var(no_set)]
    text: GString,
    /// The language of title and text, such as `pt-BR`.
    #[var(no_set)]
    language: GString,
    /// When it was published, in seconds since 1970.
    #[var(no_set)]
    published_at: i64,
    /// The web page that it leads to, an address with `https`; empty if there is none.
    #[var(no_set)]
    link: GString,
    /// The host of [member link], to show where it leads.
    #[var(no_set)]
    link_host: GString,
    /// The file of its picture, a PNG or WebP with sides of at most 2048 pixels and at most 512 KiB, verified; empty if
    /// there is none, or it has not been downloaded. [method Image.load_from_file] reads it; decode it on another thread.
    #[var(no_set)]
    picture_path: GString,
}

impl VSekaiNews {
    /// With the texts for this locale.
    pub(super) fn of(story: &Story, locale: &str) -> Gd<Self> {
        let chosen = story.item.text_for(locale);
        let link = story.item.link();
        Gd::from_object(Self {
            id: text(&story.item.id().to_string()),
            title: text(chosen.map_or("", |(_, words)| words.title())),
            text: text(chosen.map_or("", |(_, words)| words.text())),
            language: text(chosen.map_or("", |(language, _)| language.as_str())),
            published_at: story.item.published_at().as_second(),
            link: text(link.map_or("", |link| link.as_str())),
            link_host: text(link.map_or("", |link| link.host())),
            picture_path: text(&story.picture.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default()),
        })
    }
}

/// Why an operation failed, was stopped or was refused: see [method VSekaiUpdater.get_failure]. Carried by
/// [signal VSekaiUpdater.operation_failed]; read-only.
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiFailure {
    /// The operation that failed or was stopped, one of [enum VSekaiUpdater.Operation].
    #[var(get = get_operation, no_set)]
    operation: Operation,
    /// What has happened, one of [enum VSekaiFailure.Kind], such as `VSekaiFailure.Kind.OFFLINE`: compare this, because the
    /// editor knows all of them.
    #[var(get = get_kind, no_set)]
    kind: Kind,
    /// The same as a text that never changes, such as `offline`, for translations and logs. `internal` is a bug of the
    /// updater.
    #[var(no_set)]
    code: GString,
    /// The text to show to players: what has happened and what they can do, in plain English, without paths, addresses or
    /// names of properties. It is the same for each [member code], by which you translate it.
    #[var(no_set)]
    player_text: GString,
    /// What went wrong, for you and your log: one sentence in English, with paths and addresses.
    #[var(no_set)]
    message: GString,
    /// What to do about it, for you and your log: where a property of the node is wrong, it names that. May be empty.
    #[var(no_set)]
    hint: GString,
    /// Lines to copy into a bug report: code, message, causes, versions and system. They contain no secrets, and the
    /// user's home folder is written as `~`.
    #[var(no_set)]
    details: GString,
}

#[godot_api]
impl VSekaiFailure {
    #[func]
    fn get_operation(&self) -> Operation {
        self.operation
    }

    #[func]
    fn get_kind(&self) -> Kind {
        self.kind
    }
}

impl VSekaiFailure {
    /// In the words of the failure, but with this hint.
    pub(super) fn of(operation: Operation, failure: &Failure, hint: &str) -> Gd<Self> {
        let version = Engine::singleton().get_version_info().get("string").unwrap_or_default();
        let details = failure.details(operation.word(), &format!("Godot {version}"), std::env::home_dir().as_deref());
        Gd::from_object(Self {
            operation,
            kind: Kind::of(&failure.code),
            code: text(&failure.code),
            player_text: text(failure.player_text()),
            message: text(&failure.message),
            hint: text(hint),
            details: text(&details),
        })
    }

    pub(super) fn is_of_launch(&self) -> bool {
        self.operation == Operation::Launch
    }

    pub(super) fn code(&self) -> String {
        self.code.to_string()
    }
}
