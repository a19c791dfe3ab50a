//! The program: its commands, its start, and its end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use super::support::{PATIENCE, Server, program};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = program().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn it_says_that_it_is_well() {
    let server = Server::start();
    assert_eq!(server.get("/healthz").await.text(), "ok\n");
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    assert_eq!(ready.header("cache-control"), "no-store");
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_answered() {
    let mut server = Server::start();
    // The server announces its address a moment before it accepts connections; a waiting connection is not under way
    // yet.
    assert_eq!(server.get("/healthz").await.status, 200);
    let body = json!({"name": "stable"}).to_string();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /api/v1/modes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        server.admin,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..5]).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    server.terminate();
    server.until_logged("under way").await;
    let ended = std::time::Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(ended.elapsed() < PATIENCE, "connections are still taken");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    stream.write_all(&body.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    let server = server.again_after_end();
    assert_eq!(server.get("/api/v1/modes/stable").await.expect(200)["name"], "stable");
}

#[tokio::test]
async fn a_balancer_sees_the_end_before_connections_are_refused() {
    let mut server = Server::with(&[("drain_s", "2")]);
    server.terminate();
    server.until_logged("under way").await;
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn the_token_is_shown_at_the_first_start_alone() {
    let server = Server::start();
    assert!(server.admin.starts_with("vsk_"));
    server.mode("stable").await;
    let server = server.again(&[]);
    server.ask("GET", "/api/v1/tokens").send().await.expect(200);
    assert!(!server.log().contains("Keep this token"), "{}", server.log());
    server.get("/api/v1/modes/stable").await.expect(200);
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let (code, out, err) =
        run(&["check-config", "--set", "region=eu", "--database", "postgres://u:hush@127.0.0.1:9/x"]);
    assert!(code == 1 && err.contains("[database_unreachable]"), "{err}");
    let line = |name: &str| out.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap().to_owned();
    assert!(line("region").ends_with("# command line") && line("region").contains("\"eu\""));
    assert!(line("probe_every_s").ends_with("# default"));
    assert!(!out.contains("hush"), "{out}");
}

#[test]
fn settings_that_are_none_end_it() {
    for arguments in [
        ["check-config", "--set", "regoin=eu"],
        ["serve", "--listen", "8080"],
        ["check-config", "--set", "log_format=xml"],
    ] {
        let (code, out, err) = run(&arguments);
        assert_eq!((code, out.as_str()), (2, ""), "as any other usage: {err}");
        assert!(err.contains("[config_invalid]") && err.contains("hint:"), "{err}");
    }
    let (_, _, err) = run(&["serve", "--listen", "127.0.0.1:80800"]);
    assert!(
        err.starts_with("error: listen must be an address and a port up to 65535, not \"127.0.0.1:80800\""),
        "{err}"
    );
    assert_eq!(run(&["nonsense"]).0, 2);
    assert_eq!(run(&["check-config", "--set", "region"]).0, 2);
}

#[test]
fn what_would_not_start_is_not_passed_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, status, said) in [
        (&["--set", "tls_cert=none.pem", "--set", "tls_key=none.key"][..], 1, "none.pem"),
        (&["--data", file], 1, "data must be a folder"),
        (&["--database", "mysql://x"], 2, "database must begin with"),
        (&["--set", "public_url=foo"], 2, "public_url must begin with https://"),
        (&["--set", "log=inof"], 2, "did you mean \"info\"?"),
        (&["--set", "log=info,access"], 2, "log has no level \"access\""),
        (&["--set", "webhooks=hooks"], 2, "webhooks"),
    ] {
        for command in ["check-config", "serve"] {
            let (code, _, err) = run(&[&[command][..], arguments].concat());
            assert!(
                code == status && err.contains(said) && err.contains("[config_invalid]"),
                "{command} {arguments:?}: {code}: {err}"
            );
            assert!(err.contains("hint:"), "{err}");
        }
    }
    assert_eq!(run(&["check-config", "--set", "log=WARN,access=debug"]).0, 0);
}

