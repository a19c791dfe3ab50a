//! Converts command-line options into values of the library.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::app::host;
use crate::error::{Error, Result, TrustKind};
use crate::formats::chunk::DigestAlgorithm;
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::ChunkSizes;
use crate::install::InstallRoot;
use crate::local::disk;
use crate::local::extract::IndexKind;
use crate::local::store::LocalStore;
use crate::net::http::{Url, parse_url};
use crate::text;

use crate::cli::{arguments, caller};

/// Limit for files with a certificate, key, token or root: 1 MiB is far more than any of them needs.
const MAX_SECRET_BYTES: u64 = 1 << 20;

/// Why there is no install to work on.
pub(crate) const NO_INSTALL: &str = "none was named, and the working folder is in no install";

pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>> {
    disk::read(path, MAX_SECRET_BYTES)
}

/// A trust root from a file.
pub(crate) fn trust_root(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        let reason = format!("{} is a folder; give the file root.json in it", path.display());
        return Err(Error::invalid("--trust-root", reason));
    }
    let bytes = read_small(path)?;
    let is_not = |what: String| Error::trust(TrustKind::Root, format!("{} is no root.json: {what}", path.display()));
    let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| is_not("it is not JSON".to_owned()))?;
    match json["signed"]["_type"].as_str() {
        Some("root") => Ok(bytes),
        Some(other) => Err(is_not(format!("it is the {} of a repository", text::line(other)))),
        None => Err(is_not("it is JSON, but no signed metadata".to_owned())),
    }
}

/// The URL that an argument names; `None` if it is a path. A URL without its scheme is an error.
pub(crate) fn url_of(argument: &OsStr) -> Option<Result<Url>> {
    let given = argument.to_str()?;
    if text::is_web_url(given) {
        return Some(parse_url("URL", given));
    }
    let meant = text::meant_url(given).filter(|_| !Path::new(given).exists())?;
    let reason = format!("there is no file or folder {}. If you mean a server, write {meant}", text::address(given));
    Some(Err(Error::invalid("URL", reason)))
}

/// An argument that must be a folder. A URL is an error, because a folder of that name would be created.
pub(crate) fn folder(argument: &Path) -> Result<&Path> {
    if scheme(argument).is_none() {
        return Ok(argument);
    }
    let reason = format!("{} is a URL; give a folder of this machine", shown(argument.as_os_str()));
    Err(Error::invalid("DIR", reason))
}

/// The install root that a command works on: the given folder, or the install that holds the working folder.
///
/// # Errors
/// `invalid_argument` if none was given, and the working folder is in no install.
pub(crate) fn install_dir(given: Option<&Path>) -> Result<PathBuf> {
    given.map(Path::to_owned).or_else(around).ok_or_else(|| Error::invalid("DIR", NO_INSTALL))
}

/// The install that holds the working folder, if there is one.
pub(crate) fn around() -> Option<PathBuf> {
    let here = caller::is_folder_known().then(std::env::current_dir)?.ok()?;
    let is_ours = |folder: &&Path| InstallRoot::at(folder).is_ok_and(|root| root.is_ours());
    here.ancestors().find(is_ours).map(Path::to_owned)
}

