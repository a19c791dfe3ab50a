//! Chooses a download strategy: chunk by chunk, from bundles, or both. Pure: no I/O.
//!
//! Input: the wanted chunks, the available bundles with their tables, and the speed of the link. Output: a
//! [`Strategy`], plain data, with the price of each method considered. [`acquire`](crate::local::acquire) carries it
//! out.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::formats::bundle::Section;
use crate::formats::chunk::ChunkId;
use crate::local::offer::BundleOffer;
use crate::local::sources::WantedChunk;

mod ratio;

pub use ratio::{VersionSize, stored_ratio};

/// Sections with a smaller gap than this, in bytes, are read in one request.
const MAX_GAP_BYTES: u64 = 128 << 10;

/// Concurrent requests for chunks; about the concurrency that the HTTP layer reaches in practice.
const CHUNKS_AT_ONCE: f64 = 32.0;

/// Network cost of a request and its response's head, in bytes.
const REQUEST_BYTES: f64 = 600.0;

/// Bytes per second that one thread unpacks, hashes and writes.
const UNPACKED_BYTES_PER_SECOND: f64 = 200e6;

/// Measured speed of the link to the server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Link {
    /// Time for a small request and its response, in seconds.
    pub round_trip_seconds: f64,
    /// Bandwidth in bytes per second.
    pub bytes_per_second: f64,
}

impl Default for Link {
    /// A typical home connection; used until something was measured.
    fn default() -> Self {
        Self { round_trip_seconds: 0.05, bytes_per_second: 4e6 }
    }
}

/// A method to get the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// From the installed version only.
    Seed,
    /// One by one from a store.
    Chunks,
    /// A bundle that builds on an installed version, and chunks for the rest.
    Delta,
    /// Several such bundles, each building on the version that the previous one leads to.
    Deltas,
    /// Sections of a bundle that needs no older version, and chunks for the rest.
    Full,
}

/// The estimated cost of a method.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// The method that this is the price of.
    pub way: Method,
    /// Bytes of content to receive. An estimate for single chunks.
    pub bytes: u64,
    /// Number of requests for content.
    pub requests: u64,
    /// Number of sections to unpack.
    pub sections: u64,
    /// Number of chunks that are fetched one by one.
    pub chunks: u64,
    /// Estimated time until everything has arrived, in seconds.
    pub seconds: f64,
    /// Memory needed to unpack the largest section, in bytes.
    pub memory_bytes: u64,
    /// Whether this method was chosen.
    pub chosen: bool,
}

/// The sections to use from one bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The bundle, by position in the list of offers.
    pub offer: usize,
    /// Sections by their position in the table; those of one inner list share a request.
    pub reads: Vec<Vec<usize>>,
    /// Chunks of an intermediate version that a later step builds on.
    pub keep: HashSet<ChunkId>,
}

/// The steps for bundles; stores supply all other chunks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strategy {
    /// Steps in order: a later one may build on an earlier one.
    pub steps: Vec<Step>,
    /// All methods considered, cheapest first.
    pub prices: Vec<Price>,
}

/// The input of the choice.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Chunks that only other machines have.
    pub wanted: &'a [WantedChunk],
    /// Available bundles.
    pub offers: &'a [BundleOffer],
    /// Size of a stored chunk relative to its plain size, see [`stored_ratio`].
    pub stored_ratio: f64,
    /// Speed of the link to the server.
    pub link: Link,
}

/// Chooses the method that takes the least time.
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

/// Estimated stored size of each wanted chunk, in bytes. A single chunk usually compresses no better than in a section,
/// so the length of a section shows where the version's average is too low. Whole bytes, because a sum of fractions
/// depends on the order, and a map has none.
fn stored_bytes(inputs: &Inputs<'_>) -> HashMap<ChunkId, u64> {
    let average = |want: &WantedChunk| (want.id, scaled(want.size, inputs.stored_ratio));
    let mut stored: HashMap<ChunkId, u64> = inputs.wanted.iter().map(average).collect();
    for offer in inputs.offers {
        for section in &offer.table.sections {
            let ratio = ratio(section.packed_bytes, section.plain_bytes);
            for chunk in section.positions().filter_map(|at| offer.to.index.get(at)) {
                stored.entry(chunk.id).and_modify(|bytes| *bytes = (*bytes).max(scaled(chunk.size(), ratio)));
            }
        }
    }
    stored
}

