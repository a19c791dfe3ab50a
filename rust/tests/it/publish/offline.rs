//! A publication in three steps: prepared without the mode's key, signed without a network, committed with the online
//! keys. Whoever carries the file is not trusted.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::TestPublisher;
use crate::support::run::{Run, vsekai};

/// A repository with 1.0.0, and the keys of each party in a folder of its own.
struct Parties {
    test: TestPublisher,
    /// Prepares: no private key at all.
    public: PathBuf,
    /// Signs.
    signer: PathBuf,
    /// Commits.
    online: PathBuf,
    file: PathBuf,
}

impl Parties {
    fn new() -> Self {
        let test = TestPublisher::new();
        test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
        let some = |name, roles: &[&str]| test.publisher.some_keys(name, roles);
        let (public, signer) = (some("public", &[]), some("signer", &["stable"]));
        let online = some("online", &["catalog", "snapshot", "timestamp"]);
        let file = test.path("prepared.json");
        Self { test, public, signer, online, file }
    }

    fn prepare(&self, version: &str, number: u32, options: &[&str]) -> Run {
        let tree = self.test.tree(version, number);
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", "stable", "--version", version, "--entry", "game"]);
        command.args(["--chunk-size", "1:4:16", "--delta-from", "0", "--prepare"]).arg(&self.file);
        command.arg("--repository").arg(self.test.publisher.repository()).arg("--keys").arg(&self.public);
        Run::of(command.args(options).arg(tree))
    }

    fn sign_with(&self, keys: &Path) -> Run {
        Run::of(vsekai().args(["--json", "sign", "--yes"]).arg(&self.file).arg("--keys").arg(keys))
    }

    fn committing(&self, keys: &Path) -> std::process::Command {
        let mut command = vsekai();
        command.args(["--json", "publish", "--commit"]).arg(&self.file).arg("--repository");
        command.arg(self.test.publisher.repository()).arg("--keys").arg(keys);
        command
    }

    fn commit(&self) -> Run {
        Run::of(&mut self.committing(&self.online))
    }

    fn installed(&self, name: &str) -> String {
        let done = self.test.install(name, &[]);
        done.done()["current"]["version"].as_str().unwrap().to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&fs::read(&self.file).unwrap()).unwrap()
    }

    fn write(&self, file: &Value) {
        fs::write(&self.file, serde_json::to_vec(file).unwrap()).unwrap();
    }
}

#[test]
fn version_is_prepared_signed_and_committed_by_three_parties() {
    let all = Parties::new();
    let prepared = all.prepare("1.1.0", 2, &["--oldest-allowed", "0.9.0"]);
    assert!(prepared.done()["new_chunks"].as_u64().unwrap() > 0);
    assert_eq!(all.installed("early"), "1.0.0");
    // Nobody has signed it yet, and nobody here can.
    let refused = all.commit().failed("signature_invalid");
    let command = format!("run `vsekai sign {} --keys KEYS`", all.file.display());
    assert!(refused.contains(&command) && !refused.contains("cannot be trusted"), "{refused}");
    let refused = all.sign_with(&all.online).failed("key_missing");
    assert!(refused.contains("stable"), "{refused}");

    let signed = all.sign_with(&all.signer);
    let (version, list) = (&signed.done()["publish"], &signed.done()["lists"][0]);
    assert_eq!(version["release"]["version"], "1.1.0");
    assert_eq!(version["previous"]["version"], "1.0.0");
    assert_eq!((&list["signatures"], &list["threshold"]), (&json!(1), &json!(1)));
    assert_eq!(list["oldest_allowed"], "0.9.0");
    assert_eq!(all.installed("early"), "1.0.0");

    Run::of(&mut all.committing(&all.public)).failed("key_missing");
    assert_eq!(all.commit().done()["was_there"], false);
    assert_eq!(all.installed("early"), "1.1.0");
    assert_eq!(fs::read(all.test.path("early/current/game")).unwrap(), fs::read(all.test.path("1.1.0/game")).unwrap());
    // Again: by each step.
    assert_eq!(all.commit().done()["was_there"], true);
    assert_eq!(all.prepare("1.1.0", 2, &["--oldest-allowed", "0.9.0"]).done()["was_there"], true);
    all.test.publish(&all.test.tree("three", 3), "1.2.0", &[]).done();
    assert_eq!(all.installed("early"), "1.2.0");
}

