//! What an operator looks at: offers, the state of the server, the own token, and the demand for bundles.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Header;
use vsekai_updater::digest::Digest;
use vsekai_updater::local::disk;

use super::answer::{self, Failure, Found, Page};
use super::bodies::{ChunkStatus, Demand, Offer, Role, Status, Token};
use super::{ApiContext, Bearer, Tags};
use crate::bundles::demand;
use crate::error::Error;
use crate::model::Time;
use crate::service::{expiries, is_signed_here, offers};

/// Most rows of demand: those with the highest counts.
const MAX_DEMAND: usize = 100;

pub(super) struct State;

#[OpenApi(prefix_path = "/api/v1")]
impl State {
    /// List what is offered
    ///
    /// Lists what every mode offers for every platform, by mode and platform. Clients trust the signed catalog, not this.
    #[oai(path = "/offers", method = "get", operation_id = "list_offers", tag = "Tags::Updates")]
    async fn offers(
        &self,
        context: Data<&Arc<ApiContext>>,
        /// ETags of bodies that the client already has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found<Page<Offer>>, Failure> {
        let view = context.service.db().view().await?;
        let items = offers::offers(&view, context.service.region())?.iter().map(Offer::from).collect();
        Ok(answer::found(Page { items, next: None }, if_none_match.0.as_deref()))
    }

    /// Get the state of the server
    ///
    /// Includes when each signature expires, the chunks, the free disk space and the last clean-up, as the server sees them
    /// that answers. Scope: `admin`.
    #[oai(path = "/status", method = "get", operation_id = "get_status", tag = "Tags::Administration")]
    async fn status(&self, context: Data<&Arc<ApiContext>>, bearer: Bearer) -> Result<Found<Status>, Failure> {
        bearer.0.require_admin()?;
        Ok(answer::found_private(status_of(&context).await?, None))
    }

    /// Get the token of the request
    ///
    /// Says what the caller's own token may do, and until when. Scope: any.
    #[oai(path = "/token", method = "get", operation_id = "get_own_token", tag = "Tags::Administration")]
    async fn token(&self, context: Data<&Arc<ApiContext>>, bearer: Bearer) -> Result<Found<Token>, Failure> {
        let row = context.service.db().token(bearer.0.id).await?.ok_or(Error::Unauthorized)?;
        Ok(answer::found_private(Token::from(&row), None))
    }

    /// List the demand for bundles
    ///
    /// Lists from which versions clients have updated to which in the last 30 days, most frequent first, and whether a
    /// bundle is built for that. The server counts only requests that reach it. Scope: `admin`.
    #[oai(path = "/demand", method = "get", operation_id = "list_demand", tag = "Tags::Administration")]
    async fn demand(&self, context: Data<&Arc<ApiContext>>, bearer: Bearer) -> Result<Found<Page<Demand>>, Failure> {
        bearer.0.require_admin()?;
        Ok(answer::found_private(Page { items: demand_of(&context).await?, next: None }, None))
    }
}

async fn status_of(context: &ApiContext) -> Result<Status, Error> {
    let service = &context.service;
    let view = service.db().view().await?;
    let now = Time::now();
    let role = |(name, left): (&str, i64)| Role {
        name: name.to_owned(),
        expires_at: ends_at(now, left),
        is_renewed_here: is_signed_here(name),
    };
    let unfit = service.check_fitness().await.err();
    let bundles = service.db().bundles(None).await?;
    let data = context.about.data.clone();
    let free = tokio::task::spawn_blocking(move || disk::free_bytes(&data).ok()).await;
    Ok(Status {
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        region: service.region().to_owned(),
        chunks_are_in: context.about.chunks_are_in.to_owned(),
        unfit_code: unfit.as_ref().map(|error| error.code().to_owned()),
        unfit_detail: unfit.as_ref().map(said),
        roles: expiries(&view).map(role).collect(),
        chunks: ChunkStatus::from(&service.db().chunk_counts().await?),
        bundles: bundles.len() as u64,
        bundle_bytes: bundles.iter().map(|bundle| bundle.info.length).sum(),
        disk_free_bytes: free.ok().flatten(),
        last_cleanup_at: service.upkeep().last_cleanup().map(|at| at.to_string()),
    })
}

/// The end of a signature that has this many seconds left. Signatures end at whole seconds.
fn ends_at(now: Time, left: i64) -> String {
    Time(now.0.div_euclid(1_000_000) * 1_000_000).plus_seconds(left).to_string()
}

/// What a client may be told about an error.
fn said(error: &Error) -> String {
    crate::problem::Problem::of(error).detail
}

async fn demand_of(context: &ApiContext) -> Result<Vec<Demand>, Error> {
    let db = context.service.db();
    let (view, indexes) = (db.view().await?, db.indexes().await?);
    let modes: BTreeMap<_, _> = view.modes.iter().map(|mode| (mode.id, mode.name.to_string())).collect();
    let versions: BTreeMap<_, _> = view.versions.iter().map(|version| (version.id, version)).collect();
    let known: BTreeMap<Digest, _> = indexes
        .iter()
        .filter_map(|index| Some((index.digest, (versions.get(&index.version_id)?, index.platform.as_str()))))
        .collect();
    let built: BTreeMap<_, _> =
        db.bundles(None).await?.iter().map(|it| ((it.info.from, it.to), it.info.length)).collect();
    let mut asks = demand::recent(db.as_ref()).await?;
    asks.sort_by_key(|asks| std::cmp::Reverse(asks.count));
    let row = |asks: &crate::model::Asks| {
        let (to, platform) = known.get(&asks.to)?;
        Some(Demand {
            mode: modes.get(&to.mode_id)?.clone(),
            platform: (*platform).to_owned(),
            from_version: known.get(&asks.from).map(|(version, _)| version.version.to_string()),
            to_version: to.version.to_string(),
            count: asks.count,
            bundle_size: built.get(&(Some(asks.from), asks.to)).copied(),
        })
    };
    Ok(asks.iter().filter_map(row).take(MAX_DEMAND).collect())
}
