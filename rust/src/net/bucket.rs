//! A bucket of an S3-compatible service, as files below a prefix.
//!
//! All calls block. Requests that fail for a passing reason are repeated; a conditional write whose answer was lost is
//! recognized by its bytes. Files get the `Content-Type` and the `Cache-Control` that a CDN in front of the bucket
//! needs.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions,
    RetryConfig, UpdateVersion, WriteMultipart,
};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result, Source, TransportKind};
use crate::event::Cancel;
use crate::local::disk;
use crate::text;

mod headers;

/// Most requests at the same time: what hides 50 ms of delay for files of 30 kB. S3 allows thousands in a second.
pub(super) const MAX_PARALLEL: usize = 64;

/// How long one request may take, without its repetitions.
const TIMEOUT: Duration = Duration::from_mins(1);

/// How long a request is repeated.
const RETRY_TIMEOUT: Duration = Duration::from_mins(3);

/// Most parts of one file at the same time.
const MAX_PARTS: usize = 6;

/// Files of more bytes are sent in parts of this size. S3 allows 10,000 parts.
const PART_BYTES: usize = 16 << 20;

/// Longest text of the service that an error quotes, in characters.
const MAX_REASON_CHARS: usize = 300;

/// Most files that [`Bucket::visit`] shows at once: what one request lists.
const PAGE: usize = 1000;

/// How long the removal of a file may take that may as well stay.
const PASSING: Duration = Duration::from_secs(5);

/// How often cancellation is checked.
const TICK: Duration = Duration::from_millis(50);

/// Where a bucket is, and how to sign requests.
#[derive(Clone, Default)]
pub struct BucketOptions {
    /// Settings by the names of the usual variables, such as `AWS_ACCESS_KEY_ID`, `AWS_REGION` and `AWS_ENDPOINT`.
    /// Unknown ones are passed over: other programs have their own.
    pub settings: Vec<(String, String)>,
}

impl fmt::Debug for BucketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values are secrets.
        f.debug_list().entries(self.settings.iter().map(|(name, _)| name)).finish()
    }
}

/// A bucket, or the part of one below a prefix.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Key,
    name: String,
    runtime: Arc<Runtime>,
    cancel: Cancel,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.name)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The state of a file, for conditional writes: its entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

/// When a write is to happen.
#[derive(Debug, Clone)]
pub enum Condition {
    /// In any case.
    Always,
    /// If there is no such file.
    New,
    /// If the file is still the one with this tag.
    Unchanged(Tag),
}

/// A file in a bucket.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its path below the prefix.
    pub path: String,
    /// When it was written last.
    pub modified: SystemTime,
    /// Its size in bytes.
    pub length: u64,
}