#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// This many bytes times a ratio that is not negative, rounded up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate that is not negative")]
#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn scaled(bytes: u64, ratio: f64) -> u64 {
    (bytes as f64 * ratio).ceil() as u64
}

/// Seconds to fetch this many chunks of this many bytes in all, one by one.
#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn seconds_of_chunks(inputs: &Inputs<'_>, count: u64, bytes: u64) -> f64 {
    let waiting = count as f64 / CHUNKS_AT_ONCE * inputs.link.round_trip_seconds;
    let sending = (bytes as f64 + count as f64 * REQUEST_BYTES) / inputs.link.bytes_per_second;
    sending.max(waiting)
}

impl Candidate {
    fn chunks(inputs: &Inputs<'_>, stored: &HashMap<ChunkId, u64>) -> Self {
        let count = inputs.wanted.len() as u64;
        let bytes = stored.values().sum();
        let seconds = seconds_of_chunks(inputs, count, bytes);
        let price = Price {
            way: if count == 0 { Method::Seed } else { Method::Chunks },
            bytes,
            requests: count,
            sections: 0,
            chunks: count,
            seconds: if count == 0 { 0.0 } else { seconds + inputs.link.round_trip_seconds },
            memory_bytes: inputs.wanted.iter().map(|want| want.size).max().unwrap_or(0),
            chosen: false,
        };
        Self { steps: Vec::new(), price }
    }

    /// The cost of an offer, including the offers that must be used before it.
    #[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
    fn of(inputs: &Inputs<'_>, stored: &HashMap<ChunkId, u64>, last: usize) -> Self {
        let mut need = Need { wanted: stored.clone(), built_on: HashSet::new() };
        let mut steps: Vec<Step> = Vec::new();
        let mut cost = Cost::default();
        let mut next = Some(last);
        while let Some((at, offer)) = next.and_then(|at| Some((at, inputs.offers.get(at)?))) {
            let keep = need.built_on.clone();
            let reads = take_from(inputs, offer, &mut need, &mut cost);
            steps.insert(0, Step { offer: at, reads, keep });
            // Terminates, because an offer is listed before those that build on it.
            next = offer.after().filter(|before| *before < at);
        }
        let left = need.wanted;
        let rest_bytes = left.values().sum();
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
            bytes: cost.bytes + rest_bytes,
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

/// Chunks still needed.
struct Need {
    /// Wanted chunks, each with its stored size in bytes.
    wanted: HashMap<ChunkId, u64>,
    /// Chunks of intermediate versions that selected sections build on.
    built_on: HashSet<ChunkId>,
}

/// Total cost of the selected sections.
#[derive(Default)]
struct Cost {
    bytes: u64,
    requests: u64,
    seconds: f64,
    sections: u64,
    unpacked_bytes: u64,
    memory_bytes: u64,
}

/// Selects the sections of a bundle that pay off, and those that later bundles build on.
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
        let (count, bytes) = useful.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        let chunk_seconds = seconds_of_chunks(inputs, count, bytes);
        // Continuing a partly received section takes a request of its own.
        let joins = is_open && kept == 0 && place.start - end <= MAX_GAP_BYTES;
        let received = place.end - if joins { end } else { place.start + kept };
        let wait = if joins || is_kept { 0.0 } else { inputs.link.round_trip_seconds };
        let sending = received as f64 / inputs.link.bytes_per_second;
        let seconds = if offer.is_here { 0.0 } else { sending + wait };
        // The first request waits for one round trip in either case.
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
    /// Adds the chunks of a section's prefix that are not installed.
    fn build_on(&mut self, offer: &BundleOffer, section: &Section) {
        let Some(old) = offer.old.as_ref().filter(|old| old.between.is_some()) else { return };
        let chunks = section.prefix.iter().flat_map(|range| old.index().positions(range.clone()));
        let ids = chunks.filter_map(|at| old.index().get(at)).map(|chunk| chunk.id);
        self.built_on.extend(ids.filter(|id| !old.seed.has(id)));
    }
}

impl Strategy {
    /// The price of the chosen method.
    pub fn price(&self) -> Option<&Price> {
        self.prices.iter().find(|price| price.chosen)
    }
}

#[cfg(test)]
mod tests;
