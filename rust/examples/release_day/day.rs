//! The day itself: events in the order of their time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::line::Line;
use crate::world::{Seconds, World};

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Day {
    /// When each client had the new version, in order.
    pub(crate) done: Vec<Seconds>,
    /// How much longer each download took than on an idle network, in order.
    pub(crate) slowdown: Vec<f64>,
    /// Downloads that were given up, and begun again at the client's next check.
    pub(crate) failed: u64,
    /// Requests for the version's files that reached the origin.
    pub(crate) origin_requests: f64,
    /// Bytes of each minute: to all players, from the busiest place, from the origin.
    pub(crate) to_players: Vec<f64>,
    pub(crate) busiest: Vec<f64>,
    pub(crate) from_origin: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Check(u32),
    /// The attempt of a download, from 1.
    Begin(u32, u32),
    /// A transfer ends, unless the line has changed since.
    End {
        line: usize,
        change: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    at: Seconds,
    what: What,
}

#[derive(Debug, Clone, Copy, Default)]
struct Client {
    place: u16,
    platform: u8,
    offered_at: f32,
    began_at: f32,
}

/// What a cache has of one platform's files.
#[derive(Debug, Clone)]
enum Cached {
    Nothing,
    /// Those that wait for it.
    OnItsWay(Vec<u32>),
    All,
}

/// A cache: a place, or the shield. `pack_at` is when it got the signed metadata that it has.
#[derive(Debug)]
struct Cache {
    pack_at: Seconds,
    files: Vec<Cached>,
}

struct Run<'a> {
    world: &'a World,
    random: fastrand::Rng,
    day: Day,
    clients: Vec<Client>,
    /// The places, then the shield.
    caches: Vec<Cache>,
    /// The places, then the shield, then the origin; and how often each has changed.
    lines: Vec<(Line, u32)>,
    events: BinaryHeap<Reverse<Event>>,
}

impl Day {
    pub(crate) fn run(world: &World) -> Self {
        let mut run = Run::new(world);
        while let Some(Reverse(event)) = run.events.pop() {
            match event.what {
                What::Check(client) => run.check(event.at, client),
                What::Begin(client, attempt) => run.begin(event.at, client, attempt),
                What::End { line, change } if run.lines[line].1 == change => run.end(event.at, line),
                What::End { .. } => {}
            }
        }
        run.finish()
    }
}

impl<'a> Run<'a> {
    fn new(world: &'a World) -> Self {
        let mut random = fastrand::Rng::with_seed(world.seed);
        let cache = |random: &mut fastrand::Rng| Cache {
            pack_at: -random.f64() * world.fresh,
            files: vec![Cached::Nothing; world.platforms],
        };
        let caches = (0..=world.places.len()).map(|_| cache(&mut random)).collect();
        let mut lines: Vec<_> = world.places.iter().map(|place| (Line::new(place.capacity, place.line), 0)).collect();
        lines.push((Line::new(world.shield, f64::INFINITY), 0));
        lines.push((Line::new(world.origin, f64::INFINITY), 0));
        let (day, clients, events) = (Day::default(), Vec::new(), BinaryHeap::new());
        let mut run = Self { world, random, day, clients, caches, lines, events };
        run.gather();
        run
    }

    /// Puts each client near a place, and lets it check for the first time after the version is offered to it.
    fn gather(&mut self) {
        let mut up_to = Vec::new();
        for place in &self.world.places {
            up_to.push(up_to.last().unwrap_or(&0.0) + place.share);
        }
        for id in 0..self.world.clients {
            let (near, percent) = (self.random.f64(), self.random.f64() * 100.0);
            let steps = self.world.scenario.rollout;
            let offered_at = steps.iter().find(|(_, part)| percent < *part).map_or(0.0, |(at, _)| *at);
            let first = offered_at + self.random.f64() * self.world.check_every;
            self.clients.push(Client {
                place: up_to.partition_point(|end| *end < near).min(up_to.len() - 1) as u16,
                platform: self.random.u8(..) % self.world.platforms as u8,
                offered_at: offered_at as f32,
                began_at: 0.0,
            });
            self.plan(first, What::Check(id));
        }
    }

    fn plan(&mut self, at: Seconds, what: What) {
        self.events.push(Reverse(Event { at, what }));
    }

    fn shield(&self) -> usize {
        self.world.places.len()
    }

    fn origin(&self) -> usize {
        self.shield() + 1
    }

    fn check(&mut self, now: Seconds, id: u32) {
        let client = self.clients[id as usize];
        if self.pack_of(now, usize::from(client.place)) >= f64::from(client.offered_at) {
            self.begin(now, id, 1);
        } else {
            self.plan(now + self.world.check_every, What::Check(id));
        }
    }

    /// When the metadata that a cache answers with was made. An old copy is better than an error.
    fn pack_of(&mut self, now: Seconds, cache: usize) -> Seconds {
        if now - self.caches[cache].pack_at > self.world.fresh {
            let has_upper = self.world.scenario.has_shield && cache != self.shield();
            if has_upper {
                self.caches[cache].pack_at = self.pack_of(now, self.shield());
            } else if self.world.is_origin_there(now) {
                self.caches[cache].pack_at = now;
            }
        }
        self.caches[cache].pack_at
    }

