//! Names from outside, checked once, when they are parsed.
//!
//! A [`RelPath`] cannot leave the folder it is joined to, and means the same file on Linux, macOS and Windows. One rule
//! for all systems: a tree that installs on one installs on all. The code that writes files must check what a pure
//! function cannot see, such as existing symlinks and case-insensitive disks.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits;

/// A path below a folder: one or more names joined by `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// Checks a whole path, such as `bin/game.pck`.
    pub fn new(path: &str) -> Result<Self> {
        if path.len() > limits::MAX_PATH_BYTES {
            return Err(refused(path, "longer than 4095 bytes"));
        }
        path.split('/').try_for_each(rule).map_err(|reason| refused(path, reason))?;
        Ok(Self(path.to_owned()))
    }

    /// This path with one more name.
    pub fn child(&self, name: &str) -> Result<Self> {
        let path = format!("{}/{name}", self.0);
        // Not only by `new`: the name must not bring a folder of its own.
        rule(name).map_err(|reason| refused(&path, reason))?;
        Self::new(&path)
    }

    /// The path with `/` between its names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its names, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The path without its last name, or `None` if it has only one.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The path below `root`, in the system's own syntax.
    pub fn below(&self, root: &Path) -> PathBuf {
        let mut path = root.to_path_buf();
        path.extend(self.names());
        path
    }

    /// A form of the path that is equal for names which a case-insensitive disk treats as one. Disks differ, so some
    /// names that most disks distinguish are equal here: better than overwriting one file with the other.
    ///
    /// Unicode normalization is not applied: é as one code point and é as two remain different names.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// [`RelPath::folded`] for a single name.
pub(crate) fn folded(name: &str) -> String {
    // Both directions: Σ has two lower-case letters, and ẞ has no upper-case letter of its own.
    let lower = name.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        Self::new(&path)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

/// The target of a symlink: relative, and never outside the tree that holds the link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct LinkTarget(String);

impl LinkTarget {
    /// Checks the target of the link at `link` as text; other links that it goes through are not known here. See
    /// [`Layout`](crate::formats::archive::Layout), which knows them.
    pub fn new(link: &RelPath, target: &str) -> Result<Self> {
        let refused = |reason| refused_link(link, target, reason);
        if target.is_empty() || target.len() > limits::MAX_PATH_BYTES {
            return Err(refused("a link target has 1 to 4095 bytes"));
        }
        if target.starts_with('/') || target.contains(['\\', '\0', ':']) {
            return Err(refused("a link must be relative"));
        }
        let mut depth = link.names().count() - 1;
        for name in target.split('/') {
            match name {
                "" | "." => {}
                ".." => depth = depth.checked_sub(1).ok_or_else(|| refused(LEAVES))?,
                _ => depth += 1,
            }
        }
        Ok(Self(target.to_owned()))
    }

    /// The target as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks one name of a path. The rules combine the restrictions of Linux, macOS and Windows.
pub fn check_name(name: &str) -> Result<()> {
    rule(name).map_err(|reason| refused(name, reason))
}

/// # Errors
/// The rule that the name breaks.
fn rule(name: &str) -> Result<(), &'static str> {
    let reason = if name.is_empty() || name == "." || name == ".." {
        "not a file name"
    } else if name.len() > limits::MAX_NAME_BYTES {
        "longer than 255 bytes"
    } else if name.contains(['/', '\\', ':', '\0']) {
        "has one of / \\ : NUL"
    } else if name.chars().any(char::is_control) || name.contains(['<', '>', '"', '|', '?', '*']) {
        "has a character that Windows does not allow"
    } else if name.ends_with(['.', ' ']) {
        "ends with a dot or a space"
    } else if is_device_name(name) {
        "a device name on Windows"
    } else {
        return Ok(());
    };
    Err(reason)
}

fn is_device_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")).unwrap_or_default();
    matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
}

fn refused(name: &str, reason: &'static str) -> Error {
    Error::UnsafePath { name: name.to_owned(), reason }
}

/// The reason for refusing a link that leads outside.
pub(crate) const LEAVES: &str = "the link leaves the tree";

/// The error for a link: it names the link, then its target.
pub(crate) fn refused_link(link: &RelPath, target: &str, reason: &'static str) -> Error {
    Error::UnsafePath { name: format!("{link} -> {target}"), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_leaves_the_tree_or_does_not_exist_everywhere() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/..",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "C:",
            "C:/a",
            "a\\b",
            "a\0b",
            "nul",
            "NUL.txt",
            "aux",
            "com1",
            "COM¹",
            "LPT9.log",
            "con .x",
            "a.",
            "a ",
            "a\nb",
            "a?b",
            "a:stream",
        ] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(RelPath::new(&"a".repeat(256)).is_err());
        assert!(RelPath::new(&"a/".repeat(2048)).is_err());
    }

    #[test]
    fn takes_what_real_trees_have() {
        for good in ["a", "bin/game.x86_64", "ゲーム/données", "..a", "a..b", ".hidden", "com10", "console", "a b"]
        {
            assert_eq!(RelPath::new(good).unwrap().as_str(), good);
        }
        assert!(RelPath::new(&"é".repeat(127)).is_ok());
    }

    #[test]
    fn refusal_names_the_folder_too() {
        let folder = RelPath::new("a/b").unwrap();
        for error in [folder.child("aux.txt").unwrap_err(), RelPath::new("a/b/aux.txt").unwrap_err()] {
            assert!(error.to_string().contains("\"a/b/aux.txt\""), "{error}");
        }
        let error = LinkTarget::new(&RelPath::new("a/b/l").unwrap(), "/usr/lib").unwrap_err();
        assert!(error.to_string().contains("a/b/l -> /usr/lib"), "{error}");
    }

    #[test]
    fn links_stay_inside() {
        let link = RelPath::new("lib/current").unwrap();
        for good in ["v1", "../lib/v1", "./v1/x", "..", "a/../b"] {
            assert!(LinkTarget::new(&link, good).is_ok(), "{good}");
        }
        for bad in ["", "/etc", "../..", "a/../../..", "C:x", "\\x"] {
            assert!(LinkTarget::new(&link, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_letter_folds_like_its_other_cases() {
        let folded = |text: &str| RelPath(text.to_owned()).folded();
        let has_cases = |c: &char| !c.to_lowercase().eq([*c]) || !c.to_uppercase().eq([*c]);
        for letter in ('\0'..=char::MAX).filter(has_cases).map(String::from) {
            let want = folded(&letter);
            for other in [letter.to_uppercase(), letter.to_lowercase(), want.clone()] {
                assert_eq!(folded(&other), want, "{letter} and {other}");
            }
        }
        assert_eq!(folded("ΤΕΛΟΣ/x"), folded("τελοσ/X"));
        assert_eq!(folded("ΤΕΛΟΣ/x"), folded("τελος/X"));
        assert_ne!(folded("a"), folded("á"));
    }
}
