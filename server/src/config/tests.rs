//! What is read from where, and what is refused.

use toml::Table;

use super::*;

fn none() -> std::iter::Empty<(String, String)> {
    std::iter::empty()
}

pub(super) fn defaults() -> Config {
    Loaded::read(None, none(), &[]).unwrap().config
}

fn given(name: &str, value: &str) -> Given {
    Given { name: name.to_owned(), value: value.to_owned(), is_option: false }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn the_folder_of_a_database_is_that_of_its_file() {
    let folder =
        |database: &str| Loaded::read(None, none(), &[given("database", database)]).unwrap().config.database_folder();
    assert_eq!(folder("sqlite:///srv/db/main.db?mode=rwc"), Some(PathBuf::from("/srv/db")));
    assert_eq!(folder("sqlite:main.db"), Some(PathBuf::new()));
    assert_eq!(folder("postgres://user@host/name"), None);
    assert_eq!(folder(""), None);
}

#[test]
fn example_has_every_setting_and_explains_each() {
    let loaded = Loaded::read(None, none(), &[]).unwrap();
    let all = Table::try_from(&loaded.config).unwrap();
    let example: Table = toml::from_str(EXAMPLE).unwrap();
    assert_eq!(all, example);
    for name in all.keys() {
        let at = EXAMPLE.find(&format!("\n{name} = ")).unwrap_or_else(|| panic!("{name} is not in the example"));
        let before = EXAMPLE[..at].lines().last().unwrap();
        assert!(before.starts_with('#') || before.starts_with("tls_cert"), "{name} is not explained");
    }
}

#[test]
fn later_places_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "region = \"file\"\nlog = \"warn\"\nconnections = 5\n").unwrap();
    let environment =
        [pair("VSEKAI_SERVER_REGION", "environment"), pair("VSEKAI_SERVER_LOG", "error"), pair("HOME", "/")];
    let loaded = Loaded::read(Some(&file), environment.into_iter(), &[given("region", "line")]).unwrap();
    assert_eq!(
        (loaded.config.region.as_str(), loaded.config.log.as_str(), loaded.config.connections),
        ("line", "error", 5)
    );
    let origin = |name: &str| loaded.origins[name].to_string();
    assert_eq!((&*origin("region"), &*origin("log"), &*origin("connections")), ("command line", "environment", "file"));
    assert!(!loaded.origins.contains_key("data"));
}

#[test]
fn relative_paths_of_a_file_start_at_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "data = \"d\"\nkeys = \"../k\"\ndatabase = \"sqlite:x.db?mode=rwc\"\ntls_cert = \"c.pem\"\n\
                tls_key = \"/whole/c.key\"\nwebhook_secret_file = \"\"\n";
    std::fs::write(&file, text).unwrap();
    let config = Loaded::read(Some(&file), none(), &[]).unwrap().config;
    let whole = |path: &str| folder.path().join(path).display().to_string();
    assert_eq!((config.data.display().to_string(), &config.keys), (whole("d"), &whole("../k")));
    assert_eq!(config.database, format!("sqlite:{}?mode=rwc", whole("x.db")));
    assert_eq!((&config.tls_cert, config.tls_key.as_str()), (&whole("c.pem"), "/whole/c.key"));
    assert_eq!(config.webhook_secret_file, "");
    // Elsewhere, they start at the working folder.
    let elsewhere = Loaded::read(Some(&file), [pair("VSEKAI_SERVER_DATA", "e")].into_iter(), &[given("keys", "k")]);
    let elsewhere = elsewhere.unwrap().config;
    assert_eq!((elsewhere.data, elsewhere.keys.as_str()), (PathBuf::from("e"), "k"));
    for whole in ["sqlite::memory:", "postgres://u@h/n", "sqlite:///srv/x.db"] {
        std::fs::write(&file, format!("database = \"{whole}\"")).unwrap();
        assert_eq!(Loaded::read(Some(&file), none(), &[]).unwrap().config.database, whole);
    }
}

#[test]
fn a_path_that_is_only_below_the_working_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    // Tests run in the folder of the crate, which has a folder `src`.
    std::fs::write(&file, "\ndata = \"src\"\n").unwrap();
    let whole = std::path::absolute("src").unwrap();
    let said = hint(Loaded::read(Some(&file), none(), &[]));
    assert!(
        said.starts_with(&format!("In {}, line 2, write `data = \"{}\"`", file.display(), whole.display())),
        "{said}"
    );
    // A folder that is not in force does not matter.
    assert!(Loaded::read(Some(&file), none(), &[given("data", "elsewhere")]).is_ok());
    std::fs::create_dir(folder.path().join("src")).unwrap();
    assert_eq!(Loaded::read(Some(&file), none(), &[]).unwrap().config.data, folder.path().join("src"));
}

