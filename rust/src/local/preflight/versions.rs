//! Rules about version numbers.

use super::binary::System;
use super::{Finding, Findings, Rule};
use crate::version::Version;

/// Largest major and minor number without a finding: eight digits are enough for a date.
const MAX_NUMBER: u64 = 99_999_999;

/// Largest number elsewhere: fourteen digits are enough for a date and time.
const MAX_LAST_NUMBER: u64 = 99_999_999_999_999;

/// The largest numbers of common types: nobody chooses one as a version.
const LIMITS: [u64; 2] = [i32::MAX as u64, u32::MAX as u64];

pub(super) fn check(version: &str, findings: &mut Findings) {
    let parsed = match Version::parse(version) {
        Err(error) => return findings.add(Rule::VersionNotCanonical, None, format!("{error}.")),
        Ok(parsed) => parsed,
    };
    if let Some(canonical) = Version::canonical_of(version).filter(|_| !parsed.is_canonical()) {
        let message = format!("{version} would not sort by its number; write it as {canonical}.");
        findings.add(Rule::VersionNotCanonical, None, message);
    }
    if let Some(number) = extreme(version) {
        let message = format!("{version} has the number {number}; hardly any version can be higher.");
        findings.add(Rule::VersionExtreme, None, message);
    }
}

/// A number that is too large to be meant, without the build metadata, which has no precedence.
fn extreme(version: &str) -> Option<u64> {
    let numbers = version.split('+').next()?.split(['.', '-']).enumerate();
    let numbers = numbers.filter_map(|(at, part)| Some((at, part.parse::<u64>().ok()?)));
    let is_extreme = |(at, number): &(usize, u64)| {
        *number > if *at < 2 { MAX_NUMBER } else { MAX_LAST_NUMBER } || LIMITS.contains(number)
    };
    numbers.into_iter().find(is_extreme).map(|(_, number)| number)
}

/// A finding if the version is lower than the newest that is on offer: no player would be moved to it.
pub fn check_order(version: &Version, newest: &Version) -> Vec<Finding> {
    let mut findings = Findings::of(System::Linux);
    if version.cmp_precedence(newest).is_lt() {
        let message = format!("{version} is lower than {newest}, which is on offer: no player would be offered it.");
        findings.add(Rule::VersionLower, None, message);
    }
    findings.finish()
}
