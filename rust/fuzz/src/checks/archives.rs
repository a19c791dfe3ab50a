//! Helpers that read and write archives.

use vsekai_updater::formats::archive::{Forward, Layout, Segment, Walk};
use vsekai_updater::{Error, Result};

/// Reads the layout of an archive from its end.
pub fn walk(archive: &[u8]) -> Result<Layout> {
    let mut walk = Walk::new(archive.len() as u64)?;
    // Each round reads one level deeper, or doubles what it reads of an element.
    let mut rounds = archive.len() + 100;
    while !walk.wants().is_empty() {
        walk.advance(&mut |want| Ok(Some(archive[want.start as usize..want.end as usize].to_vec())))?;
        rounds = rounds.checked_sub(1).expect("a walk that does not end");
    }
    walk.finish()
}

/// Reads the layout of an archive from its start, in pieces whose sizes depend on `seed`.
pub fn forward(archive: &[u8], seed: u8) -> Result<Layout> {
    let mut forward = Forward::new();
    let (mut rest, mut state) = (archive, u32::from(seed));
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Small seeds lead to pieces of a few bytes, large ones to larger pieces.
        let piece = 1 + (state >> 8) as usize % (1 << (seed % 14));
        let (now, later) = rest.split_at(piece.min(rest.len()));
        forward.feed(now)?;
        rest = later;
    }
    forward.finish()
}

/// Renders the stream of a layout; `content` returns the file byte at each position in the stream.
pub fn render(layout: &Layout, content: impl Fn(u64) -> u8) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in layout.segments(0..layout.stream_bytes()) {
        match segment {
            Segment::Header(bytes) => out.extend_from_slice(&bytes),
            Segment::Payload { len, .. } => {
                let at = out.len() as u64;
                out.extend((at..at + len).map(&content));
            }
        }
    }
    out
}

/// Whether two results are the same, except for an error's position and text.
pub fn agree(a: &Result<Layout>, b: &Result<Layout>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Err(a), Err(b)) => is_refusal(a) && is_refusal(b),
        _ => false,
    }
}

// Errors must blame the input, not the caller.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Malformed { .. } | Error::UnsafePath { .. })
}
