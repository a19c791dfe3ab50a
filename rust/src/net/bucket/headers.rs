//! How a CDN and a browser are to treat the files of a repository.

use object_store::{Attribute, AttributeValue, Attributes};

/// Files that change under their name.
const CHANGING: &str = "public, max-age=30, stale-while-revalidate=300, stale-if-error=86400";

/// Files whose name contains their version or digest.
const LASTING: &str = "public, max-age=31536000, immutable";

pub(super) fn attributes(path: &str) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, AttributeValue::from(content_type(path)));
    attributes.insert(Attribute::CacheControl, AttributeValue::from(cache_control(path)));
    attributes
}

fn content_type(path: &str) -> &'static str {
    if is_json(path) { "application/json" } else { "application/octet-stream" }
}

fn cache_control(path: &str) -> &'static str {
    let is_list = path.starts_with("bundles/") && is_json(path);
    let changes = is_list || matches!(path, "tuf/timestamp.json" | "tuf/current.pack");
    if changes { CHANGING } else { LASTING }
}

fn is_json(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_asked_for_again() {
        for (path, kind, lasts) in [
            ("tuf/timestamp.json", "application/json", false),
            ("tuf/current.pack", "application/octet-stream", false),
            ("tuf/12.snapshot.json", "application/json", true),
            ("targets/stable/1.0.0/0a.release.json", "application/json", true),
            ("targets/stable/1.0.0/0a.files.json.zst", "application/octet-stream", true),
            ("store/0a0b/0a0b.cacnk", "application/octet-stream", true),
            ("bundles/0a.json", "application/json", false),
            ("bundles/0a", "application/octet-stream", true),
        ] {
            assert_eq!(content_type(path), kind, "{path}");
            assert_eq!(cache_control(path) == LASTING, lasts, "{path}");
        }
    }
}
