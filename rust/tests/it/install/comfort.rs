//! What makes the command comfortable: defaults, lists, settings, and lines that people read.

use std::process::{Command, Stdio};

use serde_json::json;

use super::shop::Shop;
use crate::support::run::{Run, vsekai};
use crate::support::server::TestServer;
use crate::support::trees::{noise, write};

/// `vsekai WORDS` as people run it, in the folder around the install.
fn plain(shop: &Shop, words: &[&str]) -> Command {
    let mut command = vsekai();
    command.env("HOME", shop.path("home")).env("XDG_CONFIG_HOME", shop.path("home/.config"));
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent").env("TZ", "UTC");
    command.args(words).current_dir(shop.path("."));
    command
}

#[track_caller]
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{err}");
    String::from_utf8(output.stdout).unwrap() + &err
}

/// Runs a command line on a terminal of its own, with this input; what appears there.
fn on_a_terminal(shop: &Shop, line: &str, input: &str) -> String {
    let line = line.replace("vsekai", env!("CARGO_BIN_EXE_vsekai"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(shop.path("."));
    command.env("HOME", shop.path("home")).env("XDG_CONFIG_HOME", shop.path("home/.config")).env("TERM", "xterm");
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent").env_remove("NO_COLOR");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn folder_is_the_install_around() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    for folder in [shop.game(), shop.tree(), shop.tree().join("data")] {
        let mut command = shop.command(&["status"]);
        assert_eq!(Run::of(command.current_dir(&folder)).done()["current"]["version"], "1.0.0");
    }
    let inside = shop.game().join("versions");
    for command in ["check", "verify", "versions", "history", "update", "rollback"] {
        assert_eq!(Run::of(shop.command(&[command]).current_dir(&inside)).done()["command"], command);
    }
    assert_eq!(Run::of(shop.command(&["mode", "current"]).current_dir(&inside)).done()["mode"], "stable");
    Run::of(shop.command(&["status"]).current_dir(shop.path("."))).failed("invalid_argument");
    let refused = shop.command(&["uninstall"]).current_dir(&inside).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "what is removed must be named");
}

#[test]
fn install_is_a_verb_and_can_be_repeated() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let install = || {
        let mut command = shop.command(&["install", "--no-shared-cache"]);
        command.arg(shop.game()).arg("--repository").arg(shop.publisher.repository());
        Run::of(command.arg("--trust-root").arg(shop.publisher.root()))
    };
    let run = install();
    assert_eq!((&run.done()["command"], &run.done()["why"]), (&"install".into(), &"install".into()));
    assert_eq!(install().done()["why"], serde_json::Value::Null);
}

#[test]
fn results_are_a_line_that_people_read() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let mut install = plain(&shop, &["install", "GAME", "--repository"]);
    let text = said(install.arg(shop.publisher.repository()).arg("--trust-root").arg(shop.publisher.root()));
    assert!(
        text.starts_with("Installed GAME 1.0.0 (stable): ") && text.ends_with(" s. `vsekai launch GAME` starts it.\n"),
        "{text}"
    );
    shop.publish("2.0.0");
    let text = said(&mut plain(&shop, &["check", "GAME"]));
    assert!(text.starts_with("Update available: 1.0.0 -> 2.0.0 (stable), "), "{text}");
    let text = said(&mut plain(&shop, &["-v", "update", "GAME"]));
    assert!(text.starts_with("Updated GAME 1.0.0 -> 2.0.0 (stable): "), "{text}");
    assert!(text.contains(" s  Downloading") && text.contains(" of metadata in "), "details are on stderr: {text}");
    assert_eq!(said(&mut plain(&shop, &["update", "GAME"])), "GAME is up to date: 2.0.0 (stable).\n");
    said(&mut plain(&shop, &["rollback", "GAME"]));
    let text = said(&mut plain(&shop, &["check", "GAME"]));
    assert_eq!(
        text,
        "GAME is up to date: 1.0.0 (stable). 2.0.0 is not offered here any more; `vsekai update GAME --version 2.0.0` installs it.\n"
    );
    let text = said(&mut plain(&shop, &["update", "GAME", "--version", "2.0.0"]));
    assert!(text.starts_with("Updated GAME 1.0.0 -> 2.0.0"), "{text}");
    let text = said(&mut plain(&shop, &["update", "GAME", "--version", "1.0.0"]));
    assert!(text.starts_with("Rolled GAME back: 2.0.0 -> 1.0.0"), "{text}");
    assert_eq!(said(&mut plain(&shop, &["uninstall", "GAME", "--yes"])), "Uninstalled GAME (1 version).\n");
}

