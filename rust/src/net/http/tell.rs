//! A request that tells a server something about a player who agreed to that, and nothing else.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, redirect};
use url::Url;

use super::connection;
use super::failure::Failure;
use super::{HttpOptions, Network};
use crate::error::Result;

/// How long to wait for a connection, and for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says nothing of which release of this program sends it.
const USER_AGENT: &str = "vsekai-updater";

impl Network {
    /// Sends JSON to exactly this address, once: on a connection of its own, without credentials, cookies or a client
    /// certificate, which would say who sends it, and without following a redirect to another server.
    pub(crate) fn tell(&self, url: &Url, json: Bytes) -> Result<StatusCode> {
        let options = HttpOptions {
            authorization: None,
            cookie: None,
            client_certificate_pem: None,
            connect_timeout: PATIENCE,
            idle_timeout: PATIENCE,
            user_agent: USER_AGENT.to_owned(),
            ..self.options().clone()
        };
        let client = connection::build_as(&options, None, |builder| builder.redirect(redirect::Policy::none()))?;
        let mut url = url.clone();
        // A library would make a header of them.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.set_fragment(None);
        let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").timeout(PATIENCE).body(json);
        self.block_on(async {
            let answer = request.send().await.map_err(|error| Failure::of_library(error).into_error(&url))?;
            Ok(answer.status())
        })
    }
}