impl Bucket {
    /// A bucket by its address, `s3://BUCKET` or `s3://BUCKET/PREFIX`. Sends nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another address, or settings that do not name a service.
    pub fn open(address: &str, options: &BucketOptions, cancel: &Cancel) -> Result<Self> {
        let (bucket, prefix) = split(address)?;
        let invalid = |reason: &str| Error::invalid("bucket", format!("{address}: {reason}"));
        let client = ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(Duration::from_secs(10));
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 6, retry_timeout: RETRY_TIMEOUT };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_client_options(client)
            .with_retry(retry)
            .with_conditional_put(S3ConditionalPut::ETagMatch);
        for (name, value) in &options.settings {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.build().map_err(|e| invalid("its settings do not fit together").caused_by(e))?;
        let prefix = Key::parse(prefix).map_err(|e| invalid("its prefix is not a path").caused_by(e))?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| Error::unsupported("asynchronous I/O").caused_by(e))?;
        Ok(Self {
            store: Arc::new(store),
            name: format!("s3://{bucket}{}{prefix}", if prefix.as_ref().is_empty() { "" } else { "/" }),
            prefix,
            runtime: Arc::new(runtime),
            cancel: cancel.clone(),
        })
    }

    /// A file of at most `max_bytes`; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Transport`], also for a larger file.
    pub fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.read_with_tag(path, max_bytes)?.map(|(bytes, _)| bytes))
    }

    /// As [`Self::read`], with the file's tag.
    pub fn read_with_tag(&self, path: &str, max_bytes: u64) -> Result<Option<(Vec<u8>, Tag)>> {
        self.block_on(self.fetch(path, max_bytes))
    }

    /// Reads several files at the same time, each of at most the given number of bytes. `take` gets those that exist, in
    /// no particular order.
    pub fn read_all(
        &self,
        files: impl IntoIterator<Item = (String, u64)>,
        mut take: impl FnMut(String, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let reads = files.into_iter().map(async |(path, max_bytes)| {
            let found = self.fetch(&path, max_bytes).await?;
            Ok::<_, Error>(found.map(|(bytes, _)| (path, bytes)))
        });
        let mut reads = futures_util::stream::iter(reads).buffer_unordered(MAX_PARALLEL);
        self.block_on(async {
            while let Some(read) = reads.next().await {
                if let Some((path, bytes)) = read? {
                    take(path, bytes)?;
                }
            }
            Ok(())
        })
    }

    /// Which of these files exist.
    pub fn present(&self, paths: Vec<String>) -> Result<Vec<bool>> {
        let looks = paths.into_iter().map(async |path| match self.store.head(&self.key(&path)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed(&path, error)),
        });
        self.block_on(futures_util::stream::iter(looks).buffered(MAX_PARALLEL).try_collect())
    }

    /// Writes a file. Returns its new tag, or `None` if the condition does not hold.
    pub fn write(&self, path: &str, bytes: &[u8], condition: &Condition) -> Result<Option<Tag>> {
        self.block_on(self.put(path.to_owned(), Bytes::copy_from_slice(bytes), condition.clone()))
    }

    /// Writes several files at the same time. Returns the paths whose condition does not hold.
    pub fn write_all(&self, files: &[(String, Vec<u8>)], condition: &Condition) -> Result<Vec<String>> {
        let writes = files.iter().map(async |(path, bytes)| {
            let tag = self.put(path.clone(), Bytes::copy_from_slice(bytes), condition.clone()).await?;
            Ok::<_, Error>(tag.is_none().then(|| path.clone()))
        });
        let refused: Vec<Option<String>> =
            self.block_on(futures_util::stream::iter(writes).buffer_unordered(MAX_PARALLEL).try_collect())?;
        Ok(refused.into_iter().flatten().collect())
    }

    /// Sends a file of any length. It appears when it is complete.
    pub fn send(&self, path: &str, file: &File, local: &Path) -> Result<()> {
        let length = file.metadata().map_err(Error::io("read", local))?.len();
        if let Ok(length) = usize::try_from(length)
            && length <= PART_BYTES
        {
            let mut bytes = vec![0; length];
            disk::read_exact_at(file, local, 0, &mut bytes)?;
            return self.block_on(self.put(path.to_owned(), bytes.into(), Condition::Always)).map(drop);
        }
        let options = PutMultipartOptions { attributes: headers::attributes(path), ..PutMultipartOptions::default() };
        let failed = |error| self.failed(path, error);
        let begun =
            self.block_on(async { self.store.put_multipart_opts(&self.key(path), options).await.map_err(failed) });
        let mut upload = WriteMultipart::new_with_chunk_size(begun?, PART_BYTES);
        let mut at = 0;
        let mut buffer = vec![0; PART_BYTES];
        while at < length {
            let want = usize::try_from(length - at).unwrap_or(usize::MAX).min(PART_BYTES);
            let sent = disk::read_exact_at(file, local, at, &mut buffer[..want]).and_then(|()| {
                self.block_on(async {
                    upload.wait_for_capacity(MAX_PARTS).await.map_err(failed)?;
                    upload.write(&buffer[..want]);
                    Ok(())
                })
            });
            if let Err(error) = sent {
                // The parts would be stored, and paid for, until somebody removes them.
                let _ = self.runtime.block_on(upload.abort());
                return Err(error);
            }
            at += want as u64;
        }
        self.block_on(async { upload.finish().await.map_err(failed) }).map(drop)
    }

    /// The files below a folder, but no more than `most`: a request gets a thousand.
    pub fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>> {
        let below_it = self.key(folder);
        let listed = self.block_on(async {
            let listed = self.store.list(Some(&below_it)).take(most).try_collect::<Vec<_>>().await;
            listed.map_err(|e| self.failed(folder, e))
        });
        Ok(listed?.iter().map(|found| self.entry(found)).collect())
    }

    /// Shows all files below a folder to `take`, up to a thousand at a time.
    pub fn visit(&self, folder: &str, mut take: impl FnMut(Vec<Entry>) -> Result<()>) -> Result<()> {
        let mut listed = self.store.list(Some(&self.key(folder))).try_chunks(PAGE);
        loop {
            let next = self.block_on(async { listed.next().await.transpose().map_err(|e| self.failed(folder, e.1)) });
            let Some(found) = next? else { return Ok(()) };
            take(found.iter().map(|found| self.entry(found)).collect())?;
        }
    }

    fn entry(&self, found: &object_store::ObjectMeta) -> Entry {
        Entry {
            path: found.location.prefix_match(&self.prefix).map(below).unwrap_or_default(),
            modified: found.last_modified.into(),
            length: found.size,
        }
    }

    /// Whether there is any file below a folder.
    pub fn has_any(&self, folder: &str) -> Result<bool> {
        let below_it = self.key(folder);
        self.block_on(async {
            let first = self.store.list(Some(&below_it)).next().await.transpose();
            Ok(first.map_err(|e| self.failed(folder, e))?.is_some())
        })
    }

    /// Removes files, also if they are gone already.
    pub fn remove(&self, paths: Vec<String>) -> Result<()> {
        let removals = paths.into_iter().map(async |path| match self.store.delete(&self.key(&path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&path, error)),
        });
        self.block_on(futures_util::stream::iter(removals).buffer_unordered(MAX_PARALLEL).try_collect())
    }

    /// Removes a file that does no harm if it stays, also after the operation was cancelled.
    pub(super) fn remove_in_passing(&self, path: &str) {
        let key = self.key(path);
        let removal = async { tokio::time::timeout(PASSING, self.store.delete(&key)).await };
        let _ = self.runtime.block_on(removal);
    }

    /// Writes a file, as [`Self::write`] does, from code that runs on [`Self::block_on`].
    pub(super) async fn put(&self, path: String, bytes: Bytes, condition: Condition) -> Result<Option<Tag>> {
        let is_update = matches!(condition, Condition::Unchanged(_));
        let mode = match condition {
            Condition::Always => PutMode::Overwrite,
            Condition::New => PutMode::Create,
            Condition::Unchanged(Tag(tag)) => PutMode::Update(UpdateVersion { e_tag: Some(tag), version: None }),
        };
        let options = PutOptions { mode, attributes: headers::attributes(&path), ..PutOptions::default() };
        match self.store.put_opts(&self.key(&path), bytes.clone().into(), options).await {
            Ok(put) => Ok(Some(Tag(put.e_tag.unwrap_or_default()))),
            Err(error) if is_refusal(&error, is_update) => {
                // A repeated request finds what the first one wrote.
                let there = self.fetch(&path, bytes.len() as u64).await.ok().flatten();
                Ok(there.filter(|(found, _)| *found == bytes).map(|(_, tag)| tag))
            }
            Err(error) => Err(self.failed(&path, error)),
        }
    }

    /// Runs requests to their end, or until the operation is cancelled.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            let raised = async {
                while !self.cancel.is_cancelled() {
                    tokio::time::sleep(TICK).await;
                }
            };
            tokio::select! {
                done = work => done,
                () = raised => Err(Error::Cancelled),
            }
        })
    }

    async fn fetch(&self, path: &str, max_bytes: u64) -> Result<Option<(Vec<u8>, Tag)>> {
        let found = match self.store.get(&self.key(path)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(path, error)),
        };
        if found.meta.size > max_bytes {
            let reason = format!("it has {} bytes; at most {max_bytes} are accepted", found.meta.size);
            return Err(Error::transport(TransportKind::Protocol, self.url(path), reason));
        }
        let tag = Tag(found.meta.e_tag.clone().unwrap_or_default());
        let bytes = found.bytes().await.map_err(|e| self.failed(path, e))?;
        Ok(Some((bytes.into(), tag)))
    }

    fn key(&self, path: &str) -> Key {
        path.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), Key::join)
    }

    /// The address of a file, for messages.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }

    fn failed(&self, path: &str, error: object_store::Error) -> Error {
        use object_store::Error as E;
        let said = innermost(&error);
        let (kind, reason) = match &error {
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
                (TransportKind::Unauthorized, "the service does not let these credentials do this")
            }
            // Listing has no error of its own for this.
            _ if said.contains("NoSuchBucket") => (TransportKind::NotFound, "there is no such bucket"),
            E::NotFound { .. } => (TransportKind::NotFound, "there is no such file"),
            _ => (TransportKind::Protocol, "the service did not do what it was asked"),
        };
        let reason = if kind == TransportKind::NotFound { reason.to_owned() } else { format!("{reason}: {said}") };
        Error::transport(kind, self.url(path), reason).with_source(Some(Source::translated(error)))
    }
}

