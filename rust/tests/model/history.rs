//! Plays a history on the real world and on the model, and compares the two after each move.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use vsekai_updater::error::Result as Real;
use vsekai_updater::install::Examined;
use vsekai_updater::net::http::Network;
use vsekai_updater::net::publish::Edit;

use super::expected::{Catalog, Install, Installed};
use super::moves::{Harm, MODES, Move, VERSIONS};
use super::world::{ENTRY, Ended, World, mode, starts, version};

type Check<T = ()> = Result<T, String>;

/// How often each interesting event has occurred: a history without any proves nothing.
pub(crate) type Met = BTreeMap<&'static str, u32>;

struct Game {
    world: World,
    catalog: Catalog,
    install: Install,
    /// Folders that we have damaged.
    harmed: BTreeSet<String>,
    /// A killed run may have left a version that is no longer needed.
    has_leftovers: bool,
    met: Met,
}

/// Plays a history. A failure is reported with all earlier moves.
pub(crate) fn play(keys: &Path, network: &Network, moves: &[Move]) -> Check<Met> {
    let world = World::new(keys, network);
    let install = Install::default();
    let (catalog, harmed, met) = (Catalog::default(), BTreeSet::new(), Met::new());
    let mut game = Game { world, catalog, install, harmed, has_leftovers: false, met };
    for (at, step) in moves.iter().enumerate() {
        let outcome = game.step(step).and_then(|()| game.compare());
        outcome.map_err(|why| {
            let story: Vec<_> = moves[..=at].iter().map(|step| format!("  {step:?}")).collect();
            format!("{why}\nafter\n{}\nmodel: {:#?}", story.join("\n"), game.install)
        })?;
    }
    Ok(game.met)
}

fn code<T>(real: &Real<T>) -> Result<(), String> {
    real.as_ref().map(drop).map_err(|error| error.code().to_owned())
}

/// Checks for the same success, or the same error code.
fn same<T, U>(real: &Real<T>, expected: &Result<U, &str>) -> Check {
    let expected = expected.as_ref().map(drop).map_err(ToString::to_string);
    match code(real) {
        found if found == expected => Ok(()),
        found => {
            let text = real.as_ref().err().map(ToString::to_string).unwrap_or_default();
            Err(format!("it ended with {found:?} ({text}), expected was {expected:?}"))
        }
    }
}

/// A version that an update brings.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    mode: usize,
    version: usize,
    build: usize,
    /// It is the current one, of which a part is gone.
    is_restored: bool,
}

