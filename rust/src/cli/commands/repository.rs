//! `vsekai repository`

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::formats::release::{Mode, ModeName, Offer};
use crate::net::publish::{
    Destination, Edit, Edited, Server, edit, edit_on_server, look, look_unchecked, prune, renew_on_server,
};
use crate::net::trust::{Committed, Keys, RoleValidity};
use crate::text;
use serde::Serialize;

use crate::cli::arguments::publish::{Change, Repository, RepositoryTarget, ShowTarget};
use crate::cli::checks;
use crate::cli::connect;
use crate::cli::output::{DONE, Output};
use crate::cli::passphrase;
use crate::text::table;

use super::sign;

mod places;

pub(crate) fn run(args: Repository, output: Output, monitor: &Monitor) -> Result<u8> {
    match args {
        Repository::Show { target, mode } => show(target, mode.as_ref(), output),
        Repository::Prune { repository, keys, grace, dry_run } => {
            let place = connect::repository(repository, None, &monitor.cancel)?;
            let pruned = prune(&place, checks::local_folder("--keys", keys)?, grace, dry_run, monitor)?;
            Ok(super::store::prune::report("repository prune", pruned, dry_run, output))
        }
        Repository::Change(Change::Renew { target, prepare: Some(file), mode }) => {
            let place = place(&target)?;
            let keys = Keys::open(passphrase::key_folder("--keys", target.keys.unwrap_or_default(), &target.access)?)?;
            sign::prepare_renewal(&file, &place, &keys, &mode, output)
        }
        Repository::Change(Change::Stores { target, stores, clear: false }) if stores.is_empty() => {
            places::list(&target, places::Kind::Stores, output)
        }
        Repository::Change(Change::Mirrors { target, urls, clear: false }) if urls.is_empty() => {
            places::list(&target, places::Kind::Mirrors, output)
        }
        Repository::Change(args) => change(args, output),
    }
}

fn change(args: Change, output: Output) -> Result<u8> {
    let is_renewal = matches!(args, Change::Renew { .. });
    let (target, edits, text) = plan(args);
    let was_so = format!("{text} It was so before: nothing was changed.");
    let recalled = edits.iter().find_map(|edit| match edit {
        Edit::Recall { mode, recalled: true, .. } => Some(mode.clone()),
        _ => None,
    });
    let key_folder = target.keys.clone();
    let warn = |place: &Destination| {
        if let (Some(mode), Some(keys)) = (&recalled, &key_folder) {
            warn_of_empty(mode, place, keys, output);
        }
    };
    let keys = target.keys.map(|keys| passphrase::key_folder("--keys", keys, &target.access)).transpose()?;
    if let Some(server) = connect::update_server(&target.server)? {
        return match keys {
            Some(keys) if is_renewal => {
                let roles = renew_on_server(&server, keys, &[])?;
                let text = format!("{text}{}", renewed(&roles, output));
                Ok(done(&Edited { committed: Committed::default(), roles, was_so: false }, &text, output))
            }
            None if is_renewal => Err(Error::invalid("--keys", "the lists of modes are signed by their keys")),
            keys => {
                let is_new = edit_on_server(&server, keys.as_ref(), &edits)?;
                warn(&Destination::Server(server));
                let edited = Edited { committed: Committed::default(), roles: Vec::new(), was_so: !is_new };
                Ok(done(&edited, if is_new { &text } else { &was_so }, output))
            }
        };
    }
    // clap requires both where there is no server.
    let (Some(place), Some(keys)) = (target.repository, keys) else {
        return Err(Error::invalid("--repository", "give a folder or bucket and --keys, or a URL with --server"));
    };
    let repository = connect::repository(place, None, &Cancel::default())?;
    let edited = edit(&repository, keys, &edits)?;
    warn(&repository);
    if edited.was_so {
        return Ok(done(&edited, &was_so, output));
    }
    let days = if is_renewal { renewed(&edited.roles, output) } else { String::new() };
    Ok(done(&edited, &format!("{text}{days}{}", checks::upload(&repository)), output))
}

