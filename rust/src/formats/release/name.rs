//! Names of modes and platforms, checked when they are created.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formats::checked_text::checked_text;
use crate::version::Version;

/// Names that are already used by roles of the repository's metadata.
const RESERVED: [&str; 5] = ["root", "targets", "snapshot", "timestamp", "catalog"];

/// The name of a mode: 1 to 32 of `a-z`, `0-9` and `-`, not beginning with `-`. It serves as a folder, a part of URLs
/// and the name of a signing role, so the names of existing roles are not allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModeName(String);

impl Default for ModeName {
    /// The mode of a new install, if none is named.
    fn default() -> Self {
        Self("stable".to_owned())
    }
}

impl ModeName {
    /// Checks a mode's name.
    pub fn new(name: &str) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("mode", reason));
        if !is_word(name, b"-") || name.len() > 32 || name.starts_with('-') {
            return invalid(format!("{name:?}: a mode's name has 1 to 32 of a-z, 0-9 and -"));
        }
        if RESERVED.contains(&name) {
            return invalid(format!("{name:?} is a reserved name"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The platform of a build, such as `linux-x86_64`: system, `-`, machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform(String);

impl Platform {
    /// The platforms that V-Sekai builds for. Others are valid: a repository may be newer than this program.
    pub const KNOWN: [&str; 4] = ["linux-x86_64", "linux-aarch64", "windows-x86_64", "macos-universal"];

    /// Checks a platform's name.
    pub fn new(name: &str) -> Result<Self> {
        let parts = name.split_once('-');
        if name.len() <= 32 && parts.is_some_and(|(system, machine)| is_word(system, b"_") && is_word(machine, b"_")) {
            return Ok(Self(name.to_owned()));
        }
        let meant = Self::meant(name).map(|meant| format!("did you mean {meant:?}? ")).unwrap_or_default();
        let reason = format!("{name:?}: {meant}There are {}", Self::KNOWN.join(", "));
        Err(Error::invalid("platform", reason))
    }

    /// The known platform that somebody means by another name, such as `win64` or `linux-arm64`.
    pub fn meant(name: &str) -> Option<&'static str> {
        if Self::KNOWN.contains(&name) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let all = [
            // Before Windows, because of `darwin`.
            (has(&["mac", "darwin", "osx"]), "macos-universal"),
            (has(&["win"]), "windows-x86_64"),
            (has(&["linux"]) && has(&["arm", "aarch"]), "linux-aarch64"),
            (has(&["linux"]), "linux-x86_64"),
        ];
        all.into_iter().find(|(is_it, _)| *is_it).map(|(_, platform)| platform)
    }

    /// The platform that this program was built for.
    pub fn current() -> Self {
        let machine = if cfg!(target_os = "macos") { "universal" } else { std::env::consts::ARCH };
        Self(format!("{}-{machine}", std::env::consts::OS))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether programs on this platform need an executable bit.
    pub fn has_exec_bit(&self) -> bool {
        !self.0.starts_with("windows-")
    }
}

fn is_word(text: &str, also: &[u8]) -> bool {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || also.contains(&byte);
    !text.is_empty() && text.bytes().all(is_good)
}

/// The target name of a file that belongs to one version for one platform.
pub fn target_name(mode: &ModeName, version: &Version, platform: &Platform, file: &str) -> String {
    format!("{mode}/{version}/{platform}/{file}")
}

checked_text!(ModeName);
checked_text!(Platform);