#[test]
fn check_and_dry_run_agree_that_nothing_is_downloaded_from_a_folder() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let check = said(&mut plain(&shop, &["check", "GAME"]));
    assert!(check.contains("nothing to download (the repository is on this disk)"), "{check}");
    let dry = said(&mut plain(&shop, &["update", "GAME", "-n"]));
    assert!(dry.contains("  download  nothing (the repository is on this disk)\n"), "{dry}");
    assert!(!dry.contains(" 1 files") && !dry.contains(" 1 chunks"), "{dry}");
}

#[test]
fn arguments_of_the_game_go_after_two_dashes() {
    let shop = Shop::with(&["1.0.0"]);
    let output = plain(&shop, &["launch", "GAME", "hello"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && err.contains("as in `vsekai launch GAME -- hello`"), "{err}");
}

#[test]
fn check_says_what_the_update_downloads_then() {
    let shop = Shop::with(&["1.0.0"]);
    // Without bundles, only a plan knows which chunks are here.
    shop.publish_in("stable", "2.0.0", &["--delta-from", "0"], |_| {});
    let text = said(&mut plain(&shop, &["check", "GAME"]));
    assert!(text.contains(", nothing to download (the repository") && !text.contains("at most"), "{text}");
}

/// The same number at each step, over a connection and by a bundle.
#[test]
fn check_plan_and_update_name_the_same_download() {
    let shop = Shop::new();
    let pack = |changed: bool| {
        let mut bytes = noise(9, 1 << 20);
        bytes.iter_mut().step_by(4 << 10).for_each(|byte| *byte ^= u8::from(changed));
        bytes
    };
    let publish = |version: &str, changed| {
        let options = ["--delta-from", "1", "--fast"];
        shop.publish_in("stable", version, &options, |tree| write(tree, "data/pack.pck", &pack(changed)));
    };
    publish("1.0.0", false);
    let server = TestServer::start(shop.publisher.repository());
    let (url, root) = (server.url(), shop.publisher.root().display().to_string());
    let first = ["--repository", &url, "--trust-root", &root, "--no-shared-cache"];
    let run = |words: &[&str], more: &[&str]| said(plain(&shop, words).args(more).arg("GAME"));
    let amount = |text: &str, before: &str, after: &str| {
        let (start, _) = text.split_once(after).unwrap_or_else(|| panic!("no {after}: {text}"));
        start.rsplit(before).next().unwrap().trim().to_owned()
    };
    for (is_first, words) in [(true, &first[..]), (false, &["--no-shared-cache"][..])] {
        let without_cache: Vec<&str> = words.iter().copied().filter(|word| *word != "--no-shared-cache").collect();
        let checked = amount(&run(&["check"], &without_cache), if is_first { ":" } else { "," }, " to download");
        let planned = amount(&run(&["update", "--dry-run"], words), "download ", "\n  new");
        let downloaded = amount(&run(&["update"], words), ":", " downloaded in");
        assert!(checked.ends_with("B"), "{checked}");
        assert_eq!((&checked, &planned), (&downloaded, &downloaded), "first: {is_first}");
        publish("2.0.0", true);
    }
}

#[test]
fn mode_of_new_installs_is_not_mistaken_for_that_of_an_install() {
    let shop = Shop::with(&["1.0.0"]);
    let text = said(&mut plain(&shop, &["mode", "switch", "--mode_name", "beta"]));
    assert!(text.starts_with("New installs will follow beta: there is no install in the working folder"), "{text}");
    assert!(text.contains("`vsekai mode switch beta GAME`"), "{text}");
    assert_eq!(shop.status()["mode"], "stable");
}

#[test]
fn install_works_although_the_root_for_new_installs_is_gone() {
    let shop = Shop::with(&["1.0.0"]);
    said(&mut plain(&shop, &["config", "set", "trust_root", "gone.json"]));
    assert!(said(&mut plain(&shop, &["check", "GAME"])).contains("up to date"));
    assert_eq!(plain(&shop, &["install", "NEW", "--repository", "nowhere"]).output().unwrap().status.code(), Some(1));
}

#[test]
fn empty_values_of_settings_are_refused_with_the_way_to_remove_them() {
    let shop = Shop::new();
    for key in ["repository", "trust_root", "cache", "mode"] {
        let output = plain(&shop, &["config", "set", key, ""]).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(&format!("it is empty; `vsekai config unset {key}` removes the setting")), "{err}");
    }
}

