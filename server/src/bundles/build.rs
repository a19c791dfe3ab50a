//! One bundle is built: on threads of its own, slowly if that is wanted, into a file and from there to where bundles are.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use vsekai_updater::digest::Digest;
use vsekai_updater::event::{Cancel, Monitor};
use vsekai_updater::formats::bundle::BundleInfo;
use vsekai_updater::local::bundle_builder;
use vsekai_updater::local::disk;

use super::choose::{Job, Policy};
use super::source::{Documents, Pace, Stored};
use super::{Bundles, Put};
use crate::chunks::Chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{Time, VersionIndex};

/// How long the lease is taken for, in seconds: after so long another server goes on for one that was killed.
pub(super) const LEASE_S: i64 = 20;

/// How often it is taken again.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// See [`Builder::new`].
#[derive(Debug, Clone)]
pub struct Options {
    /// What to build.
    pub policy: Policy,
    /// Threads of one build.
    pub threads: usize,
    /// Of a hundred parts of the time, how many each thread works.
    pub cpu_percent: u32,
    /// A folder for working files, for nothing else.
    pub scratch: PathBuf,
}

/// Builds bundles, one at a time; of several servers one does, by the lease `bundles`.
#[derive(Debug)]
pub struct Builder {
    pub(super) db: Arc<dyn Db>,
    pub(super) bundles: Arc<Bundles>,
    chunks: Arc<Chunks>,
    holder: String,
    pub(super) options: Options,
    /// Threads that are at work.
    running: Arc<AtomicUsize>,
    is_stopped: watch::Sender<bool>,
}

/// What a build gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was built.
    pub info: BundleInfo,
    /// What became of it.
    pub put: Put,
    /// How long it took.
    pub took: Duration,
    /// For how much of that its threads rested, all together.
    pub rested: Duration,
}

/// Ends a build whose result nobody waits for any more.
struct EndsWithWaiter(Cancel);

impl Drop for EndsWithWaiter {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Builder {
    /// `holder` is what this process is called where it takes leases.
    pub fn new(db: Arc<dyn Db>, chunks: Arc<Chunks>, bundles: Arc<Bundles>, holder: String, options: Options) -> Self {
        Self { db, bundles, chunks, holder, options, running: Arc::default(), is_stopped: watch::Sender::new(false) }
    }

    /// What it was told.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Ends what is being built, and begins nothing any more.
    pub fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.is_stopped.borrow()
    }

    async fn stopped(&self) -> Error {
        // Its other end is here.
        let _ = self.is_stopped.subscribe().wait_for(|is_stopped| *is_stopped).await;
        Error::Unavailable { code: "shutting_down", reason: "The server is about to end".to_owned() }
    }

    /// Waits up to a second for what was being built to end, and lets another server go on. To be called when nothing waits
    /// for it any more. A thread that is in the middle of a section ends with the process.
    pub async fn finish(&self) {
        self.stop();
        for _ in 0..20 {
            if self.running.load(Ordering::Relaxed) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // If it cannot be given back, it ends by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.give_lease_back()).await;
    }

    pub(super) async fn take_lease(&self) -> Result<bool> {
        let now = Time::now();
        self.db.lease("bundles", &self.holder, now, now.plus_seconds(LEASE_S)).await
    }

    /// The next one need not wait.
    pub(super) async fn give_lease_back(&self) -> Result<()> {
        let now = Time::now();
        self.db.lease("bundles", &self.holder, now, now).await.map(drop)
    }

    /// Builds and stores one. The lease must be held, and is kept.
    pub(super) async fn build(&self, job: Job, indexes: &[VersionIndex]) -> Result<Outcome> {
        let began = Instant::now();
        let gone = || Error::NotFound { what: "version with that index" };
        let of = |digest: Digest| indexes.iter().find(|index| index.digest == digest).ok_or_else(gone);
        let new = Documents::read(self.db.as_ref(), of(job.to)?).await?;
        let old = match job.from {
            Some(from) => Some(Documents::read(self.db.as_ref(), of(from)?).await?),
            None => None,
        };
        let cancel = Cancel::default();
        let _ends = EndsWithWaiter(cancel.clone());
        let pace = Arc::new(Pace::new(self.options.cpu_percent, cancel.clone()));
        let work = Work {
            new,
            old,
            job,
            stored: Stored::new(Arc::clone(&self.chunks), Handle::current(), Arc::clone(&pace)),
            scratch: self.options.scratch.clone(),
            monitor: Monitor { observer: Arc::clone(&pace) as _, cancel, threads: self.options.threads.max(1) },
        };
        let done = self.start(work)?;
        let file = self.options.scratch.join("done");
        let finish = async {
            let info = done.await.map_err(|_| Error::Internal { context: "the builder has ended".to_owned() })??;
            let put = self.bundles.put(job.to, &info, &file).await?;
            Ok::<_, Error>(Outcome { info, put, took: began.elapsed(), rested: pace.rested() })
        };
        let outcome = tokio::select! {
            outcome = finish => outcome,
            error = self.keep_lease() => Err(error),
            error = self.stopped() => Err(error),
        };
        let _ = disk::remove_file(&file);
        outcome
    }

    fn start(&self, work: Work) -> Result<oneshot::Receiver<Result<BundleInfo>>> {
        let (send, done) = oneshot::channel();
        let running = Arc::clone(&self.running);
        running.fetch_add(1, Ordering::Relaxed);
        let run = move || {
            lower_priority();
            // Who does not wait any more has gone away.
            let _ = send.send(work.run());
            running.fetch_sub(1, Ordering::Relaxed);
        };
        let thread = std::thread::Builder::new().name("bundles".to_owned()).spawn(run);
        thread.map_err(|error| Error::Internal { context: format!("starting a thread: {error}") })?;
        Ok(done)
    }

    /// Ends only when the lease is lost.
    async fn keep_lease(&self) -> Error {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.take_lease().await {
                Ok(true) => {}
                Ok(false) => {
                    let reason = "Another server has begun to build bundles".to_owned();
                    return Error::Unavailable { code: "busy", reason };
                }
                Err(error) => return error,
            }
        }
    }
}

/// All that a thread needs.
struct Work {
    new: Documents,
    old: Option<Documents>,
    job: Job,
    stored: Stored,
    scratch: PathBuf,
    monitor: Monitor,
}

impl Work {
    fn run(self) -> Result<BundleInfo> {
        // What a build that was killed has left. Nobody else works here: we have the lease.
        disk::remove_all(&self.scratch)?;
        disk::create_directory(&self.scratch)?;
        let mut out = disk::create(&self.scratch.join("done"))?;
        let built = self.build(&mut out)?;
        disk::sync_file(&out, &self.scratch.join("done"))?;
        if built.info.from != self.job.from {
            return Err(Error::Internal { context: "a bundle builds on another version than it should".to_owned() });
        }
        Ok(built.info)
    }

    fn build(&self, out: &mut File) -> Result<bundle_builder::Built> {
        let effort = self.job.effort;
        let built = self.new.with(&self.stored, |new| match &self.old {
            None => bundle_builder::build(new, None, effort, &self.scratch, out, &self.monitor),
            Some(old) => old.with(&self.stored, |old| {
                bundle_builder::build(new, Some(old), effort, &self.scratch, out, &self.monitor)
            }),
        });
        Ok(built?)
    }
}

/// Of this thread, and of those that it starts: whoever has something to answer comes first. On other systems than Linux
/// it would be that of the whole process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 15) {
        tracing::debug!(%error, "the priority of the builder stays as it is");
    }
}
