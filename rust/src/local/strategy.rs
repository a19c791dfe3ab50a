//! Chooses how chunks come: one by one, out of bundles, or some of each. Pure: it asks nobody.
//!
//! In: the wanted chunks, the bundles that can be had with their tables, and what the line is like. Out: a [`Strategy`],
//! plain data, and the price of each way that was looked at. [`acquire`](crate::local::acquire) carries it out.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::formats::bundle::Section;
use crate::formats::chunk::ChunkId;
use crate::local::offer::BundleOffer;
use crate::local::sources::WantedChunk;

/// Sections that are less than this apart, in bytes, are read in one request.
const MAX_GAP_BYTES: u64 = 128 << 10;

/// Requests for chunks that a line has under way at once, as the flight control of `source` finds out in practice.
const CHUNKS_AT_ONCE: f64 = 32.0;

/// What a request and the head of its answer take on the line, in bytes.
const REQUEST_BYTES: f64 = 600.0;

/// What unpacking writes and hashes in a second, in bytes, with one thread.
const UNPACKED_BYTES_PER_SECOND: f64 = 200e6;

/// What the line to the server is like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Link {
    /// A small request and its answer, in seconds.
    pub round_trip_seconds: f64,
    /// Bytes in a second.
    pub bytes_per_second: f64,
}

impl Default for Link {
    /// What most homes have; used until something was measured.
    fn default() -> Self {
        Self { round_trip_seconds: 0.05, bytes_per_second: 4e6 }
    }
}

/// A way to get the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// From what is installed.
    Seed,
    /// One by one from the store.
    Chunks,
    /// A bundle that builds on an installed version, and chunks for what it does not have.
    Delta,
    /// Several of them, each building on the version that the one before leads to.
    Deltas,
    /// Sections of a bundle that needs nothing, and chunks for what they do not have.
    Full,
}

/// What a way would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// The way.
    pub way: Method,
    /// Bytes of content to receive. For chunks it is an estimate.
    pub bytes: u64,
    /// Requests for content.
    pub requests: u64,
    /// Sections to unpack.
    pub sections: u64,
    /// Chunks that come one by one.
    pub chunks: u64,
    /// Time until all is there, in seconds: an estimate.
    pub seconds: f64,
    /// What the largest section needs to be unpacked, in bytes.
    pub memory_bytes: u64,
    /// Whether this is the way that is taken.
    pub chosen: bool,
}

/// What is taken from one bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Which offer.
    pub offer: usize,
    /// Sections by their position in the table; those of one list come with one request.
    pub reads: Vec<Vec<usize>>,
    /// Chunks that a later step builds on.
    pub keep: HashSet<ChunkId>,
}

/// What is taken from bundles; whatever they do not give comes from the stores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strategy {
    /// In this order.
    pub steps: Vec<Step>,
    /// All ways that were looked at, the cheapest first.
    pub prices: Vec<Price>,
}

/// What a route is chosen from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Chunks that only another machine has.
    pub wanted: &'a [WantedChunk],
    /// Bundles that can be had.
    pub offers: &'a [BundleOffer],
    /// What a stored chunk is to its plain size.
    pub stored_ratio: f64,
    /// The line.
    pub link: Link,
}

/// Chooses the way that takes least time.
pub fn choose(inputs: &Inputs<'_>) -> Strategy {
    let stored = stored_bytes(inputs);
    let mut drafts = vec![Candidate::chunks(inputs, &stored)];
    let afters: HashSet<usize> = inputs.offers.iter().filter_map(BundleOffer::after).collect();
    let lasts = (0..inputs.offers.len()).filter(|at| !afters.contains(at));
    drafts.extend(lasts.map(|last| Candidate::of(inputs, &stored, last)));
    drafts.sort_by(|a, b| a.price.seconds.total_cmp(&b.price.seconds));
    let mut prices: Vec<Price> = drafts.iter().map(|draft| draft.price).collect();
    let Some(best) = prices.first_mut() else { return Strategy::default() };
    best.chosen = true;
    let steps = drafts.into_iter().next().map(|draft| draft.steps).unwrap_or_default();
    Strategy { steps, prices }
}