impl Game {
    fn met(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    fn step(&mut self, step: &Move) -> Check {
        let monitor = self.world.monitor().clone();
        match step {
            Move::Publish { mode, version, build } => {
                let real = self.world.publish(*mode, *version, *build);
                same(&real, &self.catalog.publish(*mode, *version, *build))
            }
            Move::Promote { from, to, which } => {
                let offers = self.catalog.modes.get(from).map(|mode| mode.offers.clone()).unwrap_or_default();
                let Some(offer) = offers.get(which % offers.len().max(1)) else { return Ok(()) };
                self.step(&Move::Publish { mode: *to, version: offer.version, build: offer.build })
            }
            Move::Recall { mode: m, version: v, undo } => {
                let edit = Edit::Recall { mode: mode(*m), version: version(*v), recalled: !undo };
                self.edit(edit, |catalog| catalog.recall(*m, *v, !undo))
            }
            Move::Skip { mode: m, version: v, undo } => {
                let edit = Edit::Skip { mode: mode(*m), version: version(*v), skip: !undo };
                self.edit(edit, |catalog| catalog.skip(*m, *v, !undo))
            }
            Move::Retire { mode: m, update_to } => {
                let edit = Edit::Retire { mode: mode(*m), update_to: update_to.map(mode) };
                self.edit(edit, |catalog| catalog.retire(*m, *update_to))
            }
            Move::Activate { mode: m } => self.edit(Edit::Activate { mode: mode(*m) }, |catalog| catalog.activate(*m)),
            Move::Switch { mode: m } => self.switch(*m),
            Move::Check => {
                let real = self.world.updater(None).check(&monitor);
                let wanted = self.wanted(None);
                same(&real, &wanted)?;
                let found = real.ok().and_then(|checked| checked.available);
                let found = found.map(|found| (found.mode.to_string(), found.version.to_string()));
                let wanted = wanted.ok().flatten();
                let wanted = wanted.map(|wanted| (MODES[wanted.mode].to_owned(), VERSIONS[wanted.version].to_owned()));
                if found == wanted { Ok(()) } else { Err(format!("offered is {found:?}, expected was {wanted:?}")) }
            }
            Move::Update => {
                let wanted = self.wanted(None);
                let real = self.world.updater(None).update(&monitor);
                self.updated(code(&real), wanted, None)
            }
            Move::UpdateTo { version } => {
                let wanted = self.wanted(Some(*version));
                let real = self.world.updater(Some(*version)).update(&monitor);
                self.updated(code(&real), wanted, Some(*version))
            }
            Move::KilledUpdate { operation, how } => {
                let wanted = self.wanted(None);
                match self.world.killed_update(*operation, *how) {
                    Ended::Done => self.updated(Ok(()), wanted, None),
                    Ended::Failed(code) => self.updated(Err(code), wanted, None),
                    Ended::Killed => self.killed(),
                }
            }
            Move::Damage { previous, file, how } => {
                self.damage(*previous, *file, *how);
                Ok(())
            }
            Move::Verify => self.verify(),
            Move::Repair => self.repair(),
            Move::RollBack => self.roll_back(),
            Move::Launch { times } => (0..*times).try_for_each(|_| self.launch().and_then(|()| self.compare())),
        }
    }

    fn edit(&mut self, edit: Edit, change: impl FnOnce(&mut Catalog) -> Result<(), &'static str>) -> Check {
        let real = self.world.edit(edit);
        same(&real, &change(&mut self.catalog))
    }

    fn switch(&mut self, to: usize) -> Check {
        let real = self.world.updater(None).switch_mode(&mode(to), &self.world.monitor().clone());
        let expected = match self.install.current {
            Some(_) => self.catalog.followed(to),
            None => Err("not_installed"),
        };
        same(&real, &expected)?;
        if expected.is_ok() {
            self.install.mode = to;
        }
        Ok(())
    }

    /// What an update brings: another version, or the current one again if a part of it is gone.
    fn wanted(&self, asked: Option<usize>) -> Result<Option<Wanted>, &'static str> {
        let wanted = match asked {
            Some(version) => self.catalog.asked(&self.install, version)?,
            None => self.catalog.wanted(&self.install)?,
        };
        if let Some((mode, offer)) = wanted {
            return Ok(Some(Wanted { mode, version: offer.version, build: offer.build, is_restored: false }));
        }
        let incomplete = self.install.current.as_ref().filter(|it| self.world.lacks_a_file(&it.folder, it.build));
        Ok(incomplete.map(|it| Wanted { mode: it.mode, version: it.version, build: it.build, is_restored: true }))
    }

    /// Checks the install after an update that ended with this outcome; `wanted` is what it had to bring.
    fn updated(
        &mut self,
        real: Result<(), String>,
        wanted: Result<Option<Wanted>, &'static str>,
        asked: Option<usize>,
    ) -> Check {
        let expected = wanted.map(drop).map_err(str::to_owned);
        if real != expected {
            return Err(format!("the update ended with {real:?}, expected was {expected:?}"));
        }
        let Ok(wanted) = wanted else { return Ok(()) };
        self.install.note(&self.catalog, asked)?;
        if let Some(Wanted { mode, version, build, is_restored }) = wanted {
            let folder = self.current_folder()?;
            self.harmed.remove(&folder);
            if is_restored {
                self.met("restored");
                self.has_leftovers = false;
                return self.moved("current");
            }
            self.met_by_switch(mode, version, build);
            self.install.switch_to(Installed { mode, version, build, folder });
        }
        self.has_leftovers = false;
        Ok(())
    }

