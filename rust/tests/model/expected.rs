//! The expected behaviour by the documented rules, as plain data and without looking at the disk.

use std::collections::BTreeMap;

use semver::Version;

use super::moves::{MODES, VERSIONS};

/// How many versions of a mode stay on offer.
pub(crate) const KEPT_VERSIONS: usize = 4;

/// A version that a mode offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) version: usize,
    pub(crate) build: usize,
    skip: bool,
    recalled: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Mode {
    is_active: bool,
    update_to: Option<usize>,
    pub(crate) sequence: u64,
    pub(crate) offers: Vec<Offer>,
}

/// The state of the repository.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    /// The modes to which something was published.
    pub(crate) modes: BTreeMap<usize, Mode>,
}

/// An installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) mode: usize,
    pub(crate) version: usize,
    pub(crate) build: usize,
    pub(crate) folder: String,
}

/// The expected state of the install root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Install {
    /// Whether there is an install root at all.
    pub(crate) exists: bool,
    pub(crate) mode: usize,
    pub(crate) current: Option<Installed>,
    pub(crate) previous: Option<Installed>,
    /// Number of starts of a version that is on trial.
    pub(crate) trial: Option<u32>,
    pub(crate) bad: Vec<(usize, usize)>,
    pub(crate) seen: BTreeMap<usize, u64>,
}

type Outcome<T> = Result<T, &'static str>;

fn precedence(version: usize) -> Version {
    Version::parse(VERSIONS[version]).unwrap()
}

impl Catalog {
    fn mode(&mut self, mode: usize) -> Outcome<&mut Mode> {
        self.modes.get_mut(&mode).ok_or("mode_unknown")
    }

    /// Changes an offer. What is so already changes nothing, and is not signed again.
    fn change(&mut self, mode: usize, version: usize, change: impl FnOnce(&mut Offer) -> bool) -> Outcome<()> {
        let mode = self.mode(mode)?;
        let found = mode.offers.iter().position(|offer| offer.version == version).ok_or("version_unknown")?;
        mode.sequence += u64::from(change(&mut mode.offers[found]));
        Ok(())
    }

    /// Published versions never change. The oldest is removed when there are too many.
    pub(crate) fn publish(&mut self, mode: usize, version: usize, build: usize) -> Outcome<()> {
        let begin = Mode { is_active: true, update_to: None, sequence: 0, offers: Vec::new() };
        let mode = self.modes.entry(mode).or_insert(begin);
        if let Some(there) = mode.offers.iter().find(|offer| offer.version == version) {
            return if there.build == build { Ok(()) } else { Err("version_exists") };
        }
        mode.sequence += 1;
        mode.offers.push(Offer { version, build, skip: false, recalled: false });
        let mut others: Vec<usize> =
            mode.offers.iter().filter(|offer| !offer.recalled).map(|offer| offer.version).collect();
        others.retain(|other| *other != version);
        others.sort_by_key(|other| std::cmp::Reverse(precedence(*other)));
        let gone = others.split_off(others.len().min(KEPT_VERSIONS - 1));
        mode.offers.retain(|offer| !gone.contains(&offer.version));
        Ok(())
    }

    pub(crate) fn recall(&mut self, mode: usize, version: usize, recalled: bool) -> Outcome<()> {
        self.change(mode, version, |offer| std::mem::replace(&mut offer.recalled, recalled) != recalled)
    }

    pub(crate) fn skip(&mut self, mode: usize, version: usize, skip: bool) -> Outcome<()> {
        self.change(mode, version, |offer| std::mem::replace(&mut offer.skip, skip) != skip)
    }

    /// No mode may lead in a circle, or to a mode to which nothing is published.
    pub(crate) fn retire(&mut self, mode: usize, update_to: Option<usize>) -> Outcome<()> {
        let mut after = self.clone();
        let retired = after.mode(mode)?;
        let is_new = retired.is_active || retired.update_to != update_to;
        (retired.is_active, retired.update_to) = (false, update_to);
        retired.sequence += u64::from(is_new);
        if let Some(next) = update_to {
            after.followed(next)?;
        }
        *self = after;
        Ok(())
    }