#[test]
fn example_of_a_configuration_has_every_setting_and_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let (code, example, err) = run(&["example-config"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let file = folder.path().join("config.toml");
    std::fs::write(&file, &example).unwrap();
    let output = program().args(["check-config", "--config"]).arg(&file).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    let settings: toml::Table = toml::from_str(&example).unwrap();
    assert_eq!(shown.lines().count(), settings.len());
    assert!(shown.lines().all(|line| line.ends_with("# file")), "{shown}");
}

#[test]
fn settings_are_shown_to_scripts_with_everything_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "\nregion = \"eu\"\n").unwrap();
    let data = folder.path().join("data");
    let check = |arguments: &[&str]| {
        let always = ["check-config", "--json", "--data", data.to_str().unwrap()];
        let (code, out, err) = run(&[&always[..], arguments].concat());
        (code, serde_json::from_str::<serde_json::Value>(&out).unwrap_or_else(|_| panic!("{out}{err}")), err)
    };
    let (code, said, err) = check(&["--config", file.to_str().unwrap(), "--set", "docs=false"]);
    assert_eq!((code, &said["is_usable"], &said["problems"], err.as_str()), (0, &json!(true), &json!([]), ""));
    let setting = |name: &str| {
        let all = said["settings"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap().clone()
    };
    let of_file = json!({"name": "region", "value": "eu", "source": "file", "file": file.to_str(), "line": 2});
    assert_eq!(setting("region"), of_file);
    assert_eq!(setting("docs"), json!({"name": "docs", "value": false, "source": "command line"}));
    assert_eq!(setting("probe_every_s"), json!({"name": "probe_every_s", "value": 30, "source": "default"}));
    let (code, said, err) = check(&["--set", "regoin=eu", "--set", "docs=maybe"]);
    assert!(
        code == 2 && said["is_usable"] == false && said["settings"] == json!([]) && err.contains("regoin"),
        "{said}"
    );
    let problems = said["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{said}");
    assert!(problems.iter().all(|one| one["code"] == "config_invalid" && one["hint"].is_string()), "{said}");
    let (code, said, _) = check(&["--database", "postgres://u:hush@127.0.0.1:9/x"]);
    assert!(code == 1 && said["problems"][0]["code"] == "database_unreachable", "{said}");
    assert!(said["settings"].as_array().unwrap().len() > 30 && !said.to_string().contains("hush"), "{said}");
}