#[test]
fn old_versions_leave_the_list_and_the_catalog_together() {
    let all = Parties::new();
    all.test.publish(&all.test.tree("two", 2), "1.1.0", &[]).done();
    all.prepare("1.2.0", 3, &["--keep-versions", "2"]).done();
    assert_eq!(all.sign_with(&all.signer).done()["publish"]["withdrawn"], json!(["1.0.0"]));
    all.commit().done();
    assert_eq!(all.installed("new"), "1.2.0");
    all.test.install("old", &["--version", "1.0.0"]).failed("version_unknown");
    assert_eq!(all.test.install("middle", &["--version", "1.1.0"]).done()["current"]["version"], "1.1.0");
}

#[test]
fn what_does_not_fit_the_repository_any_more_is_not_published() {
    let all = Parties::new();
    let ready = |number: u32, version: &str| {
        all.prepare(version, number, &[]).done();
        all.sign_with(&all.signer).done();
    };
    // Another version of the mode.
    ready(2, "1.1.0");
    all.test.publish(&all.test.tree("other", 9), "1.0.1", &[]).done();
    let said = all.commit().failed("preparation_stale");
    assert!(said.contains("stable"), "{said}");
    // What the mode offers.
    ready(2, "1.1.0");
    all.test.edit(&["skip", "--mode", "stable", "--version", "1.0.1"]).done();
    all.commit().failed("preparation_stale");
    // Another mode changes nothing.
    ready(2, "1.1.0");
    all.test.edit(&["mode", "--mode", "beta", "--description", "Next"]).done();
    all.commit().done();
    assert_eq!(all.installed("game"), "1.1.0");
    // What was stored for it.
    ready(3, "1.2.0");
    let targets = all.test.publisher.repository().join("targets/stable/1.2.0");
    fs::rename(&targets, all.test.path("away")).unwrap();
    all.commit().failed("preparation_stale");
    fs::rename(all.test.path("away"), &targets).unwrap();
    let store = all.test.publisher.repository().join("store");
    fs::rename(&store, all.test.path("store")).unwrap();
    fs::create_dir(&store).unwrap();
    let said = all.commit().failed("preparation_stale");
    assert!(said.contains("chunks"), "{said}");
    fs::remove_dir(&store).unwrap();
    fs::rename(all.test.path("store"), &store).unwrap();
    assert_eq!(all.installed("game"), "1.1.0");
    all.commit().done();
    assert_eq!(all.installed("game"), "1.2.0");
}

#[test]
fn mode_that_the_repository_lacks_is_begun_where_its_key_is() {
    let all = Parties::new();
    let prepare = |mode: &str| {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", mode, "--version", "1.0.0", "--entry", "game", "--prepare"]);
        command.arg(&all.file).arg("--repository").arg(all.test.path("new")).arg("--keys").arg(&all.public);
        Run::of(command.arg(all.test.path("one")))
    };
    let said = prepare("stable").failed("not_found");
    assert!(said.contains("vsekai repository mode"), "{said}");
    assert!(!all.test.path("new").exists());
}

