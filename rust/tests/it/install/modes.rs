//! Modes, and users who are moved from one to another.

use vsekai_updater::formats::release::{CATALOG_TARGET, Catalog, ModeName};
use vsekai_updater::net::trust::{CATALOG_ROLE, Keys, Publication};

use super::shop::Shop;
use crate::support::repository::Publisher;
use crate::support::run::Run;

/// `stable` is at 1.0.0 and installed, `beta` at this version.
fn with_beta(version: &str) -> Shop {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("beta", version, &[], |_| {});
    shop
}

fn switch(shop: &Shop, mode: &str) -> Run {
    shop.vsekai(&["mode", "switch", "--mode_name", mode])
}

#[test]
fn switch_to_a_mode_brings_its_version_with_the_next_update() {
    let shop = with_beta("2.0.0-beta.1");
    switch(&shop, "beta").done();
    assert_eq!(shop.version(), "1.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0-beta.1");
    assert_eq!(shop.vsekai(&["mode", "current"]).done()["mode"], "beta");
}

#[test]
fn switch_to_a_mode_with_a_lower_version_goes_down() {
    let shop = with_beta("0.9.0");
    switch(&shop, "beta").done();
    assert_eq!(shop.offered(&[]).as_deref(), Some("0.9.0"));
    shop.update(&[]).done();
    assert_eq!(shop.version(), "0.9.0");
    shop.assert_whole();
}

#[test]
fn update_can_switch_by_itself() {
    let shop = with_beta("2.0.0");
    shop.update(&["--mode", "beta"]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.status()["mode"], "beta");
}

#[test]
fn install_that_follows_a_mode_which_has_nothing_for_it_is_not_called_up_to_date() {
    let shop = with_beta("2.0.0-beta.1");
    shop.update(&["--mode", "beta"]).done();
    shop.vsekai(&["rollback"]).done();
    let run = shop.update(&[]);
    let done = run.done();
    assert_eq!((&done["mode"], &done["current"]["mode"]), (&"beta".into(), &"stable".into()));
    let mut plain = crate::support::run::vsekai();
    plain.args(["update"]).arg(shop.game());
    let said = String::from_utf8(plain.output().unwrap().stdout).unwrap();
    assert!(said.contains("stays at 1.0.0 (stable): beta has no version to install here now."), "{said}");
}

#[test]
fn mode_that_is_not_there_says_which_there_are() {
    let shop = with_beta("2.0.0");
    let message = switch(&shop, "nightly").failed("mode_unknown");
    assert!(message.contains("beta, stable"), "{message}");
    shop.update(&["--mode", "nightly"]).failed("mode_unknown");
    assert_eq!(shop.status()["mode"], "stable");
}

#[test]
fn mode_that_comes_from_the_users_default_is_said_to() {
    let shop = Shop::with(&["1.0.0"]);
    let file = shop.path("config.toml");
    std::fs::write(&file, "mode = \"nightly\"\n").unwrap();
    let mut command = crate::support::run::vsekai();
    command.env("VSEKAI_CONFIG", &file).arg("--update").arg(shop.path("new"));
    command.arg("--repository").arg(shop.publisher.repository()).arg("--trust-root").arg(shop.publisher.root());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("config.toml says that new installs follow"), "{said}");
}

#[test]
fn users_of_a_retired_mode_are_moved_to_its_successor() {
    let shop = with_beta("2.0.0");
    shop.publisher.edit(&["retire", "--mode", "stable", "--update-to", "beta"]);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    let status = shop.status();
    assert_eq!((&status["mode"], &status["current"]["mode"]), (&"stable".into(), &"beta".into()));
    // The mode that the user chose comes back, and so does the user.
    shop.publisher.edit(&["activate", "--mode", "stable"]);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
}

