//! What can happen, at random.

use proptest::prelude::*;

/// Modes, versions and builds are numbers here, so that a history is short to print and to shrink.
pub(crate) const MODES: [&str; 3] = ["stable", "beta", "nightly"];

/// In order of precedence; `alpha.10` is after `alpha.2`.
pub(crate) const VERSIONS: [&str; 8] =
    ["0.9.0", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0", "1.0.1", "1.2.0", "2.0.0-rc.1", "2.0.0"];

/// Builds of which some share files; the odd ones do not start.
pub(crate) const BUILDS: usize = 6;

#[derive(Debug, Clone)]
pub(crate) enum Move {
    Publish { mode: usize, version: usize, build: usize },
    Recall { mode: usize, version: usize, undo: bool },
    Skip { mode: usize, version: usize, undo: bool },
    Retire { mode: usize, update_to: Option<usize> },
    Activate { mode: usize },
    Switch { mode: usize },
    Check,
    Update,
    UpdateTo { version: usize },
    KilledUpdate { operation: u16, how: How },
    Damage { previous: bool, file: usize, how: Harm },
    Verify,
    Repair,
    RollBack,
    Launch,
}

/// How the process dies at its operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Before,
    After,
    Tear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// A byte changes in place: in every version that shares the file.
    Byte,
    /// The file is replaced by another.
    Replace,
    Delete,
}

/// A few moves that give an install something to follow, then any.
pub(crate) fn history() -> impl Strategy<Value = Vec<Move>> {
    let begin = (0..3_usize, 0..VERSIONS.len(), 0..BUILDS).prop_map(|(mode, version, build)| {
        // Mostly of the mode that an install follows by itself.
        let mode = if build % 2 == 0 { 0 } else { mode };
        vec![Move::Publish { mode, version, build }, Move::Update]
    });
    (begin, prop::collection::vec(a_move(), 1..24)).prop_map(|(begin, rest)| [begin, rest].concat())
}

fn a_move() -> impl Strategy<Value = Move> {
    let mode = || 0..MODES.len();
    let version = || 0..VERSIONS.len();
    let how = prop_oneof![Just(How::Before), Just(How::After), Just(How::Tear)];
    let harm = prop_oneof![Just(Harm::Byte), Just(Harm::Replace), Just(Harm::Delete)];
    prop_oneof![
        8 => (mode(), version(), 0..BUILDS).prop_map(|(mode, version, build)| Move::Publish { mode, version, build }),
        2 => (mode(), version(), any::<bool>()).prop_map(|(mode, version, undo)| Move::Recall { mode, version, undo }),
        2 => (mode(), version(), any::<bool>()).prop_map(|(mode, version, undo)| Move::Skip { mode, version, undo }),
        1 => (mode(), proptest::option::of(mode())).prop_map(|(mode, update_to)| Move::Retire { mode, update_to }),
        1 => mode().prop_map(|mode| Move::Activate { mode }),
        2 => mode().prop_map(|mode| Move::Switch { mode }),
        1 => Just(Move::Check),
        8 => Just(Move::Update),
        2 => version().prop_map(|version| Move::UpdateTo { version }),
        4 => (1..160_u16, how).prop_map(|(operation, how)| Move::KilledUpdate { operation, how }),
        3 => (any::<bool>(), 0..16_usize, harm).prop_map(|(previous, file, how)| Move::Damage { previous, file, how }),
        1 => Just(Move::Verify),
        2 => Just(Move::Repair),
        2 => Just(Move::RollBack),
        4 => Just(Move::Launch),
    ]
}