#[test]
fn keys_that_the_repository_lacks_are_brought_there_first() {
    let all = Parties::new();
    let run = |arguments: &[&str], keys: &Path| Run::of(vsekai().arg("--json").args(arguments).arg(keys));
    let keys = all.test.publisher.keys().to_owned();
    let keys = keys.as_path();
    Run::of(vsekai().args(["--json", "keys", "rotate"]).arg(keys).arg("stable")).done();
    fs::copy(keys.join("keys.json"), all.public.join("keys.json")).unwrap();
    let said = all.prepare("1.1.0", 2, &[]).failed("invalid_argument");
    assert!(said.contains("stable") && said.contains("`vsekai repository renew`"), "{said}");
    assert!(!all.file.exists());

    let repository = all.test.publisher.repository().to_str().unwrap();
    run(&["repository", "renew", "--repository", repository, "--keys"], keys).done();
    all.prepare("1.1.0", 2, &[]).done();
    all.sign_with(keys).done();
    all.commit().done();
    assert_eq!(all.installed("game"), "1.1.0");
}

#[test]
fn file_that_somebody_has_changed_is_not_signed() {
    let all = Parties::new();
    all.prepare("1.1.0", 2, &[]).done();
    let good = all.json();
    let targets = "/sign/0/metadata/targets";
    let name = |file: &str| {
        let platform = vsekai_updater::formats::release::Platform::current();
        format!("stable/1.1.0/{platform}/{file}")
    };
    let digest = json!({"length": 3, "hashes": {"sha256": "ab".repeat(32)}});
    let change = |how: &dyn Fn(&mut Value)| {
        let mut file = good.clone();
        how(&mut file);
        all.write(&file);
        let run = all.sign_with(&all.signer);
        let last = run.lines.last().unwrap();
        assert_eq!(last["event"], "error", "{last}");
        assert_eq!(all.json()["sign"][0]["signatures"], json!([]), "nothing was signed");
        last["code"].as_str().unwrap().to_owned()
    };
    let at = |file: &mut Value, path: &str, value: Value| *file.pointer_mut(path).unwrap() = value;
    // The list names another index, or another file than is shown.
    assert_eq!(
        change(&|file| file.pointer_mut(targets).unwrap()[name("index.caidx")] = digest.clone()),
        "invalid_argument"
    );
    assert_eq!(
        change(&|file| file.pointer_mut(targets).unwrap()["stable/9.0.0/x/release.json"] = digest.clone()),
        "invalid_argument"
    );
    assert_eq!(
        change(&|file| file.pointer_mut(targets).unwrap()["beta/1.0.0/x/release.json"] = digest.clone()),
        "invalid_argument"
    );
    assert_eq!(change(&|file| file.pointer_mut(targets).unwrap()["stable/../../x"] = digest.clone()), "unsafe_path");
    // A published version gets another content, or leaves in part.
    let published = good.pointer("/sign/0/before/signed/targets").unwrap().as_object().unwrap();
    let old = published.keys().find(|name| name.ends_with("release.json")).unwrap().clone();
    assert_eq!(change(&|file| file.pointer_mut(targets).unwrap()[&old] = digest.clone()), "invalid_argument");
    assert_eq!(
        change(&|file| {
            file.pointer_mut(targets).unwrap().as_object_mut().unwrap().remove(&old);
        }),
        "invalid_argument"
    );
    // What is shown is not what is signed.
    for (path, value) in [
        ("/publish/release/entry/path", json!("data/world.pck")),
        ("/publish/release/sizes/files", json!(1)),
        ("/publish/release/version", json!("1.0.1")),
        ("/publish/previous/version", json!("0.5.0")),
    ] {
        change(&|file| at(file, path, value.clone()));
    }
    change(&|file| file.pointer_mut("/publish/release").unwrap()["notes"] = json!("harmless"));
    // The end of all versions, a signature for ever, a successor, a delegation.
    assert_eq!(change(&|file| at(file, "/sign/0/metadata/version", json!(u64::MAX))), "invalid_argument");
    assert_eq!(change(&|file| at(file, "/sign/0/metadata/version", json!(1))), "invalid_argument");
    assert_eq!(change(&|file| at(file, "/sign/0/metadata/expires", json!("2999-01-01T00:00:00Z"))), "invalid_argument");
    assert_eq!(change(&|file| at(file, "/sign/0/metadata/expires", json!("2001-01-01T00:00:00Z"))), "metadata_expired");
    let statement = vsekai_updater::formats::release::STATEMENT_FIELD;
    assert_eq!(
        change(&|file| file.pointer_mut("/sign/0/metadata").unwrap()[statement] = json!({"update_to": "beta"})),
        "invalid_argument"
    );
    assert_eq!(
        change(&|file| file.pointer_mut("/sign/0/metadata").unwrap()[statement] = json!({"oldest_allowed": "1.1.0"})),
        "invalid_argument"
    );
    assert_eq!(change(&|file| file.pointer_mut("/sign/0/metadata").unwrap()["x-other"] = json!(1)), "invalid_argument");
    let delegations = json!({"keys": {}, "roles": []});
    assert_eq!(
        change(&|file| file.pointer_mut("/sign/0/metadata").unwrap()["delegations"] = delegations.clone()),
        "invalid_argument"
    );
    // What is said to be there before was never signed by this key.
    assert_eq!(change(&|file| at(file, "/sign/0/before/signed/version", json!(7))), "signature_invalid");
    assert_eq!(change(&|file| at(file, "/sign/0/before/signatures", json!([]))), "signature_invalid");
    assert_eq!(change(&|file| at(file, "/sign/0/role", json!("beta"))), "preparation_malformed");
    assert_eq!(change(&|file| at(file, "/schema", json!(2))), "launcher_too_old");
    assert_eq!(change(&|file| at(file, "/format", json!("other"))), "preparation_malformed");
    assert_eq!(change(&|file| at(file, "/publish/rollout", json!(101))), "preparation_malformed");
    assert_eq!(
        change(&|file| file.pointer_mut("/publish").unwrap()["publication_id"] = json!("../../tokens")),
        "preparation_malformed"
    );
    all.write(&good);
    all.sign_with(&all.signer).done();
}

