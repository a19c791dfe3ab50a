//! The pages for people: what they say, and what they may do. `tests/e2e/pages.mjs` uses them in a browser.

use serde_json::json;

use super::support::Server;

const ADMIN: [&str; 9] = [
    "/admin",
    "/pages/admin.js",
    "/pages/api.js",
    "/pages/dom.js",
    "/pages/dialog.js",
    "/pages/overview.js",
    "/pages/reports.js",
    "/pages/versions.js",
    "/pages/lists.js",
];

#[tokio::test]
async fn the_front_page_shows_the_publisher_and_nothing_as_markup() {
    let server = Server::with(&[("publisher", "Games <script>alert(1)</script> & \"Friends\"")]);
    let page = server.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let text = page.text();
    assert!(text.contains("Games &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Friends&quot;"), "{text}");
    assert!(!text.contains("<script") && !text.contains("<style") && !text.contains("{{"), "{text}");
    assert!(text.contains("Nothing is offered yet."));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn an_address_that_only_the_client_says_is_cached_nowhere() {
    let server = Server::start();
    let page = server.get("/").await;
    assert!(page.text().contains(&format!("--repository {}", server.base)));
    assert_eq!(page.header("cache-control"), "no-store");
    let forged = server.raw(b"GET / HTTP/1.1\r\nHost: a\"><b>\r\nConnection: close\r\n\r\n");
    assert!(!forged.contains("a\"><b>"), "{forged}");
}

#[tokio::test]
async fn the_operators_page_has_no_inline_code_and_is_asked_for_again_each_time() {
    let server = Server::start();
    for path in ADMIN.iter().chain(&["/pages/style.css", "/pages/icon.svg"]) {
        let page = server.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            (page.header("x-frame-options"), page.header("cache-control")),
            ("DENY", "public, no-cache"),
            "{path}"
        );
        let tag = page.header("etag");
        let again = server.ask_as("", "GET", path).header("if-none-match", tag).send().await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("content-security-policy"), policy, "it replaces the one that a browser has kept");
    }
    let page = server.get("/admin").await.text();
    for inline in ["style=", " onclick", "<style", "<script>", "http:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    let server = server.again(&[("admin_page", "false")]);
    for path in ADMIN {
        server.get(path).await.refused(404, "not_found");
    }
    assert!(!server.get("/").await.text().contains("/admin"));
}

#[tokio::test]
async fn an_operator_sees_the_state_and_a_publisher_does_not() {
    let server = Server::start();
    let status = server.ask("GET", "/api/v1/status").send().await;
    assert_eq!(status.header("cache-control"), "no-store");
    let status = status.expect(200);
    assert_eq!((&status["unfit_code"], &status["chunks_are_in"]), (&json!(null), &json!("database")));
    assert!(status["disk_free_bytes"].as_u64().unwrap() > 0 && status["roles"].as_array().unwrap().is_empty());
    let (id, publisher) = server.token(&["publish:stable"]).await;
    let own = server.ask_as(&publisher, "GET", "/api/v1/token").send().await.expect(200);
    assert_eq!((own["id"].as_str().unwrap(), &own["scopes"]), (id.as_str(), &json!(["publish:stable"])));
    for path in ["/api/v1/status", "/api/v1/demand"] {
        server.ask_as(&publisher, "GET", path).send().await.refused(403, "forbidden");
        server.get(path).await.refused(401, "unauthorized");
    }
    server.get("/api/v1/token").await.refused(401, "unauthorized");
    assert_eq!(server.ask("GET", "/api/v1/demand").send().await.expect(200)["items"], json!([]));
    assert_eq!(server.get("/api/v1/offers").await.expect(200), json!({"items": [], "next": null}));
}

#[tokio::test]
async fn publications_under_way_are_listed_for_whoever_may_publish_them() {
    let server = Server::start();
    let path = "/api/v1/publications";
    let id = |number: u8| format!("6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a{number:02}");
    for (number, mode) in [(1, "stable"), (2, "beta"), (3, "stable")] {
        let body = json!({"id": id(number), "mode": mode, "version": "1.0.0", "platform": "linux-x86_64"});
        server.post(path, &body).await.expect(201);
    }
    let (_, publisher) = server.token(&["publish:stable"]).await;
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = server.ask("GET", &format!("{path}?limit=2")).send().await.expect(200);
    assert_eq!(ids(&first), [id(1), id(2)]);
    let rest = format!("{path}?limit=2&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(ids(&server.ask("GET", &rest).send().await.expect(200)), [id(3)]);
    let own = server.ask_as(&publisher, "GET", &format!("{path}?mode=stable")).send().await.expect(200);
    assert_eq!(ids(&own), [id(1), id(3)]);
    for other in [path.to_owned(), format!("{path}?mode=beta")] {
        server.ask_as(&publisher, "GET", &other).send().await.refused(403, "forbidden");
    }
    server.ask("GET", &format!("{path}?mode=NO")).send().await.refused(422, "invalid_argument");
}
