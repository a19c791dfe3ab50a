//! `vsekai update`, `rollback`, `uninstall`

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::app::updater::{Updated, Updater};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::release::Why;
use crate::install::{InstallRoot, Prepared, Uninstalled};
use crate::local::plan::Summary;
use crate::local::strategy::Price;
use serde::Serialize;

use crate::cli::arguments::install::{Rollback, Uninstall, Update};
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, count};
use crate::cli::summary::{routes, rows};
use crate::cli::updater;

pub(crate) fn run(args: &Update, output: Output, monitor: &Monitor) -> Result<u8> {
    let started = Instant::now();
    let updater = updater::updater(&args.dir, &args.source, |settings| {
        settings.mode = args.mode.clone().or(settings.mode.take());
        settings.version.clone_from(&args.version);
        settings.at_once = args.now;
        settings.adopt = args.adopt;
        settings.discard = args.discard;
        settings.write_cache = args.cache.clone().or(settings.write_cache.take());
        if args.no_shared_cache {
            settings.caches.clear();
        }
    })?;
    if args.dry_run {
        return dry_run(&updater, args, output, monitor);
    }
    let routes = RefCell::new(Vec::new());
    let done = updater.update_as_planned(monitor, &|prepared| *routes.borrow_mut() = prepared.prices().to_vec())?;
    let text = text(&done, &args.dir, started.elapsed().as_secs_f64());
    output.done("update", &Done { updated: done, routes: routes.into_inner() }, &text);
    Ok(DONE)
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

fn dry_run(updater: &Updater, args: &Update, output: Output, monitor: &Monitor) -> Result<u8> {
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
        None => format!("{} is up to date.", args.dir.display()),
        Some(prepared) if prepared.is_there() => {
            format!("{} already has {}; updating only switches to it.", args.dir.display(), prepared.release().version)
        }
        Some(prepared) => {
            let release = prepared.release();
            let plan = rows(prepared.summary());
            let routes = routes(prepared.prices());
            format!("To update {} to {} ({}):\n{plan}{routes}", args.dir.display(), release.version, release.mode)
        }
    };
    output.done("update", &dry, &text);
    Ok(DONE)
}

fn text(updated: &Updated, dir: &Path, seconds: f64) -> String {
    let (version, mode) = (&updated.current.version, &updated.current.mode);
    let Some(why) = updated.why else {
        let (dir, followed) = (dir.display(), &updated.mode);
        return if followed == mode {
            format!("{dir} is up to date: {version} ({mode}).")
        } else {
            format!("{dir} stays at {version} ({mode}): {followed} has no version to install here now.")
        };
    };
    let from = updated.from.as_ref().map(|from| format!(", was {from}")).unwrap_or_default();
    let reason = match why {
        Why::Recalled => " The previous version was recalled.",
        Why::ModeChanged => " The mode has changed.",
        Why::Incomplete => " A part of it was gone.",
        Why::Install | Why::Newer | Why::Asked => "",
    };
    let report = &updated.report;
    let mut text = format!(
        "{} is now at {version} ({mode}){from}: {} written, {} kept, in {seconds:.2} s.{reason}",
        dir.display(),
        bytes(report.work.written_bytes),
        bytes(report.work.plan.kept_bytes),
    );
    let transfer = report.work.transfer;
    if transfer.requests > 0 {
        let (received, requests) = (bytes(transfer.received_bytes), count(transfer.requests));
        text = format!("{text}\nReceived {received} in {requests} requests.");
    }
    if report.saved_files > 0 {
        let saved = count(report.saved_files);
        text = format!("{text}\n{saved} files of yours are in {} now.", saved_folder(dir).display());
    }
    text
}

pub(crate) fn roll_back(args: &Rollback, output: Output, monitor: &Monitor) -> Result<u8> {
    let current = updater::offline(&args.dir, args.trust_owner)?.roll_back(monitor)?;
    let text = format!(
        "{} is back at {} ({}). The version left will not be offered again automatically.",
        args.dir.display(),
        current.version,
        current.mode
    );
    output.done("rollback", &current, &text);
    Ok(DONE)
}

pub(crate) fn uninstall(args: &Uninstall, output: Output, monitor: &Monitor) -> Result<u8> {
    let done = updater::offline(&args.dir, args.trust_owner)?.uninstall(monitor)?;
    output.done("uninstall", &done, &uninstalled(&done, &args.dir));
    Ok(DONE)
}

fn uninstalled(done: &Uninstalled, dir: &Path) -> String {
    let mut text = format!("Uninstalled {} (versions removed: {}).", dir.display(), count(done.versions));
    if done.saved_files > 0 {
        let saved = saved_folder(dir);
        text = format!("{text} {} other files were moved to {}.", count(done.saved_files), saved.display());
    } else if !done.is_folder_gone {
        text = format!("{text} Other files in it were kept.");
    }
    text
}

/// Where files of the user are moved to.
fn saved_folder(dir: &Path) -> PathBuf {
    InstallRoot::at(dir).map_or_else(|_| dir.join("saved"), |root| root.saved_folder())
}
