//! The root of trust: sent by its holder, verified, and brought into force.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::net::api::{MAX_BUNDLE_BYTES, RepositoryInfo, TrustUpload};
use vsekai_updater::net::trust::TrustFiles;

use super::sign::{self, Accept};
use super::{Actor, Decision, Service, modes};
use crate::db::{RowChange, View};
use crate::error::{Error, Result};
use crate::shares::Turn;

/// Most roots, and most roles, in one request.
const MAX_FILES: usize = 1000;

impl Service {
    /// The state of the repository, and the public keys of this server.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn repository_info(&self) -> Result<RepositoryInfo> {
        let view = self.db.view().await?;
        Ok(RepositoryInfo {
            revision: view.revision,
            root_version: newest_root(&view),
            online_keys: self.signer.online_keys()?,
            max_chunk_bytes: self.chunks.max_chunk_bytes(),
            max_batch_bytes: Some(self.chunks.max_batch_bytes()),
            max_bundle_bytes: Some(MAX_BUNDLE_BYTES),
            takes_positions: true,
        })
    }

    /// Begins the repository with roots, delegations and modes that were signed offline, or replaces them with newer
    /// ones. Repeating it changes nothing.
    ///
    /// # Errors
    /// `keys_differ`, `signature_invalid`, [`Error::Invalid`].
    pub async fn accept_trust(&self, upload: &TrustUpload, _turn: Turn, actor: &Actor) -> Result<RepositoryInfo> {
        if upload.roots.len() > MAX_FILES || upload.roles.len() > MAX_FILES {
            return Err(Error::Invalid {
                what: "metadata",
                reason: format!("at most {MAX_FILES} roots and {MAX_FILES} roles are accepted"),
            });
        }
        let upload = upload.clone();
        let trust = sign::blocking("reading metadata", move || Ok(TrustFiles::from_upload(&upload)?)).await?;
        let decide = |view: &View| {
            if view.metadata.is_empty() && trust.roots.is_empty() {
                let reason = "A new repository needs all its roots".to_owned();
                return Err(Error::Mismatch { code: "trust_root_invalid", reason });
            }
            check_lists(view, &trust)?;
            if is_there(view, &trust) {
                return Ok(Decision::default());
            }
            let mut rows = Vec::new();
            for name in trust.roles.keys() {
                let name = ModeName::new(name)?;
                if view.mode_named(&name).is_none() {
                    rows.push(RowChange::Mode(modes::begin(Uuid::now_v7(), &name)));
                }
            }
            Ok(Decision {
                rows,
                accept: Accept { trust: trust.clone(), roles: BTreeMap::new() },
                audit: ("repository.trust", format!("root {}", trust.roots.keys().max().unwrap_or(&0))),
                detail: json!({"roots": trust.roots.keys().collect::<Vec<_>>(), "roles": trust.roles.keys().collect::<Vec<_>>()}),
                ..Decision::default()
            })
        };
        self.change(actor, decide).await?;
        self.repository_info().await
    }
}

/// Checks that new metadata of existing modes lists the same files as before: what a mode publishes changes by
/// publications and news alone, whose files are here.
fn check_lists(view: &View, trust: &TrustFiles) -> Result<()> {
    let targets = |bytes: &[u8]| -> Option<serde_json::Value> {
        let mut document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        Some(document.get_mut("signed")?.get_mut("targets")?.take())
    };
    for (role, bytes) in &trust.roles {
        let Some(before) = view.role_file(&ModeName::new(role)?) else { continue };
        if published_version(view, role) < signed_version(bytes) && targets(&before.bytes) != targets(bytes) {
            let reason = format!("The new metadata of {role} lists other files; they change by publications");
            return Err(Error::Mismatch { code: "document_mismatch", reason });
        }
    }
    Ok(())
}

/// The version of the newest root.
fn newest_root(view: &View) -> Option<u64> {
    let names = view.metadata.iter().filter_map(|file| file.path.strip_prefix("tuf/")?.strip_suffix(".root.json"));
    names.filter_map(|version| version.parse().ok()).max()
}

/// Whether all of this is in force already.
fn is_there(view: &View, trust: &TrustFiles) -> bool {
    let has =
        |end: &str, bytes: &[u8]| view.metadata.iter().any(|file| file.path.ends_with(end) && file.bytes == bytes);
    !view.metadata.is_empty()
        && trust.roots.iter().all(|(version, bytes)| has(&format!("tuf/{version}.root.json"), bytes))
        && trust.targets.iter().all(|bytes| has(".targets.json", bytes))
        && trust.roles.iter().all(|(role, bytes)| published_version(view, role) >= signed_version(bytes))
}

/// The version of a role's metadata in force.
fn published_version(view: &View, role: &str) -> Option<u64> {
    let end = format!(".{role}.json");
    let mut versions = view.metadata.iter().filter_map(|file| file.path.strip_prefix("tuf/")?.strip_suffix(&end));
    versions.find_map(|version| version.parse().ok())
}

/// The version that a role's metadata declares; unverified. `None` is lower than any, and refused later.
fn signed_version(bytes: &[u8]) -> Option<u64> {
    let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    document.get("signed")?.get("version")?.as_u64()
}
