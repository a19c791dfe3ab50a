//! Random histories of a repository and an install, checked against a model.
//!
//! `VSEKAI_MODEL_CASES` sets how many are played, `VSEKAI_MODEL_SEED` which ones. A failure prints the shortest history
//! that fails.
//!
//! This is a separate program, because it starts games within its own process: programs that other tests started
//! meanwhile would inherit the mark of a running game.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
// Its histories kill the binary, which needs a build with debug assertions.
#![cfg(all(unix, debug_assertions))]

use std::sync::Mutex;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

mod expected;
mod history;
mod moves;
#[allow(dead_code, reason = "the other programs use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod world;

/// Takes about twenty seconds.
const CASES: u32 = 40;

fn number(variable: &str, otherwise: u32) -> u32 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// One for each core of a small machine.
#[test]
fn install_is_always_what_its_history_makes_it() {
    play(number("VSEKAI_MODEL_SEED", 4));
}

#[test]
fn install_is_always_what_another_history_makes_it() {
    play(number("VSEKAI_MODEL_SEED", 4) + 1000);
}

fn play(number_of_seed: u32) {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number_of_seed.to_le_bytes());
    let is_short = std::env::var("VSEKAI_FAULTS").is_ok_and(|text| text == "some");
    let cases = number("VSEKAI_MODEL_CASES", if is_short { CASES / 3 } else { CASES });
    let config = Config { cases, failure_persistence: None, max_shrink_time: 120_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let keys = world::keys();
    let network = world::network();
    let met = Mutex::new(history::Met::new());
    let outcome = runner.run(&moves::history(), |moves| {
        let played = history::play(keys.path(), &network, &moves).map_err(TestCaseError::fail)?;
        let mut met = met.lock().unwrap();
        played.into_iter().for_each(|(what, count)| *met.entry(what).or_default() += count);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let met = met.into_inner().unwrap();
    eprintln!("{met:#?}");
    let wanted = [
        "a newer version",
        "both repaired",
        "killed early",
        "killed late",
        "repaired",
        "the version before repaired",
        "went back by hand",
        "went back by itself",
        "went back to what was damaged",
    ];
    let missed: Vec<_> = wanted.iter().filter(|what| !met.contains_key(*what)).collect();
    assert!(missed.is_empty() || cases < CASES, "no history had this, so nothing is known of it: {missed:?}");
}
