//! Modes.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::MaybeUndefined;
use vsekai_updater::formats::release::ModeName;

use super::answer::{self, Changed, Created, Failure, Found, Page};
use super::bodies::{Mode, ModeChange, NewMode};
use super::body::LimitedJson;
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::db::ModeFilter;
use crate::service::ModeEdit;

pub(super) struct Modes;

#[OpenApi(prefix_path = "/api/v1", tag = "Tags::Modes")]
impl Modes {
    /// List the modes
    ///
    /// In the order of their names.
    #[oai(path = "/modes", method = "get", operation_id = "list_modes")]
    async fn list(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// Only this one.
        name: Query<Option<String>>,
        /// Only those that are published, or are not.
        is_active: Query<Option<bool>>,
        /// Entries of the page, 1 to 100; 20 if left out.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
        /// Bodies that the client has.
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
        /// Its name.
        name: Path<String>,
        /// Bodies that the client has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Mode>, Failure> {
        let mode = context.service.mode_named(&known(&name)?).await?;
        let view = context.service.db().view().await?;
        Ok(answer::found(Mode::of(&mode, &view), if_none_match.0.as_deref()))
    }

    /// Begin a mode
    ///
    /// Versions come into it once the holder of the targets key has delegated it, and a publisher has signed one.
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
        };
        let mode = context.service.create_mode(&name, &edit, &bearer.actor(&request)).await?;
        let view = context.service.db().view().await?;
        Ok(Created::New(Json(Mode::of(&mode, &view)), format!("/api/v1/modes/{name}")))
    }

    /// Change a mode
    ///
    /// Retire it, move its users to another (a circle of modes is refused), or describe it. The signed catalog changes
    /// with it. Scope: `admin`.
    #[oai(path = "/modes/:name", method = "patch", operation_id = "update_mode")]
    async fn update(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// Its name.
        name: Path<String>,
        /// Change it only if this is still its ETag.
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
        };
        let condition = if_match.0;
        let is_expected = |mode: &crate::model::Mode, view: &crate::db::View| {
            answer::is_expected(condition.as_deref(), &Mode::of(mode, view))
        };
        let mode = context.service.update_mode(&known(&name)?, &edit, is_expected, &bearer.actor(&request)).await?;
        let view = context.service.db().view().await?;
        Ok(answer::changed(Mode::of(&mode, &view)))
    }
}

/// A name that cannot be one names no mode.
pub(super) fn known(name: &str) -> Result<ModeName, crate::error::Error> {
    ModeName::new(name).map_err(|_| crate::error::Error::NotFound { what: "mode" })
}