#[test]
fn completions_are_a_script_of_the_shell_and_every_command_has_a_man_page() {
    for (shell, start) in
        [("bash", "_vsekai__server()"), ("zsh", "#compdef vsekai-server"), ("fish", "# Print"), ("powershell", "using")]
    {
        let (code, script, err) = run(&["completions", shell]);
        assert!(code == 0 && script.contains(start) && script.contains("check-config") && err.is_empty(), "{script}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(run(&["manual", pages.to_str().unwrap()]), (0, String::new(), String::new()));
    let page = |name: &str| std::fs::read_to_string(pages.join(format!("vsekai-server{name}.1"))).unwrap();
    for name in ["", "-serve", "-token-create", "-check-config", "-bundle-build"] {
        assert!(page(name).contains(".SH NAME"), "{name}");
    }
    assert!(page("-gc").contains("\\-\\-dry\\-run") && page("-gc").contains("\\-\\-data"), "{}", page("-gc"));
    let file = pages.join("vsekai-server.1");
    assert!(hint_of("io_failed", &["manual", file.to_str().unwrap()]).contains("a folder"));
}

#[test]
fn wrong_settings_are_answered_with_what_to_write() {
    let hint = |arguments: &[&str]| hint_at(2, "config_invalid", arguments);
    assert!(
        hint(&["check-config", "--set", "regoin=eu"]).starts_with("Did you mean `region`? Write `--set region=eu`")
    );
    assert!(hint(&["serve", "--listen", "8080"]).starts_with("Write `--listen 127.0.0.1:8080`"));
    assert!(hint(&["check-config", "--chunks", "/srv/c"]).starts_with("Write `--chunks file:///srv/c`"));
    let (code, _, err) = run(&["check-config", "--set", "log=a=b=c"]);
    assert!(code == 2 && err.contains("hint: Write `--set log=info`"), "{err}");
    assert!(hint(&["check-config", "--config", "/no/such.toml"]).contains("example-config > /no/such.toml"));
    assert!(hint(&["migrate", "--database", "mysql://x"]).contains("postgres://USER:PASSWORD@HOST/NAME"));
}

/// The hint of a command that fails with this code.
#[track_caller]
fn hint_of(code: &str, arguments: &[&str]) -> String {
    hint_at(1, code, arguments)
}

/// The hint of a command that ends with this status and code.
#[track_caller]
fn hint_at(status: i32, code: &str, arguments: &[&str]) -> String {
    let (exit, _, err) = run(arguments);
    assert!(exit == status && err.contains(&format!("[{code}]")), "{arguments:?}: {err}");
    err.split("hint: ").nth(1).unwrap_or_else(|| panic!("no hint: {err}")).to_owned()
}

#[test]
fn hints_are_about_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert!(hint_of("no_server", &["gc", "--data", data]).contains("--data DIR"));
    assert_eq!(run(&["migrate", "--data", data]).0, 0);
    let copy = folder.path().join("bk.db");
    let backup = ["backup", copy.to_str().unwrap(), "--data", data];
    assert_eq!(run(&backup).0, 0);
    assert!(hint_of("file_exists", &backup).contains("new file"));
    assert!(hint_at(2, "place_invalid", &["move", "--to", "/path", "--data", data]).contains("file:///DIR"));
    assert!(run(&["move", "--to", "/path", "--data", data]).2.contains("its address, file:///path"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    assert!(hint_of("address_in_use", &["serve", "--listen", &listen, "--data", data]).contains("`--listen "));
    assert!(hint_of("not_found", &["bundle", "build", "--mode", "nope", "--data", data]).contains("vsekai publish"));
    assert!(hint_of("not_found", &["bundle", "list", "--mode", "nope", "--data", data]).contains("vsekai publish"));
    let keys = std::fs::read_dir(folder.path().join("keys")).unwrap().map(|it| it.unwrap().path());
    let key = keys.into_iter().find(|it| it.extension().is_some_and(|it| it == "pk8")).unwrap();
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, "x").unwrap();
    assert!(hint_of("config_invalid", &["gc", "--data", data]).contains("from the backup of the folder of keys"));
    std::fs::write(&key, kept).unwrap();
    std::fs::write(folder.path().join("bad.db"), [7; 9000]).unwrap();
    let bad = format!("sqlite:{}", folder.path().join("bad.db").display());
    assert!(hint_of("internal", &["token", "list", "--data", data, "--database", &bad]).contains("restore the backup"));
    // Nobody is told that it listens, if it ends at once.
    let metrics = ["serve", "--listen", "127.0.0.1:0", "--data", data, "--set", &format!("metrics_listen={listen}")];
    assert!(hint_of("address_in_use", &metrics).contains("`--set metrics_listen="));
    assert_eq!(run(&metrics).1, "");
}

#[test]
fn help_names_each_command() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for command in
        ["serve", "migrate", "token", "gc", "verify", "export", "import", "backup", "openapi", "check-config"]
    {
        assert!(out.contains(&format!("  {command} ")), "{command}: {out}");
    }
    assert!(out.contains("Examples:"));
    assert!(run(&["--version"]).1.starts_with("vsekai-server "));
}

#[test]
fn tokens_are_made_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["migrate", "--data", data]).0, 0);
    let (code, out, _) = run(&["token", "create", "--data", data, "--name", "ci", "--scope", "publish:nightly"]);
    assert!(code == 0 && out.starts_with("vsk_"), "{out}");
    let (_, list, _) = run(&["token", "list", "--data", data]);
    assert!(list.contains("publish:nightly") && !list.contains(out.trim().rsplit('_').next().unwrap()), "{list}");
    let (head, row) = list.trim_end().split_once('\n').unwrap();
    let head: Vec<_> = head.split_whitespace().collect();
    assert_eq!(head, ["id", "name", "scopes", "created", "last", "used", "state"]);
    let id = row.split(' ').next().unwrap();
    let (_, json, _) = run(&["token", "list", "--json", "--data", data]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["tokens"][0]["id"], &json["tokens"][0]["name"]), (&id.into(), &"ci".into()), "{json}");
    let (_, made, _) = run(&["token", "create", "--json", "--data", data, "--name", "json", "--scope", "admin"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert!(made["token"].as_str().unwrap().starts_with("vsk_") && made["scopes"][0] == "admin", "{made}");
    assert_eq!(run(&["token", "revoke", "--data", data, "json"]).0, 0);
    assert_eq!(run(&["token", "revoke", "--data", data, id]).0, 0);
    assert!(run(&["token", "list", "--data", data]).1.contains("revoked 20"));
    let (code, out, _) = run(&["token", "revoke", "--data", data, id]);
    assert!(code == 0 && out.contains("was revoked before, on 20"), "{out}");
    assert_eq!(run(&["token", "create", "--data", data, "--name", "x", "--scope", "everything"]).0, 2);
    let create = ["token", "create", "--data", data, "--name", "all", "--scope"];
    assert!(run(&[&create[..], &["publish:nightli"]].concat()).2.contains("warning: there is no mode \"nightli\" yet"));
    let create = ["token", "create", "--data", data, "--name", "every", "--scope"];
    let (code, _, err) = run(&[&create[..], &["publish:*"]].concat());
    assert!(code == 0 && !err.contains("warning"), "{err}");
}

#[test]
fn tokens_are_revoked_by_name_unless_several_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["migrate", "--data", data]).0, 0);
    let make = |name: &str| {
        let create = ["token", "create", "--data", data, "--name", name, "--scope", "admin", "--days", "1"];
        assert_eq!(run(&create).0, 0);
    };
    let revoke = |name: &str| run(&["token", "revoke", "--data", data, name]);
    make("one");
    make("two");
    let (code, _, err) = revoke("three");
    assert!(code == 1 && err.contains("\"three\"; `vsekai-server token list` shows all"), "{err}");
    assert!(revoke("oen").2.contains("\"oen\", did you mean \"one\"?"));
    // Earlier servers took names that were taken. This one is made when the first has ended.
    let db = format!("sqlite:{data}/vsekai.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let again = runtime.block_on(async {
        let db = vsekai_server::db::open(&db, &vsekai_server::db::Pools::default()).await.unwrap();
        let mut token = vsekai_server::auth::NewToken::make("two", &[vsekai_server::auth::Scope::Admin], None).unwrap();
        token.row.created_at = token.row.created_at.plus_seconds(2 * 86_400);
        db.put_token(&token.row, None).await.unwrap();
        token.row.id
    });
    let (code, _, err) = revoke("two");
    assert!(code == 1 && err.contains("2 tokens are named \"two\"; give the id: "), "{err}");
    assert_eq!(revoke(&again.to_string()).0, 0);
    let (code, out, _) = revoke("two");
    assert!(code == 0 && out.contains("(two)"), "the one that is left: {out}");
    let (code, out, _) = revoke("one");
    assert!(code == 0 && out.starts_with("Revoked ") && out.contains("(one)"), "{out}");
    assert_eq!(run(&["token", "list", "--data", data]).1.matches("valid").count(), 0);
}

