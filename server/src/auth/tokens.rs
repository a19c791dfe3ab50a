//! Tokens: made, recognised and revoked.
//!
//! A token is `vsk_<identifier>_<secret>`: 32 hex digits that name its row, and 64 random ones. Only the SHA-256 of the
//! secret is stored, and it is compared in constant time. The comparison is made even if there is no such row, so that
//! a wrong identifier and a wrong secret take the same path.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{PREFIX, Principal, Scope};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{AuditEntry, Time, Token};

/// How long a row is cached, and therefore how long a revoked token may still work on other servers.
const CACHED: Duration = Duration::from_secs(5);

/// Precision of the time of last use, in seconds.
const USE_GRAIN_S: i64 = 3600;

/// Most scopes of one token.
const MAX_SCOPES: usize = 100;

/// A new token with its secret, to be shown once.
pub struct NewToken {
    /// The row to store.
    pub row: Token,
    /// The token itself, to show to its owner.
    pub text: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewToken({})", self.row.id)
    }
}

impl NewToken {
    /// Makes a token. It is not stored yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a scope or with too many; [`Error::Internal`] if the system has no random bytes.
    pub fn make(name: &str, scopes: &[Scope], expires_at: Option<Time>) -> Result<Self> {
        if scopes.is_empty() || scopes.len() > MAX_SCOPES {
            return Err(Error::Invalid { what: "scopes", reason: format!("a token needs 1 to {MAX_SCOPES}") });
        }
        if name.len() > 200 || name.contains(char::is_control) {
            return Err(Error::Invalid {
                what: "name",
                reason: "it must have at most 200 bytes and no control characters".to_owned(),
            });
        }
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(Error::internal_by("random bytes"))?;
        let id = Uuid::new_v4();
        let secret = hex::encode(secret);
        let row = Token {
            id,
            name: name.to_owned(),
            hash: Sha256::digest(secret.as_bytes()).into(),
            scopes: scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            created_at: Time::now(),
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        Ok(Self { row, text: format!("{PREFIX}{}_{secret}", id.simple()) })
    }
}

/// Recognises tokens by their rows, which it caches for a moment.
#[derive(Debug)]
pub struct Tokens {
    db: Arc<dyn Db>,
    rows: Cache<Uuid, Option<Token>>,
}

impl Tokens {
    /// For the tokens in a database.
    pub fn new(db: Arc<dyn Db>) -> Self {
        Self { db, rows: Cache::builder().max_capacity(10_000).time_to_live(CACHED).build() }
    }

    /// Returns whose token this is, and what it may do.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it is malformed, unknown or wrong; [`Error::TokenEnded`] if it has expired or was revoked.
    pub async fn recognise(&self, text: &str) -> Result<Principal> {
        let (id, secret) = split(text).ok_or(Error::Unauthorized)?;
        let db = Arc::clone(&self.db);
        let row = self.rows.try_get_with(id, async move { db.token(id).await }).await;
        let row = row.map_err(Error::internal_by("reading a token"))?;
        let expected = row.as_ref().map_or([0; 32], |row| row.hash);
        let found: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let is_same = bool::from(found.ct_eq(&expected));
        let row = row.filter(|_| is_same).ok_or(Error::Unauthorized)?;
        let now = Time::now();
        // Only who has the secret learns what became of the token.
        let ended = row.revoked_at.map(|at| format!("was revoked on {}", at.day()));
        let expired = || row.expires_at.filter(|end| *end <= now).map(|end| format!("expired on {}", end.day()));
        if let Some(ended) = ended.or_else(expired) {
            return Err(Error::TokenEnded(ended));
        }
        if row.last_used_at.is_none_or(|last| last.plus_seconds(USE_GRAIN_S) < now) {
            self.db.touch_token(id, now).await?;
            self.rows.insert(id, Some(Token { last_used_at: Some(now), ..row.clone() })).await;
        }
        let scopes = row.scopes.split(' ').map(Scope::parse).collect::<Result<_>>()?;
        Ok(Principal { id, name: row.name, scopes })
    }

    /// Revokes a token: on this server at once, on others within seconds. Returns whether it exists. `entry` is of the audit
    /// log.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn revoke(&self, id: Uuid, entry: &AuditEntry) -> Result<bool> {
        let found = self.db.revoke_token(id, Time::now(), Some(entry)).await?;
        self.rows.invalidate(&id).await;
        Ok(found)
    }
}

fn split(text: &str) -> Option<(Uuid, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex =
        |text: &str, length| text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex(id, 32) || !is_hex(secret, 64) {
        return None;
    }
    Some((Uuid::try_parse(id).ok()?, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_apart_and_nothing_else_is() {
        let token = NewToken::make("first", &[Scope::Admin], None).unwrap();
        let (id, secret) = split(&token.text).unwrap();
        assert_eq!(id, token.row.id);
        assert_eq!(<[u8; 32]>::from(Sha256::digest(secret.as_bytes())), token.row.hash);
        assert!(!format!("{token:?}").contains(secret));
        for wrong in [
            "",
            "vsk_",
            "vsk__",
            &token.text[1..],
            &token.text.to_uppercase(),
            &format!("{}0", token.text),
            "vsk_\u{e9}",
        ] {
            assert!(split(wrong).is_none(), "{wrong}");
        }
    }
}
