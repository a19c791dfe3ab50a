//! `vsekai repository`

use crate::error::Result;
use crate::event::Cancel;
use crate::formats::release::ModeName;
use crate::net::publish::{Edit, Server, edit, retire_on_server};
use crate::net::trust::Committed;
use crate::text;

use crate::cli::arguments::publish::{Repository, RepositoryTarget, RetireTarget};
use crate::cli::checks;
use crate::cli::connect;
use crate::cli::output::{DONE, Output};

pub(crate) fn run(args: Repository, output: Output) -> Result<u8> {
    if let Repository::Retire {
        target: RetireTarget { server: Some(url), token_file, keys, network, .. },
        mode,
        update_to,
    } = &args
    {
        let network = connect::connect_with_token(network, token_file.as_deref())?;
        retire_on_server(&Server::new(url.clone(), network)?, keys, mode, update_to.as_ref())?;
        output.done("repository", &Committed::default(), &retired(mode, update_to.as_ref()));
        return Ok(DONE);
    }
    let (target, edits, text) = plan(args);
    let repository = connect::repository(target.repository, None, &Cancel::default())?;
    let keys = checks::local_folder("--keys", target.keys)?;
    let edited = edit(&repository, &keys, &edits)?;
    checks::warn_of_ending(&edited.roles, output);
    output.done("repository", &edited, &format!("{text}{}", checks::days_left(&edited.roles)));
    Ok(DONE)
}

fn retired(mode: &ModeName, update_to: Option<&ModeName>) -> String {
    match update_to {
        Some(next) => format!("{mode} is retired; its users move to {next}."),
        None => format!("{mode} is retired; its users keep what they have."),
    }
}

fn shown(addresses: &[String]) -> String {
    addresses.iter().map(|address| text::address(address)).collect::<Vec<_>>().join(", ")
}

fn plan(args: Repository) -> (RepositoryTarget, Vec<Edit>, String) {
    match args {
        Repository::Recall { target, which, undo } => {
            let text = if undo { "is offered again" } else { "is recalled and no longer offered" };
            let text = format!("{} ({}) {text}.", which.version, which.mode);
            (target, vec![Edit::Recall { mode: which.mode, version: which.version, recalled: !undo }], text)
        }
        Repository::Skip { target, which, undo } => {
            let text = if undo { "is offered again" } else { "is no longer offered automatically" };
            let text = format!("{} ({}) {text}.", which.version, which.mode);
            (target, vec![Edit::Skip { mode: which.mode, version: which.version, skip: !undo }], text)
        }
        Repository::Rollout { target, which, percent } => {
            let text = format!("Rollout of {} ({}): {percent}%.", which.version, which.mode);
            (target, vec![Edit::Rollout { mode: which.mode, version: which.version, percent }], text)
        }
        Repository::Retire { target, mode, update_to } => {
            let text = retired(&mode, update_to.as_ref());
            // One of folder and server is required, and the server was handled before.
            let target = RepositoryTarget { repository: target.repository.unwrap_or_default(), keys: target.keys };
            (target, vec![Edit::Retire { mode, update_to }], text)
        }
        Repository::Activate { target, mode } => {
            let text = format!("{mode} is active.");
            (target, vec![Edit::Activate { mode }], text)
        }
        Repository::Mode { target, mode, description } => {
            let text = format!("{mode} is in the catalog.");
            let mut edits = vec![Edit::Add { mode: mode.clone() }];
            edits.extend(description.map(|text| Edit::Describe { mode, text }));
            (target, edits, text)
        }
        Repository::Stores { target, stores } => {
            let text = match stores.as_slice() {
                [] => "Clients get chunks from the repository's own store.".to_owned(),
                stores => format!("Clients get chunks from {}.", shown(stores)),
            };
            (target, vec![Edit::Stores(stores)], text)
        }
        Repository::Mirrors { target, urls } => {
            let text = match urls.as_slice() {
                [] => "Removed all mirrors.".to_owned(),
                urls => format!("Mirrors: {}.", shown(urls)),
            };
            (target, vec![Edit::Mirrors(urls)], text)
        }
        Repository::Renew { target } => (target, Vec::new(), "Renewed metadata that was about to expire.".to_owned()),
    }
}