#[test]
fn a_name_is_that_of_one_valid_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["migrate", "--data", data]).0, 0);
    let make = |more: &[&str]| {
        run(&[&["token", "create", "--data", data, "--name", "ci", "--scope", "publish:*"][..], more].concat())
    };
    let (code, _, err) = make(&[]);
    assert!(code == 0 && err.contains("It never expires") && err.contains("--days N"), "{err}");
    let hint = hint_of("token_exists", &["token", "create", "--data", data, "--name", "ci", "--scope", "admin"]);
    let revoke = hint.split("`vsekai-server ").nth(1).unwrap().split('`').next().unwrap().split(' ');
    let revoke: Vec<&str> = revoke.chain(["--data", data]).collect();
    assert_eq!(run(&revoke).0, 0, "{hint}");
    let (code, _, err) = make(&["--days", "90"]);
    assert!(code == 0 && err.contains("It is valid until 20") && !err.contains("never expires"), "{err}");
    let (code, _, err) = make(&["--json"]);
    assert!(code == 1 && err.contains("a token is named \"ci\" already") && err.contains("valid until 20"), "{err}");
}

#[test]
fn command_lines_are_refused_with_what_to_type() {
    for (words, said) in [
        ("start", "did you mean `vsekai-server serve`?"),
        ("serve -c c.toml", "did you mean `vsekai-server serve --config c.toml`?"),
        ("token create --name x --scope admn", "did you mean admin?"),
        ("token create --name x --scope admin --days soon", "write a whole number of days from 1 to 3650"),
        ("raise --seen x", "write a whole number, such as 4"),
        ("", "postgres://USER:PASSWORD@HOST/NAME"),
    ] {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        let (code, _, err) = run(&words);
        assert!(code == 2 && err.contains(said), "{words:?}: {err}");
    }
}

