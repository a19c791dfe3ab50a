//! The catalog: what each mode offers now. It chooses among signed versions and describes none.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ModeName, Platform};
use crate::error::{Error, Format, Result};
use crate::limits;
use crate::version::Version;

const SCHEMA: u32 = 1;

/// How far a mode counts: what every reader of JSON takes for the same number. Nobody gets there by publishing.
const MAX_SEQUENCE: u64 = 1 << 53;

/// A version that a mode has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The version.
    pub version: Version,
    /// The mode's count when it was published; decides between versions of equal precedence.
    pub sequence: u64,
    /// What it runs on.
    pub platforms: BTreeSet<Platform>,
    /// Never offered by itself, only by name.
    #[serde(default, skip_serializing_if = "is_false")]
    pub skip_update: bool,
    /// Offered to nobody; who has it is moved off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recalled: bool,
    /// How many of a hundred are offered it.
    #[serde(default = "everybody", skip_serializing_if = "is_everybody")]
    pub rollout: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

fn everybody() -> u8 {
    100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_everybody(percent: &u8) -> bool {
    *percent == everybody()
}

/// A stream of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// Whether it is still published.
    pub is_active: bool,
    /// The mode that its users are moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_to: Option<ModeName>,
    /// One sentence for the list of modes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Counts every change of what the mode offers; never goes back. What a client remembers.
    pub sequence: u64,
    /// Its versions, in no order.
    #[serde(default)]
    pub versions: Vec<Offer>,
}

impl Mode {
    /// A mode that begins: active and empty.
    pub fn begin() -> Self {
        Self { is_active: true, ..Self::default() }
    }

    /// The offer of this version.
    pub fn offer(&self, version: &Version) -> Option<&Offer> {
        self.versions.iter().find(|offer| offer.version == *version)
    }
}

/// See the module's head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    schema: u32,
    /// All modes.
    pub modes: BTreeMap<ModeName, Mode>,
    /// Where chunks are, in order of preference: URLs, or paths below the repository. Empty: `store`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
    /// Other addresses of the whole repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
}

#[derive(Deserialize)]
struct Gate {
    schema: u32,
}

impl Catalog {
    /// A catalog without modes.
    pub fn empty() -> Self {
        Self { schema: SCHEMA, ..Self::default() }
    }

    /// Reads a catalog.
    ///
    /// # Errors
    /// `launcher_too_old` for a newer schema; `catalog_malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Err(malformed(format!("it has {} bytes", bytes.len())));
        }
        let gate: Gate = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        if gate.schema != SCHEMA {
            let needed = format!("catalog schema {}", gate.schema);
            return Err(Error::LauncherTooOld { what: "This repository".to_owned(), needed });
        }
        let catalog: Self = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        catalog.check()?;
        Ok(catalog)
    }

    /// The catalog as published.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        serde_json::to_vec(self).map_err(|e| malformed(e.to_string()))
    }

    /// The mode of this name.
    pub fn mode(&self, name: &ModeName) -> Result<&Mode> {
        self.modes.get(name).ok_or_else(|| {
            let known = self.modes.keys().map(ModeName::as_str).collect::<Vec<_>>().join(", ");
            Error::ModeUnknown { mode: name.to_string(), known }
        })
    }

    fn check(&self) -> Result<()> {
        for (name, mode) in &self.modes {
            if mode.sequence > MAX_SEQUENCE {
                return Err(malformed(format!("{name} counts to {}", mode.sequence)));
            }
            let mut seen = BTreeSet::new();
            for offer in &mode.versions {
                if !seen.insert(&offer.version) {
                    return Err(malformed(format!("{name} has {} twice", offer.version)));
                }
                if offer.rollout > 100 {
                    return Err(malformed(format!("{name} {}: a rollout of {}%", offer.version, offer.rollout)));
                }
                if offer.sequence > mode.sequence {
                    return Err(malformed(format!("{name} {} is ahead of its mode", offer.version)));
                }
            }
        }
        Ok(())
    }
}

fn malformed(reason: String) -> Error {
    Error::Malformed { format: Format::Catalog, offset: 0, reason }
}