/// Warns of a mode that offers nothing any more.
fn warn_of_empty(mode: &ModeName, place: &Destination, keys: &Path, output: Output) {
    let Ok(look) = look(place, keys.to_owned()) else { return };
    if look.catalog.modes.get(mode).is_some_and(|mode| mode.versions.iter().all(|offer| offer.recalled)) {
        output.note(&format!(
            "warning: all versions of {mode} are recalled now: nobody can install it, and players keep what they have. \
             Publish another version, or undo it with --undo."
        ));
    }
}

/// The days left after a renewal, which is about them; with `--verbose`, every change shows them anyway.
fn renewed(roles: &[RoleValidity], output: Output) -> String {
    if output.is_verbose() { String::new() } else { checks::days_left(roles) }
}

/// The repository that is named.
fn place(target: &RepositoryTarget) -> Result<Destination> {
    match connect::update_server(&target.server)? {
        Some(server) => Ok(Destination::Server(server)),
        None => connect::repository(target.repository.clone().unwrap_or_default(), None, &Cancel::default()),
    }
}

fn done(edited: &Edited, text: &str, output: Output) -> u8 {
    checks::warn_of_ending(&edited.roles, output);
    let days = checks::days_left_if_verbose(&edited.roles, output);
    output.done("repository", edited, &format!("{text}{days}"));
    DONE
}