struct Candidate {
    steps: Vec<Step>,
    price: Price,
}

/// What each wanted chunk takes in the store, in bytes: an estimate. By itself a chunk compresses no better than in a
/// section, as a rule, so the length of a section tells where the average of the version is too low.
#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn stored_bytes(inputs: &Inputs<'_>) -> HashMap<ChunkId, f64> {
    let average = |want: &WantedChunk| (want.id, want.size as f64 * inputs.stored_ratio);
    let mut stored: HashMap<ChunkId, f64> = inputs.wanted.iter().map(average).collect();
    for offer in inputs.offers {
        for section in &offer.table.sections {
            let ratio = section.packed_bytes as f64 / section.plain_bytes as f64;
            for chunk in section.positions().filter_map(|at| offer.to.index.get(at)) {
                stored.entry(chunk.id).and_modify(|bytes| *bytes = bytes.max(chunk.size() as f64 * ratio));
            }
        }
    }
    stored
}

/// Seconds that some chunks take one by one.
#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn seconds_of_chunks(inputs: &Inputs<'_>, count: u64, bytes: f64) -> f64 {
    let waiting = count as f64 / CHUNKS_AT_ONCE * inputs.link.round_trip_seconds;
    let sending = (bytes + count as f64 * REQUEST_BYTES) / inputs.link.bytes_per_second;
    sending.max(waiting)
}

impl Candidate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate that is not negative")]
    fn chunks(inputs: &Inputs<'_>, stored: &HashMap<ChunkId, f64>) -> Self {
        let count = inputs.wanted.len() as u64;
        let bytes: f64 = stored.values().sum();
        let seconds = seconds_of_chunks(inputs, count, bytes);
        let price = Price {
            way: if count == 0 { Method::Seed } else { Method::Chunks },
            bytes: bytes as u64,
            requests: count,
            sections: 0,
            chunks: count,
            seconds: if count == 0 { 0.0 } else { seconds + inputs.link.round_trip_seconds },
            memory_bytes: inputs.wanted.iter().map(|want| want.size).max().unwrap_or(0),
            chosen: false,
        };
        Self { steps: Vec::new(), price }
    }

    /// What is taken from an offer, and from those that have to come before it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate that is not negative")]
    #[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
    fn of(inputs: &Inputs<'_>, stored: &HashMap<ChunkId, f64>, last: usize) -> Self {
        let mut need = Need { wanted: stored.clone(), built_on: HashSet::new() };
        let mut steps: Vec<Step> = Vec::new();
        let mut cost = Cost::default();
        let mut next = Some(last);
        while let Some((at, offer)) = next.and_then(|at| Some((at, inputs.offers.get(at)?))) {
            let keep = need.built_on.clone();
            let reads = take_from(inputs, offer, &mut need, &mut cost);
            steps.insert(0, Step { offer: at, reads, keep });
            // An offer comes before those that build on it: there is an end.
            next = offer.after().filter(|before| *before < at);
        }
        let left = need.wanted;
        let rest_bytes: f64 = left.values().sum();
        let rest_seconds = seconds_of_chunks(inputs, left.len() as u64, rest_bytes);
        let wait = if left.is_empty() { 0.0 } else { inputs.link.round_trip_seconds };
        let unpacking = cost.unpacked_bytes as f64 / UNPACKED_BYTES_PER_SECOND;
        let is_full = inputs.offers.get(last).is_some_and(|offer| offer.info.from.is_none());
        let price = Price {
            way: match (is_full, steps.len()) {
                (true, _) => Method::Full,
                (false, 1) => Method::Delta,
                (false, _) => Method::Deltas,
            },
            bytes: cost.bytes + rest_bytes as u64,
            requests: cost.requests + left.len() as u64,
            sections: cost.sections,
            chunks: left.len() as u64,
            seconds: cost.seconds.max(unpacking) + wait + rest_seconds,
            memory_bytes: cost.memory_bytes,
            chosen: false,
        };
        Self { steps, price }
    }
}

