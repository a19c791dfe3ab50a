//! How long the signatures of a repository's roles are still valid.

use jiff::Timestamp;
use serde::Serialize;
use tough::schema::{Signed, Timestamp as TimestampRole};

use super::Publication;
use crate::error::{Error, Result};
use crate::net::trust::MAX_TIMESTAMP_BYTES;
use crate::net::trust::error::not_json;
use crate::net::trust::sign::days_from_now;

const DAY_S: i64 = 86_400;

/// How long the signature of a role is still valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleValidity {
    /// The name of the role.
    pub role: String,
    /// When its signature expires.
    pub expires: Timestamp,
    /// Days until then, rounded: a signature of today has all of its days. Negative if it expired long ago.
    pub days_left: i64,
    /// How many days a signature of the role is valid.
    pub days: u32,
    /// Whether it has to be renewed.
    pub state: Validity,
}

/// Whether a signature has to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// It is valid for a third of its lifetime or more.
    Good,
    /// It is valid for less than a third of its lifetime.
    Ending,
    /// It is not valid any more.
    Expired,
}

impl RoleValidity {
    pub(in crate::net::trust) fn new(role: &str, expires: Timestamp, days: u32) -> Self {
        let left_s = expires.as_second() - Timestamp::now().as_second();
        let state = if left_s <= 0 {
            Validity::Expired
        } else if left_s * 3 < i64::from(days) * DAY_S {
            Validity::Ending
        } else {
            Validity::Good
        };
        Self { role: role.to_owned(), expires, days_left: (left_s + DAY_S / 2).div_euclid(DAY_S), days, state }
    }

    /// # Errors
    /// [`Error::SignatureExpired`] if it is not valid any more.
    pub(in crate::net::trust) fn check(self) -> Result<()> {
        match self.state {
            Validity::Expired => Err(Error::SignatureExpired { role: self.role, expires: self.expires }),
            _ => Ok(()),
        }
    }
}

impl Publication<'_> {
    /// Checks that neither the root nor `targets.json` will have expired after the next commit. Clients accept nothing
    /// below them then, so nothing should be published.
    ///
    /// # Errors
    /// [`Error::SignatureExpired`].
    pub fn check_not_expired(&self) -> Result<()> {
        self.of_root().check()?;
        if self.targets.changed {
            return Ok(());
        }
        RoleValidity::new("targets", self.targets.body.expires, self.party.days.targets).check()
    }

    /// How long the signatures of all roles are valid, as published last: those of `root.json` first, then the catalog
    /// and the modes by name.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Trust`] of kind `Malformed`.
    pub fn validity(&self) -> Result<Vec<RoleValidity>> {
        let of = |role: &str, expires| RoleValidity::new(role, expires, self.party.days.of(role));
        let mut all = vec![self.of_root(), of("targets", self.targets.body.expires)];
        all.extend(self.snapshot.iter().map(|snapshot| of("snapshot", snapshot.expires)));
        if let Some(bytes) = self.shelf.place().read("tuf/timestamp.json", MAX_TIMESTAMP_BYTES)? {
            let timestamp: Signed<TimestampRole> =
                serde_json::from_slice(&bytes).map_err(|e| not_json("timestamp.json", e))?;
            all.push(of("timestamp", timestamp.signed.expires));
        }
        all.extend(self.roles.iter().map(|(name, document)| of(name, document.body.expires)));
        Ok(all)
    }

    /// The same, after a server has accepted what [`Self::sign_only`] signed for a mode.
    ///
    /// # Errors
    /// As [`Self::validity`].
    pub fn validity_after(&self, mode: &str) -> Result<Vec<RoleValidity>> {
        let mut all = self.validity()?;
        for role in all.iter_mut().filter(|role| role.role == mode) {
            *role = RoleValidity::new(mode, days_from_now(role.days)?, role.days);
        }
        Ok(all)
    }

    fn of_root(&self) -> RoleValidity {
        RoleValidity::new("root", self.root.signed.expires, self.party.days.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(left_s: i64, days: u32) -> (Validity, i64) {
        let expires = Timestamp::from_second(Timestamp::now().as_second() + left_s).unwrap();
        let validity = RoleValidity::new("root", expires, days);
        (validity.state, validity.days_left)
    }

    #[test]
    fn signature_is_ending_below_a_third_of_its_lifetime() {
        assert_eq!(state(120 * DAY_S + 60, 360), (Validity::Good, 120));
        assert_eq!(state(120 * DAY_S - 60, 360), (Validity::Ending, 120));
        assert_eq!(state(60, 1), (Validity::Ending, 0));
        assert_eq!(state(-60, 360), (Validity::Expired, 0));
    }
}
