//! The worst requests: the largest, the slowest to parse, and those that unpack to the most.

use serde_json::{Value, json};
use vsekai_updater::formats::chunk::{CompressedChunk, Compressor, DigestAlgorithm, VerifiedChunk};
use vsekai_updater::net::api::{MAX_BATCH_CHUNKS, batch};

use super::{Names, Worst, trees};

/// Bytes of JSON that most operations accept.
const JSON_BYTES: usize = 1 << 20;

/// A chunk of nothing but zeros: little to send, and much to unpack and hash.
fn bomb() -> CompressedChunk {
    let zeros = VerifiedChunk::of(vec![0; 1 << 20], DigestAlgorithm::Sha512_256);
    Compressor::new(3).unwrap().compress(&zeros).unwrap()
}

pub(super) fn bomb_id() -> String {
    bomb().id().to_string()
}

/// JSON in which one field is as long as a body may be.
fn long(mut body: Value, field: &str, part: usize) -> String {
    body[field] = json!("x".repeat(JSON_BYTES / part - 500));
    body.to_string()
}

/// Lists in lists, which a parser must not follow to the end of its stack.
fn deep(part: usize) -> String {
    "[".repeat(JSON_BYTES / part)
}

/// The same key many times.
fn repeated(key: &str, value: &str, part: usize) -> String {
    let one = format!("\"{key}\":{value},");
    format!("{{{}\"{key}\":{value}}}", one.repeat(JSON_BYTES / part / one.len() - 1))
}

