//! The files of a repository that may be requested, and no others.

use super::name::{check_target_name, target_path};

/// Longest name of a metadata file, in bytes.
const MAX_FILE_NAME_BYTES: usize = 128;

/// One file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackQuery {
    /// `N.root.json`.
    Root(u64),
    /// `timestamp.json`.
    Timestamp,
    /// A snapshot, targets or delegated role's file.
    Role {
        /// The version number in its name.
        version: u64,
        /// The role's name.
        name: String,
    },
    /// A target.
    Target {
        /// Its SHA-256, 64 hexadecimal digits.
        sha256: String,
        /// Its name as signed.
        name: String,
    },
}

impl PackQuery {
    /// Parses the URL that `tough` builds from names in signed metadata; `path` is the part after the base. In it, the
    /// digest of a target precedes its first folder.
    pub fn parse(path: &str) -> Option<Self> {
        if let Some(file) = path.strip_prefix("tuf/") {
            return Self::metadata(file);
        }
        let (sha256, name) = path.strip_prefix("targets/")?.split_once('.')?;
        Self::target(sha256, name.to_owned())
    }

    /// Parses a path below the repository's root: the inverse of [`Self::path`].
    pub fn at(path: &str) -> Option<Self> {
        let Some(path) = path.strip_prefix("targets/") else { return Self::metadata(path.strip_prefix("tuf/")?) };
        let (folders, file) =
            path.rsplit_once('/').map_or(("", path), |(_, file)| path.split_at(path.len() - file.len()));
        let (sha256, file) = file.split_once('.')?;
        Self::target(sha256, format!("{folders}{file}"))
    }

    fn target(sha256: &str, name: String) -> Option<Self> {
        (is_digest(sha256) && check_target_name(&name).is_ok())
            .then(|| Self::Target { sha256: sha256.to_owned(), name })
    }

    /// Parses the name of a metadata file, such as `3.stable.json`.
    pub fn metadata(file: &str) -> Option<Self> {
        if file == "timestamp.json" {
            return Some(Self::Timestamp);
        }
        let (version, name) = file.strip_suffix(".json")?.split_once('.')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if file.len() > MAX_FILE_NAME_BYTES || name.is_empty() || !name.bytes().all(plain) {
            return None;
        }
        let number: u64 = version.parse().ok()?;
        // Each version has one spelling, because the name is a key of the cache.
        (number.to_string() == version).then(|| match name {
            "root" => Self::Root(number),
            _ => Self::Role { version: number, name: name.to_owned() },
        })
    }

    /// Its path below the repository's root.
    pub fn path(&self) -> String {
        match self {
            Self::Target { sha256, name } => target_path(name, sha256),
            _ => format!("tuf/{}", self.cache_name()),
        }
    }

    /// The name under which an install caches it.
    pub fn cache_name(&self) -> String {
        match self {
            Self::Root(version) => format!("{version}.root.json"),
            Self::Timestamp => "timestamp.json".to_owned(),
            Self::Role { version, name } => format!("{version}.{name}.json"),
            Self::Target { sha256, .. } => sha256.clone(),
        }
    }

    /// Whether its content never changes.
    pub fn is_immutable(&self) -> bool {
        matches!(self, Self::Role { .. } | Self::Target { .. })
    }
}

/// Whether the text is a SHA-256 as used in names: 64 lower-case hexadecimal digits.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_moves_to_the_last_part_of_a_target() {
        let digest = "0a".repeat(32);
        let wanted = PackQuery::parse(&format!("targets/{digest}.stable/1.0.0/release.json")).unwrap();
        assert_eq!(wanted.path(), format!("targets/stable/1.0.0/{digest}.release.json"));
        let wanted = PackQuery::parse(&format!("targets/{digest}.catalog.json")).unwrap();
        assert_eq!(wanted.path(), format!("targets/{digest}.catalog.json"));
    }

    #[test]
    fn what_lies_somewhere_is_what_would_be_looked_for_there() {
        let digest = "0a".repeat(32);
        for path in [
            "tuf/timestamp.json".to_owned(),
            "tuf/7.root.json".to_owned(),
            "tuf/12.stable.json".to_owned(),
            format!("targets/{digest}.catalog.json"),
            format!("targets/stable/1.0.0-rc.1+b2/linux-x86_64/{digest}.files.json.zst"),
        ] {
            assert_eq!(PackQuery::at(&path).unwrap().path(), path);
        }
        let bad = [
            "tuf/current.pack".to_owned(),
            "tuf/".to_owned(),
            "targets/stable/release.json".to_owned(),
            format!("targets/{digest}.stable/release.json/"),
            format!("targets//{digest}.release.json"),
            format!("targets/../{digest}.release.json"),
            format!("targets/.a/{digest}.release.json"),
            format!("/targets/{digest}.release.json"),
            format!("targets/{}.release.json", digest.to_uppercase()),
            format!("store/{digest}.cacnk"),
        ];
        for path in bad {
            assert_eq!(PackQuery::at(&path), None, "{path}");
        }
    }

    #[test]
    fn only_files_of_a_repository_are_asked_for() {
        for good in ["tuf/1.root.json", "tuf/timestamp.json", "tuf/12.snapshot.json", "tuf/3.pr-7.json"] {
            assert_eq!(PackQuery::parse(good).unwrap().path(), good);
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
            assert_eq!(PackQuery::parse(bad), None, "{bad}");
        }
        for bad in ["../x", "a/../b", "a%2fb", "", "a?b"] {
            assert_eq!(PackQuery::parse(&format!("targets/{digest}.{bad}")), None, "{bad}");
        }
    }
}
