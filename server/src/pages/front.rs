//! The front page: who publishes here, what is offered, and the commands to install and to publish.
//!
//! Strangers may ask for it as often as they like: what it says is read from the database every few seconds at most.
//! While the database is away, it says what it said last.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::uri::Authority;
use poem::http::{StatusCode, header};
use poem::{Request, Response, Route, get};
use tokio::sync::Mutex;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::release::ModeName;

use crate::config::Config;
use crate::db::View;
use crate::error::Result;
use crate::model::{Mode, Time};
use crate::service::Service;
use crate::service::offers::{Offered, offers};

/// The page may only show itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const TEMPLATE: &str = include_str!("files/front.html");

/// How long the page is kept.
const FRESH: Duration = Duration::from_secs(5);

/// Longest address that a client may say it has asked for.
const MAX_HOST: usize = 100;

/// Makes the page.
struct Front {
    service: Arc<Service>,
    publisher: String,
    public_url: String,
    is_secure: bool,
    links: String,
    last: Mutex<Option<(Instant, Arc<Facts>)>>,
}

/// What the page says that comes from the database.
#[derive(Default)]
struct Facts {
    offers: String,
    /// The options of `vsekai install` beyond the address.
    mode_option: String,
    /// The mode in the example for authors.
    mode: String,
    /// The path and the SHA-256 of the newest root of trust.
    root: Option<(String, String)>,
}

pub(super) fn add(routes: Route, config: &Config, service: &Arc<Service>) -> Route {
    let front = Arc::new(Front {
        service: Arc::clone(service),
        publisher: config.publisher.clone(),
        public_url: config.public_url.trim_end_matches('/').to_owned(),
        is_secure: !config.tls_cert.is_empty(),
        links: links(config),
        last: Mutex::default(),
    });
    routes.at(
        "/",
        get(poem::endpoint::make(move |request: Request| {
            let front = Arc::clone(&front);
            async move { front.answer(&request).await }
        })),
    )
}

fn links(config: &Config) -> String {
    let mut links = String::new();
    if config.docs {
        links.push_str(
            "<li><a href=\"/docs\">The API</a> and its <a href=\"/openapi.json\">OpenAPI document</a></li>\n",
        );
    }
    if config.admin_page {
        links.push_str("<li><a href=\"/admin\">For operators</a></li>\n");
    }
    links
}

impl Front {
    async fn answer(&self, request: &Request) -> Response {
        let facts = self.facts().await;
        let status = if facts.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let facts = facts.unwrap_or_else(|| {
            let offers =
                "<p class=\"notice bad\">The server cannot read its database now. Try again soon.</p>".to_owned();
            Arc::new(Facts { offers, mode: "stable".to_owned(), ..Facts::default() })
        });
        let (address, cache) = self.address(request);
        let page = fill(TEMPLATE, |name| self.part(name, &facts, &address));
        Response::builder()
            .status(status)
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::CACHE_CONTROL, if status == StatusCode::OK { cache } else { "no-store" })
            .body(page)
    }

    fn part(&self, name: &str, facts: &Facts, address: &str) -> String {
        match name {
            "title" if self.publisher.is_empty() => "Update service".to_owned(),
            "title" => escape(&self.publisher),
            "address" => escape(address),
            "offers" => facts.offers.clone(),
            "mode_option" => facts.mode_option.clone(),
            "mode" => facts.mode.clone(),
            "root" => root(facts, address),
            "links" => self.links.clone(),
            "version" => env!("CARGO_PKG_VERSION").to_owned(),
            _ => String::new(),
        }
    }

    /// The address of this server, and how long caches may keep a page that names it: not at all if it is only what the
    /// client says.
    fn address(&self, request: &Request) -> (String, &'static str) {
        if !self.public_url.is_empty() {
            return (self.public_url.clone(), "public, max-age=30, stale-if-error=86400");
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '[' | ']');
        let host = request.header(header::HOST).or_else(|| request.uri().authority().map(Authority::as_str));
        let host = host.filter(|host| !host.is_empty() && host.len() <= MAX_HOST && host.chars().all(is_plain));
        let scheme = if self.is_secure { "https" } else { "http" };
        (format!("{scheme}://{}", host.unwrap_or("ADDRESS")), "no-store")
    }

    async fn facts(&self) -> Option<Arc<Facts>> {
        let mut last = self.last.lock().await;
        if let Some((at, facts)) = &*last
            && at.elapsed() < FRESH
        {
            return Some(Arc::clone(facts));
        }
        let read = async { look(&self.service.db().view().await?, self.service.region()) };
        let facts = match read.await {
            Ok(facts) => Arc::new(facts),
            Err(error) => {
                tracing::warn!(
                    event = "front_page_failed",
                    code = error.code(),
                    "the front page cannot be renewed: {error}"
                );
                Arc::clone(&last.as_ref()?.1)
            }
        };
        *last = Some((Instant::now(), Arc::clone(&facts)));
        Some(facts)
    }
}

