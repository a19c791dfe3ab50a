//! What `print` and `str` make of the values.

use godot::builtin::GString;
use godot::classes::IRefCounted;
use godot::register::godot_api;

use super::{
    VSekaiFailure, VSekaiMode, VSekaiNews, VSekaiNotes, VSekaiPlan, VSekaiProgress, VSekaiRelease, VSekaiStatus,
};

#[godot_api]
impl IRefCounted for VSekaiRelease {
    fn to_string(&self) -> GString {
        let size = megabytes(self.installed_bytes);
        line(&format!(
            "<VSekaiRelease {} of {} ({}), {size}>",
            self.version,
            self.mode,
            self.reason.word().to_lowercase()
        ))
    }
}

#[godot_api]
impl IRefCounted for VSekaiPlan {
    fn to_string(&self) -> GString {
        let (download, written) = (megabytes(self.download_bytes), megabytes(self.written_bytes));
        line(&format!("<VSekaiPlan {}: download {download}, write {written}>", self.version))
    }
}

#[godot_api]
impl IRefCounted for VSekaiStatus {
    fn to_string(&self) -> GString {
        let what = match (self.is_installed, self.is_on_trial) {
            (true, true) => format!("{} of {} on trial in", self.version, self.mode),
            (true, false) => format!("{} of {} in", self.version, self.mode),
            (false, _) => "nothing in".to_owned(),
        };
        line(&format!("<VSekaiStatus {what} {}>", self.directory))
    }
}

#[godot_api]
impl IRefCounted for VSekaiMode {
    fn to_string(&self) -> GString {
        let newest = if self.newest.is_empty() { "no version".to_owned() } else { self.newest.to_string() };
        let current = if self.is_current { ", followed" } else { "" };
        let active = if self.is_active { "" } else { ", retired" };
        line(&format!("<VSekaiMode {}: {newest}{current}{active}>", self.name))
    }
}

#[godot_api]
impl IRefCounted for VSekaiNotes {
    fn to_string(&self) -> GString {
        let current = if self.is_current { ", installed" } else { "" };
        line(&format!("<VSekaiNotes {} of {}{current}>", self.version, self.mode))
    }
}

#[godot_api]
impl IRefCounted for VSekaiNews {
    fn to_string(&self) -> GString {
        line(&format!("<VSekaiNews {}: {}>", self.id, self.title))
    }
}

#[godot_api]
impl IRefCounted for VSekaiFailure {
    fn to_string(&self) -> GString {
        line(&format!("<VSekaiFailure {} in {}: {}>", self.code, self.operation.word(), self.message))
    }
}

#[godot_api]
impl IRefCounted for VSekaiProgress {
    fn to_string(&self) -> GString {
        let (part, whole) = if self.download_bytes > 0 {
            (self.received_bytes, self.download_bytes)
        } else {
            (self.done_bytes, self.total_bytes)
        };
        let (phase, rate) = (self.get_phase().word(), self.bytes_per_second / 1e6);
        line(&format!("<VSekaiProgress {phase}: {} of {}, {rate:.1} MB/s>", megabytes(part), megabytes(whole)))
    }
}

fn line(text: &str) -> GString {
    GString::from(crate::text::line(text).as_str())
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
fn megabytes(bytes: i64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
