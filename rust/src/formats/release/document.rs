//! The release document: one version for one platform, as its publisher signed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ModeName, Platform, target_name};
use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::chunker::Algorithm;
use crate::limits;
use crate::path::RelPath;
use crate::version::Version;

/// What this program writes and reads.
const SCHEMA: u32 = 1;

/// A signed file beside the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRef {
    /// The target's name.
    pub path: String,
    /// In bytes.
    pub length: u64,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Of a file table: SHA-256 of the form in which a [bundle](crate::formats::bundle) has it, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_sha256: Option<String>,
}

/// What `vsekai launch` starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The program, in the tree. It is made executable whatever the tree says.
    pub path: RelPath,
    /// What it is always given, before the arguments of the player.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// How the tree was cut; a client needs it only to cut a foreign tree the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunking {
    /// The chunker.
    pub algorithm: Algorithm,
    /// Smallest, average and largest chunk, in bytes.
    pub sizes_bytes: [u64; 3],
    /// Whether files of 64 KiB and more begin and end with a cut.
    pub forced_cuts: bool,
}

/// What the version amounts to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Content of all files, in bytes.
    pub tree_bytes: u64,
    /// Files.
    pub files: u64,
    /// Different chunks.
    pub chunks: u64,
    /// Their size as stored, in bytes: what a first installation fetches.
    pub stored_bytes: u64,
}

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    schema: u32,
    /// The mode it was published in.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// Counts what is published in the mode, across all platforms; never goes back.
    pub sequence: u64,
    /// When.
    pub published_at: Timestamp,
    /// The index.
    pub index: TargetRef,
    /// The file table.
    pub files: TargetRef,
    /// What to start.
    pub entry: Entry,
    /// Files that the game changes by itself: they are copied, never shared, and not damage when they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutable: Vec<RelPath>,
    /// How it was cut.
    pub chunking: Chunking,
    /// What is new, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// The oldest `vsekai` that can install it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_launcher: Option<Version>,
    /// What it amounts to.
    pub sizes: Sizes,
}

/// What is read first, so that a document of the future is told from a broken one.
#[derive(Deserialize)]
struct Gate {
    schema: u32,
    min_launcher: Option<Version>,
}

impl Release {
    /// A document of the current schema with no notes, no arguments and nothing mutable.
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
            sizes,
        }
    }

    /// Reads a document, for a program of version `launcher`; without one, whatever the document asks for.
    ///
    /// # Errors
    /// `launcher_too_old` if it says so itself or has a newer schema; `release_malformed`.
    pub fn parse(bytes: &[u8], launcher: Option<&Version>) -> Result<Self> {
        if bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Err(malformed(format!("it has {} bytes", bytes.len())));
        }
        let gate: Gate = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        let what = || "This version".to_owned();
        if let (Some(needed), Some(launcher)) = (&gate.min_launcher, launcher)
            && needed > launcher
        {
            return Err(Error::LauncherTooOld { what: what(), needed: needed.to_string() });
        }
        if gate.schema != SCHEMA {
            return Err(Error::LauncherTooOld { what: what(), needed: format!("release schema {}", gate.schema) });
        }
        let release: Self = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        release.check()?;
        Ok(release)
    }

    /// The document as published.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        serde_json::to_vec(self).map_err(|e| malformed(e.to_string()))
    }

    /// The name that its target has.
    pub fn target_name(&self) -> String {
        target_name(&self.mode, &self.version, &self.platform, "release.json")
    }

    /// What names its content: the SHA-256 of its index.
    pub fn content(&self) -> Digest {
        let mut digest = Digest::default();
        // Checked to be 64 hex digits.
        let _ = hex::decode_to_slice(&self.index.sha256, &mut digest.0);
        digest
    }

    /// The name of this version's folder in an install root: the version, and which build of it this is.
    pub fn folder(&self) -> String {
        // Checked to be 64 hex digits.
        format!("{}-{}", self.version, self.index.sha256.get(..8).unwrap_or_default())
    }

    /// What the fields must be for each other. A key that may sign one mode must not describe another.
    fn check(&self) -> Result<()> {
        let place = target_name(&self.mode, &self.version, &self.platform, "");
        for target in [&self.index, &self.files] {
            if !target.path.starts_with(&place) || RelPath::new(&target.path).is_err() {
                return Err(malformed(format!("{} is not below {place}", target.path)));
            }
            if target.sha256.len() != 64 || !target.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(malformed(format!("{:?} is no SHA-256", target.sha256)));
            }
        }
        if self.entry.arguments.iter().any(|argument| argument.contains('\0')) {
            return Err(malformed("an argument of the entry holds a NUL".to_owned()));
        }
        Ok(())
    }
}

fn malformed(reason: String) -> Error {
    Error::Malformed { format: Format::Release, offset: 0, reason }
}
