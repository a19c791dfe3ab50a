//! Authenticates requests, and limits how many a client may make. The only place where a token is read from a request.
//!
//! The order of checks is: lockout of the address, the token, the rate. A missing token does not count as a wrong one:
//! the request is refused, but does not count towards a lockout.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use poem::Request;
use poem::http::Method;

use super::{AuthorizeUpload, Lockout, Principal, Tokens, presented};
use crate::client::ClientAddresses;
use crate::error::{Error, Result};
use crate::limit::Limiter;

/// Decides which requests are allowed.
#[derive(Debug)]
pub struct Authorizer {
    tokens: Arc<Tokens>,
    addresses: ClientAddresses,
    lockout: Lockout,
    limiter: Limiter,
}

impl Authorizer {
    /// Puts the parts together.
    pub fn new(tokens: Arc<Tokens>, addresses: ClientAddresses, lockout: Lockout, limiter: Limiter) -> Self {
        Self { tokens, addresses, lockout, limiter }
    }

    /// Fails if the client is locked out, whatever it asks for.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_lockout(&self, request: &Request) -> Result<()> {
        self.lockout.check(self.addresses.of(request))
    }

    /// Authenticates an operation that needs a token, and counts it if it changes something.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] without a valid token, [`Error::TooManyRequests`].
    pub async fn authenticate(&self, request: &Request) -> Result<Principal> {
        let address = self.addresses.of(request);
        let principal = self.identify(request, address).await?;
        if is_write(request.method()) {
            self.limiter.check_write(Some(principal.id), address)?;
        }
        Ok(principal)
    }

    async fn identify(&self, request: &Request, address: IpAddr) -> Result<Principal> {
        self.lockout.check(address)?;
        let outcome = match presented(request) {
            Some(token) => self.tokens.recognise(token).await.inspect_err(|error| {
                if matches!(error, Error::Unauthorized) {
                    self.lockout.note_wrong_token(address);
                }
            }),
            None => Err(Error::Unauthorized),
        };
        if matches!(outcome, Err(Error::Unauthorized)) && is_write(request.method()) {
            self.limiter.check_write(None, address)?;
        }
        outcome
    }
}

#[async_trait]
impl AuthorizeUpload for Authorizer {
    async fn authorize_upload(&self, request: &Request) -> Result<()> {
        let principal = self.identify(request, self.addresses.of(request)).await?;
        principal.require_publish_any()?;
        self.limiter.check_put(principal.id)
    }
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
