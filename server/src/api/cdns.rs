//! Operations on CDNs.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::answer::{self, Changed, Created, Done, Failure, Found, Page};
use super::bodies::{Cdn, CdnChange, NewCdn};
use super::body::LimitedJson;
use super::text::Text;
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::db::CdnFilter;
use crate::error::Error;
use crate::service::CdnEdit;

pub(super) struct Cdns;

#[OpenApi(prefix_path = "/api/v1", tag = "Tags::Cdns")]
impl Cdns {
    /// List the CDNs
    ///
    /// Lists CDNs by name. Clients use them in the order of `mirrors` in the signed catalog.
    #[oai(path = "/cdns", method = "get", operation_id = "list_cdns")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the request")]
    async fn list(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// Filter by region.
        region: Query<Option<String>>,
        /// Filter by whether clients are told about them.
        is_enabled: Query<Option<bool>>,
        /// Filter by whether the last probes succeeded.
        is_healthy: Query<Option<bool>>,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Page<Cdn>>, Failure> {
        let page = answer::page::<String>(limit.0, cursor.0.as_deref())?;
        let filter = CdnFilter { region: region.0, is_enabled: is_enabled.0, is_healthy: is_healthy.0 };
        let rows = context.service.db().cdns(&filter, &page).await?;
        let items = rows.iter().map(Cdn::from).collect();
        let body = answer::pages(&rows, page.limit, |cdn| cdn.name.clone(), items);
        Ok(answer::found(body, if_none_match.0.as_deref()))
    }

    /// Get a CDN
    #[oai(path = "/cdns/:uid", method = "get", operation_id = "get_cdn")]
    async fn get(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The id of the CDN.
        uid: Path<Uuid>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Cdn>, Failure> {
        let cdn = context.service.db().cdn(uid.0).await?.ok_or(Error::NotFound { what: "CDN" })?;
        Ok(answer::found(Cdn::from(&cdn), if_none_match.0.as_deref()))
    }

    /// Add a CDN
    ///
    /// Adds a mirror of the whole repository, and tells clients about it in the signed catalog. Repeating the request with
    /// the same `uid` changes nothing. Scope: `admin`.
    #[oai(path = "/cdns", method = "post", operation_id = "create_cdn")]
    async fn create(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        body: LimitedJson<NewCdn>,
    ) -> Result<Created<Cdn>, Failure> {
        bearer.0.require_admin()?;
        let uid = body.uid.unwrap_or_else(Uuid::now_v7);
        if let Some(there) = context.service.db().cdn(uid).await? {
            let uri = context.service.check_uri(&body.uri)?;
            let is_same = (&there.name, &there.uri, &there.region) == (&body.name.0, &uri, &body.region.0)
                && (there.is_enabled, there.weight) == (body.is_enabled, body.weight);
            if is_same {
                return Ok(Created::There(Json(Cdn::from(&there))));
            }
            let reason = format!("{uid} is already the id of the CDN {:?}", there.name);
            return Err(Error::Conflict { code: "cdn_exists", reason }.into());
        }
        let edit = CdnEdit {
            name: Some(body.name.0.clone()),
            uri: Some(body.uri.0.clone()),
            region: Some(body.region.0.clone()),
            is_enabled: Some(body.is_enabled),
            weight: Some(body.weight),
        };
        let cdn = context.service.create_cdn(uid, &edit, &bearer.actor(&request)).await?;
        Ok(Created::New(Json(Cdn::from(&cdn)), format!("/api/v1/cdns/{uid}")))
    }

    /// Change a CDN
    ///
    /// Signs a new catalog. Scope: `admin`.
    #[oai(path = "/cdns/:uid", method = "patch", operation_id = "update_cdn")]
    async fn update(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The id of the CDN.
        uid: Path<Uuid>,
        /// Make the change only if this is still the ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: LimitedJson<CdnChange>,
    ) -> Result<Changed<Cdn>, Failure> {
        bearer.0.require_admin()?;
        let CdnChange { name, uri, region, is_enabled, weight } = body.into_inner();
        let text = |text: Option<Text>| text.map(|text| text.0);
        let edit = CdnEdit { name: text(name), uri: text(uri), region: text(region), is_enabled, weight };
        let condition = if_match.0;
        let is_expected = |cdn: &crate::model::Cdn| answer::is_expected(condition.as_deref(), &Cdn::from(cdn));
        let cdn = context.service.update_cdn(uid.0, &edit, is_expected, &bearer.actor(&request)).await?;
        Ok(answer::changed(Cdn::from(&cdn)))
    }

    /// Remove a CDN
    ///
    /// Signs a new catalog. Scope: `admin`.
    #[oai(path = "/cdns/:uid", method = "delete", operation_id = "delete_cdn")]
    async fn delete(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The id of the CDN.
        uid: Path<Uuid>,
    ) -> Result<Done, Failure> {
        bearer.0.require_admin()?;
        context.service.remove_cdn(uid.0, &bearer.actor(&request)).await?;
        Ok(Done::Ok)
    }
}
