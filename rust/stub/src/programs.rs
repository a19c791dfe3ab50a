//! Which `vsekai` to try, and in which order. Reads `state.json`, and starts nothing.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Larger than any state that an install has.
const MAX_STATE_BYTES: u64 = 4 << 20;

/// The name of the program on this system.
pub(crate) fn name() -> String {
    format!("vsekai{}", std::env::consts::EXE_SUFFIX)
}

/// The programs of an install root that may be a `vsekai`, best first, whether they exist or not: the copy that
/// `vsekai integrate` has placed, those in the current and the previous version, and what the copy was before, in case
/// its replacement was interrupted.
pub(crate) fn candidates(root: &Path, state: &[u8], name: &str) -> Vec<PathBuf> {
    let copy = root.join(".vsekai").join("bin").join(name);
    let state: Value = serde_json::from_slice(state).unwrap_or_default();
    let folders = ["current", "previous"].into_iter().filter_map(|which| state[which]["folder"].as_str());
    let versions =
        folders.filter(|folder| is_plain(folder)).map(|folder| root.join("versions").join(folder).join(name));
    let before = copy.with_file_name(format!("{name}.old"));
    std::iter::once(copy).chain(versions).chain([before]).collect()
}

/// Whether a folder of the state is below `versions`, as every one is that `vsekai` has written.
fn is_plain(folder: &str) -> bool {
    !folder.is_empty() && !folder.starts_with('.') && !folder.contains(['/', '\\', ':'])
}

/// The bytes of `state.json`; empty if there is none.
pub(crate) fn state(root: &Path) -> Vec<u8> {
    let path = root.join(".vsekai").join("state.json");
    let is_small = std::fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= MAX_STATE_BYTES);
    if is_small { std::fs::read(&path).unwrap_or_default() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(state: &str) -> Vec<String> {
        let found = candidates(Path::new("R"), state.as_bytes(), "vsekai.exe");
        found.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect()
    }

    const COPY: &str = "R/.vsekai/bin/vsekai.exe";
    const BEFORE: &str = "R/.vsekai/bin/vsekai.exe.old";

    #[test]
    fn copy_comes_first_then_the_current_and_the_previous_version() {
        let state = r#"{"schema":1,"current":{"folder":"2.0.0-1a"},"previous":{"folder":"1.0.0-2b.2"},"trial":null}"#;
        let versions = ["R/versions/2.0.0-1a/vsekai.exe", "R/versions/1.0.0-2b.2/vsekai.exe"];
        assert_eq!(of(state), [COPY, versions[0], versions[1], BEFORE]);
        assert_eq!(of(r#"{"current":null,"previous":{"folder":"1.0.0"}}"#)[1], "R/versions/1.0.0/vsekai.exe");
    }

    #[test]
    fn damaged_state_leaves_the_copy() {
        for state in ["", "{", "[]", "null", r#"{"current":5}"#, r#"{"current":{"folder":7}}"#] {
            assert_eq!(of(state), [COPY, BEFORE], "{state}");
        }
    }

    #[test]
    fn folder_elsewhere_is_not_looked_into() {
        for folder in ["", ".", "..", "../../x", "a/b", "C:", "\\\\\\\\server\\\\x"] {
            let state = format!(r#"{{"current":{{"folder":"{folder}"}}}}"#);
            assert_eq!(of(&state), [COPY, BEFORE], "{state}");
        }
    }
}