    fn met_by_switch(&mut self, mode: usize, version: usize, build: usize) {
        let Some(current) = self.install.current.clone() else { return self.met("installed") };
        match (current.mode == mode, current.version.cmp(&version)) {
            (false, std::cmp::Ordering::Equal) if current.build == build => self.met("the same build in another mode"),
            (false, _) => self.met("another mode"),
            (true, std::cmp::Ordering::Greater) => self.met("an older version"),
            (true, _) => self.met("a newer version"),
        }
        let previous = self.install.previous.as_ref();
        if previous.is_some_and(|previous| (previous.mode, previous.version) == (mode, version)) {
            self.met("the version before");
        }
        if self.install.trial.is_some() {
            self.met("replaced on trial");
        }
        if !self.harmed.is_empty() {
            self.met("updated beside damage");
        }
    }

    fn current_folder(&self) -> Check<String> {
        let state = self.world.state().ok_or("there is no state")?;
        Ok(state["current"]["folder"].as_str().ok_or("nothing is current")?.to_owned())
    }

    /// Checks that the install is in one of the states that an update passes through.
    fn killed(&mut self) -> Check {
        self.has_leftovers = true;
        let mut possible = vec![self.install.clone()];
        let mut install = self.install.clone();
        if !install.exists {
            install.exists = true;
            possible.push(install.clone());
        }
        let wanted = self.catalog.wanted(&install).ok();
        if wanted.is_some() && install.note(&self.catalog, None).is_ok() {
            possible.push(install.clone());
        }
        if let (Some(None), Some(current), Ok(folder)) = (wanted, &mut install.current, self.current_folder())
            && current.folder != folder
        {
            // It was incomplete, and is restored in another folder.
            current.folder = folder;
            possible.push(install.clone());
        }
        if let (Some(Some((mode, offer))), Ok(folder)) = (wanted, self.current_folder()) {
            let is_new = install.current.as_ref().is_none_or(|current| current.folder != folder);
            if is_new {
                install.switch_to(Installed { mode, version: offer.version, build: offer.build, folder });
                possible.push(install);
            }
        }
        let found = self.found();
        let Some(at) = possible.iter().position(|possible| abstract_of(possible) == found) else {
            return Err(format!("killed, it is {found:#?}"));
        };
        self.met(if at + 1 == possible.len() { "killed late" } else { "killed early" });
        self.install = possible.swap_remove(at);
        Ok(())
    }

    fn damage(&mut self, previous: bool, file: usize, how: Harm) {
        let which = if previous { &self.install.previous } else { &self.install.current };
        let Some(installed) = which else { return };
        match self.world.damage(&installed.folder, file, how) {
            Some((_, true)) => self.harmed.extend(self.world.folders()),
            Some((_, false)) => drop(self.harmed.insert(installed.folder.clone())),
            None => {}
        }
    }

    /// The paths of the damaged files of the version.
    fn damage_of(&self, installed: &Installed) -> Vec<String> {
        self.world.differences(&installed.folder, installed.build)
    }

    fn verify(&mut self) -> Check {
        let real = self.world.updater(None).verify(self.world.monitor());
        let current = self.install.current.as_ref().ok_or("not_installed");
        same(&real, &current)?;
        let (Ok(real), Ok(current)) = (real, current) else { return Ok(()) };
        let versions = [Some(current), self.install.previous.as_ref()].into_iter().flatten();
        let damage: Vec<_> = versions.map(|it| (it.folder.clone(), self.damage_of(it))).collect();
        if damage.iter().any(|(_, paths)| !paths.is_empty()) {
            self.met("damage found");
        }
        let paths = |it: &Examined| it.found.damage.iter().map(|damage| damage.path().to_owned()).collect();
        let found: Vec<(String, Vec<String>)> =
            real.iter().map(|it| (it.installed.folder.clone(), paths(it))).collect();
        if found == damage { Ok(()) } else { Err(format!("verify found {found:?}, damaged is {damage:?}")) }
    }

