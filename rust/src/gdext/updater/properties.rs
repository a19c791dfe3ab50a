//! What the properties ask of an operation, and those whose values cannot be used.

use std::path::Path;

use godot::classes::Engine;
use godot::obj::{Singleton, WithBaseField};

use super::{Operation, VSekaiUpdater};
use crate::app::worker::{self, Options};
use crate::error::Error;
use crate::gdext::convert::strings;
use crate::gdext::{files, project_settings};

const PROXY_SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
const OF_THIS_COMPUTER: &str =
    "install_dir is a folder of this computer: for players, use a path in user://, or set it in a script.";
const IN_PROJECT: &str = "install_dir is in res://, which players cannot write to: use user:// or an absolute path.";

impl VSekaiUpdater {
    pub(super) fn warn_in_editor(&mut self) {
        if Engine::singleton().is_editor_hint() {
            self.base_mut().update_configuration_warnings();
        }
    }

    /// What the editor warns about before anything runs.
    pub(super) fn warnings(&self) -> Vec<&'static str> {
        let trust_root = Some(&self.trust_root).filter(|path| !path.is_empty()).map(files::exists);
        let directory = files::system_path(&self.install_dir);
        let mut warnings = worker::warnings(&directory, &strings(&self.repository_urls), trust_root);
        if files::is_in_project(&self.install_dir) {
            warnings.insert(0, IN_PROJECT);
        }
        if is_of_this_computer(&self.install_dir.to_string()) {
            warnings.push(OF_THIS_COMPUTER);
        }
        warnings
    }

    /// Why this operation must not begin with these properties. Whatever is not refused here, the worker checks.
    pub(super) fn refusal(&self, operation: Operation) -> Option<Error> {
        let refused = |property, reason: &str| Some(Error::invalid(property, reason));
        if files::is_in_project(&self.install_dir) {
            return refused("install_dir", "players cannot write to res://");
        }
        if operation == Operation::Launch {
            return None;
        }
        if self.rate_limit_bytes_per_second < 0 {
            return refused("rate_limit_bytes_per_second", "it is negative");
        }
        let proxy = self.proxy.to_string();
        let scheme = proxy.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !proxy.is_empty() && !scheme.is_some_and(|scheme| PROXY_SCHEMES.contains(&scheme.as_str())) {
            // The value is not shown, because it may contain a password.
            return refused("proxy", "it must begin with http://, https://, socks5:// or socks5h://");
        }
        None
    }

    pub(super) fn options(&self) -> Options {
        Options {
            directory: files::system_path(&self.install_dir),
            mode: self.mode.to_string(),
            version: String::new(),
            repository: strings(&self.repository_urls),
            trust_root: files::trust_root(&self.trust_root),
            rate_limit_bytes_per_second: u64::try_from(self.rate_limit_bytes_per_second).ok().filter(|rate| *rate > 0),
            rate_limit_hours: self.rate_limit_hours(),
            proxy: self.proxy.to_string(),
            reports: self.reports,
        }
    }

    fn rate_limit_hours(&self) -> Option<[i64; 3]> {
        let (from, to) = (self.rate_limit_from_minute, self.rate_limit_to_minute);
        (from != to).then(|| [from, to, project_settings::utc_offset_minutes()])
    }
}

/// Whether a path names a folder that other computers need not have. A path in `user://` does not.
fn is_of_this_computer(path: &str) -> bool {
    Path::new(path).is_absolute()
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_a_path_in_user_is_the_same_for_all_players() {
        let here = std::env::temp_dir();
        assert!(super::is_of_this_computer(&here.to_string_lossy()));
        for path in ["", "user://game", "res://game"] {
            assert!(!super::is_of_this_computer(path), "{path}");
        }
    }
}
