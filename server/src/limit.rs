//! How much one client may ask of the server: changes, chunks put, and wrong tokens.
//!
//! Reads are not limited here: they are cheap, and a proxy or a CDN in front does that better. Who a client is: its
//! token, or without a valid one its address. `X-Forwarded-For` is believed from proxies that are configured, and
//! from nobody else; of IPv6 the first 64 bits count, which is what one customer has.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use poem::{Addr, Body, Request};
use uuid::Uuid;

use crate::error::{Error, Result};

/// How many seconds' worth of what is allowed may come at once.
const BURST_S: u32 = 20;

/// How many clients are remembered before those that are at rest are forgotten.
const SHRINK_AT: usize = 100_000;

/// What is allowed.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Requests that change something, each second, for each client.
    pub writes_per_second: u32,
    /// Chunks put, each second, for each token.
    pub puts_per_second: u32,
    /// Wrong tokens, each minute, from each address.
    pub wrong_tokens_per_minute: u32,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    Token(Uuid),
    Address(IpAddr),
}

/// See the module's head.
#[derive(Debug)]
pub struct Limiter {
    writes: DefaultKeyedRateLimiter<Client>,
    puts: DefaultKeyedRateLimiter<Client>,
    wrong_tokens: DefaultKeyedRateLimiter<Client>,
    /// Who has used up its wrong tokens, and until when.
    barred: moka::sync::Cache<IpAddr, ()>,
    trusted_proxies: Vec<IpAddr>,
}

impl Limiter {
    /// One with these rates; each at least 1.
    pub fn new(rates: &Rates) -> Self {
        let number = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let second = |rate: u32| Quota::per_second(number(rate)).allow_burst(number(rate.saturating_mul(BURST_S)));
        Self {
            writes: RateLimiter::keyed(second(rates.writes_per_second)),
            puts: RateLimiter::keyed(second(rates.puts_per_second)),
            wrong_tokens: RateLimiter::keyed(Quota::per_minute(number(rates.wrong_tokens_per_minute))),
            barred: moka::sync::Cache::builder()
                .max_capacity(SHRINK_AT as u64)
                .time_to_live(std::time::Duration::from_mins(1))
                .build(),
            trusted_proxies: rates.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
        }
    }

    /// Where a request comes from.
    pub fn address_of(&self, request: &Request) -> IpAddr {
        let Addr::SocketAddr(peer) = &request.remote_addr().0 else { return IpAddr::V6(Ipv6Addr::LOCALHOST) };
        // A socket for both families has IPv4 as ::ffff:a.b.c.d.
        let peer = peer.ip().to_canonical();
        if !self.trusted_proxies.contains(&peer) {
            return peer;
        }
        // The last one was added by the proxy that we trust; those before it may be made up.
        let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        last.unwrap_or(peer)
    }

    /// Whether the address has tried too many wrong tokens.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_patience(&self, address: IpAddr) -> Result<()> {
        if self.barred.contains_key(&network(address)) {
            return Err(Error::TooManyRequests { retry_after_s: 60 });
        }
        Ok(())
    }

    /// A token was wrong.
    pub fn note_wrong_token(&self, address: IpAddr) {
        let address = network(address);
        if check(&self.wrong_tokens, &Client::Address(address)).is_err() {
            self.barred.insert(address, ());
        }
    }

    /// One request that changes something.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_write(&self, token: Option<Uuid>, address: IpAddr) -> Result<()> {
        check(&self.writes, &token.map_or(Client::Address(network(address)), Client::Token))
    }

    /// One chunk.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_put(&self, token: Uuid) -> Result<()> {
        check(&self.puts, &Client::Token(token))
    }
}

/// How much of a body that is too large is read and thrown away: a client that is still sending would not see the
/// answer if the connection were closed upon it.
const DRAIN_BYTES: usize = 8 << 20;

/// A body of at most so many bytes.
///
/// # Errors
/// [`Error::TooLarge`]; [`Error::Invalid`] if it ends too early.
pub async fn read_body(body: Body, max: usize) -> Result<Bytes> {
    let mut stream = body.into_bytes_stream();
    let (mut bytes, mut length) = (BytesMut::new(), 0_usize);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Error::Invalid { what: "body", reason: "it ended too early".to_owned() })?;
        length = length.saturating_add(piece.len());
        if length <= max {
            bytes.extend_from_slice(&piece);
        } else if length > max.saturating_add(DRAIN_BYTES) {
            break;
        }
    }
    if length > max { Err(Error::TooLarge { max_bytes: max as u64 }) } else { Ok(bytes.freeze()) }
}

fn check(limiter: &DefaultKeyedRateLimiter<Client>, client: &Client) -> Result<()> {
    if limiter.len() > SHRINK_AT {
        limiter.retain_recent();
    }
    limiter.check_key(client).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Error::TooManyRequests { retry_after_s: wait.as_secs() + 1 }
    })
}

/// What one customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(trusted: &[&str]) -> Limiter {
        Limiter::new(&Rates {
            writes_per_second: 1,
            puts_per_second: 1,
            wrong_tokens_per_minute: 3,
            trusted_proxies: trusted.iter().map(|it| it.parse().unwrap()).collect(),
        })
    }

    #[test]
    fn who_writes_too_much_waits_and_others_do_not() {
        let limiter = limiter(&[]);
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..BURST_S {
            limiter.check_write(None, one).unwrap();
        }
        assert!(matches!(limiter.check_write(None, one), Err(Error::TooManyRequests { retry_after_s: 1..=2 })));
        limiter.check_write(None, two).unwrap();
        limiter.check_write(Some(Uuid::nil()), one).unwrap();
    }

    #[test]
    fn wrong_tokens_bar_their_network() {
        let limiter = limiter(&[]);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..4 {
            limiter.check_patience(one).unwrap();
            limiter.note_wrong_token(one);
        }
        assert!(limiter.check_patience(one).is_err());
        assert!(limiter.check_patience("2001:db8::ffff".parse().unwrap()).is_err());
        assert!(limiter.check_patience("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
