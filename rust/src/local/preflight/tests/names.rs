//! Names that a platform cannot hold, versions, and the publisher's own files.

use super::*;

/// What a tree with these empty files is found to have, with the severity.
fn found_in_names(platform: &'static str, entry: &str, paths: &[&str]) -> Vec<(String, Severity)> {
    let program = match platform {
        "windows-x86_64" => pe(0x8664, PROGRAM),
        "macos-universal" => mach(0x0100_000c, 2),
        _ => elf(62, PROGRAM),
    };
    let tree = Tree { platform, entry: Some(RelPath::new(entry).unwrap()), ..Tree::empty() };
    tree.write(entry, &program, 0o755);
    paths.iter().for_each(|path| tree.write(path, b"", 0o644));
    let findings = tree.findings();
    brief(&findings).into_iter().zip(findings.iter().map(|finding| finding.severity)).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_the_same_on_some_disks_are_refused_where_such_disks_are() {
    for twins in [
        ["data/a", "Data/b"],
        ["Foo", "foo"],
        ["caf\u{e9}", "cafe\u{301}"],
        ["\u{e9}/a", "e\u{301}/b"],
        ["CAF\u{c9}", "cafe\u{301}"],
        ["STRASSE\u{df}", "strasse\u{1e9e}"],
        ["a\u{200d}b", "ab"],
        ["\u{ac00}", "\u{1100}\u{1161}"],
    ] {
        for (platform, severity) in [
            ("windows-x86_64", Severity::Refused),
            ("macos-universal", Severity::Refused),
            ("linux-x86_64", Severity::Warning),
        ] {
            let found = found_in_names(platform, "game", &twins);
            assert_eq!(found.len(), 1, "{twins:?} {found:?}");
            assert!(found[0].0.starts_with("case_collision ") && found[0].1 == severity, "{twins:?} {found:?}");
        }
    }
    assert_eq!(found_in_names("windows-x86_64", "game", &["é", "e", "è", "a/x", "b/x"]), []);
}

#[test]
fn names_that_differ_in_form_are_told_apart_in_the_message() {
    let tree = Tree::sound();
    tree.write("caf\u{e9}", b"", 0o644);
    tree.write("cafe\u{301}", b"", 0o644);
    // Some disks hold only one of them.
    for finding in tree.findings() {
        assert!(finding.message.contains("caf\\u{e9}") && finding.message.contains("cafe\\u{301}"), "{finding:?}");
    }
}

#[test]
fn links_are_refused_for_windows_alone() {
    for (platform, want) in [("windows-x86_64", &["link_unsupported a/link"][..]), ("linux-x86_64", &[])] {
        let tree = Tree { platform, entry: None, ..Tree::empty() };
        let program = if platform == "linux-x86_64" { elf(62, PROGRAM) } else { pe(0x8664, PROGRAM) };
        tree.write("a/game.exe", &program, 0o755);
        std::os::unix::fs::symlink("game.exe", tree.folder.path().join("a/link")).unwrap();
        assert_eq!(tree.found(), want, "{platform}");
    }
}

#[test]
fn paths_that_leave_no_room_are_refused() {
    let long = |bytes: usize| ["d".repeat(100), "e".repeat(100), "f".repeat(bytes - 202)].join("/");
    assert_eq!(found_in_names("windows-x86_64", "game", &[&long(230)]), []);
    let found = found_in_names("windows-x86_64", "game", &[&long(231)]);
    assert_eq!(found, [(format!("path_too_long {}", long(231)), Severity::Refused)]);
    assert_eq!(found_in_names("linux-x86_64", "game", &[&long(300)]), []);
    // Units of UTF-16, as Windows counts.
    let wide = ["é".repeat(110), "ü".repeat(110)].join("/");
    assert_eq!(found_in_names("windows-x86_64", "game", &[&wide]), []);
    let deep = vec!["d".repeat(200); 5].join("/");
    let found = found_in_names("macos-universal", "game", &[&deep]);
    assert!(found.iter().all(|(code, severity)| code.starts_with("path_too_long ") && *severity == Severity::Refused));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn what_archives_cannot_hold_is_named() {
    let skipped: Vec<Skipped> = (0..30)
        .map(|number| Skipped { path: RelPath::new(&format!("run/{number:02}")).unwrap(), what: "a pipe" })
        .collect();
    let findings = super::skipped(&skipped);
    assert_eq!(findings.len(), MAX_FINDINGS_PER_CODE + 1);
    assert_eq!(findings[0].message, "run/00 is a pipe and is left out.");
    assert_eq!((findings[25].code, findings[25].message.as_str()), ("special_file", "And 5 more of the same."));
}

#[test]
fn versions_that_nothing_can_follow_are_found() {
    let code = |version| Tree { version, ..Tree::sound() }.found();
    for extreme in [
        "18446744073709551615.0.0",
        "1.18446744073709551615.0",
        "1.0.18446744073709551615",
        "1.0.0-rc.18446744073709551615",
        "4294967295.0.0",
        "1.2.2147483647",
        "999999999.0.0",
    ] {
        assert_eq!(code(extreme), ["version_extreme -"], "{extreme}");
    }
    for fine in ["20261126.0.0", "2026.11.26184200", "1.0.20261126184200", "0.0.0", "1.0.0+18446744073709551615"] {
        assert_eq!(code(fine), [""; 0], "{fine}");
    }
}

#[test]
fn version_below_the_newest_is_found() {
    let order =
        |version, newest| brief(&check_order(&Version::parse(version).unwrap(), &Version::parse(newest).unwrap()));
    assert_eq!(order("0.9.0", "1.0.0"), ["version_lower -"]);
    assert_eq!(order("1.0.0-rc.1", "1.0.0"), ["version_lower -"]);
    assert_eq!(order("1.0.0+b", "1.0.0+a"), [""; 0]);
    assert_eq!(order("1.0.0+a", "1.0.0+b"), [""; 0], "neither is newer");
    assert_eq!(order("1.0.1", "1.0.0"), [""; 0]);
}

#[test]
fn own_files_of_the_publisher_are_found_however_they_are_named() {
    let outer = tempfile::tempdir().unwrap();
    let tree = outer.path().join("tree");
    fs::create_dir_all(tree.join("sub/keys")).unwrap();
    fs::write(tree.join("token"), b"t").unwrap();
    fs::write(outer.path().join("config"), b"some bytes").unwrap();
    fs::hard_link(outer.path().join("config"), tree.join("sub/copy")).unwrap();
    std::os::unix::fs::symlink(&tree, outer.path().join("alias")).unwrap();
    std::os::unix::fs::symlink("tree/sub", outer.path().join("inner")).unwrap();
    let layout = tree::layout(&tree, &without_times()).unwrap();
    let found = |path: &str| {
        let path = outer.path().join(path);
        own_files(&tree, &layout, &[("The key folder", &path)]).unwrap().len()
    };
    for inside in [
        "tree",
        "tree/",
        "tree/sub/keys",
        "tree/./sub/../sub/keys",
        "tree/token",
        "tree/not/yet/there",
        "alias/sub/keys",
        "alias/new",
        "inner/keys",
        "inner",
        "config",
    ] {
        assert_eq!(found(inside), 1, "{inside}");
    }
    for outside in ["", "tree2", "keys", "tree/../keys", "tre", "inner/../../keys"] {
        assert_eq!(found(outside), 0, "{outside}");
    }
    let findings = own_files(&tree, &layout, &[("The key folder", &tree.join("sub"))]).unwrap();
    assert_eq!((findings[0].code, findings[0].severity), ("publisher_file", Severity::Refused));
}
