//! Tests of the choice, for various links and bundles.

use std::ops::Range;
use std::sync::Arc;

use super::*;
use crate::digest::Digest;
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::bundle::{BundleInfo, Effort, Filter, SectionContent, Table};
use crate::formats::index::{ChunkSizes, FeatureFlags, Index};
use crate::local::offer::{BundleFile, DeltaBase, IntermediateBase, VersionContent};
use crate::local::sources::Transfer;

const CHUNK_BYTES: u64 = 64 << 10;

/// A choice never reads the bundle.
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

fn version(chunks: u8) -> VersionContent {
    let index = index(chunks);
    VersionContent { layout: Arc::new(Layout::blob(index.stream_bytes())), index: Arc::new(index) }
}

/// A bundle for a version of 200 chunks, with a section for each of these runs, packed to the given size in bytes.
fn offer(from: Option<u8>, sections: &[(Range<u32>, u64)]) -> BundleOffer {
    let section = |(run, packed_bytes): &(Range<u32>, u64)| Section {
        content: SectionContent::Chunks(std::iter::once(run.clone()).collect()),
        filter: Filter::None,
        prefix: Vec::new(),
        packed_bytes: *packed_bytes,
        plain_bytes: u64::from(run.end - run.start) * CHUNK_BYTES,
    };
    let from = from.map(|number| Digest([number; 32]));
    let table = Table { from, to: Digest::default(), sections: sections.iter().map(section).collect() };
    let length = sections.iter().map(|(_, bytes)| bytes).sum();
    let info =
        BundleInfo { id: Digest::default(), length, front_bytes: 1, plain_bytes: length, from, effort: Effort::Normal };
    let (table, to) = (Arc::new(table), version(200));
    BundleOffer {
        info,
        table,
        sections_at: 100,
        file: Arc::new(Unread),
        is_here: false,
        kept: HashMap::new(),
        to,
        old: None,
    }
}

fn chosen(index: &Index, wanted: Range<usize>, offers: &[BundleOffer], link: Link) -> Strategy {
    let wanted: Vec<WantedChunk> =
        wanted.filter_map(|at| index.get(at)).map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
    choose(&Inputs { wanted: &wanted, offers, stored_ratio: 0.5, link })
}

fn way(route: &Strategy) -> Method {
    route.price().unwrap().way
}

#[test]
fn a_small_delta_is_taken_and_all_ways_have_their_price() {
    let index = index(100);
    let route = chosen(&index, 0..100, &[offer(Some(1), &[(0..100, 90_000)])], Link::default());
    assert_eq!(way(&route), Method::Delta);
    assert_eq!((route.prices[0].bytes, route.prices[0].requests, route.prices[0].chunks), (90_000, 1, 0));
    assert_eq!((route.prices[1].way, route.prices[1].requests), (Method::Chunks, 100));
    assert_eq!(route.prices[1].bytes, 100 * CHUNK_BYTES / 2);
}

#[test]
fn a_delta_that_is_larger_than_the_chunks_is_left_alone() {
    let index = index(4);
    let route = chosen(&index, 0..1, &[offer(Some(1), &[(0..4, 4 * CHUNK_BYTES)])], Link::default());
    assert_eq!((way(&route), route.steps.len()), (Method::Chunks, 0));
}

#[test]
fn chunks_are_taken_to_compress_no_better_than_in_a_section() {
    let index = index(4);
    // Half of it, if all chunks were average.
    let route = chosen(&index, 0..4, &[offer(Some(1), &[(0..4, 4 * CHUNK_BYTES)])], Link::default());
    assert_eq!(way(&route), Method::Delta);
    assert_eq!((route.prices[1].way, route.prices[1].bytes), (Method::Chunks, 4 * CHUNK_BYTES));
}

#[test]
fn with_nothing_to_fetch_nothing_is_fetched() {
    let route = chosen(&index(4), 0..0, &[offer(None, &[(0..4, 9)])], Link::default());
    assert_eq!((way(&route), route.price().unwrap().bytes), (Method::Seed, 0));
}

#[test]
fn only_sections_that_pay_are_read_and_the_rest_comes_chunk_by_chunk() {
    let index = index(100);
    // The last section has one wanted chunk in fifty.
    let full = offer(None, &[(0..50, 1_000_000), (50..100, 1_000_000)]);
    let route = chosen(&index, 0..51, &[full], Link::default());
    assert_eq!(way(&route), Method::Full);
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
        let wanted: Vec<WantedChunk> = index
            .iter()
            .enumerate()
            .filter(|(at, _)| wanted(*at))
            .map(|(_, chunk)| WantedChunk { id: chunk.id, size: chunk.size() })
            .collect();
        let inputs = Inputs { wanted: &wanted, offers: &offers, stored_ratio: 0.5, link: Link::default() };
        assert_eq!(choose(&inputs).steps[0].reads, reads, "a gap of {bytes}");
    }
}

