//! Tokens: who may change what.
//!
//! A token is `vsk_<identifier>_<secret>`: 32 hex digits that name its row, and 64 of chance. Only the SHA-256 of the
//! secret is kept, and it is compared in constant time. Whoever has no row is compared too, so that a wrong
//! identifier and a wrong secret take the same way.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use vsekai_updater::formats::release::ModeName;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{Time, Token};

/// How long a row is believed before it is read again: how long a revoked token may live.
const BELIEVED: Duration = Duration::from_secs(5);

/// How exactly the last use is kept, in seconds.
const USE_GRAIN_S: i64 = 3600;

/// Most scopes of one token.
const MAX_SCOPES: usize = 100;

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Publish to every mode.
    PublishAll,
    /// Publish to one mode.
    Publish(ModeName),
}

impl Scope {
    /// From its text: `admin`, `publish:*` or `publish:<mode>`.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "admin" => Ok(Self::Admin),
            "publish:*" => Ok(Self::PublishAll),
            _ => {
                let refuse = || Error::Invalid {
                    what: "scope",
                    reason: format!("{text:?} is none of admin, publish:* and publish:<mode>"),
                };
                let mode = text.strip_prefix("publish:").ok_or_else(refuse)?;
                Ok(Self::Publish(ModeName::new(mode).map_err(|_| refuse())?))
            }
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::PublishAll => f.write_str("publish:*"),
            Self::Publish(mode) => write!(f, "publish:{mode}"),
        }
    }
}

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's identifier.
    pub id: Uuid,
    scopes: Vec<Scope>,
}

impl Principal {
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_admin(&self) -> Result<()> {
        Self::require(self.scopes.contains(&Scope::Admin), "admin")
    }

    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_publish(&self, mode: &ModeName) -> Result<()> {
        let fits = |scope: &Scope| match scope {
            Scope::Admin | Scope::PublishAll => true,
            Scope::Publish(of) => of == mode,
        };
        Self::require(self.scopes.iter().any(fits), &format!("publish:{mode}"))
    }

    /// For chunks, which belong to no mode.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_publish_any(&self) -> Result<()> {
        Self::require(!self.scopes.is_empty(), "publish:*")
    }

    fn require(is_met: bool, scope: &str) -> Result<()> {
        if is_met { Ok(()) } else { Err(Error::Forbidden { scope: scope.to_owned() }) }
    }
}

/// A token, with its secret: to be shown once.
pub struct NewToken {
    /// What is kept.
    pub row: Token,
    /// What is shown.
    pub text: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewToken({})", self.row.id)
    }
}

impl NewToken {
    /// Makes one. It is not kept yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a scope or with too many; [`Error::Internal`] if the system gives no chance.
    pub fn make(name: &str, scopes: &[Scope], expires_at: Option<Time>) -> Result<Self> {
        if scopes.is_empty() || scopes.len() > MAX_SCOPES {
            return Err(Error::Invalid { what: "scopes", reason: format!("1 to {MAX_SCOPES} are needed") });
        }
        if name.len() > 200 || name.contains(char::is_control) {
            return Err(Error::Invalid {
                what: "name",
                reason: "over 200 bytes, or with control characters".to_owned(),
            });
        }
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|error| Error::Internal { context: format!("random bytes: {error}") })?;
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
        Ok(Self { row, text: format!("vsk_{}_{secret}", id.simple()) })
    }
}

/// Recognises tokens.
#[derive(Debug)]
pub struct Tokens {
    db: Arc<dyn Db>,
    rows: Cache<Uuid, Option<Token>>,
}

impl Tokens {
    /// Over the tokens of a database.
    pub fn new(db: Arc<dyn Db>) -> Self {
        Self { db, rows: Cache::builder().max_capacity(10_000).time_to_live(BELIEVED).build() }
    }

    /// Who this token stands for.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for what is no token, and for one that is unknown, wrong, expired or revoked.
    pub async fn recognise(&self, text: &str) -> Result<Principal> {
        let (id, secret) = split(text).ok_or(Error::Unauthorized)?;
        let db = Arc::clone(&self.db);
        let row = self.rows.try_get_with(id, async move { db.token(id).await }).await;
        let row = row.map_err(|error| Error::Internal { context: format!("reading a token: {error}") })?;
        let expected = row.as_ref().map_or([0; 32], |row| row.hash);
        let found: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let is_same = bool::from(found.ct_eq(&expected));
        let row = row.filter(|_| is_same).ok_or(Error::Unauthorized)?;
        let now = Time::now();
        if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::Unauthorized);
        }
        if row.last_used_at.is_none_or(|last| last.plus_seconds(USE_GRAIN_S) < now) {
            self.db.touch_token(id, now).await?;
            self.rows.insert(id, Some(Token { last_used_at: Some(now), ..row.clone() })).await;
        }
        let scopes = row.scopes.split(' ').map(Scope::parse).collect::<Result<_>>()?;
        Ok(Principal { id, scopes })
    }

    /// Takes a token back: here at once, in other servers within seconds. Gives whether there is one.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn revoke(&self, id: Uuid) -> Result<bool> {
        let found = self.db.revoke_token(id, Time::now()).await?;
        self.rows.invalidate(&id).await;
        Ok(found)
    }
}

fn split(text: &str) -> Option<(Uuid, &str)> {
    let (id, secret) = text.strip_prefix("vsk_")?.split_once('_')?;
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

    #[test]
    fn scopes_open_what_they_name_and_nothing_more() {
        let mode = |name| ModeName::new(name).unwrap();
        let who = |scopes: &[&str]| Principal {
            id: Uuid::nil(),
            scopes: scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect(),
        };
        assert!(who(&["admin"]).require_admin().is_ok() && who(&["admin"]).require_publish(&mode("stable")).is_ok());
        assert!(who(&["publish:*"]).require_admin().is_err());
        assert!(who(&["publish:nightly"]).require_publish(&mode("nightly")).is_ok());
        assert!(who(&["publish:nightly"]).require_publish(&mode("stable")).is_err());
        assert!(who(&["publish:nightly"]).require_publish_any().is_ok());
        assert!(who(&[]).require_publish_any().is_err());
        for wrong in ["", "Admin", "publish:", "publish:../x", "publish", "read:stable", "publish:root"] {
            assert!(Scope::parse(wrong).is_err(), "{wrong}");
        }
    }
}
