//! What Prometheus is told about each metric, and those that are read when it asks: the process, the days left of each
//! signature, the disk, and what the database has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ::metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use vsekai_updater::local::disk;

use crate::db::View;
use crate::model::{ReportCount, rounded};
use crate::service::{Service, expiries, open_halts};

/// Describes every metric. Call it once, when the recorder is there.
pub fn describe() {
    describe_counter!("vsekai_requests_total", "Requests answered.");
    describe_histogram!("vsekai_request_seconds", "Time to the head of the response, in seconds.");
    describe_counter!("vsekai_response_bytes_total", "Bytes of bodies, as announced.");
    describe_counter!("vsekai_chunk_cache_hits_total", "Chunks read from memory.");
    describe_counter!("vsekai_chunk_cache_misses_total", "Chunks read from the store.");
    describe_gauge!("vsekai_chunk_cache_bytes", "Bytes of chunks in memory.");
    describe_gauge!("vsekai_chunks", "Chunks in the store, by state.");
    describe_gauge!("vsekai_chunk_stored_bytes", "Bytes of the live chunks, as stored.");
    describe_gauge!("vsekai_bundles", "Bundles in the lists.");
    describe_gauge!("vsekai_bundle_bytes", "Bytes of the bundles in the lists.");
    describe_gauge!("vsekai_bundles_wanted", "Bundles still to be built, or built better.");
    describe_counter!("vsekai_bundle_builds_total", "Bundles built since the start, by outcome.");
    describe_gauge!("vsekai_build_info", "Always 1; the label has the version of the server.");
    describe_gauge!("vsekai_role_expires_timestamp_seconds", "When the signature in force of a role expires.");
    describe_gauge!("vsekai_database_up", "Whether the database can be read and written: 1 or 0.");
    describe_counter!("vsekai_database_retries_total", "Repeated transactions and statements since the start.");
    describe_counter!(
        "vsekai_database_given_up_total",
        "Transactions that were given up after all their retries, since the start."
    );
    describe_gauge!("vsekai_database_connections", "Connections to the database, by state: used or idle.");
    describe_gauge!("vsekai_chunks_reachable", "Whether the chunks can be read and written where they are: 1 or 0.");
    describe_gauge!("vsekai_fit", "Whether the keys and the clock allow this server to sign: 1 or 0.");
    describe_gauge!("vsekai_cdn_healthy", "Whether the last probes of a CDN succeeded: 1 or 0.");
    describe_counter!("vsekai_renewal_failures_total", "Failed attempts to renew signatures since the start.");
    describe_counter!("vsekai_cleanup_failures_total", "Rounds of clean-up that failed since the start.");
    describe_gauge!(
        "vsekai_cleanup_last_success_timestamp_seconds",
        "When this process last ended a round of clean-up."
    );
    describe_gauge!("vsekai_disk_free_bytes", "Free bytes on the disk of the data folder.");
    describe_counter!("vsekai_webhook_messages_total", "Messages to webhooks since the start, by outcome.");
    describe_counter!("vsekai_reports_total", "Reports of players since the start, by what became of them.");
    describe_gauge!("vsekai_version_reports", "Reports of players about a version, rounded down to tens.");
    describe_gauge!("vsekai_halted_rollouts", "Rollouts that reports have stopped, and that nobody has dealt with.");
    describe_gauge!("process_start_time_seconds", "When the process started.");
    describe_counter!("process_cpu_seconds_total", "User and system CPU time, in whole seconds.");
    describe_gauge!("process_resident_memory_bytes", "Resident memory.");
    describe_gauge!("process_open_fds", "Open file descriptors.");
    gauge!("vsekai_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    counter!("vsekai_renewal_failures_total").absolute(0);
    counter!("vsekai_cleanup_failures_total").absolute(0);
    // `increment`, because a retry while the server starts may have come before.
    counter!("vsekai_database_retries_total").increment(0);
    counter!("vsekai_database_given_up_total").increment(0);
}

/// Reads what is not counted as it happens. `data` is the folder whose disk has to have room.
pub async fn gauge_service(service: &Service, data: &Path) {
    let data = data.to_owned();
    if let Ok(Ok(free)) = tokio::task::spawn_blocking(move || disk::free_bytes(&data)).await {
        #[expect(clippy::cast_precision_loss, reason = "no disk has 2^53 bytes")]
        gauge!("vsekai_disk_free_bytes").set(free as f64);
    }
    let is_up = service.db().ping_writers().await.is_ok();
    gauge!("vsekai_database_up").set(f64::from(u8::from(is_up)));
    let (open, idle) = service.db().connections();
    let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
    gauge!("vsekai_database_connections", "state" => "used").set(f64::from(open - idle));
    gauge!("vsekai_database_connections", "state" => "idle").set(f64::from(idle));
    gauge_process();
    if !is_up {
        return;
    }
    let is_reached = service.chunks().check_reach().await.is_ok();
    gauge!("vsekai_chunks_reachable").set(f64::from(u8::from(is_reached)));
    gauge!("vsekai_fit").set(f64::from(u8::from(service.check_fitness().await.is_ok())));
    if let Ok(view) = service.db().view().await {
        let now = crate::model::Time::now().0 / 1_000_000;
        for (role, left) in expiries(&view) {
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
            gauge!("vsekai_role_expires_timestamp_seconds", "role" => role.to_owned()).set((now + left) as f64);
        }
        if let Ok(counts) = service.db().reports().await {
            gauge_reports(&view, &counts);
        }
        if let Ok(halts) = service.db().halts().await {
            #[expect(clippy::cast_precision_loss, reason = "nobody stops 2^53 rollouts")]
            gauge!("vsekai_halted_rollouts").set(open_halts(&view, &halts).count() as f64);
        }
        for cdn in view.cdns.iter().filter(|cdn| cdn.is_enabled) {
            let is_healthy = f64::from(u8::from(cdn.health.is_healthy));
            gauge!("vsekai_cdn_healthy", "name" => cdn.name.clone()).set(is_healthy);
        }
    }
}

/// The counts of each version. Those that were forgotten since the last time are 0.
fn gauge_reports(view: &View, counts: &[ReportCount]) {
    static SHOWN: Mutex<BTreeSet<[String; 3]>> = Mutex::new(BTreeSet::new());
    let mut now = BTreeMap::new();
    for count in counts {
        let Some(version) = view.versions.iter().find(|version| version.id == count.version_id) else { continue };
        let Some(mode) = view.mode(version.mode_id) else { continue };
        let labels = [mode.name.as_str(), &version.version.to_string(), count.platform.as_str()];
        now.insert(labels.map(str::to_owned), count.reports());
    }
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    shown.extend(now.keys().cloned());
    for labels in shown.iter() {
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 players")]
        let reports = rounded(now.get(labels).copied().unwrap_or_default()) as f64;
        let [mode, version, platform] = labels.clone();
        gauge!("vsekai_version_reports", "mode" => mode, "version" => version, "platform" => platform).set(reports);
    }
}

/// What Linux says about this process; nothing elsewhere.
fn gauge_process() {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return };
    // The name of the program, in parentheses, may contain spaces.
    let Some((_, rest)) = stat.rsplit_once(')') else { return };
    let fields: Vec<u64> = rest.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect();
    let field = |number: usize| fields.get(number).copied().unwrap_or_default();
    // In ticks of a hundredth of a second, as on every Linux that this runs on.
    counter!("process_cpu_seconds_total").absolute((field(11) + field(12)) / 100);
    #[expect(clippy::cast_precision_loss, reason = "neither memory nor times reach 2^53")]
    {
        gauge!("process_resident_memory_bytes").set((field(21) * 4096) as f64);
        if let Some(booted) = booted() {
            gauge!("process_start_time_seconds").set((booted + field(19) / 100) as f64);
        }
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(f64::from(u32::try_from(open.count()).unwrap_or(u32::MAX)));
    }
}

