//! Pages for people. All of them are part of the program, and load nothing from elsewhere.
//!
//! ```text
//! front     /: the publisher, what is offered, and how to get it     pages/front.rs
//! docs      /docs, /openapi.json                                     pages/docs.rs
//! FILES     /admin, and what the pages load                          this file, pages/files/
//! ```
//!
//! `/` needs no script. `/admin` has neither inline scripts nor inline styles, shows what it reads as text only, and
//! knows nothing but the documented API: whoever opens it needs a token for everything.

use std::sync::Arc;

use bytes::Bytes;
use poem::http::{StatusCode, header};
use poem::{Endpoint, Request, Response, Route, get};
use vsekai_updater::digest::Digest;

use crate::config::Config;
use crate::service::Service;

mod docs;
mod front;

/// What pages may do that have a script: load it from here, and call the API.
const ADMIN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that is part of the program.
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// What every page loads.
const SHARED: [File; 2] = [
    File { path: "/pages/style.css", kind: "text/css; charset=utf-8", text: include_str!("pages/files/style.css") },
    File { path: "/pages/icon.svg", kind: "image/svg+xml", text: include_str!("pages/files/icon.svg") },
];

/// The operator's page.
const ADMIN: [File; 9] = [
    File { path: "/admin", kind: HTML, text: include_str!("pages/files/admin.html") },
    File { path: "/pages/admin.js", kind: SCRIPT, text: include_str!("pages/files/admin.js") },
    File { path: "/pages/api.js", kind: SCRIPT, text: include_str!("pages/files/api.js") },
    File { path: "/pages/dom.js", kind: SCRIPT, text: include_str!("pages/files/dom.js") },
    File { path: "/pages/dialog.js", kind: SCRIPT, text: include_str!("pages/files/dialog.js") },
    File { path: "/pages/overview.js", kind: SCRIPT, text: include_str!("pages/files/overview.js") },
    File { path: "/pages/reports.js", kind: SCRIPT, text: include_str!("pages/files/reports.js") },
    File { path: "/pages/versions.js", kind: SCRIPT, text: include_str!("pages/files/versions.js") },
    File { path: "/pages/lists.js", kind: SCRIPT, text: include_str!("pages/files/lists.js") },
];

/// Adds all pages that the configuration wants.
pub(crate) fn add(routes: Route, config: &Config, service: &Arc<Service>) -> Route {
    let mut routes = front::add(routes, config, service);
    for file in SHARED.iter().chain(ADMIN.iter().filter(|_| config.admin_page)) {
        routes = routes.at(file.path, get(serve(file)));
    }
    if config.docs { docs::add(routes, &config.public_url) } else { routes }
}

/// Serves a file. Browsers ask each time whether it is another one: a new server must not meet an old script.
fn serve(file: &'static File) -> impl Endpoint {
    let digest = Digest::of(file.text.as_bytes()).to_string();
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
    poem::endpoint::make_sync(move |request: Request| {
        // Also with 304: its headers replace those that a browser has kept.
        let answer = Response::builder()
            .header(header::ETAG, &tag)
            .header(header::CACHE_CONTROL, "public, no-cache")
            .header(header::CONTENT_SECURITY_POLICY, ADMIN_POLICY)
            .header("cross-origin-opener-policy", "same-origin");
        let given = request.header(header::IF_NONE_MATCH);
        if given.is_some_and(|given| given.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
            return answer.status(StatusCode::NOT_MODIFIED).finish();
        }
        answer.content_type(file.kind).body(Bytes::from_static(file.text.as_bytes()))
    })
}
