//! States the successor of a mode in signed metadata.

use serde_json::Value;
use tough::schema::{RoleType, Targets};

use super::Publication;
use crate::error::{Error, Result};
use crate::formats::release::{ModeName, STATEMENT_FIELD, Statement, Statements, signed_successor};
use crate::net::trust::error::not_json;
use crate::version::Version;

impl Publication<'_> {
    /// States the successor of a mode, or that it has none, with the mode's key; without that key, with the key of
    /// `targets`. Taking a statement back without either key leaves it as it is: it says what the catalog may do, and
    /// the catalog no longer does it.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] with the mode's role, [`Error::ModeUnknown`].
    pub fn state_successor(&mut self, mode: &ModeName, next: Option<&ModeName>) -> Result<()> {
        if self.successor(mode).as_ref() == next {
            return Ok(());
        }
        let mut of_targets: Statements = self.targets.body.statement()?;
        let own_key = match self.check_role_keys(mode.as_str()) {
            Err(error) if !matches!(error, Error::KeyMissing { .. }) => return Err(error),
            outcome => outcome,
        };
        // What `targets` states comes first, so only its key can change that.
        let is_in_targets = of_targets.modes.remove(mode).is_some();
        if is_in_targets && self.can_sign_targets() {
            self.state_in_targets(&of_targets)?;
        }
        if own_key.is_ok() && (!is_in_targets || self.can_sign_targets()) {
            let document = self.document_mut(mode.as_str())?;
            let statement = Statement { update_to: next.cloned(), ..document.body.statement()? };
            document.body.set_statement(&statement)?;
            document.touch();
        } else if self.can_sign_targets() {
            let statement = Statement { update_to: next.cloned(), ..Statement::default() };
            of_targets.modes.insert(mode.clone(), statement);
            self.state_in_targets(&of_targets)?;
        } else if next.is_some() {
            return own_key.and(Err(self.party.ring.missing("targets")));
        }
        Ok(())
    }

    /// States the oldest version of a mode that may still be installed. It never goes down.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`].
    pub fn state_oldest_allowed(&mut self, mode: &ModeName, oldest: &Version) -> Result<()> {
        let document = self.document_mut(mode.as_str())?;
        let mut statement: Statement = document.body.statement()?;
        let known = statement.oldest_allowed.as_ref();
        if known.is_none_or(|known| oldest.cmp_precedence(known).is_gt()) {
            statement.oldest_allowed = Some(oldest.clone());
            document.body.set_statement(&statement)?;
            document.touch();
        }
        Ok(())
    }

    fn state_in_targets(&mut self, statements: &Statements) -> Result<()> {
        self.targets.body.set_statement(statements)?;
        self.targets.touch();
        Ok(())
    }

    /// The successor that is signed for a mode, or will be.
    pub fn successor(&self, mode: &ModeName) -> Option<ModeName> {
        let role = self.roles.get(mode.as_str()).and_then(|document| document.body._extra.get(STATEMENT_FIELD));
        signed_successor(mode, self.targets.body._extra.get(STATEMENT_FIELD), role)
    }

    fn can_sign_targets(&self) -> bool {
        let holders = self.root.signed.roles.get(&RoleType::Targets);
        holders.is_some_and(|holders| self.require("targets", &holders.keyids, holders.threshold).is_ok())
    }
}

trait Stated {
    fn statement<T: Default + serde::de::DeserializeOwned>(&self) -> Result<T>;
    fn set_statement<T: Default + PartialEq + serde::Serialize>(&mut self, statement: &T) -> Result<()>;
}

impl Stated for Targets {
    fn statement<T: Default + serde::de::DeserializeOwned>(&self) -> Result<T> {
        let Some(field) = self._extra.get(STATEMENT_FIELD) else { return Ok(T::default()) };
        serde_json::from_value(field.clone()).map_err(|e| not_json(&format!("the field {STATEMENT_FIELD:?}"), e))
    }

    fn set_statement<T: Default + PartialEq + serde::Serialize>(&mut self, statement: &T) -> Result<()> {
        if *statement == T::default() {
            self._extra.remove(STATEMENT_FIELD);
            return Ok(());
        }
        let field: Value =
            serde_json::to_value(statement).map_err(|e| not_json(&format!("the field {STATEMENT_FIELD:?}"), e))?;
        self._extra.insert(STATEMENT_FIELD.to_owned(), field);
        Ok(())
    }
}
