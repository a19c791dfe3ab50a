//! Archives: reading from the end and reading from the start in pieces give the same result, and an accepted archive
//! renders to the same bytes. The first byte determines the size of the pieces, the rest is the archive.

use super::archives::{agree, forward, render, walk};

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Some((&seed, archive)) = bytes.split_first() else { return };
    let (walked, streamed) = (walk(archive), forward(archive, seed));
    assert!(agree(&walked, &streamed), "from the end {walked:?}, from the start {streamed:?}");
    if let Ok(layout) = walked {
        assert_eq!(layout.stream_bytes(), archive.len() as u64);
        assert_eq!(render(&layout, |at| archive[at as usize]), archive);
        let _ = layout.check_case_collisions();
    }
}
