//! Bundles from publisher to player over a real connection, and everything that can be wrong with them: none of it may
//! stop an update.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::shop::{Running, Shop, wait_until};
use crate::support::run::{Run, vsekai};
use crate::support::server::TestServer;
use crate::support::trees::{noise, write};

const WITH_BUNDLES: &[&str] = &["--delta-from", "2", "--fast"];

/// 1.0.0 is installed, 2.0.0 is published, and there is a delta between them. Both have an incompressible megabyte with
/// a changed byte in every 4 KiB, so they share no chunk of it.
struct Fair {
    shop: Shop,
    server: TestServer,
}

fn pack(version: u64) -> Vec<u8> {
    let mut bytes = noise(40, 1 << 20);
    bytes.iter_mut().step_by(4 << 10).for_each(|byte| *byte = byte.wrapping_add(version as u8));
    bytes
}

impl Fair {
    fn new() -> Self {
        Self::with(Duration::ZERO)
    }

    fn with(delay: Duration) -> Self {
        let shop = Shop::new();
        shop.publish_in("stable", "1.0.0", &[], |tree| write(tree, "data/pack.pck", &pack(1)));
        shop.update(&[]).done();
        shop.publish_in("stable", "2.0.0", WITH_BUNDLES, |tree| write(tree, "data/pack.pck", &pack(2)));
        let server = TestServer::slow(shop.publisher.repository(), delay);
        Self { shop, server }
    }

    fn update(&self, words: &[&str]) -> Run {
        let mut command = self.shop.command(&["update", "--repository", &self.server.url(), "--no-shared-cache"]);
        Run::of(command.arg(self.shop.game()).args(words))
    }

    /// Updates, and returns the requests and bytes used. Checks that the version is installed and whole.
    #[track_caller]
    fn updated(&self) -> Value {
        self.updated_to("2.0.0")
    }

    #[track_caller]
    fn updated_to(&self, version: &str) -> Value {
        let done = self.update(&[]).done().clone();
        assert_eq!(self.shop.version(), version);
        self.shop.assert_whole();
        done
    }

    /// Chunks that were requested singly.
    fn chunks(&self) -> u64 {
        self.server.take_counts().iter().filter(|(name, _)| name.starts_with("store/")).map(|(_, count)| count).sum()
    }

    fn folder(&self) -> PathBuf {
        self.shop.publisher.repository().join("bundles")
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_by_key(|path| fs::metadata(path).unwrap().len());
        files
    }

    /// The list of the version to update to: the only one with a bundle for those who have another.
    fn list(&self) -> PathBuf {
        let is_list = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
        let has_delta = |path: &PathBuf| {
            let list: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            list["bundles"].as_array().unwrap().iter().any(|bundle| bundle["from"].is_string())
        };
        self.files().into_iter().filter(is_list).find(has_delta).unwrap()
    }

    fn bundles(&self) -> Vec<PathBuf> {
        self.files().into_iter().filter(|path| path.extension().is_none()).collect()
    }

    /// Changes the list.
    fn rewrite(&self, change: impl Fn(&mut Value)) {
        let mut list: Value = serde_json::from_slice(&fs::read(self.list()).unwrap()).unwrap();
        list["bundles"].as_array_mut().unwrap().iter_mut().for_each(change);
        self.replace_list(list.to_string().as_bytes());
    }

    /// Puts this in the place of the list, and takes away the pack, which has a copy of it.
    fn replace_list(&self, bytes: &[u8]) {
        fs::write(self.list(), bytes).unwrap();
        fs::remove_file(self.shop.publisher.repository().join("tuf/current.pack")).unwrap();
    }
}

