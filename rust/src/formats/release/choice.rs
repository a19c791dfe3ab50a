//! Which version an install should have: a pure decision, the same for `check`, `update` and the launcher.
//!
//! Within a mode, versions only go up, by `SemVer` precedence. They go down only if the installed version was recalled,
//! and never below the oldest version that the mode's publisher allows; or if the user chose another mode by name.
//! Retired modes lead to their successors, if the publisher of the retired mode has signed that.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Catalog, ModeName, Offer, Platform};
use crate::error::{Error, Result};
use crate::version::Version;

/// What is known about an install.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The mode that the user chose.
    pub mode: &'a ModeName,
    /// The successors that are signed, by mode.
    pub successors: &'a BTreeMap<ModeName, ModeName>,
    /// The oldest version of each mode that may still be installed, as far as one is known.
    pub floors: &'a BTreeMap<ModeName, Version>,
    /// The platform it runs on.
    pub platform: &'a Platform,
    /// The installed version, and the mode it came from.
    pub current: Option<(&'a ModeName, &'a Version)>,
    /// Versions that failed their trial here or were rolled back.
    pub bad: &'a [(ModeName, Version)],
    /// A random word of this install, never sent to anyone: decides about rollouts.
    pub install_id: &'a str,
    /// A version that the user asked for by name.
    pub asked: Option<&'a Version>,
    /// Whether to ignore rollout percentages.
    pub at_once: bool,
}

/// Why a version should be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing is installed.
    Install,
    /// It is newer than the installed version.
    Newer,
    /// The installed version was recalled.
    Recalled,
    /// The installed version comes from another mode.
    ModeChanged,
    /// The user asked for it.
    Asked,
    /// It is installed, and a part of it is gone.
    Incomplete,
}

/// The result of [`choose`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Keep the installed version.
    Stay,
    /// Install another version.
    Take {
        /// The mode it is in, after following all successors.
        mode: &'a ModeName,
        /// The version to install.
        offer: &'a Offer,
        /// The reason, for messages.
        why: Why,
    },
}

/// Follows `update_to` from a mode to the one whose versions its users receive. A successor that is not signed does not
/// count.
///
/// # Errors
/// `mode_unknown`, `mode_retired`, `mode_cycle`.
pub fn resolve_mode<'a>(
    catalog: &'a Catalog,
    mode: &ModeName,
    signed: &BTreeMap<ModeName, ModeName>,
) -> Result<&'a ModeName> {
    let mut path = Vec::new();
    let mut at = mode;
    loop {
        let (name, found) = catalog.modes.get_key_value(at).ok_or_else(|| {
            let missing = catalog.mode(at).err();
            missing.unwrap_or(Error::ModeUnknown { mode: at.to_string(), known: String::new() })
        })?;
        if path.contains(&name) {
            path.push(name);
            let path = path.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" -> ");
            return Err(Error::ModeCycle { path });
        }
        path.push(name);
        match found.update_to.as_ref().filter(|next| signed.get(name) == Some(*next)) {
            Some(next) => at = next,
            None if found.is_active => return Ok(name),
            None => return Err(Error::ModeRetired { mode: name.to_string() }),
        }
    }
}

/// Whether an install is among the first `percent` percent that are offered a version.
///
/// The bucket depends on the install's own word and on the version, so that it is not always the same players who come
/// first, and nothing has to be sent.
pub fn admits(install_id: &str, mode: &ModeName, version: &Version, percent: u8) -> bool {
    let digest = Sha256::digest(format!("{install_id}\n{mode}\n{version}"));
    let bucket = digest.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) % 100;
    bucket < u32::from(percent)
}

