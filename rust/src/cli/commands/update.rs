//! `vsekai install`, `update`, `rollback`, `clean`

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::app::updater::{Updated, Updater};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::Why;
use crate::install::{InstallRoot, Prepared};
use crate::local::plan::Summary;
use crate::local::strategy::Price;
use serde::Serialize;

use crate::cli::arguments::install::{Clean, How, Install, Rollback, Update};
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, counted};
use crate::cli::summary::{download_bytes, routes, rows, up_to_date};
use crate::cli::{options, progress, settings, updater, words};

use super::check::{aside, held_back};

pub(crate) fn install(args: &Install, output: Output, monitor: &Monitor) -> Result<u8> {
    bring("install", (&args.dir, &words::after(Some(&args.dir))), &args.how, output, monitor)
}

pub(crate) fn run(args: &Update, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    bring("update", (&dir, &words::after(args.dir.as_deref())), &args.how, output, monitor)
}

/// `here` names the folder in the commands that are suggested.
fn bring(command: &str, (dir, here): (&Path, &str), how: &How, output: Output, monitor: &Monitor) -> Result<u8> {
    let started = Instant::now();
    let updater = updater::updater(dir, &how.source, |settings| {
        settings.mode = how.mode.clone().or(settings.mode.take());
        settings.version.clone_from(&how.version);
        settings.at_once = how.now;
        settings.adopt = how.adopt;
        settings.discard = how.discard;
        settings.write_cache = how.cache.clone().or(settings.write_cache.take());
        if how.no_shared_cache {
            settings.caches.clear();
        }
    });
    let updater = updater.map_err(|error| match error {
        // What `install` lacks is not an install.
        Error::NotInstalled { path } if command == "install" => Error::RepositoryMissing { path },
        error => error,
    })?;
    if how.dry_run {
        return dry_run(command, &updater, dir, output, monitor);
    }
    let chosen = RefCell::new(Vec::new());
    let done = updater.update_as_planned(monitor, &|prepared| {
        progress::expect(download_bytes(prepared.summary(), prepared.prices()).unwrap_or(0));
        *chosen.borrow_mut() = prepared.prices().to_vec();
    });
    let done = done.inspect_err(|error| explain_mode(error, how, output))?;
    let prices = chosen.into_inner();
    if done.why.is_some() {
        output.detail(&format!("{}{}", details(&done), routes(&prices)));
    }
    let mut text = text(&done, (dir, here), started.elapsed().as_secs_f64());
    if done.why.is_none() {
        text.push_str(&aside(&updater, &done.mode, here, monitor));
    }
    if let Some(later) = done.held_back.as_ref().map(|version| held_back(version, here)) {
        text = format!("{text}\n{later}");
    }
    text.push_str(replaced(&done));
    output.done(command, &Done { updated: done, routes: prices }, &text);
    Ok(DONE)
}

/// What the install follows from now on, in place of what it followed before.
fn replaced(done: &Updated) -> &'static str {
    match (done.has_new_repository, done.has_new_root) {
        (true, true) => "\nThe repository and the trusted root that it had were replaced by those given.",
        (true, false) => "\nThe repository that it had was replaced by the one given.",
        (false, true) => "\nThe trusted root that it had was replaced by the one given.",
        (false, false) => "",
    }
}

/// Says where the mode comes from, if nobody has named it here: a default of the user is one for every game.
fn explain_mode(error: &Error, how: &How, output: Output) {
    let Error::ModeUnknown { mode, .. } = error else { return };
    if how.mode.is_none()
        && let Some(origin) = settings::origin_of_mode(mode)
    {
        output.note(&format!("{origin} says that new installs follow {mode:?}; --mode names another."));
    }
}

#[derive(Serialize)]
struct Done {
    #[serde(flatten)]
    updated: Updated,
    /// The price of each way to get the content, the chosen one included.
    routes: Vec<Price>,
}

#[derive(Serialize)]
struct DryRun {
    /// Always set: tells this line from that of a run that did something.
    #[serde(rename = "dry_run")]
    is_dry: bool,
    up_to_date: bool,
    mode: Option<String>,
    version: Option<String>,
    plan: Summary,
    routes: Vec<Price>,
}

