//! A publication in three steps, for a mode whose key is on a machine without a network.
//!
//! ```text
//! prepare   where the build is    chunks and documents are stored, where no reader sees them -> a file
//! sign      where the key is      the file is reviewed and signed; nothing but the file is needed
//! commit    where online keys or a token are    nothing has moved meanwhile? then it is published
//! ```
//!
//! The file is JSON. It holds everything that is signed, and what that was prepared against. Nobody trusts it: who signs
//! compares it with the last list that the same keys have signed, and who commits with the repository.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::Job;
use super::documents::Documents;
use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::release::{Release, target_name};
use crate::net::trust::{DetachedRole, Publication};

mod commit;
mod review;

pub use commit::{CommitResult, commit, prepare_renewal};
pub use review::{Review, ReviewedVersion, review, sign};

/// Largest file, in bytes: room for two lists of 4 MiB, indented.
pub const MAX_PREPARED_BYTES: u64 = 32 << 20;

/// Most roles of one file.
const MAX_ROLES: usize = 256;

const FORMAT: &str = "vsekai-prepared";
const SCHEMA: u32 = 1;

/// What was prepared, and the signatures that it has so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    format: String,
    schema: u32,
    #[serde(rename = "prepared_at")]
    at: Timestamp,
    /// The version to publish. Without one, lists are signed again with new days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publish: Option<PreparedVersion>,
    /// The lists of modes to sign.
    sign: Vec<PreparedRole>,
}

/// A list to sign, and the published one that it was prepared against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PreparedRole {
    /// The SHA-256 of the published file.
    against_sha256: String,
    #[serde(flatten)]
    role: DetachedRole,
}

/// A version whose chunks and documents are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PreparedVersion {
    /// Its release document, which the list names by its digest.
    release: Value,
    /// The release document of the version before it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Value>,
    /// Percentage of installs that are offered it.
    rollout: u8,
    /// Whether it is offered only by name.
    skip_update: bool,
    /// The publication on an update server that holds its documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publication_id: Option<String>,
}

/// How a publication ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Signed and published.
    Commit,
    /// Stored, for somebody else to sign.
    Prepare,
}

impl Ending {
    /// The error for a mode that the repository does not have: its first, empty list is signed where its key is.
    pub(super) fn begin_first() -> Error {
        Error::not_there(
            "The repository does not have the mode yet; where its key is, run `vsekai repository mode`, or for a server \
             `vsekai keys push`",
        )
    }
}

impl Prepared {
    /// Reads what was prepared. Checks nothing but its form.
    ///
    /// # Errors
    /// `preparation_malformed`; `launcher_too_old` if it was written by a newer version of this program.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Gate {
            format: String,
            schema: u32,
        }
        const ELSEWHERE: &str = "it was not made by `vsekai publish --prepare`";
        const DAMAGED: &str = "it is cut short or damaged";
        let refuse = |why: &str| Err(Error::malformed(Format::Preparation, 0, why));
        if bytes.len() as u64 > MAX_PREPARED_BYTES {
            return refuse("it is too large");
        }
        let Some(gate) = serde_json::from_slice(bytes).ok().filter(|gate: &Gate| gate.format == FORMAT) else {
            let is_part = bytes.starts_with(b"{") && bytes.windows(FORMAT.len()).any(|part| part == FORMAT.as_bytes());
            return refuse(if is_part { DAMAGED } else { ELSEWHERE });
        };
        if gate.schema != SCHEMA {
            let needed = format!("schema {}", gate.schema);
            return Err(Error::LauncherTooOld { what: "What was prepared".to_owned(), needed });
        }
        let damaged = |e| Error::malformed(Format::Preparation, 0, DAMAGED).caused_by(e);
        let prepared: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        let count = prepared.sign.len();
        if count == 0 || count > MAX_ROLES || (prepared.publish.is_some() && count != 1) {
            return refuse("it has no list to sign, or too many");
        }
        if let Some(version) = &prepared.publish {
            version.check(&prepared.sign[0].role.role)?;
        }
        Ok(prepared)
    }

    /// The file's bytes: JSON that people can read.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if it is too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|e| Error::unsupported("this preparation").caused_by(e))?;
        bytes.push(b'\n');
        if bytes.len() as u64 > MAX_PREPARED_BYTES {
            return Err(Error::unsupported(format!("what was prepared: it has {} bytes", bytes.len())));
        }
        Ok(bytes)
    }

    fn new(publish: Option<PreparedVersion>, sign: Vec<PreparedRole>) -> Self {
        Self { format: FORMAT.to_owned(), schema: SCHEMA, at: Timestamp::now(), publish, sign }
    }

    /// What a publisher with these documents would have signed. The documents are put already.
    pub(super) fn version(
        job: &Job<'_>,
        publication: &Publication<'_>,
        documents: &Documents,
        previous: Option<&Release>,
        publication_id: Option<String>,
    ) -> Result<Self> {
        let value = |release: &Release| {
            serde_json::to_value(release).map_err(|e| Error::unsupported("this release document").caused_by(e))
        };
        let version = PreparedVersion {
            release: value(&documents.release)?,
            previous: previous.filter(|release| is_listed(publication, release)).map(value).transpose()?,
            rollout: job.rollout,
            skip_update: job.skip_update,
            publication_id,
        };
        Ok(Self::new(Some(version), vec![PreparedRole::of(publication, job.mode.as_str())?]))
    }
}

