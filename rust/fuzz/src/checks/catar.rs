//! An archive is read alike from its end and from its start in pieces, and what is read renders back.
//! The first byte says how large the pieces are, the rest is the archive.

use super::archives::{agree, forward, render, walk};

/// Panics if what the head promises does not hold for this input.
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
