//! Private keys that are encrypted by a passphrase, and keys that a command signs with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TestPublisher;
use crate::support::run::{Run, vsekai};

const PASSPHRASE: &str = "correct horse battery staple";

fn keys(test: &TestPublisher, words: &[&str]) -> Command {
    let (verb, rest) = words.split_first().unwrap();
    let mut command = vsekai();
    command.args(["--json", "keys", verb]).arg(test.publisher.keys()).args(rest);
    command
}

fn publishing(test: &TestPublisher, version: &str, number: u32) -> Command {
    let mut command = test.publisher.publishing(&test.tree(version, number), "stable", version);
    command.args(["--json", "--delta-from", "0"]);
    command
}

fn key_file(test: &TestPublisher, role: &str) -> PathBuf {
    let files = fs::read_dir(test.publisher.keys()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.into_iter().find(|path| name(path).starts_with(&format!("{role}.")) && name(path).ends_with(".pk8")).unwrap()
}

fn openssl(words: &[&str], path: &Path) -> std::process::Output {
    Command::new("openssl").args(words).arg("-in").arg(path).output().unwrap()
}

#[test]
fn encrypted_keys_sign_with_their_passphrase_and_with_no_other() {
    let test = TestPublisher::new();
    let file = test.path("passphrase");
    fs::write(&file, format!("{PASSPHRASE}\nanother line\n")).unwrap();
    let plain = fs::read(key_file(&test, "stable")).unwrap();
    Run::of(keys(&test, &["passphrase"]).env("VSEKAI_NEW_KEY_PASSPHRASE", PASSPHRASE)).done();
    let stable = key_file(&test, "stable");
    assert_eq!(fs::metadata(&stable).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&stable).unwrap();
    assert!(text.contains("BEGIN ENCRYPTED PRIVATE KEY") && !text.contains(PASSPHRASE), "{text}");
    // Nothing is asked for what needs no key.
    let shown = Run::of(&mut keys(&test, &["show"]));
    assert!(shown.done()["keys"].as_array().unwrap().iter().all(|key| key["kind"] == "encrypted"), "{shown:?}");

    Run::of(&mut publishing(&test, "1.0.0", 1)).failed("passphrase_missing");
    Run::of(publishing(&test, "1.0.0", 1).env("VSEKAI_KEY_PASSPHRASE", "correct horse")).failed("passphrase_wrong");
    Run::of(publishing(&test, "1.0.0", 1).env("VSEKAI_KEY_PASSPHRASE", "")).failed("invalid_argument");
    assert!(!test.publisher.repository().join("tuf/timestamp.json").exists());
    Run::of(publishing(&test, "1.0.0", 1).arg("--passphrase-file").arg(&file)).done();
    Run::of(publishing(&test, "1.1.0", 2).env("VSEKAI_KEY_PASSPHRASE", PASSPHRASE)).done();

    // Others read it, too.
    let read = openssl(&["pkey", "-passin", &format!("pass:{PASSPHRASE}"), "-outform", "DER"], &stable);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(read.stdout.ends_with(&plain[16..48]), "the same key");

    // A new key of the folder gets the passphrase, and a wrong one changes nothing.
    Run::of(keys(&test, &["add", "nightly"]).env("VSEKAI_KEY_PASSPHRASE", "wrong")).failed("passphrase_wrong");
    Run::of(keys(&test, &["add", "nightly"]).env("VSEKAI_KEY_PASSPHRASE", PASSPHRASE)).done();
    assert!(fs::read_to_string(key_file(&test, "nightly")).unwrap().contains("ENCRYPTED"));

    // Without it again, they are as they were.
    let mut wrong = keys(&test, &["passphrase", "--remove"]);
    Run::of(wrong.env("VSEKAI_KEY_PASSPHRASE", "wrong")).failed("passphrase_wrong");
    Run::of(keys(&test, &["passphrase", "--remove"]).env("VSEKAI_KEY_PASSPHRASE", PASSPHRASE)).done();
    assert_eq!(fs::read(&stable).unwrap(), plain);
    Run::of(&mut publishing(&test, "1.2.0", 3)).done();
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.2.0");
}

#[test]
fn keys_are_made_with_a_passphrase_and_those_of_openssl_are_read() {
    let test = TestPublisher::new();
    let folder = test.path("new");
    let init = |folder: &Path| {
        let mut command = vsekai();
        command.args(["--json", "keys", "init", "--encrypt"]).arg(folder);
        command
    };
    Run::of(&mut init(&folder)).failed("passphrase_missing");
    Run::of(init(&folder).env("VSEKAI_KEY_PASSPHRASE", PASSPHRASE)).done();
    for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|it| it == "pk8") {
            assert!(fs::read_to_string(entry.path()).unwrap().contains("ENCRYPTED"), "{entry:?}");
        }
    }
    // OpenSSL's own way of encrypting, without a line that names the public key.
    let stable = key_file(&test, "stable");
    let words = ["pkcs8", "-topk8", "-inform", "DER", "-v2", "aes-256-cbc", "-passout", "pass:short"];
    let sealed = openssl(&words, &stable);
    assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
    fs::write(&stable, sealed.stdout).unwrap();
    Run::of(&mut publishing(&test, "1.0.0", 1)).failed("passphrase_missing");
    Run::of(publishing(&test, "1.0.0", 1).env("VSEKAI_KEY_PASSPHRASE", "short")).done();

    // A file that names another key than it holds, and one whose passphrase takes too long to try.
    Run::of(keys(&test, &["passphrase"]).env("VSEKAI_KEY_PASSPHRASE", "short").env("VSEKAI_NEW_KEY_PASSPHRASE", "x"))
        .done();
    let (beta, stable) = (key_file(&test, "beta"), key_file(&test, "stable"));
    let first = |path: &Path| fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned();
    let text = fs::read_to_string(&beta).unwrap().replace(&first(&beta), &first(&stable));
    fs::write(&stable, text).unwrap();
    let mut mixed = publishing(&test, "1.1.0", 2);
    let said = Run::of(mixed.env("VSEKAI_KEY_PASSPHRASE", "x")).failed("invalid_argument");
    assert!(said.contains("another key"), "{said}");
    let plain = test.path("plain.pem");
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ED25519", "-out"]).arg(&plain).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let words =
        ["pkcs8", "-topk8", "-scrypt", "-scrypt_N", "2", "-scrypt_r", "1", "-scrypt_p", "65", "-passout", "pass:x"];
    let costly = openssl(&words, &plain);
    assert!(costly.status.success(), "{}", String::from_utf8_lossy(&costly.stderr));
    fs::write(&stable, costly.stdout).unwrap();
    let said = Run::of(mixed.env("VSEKAI_KEY_PASSPHRASE", "x")).failed("invalid_argument");
    assert!(said.contains("memory or time"), "{said}");
}

