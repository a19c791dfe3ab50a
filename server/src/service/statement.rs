//! What the publishers of modes have signed about their modes, read from the metadata in force.

use serde::Deserialize;
use serde_json::{Map, Value};
use vsekai_updater::formats::release::{ModeName, STATEMENT_FIELD, signed_successor};

use crate::db::View;
use crate::error::{Error, Result};
use crate::model::Mode;

/// Checks that the successor of a mode is signed by the mode's key or that of `targets`. Without that no client follows
/// it, so a token alone cannot move the players of a mode.
///
/// # Errors
/// `successor_not_signed`.
pub(super) fn check_successor(view: &View, mode: &Mode) -> Result<()> {
    let Some(next) = mode.update_to.and_then(|id| view.mode(id)) else { return Ok(()) };
    if successor(view, &mode.name).as_ref() == Some(&next.name) {
        return Ok(());
    }
    let (mode, next) = (&mode.name, &next.name);
    let reason = format!(
        "The key of the mode {mode} has not signed that its users move to {next}; sign and send that with \
         `vsekai repository retire --server URL --mode {mode} --update-to {next} --keys KEYS`"
    );
    Err(Error::Conflict { code: "successor_not_signed", reason })
}

fn successor(view: &View, mode: &ModeName) -> Option<ModeName> {
    signed_successor(mode, field(view, "targets").as_ref(), field(view, mode.as_str()).as_ref())
}

/// The statement in a role's metadata.
fn field(view: &View, role: &str) -> Option<Value> {
    #[derive(Deserialize)]
    struct Document {
        signed: Map<String, Value>,
    }
    let is_of_role = |path: &str| {
        let name = path.strip_prefix("tuf/").and_then(|name| name.split_once('.'));
        name.is_some_and(|(_, name)| name.strip_suffix(".json") == Some(role))
    };
    let file = view.metadata.iter().find(|file| is_of_role(&file.path))?;
    let mut document: Document = serde_json::from_slice(&file.bytes).ok()?;
    document.signed.remove(STATEMENT_FIELD)
}
