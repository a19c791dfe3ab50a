//! An accepted index is written back byte for byte, and its lookups agree with its list.

use vsekai_updater::formats::index::Index;

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Ok(index) = Index::parse(bytes) else { return };
    assert_eq!(index.to_bytes(), bytes);
    let mut copy = Index::new(index.flags(), index.sizes());
    let mut last = 0;
    for (position, chunk) in index.iter().enumerate() {
        assert_eq!(index.get(position), Some(chunk));
        assert_eq!(chunk.start, last);
        assert!(0 < chunk.size() && chunk.size() <= index.sizes().max());
        assert_eq!(index.positions(chunk.range()), position..position + 1);
        assert_eq!(index.positions(chunk.start..chunk.end.saturating_add(1)).start, position);
        assert_eq!(index.positions(0..chunk.end), 0..position + 1);
        copy.push(chunk.id, chunk.size()).expect("what was read can be made");
        last = chunk.end;
    }
    assert_eq!(index.stream_bytes(), last);
    assert_eq!(index.get(index.len()), None);
    assert_eq!(index.positions(0..u64::MAX), 0..index.len());
    assert!(index.positions(last..u64::MAX).is_empty());
    assert_eq!(copy, index);
}