/// The keys of an update server and of the nightly builds are stolen: neither is the key of `stable`.
#[test]
fn stolen_online_keys_and_the_key_of_another_mode_move_nobody() {
    let shop = with_beta("0.0.1");
    let stolen = shop.publisher.some_keys("stolen", &["catalog", "snapshot", "timestamp", "beta"]);
    let retire = ["retire", "--mode", "stable", "--update-to", "beta"];
    shop.publisher.repository_command(&stolen, &retire).failed("key_missing");
    // The thief has another program, which signs the catalog alone.
    let keys = Keys::open(&stolen).unwrap();
    let mut publication = Publication::open(shop.publisher.repository(), &keys).unwrap();
    let mut catalog = Catalog::parse(&publication.target(CATALOG_TARGET).unwrap().unwrap()).unwrap();
    let stable = catalog.modes.get_mut(&ModeName::default()).unwrap();
    (stable.is_active, stable.update_to) = (false, Some(ModeName::new("beta").unwrap()));
    stable.sequence += 1;
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes().unwrap()).unwrap();
    publication.commit().unwrap();
    drop(publication);
    shop.update(&[]).failed("mode_retired");
    shop.vsekai(&["check"]).failed("mode_retired");
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    shop.assert_whole();
    shop.publisher.edit(&["activate", "--mode", "stable"]);
    shop.update(&[]).done();
    assert_eq!((shop.version(), shop.status()["mode"].clone()), ("1.0.0".to_owned(), "stable".into()));
}

#[test]
fn key_of_targets_may_name_the_successor_of_a_mode_whose_key_is_lost() {
    let shop = with_beta("2.0.0");
    let keys = shop.publisher.some_keys("left", &["targets", "catalog", "snapshot", "timestamp"]);
    shop.publisher.repository_command(&keys, &["retire", "--mode", "stable", "--update-to", "beta"]).done();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    shop.publisher.repository_command(&keys, &["activate", "--mode", "stable"]).done();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn successor_with_older_versions_only_leaves_its_users_where_they_are() {
    let shop = with_beta("0.9.0");
    shop.publisher.edit(&["retire", "--mode", "stable", "--update-to", "beta"]);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.update(&["--version", "0.9.0"]).done();
    assert_eq!(shop.version(), "0.9.0");
}

#[test]
fn recall_does_not_go_below_the_oldest_allowed_version() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish("1.5.0");
    shop.publish_in("stable", "2.0.0", &["--oldest-allowed", "1.5.0"], |_| {});
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    for version in ["2.0.0", "1.5.0"] {
        shop.publisher.edit(&["recall", "--mode", "stable", "--version", version]);
    }
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0", "1.0.0 is not allowed any more");
    shop.update(&["--version", "1.0.0"]).failed("version_too_old");
    shop.publisher.edit(&["recall", "--undo", "--mode", "stable", "--version", "1.5.0"]);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.5.0");
}

/// Somebody with the online keys hides the version that raised the floor from those who have not seen it.
#[test]
fn recall_of_the_version_that_raised_the_floor_does_not_lower_it() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish("2.0.0");
    shop.update(&[]).done();
    shop.publish_in("stable", "3.0.0", &["--oldest-allowed", "2.0.0"], |_| {});
    let stolen = shop.publisher.some_keys("stolen", &["catalog", "snapshot", "timestamp"]);
    for version in ["3.0.0", "2.0.0"] {
        let recall = ["recall", "--mode", "stable", "--version", version];
        shop.publisher.repository_command(&stolen, &recall).done();
    }
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    shop.update(&["--version", "1.0.0"]).failed("version_too_old");
    std::fs::remove_dir_all(shop.game()).unwrap();
    shop.updating_new(&shop.publisher).failed("no_build_for_platform");
}

/// The root is lost to a thief: the launcher ships another one, and a repository that begins anew.
#[test]
fn another_root_that_the_user_gives_begins_anew() {
    let shop = Shop::with(&["1.0.0", "2.0.0", "3.0.0"]);
    shop.update(&[]).done();
    let other = Publisher::new(&shop.path("other"), &["stable"]);
    other.publish_with(&shop.build("9.0.0"), "stable", "9.0.0", &[]);
    shop.updating_new(&other).done();
    assert_eq!(shop.version(), "9.0.0");
}

