//! `VSekaiProgress`: how far an operation is.

use godot::obj::Gd;
use godot::register::{GodotClass, godot_api};

use crate::event::throughput::Progress;
use crate::gdext::convert::int;
use crate::gdext::enums::Phase;

/// How far an operation is, at one moment. Carried by [signal VSekaiUpdater.progressed]; read-only.
///
/// An operation has one phase or more, such as reading the files that are there and building the new version.
/// [member fraction] is that of the whole operation, and the other numbers are those of the running phase: of its content,
/// [member done_bytes] are done, downloaded or reused from disk. If something is downloaded, [member phase_fraction] is that
/// of the download; otherwise, of the content. [member bytes_per_second] and [member seconds_left] are those of the download
/// while [member is_downloading], then of the content.
/// ```gdscript
/// extends Label
///
/// @onready var updater: VSekaiUpdater = $VSekaiUpdater
///
///
/// func _ready() -> void:
///     updater.progressed.connect(_show)
///     updater.start_update()
///
///
/// func _show(progress: VSekaiProgress) -> void:
///     text = "%d %%" % (100.0 * progress.fraction)
///     if progress.is_downloading:
///         text += " at %s/s" % String.humanize_size(int(progress.bytes_per_second))
///     if progress.seconds_left >= 0.0:
///         text += ", %d s left" % ceili(progress.seconds_left)
/// ```
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiProgress {
    /// What is being done.
    #[var(get = get_phase, no_set)]
    phase: Phase,
    /// How much of the whole operation is done, from 0 to 1, for a progress bar. Never goes back. An estimate, because what
    /// later phases will have to do is not always known.
    #[var(no_set)]
    pub(super) fraction: f64,
    /// How much of the phase is done, from 0 to 1. Each phase starts at 0.
    #[var(no_set)]
    pub(super) phase_fraction: f64,
    /// Whether a part of the download is still to come.
    #[var(no_set)]
    pub(super) is_downloading: bool,
    /// Bytes of content that are done in this phase.
    #[var(no_set)]
    pub(super) done_bytes: i64,
    /// All bytes of content of this phase.
    #[var(no_set)]
    pub(super) total_bytes: i64,
    /// Bytes that were downloaded, or read from a repository that is a folder, counted as they arrive. Of an update that
    /// was paused or stopped, what is there already counts, also after a restart.
    #[var(no_set)]
    pub(super) received_bytes: i64,
    /// All bytes of the download; -1 if nothing is downloaded, or the size is unknown. An update that goes on has the same
    /// as before.
    #[var(no_set)]
    pub(super) download_bytes: i64,
    /// The rate of the last seconds; 0 while unknown.
    #[var(no_set)]
    pub(super) bytes_per_second: f64,
    /// At this rate; -1 while unknown.
    #[var(no_set)]
    pub(super) seconds_left: f64,
}

#[godot_api]
impl VSekaiProgress {
    #[func]
    pub(super) fn get_phase(&self) -> Phase {
        self.phase
    }
}

impl VSekaiProgress {
    /// With what was received and will be, including earlier runs. `whole` says how much of all is done, if this
    /// part of the phase is.
    pub(crate) fn of(
        progress: Progress,
        received_bytes: u64,
        download_bytes: Option<u64>,
        whole: impl FnOnce(f64) -> f64,
    ) -> Self {
        let (done_bytes, total_bytes) = (int(progress.done_bytes), int(progress.total_bytes));
        let (received_bytes, download_bytes) = (int(received_bytes), download_bytes.map_or(-1, int));
        let phase_fraction =
            if download_bytes > 0 { ratio(received_bytes, download_bytes) } else { ratio(done_bytes, total_bytes) };
        Self {
            phase: progress.phase.into(),
            fraction: whole(phase_fraction),
            phase_fraction,
            is_downloading: received_bytes < download_bytes,
            done_bytes,
            total_bytes,
            received_bytes,
            download_bytes,
            bytes_per_second: progress.bytes_per_second,
            seconds_left: progress.seconds_left.unwrap_or(-1.0),
        }
    }

    pub(crate) fn fraction(&self) -> f64 {
        self.fraction
    }

    pub(crate) fn share(self) -> Gd<Self> {
        Gd::from_object(self)
    }
}

/// From 0 to 1. Where there is nothing to do, no progress is told.
#[expect(clippy::cast_precision_loss, reason = "a bar on a screen has fewer steps")]
fn ratio(part: i64, whole: i64) -> f64 {
    (part as f64 / whole.max(1) as f64).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: Progress = Progress {
        phase: crate::event::Phase::Assemble,
        done_bytes: 30,
        total_bytes: 40,
        bytes_per_second: 2.0,
        seconds_left: Some(5.0),
        received_bytes: 0,
        download_bytes: None,
    };

    #[test]
    fn the_fraction_of_a_phase_is_that_of_the_download_while_there_is_one() {
        let of = |progress, received, download| VSekaiProgress::of(progress, received, download, |part| part / 2.0);
        let download = of(CONTENT, 1, Some(4));
        assert!((download.phase_fraction - 0.25).abs() < 1e-9 && download.is_downloading, "{download:?}");
        assert!((download.fraction - 0.125).abs() < 1e-9, "{download:?}");
        let content = of(CONTENT, 0, None);
        assert!((content.phase_fraction - 0.75).abs() < 1e-9 && !content.is_downloading, "{content:?}");
        assert_eq!((content.download_bytes, content.phase), (-1, Phase::Building));
        let over = of(CONTENT, 4, Some(4));
        assert!((over.phase_fraction - 1.0).abs() < 1e-9 && !over.is_downloading, "{over:?}");
        let early = of(Progress { done_bytes: 0, seconds_left: None, ..CONTENT }, 0, None);
        assert!(early.phase_fraction.abs() < 1e-9 && early.seconds_left < 0.0, "{early:?}");
    }
}
