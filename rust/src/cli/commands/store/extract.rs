//! `vsekai store extract`

use std::path::PathBuf;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::local::extract::{self, Extracted, Request, SeedSpec};
use crate::local::plan::Summary;
use crate::local::sources::Sources;
use crate::local::staging::Intent;
use crate::local::store::LocalStore;
use serde::Serialize;

use crate::cli::arguments::store::Extract;
use crate::cli::connect::{self, LazyNetwork};
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, counted};
use crate::cli::summary::rows;

pub(crate) fn run(args: &Extract, output: Output, monitor: &Monitor) -> Result<u8> {
    let started = Instant::now();
    let network = LazyNetwork::new(&args.network);
    let request = request(args, &network)?;
    let sources = sources(args, &network)?;
    if args.discard && !args.dry_run {
        extract::discard(&request)?;
    }
    let intent = if args.dry_run { Intent::DryRun } else { Intent::Apply };
    let prepared = extract::prepare(request, sources, intent, monitor)?;
    if args.dry_run {
        let dry = DryRun { is_dry: true, up_to_date: prepared.is_up_to_date(), plan: *prepared.summary() };
        output.done("store extract", &dry, &dry_text(&dry, args));
        return Ok(DONE);
    }
    let report = prepared.apply(monitor)?;
    output.done("store extract", &report, &report_text(&report, args, started.elapsed().as_secs_f64()));
    Ok(DONE)
}

fn request(args: &Extract, network: &LazyNetwork<'_>) -> Result<Request> {
    if args.seed_index.len() > args.seed.len() {
        let reason = "there are more --seed-index options than --seed options".to_owned();
        return Err(Error::invalid("--seed-index", reason));
    }
    let mut seeds = Vec::new();
    for (at, path) in args.seed.iter().enumerate() {
        let index = args.seed_index.get(at).map(|index| connect::index(index, network)).transpose()?;
        seeds.push(SeedSpec { path: path.clone(), index });
    }
    Ok(Request {
        content: options::content(&args.index)?,
        index: connect::index(&args.index, network)?,
        destination: args.dest.clone(),
        seeds,
        protected: std::env::home_dir().into_iter().collect::<Vec<PathBuf>>(),
        scratch: std::env::temp_dir(),
        sync: args.sync,
    })
}

fn sources(args: &Extract, network: &LazyNetwork<'_>) -> Result<Sources> {
    let mut sources = connect::stores(&args.store, network)?;
    sources.write_cache = args.cache.as_deref().map(LocalStore::create).transpose()?;
    if !args.no_shared_cache {
        sources.caches.extend(options::shared_cache());
    }
    Ok(sources)
}

#[derive(Serialize)]
struct DryRun {
    /// Always set: tells this line from that of a run that did something.
    #[serde(rename = "dry_run")]
    is_dry: bool,
    up_to_date: bool,
    plan: Summary,
}

fn dry_text(dry: &DryRun, args: &Extract) -> String {
    if dry.up_to_date {
        return format!("{} is up to date.", args.dest.display());
    }
    format!("To update {} to {}:\n{}", args.dest.display(), options::shown(&args.index), rows(&dry.plan, &[]))
}

fn report_text(extracted: &Extracted, args: &Extract, seconds: f64) -> String {
    if extracted.up_to_date {
        return format!("{} is up to date.", args.dest.display());
    }
    let report = &extracted.work;
    let plan = &report.plan;
    let mut text = format!(
        "{} is at {}: {} written, {} kept, in {seconds:.2} s.",
        args.dest.display(),
        options::shown(&args.index),
        bytes(report.written_bytes),
        bytes(plan.kept_bytes),
    );
    if report.transfer.requests > 0 {
        let received = bytes(report.transfer.received_bytes);
        let requests = counted(report.transfer.requests, "request", "requests");
        text = format!("{text}\nReceived {received} in {requests}.");
    }
    text
}
