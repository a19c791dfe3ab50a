//! Damage in any installed version: it is found, repaired from data on the disk, and never a dead end.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::shop::{Launched, Shop};
use crate::support::run::Run;
use crate::support::trees::{chmod, noise, write};

/// Large enough to be hard-linked.
const LARGE: usize = 300_000;

const PACK: &str = "data/large.pck";

/// Two versions that share a large file and a settings file; the second is current.
fn updated() -> Shop {
    let shop = Shop::new();
    for version in ["1.0.0", "2.0.0"] {
        shop.publish_in("stable", version, &[], |tree| {
            write(tree, PACK, &noise(7, LARGE));
            write(tree, "settings.cfg", b"volume=5\n");
        });
        shop.update(&[]).done();
    }
    shop
}

/// Writes into the file in place, which also changes files that share its bytes.
fn write_into(path: &Path) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(b"not what was published").unwrap();
}

/// Replaces the file with another one.
fn replace(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::write(path, b"another").unwrap();
}

fn hide_repository(shop: &Shop) {
    fs::rename(shop.publisher.repository(), shop.path("away")).unwrap();
}

fn bring_repository_back(shop: &Shop) {
    fs::rename(shop.path("away"), shop.publisher.repository()).unwrap();
}

/// What `verify` reports for each version: its number, whether it is current, and the damaged files.
#[track_caller]
fn damage(shop: &Shop) -> Vec<(String, bool, Vec<String>)> {
    let run = shop.vsekai(&["verify"]);
    let last = run.lines.last().unwrap();
    let paths = |version: &Value| -> Vec<String> {
        let damage = version["damage"].as_array().unwrap();
        damage.iter().map(|damage| damage["path"].as_str().unwrap().to_owned()).collect()
    };
    let versions = last["versions"].as_array().unwrap_or_else(|| panic!("{last} {}", run.stderr));
    let found: Vec<_> = versions
        .iter()
        .map(|it| (it["version"].as_str().unwrap().to_owned(), it["is_current"].as_bool().unwrap(), paths(it)))
        .collect();
    let is_damaged = found.iter().any(|(.., paths)| !paths.is_empty());
    assert_eq!(run.code, Some(if is_damaged { 3 } else { 0 }), "{last}");
    found
}

#[track_caller]
fn assert_all_whole(shop: &Shop) {
    let found = damage(shop);
    assert!(found.iter().all(|(.., paths)| paths.is_empty()), "{found:?}");
}

#[track_caller]
fn assert_is_build(shop: &Shop, version: &str) {
    assert_eq!(shop.version(), version);
    let build = shop.path(&format!("build-{version}"));
    for name in ["game", "data/map", "data/pack.pck", PACK, "settings.cfg", "licence.txt"] {
        assert!(fs::read(build.join(name)).unwrap() == fs::read(shop.tree().join(name)).unwrap(), "{name}");
    }
}

fn previous_tree(shop: &Shop) -> PathBuf {
    shop.game().join("versions").join(shop.status()["previous"]["folder"].as_str().unwrap())
}