fn damage(path: &Path, from_end: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 0x55;
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_update_comes_as_a_delta() {
    let fair = Fair::new();
    let done = fair.updated();
    let asked = fair.server.take_counts();
    let bundle = format!("bundles/{}", fair.bundles()[0].file_name().unwrap().to_str().unwrap());
    assert_eq!(asked.get(&bundle), Some(&1), "{asked:?}");
    assert!(!asked.keys().any(|name| name.starts_with("store/") || name.contains("caidx")), "{asked:?}");
    let received = done["metadata"]["received_bytes"].as_u64().unwrap();
    assert!(received < 40_000, "{received} bytes for 256 changed ones");
}

#[test]
fn a_first_installation_comes_as_one_bundle() {
    let fair = Fair::new();
    let mut command = fair.shop.command(&["update", "--repository", &fair.server.url(), "--no-shared-cache"]);
    let done = Run::of(command.arg(fair.shop.path("NEW")).arg("--trust-root").arg(fair.shop.publisher.root()));
    let done = done.done();
    assert_eq!((fair.chunks(), done["transfer"]["requests"].as_u64()), (0, Some(1)));
}

#[test]
fn a_dry_run_says_what_each_way_would_cost() {
    let fair = Fair::new();
    let run = fair.update(&["--dry-run"]);
    let done = run.done();
    let routes = done["routes"].as_array().unwrap();
    assert_eq!((routes[0]["way"].as_str(), routes[0]["chosen"].as_bool()), (Some("delta"), Some(true)), "{done}");
    assert_eq!(routes[1]["way"], "chunks");
    assert!(routes[0]["bytes"].as_u64() < routes[1]["bytes"].as_u64());
    assert_eq!(done["plan"]["requests"], routes[0]["requests"]);
    assert_eq!(fair.shop.version(), "1.0.0");
    let ways = |routes: &Value| routes.as_array().unwrap().iter().map(|route| route["way"].clone()).collect::<Vec<_>>();
    assert_eq!(ways(&fair.update(&[]).done()["routes"]), ways(&done["routes"]), "what is done says it too");
}

#[test]
fn check_says_what_the_delta_comes_to() {
    let fair = Fair::new();
    let mut check = fair.shop.command(&["check", "--repository", &fair.server.url()]);
    let run = Run::of(check.arg(fair.shop.game()));
    let bytes = run.done()["available"]["download_bytes"].as_u64().unwrap();
    assert_eq!(bytes, fs::metadata(&fair.bundles()[0]).unwrap().len());
}

/// There is a bundle for first installations, and a delta from another version: neither says what this update costs.
#[test]
fn check_says_what_the_update_downloads_without_a_delta() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &[], |tree| write(tree, "data/pack.pck", &noise(40, 3 << 20)));
    shop.update(&[]).done();
    let half = [noise(40, 3 << 19), noise(41, 3 << 19)].concat();
    shop.publish_in("stable", "1.5.0", &["--delta-from", "0"], |tree| write(tree, "data/pack.pck", &half));
    shop.publish_in("stable", "2.0.0", &["--delta-from", "1", "--fast"], |tree| {
        write(tree, "data/pack.pck", &half);
        write(tree, "data/more.txt", b"more");
    });
    let server = TestServer::slow(shop.publisher.repository(), Duration::ZERO);
    let mut update = shop.command(&["update", "--dry-run", "--repository", &server.url(), "--no-shared-cache"]);
    let planned = Run::of(update.arg(shop.game())).done()["plan"]["fetch_bytes"].as_u64().unwrap();
    assert!((1_400_000..2_400_000).contains(&planned), "{planned}");
    let mut check = vsekai();
    check.env("HOME", shop.path("home")).args(["check", "--repository", &server.url()]);
    let output = check.arg(shop.game()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = format!(", about {:.1} MB to download", planned as f64 / 1e6);
    assert!(text.contains(&said), "{said} in {text}");
}

#[test]
fn missing_bundles_cost_chunks() {
    let fair = Fair::new();
    fair.bundles().iter().for_each(|bundle| fs::remove_file(bundle).unwrap());
    fair.updated();
    assert!(fair.chunks() > 100);
}