#[test]
fn variables_of_kubernetes_and_of_the_file_itself_are_no_settings() {
    let names = ["CONFIG", "PORT", "PORT_80_TCP", "SERVICE_HOST", "SERVICE_PORT"];
    let environment = names.map(|name| pair(&format!("{PREFIX}{name}"), "tcp://10.0.0.1:80"));
    assert!(Loaded::read(None, environment.into_iter(), &[]).unwrap().origins.is_empty());
}

#[test]
fn unknown_names_and_wrong_values_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "regoin = \"eu\"").unwrap();
    let told = |result: Result<Loaded>| result.unwrap_err().to_string();
    assert!(told(Loaded::read(Some(&file), none(), &[])).contains("regoin"));
    assert!(told(Loaded::read(None, [pair("VSEKAI_SERVER_REGOIN", "eu")].into_iter(), &[])).contains("regoin"));
    for (name, value) in [
        ("connections", "many"),
        ("docs", "yes"),
        ("listen", "8080"),
        ("chunks", "ftp://x"),
        ("tls_cert", "a.pem"),
        ("log_format", "xml"),
        ("public_url", "updates.example.org"),
        ("metrics_listen", "here"),
        ("publication_h", "0"),
        ("reports_every_s", "0"),
        ("clean_grace_h", "-1"),
        ("trusted_proxies", "proxy"),
        ("connections", "-3"),
        ("bundle_cpu_percent", "0"),
        ("bundle_threads", "0"),
        ("bundle_effort", "most"),
        ("bundle_deltas", "101"),
        ("webhooks", "https://hooks.example.org/without-a-secret"),
        ("publisher", "a\nb"),
        ("nonsense", ""),
    ] {
        let error = Loaded::read(None, none(), &[given(name, value)]).unwrap_err();
        assert_eq!(error.code(), "config_invalid", "{name}={value}");
    }
    let lists = Loaded::read(None, none(), &[given("trusted_proxies", "127.0.0.1, ::1")]).unwrap();
    assert_eq!(lists.config.trusted_proxies.len(), 2);
}

#[test]
fn passwords_are_not_shown() {
    for url in [
        "postgres://vsekai@db/vsekai?password=hush&sslmode=require",
        "postgres://vsekai:hu/sh@db/vsekai",
        "postgres://vsekai:hush@bad host/vsekai",
    ] {
        let loaded = Loaded::read(None, none(), &[given("database", url)]).unwrap();
        assert!(!loaded.config.database_shown().contains("hu"), "{}", loaded.config.database_shown());
    }
    let url = "postgres://vsekai:hush@db/vsekai";
    let loaded = Loaded::read(None, none(), &[given("database", url)]).unwrap();
    assert_eq!(loaded.config.database_url(), url);
    assert!(!loaded.config.database_shown().contains("hush"));
}