#[test]
fn file_of_any_other_kind_is_refused() {
    let all = Parties::new();
    for bytes in ["", "{}", "[]", "{\"format\":\"vsekai-prepared\",\"schema\":1}", &"[".repeat(100_000)] {
        fs::write(&all.file, bytes).unwrap();
        let said = all.sign_with(&all.signer).failed("preparation_malformed");
        let is_told = said.contains("not made by `vsekai publish --prepare`") || said.contains("cut short or damaged");
        assert!(is_told && !said.contains("line 1"), "{said}");
        all.commit().failed("preparation_malformed");
    }
    fs::File::create(&all.file).unwrap().set_len(33 << 20).unwrap();
    all.sign_with(&all.signer).failed("invalid_argument");
    fs::remove_file(&all.file).unwrap();
    all.commit().failed("not_found");
}

#[test]
fn signature_of_another_key_or_for_other_content_is_refused() {
    let all = Parties::new();
    all.prepare("1.1.0", 2, &[]).done();
    // The keys of somebody else, with a mode of the same name.
    let others = all.test.path("others");
    Run::of(vsekai().args(["--json", "keys", "init"]).arg(&others)).done();
    all.sign_with(&others).failed("signature_invalid");
    // A thief who signs with them all the same, under the name of the right key.
    all.sign_with(&all.signer).done();
    let good = all.json();
    let mut forged = good.clone();
    forged["sign"][0]["signatures"][0]["sig"] = json!("00".repeat(64));
    all.write(&forged);
    all.commit().failed("signature_invalid");
    // Content that was changed after it was signed.
    let mut changed = good.clone();
    changed["sign"][0]["metadata"]["expires"] = json!("2999-01-01T00:00:00Z");
    all.write(&changed);
    all.commit().failed("signature_invalid");
    let mut entry = good.clone();
    entry["publish"]["release"]["entry"]["path"] = json!("data/world.pck");
    all.write(&entry);
    assert!(all.commit().code != Some(0));
    assert_eq!(all.installed("game"), "1.0.0");
    all.write(&good);
    all.commit().done();
    assert_eq!(all.installed("game"), "1.1.0");
}

