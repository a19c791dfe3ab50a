//! `vsekai-server bundle …`: lists, builds, imports and removes bundles.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use sha2::Digest as _;
use vsekai_server::app::Application;
use vsekai_server::bundles::{Outcome, Put};
use vsekai_server::error::{Error, Result};
use vsekai_server::model::Bundle;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{BundleInfo, BundleList, Effort, HEADER_BYTES, Header, Table};
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::limits;
use vsekai_updater::local::disk;
use vsekai_updater::text::{self, counted};

use super::{entry, note, print, print_json};
use crate::BundleCommand;

pub(super) async fn run(command: BundleCommand, app: Application) -> Result<ExitCode> {
    match command {
        BundleCommand::List { mode, json } => {
            check_mode(&app, mode.as_ref()).await?;
            list(&app, mode.as_ref(), json).await?;
        }
        BundleCommand::Build { mode, effort, now } => {
            check_mode(&app, mode.as_ref()).await?;
            return build(&app, mode.as_ref(), effort, now).await;
        }
        BundleCommand::Import { dir } => import(&app, &dir).await?,
        BundleCommand::Remove { id } => {
            if !app.service().bundles().remove(&id).await? {
                return Err(Error::NotFound { what: "bundle" });
            }
            app.service().db().add_audit(&entry("bundle.remove", id.to_string(), &json!({}))).await?;
            print("Removed. A running server builds it again if it is still wanted.\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn check_mode(app: &Application, mode: Option<&ModeName>) -> Result<()> {
    let Some(mode) = mode else { return Ok(()) };
    let view = app.service().db().view().await?;
    let known: Vec<&str> = view.modes.iter().map(|mode| mode.name.as_str()).collect();
    if known.contains(&mode.as_str()) {
        return Ok(());
    }
    let hint = match known.as_slice() {
        [] => "Nothing has been published yet: `vsekai publish --server URL` does".to_owned(),
        known => format!("The modes are: {}", known.join(", ")),
    };
    Err(Error::command("not_found", format!("there is no mode {:?}", mode.as_str()), hint))
}

/// The mode and the full name of the version of each index.
async fn names(app: &Application) -> Result<BTreeMap<Digest, (String, String)>> {
    let db = app.service().db();
    let (view, indexes) = (db.view().await?, db.indexes().await?);
    let mut names = BTreeMap::new();
    for index in indexes {
        let Some(version) = view.versions.iter().find(|version| version.id == index.version_id) else { continue };
        let mode = view.mode(version.mode_id).map(|mode| mode.name.to_string()).unwrap_or_default();
        let name = format!("{mode} {} {}", version.version, index.platform);
        names.entry(index.digest).or_insert((mode, name));
    }
    Ok(names)
}

async fn list(app: &Application, mode: Option<&ModeName>, is_json: bool) -> Result<()> {
    let names = names(app).await?;
    let (mut rows, mut listed) = (Vec::new(), Vec::new());
    for Bundle { info, to, .. } in app.service().db().bundles(None).await? {
        let Some((of_mode, name)) = names.get(&to) else { continue };
        if mode.is_some_and(|mode| mode.as_str() != of_mode) {
            continue;
        }
        let from = info.from.as_ref().map(|from| names.get(from).map(|(_, name)| name.as_str()));
        let shown = from.map_or("nothing (full)", |name| name.unwrap_or("a version that no longer exists"));
        let (id, effort) = (info.id.to_string(), info.effort.as_str());
        listed.push(json!({"id": id, "length": info.length, "effort": effort, "to": name, "from": from.flatten()}));
        rows.push(vec![id, text::bytes(info.length), effort.to_owned(), name.clone(), shown.to_owned()]);
    }
    match (is_json, rows.is_empty()) {
        (true, _) => print_json(&json!({"bundles": listed})),
        (false, true) => {
            note("There are no bundles. A running server builds them; `vsekai-server bundle build` does now.");
        }
        (false, false) => print(&format!("{}\n", text::table(&["id", "size", "effort", "version", "from"], &rows))),
    }
    Ok(())
}

async fn build(app: &Application, mode: Option<&ModeName>, effort: Option<Effort>, now: bool) -> Result<ExitCode> {
    let builder = app.builder(|options| {
        options.policy.effort = effort.unwrap_or(options.policy.effort);
        // The operator wants the best result, and no interim one.
        options.policy.only_last = true;
        if now {
            options.cpu_percent = 100;
            options.threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        }
    });
    let (failed, tried) = (AtomicU64::new(0), AtomicU64::new(0));
    let outcome_of = |what: &str, outcome: Result<Outcome>| match outcome {
        Ok(Outcome { info, put, took, .. }) => {
            let put = if put == Put::Listed { "" } else { ", no smaller than the existing one" };
            print(&format!("{what}: {} in {:.1} s{put}\n", text::bytes(info.length), took.as_secs_f64()));
        }
        Err(error) => {
            failed.fetch_add(1, Ordering::Relaxed);
            note(&format!("{what}: {error} [{}]", error.code()));
        }
    };
    let report = |what: &str, outcome: Result<Outcome>| {
        tried.fetch_add(1, Ordering::Relaxed);
        outcome_of(what, outcome);
    };
    builder.build_all(mode, report).await?;
    if tried.load(Ordering::Relaxed) == 0 {
        note("Nothing to build: every bundle that the settings ask for is there.");
    }
    Ok(if failed.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn import(app: &Application, dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        let reason = format!("there is no folder {}", dir.display());
        let hint = "Name the folder `bundles` of a repository that `vsekai publish` or `vsekai-server export` has made";
        return Err(Error::command("store_unreadable", reason, hint));
    }
    let (mut taken, mut there) = (0, 0);
    for index in app.service().db().indexes().await? {
        let path = dir.join(format!("{}.json", index.digest));
        let Some(bytes) = disk::read_if_exists(&path, limits::MAX_DOCUMENT_BYTES)? else { continue };
        for info in BundleList::parse(&bytes)?.bundles {
            let file = dir.join(info.id.to_string());
            check(&file, &info, &index.digest)?;
            // Whatever effort it was built with: an imported bundle should not be built again here.
            let info = BundleInfo { effort: Effort::Best, ..info };
            match app.service().bundles().put(index.digest, &info, &file).await? {
                Put::Listed | Put::Waiting => taken += 1,
                Put::NoSmaller => there += 1,
            }
        }
    }
    if taken > 0 {
        let detail = json!({"from": dir.display().to_string(), "bundles": taken});
        app.service().db().add_audit(&entry("bundle.import", "", &detail)).await?;
    }
    print(&format!("Took {}; {there} more were no smaller than existing ones.\n", counted(taken, "bundle", "bundles")));
    Ok(())
}

/// Checks that a file is the bundle that the list names.
fn check(path: &Path, info: &BundleInfo, to: &Digest) -> Result<()> {
    let refuse = |reason: &str| Error::Invalid { what: "bundle", reason: format!("{}: {reason}", path.display()) };
    let mut file = disk::open(path)?;
    let (mut hash, mut length, mut buffer) = (sha2::Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut buffer).map_err(|error| refuse(&error.to_string()))?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        length += count as u64;
    }
    if length != info.length || Digest(hash.finalize().into()) != info.id {
        return Err(refuse("it is not what its name and the list say it is"));
    }
    let read = |length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        disk::read_exact_at(&file, path, 0, &mut bytes).map(|()| bytes)
    };
    let header = Header::parse(&read(HEADER_BYTES)?)?;
    let table = Table::parse(&read(header.sections_at())?)?;
    if table.to != *to || table.from != info.from {
        return Err(refuse("it is for other versions than the list says"));
    }
    Ok(())
}