    fn repair(&mut self) -> Check {
        let damage = [&self.install.current, &self.install.previous].map(|it| it.as_ref().map(|it| self.damage_of(it)));
        let real = self.world.updater(None).repair(self.world.monitor());
        same(&real, &damage[0].as_ref().ok_or("not_installed"))?;
        let Ok(real) = real else { return Ok(()) };
        let work: Vec<bool> = real.iter().map(|it| it.repaired.is_some()).collect();
        let wanted: Vec<bool> = damage.iter().flatten().map(|damage| !damage.is_empty()).collect();
        if work != wanted {
            return Err(format!("repaired were {work:?}, damaged were {damage:?}"));
        }
        match wanted[..] {
            [true, true] => self.met("both repaired"),
            [_, true] => self.met("the version before repaired"),
            [true, ..] => self.met("repaired"),
            _ => {}
        }
        if wanted.contains(&true) {
            self.has_leftovers = false;
        }
        self.harmed.clear();
        self.moved("current")?;
        self.moved("previous")
    }

    /// A repaired version has another folder.
    fn moved(&mut self, field: &str) -> Check {
        let installed = if field == "current" { &mut self.install.current } else { &mut self.install.previous };
        let Some(installed) = installed else { return Ok(()) };
        let state = self.world.state().ok_or("there is no state")?;
        installed.folder = state[field]["folder"].as_str().ok_or("it is not there")?.to_owned();
        Ok(())
    }

    fn roll_back(&mut self) -> Check {
        let real = self.world.updater(None).roll_back(self.world.monitor());
        let expected = match (&self.install.current, &self.install.previous) {
            (None, _) => Err("not_installed"),
            (_, None) => Err("no_previous_version"),
            _ => Ok(()),
        };
        same(&real, &expected)?;
        if expected.is_err() {
            return Ok(());
        }
        let is_damaged = self.install.previous.as_ref().is_some_and(|it| !self.damage_of(it).is_empty());
        self.met(if is_damaged { "went back to what was damaged" } else { "went back by hand" });
        self.install.roll_back();
        self.has_leftovers = false;
        self.moved("current")?;
        // It was repaired, so it must be whole.
        let folder = self.current_folder()?;
        self.harmed.remove(&folder);
        Ok(())
    }

    fn launch(&mut self) -> Check {
        let real = self.world.launch();
        let Some(current) = self.install.current.clone() else { return same::<_, ()>(&real, &Err("not_installed")) };
        let mut current = current;
        let mut left = None;
        if let Some(attempts) = self.install.trial {
            let previous = self.install.previous.clone().filter(|_| attempts >= 2);
            let damage = previous.as_ref().map(|it| self.damage_of(it)).unwrap_or_default();
            let has_entry = !damage.iter().any(|path| path == ENTRY);
            let is_back = self.world.state().is_some_and(|state| state["previous"].is_null());
            if previous.is_some() && has_entry && !is_back {
                return Err(format!("it did not go back to what can start, damaged is {damage:?}"));
            }
            if previous.is_some() && is_back {
                left = Some(VERSIONS[current.version].to_owned());
                self.met(if damage.is_empty() { "went back by itself" } else { "went back by itself to damage" });
                self.install.roll_back();
                let before = previous.map(|it| it.folder);
                self.moved("current")?;
                current = self.install.current.clone().ok_or("nothing to go back to")?;
                // In another folder, it has been repaired; in the same one, it is unchanged.
                if before.as_ref() != Some(&current.folder) {
                    self.harmed.remove(&current.folder);
                }
            } else {
                self.install.trial = Some(attempts + 1);
            }
        }
        let is_there = !self.damage_of(&current).iter().any(|path| path == ENTRY);
        same(&real, &if is_there { Ok(()) } else { Err("launch_failed") })?;
        let Ok(launched) = real else { return Ok(()) };
        let found = (launched.version.as_str(), launched.mode.as_str(), launched.rolled_back_from);
        let expected = (VERSIONS[current.version], MODES[current.mode], left);
        if found != expected {
            return Err(format!("started was {found:?}, expected was {expected:?}"));
        }
        if starts(current.build) && self.install.trial.take().is_some() {
            self.has_leftovers = false;
        }
        let is_acknowledged = self.install.trial.is_none();
        if launched.is_acknowledged == is_acknowledged {
            return Ok(());
        }
        Err(format!("acknowledged: {}, expected was {is_acknowledged}", launched.is_acknowledged))
    }

