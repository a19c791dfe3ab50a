//! Describes a plan and its prices as text.

use std::path::Path;

use crate::formats::release::ModeName;
use crate::install::Installed;
use crate::local::plan::Summary;

use crate::cli::size::{bytes, count, counted};
use crate::local::strategy::{Method, Price};

/// That an install has the version that it should have, or the one that it keeps for want of another.
pub(crate) fn up_to_date(dir: &Path, current: &Installed, followed: &ModeName, is_recalled: bool) -> String {
    let (dir, version, mode) = (dir.display(), &current.version, &current.mode);
    if is_recalled && followed == mode {
        format!("{dir} stays at {version} ({mode}): its publisher has recalled it, and offers no other version now.")
    } else if followed == mode {
        format!("{dir} is up to date: {version} ({mode}).")
    } else {
        format!("{dir} stays at {version} ({mode}): {followed} has no version to install here now.")
    }
}

/// What an update will download; `None` if the plan does not say.
pub(crate) fn download_bytes(plan: &Summary, prices: &[Price]) -> Option<u64> {
    let chosen = prices.iter().find(|price| price.chosen).map(|price| price.bytes);
    chosen.or_else(|| (plan.fetch_bytes > 0 || plan.fetch_chunks == 0).then_some(plan.fetch_bytes))
}

/// What an update will download, in words; `None` if the plan does not say.
pub(crate) fn to_download(plan: &Summary, prices: &[Price]) -> Option<String> {
    download_bytes(plan, prices).map(|amount| {
        let why = if is_all_here(plan, amount) { ON_THIS_DISK } else { "" };
        format!("{}{} to download{why}", about(amount, prices), amount_of(amount))
    })
}

/// What single chunks take is an estimate; what bundles take is known.
fn about(download: u64, prices: &[Price]) -> &'static str {
    let is_estimate = prices.iter().any(|price| price.chosen && price.chunks > 0);
    if download > 0 && is_estimate { "about " } else { "" }
}

/// Why nothing is downloaded although there is something new.
const ON_THIS_DISK: &str = " (the repository is on this disk)";

fn is_all_here(plan: &Summary, download: u64) -> bool {
    download == 0 && plan.fetch_chunks > 0
}

fn amount_of(download: u64) -> String {
    if download == 0 { "nothing".to_owned() } else { bytes(download) }
}

/// One line for each number of the plan.
pub(crate) fn rows(plan: &Summary, prices: &[Price]) -> String {
    let download = match download_bytes(plan, prices) {
        Some(amount) if is_all_here(plan, amount) => format!("{}{ON_THIS_DISK}", amount_of(amount)),
        Some(amount) => format!("{}{}", about(amount, prices), amount_of(amount)),
        None => format!("at most {}", bytes(plan.fetch_plain_bytes)),
    };
    let new = counted(plan.fetch_chunks, "chunk", "chunks");
    let files = |number: u64| counted(number, "file", "files");
    let rows = [
        ("download", download),
        ("new", format!("{new}, {} of content", bytes(plan.fetch_plain_bytes))),
        ("requests", count(plan.requests)),
        ("reuse", format!("{} from installed files", bytes(plan.seed_bytes))),
        ("keep", format!("{} untouched, {}", files(plan.kept_files), bytes(plan.kept_bytes))),
        ("write", format!("{}, {}", files(plan.written_files), bytes(plan.write_bytes))),
        ("remove", files(plan.removed_files)),
        ("resume", format!("{} already done", bytes(plan.resumed_bytes))),
        ("disk", format!("{} needed temporarily", bytes(plan.disk_bytes))),
    ];
    rows.map(|(name, value)| format!("  {name:9} {value}")).join("\n")
}

/// The cost of each way to get the chunks, the chosen one first; empty if there is no choice.
pub(crate) fn routes(prices: &[Price]) -> String {
    if prices.len() < 2 {
        return String::new();
    }
    let line = |price: &Price| {
        let way = match price.way {
            Method::Seed => "seed",
            Method::Chunks => "chunks",
            Method::Delta => "delta",
            Method::Deltas => "several deltas",
            Method::Full => "full",
        };
        let rest = if price.chunks > 0 && price.sections > 0 {
            format!(" ({} one by one)", counted(price.chunks, "chunk", "chunks"))
        } else {
            String::new()
        };
        let requests = match price.requests {
            0 => "from this disk".to_owned(),
            1 => "in 1 request".to_owned(),
            more => format!("in {} requests", count(more)),
        };
        let (sum, memory) = (bytes(price.bytes), bytes(price.memory_bytes));
        let mark = if price.chosen { "*" } else { " " };
        format!("{mark} {way:15} {sum} {requests}{rest}, about {:.1} s, {memory} of memory", price.seconds)
    };
    let lines: Vec<String> = prices.iter().map(line).collect();
    format!("\nWays to get the content:\n{}", lines.join("\n"))
}
