//! Where a request comes from: the address that rates and lockouts count by.
//!
//! `X-Forwarded-For` is believed from configured proxies only. Of an IPv6 address the first 64 bits count, which is
//! what one customer usually has.

use std::net::{IpAddr, Ipv6Addr};

use poem::{Addr, Request};

/// Finds the address of a client, behind the proxies that it trusts.
#[derive(Debug)]
pub struct ClientAddresses {
    trusted_proxies: Vec<IpAddr>,
}

impl ClientAddresses {
    /// Believes `X-Forwarded-For` from these proxies.
    pub fn new(trusted_proxies: &[IpAddr]) -> Self {
        Self { trusted_proxies: trusted_proxies.iter().map(IpAddr::to_canonical).collect() }
    }

    /// The address of the client that sent this request.
    pub fn of(&self, request: &Request) -> IpAddr {
        let Addr::SocketAddr(peer) = &request.remote_addr().0 else { return IpAddr::V6(Ipv6Addr::LOCALHOST) };
        // A socket for both families reports IPv4 as ::ffff:a.b.c.d.
        let peer = peer.ip().to_canonical();
        if !self.trusted_proxies.contains(&peer) {
            return peer;
        }
        // The trusted proxy appended the last entry. Those before it may be made up.
        let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        last.unwrap_or(peer)
    }
}

/// The part of an address that stands for one customer.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
    }
}
