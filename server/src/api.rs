//! `/api/v1`: modes, versions, files, CDNs, publications and tokens as JSON.
//!
//! Each operation reads its parameters, asks the [`Service`] or the database, and answers; what may happen is not
//! decided here. Failures are `application/problem+json`, whatever they are. The same code makes the `OpenAPI`
//! document: [`spec`] needs no database.
//!
//! poem-openapi 5.1.16 binds path parameters by the type name `Path` and by their order: always write `Path<T>`, in
//! the order of the URL.

use std::sync::Arc;

use poem::Request;
use poem_openapi::auth::Bearer as BearerAuth;
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, OpenApiService, SecurityScheme, Tags as OaiTags,
};

use crate::auth::{Principal, Tokens};
use crate::error::Error;
use crate::service::{Actor, Service};

mod admin;
mod answer;
mod bodies;
mod cdns;
mod modes;
mod publications;
mod spec;
mod text;
mod versions;

/// What it is called.
pub const TITLE: &str = "V-Sekai update service";

/// What every operation can ask.
#[derive(Debug)]
pub struct App {
    /// The rules.
    pub service: Arc<Service>,
    /// The tokens.
    pub tokens: Arc<Tokens>,
    /// Caps on bodies.
    pub limits: BodyLimits,
}

/// Caps on what publishers send.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Largest index, and largest file table, in bytes.
    pub max_index_bytes: u64,
}

/// The chapters of the documentation.
#[derive(OaiTags)]
enum Tags {
    /// The signed repository as a whole. Clients read it as files below `/tuf`, `/targets` and `/store`.
    Repository,
    /// Streams of versions that users follow.
    Modes,
    /// Releases in a mode.
    Versions,
    /// The signed files of versions.
    Files,
    /// What a mode offers now.
    Updates,
    /// Other addresses of the repository.
    #[oai(rename = "CDNs")]
    Cdns,
    /// How versions come to be: begin, send chunks and documents, commit.
    Publications,
    /// Tokens and the audit log.
    Administration,
}

/// A token of this server. It begins with vsk_.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "recognise")]
struct Bearer(Principal);

impl Bearer {
    fn actor(&self, request: &RequestIdOf) -> Actor {
        Actor { name: self.0.id.to_string(), request_id: request.0.clone() }
    }
}

async fn recognise(request: &Request, bearer: BearerAuth) -> poem::Result<Principal> {
    let app = request.data::<Arc<App>>().ok_or_else(|| answer::Failure::from(Error::Unauthorized))?;
    Ok(app.tokens.recognise(&bearer.token).await.map_err(answer::Failure::from)?)
}

/// The identifier that the request has in the log.
struct RequestIdOf(String);

impl<'a> ApiExtractor<'a> for RequestIdOf {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];
    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _body: &mut poem::RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let id = request.data::<crate::observe::RequestId>().map(|id| id.0.clone());
        Ok(Self(id.unwrap_or_default()))
    }
}

/// All operations.
pub fn service() -> OpenApiService<impl poem_openapi::OpenApi, ()> {
    let all = (modes::Modes, versions::Versions, cdns::Cdns, publications::Publications, admin::Admin);
    OpenApiService::new(all, TITLE, env!("CARGO_PKG_VERSION"))
        .description(include_str!("api/description.md"))
        .license(poem_openapi::LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
}

/// The `OpenAPI` document, as JSON.
pub fn spec() -> String {
    document("")
}

/// The same for a server at this address; at its own if it is empty.
pub fn document(address: &str) -> String {
    spec::complete(&service().spec(), if address.is_empty() { "/" } else { address })
}
