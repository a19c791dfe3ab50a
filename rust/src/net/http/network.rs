//! The network for synchronous code: one client, and the runtime that drives it.
//!
//! This thread only waits. The threads of [`crate::local::acquire`] decode and verify the bodies, and a request keeps
//! its slot until they have reported a verdict.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use url::Url;

use super::bundle::HttpBundle;
use super::failure::{Retry, pause_before};
use super::origins::UserOrigins;
use super::{ChunkRequest, Deliver, HttpClient, HttpOptions, HttpStore, connection, fetch_all};
use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::formats::chunk::CompressedChunk;
use crate::local::offer::BundleFile;
use crate::local::sources::{Delivery, Remote, Transfer, WantedChunk};
use crate::text;

/// How often cancellation is checked.
const TICK: Duration = Duration::from_millis(50);

/// Blocking access to servers. Clones share the client and the runtime.
#[derive(Debug, Clone)]
pub struct Network {
    options: Arc<HttpOptions>,
    client: Arc<OnceLock<HttpClient>>,
    runtime: Arc<Runtime>,
    cancel: Cancel,
    /// The servers that the user named, if the requests are not all the user's own.
    origins: Option<Arc<UserOrigins>>,
    derived: Arc<Mutex<Option<Derived>>>,
}

/// The client for the last repository, kept because it takes long to set up.
#[derive(Debug)]
struct Derived {
    named: (Vec<Url>, bool),
    client: Arc<OnceLock<HttpClient>>,
    origins: Arc<UserOrigins>,
}

impl Network {
    /// Checks the options. The client is set up on first use, because reading the system's certificates takes longer
    /// than many operations that need no network.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        connection::check(options)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|e| Error::unsupported(format!("asynchronous I/O: {}", text::system_reason(&e))))?;
        Ok(Self {
            options: Arc::new(options.clone()),
            client: Arc::default(),
            runtime: Arc::new(runtime),
            cancel: Cancel::default(),
            origins: None,
            derived: Arc::default(),
        })
    }

    /// The same network, for a repository that the user named by these URLs, or as a folder. Servers that only its
    /// catalog names get no credentials, and must not be private if the named ones are public.
    #[must_use]
    pub fn for_repository(&self, urls: &[Url], has_folder: bool) -> Self {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let named = (urls.to_vec(), has_folder);
        if derived.as_ref().is_none_or(|derived| derived.named != named) {
            let origins = UserOrigins::new(urls, &self.options.credential_origins, has_folder);
            *derived = Some(Derived { named, client: Arc::default(), origins: Arc::new(origins) });
        }
        let (client, origins) = match derived.as_ref() {
            Some(derived) => (Arc::clone(&derived.client), Some(Arc::clone(&derived.origins))),
            None => (Arc::clone(&self.client), self.origins.clone()),
        };
        Self { client, origins, ..self.clone() }
    }

    /// The same network, whose waits end when `cancel` is raised.
    #[must_use]
    pub fn stopped_by(&self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self.clone() }
    }

    /// Downloads a document of at most `max_bytes`, such as an index.
    pub fn document(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>> {
        self.block_on(self.client()?.get_document(url, max_bytes))
    }

    pub(super) fn options(&self) -> &HttpOptions {
        &self.options
    }

    /// The client, for code that makes its own requests.
    pub(crate) fn client(&self) -> Result<HttpClient> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = HttpClient::for_origins(&self.options, self.origins.clone())?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// Waits for async work of this crate on this network's runtime.
    ///
    /// # Errors
    /// Those of the work; `cancelled` if it was cancelled, which drops the work at the point where it waits.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                done = work => done,
                () = raised(&self.cancel) => Err(Error::Cancelled),
            }
        })
    }

    /// How long to wait after this many attempts at something that may succeed later; `None` if they are enough.
    pub(crate) fn pause_after(&self, tries: u32) -> Option<Duration> {
        (tries < self.options.attempts).then(|| pause_before(tries, self.options.backoff, Retry::Backoff))
    }

    /// Waits this long.
    ///
    /// # Errors
    /// `cancelled`
    pub(crate) fn rest(&self, pause: Duration) -> Result<()> {
        self.block_on(async move {
            tokio::time::sleep(pause).await;
            Ok(())
        })
    }

    /// A bundle at these URLs, in order of preference.
    pub fn bundle(&self, urls: Vec<Url>) -> Result<Arc<dyn BundleFile>> {
        Ok(Arc::new(HttpBundle { client: self.client()?, urls, runtime: Arc::clone(&self.runtime) }))
    }

    /// The chunk stores at these URLs, in order of preference.
    pub fn remote(&self, urls: Vec<Url>) -> Result<Arc<dyn Remote>> {
        let client = self.client()?;
        let stores = urls.into_iter().map(|url| HttpStore::new(client.clone(), url));
        let stores = stores.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(HttpRemote { stores, runtime: Arc::clone(&self.runtime) }))
    }
}

pub(super) async fn raised(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(TICK).await;
    }
}

#[derive(Debug)]
struct HttpRemote {
    stores: Vec<HttpStore>,
    runtime: Arc<Runtime>,
}

impl Remote for HttpRemote {
    fn fetch(&self, wanted: &[WantedChunk], deliveries: Sender<Delivery>, monitor: &Monitor) -> Result<Transfer> {
        let request = |want: &WantedChunk| ChunkRequest { id: want.id, max_stored_bytes: want.max_stored_bytes() };
        let requests = wanted.iter().map(request).collect();
        let bridge = Arc::new(Bridge(deliveries));
        let fetching = fetch_all(&self.stores, requests, bridge, &monitor.cancel, &*monitor.observer);
        let stats = self.runtime.block_on(fetching)?;
        Ok(Transfer { requests: stats.requests, received_bytes: stats.received_bytes })
    }
}

struct Bridge(Sender<Delivery>);

impl Deliver for Bridge {
    async fn deliver(&self, chunk: CompressedChunk, origin: &str) -> Result<()> {
        let (judge, verdict) = oneshot::channel();
        let judge = Box::new(move |outcome| drop(judge.send(outcome)));
        let delivery = Delivery { chunk, origin: origin.to_owned(), verdict: judge };
        // Both ends only disappear after the workers have stopped, which then report the actual error.
        self.0.send(delivery).map_err(|_| Error::Cancelled)?;
        verdict.await.unwrap_or(Err(Error::Cancelled))
    }
}
