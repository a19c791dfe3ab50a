//! Operations on what players report about versions that are being rolled out.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use vsekai_updater::formats::release::{ModeName, Platform};
use vsekai_updater::version::Version;

use super::answer::{self, Done, Failure, Found, Page};
use super::bodies::{Report, ReportCount};
use super::body::StrangerJson;
use super::{ApiContext, Bearer, Tags};

pub(super) struct Reports;

#[OpenApi(prefix_path = "/api/v1")]
impl Reports {
    /// Report whether a version has started
    ///
    /// Sent by a player's updater, once for each install and version, and only if the player has agreed and the signed
    /// catalog asks for it. The answer is the same whether the report is counted or not: it is not if nobody asks for it,
    /// or if its address has reported the version already. Takes no token, and keeps nothing of who has sent it.
    #[oai(path = "/reports", method = "post", operation_id = "create_report", tag = "Tags::Updates")]
    async fn report(
        &self,
        context: Data<&Arc<ApiContext>>,
        request: &Request,
        body: StrangerJson<Report>,
    ) -> Result<Done, Failure> {
        let (mode, version) = (ModeName::new(&body.0.mode)?, Version::parse(&body.0.version)?);
        let platform = Platform::new(&body.0.platform)?;
        let from = context.authorizer.address(request);
        let (service, about) = (&context.service, (&mode, &version, &platform));
        service.reports().count(service.db().as_ref(), about, body.0.outcome.into(), from).await?;
        Ok(Done::Ok)
    }

    /// List what players have reported
    ///
    /// Lists rounded counts of the reports about each version and platform, and the rollouts that they have stopped, newest
    /// version first. Scope: `admin`.
    #[oai(path = "/reports", method = "get", operation_id = "list_reports", tag = "Tags::Administration")]
    async fn list(&self, context: Data<&Arc<ApiContext>>, bearer: Bearer) -> Result<Found<Page<ReportCount>>, Failure> {
        bearer.0.require_admin()?;
        let db = context.service.db();
        let (view, counts, halts) = (db.view().await?, db.reports().await?, db.halts().await?);
        let mut items: Vec<_> = counts.iter().filter_map(|count| ReportCount::of(count, &view, &halts)).collect();
        items.sort_by(|a, b| b.version_id.cmp(&a.version_id).then_with(|| a.platform.cmp(&b.platform)));
        Ok(answer::found_private(Page { items, next: None }, None))
    }
}
