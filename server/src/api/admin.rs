//! Tokens and the audit log.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use serde_json::json;
use uuid::Uuid;

use super::answer::{self, Created, Done, Failure, Found, Page};
use super::bodies::{AuditEntry, MadeToken, NewToken, Token};
use super::body::LimitedJson;
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::auth::{self, Scope};
use crate::error::Error;
use crate::model::{self, Time};

pub(super) struct Admin;

#[OpenApi(prefix_path = "/api/v1", tag = "Tags::Administration")]
impl Admin {
    /// List the tokens
    ///
    /// Lists all tokens without their secrets, which the server does not store. Scope: `admin`.
    #[oai(path = "/tokens", method = "get", operation_id = "list_tokens")]
    async fn tokens(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
    ) -> Result<Found<Page<Token>>, Failure> {
        bearer.0.require_admin()?;
        let page = answer::page::<Uuid>(limit.0, cursor.0.as_deref())?;
        let rows = context.service.db().tokens(&page).await?;
        let items = rows.iter().map(Token::from).collect();
        Ok(answer::found_private(answer::pages(&rows, page.limit, |token| token.id, items), None))
    }

    /// Create a token
    ///
    /// The secret is in this response and cannot be retrieved later. No other valid token may have the name
    /// (`token_exists`): revoke that one first, or choose another name. Scope: `admin`.
    #[oai(path = "/tokens", method = "post", operation_id = "create_token")]
    async fn create(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        body: LimitedJson<NewToken>,
    ) -> Result<Created<MadeToken>, Failure> {
        bearer.0.require_admin()?;
        let scopes = body.scopes.iter().map(|scope| Scope::parse(scope)).collect::<Result<Vec<_>, _>>()?;
        let expires_at = body.days.map(|days| Time::now().plus_seconds(i64::from(days) * 86_400));
        let made = auth::NewToken::make(&body.name, &scopes, expires_at)?;
        let detail = json!({"name": made.row.name, "scopes": made.row.scopes});
        let entry = entry(&bearer, &request, "token.create", made.row.id, &detail);
        context.service.db().put_token(&made.row, Some(&entry)).await?;
        let location = format!("/api/v1/tokens/{}", made.row.id);
        Ok(Created::New(Json(MadeToken { row: Token::from(&made.row), token: made.text }), location))
    }

    /// Revoke a token
    ///
    /// This server rejects the token at once, other servers on the same database within seconds. Scope: `admin`.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "delete_token")]
    async fn revoke(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The id of the token.
        id: Path<Uuid>,
    ) -> Result<Done, Failure> {
        bearer.0.require_admin()?;
        let entry = entry(&bearer, &request, "token.revoke", id.0, &json!({}));
        if context.tokens.revoke(id.0, &entry).await? {
            return Ok(Done::Ok);
        }
        Err(Error::NotFound { what: "token" }.into())
    }

    /// Read the audit log
    ///
    /// Lists every change anybody has made, newest first. Scope: `admin`.
    #[oai(path = "/audit", method = "get", operation_id = "list_audit")]
    async fn audit(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
    ) -> Result<Found<Page<AuditEntry>>, Failure> {
        bearer.0.require_admin()?;
        let page = answer::page::<Uuid>(limit.0, cursor.0.as_deref())?;
        let rows = context.service.db().audit(&page).await?;
        let items = rows.iter().map(AuditEntry::from).collect();
        Ok(answer::found_private(answer::pages(&rows, page.limit, |entry| entry.id, items), None))
    }
}

fn entry(
    bearer: &Bearer,
    request: &RequestId,
    action: &str,
    subject: Uuid,
    detail: &serde_json::Value,
) -> model::AuditEntry {
    let actor = bearer.actor(request);
    let request_id = actor.request_id;
    model::AuditEntry { request_id, ..model::AuditEntry::new(actor.name, action, subject.to_string(), detail) }
}
