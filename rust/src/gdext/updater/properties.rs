//! What the properties ask of an operation, and those whose values cannot be used.

use std::path::Path;

use godot::classes::Engine;
use godot::obj::{Singleton, WithBaseField};

use super::{Operation, VSekaiUpdater};
use crate::app::worker::{self, Options};
use crate::error::{Error, Result};
use crate::formats::release::ModeName;
use crate::gdext::{files, project_settings};
use crate::install::integrate::{is_app_id, is_scheme};
use crate::net::http::Hours;

const PROXY_SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
const OF_THIS_COMPUTER: &str =
    "install_dir is a folder of this computer: for players, use a path in user://, or set it in a script.";
const IN_PROJECT: &str = "install_dir is in res://, which players cannot write to: use user:// or an absolute path.";
const REPOSITORY_IN_PROJECT: &str =
    "repository_urls has a folder in res://, which an exported program does not have: for players, use an address.";

impl VSekaiUpdater {
    pub(super) fn warn_in_editor(&mut self) {
        if Engine::singleton().is_editor_hint() {
            self.base_mut().update_configuration_warnings();
        }
    }

    /// What the editor warns about before anything runs.
    pub(super) fn warnings(&self) -> Vec<&'static str> {
        let trust_root = Some(&self.trust_root).filter(|path| !path.is_empty()).map(files::exists);
        let directory = self.directory();
        let mut warnings = worker::warnings(&directory, &files::places(&self.repository_urls), trust_root);
        if files::is_in_project(&self.install_dir) {
            warnings.insert(0, IN_PROJECT);
        }
        if is_of_this_computer(&self.install_dir.to_string()) {
            warnings.push(OF_THIS_COMPUTER);
        }
        if self.has_repository_in_project() {
            warnings.push(REPOSITORY_IN_PROJECT);
        }
        let texts = [&self.mode, &self.proxy, &self.url_scheme, &self.app_id].map(ToString::to_string);
        warnings.extend(unusable(texts.each_ref().map(String::as_str)));
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
        if project_settings::is_exported() && self.has_repository_in_project() {
            return refused("repository", "an exported program has no folders in res://");
        }
        if let Err(error) = self.rate_limit_values() {
            return Some(error);
        }
        if !is_proxy(&self.proxy.to_string()) {
            // The value is not shown, because it may contain a password.
            return refused("proxy", "it must begin with http://, https://, socks5:// or socks5h://");
        }
        None
    }

    fn has_repository_in_project(&self) -> bool {
        self.repository_urls.as_slice().iter().any(files::is_in_project)
    }

    pub(super) fn options(&self) -> Options {
        // The clock may have changed to or from summer time.
        self.apply_rate_limit();
        Options {
            directory: self.directory(),
            mode: self.mode.to_string(),
            version: String::new(),
            repository: files::places(&self.repository_urls),
            trust_root: files::trust_root(&self.trust_root),
            rate_limit: self.rate_limit.clone(),
            proxy: self.proxy.to_string(),
            reports: self.reports,
        }
    }

    /// Applies the properties of the limit, also to what runs. Those that cannot be used are refused when the next
    /// operation starts.
    pub(super) fn apply_rate_limit(&self) {
        if let Ok((rate, hours)) = self.rate_limit_values() {
            self.rate_limit.set(rate, hours);
        }
    }

    fn rate_limit_values(&self) -> Result<(Option<u64>, Option<Hours>)> {
        let rate = u64::try_from(self.rate_limit_bytes_per_second);
        let rate = rate.map_err(|_| Error::invalid("rate_limit_bytes_per_second", "it is negative"))?;
        let (from, to) = (self.rate_limit_from_minute, self.rate_limit_to_minute);
        let hours = (from != to).then(|| Hours::new(from, to, project_settings::utc_offset_minutes()));
        Ok((Some(rate).filter(|rate| *rate > 0), hours.transpose()?))
    }
}

fn is_proxy(proxy: &str) -> bool {
    let scheme = proxy.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    proxy.is_empty() || scheme.is_some_and(|scheme| PROXY_SCHEMES.contains(&scheme.as_str()))
}

/// What the editor says of these, any of which may be empty.
fn unusable([mode, proxy, url_scheme, app_id]: [&str; 4]) -> impl Iterator<Item = &'static str> {
    let found = [
        (
            mode.is_empty() || ModeName::new(mode).is_ok(),
            "mode must be the name of a mode, such as stable: lower-case letters, digits and -.",
        ),
        (is_proxy(proxy), "proxy must begin with http://, https://, socks5:// or socks5h://."),
        (
            url_scheme.is_empty() || is_scheme(url_scheme),
            "url_scheme is the part of links before ://, such as mygame: lower-case letters, digits, +, . and -.",
        ),
        (
            app_id.is_empty() || is_app_id(app_id),
            "app_id must begin with a letter and have only letters, digits, . _ and -, such as org.example.game.",
        ),
    ];
    found.into_iter().filter(|(is_well, _)| !is_well).map(|(_, warning)| warning)
}

/// Whether a path names a folder that other computers need not have. A path in `user://` does not.
fn is_of_this_computer(path: &str) -> bool {
    Path::new(path).is_absolute()
}

#[cfg(test)]
mod tests {
    use super::unusable;

    #[test]
    fn the_editor_warns_of_texts_that_no_operation_takes() {
        let said = |texts| unusable(texts).collect::<Vec<_>>();
        assert_eq!(said([""; 4]), [""; 0]);
        assert_eq!(said(["beta", "socks5://127.0.0.1:9050", "mygame", "org.example.game"]), [""; 0]);
        for (said, property) in [
            (said(["Beta Test", "", "", ""]), "mode"),
            (said(["", "127.0.0.1:3128", "", ""]), "proxy"),
            (said(["", "", "mygame://", ""]), "url_scheme"),
            (said(["", "", "MyGame", ""]), "url_scheme"),
            (said(["", "", "", "My Game"]), "app_id"),
        ] {
            assert!(matches!(said[..], [only] if only.starts_with(property)), "{property}: {said:?}");
        }
    }

    #[test]
    fn only_a_path_in_user_is_the_same_for_all_players() {
        let here = std::env::temp_dir();
        assert!(super::is_of_this_computer(&here.to_string_lossy()));
        for path in ["", "user://game", "res://game"] {
            assert!(!super::is_of_this_computer(path), "{path}");
        }
    }
}
