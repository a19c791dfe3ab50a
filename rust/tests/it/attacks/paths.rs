//! Names that lead out of their folder: in targets, file tables and links.

use std::path::Path;

use serde_json::{Value, json};

use super::attacker::Attacker;
use super::documents::attack;
use super::test_install::TestInstall;
use crate::support::trees::{chmod, link, write};

const CANARY: &str = "escaped-by-an-attack";

/// The file table of 2.0.0 with an additional or changed row.
fn attack_by_table(change: impl FnOnce(&mut Vec<Value>), code: &str) {
    attack(|documents| documents.change_files(|table| change(table["entries"].as_array_mut().unwrap())), code);
    for place in ["/", "/tmp", "/dev/shm"] {
        assert!(!Path::new(place).join(CANARY).exists(), "{place}");
    }
}

fn file(path: &str) -> Value {
    let digest = super::attacker::sha256(b"");
    json!({ "path": path, "kind": "file", "mode": 0o100_644, "size": 0, "sha256": digest, "start": 1 })
}

#[test]
fn file_table_with_a_path_out_of_the_tree() {
    let up = format!("../../../{CANARY}");
    let absolute = format!("/tmp/{CANARY}");
    for path in [up.as_str(), &absolute, "data/../../x", "data/./x", "data//x", "..", "."] {
        attack_by_table(|rows| rows.push(file(path)), "file_table_malformed");
    }
}

#[test]
fn file_table_with_a_name_that_is_none_on_some_system() {
    for path in ["data/nul", "COM1.txt", "data/x:stream", "data/a\0b", "a\\b", "trailing.", "a\nb"] {
        attack_by_table(|rows| rows.push(file(path)), "file_table_malformed");
    }
}

#[test]
fn file_table_with_a_link_out_of_the_tree() {
    for target in ["/etc", "../../..", "data/../../..", "C:\\x", "\\\\server\\share", ""] {
        let row = json!({ "path": "z", "kind": "symlink", "mode": 0o120_777, "target": target });
        attack_by_table(|rows| rows.push(row), "unsafe_path");
    }
}

#[test]
fn file_table_with_a_file_behind_a_link() {
    let row = json!({ "path": "z", "kind": "symlink", "mode": 0o120_777, "target": "data" });
    attack_by_table(|rows| rows.extend([row, file(&format!("z/{CANARY}"))]), "file_table_malformed");
}

#[test]
fn file_table_with_a_device_or_with_one_name_twice() {
    let device = json!({ "path": "z", "kind": "device", "mode": 0o020_666 });
    attack_by_table(|rows| rows.push(device), "file_table_malformed");
    attack_by_table(|rows| rows.push(file("game")), "file_table_malformed");
    attack_by_table(|rows| rows.push(file("game/below-a-file")), "file_table_malformed");
}

#[test]
fn file_table_with_sizes_that_do_not_fit_in_64_bits() {
    for size in [u64::MAX, u64::MAX - 1000] {
        let huge = |rows: &mut Vec<Value>| rows.last_mut().unwrap()["size"] = json!(size);
        attack_by_table(huge, "file_table_malformed");
    }
}

#[test]
fn file_table_whose_root_is_no_folder() {
    attack_by_table(|rows| rows.clear(), "file_table_malformed");
    attack_by_table(|rows| drop(rows.remove(0)), "file_table_malformed");
}

#[test]
fn target_whose_name_leaves_its_mode_is_not_believed() {
    let test = TestInstall::new();
    for (at, name) in [format!("stable/../../../{CANARY}"), format!("/tmp/{CANARY}")].iter().enumerate() {
        let hostile = test.stolen(&format!("hostile-{at}"));
        Attacker::new(&hostile, &test.keys()).put("stable", name, b"x");
        let before = test.before();
        assert_eq!(test.update(&hostile.display().to_string()).done()["why"], json!(null), "it is passed over");
        test.assert_untouched(&before);
    }
    test.assert_survived();
}

/// A release document names its index; that name must be valid.
#[test]
fn target_whose_name_is_a_trick_is_never_asked_for() {
    for name in ["a\0b", "%2e%2e%2fx", "a\\b", ".hidden", "a?b", "a#b"] {
        let escape = |documents: &mut super::attacker::Documents| {
            documents.release["index"]["path"] = json!(super::attacker::name_of("stable", "2.0.0", name));
        };
        let code = if name.contains(['\0', '\\', '?']) { "release_malformed" } else { "unsafe_path" };
        attack(escape, code);
    }
}

/// The content of a build is the mode's own business, but its files never get more permissions than a game needs.
#[test]
fn set_user_id_and_write_permission_for_all_are_not_installed() {
    use std::os::unix::fs::PermissionsExt;
    let test = TestInstall::new();
    let tree = test.tree("1.0.1");
    write(&tree, "helper", b"#!/bin/sh\nid -u\n");
    chmod(&tree, "helper", 0o6777);
    link(&tree, "shortcut", "helper");
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    test.update(&test.honest().display().to_string()).done();
    let helper = std::fs::metadata(test.install().join("current/helper")).unwrap();
    assert_eq!(helper.permissions().mode() & 0o7777, 0o755);
}