fn booted() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in a text that belong to this server or its process. Histograms have series of their own.
    fn names(text: &str) -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let ours = words.filter(|word| word.starts_with("vsekai_") || word.starts_with("process_"));
        ours.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
    }

    #[test]
    fn the_board_and_the_alerts_name_only_what_is_exported() {
        let code = include_str!("metrics.rs").split("#[cfg(test)]").next().unwrap();
        let described = code.split("describe_").skip(1).filter_map(|rest| rest.split('"').nth(1));
        let exported: BTreeSet<String> = described.map(str::to_owned).collect();
        assert!(exported.len() > 20, "{exported:?}");
        let board = include_str!("../../deploy/grafana.json");
        let parsed: serde_json::Value = serde_json::from_str(board).unwrap();
        for (what, text) in [("grafana.json", board), ("alerts.yml", include_str!("../../deploy/alerts.yml"))] {
            let found = names(text);
            assert!(found.len() > 5, "{what}: {found:?}");
            let unknown: Vec<_> = found.difference(&exported).collect();
            assert!(unknown.is_empty(), "{what} names {unknown:?}");
        }
        let panels = parsed["panels"].as_array().unwrap();
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            assert!(panel["targets"][0]["expr"].is_string(), "{}", panel["title"]);
        }
    }
}