#[test]
fn damaged_bundles_cost_chunks() {
    for from_end in [1, 500, 5_000] {
        let fair = Fair::new();
        fair.bundles().iter().for_each(|bundle| damage(bundle, from_end));
        fair.updated();
    }
}

#[test]
fn truncated_bundles_cost_chunks() {
    let fair = Fair::new();
    for bundle in fair.bundles() {
        let bytes = fs::read(&bundle).unwrap();
        fs::write(&bundle, &bytes[..bytes.len() / 2]).unwrap();
    }
    fair.updated();
    assert!(fair.chunks() > 100);
}

#[test]
fn a_bundle_of_another_version_under_the_right_name_costs_chunks() {
    let fair = Fair::new();
    let other = Fair::new();
    let tree = other.shop.build("7.0.0");
    write(&tree, "data/pack.pck", &pack(7));
    other.shop.publisher.publish_with(&tree, "stable", "7.0.0", WITH_BUNDLES);
    let mut others = other.bundles();
    others.retain(|path| !fair.bundles().iter().any(|ours| ours.file_name() == path.file_name()));
    for (ours, theirs) in fair.bundles().iter().zip(&others) {
        fs::copy(theirs, ours).unwrap();
    }
    fair.updated();
    assert!(fair.chunks() > 100);
}

#[test]
fn lists_that_lie_cost_a_request_or_chunks() {
    let lies: [fn(&mut Value); 5] = [
        |info| info["length"] = 1.into(),
        |info| info["length"] = u64::MAX.into(),
        |info| info["front_bytes"] = 1.into(),
        |info| info["front_bytes"] = (1_u64 << 40).into(),
        |info| info["id"] = "00".repeat(32).into(),
    ];
    let has_read_the_list = |fair: &Fair| {
        fair.server.take_counts().iter().any(|(name, _)| name.starts_with("bundles/") && name.ends_with(".json"))
    };
    for lie in lies {
        let fair = Fair::new();
        fair.rewrite(lie);
        fair.updated();
        assert!(has_read_the_list(&fair));
    }
    for garbage in [&b"{}"[..], b"[[[[", b"\xff\xff", b""] {
        let fair = Fair::new();
        fair.replace_list(garbage);
        fair.updated();
        assert!(has_read_the_list(&fair));
    }
}

#[test]
fn an_installation_that_was_changed_costs_chunks() {
    let fair = Fair::new();
    let file = fair.shop.tree().join("data/pack.pck");
    let mut bytes = fs::read(&file).unwrap();
    bytes.iter_mut().step_by(1_000).for_each(|byte| *byte ^= 1);
    fs::remove_file(&file).unwrap();
    fs::write(&file, bytes).unwrap();
    fair.updated();
    assert!(fair.chunks() > 100);
}

#[test]
fn a_server_without_ranges_costs_chunks() {
    let fair = Fair::new();
    fair.server.forget_ranges();
    fair.updated();
}

/// A bundle of more than a megabyte, only half of which arrives.
#[test]
fn a_line_that_breaks_goes_on_where_it_broke() {
    let fair = Fair::new();
    fair.shop.publish_in("stable", "3.0.0", WITH_BUNDLES, |tree| write(tree, "data/pack.pck", &noise(77, 2 << 20)));
    fair.server.cut_once_after(1 << 20);
    fair.update(&[]).done();
    assert_eq!(fair.shop.version(), "3.0.0");
    fair.shop.assert_whole();
    let (ranges, chunks) = (fair.server.take_ranges(), fair.chunks());
    assert_eq!(chunks, 0, "{ranges:?}");
    let start =
        |range: &String| range.trim_start_matches("bytes=").split('-').next().unwrap().parse::<usize>().unwrap();
    assert!(ranges.iter().any(|range| start(range) > 1 << 20), "{ranges:?}");
    let report = fair.server.take_counts();
    assert!(report.is_empty(), "all was asked for before: {report:?}");
}

