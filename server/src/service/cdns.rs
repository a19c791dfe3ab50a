//! Changes of the list of CDNs, and which addresses it may hold.
//!
//! This server probes the addresses of CDNs, so anybody who could add any address could use it to explore the
//! operator's network. Names and addresses of private networks are therefore refused: here as far as a URI shows them,
//! and in the prober for what a name resolves to.

use std::net::IpAddr;

use serde_json::json;
use url::{Host, Url};
use uuid::Uuid;

use vsekai_updater::net::http::is_private;

use super::{Actor, Decision, Service};
use crate::db::{RowChange, View};
use crate::error::{Error, Result};
use crate::model::{Cdn, Health, Time};

/// Longest name or region, in bytes.
const MAX_WORD_BYTES: usize = 100;

/// Longest URI, in bytes.
const MAX_URI_BYTES: usize = 2000;

/// Most CDNs. Each is probed, and each is in the catalog of every client.
const MAX_CDNS: usize = 100;

/// A change of a CDN. `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct CdnEdit {
    /// The new name.
    pub name: Option<String>,
    /// The new base URL.
    pub uri: Option<String>,
    /// The new region.
    pub region: Option<String>,
    /// Whether clients are told about it.
    pub is_enabled: Option<bool>,
    /// The new weight: larger comes first.
    pub weight: Option<u32>,
}

impl Service {
    /// Adds a CDN under an id made by the client.
    ///
    /// # Errors
    /// `cdn_exists`, [`Error::Invalid`].
    pub async fn create_cdn(&self, uid: Uuid, edit: &CdnEdit, actor: &Actor) -> Result<Cdn> {
        let decide = |view: &View| {
            if view.cdns.len() >= MAX_CDNS {
                return Err(Error::Conflict {
                    code: "too_many_cdns",
                    reason: format!("There are {MAX_CDNS} CDNs already"),
                });
            }
            // Of two concurrent requests, the second must not overwrite the first.
            if view.cdns.iter().any(|cdn| cdn.uid == uid) {
                return Err(Error::Conflict { code: "cdn_exists", reason: format!("The CDN {uid} exists already") });
            }
            let health = Health { is_healthy: true, contrary_count: 0, latency_ms: None, last_checked_on: None };
            let mut cdn = Cdn {
                uid,
                name: String::new(),
                uri: String::new(),
                region: String::new(),
                is_enabled: true,
                weight: 100,
                health,
                updated_at: Time::now(),
            };
            self.edit_cdn(view, &mut cdn, edit)?;
            Ok(Decision {
                audit: ("cdn.create", cdn.name.clone()),
                detail: describe(&cdn),
                rows: vec![RowChange::Cdn(cdn)],
                ..Decision::default()
            })
        };
        self.change(actor, decide).await?;
        self.db.cdn(uid).await?.ok_or(Error::NotFound { what: "CDN" })
    }

    /// Changes a CDN.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], `cdn_exists`, [`Error::Invalid`].
    pub async fn update_cdn(
        &self,
        uid: Uuid,
        edit: &CdnEdit,
        is_expected: impl Fn(&Cdn) -> bool + Sync,
        actor: &Actor,
    ) -> Result<Cdn> {
        let decide = |view: &View| {
            let before = view.cdns.iter().find(|cdn| cdn.uid == uid).ok_or(Error::NotFound { what: "CDN" })?;
            if !is_expected(before) {
                return Err(Error::PreconditionFailed);
            }
            let mut cdn = before.clone();
            self.edit_cdn(view, &mut cdn, edit)?;
            if cdn == *before {
                return Ok(Decision::default());
            }
            cdn.updated_at = Time::now();
            Ok(Decision {
                audit: ("cdn.update", cdn.name.clone()),
                detail: json!({"before": describe(before), "after": describe(&cdn)}),
                rows: vec![RowChange::Cdn(cdn)],
                ..Decision::default()
            })
        };
        self.change(actor, decide).await?;
        self.db.cdn(uid).await?.ok_or(Error::NotFound { what: "CDN" })
    }

