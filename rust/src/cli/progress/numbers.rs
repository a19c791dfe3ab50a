//! The numbers of the line: `16.2 MB of 36.0 MB, 3.0 MB/s, 7 s left`.

use std::time::Instant;

use crate::cli::size::bytes;
use crate::event::throughput::Throughput;

/// What goes on now.
#[derive(Default)]
pub(super) struct Step {
    pub(super) label: &'static str,
    /// Set in a step that downloads: received bytes and their rate are shown then.
    pub(super) is_download: bool,
    pub(super) done_bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) throughput: Throughput,
}

/// Done and total, and where they are known, rate and time left.
pub(super) fn numbers(step: &mut Step, now: Instant) -> String {
    let amount = if step.done_bytes <= step.total_bytes {
        format!("{} of {}", bytes(step.done_bytes), bytes(step.total_bytes))
    } else {
        bytes(step.done_bytes)
    };
    match step.throughput.news(now) {
        Some(progress) if progress.bytes_per_second >= 1.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate, shown with two digits"
            )]
            let rate = bytes(progress.bytes_per_second as u64);
            let left = progress.seconds_left.map(|left| format!(", {} left", duration(left))).unwrap_or_default();
            format!("{amount}, {rate}/s{left}")
        }
        _ => amount,
    }
}

/// `7 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a year")]
    let seconds = seconds.clamp(0.0, 31_536_000.0).ceil() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Event, Phase};

    #[test]
    fn numbers_are_of_what_is_received() {
        let mut step = Step { is_download: true, total_bytes: 36_000_000, ..Step::default() };
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        step.throughput.note(&Event::Started { phase: Phase::Assemble, total_bytes: 36_000_000 }, begin);
        assert_eq!(numbers(&mut step, begin), "0 B of 36.0 MB");
        for second in 1..=4 {
            step.done_bytes += 3_000_000;
            step.throughput.note(&Event::Advanced { phase: Phase::Assemble, bytes: 3_000_000 }, at(second));
        }
        assert_eq!(numbers(&mut step, at(4)), "12.0 MB of 36.0 MB, 3.0 MB/s, 8 s left");
        step.done_bytes = 40_000_000;
        assert_eq!(numbers(&mut step, at(5)), "40.0 MB");
    }

    #[test]
    fn times_read_as_they_are_said() {
        assert_eq!([duration(0.2), duration(200.0), duration(7500.0)], ["1 s", "3 min 20 s", "2 h 5 min"]);
    }
}
