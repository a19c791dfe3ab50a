//! Delegations: the part of `targets.json` that names the keys of the catalog and the modes.

use serde_json::Value;
use tough::schema::{DelegatedRole, PathPattern, PathSet, Signed, Targets};

use super::{Document, Publication};
use crate::error::{Error, Result};
use crate::net::trust::keys::KeyFile;
use crate::net::trust::sign::key_id;
use crate::net::trust::{CATALOG_ROLE, CATALOG_TARGET};

/// The field of `targets.json` with the version of the key folder from which its delegations come.
const VERSION_FIELD: &str = "x-vsekai-delegations";

impl Publication<'_> {
    /// Publishes, with the next commit, a mode whose key [`Keys::add_mode`](crate::net::trust::Keys::add_mode) has
    /// created. Does nothing if the mode exists.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] without the key of `targets`, [`Error::ModeUnknown`] if the mode has no key.
    pub fn add_mode(&mut self, name: &str) -> Result<()> {
        if self.roles.contains_key(name) {
            return Ok(());
        }
        if self.party.file().is_some_and(|file| file.modes.contains_key(name)) {
            return Err(self.party.ring.missing("targets"));
        }
        let modes = self.party.file().map_or_else(Vec::new, |file| file.modes.keys().cloned().collect());
        Err(Error::ModeUnknown { mode: name.to_owned(), known: modes.join(", ") })
    }
}

pub(super) fn version(targets: &Targets) -> u64 {
    targets._extra.get(VERSION_FIELD).and_then(Value::as_u64).unwrap_or(0)
}

/// Updates the delegations from the key folder. Roles unknown to the folder are unchanged.
pub(super) fn apply(targets: &mut Document, file: &KeyFile) -> Result<()> {
    let mut delegations = targets.body.delegations.take().unwrap_or_default();
    for (name, holders) in file.delegated() {
        let mut keyids = Vec::new();
        for key in &holders.keys {
            let id = key_id(key)?;
            delegations.keys.insert(id.clone(), key.clone());
            keyids.push(id);
        }
        let role = DelegatedRole {
            name: name.to_owned(),
            keyids,
            threshold: holders.threshold,
            paths: paths_of(name)?,
            terminating: true,
            targets: None,
        };
        match delegations.roles.iter_mut().find(|role| role.name == name) {
            Some(known) => *known = role,
            None => delegations.roles.push(role),
        }
    }
    let roles = &delegations.roles;
    delegations.keys.retain(|id, _| roles.iter().any(|role| role.keyids.contains(id)));
    targets.body.delegations = Some(delegations);
    targets.body._extra.insert(VERSION_FIELD.to_owned(), Value::from(file.delegations_version));
    targets.touch();
    Ok(())
}

/// One pattern for each depth: `tough` lets `*` match `/`, but the specification and other clients do not.
pub(super) fn paths_of(role: &str) -> Result<PathSet> {
    let patterns = match role {
        CATALOG_ROLE => vec![CATALOG_TARGET.to_owned()],
        mode => vec![format!("{mode}/*"), format!("{mode}/*/*"), format!("{mode}/*/*/*")],
    };
    let parse = |pattern| PathPattern::new(pattern).map_err(|e| Error::invalid("mode", e.to_string()));
    Ok(PathSet::Paths(patterns.into_iter().map(parse).collect::<Result<_>>()?))
}

/// Whether a role's metadata verifies with these delegations.
pub(super) fn verifies(targets: &Targets, name: &str, role: &Signed<Targets>) -> bool {
    targets.delegations.as_ref().is_some_and(|delegations| delegations.verify_role(role, name).is_ok())
}
