//! Operations on modes.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::MaybeUndefined;
use uuid::Uuid;
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::net::api::NewsUpload;

use super::answer::{self, Changed, Created, Failure, Found, Page};
use super::bodies::{Mode, ModeChange, NewMode};
use super::body::LimitedJson;
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::db::ModeFilter;
use crate::service::ModeEdit;

/// Largest JSON with news: the list of a mode, and the pictures of all items, in base64.
const MAX_NEWS_UPLOAD_BYTES: usize = 16 << 20;

pub(super) struct Modes;

#[OpenApi(prefix_path = "/api/v1", tag = "Tags::Modes")]
impl Modes {
    /// List the modes
    ///
    /// Lists modes by name.
    #[oai(path = "/modes", method = "get", operation_id = "list_modes")]
    async fn list(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// Filter by name.
        name: Query<Option<String>>,
        /// Filter by whether they are still published.
        is_active: Query<Option<bool>>,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Page<Mode>>, Failure> {
        let page = answer::page::<String>(limit.0, cursor.0.as_deref())?;
        let filter = ModeFilter { name: name.0, is_active: is_active.0 };
        let rows = context.service.db().modes(&filter, &page).await?;
        let view = context.service.db().view().await?;
        let items = rows.iter().map(|mode| Mode::of(mode, &view)).collect();
        let body = answer::pages(&rows, page.limit, |mode| mode.name.to_string(), items);
        Ok(answer::found(body, if_none_match.0.as_deref()))
    }

    /// Get a mode
    #[oai(path = "/modes/:name", method = "get", operation_id = "get_mode")]
    async fn get(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The name of the mode.
        name: Path<String>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Mode>, Failure> {
        let mode = context.service.mode_named(&known(&name)?).await?;
        let view = context.service.db().view().await?;
        Ok(answer::found(Mode::of(&mode, &view), if_none_match.0.as_deref()))
    }

    /// Create a mode
    ///
    /// Versions can be published to it once the holder of the targets key has delegated it to a publisher.
    /// Scope: `admin`.
    #[oai(path = "/modes", method = "post", operation_id = "create_mode")]
    async fn create(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        body: LimitedJson<NewMode>,
    ) -> Result<Created<Mode>, Failure> {
        bearer.0.require_admin()?;
        let name = ModeName::new(&body.name)?;
        let update_to = body.update_to.as_ref().map(|next| ModeName::new(next)).transpose()?;
        let edit = ModeEdit {
            description: Some(body.description.0.clone()),
            is_active: Some(body.is_active),
            update_to: Some(update_to),
            reports: None,
        };
        let mode = context.service.create_mode(&name, &edit, &bearer.actor(&request)).await?;
        let view = context.service.db().view().await?;
        Ok(Created::New(Json(Mode::of(&mode, &view)), format!("/api/v1/modes/{name}")))
    }

    /// Change a mode
    ///
    /// Retires a mode, moves its users to another one (cycles are refused), changes its description, or asks its players
    /// to report whether new versions start. Signs a new catalog. A successor must have been signed by the key of the
    /// mode, or that of `targets`, before:
    /// `vsekai repository retire --server` does both. Scope: `admin`.
    #[oai(path = "/modes/:name", method = "patch", operation_id = "update_mode")]
    async fn update(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The name of the mode.
        name: Path<String>,
        /// Make the change only if this is still the ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: LimitedJson<ModeChange>,
    ) -> Result<Changed<Mode>, Failure> {
        bearer.0.require_admin()?;
        let update_to = match &body.update_to {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(next) => Some(Some(ModeName::new(next)?)),
        };
        let edit = ModeEdit {
            description: body.description.as_ref().map(|text| text.0.clone()),
            is_active: body.is_active,
            update_to,
            reports: match body.reports {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(limit) => Some(Some(limit.into())),
            },
        };
        let condition = if_match.0;
        let is_expected = |mode: &crate::model::Mode, view: &crate::db::View| {
            answer::is_expected(condition.as_deref(), &Mode::of(mode, view))
        };
        let mode = context.service.update_mode(&known(&name)?, &edit, is_expected, &bearer.actor(&request)).await?;
        let view = context.service.db().view().await?;
        Ok(answer::changed(Mode::of(&mode, &view)))
    }

    /// Publish the news of a mode
    ///
    /// Replaces them by others that the key of the mode has signed, or removes them. Files that the server has already need
    /// not be sent. Repeating the request changes nothing. `vsekai news` makes it. Scope: `publish:<mode>`.
    #[oai(path = "/modes/:name/news", method = "put", operation_id = "put_news")]
    async fn put_news(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The name of the mode.
        name: Path<String>,
        body: LimitedJson<NewsUpload, MAX_NEWS_UPLOAD_BYTES>,
    ) -> Result<Json<Mode>, Failure> {
        let name = known(&name)?;
        bearer.0.require_publish(&name)?;
        context.shares.check_room().await?;
        let turn = context.shares.turn(bearer.0.id, Uuid::nil()).await?;
        context.service.put_news(&name, &body, turn, &bearer.actor(&request)).await?;
        let mode = context.service.mode_named(&name).await?;
        let view = context.service.db().view().await?;
        Ok(Json(Mode::of(&mode, &view)))
    }
}

/// Parses the name of a mode in a path. An invalid name is answered like that of a mode that does not exist.
pub(super) fn known(name: &str) -> Result<ModeName, crate::error::Error> {
    ModeName::new(name).map_err(|_| crate::error::Error::NotFound { what: "mode" })
}
