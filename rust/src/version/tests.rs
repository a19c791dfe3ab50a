use proptest::prelude::*;

use super::*;
use crate::path::RelPath;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn canonical(tag: &str) -> Option<String> {
    Version::canonical_of(tag).map(|version| version.to_string())
}

/// Few letters and small numbers, so that parts are often equal; some numbers at the limits.
fn any_version() -> impl Strategy<Value = Version> {
    let number = || prop_oneof![0u64..3, Just(9), Just(10), Just(99), Just(100), Just(u64::MAX)];
    let identifier = || {
        prop_oneof![
            number().prop_map(|number| number.to_string()),
            "[-aAbzZ][-0a1zA]{0,3}",
            Just("alpha".to_owned()),
            Just("0-".to_owned()),
            Just("-".to_owned()),
        ]
    };
    let identifiers = || prop::collection::vec(identifier(), 0..4).prop_map(|all| all.join("."));
    (number(), number(), number(), identifiers(), identifiers())
        .prop_map(|(major, minor, patch, pre, build)| {
            let pre = if pre.is_empty() { pre } else { format!("-{pre}") };
            let build = if build.is_empty() { build } else { format!("+{build}") };
            format!("{major}.{minor}.{patch}{pre}{build}")
        })
        .prop_filter_map("too long", |text| Version::parse(&text).ok())
}

#[test]
fn order_is_that_of_the_specification() {
    // The examples of section 11 of the specification.
    let chain = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
        "2.1.0",
        "2.1.1",
        "2.10.0",
    ];
    for (at, lower) in chain.iter().enumerate() {
        for higher in &chain[at + 1..] {
            assert!(version(lower) < version(higher), "{lower} {higher}");
            assert!(version(lower).sort_key() < version(higher).sort_key(), "{lower} {higher}");
        }
    }
}

#[test]
fn build_metadata_has_no_precedence_but_an_order() {
    let (a, b) = (version("1.0.0+a"), version("1.0.0+b"));
    assert!(a.same_precedence(&b));
    assert_ne!(a, b);
    assert!(a < b);
    assert_eq!(a.sort_key(), b.sort_key());
    assert!(version("1.0.0+9") > version("1.0.0+10"), "by text");
}

#[test]
fn tags_of_v_sekai_have_their_canonical_form() {
    for (tag, want) in [
        ("alpha1", "0.1.0-alpha.1"),
        ("alpha14", "0.1.0-alpha.14"),
        ("0.1.0-alpha14", "0.1.0-alpha.14"),
        (
            "0.1.0-nightly-2025-07-07T043106-c56ea6e_editor-de31dc1",
            "0.1.0-nightly.20250707.43106+c56ea6e.editor.de31dc1",
        ),
        ("0.1.0-nightly-2025-12-31T000000-c56ea6e", "0.1.0-nightly.20251231.0+c56ea6e"),
        ("v1.2.3", "1.2.3"),
        ("V1.2", "1.2.0"),
        ("1", "1.0.0"),
        ("1.2-rc1", "1.2.0-rc.1"),
        ("1.2-rc01.x", "1.2.0-rc.1.x"),
        ("1.2.3-0.1", "1.2.3-0.1"),
        ("1.2.3-01", "1.2.3-1"),
        ("2025.07.01+x", "2025.7.1+x"),
        ("1.0.0-preview2", "1.0.0-preview.2"),
    ] {
        assert_eq!(canonical(tag).as_deref(), Some(want), "{tag}");
    }
}

#[test]
fn tags_of_no_known_kind_are_not_guessed_at() {
    let long = format!("1.0.0-{}", "a".repeat(128));
    for tag in [
        "",
        "v",
        "latest",
        "alpha",
        "alphabet1",
        "alpha-1",
        "beta1",
        "1.2.3.4",
        "1..2",
        "1.2.x",
        "vv1.0.0",
        "1.0.0 ",
        " 1.0.0",
        "1.0.0-",
        "1.0.0-a_b",
        "1.0.0+",
        "٣.0.0",
        "18446744073709551616.0.0",
        "1.0.0-18446744073709551616",
        "0.1.0-nightly-2025-07-07",
        "0.1.0-nightly-2025-13-07T043106-c56ea6e",
        "0.1.0-nightly-2025-02-30T043106-c56ea6e",
        "0.1.0-nightly-2025-07-07T243106-c56ea6e",
        "0.1.0-nightly-2025-07-07T043106-c56ea",
        "0.1.0-nightly-2025-07-07T043106-C56EA6E",
        "0.1.0-nightly-2025-07-07T043106-c56ea6e_engine-de31dc1",
        "0.1.0-nightly-2025-07-07T043106-c56ea6e_editor-de31dc1+x",
        &long,
    ] {
        assert_eq!(canonical(tag), None, "{tag}");
    }
}

