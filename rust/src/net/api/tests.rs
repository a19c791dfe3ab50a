//! The JSON is the same by serde and by `poem-openapi`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Checks that reading and writing `text` returns `text`, by serde and by `poem-openapi`.
fn holds<T: Both>(text: Value) {
    let by_serde: T = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&by_serde).unwrap(), text);
    by_serde.agrees(&text);
}

#[cfg(not(feature = "openapi"))]
trait Both: Serialize + DeserializeOwned {
    fn agrees(&self, _text: &Value) {}
}

#[cfg(not(feature = "openapi"))]
impl<T: Serialize + DeserializeOwned> Both for T {}

#[cfg(feature = "openapi")]
trait Both:
    Serialize
    + DeserializeOwned
    + PartialEq
    + std::fmt::Debug
    + poem_openapi::types::ToJSON
    + poem_openapi::types::ParseFromJSON
{
    fn agrees(&self, text: &Value) {
        let read = Self::parse_from_json(Some(text.clone())).map_err(poem_openapi::types::ParseError::into_message);
        assert_eq!(read.as_ref(), Ok(self));
        assert_eq!(self.to_json().as_ref(), Some(text));
    }
}

#[cfg(feature = "openapi")]
impl<T> Both for T where
    T: Serialize
        + DeserializeOwned
        + PartialEq
        + std::fmt::Debug
        + poem_openapi::types::ToJSON
        + poem_openapi::types::ParseFromJSON
{
}

fn refuses<T: Both>(text: Value) {
    assert!(serde_json::from_value::<T>(text.clone()).is_err(), "{text}");
    #[cfg(feature = "openapi")]
    assert!(T::parse_from_json(Some(text.clone())).is_err(), "{text}");
}

fn publication(state: &str, sequence: Value, received: Value) -> Value {
    json!({"id": "0", "mode": "stable", "version": "1.2.0", "platform": "linux-x86_64", "state": state,
           "expires_at": "2026-11-22T20:00:00Z", "sequence": sequence, "received": received})
}

#[test]
fn replies_are_as_the_contract_has_them() {
    let key = json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "ab"}});
    let keys = json!({"catalog": key, "snapshot": key, "timestamp": key});
    for version in [json!(null), json!(3)] {
        holds::<RepositoryInfo>(
            json!({"revision": 7, "root_version": version, "online_keys": keys, "max_chunk_bytes": 1_048_576,
                   "max_batch_bytes": 4_194_304, "max_bundle_bytes": 4_294_967_296_u64, "takes_positions": true}),
        );
    }
    let old = json!({"revision": 7, "root_version": 3, "online_keys": keys, "max_chunk_bytes": 1_048_576});
    let old = serde_json::from_value::<RepositoryInfo>(old).unwrap();
    assert_eq!((old.max_batch_bytes, old.max_bundle_bytes), (None, None));
    holds::<BatchReply>(json!({"new": 3, "there": 1}));
    holds::<BundleParts>(json!({"parts": [0, 2]}));
    for outcome in ["listed", "waiting", "no_smaller"] {
        holds::<BundleReply>(json!({"outcome": outcome}));
    }
    holds::<PublicationInfo>(publication("open", json!(null), json!(["index", "files"])));
    holds::<PublicationInfo>(publication("published", json!(9), json!(["index", "files", "release", "metadata"])));
    holds::<PublicationInfo>(publication("expired", json!(null), json!([])));
    holds::<MissingReply>(json!({"missing": ["ab"]}));
    holds::<Problem>(json!({"type": "about:blank", "title": "Conflict", "status": 409, "detail": "words",
                            "instance": "/api/v1/publications/0/commit", "code": "chunks_missing"}));
}

#[test]
fn requests_are_as_the_contract_has_them() {
    holds::<TrustUpload>(json!({"roots": {"1": "AA==", "10": "AQ=="}, "targets": "AA==", "roles": {"stable": "AA=="}}));
    holds::<TrustUpload>(json!({"roots": {}, "targets": null, "roles": {}}));
    holds::<NewPublication>(json!({"id": "0", "mode": "stable", "version": "1.2.0", "platform": "linux-x86_64"}));
    holds::<MissingRequest>(json!({"ids": ["ab", "cd"]}));
    holds::<MissingRequest>(json!({"ids": [], "positions": [{"position": 64, "id": "ab"}]}));
    holds::<CommitRequest>(json!({"rollout": 100, "skip_update": false}));
    holds::<NewBundle>(json!({"id": "ab", "length": 9, "from": null}));
    holds::<NewBundle>(json!({"id": "ab", "length": 9, "from": "cd"}));
}

#[test]
fn requests_with_unknown_or_absent_fields_are_refused() {
    refuses::<CommitRequest>(json!({"rollout": 100, "skip_update": false, "force": true}));
    refuses::<CommitRequest>(json!({"rollout": 100}));
    refuses::<MissingRequest>(json!({"ids": [], "all": true}));
    refuses::<MissingRequest>(json!({"ids": [], "positions": [{"id": "ab"}]}));
    refuses::<NewPublication>(json!({"id": "0", "mode": "stable", "version": "1.2.0"}));
    refuses::<TrustUpload>(json!({"targets": null, "roles": {}}));
}

#[test]
fn what_may_be_left_out_is_nothing() {
    let upload: TrustUpload = serde_json::from_value(json!({"roots": {}})).unwrap();
    assert_eq!(upload, TrustUpload::default());
    upload.agrees(&json!({"roots": {}, "targets": null, "roles": {}}));
}

#[test]
fn replies_of_a_newer_server_are_read() {
    let mut text = publication("open", json!(null), json!([]));
    text["since"] = json!(1);
    let info: PublicationInfo = serde_json::from_value(text).unwrap();
    assert_eq!(info.state, PublicationState::Open);
}

#[test]
fn kinds_are_named_in_urls_as_in_json() {
    for kind in DocumentKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
    }
}
