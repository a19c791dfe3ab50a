//! URLs that can be requested, and addresses that are not on the public internet.

use std::net::{IpAddr, Ipv6Addr};

use crate::error::{Error, Result};
use crate::text;

use url::{Host, Url};

/// Parses the URL of a server. `what` names it in the error.
///
/// # Errors
/// [`Error::Invalid`] for text that is no URL, or whose host no request could name: the `url` crate allows more
/// characters there than HTTP does.
pub fn parse_url(what: &'static str, text: &str) -> Result<Url> {
    let invalid = |reason: &str| Error::invalid(what, format!("{}: {reason}", text::address(text)));
    let url = Url::parse(text).map_err(|_| invalid("write a whole address, as in https://example.org/game"))?;
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || ".-_~[]:".contains(c);
    match url.host_str().and_then(|host| host.chars().find(|c| !is_of_host(*c))) {
        Some(character) => Err(invalid(&format!("the name of a host cannot contain {character}"))),
        None => Ok(url),
    }
}

/// Whether an address is not public: loopback, private, link-local, shared, documentation, multicast,
/// reserved, a relay of 6to4, or one of these embedded in IPv6 (mapped, compatible, 6to4, NAT64, Teredo).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19))
        }
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| is_private_v6(v6), |v4| is_private(IpAddr::V4(v4))),
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is allocated. Of that, the ranges for documentation and Teredo do not count as public.
    (first & 0xe000) != 0x2000 || (first == 0x2001 && (second == 0xdb8 || second == 0)) || first == 0x3fff
}

/// The IPv4 address embedded in an IPv6 address.
fn embedded(address: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let s = address.segments();
    let from = |high: u16, low: u16| std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if s[..6] != [0; 6] || high != 0 || low > 1 => Some(from(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

/// The address that a URL names by number, if it does. `localhost` is one.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(name) => is_localhost(name).then_some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