fn dry_run(command: &str, updater: &Updater, dir: &Path, output: Output, monitor: &Monitor) -> Result<u8> {
    let prepared = updater.plan(monitor)?;
    let release = prepared.as_ref().map(Prepared::release);
    let dry = DryRun {
        is_dry: true,
        up_to_date: prepared.is_none(),
        mode: release.map(|release| release.mode.to_string()),
        version: release.map(|release| release.version.to_string()),
        plan: prepared.as_ref().map(|prepared| *prepared.summary()).unwrap_or_default(),
        routes: prepared.as_ref().map(|prepared| prepared.prices().to_vec()).unwrap_or_default(),
    };
    let text = match &prepared {
        None => format!("{} is up to date.", dir.display()),
        Some(prepared) if prepared.is_there() => {
            format!("{} already has {}; updating only switches to it.", dir.display(), prepared.release().version)
        }
        Some(prepared) => {
            let release = prepared.release();
            let plan = rows(prepared.summary(), prepared.prices());
            let routes = routes(prepared.prices());
            format!("To update {} to {} ({}):\n{plan}{routes}", dir.display(), release.version, release.mode)
        }
    };
    output.done(command, &dry, &text);
    Ok(DONE)
}

fn stays(dir: &Path, updated: &Updated) -> String {
    up_to_date(dir, &updated.current, &updated.mode, updated.is_recalled)
}

/// The result in a line that people read.
fn text(updated: &Updated, (dir, here): (&Path, &str), seconds: f64) -> String {
    let (version, name) = (&updated.current.version, dir.display());
    let Some(why) = updated.why else { return stays(dir, updated) };
    let what = match (&updated.from, why) {
        (Some(from), Why::ModeChanged) => format!("Changed {name} {from} -> {version}"),
        (Some(from), _) if from.cmp_precedence(version).is_gt() => format!("Rolled {name} back: {from} -> {version}"),
        (Some(from), _) => format!("Updated {name} {from} -> {version}"),
        (None, Why::Incomplete) => format!("Restored {name} {version}"),
        (None, _) => format!("Installed {name} {version}"),
    };
    let reason = match (why, &updated.from) {
        (Why::Recalled, Some(from)) => format!(" {from} was recalled."),
        (Why::ModeChanged, _) => " The mode has changed.".to_owned(),
        (Why::Asked, Some(from)) if from.cmp_precedence(version).is_gt() => {
            format!(" This is no pin: `vsekai update{here}` goes forward again.")
        }
        (Why::Install | Why::Asked, None) => format!(" `vsekai launch{here}` starts it."),
        _ => String::new(),
    };
    let work = &updated.report.work;
    // What a check and a plan announce: content, without the documents that say what it is.
    let amount = match work.transfer.received_bytes {
        0 => format!("{} written", bytes(work.written_bytes)),
        received => format!("{} downloaded", bytes(received)),
    };
    let mut text = format!("{what} ({}): {amount} in {seconds:.1} s.{reason}", updated.current.mode);
    if updated.report.saved_files > 0 {
        let files = counted(updated.report.saved_files, "file of yours is", "files of yours are");
        text = format!("{text}\n{files} in {} now.", saved_folder(dir).display());
    }
    text
}

/// What was done, in numbers.
fn details(updated: &Updated) -> String {
    let work = &updated.report.work;
    format!(
        "  wrote      {}\n  kept       {}\n  reused     {}\n  downloaded {} in {}, and {} of metadata in {}",
        bytes(work.written_bytes),
        bytes(work.plan.kept_bytes),
        bytes(work.plan.seed_bytes),
        bytes(work.transfer.received_bytes),
        counted(work.transfer.requests, "request", "requests"),
        bytes(updated.metadata.received_bytes),
        counted(updated.metadata.requests, "request", "requests"),
    )
}

/// Where files of the user are moved to.
pub(super) fn saved_folder(dir: &Path) -> PathBuf {
    InstallRoot::at(dir).map_or_else(|_| dir.join("saved"), |root| root.saved_folder())
}

pub(crate) fn roll_back(args: &Rollback, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let updater = updater::offline(&dir, args.trust_owner)?;
    let left = updater.status(monitor).ok().and_then(|status| status.current);
    let current = updater.roll_back(monitor)?;
    let mut text = format!("{} is back at {} ({}).", dir.display(), current.version, current.mode);
    if let Some(left) = left {
        let (left, here) = (left.version, words::after(args.dir.as_deref()));
        text =
            format!("{text} {left} is not offered here any more; `vsekai update{here} --version {left}` installs it.");
    }
    output.done("rollback", &current, &text);
    Ok(DONE)
}

pub(crate) fn clean(args: &Clean, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let removed = updater::offline(&dir, args.trust_owner)?.remove_previous(monitor)?;
    let freed = bytes(removed.freed_bytes);
    let text = match &removed.version {
        Some(version) => format!("Removed {version}, the version to go back to: freed {freed}."),
        None if removed.freed_bytes > 0 => format!("Removed what was not needed: freed {freed}."),
        None => "There is no version to remove besides the current one.".to_owned(),
    };
    output.done("clean", &removed, &text);
    Ok(DONE)
}
