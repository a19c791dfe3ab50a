//! Authentication and body limits, which each operation declares for itself.

use super::support::Server;

const ZEROS: &str = "/store/0000/0000000000000000000000000000000000000000000000000000000000000000.cacnk";

#[tokio::test]
async fn only_the_root_of_trust_may_be_larger_than_other_json() {
    let server = Server::start();
    let large = async |method: &str, path: &str| {
        server.ask(method, path).body("application/json", " ".repeat(2 << 20)).send().await
    };
    large("PUT", "/api/v1/repository/trust").await.refused(400, "invalid");
    large("POST", "/api/v1/publications").await.refused(413, "too_large");
    large("PATCH", "/api/v1/modes/stable").await.refused(413, "too_large");
}

#[tokio::test]
async fn chunks_are_uploaded_with_a_token_in_every_spelling_of_the_header() {
    let server = Server::start();
    let put = async |header: &str| {
        let ask = server.ask_as("", "PUT", ZEROS).header("authorization", header);
        ask.body("application/octet-stream", "x").send().await
    };
    let token = &server.admin;
    for header in [format!("Bearer {token}"), format!("bearer {token}"), token.clone()] {
        put(&header).await.refused(422, "chunk_corrupt");
    }
    for header in [format!("Basic {token}"), format!("{token}0"), "Bearer".to_owned()] {
        put(&header).await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn credentials_for_a_proxy_are_no_wrong_tokens() {
    let server = Server::with(&[("wrong_tokens_per_minute", "3")]);
    for header in ["Basic dXNlcjpwYXNz", "Bearer of-a-proxy"] {
        for _ in 0..5 {
            let ask = server.ask_as("", "GET", "/tuf/timestamp.json").header("authorization", header);
            ask.send().await.refused(404, "not_found");
        }
    }
    server.ask("GET", "/api/v1/audit").send().await.expect(200);
}
