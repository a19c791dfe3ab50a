//! Tests of which version an install should have.

use std::collections::BTreeMap;

use super::super::{Catalog, Choice, Mode, ModeName, Offer, Platform, Situation, Why, admits, choose, resolve_mode};
use super::{linux, mode, offer, version};

/// A catalog of modes: name, active, successor, offers.
fn catalog(modes: &[(&str, bool, Option<&str>, Vec<Offer>)]) -> Catalog {
    let mut catalog = Catalog::empty();
    for (name, is_active, next, versions) in modes {
        let update_to = next.map(mode);
        let found =
            Mode { is_active: *is_active, update_to, sequence: 99, versions: versions.clone(), ..Mode::begin() };
        catalog.modes.insert(mode(name), found);
    }
    catalog
}

fn skipped(text: &str, sequence: u64) -> Offer {
    Offer { skip_update: true, ..offer(text, sequence) }
}

fn recalled(text: &str, sequence: u64) -> Offer {
    Offer { recalled: true, ..offer(text, sequence) }
}

/// An offer with a rollout of 0%.
fn held(text: &str, sequence: u64) -> Offer {
    Offer { rollout: 0, ..offer(text, sequence) }
}

/// An install in `stable`. Deciding yields `stay`, an error's code, or the reason and the version.
struct Case<'a> {
    installed: Option<(&'a str, &'a str)>,
    bad: &'a [&'a str],
    asked: Option<&'a str>,
    at_once: bool,
    /// The signed successors; nothing: all that the catalog names.
    signed: Option<&'a BTreeMap<ModeName, ModeName>>,
    /// The oldest version of the mode that may still be installed.
    floor: Option<&'a str>,
}

const NEW: Case<'_> = Case { installed: None, bad: &[], asked: None, at_once: false, signed: None, floor: None };

fn has(version: &str) -> Case<'_> {
    Case { installed: Some(("stable", version)), ..NEW }
}

fn decide(offers: &[Offer], case: &Case<'_>) -> String {
    let catalog = catalog(&[("stable", true, None, offers.to_vec())]);
    decide_in(&catalog, "stable", case)
}