/// Decides which version an install should have.
///
/// # Errors
/// Those of [`resolve_mode`]; `version_unknown` if the version asked for does not exist or was recalled;
/// `version_too_old` if its mode no longer allows it; `no_build_for_platform` if the mode has nothing for the platform,
/// or nothing that a new install may take.
pub fn choose<'a>(catalog: &'a Catalog, situation: &Situation<'_>) -> Result<Choice<'a>> {
    let name = resolve_mode(catalog, situation.mode, situation.successors)?;
    let mode = catalog.mode(name)?;
    let floor = situation.floors.get(name);
    let is_allowed = |version: &Version| floor.is_none_or(|floor| version.cmp_precedence(floor).is_ge());
    let is_here = |offer: &&Offer| offer.platforms.contains(situation.platform) && !offer.recalled;
    let fits = |offer: &&Offer| is_here(offer) && is_allowed(&offer.version);
    if let Some(asked) = situation.asked {
        let offer = mode.offer(asked).filter(is_here).ok_or_else(|| match mode.offer(asked) {
            Some(offer) if offer.recalled => {
                Error::VersionRecalled { mode: name.to_string(), version: asked.to_string() }
            }
            _ => {
                let known = mode.versions_of(is_here);
                let version = format!("{asked} for {}", situation.platform);
                Error::VersionUnknown { mode: name.to_string(), version, known }
            }
        })?;
        if let Some(oldest) = floor.filter(|_| !is_allowed(asked)) {
            let (version, oldest) = (asked.to_string(), oldest.to_string());
            return Err(Error::VersionTooOld { mode: name.to_string(), version, oldest });
        }
        return Ok(match situation.current {
            Some((from, version)) if from == name && version == asked => Choice::Stay,
            _ => Choice::Take { mode: name, offer, why: Why::Asked },
        });
    }
    let current = situation.current.filter(|(from, _)| *from == name).map(|(_, version)| version);
    let is_offered = |offer: &&Offer| {
        let is_bad = situation.bad.iter().any(|(mode, version)| mode == name && *version == offer.version);
        let is_admitted = situation.at_once || admits(situation.install_id, name, &offer.version, offer.rollout);
        current == Some(&offer.version) || (!offer.skip_update && !is_bad && is_admitted)
    };
    let offers = || mode.versions.iter().filter(fits);
    let best = offers().filter(is_offered).max_by(|a, b| order(a, b));
    // A new install ignores rollouts if there is nothing else to install.
    let any = || offers().filter(|offer| !offer.skip_update).max_by(|a, b| order(a, b));
    let best = if situation.current.is_none() { best.or_else(any) } else { best };
    let is_recalled = |version: &Version| mode.offer(version).is_some_and(|offer| offer.recalled);
    match (best, situation.current, current) {
        (Some(offer), None, _) => Ok(Choice::Take { mode: name, offer, why: Why::Install }),
        // A successor may be behind for a while. Only a mode that the user chose by name may go down.
        (Some(offer), Some((_, version)), None)
            if name != situation.mode && offer.version.cmp_precedence(version).is_lt() =>
        {
            Ok(Choice::Stay)
        }
        (Some(offer), Some(_), None) => Ok(Choice::Take { mode: name, offer, why: Why::ModeChanged }),
        (Some(offer), Some(_), Some(version)) if is_recalled(version) => {
            Ok(Choice::Take { mode: name, offer, why: Why::Recalled })
        }
        (Some(offer), Some(_), Some(version)) if is_newer(offer, version, mode.offer(version)) => {
            Ok(Choice::Take { mode: name, offer, why: Why::Newer })
        }
        (_, _, Some(_)) => Ok(Choice::Stay),
        // Something will be offered later, or can be installed by name.
        (None, Some(_), None) if offers().next().is_some() => Ok(Choice::Stay),
        (None, _, None) => {
            let mut builds =
                mode.versions.iter().filter(|offer| offer.platforms.contains(situation.platform)).peekable();
            let is_recalled = builds.peek().is_some() && builds.all(|offer| offer.recalled);
            let (mode, platform) = (name.to_string(), situation.platform.to_string());
            Err(Error::NoBuild { mode, platform, is_recalled })
        }
    }
}

/// Orders by precedence, then by sequence.
fn order(a: &Offer, b: &Offer) -> std::cmp::Ordering {
    a.version.cmp_precedence(&b.version).then(a.sequence.cmp(&b.sequence))
}

/// Of two builds of the same version, the later one is newer if both are known.
fn is_newer(offer: &Offer, version: &Version, installed: Option<&Offer>) -> bool {
    match offer.version.cmp_precedence(version) {
        std::cmp::Ordering::Equal => {
            offer.version != *version && installed.is_some_and(|installed| offer.sequence > installed.sequence)
        }
        order => order == std::cmp::Ordering::Greater,
    }
}
