//! The effects of the catalog on the versions that are offered.

use serde_json::json;

use super::shop::Shop;

#[test]
fn recalled_version_moves_its_users_down() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    shop.edit("recall", "stable", "2.0.0");
    let check = shop.vsekai(&["check"]);
    let available = &check.done()["available"];
    assert_eq!((&available["version"], &available["why"]), (&json!("1.0.0"), &json!("recalled")));
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
    assert_eq!(shop.offered(&[]), None);
}

#[test]
fn recalled_version_cannot_be_had_by_name() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.edit("recall", "stable", "2.0.0");
    let said = shop.update(&["--version", "2.0.0"]).failed("version_unknown");
    assert!(said.contains("was recalled by its publisher"), "{said}");
    assert_eq!(shop.offered(&[]), None);
}

#[test]
fn skipped_version_is_had_by_name_alone() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.edit("skip", "stable", "2.0.0");
    assert_eq!(shop.offered(&[]), None);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.update(&["--version", "2.0.0"]).done();
    assert_eq!(shop.version(), "2.0.0");
    // Installs that have it keep it.
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn version_for_nobody_yet_is_had_by_who_does_not_wait() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &["--rollout", "0"], |_| {});
    assert_eq!(shop.offered(&[]), None);
    assert_eq!(shop.offered(&["--now"]).as_deref(), Some("2.0.0"));
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.update(&["--now"]).done();
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn version_that_has_not_reached_this_install_yet_is_said_to_come() {
    let shop = Shop::with(&["1.0.0"]);
    assert_eq!(shop.vsekai(&["check"]).done().get("held_back"), None);
    shop.publish_in("stable", "2.0.0", &["--rollout", "0"], |_| {});
    for command in ["check", "update"] {
        assert_eq!(shop.vsekai(&[command]).done()["held_back"], "2.0.0", "{command}");
        let output = crate::support::run::vsekai().arg(command).arg(shop.game()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let how = format!("To take it now: `vsekai update {} --now`.", shop.game().display());
        assert!(
            said.contains("2.0.0 is being rolled out; this install gets it later.") && said.contains(&how),
            "{said}"
        );
    }
    // Something newer than what is installed may be offered, and still not the newest.
    let shop = Shop::with(&["1.0.0", "1.1.0"]);
    shop.publish_in("stable", "2.0.0", &["--rollout", "0"], |_| {});
    let checked = shop.vsekai(&["check"]);
    assert_eq!(
        (&checked.done()["available"]["version"], &checked.done()["held_back"]),
        (&json!("1.1.0"), &json!("2.0.0"))
    );
    shop.update(&["--now"]).done();
    assert_eq!(shop.vsekai(&["check"]).done().get("held_back"), None);
}

#[test]
fn version_that_needs_a_newer_launcher_says_so() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &["--min-launcher", "99.0.0"], |_| {});
    let message = shop.update(&[]).failed("launcher_too_old");
    assert!(message.contains("99.0.0"), "{message}");
    assert_eq!(shop.version(), "1.0.0");
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn platform_without_a_build_says_so() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &["--platform", "windows-x86_64", "--allow", "entry_not_program"], |_| {});
    let message = shop.update(&[]).failed("no_build_for_platform");
    assert!(message.contains("stable"), "{message}");
    assert!(!shop.game().exists());
    shop.update(&["--platform", "windows-x86_64"]).done();
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn mode_whose_versions_were_all_recalled_says_so() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let recall = |version| {
        let words = ["recall", "--mode", "stable", "--version", version];
        let run = shop.publisher.repository_command(shop.publisher.keys(), &words);
        run.done();
        let mut text = crate::support::run::vsekai();
        text.arg("repository").args(words).arg("--repository").arg(shop.publisher.repository());
        String::from_utf8(text.arg("--keys").arg(shop.publisher.keys()).output().unwrap().stderr).unwrap()
    };
    assert!(!recall("2.0.0").contains("warning: all versions"));
    assert!(recall("1.0.0").contains("warning: all versions of stable are recalled now"));
    shop.update(&[]).done();
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0", "what is installed keeps working");
    std::fs::remove_dir_all(shop.game()).unwrap();
    let message = shop.update(&[]).failed("no_build_for_platform");
    assert!(message.contains("All versions of the mode \"stable\" were recalled"), "{message}");
}

#[test]
fn version_that_is_not_there_says_so() {
    let shop = Shop::with(&["1.0.0"]);
    shop.update(&["--version", "7.0.0"]).failed("version_unknown");
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn older_version_is_had_by_name() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    shop.update(&["--version", "1.0.0"]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
}

#[test]
fn newest_version_is_no_update_of_itself() {
    let shop = Shop::with(&["1.0.0"]);
    let done = shop.update(&[]).done().clone();
    assert_eq!((&done["why"], &done["written_bytes"]), (&json!(null), &json!(0)));
}
