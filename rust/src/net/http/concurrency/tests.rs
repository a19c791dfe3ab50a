//! The state machine on simulated connections.

use super::*;

/// A connection with a round-trip time and a bandwidth, to a server that answers immediately.
struct Line {
    round_trip: Duration,
    bytes_per_second: Option<f64>,
    chunk_bytes: u64,
}

/// Runs `count` requests over the connection. Returns the time this takes and the most requests in flight.
fn simulate(line: &Line, flight: &mut Concurrency, begun: Instant, count: usize) -> (Duration, usize) {
    let mut under_way: Vec<(Instant, Instant)> = Vec::new();
    let (mut now, mut left, mut peak, mut line_free) = (begun, count, 0, begun);
    while left > 0 || !under_way.is_empty() {
        while left > 0 && under_way.len() < flight.limit() {
            left -= 1;
            let body_can_start = (now + line.round_trip).max(line_free);
            let transfer = line.bytes_per_second.map_or(0.0, |rate| line.chunk_bytes as f64 / rate);
            line_free = body_can_start + Duration::from_secs_f64(transfer);
            under_way.push((line_free, now));
        }
        peak = peak.max(under_way.len());
        under_way.sort();
        let (done, started) = under_way.remove(0);
        now = done;
        flight.answered(started, now, line.chunk_bytes, left > 0);
    }
    (now - begun, peak)
}

const FAST: Line = Line { round_trip: Duration::from_millis(50), bytes_per_second: None, chunk_bytes: 32_000 };

#[test]
fn long_line_is_filled_within_a_few_round_trips() {
    let begun = Instant::now();
    let mut flight = Concurrency::new(128, begun);
    let (took, peak) = simulate(&FAST, &mut flight, begun, 2012);
    assert_eq!(peak, 128);
    // 2012 / 128 = 16 full rounds, 4 to get there.
    assert!(took <= Duration::from_millis(50 * 20), "{took:?}");
}

#[test]
fn narrow_line_is_not_flooded() {
    let line = Line { bytes_per_second: Some(1_250_000.0), ..FAST };
    let begun = Instant::now();
    let mut flight = Concurrency::new(128, begun);
    let (took, _) = simulate(&line, &mut flight, begun, 2000);
    assert!(flight.limit() <= 32, "{}", flight.limit());
    let least = Duration::from_secs_f64(2000.0 * 32_000.0 / 1_250_000.0);
    assert!(took < least + least / 10, "{took:?} against {least:?}");
}

#[test]
fn middling_line_is_used_fully() {
    // 12.5 MB/s at 50 ms hold 20 chunks.
    let line = Line { bytes_per_second: Some(12_500_000.0), ..FAST };
    let begun = Instant::now();
    let mut flight = Concurrency::new(128, begun);
    let (took, _) = simulate(&line, &mut flight, begun, 2000);
    let least = Duration::from_secs_f64(2000.0 * 32_000.0 / 12_500_000.0);
    assert!(took < least + least / 5, "{took:?} against {least:?}");
}

#[test]
fn overload_halves_once_for_all_that_was_under_way() {
    let begun = Instant::now();
    let mut flight = Concurrency::new(128, begun);
    simulate(&FAST, &mut flight, begun, 2012);
    assert_eq!(flight.limit(), 128);
    let at = begun + Duration::from_secs(10);
    for _ in 0..128 {
        flight.overloaded(begun, at);
    }
    assert_eq!(flight.limit(), 64);
    flight.overloaded(at, at + Duration::from_millis(50));
    assert_eq!(flight.limit(), 32);
}

#[test]
fn limit_stays_between_one_and_max() {
    let begun = Instant::now();
    let mut flight = Concurrency::new(3, begun);
    assert_eq!(flight.limit(), 3);
    for second in 1..10 {
        let at = begun + Duration::from_secs(second);
        flight.overloaded(at, at);
    }
    assert_eq!(flight.limit(), 1);
    let begun = begun + Duration::from_secs(20);
    let (_, peak) = simulate(&FAST, &mut flight, begun, 100);
    assert_eq!(peak, 3, "it comes back after trouble");
}

#[test]
fn few_requests_do_not_raise_the_limit() {
    let begun = Instant::now();
    let mut flight = Concurrency::new(128, begun);
    let (_, peak) = simulate(&FAST, &mut flight, begun, 5);
    assert_eq!((peak, flight.limit()), (5, 10));
}
