//! How many connections each network has open, so that one cannot take the slots of all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use poem::Addr;
use poem::web::RemoteAddr;

use super::Limits;
use crate::client::network;

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Counts connections by network.
#[derive(Debug)]
pub(super) struct Slots {
    counts: Counts,
    most: usize,
    proxies: Vec<IpAddr>,
}

/// The slot of one connection, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot(Option<(Counts, IpAddr)>);

impl Slots {
    pub(super) fn new(limits: &Limits) -> Self {
        let proxies = limits.proxies.iter().map(IpAddr::to_canonical).collect();
        Self { counts: Counts::default(), most: limits.connections_per_network, proxies }
    }

    /// A slot for a connection from there; `None` if its network has as many as it may.
    pub(super) fn take(&self, remote: &RemoteAddr) -> Option<Slot> {
        let Addr::SocketAddr(peer) = &remote.0 else { return Some(Slot(None)) };
        let address = peer.ip().to_canonical();
        if self.proxies.contains(&address) {
            return Some(Slot(None));
        }
        let network = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Slot(Some((Arc::clone(&self.counts), network))))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((counts, network)) = &self.0 else { return };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_has_its_slots_and_a_proxy_as_many_as_it_needs() {
        let limits =
            Limits { connections_per_network: 2, proxies: vec!["192.0.2.9".parse().unwrap()], ..Limits::default() };
        let slots = Slots::new(&limits);
        let from = |text: &str| RemoteAddr(Addr::SocketAddr(text.parse().unwrap()));
        let first = slots.take(&from("[2001:db8::1]:1")).unwrap();
        let _second = slots.take(&from("[2001:db8::2]:1")).unwrap();
        assert!(slots.take(&from("[2001:db8::3]:1")).is_none());
        let _other = slots.take(&from("192.0.2.1:1")).unwrap();
        drop(first);
        let _again = slots.take(&from("[2001:db8::3]:1")).unwrap();
        let _proxied: Vec<_> = (1..10).map(|port| slots.take(&from(&format!("192.0.2.9:{port}"))).unwrap()).collect();
    }
}