/// The scheme of an address in the place of a path. A single letter is a drive of Windows.
pub(crate) fn scheme(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1 && text::has_scheme(&format!("{scheme}://"));
    // A slash may be lost, or all of them.
    let is_address =
        rest.starts_with("//") || ["http", "https", "s3", "file"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    (is_scheme && is_address).then(|| scheme.to_owned())
}

/// An argument that names a file, a folder or a URL, in a form that may be shown.
pub(crate) fn shown(argument: &OsStr) -> String {
    text::address(&argument.to_string_lossy())
}

/// The location of a repository as text. A path that is not UTF-8 becomes a `file` URL, which holds any bytes.
///
/// # Errors
/// `not_found` for a folder that does not exist: what an install remembers may be on a disk that is not plugged in,
/// but what was just typed is misspelt.
pub(crate) fn location(argument: &OsStr) -> Result<String> {
    if argument.is_empty() {
        return Err(Error::invalid(
            "--repository",
            "it is empty; give a URL such as https://example.org/game, or a folder",
        ));
    }
    let is_address = argument.to_str().is_some_and(|given| text::has_scheme(given) || text::meant_url(given).is_some());
    if !is_address && !Path::new(argument).exists() {
        let shown = shown(argument);
        let first = shown.split('/').next().unwrap_or_default();
        let is_host = first.contains('.') && !first.starts_with('.') && !shown.contains(['\\', ' ']);
        if is_host {
            let reason = format!("there is no folder {shown}; if you mean a web address, write https://{shown}");
            return Err(Error::invalid("--repository", reason));
        }
        return Err(Error::io("find the repository", argument)(std::io::ErrorKind::NotFound.into()));
    }
    if !is_address && !Path::new(argument).join("tuf").is_dir() {
        return Err(Error::invalid("--repository", format!("there is no repository in {}", shown(argument))));
    }
    if let Some(given) = argument.to_str() {
        return Ok(given.to_owned());
    }
    let path = std::path::absolute(argument).map_err(Error::io("find", argument))?;
    let invalid = |()| Error::invalid("repository", format!("{} is not UTF-8", shown(argument)));
    Ok(Url::from_file_path(path).map_err(invalid)?.to_string())
}

/// A variable of the environment.
///
/// # Errors
/// `invalid_argument` if it is not UTF-8: it must not count as missing.
pub(crate) fn variable(name: &'static str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::invalid(name, "the value is not UTF-8")),
    }
}

/// Whether an index describes a tree or a file, by the extension of its name.
pub(crate) fn content(name: &OsStr) -> Result<IndexKind> {
    let url = name.to_str().filter(|name| text::is_web_url(name));
    let path = url.map_or(name, |url| OsStr::new(url.split(['?', '#']).next().unwrap_or(url)));
    match Path::new(path).extension().and_then(|ending| ending.to_str()) {
        Some("caidx") => Ok(IndexKind::Tree),
        Some("caibx") => Ok(IndexKind::Blob),
        _ => {
            let reason = format!("{} must end in .caidx (a folder) or .caibx (a file)", shown(name));
            Err(Error::invalid("index", reason))
        }
    }
}

/// This user's chunk cache, shared by V-Sekai's tools and casync, if it exists.
pub(crate) fn shared_cache() -> Option<LocalStore> {
    LocalStore::open(&host::shared_cache_folder()?).ok()
}

/// The chunker with this name and these sizes, `MIN:AVG:MAX` in KiB.
pub(crate) fn chunker(name: arguments::store::ChunkerName, chunk_size: &str) -> Result<Chunker> {
    let invalid = |reason: &str| Error::invalid("--chunk-size", reason.to_owned());
    let sizes: Vec<u64> = chunk_size
        .split(':')
        .map(|part| part.parse::<u64>().ok().and_then(|kib| kib.checked_mul(1024)))
        .collect::<Option<_>>()
        .ok_or_else(|| invalid("give three whole numbers of KiB, such as 16:64:256"))?;
    let [min, avg, max] = sizes[..] else {
        return Err(invalid("give three whole numbers of KiB, such as 16:64:256"));
    };
    let algorithm = match name {
        arguments::store::ChunkerName::Casync => Algorithm::Casync,
        arguments::store::ChunkerName::Fastcdc => Algorithm::FastCdc,
    };
    let sizes = ChunkSizes::new(min, avg, max);
    let sizes =
        sizes.map_err(|_| invalid("give minimum, average and maximum in KiB in this order, such as 16:64:256"))?;
    Chunker::new(algorithm, sizes)
}

/// The digest that chunk ids are made with.
pub(crate) fn digest(options: &arguments::store::Chunking) -> DigestAlgorithm {
    if options.sha256 { DigestAlgorithm::Sha256 } else { DigestAlgorithm::Sha512_256 }
}