#[test]
fn better_bundles_take_the_place_of_fast_ones_and_the_version_stays() {
    let fair = Fair::new();
    let (before, release) = (fair.bundles(), fair.shop.publisher.index_digest("stable", "2.0.0"));
    let again = |options: &[&str]| {
        let tree = fair.shop.path("build-2.0.0");
        let mut command = fair.shop.publisher.publishing(&tree, "stable", "2.0.0");
        Run::of(command.arg("--json").args(options)).done().clone()
    };
    let done = again(&["--best", "--delta-from", "2"]);
    assert_eq!((done["was_there"].as_bool(), done["bundles"].as_array().unwrap().len()), (Some(true), 2), "{done}");
    let list: Value = serde_json::from_slice(&fs::read(fair.list()).unwrap()).unwrap();
    assert!(list["bundles"].as_array().unwrap().iter().all(|info| info["effort"] == "best"), "{list}");
    assert!(before.iter().all(|bundle| bundle.exists()), "clients may be downloading them");
    assert_eq!(again(&["--delta-from", "2"])["bundles"], serde_json::json!([]), "worse ones are not built again");
    assert_eq!(fair.shop.publisher.index_digest("stable", "2.0.0"), release);
    fair.updated();
    assert_eq!(fair.chunks(), 0);
}

#[test]
fn the_same_build_again_under_another_version_costs_no_content() {
    let fair = Fair::new();
    fair.shop.publish_in("stable", "2.0.1", WITH_BUNDLES, |tree| {
        write(tree, "data/pack.pck", &pack(1));
        // Like the first: only the map differs between versions.
        write(tree, "data/map", &fs::read(fair.shop.path("build-1.0.0/data/map")).unwrap());
    });
    let done = fair.update(&[]).done().clone();
    assert_eq!(done["transfer"]["requests"], 0, "{done}");
    assert!(!fair.server.take_counts().keys().any(|name| name.contains("caidx") || name.contains("files.json")));
}

/// 1.0.0 is installed; 2.0.0 and 3.0.0 are published, each with a delta from the version just before it.
fn fair_of_three() -> Fair {
    let fair = Fair::new();
    let options = ["--delta-from", "1", "--fast"];
    fair.shop.publish_in("stable", "3.0.0", &options, |tree| write(tree, "data/pack.pck", &pack(3)));
    fair
}

#[test]
fn who_is_two_versions_behind_takes_two_deltas_in_a_row() {
    let fair = fair_of_three();
    let routes = fair.update(&["--dry-run"]).done()["routes"].clone();
    assert_eq!((routes[0]["way"].as_str(), routes[0]["chunks"].as_u64()), (Some("deltas"), Some(0)), "{routes}");
    fair.server.take_counts();
    let done = fair.update(&[]).done().clone();
    assert_eq!(fair.shop.version(), "3.0.0");
    fair.shop.assert_whole();
    let asked = fair.server.take_counts();
    assert!(!asked.keys().any(|name| name.starts_with("store/") || name.contains("caidx")), "{asked:?}");
    let bundles = asked.keys().filter(|name| name.starts_with("bundles/") && !name.ends_with(".json")).count();
    assert_eq!(bundles, 2, "{asked:?}");
    let received = done["transfer"]["received_bytes"].as_u64().unwrap();
    assert!((1..40_000).contains(&received), "{received} bytes for 512 changed ones");
}

#[test]
fn any_of_the_deltas_in_a_row_may_be_bad() {
    for (nth, from_end) in [(0, 1), (0, 1_500), (1, 1), (1, 1_500)] {
        let fair = fair_of_three();
        let deltas: Vec<PathBuf> = fair.bundles().into_iter().take(2).collect();
        damage(&deltas[nth], from_end);
        fair.update(&[]).done();
        assert_eq!(fair.shop.version(), "3.0.0");
        fair.shop.assert_whole();
    }
}

