//! casync's rolling hash and its boundary test, in a form for one chunk and a form for whole spans.
//!
//! The hash is kept as its complement `!h`. A boundary is `h % d == d - 1`, that is `h + 1` divisible by
//! `d`, and `h + 1` is `-(!h)`: so one multiplication by the negated inverse of `d`'s odd part and one
//! comparison rule out nearly every position, and the few left are held against the definition.
//!
//! The hash of a position depends on the 48 bytes before it and on nothing else. It knows no chunk
//! starts and no size bounds: [`super::Chunker`] does.
//!
//! Source of the algorithm: casync `cachunker.c`.

use std::ops::Range;

use super::table::{INCOMING, OUTGOING};

/// Bytes that one hash covers.
pub(super) const WINDOW: usize = 48;

/// Bytes of one lane between two looks at the slices' bounds.
const BLOCK: usize = 32;

/// Lanes of [`Buzhash::scan`]: each step waits for the one before it, so lanes fill the gaps.
const LANES: usize = 2;

/// The boundary test for one average chunk size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Buzhash {
    discriminator: u32,
    /// Negated inverse of the discriminator's odd part, modulo 2^32.
    factor: u32,
    /// Largest quotient that the odd part has in 32 bits.
    limit: u32,
}

impl Buzhash {
    /// The test `h % discriminator == discriminator - 1`. A discriminator of 0 counts as 1.
    pub(super) fn new(discriminator: u32) -> Self {
        let discriminator = discriminator.max(1);
        let odd = discriminator >> discriminator.trailing_zeros();
        // Newton's iteration: the first guess has three right bits, each round doubles them.
        let inverse = (0..4).fold(odd, |x, _| x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x))));
        Self { discriminator, factor: inverse.wrapping_neg(), limit: u32::MAX / odd }
    }

    /// The first boundary among `positions`, which are at least [`WINDOW`] and at most `data.len()`.
    pub(super) fn find(&self, data: &[u8], positions: Range<usize>) -> Option<usize> {
        let (first, last) = (positions.start, positions.end.checked_sub(1)?);
        let mut state = state_at(data, first)?;
        if self.is_boundary(state) {
            return Some(first);
        }
        let incoming = data.get(first..last)?;
        let outgoing = &data[first - WINDOW..last - WINDOW];
        let (in_blocks, in_rest) = incoming.as_chunks::<BLOCK>();
        let (out_blocks, out_rest) = outgoing.as_chunks::<BLOCK>();
        for (block, (arriving, leaving)) in in_blocks.iter().zip(out_blocks).enumerate() {
            for at in 0..BLOCK {
                state = roll(state, arriving[at], leaving[at]);
                if self.may_be_boundary(state) && self.is_boundary(state) {
                    return Some(first + block * BLOCK + at + 1);
                }
            }
        }
        let done = first + in_blocks.len() * BLOCK;
        for (at, (&arriving, &leaving)) in in_rest.iter().zip(out_rest).enumerate() {
            state = roll(state, arriving, leaving);
            if self.is_boundary(state) {
                return Some(done + at + 1);
            }
        }
        None
    }

    /// Every boundary among the positions after each byte of `data[span]`, in order.
    pub(super) fn scan(&self, data: &[u8], span: Range<usize>) -> Vec<usize> {
        let first = span.start.saturating_add(1).max(WINDOW);
        let last = span.end.min(data.len());
        let mut hits = Vec::new();
        let Some(state) = state_at(data, first).filter(|_| first <= last) else { return hits };
        if self.is_boundary(state) {
            hits.push(first);
        }
        let lane_bytes = (last - first) / LANES / BLOCK * BLOCK;
        self.scan_lanes(data, first, lane_bytes, &mut hits);
        let mut from = first + LANES * lane_bytes + 1;
        while let Some(hit) = self.find(data, from..last + 1).filter(|_| from <= last) {
            hits.push(hit);
            from = hit + 1;
        }
        hits
    }

    /// Boundaries at the `LANES * lane_bytes` positions after `first`.
    fn scan_lanes(&self, data: &[u8], first: usize, lane_bytes: usize, hits: &mut Vec<usize>) {
        let starts: [usize; LANES] = std::array::from_fn(|lane| first + lane * lane_bytes);
        let mut states = starts.map(|start| state_at(data, start).unwrap_or_default());
        let arriving = starts.map(|start| data[start..start + lane_bytes].as_chunks::<BLOCK>().0);
        let leaving = starts.map(|start| data[start - WINDOW..start - WINDOW + lane_bytes].as_chunks::<BLOCK>().0);
        let mut found: [Vec<usize>; LANES] = Default::default();
        for block in 0..lane_bytes / BLOCK {
            let arriving = arriving.map(|blocks| &blocks[block]);
            let leaving = leaving.map(|blocks| &blocks[block]);
            for at in 0..BLOCK {
                for lane in 0..LANES {
                    let state = roll(states[lane], arriving[lane][at], leaving[lane][at]);
                    states[lane] = state;
                    if self.may_be_boundary(state) && self.is_boundary(state) {
                        found[lane].push(starts[lane] + block * BLOCK + at + 1);
                    }
                }
            }
        }
        for lane in found {
            hits.extend(lane);
        }
    }

    /// Never false for a boundary; false for all but one in the discriminator's odd part of the others.
    #[inline(always)]
    fn may_be_boundary(&self, state: u32) -> bool {
        state.wrapping_mul(self.factor) <= self.limit
    }

    #[inline]
    fn is_boundary(&self, state: u32) -> bool {
        !state % self.discriminator == self.discriminator - 1
    }
}

