//! How long signatures are valid: every command of a publisher says it, and refuses to publish when the root has
//! expired.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tough::schema::{Root, Signed};

use super::TestPublisher;
use crate::support::forge::Forge;
use crate::support::run::{Run, vsekai};

const DAY_S: i64 = 86_400;

/// Signs the root of a key folder again, so that it expires in this number of days. The test's publisher has no
/// repository yet.
fn expire_root(test: &TestPublisher, days: i64) {
    let keys = test.publisher.keys();
    let root: Signed<Root> = serde_json::from_slice(&fs::read(keys.join("root.json")).unwrap()).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let expires = jiff::Timestamp::from_second(now + days * DAY_S + 60).unwrap();
    let forge = Forge::new(test.publisher.repository(), keys);
    let bytes = forge.sign(Root { expires, ..root.signed }, "root");
    fs::write(keys.join("root.json"), &bytes).unwrap();
    fs::write(keys.join("1.root.json"), &bytes).unwrap();
}

fn keys(test: &TestPublisher, words: &[&str]) -> Run {
    Run::of(vsekai().args(["--json", "keys"]).args(words).arg(test.publisher.keys()))
}

/// The days left of each role. A signature made today has all of its days, or one less by now.
#[track_caller]
fn days_left(done: &Value) -> Vec<(&str, i64)> {
    let days = |role: &Value| {
        let (left, all) = (role["days_left"].as_i64().unwrap(), role["days"].as_i64().unwrap());
        if left == all - 1 { all } else { left }
    };
    let roles = done["roles"].as_array().unwrap();
    roles.iter().map(|role| (role["role"].as_str().unwrap(), days(role))).collect()
}

fn warnings(command: &mut std::process::Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    said.lines().filter(|line| line.starts_with("warning: the signature")).map(str::to_owned).collect()
}

#[test]
fn days_left_are_said_by_publish_renew_and_show() {
    let test = TestPublisher::new();
    let all = [
        ("root", 365),
        ("targets", 365),
        ("snapshot", 30),
        ("timestamp", 7),
        ("beta", 365),
        ("catalog", 30),
        ("stable", 365),
    ];
    assert_eq!(days_left(test.publish(&test.tree("one", 1), "1.0.0", &[]).done()), all);
    assert_eq!(days_left(test.publish(&test.tree("one", 1), "1.0.0", &[]).done()), all, "there already");
    assert_eq!(days_left(test.edit(&["renew"]).done()), all);
    assert_eq!(days_left(keys(&test, &["show"]).done()), all[..1], "the key folder knows only its root");
    let before = super::files(test.publisher.repository());
    let mut show = vsekai();
    show.args(["--json", "keys", "show"]).arg(test.publisher.keys());
    show.arg("--repository").arg(test.publisher.repository());
    assert_eq!(days_left(Run::of(&mut show).done()), all);
    assert_eq!(super::files(test.publisher.repository()), before, "it only reads");
    let text = vsekai().args(["keys", "show"]).arg(test.publisher.keys()).output().unwrap();
    assert!(String::from_utf8(text.stdout).unwrap().contains("root 36"));
    assert_eq!(warnings(&mut test.publisher.publishing(&test.tree("two", 2), "stable", "1.1.0")), [""; 0]);
}

#[test]
fn signature_below_a_third_of_its_days_is_a_warning() {
    for (days, is_warned) in [(122, false), (121, true), (1, true), (0, true)] {
        let test = TestPublisher::new();
        expire_root(&test, days);
        let mut renew = vsekai();
        renew.args(["repository", "renew", "--repository"]).arg(test.publisher.repository());
        renew.arg("--keys").arg(test.publisher.keys());
        let mut show = vsekai();
        show.args(["keys", "show"]).arg(test.publisher.keys());
        for command in [&mut test.publisher.publishing(&test.tree("one", 1), "stable", "1.0.0"), &mut renew, &mut show]
        {
            let warned = warnings(command);
            assert_eq!(warned.len(), usize::from(is_warned), "{days} {warned:?}");
            assert!(warned.iter().all(|line| line.contains("root") && line.contains("keys renew-root")), "{warned:?}");
        }
    }
}

