//! Whether the folder or the bucket of the chunks can be used: asked by requests of its own, so that nobody has to
//! publish first to find out.
//!
//! Most looks read one small object, [`MARKER`]. Every few minutes, and after any failure, it is written again. If it is
//! not there, the place may be another one than before, such as a folder whose disk is not mounted: then some chunk that
//! the database names must be there.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt as _};
use tokio::sync::Mutex;
use vsekai_updater::text;

use super::objects::{is_full, open_for_probes};
use super::{Options, StorageLocation};
use crate::db::{Db, Page};
use crate::error::{Error, Result, disk_full};
use crate::model::Time;
use crate::problem::with_causes;

/// What is written and read. Tools for stores of chunks pass it over.
const MARKER: &str = ".vsekai-probe";

const CONTENT: &[u8] = b"vsekai-server looks here whether its chunks can be read and written.\n";

/// How long a look may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// How long a good finding is kept.
const GOOD: Duration = Duration::from_secs(10);

/// How long a bad one is kept, and a good one after a request has failed.
const BAD: Duration = Duration::from_secs(2);

/// How often it is tried to write, if nothing fails: a bucket may keep every version of an object.
const WRITES: Duration = Duration::from_mins(10);

/// Chunks that are looked for if the marker is not there.
const SAMPLE: u32 = 3;

/// Looks, and keeps for a moment what it found.
#[derive(Debug)]
pub(super) struct Reach {
    /// `None` in the database, which is watched by itself.
    store: Option<(Arc<dyn ObjectStore>, Path)>,
    last: Mutex<Last>,
    /// Whether a request has failed since the last look.
    is_suspect: AtomicBool,
}

#[derive(Debug, Default)]
struct Last {
    looked: Option<(Instant, Option<Finding>)>,
    wrote: Option<Instant>,
}

/// What is wrong, as often as it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    code: &'static str,
    reason: String,
}

impl Reach {
    pub(super) fn open(options: &Options) -> Result<Self> {
        let store = match options.location {
            StorageLocation::Database => None,
            _ => Some(open_for_probes(options, TIMEOUT)?),
        };
        Ok(Self { store, last: Mutex::default(), is_suspect: AtomicBool::new(false) })
    }

    /// Remembers that a request has failed: the next look is a new one, and writes.
    pub(super) fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    /// Fails if the chunks cannot be read and written. However often it is called, it looks only every few seconds.
    pub(super) async fn check(&self, db: &dyn Db) -> Result<()> {
        let Some(place) = &self.store else { return Ok(()) };
        let mut last = self.last.lock().await;
        let is_suspect = self.is_suspect.load(Ordering::Relaxed);
        let (was_bad, is_fresh) = match &last.looked {
            Some((at, found)) => {
                let kept = if found.is_some() || is_suspect { BAD } else { GOOD };
                (found.is_some(), at.elapsed() < kept)
            }
            None => (false, false),
        };
        if !is_fresh {
            self.is_suspect.store(false, Ordering::Relaxed);
            let writes = is_suspect || was_bad || last.wrote.is_none_or(|at| at.elapsed() > WRITES);
            let outcome = in_time(look(place, db, writes)).await;
            if writes && outcome.is_ok() {
                last.wrote = Some(Instant::now());
            }
            last.looked = Some((Instant::now(), found(outcome, was_bad)));
        }
        match last.looked.as_ref().and_then(|(_, found)| found.clone()) {
            Some(Finding { code, reason }) => Err(Error::Unavailable { code, reason }),
            None => Ok(()),
        }
    }

    /// Writes, reads and removes an object, whatever was found before.
    pub(super) async fn try_out(&self) -> Result<()> {
        match &self.store {
            Some(place) => in_time(try_out(place)).await,
            None => Ok(()),
        }
    }
}

/// Writes, reads and removes an object where chunks are to be, without a database.
///
/// # Errors
/// `chunks_unreachable`, `disk_full`; [`Error::Config`] if the settings cannot be used.
pub async fn try_place(options: &Options) -> Result<()> {
    Reach::open(options)?.try_out().await
}

async fn try_out((store, prefix): &(Arc<dyn ObjectStore>, Path)) -> Result<()> {
    let trial = prefix.clone().join(format!("{MARKER}-{}", uuid::Uuid::new_v4()));
    store.put(&trial, CONTENT.into()).await.map_err(unwritten)?;
    let is_there = holds(store, &trial).await;
    store.delete(&trial).await?;
    if is_there? { Ok(()) } else { Err(unread()) }
}

fn unread() -> Error {
    let reason = "The chunks cannot be reached: what was written there is not read again".to_owned();
    Error::Unavailable { code: "chunks_unreachable", reason }
}

async fn in_time(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::time::timeout(TIMEOUT, work)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::Generic { store: "chunks", source: elapsed.into() }.into()))
}

/// The finding, which the log gets when it changes.
fn found(outcome: Result<()>, was_bad: bool) -> Option<Finding> {
    let Err(error) = outcome else {
        if was_bad {
            tracing::info!(event = "chunks_reachable", "the chunks can be reached again");
        }
        return None;
    };
    if !was_bad {
        tracing::error!(event = "chunks_unreachable", code = error.code(), inside = with_causes(&error), "{error}");
    }
    let reason = match &error {
        Error::Unavailable { .. } | Error::ObjectStore(_) => error.to_string(),
        _ => "The database fails; the log has the reason".to_owned(),
    };
    Some(Finding { code: if error.status() == 503 { error.code() } else { "database_busy" }, reason })
}

