//! Builds one bundle: on threads of its own, throttled, into a working file and from there into the store.

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

use super::choose::{BuildJob, Policy};
use super::source::{Documents, Stored};
use super::throttle::Throttle;
use super::{Bundles, Put};
use crate::chunks::Chunks;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::VersionIndex;

/// Duration of the lease, in seconds: if a server is killed, another continues after this time.
pub(super) const LEASE_S: i64 = 20;

/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// How to build.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to build.
    pub policy: Policy,
    /// Threads per build.
    pub threads: usize,
    /// Percentage of its time that each thread may work.
    pub cpu_percent: u32,
    /// A folder for working files. Everything in it is removed.
    pub scratch: PathBuf,
}

/// Builds bundles, one at a time. Of several servers on one database, the one with the lease `bundles` builds.
#[derive(Debug)]
pub struct Builder {
    pub(super) db: Arc<dyn Db>,
    pub(super) bundles: Arc<Bundles>,
    chunks: Arc<Chunks>,
    holder: String,
    pub(super) options: Options,
    /// Threads at work.
    running: Arc<AtomicUsize>,
    is_stopped: watch::Sender<bool>,
}

/// The result of a build.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The bundle.
    pub info: BundleInfo,
    /// Whether it was stored.
    pub put: Put,
    /// How long it took.
    pub took: Duration,
    /// Total rest of its threads.
    pub rested: Duration,
}

/// Cancels a build when nobody waits for its result any more.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Builder {
    /// A builder that takes the lease under the name `holder`.
    pub fn new(db: Arc<dyn Db>, chunks: Arc<Chunks>, bundles: Arc<Bundles>, holder: String, options: Options) -> Self {
        Self { db, bundles, chunks, holder, options, running: Arc::default(), is_stopped: watch::Sender::new(false) }
    }

    /// Its options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Cancels the current build, and begins no other.
    pub fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.is_stopped.borrow()
    }

    async fn stopped(&self) -> Error {
        // Cannot fail: this builder owns the sender.
        let _ = self.is_stopped.subscribe().wait_for(|is_stopped| *is_stopped).await;
        Error::Unavailable { code: "shutting_down", reason: "The server is shutting down".to_owned() }
    }

    /// Waits up to a second for the current build to end, and gives the lease back so that another server can continue.
    /// A thread in the middle of a section ends with the process.
    pub async fn finish(&self) {
        self.stop();
        for _ in 0..20 {
            if self.running.load(Ordering::Relaxed) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // If it cannot be given back, it expires.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.give_lease_back()).await;
    }

    pub(super) async fn take_lease(&self) -> Result<bool> {
        self.db.lease("bundles", &self.holder, LEASE_S).await
    }

    /// Lets the next server begin before the lease expires.
    pub(super) async fn give_lease_back(&self) -> Result<()> {
        self.db.lease("bundles", &self.holder, 0).await.map(drop)
    }

    /// Builds and stores a bundle. The caller must hold the lease, which is renewed meanwhile.
    pub(super) async fn build(&self, job: BuildJob, indexes: &[VersionIndex]) -> Result<Outcome> {
        let began = Instant::now();
        let gone = || Error::NotFound { what: "version with that index" };
        let of = |digest: Digest| indexes.iter().find(|index| index.digest == digest).ok_or_else(gone);
        let new = Documents::read(self.db.as_ref(), of(job.to)?).await?;
        let old = match job.from {
            Some(from) => Some(Documents::read(self.db.as_ref(), of(from)?).await?),
            None => None,
        };
        let cancel = Cancel::default();
        let _cancel = CancelOnDrop(cancel.clone());
        let throttle = Arc::new(Throttle::new(self.options.cpu_percent, cancel.clone()));
        let work = Work {
            new,
            old,
            job,
            stored: Stored::new(Arc::clone(&self.chunks), Handle::current(), Arc::clone(&throttle)),
            scratch: self.options.scratch.clone(),
            monitor: Monitor {
                observer: Arc::clone(&throttle) as _,
                cancel,
                threads: self.options.threads.max(1),
                ..Monitor::default()
            },
        };
        let done = self.start(work)?;
        let file = self.options.scratch.join("done");
        let finish = async {
            let info = done.await.map_err(|_| Error::internal("the builder thread has ended"))??;
            self.chunks.check_place().await?;
            let put = self.bundles.put(job.to, &info, &file).await?;
            Ok::<_, Error>(Outcome { info, put, took: began.elapsed(), rested: throttle.rested() })
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
            // If the receiver is gone, the build was cancelled.
            let _ = send.send(work.run());
            running.fetch_sub(1, Ordering::Relaxed);
        };
        let thread = std::thread::Builder::new().name("bundles".to_owned()).spawn(run);
        thread.map_err(Error::internal_by("starting a thread"))?;
        Ok(done)
    }

    /// Renews the lease. Returns only when it is lost.
    async fn keep_lease(&self) -> Error {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.take_lease().await {
                Ok(true) => {}
                Ok(false) => {
                    let reason = "Another server has taken over building bundles".to_owned();
                    return Error::Unavailable { code: "busy", reason };
                }
                Err(error) => return error,
            }
        }
    }
}

/// Everything that the thread of a build needs.
struct Work {
    new: Documents,
    old: Option<Documents>,
    job: BuildJob,
    stored: Stored,
    scratch: PathBuf,
    monitor: Monitor,
}

impl Work {
    fn run(self) -> Result<BundleInfo> {
        // Remains of a build that was killed. Only the holder of the lease works here.
        disk::remove_all(&self.scratch)?;
        disk::create_directory(&self.scratch)?;
        let mut out = disk::create(&self.scratch.join("done"))?;
        let built = self.build(&mut out)?;
        disk::sync_file(&out, &self.scratch.join("done"))?;
        if built.info.from != self.job.from {
            return Err(Error::internal("a bundle was built from the wrong version"));
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

/// Lowers the priority of this thread and of those it starts, so that requests come first. On Linux only: elsewhere
/// this would affect the whole process.
pub(super) fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 15) {
        tracing::debug!(%error, "cannot lower the priority of the builder");
    }
}
