//! Tokens, without their secrets: the database has only a hash of each.

use async_trait::async_trait;
use uuid::Uuid;

use super::Page;
use crate::error::Result;
use crate::model::{AuditEntry, Time, Token};

/// Keeps tokens.
#[async_trait]
pub trait TokenDb {
    /// Adds a token, and an entry about it if one is given: both or neither. Fails with `token_exists` if another token
    /// with its name is valid.
    async fn put_token(&self, token: &Token, entry: Option<&AuditEntry>) -> Result<()>;
    /// Adds a token only if there are none yet. Returns whether it was added.
    async fn put_first_token(&self, token: &Token) -> Result<bool>;
    /// The token with this id, revoked or not.
    async fn token(&self, id: Uuid) -> Result<Option<Token>>;
    /// All tokens, by id.
    async fn tokens(&self, page: &Page<Uuid>) -> Result<Vec<Token>>;
    /// Revokes a token. Returns whether it exists. The entry is added if that has changed anything.
    async fn revoke_token(&self, id: Uuid, at: Time, entry: Option<&AuditEntry>) -> Result<bool>;
    /// Records when a token was last used, to the hour.
    async fn touch_token(&self, id: Uuid, at: Time) -> Result<()>;
}