fn decide_in(catalog: &Catalog, follows: &str, case: &Case<'_>) -> String {
    let installed = case.installed.map(|(name, text)| (mode(name), version(text)));
    let bad: Vec<_> = case.bad.iter().map(|text| (mode(follows), version(text))).collect();
    let asked = case.asked.map(version);
    let named = catalog.successors();
    let situation = Situation {
        mode: &mode(follows),
        successors: case.signed.unwrap_or(&named),
        floors: &case.floor.iter().map(|floor| (mode(follows), version(floor))).collect(),
        platform: &linux(),
        current: installed.as_ref().map(|(name, found)| (name, found)),
        bad: &bad,
        install_id: "an install",
        asked: asked.as_ref(),
        at_once: case.at_once,
    };
    match choose(catalog, &situation) {
        Ok(Choice::Stay) => "stay".to_owned(),
        Ok(Choice::Take { mode, offer, why }) => {
            let why = match why {
                Why::Install => "install",
                Why::Newer => "newer",
                Why::Recalled => "recalled",
                Why::ModeChanged => "mode changed",
                Why::Asked => "asked",
                Why::Incomplete => "incomplete",
            };
            format!("{why}: {mode} {}", offer.version)
        }
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn first_install_takes_the_newest() {
    assert_eq!(decide(&[offer("1.0.0", 1), offer("1.10.0", 2), offer("1.9.0", 3)], &NEW), "install: stable 1.10.0");
    assert_eq!(decide(&[offer("1.0.0", 1), offer("1.1.0-rc.1", 2)], &NEW), "install: stable 1.1.0-rc.1");
    assert_eq!(decide(&[offer("1.0.0", 1), skipped("2.0.0", 2), recalled("3.0.0", 3)], &NEW), "install: stable 1.0.0");
    assert_eq!(decide(&[offer("1.0.0", 1), held("2.0.0", 2)], &NEW), "install: stable 1.0.0");
}

#[test]
fn first_install_waits_for_no_rollout_if_there_is_nothing_else() {
    assert_eq!(decide(&[held("1.0.0", 1), held("2.0.0", 2)], &NEW), "install: stable 2.0.0");
    assert_eq!(decide(&[held("1.0.0", 1), skipped("2.0.0", 2)], &NEW), "install: stable 1.0.0");
}

#[test]
fn first_install_of_nothing_says_so() {
    for offers in [vec![], vec![skipped("1.0.0", 1)], vec![recalled("1.0.0", 1)]] {
        assert_eq!(decide(&offers, &NEW), "no_build_for_platform");
    }
    let windows = Offer { platforms: [Platform::new("windows-x86_64").unwrap()].into(), ..offer("1.0.0", 1) };
    assert_eq!(decide(&[windows], &NEW), "no_build_for_platform");
}

#[test]
fn update_goes_up_and_never_down() {
    let offers = [offer("1.0.0", 1), offer("2.0.0", 2)];
    assert_eq!(decide(&offers, &has("1.0.0")), "newer: stable 2.0.0");
    assert_eq!(decide(&offers, &has("1.5.0")), "newer: stable 2.0.0");
    assert_eq!(decide(&offers, &has("2.0.0")), "stay");
    assert_eq!(decide(&offers, &has("3.0.0")), "stay");
    assert_eq!(decide(&[], &has("3.0.0")), "stay");
}

#[test]
fn later_build_of_one_version_is_newer() {
    let offers = [offer("1.0.0+a", 1), offer("1.0.0+b", 2)];
    assert_eq!(decide(&offers, &has("1.0.0+a")), "newer: stable 1.0.0+b");
    assert_eq!(decide(&offers, &has("1.0.0+b")), "stay");
    // By their sequence, not by their name.
    let offers = [offer("1.0.0+a", 2), offer("1.0.0+b", 1)];
    assert_eq!(decide(&offers, &has("1.0.0+b")), "newer: stable 1.0.0+a");
    assert_eq!(decide(&offers, &NEW), "install: stable 1.0.0+a");
    // A build that is not in the catalog has no sequence.
    assert_eq!(decide(&offers, &has("1.0.0+c")), "stay");
}

#[test]
fn skipped_version_is_not_offered_but_kept() {
    let offers = [offer("1.0.0", 1), skipped("2.0.0", 2)];
    assert_eq!(decide(&offers, &has("1.0.0")), "stay");
    assert_eq!(decide(&offers, &has("2.0.0")), "stay");
}

#[test]
fn recalled_version_is_left_for_the_best_of_the_rest() {
    let offers = [offer("1.0.0", 1), offer("1.1.0", 2), recalled("2.0.0", 3)];
    assert_eq!(decide(&offers, &has("2.0.0")), "recalled: stable 1.1.0");
    assert_eq!(decide(&offers, &has("1.1.0")), "stay");
    let offers = [offer("1.0.0", 1), recalled("2.0.0", 2), offer("2.0.1", 3)];
    assert_eq!(decide(&offers, &has("2.0.0")), "recalled: stable 2.0.1");
    assert_eq!(decide(&[recalled("2.0.0", 1)], &has("2.0.0")), "stay");
}

#[test]
fn version_that_did_not_start_is_passed_over() {
    let offers = [offer("1.0.0", 1), offer("2.0.0", 2), offer("1.5.0", 3)];
    let case = Case { bad: &["2.0.0"], ..has("1.0.0") };
    assert_eq!(decide(&offers, &case), "newer: stable 1.5.0");
    let all = Case { bad: &["2.0.0", "1.5.0"], ..has("1.0.0") };
    assert_eq!(decide(&offers, &all), "stay");
    let another = catalog(&[("stable", true, None, offers.to_vec()), ("beta", true, None, vec![offer("2.0.0", 1)])]);
    assert_eq!(decide_in(&another, "beta", &Case { bad: &["9.9.9"], ..has("1.0.0") }), "mode changed: beta 2.0.0");
}

#[test]
fn rollout_holds_back_updates_unless_the_user_does_not_wait() {
    let offers = [offer("1.0.0", 1), held("2.0.0", 2)];
    assert_eq!(decide(&offers, &has("1.0.0")), "stay");
    assert_eq!(decide(&offers, &Case { at_once: true, ..has("1.0.0") }), "newer: stable 2.0.0");
    // An install that has it keeps it.
    assert_eq!(decide(&offers, &has("2.0.0")), "stay");
}

#[test]
fn version_asked_for_is_taken_whatever_holds_it_back() {
    let offers = [offer("1.0.0", 1), skipped("2.0.0", 2), held("3.0.0", 3), recalled("4.0.0", 4)];
    let ask = |asked| Case { asked: Some(asked), bad: &["2.0.0"], ..has("1.0.0") };
    assert_eq!(decide(&offers, &ask("2.0.0")), "asked: stable 2.0.0");
    assert_eq!(decide(&offers, &ask("3.0.0")), "asked: stable 3.0.0");
    assert_eq!(decide(&offers, &ask("4.0.0")), "version_unknown");
    assert_eq!(decide(&offers, &ask("5.0.0")), "version_unknown");
    assert_eq!(decide(&offers, &ask("1.0.0")), "stay");
    assert_eq!(decide(&offers, &Case { asked: Some("1.0.0"), ..has("3.0.0") }), "asked: stable 1.0.0");
}

/// `stable` and `beta`, and an install that comes from `stable`.
fn in_beta(offers: Vec<Offer>, case: &Case<'_>) -> String {
    let catalog = catalog(&[("stable", true, None, vec![offer("5.0.0", 1)]), ("beta", true, None, offers)]);
    decide_in(&catalog, "beta", case)
}

#[test]
fn change_of_mode_goes_down_too() {
    assert_eq!(in_beta(vec![offer("1.0.0", 1)], &has("5.0.0")), "mode changed: beta 1.0.0");
    // The same version in another mode counts as another version.
    assert_eq!(in_beta(vec![offer("5.0.0", 1)], &has("5.0.0")), "mode changed: beta 5.0.0");
}

#[test]
fn change_of_mode_waits_where_all_is_held_back() {
    for held_back in [held("6.0.0", 1), skipped("6.0.0", 1)] {
        assert_eq!(in_beta(vec![held_back], &has("5.0.0")), "stay");
    }
    // As after a rollback to the previous mode.
    assert_eq!(in_beta(vec![offer("6.0.0", 1)], &Case { bad: &["6.0.0"], ..has("5.0.0") }), "stay");
}

#[test]
fn change_to_a_mode_without_a_build_says_so() {
    assert_eq!(in_beta(Vec::new(), &has("5.0.0")), "no_build_for_platform");
    assert_eq!(in_beta(vec![recalled("6.0.0", 1)], &has("5.0.0")), "no_build_for_platform");
}

#[test]
fn successors_are_followed_to_the_end() {
    let catalog = catalog(&[
        ("alpha", false, Some("beta"), vec![offer("9.0.0", 1)]),
        ("beta", false, Some("stable"), Vec::new()),
        ("stable", true, None, vec![offer("1.0.0", 1)]),
    ]);
    assert_eq!(resolve_mode(&catalog, &mode("alpha"), &catalog.successors()).unwrap(), &mode("stable"));
    let alpha = |text| Case { installed: Some(("alpha", text)), ..NEW };
    assert_eq!(decide_in(&catalog, "alpha", &alpha("0.9.0")), "mode changed: stable 1.0.0");
    assert_eq!(decide_in(&catalog, "alpha", &NEW), "install: stable 1.0.0");
    assert_eq!(decide_in(&catalog, "stable", &has("1.0.0")), "stay");
}

#[test]
fn successor_does_not_take_its_users_back_to_an_older_version() {
    let catalog = catalog(&[
        ("stable", false, Some("nightly"), vec![offer("2.0.0", 1)]),
        ("nightly", true, None, vec![offer("0.0.1", 1)]),
    ]);
    assert_eq!(decide_in(&catalog, "stable", &has("2.0.0")), "stay");
    // A user who chooses the mode, or the version, by name gets it.
    assert_eq!(decide_in(&catalog, "nightly", &has("2.0.0")), "mode changed: nightly 0.0.1");
    let asked = Case { asked: Some("0.0.1"), ..has("2.0.0") };
    assert_eq!(decide_in(&catalog, "stable", &asked), "asked: nightly 0.0.1");
}

#[test]
fn successor_that_the_mode_has_not_signed_does_not_count() {
    let ended = catalog(&[
        ("stable", false, Some("nightly"), vec![offer("1.0.0", 1)]),
        ("nightly", true, None, vec![offer("9.0.0", 1)]),
    ]);
    let elsewhere: BTreeMap<_, _> = [(mode("stable"), mode("beta")), (mode("nightly"), mode("stable"))].into();
    for signed in [&BTreeMap::new(), &elsewhere] {
        let case = Case { signed: Some(signed), ..has("1.0.0") };
        assert_eq!(decide_in(&ended, "stable", &case), "mode_retired");
        let new = Case { signed: Some(signed), ..NEW };
        assert_eq!(decide_in(&ended, "stable", &new), "mode_retired");
    }
    let mut active = ended.clone();
    active.modes.get_mut(&mode("stable")).unwrap().is_active = true;
    let case = Case { signed: Some(&elsewhere), ..has("1.0.0") };
    assert_eq!(decide_in(&active, "stable", &case), "stay");
}

#[test]
fn nothing_goes_below_the_oldest_allowed_version() {
    let offers = [recalled("3.0.0", 4), offer("2.0.0", 3), offer("1.5.0", 2), offer("1.0.0", 1)];
    let case = |floor, installed| Case { floor: Some(floor), ..has(installed) };
    assert_eq!(decide(&offers, &case("1.5.0", "3.0.0")), "recalled: stable 2.0.0");
    assert_eq!(decide(&offers, &case("2.0.1", "3.0.0")), "stay");
    assert_eq!(decide(&offers[2..], &case("1.5.0", "3.0.0")), "stay");
    let new = Case { floor: Some("1.5.0"), ..NEW };
    assert_eq!(decide(&offers[3..], &new), "no_build_for_platform");
    let asked = |text| Case { asked: Some(text), ..case("1.5.0", "2.0.0") };
    assert_eq!(decide(&offers, &asked("1.0.0")), "version_too_old");
    assert_eq!(decide(&offers, &asked("1.5.0")), "asked: stable 1.5.0");
}

#[test]
fn mode_that_is_active_may_have_a_successor_all_the_same() {
    let catalog = catalog(&[("old", true, Some("new"), Vec::new()), ("new", true, None, Vec::new())]);
    assert_eq!(resolve_mode(&catalog, &mode("old"), &catalog.successors()).unwrap(), &mode("new"));
}

#[test]
fn modes_that_lead_nowhere_are_told_apart() {
    let catalog = catalog(&[
        ("retired", false, None, vec![offer("1.0.0", 1)]),
        ("lost", false, Some("gone"), Vec::new()),
        ("one", false, Some("two"), Vec::new()),
        ("two", false, Some("one"), Vec::new()),
        ("self", true, Some("self"), Vec::new()),
        ("to-retired", false, Some("retired"), Vec::new()),
    ]);
    for (name, code) in [
        ("retired", "mode_retired"),
        ("lost", "mode_unknown"),
        ("one", "mode_cycle"),
        ("self", "mode_cycle"),
        ("to-retired", "mode_retired"),
        ("never", "mode_unknown"),
    ] {
        assert_eq!(decide_in(&catalog, name, &NEW), code, "{name}");
    }
    let circle = resolve_mode(&catalog, &mode("one"), &catalog.successors()).unwrap_err().to_string();
    assert!(circle.contains("one -> two -> one"), "{circle}");
}

/// The installs, of ten thousand, that a rollout of `percent` percent admits.
fn admitted(percent: u8, text: &str) -> Vec<u32> {
    let admits = |id: &u32| admits(&format!("install {id}"), &mode("stable"), &version(text), percent);
    (0..10_000).filter(admits).collect()
}

#[test]
fn rollout_admits_its_share() {
    assert_eq!(admitted(0, "1.0.0").len(), 0);
    assert_eq!(admitted(100, "1.0.0").len(), 10_000);
    let third = admitted(30, "1.0.0").len();
    assert!((2_800..3_200).contains(&third), "{third}");
}

#[test]
fn rollout_that_grows_keeps_whom_it_has() {
    let wider = admitted(60, "1.0.0");
    assert!(admitted(30, "1.0.0").iter().all(|id| wider.contains(id)));
}

#[test]
fn another_version_begins_with_others() {
    let (one, other) = (admitted(30, "1.0.0"), admitted(30, "1.0.1"));
    let both = one.iter().filter(|id| other.contains(id)).count();
    assert!((700..1_100).contains(&both), "{both} of {} and {}", one.len(), other.len());
}
