//! casync's rolling hash and its boundary test, in one form for single chunks and one for whole spans.
//!
//! The hash is kept as its complement `!h`. A boundary is `h % d == d - 1`, that is, `h + 1` is divisible by `d`; and
//! `h + 1` is `-(!h)`. So one multiplication by the negated inverse of `d`'s odd part and one comparison rule out
//! nearly every position, and the few that remain are checked against the definition.
//!
//! The hash of a position depends only on the 48 bytes before it. Chunk starts and size bounds are the business of
//! [`super::Chunker`].
//!
//! Source of the algorithm: casync `cachunker.c`.

use std::ops::Range;

use super::table::{INCOMING, OUTGOING};

/// Bytes that one hash covers.
pub(super) const WINDOW: usize = 48;

/// Bytes that one round of the inner loop reads from each of its two lanes.
const BLOCK: usize = 16;

/// Positions that [`Buzhash::find`] tests at once, first and at most. It starts small because tests beyond a boundary
/// are wasted.
const STEP: Range<usize> = 256..8192;

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
        // Newton's iteration: the first guess has three correct bits, and each round doubles them.
        let inverse = (0..4).fold(odd, |x, _| x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x))));
        Self { discriminator, factor: inverse.wrapping_neg(), limit: u32::MAX / odd }
    }

    /// The first boundary from `first` to `last`, both included; they are at least [`WINDOW`] and at most `data.len()`.
    pub(super) fn find(&self, data: &[u8], first: usize, last: usize) -> Option<usize> {
        if self.is_boundary(state_at(data, first)?) {
            return Some(first);
        }
        let mut hits = Vec::new();
        let mut tested = first;
        let mut step = STEP.start;
        while tested < last && hits.is_empty() {
            let until = last.min(tested + step);
            self.scan_after(data, tested, until, &mut hits);
            tested = until;
            step = STEP.end.min(step * 2);
        }
        hits.first().copied()
    }

    /// Every boundary among the positions after each byte of `data[span]`, in order.
    pub(super) fn scan(&self, data: &[u8], span: Range<usize>) -> Vec<usize> {
        let first = span.start.saturating_add(1).max(WINDOW);
        let last = span.end.min(data.len());
        let mut hits = Vec::new();
        if first <= last {
            if state_at(data, first).is_some_and(|state| self.is_boundary(state)) {
                hits.push(first);
            }
            self.scan_after(data, first, last, &mut hits);
        }
        hits
    }

    /// Adds the boundaries after `tested`, up to and including `last`, to `hits`.
    fn scan_after(&self, data: &[u8], tested: usize, last: usize, hits: &mut Vec<usize>) {
        let lane_bytes = (last - tested) / 2 / BLOCK * BLOCK;
        self.scan_two_lanes(data, tested, lane_bytes, hits);
        let rest = tested + 2 * lane_bytes;
        let Some(mut state) = state_at(data, rest) else { return };
        for (at, (&arriving, &leaving)) in data[rest..last].iter().zip(&data[rest - WINDOW..]).enumerate() {
            state = roll(state, arriving, leaving);
            if self.is_boundary(state) {
                hits.push(rest + at + 1);
            }
        }
    }

    /// Adds the boundaries at the `2 * lane_bytes` positions after `tested` to `hits`.
    ///
    /// Processes two halves in one loop: each step of a hash waits for the step before it, and the other half's steps
    /// fill the gaps.
    fn scan_two_lanes(&self, data: &[u8], tested: usize, lane_bytes: usize, hits: &mut Vec<usize>) {
        let middle = tested + lane_bytes;
        let (Some(mut left), Some(mut right)) = (state_at(data, tested), state_at(data, middle)) else { return };
        let blocks = |from: usize| data[from..from + lane_bytes].as_chunks::<BLOCK>().0.iter();
        let left_blocks = blocks(tested).zip(blocks(tested - WINDOW));
        let right_blocks = blocks(middle).zip(blocks(middle - WINDOW));
        let mut right_hits = Vec::new();
        for (block, (in_out_left, in_out_right)) in left_blocks.zip(right_blocks).enumerate() {
            let at = block * BLOCK + 1;
            // Unrolled by hand: the compiler does not unroll a loop with a branch out of it.
            macro_rules! steps {
                ($($step:literal)*) => {$(
                    left = roll(left, in_out_left.0[$step], in_out_left.1[$step]);
                    if self.may_be_boundary(left) {
                        self.note(left, tested + at + $step, hits);
                    }
                    right = roll(right, in_out_right.0[$step], in_out_right.1[$step]);
                    if self.may_be_boundary(right) {
                        self.note(right, middle + at + $step, &mut right_hits);
                    }
                )*};
            }
            steps!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        }
        hits.append(&mut right_hits);
    }

    #[cold]
    #[inline(never)]
    fn note(&self, state: u32, position: usize, hits: &mut Vec<usize>) {
        if self.is_boundary(state) {
            hits.push(position);
        }
    }

    /// Never false for a boundary. For other positions, true for only one in as many as the discriminator's odd part.
    #[inline]
    fn may_be_boundary(&self, state: u32) -> bool {
        state.wrapping_mul(self.factor) <= self.limit
    }

    #[inline]
    fn is_boundary(&self, state: u32) -> bool {
        !state % self.discriminator == self.discriminator - 1
    }
}

/// The state at `position`, or `None` if fewer than [`WINDOW`] bytes come before it.
fn state_at(data: &[u8], position: usize) -> Option<u32> {
    let window = data.get(position.checked_sub(WINDOW)?..position)?;
    Some(!window.iter().fold(0_u32, |hash, &byte| hash.rotate_left(1) ^ INCOMING[usize::from(byte)]))
}

#[inline]
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
