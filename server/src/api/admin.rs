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
    /// Without their secrets, which nobody has. Scope: `admin`.
    #[oai(path = "/tokens", method = "get", operation_id = "list_tokens")]
    async fn tokens(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// Entries of the page, 1 to 100; 20 if left out.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<Page<Token>>, Failure> {
        bearer.0.require_admin()?;
        let page = answer::page::<Uuid>(limit.0, cursor.0.as_deref())?;
        let rows = context.service.db().tokens(&page).await?;
        let items = rows.iter().map(Token::from).collect();
        Ok(answer::found_private(answer::pages(&rows, page.limit, |token| token.id, items), None))
    }

    /// Make a token
    ///
    /// Its secret is in this answer and nowhere else. Scope: `admin`.
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
        context.service.db().put_token(&made.row).await?;
        let detail = json!({"name": made.row.name, "scopes": made.row.scopes});
        audit(&context, &bearer, &request, "token.create", made.row.id, detail).await?;
        let location = format!("/api/v1/tokens/{}", made.row.id);
        Ok(Created::New(Json(MadeToken { row: Token::from(&made.row), token: made.text }), location))
    }

    /// Take a token back
    ///
    /// Here it ends at once, on other servers of the same database within seconds. Scope: `admin`.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "delete_token")]
    async fn revoke(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// Its identifier.
        id: Path<Uuid>,
    ) -> Result<Done, Failure> {
        bearer.0.require_admin()?;
        let before = context.service.db().token(id.0).await?.ok_or(Error::NotFound { what: "token" })?;
        context.tokens.revoke(id.0).await?;
        if before.revoked_at.is_some() {
            return Ok(Done::Ok);
        }
        audit(&context, &bearer, &request, "token.revoke", id.0, json!({})).await?;
        Ok(Done::Ok)
    }

    /// Read the audit log
    ///
    /// Every change that anybody has made, the newest first. Scope: `admin`.
    #[oai(path = "/audit", method = "get", operation_id = "list_audit")]
    async fn audit(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        /// Entries of the page, 1 to 100; 20 if left out.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<Page<AuditEntry>>, Failure> {
        bearer.0.require_admin()?;
        let page = answer::page::<Uuid>(limit.0, cursor.0.as_deref())?;
        let rows = context.service.db().audit(&page).await?;
        let items = rows.iter().map(AuditEntry::from).collect();
        Ok(answer::found_private(answer::pages(&rows, page.limit, |entry| entry.id, items), None))
    }
}

async fn audit(
    context: &ApiContext,
    bearer: &Bearer,
    request: &RequestId,
    action: &str,
    subject: Uuid,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let actor = bearer.actor(request);
    let entry = model::AuditEntry {
        id: Uuid::now_v7(),
        at: Time::now(),
        actor: actor.name,
        action: action.to_owned(),
        subject: subject.to_string(),
        detail: detail.to_string(),
        request_id: actor.request_id,
    };
    context.service.db().add_audit(&entry).await
}