/// The state at `position`, or nothing if fewer than [`WINDOW`] bytes come before it.
fn state_at(data: &[u8], position: usize) -> Option<u32> {
    let window = data.get(position.checked_sub(WINDOW)?..position)?;
    Some(!window.iter().fold(0_u32, |hash, &byte| hash.rotate_left(1) ^ INCOMING[usize::from(byte)]))
}

#[inline(always)]
fn roll(state: u32, arriving: u8, leaving: u8) -> u32 {
    state.rotate_left(1) ^ (OUTGOING[usize::from(leaving)] ^ INCOMING[usize::from(arriving)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_has_the_values_of_casync() {
        let bytes: Vec<u8> = (0..49).collect();
        let first = state_at(&bytes, 48).unwrap();
        assert_eq!(!first, 0x6b67_dec6);
        assert_eq!(!roll(first, bytes[48], bytes[0]), 0xa3fc_25f1);
        assert_eq!(state_at(&bytes, 49), Some(roll(first, bytes[48], bytes[0])));
        assert_eq!(!state_at(&[0; 48], 48).unwrap(), 0x9e48_9e48);
        assert_eq!(state_at(&bytes, 47), None);
    }

    #[test]
    fn filter_passes_every_boundary_and_little_else() {
        for d in [1_u32, 2, 3, 4096, 12_318, 49_535, 65_536, 202_440, 886_711, 5_721_670] {
            let hash = Buzhash::new(d);
            let odd = d >> d.trailing_zeros();
            let far = (0..100_000_u32).map(|n| n.wrapping_mul(42_949).wrapping_sub(1));
            for h in far.chain((1..700).map(|n| n * d - 1)).chain([u32::MAX, u32::MAX - 1, d - 1, d]) {
                let boundary = h % d == d - 1;
                assert_eq!(hash.is_boundary(!h), boundary, "{h} {d}");
                let divisible_by_odd_part = (u64::from(h) + 1) % u64::from(odd) == 0 || h == u32::MAX;
                assert_eq!(hash.may_be_boundary(!h), divisible_by_odd_part, "{h} {d}");
            }
        }
    }
}
