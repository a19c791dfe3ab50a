//! The files of a repository that may be asked for, and no others.

use crate::trust::name::{check_target_name, target_path};

/// Longest name of a metadata file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 128;

/// One file, parsed from the URL that `tough` made of names in signed metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Root(u64),
    Timestamp,
    /// Snapshot, targets and delegated roles.
    Role {
        version: u64,
        name: String,
    },
    Target {
        sha256: String,
        name: String,
    },
}

impl Wanted {
    /// `path` is what follows the base URL.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        if let Some(file) = path.strip_prefix("tuf/") {
            return Self::parse_metadata(file);
        }
        let (sha256, name) = path.strip_prefix("targets/")?.split_once('.')?;
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        (is_digest && check_target_name(name).is_ok())
            .then(|| Self::Target { sha256: sha256.to_owned(), name: name.to_owned() })
    }

    fn parse_metadata(file: &str) -> Option<Self> {
        if file == "timestamp.json" {
            return Some(Self::Timestamp);
        }
        let (version, name) = file.strip_suffix(".json")?.split_once('.')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if file.len() > MAX_FILE_NAME_BYTES || name.is_empty() || !name.bytes().all(plain) {
            return None;
        }
        let number: u64 = version.parse().ok()?;
        // One spelling per version: a name is a key of the cache.
        (number.to_string() == version).then(|| match name {
            "root" => Self::Root(number),
            _ => Self::Role { version: number, name: name.to_owned() },
        })
    }

    /// Where it lies below the root of the repository.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Target { sha256, name } => target_path(name, sha256),
            _ => format!("tuf/{}", self.cache_name()),
        }
    }

    pub(crate) fn cache_name(&self) -> String {
        match self {
            Self::Root(version) => format!("{version}.root.json"),
            Self::Timestamp => "timestamp.json".to_owned(),
            Self::Role { version, name } => format!("{version}.{name}.json"),
            Self::Target { sha256, .. } => sha256.clone(),
        }
    }

    /// Whether its content can never change.
    pub(crate) fn is_immutable(&self) -> bool {
        matches!(self, Self::Role { .. } | Self::Target { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_moves_to_the_last_part_of_a_target() {
        let digest = "0a".repeat(32);
        let wanted = Wanted::parse(&format!("targets/{digest}.stable/1.0.0/release.json")).unwrap();
        assert_eq!(wanted.path(), format!("targets/stable/1.0.0/{digest}.release.json"));
        let wanted = Wanted::parse(&format!("targets/{digest}.catalog.json")).unwrap();
        assert_eq!(wanted.path(), format!("targets/{digest}.catalog.json"));
    }

    #[test]
    fn only_files_of_a_repository_are_asked_for() {
        for good in ["tuf/1.root.json", "tuf/timestamp.json", "tuf/12.snapshot.json", "tuf/3.pr-7.json"] {
            assert_eq!(Wanted::parse(good).unwrap().path(), good);
        }
        let digest = "0a".repeat(32);
        let bad = [
            "tuf/01.root.json",
            "tuf/1.%2e%2e%2Fx.json",
            "tuf/1.a.b.json",
            "tuf/1..json",
            "tuf/a/1.root.json",
            "tuf/root.json",
            "tuf/-1.root.json",
            "tuf/99999999999999999999.root.json",
            "targets/abc.catalog.json",
            "state.json",
            "",
        ];
        for bad in bad {
            assert_eq!(Wanted::parse(bad), None, "{bad}");
        }
        for bad in ["../x", "a/../b", "a%2fb", "", "a?b"] {
            assert_eq!(Wanted::parse(&format!("targets/{digest}.{bad}")), None, "{bad}");
        }
    }
}
