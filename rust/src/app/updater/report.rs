//! Tells the publisher how a new version began: only for a player who agreed, and only if the signed catalog asks.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Updater;
use super::brief::cancel_at;
use super::repository_state::RepositoryState;
use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::install::{self, Report};
use crate::net::api;
use crate::net::http::Url;

impl Updater {
    /// The reports that wait, which count as told from now on. Fast, and without network. Call it only if the player
    /// agreed.
    ///
    /// # Errors
    /// `busy`, and those of reading and writing the state. The reports then wait.
    pub fn take_reports(&self) -> Result<Vec<Report>> {
        let monitor = Monitor::default();
        if self.state(&monitor)?.reports.iter().all(|report| report.is_done) {
            return Ok(Vec::new());
        }
        let mut session = self.enter("launch", &monitor)?;
        let reports = session.state.take_reports();
        session.commit()?;
        Ok(reports)
    }

    /// Tells the repository's server, if the catalog that it has now asks about these versions, within `longest`. What
    /// fails is not tried again: one report more or less changes nothing. Returns how many the server accepted.
    ///
    /// # Errors
    /// Those of opening the repository; `cancelled` if it takes longer.
    pub fn send_reports(&self, reports: &[Report], longest: Duration) -> Result<usize> {
        if reports.is_empty() {
            return Ok(0);
        }
        let cancel = Cancel::default();
        let monitor = Monitor { cancel: cancel.clone(), ..Monitor::default() };
        let (done, ended) = mpsc::channel();
        let end = Instant::now() + longest;
        std::thread::scope(|scope| {
            scope.spawn(move || cancel_at(end, &cancel, &Cancel::default(), &ended));
            let outcome = self.tell(reports, &monitor);
            drop(done);
            outcome
        })
    }

    fn tell(&self, reports: &[Report], monitor: &Monitor) -> Result<usize> {
        let state = self.state(monitor)?;
        let view = RepositoryState::open_read_only(&self.settings, &self.root, &state, monitor)?;
        let Some(url) = view.server().and_then(|base| address(&base)) else { return Ok(0) };
        let mut accepted = 0;
        for report in reports.iter().filter(|report| view.asks_about(&report.mode, &report.version)) {
            let json =
                serde_json::to_vec(&json(report)).map_err(|error| Error::invalid("report", error.to_string()))?;
            accepted += usize::from(view.network().tell(&url, json.into())?.is_success());
        }
        Ok(accepted)
    }
}

fn json(report: &Report) -> api::Report {
    api::Report {
        mode: report.mode.clone(),
        version: report.version.clone(),
        platform: report.platform.clone(),
        outcome: match report.outcome {
            install::Outcome::Started => api::Outcome::Started,
            install::Outcome::Failed => api::Outcome::Failed,
        },
    }
}

/// Where reports go, on the server whose repository is below this address.
fn address(base: &Url) -> Option<Url> {
    let mut base = base.clone();
    base.set_query(None);
    base.set_fragment(None);
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    base.join(api::REPORTS_PATH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_go_below_the_address_of_the_repository() {
        for (base, expected) in [
            ("https://example.org", "https://example.org/api/v1/reports"),
            ("https://example.org/game", "https://example.org/game/api/v1/reports"),
            ("https://example.org/game/?sig=1#x", "https://example.org/game/api/v1/reports"),
        ] {
            assert_eq!(address(&Url::parse(base).unwrap()).unwrap().as_str(), expected);
        }
    }
}
