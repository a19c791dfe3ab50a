//! Which version an install should have: a pure decision, the same for `check`, `update` and the launcher.
//!
//! Within a mode the way is up, by `SemVer` precedence. Down it goes only when the version that is installed
//! was recalled, or comes from another mode. Retired modes lead to their successors.

use sha2::{Digest, Sha256};

use super::{Catalog, ModeName, Offer, Platform};
use crate::error::{Error, Result};
use crate::version::Version;

/// What is known of an install.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The mode that the user follows.
    pub mode: &'a ModeName,
    /// What it runs on.
    pub platform: &'a Platform,
    /// The version that is installed, and the mode it came from.
    pub current: Option<(&'a ModeName, &'a Version)>,
    /// Versions that did not start here.
    pub bad: &'a [(ModeName, Version)],
    /// A word that is this install's own and is sent to nobody: decides about rollouts.
    pub install_id: &'a str,
    /// A version that the user asked for by name.
    pub asked: Option<&'a Version>,
    /// The user does not want to wait for a rollout.
    pub at_once: bool,
}

/// Why a version is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing is installed.
    Install,
    /// It is newer than what is installed.
    Newer,
    /// What is installed was recalled.
    Recalled,
    /// What is installed comes from another mode.
    ModeChanged,
    /// The user asked for it.
    Asked,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// What is installed is what should be.
    Stay,
    /// Take this one.
    Take {
        /// The mode it is in, after all successors.
        mode: &'a ModeName,
        /// The version.
        offer: &'a Offer,
        /// Why.
        why: Why,
    },
}

/// Follows `update_to` from a mode to the one whose versions its users get.
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

/// Whether an install belongs to the first `percent` of a hundred that get a version.
///
/// The bucket follows from the install's own word and the version, so that it is not always the same
/// players who come first, and nothing has to be sent.
pub fn admits(install_id: &str, mode: &ModeName, version: &Version, percent: u8) -> bool {
    let digest = Sha256::digest(format!("{install_id}\n{mode}\n{version}"));
    let bucket = digest.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) % 100;
    bucket < u32::from(percent)
}

/// Decides.
///
/// # Errors
/// Those of [`resolve_mode`]; `version_unknown` for a version asked for that is not there or was recalled;
/// `no_build_for_platform` if the mode has nothing for the platform, or nothing to begin with.
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
    // Who has nothing yet waits for no rollout if there is nothing else to have.
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
        // Something will be offered: in time, or by name.
        (None, Some(_), None) if offers().next().is_some() => Ok(Choice::Stay),
        (None, _, None) => Err(Error::NoBuild { mode: name.to_string(), platform: situation.platform.to_string() }),
    }
}

/// Precedence, then age.
fn order(a: &Offer, b: &Offer) -> std::cmp::Ordering {
    a.version.cmp_precedence(&b.version).then(a.sequence.cmp(&b.sequence))
}

/// Of two builds of one version the later one is newer, if both are known.
fn is_newer(offer: &Offer, version: &Version, installed: Option<&Offer>) -> bool {
    match offer.version.cmp_precedence(version) {
        std::cmp::Ordering::Equal => {
            offer.version != *version && installed.is_some_and(|installed| offer.sequence > installed.sequence)
        }
        order => order == std::cmp::Ordering::Greater,
    }
}
