//! The OpenAPI document.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::support::{Server, program};

fn printed() -> String {
    let output = program().arg("openapi").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_document_in_the_repository_is_this_one() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    assert!(
        std::fs::read_to_string(kept).unwrap_or_default() == printed(),
        "server/openapi.json is another. Look at what has changed; then: cargo run -p vsekai-server -- openapi > ../server/openapi.json"
    );
}

#[tokio::test]
async fn the_server_gives_the_same_document_with_its_address() {
    let server = Server::with(&[("public_url", "")]);
    let given: Value = server.get("/openapi.json").await.expect(200);
    assert_eq!(given, serde_json::from_str::<Value>(&printed()).unwrap());
}

#[test]
fn every_operation_is_named_and_described() {
    let spec: Value = serde_json::from_str(&printed()).unwrap();
    let mut names = BTreeSet::new();
    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{name}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
                if status.starts_with(['4', '5']) {
                    assert!(response["content"]["application/problem+json"].is_object(), "{name} {status}");
                }
            }
        }
    }
    assert!(names.len() > 20);
}

#[test]
fn what_can_be_null_is_said_to_be() {
    let spec: Value = serde_json::from_str(&printed()).unwrap();
    let property = |schema: &str, name: &str| spec["components"]["schemas"][schema]["properties"][name].clone();
    for (schema, name) in
        [("Mode", "update_to"), ("Update", "version"), ("Cdn", "latency_ms"), ("RepositoryInfo", "root_version")]
    {
        assert_eq!(property(schema, name)["nullable"], true, "{schema}.{name}");
    }
    assert_ne!(property("Mode", "name")["nullable"], true);
}
