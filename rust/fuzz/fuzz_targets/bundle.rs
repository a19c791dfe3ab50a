//! See `src/checks/bundle.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vsekai_updater_fuzz::checks::bundle::check(bytes));