#[test]
fn a_database_that_does_not_answer_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://u:hush@{free}/x");
    for command in ["check-config", "serve"] {
        let (code, _, err) = run(&[command, "--database", &url]);
        let said = format!("nothing answers at {free}, where the database should be");
        assert!(code == 1 && err.contains(&said) && !err.contains("os error") && !err.contains("hush"), "{err}");
    }
    let hint = hint_of("database_unreachable", &["copy", "--from", &url, "--to", "sqlite:none.db"]);
    assert!(hint.contains("pg_isready"), "{hint}");
}

#[cfg(target_os = "linux")]
#[test]
fn folders_that_cannot_be_used_are_named_before_the_start() {
    for command in ["check-config", "serve"] {
        let (code, _, err) = run(&[command, "--data", "/proc/x"]);
        assert!(code == 1 && err.contains("/proc/x") && !err.contains("can be used"), "{command}: {err}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let data = folder.path().join("data");
    let url = format!("sqlite:{}/x.db", missing.display());
    for command in ["check-config", "serve"] {
        let hint = hint_of("config_invalid", &[command, "--data", data.to_str().unwrap(), "--database", &url]);
        assert!(hint.contains(&format!("`mkdir -p {}`", missing.display())) && !missing.exists(), "{hint}");
    }
    let (code, shown, err) = run(&["check-config"]);
    let data = std::env::current_dir().unwrap().join("data");
    assert!(code == 0 && shown.contains(&format!("data = \"{}\"", data.display())), "{shown}{err}");
}

#[test]
fn settings_that_are_wrong_together_are_told_together() {
    let (code, _, err) = run(&["check-config", "--set", "docs=yes", "--set", "regoin=eu"]);
    assert!(code == 2 && err.starts_with("error: 2 settings cannot be used [config_invalid]"), "{err}");
    for said in ["docs must be true or false", "hint: Write `--set docs=true`", "hint: Did you mean `region`?"] {
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn tokens_need_neither_chunks_nor_keys() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // A folder that cannot be there.
    let chunks = format!("file://{}/file/chunks", folder.path().display());
    std::fs::write(folder.path().join("file"), "").unwrap();
    let with = ["--data", data.to_str().unwrap(), "--chunks", &chunks];
    for command in [&["migrate"][..], &["token", "create", "--name", "ci", "--scope", "admin"]] {
        let (code, _, err) = run(&[command, &with].concat());
        assert_eq!(code, 0, "{err}");
    }
    assert!(run(&[&["token", "list"][..], &with].concat()).1.contains("admin"));
    assert!(!data.join("keys").exists());
    assert!(hint_of("config_invalid", &[&["gc"][..], &with].concat()).contains("--chunks"));
}

#[test]
fn places_to_import_from_are_named_if_they_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["migrate", "--data", data]).0, 0);
    for command in [&["import", "/no/such/store"][..], &["bundle", "import", "/no/such/store"]] {
        let (_, _, err) = run(&[command, &["--data", data]].concat());
        assert!(
            err.contains("/no/such/store") && err.contains("hint: Name the folder") && !err.contains("os error"),
            "{err}"
        );
    }
    assert!(hint_of("store_unreadable", &["import", "http://127.0.0.1:9/", "--data", data]).contains("--index"));
    assert!(hint_of("not_found", &["import", data, "--index", "/no/such.caidx", "--data", data]).contains("path"));
}

#[tokio::test]
async fn database_of_a_running_server_is_not_copied() {
    let server = Server::start();
    let from = format!("sqlite:{}", server.folder().join("vsekai.db").display());
    let to = format!("sqlite:{}", server.folder().join("copy.db").display());
    assert!(hint_of("busy", &["copy", "--from", &from, "--to", &to]).starts_with("Stop every server"));
    assert!(!server.folder().join("copy.db").exists());
}

#[test]
fn commands_in_the_wrong_folder_make_no_new_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("wrong");
    let data = data.to_str().unwrap();
    let create = ["token", "create", "--name", "x", "--scope", "admin"];
    for command in [&["token", "list"][..], &create, &["gc"], &["verify"], &["bundle", "list"]] {
        let (code, _, err) = run(&[command, &["--data", data]].concat());
        assert!(code == 1 && err.contains("there is no server here"), "{command:?}: {code} {err}");
    }
    let [from, to] = ["from", "to"].map(|name| format!("sqlite:{data}-{name}.db"));
    let (code, _, err) = run(&["copy", "--from", &from, "--to", &to]);
    assert!(code == 1 && err.contains("there is no server here"), "{err}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
