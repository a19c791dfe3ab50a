//! What the publisher of a mode signs about the mode as a whole, in the metadata of its TUF role.
//!
//! The catalog is signed by a key that is online. On its own it must not move the players of one mode to another, so a
//! successor counts only if the mode's key has signed it too: as a field of the role's metadata, which TUF clients that
//! do not know it pass over (TUF 1.0, 4.1). The key of `targets` may state it instead, for a mode whose key is lost.
//!
//! ```text
//! stable.json    "vsekai": {"update_to": "nightly"}
//! targets.json   "vsekai": {"modes": {"stable": {"update_to": "nightly"}}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ModeName;

/// The field of a role's metadata that holds the statement.
pub const STATEMENT_FIELD: &str = "vsekai";

/// What is stated about one mode.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The mode that its users may be moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_to: Option<ModeName>,
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
