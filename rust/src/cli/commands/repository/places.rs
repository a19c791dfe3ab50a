//! The stores and mirrors that a repository names.

use serde::Serialize;

use crate::cli::arguments::publish::RepositoryTarget;
use crate::cli::checks;
use crate::cli::output::{DONE, Output};
use crate::error::Result;
use crate::net::publish::{look, look_unchecked};
use crate::text;

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Stores,
    Mirrors,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Listed {
    Stores(Vec<String>),
    Mirrors(Vec<String>),
}

/// Lists them, and changes nothing.
pub(super) fn list(target: &RepositoryTarget, kind: Kind, output: Output) -> Result<u8> {
    let place = super::place(target)?;
    let look = match &target.keys {
        Some(keys) => look(&place, checks::local_folder("--keys", keys.clone())?)?,
        None => look_unchecked(&place)?,
    };
    let (text, listed) = match kind {
        Kind::Stores => (stores(&look.catalog.stores), Listed::Stores(look.catalog.stores)),
        Kind::Mirrors => (mirrors(&look.catalog.mirrors), Listed::Mirrors(look.catalog.mirrors)),
    };
    output.done("repository", &listed, &text);
    Ok(DONE)
}

pub(super) fn stores(stores: &[String]) -> String {
    match stores {
        [] => "Clients get chunks from the repository's own store.".to_owned(),
        stores => format!("Clients get chunks from {}.", shown(stores)),
    }
}

pub(super) fn mirrors(mirrors: &[String]) -> String {
    match mirrors {
        [] => "There are no mirrors.".to_owned(),
        mirrors => format!("Mirrors: {}.", shown(mirrors)),
    }
}

fn shown(addresses: &[String]) -> String {
    addresses.iter().map(|address| text::address(address)).collect::<Vec<_>>().join(", ")
}
