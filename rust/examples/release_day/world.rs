//! What is simulated: the update, the players, the network between them, and what differs from row to row.

/// Seconds since the version was published.
pub(crate) type Seconds = f64;

const GIGABIT: f64 = 1e9 / 8.0;

/// How an update reaches a client, in bytes and requests. Measured on V-Sekai's builds of 2023-04-08 and 2023-04-10:
/// `docs/benchmarks.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Bundle,
    Chunks,
}

impl Form {
    pub(crate) fn bytes(self) -> f64 {
        match self {
            Self::Bundle => 35.2e6,
            Self::Chunks => 60.1e6,
        }
    }

    pub(crate) fn requests(self) -> f64 {
        match self {
            Self::Bundle => 2.0,
            Self::Chunks => 1866.0,
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// Whether all places of the CDN fetch through one cache.
    pub(crate) has_shield: bool,
    /// When the version is offered to how many percent. The last step is 100.
    pub(crate) rollout: &'static [(Seconds, f64)],
    /// When the origin takes no request, from and to. What it is sending then, it sends to the end.
    pub(crate) outage: Option<(Seconds, Seconds)>,
}

const AT_ONCE: &[(Seconds, f64)] = &[(0.0, 100.0)];
const IN_STEPS: &[(Seconds, f64)] = &[(0.0, 5.0), (3600.0, 25.0), (10_800.0, 100.0)];

impl Scenario {
    pub(crate) fn all() -> Vec<Self> {
        let plain =
            Self { name: "bundle, no shield", form: Form::Bundle, has_shield: false, rollout: AT_ONCE, outage: None };
        let shield = Self { name: "bundle, shield", has_shield: true, ..plain };
        vec![
            Self { name: "chunks, no shield", form: Form::Chunks, ..plain },
            plain,
            Self { name: "chunks, shield", form: Form::Chunks, ..shield },
            shield,
            Self { name: "bundle, shield, 5 % – 25 % – 100 % in 3 h", rollout: IN_STEPS, ..shield },
            Self {
                name: "bundle, no shield, origin away from the 5th second to 30 min",
                outage: Some((5.0, 1800.0)),
                ..plain
            },
            Self {
                name: "bundle, shield, origin away from the 5th second to 30 min",
                outage: Some((5.0, 1800.0)),
                ..shield
            },
        ]
    }
}

/// The players and the network. All numbers but those of [`Form`] and of the client are assumptions.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) clients: u32,
    pub(crate) seed: u64,
    pub(crate) platforms: usize,
    /// The places of the CDN, largest first.
    pub(crate) places: Vec<Place>,
    /// Bytes a second.
    pub(crate) origin: f64,
    pub(crate) shield: f64,
    /// A launcher that stays open looks this often.
    pub(crate) check_every: Seconds,
    /// `max-age` of `current.pack`.
    pub(crate) fresh: Seconds,
    /// Attempts of one request, and the pause before the second; each further one is twice as long.
    pub(crate) attempts: u32,
    pub(crate) backoff: Seconds,
}

/// One place of the CDN, and the players near it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Bytes a second that it can send.
    pub(crate) capacity: f64,
    /// Bytes a second that each of its players can receive.
    pub(crate) line: f64,
    /// The part of all players that is near it.
    pub(crate) share: f64,
}

const PLACES: u32 = 300;
/// Players gather where there are many: the n-th place has n to the power of minus this as many as the first.
const SKEW: f64 = 0.7;
const LINES_MBIT: [f64; 4] = [25.0, 50.0, 100.0, 300.0];

impl World {
    pub(crate) fn new(clients: u32, seed: u64, scenario: Scenario) -> Self {
        let weight = |place: u32| f64::from(place + 1).powf(-SKEW);
        let all: f64 = (0..PLACES).map(weight).sum();
        let lines = LINES_MBIT.iter().cycle();
        let places = (0..PLACES).zip(lines).map(|(place, mbit)| Place {
            capacity: 100.0 * GIGABIT,
            line: mbit / 1000.0 * GIGABIT,
            share: weight(place) / all,
        });
        Self {
            scenario,
            clients,
            seed,
            platforms: 4,
            places: places.collect(),
            origin: GIGABIT,
            shield: 100.0 * GIGABIT,
            check_every: 300.0,
            fresh: 30.0,
            attempts: 4,
            backoff: 0.5,
        }
    }

    /// Whether the origin answers.
    pub(crate) fn is_origin_there(&self, now: Seconds) -> bool {
        !self.scenario.outage.is_some_and(|(from, to)| (from..to).contains(&now))
    }
}
