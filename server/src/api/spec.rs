//! The `OpenAPI` document: what poem-openapi generates, corrected and completed.
//!
//! poem-openapi 5.1.16 writes `null` for every `None`, and accepts it for every optional property, but never declares
//! anything `nullable`: generated clients would reject our responses. Nor does it declare that unknown fields are
//! refused or which numbers are possible, and it sorts tags by name. All of that is corrected here, and the static
//! files are added, which it does not serve.
//!
//! ```text
//! complete     the corrected document                  this file
//!   files      /store, /tuf, /targets, /bundles        spec/files.rs
//! ```

use serde_json::{Map, Value, json};

mod files;

/// The chapters, in reading order.
const CHAPTERS: [&str; 9] =
    ["Updates", files::CHAPTER, "Modes", "Versions", "Files", "CDNs", "Repository", "Publications", "Administration"];

/// Corrects and completes the document, for a server at this address.
pub(super) fn complete(raw: &str, address: &str) -> String {
    let mut document: Value = serde_json::from_str(raw).unwrap_or_default();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        let types =
            schemas.iter().map(|(name, schema)| (format!("#/components/schemas/{name}"), schema["type"].clone()));
        let types: Map<String, Value> = types.collect();
        for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
            declare_nullable(schema, &types);
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
        // Operations that do not declare otherwise need no token.
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

/// Declares the bounds of unsigned numbers, whose `format: uint32` and the like few tools understand.
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

/// Declares that requests with unknown fields are refused.
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

/// Removes the default `null` of optional parameters, which is not a value of their type.
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

/// Describes responses that poem-openapi leaves without a description.
fn describe_answers(document: &mut Value) {
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    let operations = items.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    let answers = operations.filter_map(|it| it.get_mut("responses")?.as_object_mut()).flat_map(Map::values_mut);
    for description in answers.filter_map(|it| it.get_mut("description")).filter(|it| **it == "") {
        *description = Value::from("The current state.");
    }
}

/// Declares that optional properties may be null. `types` has the type of each schema that they can refer to.
fn declare_nullable(schema: &mut Map<String, Value>, types: &Map<String, Value>) {
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if required.iter().any(|it| it == name) {
            continue;
        }
        if property.get("$ref").is_some() {
            // OpenAPI 3.0 ignores everything next to `$ref`.
            *property = json!({"allOf": [property.take()]});
        }
        let referred = property.pointer("/allOf/0/$ref").and_then(Value::as_str);
        let of_referred = referred.and_then(|name| types.get(name)).filter(|it| it.is_string()).cloned();
        if let Some(property) = property.as_object_mut() {
            property.insert("nullable".to_owned(), Value::Bool(true));
            // `nullable` means nothing without a type beside it.
            property.extend(of_referred.map(|it| ("type".to_owned(), it)));
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
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"$ref": "#/components/schemas/B"}},
        }, "B": {"type": "object"}}}});
        let document: Value = serde_json::from_str(&complete(&raw.to_string(), "/")).unwrap();
        let properties = &document["components"]["schemas"]["A"]["properties"];
        assert_eq!(properties["a"], json!({"type": "string"}));
        assert_eq!(properties["b"], json!({"type": "string", "nullable": true}));
        assert_eq!(
            properties["c"],
            json!({"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": true, "type": "object"})
        );
        assert_eq!(document["servers"][0]["url"], "/");
    }
}
