//! Where and how to keep chunk bytes: plain data, parsed from a URL. Opens nothing, and reads no environment.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::error::{Error, Result};

/// Where chunk bytes live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageLocation {
    /// In the database, next to their rows.
    Database,
    /// In a folder with the layout of a desync store.
    Folder(PathBuf),
    /// In a bucket, below a prefix that may be empty, with the layout of a desync store.
    S3 {
        /// The name of the bucket.
        bucket: String,
        /// The prefix, without `/` at either end.
        prefix: String,
    },
}

/// How a place is written.
const FORMS: &str = "Places are `database`, `file:///ABSOLUTE/FOLDER` and `s3://BUCKET/PREFIX`";

impl StorageLocation {
    /// Parses `database`, `file:///absolute/folder` or `s3://bucket/prefix`.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "database" {
            return Ok(Self::Database);
        }
        let refuse = |reason: &str| Error::config(format!("{text:?} is no place for chunks: {reason}"), FORMS);
        if text.starts_with('/') {
            return Err(refuse(&format!("a folder is named by its address, file://{text}")));
        }
        let url = Url::parse(text).map_err(|_| refuse("it is neither `database` nor an address"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it must not have a query or a fragment"));
        }
        match url.scheme() {
            "file" => url
                .to_file_path()
                .map(Self::Folder)
                .map_err(|()| refuse("a folder is named by file:/// and its absolute path")),
            "s3" => match url.host_str() {
                Some(bucket) if bucket.len() >= 3 => {
                    Ok(Self::S3 { bucket: bucket.to_owned(), prefix: url.path().trim_matches('/').to_owned() })
                }
                _ => Err(refuse("the name of a bucket has at least 3 characters")),
            },
            _ => Err(refuse("only file: and s3: addresses are known")),
        }
    }
}

impl StorageLocation {
    /// The kind of place: `database`, `folder` or `bucket`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Folder(_) => "folder",
            Self::S3 { .. } => "bucket",
        }
    }
}

impl std::fmt::Display for StorageLocation {
    /// As [`StorageLocation::parse`] reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database => f.write_str("database"),
            Self::Folder(folder) => match Url::from_file_path(folder) {
                Ok(url) => f.write_str(url.as_str()),
                Err(()) => write!(f, "file://{}", folder.display()),
            },
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Settings of a chunk store.
#[derive(Clone)]
pub struct Options {
    /// Where the bytes live.
    pub location: StorageLocation,
    /// Size of the cache in bytes; 0 for none.
    pub cache_bytes: u64,
    /// Largest chunk in plain bytes, if it differs from the default of the location.
    pub max_chunk_bytes: Option<u64>,
    /// For S3: names and values as in the environment of AWS's own tools (`aws_access_key_id`, `aws_endpoint`,
    /// `aws_allow_http`, …), in lower case.
    pub s3: Vec<(String, String)>,
    /// How long a request to an object store may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.s3.iter().map(|(name, _)| name).collect();
        f.debug_struct("Options")
            .field("location", &self.location)
            .field("cache_bytes", &self.cache_bytes)
            .field("max_chunk_bytes", &self.max_chunk_bytes)
            .field("s3", &names)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// The documentation of `CockroachDB` advises against values larger than a megabyte.
const MAX_DATABASE_CHUNK_BYTES: u64 = 1 << 20;

impl Options {
    /// The defaults: 256 MiB of cache, and 30 seconds per request.
    pub fn new(location: StorageLocation) -> Self {
        Self {
            location,
            cache_bytes: 256 << 20,
            max_chunk_bytes: None,
            s3: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }

    /// Largest chunk in plain bytes.
    pub fn max_chunk_bytes(&self) -> u64 {
        let usual = match self.location {
            StorageLocation::Database => MAX_DATABASE_CHUNK_BYTES,
            StorageLocation::Folder(_) | StorageLocation::S3 { .. } => vsekai_updater::limits::MAX_CHUNK_BYTES,
        };
        let max = self.max_chunk_bytes.unwrap_or(usual);
        max.min(vsekai_updater::limits::MAX_CHUNK_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_from_its_address() {
        assert_eq!(StorageLocation::parse("database").unwrap(), StorageLocation::Database);
        let folder = StorageLocation::parse("file:///srv/my%20chunks").unwrap();
        assert_eq!(folder, StorageLocation::Folder("/srv/my chunks".into()));
        let (bucket, prefix) = ("updates".to_owned(), "a/b".to_owned());
        assert_eq!(StorageLocation::parse("s3://updates/a/b/").unwrap(), StorageLocation::S3 { bucket, prefix });
    }

    #[test]
    fn addresses_of_nothing_are_refused() {
        for text in ["", "chunks", "s3://ab", "s3:///x", "http://x/", "file:///a?b", "s3://abc/#x"] {
            let error = StorageLocation::parse(text).unwrap_err();
            assert_eq!(error.code(), "config_invalid", "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut options = Options::new(StorageLocation::Database);
        options.s3 = vec![("aws_secret_access_key".to_owned(), "hush".to_owned())];
        assert!(!format!("{options:?}").contains("hush"));
    }

    #[test]
    fn the_database_takes_smaller_chunks_than_an_object_store() {
        assert_eq!(Options::new(StorageLocation::Database).max_chunk_bytes(), 1 << 20);
        assert_eq!(Options::new(StorageLocation::Folder("/".into())).max_chunk_bytes(), 16 << 20);
        let mut options = Options::new(StorageLocation::Database);
        options.max_chunk_bytes = Some(u64::MAX);
        assert_eq!(options.max_chunk_bytes(), 16 << 20);
    }
}
