//! Checks expiry. `tough` rejects the whole repository if one delegated role has expired. Here, only the targets of
//! that role are rejected: an abandoned mode must not block the others.

use jiff::Timestamp;
use tough::TargetName;
use tough::schema::{Role, Targets};

use crate::error::{Result, TrustKind};
use crate::net::trust::error::trust;

/// Fails with `Expired` unless the four roles that all others depend on are fresh.
pub(super) fn check_top(repository: &tough::Repository) -> Result<()> {
    let now = Timestamp::now();
    check_role("root", &repository.root().signed, now)?;
    check_role("timestamp", &repository.timestamp().signed, now)?;
    check_role("snapshot", &repository.snapshot().signed, now)?;
    check_role("targets", &repository.targets().signed, now)
}

/// Fails with `Expired` unless the four top-level roles and every role that lists the target are fresh.
pub(super) fn check(repository: &tough::Repository, name: &TargetName) -> Result<()> {
    check_top(repository)?;
    check_listing(&repository.targets().signed, name, Timestamp::now())
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