#[test]
fn refusal_proposes_the_canonical_form() {
    let reason = |text: &str| Version::parse(text).unwrap_err().to_string();
    assert!(reason("alpha14").ends_with("write it as 0.1.0-alpha.14"), "{}", reason("alpha14"));
    assert!(reason("1.2").ends_with("write it as 1.2.0"));
    assert!(!reason("latest").contains("write it as"));
    assert!(reason(&"9".repeat(100_000)).len() < 400);
    assert_eq!(Version::parse("1.2").unwrap_err().code(), "version_invalid");
}

#[test]
fn refuses_numbers_beyond_64_bits_everywhere_but_in_build_metadata() {
    assert!(Version::parse("1.0.0-18446744073709551615").is_ok());
    assert!(Version::parse("1.0.0-18446744073709551616").is_err());
    assert!(Version::parse("1.0.18446744073709551616").is_err());
    assert!(Version::parse("1.0.0+18446744073709551616").is_ok());
}

#[test]
fn alphas_keep_the_order_of_their_numbers() {
    for form in ["", "0.1.0-", "v0.1.0-"] {
        let all: Vec<_> = (1..=14).map(|n| Version::canonical_of(&format!("{form}alpha{n}")).unwrap()).collect();
        assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
    }
    assert!(!version("0.1.0-alpha14").is_canonical());
    assert!(version("0.1.0-alpha.14").is_canonical());
}

#[test]
fn json_holds_the_text_and_is_checked() {
    let json = serde_json::to_string(&version("1.0.0-a.1+b")).unwrap();
    assert_eq!(json, "\"1.0.0-a.1+b\"");
    assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), version("1.0.0-a.1+b"));
    assert!(serde_json::from_str::<Version>("\"1.0\"").is_err());
}

proptest! {
    #[test]
    fn text_is_read_back(version in any_version()) {
        prop_assert_eq!(&Version::parse(&version.to_string()).unwrap(), &version);
    }

    #[test]
    fn any_version_is_a_safe_file_name(version in any_version()) {
        let name = format!("{version}-0123abcd");
        prop_assert!(RelPath::new(&name).is_ok_and(|path| path.names().count() == 1));
        prop_assert!(RelPath::new(&version.to_string()).is_ok());
    }

    #[test]
    fn sort_key_orders_as_precedence_does(a in any_version(), b in any_version()) {
        prop_assert_eq!(a.sort_key().as_bytes().cmp(b.sort_key().as_bytes()), a.cmp_precedence(&b));
        prop_assert!(a.sort_key().is_ascii() && a.sort_key().len() <= 256);
    }

    #[test]
    fn order_is_total(a in any_version(), b in any_version(), c in any_version()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        prop_assert!(!(a <= b && b <= c) || a <= c);
        prop_assert!(a.same_precedence(&b) || a.cmp(&b) == a.cmp_precedence(&b));
    }

    #[test]
    fn canonical_form_is_its_own(tag in "v?[0-9]{1,3}(\\.[0-9]{1,2}){0,2}(-(alpha|rc|x)[0-9]{0,3}(\\.0?[0-9a]{1,3})?)?(\\+0?[0-9a]{1,3})?") {
        let once = Version::canonical_of(&tag);
        prop_assert!(once.is_some(), "{}", tag);
        prop_assert_eq!(Version::canonical_of(&once.clone().unwrap().to_string()), once);
    }

    #[test]
    fn canonical_form_of_a_version_is_its_own(version in any_version()) {
        if let Some(once) = Version::canonical_of(&version.to_string()) {
            prop_assert!(once.is_canonical());
        }
    }

    #[test]
    fn nightlies_keep_the_order_of_their_times(
        a in (2023..2030u32, 1..=12u32, 1..=28u32, 0..24u32, 0..60u32, 0..60u32),
        b in (2023..2030u32, 1..=12u32, 1..=28u32, 0..24u32, 0..60u32, 0..60u32),
    ) {
        let nightly = |(year, month, day, h, m, s): (u32, u32, u32, u32, u32, u32)| {
            let time = format!("{year}-{month:02}-{day:02}T{h:02}{m:02}{s:02}");
            Version::canonical_of(&format!("0.1.0-nightly-{time}-c56ea6e_editor-de31dc1")).unwrap()
        };
        prop_assert_eq!(nightly(a).cmp_precedence(&nightly(b)), a.cmp(&b));
        prop_assert!(nightly(a).is_canonical());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = Version::parse(&text);
        let _ = Version::canonical_of(&text);
    }
}
