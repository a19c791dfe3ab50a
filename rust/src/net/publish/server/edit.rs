//! Changes of what a server offers. It signs them itself, except the successor of a mode.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Server;
use super::retire::retire_on_server;
use crate::error::{Error, Result};
use crate::formats::release::ModeName;
use crate::net::publish::edit::Edit as E;
use crate::net::trust::KeyFolder;
use crate::version::Version;

/// Most pages of a list that are read.
const MAX_PAGES: u32 = 1000;

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// A version as a server describes it.
#[derive(Deserialize)]
struct OfferedVersion {
    id: String,
    version: String,
    recalled: bool,
    skip_update: bool,
    rollout: u8,
}

#[derive(Deserialize)]
struct Mirror {
    uid: String,
    uri: String,
}

/// Makes changes of the catalog on a server, which signs them. Each can be repeated. Returns whether anything was changed,
/// as far as that can be told: of versions.
pub(in crate::net::publish) fn edit_server(server: &Server, keys: Option<&KeyFolder>, edits: &[E]) -> Result<bool> {
    let mut is_new = false;
    for change in edits {
        match change {
            E::Recall { mode, version, recalled } => {
                let found = find(server, mode, version)?;
                is_new |= change_version(server, &found, found.recalled != *recalled, &json!({"recalled": recalled}))?;
                continue;
            }
            E::Skip { mode, version, skip } => {
                let found = find(server, mode, version)?;
                is_new |= change_version(server, &found, found.skip_update != *skip, &json!({"skip_update": skip}))?;
                continue;
            }
            E::Rollout { mode, version, percent } => {
                let found = find(server, mode, version)?;
                is_new |= change_version(server, &found, found.rollout != *percent, &json!({"rollout": percent}))?;
                continue;
            }
            E::Retire { mode, update_to } => {
                let none = || Error::invalid("--keys", "the successor of a mode is signed by its key: name the folder");
                match (keys, update_to) {
                    (Some(keys), next) => retire_on_server(server, keys, mode, next.as_ref())?,
                    (None, None) => server.retire(mode, None)?,
                    (None, Some(_)) => return Err(none()),
                }
            }
            E::Activate { mode } => change_mode(server, mode, &json!({"is_active": true, "update_to": null}))?,
            E::Describe { mode, text } => change_mode(server, mode, &json!({"description": text}))?,
            E::Reports { mode, limit } => {
                let limit = limit.map(|(minimum, percent)| json!({"minimum": minimum, "percent": percent}));
                change_mode(server, mode, &json!({"reports": limit}))?;
            }
            E::Mirrors(urls) => set_mirrors(server, urls)?,
            E::Add { .. } => {
                return Err(Error::unsupported("adding a mode on a server; `vsekai keys push` sends new ones"));
            }
            E::Stores(_) => return Err(Error::unsupported("stores of an update server, which has its own")),
        }
        is_new = true;
    }
    Ok(is_new)
}

fn change_mode(server: &Server, mode: &ModeName, change: &Value) -> Result<()> {
    let _: Value = server.json(Method::PATCH, &format!("api/v1/modes/{mode}"), Some(change))?;
    Ok(())
}

/// The version as it is offered now.
fn find(server: &Server, mode: &ModeName, version: &Version) -> Result<OfferedVersion> {
    let number = version.to_string();
    let found: Vec<OfferedVersion> = list(server, "api/v1/versions", &[("mode", mode.as_str()), ("version", &number)])?;
    if let Some(found) = found.into_iter().find(|found| found.version == number) {
        return Ok(found);
    }
    let all: Vec<OfferedVersion> = list(server, "api/v1/versions", &[("mode", mode.as_str())])?;
    let mut all: Vec<Version> = all.iter().filter_map(|found| Version::parse(&found.version).ok()).collect();
    all.sort_by(|a, b| b.cmp(a));
    let known = all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::VersionUnknown { mode: mode.to_string(), version: number, known })
}

/// Changes how a version is offered, unless that is so already. Returns whether it did.
fn change_version(server: &Server, found: &OfferedVersion, is_new: bool, change: &Value) -> Result<bool> {
    let id = &found.id;
    if id.len() > 64 || !id.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Error::invalid("server", "its answer names a version by something that is no id"));
    }
    if is_new {
        let _: Value = server.json(Method::PATCH, &format!("api/v1/versions/{id}"), Some(change))?;
    }
    Ok(is_new)
}

/// Makes these the mirrors: others are removed, and their order is that of their weights.
fn set_mirrors(server: &Server, urls: &[String]) -> Result<()> {
    let there: Vec<Mirror> = list(server, "api/v1/cdns", &[])?;
    for mirror in there.iter().filter(|mirror| !urls.contains(&mirror.uri)) {
        server.delete(&format!("api/v1/cdns/{}", mirror.uid))?;
    }
    for (at, url) in urls.iter().enumerate() {
        let weight = 1000_usize.saturating_sub(at);
        if let Some(mirror) = there.iter().find(|mirror| mirror.uri == *url) {
            let path = format!("api/v1/cdns/{}", mirror.uid);
            let _: Value = server.json(Method::PATCH, &path, Some(&json!({"weight": weight, "is_enabled": true})))?;
        } else {
            let name: String = url.chars().take(100).collect();
            let new = json!({"name": name, "uri": url, "weight": weight});
            let _: Value = server.json(Method::POST, "api/v1/cdns", Some(&new))?;
        }
    }
    Ok(())
}

fn list<T: serde::de::DeserializeOwned>(server: &Server, path: &str, filter: &[(&str, &str)]) -> Result<Vec<T>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut query = filter.to_vec();
        query.push(("limit", "100"));
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page: Page<T> = server.get(path, &query)?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(items);
        }
    }
    Err(Error::invalid("server", "its list does not end"))
}
