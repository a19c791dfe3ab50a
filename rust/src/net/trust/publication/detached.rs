//! Metadata of a mode that is signed on another machine: it is carried there as JSON, reviewed, signed, and brought
//! back.
//!
//! Who signs trusts nothing of what was carried. The review compares it with the list that is published now, which
//! carries the signature of the same keys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tough::schema::{Signature, Signed, Target, Targets};

use super::commit::check_size;
use super::{Document, Listed, Publication, check_may_sign, delegation};
use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::{check_role_name, target_path};
use crate::formats::release::{ModeName, STATEMENT_FIELD, Statement};
use crate::net::trust::error::{not_json, trust};
use crate::net::trust::keys::{Keys, block_on};
use crate::net::trust::sign::{KeyId, encode, key_id, sign};
use crate::net::trust::{CATALOG_ROLE, MAX_TARGETS_BYTES};
use crate::version::Version;

/// Most versions that metadata may skip. A killed publication leaves files, whose numbers are not used again.
const MAX_SKIPPED: u64 = 64;

/// Most signatures that are carried.
const MAX_SIGNATURES: usize = 64;

/// How much longer than its days a signature may be valid, in seconds: the clocks of two machines differ.
const SLACK_S: i64 = 86_400;

/// The metadata of a mode before and after a change, and the signatures that it has so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetachedRole {
    /// The name of the role.
    pub role: String,
    /// What is to be signed.
    metadata: Value,
    /// The signatures of that.
    #[serde(default)]
    signatures: Vec<Signature>,
    /// What is published now, with its signatures.
    before: Value,
}

/// What signing the metadata of a mode would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleChange {
    /// The name of the role.
    pub role: String,
    /// The version of its metadata now.
    pub from_version: u64,
    /// The version that is to be signed.
    pub to_version: u64,
    /// Until when the signature will be valid.
    pub expires: Timestamp,
    /// Targets that are new, by name.
    #[serde(skip)]
    pub added: BTreeMap<String, Listed>,
    /// Targets that are listed no longer, by name.
    #[serde(skip)]
    pub removed: BTreeMap<String, Listed>,
    /// Targets that stay listed, by name.
    #[serde(skip)]
    pub kept: BTreeMap<String, Listed>,
    /// The oldest version that may still be installed, if that changes.
    pub oldest_allowed: Option<Version>,
    /// How many signatures it has, and how many it needs.
    pub signatures: u64,
    /// How many signatures it needs.
    pub threshold: u64,
}

impl DetachedRole {
    /// Checks what is to be signed against what is published now, and against the rules for a mode's metadata.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Signature` if what is said to be published is not signed by the keys of the folder,
    /// `Malformed`, `Expired`. [`Error::Invalid`] if it changes what no publication changes: the content of a published
    /// target, the mode's successor, the order of versions, or the days.
    pub fn review(&self, keys: &Keys) -> Result<RoleChange> {
        let (authority, threshold) = authority(keys, &self.role)?;
        let before: Signed<Targets> = parse("the published list", &self.before)?;
        if !delegation::verifies(&authority, &self.role, &before) {
            let reason =
                format!("what is said to be published of {} is not signed by the keys of this folder", self.role);
            return Err(trust(TrustKind::Signature, reason));
        }
        let (before, after) = (before.signed, self.body()?);
        self.check_frame(&before, &after, keys.days().of(&self.role))?;
        let mut change = RoleChange {
            role: self.role.clone(),
            from_version: before.version.get(),
            to_version: after.version.get(),
            expires: after.expires,
            added: BTreeMap::new(),
            removed: BTreeMap::new(),
            kept: BTreeMap::new(),
            oldest_allowed: statement_change(&before, &after)?,
            signatures: self.signatures.len() as u64,
            threshold,
        };
        for (name, target) in &after.targets {
            let listed = listed(&self.role, name.raw(), target)?;
            match before.targets.get(name) {
                Some(published) if published == target => change.kept.insert(name.raw().to_owned(), listed),
                Some(_) => return Err(refuse(&self.role, &format!("it changes {}, which is published", name.raw()))),
                None => change.added.insert(name.raw().to_owned(), listed),
            };
        }
        for (name, target) in before.targets.iter().filter(|(name, _)| !after.targets.contains_key(name)) {
            change.removed.insert(name.raw().to_owned(), listed(&self.role, name.raw(), target)?);
        }
        Ok(change)
    }

