use std::collections::HashMap;
use std::fs;

use proptest::prelude::*;

use super::*;

fn reason(text: &str) -> String {
    match Config::parse(text) {
        Err(Error::Malformed { format: Format::Config, reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn absolute(name: &str) -> String {
    // Single quotes: TOML then takes the backslashes of Windows as they are.
    format!("'{}'", std::env::temp_dir().join(name).display())
}

fn nothing(_name: &str) -> Option<String> {
    None
}

#[test]
fn every_key_is_read() {
    let (root, cache) = (absolute("root.json"), absolute("cache"));
    let text = format!(
        "# mine\nrepository = ['https://a.example/v', '/srv/mirror']\ntrust_root = {root}\nmode = \"beta\"\n\
         platform = 'linux-aarch64'\nlimit_rate = '1.5M'\nproxy = 'socks5h://localhost:9050'\nconnections = 8\n\
         cache = {cache}\nshared_cache = false\ngrace_seconds = 0\nreports = true\n"
    );
    let config = Config::parse(&text).unwrap();
    let want = Config {
        repository: vec!["https://a.example/v".into(), "/srv/mirror".into()],
        trust_root: Some(std::env::temp_dir().join("root.json")),
        mode: Some("beta".into()),
        platform: Some("linux-aarch64".into()),
        limit_rate: Some("1.5M".into()),
        proxy: Some("socks5h://localhost:9050".into()),
        connections: Some(8),
        cache: Some(std::env::temp_dir().join("cache")),
        shared_cache: Some(false),
        grace_seconds: Some(0),
        reports: Some(true),
    };
    assert_eq!(config, want);
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

#[test]
fn unknown_key_is_refused_with_its_line_and_the_one_that_was_meant_or_all() {
    let reason = reason("mode = 'beta'\n\n# here:\nrepositry = []\n");
    assert!(reason.starts_with("line 4: "), "{reason}");
    assert!(reason.ends_with("unknown field `repositry`; did you mean `repository`?"), "{reason}");
    let reason = self::reason("[network]\nmode = 'x'");
    for word in ["network", "repository", "trust_root", "grace_seconds"] {
        assert!(reason.contains(&format!("`{word}`")), "{reason}");
    }
}

#[test]
fn wrong_values_are_refused_with_their_line() {
    for value in [
        "repository = 'https://example.org'",
        "repository = ['ftp://example.org']",
        "repository = ['https://']",
        "repository = ['']",
        "repository = [\"https://example.org/\\n\"]",
        "trust_root = 'root.json'",
        "mode = ''",
        "mode = '../beta'",
        "mode = 'a b'",
        "mode = 'Beta'",
        "mode = 'my_mode.x'",
        "platform = 'linux'",
        "limit_rate = 'fast'",
        "limit_rate = 5",
        "proxy = 'localhost:8080'",
        "connections = 0",
        "connections = 1025",
        "connections = 70000",
        "cache = 'here'",
        "grace_seconds = 3601",
        "grace_seconds = -1",
        "mode = 'a'\nmode = 'b'",
        "mode =",
        "mode 'a'",
        "mode = 'a",
    ] {
        let reason = reason(&format!("# one\n# two\n{value}"));
        assert!(reason.starts_with("line 3: ") || reason.starts_with("line 4: "), "{value}: {reason}");
    }
    assert!(!reason("proxy = 'user:secret@host'").contains("secret"));
}

#[test]
fn long_file_is_refused_unread() {
    let long = "#".repeat(MAX_CONFIG_BYTES + 1);
    assert!(reason(&long).contains("65536"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, long).unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(error.code(), "config_malformed");
    assert!(error.to_string().contains("config.toml"));
}

#[test]
fn missing_file_sets_nothing_and_a_wrong_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    assert_eq!(Config::load(&path).unwrap(), Config::default());
    fs::write(&path, "mode = 'beta'").unwrap();
    assert_eq!(Config::load(&path).unwrap().mode.as_deref(), Some("beta"));
    fs::write(&path, "\nmod = 'beta'").unwrap();
    let message = Config::load(&path).unwrap_err().to_string();
    assert!(message.contains("config.toml: line 2: "), "{message}");
    fs::write(&path, [0xff]).unwrap();
    assert_eq!(Config::load(&path).unwrap_err().code(), "config_malformed");
}

#[test]
fn mode_is_changed_and_nothing_else() {
    for (before, after) in [
        ("", "mode = \"beta\"\n"),
        ("proxy = 'http://p'", "proxy = 'http://p'\nmode = \"beta\"\n"),
        ("proxy = 'http://p'\r\n", "proxy = 'http://p'\r\nmode = \"beta\"\r\n"),
        ("# a\n  mode='x'   # why\nproxy = 'http://p'\n", "# a\n  mode=\"beta\"   # why\nproxy = 'http://p'\n"),
        ("\"mode\" = \"\"\"x\"\"\"\n", "\"mode\" = \"beta\"\n"),
        ("# mode = 'old'\n", "# mode = 'old'\nmode = \"beta\"\n"),
        (
            "repository = [\n  '/mode = 1', # x\n]\nmode = 'x'\n",
            "repository = [\n  '/mode = 1', # x\n]\nmode = \"beta\"\n",
        ),
    ] {
        assert_eq!(Config::with_mode(before, "beta").unwrap(), after);
        assert_eq!(Config::with_mode(after, "beta").unwrap(), after, "twice");
    }
    assert!(matches!(Config::with_mode("", "a\"b"), Err(Error::Invalid { what: "mode", .. })));
    assert!(matches!(Config::with_mode("mode", "beta"), Err(Error::Malformed { .. })));
}

#[test]
fn line_that_makes_the_text_invalid_is_set_or_removed() {
    for bad in ["mode = 'Beta'", "mode = beta", "mode = ", "mode = 'a", "mode = 3"] {
        let before = format!("# mine\n{bad}\nconnections = 7\n");
        let removed = Config::with(&before, "mode", &[]).unwrap();
        assert_eq!(removed, "# mine\nconnections = 7\n", "{bad}");
        let set = Config::with_mode(&before, "beta").unwrap();
        assert_eq!(Config::parse(&set).unwrap().mode.as_deref(), Some("beta"), "{set}");
        assert!(matches!(Config::with(&before, "proxy", &[]), Err(Error::Malformed { .. })), "{bad}");
        assert!(matches!(Config::with(&before, "connections", &["8".to_owned()]), Err(Error::Malformed { .. })));
    }
    let before = "modee = 'x'\nproxy = 'y'\n";
    let one_left = Config::with(before, "modee", &[]).unwrap();
    assert_eq!(one_left, "proxy = 'y'\n");
    assert_eq!(Config::with(&one_left, "proxy", &[]).unwrap(), "");
}

#[test]
fn mode_is_checked_as_everywhere() {
    let told = |error: Error| error.to_string();
    for name in ["Beta", "my_mode.x", "a b", ""] {
        let set = told(Config::with_mode("", name).unwrap_err());
        assert_eq!(set, told(crate::formats::release::ModeName::new(name).unwrap_err()));
    }
}

#[test]
fn every_key_is_set_and_removed_alone() {
    let values = [
        ("repository", vec!["https://a.example", "https://b.example"]),
        ("trust_root", vec![if cfg!(windows) { "C:/root.json" } else { "/root.json" }]),
        ("mode", vec!["beta"]),
        ("platform", vec!["linux-aarch64"]),
        ("limit_rate", vec!["5M"]),
        ("proxy", vec!["http://p:1"]),
        ("connections", vec!["7"]),
        ("cache", vec![if cfg!(windows) { "C:/cache" } else { "/cache" }]),
        ("shared_cache", vec!["false"]),
        ("grace_seconds", vec!["9"]),
        ("reports", vec!["on"]),
    ];
    assert!(values.iter().map(|(key, _)| *key).eq(KEYS));
    let before = "# mine\n";
    for (key, values) in values {
        let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        let set = Config::with(before, key, &values).unwrap();
        assert_ne!(Config::parse(&set).unwrap(), Config::default(), "{key}");
        assert_eq!(Config::with(&set, key, &values).unwrap(), set, "twice");
        assert_eq!(Config::with(&set, key, &[]).unwrap(), before, "{set}");
        let beside = format!("{set}grace_seconds = 5 # last\n");
        if key != "grace_seconds" {
            assert_eq!(Config::with(&beside, key, &[]).unwrap(), "# mine\ngrace_seconds = 5 # last\n");
        }
    }
    for (key, value) in
        [("no", "1"), ("connections", "many"), ("connections", "0"), ("shared_cache", "yes"), ("cache", "x")]
    {
        let refused = Config::with(before, key, &[value.to_owned()]).unwrap_err();
        assert!(matches!(refused, Error::Invalid { .. }), "{key}: {refused:?}");
    }
    assert!(Config::with(before, "mode", &["a".to_owned(), "b".to_owned()]).is_err());
    let off = Config::with("reports = true\n", "reports", &["off".to_owned()]).unwrap();
    assert_eq!(Config::parse(&off).unwrap().reports, Some(false));
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let flags = Config { mode: Some("flag".into()), ..Config::default() };
    let variables = HashMap::from([
        ("VSEKAI_MODE", "environment"),
        ("VSEKAI_CONNECTIONS", "7"),
        ("VSEKAI_REPOSITORY", " https://a.example  /srv/b "),
        ("VSEKAI_CACHE", "relative/cache"),
        ("VSEKAI_PLATFORM", ""),
        ("VSEKAI_MODDE", "x"),
    ]);
    let environment = |name: &str| variables.get(name).map(ToString::to_string);
    let file = Config::parse("mode = 'file'\nconnections = 9\nplatform = 'linux-x86_64'\nrepository = ['/c']\n");
    let settings = Settings::merge(flags, &environment, file.unwrap()).unwrap();
    assert_eq!(settings.mode, Setting { value: Some("flag".into()), origin: Origin::Flag });
    assert_eq!(settings.connections, Setting { value: 7, origin: Origin::Environment });
    let repository = vec!["https://a.example".to_owned(), "/srv/b".to_owned()];
    assert_eq!(settings.repository, Setting { value: repository, origin: Origin::Environment });
    assert_eq!(settings.cache.value.as_deref(), Some(Path::new("relative/cache")));
    assert_eq!(settings.platform, Setting { value: Some("linux-x86_64".into()), origin: Origin::File });
    assert_eq!(settings.grace_seconds, Setting { value: 30, origin: Origin::Default });
    assert_eq!(settings.shared_cache, Setting { value: true, origin: Origin::Default });
}

#[test]
fn only_the_file_of_the_player_turns_reports_on() {
    let merged = |environment: &dyn Fn(&str) -> Option<String>, file: &str| {
        Settings::merge(Config::default(), environment, Config::parse(file).unwrap()).unwrap().reports
    };
    assert_eq!(merged(&nothing, ""), Setting { value: false, origin: Origin::Default });
    assert_eq!(merged(&nothing, "reports = true"), Setting { value: true, origin: Origin::File });
    assert!(!VARIABLES.iter().any(|name| name.contains("REPORT")));
}

#[test]
fn what_is_built_in_gives_way_to_all_but_the_defaults() {
    let merged = |file: &str| Settings::merge(Config::default(), &|_| None, Config::parse(file).unwrap()).unwrap();
    let built_in = vec!["https://built.example/in".to_owned()];
    let settings = merged("").with_built_in(built_in.clone(), true);
    assert_eq!(settings.repository, Setting { value: built_in.clone(), origin: Origin::BuiltIn });
    assert_eq!(settings.trust_root, Setting { value: None, origin: Origin::BuiltIn });
    let file = format!("repository = ['https://c.example']\ntrust_root = {}", absolute("root.json"));
    let settings = merged(&file).with_built_in(built_in, true);
    assert_eq!(settings.repository, Setting { value: vec!["https://c.example".to_owned()], origin: Origin::File });
    let root = std::env::temp_dir().join("root.json");
    assert_eq!(settings.trust_root, Setting { value: Some(root), origin: Origin::File });
    assert_eq!(merged("").with_built_in(Vec::new(), false), merged(""));
}

#[test]
fn all_variables_are_read() {
    let names = ["REPOSITORY", "TRUST_ROOT", "MODE", "PLATFORM", "LIMIT_RATE", "PROXY", "CONNECTIONS", "CACHE"];
    let values = ["/r", "/root.json", "beta", "linux-x86_64", "5M", "http://p:1", "3", "/c"];
    for (name, value) in names.into_iter().zip(values).chain([("GRACE_SECONDS", "4")]) {
        let environment = |asked: &str| (asked == format!("VSEKAI_{name}")).then(|| value.to_owned());
        let settings = Settings::merge(Config::default(), &environment, Config::default()).unwrap();
        let set: Vec<_> = settings.rows().into_iter().filter(|row| row.origin != Origin::Default).collect();
        let [row] = set.as_slice() else { panic!("{set:?}") };
        assert_eq!((row.text.as_str(), row.origin), (value, Origin::Environment));
        assert_eq!(row.key.to_uppercase(), name);
    }
}

#[test]
fn wrong_flag_or_variable_is_named() {
    let environment = |name: &str| (name == "VSEKAI_CONNECTIONS").then(|| "many".to_owned());
    let merged = Settings::merge(Config::default(), &environment, Config::default());
    assert!(matches!(merged, Err(Error::Invalid { what: "VSEKAI_CONNECTIONS", .. })));
    let flags = Config { limit_rate: Some("fast".into()), ..Config::default() };
    let merged = Settings::merge(flags, &nothing, Config::default());
    assert!(matches!(merged, Err(Error::Invalid { what: "--limit-rate", .. })));
}

#[test]
fn passwords_are_not_shown() {
    let flags = Config {
        repository: vec!["https://me:secret@a.example/x@y".into(), "/srv/c@d".into()],
        proxy: Some("http://me:secret@proxy:8080".into()),
        ..Config::default()
    };
    let rows = Settings::merge(flags, &nothing, Config::default()).unwrap().rows();
    assert_eq!(rows[0].text, "https://a.example/x@y /srv/c@d");
    assert_eq!(rows[0].value, serde_json::json!(["https://a.example/x@y", "/srv/c@d"]));
    assert_eq!(rows.iter().find(|row| row.key == "proxy").unwrap().text, "http://proxy:8080");
}

#[test]
fn rates_are_read_as_people_write_them() {
    for (text, want) in [
        ("1", 1),
        ("500K", 500_000),
        ("5M", 5_000_000),
        ("64KiB", 65_536),
        ("1.5MB/s", 1_500_000),
        ("0.1 GiB", 107_374_182),
        ("2.", 2),
        ("1.99999999999999999999K", 1_999),
    ] {
        assert_eq!(rate_bytes_per_second(text).unwrap(), want, "{text}");
    }
    for bad in ["", "0", "0.1", "fast", "-1", "5 furlongs", "1.2.3", "K", ".5M", "99999999999G", "1e9"] {
        assert!(rate_bytes_per_second(bad).is_err(), "{bad}");
    }
}

#[test]
fn file_lies_where_each_system_keeps_such_files() {
    let folders = Folders {
        home: Some("/home/me".into()),
        xdg_config_home: Some("/xdg".into()),
        app_data: Some("/Users/me/AppData/Roaming".into()),
    };
    let at =
        |system, folders: &Folders| file_in(system, folders).map(|path| path.display().to_string().replace('\\', "/"));
    assert_eq!(at(System::Linux, &folders).as_deref(), Some("/xdg/vsekai/config.toml"));
    let mac = "/home/me/Library/Application Support/vsekai/config.toml";
    assert_eq!(at(System::MacOs, &folders).as_deref(), Some(mac));
    let windows = "/Users/me/AppData/Roaming/vsekai/config.toml";
    assert_eq!(at(System::Windows, &folders).as_deref(), Some(windows));
    for ignored in [None, Some("".into()), Some("relative".into())] {
        let folders = Folders { xdg_config_home: ignored, ..folders.clone() };
        assert_eq!(at(System::Linux, &folders).as_deref(), Some("/home/me/.config/vsekai/config.toml"));
    }
    for system in [System::Linux, System::MacOs, System::Windows] {
        assert_eq!(file_in(system, &Folders::default()), None);
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s)[\\[\\]='\"# a-z0-9\n]{0,60}|(mode|proxy) = .{0,20}") {
        let _ = Config::parse(&text);
        let _ = Config::with(&text, "mode", &["beta".to_owned()]);
        let _ = Config::with(&text, "proxy", &[]);
    }
}
