//! The `OpenAPI` document: what poem-openapi says of the operations, and what it cannot say.
//!
//! poem-openapi 5.1.16 writes `null` for each `None`, and takes it for each property that is not required, but has no
//! `nullable` in its document: programs made from that would refuse our own answers. It does not say either that
//! unknown fields are refused and what numbers there are, and sorts its tags by name. All of that is put right here, and
//! the plain files are added, which it does not serve.
//!
//! ```text
//! complete     the document made right                this file
//!   files      /store, /tuf, /targets, /bundles        spec/files.rs
//! ```

use serde_json::{Map, Value, json};

mod files;

/// The chapters in the order in which a reader wants them.
const CHAPTERS: [&str; 9] =
    ["Updates", files::CHAPTER, "Modes", "Versions", "Files", "CDNs", "Repository", "Publications", "Administration"];

/// The document made right, for a server at this address.
pub(super) fn complete(raw: &str, address: &str) -> String {
    let mut document: Value = serde_json::from_str(raw).unwrap_or_default();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
            say_what_can_be_null(schema);
        }
    }
    bound_numbers(&mut document);
    refuse_unknown_fields(&mut document);
    describe_answers(&mut document);
    leave_out_null_defaults(&mut document);
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.extend(files::paths());
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("servers".to_owned(), json!([{"url": address}]));
        // Where an operation says nothing else, no token is needed.
        document.insert("security".to_owned(), json!([]));
        if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
            tags.push(files::tag());
            tags.sort_by_key(|tag| CHAPTERS.iter().position(|name| tag["name"] == *name));
        }
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// A number without a sign has `format: uint32` and the like, which few programs know.
fn bound_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(bound_numbers),
        Value::Object(fields) => {
            let max = match fields.get("format").and_then(Value::as_str) {
                Some("uint8") => Some(u64::from(u8::MAX)),
                Some("uint16") => Some(u64::from(u16::MAX)),
                Some("uint32") => Some(u64::from(u32::MAX)),
                Some("uint64") => Some(i64::MAX.unsigned_abs()),
                _ => None,
            };
            if let Some(max) = max {
                fields.entry("minimum").or_insert(Value::from(0));
                fields.entry("maximum").or_insert(Value::from(max));
            }
            fields.values_mut().for_each(bound_numbers);
        }
        _ => {}
    }
}

/// All that is sent is refused if it has a field that is not known.
fn refuse_unknown_fields(document: &mut Value) {
    let items = document.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(Map::values);
    let sent = operations.filter_map(|it| it.pointer("/requestBody/content")?.as_object()?.values().next());
    let names: Vec<String> =
        sent.filter_map(|it| it.pointer("/schema/$ref")?.as_str()?.strip_prefix('#').map(str::to_owned)).collect();
    for name in names {
        if let Some(schema) = document.pointer_mut(&name).and_then(Value::as_object_mut) {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
}

/// The default of a parameter that may be left out is written as null, which is no value of its type.
fn leave_out_null_defaults(document: &mut Value) {
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    let operations = items.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    let parameters = operations.filter_map(|it| it.get_mut("parameters")?.as_array_mut()).flatten();
    for schema in parameters.filter_map(|it| it.get_mut("schema")?.as_object_mut()) {
        if schema.get("default") == Some(&Value::Null) {
            schema.remove("default");
        }
    }
}

/// An answer of one kind alone has no description of its own.
fn describe_answers(document: &mut Value) {
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    let operations = items.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    let answers = operations.filter_map(|it| it.get_mut("responses")?.as_object_mut()).flat_map(Map::values_mut);
    for description in answers.filter_map(|it| it.get_mut("description")).filter(|it| **it == "") {
        *description = Value::from("As it is now.");
    }
}

fn say_what_can_be_null(schema: &mut Map<String, Value>) {
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if required.iter().any(|it| it == name) {
            continue;
        }
        if property.get("$ref").is_some() {
            // Beside `$ref` nothing counts in OpenAPI 3.0.
            *property = json!({"allOf": [property.take()]});
        }
        if let Some(property) = property.as_object_mut() {
            property.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_required_can_be_null() {
        let raw = json!({"components": {"schemas": {"A": {
            "type": "object", "required": ["a"],
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"$ref": "#/x"}},
        }}}});
        let document: Value = serde_json::from_str(&complete(&raw.to_string(), "/")).unwrap();
        let properties = &document["components"]["schemas"]["A"]["properties"];
        assert_eq!(properties["a"], json!({"type": "string"}));
        assert_eq!(properties["b"], json!({"type": "string", "nullable": true}));
        assert_eq!(properties["c"], json!({"allOf": [{"$ref": "#/x"}], "nullable": true}));
        assert_eq!(document["servers"][0]["url"], "/");
    }
}
