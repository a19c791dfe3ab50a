//! Work that is too much for one transaction, in steps.

use super::{STEP, STEP_BYTES};

/// Splits into steps of at most [`STEP`] items and about [`STEP_BYTES`]: one item may be larger than that.
pub(super) fn steps<T>(all: &[T], size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    steps_of(all, STEP, size)
}

/// [`steps`] of at most this many items.
pub(super) fn steps_of<T>(all: &[T], most: usize, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut steps = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, item) in all.iter().enumerate() {
        let more = size(item);
        if at > start && (at - start >= most || bytes + more > STEP_BYTES) {
            steps.push(&all[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    if start < all.len() {
        steps.push(&all[start..]);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_neither_too_many_items_nor_too_many_bytes() {
        let small = vec![0; 2 * STEP + 1];
        let lengths: Vec<_> = steps(&small, |_| 1).iter().map(|step| step.len()).collect();
        assert_eq!(lengths, [STEP, STEP, 1]);
        let large = [STEP_BYTES / 2, STEP_BYTES / 2, 1, STEP_BYTES + 1, 1];
        let found: Vec<_> = steps(&large, |size| *size).iter().map(|step| step.len()).collect();
        assert_eq!(found, [2, 1, 1, 1]);
        assert!(steps(&[0; 0], |_| 1).is_empty());
    }
}