/// What to do about an error of the configuration.
fn hint(result: Result<Loaded>) -> String {
    match result {
        Err(Error::Config { hint, .. }) => hint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn hints_say_what_to_write_where_the_value_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let of_file = |text: &str| {
        std::fs::write(&file, text).unwrap();
        hint(Loaded::read(Some(&file), none(), &[]))
    };
    let shown = file.display();
    let said = of_file("docs = true\nlog_format = \"xml\"\n");
    assert!(
        said.starts_with(&format!("In {shown}, line 2, write `log_format = \"text\"`. The format of the log")),
        "{said}"
    );
    let said = of_file("connections = \"many\"\n");
    assert!(said.starts_with(&format!("In {shown}, line 1, write `connections = 10000`. Most open")), "{said}");
    let said = of_file("\nregoin = \"eu\"\n");
    assert!(said.starts_with(&format!("Did you mean `region`? In {shown}, line 2, write `region = \"eu\"`")), "{said}");
    assert!(of_file("region = \"eu\" x").contains("example-config"));
    std::fs::remove_file(&file).unwrap();
    let said = hint(Loaded::read(Some(&file), none(), &[]));
    assert!(said.contains(&format!("vsekai-server example-config > {shown}")), "{said}");

    let of_variable = |name: &str, value: &str| hint(Loaded::read(None, [pair(name, value)].into_iter(), &[]));
    let said = of_variable("VSEKAI_SERVER_LOG_FORMAT", "xml");
    assert!(said.starts_with("Write VSEKAI_SERVER_LOG_FORMAT=text"), "{said}");
    let said = of_variable("VSEKAI_SERVER_CONECTIONS", "5");
    assert!(said.starts_with("Did you mean `connections`? Write VSEKAI_SERVER_CONNECTIONS=5"), "{said}");
}

#[test]
fn hints_about_the_command_line_name_its_options() {
    let of = |name: &str, value: &str| hint(Loaded::read(None, none(), &[given(name, value)]));
    for (name, value, start) in [
        ("log-format", "json", "Did you mean `log_format`? Write `--set log_format=json`"),
        ("docs", "yes", "Write `--set docs=true`. Whether to serve /docs"),
        ("bundle_cpu_percent", "0", "Write `--set bundle_cpu_percent=50`. Percentage of its time"),
        (
            "tls_cert",
            "a.pem",
            "Write `--set tls_key=/etc/ssl/update.key`, or `tls_key = \"/etc/ssl/update.key\"` in the",
        ),
        ("chunks", "/srv/chunks", "Write `--set chunks=file:///srv/chunks`"),
        ("max_index_mib", "200", "Write `--set upload_memory_mib=400`, or"),
        (
            "webhooks",
            "https://hooks.example.org/x",
            "Write `--set webhook_secret_file=webhook.secret`, or `webhook_secret_file = \"webhook.secret\"` in the \
             configuration file. Make that file with `(umask 077",
        ),
        ("listen", ":80", "Write `--set listen=0.0.0.0:80`"),
        ("metrics_listen", "9090", "Write `--set metrics_listen=127.0.0.1:9090`"),
        ("public_url", "https://", "Write `--set public_url=https://updates.example.org`"),
        ("database", "mysql://x", "Write `--set database=postgres://USER:PASSWORD@HOST/NAME`"),
        ("trusted_proxies", "10.0.0.1,proxy", "Write `--set trusted_proxies=10.0.0.1`. Name each address"),
        ("trusted_proxies", "10.0.0.0/8", "Write `--set trusted_proxies=127.0.0.1`. Name each address"),
        ("log", "info,a=b=c", "Write `--set log=info`. Or error, warn, info or debug; or parts"),
        ("nonsense", "x", "`vsekai-server example-config` prints every setting"),
        ("foo", "1", "`vsekai-server example-config` prints every setting"),
    ] {
        let said = of(name, value);
        assert!(said.starts_with(start), "{name}={value}: {said}");
    }
    let listen = Given { is_option: true, ..given("listen", "8080") };
    assert!(hint(Loaded::read(None, none(), &[listen])).starts_with("Write `--listen 127.0.0.1:8080`"));
    let said = of("databse", "postgres://vsekai:hush@db/vsekai");
    assert!(said.contains("--set database=postgres://") && !said.contains("hush"), "{said}");
}

#[test]
fn hints_about_webhooks_name_the_setting_to_change() {
    let of = |webhook: &str| {
        let given = [given("webhooks", webhook), given("webhook_secret_file", "s")];
        let Err(Error::Config { reason, hint }) = Loaded::read(None, none(), &given) else { panic!("{webhook}") };
        (reason, hint)
    };
    let (reason, hint) = of("hooks");
    assert_eq!(reason, "webhooks: is not an address");
    assert!(hint.starts_with("Write `--set webhooks=https://hooks.example.org/vsekai`. Write whole"), "{hint}");
    let (reason, hint) = of("https://hooks.example.org/a,https://10.0.0.1/");
    assert_eq!(reason, "webhooks: number 2 is in a private network, where nothing is sent");
    assert!(hint.starts_with("Write `--set allow_private_webhooks=true`, or"), "{hint}");
    let (_, hint) = of("https://u:hush@hooks.example.org/a");
    assert!(hint.starts_with("Take the password out of the address") && !hint.contains("hush"), "{hint}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "regoin = \"eu\"\ndocs = \"yes\"\n[server]\nlisten = \"x\"\n").unwrap();
    let given = [given("connections", "many"), given("log_format", "xml"), given("trusted_proxies", "proxy")];
    let Err(Error::Settings(all)) = Loaded::read(Some(&file), none(), &given) else { panic!("not several") };
    let said: Vec<String> = all.iter().map(ToString::to_string).collect();
    for name in ["regoin", "docs", "no section [server]", "connections", "log_format", "trusted_proxies: \"proxy\""] {
        assert_eq!(said.iter().filter(|one| one.contains(name)).count(), 1, "{name}: {said:?}");
    }
    assert_eq!(said.len(), 6, "{said:?}");
}

#[test]
fn lines_that_cannot_be_read_are_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    for (text, reason, start) in [
        ("docs = true\nregion = eu\n", "line 2: the text after `region =` needs quotes", "Write `region = \"eu\"`"),
        ("region =\n", "line 1: region has no value", "Write a value after `=`"),
        ("docs = true\ndocs = true\n", "line 2: docs is set twice", "Remove one"),
        ("region\n", "line 1: there is no `=`", "Each line is `name = value`"),
    ] {
        std::fs::write(&file, text).unwrap();
        let Err(Error::Config { reason: said, hint }) = Loaded::read(Some(&file), none(), &[]) else {
            panic!("{text}")
        };
        assert!(said.ends_with(reason) && hint.starts_with(start), "{said}: {hint}");
    }
}

#[test]
fn every_setting_has_a_sentence_for_hints() {
    let example: Table = toml::from_str(EXAMPLE).unwrap();
    for name in example.keys().filter(|name| *name != "tls_key") {
        assert!(fault::about(name).is_some_and(|about| about.len() > 5), "{name}");
    }
}