#[test]
fn verify_says_which_version_each_damage_is_in() {
    let shop = updated();
    fs::remove_file(shop.tree().join("licence.txt")).unwrap();
    replace(&previous_tree(&shop).join("data/map"));
    let wanted = [
        ("2.0.0".to_owned(), true, vec!["licence.txt".to_owned()]),
        ("1.0.0".to_owned(), false, vec!["data/map".to_owned()]),
    ];
    assert_eq!(damage(&shop), wanted);
    let last = shop.vsekai(&["verify"]).lines.last().unwrap().clone();
    assert_eq!(last["damage"], json!([{"kind": "missing", "path": "licence.txt"}]), "of the current version, as ever");
    let output = crate::support::run::vsekai().arg("verify").arg(shop.game()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1.0.0") && text.contains("2.0.0") && text.contains("changed: data/map"), "{text}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn damage_to_the_version_before_alone_is_exit_code_3_and_mended() {
    let shop = updated();
    replace(&previous_tree(&shop).join("data/map"));
    assert_eq!(shop.vsekai(&["verify"]).code, Some(3));
    let done = shop.vsekai(&["verify", "--repair"]).done().clone();
    assert_eq!(done["repaired"], Value::Null, "the current version was whole: {done}");
    assert_eq!(done["versions"][1]["repaired"]["plan"]["kept_files"], 5, "{done}");
    assert_all_whole(&shop);
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
}

#[test]
fn one_write_into_a_shared_file_hurts_both_versions_and_both_are_mended() {
    let shop = updated();
    write_into(&shop.tree().join(PACK));
    let found = damage(&shop);
    assert!(found.iter().all(|(.., paths)| paths == &[PACK]), "memory has no clones: it is one file: {found:?}");
    shop.vsekai(&["verify", "--repair"]).done();
    assert_all_whole(&shop);
    assert_is_build(&shop, "2.0.0");
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
}

#[test]
fn rollback_mends_a_file_that_both_versions_shared() {
    let shop = updated();
    write_into(&shop.tree().join(PACK));
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn rollback_without_a_repository_takes_what_starts_and_says_so() {
    let shop = updated();
    write_into(&shop.tree().join(PACK));
    hide_repository(&shop);
    let repair = shop.vsekai(&["verify", "--repair"]);
    assert_eq!(repair.code, Some(1), "no source has its bytes: {:?}", repair.lines.last());
    let run = shop.vsekai(&["rollback"]);
    assert_eq!(run.done()["version"], "1.0.0");
    let warnings = run.warnings("damaged");
    assert!(warnings.iter().any(|it| it.contains("1.0.0")), "{:?}", run.lines);
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    bring_repository_back(&shop);
    shop.vsekai(&["verify", "--repair"]).done();
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn each_version_is_mended_from_the_other_without_a_repository() {
    let shop = updated();
    replace(&previous_tree(&shop).join(PACK));
    replace(&shop.tree().join("settings.cfg"));
    replace(&shop.tree().join("data/pack.pck"));
    hide_repository(&shop);
    let done = shop.vsekai(&["verify", "--repair"]).done().clone();
    assert_eq!(done["repaired"]["plan"]["fetch_chunks"], 0, "{done}");
    assert_eq!(done["versions"][1]["repaired"]["plan"]["fetch_chunks"], 0, "{done}");
    assert_all_whole(&shop);
    assert_is_build(&shop, "2.0.0");
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
}

#[test]
fn rollback_mends_from_the_current_version_without_a_repository() {
    let shop = updated();
    for name in [PACK, "settings.cfg", "licence.txt"] {
        replace(&previous_tree(&shop).join(name));
    }
    hide_repository(&shop);
    let run = shop.vsekai(&["rollback"]);
    run.done();
    assert_eq!(run.warnings("damaged"), [""; 0]);
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn hidden_damage_in_the_other_version_is_not_taken_for_a_cure() {
    let shop = updated();
    replace(&previous_tree(&shop).join(PACK));
    let there = shop.tree().join(PACK);
    let time = fs::metadata(&there).unwrap().modified().unwrap();
    write_into(&there);
    fs::File::open(&there).unwrap().set_modified(time).unwrap();
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
}

#[test]
fn another_mode_of_one_file_is_mended_by_chmod_and_blocks_nothing() {
    let shop = updated();
    let before = previous_tree(&shop);
    chmod(&before, "licence.txt", 0o600);
    let inode = fs::metadata(before.join("licence.txt")).unwrap().ino();
    hide_repository(&shop);
    let run = shop.vsekai(&["rollback"]);
    run.done();
    assert_eq!(run.warnings("damaged"), [""; 0]);
    let found = fs::metadata(shop.tree().join("licence.txt")).unwrap();
    assert_eq!((found.permissions().mode() & 0o777, found.ino()), (0o644, inode));
    assert_eq!(shop.tree(), before, "no version was built for that");
    assert_all_whole(&shop);
}

#[test]
fn mode_of_a_shared_file_is_mended_in_both_versions() {
    let shop = updated();
    chmod(&shop.tree(), PACK, 0o600);
    assert!(damage(&shop).iter().all(|(.., paths)| paths == &[PACK]));
    hide_repository(&shop);
    shop.vsekai(&["verify", "--repair"]).done();
    assert_all_whole(&shop);
}

#[test]
fn file_that_two_versions_share_and_want_with_other_modes_gets_an_inode_of_its_own() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &[], |tree| write(tree, PACK, &noise(7, LARGE)));
    shop.publish_in("stable", "2.0.0", &[], |tree| {
        write(tree, PACK, &noise(7, LARGE));
        chmod(tree, PACK, 0o755);
    });
    shop.update(&["--version", "1.0.0"]).done();
    shop.update(&[]).done();
    // Like a tool that saves space by linking equal files.
    let (one, other) = (previous_tree(&shop).join(PACK), shop.tree().join(PACK));
    fs::remove_file(&one).unwrap();
    fs::hard_link(&other, &one).unwrap();
    shop.vsekai(&["verify", "--repair"]).done();
    assert_all_whole(&shop);
}

/// The second version does this and does not start.
fn bad_version(does: &'static str) -> Shop {
    let shop = Shop::new();
    let publish = |version: &str, script: &str| {
        shop.publish_in("stable", version, &[], |tree| {
            write(tree, PACK, &noise(7, LARGE));
            write(tree, "settings.cfg", b"volume=5\n");
            write(tree, "game", script.as_bytes());
        });
    };
    publish("1.0.0", "#!/bin/sh\necho one\n");
    publish("2.0.0", &format!("#!/bin/sh\n{does}\nexit 1\n"));
    shop.update(&["--version", "1.0.0"]).done();
    shop.launch(&[]);
    shop.update(&[]).done();
    shop
}

fn third_start(shop: &Shop) -> Launched {
    for _ in 0..2 {
        assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
    }
    shop.launch(&[])
}

#[test]
fn version_that_writes_into_its_settings_and_fails_gives_way_to_the_one_before() {
    let shop = bad_version("echo run >> settings.cfg");
    hide_repository(&shop);
    let launched = third_start(&shop);
    assert_eq!((launched.code, &launched.last["rolled_back_from"]), (Some(0), &json!("2.0.0")), "{}", launched.said);
    assert!(!launched.said.contains("\"warned\""), "{}", launched.said);
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn version_that_writes_into_a_shared_file_and_fails_gives_way_with_a_warning() {
    let shop = bad_version("printf x | dd of=data/large.pck conv=notrunc 2>/dev/null");
    let launched = third_start(&shop);
    assert_eq!((launched.code, &launched.last["version"]), (Some(0), &json!("1.0.0")), "{}", launched.said);
    assert!(launched.said.contains(r#""code":"damaged""#), "a start makes no request: {}", launched.said);
    shop.vsekai(&["verify", "--repair"]).done();
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn start_that_goes_back_mends_from_the_disk() {
    let shop = bad_version("true");
    for name in [PACK, "settings.cfg"] {
        replace(&previous_tree(&shop).join(name));
    }
    chmod(&previous_tree(&shop), "licence.txt", 0o600);
    hide_repository(&shop);
    let launched = third_start(&shop);
    assert_eq!((launched.code, &launched.last["version"]), (Some(0), &json!("1.0.0")), "{}", launched.said);
    assert!(!launched.said.contains("\"warned\""), "{}", launched.said);
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn start_does_not_go_back_to_what_cannot_start_either() {
    let shop = bad_version("true");
    replace(&previous_tree(&shop).join("game"));
    let launched = third_start(&shop);
    assert_eq!((launched.code, &launched.last["version"]), (Some(1), &json!("2.0.0")), "{}", launched.said);
    assert!(launched.said.contains(r#""code":"damaged""#), "{}", launched.said);
    // An explicit command may wait for the network.
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
}

#[test]
fn rollback_to_a_version_without_its_program_says_what_helps() {
    let shop = updated();
    replace(&previous_tree(&shop).join("game"));
    replace(&shop.tree().join("game"));
    hide_repository(&shop);
    let run = shop.vsekai(&["rollback"]);
    run.failed("damaged");
    assert!(run.lines.last().unwrap()["hint"].as_str().unwrap().contains("vsekai verify --repair /"));
    assert_eq!(shop.version(), "2.0.0");
    bring_repository_back(&shop);
    shop.vsekai(&["verify", "--repair"]).done();
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
}

/// The current version is recalled, and the previous one is damaged.
fn recalled(hurt: impl Fn(&Path)) -> Shop {
    let shop = updated();
    shop.launch(&[]);
    hurt(&previous_tree(&shop));
    shop.edit("recall", "stable", "2.0.0");
    shop
}

#[test]
fn recall_brings_back_a_hurt_version_whole() {
    let shop = recalled(|tree| {
        write_into(&tree.join(PACK));
        replace(&tree.join("data/map"));
    });
    let done = shop.update(&[]).done().clone();
    assert_eq!(done["why"], "recalled", "{done}");
    assert_is_build(&shop, "1.0.0");
    shop.assert_whole();
    assert_eq!(damage(&shop)[1].2, [PACK], "the version that was left shares what was hurt");
}

#[test]
fn recall_mends_from_the_disk_where_there_are_no_chunks() {
    let shop = recalled(|tree| {
        for name in [PACK, "settings.cfg", "licence.txt"] {
            replace(&tree.join(name));
        }
    });
    fs::rename(shop.publisher.repository().join("store"), shop.path("away")).unwrap();
    let run = shop.update(&[]);
    run.done();
    assert_eq!(run.warnings("damaged"), [""; 0]);
    assert_is_build(&shop, "1.0.0");
    shop.assert_whole();
}

#[test]
fn recall_takes_what_starts_where_nothing_can_mend_it() {
    let shop = recalled(|tree| write_into(&tree.join(PACK)));
    fs::rename(shop.publisher.repository().join("store"), shop.path("away")).unwrap();
    let run = shop.update(&[]);
    assert_eq!(run.done()["current"]["version"], "1.0.0");
    assert!(!run.warnings("damaged").is_empty(), "{:?}", run.lines);
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    fs::rename(shop.path("away"), shop.publisher.repository().join("store")).unwrap();
    shop.vsekai(&["verify", "--repair"]).done();
    assert_is_build(&shop, "1.0.0");
    assert_all_whole(&shop);
}

#[test]
fn what_games_write_is_copied_and_the_rest_is_shared() {
    let shop = Shop::new();
    for version in ["1.0.0", "2.0.0"] {
        shop.publish_in("stable", version, &[], |tree| {
            write(tree, PACK, &noise(7, LARGE));
            write(tree, "small.pck", &noise(8, 1_000));
            for name in ["large.cfg", "LARGE.JSON", "notes.txt"] {
                write(tree, name, &noise(9, LARGE));
            }
        });
        shop.update(&[]).done();
    }
    let (old, new) = (previous_tree(&shop), shop.tree());
    let is_one = |name: &str| {
        let inode = |tree: &Path| fs::metadata(tree.join(name)).unwrap().ino();
        inode(&old) == inode(&new)
    };
    let shared: Vec<_> = [PACK, "small.pck", "large.cfg", "LARGE.JSON", "notes.txt", "game"]
        .into_iter()
        .filter(|it| is_one(it))
        .collect();
    assert_eq!(shared, [PACK], "memory has no clones");
    assert_all_whole(&shop);
}

#[test]
fn users_files_in_both_versions_outlive_a_repair_of_both() {
    let shop = updated();
    write(&shop.tree(), "mods/new.pck", b"a new hat");
    write(&previous_tree(&shop), "mods/old.pck", b"an old hat");
    write_into(&shop.tree().join(PACK));
    shop.vsekai(&["verify", "--repair"]).done();
    assert_eq!(fs::read(shop.tree().join("mods/new.pck")).unwrap(), b"a new hat");
    assert_eq!(fs::read(previous_tree(&shop).join("mods/old.pck")).unwrap(), b"an old hat");
    assert!(!shop.game().join("saved").exists(), "nothing was in the way");
    assert_eq!(fs::read_dir(shop.game().join("versions")).unwrap().count(), 2);
}

#[test]
fn lost_documents_of_the_version_before_are_damage_and_are_fetched_again() {
    for ending in [".caidx", ".files.json.zst", ".release.json"] {
        let shop = updated();
        let folder = shop.folder_of("1.0.0");
        fs::remove_file(shop.control("indexes").join(format!("{folder}{ending}"))).unwrap();
        assert_eq!(shop.vsekai(&["verify"]).code, Some(3), "without {ending}");
        shop.vsekai(&["verify", "--repair"]).done();
        assert_all_whole(&shop);
        fs::remove_file(shop.control("indexes").join(format!("{folder}{ending}"))).unwrap();
        shop.vsekai(&["rollback"]).done();
        assert_is_build(&shop, "1.0.0");
    }
}

#[test]
fn folder_of_a_version_that_is_gone_is_damage_and_is_built_again() {
    let shop = updated();
    for tree in [shop.tree(), previous_tree(&shop)] {
        fs::remove_dir_all(&tree).unwrap();
        assert_eq!(shop.vsekai(&["verify"]).code, Some(3));
        shop.vsekai(&["verify", "--repair"]).done();
        assert_all_whole(&shop);
    }
    assert_is_build(&shop, "2.0.0");
    fs::remove_dir_all(previous_tree(&shop)).unwrap();
    shop.vsekai(&["rollback"]).done();
    assert_is_build(&shop, "1.0.0");
}

#[test]
fn repair_asks_a_repository_that_is_named() {
    let shop = updated();
    write_into(&shop.tree().join(PACK));
    hide_repository(&shop);
    let alone = shop.vsekai(&["verify", "--repair"]);
    assert!(alone.stderr.contains("its repository is gone"), "{}", alone.stderr);
    let mut command = shop.command(&["verify", "--repair", "--repository"]);
    Run::of(command.arg(shop.path("away")).arg(shop.game())).done();
    assert_all_whole(&shop);
}