#[test]
fn signatures_of_several_holders_are_collected_in_the_file() {
    let test = TestPublisher::new();
    let keys = |words: &[&str]| {
        let (verb, rest) = words.split_first().unwrap();
        Run::of(vsekai().args(["--json", "keys", verb]).arg(test.publisher.keys()).args(rest)).done().clone()
    };
    let first = test.publisher.some_keys("first", &["stable"]);
    keys(&["add-key", "stable"]);
    keys(&["threshold", "stable", "2"]);
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    let second = test.publisher.some_keys("second", &["stable"]);
    for file in fs::read_dir(&first).unwrap().flatten() {
        let there = second.join(file.file_name());
        if file.path().extension().is_some_and(|it| it == "pk8") {
            fs::remove_file(there).unwrap();
        } else {
            fs::copy(second.join(file.file_name()), file.path()).unwrap();
        }
    }
    let some = |name, roles: &[&str]| test.publisher.some_keys(name, roles);
    let (public, online) = (some("public", &[]), some("online", &["catalog", "snapshot", "timestamp"]));
    let all = Parties { file: test.path("prepared.json"), public, signer: first, online, test };
    all.prepare("1.1.0", 2, &[]).done();
    let signatures = |run: &Run| run.done()["lists"][0]["signatures"].clone();
    assert_eq!(signatures(&all.sign_with(&all.signer)), 1);
    assert_eq!(signatures(&all.sign_with(&all.signer)), 1, "the same key counts once");
    all.commit().failed("signature_invalid");
    assert_eq!(signatures(&all.sign_with(&second)), 2);
    all.commit().done();
    assert_eq!(all.installed("game"), "1.1.0");
}

#[test]
fn nobody_signs_unasked() {
    let all = Parties::new();
    all.prepare("1.1.0", 2, &["--skip-update"]).done();
    let mut command = vsekai();
    let said = command.arg("sign").arg(&all.file).arg("--keys").arg(&all.signer).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    let text = String::from_utf8(said.stderr).unwrap();
    for word in ["1.1.0", "1.0.0", "game", "only by name", "--yes"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(all.json()["sign"][0]["signatures"], json!([]));
}

#[test]
fn killed_between_any_two_changes_each_step_can_be_repeated() {
    let all = Parties::new();
    let count = all.test.path("count");
    let kill = |command: &mut std::process::Command, at: usize| {
        let output = command.env("VSEKAI_FAULT", format!("{at}:before")).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
    };
    all.prepare("1.1.0", 2, &[]).done();
    all.sign_with(&all.signer).done();
    let kept = all.test.publisher.keep_as("kept");
    let mut counted = all.committing(&all.online);
    Run::of(counted.env("VSEKAI_FAULT", format!("count:{}", count.display()))).done();
    let steps = fs::read_to_string(&count).unwrap().lines().count();
    assert!(steps > 8, "{steps}");
    let every = if std::env::var("VSEKAI_FAULTS").is_ok_and(|text| text == "all") { 1 } else { 5 };
    for at in (1..=steps).step_by(every) {
        let repository = all.test.publisher.repository();
        fs::remove_dir_all(repository).unwrap();
        assert!(std::process::Command::new("cp").arg("-a").arg(&kept).arg(repository).status().unwrap().success());
        kill(&mut all.committing(&all.online), at);
        let name = format!("killed{at}");
        let early = all.installed(&name);
        assert!(["1.0.0", "1.1.0"].contains(&early.as_str()), "{early}");
        all.commit().done();
        assert_eq!(all.installed(&name), "1.1.0", "killed before {at}");
    }
}