#[test]
fn another_repository_and_root_are_said_to_replace_those_before() {
    let shop = Shop::with(&["1.0.0"]);
    assert!(shop.update(&[]).done().get("has_new_repository").is_none());
    let other = Publisher::new(&shop.path("other"), &["stable"]);
    other.publish_with(&shop.build("1.0.0"), "stable", "1.0.0", &[]);
    let install = |trust: &Publisher, repository: &Publisher| {
        let mut command = crate::support::run::vsekai();
        command.env("HOME", shop.path("home")).env("XDG_CONFIG_HOME", shop.path("home/.config"));
        command.arg("install").arg(shop.game()).arg("--repository").arg(repository.repository());
        let output = command.arg("--trust-root").arg(trust.root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = install(&other, &other);
    assert!(said.contains("The repository and the trusted root that it had were replaced"), "{said}");
    assert!(!install(&other, &other).contains("replaced"));
}

#[test]
fn variables_apply_to_new_installs_only() {
    let shop = with_beta("2.0.0");
    let other = Publisher::new(&shop.path("other"), &["beta"]);
    other.publish_with(&shop.build("9.0.0"), "beta", "9.0.0", &[]);
    let update = |name: &str| {
        let mut command = shop.command(&["update", "--no-shared-cache"]);
        command.arg(shop.path(name)).env("VSEKAI_MODE", "beta").env("VSEKAI_REPOSITORY", other.repository());
        Run::of(command.env("VSEKAI_TRUST_ROOT", other.root())).done().clone()
    };
    let before = shop.status();
    assert_eq!(update("GAME")["current"]["version"], "1.0.0");
    let after = shop.status();
    assert_eq!((&after["mode"], &after["repository"]), (&before["mode"], &before["repository"]));
    assert_eq!(update("new")["current"]["version"], "9.0.0");
}

#[test]
fn mode_retired_without_a_successor_stops_updates_only() {
    let shop = with_beta("2.0.0");
    shop.publisher.edit(&["retire", "--mode", "stable"]);
    shop.update(&[]).failed("mode_retired");
    shop.vsekai(&["check"]).failed("mode_retired");
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    shop.assert_whole();
    switch(&shop, "beta").done();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn switch_to_a_retired_mode_follows_its_successor() {
    let shop = with_beta("2.0.0");
    shop.publisher.edit(&["retire", "--mode", "beta", "--update-to", "stable"]);
    assert_eq!(switch(&shop, "beta").done()["mode"], "stable");
}

#[test]
fn switch_needs_an_install() {
    switch(&Shop::new(), "beta").failed("not_installed");
}

#[test]
fn modes_are_listed_with_what_they_offer() {
    let shop = with_beta("2.0.0");
    let run = shop.vsekai(&["mode", "list"]);
    let modes = run.done()["modes"].as_array().unwrap().clone();
    let row = |at: usize| (modes[at]["name"].clone(), modes[at]["newest"].clone(), modes[at]["is_current"].clone());
    assert_eq!(row(0), ("beta".into(), "2.0.0".into(), false.into()));
    assert_eq!(row(1), ("stable".into(), "1.0.0".into(), true.into()));
}

#[test]
fn version_that_stays_although_it_was_recalled_is_not_called_up_to_date() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    shop.update(&[]).done();
    shop.edit("recall", "stable", "1.0.0");
    for command in ["check", "update"] {
        let run = shop.vsekai(&[command]);
        assert_eq!(run.done()["is_recalled"], true, "{command}");
        let mut plain = crate::support::run::vsekai();
        let said = String::from_utf8(plain.arg(command).arg(shop.game()).output().unwrap().stdout).unwrap();
        assert!(said.contains("stays at 1.0.0 (stable): its publisher has recalled it"), "{command}: {said}");
    }
    shop.publish("1.1.0");
    assert!(shop.vsekai(&["check"]).done().get("is_recalled").is_none());
}
