//! Where a request comes from: the address that rates and lockouts count by.
//!
//! `X-Forwarded-For` is believed from configured proxies only. Of an IPv6 address the first 64 bits count, which is
//! what one customer usually has.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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
        let last = forwarded.and_then(|value| parse(value.to_str().ok()?.rsplit(',').next()?));
        last.unwrap_or(peer)
    }
}

/// An address as proxies write it: some add the port.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

/// The part of an address that stands for one customer.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        let address = |text: &str| text.parse::<IpAddr>().ok();
        for (text, expected) in [
            ("192.0.2.1", address("192.0.2.1")),
            (" 192.0.2.1:5678 ", address("192.0.2.1")),
            ("2001:db8::1", address("2001:db8::1")),
            ("[2001:db8::1]:443", address("2001:db8::1")),
            ("[2001:db8::1]", address("2001:db8::1")),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
