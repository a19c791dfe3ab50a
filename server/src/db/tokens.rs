//! Tokens, without their secrets: the database has only a hash of each.

use async_trait::async_trait;
use uuid::Uuid;

use super::Page;
use crate::error::Result;
use crate::model::{Time, Token};

/// Keeps tokens.
#[async_trait]
pub trait TokenDb {
    /// Adds a token.
    async fn put_token(&self, token: &Token) -> Result<()>;
    /// Adds a token only if there are none yet. Returns whether it was added.
    async fn put_first_token(&self, token: &Token) -> Result<bool>;
    /// The token with this id, revoked or not.
    async fn token(&self, id: Uuid) -> Result<Option<Token>>;
    /// All tokens, by id.
    async fn tokens(&self, page: &Page<Uuid>) -> Result<Vec<Token>>;
    /// Revokes a token. Returns whether it exists.
    async fn revoke_token(&self, id: Uuid, at: Time) -> Result<bool>;
    /// Records when a token was last used, to the hour.
    async fn touch_token(&self, id: Uuid, at: Time) -> Result<()>;
}