fn look(view: &View, region: &str) -> Result<Facts> {
    let all = offers(view, region)?;
    let mut shown = String::new();
    let modes: BTreeMap<&ModeName, &Mode> = view.modes.iter().map(|mode| (&mode.name, mode)).collect();
    for of_mode in all.chunk_by(|a, b| a.mode == b.mode) {
        if let Some((first, mode)) = of_mode.first().and_then(|first| Some((first, modes.get(&first.mode)?))) {
            describe(&mut shown, mode, first, of_mode);
        }
    }
    if shown.is_empty() {
        shown.push_str("<p class=\"notice\">Nothing is offered yet.</p>");
    }
    let has_stable = all.iter().any(|offer| offer.mode.as_str() == "stable");
    let first = all.first().map(|offer| offer.mode.to_string()).filter(|_| !has_stable);
    let roots = view.metadata.iter().filter(|file| file.path.ends_with(".root.json"));
    let root = roots.max_by_key(|file| (file.path.len(), file.path.clone()));
    Ok(Facts {
        offers: shown,
        mode_option: first.as_deref().map(|mode| format!(" --mode {mode}")).unwrap_or_default(),
        mode: first.unwrap_or_else(|| "stable".to_owned()),
        root: root.map(|file| (file.path.clone(), Digest::of(&file.bytes).to_string())),
    })
}

/// Writes what a mode offers. Writing to a string does not fail.
fn describe(shown: &mut String, mode: &Mode, first: &Offered<'_>, offers: &[Offered<'_>]) {
    let name = &mode.name;
    let _ = write!(shown, "<section class=\"card\">\n<h3 id=\"mode-{name}\">{name}</h3>\n");
    if !mode.description.is_empty() {
        let _ = writeln!(shown, "<p>{}</p>", escape(&mode.description));
    }
    if first.resolved != mode.name {
        let _ = writeln!(shown, "<p>Its players get the versions of <b>{}</b>.</p>", first.resolved);
    }
    let _ = write!(
        shown,
        "<table aria-labelledby=\"mode-{name}\">\n<thead><tr><th scope=\"col\">Platform</th>\
         <th scope=\"col\">Version</th><th scope=\"col\">Published</th></tr></thead>\n<tbody>\n"
    );
    for offer in offers {
        let rollout = match (offer.version.rollout, &offer.others) {
            (100, _) => String::new(),
            (percent, Some(others)) => {
                format!(" <small>for {percent} % of players so far; others get {others}</small>")
            }
            (percent, None) => format!(" <small>for {percent} % of players so far</small>"),
        };
        let day = day(offer.version.published_at);
        let _ = writeln!(
            shown,
            "<tr><td>{}</td><td><b>{}</b>{rollout}</td><td><time datetime=\"{day}\">{day}</time></td></tr>",
            offer.platform, offer.version.version
        );
    }
    shown.push_str("</tbody>\n</table>\n</section>\n");
}

fn day(at: Time) -> String {
    at.to_string().chars().take(10).collect()
}

/// How to get the root of trust, or what is missing.
fn root(facts: &Facts, address: &str) -> String {
    let Some((path, digest)) = &facts.root else {
        return "<p>This server has none yet: the first publication brings it.</p>".to_owned();
    };
    let address = escape(address);
    format!(
        "<pre tabindex=\"0\" aria-label=\"Command that gets the root of trust\"><code>curl -fo root.json \
         {address}/{path}</code></pre>\n<p>So you trust this address, this once. Its SHA-256, to compare with what the \
         publisher says elsewhere:</p>\n<p><code class=\"digest\">{digest}</code></p>"
    )
}

/// Fills a template: `{{name}}` becomes what `part` says.
fn fill(template: &str, part: impl Fn(&str) -> String) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or(("", piece));
        page.push_str(&part(name));
        page.push_str(rest);
    }
    page
}

/// A text as it may stand in HTML, also in an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_once_and_texts_are_no_markup() {
        let part = |name: &str| if name == "a" { escape("<b>{{b}}\"'&") } else { "B".to_owned() };
        assert_eq!(fill("x {{a}} {{b}} y", part), "x &lt;b&gt;{{b}}&quot;&#39;&amp; B y");
    }

    #[test]
    fn every_part_of_the_template_is_known() {
        let names = ["title", "address", "offers", "mode_option", "mode", "root", "links", "version"];
        let mut used = std::collections::BTreeSet::new();
        for piece in TEMPLATE.split("{{").skip(1) {
            let (name, _) = piece.split_once("}}").unwrap();
            assert!(names.contains(&name), "{name}");
            used.insert(name);
        }
        assert_eq!(used.len(), names.len());
    }
}
