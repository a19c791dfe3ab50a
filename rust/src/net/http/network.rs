//! The network for code that is not async: one client, and the runtime that drives it.
//!
//! Waiting happens here, work does not: bodies are handed to the threads of [`crate::local::acquire`], and a
//! request's slot is free again only when they have judged its body.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use url::Url;

use super::bundle::HttpBundle;
use super::{ChunkRequest, Deliver, HttpClient, HttpOptions, HttpStore, client, fetch_all};
use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::formats::chunk::CompressedChunk;
use crate::local::offer::BundleFile;
use crate::local::sources::{Delivery, Remote, Transfer, WantedChunk};

/// How often it is looked whether work is to stop.
const TICK: Duration = Duration::from_millis(50);

/// See the module's head.
#[derive(Debug, Clone)]
pub struct Network {
    options: Arc<HttpOptions>,
    client: Arc<OnceLock<HttpClient>>,
    runtime: Arc<Runtime>,
    cancel: Cancel,
}

impl Network {
    /// Checks the options. The client is set up when it is first needed: reading the system's certificates takes
    /// longer than much that is done without a network.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        client::check(options)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::Unsupported { what: format!("asynchronous I/O: {e}") })?;
        Ok(Self {
            options: Arc::new(options.clone()),
            client: Arc::default(),
            runtime: Arc::new(runtime),
            cancel: Cancel::default(),
        })
    }

    /// The same network for work that this stops: waiting for a server ends when it is raised.
    #[must_use]
    pub fn stopped_by(&self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self.clone() }
    }

    /// A document of at most `max_bytes`, such as an index.
    pub fn document(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>> {
        self.block_on(self.client()?.get_document(url, max_bytes))
    }

    /// The client, for what has its own way of asking.
    pub(crate) fn client(&self) -> Result<HttpClient> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = HttpClient::new(&self.options)?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// Waits for async work of this crate on this network's runtime.
    ///
    /// # Errors
    /// Those of the work; `cancelled` if it was stopped, and then it is dropped where it waits.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                done = work => done,
                () = raised(&self.cancel) => Err(Error::Cancelled),
            }
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
        // Nobody listens, or nobody judges, only after the workers have stopped for a reason of their own.
        self.0.send(delivery).map_err(|_| Error::Cancelled)?;
        verdict.await.unwrap_or(Err(Error::Cancelled))
    }
}