    /// Removes a CDN.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_cdn(&self, uid: Uuid, actor: &Actor) -> Result<()> {
        let decide = |view: &View| {
            let cdn = view.cdns.iter().find(|cdn| cdn.uid == uid).ok_or(Error::NotFound { what: "CDN" })?;
            Ok(Decision {
                audit: ("cdn.remove", cdn.name.clone()),
                detail: describe(cdn),
                rows: vec![RowChange::RemoveCdn(uid)],
                ..Decision::default()
            })
        };
        self.change(actor, decide).await
    }

    /// Records what a probe found, and signs a new list of mirrors if the CDN has become healthy or unhealthy.
    ///
    /// # Errors
    /// Those of the database, and of signing.
    pub async fn note_health(&self, uid: Uuid, before: &Health, found: &Health) -> Result<()> {
        self.db.put_health(uid, found).await?;
        if before.is_healthy == found.is_healthy {
            return Ok(());
        }
        let verb = if found.is_healthy { "cdn.healthy" } else { "cdn.unhealthy" };
        let decide = |view: &View| {
            let Some(cdn) = view.cdns.iter().find(|cdn| cdn.uid == uid) else { return Ok(Decision::default()) };
            Ok(Decision {
                audit: (verb, cdn.name.clone()),
                detail: json!({}),
                renew: super::Renewal::Due,
                ..Decision::default()
            })
        };
        self.change(&Actor::program("prober"), decide).await
    }

    /// Calls [`check_uri`] with the settings of this server.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check_uri(&self, text: &str) -> Result<String> {
        check_uri(text, self.allow_private_cdns)
    }

    fn edit_cdn(&self, view: &View, cdn: &mut Cdn, edit: &CdnEdit) -> Result<()> {
        if let Some(name) = &edit.name {
            cdn.name = word("name", name)?;
        }
        if let Some(region) = &edit.region {
            cdn.region = word("region", region)?;
        }
        if let Some(uri) = &edit.uri {
            cdn.uri = check_uri(uri, self.allow_private_cdns)?;
        }
        cdn.is_enabled = edit.is_enabled.unwrap_or(cdn.is_enabled);
        cdn.weight = edit.weight.unwrap_or(cdn.weight);
        if cdn.name.is_empty() || cdn.uri.is_empty() {
            return Err(Error::Invalid { what: "CDN", reason: "a name and a URI are required".to_owned() });
        }
        if view.cdns.iter().any(|other| other.uid != cdn.uid && other.name == cdn.name) {
            return Err(Error::Conflict {
                code: "cdn_exists",
                reason: format!("The CDN {:?} exists already", cdn.name),
            });
        }
        Ok(())
    }
}

fn word(what: &'static str, text: &str) -> Result<String> {
    if text.len() > MAX_WORD_BYTES || text.contains(char::is_control) {
        let reason = format!("it must have at most {MAX_WORD_BYTES} bytes and no control characters");
        return Err(Error::Invalid { what, reason });
    }
    Ok(text.to_owned())
}

/// Checks a URI that this server will probe and clients will use, and removes its trailing slash.
///
/// # Errors
/// [`Error::Invalid`] for other schemes than `https` (and `http`, where private addresses are allowed), passwords,
/// queries, and hosts of private networks.
pub fn check_uri(text: &str, allow_private: bool) -> Result<String> {
    let refuse = |reason: &str| Error::Invalid { what: "uri", reason: reason.to_owned() };
    if text.len() > MAX_URI_BYTES {
        return Err(refuse("it is longer than 2000 bytes"));
    }
    let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    let is_scheme = url.scheme() == "https" || (allow_private && url.scheme() == "http");
    if !is_scheme {
        return Err(refuse("it must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it must not contain a password, which everybody could read"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must not have a query or a fragment, because paths are appended to it"));
    }
    let host = url.host().ok_or_else(|| refuse("it has no host"))?;
    if !allow_private && is_private_host(&host) {
        return Err(refuse("its host is in a private network, which only the setting `allow_private_cdns` permits"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a host is, or by its name belongs to, a private network.
pub(crate) fn is_private_host(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_private(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_private(IpAddr::V6(*address)),
        Host::Domain(name) => is_private_name(name),
    }
}

fn is_private_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let local = ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "test", "example", "invalid"];
    let top = name.rsplit('.').next().unwrap_or_default();
    !name.contains('.') || local.contains(&top)
}

fn describe(cdn: &Cdn) -> serde_json::Value {
    json!({
        "name": cdn.name, "uri": cdn.uri, "region": cdn.region, "is_enabled": cdn.is_enabled, "weight": cdn.weight,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_taken_without_their_final_slash() {
        for uri in [
            "https://cdn.example.org/",
            "https://cdn.v-sekai.org/game/",
            "https://9.9.9.9",
            "https://[2606:4700::1111]:8443/a",
        ] {
            assert_eq!(check_uri(uri, false).unwrap(), uri.trim_end_matches('/'));
        }
    }

    #[test]
    fn private_addresses_in_every_spelling_are_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "[::1]",
            "[::]",
            "[::ffff:10.0.0.1]",
            "[::10.0.0.1]",
            "[fe80::1]",
            "[fc00::1]",
            "[ff02::1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::]",
            "[2001:db8::1]",
            "[2001::1]",
            "localhost",
            "LOCALHOST.",
            "db.internal",
            "router",
            "nas.local",
        ] {
            assert!(check_uri(&format!("https://{host}/x"), false).is_err(), "{host}");
            assert!(check_uri(&format!("https://{host}/x"), true).is_ok(), "{host}");
        }
    }

    #[test]
    fn other_things_than_base_addresses_are_refused() {
        for uri in [
            "http://cdn.example.org",
            "ftp://cdn.example.org",
            "file:///etc/passwd",
            "https://",
            "https://u:p@cdn.example.org",
            "https://cdn.example.org/?a=b",
            "https://cdn.example.org/#a",
            "cdn.example.org",
            "https://cdn example.org",
            "",
        ] {
            assert!(check_uri(uri, false).is_err(), "{uri}");
        }
        assert!(check_uri(&format!("https://cdn.example.org/{}", "a".repeat(2000)), false).is_err());
    }
}
