//! What a day costs at the list prices of three providers.
//!
//! As published for Europe and North America, looked up in 2026: Amazon `CloudFront` (the first terabyte of a month is free,
//! then by steps), bunny.net (standard network), and Cloudflare R2 behind its own cache, which charges reads of the
//! bucket and no bytes. All bytes of the day are taken to be the only ones of the month.

const GB: f64 = 1e9;
/// Up to how many GB, and dollars for each.
const CLOUDFRONT: [(f64, f64); 6] = [
    (1_000.0, 0.0),
    (11_000.0, 0.085),
    (51_000.0, 0.080),
    (151_000.0, 0.060),
    (501_000.0, 0.040),
    (f64::INFINITY, 0.030),
];
const BUNNY: f64 = 0.01;
const R2_MILLION_READS: f64 = 0.36;

/// Dollars for the bytes that players received.
pub(crate) fn cloudfront(bytes: f64) -> f64 {
    let all = bytes / GB;
    let steps = CLOUDFRONT.iter().scan(0.0, |from, (to, price)| {
        let part = (all.min(*to) - *from).max(0.0);
        *from = *to;
        Some(part * price)
    });
    steps.sum()
}

/// Dollars for the bytes that players received.
pub(crate) fn bunny(bytes: f64) -> f64 {
    bytes / GB * BUNNY
}

/// Dollars for the requests that no cache answered.
pub(crate) fn r2(origin_requests: f64) -> f64 {
    origin_requests / 1e6 * R2_MILLION_READS
}