#[test]
fn what_was_received_of_a_section_is_not_received_again() {
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::INT] {
        let fair = Fair::new();
        fair.shop.publish_in("stable", "3.0.0", WITH_BUNDLES, |tree| write(tree, "data/pack.pck", &noise(77, 2 << 20)));
        let mut slow = fair.shop.command(&["update", "--limit-rate", "400K", "--repository", &fair.server.url()]);
        let mut update = Running::start(slow.arg(fair.shop.game()).arg("--no-shared-cache"));
        let parts = fair.shop.control("staging").join(fair.shop.folder_of("3.0.0")).join("parts");
        let kept = || {
            let entries = fs::read_dir(&parts).into_iter().flatten();
            entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>()
        };
        wait_until("a part is kept", || kept() > 300_000);
        update.stop(signal);
        let kept = kept();
        let planned = fair.update(&["--dry-run"]).done()["plan"]["fetch_bytes"].as_u64().unwrap();
        assert!(planned + kept < (2 << 20) + 50_000, "{planned} planned after {kept} had been kept");
        fair.server.take_counts();
        let done = fair.updated_to("3.0.0");
        let received = done["transfer"]["received_bytes"].as_u64().unwrap();
        assert!(received + kept < (2 << 20) + 50_000, "{received} received after {kept} had been kept");
        assert_eq!(fair.chunks(), 0);
        assert!(!parts.exists());
    }
}

#[test]
fn progress_moves_while_a_section_comes_and_ends_at_the_whole() {
    let fair = Fair::new();
    fair.shop.publish_in("stable", "3.0.0", WITH_BUNDLES, |tree| write(tree, "data/pack.pck", &noise(77, 2 << 20)));
    let run = fair.update(&["--limit-rate", "800K"]);
    run.done();
    let told = run.lines.iter().filter(|event| event["event"] == "progress" && event["phase"] == "assemble");
    let done: Vec<(u64, u64)> =
        told.map(|event| (event["done_bytes"].as_u64().unwrap(), event["total_bytes"].as_u64().unwrap())).collect();
    let between = done.iter().filter(|(done, total)| (total / 10..total * 8 / 10).contains(done)).count();
    assert!(between >= 3, "{done:?}");
    assert!(done.is_sorted() && done.iter().all(|(done, total)| done <= total), "{done:?}");
}

#[test]
fn a_part_of_a_section_that_is_wrong_costs_chunks() {
    let fair = Fair::new();
    fair.shop.publish_in("stable", "3.0.0", WITH_BUNDLES, |tree| write(tree, "data/pack.pck", &noise(77, 2 << 20)));
    let parts = fair.shop.control("staging").join(fair.shop.folder_of("3.0.0")).join("parts");
    fs::create_dir_all(&parts).unwrap();
    for bundle in fair.bundles() {
        for section in 0..4 {
            let name = format!("{}-{section}", bundle.file_name().unwrap().to_str().unwrap());
            fs::write(parts.join(name), noise(section, 100_000)).unwrap();
        }
    }
    fair.updated_to("3.0.0");
    assert!(fair.chunks() > 10);
    assert!(!parts.exists());
}

#[test]
fn server_that_sends_only_whole_files_is_warned_of_once() {
    let fair = Fair::new();
    // So large that its front is asked for alone.
    fair.shop.publish_in("stable", "3.0.0", WITH_BUNDLES, |tree| write(tree, "data/pack.pck", &noise(77, 2 << 20)));
    fair.server.forget_ranges();
    let run = fair.update(&[]);
    run.done();
    let warnings: Vec<_> = run.lines.iter().filter(|line| line["event"] == "warned").collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["code"], "no_ranges");
    let said = warnings[0]["message"].as_str().unwrap();
    assert!(said.starts_with(&format!("{}: this server only sends whole files", fair.server.url())), "{said}");
    assert!(said.contains("docs/publishing.md"), "{said}");
}
