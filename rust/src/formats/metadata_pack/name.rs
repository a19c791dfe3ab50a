//! Names of roles and targets: one small alphabet that is safe in URLs, in patterns and on every disk.

use crate::error::{Error, Result};

/// Longest role name, in bytes.
const MAX_ROLE_BYTES: usize = 32;

/// Longest target name, in bytes: leaves room for a digest in the path.
const MAX_TARGET_BYTES: usize = 512;

/// Longest part of a target name, in bytes: with a digest and a dot, still below a disk's limit of 255.
const MAX_PART_BYTES: usize = 160;

/// Names of roles that do not belong to a mode.
const RESERVED: [&str; 7] = ["root", "targets", "snapshot", "timestamp", "catalog", "mirrors", "mirror"];

/// Checks that a mode may have a role of this name: `[a-z0-9][a-z0-9-]{0,31}`, and not another role's name.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_role_name(name: &str) -> Result<()> {
    let invalid = |why: &str| Err(Error::invalid("mode", format!("{name:?} {why}")));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !name.bytes().next().is_some_and(plain) || !name.bytes().all(|b| plain(b) || b == b'-') {
        return invalid("is not made of a-z, 0-9 and -, or begins with -");
    }
    if name.len() > MAX_ROLE_BYTES {
        return invalid("is longer than 32 letters");
    }
    if RESERVED.contains(&name) {
        return invalid("is the name of another role");
    }
    Ok(())
}

/// Checks that a target may have this name: parts of letters, digits and `._+-`, joined by `/`, none of which begins
/// with a dot.
///
/// # Errors
/// [`Error::UnsafePath`].
pub fn check_target_name(name: &str) -> Result<()> {
    let refuse = |reason| Err(Error::UnsafePath { name: name.chars().take(200).collect(), reason });
    if name.len() > MAX_TARGET_BYTES {
        return refuse("it is longer than 512 bytes");
    }
    for part in name.split('/') {
        if part.is_empty() || part.starts_with('.') {
            return refuse("a part of it is empty or begins with a dot");
        }
        if part.len() > MAX_PART_BYTES {
            return refuse("a part of it is longer than 160 bytes");
        }
        if !part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b)) {
            return refuse("it has characters other than letters, digits and . _ + -");
        }
    }
    Ok(())
}

/// Path of a target below the repository's root.
pub fn target_path(name: &str, sha256_hex: &str) -> String {
    match name.rsplit_once('/') {
        Some((folders, file)) => format!("targets/{folders}/{sha256_hex}.{file}"),
        None => format!("targets/{sha256_hex}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_roles_and_names_that_are_paths_are_no_modes() {
        for good in ["stable", "nightly", "0", "pr-1234", "a".repeat(32).as_str()] {
            check_role_name(good).unwrap();
        }
        for bad in ["", "-x", "Stable", "a/b", "a.b", "..", "a_b", "ä", "a*", "root", "targets", "catalog"] {
            assert_eq!(check_role_name(bad).unwrap_err().code(), "invalid_argument", "{bad}");
        }
        assert!(check_role_name(&"a".repeat(33)).is_err());
    }

    #[test]
    fn target_names_stay_where_they_belong() {
        for good in ["catalog.json", "stable/1.0.0-rc.1+b2/linux-x86_64/files.json.zst"] {
            check_target_name(good).unwrap();
        }
        let bad =
            ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\\b", "a%2fb", "a b", "c:x", "a?b", "a#b", "a\0b"];
        for bad in bad {
            assert_eq!(check_target_name(bad).unwrap_err().code(), "unsafe_path", "{bad:?}");
        }
        assert!(check_target_name(&"a/".repeat(300)).is_err());
    }

    #[test]
    fn digest_stands_before_the_last_part() {
        assert_eq!(target_path("catalog.json", "ab"), "targets/ab.catalog.json");
        assert_eq!(target_path("stable/1.0.0/release.json", "ab"), "targets/stable/1.0.0/ab.release.json");
    }
}
