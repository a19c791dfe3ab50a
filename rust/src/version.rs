//! Versions: strict `SemVer` 2.0.0 (<https://semver.org/spec/v2.0.0.html>), and canonical forms for tags that are not.
//!
//! A [`Version`] is at most 128 bytes long, all its numbers fit in 64 bits, and its text is a safe file name on every
//! system. (Two versions that differ only in case are different, but share a file name on some disks.) The catalog
//! decides which versions exist and which are offered.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Longest version that is accepted, in bytes: short enough for a file name that also has part of a digest.
pub const MAX_VERSION_BYTES: usize = 128;

/// What the parser below does not say in words that people who make games know.
const EXPECTED: &str = "a version is three whole numbers, such as 1.2.0 or 1.2.0-beta.3";

/// One release in a mode.
///
/// Build metadata (after `+`) has no precedence in `SemVer`: `1.0.0+a` and `1.0.0+b` are of
/// [`Version::same_precedence`], and neither is an update of the other. They are still not equal, and `Ord` compares
/// the metadata last, so that the order is total and consistent with `Eq`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(semver::Version);

impl Version {
    /// Parses strict `SemVer` 2.0.0.
    ///
    /// # Errors
    /// [`Error::VersionInvalid`], with the result of [`Version::canonical_of`] as a suggestion if there is one.
    pub fn parse(text: &str) -> Result<Self> {
        strict(text).map_err(|reason| {
            let version = text.chars().take(MAX_VERSION_BYTES).collect();
            let reason = match Self::canonical_of(text) {
                Some(canonical) => format!("write it as {canonical}"),
                None => reason,
            };
            Error::VersionInvalid { version, reason }
        })
    }

    /// The canonical version for a tag of a known kind. The order of tags is preserved.
    ///
    /// | tag | version |
    /// |---|---|
    /// | `alpha14` (V-Sekai's, without the number before it) | `0.1.0-alpha.14` |
    /// | `0.1.0-alpha14`; also `beta`, `rc`, `pre`, `preview`, `dev` | `0.1.0-alpha.14`: else `alpha10` is before `alpha2` |
    /// | `0.1.0-nightly-2025-07-07T043106-c56ea6e_editor-de31dc1` | `0.1.0-nightly.20250707.43106+c56ea6e.editor.de31dc1` |
    /// | `v1.2.3` | `1.2.3` |
    /// | `1.2`, `1` | `1.2.0`, `1.0.0` |
    /// | `2025.07.01` | `2025.7.1` |
    ///
    /// A canonical version is returned unchanged. Any other tag returns `None`: no guess is better than a wrong one.
    pub fn canonical_of(tag: &str) -> Option<Self> {
        if tag.len() > MAX_VERSION_BYTES {
            return None;
        }
        let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        if let Some(number) = tag.strip_prefix("alpha") {
            return strict(&format!("0.1.0-alpha.{}", numeric(number)?)).ok();
        }
        let (rest, build) = split(bare, '+');
        let (core, pre) = split(rest, '-');
        let core = canonical_core(core)?;
        let text = match (pre, build) {
            (Some(pre), None) if pre.starts_with("nightly-") => format!("{core}-{}", canonical_nightly(pre)?),
            (pre, build) => {
                let pre = pre.map(|pre| format!("-{}", canonical_pre(pre))).unwrap_or_default();
                let build = build.map(|build| format!("+{build}")).unwrap_or_default();
                format!("{core}{pre}{build}")
            }
        };
        strict(&text).ok()
    }

    /// Whether [`Version::canonical_of`] returns it unchanged. `0.1.0-alpha14` is `SemVer`, but sorts before `alpha2`.
    pub fn is_canonical(&self) -> bool {
        Self::canonical_of(&self.to_string()).as_ref() == Some(self)
    }

    /// Compares by `SemVer` precedence, which ignores build metadata.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }

    /// Whether neither version is newer than the other.
    pub fn same_precedence(&self, other: &Self) -> bool {
        self.cmp_precedence(other) == Ordering::Equal
    }