    fn begin(&mut self, now: Seconds, id: u32, attempt: u32) {
        let client = &mut self.clients[id as usize];
        if attempt == 1 {
            client.began_at = now as f32;
        }
        let (place, platform) = (usize::from(client.place), usize::from(client.platform));
        if self.fetch(now, place, platform, id) {
            return;
        }
        if attempt < self.world.attempts {
            let pause = self.world.backoff * f64::from(1_u32 << (attempt - 1)) * (0.5 + self.random.f64() / 2.0);
            self.plan(now + pause, What::Begin(id, attempt + 1));
        } else {
            self.day.failed += 1;
            self.plan(now + self.world.check_every, What::Check(id));
        }
    }

    /// Asks a cache for the files of a platform, for a client or, at the shield, for a place. False if they cannot be had.
    fn fetch(&mut self, now: Seconds, cache: usize, platform: usize, receiver: u32) -> bool {
        match &mut self.caches[cache].files[platform] {
            Cached::All => {
                self.send(now, cache, receiver);
                return true;
            }
            Cached::OnItsWay(waiting) => {
                waiting.push(receiver);
                return true;
            }
            Cached::Nothing => {}
        }
        let request = (cache * self.world.platforms + platform) as u32;
        let has_upper = self.world.scenario.has_shield && cache != self.shield();
        let is_coming = if has_upper {
            self.fetch(now, self.shield(), platform, request)
        } else {
            self.world.is_origin_there(now) && {
                self.day.origin_requests += self.world.scenario.form.requests();
                self.send(now, self.origin(), request);
                true
            }
        };
        if is_coming {
            self.caches[cache].files[platform] = Cached::OnItsWay(vec![receiver]);
        }
        is_coming
    }

    fn send(&mut self, now: Seconds, line: usize, receiver: u32) {
        self.lines[line].0.begin(now, receiver, self.world.scenario.form.bytes());
        self.wait_for(line);
    }

    fn wait_for(&mut self, line: usize) {
        let (open, change) = &mut self.lines[line];
        *change += 1;
        if let Some(at) = open.next_end() {
            let what = What::End { line, change: *change };
            self.plan(at, what);
        }
    }

    fn end(&mut self, now: Seconds, line: usize) {
        let Some(receiver) = self.lines[line].0.end_next(now) else { return };
        self.wait_for(line);
        if line < self.shield() {
            let client = self.clients[receiver as usize];
            let alone = self.world.scenario.form.bytes() / self.world.places[line].line;
            self.day.done.push(now);
            self.day.slowdown.push((now - f64::from(client.began_at)) / alone);
            return;
        }
        let (cache, platform) = (receiver as usize / self.world.platforms, receiver as usize % self.world.platforms);
        let files = std::mem::replace(&mut self.caches[cache].files[platform], Cached::All);
        if let Cached::OnItsWay(waiting) = files {
            for receiver in waiting {
                self.send(now, cache, receiver);
            }
        }
    }

    fn finish(mut self) -> Day {
        let places = &self.lines[..self.world.places.len()];
        let busiest = places.iter().max_by(|(a, _), (b, _)| peak(a.minutes()).total_cmp(&peak(b.minutes())));
        self.day.busiest = busiest.map_or_else(Vec::new, |(line, _)| line.minutes().to_vec());
        for (line, _) in places {
            self.day.to_players.resize(self.day.to_players.len().max(line.minutes().len()), 0.0);
            for (all, one) in self.day.to_players.iter_mut().zip(line.minutes()) {
                *all += one;
            }
        }
        self.day.from_origin = self.lines[self.origin()].0.minutes().to_vec();
        self.day.slowdown.sort_by(f64::total_cmp);
        self.day
    }
}

/// The most bytes of one minute.
pub(crate) fn peak(minutes: &[f64]) -> f64 {
    minutes.iter().copied().fold(0.0, f64::max)
}

impl Eq for Event {}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at)
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::Day;
    use crate::world::{Scenario, World};

    #[test]
    fn everybody_gets_the_version_and_the_same_seed_gives_the_same_day() {
        for scenario in Scenario::all() {
            let world = World::new(20_000, 7, scenario);
            let day = Day::run(&world);
            assert_eq!(day.done.len(), 20_000, "{}", scenario.name);
            assert!(day.done.is_sorted());
            let bytes: f64 = day.to_players.iter().sum();
            assert!((bytes / (20_000.0 * scenario.form.bytes()) - 1.0).abs() < 1e-6, "{}: {bytes}", scenario.name);
            assert_eq!(Day::run(&world).done, day.done, "{}", scenario.name);
            // A shield asks once for each platform; without one, each place does.
            let asked = day.origin_requests / scenario.form.requests();
            assert_eq!(asked <= 4.0, scenario.has_shield, "{}: {asked}", scenario.name);
            assert!(day.slowdown[0] > 0.99, "{}", scenario.name);
        }
    }

    #[test]
    fn without_a_shield_an_outage_lets_downloads_fail_which_begin_again() {
        let with_outage = Scenario::all().into_iter().find(|it| it.outage.is_some() && !it.has_shield).unwrap();
        let day = Day::run(&World::new(20_000, 7, with_outage));
        assert!(day.failed > 0);
        assert_eq!(day.done.len(), 20_000);
    }
}