fn retired(mode: &ModeName, update_to: Option<&ModeName>) -> String {
    match update_to {
        Some(next) => format!("{mode} is retired; its users move to {next}."),
        None => format!("{mode} is retired; its users keep what they have."),
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    modes: BTreeMap<&'a ModeName, &'a Mode>,
    stores: &'a [String],
    mirrors: &'a [String],
    /// How long the signatures are valid.
    roles: &'a [RoleValidity],
    /// Whether the signatures were checked against a root that this user has.
    is_checked: bool,
}

fn show(target: ShowTarget, only: Option<&ModeName>, output: Output) -> Result<u8> {
    let destination = match (target.server, target.repository) {
        (Some(url), _) => Destination::Server(Server::new(url, connect::connect(&target.network)?)?),
        (None, place) => connect::repository(place.unwrap_or_default(), None, &Cancel::default())?,
    };
    let keys = target.keys.map(|keys| checks::local_folder("--keys", keys)).transpose()?;
    let is_checked = keys.is_some();
    let look = match keys {
        Some(keys) => look(&destination, keys)?,
        None => look_unchecked(&destination)?,
    };
    if !is_checked {
        output.note(
            "note: not checked against a root that you trust: the repository's own vouches for this. Give --keys KEYS to check \
             it.",
        );
    }
    if let Some(mode) = only {
        look.catalog.mode(mode)?;
    }
    let modes: BTreeMap<_, _> =
        look.catalog.modes.iter().filter(|(name, _)| only.is_none_or(|it| it == *name)).collect();
    checks::warn_of_ending(&look.roles, output);
    let (stores, mirrors) = (look.catalog.stores.as_slice(), look.catalog.mirrors.as_slice());
    let text = text_of(&modes, stores, mirrors);
    let shown = Shown { modes, stores, mirrors, roles: &look.roles, is_checked };
    output.done("repository show", &shown, &format!("{text}{}", checks::days_left(&look.roles)));
    Ok(DONE)
}

fn text_of(modes: &BTreeMap<&ModeName, &Mode>, stores: &[String], mirrors: &[String]) -> String {
    let mut blocks = Vec::new();
    for (name, mode) in modes {
        let state = match &mode.update_to {
            Some(next) => format!(" (retired: users move to {next})"),
            None if !mode.is_active => " (retired)".to_owned(),
            None => String::new(),
        };
        let mut offers: Vec<&Offer> = mode.versions.iter().collect();
        offers.sort_by(|a, b| b.version.cmp(&a.version));
        let rows: Vec<_> = offers.into_iter().map(row).collect();
        let asks = if mode.reports { " (asks for reports)" } else { "" };
        let head = format!("{name}{state}{asks}  {}", text::line(&mode.description));
        let table = if rows.is_empty() {
            "no versions".to_owned()
        } else {
            table(&["version", "rollout", "platforms", ""], &rows)
        };
        blocks.push(format!("{}\n  {}", head.trim_end(), table.replace('\n', "\n  ")));
    }
    if !stores.is_empty() {
        blocks.push(places::stores(stores));
    }
    if !mirrors.is_empty() {
        blocks.push(places::mirrors(mirrors));
    }
    if blocks.is_empty() { "There are no modes yet.".to_owned() } else { blocks.join("\n\n") }
}

fn row(offer: &Offer) -> Vec<String> {
    let notes = [(offer.recalled, "recalled"), (offer.skip_update, "only by name")];
    let notes: Vec<_> = notes.into_iter().filter_map(|(is_so, note)| is_so.then_some(note)).collect();
    let platforms: Vec<_> = offer.platforms.iter().map(ToString::to_string).collect();
    vec![offer.version.to_string(), format!("{}%", offer.rollout), platforms.join(" "), notes.join(", ")]
}

fn plan(args: Change) -> (RepositoryTarget, Vec<Edit>, String) {
    match args {
        Change::Recall { target, which, undo } => {
            let text = if undo { "is no longer recalled" } else { "is recalled and no longer offered" };
            let text = format!("{} ({}) {text}.", which.version, which.mode);
            (target, vec![Edit::Recall { mode: which.mode, version: which.version, recalled: !undo }], text)
        }
        Change::Skip { target, which, undo } => {
            let text = if undo { "is no longer skipped" } else { "is no longer offered automatically" };
            let text = format!("{} ({}) {text}.", which.version, which.mode);
            (target, vec![Edit::Skip { mode: which.mode, version: which.version, skip: !undo }], text)
        }
        Change::Rollout { target, which, percent } => {
            let text = format!("Rollout of {} ({}): {percent}%.", which.version, which.mode);
            (target, vec![Edit::Rollout { mode: which.mode, version: which.version, percent }], text)
        }
        Change::Reports { target, mode, minimum, limit, off, on: _ } => {
            let text = if off {
                format!("Players of {mode} are not asked for reports.")
            } else {
                format!(
                    "Players of {mode} who agree report whether versions that are being rolled out start. From \
                     {minimum} reports on, more than {limit}% failures stop a rollout."
                )
            };
            (target, vec![Edit::Reports { mode, limit: (!off).then_some((minimum, limit)) }], text)
        }
        Change::Retire { target, mode, update_to } => {
            let text = retired(&mode, update_to.as_ref());
            (target, vec![Edit::Retire { mode, update_to }], text)
        }
        Change::Activate { target, mode } => {
            let text = format!("{mode} is active.");
            (target, vec![Edit::Activate { mode }], text)
        }
        Change::Mode { target, mode, description } => {
            let text = format!("{mode} is in the catalog.");
            let mut edits = vec![Edit::Add { mode: mode.clone() }];
            edits.extend(description.map(|text| Edit::Describe { mode, text }));
            (target, edits, text)
        }
        Change::Stores { target, stores, clear: _ } => {
            let text = places::stores(&stores);
            (target, vec![Edit::Stores(stores)], text)
        }
        Change::Mirrors { target, urls, clear: _ } => {
            let text = if urls.is_empty() { "Removed all mirrors.".to_owned() } else { places::mirrors(&urls) };
            (target, vec![Edit::Mirrors(urls)], text)
        }
        Change::Renew { target, .. } => (target, Vec::new(), "Signed again what expires next.".to_owned()),
    }
}