#[test]
fn on_a_long_line_fewer_requests_win_over_fewer_bytes() {
    let index = index(100);
    let offers = [offer(None, &[(0..100, 3_400_000)])];
    // Nine out of ten chunks are wanted.
    let near = Link { round_trip_seconds: 0.001, bytes_per_second: 1e6 };
    let far = Link { round_trip_seconds: 2.0, bytes_per_second: 1e6 };
    assert_eq!(way(&chosen(&index, 0..90, &offers, near)), Method::Chunks);
    assert_eq!(way(&chosen(&index, 0..90, &offers, far)), Method::Full);
}

#[test]
fn a_bundle_that_is_here_already_is_used_whatever_else_there_is() {
    let index = index(4);
    let here = |is_here| [BundleOffer { is_here, ..offer(Some(1), &[(0..4, 4 * CHUNK_BYTES)]) }];
    assert_eq!(way(&chosen(&index, 0..1, &here(false), Link::default())), Method::Chunks);
    let route = chosen(&index, 0..1, &here(true), Link::default());
    assert_eq!((way(&route), route.prices[0].requests), (Method::Delta, 0));
}

/// The installed version has chunks 0 to 9; an intermediate one has these and 10 to 19; the wanted one has 20 to 29,
/// which are packed against some of each.
fn row() -> (Index, [BundleOffer; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let (installed, between) = (index(10), version(20));
    let layout = Layout::blob(installed.stream_bytes());
    let seed = Arc::new(crate::local::seed::Seed::new(folder.path(), installed, layout).unwrap());
    let mut first = offer(Some(1), &[(10..15, 10_000), (15..20, 10_000)]);
    first.old = Some(DeltaBase { seed: Arc::clone(&seed), between: None });
    let mut second = offer(Some(2), &[(20..30, 20_000)]);
    let mut table = Table::clone(&second.table);
    table.sections[0].prefix = std::iter::once(8 * CHUNK_BYTES..12 * CHUNK_BYTES - 1).collect();
    second.table = Arc::new(table);
    second.old = Some(DeltaBase { seed, between: Some(IntermediateBase { version: between, after: 0 }) });
    (index(30), [first, second])
}

#[test]
fn of_deltas_in_a_row_that_is_taken_which_the_next_builds_on() {
    let (index, offers) = row();
    let route = chosen(&index, 20..30, &offers, Link::default());
    assert_eq!(way(&route), Method::Deltas);
    let reads: Vec<_> = route.steps.iter().map(|step| (step.offer, step.reads.clone())).collect();
    assert_eq!(reads, [(0, vec![vec![0]]), (1, vec![vec![0]])]);
    let kept: HashSet<ChunkId> = [10, 11].map(|number| ChunkId::from_bytes([number; 32])).into();
    assert_eq!(route.steps[0].keep, kept);
    assert_eq!((route.prices[0].bytes, route.prices[0].requests), (30_000, 2));
}

#[test]
fn of_deltas_in_a_row_that_is_taken_which_is_wanted_itself() {
    let (index, offers) = row();
    let route = chosen(&index, 15..30, &offers, Link::default());
    assert_eq!((way(&route), route.prices[0].chunks), (Method::Deltas, 0));
    assert_eq!(route.steps[0].reads, [vec![0, 1]]);
}

#[test]
fn what_was_received_before_costs_nothing_again() {
    let index = index(100);
    let fresh = offer(Some(1), &[(0..40, 40_000), (40..80, 50_000), (80..100, 60_000)]);
    let price = |kept: &[(usize, u64)]| {
        let offer = BundleOffer { kept: kept.iter().copied().collect(), ..fresh.clone() };
        let route = chosen(&index, 0..100, &[offer], Link::default());
        assert_eq!(way(&route), Method::Delta);
        let price = route.price().unwrap();
        (price.bytes, price.requests)
    };
    assert_eq!(price(&[]), (150_000, 1));
    assert_eq!(price(&[(0, 10_000)]), (140_000, 1), "it continues in the first section");
    assert_eq!(price(&[(0, 40_000)]), (110_000, 1), "the first is complete");
    assert_eq!(price(&[(1, 20_000)]), (130_000, 2), "the first is fetched, and the second continued");
    assert_eq!(price(&[(0, 40_000), (1, 50_000), (2, 60_000)]), (0, 0));
}

#[test]
fn the_same_choice_has_the_same_price_each_time() {
    let index = index(199);
    // Odd sizes, so that the estimates are fractions whose sum depends on the order.
    let wanted: Vec<WantedChunk> = (0..199)
        .filter_map(|at| index.get(at))
        .zip(0..)
        .map(|(it, n)| WantedChunk { id: it.id, size: 9_001 + n * 7 })
        .collect();
    let offers = [offer(Some(1), &[(0..40, 1_299_998), (40..80, 1_288_887), (80..150, 2_777_777)])];
    let prices = || {
        let inputs = Inputs { wanted: &wanted, offers: &offers, stored_ratio: 0.1 + 0.2, link: Link::default() };
        choose(&inputs).prices.iter().map(|it| (it.bytes, it.seconds.to_bits())).collect::<Vec<_>>()
    };
    let first = prices();
    assert!((0..100).all(|_| prices() == first));
}
