//! Fetches one chunk: asks mirror after mirror, with retries, until it is delivered or all have been asked.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::failure::{Failure, Retry, pause_before};
use super::{ChunkRequest, Deliver, Shared, lock};
use crate::error::{Error, Result, TransportKind};
use crate::event::Event;
use crate::formats::chunk::CompressedChunk;

/// Longest pause that is waited for instead of asking the next mirror.
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// Why one mirror did not supply a chunk.
enum Said {
    Missing(String),
    Corrupt(String),
    Failed(Failure),
}

/// The outcome of asking one mirror.
enum Asked {
    Delivered,
    Said(Said),
    /// The mirror is down or has requested a pause, and others have not been asked yet.
    Later,
}

/// A mirror that still has to be asked.
struct Turn {
    mirror: usize,
    /// Not postponed before. Each mirror is postponed at most once, so that the loop ends.
    fresh: bool,
}

impl<D: Deliver> Shared<D> {
    pub(super) async fn fetch_one(&self, request: ChunkRequest) -> Result<()> {
        let order = lock(&self.roster).order(Instant::now());
        let mut turns: VecDeque<Turn> = order.into_iter().map(|mirror| Turn { mirror, fresh: true }).collect();
        let mut said = Vec::new();
        while let Some(turn) = turns.pop_front() {
            let others_left = turn.fresh && turns.iter().any(|other| other.fresh);
            match self.ask(turn.mirror, &request, others_left).await? {
                Asked::Delivered => return Ok(()),
                Asked::Said(what) => said.push((turn.mirror, what)),
                Asked::Later => turns.push_back(Turn { fresh: false, ..turn }),
            }
        }
        Err(self.verdict(&request, said))
    }

    /// Asks one mirror, with retries.
    async fn ask(&self, mirror: usize, request: &ChunkRequest, others_left: bool) -> Result<Asked> {
        let options = self.stores[mirror].client().options();
        let mut tries = 0;
        loop {
            let pause = lock(&self.roster).pause_left(mirror, Instant::now());
            if others_left && (pause > SHORT_PAUSE || tries > 0 && lock(&self.roster).is_down(mirror)) {
                return Ok(Asked::Later);
            }
            sleep(pause).await;
            self.retries.fetch_add(u64::from(tries > 0), Ordering::Relaxed);
            tries += 1;
            let failure = match self.try_once(mirror, request).await? {
                Ok(asked) => return Ok(asked),
                Err(failure) => failure,
            };
            if failure.kind == TransportKind::Unauthorized {
                return Err(failure.into_error(&self.stores[mirror].url_of(&request.id)));
            }
            if failure.retry == Retry::Never || tries >= options.attempts {
                return Ok(Asked::Said(Said::Failed(failure)));
            }
            if others_left && lock(&self.roster).is_down(mirror) {
                return Ok(Asked::Later);
            }
            let wait = pause_before(tries, options.backoff, failure.retry);
            if let Retry::After(_) = failure.retry {
                lock(&self.roster).pause(mirror, Instant::now() + wait);
            } else {
                sleep(wait).await;
            }
        }
    }

    /// Sends one request to one mirror, and delivers the result.
    async fn try_once(&self, mirror: usize, request: &ChunkRequest) -> Result<Result<Asked, Failure>> {
        let store = &self.stores[mirror];
        self.requests.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let answer = store.try_get(&request.id, request.max_stored_bytes, &self.received_bytes).await;
        let now = Instant::now();
        let took = now.saturating_duration_since(started);
        let bytes = match answer {
            Ok(bytes) => bytes,
            Err(failure) if failure.kind == TransportKind::NotFound => {
                lock(&self.roster).missed(mirror, took);
                return Ok(Ok(Asked::Said(Said::Missing(failure.reason))));
            }
            // The mirror works, and some send their start page for what they do not have.
            Err(failure) if failure.kind == TransportKind::WebPage => {
                lock(&self.roster).missed(mirror, took);
                return Ok(Ok(Asked::Said(Said::Corrupt(failure.reason))));
            }
            Err(failure) => {
                self.note_failure(mirror, &failure, started, now);
                return Ok(Err(failure));
            }
        };
        let length = bytes.len() as u64;
        lock(&self.roster).answered(mirror, took);
        lock(&self.flight).answered(started, now, length, self.waiting.load(Ordering::Relaxed) > 0);
        match self.deliver.deliver(CompressedChunk::new(request.id, bytes), store.name()).await {
            Ok(()) => Ok(Ok(Asked::Delivered)),
            Err(Error::ChunkCorrupt { reason, .. }) => {
                lock(&self.roster).lied(mirror);
                Ok(Ok(Asked::Said(Said::Corrupt(reason))))
            }
            Err(error) => Err(error),
        }
    }

    fn note_failure(&self, mirror: usize, failure: &Failure, started: Instant, now: Instant) {
        if failure.means_overload() {
            lock(&self.flight).overloaded(started, now);
        }
        let went_down = lock(&self.roster).failed(mirror, now);
        if went_down && self.stores.len() > 1 {
            let url = self.stores[mirror].name().to_owned();
            let error = Error::transport(failure.kind, url, &failure.reason);
            lock(&self.warnings).push(Event::Warned { code: error.code(), message: error.message_with_causes() });
        }
    }

    /// The error for a chunk that no mirror supplied.
    fn verdict(&self, request: &ChunkRequest, said: Vec<(usize, Said)>) -> Error {
        let mut text = String::new();
        let mut corrupt_at = None;
        let mut failed = None;
        for (mirror, what) in said {
            let origin = self.stores[mirror].name();
            let separator = if text.is_empty() { "" } else { "; " };
            let words = match &what {
                Said::Missing(reason) | Said::Corrupt(reason) => reason,
                Said::Failed(failure) => &failure.reason,
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}{origin} ({words})");
            match what {
                Said::Missing(_) => {}
                Said::Corrupt(_) => corrupt_at = corrupt_at.or(Some(mirror)),
                Said::Failed(failure) => failed = Some((mirror, failure.kind)),
            }
        }
        let id = request.id;
        if let Some(mirror) = corrupt_at {
            return Error::chunk_corrupt(id, self.stores[mirror].name().to_owned(), text);
        }
        match failed {
            Some((mirror, kind)) => Error::transport(
                kind,
                self.stores[mirror].name().to_owned(),
                format!("Could not get chunk {id} from {text}"),
            ),
            None => Error::ChunkMissing { id, origins: text },
        }
    }
}
