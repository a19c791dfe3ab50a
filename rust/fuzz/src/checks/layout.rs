//! Layouts as stored in receipts: an accepted one is stored again unchanged, and both readers accept its archive.

use super::archives::{forward, render, walk};
use vsekai_updater::formats::archive::Layout;

const MAX_RENDERED_BYTES: u64 = 1 << 20;

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Ok(layout) = serde_json::from_slice::<Layout>(bytes) else { return };
    let stored = serde_json::to_vec(&layout).expect("a layout can be stored");
    let again: Layout = serde_json::from_slice(&stored).expect("what was stored can be read");
    assert_eq!(again, layout);
    assert_eq!(serde_json::to_vec(&again).expect("a layout can be stored"), stored);
    let end = layout.stream_bytes();
    assert!(layout.segments(end.saturating_sub(1)..end).all(|segment| segment.size() == 1));
    if end > MAX_RENDERED_BYTES || stored.starts_with(b"{\"blob\"") {
        return;
    }
    let archive = render(&layout, |at| at as u8);
    assert_eq!(archive.len() as u64, end);
    assert_eq!(walk(&archive).expect("readable from its end"), layout);
    assert_eq!(forward(&archive, bytes.len() as u8).expect("readable from its start"), layout);
}
