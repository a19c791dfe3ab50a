//! Metadata packs: an accepted one contains only paths of repository files, and is written and read back unchanged. The
//! first byte tells whether the rest is a pack as transferred or the content of its frame.

use std::collections::BTreeMap;

use vsekai_updater::Error;
use vsekai_updater::formats::metadata_pack::{MetadataPack, PackQuery};

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let outcome = if kind % 2 == 0 { MetadataPack::parse(bytes) } else { MetadataPack::parse_plain(bytes.to_vec()) };
    let pack = match outcome {
        Ok(pack) => pack,
        Err(error) => {
            assert!(matches!(error, Error::Trust { .. } | Error::Unsupported { .. }), "{error}");
            return;
        }
    };
    let mut files = BTreeMap::new();
    for path in pack.paths() {
        let is_known = PackQuery::at(path).is_some_and(|wanted| wanted.path() == path);
        assert!(is_known || path.starts_with("bundles/"), "{path}");
        assert!(path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."), "{path}");
        files.insert(path.to_owned(), pack.get(path).expect("it is named").to_vec());
    }
    if let Ok(packed) = MetadataPack::write(&files) {
        assert_eq!(MetadataPack::parse(&packed).expect("our own"), pack);
    }
}