#[test]
fn a_first_install_without_a_repository_says_what_it_needs() {
    let shop = Shop::new();
    let output = plain(&shop, &["install", "NEW"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("No repository is known for NEW") && err.contains("--trust-root FILE"), "{err}");
}

#[test]
fn versions_and_history_are_listed() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.publish_in("beta", "3.0.0-beta.1", &["--rollout", "20"], |_| {});
    shop.update(&[]).done();
    shop.vsekai(&["rollback"]).done();
    shop.edit("recall", "stable", "2.0.0");
    let text = said(&mut plain(&shop, &["versions", "GAME", "--all"]));
    let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(lines[1].starts_with("3.0.0-beta.1 beta ") && lines[1].ends_with("rollout 20%"), "{text}");
    assert!(lines[2].starts_with("2.0.0 stable ") && lines[2].ends_with("not offered again here, recalled"), "{text}");
    assert!(lines[3].starts_with("* 1.0.0 stable ") && lines[3].ends_with("installed"), "{text}");
    let head: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["version", "mode", "published", "download", "platforms"]);
    let date = lines[3].split(' ').nth(3).unwrap();
    assert!(date.starts_with("20") && date.matches('-').count() == 2 && lines[3].contains("B "), "{text}");
    let only = shop.vsekai(&["versions"]).done()["versions"].clone();
    assert_eq!(only.as_array().unwrap().len(), 2, "of the mode that is followed");
    shop.vsekai(&["versions", "--mode", "nightly"]).failed("mode_unknown");

    let changes = shop.vsekai(&["history"]).done()["changes"].clone();
    let of = |at: usize| (changes[at]["version"].as_str().unwrap(), changes[at]["is_rollback"] == true);
    assert_eq!([of(0), of(1), of(2)], [("1.0.0", true), ("2.0.0", false), ("1.0.0", false)]);
    let time = changes[0]["time"].as_str().unwrap();
    assert!(time.starts_with("20") && time.contains('T') && time.ends_with('Z'), "{time}");
    let text = said(&mut plain(&shop, &["history", "GAME"]));
    let newest = text.lines().nth(1).unwrap();
    assert!(newest.ends_with("went back  1.0.0    stable  rollback from 2.0.0"), "{text}");
    assert!(newest.starts_with("20") && newest.contains(" UTC "), "{text}");
}

#[test]
fn history_says_why_a_version_went_down() {
    let shop = Shop::with(&["1.0.0", "2.0.0", "3.0.0"]);
    shop.update(&[]).done();
    shop.edit("recall", "stable", "3.0.0");
    shop.update(&[]).done();
    shop.update(&["--version", "1.0.0"]).done();
    let text = said(&mut plain(&shop, &["history", "GAME"]));
    let ends: Vec<_> = text.lines().skip(1).collect();
    assert!(ends[0].ends_with("asked for instead of 2.0.0"), "{text}");
    assert!(ends[1].ends_with("3.0.0 was recalled") && ends[2].trim_end().ends_with("stable"), "{text}");
    let changes = shop.vsekai(&["history"]).done()["changes"].clone();
    assert_eq!((&changes[1]["why"], &changes[1]["left"]), (&"recalled".into(), &"3.0.0".into()));
}

#[test]
fn repository_is_shown() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.edit("skip", "stable", "2.0.0");
    let mut command = plain(&shop, &["repository", "show", "--repository"]);
    command.arg(shop.publisher.repository()).arg("--keys").arg(shop.publisher.keys());
    let text = said(&mut command);
    assert!(text.contains("stable\n  version  rollout") && text.contains("only by name"), "{text}");
    assert!(text.contains("Days left of the signatures: root"), "{text}");
    let text = said(command.args(["--mode", "stable", "--json"]));
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["modes"]["stable"]["versions"].as_array().unwrap().len(), 2);
}

