//! How chunk bytes are to be kept: plain data, from a URL. Opens nothing, and reads no environment.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::error::{Error, Result};

/// Where chunk bytes live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Beside their rows.
    Database,
    /// In a folder, laid out as a desync store.
    Folder(PathBuf),
    /// In a bucket, below a prefix (which may be empty), laid out as a desync store.
    S3 {
        /// Its name.
        bucket: String,
        /// Without `/` at either end.
        prefix: String,
    },
}

impl Place {
    /// From `database`, `file:///absolute/folder` or `s3://bucket/prefix`.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "database" {
            return Ok(Self::Database);
        }
        let refuse = |reason: &str| Error::Config(format!("chunk store {text:?}: {reason}"));
        let url = Url::parse(text).map_err(|_| refuse("write database, file:///folder or s3://bucket/prefix"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("an address without ? and # is needed"));
        }
        match url.scheme() {
            "file" => {
                url.to_file_path().map(Self::Folder).map_err(|()| refuse("file:/// and an absolute folder is needed"))
            }
            "s3" => match url.host_str() {
                Some(bucket) if bucket.len() >= 3 => {
                    Ok(Self::S3 { bucket: bucket.to_owned(), prefix: url.path().trim_matches('/').to_owned() })
                }
                _ => Err(refuse("the name of a bucket has 3 or more characters")),
            },
            _ => Err(refuse("write database, file:///folder or s3://bucket/prefix")),
        }
    }
}

/// See [`super::Chunks::open`].
#[derive(Clone)]
pub struct Options {
    /// Where the bytes live.
    pub place: Place,
    /// Bytes of memory for the cache. 0: none.
    pub cache_bytes: u64,
    /// The largest chunk, in plain bytes, where it is not the default of the place.
    pub max_chunk_bytes: Option<u64>,
    /// For S3: names and values as in the environment of AWS's own tools (`aws_access_key_id`, `aws_endpoint`,
    /// `aws_allow_http`, …), in lower case.
    pub s3: Vec<(String, String)>,
    /// The longest that one request to an object store may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.s3.iter().map(|(name, _)| name).collect();
        f.debug_struct("Options")
            .field("place", &self.place)
            .field("cache_bytes", &self.cache_bytes)
            .field("max_chunk_bytes", &self.max_chunk_bytes)
            .field("s3", &names)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// `CockroachDB`'s documentation advises against values of more than a megabyte.
const MAX_DATABASE_CHUNK_BYTES: u64 = 1 << 20;

impl Options {
    /// The usual ones for a place: 256 MiB of cache, 30 seconds a request.
    pub fn new(place: Place) -> Self {
        Self { place, cache_bytes: 256 << 20, max_chunk_bytes: None, s3: Vec::new(), timeout: Duration::from_secs(30) }
    }

    /// The largest chunk, in plain bytes.
    pub fn max_chunk_bytes(&self) -> u64 {
        let usual = match self.place {
            Place::Database => MAX_DATABASE_CHUNK_BYTES,
            Place::Folder(_) | Place::S3 { .. } => vsekai_updater::limits::MAX_CHUNK_BYTES,
        };
        let max = self.max_chunk_bytes.unwrap_or(usual);
        max.min(vsekai_updater::limits::MAX_CHUNK_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_address() {
        assert_eq!(Place::parse("database").unwrap(), Place::Database);
        let folder = Place::parse("file:///srv/my%20chunks").unwrap();
        assert_eq!(folder, Place::Folder("/srv/my chunks".into()));
        let (bucket, prefix) = ("updates".to_owned(), "a/b".to_owned());
        assert_eq!(Place::parse("s3://updates/a/b/").unwrap(), Place::S3 { bucket, prefix });
    }

    #[test]
    fn addresses_of_nothing_are_refused() {
        for text in ["", "chunks", "s3://ab", "s3:///x", "http://x/", "file:///a?b", "s3://abc/#x"] {
            let error = Place::parse(text).unwrap_err();
            assert_eq!(error.code(), "config_invalid", "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut options = Options::new(Place::Database);
        options.s3 = vec![("aws_secret_access_key".to_owned(), "hush".to_owned())];
        assert!(!format!("{options:?}").contains("hush"));
    }

    #[test]
    fn the_database_takes_smaller_chunks_than_an_object_store() {
        assert_eq!(Options::new(Place::Database).max_chunk_bytes(), 1 << 20);
        assert_eq!(Options::new(Place::Folder("/".into())).max_chunk_bytes(), 16 << 20);
        let mut options = Options::new(Place::Database);
        options.max_chunk_bytes = Some(u64::MAX);
        assert_eq!(options.max_chunk_bytes(), 16 << 20);
    }
}
