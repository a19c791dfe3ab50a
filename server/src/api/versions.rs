//! Operations on versions and their files, and the check for updates.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use uuid::Uuid;
use vsekai_updater::formats::release::{ModeName, Platform, resolve_mode};

use super::answer::{self, Changed, Failure, Found, MAX_LIMIT, Page};
use super::bodies::{Bundle, File, Manifest, Update, Version, VersionChange, VersionState};
use super::body::LimitedJson;
use super::modes::known;
use super::{ApiContext, Bearer, RequestId, Tags};
use crate::db::{FileFilter, VersionFilter};
use crate::error::Error;
use crate::model::VersionIndex;
use crate::service::{VersionEdit, catalog};

pub(super) struct Versions;

#[OpenApi(prefix_path = "/api/v1")]
impl Versions {
    /// List versions
    ///
    /// Lists versions, highest first by `SemVer` precedence. Versions are created by committing a publication.
    #[oai(path = "/versions", method = "get", operation_id = "list_versions", tag = "Tags::Versions")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the request")]
    async fn list(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// Filter by the name of the mode.
        mode: Query<Option<String>>,
        /// Filter by version number.
        version: Query<Option<String>>,
        /// Filter by state.
        state: Query<Option<VersionState>>,
        /// Filter by platform.
        platform: Query<Option<String>>,
        /// Filter by whether they are offered only by name.
        skip_update: Query<Option<bool>>,
        /// Filter by whether they are recalled.
        recalled: Query<Option<bool>>,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Page<Version>>, Failure> {
        let page = answer::page::<(Vec<u8>, Uuid)>(limit.0, cursor.0.as_deref())?;
        let mode_id = match &mode.0 {
            None => None,
            Some(name) => Some(context.service.mode_named(&known(name)?).await?.id),
        };
        let filter = VersionFilter {
            mode_id,
            state: state.0.map(Into::into),
            version: version.0,
            platform: platform.0.as_deref().map(Platform::new).transpose()?,
            skip_update: skip_update.0,
            recalled: recalled.0,
        };
        let rows = context.service.db().versions(&filter, &page).await?;
        let items = rows.iter().map(Version::from).collect();
        let key = |row: &crate::model::ModeVersion| (row.version.sort_key().into_bytes(), row.id);
        Ok(answer::found(answer::pages(&rows, page.limit, key, items), if_none_match.0.as_deref()))
    }

    /// Get a version
    #[oai(path = "/versions/:id", method = "get", operation_id = "get_version", tag = "Tags::Versions")]
    async fn get(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The id of the version.
        id: Path<Uuid>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Version>, Failure> {
        let version = context.service.db().version(id.0).await?.ok_or(Error::NotFound { what: "version" })?;
        Ok(answer::found(Version::from(&version), if_none_match.0.as_deref()))
    }

    /// Change how a version is offered
    ///
    /// Recalls a version, offers it only by name, or changes its rollout. Signs a new catalog. Scope: `admin`.
    #[oai(path = "/versions/:id", method = "patch", operation_id = "update_version", tag = "Tags::Versions")]
    async fn update(
        &self,
        context: Data<&Arc<ApiContext>>,
        bearer: Bearer,
        request: RequestId,
        /// The id of the version.
        id: Path<Uuid>,
        /// Make the change only if this is still the ETag.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: LimitedJson<VersionChange>,
    ) -> Result<Changed<Version>, Failure> {
        bearer.0.require_admin()?;
        let edit = VersionEdit { skip_update: body.skip_update, recalled: body.recalled, rollout: body.rollout };
        let condition = if_match.0;
        let is_expected =
            |version: &crate::model::ModeVersion| answer::is_expected(condition.as_deref(), &Version::from(version));
        let version = context.service.update_version(id.0, edit, is_expected, &bearer.actor(&request)).await?;
        Ok(answer::changed(Version::from(&version)))
    }

    /// Get the files of a version
    ///
    /// Lists the signed files of a version, all of which this server has verified against its chunks.
    #[oai(path = "/versions/:id/manifest", method = "get", operation_id = "get_manifest", tag = "Tags::Versions")]
    async fn manifest(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The id of the version.
        id: Path<Uuid>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Manifest>, Failure> {
        let db = context.service.db();
        let version = db.version(id.0).await?.ok_or(Error::NotFound { what: "version" })?;
        let mode = db.mode(version.mode_id).await?.ok_or(Error::NotFound { what: "mode" })?;
        let filter = FileFilter { version_id: Some(version.id), ..FileFilter::default() };
        let files = db.files(&filter, &crate::db::Page { after: None, limit: MAX_LIMIT }).await?;
        let body = Manifest {
            mode: mode.name.to_string(),
            version: version.version.to_string(),
            files: files.iter().map(File::from).collect(),
        };
        Ok(answer::found(body, if_none_match.0.as_deref()))
    }

    /// List the bundles of a version
    ///
    /// Lists the bundles built so far: chunks of the version compressed together. Clients read a different list, below
    /// `/bundles`.
    #[oai(path = "/versions/:id/bundles", method = "get", operation_id = "list_bundles", tag = "Tags::Versions")]
    async fn bundles(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The id of the version.
        id: Path<Uuid>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Page<Bundle>>, Failure> {
        context.service.db().version(id.0).await?.ok_or(Error::NotFound { what: "version" })?;
        let page = Page { items: bundles_of(&context, id.0).await?, next: None };
        Ok(answer::found(page, if_none_match.0.as_deref()))
    }

    /// List files
    ///
    /// Lists the signed files of versions. Files are created by publications and never change.
    #[oai(path = "/files", method = "get", operation_id = "list_files", tag = "Tags::Files")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the request")]
    async fn list_files(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// Filter by the id of the version.
        version_id: Query<Option<Uuid>>,
        /// Filter by platform.
        platform: Query<Option<String>>,
        /// Filter by file name.
        file_name: Query<Option<String>>,
        /// Number of entries per page, 1 to 100. Default: 20.
        #[oai(default, validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// The `next` value of the previous page.
        cursor: Query<Option<String>>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Page<File>>, Failure> {
        let page = answer::page::<Uuid>(limit.0, cursor.0.as_deref())?;
        let platform = platform.0.as_deref().map(Platform::new).transpose()?;
        let filter = FileFilter { version_id: version_id.0, platform, file_name: file_name.0 };
        let rows = context.service.db().files(&filter, &page).await?;
        let items = rows.iter().map(File::from).collect();
        Ok(answer::found(answer::pages(&rows, page.limit, |file| file.id, items), if_none_match.0.as_deref()))
    }

    /// Get a file
    #[oai(path = "/files/:id", method = "get", operation_id = "get_file", tag = "Tags::Files")]
    async fn get_file(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The id of the file.
        id: Path<Uuid>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<File>, Failure> {
        let file = context.service.db().file(id.0).await?.ok_or(Error::NotFound { what: "file" })?;
        Ok(answer::found(File::from(&file), if_none_match.0.as_deref()))
    }

    /// Check what a mode offers
    ///
    /// The response is the same for everybody, so caches may serve it. It is meant for tools: `vsekai` itself reads the
    /// signed catalog.
    #[oai(path = "/updates/:mode/:platform", method = "get", operation_id = "get_update", tag = "Tags::Updates")]
    async fn update_check(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// The name of the mode.
        mode: Path<String>,
        /// The platform, such as `linux-x86_64`.
        platform: Path<String>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Update>, Failure> {
        let platform = Platform::new(&platform).map_err(|_| Error::NotFound { what: "platform" })?;
        let body = offer_of(&context, known(&mode)?, &platform).await?;
        Ok(answer::found(body, if_none_match.0.as_deref()))
    }
}

/// The bundles of a version, for all its platforms.
async fn bundles_of(context: &ApiContext, version: Uuid) -> Result<Vec<Bundle>, Error> {
    let db = context.service.db();
    let (view, indexes) = (db.view().await?, db.indexes().await?);
    let number = |index: &VersionIndex| {
        let version = view.versions.iter().find(|version| version.id == index.version_id)?;
        Some((index.digest, version.version.to_string()))
    };
    let numbers = indexes.iter().filter_map(number).collect();
    let mut items = Vec::new();
    for index in indexes.iter().filter(|index| index.version_id == version) {
        let bundles = db.bundles(Some(&index.digest)).await?;
        items.extend(bundles.iter().map(|bundle| Bundle::of(bundle, index.platform.as_str(), &numbers)));
    }
    Ok(items)
}

/// What a mode offers for a platform, according to the catalog.
async fn offer_of(context: &ApiContext, mode: ModeName, platform: &Platform) -> Result<Update, Error> {
    let view = context.service.db().view().await?;
    let catalog = catalog::catalog_of(&view, context.service.region())?;
    if !catalog.modes.contains_key(&mode) {
        return Err(Error::NotFound { what: "mode" });
    }
    let resolved = resolve_mode(&catalog, &mode, &catalog.successors())?.clone();
    let offers = catalog.modes.get(&resolved).map(|mode| mode.versions.as_slice()).unwrap_or_default();
    let offers = offers.iter().filter(|it| !it.recalled && !it.skip_update && it.platforms.contains(platform));
    let best = offers.max_by(|a, b| a.version.cmp_precedence(&b.version).then(a.sequence.cmp(&b.sequence)));
    let mut release_uri = None;
    let version = best.and_then(|best| {
        let id = view.mode_named(&resolved)?.id;
        view.versions.iter().find(|version| version.mode_id == id && version.version == best.version)
    });
    if let Some(version) = version {
        let filter = FileFilter {
            version_id: Some(version.id),
            platform: Some(platform.clone()),
            file_name: Some("release.json".to_owned()),
        };
        let files = context.service.db().files(&filter, &crate::db::Page { after: None, limit: 1 }).await?;
        release_uri = files.into_iter().next().map(|file| file.file_uri);
    }
    Ok(Update {
        mode: mode.to_string(),
        resolved_mode: resolved.to_string(),
        version: best.map(|best| best.version.to_string()),
        rollout: best.map(|best| best.rollout),
        release_uri,
        mirrors: catalog.mirrors,
    })
}
