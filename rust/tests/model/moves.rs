//! The random moves.

use proptest::prelude::*;

/// Modes, versions and builds are numbers, so that a history is easy to print and to shrink.
pub(crate) const MODES: [&str; 3] = ["stable", "beta", "nightly"];

/// In order of precedence: `alpha.10` comes after `alpha.2`.
pub(crate) const VERSIONS: [&str; 6] = ["0.9.0", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0", "1.2.0", "2.0.0-rc.1"];

/// Builds, some of which share files. Those with odd numbers do not start.
pub(crate) const BUILDS: usize = 6;

#[derive(Debug, Clone)]
pub(crate) enum Move {
    Publish {
        mode: usize,
        version: usize,
        build: usize,
    },
    /// The same build as the same version in another mode.
    Promote {
        from: usize,
        to: usize,
        which: usize,
    },
    Recall {
        mode: usize,
        version: usize,
        undo: bool,
    },
    Skip {
        mode: usize,
        version: usize,
        undo: bool,
    },
    Retire {
        mode: usize,
        update_to: Option<usize>,
    },
    Activate {
        mode: usize,
    },
    Switch {
        mode: usize,
    },
    Check,
    Update,
    UpdateTo {
        version: usize,
    },
    KilledUpdate {
        operation: u16,
        how: How,
    },
    Damage {
        previous: bool,
        file: usize,
        how: Harm,
    },
    Verify,
    Repair,
    RollBack,
    Launch {
        times: usize,
    },
}

/// How the process dies at an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Before,
    After,
    Tear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// One byte changes in place, and so does every version that shares the file.
    Byte,
    /// Another file replaces the file.
    Replace,
    Delete,
}

/// A first version, then phrases of one to four moves. Fully random moves would rarely publish a second version.
pub(crate) fn history() -> impl Strategy<Value = Vec<Move>> {
    let begin = publish().prop_map(|publish| vec![publish, Move::Update]);
    let rest = prop::collection::vec(phrase(), 1..14).prop_map(|phrases| phrases.concat());
    (begin, rest).prop_map(|(begin, rest)| [begin, rest].concat())
}

fn phrase() -> impl Strategy<Value = Vec<Move>> {
    let update = || prop_oneof![3 => Just(Move::Update), 1 => killed()];
    prop_oneof![
        12 => a_move().prop_map(|step| vec![step]),
        3 => (publish(), update()).prop_map(|(publish, update)| vec![publish, update]),
        4 => publish().prop_map(|publish| vec![publish, Move::Update, Move::Launch { times: 3 }]),
        1 => (publish(), killed(), killed()).prop_map(|(publish, one, two)| vec![publish, one, two, Move::Update]),
        2 => (mode(), update()).prop_map(|(mode, update)| vec![Move::Switch { mode }, update]),
        1 => (mode(), version(), update())
            .prop_map(|(mode, version, update)| vec![Move::Recall { mode, version, undo: false }, update]),
        1 => (harm(), publish(), update()).prop_map(|(harm, publish, update)| vec![harm, publish, update]),
        2 => (harm_of(false), harm_of(true)).prop_map(|(one, two)| vec![one, two, Move::Verify, Move::Repair]),
        // After an update there is a previous version to damage.
        3 => (publish(), harm_of(true), prop_oneof![Just(Move::RollBack), Just(Move::Repair)])
            .prop_map(|(publish, harm, next)| vec![publish, Move::Update, harm, next]),
        1 => (promote(), mode()).prop_map(|(promote, mode)| vec![promote, Move::Switch { mode }, Move::Update]),
    ]
}

fn mode() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => 1..MODES.len()]
}

fn version() -> impl Strategy<Value = usize> {
    0..VERSIONS.len()
}

fn publish() -> impl Strategy<Value = Move> {
    (mode(), version(), 0..BUILDS).prop_map(|(mode, version, build)| Move::Publish { mode, version, build })
}

fn promote() -> impl Strategy<Value = Move> {
    (mode(), mode(), 0..8_usize).prop_map(|(from, to, which)| Move::Promote { from, to, which })
}

fn killed() -> impl Strategy<Value = Move> {
    let how = prop_oneof![Just(How::Before), Just(How::After), Just(How::Tear)];
    (1..160_u16, how).prop_map(|(operation, how)| Move::KilledUpdate { operation, how })
}

fn harm() -> impl Strategy<Value = Move> {
    any::<bool>().prop_flat_map(harm_of)
}

fn harm_of(previous: bool) -> impl Strategy<Value = Move> {
    let how = prop_oneof![Just(Harm::Byte), Just(Harm::Replace), Just(Harm::Delete)];
    (0..16_usize, how).prop_map(move |(file, how)| Move::Damage { previous, file, how })
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => publish(),
        2 => promote(),
        2 => (mode(), version(), any::<bool>()).prop_map(|(mode, version, undo)| Move::Recall { mode, version, undo }),
        2 => (mode(), version(), any::<bool>()).prop_map(|(mode, version, undo)| Move::Skip { mode, version, undo }),
        1 => (mode(), proptest::option::of(0..MODES.len()))
            .prop_map(|(mode, update_to)| Move::Retire { mode, update_to }),
        1 => mode().prop_map(|mode| Move::Activate { mode }),
        1 => mode().prop_map(|mode| Move::Switch { mode }),
        1 => Just(Move::Check),
        3 => Just(Move::Update),
        2 => version().prop_map(|version| Move::UpdateTo { version }),
        2 => killed(),
        2 => harm(),
        1 => Just(Move::Verify),
        2 => Just(Move::Repair),
        3 => Just(Move::RollBack),
        2 => (1..4_usize).prop_map(|times| Move::Launch { times }),
    ]
}