    pub(crate) fn activate(&mut self, mode: usize) -> Outcome<()> {
        let mode = self.mode(mode)?;
        mode.sequence += u64::from(!mode.is_active || mode.update_to.is_some());
        (mode.is_active, mode.update_to) = (true, None);
        Ok(())
    }

    /// The mode whose versions the users of this mode get.
    pub(crate) fn followed(&self, mode: usize) -> Outcome<usize> {
        let mut at = mode;
        for _ in 0..=MODES.len() {
            let found = self.modes.get(&at).ok_or("mode_unknown")?;
            match found.update_to {
                Some(next) => at = next,
                None if found.is_active => return Ok(at),
                None => return Err("mode_retired"),
            }
        }
        Err("mode_cycle")
    }

    /// The version to which an install should be updated; `None` if it is up to date.
    pub(crate) fn wanted(&self, install: &Install) -> Outcome<Option<(usize, &Offer)>> {
        let name = self.followed(install.mode)?;
        let offers = &self.modes[&name].offers;
        let is_free = |offer: &&Offer| !offer.recalled && !offer.skip && !install.bad.contains(&(name, offer.version));
        let newest = offers.iter().filter(is_free).max_by_key(|offer| precedence(offer.version));
        let here = install.current.as_ref().filter(|current| current.mode == name);
        let Some(here) = here else {
            // A successor may be behind; only a mode that was chosen by name takes its users down.
            let left = install.current.as_ref().filter(|_| name != install.mode);
            let is_behind = |offer: &Offer| left.is_some_and(|it| precedence(offer.version) < precedence(it.version));
            if newest.is_some_and(is_behind) {
                return Ok(None);
            }
            return newest.map(|offer| Some((name, offer))).ok_or("no_build_for_platform");
        };
        let is_recalled = offers.iter().any(|offer| offer.version == here.version && offer.recalled);
        let is_better = |offer: &&Offer| is_recalled || precedence(offer.version) > precedence(here.version);
        Ok(newest.filter(is_better).map(|offer| (name, offer)))
    }

    /// The version that was requested by name.
    pub(crate) fn asked(&self, install: &Install, version: usize) -> Outcome<Option<(usize, &Offer)>> {
        let name = self.followed(install.mode)?;
        let found = self.modes[&name].offers.iter().find(|offer| offer.version == version && !offer.recalled);
        let offer = found.ok_or("version_unknown")?;
        let is_here = install.current.as_ref().is_some_and(|here| here.mode == name && here.version == version);
        Ok((!is_here).then_some((name, offer)))
    }
}

impl Install {
    /// The changes that an update records before it builds anything.
    pub(crate) fn note(&mut self, catalog: &Catalog, asked: Option<usize>) -> Outcome<()> {
        self.exists = true;
        let followed = catalog.followed(self.mode)?;
        for (mode, found) in &catalog.modes {
            self.seen.insert(*mode, found.sequence);
        }
        if let Some(version) = asked {
            self.bad.retain(|bad| *bad != (followed, version));
        }
        Ok(())
    }

    /// Makes a new version current. The old one stays as the previous one, unless it was on trial itself.
    pub(crate) fn switch_to(&mut self, new: Installed) {
        let old = self.current.replace(new);
        if self.trial.is_none() || self.previous.is_none() {
            self.previous = old;
        }
        // The new version is the previous one itself.
        let version = |it: &Option<Installed>| it.as_ref().map(|it| (it.mode, it.version));
        if version(&self.previous) == version(&self.current) {
            self.previous = None;
        }
        self.trial = self.previous.is_some().then_some(0);
    }

    /// Goes back to the previous version; the one left is not offered again.
    pub(crate) fn roll_back(&mut self) {
        let left = self.current.take().unwrap();
        self.current = self.previous.take();
        self.trial = None;
        if !self.bad.contains(&(left.mode, left.version)) {
            self.bad.push((left.mode, left.version));
        }
    }
}
