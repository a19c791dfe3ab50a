//! The catalog: what each mode offers now. It chooses among signed versions but cannot describe one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ModeName, Platform};
use crate::error::{Error, Format, Result};
use crate::limits;
use crate::version::Version;

const SCHEMA: u32 = 1;

/// Highest sequence of a mode: the largest integer that every JSON reader represents exactly. Publishing never gets
/// there.
const MAX_SEQUENCE: u64 = 1 << 53;

/// A version as a mode offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The offered version.
    pub version: Version,
    /// The mode's sequence when it was published; decides between versions of equal precedence.
    pub sequence: u64,
    /// The platforms that have a build.
    pub platforms: BTreeSet<Platform>,
    /// Never offered automatically, only installed by name.
    #[serde(default, skip_serializing_if = "is_false")]
    pub skip_update: bool,
    /// No longer offered; players who have it are moved to the best remaining version.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recalled: bool,
    /// Percentage of installs that are offered it, 0 to 100.
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
    /// Whether it still receives versions.
    pub is_active: bool,
    /// The mode that its users are moved to, if any. Clients demand that the mode's own key has
    /// [signed](super::Statement) it as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_to: Option<ModeName>,
    /// One sentence for the list of modes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Incremented with every change of what the mode offers; never decreases. Clients remember it to detect rollbacks.
    pub sequence: u64,
    /// Whether players who agree are asked to report if a version that is being rolled out starts. Where to is not said:
    /// it is always the server that the user named.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reports: bool,
    /// Its versions, in no particular order.
    #[serde(default)]
    pub versions: Vec<Offer>,
}

impl Mode {
    /// The versions of these offers, newest first, separated by commas.
    pub fn versions_of(&self, fits: impl Fn(&&Offer) -> bool) -> String {
        let mut versions: Vec<&Version> = self.versions.iter().filter(fits).map(|offer| &offer.version).collect();
        versions.sort_by(|a, b| b.cmp(a));
        versions.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// A new mode: active and empty.
    pub fn begin() -> Self {
        Self { is_active: true, ..Self::default() }
    }

    /// Whether a report about this version is asked for: only while it is being rolled out.
    pub fn asks_about(&self, version: &Version) -> bool {
        self.reports && self.offer(version).is_some_and(|it| !it.recalled && (1..everybody()).contains(&it.rollout))
    }

    /// The offer of this version, if the mode has it.
    pub fn offer(&self, version: &Version) -> Option<&Offer> {
        self.versions.iter().find(|offer| offer.version == *version)
    }
}

/// All modes of a repository, and where to download from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    schema: u32,
    /// All modes by name.
    pub modes: BTreeMap<ModeName, Mode>,
    /// Where chunks are, in order of preference: URLs, or paths below the repository. Empty means `store`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
    /// Other base URLs of the whole repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
}

#[derive(Deserialize)]
struct Gate {
    schema: u32,
}

impl Catalog {
    /// A catalog without modes, of the current schema.
    pub fn empty() -> Self {
        Self { schema: SCHEMA, ..Self::default() }
    }

    /// Parses and checks a catalog.
    ///
    /// # Errors
    /// `launcher_too_old` for a newer schema; `catalog_malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > limits::MAX_DOCUMENT_BYTES {
            return Err(malformed(format!("it has {} bytes", bytes.len())));
        }
        let gate: Gate = serde_json::from_slice(bytes).map_err(|e| malformed("it does not parse").caused_by(e))?;
        if gate.schema != SCHEMA {
            let needed = format!("catalog schema {}", gate.schema);
            return Err(Error::LauncherTooOld { what: "This repository".to_owned(), needed });
        }
        let catalog: Self = serde_json::from_slice(bytes).map_err(|e| malformed("it does not parse").caused_by(e))?;
        catalog.check()?;
        Ok(catalog)
    }

    /// Serializes the catalog for publication.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        serde_json::to_vec(self).map_err(|e| malformed("it cannot be written as JSON").caused_by(e))
    }

    /// The mode of this name.
    pub fn mode(&self, name: &ModeName) -> Result<&Mode> {
        self.modes.get(name).ok_or_else(|| {
            let known = self.modes.keys().map(ModeName::as_str).collect::<Vec<_>>().join(", ");
            Error::ModeUnknown { mode: name.to_string(), known }
        })
    }

    /// The successors that the catalog names, whether anybody else has signed them or not.
    pub fn successors(&self) -> BTreeMap<ModeName, ModeName> {
        self.modes.iter().filter_map(|(name, mode)| Some((name.clone(), mode.update_to.clone()?))).collect()
    }

    fn check(&self) -> Result<()> {
        for (name, mode) in &self.modes {
            if mode.sequence > MAX_SEQUENCE {
                return Err(malformed(format!("{name} has the sequence {}", mode.sequence)));
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
                    return Err(malformed(format!("{name} {} has a higher sequence than its mode", offer.version)));
                }
            }
        }
        Ok(())
    }
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::Catalog, 0, reason)
}
