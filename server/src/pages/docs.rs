//! The documentation of the API: with Scalar at `/docs`, with Swagger UI at `/docs/swagger`, as a document at
//! `/openapi.json`.

use poem::{Endpoint, Response, Route, get};

use crate::api;

/// What the documentation may do: run what is in it, and call the API. Swagger UI and Scalar need inline scripts and
/// styles.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Scalar's settings: no remote fonts, and none of its author's online services.
const SCALAR: &str = r#"{"withDefaultFonts": false, "hideClientButton": true, "telemetry": false, "hideDarkModeToggle": false,
 "defaultOpenAllTags": false, "authentication": {"preferredSecurityScheme": "token"}, "agent": {"disabled": true}, "mcp": {"disabled": true}, "showDeveloperTools": "never",
 "defaultHttpClient": {"targetKey": "shell", "clientKey": "curl"}, "documentDownloadType": "json"}"#;

/// Adds the `OpenAPI` document and the pages that show it. `address` is the public address of the server, or empty if
/// it is not configured.
pub(super) fn add(routes: Route, address: &str) -> Route {
    let document = api::document(address);
    let title = |html: &str, old: &str| {
        html.replacen(&format!("<title>{old}</title>"), &format!("<title>{}</title>", api::TITLE), 1)
    };
    let service = api::service();
    let raw = service.spec();
    let settings = format!("data-configuration='{SCALAR}'\n      type=\"application/json\"");
    let scalar = title(&service.scalar_html(), "Scalar").replacen(&raw, &document, 1).replacen(
        "type=\"application/json\"",
        &settings,
        1,
    );
    let narrow = "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n    <title>";
    let swagger =
        title(&service.swagger_ui_html(), "Swagger UI").replacen(&raw, &document, 1).replacen("<title>", narrow, 1);
    let swagger = format!("<!doctype html>\n{}", swagger.trim_start());
    let spec = move || Response::builder().content_type("application/json").body(document.clone());
    routes
        .at("/openapi.json", get(poem::endpoint::make_sync(move |_| spec())))
        .at("/docs", get(page(scalar)))
        .at("/docs/swagger", get(page(swagger)))
}

fn page(html: String) -> impl Endpoint {
    let html = bytes::Bytes::from(html);
    let answer = move |_| {
        let page = Response::builder().content_type("text/html; charset=utf-8");
        page.header("content-security-policy", DOCS_POLICY)
            .header("cache-control", "public, max-age=300")
            .body(html.clone())
    };
    poem::endpoint::make_sync(answer)
}
