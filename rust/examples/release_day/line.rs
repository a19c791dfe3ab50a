//! A line that all its transfers share equally, each at most as fast as its receiver.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::world::Seconds;

/// Processor sharing by virtual time: `sent` is how many bytes each transfer got that was there from the beginning, so a
/// transfer ends when `sent` has grown by its size. That makes each step logarithmic in the number of transfers.
#[derive(Debug)]
pub(crate) struct Line {
    capacity: f64,
    each: f64,
    sent: f64,
    at: Seconds,
    open: BinaryHeap<Open>,
    /// Bytes of each minute.
    minutes: Vec<f64>,
}

#[derive(Debug)]
struct Open {
    until: f64,
    id: u32,
}

impl Line {
    /// `capacity` and `each` in bytes a second.
    pub(crate) fn new(capacity: f64, each: f64) -> Self {
        Self { capacity, each, sent: 0.0, at: 0.0, open: BinaryHeap::new(), minutes: Vec::new() }
    }

    fn rate(&self) -> f64 {
        (self.capacity / self.open.len() as f64).min(self.each)
    }

    fn advance(&mut self, now: Seconds) {
        if !self.open.is_empty() {
            let rate = self.rate();
            self.sent += rate * (now - self.at);
            self.count(rate * self.open.len() as f64, now);
        }
        self.at = now;
    }

    fn count(&mut self, rate: f64, now: Seconds) {
        let mut from = self.at;
        while from < now {
            let minute = (from / 60.0) as usize;
            let to = now.min((minute + 1) as f64 * 60.0);
            if self.minutes.len() <= minute {
                self.minutes.resize(minute + 1, 0.0);
            }
            self.minutes[minute] += rate * (to - from);
            from = to;
        }
    }

    pub(crate) fn begin(&mut self, now: Seconds, id: u32, bytes: f64) {
        self.advance(now);
        self.open.push(Open { until: self.sent + bytes, id });
    }

    /// When the next transfer ends, if none begins before.
    pub(crate) fn next_end(&self) -> Option<Seconds> {
        let left = (self.open.peek()?.until - self.sent).max(0.0);
        Some(self.at + left / self.rate())
    }

    /// Ends the transfer that [`Self::next_end`] spoke of.
    pub(crate) fn end_next(&mut self, now: Seconds) -> Option<u32> {
        self.advance(now);
        self.open.pop().map(|open| open.id)
    }

    pub(crate) fn minutes(&self) -> &[f64] {
        &self.minutes
    }
}

impl Ord for Open {
    /// The heap gives the greatest, which is what ends first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.until.total_cmp(&self.until).then(other.id.cmp(&self.id))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn transfers_share_a_line_and_none_is_faster_than_its_receiver() {
        let mut line = Line::new(10.0, 8.0);
        line.begin(0.0, 1, 16.0);
        assert_eq!(line.next_end(), Some(2.0));
        // 8 bytes are left of the first, and from now on each gets 5 a second.
        line.begin(1.0, 2, 100.0);
        assert_eq!(line.next_end(), Some(2.6));
        assert_eq!(line.end_next(2.6), Some(1));
        // Alone again: 92 bytes at 8 a second.
        assert_eq!(line.next_end(), Some(2.6 + 92.0 / 8.0));
        assert_eq!(line.minutes(), [8.0 + 10.0 * 1.6]);
    }
}