    /// Checks the invariants that hold after every move.
    fn compare(&self) -> Check {
        let (found, expected) = (self.found(), abstract_of(&self.install));
        if found != expected {
            return Err(format!("the install is {found:#?}\nexpected was {expected:#?}"));
        }
        self.compare_status()?;
        let versions = [&self.install.current, &self.install.previous];
        let mut needed: Vec<&str> = versions.into_iter().flatten().map(|it| it.folder.as_str()).collect();
        needed.sort_unstable();
        for installed in versions.into_iter().flatten() {
            let damage = self.damage_of(installed);
            if !damage.is_empty() && !self.harmed.contains(&installed.folder) {
                return Err(format!("{} is not what was published: {damage:?}", installed.folder));
            }
            let said = self.world.described(&installed.folder);
            let expected = (MODES[installed.mode].to_owned(), VERSIONS[installed.version].to_owned());
            if said.as_ref() != Some(&expected) {
                return Err(format!("{} is kept as {said:?}, it is {expected:?}", installed.folder));
            }
        }
        let folders = self.world.folders();
        if !self.has_leftovers && folders != needed {
            return Err(format!("versions/ has {folders:?}, needed are {needed:?}"));
        }
        let link = std::fs::read_link(self.world.path("install/current")).ok();
        let wanted = self.install.current.as_ref().map(|current| Path::new("versions").join(&current.folder));
        if !self.has_leftovers && link != wanted {
            return Err(format!("the link is {link:?}, expected was {wanted:?}"));
        }
        Ok(())
    }

    fn compare_status(&self) -> Check {
        let real = self.world.updater(None).status(self.world.monitor());
        same(&real, &if self.install.exists { Ok(()) } else { Err("not_installed") })?;
        let Ok(status) = real else { return Ok(()) };
        let current = status.current.map(|current| current.version.to_string());
        let expected = self.install.current.as_ref().map(|current| VERSIONS[current.version].to_owned());
        if current == expected { Ok(()) } else { Err(format!("status says {current:?}, expected was {expected:?}")) }
    }

    /// The content of `state.json`, as data of the model.
    fn found(&self) -> Value {
        let Some(state) = self.world.state() else { return Value::Null };
        let installed = |field: &str| {
            let it = &state[field];
            if it.is_null() { Value::Null } else { serde_json::json!([it["mode"], it["version"], it["folder"]]) }
        };
        let (current, previous) = (installed("current"), installed("previous"));
        let trial = &state["trial"]["attempts"];
        let folder = &state["trial"]["folder"];
        let is_of_current = folder.is_null() || *folder == current[2];
        serde_json::json!({
            "mode": state["mode"], "current": current, "previous": previous, "trial": trial,
            "trial_is_of_current": is_of_current, "bad": state["bad"], "seen": state["seen"],
        })
    }
}

fn abstract_of(install: &Install) -> Value {
    if !install.exists {
        return Value::Null;
    }
    let installed = |it: &Option<Installed>| match it {
        Some(it) => serde_json::json!([MODES[it.mode], VERSIONS[it.version], it.folder]),
        None => Value::Null,
    };
    let bad: Vec<_> = install.bad.iter().map(|(mode, version)| (MODES[*mode], VERSIONS[*version])).collect();
    let seen: std::collections::BTreeMap<_, _> =
        install.seen.iter().map(|(mode, sequence)| (MODES[*mode], sequence)).collect();
    serde_json::json!({
        "mode": MODES[install.mode], "current": installed(&install.current), "previous": installed(&install.previous),
        "trial": install.trial, "trial_is_of_current": true, "bad": bad, "seen": seen,
    })
}
