//! Tokens: created, listed and revoked, and what each allows.

use serde_json::json;

use super::support::Server;

const TOKENS: &str = "/api/v1/tokens";

fn new_publication(id: &str, mode: &str) -> serde_json::Value {
    json!({"id": id, "mode": mode, "version": "1.0.0", "platform": "linux-x86_64"})
}

#[tokio::test]
async fn a_token_is_shown_once_and_never_listed() {
    let server = Server::start();
    let made = server.post(TOKENS, &json!({"name": "ci", "scopes": ["publish:nightly"], "days": 1})).await.expect(201);
    let text = made["token"].as_str().unwrap();
    let secret = text.rsplit('_').next().unwrap();
    let list = server.ask("GET", TOKENS).send().await;
    assert_eq!(list.header("cache-control"), "no-store");
    let rows = list.expect(200)["items"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 2, "the first one and this one");
    assert!(rows.as_array().unwrap().contains(&made["row"]));
    assert!(!list.text().contains(secret) && !list.text().contains("hash"));
    assert!(!server.log().contains(secret));
    assert!(made["row"]["expires_at"].is_string());
    assert_eq!(server.ask_as(text, "GET", TOKENS).send().await.refused(403, "forbidden")["status"], 403);
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let server = Server::start();
    for body in [
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["Admin"]}),
        json!({"name": "x", "scopes": ["publish:../x"]}),
        json!({"name": "x", "scopes": ["admin publish:*"]}),
        json!({"name": "x", "scopes": vec!["admin"; 101]}),
        json!({"name": "x", "scopes": ["admin"], "days": 0}),
        json!({"name": "x", "scopes": ["admin"], "days": 3651}),
        json!({"name": "a\nb", "scopes": ["admin"]}),
        json!({"name": "x".repeat(201), "scopes": ["admin"]}),
        json!({"name": "x", "scopes": ["admin"], "hash": "0"}),
        json!({"scopes": ["admin"]}),
    ] {
        server.post(TOKENS, &body).await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn a_name_is_that_of_one_valid_token() {
    let server = Server::start();
    let ci = json!({"name": "ci", "scopes": ["publish:nightly"]});
    let made = server.post(TOKENS, &ci).await.expect(201);
    let id = made["row"]["id"].as_str().unwrap();
    let refused = server.post(TOKENS, &ci).await.refused(409, "token_exists");
    let said = refused["detail"].as_str().unwrap();
    assert!(said.contains(id) && said.ends_with("choose another name, or revoke that token first"), "{said}");
    assert_eq!(server.ask("GET", TOKENS).send().await.expect(200)["items"].as_array().unwrap().len(), 2);
    server.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    server.post(TOKENS, &ci).await.expect(201);
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_at_once() {
    let server = Server::start();
    let (id, token) = server.token(&["admin"]).await;
    server.ask_as(&token, "GET", TOKENS).send().await.expect(200);
    server.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    server.ask_as(&token, "GET", TOKENS).send().await.refused(401, "unauthorized");
    server.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    let rows = server.ask("GET", TOKENS).send().await.expect(200);
    let row = rows["items"].as_array().unwrap().iter().find(|row| row["id"] == id.as_str()).unwrap();
    assert!(row["revoked_at"].is_string(), "it stays in the list: {row}");
    server.delete(&format!("{TOKENS}/{}", uuid::Uuid::nil())).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_token_ends_when_its_days_are_over() {
    let server = Server::start();
    let token = vsekai_server::auth::NewToken::make(
        "short",
        &[vsekai_server::auth::Scope::Admin],
        Some(vsekai_server::model::Time::now().plus_seconds(2)),
    );
    let token = token.unwrap();
    let url = format!("sqlite:{}", server.folder().join("vsekai.db").display());
    let db = vsekai_server::db::open(&url, &vsekai_server::db::Pools::default()).await.unwrap();
    db.put_token(&token.row, None).await.unwrap();
    server.ask_as(&token.text, "GET", TOKENS).send().await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    server.ask_as(&token.text, "GET", TOKENS).send().await.refused(401, "unauthorized");
}

#[tokio::test]
async fn without_a_valid_token_nothing_changes_and_nothing_is_told() {
    let server = Server::start();
    let made =
        server.post("/api/v1/cdns", &json!({"name": "edge", "uri": "https://cdn.example.org"})).await.expect(201);
    let cdn = format!("/api/v1/cdns/{}", made["uid"].as_str().unwrap());
    server.mode("stable").await;
    let id = uuid::Uuid::nil();
    for (method, path) in [
        ("POST", "/api/v1/modes".to_owned()),
        ("PATCH", "/api/v1/modes/stable".to_owned()),
        ("POST", "/api/v1/cdns".to_owned()),
        ("PATCH", cdn.clone()),
        ("DELETE", cdn),
        ("GET", TOKENS.to_owned()),
        ("POST", TOKENS.to_owned()),
        ("DELETE", format!("{TOKENS}/{id}")),
        ("GET", "/api/v1/audit".to_owned()),
        ("PATCH", format!("/api/v1/versions/{id}")),
        ("PUT", "/api/v1/repository/trust".to_owned()),
        ("POST", "/api/v1/publications".to_owned()),
        ("GET", format!("/api/v1/publications/{id}")),
        ("POST", format!("/api/v1/publications/{id}/missing")),
        ("PUT", format!("/api/v1/publications/{id}/documents/index")),
        ("POST", format!("/api/v1/publications/{id}/commit")),
        ("PUT", format!("/store/0000/{}.cacnk", "0".repeat(64))),
    ] {
        let mut ask = server.ask_as("", method, &path);
        if method != "GET" {
            ask = ask.json(&json!({}));
        }
        let answer = ask.send().await;
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
    }
    assert_eq!(server.get("/api/v1/cdns").await.expect(200)["items"], json!([made]));
}

#[tokio::test]
async fn who_is_refused_learns_whether_a_token_was_sent_and_what_became_of_it() {
    let server = Server::start();
    let said = async |token: &str| {
        let answer = server.ask_as(token, "GET", TOKENS).send().await;
        answer.refused(401, "unauthorized")["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(said("").await, "This needs a token, and none was sent");
    let (id, token) = server.token(&["admin"]).await;
    let other = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    assert_eq!(said(&other).await, "The token is not valid: this server does not know it");
    server.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    assert!(said(&token).await.starts_with("The token is not valid any more: it was revoked on 20"));
    assert_eq!(said(&other).await, "The token is not valid: this server does not know it", "a secret that is wrong");
}

#[tokio::test]
async fn a_token_of_one_mode_opens_that_mode_alone() {
    let server = Server::start();
    let (_, token) = server.token(&["publish:nightly"]).await;
    let (mine, theirs) = ("6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11", "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a12");
    let publications = "/api/v1/publications";
    server.post(publications, &new_publication(theirs, "stable")).await.expect(201);
    let post = async |path: &str, body| server.ask_as(&token, "POST", path).json(&body).send().await;
    post(publications, new_publication(mine, "nightly")).await.expect(201);
    post(publications, new_publication(mine, "stable")).await.refused(403, "forbidden");

    let get = async |id: &str| server.ask_as(&token, "GET", &format!("{publications}/{id}")).send().await;
    get(mine).await.expect(200);
    let hidden = get(theirs).await.refused(404, "not_found");
    let absent = get(&uuid::Uuid::nil().to_string()).await.refused(404, "not_found");
    assert_eq!(hidden["detail"], absent["detail"], "it cannot be told from one that is not there");
    post(&format!("{publications}/{theirs}/missing"), json!({"ids": []})).await.refused(404, "not_found");
    let commit = json!({"rollout": 100, "skip_update": false});
    post(&format!("{publications}/{theirs}/commit"), commit).await.refused(404, "not_found");
    let put = server.ask_as(&token, "PUT", &format!("{publications}/{theirs}/documents/files"));
    put.body("application/octet-stream", "x").send().await.refused(404, "not_found");

    for (method, path) in
        [("POST", "/api/v1/modes"), ("POST", "/api/v1/cdns"), ("POST", TOKENS), ("GET", "/api/v1/audit")]
    {
        let body = match path {
            TOKENS => json!({"name": "more", "scopes": ["admin"]}),
            "/api/v1/cdns" => json!({"name": "edge", "uri": "https://cdn.example.org"}),
            _ => json!({"name": "mine"}),
        };
        let mut ask = server.ask_as(&token, method, path);
        if method == "POST" {
            ask = ask.json(&body);
        }
        ask.send().await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn an_identifier_that_is_taken_by_another_mode_says_nothing_of_it() {
    let server = Server::start();
    let (_, token) = server.token(&["publish:nightly"]).await;
    let id = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a12";
    server.post("/api/v1/publications", &new_publication(id, "secret-mode")).await.expect(201);
    let ask = server.ask_as(&token, "POST", "/api/v1/publications").json(&new_publication(id, "nightly"));
    let answer = ask.send().await;
    answer.refused(409, "publication_differs");
    assert!(!answer.text().contains("secret-mode"), "{}", answer.text());
}

#[tokio::test]
async fn a_wrong_identifier_and_a_wrong_secret_are_answered_alike() {
    let server = Server::start();
    let (id, secret) = server.admin.strip_prefix("vsk_").unwrap().split_once('_').unwrap();
    let zeros = |length| "0".repeat(length);
    let mut answers = Vec::new();
    for wrong in [
        format!("vsk_{}_{secret}", zeros(32)),
        format!("vsk_{id}_{}", zeros(64)),
        format!("vsk_{}_{}", zeros(32), zeros(64)),
        "nonsense".to_owned(),
    ] {
        let answer = server.ask_as(&wrong, "GET", TOKENS).send().await;
        answer.refused(401, "unauthorized");
        let mut headers = answer.headers.clone();
        for changing in ["date", "x-request-id"] {
            headers.remove(changing);
        }
        answers.push((answer.text(), headers));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
