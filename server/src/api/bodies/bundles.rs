//! The JSON of bundles.

use std::collections::BTreeMap;

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{self, name_of};

use crate::model;

/// How hard it was tried to make a bundle small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(in crate::api) enum Effort {
    /// In seconds, for the moment of a release.
    Fast,
    /// As well as a build can wait for.
    Normal,
    /// As well as can be.
    Best,
}

impl From<bundle::Effort> for Effort {
    fn from(effort: bundle::Effort) -> Self {
        match effort {
            bundle::Effort::Fast => Self::Fast,
            bundle::Effort::Normal => Self::Normal,
            bundle::Effort::Best => Self::Best,
        }
    }
}

/// Chunks of a version, compressed together.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(in crate::api) struct Bundle {
    /// What it is for.
    pub(in crate::api) platform: String,
    /// The version that a client must have; null: none, or one that is not here any more.
    pub(in crate::api) from_version: Option<String>,
    /// SHA-256 of the index of that version, 64 hex; null for a bundle that needs none.
    pub(in crate::api) from_index: Option<String>,
    /// Where it is, below the server's address.
    pub(in crate::api) file_uri: String,
    /// Bytes.
    pub(in crate::api) size: u64,
    /// How hard was tried.
    pub(in crate::api) effort: Effort,
    /// When it was stored (RFC 3339).
    pub(in crate::api) created_at: String,
}

impl Bundle {
    /// `versions` says what each index is of.
    pub(in crate::api) fn of(bundle: &model::Bundle, platform: &str, versions: &BTreeMap<Digest, String>) -> Self {
        Self {
            platform: platform.to_owned(),
            from_version: bundle.info.from.and_then(|from| versions.get(&from).cloned()),
            from_index: bundle.info.from.map(|from| from.to_string()),
            file_uri: name_of(&bundle.info.id),
            size: bundle.info.length,
            effort: bundle.info.effort.into(),
            created_at: bundle.created_at.to_string(),
        }
    }
}

impl Example for Bundle {
    fn example() -> Self {
        Self {
            platform: "linux-x86_64".to_owned(),
            from_version: Some("1.1.0".to_owned()),
            from_index: Some("ab".repeat(32)),
            file_uri: format!("bundles/{}", "cd".repeat(32)),
            size: 6_700_000,
            effort: Effort::Normal,
            created_at: "2026-11-22T12:05:00.000000Z".to_owned(),
        }
    }
}
