//! The plain files of a repository in the `OpenAPI` document. They are served by `files`, past poem-openapi, which
//! knows no body without a length and no condition of RFC 9110; so their part of the document is written here.
//! It promises what `files` does, and schemathesis compares; it answers no request.

use serde_json::{Map, Value, json};

/// The chapter of the document.
pub(super) const CHAPTER: &str = "Repository files";

/// Its entry among the tags.
pub(super) fn tag() -> Value {
    json!({"name": CHAPTER, "description": "What clients and desync read: signed metadata, what it names, chunks, and bundles."})
}

/// Paths and their operations.
pub(super) fn paths() -> Map<String, Value> {
    let mut id = parameter("chunk", "The chunk's id in hexadecimal, and `.cacnk`.", r"^[0-9a-f]{64}\.cacnk$");
    id["example"] = Value::from(format!("{EXAMPLE}.cacnk"));
    let mut prefix = parameter("prefix", "The first four digits of the id.", "^[0-9a-f]{4}$");
    prefix["example"] = Value::from(&EXAMPLE[..4]);
    let name = |about: &str| parameter("name", about, r"^[0-9A-Za-z][0-9A-Za-z._+~-]{0,120}$");
    let part = |part: &str| parameter(part, "As signed.", r"^[0-9A-Za-z][0-9A-Za-z._+-]{0,60}$");
    let store = [prefix, id];
    let mut chunk = item(&store, read("get_chunk", "Read a chunk", CHUNK, &[BYTES]));
    chunk["put"] = put_chunk(&store);
    let metadata = "Read signed metadata";
    let version = [part("mode"), part("version"), part("platform"), name("The SHA-256 and the file's name.")];
    let mut bundle = parameter("bundle", "64 hexadecimal digits, for a list with `.json`.", r"^[0-9a-f]{64}(\.json)?$");
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
            item(&[name("The SHA-256 and `.catalog.json`.")], read("get_catalog", "Read a catalog", CATALOG, &[JSON])),
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
const CHUNK: &str =
    "The stored bytes, zstd. They never change: keep them for ever. The layout is that of a desync store.";
const METADATA: &str = "Metadata of TUF. `timestamp.json` and `current.pack`, all that is in force in one file, change and may be kept for \
    30 seconds; what has a number in its name never does.";
const CATALOG: &str = "What each mode offers. The newest is named by the metadata.";
const TARGET: &str = "The release document, the index or the file table of a version, as the metadata names it.";
const BUNDLE: &str = "A bundle, chunks of a version compressed together, has its SHA-256 as its name: it never changes. \
    The list of a version's bundles has the SHA-256 of its index as its name, and `.json`; it changes when bundles are \
    built, and may be kept for 30 seconds. Neither is signed: what comes out of a bundle is held against the signed index.";
const FROM: &str = "For a list: the SHA-256 of the index that the client has and the list has no bundle for. It is \
    counted, with nothing else of the request, to learn which bundles are wanted.";

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
    // A piece of a document is none.
    let piece: Map<_, _> = kinds.iter().map(|kind| ((*kind).to_owned(), body(BYTES))).collect();
    json!({
        "tags": [CHAPTER],
        "operationId": id,
        "summary": summary,
        "description": about,
        "parameters": [
            header("If-None-Match", "The `ETag` of what the client has."),
            header("Range", "One range of bytes, to go on where an earlier answer ended."),
        ],
        "responses": {
            "200": {"description": "Here it is.", "content": whole, "headers": kept()},
            "206": {"description": "The range that was asked for.", "content": piece, "headers": kept()},
            "304": {"description": "It is what If-None-Match names."},
            "400": problem("No file of a repository has such a path."),
            "404": problem("It is not here."),
            "416": problem("It is shorter than that."),
            "503": problem("The database does not answer. Try again later."),
        },
    })
}

fn put_chunk(parameters: &[Value]) -> Value {
    json!({
        "tags": [CHAPTER],
        "operationId": "put_chunk",
        "summary": "Store a chunk",
        "description": "One zstd frame whose content has this id. It is unpacked and hashed before anybody can see it, \
            and kept for a day if no version comes to need it. Can be repeated.",
        "security": [{"token": []}],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {BYTES: body(BYTES)}},
        "responses": {
            "200": {"description": "It was there."},
            "201": {"description": "It is stored."},
            "400": problem("The prefix is not that of the id, or the body broke off."),
            "401": problem("A valid token is needed."),
            "403": problem("The token may not do this."),
            "413": problem("The body is larger than any chunk."),
            "422": problem("It is not the chunk of that id."),
            "429": problem("Too many requests; Retry-After says when to come back."),
            "503": problem("The chunk is being removed just now, or the database does not answer. Try again."),
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
    json!({"Cache-Control": header("How long it may be kept."), "ETag": header("Names this content.")})
}

fn problem(about: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    json!({"description": about, "content": {"application/problem+json": {"schema": schema}}})
}
