//! The servers that the user named, and what that means for all others.
//!
//! A signed catalog can name mirrors and stores, and its key is online. So a server that only the catalog names gets no
//! credentials, and must not be in a private network unless the user's own servers are in one: otherwise whoever holds
//! that key could collect passwords, and reach the routers and metadata services of its players.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Origin, Url};

use super::address::{is_private, literal};
use super::failure::{Failure, Retry};
use crate::error::TransportKind;

/// The servers that the user named.
#[derive(Debug)]
pub(super) struct UserOrigins {
    /// Scheme, host and port.
    credentials: Vec<Origin>,
    hosts: Vec<String>,
    /// Whether one of them is a folder, or has a private address: then private addresses are normal here.
    is_local: AtomicBool,
}

impl UserOrigins {
    /// `named` are the servers that the user named for this repository, `credentials` those that may get them as well.
    pub(super) fn new(named: &[Url], credentials: &[Url], has_folder: bool) -> Self {
        let has_private = named.iter().any(|url| literal(url).is_some_and(is_private));
        Self {
            credentials: named.iter().chain(credentials).map(Url::origin).collect(),
            hosts: named.iter().filter_map(|url| url.host_str()).map(str::to_owned).collect(),
            is_local: AtomicBool::new(has_folder || has_private),
        }
    }

    /// Whether requests for this URL carry the user's credentials.
    pub(super) fn may_have_credentials(&self, url: &Url) -> bool {
        self.credentials.contains(&url.origin())
    }

    /// # Errors
    /// If the URL names a private address, and the user's own servers are public.
    pub(super) fn check(&self, url: &Url) -> Result<(), Failure> {
        let is_refused = |address| is_private(address) && !self.is_local.load(Ordering::Relaxed);
        if !literal(url).is_some_and(is_refused) {
            return Ok(());
        }
        let reason = "its address is private, but the repository is on the internet";
        Err(Failure::new(TransportKind::Offline, reason, Retry::Never))
    }

    /// The addresses of a host that may be used.
    fn allowed(&self, host: &str, found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
        let is_named = self.hosts.iter().any(|named| named.eq_ignore_ascii_case(host));
        if is_named && found.iter().any(|address| is_private(address.ip())) {
            self.is_local.store(true, Ordering::Relaxed);
        }
        if is_named || self.is_local.load(Ordering::Relaxed) {
            return Ok(found);
        }
        let public: Vec<_> = found.into_iter().filter(|address| !is_private(address.ip())).collect();
        if public.is_empty() {
            let reason = format!("{host} has only private addresses, but the repository is on the internet");
            return Err(io::Error::other(reason));
        }
        Ok(public)
    }
}

/// Looks up names as the system does, and leaves out what [`UserOrigins`] does not allow.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Arc<UserOrigins>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let origins = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Addrs = Box::new(origins.allowed(name.as_str(), found)?.into_iter());
            Ok(allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_stay_with_scheme_host_and_port() {
        let origins = UserOrigins::new(&[url("https://a.org/game")], &[url("https://cdn.org")], false);
        for (text, may) in [
            ("https://a.org/other", true),
            ("https://a.org:443/", true),
            ("https://A.org/", true),
            ("https://cdn.org/x", true),
            ("http://a.org/game", false),
            ("https://a.org:8443/game", false),
            ("https://www.a.org/game", false),
            ("https://a.org.evil.org/game", false),
        ] {
            assert_eq!(origins.may_have_credentials(&url(text)), may, "{text}");
        }
    }

    #[test]
    fn private_servers_are_refused_unless_the_user_has_one() {
        let public = UserOrigins::new(&[url("https://a.org")], &[], false);
        for text in ["http://127.0.0.1/", "http://169.254.169.254/latest", "https://[::1]/", "http://localhost:1/"] {
            assert!(public.check(&url(text)).is_err(), "{text}");
        }
        public.check(&url("https://9.9.9.9/")).unwrap();
        for local in [UserOrigins::new(&[url("http://10.0.0.1")], &[], false), UserOrigins::new(&[], &[], true)] {
            local.check(&url("http://127.0.0.1/")).unwrap();
        }
    }

    #[test]
    fn names_with_private_addresses_are_refused_as_well() {
        let address = |text: &str| vec![text.parse::<SocketAddr>().unwrap()];
        let public = UserOrigins::new(&[url("https://a.org")], &[], false);
        assert!(public.allowed("rebind.org", address("127.0.0.1:0")).is_err());
        assert_eq!(public.allowed("cdn.org", address("9.9.9.9:0")).unwrap().len(), 1);
        // The user's own server turns out to be in the house.
        public.allowed("a.org", address("192.168.0.2:0")).unwrap();
        public.allowed("cdn.house", address("192.168.0.3:0")).unwrap();
    }
}
