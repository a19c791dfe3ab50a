//! The release document: one version for one platform, as signed by its publisher.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ModeName, Platform, target_name};
use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::chunker::Algorithm;
use crate::limits;
use crate::path::RelPath;
use crate::version::Version;

/// The schema that this program writes and reads.
const SCHEMA: u32 = 1;

/// Another signed file that a document refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRef {
    /// The target's name.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// Only for a file table: SHA-256 of its form in a [bundle](crate::formats::bundle), in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_sha256: Option<String>,
}

/// The program that `vsekai launch` starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The program's path in the tree. It is always made executable, whatever its mode.
    pub path: RelPath,
    /// Arguments that it always gets, before those of the player.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// How the tree was cut into chunks. A client needs it only to cut a foreign tree in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunking {
    /// The chunker's algorithm.
    pub algorithm: Algorithm,
    /// Smallest, average and largest chunk, in bytes.
    pub sizes_bytes: [u64; 3],
    /// Whether files of at least 64 KiB begin and end with a cut.
    pub forced_cuts: bool,
}

/// Sizes and counts of a version, for display and estimates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Total content of all files, in bytes.
    pub tree_bytes: u64,
    /// Number of files.
    pub files: u64,
    /// Number of distinct chunks.
    pub chunks: u64,
    /// Total size of the chunks as stored, in bytes: what a first install downloads.
    pub stored_bytes: u64,
}

/// The signed description of one version for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    schema: u32,
    /// The mode it was published in.
    pub mode: ModeName,
    /// The version that it describes.
    pub version: Version,
    /// The platform that it runs on.
    pub platform: Platform,
    /// Incremented with every publication to the mode, across all platforms; never decreases.
    pub sequence: u64,
    /// Time of publication.
    pub published_at: Timestamp,
    /// Reference to the index.
    pub index: TargetRef,
    /// Reference to the file table.
    pub files: TargetRef,
    /// The program to start.
    pub entry: Entry,
    /// Files that the game is known to change: copied, never linked, and not reported as damaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutable: Vec<RelPath>,
    /// How the tree was cut into chunks.
    pub chunking: Chunking,
    /// Release notes, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// The oldest version of `vsekai` that can install it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_launcher: Option<Version>,
    /// The oldest version of the mode that may still be installed. Clients remember the highest one they have seen, so
    /// that no recall takes them below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_allowed: Option<Version>,
    /// Sizes and counts of the version.
    pub sizes: Sizes,
}

/// Parsed first, to tell a document of a newer schema from a broken one.
#[derive(Deserialize)]
struct Gate {
    schema: u32,
    min_launcher: Option<Version>,
}

impl Release {
    /// A document of the current schema, without notes, arguments or mutable files.
    #[expect(clippy::too_many_arguments, reason = "each is a field that has no default")]
    pub fn new(
        mode: ModeName,
        version: Version,
        platform: Platform,
        sequence: u64,
        published_at: Timestamp,
        (index, files): (TargetRef, TargetRef),
        entry: Entry,
        chunking: Chunking,
        sizes: Sizes,
    ) -> Self {
        Self {
            schema: SCHEMA,
            mode,
            version,
            platform,
            sequence,
            published_at,
            index,
            files,
            entry,
            mutable: Vec::new(),
            chunking,
            notes: String::new(),
            min_launcher: None,
            oldest_allowed: None,
            sizes,
        }
    }

    /// Parses a document for a program of version `launcher`; with `None`, `min_launcher` is ignored.
    ///
    /// # Errors
    /// `launcher_too_old` if the document needs a newer program or has a newer schema; `release_malformed`.
    pub fn parse(bytes: &[u8], launcher: Option<&Version>) -> Result<Self> {
        if bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Err(malformed(format!("it has {} bytes", bytes.len())));
        }
        let gate: Gate = serde_json::from_slice(bytes).map_err(|e| malformed("it does not parse").caused_by(e))?;
        let what = || "This version".to_owned();
        if let (Some(needed), Some(launcher)) = (&gate.min_launcher, launcher)
            && needed > launcher
        {
            return Err(Error::LauncherTooOld { what: what(), needed: needed.to_string() });
        }
        if gate.schema != SCHEMA {
            return Err(Error::LauncherTooOld { what: what(), needed: format!("release schema {}", gate.schema) });
        }
        let release: Self = serde_json::from_slice(bytes).map_err(|e| malformed("it does not parse").caused_by(e))?;
        release.check()?;
        Ok(release)
    }

    /// Serializes the document for publication.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        serde_json::to_vec(self).map_err(|e| malformed("it cannot be written as JSON").caused_by(e))
    }

    /// The name of its target.
    pub fn target_name(&self) -> String {
        target_name(&self.mode, &self.version, &self.platform, "release.json")
    }

    /// The digest that identifies its content: the SHA-256 of its index.
    pub fn content(&self) -> Digest {
        let mut digest = Digest::default();
        // Already checked to be 64 hexadecimal digits.
        let _ = hex::decode_to_slice(&self.index.sha256, &mut digest.0);
        digest
    }

    /// The name of this version's folder in an install root: the version and a prefix of its content digest.
    pub fn folder(&self) -> String {
        // Already checked to be 64 hexadecimal digits.
        format!("{}-{}", self.version, self.index.sha256.get(..8).unwrap_or_default())
    }

    /// Checks that the fields are consistent. A key that may sign one mode must not describe another.
    fn check(&self) -> Result<()> {
        let place = target_name(&self.mode, &self.version, &self.platform, "");
        for target in [&self.index, &self.files] {
            if !target.path.starts_with(&place) || RelPath::new(&target.path).is_err() {
                return Err(malformed(format!("{} is not below {place}", target.path)));
            }
            if target.sha256.len() != 64 || !target.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(malformed(format!("{:?} is not a SHA-256", target.sha256)));
            }
        }
        if let Some(oldest) = &self.oldest_allowed
            && oldest.cmp_precedence(&self.version).is_gt()
        {
            return Err(malformed(format!("{} is older than the oldest allowed version, {oldest}", self.version)));
        }
        if self.entry.arguments.iter().any(|argument| argument.contains('\0')) {
            return Err(malformed("an argument of the entry contains a NUL"));
        }
        Ok(())
    }
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::Release, 0, reason)
}
