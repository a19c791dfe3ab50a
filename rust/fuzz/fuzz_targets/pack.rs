//! See `src/checks/pack.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vsekai_updater_fuzz::checks::pack::check(bytes));
