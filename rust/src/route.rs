//! Chooses how chunks come: one by one, out of bundles, or some of each. Pure: it asks nobody.
//!
//! In: the wanted chunks, the bundles that can be had with their tables, and what the line is like. Out: a [`Route`],
//! plain data, and the price of each way that was looked at. [`fetch`](crate::fetch) carries it out.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::bundle::Section;
use crate::chunk::ChunkId;
use crate::fetch::{Offer, Wanted};
use crate::index::Index;

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
pub enum Way {
    /// From what is installed.
    Seed,
    /// One by one from the store.
    Chunks,
    /// A bundle that builds on an installed version, and chunks for what it does not have.
    Delta,
    /// Sections of a bundle that needs nothing, and chunks for what they do not have.
    Full,
}

/// What a way would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// The way.
    pub way: Way,
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
}

/// What is taken from bundles; whatever they do not give comes from the stores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Route {
    /// In this order.
    pub steps: Vec<Step>,
    /// All ways that were looked at, the cheapest first.
    pub prices: Vec<Price>,
}

/// What a route is chosen from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The wanted version.
    pub index: &'a Index,
    /// Chunks that only another machine has.
    pub wanted: &'a [Wanted],
    /// Bundles that can be had.
    pub offers: &'a [Offer],
    /// What a stored chunk is to its plain size.
    pub stored_ratio: f64,
    /// The line.
    pub link: Link,
}

/// Chooses the way that takes least time.
pub fn choose(inputs: &Inputs<'_>) -> Route {
    let chunks = Draft::chunks(inputs);
    let mut drafts = vec![chunks];
    drafts.extend(inputs.offers.iter().enumerate().map(|(at, offer)| Draft::of(inputs, at, offer)));
    drafts.sort_by(|a, b| a.price.seconds.total_cmp(&b.price.seconds));
    let mut prices: Vec<Price> = drafts.iter().map(|draft| draft.price).collect();
    let Some(best) = prices.first_mut() else { return Route::default() };
    best.chosen = true;
    let steps = drafts.into_iter().next().and_then(|draft| draft.step).into_iter().collect();
    Route { steps, prices }
}

struct Draft {
    step: Option<Step>,
    price: Price,
}

/// Bytes and seconds that some chunks cost one by one.
#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
fn cost_of_chunks(inputs: &Inputs<'_>, count: u64, plain_bytes: u64) -> (f64, f64) {
    let bytes = plain_bytes as f64 * inputs.stored_ratio;
    let waiting = count as f64 / CHUNKS_AT_ONCE * inputs.link.round_trip_seconds;
    let sending = (bytes + count as f64 * REQUEST_BYTES) / inputs.link.bytes_per_second;
    (bytes, sending.max(waiting))
}

impl Draft {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate that is not negative")]
    fn chunks(inputs: &Inputs<'_>) -> Self {
        let plain_bytes = inputs.wanted.iter().map(|want| want.size).sum();
        let count = inputs.wanted.len() as u64;
        let (bytes, seconds) = cost_of_chunks(inputs, count, plain_bytes);
        let price = Price {
            way: if count == 0 { Way::Seed } else { Way::Chunks },
            bytes: bytes as u64,
            requests: count,
            sections: 0,
            chunks: count,
            seconds: if count == 0 { 0.0 } else { seconds + inputs.link.round_trip_seconds },
            memory_bytes: plain_bytes.min(inputs.index.sizes().max()),
            chosen: false,
        };
        Self { step: None, price }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate that is not negative")]
    #[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits")]
    fn of(inputs: &Inputs<'_>, at: usize, offer: &Offer) -> Self {
        let mut left: HashMap<ChunkId, u64> = inputs.wanted.iter().map(|want| (want.id, want.size)).collect();
        let mut reads: Vec<Vec<usize>> = Vec::new();
        let (mut end, mut bytes, mut memory_bytes, mut unpacked) = (0, 0_u64, 0, 0_u64);
        for (number, (place, section)) in offer.places().enumerate() {
            let useful = useful(inputs.index, section, &left);
            let plain_bytes: u64 = useful.iter().filter_map(|id| left.get(id)).sum();
            let (_, chunk_seconds) = cost_of_chunks(inputs, useful.len() as u64, plain_bytes);
            let joins = !reads.is_empty() && place.start - end <= MAX_GAP_BYTES;
            let received = if joins { place.end - end } else { place.end - place.start };
            let wait = if joins { 0.0 } else { inputs.link.round_trip_seconds };
            let seconds = received as f64 / inputs.link.bytes_per_second + wait;
            if useful.is_empty() || seconds > chunk_seconds {
                continue;
            }
            left.retain(|id, _| !useful.contains(id));
            match reads.last_mut() {
                Some(last) if joins => last.push(number),
                _ => reads.push(vec![number]),
            }
            end = place.end;
            bytes += received;
            unpacked += section.plain_bytes;
            memory_bytes = memory_bytes.max(section.prefix_bytes() + section.plain_bytes + section.packed_bytes);
        }
        let (rest_bytes, rest_seconds) = cost_of_chunks(inputs, left.len() as u64, left.values().sum());
        let round_trips = reads.len() as f64 + f64::from(u8::from(!left.is_empty()));
        let line = bytes as f64 / inputs.link.bytes_per_second + round_trips * inputs.link.round_trip_seconds;
        let price = Price {
            way: if offer.info.from.is_some() { Way::Delta } else { Way::Full },
            bytes: bytes + rest_bytes as u64,
            requests: reads.len() as u64 + left.len() as u64,
            sections: reads.iter().map(|read| read.len() as u64).sum(),
            chunks: left.len() as u64,
            seconds: line.max(unpacked as f64 / UNPACKED_BYTES_PER_SECOND) + rest_seconds,
            memory_bytes,
            chosen: false,
        };
        Self { step: Some(Step { offer: at, reads }), price }
    }
}

/// The wanted chunks that a section gives.
fn useful(index: &Index, section: &Section, left: &HashMap<ChunkId, u64>) -> HashSet<ChunkId> {
    let chunks = section.positions().filter_map(|position| index.get(position));
    chunks.map(|chunk| chunk.id).filter(|id| left.contains_key(id)).collect()
}

impl Route {
    /// The way that is taken.
    pub fn price(&self) -> Option<&Price> {
        self.prices.iter().find(|price| price.chosen)
    }
}

#[cfg(test)]
mod tests;