async fn look(place: &(Arc<dyn ObjectStore>, Path), db: &dyn Db, writes: bool) -> Result<()> {
    let (store, prefix) = place;
    let marker = prefix.clone().join(MARKER);
    let is_there = match holds(store, &marker).await {
        // S3 says this of what is absent to whoever may not list; whether it may be written is seen below.
        Err(Error::ObjectStore(StoreError::PermissionDenied { .. })) if writes => false,
        is_there => is_there?,
    };
    if is_there && !writes {
        return Ok(());
    }
    if !is_there {
        find_some(store, prefix, db).await?;
    }
    // Another program may empty the place in between.
    for _ in 0..2 {
        store.put(&marker, CONTENT.into()).await.map_err(unwritten)?;
        if holds(store, &marker).await? {
            return Ok(());
        }
    }
    Err(unread())
}

async fn holds(store: &Arc<dyn ObjectStore>, marker: &Path) -> Result<bool> {
    let read = async { store.get(marker).await?.bytes().await };
    match read.await {
        Ok(bytes) => Ok(bytes == CONTENT),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Fails if the database names chunks, and none of the first ones is here.
async fn find_some(store: &Arc<dyn ObjectStore>, prefix: &Path, db: &dyn Db) -> Result<()> {
    let ids = db.chunk_ids(&Page { after: None, limit: SAMPLE }).await?;
    // Those that are known to be lost are looked for by nobody.
    let lost = db.missing(&ids, Time(0)).await?;
    let mut looked = 0;
    for id in ids.iter().filter(|id| !lost.contains(id)) {
        let path = id.store_path().split('/').fold(prefix.clone(), Path::join);
        match store.head(&path).await {
            Ok(_) => return Ok(()),
            Err(error) if is_absent(&error) => looked += 1,
            Err(error) => return Err(error.into()),
        }
    }
    if looked == 0 {
        return Ok(());
    }
    let reason = "The chunks cannot be reached: their place is empty. If a disk is not mounted, mount it; if they are \
                  lost, run `vsekai-server verify`"
        .to_owned();
    Err(Error::Unavailable { code: "chunks_unreachable", reason })
}

fn unwritten(error: StoreError) -> Error {
    if is_full(&error) { disk_full() } else { error.into() }
}

/// Whether an object is not there, although its bucket is.
pub(super) fn is_absent(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { .. }) && !with_causes(error).contains("NoSuchBucket")
}

/// Why a request to a folder or bucket failed, and what to do, without anything that only its owner may know.
pub(crate) fn why(error: &StoreError) -> String {
    let said = with_causes(error);
    let answer = said.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
    let answer = answer.filter(|code| code.len() < 40 && code.chars().all(|it| it.is_ascii_alphanumeric()));
    let answered = answer.map(|code| format!(" ({code})")).unwrap_or_default();
    let io = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>().map(text::system_reason));
    match (error, answer) {
        (_, Some("NoSuchBucket")) => {
            "there is no such bucket (NoSuchBucket). Create it, or correct `chunks`".to_owned()
        }
        (StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. }, _) if io.is_none() => format!(
            "the bucket refuses these credentials{answered}. Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that \
             they may read, write and delete there"
        ),
        _ if causes(error).any(<dyn std::error::Error>::is::<tokio::time::error::Elapsed>)
            || said.contains("timed out") =>
        {
            "there is no answer in time. Check AWS_ENDPOINT, the network, and that AWS_ACCESS_KEY_ID is set".to_owned()
        }
        (_, Some(_)) => format!("the bucket answered with an error{answered}"),
        (StoreError::Generic { store: "S3", .. }, _) => {
            "the bucket cannot be connected to. Check AWS_ENDPOINT and the network".to_owned()
        }
        _ => match io {
            Some(reason) => format!("{reason}. Check the folder, its disk and its permissions"),
            None => "the log has the reason".to_owned(),
        },
    }
}

fn causes<'a>(error: &'a StoreError) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn a_failure_is_told_with_what_to_do_and_without_secrets() {
        let said = why(&generic("PUT http://10.0.0.7/hush/x: refused"));
        assert!(said.contains("AWS_ENDPOINT") && !said.contains("hush") && !said.contains("10.0"), "{said}");
        let denied = "403: <Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>hush</AWSAccessKeyId></Error>";
        let denied = StoreError::PermissionDenied { path: "hush".to_owned(), source: denied.into() };
        let said = why(&denied);
        assert!(said.contains("AWS_SECRET_ACCESS_KEY") && said.contains("InvalidAccessKeyId"), "{said}");
        assert!(!said.contains("hush"), "{said}");
        let odd = why(&generic("<Code>a b\nc</Code>"));
        assert!(!odd.contains("a b"), "{odd}");
    }

    #[test]
    fn a_bucket_that_is_gone_is_more_than_an_absent_object() {
        let not_found = |said: &str| StoreError::NotFound { path: "x".to_owned(), source: said.into() };
        assert!(is_absent(&not_found("404: <Code>NoSuchKey</Code>")));
        assert!(!is_absent(&not_found("404: <Code>NoSuchBucket</Code>")));
        assert!(why(&not_found("404: <Code>NoSuchBucket</Code>")).contains("no such bucket"));
        assert!(!is_absent(&generic("")));
    }
}
