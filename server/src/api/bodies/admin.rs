//! The JSON of tokens and of the audit log.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::Value;
use uuid::Uuid;

use crate::api::text::Text;
use crate::model::{self, Time};

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Object)]
pub(in crate::api) struct Token {
    /// The id of the token.
    pub(in crate::api) id: Uuid,
    /// What the token is for.
    pub(in crate::api) name: String,
    /// What the token may do.
    pub(in crate::api) scopes: Vec<String>,
    /// Time of creation (RFC 3339).
    pub(in crate::api) created_at: String,
    /// Time of expiry, if any (RFC 3339).
    pub(in crate::api) expires_at: Option<String>,
    /// Time of revocation, if revoked (RFC 3339).
    pub(in crate::api) revoked_at: Option<String>,
    /// Time of the last use, to the hour (RFC 3339).
    pub(in crate::api) last_used_at: Option<String>,
}

impl From<&model::Token> for Token {
    fn from(token: &model::Token) -> Self {
        let shown = |time: Option<Time>| time.map(|time| time.to_string());
        Self {
            id: token.id,
            name: token.name.clone(),
            scopes: token.scopes.split(' ').map(str::to_owned).collect(),
            created_at: token.created_at.to_string(),
            expires_at: shown(token.expires_at),
            revoked_at: shown(token.revoked_at),
            last_used_at: shown(token.last_used_at),
        }
    }
}

/// A token to create.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(in crate::api) struct NewToken {
    /// What the token is for.
    #[oai(validator(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub(in crate::api) name: Text,
    /// What the token may do: `admin`, `publish:*` or `publish:<mode>`.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub(in crate::api) scopes: Vec<Text>,
    /// Days until it expires. If omitted, it does not expire.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    pub(in crate::api) days: Option<u32>,
}

impl Example for NewToken {
    fn example() -> Self {
        Self { name: "nightly builds".into(), scopes: vec!["publish:nightly".into()], days: Some(90) }
    }
}

/// A new token with its secret, which is shown only once.
#[derive(Debug, Clone, Object)]
pub(in crate::api) struct MadeToken {
    /// The token as it is listed.
    pub(in crate::api) row: Token,
    /// The token itself. Send it as `Authorization: Bearer`.
    pub(in crate::api) token: String,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Object)]
pub(in crate::api) struct AuditEntry {
    /// The id of the entry. Later entries have larger ids.
    pub(in crate::api) id: Uuid,
    /// Time of the change (RFC 3339).
    pub(in crate::api) at: String,
    /// Who made the change: the id of a token, or a part of the server.
    pub(in crate::api) actor: String,
    /// What was done, such as `mode.update`.
    pub(in crate::api) action: String,
    /// What was changed, such as the name of a mode.
    pub(in crate::api) subject: String,
    /// Details, such as the state before and after.
    pub(in crate::api) detail: Value,
    /// The id of the request in the server's log.
    pub(in crate::api) request_id: String,
}

impl From<&model::AuditEntry> for AuditEntry {
    fn from(entry: &model::AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.to_string(),
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            detail: serde_json::from_str(&entry.detail).unwrap_or(Value::Null),
            request_id: entry.request_id.clone(),
        }
    }
}
