//! Relative paths in the configuration file: they start at its folder, whatever the working folder of a service is.

use std::path::{Path, PathBuf};

use toml::Value;

use super::fault::{Fault, Origin};
use crate::error::Error;

/// Settings that are paths.
const PATHS: [&str; 5] = ["data", "keys", "tls_cert", "tls_key", "webhook_secret_file"];

/// How the address of an SQLite database begins.
const SQLITE: &str = "sqlite:";

/// The value of a setting with a whole path, if it is a relative path in the configuration file.
///
/// # Errors
/// [`Error::Config`] if only the path from the working folder leads to something, as earlier servers read it: another
/// place must not be begun in silence.
pub(super) fn whole(name: &str, value: &Value, origin: &Origin) -> Option<Result<Value, Error>> {
    let Origin::File { path: file, .. } = origin else { return None };
    let (start, relative, rest) = relative(name, value.as_str()?)?;
    let folder = std::path::absolute(file).ok().and_then(|file| file.parent().map(Path::to_owned)).unwrap_or_default();
    let found = folder.join(relative);
    let written = |path: PathBuf| Value::from(format!("{start}{}{rest}", path.display()));
    if found.exists() || !Path::new(relative).exists() {
        return Some(Ok(written(found)));
    }
    let elsewhere = std::path::absolute(relative).unwrap_or_else(|_| PathBuf::from(relative));
    let reason = format!(
        "{name}: a relative path in a configuration file starts at the folder of the file, where there is no {}; there is {}",
        found.display(),
        elsewhere.display()
    );
    Some(Err(Fault::new(name, reason).write(written(elsewhere)).advise("Or move it there").at(Some(origin))))
}

/// What comes before a relative path, the path, and what follows it.
fn relative<'a>(name: &str, text: &'a str) -> Option<(&'static str, &'a str, &'a str)> {
    let (start, path) = match name {
        "database" => (SQLITE, text.strip_prefix(SQLITE)?),
        _ if PATHS.contains(&name) => ("", text),
        _ => return None,
    };
    let end = if start.is_empty() { path.len() } else { path.find('?').unwrap_or(path.len()) };
    let (path, rest) = path.split_at(end);
    let is_relative = !path.is_empty() && !path.contains(":memory:") && Path::new(path).is_relative();
    is_relative.then_some((start, path, rest))
}
