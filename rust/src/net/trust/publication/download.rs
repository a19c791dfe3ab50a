//! Builds a storage in memory from another repository: downloads its current metadata, file by file.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tough::schema::{Role, Signed, Snapshot, Timestamp};

use super::MemoryStorage;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::PackQuery;
use crate::net::trust::error::{not_json, trust};
use crate::net::trust::{MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES, MAX_TIMESTAMP_BYTES};

/// Reads a file of the repository of at most this many bytes, by its path below the root.
type Get<'a> = &'a dyn Fn(&str, u64) -> Result<Vec<u8>>;

/// Largest number of roots, and of roles, that are downloaded.
const MAX_FILES: u64 = 1024;

impl MemoryStorage {
    /// The current metadata of a repository with these versions of its root, without targets. Nothing is verified here;
    /// [`Publication::open_in`](super::Publication::open_in) does that.
    ///
    /// # Errors
    /// Those of `get`; [`Error::Trust`] of kind `Malformed` if the metadata cannot be parsed, or is too much.
    pub fn download(roots: RangeInclusive<u64>, get: Get<'_>) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut take = |path: String, max_bytes| -> Result<Vec<u8>> {
            let bytes = get(&path, max_bytes)?;
            files.insert(path, bytes.clone());
            Ok(bytes)
        };
        let timestamp: Timestamp = parse("timestamp", &take("tuf/timestamp.json".to_owned(), MAX_TIMESTAMP_BYTES)?)?;
        let meta = timestamp.meta.get("snapshot.json");
        let meta = meta.ok_or_else(|| trust(TrustKind::Malformed, "timestamp.json names no snapshot"))?;
        let path = format!("tuf/{}.snapshot.json", meta.version);
        let snapshot: Snapshot = parse("snapshot", &take(path, MAX_SNAPSHOT_BYTES)?)?;
        if roots.end().saturating_sub(*roots.start()) >= MAX_FILES || snapshot.meta.len() as u64 > MAX_FILES {
            return Err(trust(TrustKind::Malformed, "the repository has too much metadata"));
        }
        for (name, meta) in &snapshot.meta {
            let path = format!("tuf/{}.{name}", meta.version);
            let Some(PackQuery::Role { .. }) = PackQuery::parse(&path) else {
                return Err(trust(TrustKind::Malformed, format!("the snapshot names {name:?}")));
            };
            take(path, MAX_TARGETS_BYTES)?;
        }
        for version in roots {
            take(format!("tuf/{version}.root.json"), MAX_ROOT_BYTES)?;
        }
        Ok(Self::new(files))
    }
}

fn parse<T: Role + serde::de::DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T> {
    let signed: Result<Signed<T>, Error> =
        serde_json::from_slice(bytes).map_err(|e| not_json(&format!("{name}.json"), e));
    Ok(signed?.signed)
}
