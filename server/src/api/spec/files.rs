//! The static files of a repository in the `OpenAPI` document. `static_files` serves them without poem-openapi, which
//! supports neither streamed bodies nor the conditional requests of RFC 9110, so their part of the document is written
//! by hand. schemathesis checks that it matches what the server does.

use serde_json::{Map, Value, json};

/// The chapter of the document.
pub(super) const CHAPTER: &str = "Repository files";

/// Its entry among the tags.
pub(super) fn tag() -> Value {
    json!({"name": CHAPTER, "description": "What clients and desync read: signed metadata, the targets that it names, chunks and bundles."})
}

/// Paths and their operations.
pub(super) fn paths() -> Map<String, Value> {
    let mut id =
        parameter("chunk", "The id of the chunk in hexadecimal, followed by `.cacnk`.", r"^[0-9a-f]{64}\.cacnk$");
    id["example"] = Value::from(format!("{EXAMPLE}.cacnk"));
    let mut prefix = parameter("prefix", "The first four digits of the id.", "^[0-9a-f]{4}$");
    prefix["example"] = Value::from(&EXAMPLE[..4]);
    let name = |about: &str| parameter("name", about, r"^[0-9A-Za-z][0-9A-Za-z._+~-]{0,120}$");
    let part = |part: &str| parameter(part, "As in the signed metadata.", r"^[0-9A-Za-z][0-9A-Za-z._+-]{0,60}$");
    let store = [prefix, id];
    let mut chunk = item(&store, read("get_chunk", "Read a chunk", CHUNK, &[BYTES]));
    chunk["put"] = put_chunk(&store);
    let metadata = "Read signed metadata";
    let version = [part("mode"), part("version"), part("platform"), name("The SHA-256 and the name of the file.")];
    let mut bundle =
        parameter("bundle", "64 hexadecimal digits, followed by `.json` for a list.", r"^[0-9a-f]{64}(\.json)?$");
    bundle["example"] = Value::from(format!("{}.json", "0".repeat(64)));
    let mut bundles =
        item(&[bundle], read("get_bundle", "Read a bundle, or a list of bundles", BUNDLE, &[BYTES, JSON]));
    if let Some(own) = bundles["get"]["parameters"].as_array_mut() {
        own.push(json!({
            "name": "from", "in": "query", "required": false, "description": FROM,
            "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        }));
    }
    let paths = [
        ("/store/{prefix}/{chunk}", chunk),
        (
            "/tuf/{name}",
            item(
                &[name("Such as `timestamp.json` or `current.pack`.")],
                read("get_metadata", metadata, METADATA, &[JSON, BYTES]),
            ),
        ),
        (
            "/targets/{name}",
            item(
                &[name("The SHA-256, followed by `.catalog.json`.")],
                read("get_catalog", "Read a catalog", CATALOG, &[JSON]),
            ),
        ),
        (
            "/targets/{mode}/{version}/{platform}/{name}",
            item(&version, read("get_target", "Read a file of a version", TARGET, &[JSON, BYTES])),
        ),
        ("/bundles/{bundle}", bundles),
    ];
    paths.into_iter().map(|(path, item)| (path.to_owned(), item)).collect()
}

/// The id of a chunk: SHA-512/256 of no bytes.
const EXAMPLE: &str = "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a";
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const CHUNK: &str = "The chunk as stored, compressed with zstd. It never changes and can be cached forever. The layout is that of a desync store.";
const METADATA: &str = "TUF metadata. `timestamp.json` and `current.pack` (all metadata in force in one file) change, and may be cached \
    for 30 seconds. Files with a number in their name never change.";
const CATALOG: &str = "What each mode offers. The metadata names the newest catalog.";
const TARGET: &str = "The release document, the index or the file table of a version, as named by the metadata.";
const BUNDLE: &str = "A bundle has chunks of a version compressed together. It is named by its SHA-256 and never changes. \
    The list of the bundles of a version is named by the SHA-256 of the version's index, followed by `.json`. It changes \
    when bundles are built, and may be cached for 30 seconds. Neither is signed: clients check the chunks in a bundle \
    against the signed index.";
const FROM: &str = "For a list: the SHA-256 of the client's current index, if the list has no bundle for it. The server \
    counts these, and nothing else about the request, to learn which bundles are worth building.";

fn parameter(name: &str, about: &str, pattern: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": about,
        "schema": {"type": "string", "pattern": pattern},
    })
}

fn item(parameters: &[Value], operation: Value) -> Value {
    let mut operation = operation;
    if let Some(own) = operation["parameters"].as_array_mut() {
        own.splice(0..0, parameters.iter().cloned());
    }
    json!({"get": operation})
}

fn read(id: &str, summary: &str, about: &str, kinds: &[&str]) -> Value {
    let whole: Map<_, _> = kinds.iter().map(|kind| ((*kind).to_owned(), body(kind))).collect();
    // Part of a JSON document is not JSON.
    let piece: Map<_, _> = kinds.iter().map(|kind| ((*kind).to_owned(), body(BYTES))).collect();
    json!({
        "tags": [CHAPTER],
        "operationId": id,
        "summary": summary,
        "description": about,
        "parameters": [
            header("If-None-Match", "ETags of content that the client already has."),
            header("Range", "A single range of bytes, for example to resume a download."),
        ],
        "responses": {
            "200": {"description": "Success.", "content": whole, "headers": kept()},
            "206": {"description": "The requested range.", "content": piece, "headers": kept()},
            "304": {"description": "The content matches If-None-Match."},
            "400": problem("The path is not that of a file in a repository."),
            "404": problem("The file does not exist."),
            "416": problem("The range begins after the end of the content."),
            "503": problem("The database does not answer. Retry later."),
        },
    })
}

fn put_chunk(parameters: &[Value]) -> Value {
    json!({
        "tags": [CHAPTER],
        "operationId": "put_chunk",
        "summary": "Store a chunk",
        "description": "Uploads one zstd frame whose content has this id. The server unpacks and hashes it before anybody \
            can read it, and keeps it for a day unless a version needs it for longer. Can be repeated.",
        "security": [{"token": []}],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {BYTES: body(BYTES)}},
        "responses": {
            "200": {"description": "The chunk exists already."},
            "201": {"description": "The chunk was stored."},
            "400": problem("The prefix does not match the id, or the body is incomplete."),
            "401": problem("A valid token is required."),
            "403": problem("The token may not do this."),
            "413": problem("The body is larger than any chunk."),
            "422": problem("The body is not the chunk with this id."),
            "429": problem("Too many requests. Retry after the time in Retry-After."),
            "503": problem("The chunk is just being removed, or the database does not answer. Retry later."),
        },
    })
}

fn header(name: &str, about: &str) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": about, "schema": {"type": "string"}})
}

fn body(kind: &str) -> Value {
    if kind == JSON {
        json!({"schema": {"type": "object"}})
    } else {
        json!({"schema": {"type": "string", "format": "binary"}})
    }
}

fn kept() -> Value {
    let header = |about: &str| json!({"description": about, "required": true, "schema": {"type": "string"}});
    json!({"Cache-Control": header("How long the response may be cached."), "ETag": header("Identifies this content.")})
}

fn problem(about: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    json!({"description": about, "content": {"application/problem+json": {"schema": schema}}})
}