    /// Adds the signatures of the keys that are in the folder. Call [`Self::review`] first.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] if the folder has no key of the role; those of [`Self::review`].
    pub fn sign(&mut self, keys: &Keys) -> Result<RoleChange> {
        self.review(keys)?;
        let ids = holders(keys, &self.role)?;
        let signed = block_on(sign(self.body()?, keys.ring().private(&ids)))??;
        if signed.signatures.is_empty() {
            return Err(keys.ring().missing(&self.role));
        }
        let new = |other: &Signature| signed.signatures.iter().any(|made| made.keyid == other.keyid);
        self.signatures.retain(|other| ids.contains(&other.keyid) && !new(other));
        self.signatures.extend(signed.signatures);
        self.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        self.review(keys)
    }

    /// The signed metadata, as it is published.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Malformed`, or `Unsigned` if nobody has signed it.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if self.signatures.is_empty() {
            return Err(trust(TrustKind::Unsigned, format!("the list of {} is not signed yet", self.role)));
        }
        encode(&Signed { signed: self.body()?, signatures: self.signatures.clone() })
    }

    fn body(&self) -> Result<Targets> {
        if self.signatures.len() > MAX_SIGNATURES {
            return Err(trust(TrustKind::Malformed, format!("{} has too many signatures", self.role)));
        }
        parse("what is to be signed", &self.metadata)
    }

    /// Checks all but the targets.
    fn check_frame(&self, before: &Targets, after: &Targets, days: u32) -> Result<()> {
        let refuse = |why: &str| Err(refuse(&self.role, why));
        if after.delegations.is_some() {
            return refuse("it delegates to other roles");
        }
        if after.spec_version != before.spec_version {
            return refuse(&format!("it is of another specification, {:?}", after.spec_version));
        }
        let (from, to) = (before.version.get(), after.version.get());
        if to <= from || to - from > MAX_SKIPPED {
            return refuse(&format!("its version goes from {from} to {to}"));
        }
        let now = Timestamp::now().as_second();
        if after.expires.as_second() <= now {
            return Err(trust(TrustKind::Expired, format!("{} would have expired at {}", self.role, after.expires)));
        }
        if after.expires.as_second() > now + i64::from(days) * 86_400 + SLACK_S {
            return refuse(&format!("it would be valid until {}, longer than its {days} days", after.expires));
        }
        let others = |body: &Targets| {
            let mut fields = body._extra.clone();
            fields.remove(STATEMENT_FIELD);
            fields
        };
        if others(before) == others(after) { Ok(()) } else { refuse("it states what this program does not know") }
    }
}

/// The oldest allowed version, if it changes. Nothing else that a mode says about itself may.
fn statement_change(before: &Targets, after: &Targets) -> Result<Option<Version>> {
    let read = |body: &Targets| -> Result<Statement> {
        let field = body._extra.get(STATEMENT_FIELD).cloned();
        field.map_or_else(
            || Ok(Statement::default()),
            |field| serde_json::from_value(field).map_err(|e| not_json(&format!("the field {STATEMENT_FIELD:?}"), e)),
        )
    };
    let (before, after) = (read(before)?, read(after)?);
    if before.update_to != after.update_to {
        let name = |mode: &Option<ModeName>| mode.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        let reason = format!("it changes the successor from {} to {}", name(&before.update_to), name(&after.update_to));
        return Err(Error::invalid("metadata to sign", reason));
    }
    match (before.oldest_allowed, after.oldest_allowed) {
        (before, after) if before == after => Ok(None),
        (Some(before), Some(after)) if after.cmp_precedence(&before).is_lt() => {
            let reason = format!("it lowers the oldest allowed version from {before} to {after}");
            Err(Error::invalid("metadata to sign", reason))
        }
        (_, Some(after)) => Ok(Some(after)),
        (_, None) => Err(Error::invalid("metadata to sign", "it drops the oldest allowed version")),
    }
}

fn listed(role: &str, name: &str, target: &Target) -> Result<Listed> {
    check_may_sign(role, name)?;
    if target.hashes.sha256.len() != 32 || !target.custom.is_empty() || !target._extra.is_empty() {
        return Err(refuse(role, &format!("{name} is described in a way that this program does not know")));
    }
    let sha256 = hex::encode(&target.hashes.sha256);
    Ok(Listed { path: target_path(name, &sha256), length: target.length, sha256 })
}

fn refuse(role: &str, why: &str) -> Error {
    Error::invalid("metadata to sign", format!("{role}: {why}"))
}

fn parse<T: serde::de::DeserializeOwned>(what: &str, value: &Value) -> Result<T> {
    T::deserialize(value).map_err(|e| not_json(what, e))
}

fn holders(keys: &Keys, role: &str) -> Result<Vec<KeyId>> {
    let (_, holders) = keys.file().delegated().find(|(name, _)| *name == role).ok_or_else(|| unknown(keys, role))?;
    holders.keys.iter().map(key_id).collect()
}

fn unknown(keys: &Keys, role: &str) -> Error {
    Error::ModeUnknown { mode: role.to_owned(), known: keys.modes().join(", ") }
}

