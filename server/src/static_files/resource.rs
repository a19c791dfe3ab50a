//! From the path of a URL to the resource that it names. Paths that could lead out of the repository name nothing.

use vsekai_updater::digest::Digest;
use vsekai_updater::formats::chunk::ChunkId;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    /// `/store/<4 hex>/<64 hex>.cacnk`
    Chunk(ChunkId),
    /// `/tuf/<name>` or `/targets/<path>`: the decoded path within the repository.
    Document(String),
    /// `/bundles/<64 hex>`
    Bundle(Digest),
    /// `/bundles/<64 hex>.json`
    BundleList(Digest),
    /// Any other name below `/bundles/`, where nothing is.
    NoBundle,
}

/// Longest path within the repository, in bytes. The longest in use has about 250.
const MAX_BYTES: usize = 1024;

/// Whether the path lies in one of the folders of the repository.
pub(super) fn is_in_repository(path: &str) -> bool {
    ["/store/", "/tuf/", "/targets/", "/bundles/"].iter().any(|start| path.starts_with(start))
}

impl Resource {
    pub(super) fn parse(path: &str) -> Option<Self> {
        if let Some(name) = path.strip_prefix("/store/") {
            // Percent-encoding is not decoded here: every chunk has exactly one address.
            return parse_chunk(name).map(Self::Chunk);
        }
        let path = decode(path.strip_prefix('/')?)?;
        let (folder, name) = path.split_once('/')?;
        let is_sound = name.split('/').all(is_name);
        match folder {
            "tuf" if is_sound && !name.contains('/') => Some(Self::Document(path)),
            "targets" if is_sound => Some(Self::Document(path)),
            "bundles" if is_sound && !name.contains('/') => Some(match name.strip_suffix(".json") {
                Some(index) => index.parse().map_or(Self::NoBundle, Self::BundleList),
                None => name.parse().map_or(Self::NoBundle, Self::Bundle),
            }),
            _ => None,
        }
    }
}

fn parse_chunk(name: &str) -> Option<ChunkId> {
    let (prefix, name) = name.split_once('/')?;
    let id = name.strip_suffix(".cacnk")?;
    (prefix.len() == 4 && id.starts_with(prefix)).then(|| id.parse().ok())?
}

fn is_name(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.chars().any(|c| c == '\\' || c.is_control())
}

/// Decodes `%XX`. Fails for broken escapes, an escaped `/`, text that is not UTF-8, and paths that are too long.
fn decode(path: &str) -> Option<String> {
    if path.len() > MAX_BYTES {
        return None;
    }
    if !path.contains('%') {
        return Some(path.to_owned());
    }
    let mut parts = path.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).ok()?;
        if byte == *b"/" {
            return None;
        }
        bytes.extend(byte);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(path: &str) -> Resource {
        Resource::Document(path.to_owned())
    }

    #[test]
    fn the_paths_of_a_repository_are_understood() {
        let hex = format!("0006{}", "ab".repeat(30));
        let id = hex.parse().unwrap();
        assert_eq!(Resource::parse(&format!("/store/0006/{hex}.cacnk")), Some(Resource::Chunk(id)));
        assert_eq!(Resource::parse("/tuf/12.root.json"), Some(document("tuf/12.root.json")));
        assert_eq!(
            Resource::parse("/targets/stable/1.0.0%2B7/linux-x86_64/ab.release.json"),
            Some(document("targets/stable/1.0.0+7/linux-x86_64/ab.release.json"))
        );
        assert_eq!(Resource::parse("/targets/stable/1.0.0+7/x"), Some(document("targets/stable/1.0.0+7/x")));
        let digest = Digest(*hex.parse::<ChunkId>().unwrap().as_bytes());
        assert_eq!(Resource::parse(&format!("/bundles/{hex}")), Some(Resource::Bundle(digest)));
        assert_eq!(Resource::parse(&format!("/bundles/{hex}.json")), Some(Resource::BundleList(digest)));
    }

    #[test]
    fn a_chunk_has_one_address() {
        let hex = format!("0006{}", "ab".repeat(30));
        let upper = hex.to_uppercase();
        for path in [
            format!("/store/0007/{hex}.cacnk"),
            format!("/store/000/{hex}.cacnk"),
            format!("/store/00/06/{hex}.cacnk"),
            format!("/store/0006/{hex}"),
            format!("/store/0006/{hex}.cacnk.cacnk"),
            format!("/store/0006/{upper}.cacnk"),
            format!("/store/0006/{}.cacnk", &hex[..62]),
            format!("/store//0006/{hex}.cacnk"),
            format!("/store/0006//{hex}.cacnk"),
            format!("/store/%30006/{hex}.cacnk"),
            format!("/store/0006/../0006/{hex}.cacnk"),
            format!("/store/{hex}.cacnk"),
            "/store/".to_owned(),
        ] {
            assert_eq!(Resource::parse(&path), None, "{path}");
        }
    }

    #[test]
    fn a_bundle_has_one_address() {
        let hex = format!("0006{}", "ab".repeat(30));
        for name in [
            "x".to_owned(),
            hex.to_uppercase(),
            hex[..62].to_owned(),
            format!("{hex}00"),
            format!("{hex}.JSON"),
            format!("{hex}.json.json"),
        ] {
            assert_eq!(Resource::parse(&format!("/bundles/{name}")), Some(Resource::NoBundle), "{name}");
        }
        for name in ["", "a/b", "..", "a%2fb"] {
            assert_eq!(Resource::parse(&format!("/bundles/{name}")), None, "{name}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_mean_nothing() {
        for path in [
            "/tuf/",
            "/tuf/..",
            "/tuf/.",
            "/tuf/%2e%2e",
            "/tuf/a/b",
            "/tuf/a%2fb",
            "/tuf/a%5cb",
            "/tuf/a\\b",
            "/tuf/a%00",
            "/tuf/a%0a",
            "/tuf/%ff",
            "/tuf/%",
            "/tuf/%4",
            "/tuf/%zz",
            "/tuf/%+1",
            "/targets/../tuf/1.root.json",
            "/targets/%2e%2e/tuf/1.root.json",
            "/targets/a//b",
            "/targets/a/./b",
            "/targets/a/",
            "/targets",
            "/",
            "",
            "/store",
            "/etc/passwd",
            "tuf/1.root.json",
        ] {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
        assert_eq!(Resource::parse(&format!("/tuf/{}", "a".repeat(1025))), None);
    }

    proptest! {
        #[test]
        fn no_path_makes_a_document_outside_of_the_repository(path in "/(tuf|targets)/[a.%2efF/\\\\0]{0,12}") {
            if let Some(Resource::Document(path)) = Resource::parse(&path) {
                prop_assert!(path.starts_with("tuf/") || path.starts_with("targets/"));
                prop_assert!(path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
                prop_assert!(!path.contains(['\\', '\0']));
            }
        }
    }
}