/// What is still to be had.
struct Need {
    /// With what each takes in the store.
    wanted: HashMap<ChunkId, f64>,
    /// Chunks of versions between the installed one and the wanted one, which sections that are taken build on.
    built_on: HashSet<ChunkId>,
}

/// What the sections that are taken come to.
#[derive(Default)]
struct Cost {
    bytes: u64,
    requests: u64,
    seconds: f64,
    sections: u64,
    unpacked_bytes: u64,
    memory_bytes: u64,
}

/// Takes what pays of one bundle, and whatever it has that others build on.
#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn take_from(inputs: &Inputs<'_>, offer: &BundleOffer, need: &mut Need, cost: &mut Cost) -> Vec<Vec<usize>> {
    let mut reads: Vec<Vec<usize>> = Vec::new();
    let (mut end, mut is_open) = (0, false);
    for (number, (place, section)) in offer.places().enumerate() {
        let kept = offer.kept.get(&number).copied().unwrap_or(0);
        let is_kept = kept == place.end - place.start;
        let ids: HashSet<ChunkId> =
            section.positions().filter_map(|at| offer.to.index.get(at)).map(|it| it.id).collect();
        let useful = ids.iter().filter_map(|id| need.wanted.get(id));
        let (count, bytes) = useful.fold((0, 0.0), |(count, sum), bytes| (count + 1, sum + bytes));
        let chunk_seconds = seconds_of_chunks(inputs, count, bytes);
        // What goes on where a run before this one has stopped is a request of its own.
        let joins = is_open && kept == 0 && place.start - end <= MAX_GAP_BYTES;
        let received = place.end - if joins { end } else { place.start + kept };
        let wait = if joins || is_kept { 0.0 } else { inputs.link.round_trip_seconds };
        let sending = received as f64 / inputs.link.bytes_per_second;
        let seconds = if offer.is_here { 0.0 } else { sending + wait };
        // Whatever comes first has to wait once: chunks too.
        let other_seconds = chunk_seconds + if reads.is_empty() { wait } else { 0.0 };
        let pays = count > 0 && seconds <= other_seconds;
        if !pays && ids.is_disjoint(&need.built_on) {
            continue;
        }
        need.wanted.retain(|id, _| !ids.contains(id));
        need.built_on.retain(|id| !ids.contains(id));
        need.build_on(offer, section);
        match reads.last_mut() {
            Some(last) if joins => last.push(number),
            _ => reads.push(vec![number]),
        }
        (end, is_open) = (place.end, !is_kept);
        cost.bytes += received;
        cost.seconds += seconds;
        cost.requests += u64::from(!joins && !is_kept && !offer.is_here);
        cost.sections += 1;
        cost.unpacked_bytes += section.plain_bytes;
        cost.memory_bytes = cost.memory_bytes.max(section.prefix_bytes() + section.plain_bytes + section.packed_bytes);
    }
    reads
}

impl Need {
    /// The chunks of a section's prefix that are not installed.
    fn build_on(&mut self, offer: &BundleOffer, section: &Section) {
        let Some(old) = offer.old.as_ref().filter(|old| old.between.is_some()) else { return };
        let chunks = section.prefix.iter().flat_map(|range| old.index().positions(range.clone()));
        let ids = chunks.filter_map(|at| old.index().get(at)).map(|chunk| chunk.id);
        self.built_on.extend(ids.filter(|id| !old.seed.has(id)));
    }
}

impl Strategy {
    /// The way that is taken.
    pub fn price(&self) -> Option<&Price> {
        self.prices.iter().find(|price| price.chosen)
    }
}

#[cfg(test)]
mod tests;
