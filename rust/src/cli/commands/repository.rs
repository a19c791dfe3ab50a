//! `vsekai repository`

use crate::error::Result;
use crate::net::publish::{Edit, edit};
use crate::text;

use crate::cli::arguments::publish::{Repository, RepositoryTarget};
use crate::cli::output::{DONE, Output};

pub(crate) fn run(args: Repository, output: Output) -> Result<u8> {
    let (target, edits, text) = plan(args);
    let committed = edit(&target.repository, &target.keys, &edits)?;
    output.done("repository", &committed, &text);
    Ok(DONE)
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
            let text = match &update_to {
                Some(next) => format!("{mode} is retired; its users move to {next}."),
                None => format!("{mode} is retired; its users keep what they have."),
            };
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