/// Whether a condition does not hold. The file to be replaced may also be gone.
fn is_refusal(error: &object_store::Error, is_update: bool) -> bool {
    use object_store::Error as E;
    matches!(error, E::AlreadyExists { .. } | E::Precondition { .. })
        || (is_update && matches!(error, E::NotFound { .. }))
}

/// What the service or the system says, without what the library wraps around it.
fn innermost(error: &object_store::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    text::message(&deepest.to_string()).chars().take(MAX_REASON_CHARS).collect()
}

fn below<'a>(parts: impl Iterator<Item = object_store::path::PathPart<'a>>) -> String {
    parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
}

/// Bucket and prefix of an address.
fn split(address: &str) -> Result<(&str, &str)> {
    let invalid = || Error::invalid("bucket", format!("{address} is not like s3://BUCKET/PREFIX"));
    let rest = address.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("s3://")).map(|_| &address[5..]);
    let (bucket, prefix) = rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or_else(invalid)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if bucket.is_empty() || !bucket.bytes().all(is_plain) || prefix.contains(['?', '#']) {
        return Err(invalid());
    }
    Ok((bucket, prefix.trim_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_a_bucket_and_a_prefix() {
        assert_eq!(split("s3://games").unwrap(), ("games", ""));
        assert_eq!(split("S3://games/v-sekai/stable/").unwrap(), ("games", "v-sekai/stable"));
        for address in
            ["s3:/games", "s3://", "s3:///a", "https://games", "s3://user:pass@games", "s3://a?b", "s3://a/b?c"]
        {
            assert_eq!(split(address).unwrap_err().code(), "invalid_argument", "{address}");
        }
    }

    #[test]
    fn settings_of_other_programs_are_passed_over_and_none_is_shown() {
        let settings = [
            ("AWS_ACCESS_KEY_ID", "me"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
            ("AWS_REGION", "eu-1"),
            ("AWS_PAGER", "less"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = BucketOptions { settings };
        assert!(!format!("{options:?}").contains("hush"), "{options:?}");
        let bucket = Bucket::open("s3://games/a", &options, &Cancel::default()).unwrap();
        assert_eq!(bucket.url("tuf/1.root.json"), "s3://games/a/tuf/1.root.json");
    }
}
