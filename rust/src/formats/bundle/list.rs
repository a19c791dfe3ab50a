//! Which bundles exist for a version: a small file next to the release, which changes when bundles are added or
//! replaced by better ones. It is not signed, because it is not trusted: a wrong entry costs one wasted request.

use serde::{Deserialize, Serialize};

use super::Effort;
use super::table::malformed;
use crate::digest::Digest;
use crate::error::Result;
use crate::limits;

const SCHEMA: u32 = 1;

/// Most bundles in one list. A client older than that many versions should not update by bundle.
const MAX_BUNDLES: usize = 256;

/// A file below `bundles/`, named by the SHA-256 of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleInfo {
    /// SHA-256 of the file, which is also its name.
    pub id: Digest,
    /// Its length in bytes.
    pub length: u64,
    /// Length of the front, in bytes: header, table and documents. A client fetches this first.
    pub front_bytes: u64,
    /// Total plain size of its chunks, in bytes.
    pub plain_bytes: u64,
    /// SHA-256 of the index of the version that a client must have; `None` if the bundle needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
    /// How hard it was compressed, for the builder of bundles.
    #[serde(default)]
    pub effort: Effort,
}

/// The bundles of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleList {
    schema: u32,
    /// In no particular order.
    pub bundles: Vec<BundleInfo>,
}

/// Path of the list for the version with this index, below the repository's root.
pub fn list_name(to: &Digest) -> String {
    format!("bundles/{to}.json")
}

/// Path of a bundle, below the repository's root.
pub fn name_of(id: &Digest) -> String {
    format!("bundles/{id}")
}

impl BundleList {
    /// A list of these bundles, with the current schema.
    pub fn new(bundles: Vec<BundleInfo>) -> Self {
        Self { schema: SCHEMA, bundles }
    }

    /// Parses a list.
    ///
    /// # Errors
    /// `bundle_malformed`, also for a newer schema.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Err(malformed(0, "the list is too long"));
        }
        let list: Self =
            serde_json::from_slice(bytes).map_err(|e| malformed(0, "the list does not parse").caused_by(e))?;
        let is_sound = |info: &BundleInfo| info.front_bytes <= info.length && info.front_bytes > 0;
        if list.schema != SCHEMA || list.bundles.len() > MAX_BUNDLES || !list.bundles.iter().all(is_sound) {
            return Err(malformed(0, "the list has an unknown schema, too many bundles or an invalid entry"));
        }
        Ok(list)
    }

    /// Serializes the list for publication.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| malformed(0, "the list cannot be written as JSON").caused_by(e))
    }

    /// The bundle that builds on this version, or with `None` the one that needs no older version.
    pub fn find(&self, from: Option<&Digest>) -> Option<&BundleInfo> {
        self.bundles.iter().filter(|info| info.from.as_ref() == from).min_by_key(|info| info.length)
    }

    /// Adds a bundle, in place of the one for the same two versions if there is one.
    pub fn put(&mut self, info: BundleInfo) {
        self.schema = SCHEMA;
        self.bundles.retain(|other| other.from != info.from);
        self.bundles.push(info);
    }
}
