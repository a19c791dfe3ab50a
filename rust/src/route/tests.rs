//! What is chosen, for lines and bundles of different kinds.

use std::ops::Range;
use std::sync::Arc;

use super::*;
use crate::bundle::{BundleInfo, Content, Digest, Effort, Table};
use crate::error::Result;
use crate::event::Monitor;
use crate::fetch::{BundleFile, Transfer};
use crate::index::{ChunkSizes, FeatureFlags};

const CHUNK_BYTES: u64 = 64 << 10;

/// Nobody reads what is only chosen.
#[derive(Debug)]
struct Unread;

impl BundleFile for Unread {
    fn read(&self, _: Range<u64>, _: &mut (dyn FnMut(&[u8]) -> Result<()> + Send), _: &Monitor) -> Result<Transfer> {
        unreachable!("a choice asks nobody")
    }
}

fn index(chunks: u8) -> Index {
    let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::default());
    for number in 0..chunks {
        index.push(ChunkId::from_bytes([number; 32]), CHUNK_BYTES).unwrap();
    }
    index
}

/// A bundle of these runs, each packed to so many bytes.
fn offer(from: Option<u8>, sections: &[(Range<u32>, u64)]) -> Offer {
    let section = |(run, packed_bytes): &(Range<u32>, u64)| Section {
        content: Content::Chunks(std::iter::once(run.clone()).collect()),
        prefix: Vec::new(),
        packed_bytes: *packed_bytes,
        plain_bytes: u64::from(run.end - run.start) * CHUNK_BYTES,
    };
    let from = from.map(|number| Digest([number; 32]));
    let table = Table { from, to: Digest::default(), sections: sections.iter().map(section).collect() };
    let length = sections.iter().map(|(_, bytes)| bytes).sum();
    let info =
        BundleInfo { id: Digest::default(), length, front_bytes: 1, plain_bytes: length, from, effort: Effort::Normal };
    Offer { info, table: Arc::new(table), sections_at: 100, file: Arc::new(Unread), old: None }
}

fn chosen(index: &Index, wanted: Range<usize>, offers: &[Offer], link: Link) -> Route {
    let wanted: Vec<Wanted> =
        wanted.filter_map(|at| index.get(at)).map(|chunk| Wanted { id: chunk.id, size: chunk.size() }).collect();
    choose(&Inputs { index, wanted: &wanted, offers, stored_ratio: 0.5, link })
}

fn way(route: &Route) -> Way {
    route.price().unwrap().way
}

#[test]
fn a_small_delta_is_taken_and_all_ways_have_their_price() {
    let index = index(100);
    let route = chosen(&index, 0..100, &[offer(Some(1), &[(0..100, 90_000)])], Link::default());
    assert_eq!(way(&route), Way::Delta);
    assert_eq!((route.prices[0].bytes, route.prices[0].requests, route.prices[0].chunks), (90_000, 1, 0));
    assert_eq!((route.prices[1].way, route.prices[1].requests), (Way::Chunks, 100));
    assert_eq!(route.prices[1].bytes, 100 * CHUNK_BYTES / 2);
}

#[test]
fn a_delta_that_is_larger_than_the_chunks_is_left_alone() {
    let index = index(4);
    let route = chosen(&index, 0..4, &[offer(Some(1), &[(0..4, 4 * CHUNK_BYTES)])], Link::default());
    assert_eq!((way(&route), route.steps.len()), (Way::Chunks, 0));
}

#[test]
fn with_nothing_to_fetch_nothing_is_fetched() {
    let route = chosen(&index(4), 0..0, &[offer(None, &[(0..4, 9)])], Link::default());
    assert_eq!((way(&route), route.price().unwrap().bytes), (Way::Seed, 0));
}

#[test]
fn only_sections_that_pay_are_read_and_the_rest_comes_chunk_by_chunk() {
    let index = index(100);
    // The last one has one wanted chunk among fifty.
    let full = offer(None, &[(0..50, 1_000_000), (50..100, 1_000_000)]);
    let route = chosen(&index, 0..51, &[full], Link::default());
    assert_eq!(way(&route), Way::Full);
    assert_eq!(route.steps[0].reads, [vec![0]]);
    assert_eq!((route.prices[0].sections, route.prices[0].chunks), (1, 1));
}

#[test]
fn sections_close_together_come_with_one_request_and_others_do_not() {
    let index = index(120);
    let gap = |bytes| [(0..40, 500_000), (40..80, bytes), (80..120, 500_000)];
    let wanted = |at: usize| !(40..80).contains(&at);
    for (bytes, reads) in [(100_000, vec![vec![0, 2]]), (400_000, vec![vec![0], vec![2]])] {
        let offers = [offer(None, &gap(bytes))];
        let wanted: Vec<Wanted> = index
            .iter()
            .enumerate()
            .filter(|(at, _)| wanted(*at))
            .map(|(_, chunk)| Wanted { id: chunk.id, size: chunk.size() })
            .collect();
        let inputs =
            Inputs { index: &index, wanted: &wanted, offers: &offers, stored_ratio: 0.5, link: Link::default() };
        assert_eq!(choose(&inputs).steps[0].reads, reads, "a gap of {bytes}");
    }
}

#[test]
fn on_a_long_line_fewer_requests_win_over_fewer_bytes() {
    let index = index(100);
    let offers = [offer(None, &[(0..100, 3_400_000)])];
    // The chunks have 3.28 MB.
    let near = Link { round_trip_seconds: 0.001, bytes_per_second: 1e6 };
    let far = Link { round_trip_seconds: 2.0, bytes_per_second: 1e6 };
    assert_eq!(way(&chosen(&index, 0..100, &offers, near)), Way::Chunks);
    assert_eq!(way(&chosen(&index, 0..100, &offers, far)), Way::Full);
}