#[test]
fn nothing_is_published_below_an_expired_root() {
    let test = TestPublisher::new();
    expire_root(&test, -2);
    let tree = test.tree("one", 1);
    assert!(test.publish(&tree, "1.0.0", &[]).failed("signature_expired").contains("root"));
    assert!(!test.publisher.repository().join("tuf").exists(), "nothing is begun");
    let shown = keys(&test, &["show"]);
    shown.failed("signature_expired");
    assert_eq!(shown.lines[0]["keys"].as_array().unwrap().len(), 7, "it shows what it has");
    let renew = format!("`vsekai keys renew-root {}`", test.publisher.keys().display());
    assert!(shown.lines.last().unwrap()["hint"].as_str().unwrap().contains(&renew));
    keys(&test, &["renew-root"]).done();
    test.publish(&tree, "1.0.0", &[]).done();
    keys(&test, &["show"]).done();
}

#[test]
fn nothing_is_changed_below_a_root_that_has_expired_since() {
    let test = TestPublisher::new();
    expire_root(&test, 1);
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    let Some(later) = Later::new() else { return };
    let before = fs::read(test.publisher.repository().join("tuf/timestamp.json")).unwrap();
    let two = test.tree("two", 2);
    let publish = |days| Run::of(later.at(days, test.publisher.publishing(&two, "stable", "1.1.0").arg("--json")));
    publish(2).failed("signature_expired");
    let edit = |days: u32, words: &[&str]| {
        let mut command = vsekai();
        command.args(["--json", "repository"]).args(words).arg("--repository").arg(test.publisher.repository());
        Run::of(later.at(days, command.arg("--keys").arg(test.publisher.keys())))
    };
    edit(2, &["renew"]).failed("signature_expired");
    edit(2, &["recall", "--mode", "stable", "--version", "1.0.0"]).failed("signature_expired");
    assert_eq!(fs::read(test.publisher.repository().join("tuf/timestamp.json")).unwrap(), before);
    let mut renew = vsekai();
    Run::of(later.at(2, renew.args(["--json", "keys", "renew-root"]).arg(test.publisher.keys()))).done();
    edit(2, &["renew"]).done();
    assert_eq!(publish(2).done()["version"], "1.1.0");
}

#[test]
fn nothing_is_published_below_targets_that_have_expired() {
    let test = TestPublisher::new();
    let Some(later) = Later::new() else { return };
    // They end before the root.
    let list = test.publisher.keys().join("keys.json");
    let mut days: Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    days["days"]["targets"] = 10.into();
    fs::write(&list, days.to_string()).unwrap();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    let two = test.tree("two", 2);
    let publish = || Run::of(later.at(11, test.publisher.publishing(&two, "stable", "1.1.0").arg("--json")));
    assert!(publish().failed("signature_expired").contains("targets"));
    let mut renew = vsekai();
    renew.args(["--json", "repository", "renew", "--repository"]).arg(test.publisher.repository());
    Run::of(later.at(11, renew.arg("--keys").arg(test.publisher.keys()))).done();
    publish().done();
}

/// Another day, by the library of `faketime`.
struct Later(std::path::PathBuf);

impl Later {
    /// `None`, with a line past the test harness, if it is not installed.
    fn new() -> Option<Self> {
        let folders =
            ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"];
        let found = folders.iter().map(|folder| Path::new(folder).join("libfaketime.so.1")).find(|path| path.exists());
        if found.is_none() {
            use std::io::Write as _;
            std::io::stderr().write_all(b"SKIPPED: libfaketime is not installed, no later day is tested\n").unwrap();
        }
        found.map(Self)
    }

    fn at<'c>(&self, days: u32, command: &'c mut std::process::Command) -> &'c mut std::process::Command {
        command.env("LD_PRELOAD", &self.0).env("FAKETIME", format!("+{days}d"))
    }
}
