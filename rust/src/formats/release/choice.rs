//! Which version an install should have: a pure decision, the same for `check`, `update` and the launcher.
//!
//! Within a mode, versions only go up, by `SemVer` precedence. They go down only if the installed version was recalled
//! or comes from another mode. Retired modes lead to their successors.

use sha2::{Digest, Sha256};

use super::{Catalog, ModeName, Offer, Platform};
use crate::error::{Error, Result};
use crate::version::Version;

/// What is known about an install.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The mode that the user follows.
    pub mode: &'a ModeName,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
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

/// Follows `update_to` from a mode to the one whose versions its users receive.
///
/// # Errors
/// `mode_unknown`, `mode_retired`, `mode_cycle`.
pub fn resolve_mode<'a>(catalog: &'a Catalog, mode: &ModeName) -> Result<&'a ModeName> {
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
        match &found.update_to {
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
/// `no_build_for_platform` if the mode has nothing for the platform, or nothing that a new install may take.
pub fn choose<'a>(catalog: &'a Catalog, situation: &Situation<'_>) -> Result<Choice<'a>> {
    let name = resolve_mode(catalog, situation.mode)?;
    let mode = catalog.mode(name)?;
    let fits = |offer: &&Offer| offer.platforms.contains(situation.platform) && !offer.recalled;
    if let Some(asked) = situation.asked {
        let offer = mode.offer(asked).filter(fits).ok_or_else(|| Error::VersionUnknown {
            mode: name.to_string(),
            version: format!("{asked} for {}", situation.platform),
        })?;
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
        (None, _, None) => Err(Error::NoBuild { mode: name.to_string(), platform: situation.platform.to_string() }),
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
