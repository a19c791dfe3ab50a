//! `/api/v1`: modes, versions, files, CDNs, publications and tokens as JSON.
//!
//! ```text
//! modes, versions, cdns, publications, publication_bundles, admin, status, reports    the operations    api/*.rs
//!   Bearer                                      who asks, for operations that need a token    this file
//!   Limited                                     their bodies                   api/body.rs
//!   bodies                                      the JSON                       api/bodies.rs
//!   answer                                      ETags, pages, problems         api/answer.rs
//! spec                                          the OpenAPI document           api/spec.rs
//! ```
//!
//! An operation reads its parameters, asks the [`Service`] or the database, and answers. It authenticates its caller
//! and limits its body by the types of its parameters; the rules are in the service. Every failure is
//! `application/problem+json`. The `OpenAPI` document is generated from the same code: [`spec`] needs no database.
//!
//! poem-openapi 5.1.16 matches path parameters by the type name `Path` and by their order: always write `Path<T>`, in
//! the order of the URL. It extracts parameters in the order in which they are written: put `Bearer` before the body.

use std::path::PathBuf;
use std::sync::Arc;

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, OpenApiService, Tags as OaiTags};

use crate::auth::{Authorizer, Principal, Tokens};
use crate::error::Error;
use crate::service::{Actor, Service};
use crate::shares::Shares;

mod admin;
mod answer;
mod bodies;
mod body;
mod cdns;
mod modes;
mod publication_bundles;
mod publications;
mod reports;
mod spec;
mod status;
mod text;
mod versions;

/// The title of the documentation.
pub const TITLE: &str = "V-Sekai update service";

/// What the operations share.
#[derive(Debug)]
pub struct ApiContext {
    /// The rules.
    pub service: Arc<Service>,
    /// The tokens.
    pub tokens: Arc<Tokens>,
    /// Authenticates callers.
    pub authorizer: Arc<Authorizer>,
    /// What tokens may take.
    pub shares: Arc<Shares>,
    /// Largest index, and largest file table, in bytes.
    pub max_index_bytes: u64,
    /// What operators are told about this server.
    pub about: About,
}

/// What operators are told about a server that only its configuration knows.
#[derive(Debug, Clone)]
pub struct About {
    /// The folder whose disk has to have room.
    pub data: PathBuf,
    /// Where chunks are: `database`, `folder` or `bucket`.
    pub chunks_are_in: &'static str,
}

/// The chapters of the documentation.
#[derive(OaiTags)]
enum Tags {
    /// The signed repository as a whole. Clients read it as files below `/tuf`, `/targets` and `/store`.
    Repository,
    /// Streams of versions that users follow.
    Modes,
    /// The releases of a mode.
    Versions,
    /// The signed files of versions.
    Files,
    /// What a mode offers now.
    Updates,
    /// Mirrors of the repository.
    #[oai(rename = "CDNs")]
    Cdns,
    /// How versions are created: begin a publication, send chunks and documents, commit.
    Publications,
    /// Tokens and the audit log.
    Administration,
}

/// The caller of an operation that needs a token. Without a valid one the operation is refused before its body is read.
struct Bearer(Principal);

impl Bearer {
    fn actor(&self, request: &RequestId) -> Actor {
        Actor { name: self.0.id.to_string(), request_id: request.0.clone() }
    }
}

/// Written by hand, because the derived scheme calls its checker only if there is a header, and cannot read the body.
impl<'a> ApiExtractor<'a> for Bearer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = MetaSecurityScheme {
            ty: "http",
            description: Some("A token of this server. It begins with `vsk_`."),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme("token", scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["token"]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let context = request.data::<Arc<ApiContext>>().ok_or_else(|| answer::Failure::from(Error::Unauthorized))?;
        match context.authorizer.authenticate(request).await {
            Ok(principal) => Ok(Self(principal)),
            Err(error) => {
                if error.is_unauthorized() {
                    body::drain(request, body).await;
                }
                Err(answer::Failure::from(error).into())
            }
        }
    }
}

/// The request's id in the log.
struct RequestId(String);

impl<'a> ApiExtractor<'a> for RequestId {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];
    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let id = request.data::<crate::observe::RequestId>().map(|id| id.0.clone());
        Ok(Self(id.unwrap_or_default()))
    }
}

/// All operations.
pub fn service() -> OpenApiService<impl poem_openapi::OpenApi, ()> {
    let all = (
        (modes::Modes, versions::Versions, cdns::Cdns),
        (publications::Publications, publication_bundles::PublicationBundles),
        (admin::Admin, status::State, reports::Reports),
    );
    OpenApiService::new(all, TITLE, env!("CARGO_PKG_VERSION"))
        .description(include_str!("api/description.md"))
        .license(poem_openapi::LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
}

/// The `OpenAPI` document, as JSON.
pub fn spec() -> String {
    document("")
}

/// The `OpenAPI` document of a server at this address; if that is empty, with a relative address.
pub fn document(address: &str) -> String {
    spec::complete(&service().spec(), if address.is_empty() { "/" } else { address })
}
