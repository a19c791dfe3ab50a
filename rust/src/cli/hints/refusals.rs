//! What to do about the refusal of an update server, by the server's own code.

/// The hint for a code of an update server and its status, if there is one.
pub(super) fn hint(code: &str, status: u16) -> Option<&'static str> {
    Some(match (code, status) {
        ("unauthorized" | "forbidden", _) => {
            "Give a token that may do this, with --token-file or VSEKAI_TOKEN. Whoever runs the server makes them."
        }
        (
            "quota_exceeded"
            | "too_many_publications"
            | "disk_full"
            | "internal"
            | "keys_missing"
            | "clock_wrong"
            | "chunks_unreachable",
            _,
        ) => "Tell whoever runs the server: its log says more.",
        ("store_moved", _) => {
            "Whoever runs the server must start it again with the new place of the chunks. Then run this again: what was \
             sent is kept."
        }
        ("publication_stale" | "publication_expired" | "publication_ended" | "chunks_missing", _) | (_, 429 | 503) => {
            "Run it again in a moment: what was sent is kept."
        }
        ("keys_differ", _) => "Use the keys that were made for this server, or give it the new ones.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn tokens_are_named_only_where_they_matter() {
        let is_about_tokens =
            |code, status| hint(code, status).is_some_and(|hint| hint.to_ascii_lowercase().contains("token"));
        assert!(hint("store_moved", 503).is_some_and(|hint| hint.contains("start it again")), "waiting does not help");
        assert!(hint("chunks_unreachable", 503).is_some_and(|hint| hint.contains("whoever runs the server")));
        assert!(is_about_tokens("unauthorized", 401) && is_about_tokens("forbidden", 403));
        for (code, status) in [("publication_stale", 409), ("chunk_deleting", 503), ("internal", 500), ("odd", 422)] {
            assert!(!is_about_tokens(code, status), "{code}");
        }
    }

    #[test]
    fn every_code_is_one_that_servers_have() {
        let page = include_str!("../../../../docs/errors.md");
        let source = include_str!("refusals.rs").split("#[cfg(test)]").next().unwrap();
        let is_code = |text: &&str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
        let named: Vec<&str> = source.split('"').skip(1).step_by(2).filter(is_code).collect();
        assert!(named.len() > 10, "{named:?}");
        for code in named {
            assert!(page.contains(&format!("`{code}` |")), "{code}");
        }
    }
}
