//! What the publisher of a mode signs about the mode as a whole, in the metadata of its TUF role.
//!
//! The catalog is signed by a key that is online. It must not bring back a version that the publisher has ruled out, so
//! the oldest allowed version is stated here as well as in the release that introduced it: clients that never saw that
//! release learn of it too. On its own, the catalog must not move the players of one mode to another, so a successor
//! counts only if the mode's key has signed it too: as a field of the role's metadata, which TUF clients that do not
//! know it ignore (TUF 1.0, 4.1). The key of `targets` may state it instead, for a mode whose key is lost.
//!
//! ```text
//! stable.json    "vsekai": {"update_to": "nightly", "oldest_allowed": "1.5.0"}
//! targets.json   "vsekai": {"modes": {"stable": {"update_to": "nightly"}}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ModeName;
use crate::version::Version;

/// The field of a role's metadata that holds the statement.
pub const STATEMENT_FIELD: &str = "vsekai";

/// What is stated about one mode.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The mode that its users may be moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_to: Option<ModeName>,
    /// The oldest version of the mode that may still be installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_allowed: Option<Version>,
}

/// What `targets.json` states about modes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statements {
    /// By mode.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modes: BTreeMap<ModeName, Statement>,
}

/// The successor of a mode that is signed in the fields of `targets.json` and of the mode's own role. A field of
/// another form states nothing.
pub fn signed_successor(mode: &ModeName, targets: Option<&Value>, role: Option<&Value>) -> Option<ModeName> {
    let statements = targets.and_then(|field| Statements::deserialize(field).ok()).unwrap_or_default();
    let own = || role.and_then(|field| Statement::deserialize(field).ok());
    statements.modes.get(mode).cloned().or_else(own)?.update_to
}

/// The oldest allowed version that is signed in the field of a mode's role.
pub fn signed_oldest_allowed(role: Option<&Value>) -> Option<Version> {
    Statement::deserialize(role?).ok()?.oldest_allowed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_well_formed_statement_counts() {
        let (stable, nightly) = (ModeName::new("stable").unwrap(), ModeName::new("nightly").unwrap());
        let role = json!({"update_to": "nightly", "later": 1});
        assert_eq!(signed_successor(&stable, None, Some(&role)), Some(nightly.clone()));
        let targets = json!({"modes": {"stable": {"update_to": "nightly"}}});
        assert_eq!(signed_successor(&stable, Some(&targets), None), Some(nightly.clone()));
        assert_eq!(signed_successor(&nightly, Some(&targets), None), None);
        for bad in [json!("nightly"), json!({"update_to": "../x"}), json!({"update_to": ["nightly"]}), json!(null)] {
            assert_eq!(signed_successor(&stable, None, Some(&bad)), None, "{bad}");
            assert_eq!(signed_successor(&stable, Some(&bad), Some(&role)), Some(nightly.clone()), "{bad}");
        }
    }
}
