//! See `src/checks/news.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vsekai_updater_fuzz::checks::news::check(bytes));