    /// Whether it is a pre-release, such as `1.0.0-rc.1`.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// An ASCII string of at most 256 bytes whose byte order is the order of precedence: for a database column with a
    /// binary collation. Versions of the same precedence have the same key.
    ///
    /// Each number follows a letter that encodes its number of digits. A pre-release identifier begins with `0` if it
    /// is a number and with `1` if it is text, and text ends with `!`, which sorts below every character allowed in it.
    /// `~` marks a release and sorts above every pre-release.
    pub fn sort_key(&self) -> String {
        let semver::Version { major, minor, patch, pre, .. } = &self.0;
        let mut key: String = [major, minor, patch].map(|number| sort_number(&number.to_string())).concat();
        if pre.is_empty() {
            key.push('~');
            return key;
        }
        for identifier in pre.split('.') {
            if is_number(identifier) {
                key.push('0');
                key.push_str(&sort_number(identifier));
            } else {
                key.push('1');
                key.push_str(identifier);
                key.push('!');
            }
        }
        key
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_precedence(other).then_with(|| self.0.build.as_str().cmp(other.0.build.as_str()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Version {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

fn strict(text: &str) -> std::result::Result<Version, String> {
    if text.len() > MAX_VERSION_BYTES {
        return Err(format!("longer than {MAX_VERSION_BYTES} bytes"));
    }
    let version = semver::Version::parse(text).map_err(|_| EXPECTED.to_owned())?;
    let is_too_large = |part: &str| is_number(part) && part.parse::<u64>().is_err();
    match version.pre.split('.').find(|part| is_too_large(part)) {
        Some(part) => Err(format!("the number {part} does not fit 64 bits")),
        None => Ok(Version(version)),
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number without leading zeros, as `SemVer` requires.
fn numeric(text: &str) -> Option<&str> {
    let without = text.trim_start_matches('0');
    is_number(text).then_some(if without.is_empty() { "0" } else { without })
}

fn canonical_core(core: &str) -> Option<String> {
    let mut numbers: Vec<&str> = core.split('.').map(numeric).collect::<Option<_>>()?;
    if numbers.len() < 3 {
        numbers.resize(3, "0");
    }
    Some(numbers.join("."))
}

fn canonical_pre(pre: &str) -> String {
    const STAGES: [&str; 6] = ["alpha", "beta", "rc", "preview", "pre", "dev"];
    let (first, rest) = split(pre, '.');
    let stage = STAGES.iter().find_map(|stage| Some((*stage, numeric(first.strip_prefix(stage)?)?)));
    let first = stage.map_or(first.to_owned(), |(stage, number)| format!("{stage}.{number}"));
    let rest = rest.map(|rest| rest.split('.').map(|part| numeric(part).unwrap_or(part)).collect::<Vec<_>>().join("."));
    std::iter::once(numeric(&first).unwrap_or(&first).to_owned()).chain(rest).collect::<Vec<_>>().join(".")
}

/// Converts `nightly-2025-07-07T043106-c56ea6e`, optionally followed by `_editor-de31dc1`.
fn canonical_nightly(pre: &str) -> Option<String> {
    let (build, editor) = split(pre, '_');
    let (date_time, commit) = build.strip_prefix("nightly-")?.rsplit_once('-')?;
    let (date, time) = date_time.split_once('T')?;
    let parts: Vec<&str> = date.split('-').collect();
    let &[year, month, day] = parts.as_slice() else { return None };
    let are_long =
        [(year, 4), (month, 2), (day, 2), (time, 6)].iter().all(|(text, n)| is_number(text) && text.len() == *n);
    if !are_long {
        return None;
    }
    jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    jiff::civil::Time::new(time[..2].parse().ok()?, time[2..4].parse().ok()?, time[4..].parse().ok()?, 0).ok()?;
    let editor = match editor {
        Some(editor) => format!(".editor.{}", commit_id(editor.strip_prefix("editor-")?)?),
        None => String::new(),
    };
    Some(format!("nightly.{}.{}+{}{editor}", numeric(&parts.concat())?, numeric(time)?, commit_id(commit)?))
}

fn commit_id(text: &str) -> Option<&str> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && (7..=64).contains(&text.len())).then_some(text)
}

fn sort_number(digits: &str) -> String {
    // At most 20 digits, because numbers fit in 64 bits.
    let length = u8::try_from(digits.len()).map_or('z', |length| char::from(b'a' + length.min(25)));
    format!("{length}{digits}")
}

#[cfg(test)]
mod tests;
