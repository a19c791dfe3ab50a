//! The header `Allow`: which methods a path has, according to the `OpenAPI` document.

use serde_json::Value;

/// The methods of every path.
#[derive(Debug)]
pub(super) struct Allowed {
    /// The segments of each path (`None` for a parameter), and its methods.
    paths: Vec<(Vec<Option<String>>, Vec<String>)>,
}

impl Allowed {
    pub(super) fn of(spec: &str) -> Self {
        let document: Value = serde_json::from_str(spec).unwrap_or_default();
        let paths = document.get("paths").and_then(Value::as_object);
        let parse = |(path, item): (&String, &Value)| {
            let part = |part: &str| (!part.starts_with('{')).then(|| part.to_owned());
            let mut methods: Vec<String> =
                item.as_object().map(|it| it.keys().map(|key| key.to_uppercase()).collect()).unwrap_or_default();
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".to_owned());
            }
            (path.split('/').map(part).collect(), methods)
        };
        Self { paths: paths.map(|paths| paths.iter().map(parse).collect()).unwrap_or_default() }
    }

    /// The methods of this path, separated by commas. Any path that is not an operation is a page, which can be read.
    pub(super) fn methods(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |pattern: &[Option<String>]| {
            let is_same = |(part, given): (&Option<String>, &&str)| part.as_ref().is_none_or(|part| part == given);
            pattern.len() == parts.len() && pattern.iter().zip(&parts).all(is_same)
        };
        let mut methods: Vec<&str> =
            self.paths.iter().filter(|(pattern, _)| fits(pattern)).flat_map(|(_, it)| it).map(String::as_str).collect();
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() { "GET, HEAD".to_owned() } else { methods.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_a_path_are_those_of_its_operations() {
        let allowed = Allowed::of(&crate::api::spec());
        assert_eq!(allowed.methods("/api/v1/modes"), "GET, HEAD, POST");
        assert_eq!(allowed.methods("/api/v1/modes/stable"), "GET, HEAD, PATCH");
        assert_eq!(allowed.methods("/api/v1/publications/x/commit"), "POST");
        assert_eq!(allowed.methods("/healthz"), "GET, HEAD");
    }
}