/// Makes a key with OpenSSL, and a script that signs with it after doing `first`.
fn signer(test: &TestPublisher, name: &str, first: &str) -> (PathBuf, PathBuf) {
    let (private, public, script) =
        (test.path(&format!("{name}.pem")), test.path(&format!("{name}.pub")), test.path(&format!("{name}.sh")));
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "ED25519", "-out"]).arg(&private).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(openssl(&["pkey", "-pubout", "-out", public.to_str().unwrap()], &private).status.success());
    let text = format!(
        "#!/bin/sh\nset -e\n{first}\ncat >\"$1.in\"\nopenssl pkeyutl -sign -rawin -inkey {} -in \"$1.in\"\n",
        private.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (public, script)
}

#[test]
fn command_signs_with_a_key_that_is_somewhere_else() {
    let test = TestPublisher::new();
    Run::of(&mut publishing(&test, "1.0.0", 1)).done();
    let (public, script) = signer(&test, "token", "");
    let rotate = |role: &str, public: &Path, script: &Path, timeout: &str| {
        let mut command = keys(&test, &["rotate", role, "--timeout", timeout, "--public-key"]);
        command.arg(public).arg("--").arg(script).arg(test.path("message"));
        Run::of(&mut command)
    };
    let shown = rotate("stable", &public, &script, "60");
    let all = shown.done()["keys"].as_array().unwrap();
    assert!(all.iter().any(|key| key["role"] == "stable" && key["kind"] == "command"), "{all:?}");
    Run::of(&mut publishing(&test, "1.1.0", 2)).done();
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.1.0");
    // The root, too: its old key is still here, and signs the change.
    let (root_public, root_script) = signer(&test, "root", "");
    rotate("root", &root_public, &root_script, "60").done();
    Run::of(&mut publishing(&test, "1.2.0", 3)).done();
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.2.0");

    // It fails, hangs, says too much, or signs with another key.
    let text = fs::read_to_string(&script).unwrap();
    for (instead, word) in [
        ("#!/bin/sh\necho the token is not here >&2\nexit 3\n", "the token is not here"),
        ("#!/bin/sh\nyes\n", "more than a signature"),
        ("#!/bin/sh\necho 00\n", "not a signature"),
    ] {
        fs::write(&script, instead).unwrap();
        let said = Run::of(&mut publishing(&test, "1.3.0", 4)).failed("signer_failed");
        assert!(said.contains(word), "{said}");
    }
    let (_, other) = signer(&test, "other", "");
    fs::copy(other, &script).unwrap();
    Run::of(&mut publishing(&test, "1.3.0", 4)).failed("signer_failed");
    fs::remove_file(&script).unwrap();
    Run::of(&mut publishing(&test, "1.3.0", 4)).failed("signer_failed");
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.2.0");
    fs::write(&script, &text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    Run::of(&mut publishing(&test, "1.3.0", 4)).done();

    rotate("stable", Path::new("/dev/null"), &script, "60").failed("invalid_argument");
    let (public, slow) = signer(&test, "slow", "sleep 30");
    rotate("stable", &public, &slow, "1").done();
    let said = Run::of(&mut publishing(&test, "1.4.0", 5)).failed("signer_failed");
    assert!(said.contains("after 1 s"), "{said}");
}

#[test]
fn new_keys_are_said_to_be_missing_until_publishing_brings_them() {
    let test = TestPublisher::new();
    let (repository, folder) = (test.publisher.repository().to_owned(), test.publisher.keys().to_owned());
    Run::of(&mut publishing(&test, "1.0.0", 1)).done();
    let said = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let show = || said(vsekai().args(["keys", "show"]).arg(&folder).arg("--repository").arg(&repository));
    let publish = |options: &[&str]| {
        let mut command = test.publisher.publishing(&test.tree("1.0.0", 1), "stable", "1.0.0");
        said(command.args(["--delta-from", "0"]).args(options))
    };
    let root = |version: u32| repository.join(format!("tuf/{version}.root.json"));
    assert!(!show().contains("not yet in the repository"));

    let old = key_file(&test, "root");
    let rotated = said(vsekai().args(["keys", "rotate"]).arg(&folder).arg("root"));
    let retired = format!("{}.retired", old.display());
    assert!(Path::new(&retired).exists() && rotated.contains(&retired), "{rotated}");
    assert!(rotated.contains("vsekai repository renew") && rotated.contains("vsekai keys push"), "{rotated}");
    assert!(show().contains("not yet in the repository") && !root(2).exists());
    let mut prepare = publishing(&test, "1.0.0", 1);
    Run::of(prepare.arg("--prepare").arg(test.path("next.json"))).done();
    assert!(!root(2).exists(), "preparing signs nothing");
    assert!(publish(&["--dry-run"]).contains("the new root and keys"));
    let published = publish(&[]);
    assert!(published.contains("The new root and keys are in the repository now"), "{published}");
    assert!(root(2).exists() && !show().contains("not yet in the repository"));
    assert!(!publish(&[]).contains("The new root"), "once is enough");

    for words in [&["renew-root"][..], &["rotate", "stable"], &["threshold", "stable", "1"]] {
        let changed = said(vsekai().args(["keys", words[0]]).arg(&folder).args(&words[1..]));
        assert!(changed.contains("vsekai repository renew"), "{changed}");
        assert!(show().contains("not yet in the repository"), "{words:?}");
        assert!(publish(&[]).contains("The new root and keys"), "{words:?}");
        assert!(!show().contains("not yet in the repository"), "{words:?}");
    }
    assert!(root(3).exists() && !root(4).exists());
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.0.0");
}
