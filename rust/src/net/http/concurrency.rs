//! How many requests to have in flight: a pure state machine, fed with the outcomes of requests.
//!
//! The limit doubles per round trip while throughput grows, then rises by an eighth per round as long as answers do not
//! slow down, and halves at any sign of overload of the server or the connection. A round is one answer to each request
//! that was in flight when it began.

use std::time::{Duration, Instant};

const START: usize = 10;

/// A round is an improvement if its throughput is this many times that of the best round before it.
const PAYS: f64 = 1.2;

/// Doubling ends after this many rounds in a row without improvement: a single one may be bad luck.
const FLAT_ROUNDS: u32 = 2;

/// Ratio of an answer's time to that of the shortest round. From `CROWDED` on, the limit no longer rises, since more
/// requests would only wait longer; above `OVERFULL`, it falls.
const CROWDED: f64 = 1.5;
const OVERFULL: f64 = 2.5;

#[derive(Debug)]
pub(super) struct Concurrency {
    limit: usize,
    max: usize,
    doubling: bool,
    flat_rounds: u32,
    round: Round,
    best: Best,
    shortest: Option<Duration>,
    last_cut: Option<Instant>,
}

#[derive(Debug)]
struct Round {
    began: Instant,
    size: usize,
    answers: u32,
    bytes: u64,
    took: Duration,
}

#[derive(Debug, Default)]
struct Best {
    limit: usize,
    answers_per_second: f64,
    bytes_per_second: f64,
}

impl Concurrency {
    pub(super) fn new(max: usize, now: Instant) -> Self {
        let limit = START.min(max).max(1);
        Self {
            limit,
            max: max.max(1),
            doubling: true,
            flat_rounds: 0,
            round: Round::new(limit, now),
            best: Best::default(),
            shortest: None,
            last_cut: None,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// A request that started at `started` was answered. `waiting`: more chunks were waiting, so the limit was what
    /// held us back.
    pub(super) fn answered(&mut self, started: Instant, now: Instant, bytes: u64, waiting: bool) {
        self.round.answers += 1;
        self.round.bytes += bytes;
        self.round.took += now.saturating_duration_since(started);
        if self.doubling && waiting {
            self.limit = (self.limit + 1).min(self.max);
        }
        if self.round.answers as usize >= self.round.size {
            self.end_round(now, waiting);
        }
    }

    /// A request that started at `started` ended with a sign of overload.
    pub(super) fn overloaded(&mut self, started: Instant, now: Instant) {
        // Requests that were in flight at the last cut do not show whether that cut was enough.
        if self.last_cut.is_some_and(|cut| started < cut) {
            return;
        }
        self.last_cut = Some(now);
        self.doubling = false;
        self.limit = (self.limit / 2).max(1);
        self.round = Round::new(self.limit, now);
    }

    #[expect(clippy::cast_precision_loss, reason = "rates need no more than 53 bits")]
    fn end_round(&mut self, now: Instant, waiting: bool) {
        let seconds = now.saturating_duration_since(self.round.began).as_secs_f64().max(1e-6);
        let answers_per_second = f64::from(self.round.answers) / seconds;
        let bytes_per_second = self.round.bytes as f64 / seconds;
        let mean = self.round.took / self.round.answers.max(1);
        let shortest = self.shortest.map_or(mean, |shortest| shortest.min(mean));
        self.shortest = Some(shortest);
        if self.doubling {
            // Either measure counts. Chunks differ in size, so the byte rate fluctuates on a fast connection, and the
            // answer rate on a slow one.
            if answers_per_second > self.best.answers_per_second * PAYS
                || bytes_per_second > self.best.bytes_per_second * PAYS
            {
                self.best = Best { limit: self.round.size, answers_per_second, bytes_per_second };
                self.flat_rounds = 0;
            } else {
                self.flat_rounds += 1;
            }
            if self.flat_rounds >= FLAT_ROUNDS {
                self.doubling = false;
                self.limit = self.best.limit.max(START).min(self.max);
            }
        } else {
            self.creep(mean.as_secs_f64() / shortest.as_secs_f64().max(1e-6), waiting);
        }
        self.round = Round::new(self.limit, now);
    }

    fn creep(&mut self, ratio: f64, waiting: bool) {
        let step = (self.limit / 8).max(1);
        if ratio < CROWDED && waiting {
            self.limit = (self.limit + step).min(self.max);
        } else if ratio > OVERFULL && self.limit > START {
            self.limit = (self.limit - step).max(START);
        }
    }
}

impl Round {
    fn new(size: usize, began: Instant) -> Self {
        Self { began, size, answers: 0, bytes: 0, took: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests;