#[test]
fn changes_of_a_folder_say_that_it_is_to_be_uploaded_and_days_only_to_who_asks() {
    let shop = Shop::with(&["1.0.0"]);
    let rollout = |words: &[&str]| {
        let mut command = plain(&shop, &["repository", "rollout", "--mode", "stable", "--version", "1.0.0"]);
        command.args(["--percent", "50", "--repository"]).arg(shop.publisher.repository());
        said(command.arg("--keys").arg(shop.publisher.keys()).args(words))
    };
    let text = rollout(&[]);
    let upload = format!("Now upload {} to your web host, ", shop.publisher.repository().display());
    assert!(text.contains(&upload) && !text.contains("Days left"), "{text}");
    assert!(rollout(&["-v"]).contains("Days left of the signatures: root"));
}

#[test]
fn settings_are_set_shown_and_removed() {
    let shop = Shop::new();
    let file = shop.path("home/.config/vsekai/config.toml");
    let config = |words: &[&str]| said(plain(&shop, &["config"]).args(words));
    assert_eq!(config(&["path"]), format!("{}\n", file.display()));
    config(&["set", "limit_rate", "5M"]);
    config(&["set", "cache", "here"]);
    config(&["set", "repository", "https://a.example", "mirror"]);
    assert_eq!(config(&["get", "limit_rate"]), "5M\n");
    assert!(config(&["get", "cache"]).ends_with("/here\n"));
    assert!(std::fs::read_to_string(&file).unwrap().contains("[\"https://a.example\", \"/"));
    config(&["unset", "repository"]);
    config(&["unset", "cache"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "limit_rate = \"5M\"\n");
    assert!(config(&["show"]).contains("\nmode           stable "), "{}", config(&["show"]));
    let rows = |words: &[&str]| {
        let mut command = plain(&shop, &["config"]);
        let text = said(command.env("VSEKAI_MODE", "beta").args(words));
        let of_row = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        text.lines().map(of_row).collect::<Vec<_>>()
    };
    let shown = rows(&["show"]);
    let platform = vsekai_updater::formats::release::Platform::current().to_string();
    for row in [
        ["mode", "beta", "VSEKAI_MODE"],
        ["limit_rate", "5M", "file"],
        ["connections", "128", "default"],
        ["repository", "none", "default"],
    ] {
        assert!(shown.iter().any(|it| *it == row), "{row:?}: {shown:?}");
    }
    assert!(shown.iter().any(|it| *it == ["platform", &platform, "this", "machine"]), "{shown:?}");
    assert_eq!(rows(&["get", "platform"]), [[platform]]);
    assert_eq!(rows(&["get", "mode", "-v"]), [vec!["beta"], vec!["mode", "comes", "from:", "VSEKAI_MODE"]]);
    Run::of(&mut shop.command(&["config", "set", "connections", "many"])).failed("invalid_argument");
    assert_eq!(plain(&shop, &["config", "set", "colour", "red"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn completions_are_a_script_of_the_shell() {
    let shop = Shop::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = said(&mut plain(&shop, &["completions", shell]));
        assert!(script.contains("self-update") && script.contains("limit-rate"), "{shell}");
        if shell == "bash" {
            std::fs::write(shop.path("script"), &script).unwrap();
            assert!(Command::new("bash").arg("-n").arg(shop.path("script")).status().unwrap().success());
        }
    }
}

#[test]
fn terminal_shows_steps_and_colours_and_is_asked() {
    if Command::new("script").arg("--version").output().is_err() {
        return super::skipped("no `script`: nothing is run on a terminal");
    }
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let text = on_a_terminal(&shop, "vsekai update GAME", "");
    assert!(text.contains("[2/4] Preparing") || text.contains("[3/4] Downloading"), "{text:?}");
    assert!(text.trim_end().ends_with(" s.") && !text.contains("0 B/s"), "{text:?}");
    let text = on_a_terminal(&shop, "vsekai rollback nowhere", "");
    assert!(text.contains("\u{1b}[31merror:\u{1b}[0m") && text.contains("\u{1b}[36mhint:"), "{text:?}");
    assert!(!on_a_terminal(&shop, "NO_COLOR=1 vsekai rollback nowhere", "").contains("\u{1b}[31m"));
    for (input, is_gone) in [("\n", false), ("n\n", false), ("y\n", true)] {
        let text = on_a_terminal(&shop, "vsekai uninstall GAME", input);
        assert!(text.contains("Uninstall GAME 2.0.0? Files that you added are kept. [y/N]"), "{text:?}");
        assert_eq!(!shop.game().exists(), is_gone, "{input:?} {text:?}");
    }
    shop.update(&[]).done();
    assert!(!on_a_terminal(&shop, "vsekai uninstall --yes GAME", "").contains("[y/N]"));
    assert!(!shop.game().exists());
}

#[test]
fn failed_starts_say_what_comes_next() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    let launch = |code: &str| {
        let output = plain(&shop, &["launch"]).arg(shop.game()).env("GAME_EXIT", code).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let [first, second] = ["3", "3"].map(launch);
    assert!(
        first.contains("2.0.0 ended with code 3: failed start 1 of 2. After the second, 1.0.0 comes back."),
        "{first}"
    );
    assert!(second.contains("the next start goes back to 1.0.0."), "{second}");
    assert!(launch("0").contains("2.0.0 failed to start twice, so 1.0.0 is started instead."));
    assert_eq!(launch("3"), "", "1.0.0 is not on trial");
}

#[test]
fn keys_are_not_made_beside_other_files() {
    let shop = Shop::new();
    std::fs::create_dir(shop.path("build")).unwrap();
    std::fs::write(shop.path("build/game"), "").unwrap();
    let output = plain(&shop, &["keys", "init", "build", "--mode", "stable"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && err.contains("give a new or empty folder"), "{err}");
    assert_eq!(std::fs::read_dir(shop.path("build")).unwrap().count(), 1);
}

#[test]
fn nothing_is_removed_where_nobody_can_be_asked() {
    let shop = Shop::with(&["1.0.0"]);
    for words in [&["uninstall", "GAME"][..], &["--quiet", "uninstall", "GAME"], &["--json", "uninstall", "GAME"]] {
        let output = plain(&shop, words).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && err.contains("add --yes"), "{words:?}: {err}");
        assert_eq!(shop.version(), "1.0.0", "{words:?}");
    }
    said(&mut plain(&shop, &["uninstall", "GAME", "--yes"]));
    assert!(!shop.game().exists());
}

#[test]
fn bad_line_of_the_configuration_is_named_and_can_be_removed() {
    let shop = Shop::with(&["1.0.0"]);
    let file = shop.path("home/.config/vsekai/config.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    for bad in ["mode = 'Beta'", "mode = beta"] {
        std::fs::write(&file, format!("connections = 7\n{bad}\n")).unwrap();
        let run = Run::of(&mut plain(&shop, &["--json", "check", "GAME"]));
        let said = run.failed("config_malformed");
        assert!(said.contains(&format!("{}: line 2: ", file.display())), "{said}");
        assert!(run.stderr.contains("`vsekai config unset mode`"), "{}", run.stderr);
        let shown = Run::of(&mut plain(&shop, &["--json", "config", "show"]));
        let value = |key| {
            shown.done()["settings"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap()["value"].clone()
        };
        assert_eq!([value("repository"), value("proxy"), value("mode")], [json!([]), json!(null), json!("stable")]);
        assert_eq!([value("connections"), value("shared_cache")], [json!(128), json!(true)]);
        assert!(shown.done()["problem"].as_str().unwrap().contains("line 2"), "{:?}", shown.lines);
        assert!(self::said(&mut plain(&shop, &["config", "unset", "mode"])).starts_with("Removed mode from "));
        Run::of(&mut plain(&shop, &["--json", "check", "GAME"])).done();
    }
    for name in ["Beta", "my_mode.x"] {
        let set = Run::of(&mut plain(&shop, &["--json", "config", "set", "mode", name])).failed("invalid_argument");
        let typed = plain(&shop, &["check", "GAME", "--mode", name]).output().unwrap();
        let typed = String::from_utf8(typed.stderr).unwrap();
        let reason = "a mode's name has 1 to 32 of a-z, 0-9 and -";
        assert!(set.contains(reason) && typed.contains(reason), "{set} {typed}");
    }
}