impl PreparedRole {
    fn of(publication: &Publication<'_>, mode: &str) -> Result<Self> {
        let role = publication.detach(mode)?;
        let against = publication.published_sha256(mode)?.unwrap_or_default();
        Ok(Self { against_sha256: against, role })
    }
}

impl PreparedVersion {
    fn check(&self, role: &str) -> Result<()> {
        let refuse = |why: &str| Err(Error::malformed(Format::Preparation, 0, why));
        let (release, _) = self.release()?;
        if release.mode.as_str() != role {
            return refuse("its version is of another mode than its list");
        }
        if self.rollout > 100 {
            return refuse("its rollout is more than 100%");
        }
        let is_id = |id: &String| id.len() <= 64 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        if self.publication_id.as_ref().is_some_and(|id| !is_id(id)) {
            return refuse("its publication has no valid id");
        }
        Ok(())
    }

    /// The release document, and its bytes.
    fn release(&self) -> Result<(Release, Vec<u8>)> {
        document(&self.release)
    }

    /// The names, lengths and digests that the list must have for this version, and no others.
    fn targets(&self) -> Result<[(String, u64, String); 3]> {
        let (release, bytes) = self.release()?;
        let name = |file: &str| target_name(&release.mode, &release.version, &release.platform, file);
        let of = |file: &str, target: &crate::formats::release::TargetRef| {
            if target.path == name(file) {
                return Ok((name(file), target.length, target.sha256.clone()));
            }
            let reason = format!("its release document names {:?}", target.path);
            Err(Error::malformed(Format::Preparation, 0, reason))
        };
        let index = of("index.caidx", &release.index)?;
        let files = of("files.json.zst", &release.files)?;
        let own = (release.target_name(), bytes.len() as u64, Digest::of(&bytes).to_string());
        Ok([index, files, own])
    }
}

fn document(value: &Value) -> Result<(Release, Vec<u8>)> {
    let bytes = serde_json::to_vec(value).map_err(|e| Error::malformed(Format::Preparation, 0, e.to_string()))?;
    let release = Release::parse(&bytes, None)?;
    let bytes = release.to_bytes()?;
    Ok((release, bytes))
}

/// Whether the list names this document as it is written here. That of another program may have other fields.
fn is_listed(publication: &Publication<'_>, release: &Release) -> bool {
    let listed = publication.listed(&release.target_name()).ok().flatten();
    let bytes = release.to_bytes().ok();
    listed.zip(bytes).is_some_and(|(listed, bytes)| listed.sha256 == Digest::of(&bytes).to_string())
}

fn stale(reason: impl Into<String>) -> Error {
    Error::PreparationStale { reason: reason.into() }
}
