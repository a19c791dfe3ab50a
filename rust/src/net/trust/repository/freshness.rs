//! Checks expiry, right before a target is used. Of an expired delegated role, only the targets are rejected: an
//! abandoned mode must not block the others.

use jiff::Timestamp;
use tough::TargetName;
use tough::schema::{Role, Targets};

use super::metadata::Metadata;
use crate::error::{Result, TrustKind};
use crate::net::trust::error::trust;

/// Fails with `Expired` unless the four roles that all others depend on are fresh.
fn check_top(metadata: &Metadata) -> Result<()> {
    let now = Timestamp::now();
    check_role("root", &metadata.root.signed, now)?;
    check_role("timestamp", &metadata.timestamp.signed, now)?;
    check_role("snapshot", &metadata.snapshot.signed, now)?;
    check_role("targets", &metadata.targets.signed, now)
}

/// Fails with `Expired` unless the four top-level roles and every role that lists the target are fresh.
pub(super) fn check(metadata: &Metadata, name: &TargetName) -> Result<()> {
    check_top(metadata)?;
    check_listing(&metadata.targets.signed, name, Timestamp::now())
}

/// Whether this role, and the four top-level roles, are fresh.
pub(super) fn is_fresh(metadata: &Metadata, role: &Targets) -> bool {
    check_top(metadata).is_ok() && check_role("", role, Timestamp::now()).is_ok()
}

fn check_listing(targets: &Targets, name: &TargetName, now: Timestamp) -> Result<()> {
    for role in targets.delegations.iter().flat_map(|delegations| &delegations.roles) {
        let Some(signed) = role.targets.as_ref().map(|targets| &targets.signed) else { continue };
        if lists(signed, name) {
            check_role(&role.name, signed, now)?;
            check_listing(signed, name, now)?;
        }
    }
    Ok(())
}

/// Whether the role, or one that it delegates to, lists the target.
fn lists(targets: &Targets, name: &TargetName) -> bool {
    let mut below = targets.delegations.iter().flat_map(|delegations| &delegations.roles);
    targets.targets.contains_key(name)
        || below.any(|role| role.targets.as_ref().is_some_and(|targets| lists(&targets.signed, name)))
}

fn check_role<T: Role>(name: &str, role: &T, now: Timestamp) -> Result<()> {
    if now <= role.expires() {
        return Ok(());
    }
    Err(trust(TrustKind::Expired, format!("the metadata of the role {name} expired at {}", role.expires())))
}
