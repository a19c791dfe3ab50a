//! Authenticates requests, and limits how many a client may make. The only place where a token is read from a request.
//!
//! The order of checks is: the token, the lockout of the address, the rate. A valid token is never locked out, because
//! many publishers share an address; its 256 random bits are beyond guessing. A missing token does not count as a wrong
//! one: the request is refused, but does not count towards a lockout.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use poem::Request;
use poem::http::Method;
use uuid::Uuid;

use super::{AuthorizeUpload, Lockout, Principal, Tokens, presented};
use crate::client::ClientAddresses;
use crate::error::{Error, Result};
use crate::limit::Limiter;
use crate::observe::Caller;

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

    /// Authenticates an operation that needs a token, and counts it if it changes something.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] without a valid token, [`Error::TooManyRequests`].
    pub async fn authenticate(&self, request: &Request) -> Result<Principal> {
        let address = self.addresses.of(request);
        let principal = self.identify(request, address).await?;
        if is_write(request.method()) && !is_batch(request) {
            self.limiter.check_write(Some(principal.id), address)?;
        }
        Ok(principal)
    }

    /// Counts chunks that a token uploads together.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn count_chunks(&self, token: Uuid, chunks: usize) -> Result<()> {
        self.limiter.check_puts(token, chunks)
    }

    /// Where a request comes from.
    pub fn address(&self, request: &Request) -> IpAddr {
        self.addresses.of(request)
    }

    /// Counts a request that changes something and needs no token.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn count_stranger(&self, request: &Request) -> Result<()> {
        self.limiter.check_write(None, self.addresses.of(request))
    }

    async fn identify(&self, request: &Request, address: IpAddr) -> Result<Principal> {
        let outcome = match presented(request) {
            Some(token) => self.tokens.recognise(token).await,
            None => Err(Error::NoToken),
        };
        if let (Ok(principal), Some(caller)) = (&outcome, request.data::<Caller>()) {
            caller.is(&principal.name);
        }
        let is_refused = outcome.as_ref().is_err_and(Error::is_unauthorized);
        if is_refused {
            self.lockout.check(address)?;
            if presented(request).is_some() {
                self.lockout.note_wrong_token(address);
            }
        }
        if is_refused && is_write(request.method()) {
            self.limiter.check_write(None, address)?;
        }
        outcome
    }
}

#[async_trait]
impl AuthorizeUpload for Authorizer {
    async fn authorize_upload(&self, request: &Request) -> Result<Uuid> {
        let principal = self.identify(request, self.addresses.of(request)).await?;
        principal.require_publish_any()?;
        self.limiter.check_put(principal.id)?;
        Ok(principal.id)
    }
}

/// Whether the chunks in the request are counted, and not the request.
fn is_batch(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with("/chunks")
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
