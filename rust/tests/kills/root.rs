//! An install root, and each command that changes one, stopped at every change of the disk that it makes: killed before
//! and in the middle of it, or with errors that mean a full, read-only or broken disk. After any fault, status and
//! launch work at once and show the old or the new version, that version is whole, no file of the user is lost, nothing
//! outside is touched, and no older repository is accepted. Running the same command again ends as it would without the
//! fault.

mod away;
mod bundles;
mod looks;
mod moves;
mod new;
mod start;
mod update;
mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::points::{Ground, Scenario, Survived, survive, text};
use looks::Portrait;
use world::World;

/// The versions that `status` may report as current; `None` if nothing is installed.
type Version = Option<&'static str>;

/// A file that the user has put into the install root: its path and content.
type Mine = (&'static str, &'static [u8]);

const ALL: [&str; 5] = ["before", "tear", "enospc", "eacces", "+eio"];

/// For commands that mostly repeat the work of another one: all faults would take too long.
const FEWER: [&str; 3] = ["before", "tear", "+eio"];

/// One command on one install root.
struct Play {
    world: World,
    name: &'static str,
    template: PathBuf,
    /// The command to run.
    command: fn(&World, &Path) -> Command,
    /// The versions that may be current after a fault.
    may_be: &'static [Version],
    /// The version that is current in the end.
    ends_as: Version,
    /// Files of the user and where they are in the end, below the install root.
    mine: Vec<(&'static [u8], PathBuf)>,
    /// A file of the current version that was damaged before the command.
    damaged: Option<&'static str>,
    /// Something of the current version was lost before the command: until it is restored, it is not whole, and
    /// another version may be started instead.
    lost: bool,
    /// The error code that a second run may report, because the first had done everything.
    too_late: Option<&'static str>,
    /// Removes what the command leaves for the next one that takes the lock.
    followed_by: Option<fn(&World, &Path) -> Command>,
    /// The faults for each operation.
    rules: &'static [&'static str],
    /// Whether each operation meets all faults, and not one in turn.
    is_full: bool,
    reference: OnceLock<Portrait>,
}

impl Play {
    fn new(world: World, name: &'static str, template: PathBuf, command: fn(&World, &Path) -> Command) -> Self {
        Self {
            world,
            name,
            template,
            command,
            may_be: &[],
            ends_as: None,
            mine: Vec::new(),
            damaged: None,
            lost: false,
            too_late: None,
            followed_by: None,
            rules: &ALL,
            is_full: false,
            reference: OnceLock::new(),
        }
    }

    /// The minimum number of operations: a scenario that does nothing survives everything.
    #[track_caller]
    fn survive(&self, operations: usize) {
        let survived: Survived = survive(self);
        assert!(survived.operations >= operations && survived.all_faults >= 2 * operations, "{survived:?}");
    }
}

impl Scenario for Play {
    fn name(&self) -> &str {
        self.name
    }

    fn ground(&self) -> &Ground {
        &self.world.ground
    }

    fn template(&self) -> Option<&Path> {
        Some(&self.template)
    }

    fn prepare(&self, folder: &Path) {
        world::stamp_again(&folder.join("GAME"));
    }

    fn command(&self, folder: &Path) -> Command {
        (self.command)(&self.world, folder)
    }

    /// `after` one operation is the same as `before` the next.
    fn rules(&self) -> &[&str] {
        self.rules
    }

    fn is_full(&self) -> bool {
        self.is_full
    }

    fn after_fault(&self, folder: &Path) {
        world::assert_rest_untouched(folder);
        let game = folder.join("GAME");
        let status = self.world.status(folder);
        assert!(self.may_be.contains(&status.as_deref()), "{status:?}, of {:?}", self.may_be);
        if let Some(version) = &status {
            if !self.lost {
                looks::assert_current_is_whole(&self.world, &game, version, self.damaged);
            }
            self.world.assert_older_repository_is_refused(&game);
        }
        if !self.lost {
            self.world.assert_launch_works(folder, status.as_deref());
        }
        for (content, _) in &self.mine {
            assert!(looks::has_content(&game, content), "lost: {}", String::from_utf8_lossy(content));
        }
    }

    fn converged(&self, folder: &Path) {
        if let Some(next) = self.followed_by {
            self.world.ground.run(&mut next(&self.world, folder));
        }
        world::assert_rest_untouched(folder);
        let game = folder.join("GAME");
        // Not by another process, because there are thousands of faults.
        let current = looks::current(&game);
        assert_eq!(current.as_deref(), self.ends_as);
        if let Some(version) = &current {
            looks::assert_current_is_whole(&self.world, &game, version, None);
        }
        for (content, path) in &self.mine {
            assert_eq!(std::fs::read(game.join(path)).unwrap(), *content, "{}", path.display());
        }
        looks::assert_nothing_is_left_over(&game);
        let portrait = looks::portrait(&game);
        looks::assert_same(&portrait, self.reference.get_or_init(|| portrait.clone()));
    }

    fn ended(&self, again: &Output) {
        let is_too_late = self.too_late.is_some_and(|code| text(again).contains(&format!(r#""code":"{code}""#)));
        assert!(again.status.success() || is_too_late, "the next run: {}", text(again));
    }

    fn shrugged_off(&self, folder: &Path) {
        // Non-essential files (`current`, markers of running games) may fail silently, and are right after the next
        // run.
        assert_eq!(self.world.status(folder).as_deref(), self.ends_as);
    }
}