/// Every worst request of an operation; none for one that is not known. `part` is what they are divided by in size.
pub(super) fn worst(operation: &str, names: &Names, part: usize) -> Vec<Worst> {
    let cursor = "e".repeat(30_000);
    let all = |path: &str| vec![Worst::get(format!("{path}?limit=100")), Worst::get(format!("{path}?cursor={cursor}"))];
    let Names { version, index, file, cdn, publication, token, chunk, target, .. } = names;
    let open = format!("/api/v1/publications/{publication}");
    match operation {
        "list_audit" => all("/api/v1/audit"),
        "list_cdns" => all("/api/v1/cdns"),
        "list_demand" => all("/api/v1/demand"),
        "list_files" => all("/api/v1/files"),
        "list_offers" => all("/api/v1/offers"),
        "list_publications" => all("/api/v1/publications"),
        "get_own_token" => vec![Worst::get("/api/v1/token")],
        "get_status" => vec![Worst::get("/api/v1/status")],
        "list_modes" => all("/api/v1/modes"),
        "list_tokens" => all("/api/v1/tokens"),
        "list_versions" => all("/api/v1/versions"),
        "get_cdn" => vec![Worst::get(format!("/api/v1/cdns/{cdn}"))],
        "get_file" => vec![Worst::get(format!("/api/v1/files/{file}"))],
        "get_mode" => {
            vec![Worst::get("/api/v1/modes/stable"), Worst::get(format!("/api/v1/modes/{}", "m".repeat(8000)))]
        }
        "get_version" => vec![Worst::get(format!("/api/v1/versions/{version}"))],
        "get_manifest" => vec![Worst::get(format!("/api/v1/versions/{version}/manifest"))],
        "list_bundles" => vec![Worst::get(format!("/api/v1/versions/{version}/bundles"))],
        "get_update" => vec![Worst::get("/api/v1/updates/stable/linux-x86_64")],
        "get_repository" => vec![Worst::get("/api/v1/repository")],
        "get_publication" => vec![Worst::get(&open)],
        "get_bundle" => vec![Worst::get(format!("/bundles/{index}.json?from={index}"))],
        "get_chunk" => vec![Worst::get(format!("/store/{}/{chunk}.cacnk", &chunk[..4]))],
        "get_target" => vec![Worst::get(format!("/{target}"))],
        "get_catalog" => vec![Worst::get(format!("/targets/{index}.catalog.json")), Worst::get("/targets/%2e%2e")],
        "get_metadata" => vec![Worst::get("/tuf/timestamp.json"), Worst::get("/tuf/current.pack")],
        "delete_cdn" => vec![Worst::json("DELETE", format!("/api/v1/cdns/{cdn}"), "")],
        "delete_token" => vec![Worst::json("DELETE", format!("/api/v1/tokens/{token}"), "")],
        "create_cdn" => {
            documents("POST", "/api/v1/cdns", &json!({"name": "a", "uri": "https://a.example"}), "name", part)
        }
        "update_cdn" => documents("PATCH", &format!("/api/v1/cdns/{cdn}"), &json!({}), "name", part),
        "create_mode" => documents("POST", "/api/v1/modes", &json!({"name": "worst"}), "description", part),
        "create_report" => documents("POST", "/api/v1/reports", &report(), "version", part),
        "list_reports" => vec![Worst::get("/api/v1/reports")],
        "update_mode" => documents("PATCH", "/api/v1/modes/beta", &json!({}), "description", part),
        "update_version" => {
            documents("PATCH", &format!("/api/v1/versions/{version}"), &json!({"rollout": 100}), "x", part)
        }
        "create_token" => tokens(part),
        "create_publication" => {
            let new = json!({"id": publication, "mode": "stable", "version": "9.0.0", "platform": "linux-x86_64"});
            documents("POST", "/api/v1/publications", &new, "version", part)
        }
        "list_missing_chunks" => {
            let ids: Vec<String> = (0..5000).map(|number| format!("{number:064x}")).collect();
            // As many positions as fit, all of the same chunk: each repetition would be hashed.
            let positions: Vec<_> = (0..5000_u64).map(|at| json!({"position": at << 20, "id": chunk})).collect();
            vec![
                Worst::json("POST", format!("{open}/missing"), json!({"ids": ids}).to_string()),
                Worst::json("POST", format!("{open}/missing"), json!({"ids": ids, "positions": positions}).to_string()),
                Worst::json("POST", format!("{open}/missing"), deep(part)),
            ]
        }
        "put_news" => news(part),
        "put_trust" => trust(part),
        "put_chunk" => vec![
            Worst::bytes("PUT", format!("/store/{}/{chunk}.cacnk", &chunk[..4]), bomb().into_bytes()),
            Worst::bytes("PUT", format!("/store/{}/{chunk}.cacnk", &chunk[..4]), zeros(1 << 31)),
            Worst::bytes("PUT", format!("/store/{}/{chunk}.cacnk", &chunk[..4]), vec![7; 2 << 20]),
        ],
        "put_chunks" => {
            // All of a tree in its place, so that each chunk is parsed and hashed for it, too.
            let (positions, first) = trees::of_zeros(MAX_BATCH_CHUNKS / 4);
            let followed = format!("/api/v1/publications/{}", names.followed);
            let asked = json!({"ids": [], "positions": positions}).to_string();
            let body = [first, bombs(MAX_BATCH_CHUNKS / 4)].concat();
            vec![
                Worst::json("POST", format!("{followed}/missing"), asked),
                Worst::bytes("POST", format!("{followed}/chunks"), body),
                Worst::bytes("POST", format!("{open}/chunks"), bombs(MAX_BATCH_CHUNKS / 4)),
                Worst::bytes("POST", format!("{open}/chunks"), vec![0; 36 * MAX_BATCH_CHUNKS]),
                Worst::bytes("POST", format!("{open}/chunks"), vec![7; 5 << 20]),
            ]
        }
        "put_document" => {
            let put = |kind: &str, body: Vec<u8>| Worst::bytes("PUT", format!("{open}/documents/{kind}"), body);
            vec![
                put("index", vec![7; (64 << 20) - 1]),
                put("index", index_of(300_000 / u32::try_from(part).unwrap())),
                put("files", zeros(512 << 20)),
                put("release", release().into_bytes()),
                put("metadata", br#"{"signed":{"targets":{}}}"#.to_vec()),
                put("metadata", vec![b'['; 4 << 20]),
                put("release", vec![7; 2 << 20]),
            ]
        }
        "put_bundle_part" => {
            let put = |number: u32, size: usize| {
                Worst::bytes("PUT", format!("{open}/bundles/{index}/parts/{number}"), vec![7; size])
            };
            vec![put(0, 1 << 20), put(4095, 1 << 20), put(4096, 1), put(0, (64 << 20) / part)]
        }
        "list_bundle_parts" => vec![Worst::get(format!("{open}/bundles/{index}"))],
        "create_bundle" => {
            let new = json!({"id": index, "length": 1 << 20, "from": null});
            documents("POST", &format!("{open}/bundles"), &new, "from", part)
        }
        "commit_publication" => {
            let body = json!({"rollout": 100, "skip_update": false}).to_string();
            vec![
                Worst::json("POST", format!("{open}/commit"), body),
                Worst::json("POST", format!("{open}/commit"), deep(part)),
            ]
        }
        _ => Vec::new(),
    }
}

/// JSON bodies: with a field that is as long as can be, without end, and with a key many times.
fn documents(method: &'static str, path: &str, body: &Value, field: &str, part: usize) -> Vec<Worst> {
    let all =
        [long(body.clone(), field, part), deep(part), repeated(field, "\"x\"", part), "x".repeat((2 << 20) / part)];
    all.into_iter().map(|body| Worst::json(method, path, body)).collect()
}

/// News with metadata that is no JSON, with files of nothing, and with files of nobody's.
fn report() -> Value {
    json!({"mode": "stable", "version": "1.0.0", "platform": "linux-x86_64", "outcome": "failed"})
}

fn news(part: usize) -> Vec<Worst> {
    let path = "/api/v1/modes/beta/news";
    let files: serde_json::Map<String, Value> =
        (0..JSON_BYTES / part / 40).map(|number| (format!("beta/news/{number}.png"), json!("AAAA"))).collect();
    let mut all = documents("PUT", path, &json!({"metadata": "AAAA", "files": {}}), "metadata", part);
    all.push(Worst::json("PUT", path, json!({"metadata": "e30=", "files": files}).to_string()));
    all
}

fn tokens(part: usize) -> Vec<Worst> {
    let scopes = vec!["publish:beta"; 60_000 / part];
    let many = json!({"name": "worst", "scopes": scopes}).to_string();
    let mut all =
        documents("POST", "/api/v1/tokens", &json!({"name": "worst", "scopes": ["publish:beta"]}), "name", part);
    all.push(Worst::json("POST", "/api/v1/tokens", many));
    all
}

fn trust(part: usize) -> Vec<Worst> {
    let roots: serde_json::Map<String, Value> =
        (1..=1000).map(|number| (number.to_string(), json!("e30=".repeat(1000 / part)))).collect();
    let many = json!({"roots": roots, "targets": null, "roles": {}});
    let one = json!({"roots": {"1": "e30g".repeat((4 << 20) / part)}, "targets": null, "roles": {}});
    let of_modes = json!({"roots": {}, "targets": null, "roles": {"beta": "e30g".repeat((1 << 20) / part)}});
    let put = |body: &Value| Worst::json("PUT", "/api/v1/repository/trust", body.to_string());
    vec![put(&many), put(&one), put(&of_modes), Worst::json("PUT", "/api/v1/repository/trust", deep(part))]
}

fn bombs(count: usize) -> Vec<u8> {
    let mut body = Vec::new();
    let bomb = bomb();
    (0..count).for_each(|_| batch::append(&mut body, &bomb).unwrap());
    body
}

/// A zstd frame that unpacks to this many zeros: repeated blocks of one byte.
fn zeros(length: usize) -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    // Magic number, a descriptor without anything, a window of 128 KiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    let blocks = length / BLOCK;
    for number in 0..blocks {
        let head = (BLOCK << 3) | (1 << 1) | usize::from(number + 1 == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

/// A valid index of this many chunks.
fn index_of(chunks: u32) -> Vec<u8> {
    use vsekai_updater::formats::chunk::ChunkId;
    use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};
    let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::new(16 << 10, 64 << 10, 256 << 10).unwrap());
    for number in 0..chunks {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        index.push(ChunkId::from_bytes(id), 64 << 10).unwrap();
    }
    index.to_bytes()
}

/// A release document that names one file as often as there is room.
fn release() -> String {
    let mutable = vec!["z"; 240_000];
    json!({"schema": 1, "mode": "stable", "version": "9.0.0", "platform": "linux-x86_64", "mutable": mutable})
        .to_string()
}