/// The delegations of the key folder, which say whose signatures count for a mode, and how many are needed.
fn authority(keys: &Keys, role: &str) -> Result<(Targets, u64)> {
    check_role_name(role)?;
    let mode = keys.file().modes.get(role).filter(|_| role != CATALOG_ROLE).ok_or_else(|| unknown(keys, role))?;
    let body =
        Targets::new(crate::net::trust::keys::SPEC_VERSION.to_owned(), std::num::NonZeroU64::MIN, Timestamp::now());
    let mut document = Document::published(body);
    delegation::apply(&mut document, keys.file())?;
    Ok((document.body, mode.threshold.get()))
}

impl Publication<'_> {
    /// The metadata of a mode as the next commit would sign it, for somebody else to sign.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`], also if the mode has not been published yet; [`Error::Invalid`] if it has become too
    /// large, or if the key folder has keys of the mode that the repository lacks.
    pub fn detach(&self, mode: &str) -> Result<DetachedRole> {
        let document = self.roles.get(mode).filter(|_| mode != CATALOG_ROLE).ok_or_else(|| self.unknown(mode))?;
        let before = self.published_bytes(mode)?.ok_or_else(|| self.unknown(mode))?;
        self.check_may_detach(mode, &before)?;
        let metadata =
            serde_json::to_value(self.next_body(mode, document)?).map_err(|e| not_json("the metadata to sign", e))?;
        check_size(mode, metadata.to_string().as_bytes(), MAX_TARGETS_BYTES)?;
        let before = serde_json::from_slice(&before).map_err(|e| not_json(mode, e))?;
        Ok(DetachedRole { role: mode.to_owned(), metadata, signatures: Vec::new(), before })
    }

    /// Who signs compares with the list that is published: keys that have not signed that could not sign its successor.
    fn check_may_detach(&self, mode: &str, published: &[u8]) -> Result<()> {
        let Some(keys) = self.party.offline else { return Ok(()) };
        let published: Signed<Targets> = serde_json::from_slice(published).map_err(|e| not_json(mode, e))?;
        if delegation::verifies(&authority(keys, mode)?.0, mode, &published) {
            return Ok(());
        }
        let reason = format!(
            "the key folder has keys of {mode} that the repository lacks, and it could not be signed; bring them there first, \
             with `vsekai repository renew`, or for a server `vsekai keys push`"
        );
        Err(Error::invalid("keys", reason))
    }

    /// Whether half of the days of a mode's metadata are over.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`].
    pub fn is_half_spent(&self, mode: &str) -> Result<bool> {
        let document = self.roles.get(mode).ok_or_else(|| self.unknown(mode))?;
        Ok(super::is_half_spent(&document.body, self.party.days.of(mode)))
    }

    /// The SHA-256 of a role's metadata as it is published now; `None` if it is not.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn published_sha256(&self, role: &str) -> Result<Option<String>> {
        Ok(self.published_bytes(role)?.map(|bytes| Digest::of(&bytes).to_string()))
    }

    /// Accepts metadata of a mode that was signed elsewhere, like [`Self::accept_role`]. Versions may be skipped, as a
    /// commit skips those that a killed one has left; a file that is there must be the same.
    ///
    /// # Errors
    /// As [`Self::accept_role`]; [`Error::Trust`] of kind `Rollback` also if its version is taken.
    pub fn accept_detached(&mut self, mode: &str, bytes: &[u8]) -> Result<()> {
        if mode == CATALOG_ROLE || !self.roles.contains_key(mode) {
            return Err(self.unknown(mode));
        }
        let role = self.parse_role(mode, bytes)?;
        super::import::check_fresh(mode, &role.signed)?;
        let (given, published) = (role.signed.version.get(), self.published_version(mode).unwrap_or(0));
        if given <= published || given - published > MAX_SKIPPED {
            return Err(super::import::older(mode, given, published));
        }
        let name = format!("tuf/{given}.{mode}.json");
        let place = self.shelf.place();
        if place.has(&name) && place.read(&name, MAX_TARGETS_BYTES)?.is_some_and(|there| there != bytes) {
            return Err(trust(TrustKind::Rollback, format!("another {name} is there already")));
        }
        self.roles.insert(mode.to_owned(), Document::signed(role.signed, bytes));
        Ok(())
    }

    /// Writes targets of a mode before anything names them. Readers do not see them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_unlisted(&mut self) -> Result<()> {
        let listed = self.listed_paths();
        let files: BTreeMap<String, Vec<u8>> =
            std::mem::take(&mut self.files).into_iter().filter(|(path, _)| listed.contains(path)).collect();
        self.shelf.write_targets(files.iter()).map(drop)
    }
}
