//! Reads ranges of a bundle from mirrors: in one request if nothing fails, otherwise resuming where it stopped.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::sleep;
use url::Url;

use super::client::HttpClient;
use super::failure::{Failure, Retry, pause_before};
use super::network::raised;
use crate::error::{Error, Result, TransportKind};
use crate::event::Monitor;
use crate::local::offer::BundleFile;
use crate::local::sources::Transfer;

/// An attempt that brought this many bytes does not count as a failure; the next one continues where it stopped.
const PROGRESS_BYTES: u64 = 256 << 10;

/// A bundle at one or more URLs.
#[derive(Debug)]
pub(super) struct HttpBundle {
    pub(super) client: HttpClient,
    pub(super) urls: Vec<Url>,
    pub(super) runtime: Arc<Runtime>,
}

impl BundleFile for HttpBundle {
    fn read(
        &self,
        range: Range<u64>,
        take: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
        monitor: &Monitor,
    ) -> Result<Transfer> {
        let mut reading =
            Reading { at: range.start, end: range.end, transfer: Transfer::default(), refused: None, take };
        self.runtime.block_on(async {
            tokio::select! {
                done = reading.ask_all(self) => done,
                () = raised(&monitor.cancel) => Err(Error::Cancelled),
            }
        })?;
        Ok(reading.transfer)
    }
}

struct Reading<'a> {
    at: u64,
    end: u64,
    transfer: Transfer,
    /// The error of `take`, if it stopped the transfer.
    refused: Option<Error>,
    take: &'a mut (dyn FnMut(&[u8]) -> Result<()> + Send),
}

impl Reading<'_> {
    async fn ask_all(&mut self, bundle: &HttpBundle) -> Result<()> {
        let mut last = None;
        for url in &bundle.urls {
            match self.ask(bundle, url).await {
                Ok(()) => return Ok(()),
                Err(failure) => last = Some(failure.into_error(url)),
            }
            if let Some(error) = self.refused.take() {
                return Err(error);
            }
        }
        Err(last.unwrap_or_else(|| Error::invalid("bundle", "it has no mirror")))
    }

    async fn ask(&mut self, bundle: &HttpBundle, url: &Url) -> Result<(), Failure> {
        let options = bundle.client.options();
        let mut tries = 0;
        loop {
            let begun = self.at;
            self.transfer.requests += 1;
            let range = self.at..self.end;
            let mut keep = |piece: &[u8]| {
                self.at += piece.len() as u64;
                self.transfer.received_bytes += piece.len() as u64;
                (self.take)(piece).map_err(|error| {
                    self.refused = Some(error);
                    Failure::new(TransportKind::Protocol, "the receiver stopped the transfer", Retry::Never)
                })
            };
            let failure = match bundle.client.try_range(url, &range, &mut keep).await {
                Ok(()) => return Ok(()),
                // The connection broke after the last byte.
                Err(_) if self.at == self.end && self.refused.is_none() => return Ok(()),
                Err(failure) => failure,
            };
            tries = if self.at - begun >= PROGRESS_BYTES { 1 } else { tries + 1 };
            if failure.retry == Retry::Never || tries >= options.attempts {
                return Err(failure);
            }
            let pause: Duration = pause_before(tries, options.backoff, failure.retry);
            sleep(pause).await;
        }
    }
}
