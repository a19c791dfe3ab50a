//! `vsekai repository`

use crate::error::Result;
use crate::net::publish::{Edit, edit};

use crate::cli::arguments::publish::{Desk, Repository};
use crate::cli::output::{DONE, Output};

pub(crate) fn run(args: Repository, output: Output) -> Result<u8> {
    let (desk, edits, text) = plan(args);
    let committed = edit(&desk.repository, &desk.keys, &edits)?;
    output.done("repository", &committed, &text);
    Ok(DONE)
}

fn plan(args: Repository) -> (Desk, Vec<Edit>, String) {
    match args {
        Repository::Recall { desk, which, undo } => {
            let text = if undo { "is offered again" } else { "is recalled: nobody is offered it any more" };
            let text = format!("{} ({}) {text}.", which.version, which.mode);
            (desk, vec![Edit::Recall { mode: which.mode, version: which.version, recalled: !undo }], text)
        }
        Repository::Skip { desk, which, undo } => {
            let text = if undo { "is offered again" } else { "is not offered by itself any more" };
            let text = format!("{} ({}) {text}.", which.version, which.mode);
            (desk, vec![Edit::Skip { mode: which.mode, version: which.version, skip: !undo }], text)
        }
        Repository::Rollout { desk, which, percent } => {
            let text = format!("{} ({}) is offered to {percent} of a hundred.", which.version, which.mode);
            (desk, vec![Edit::Rollout { mode: which.mode, version: which.version, percent }], text)
        }
        Repository::Retire { desk, mode, update_to } => {
            let text = match &update_to {
                Some(next) => format!("{mode} is retired; its users move to {next}."),
                None => format!("{mode} is retired; its users keep what they have."),
            };
            (desk, vec![Edit::Retire { mode, update_to }], text)
        }
        Repository::Activate { desk, mode } => {
            let text = format!("{mode} is active.");
            (desk, vec![Edit::Activate { mode }], text)
        }
        Repository::Mode { desk, mode, description } => {
            let text = format!("{mode} is in the catalog.");
            let mut edits = vec![Edit::Add { mode: mode.clone() }];
            edits.extend(description.map(|text| Edit::Describe { mode, text }));
            (desk, edits, text)
        }
        Repository::Stores { desk, stores } => {
            let text = match stores.as_slice() {
                [] => "Chunks are in the repository's own store.".to_owned(),
                stores => format!("Chunks are at {}.", stores.join(", ")),
            };
            (desk, vec![Edit::Stores(stores)], text)
        }
        Repository::Mirrors { desk, urls } => {
            let text = match urls.as_slice() {
                [] => "There are no mirrors.".to_owned(),
                urls => format!("Mirrors are {}.", urls.join(", ")),
            };
            (desk, vec![Edit::Mirrors(urls)], text)
        }
        Repository::Renew { desk } => (desk, Vec::new(), "What was about to expire is signed again.".to_owned()),
    }
}
