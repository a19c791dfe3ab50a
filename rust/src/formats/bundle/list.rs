//! Which bundles there are of a version: a small file beside the release, which changes when bundles are added or
//! replaced by better ones. It is not signed, for nothing in it is believed: a wrong entry costs a request.

use serde::{Deserialize, Serialize};

use super::Effort;
use super::table::malformed;
use crate::digest::Digest;
use crate::error::Result;
use crate::limits;

const SCHEMA: u32 = 1;

/// Bundles of one list. More old versions than that are none that a client should come from.
const MAX_BUNDLES: usize = 256;

/// A file below `bundles/`, named by the SHA-256 of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleInfo {
    /// SHA-256 of the file: its name.
    pub id: Digest,
    /// Its length in bytes.
    pub length: u64,
    /// How much of it, from the front, holds header, table and documents: what a client gets first.
    pub front_bytes: u64,
    /// What all its chunks come to, in plain bytes.
    pub plain_bytes: u64,
    /// SHA-256 of the index of the version that a client must have; nothing for a bundle that needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
    /// How hard it was compressed: for who builds bundles.
    #[serde(default)]
    pub effort: Effort,
}

/// See the module's head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleList {
    schema: u32,
    /// In no order.
    pub bundles: Vec<BundleInfo>,
}

/// The list of the version with this index, below the repository.
pub fn list_name(to: &Digest) -> String {
    format!("bundles/{to}.json")
}

/// A bundle, below the repository.
pub fn name_of(id: &Digest) -> String {
    format!("bundles/{id}")
}

impl BundleList {
    /// A list.
    pub fn new(bundles: Vec<BundleInfo>) -> Self {
        Self { schema: SCHEMA, bundles }
    }

    /// Reads a list.
    ///
    /// # Errors
    /// `bundle_malformed`, for a list of a newer schema too.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Err(malformed(0, "the list is longer than any"));
        }
        let list: Self = serde_json::from_slice(bytes).map_err(|e| malformed(0, &e.to_string()))?;
        let is_sound = |info: &BundleInfo| info.front_bytes <= info.length && info.front_bytes > 0;
        if list.schema != SCHEMA || list.bundles.len() > MAX_BUNDLES || !list.bundles.iter().all(is_sound) {
            return Err(malformed(0, "the list is none that is known here"));
        }
        Ok(list)
    }

    /// The list as published.
    ///
    /// # Errors
    /// None that happens.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| malformed(0, &e.to_string()))
    }

    /// The bundle that builds on a version, or the one that needs none.
    pub fn find(&self, from: Option<&Digest>) -> Option<&BundleInfo> {
        self.bundles.iter().filter(|info| info.from.as_ref() == from).min_by_key(|info| info.length)
    }

    /// Puts a bundle in the place of the one for the same two versions.
    pub fn put(&mut self, info: BundleInfo) {
        self.schema = SCHEMA;
        self.bundles.retain(|other| other.from != info.from);
        self.bundles.push(info);
    }
}
