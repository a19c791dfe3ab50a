//! Secrets, what may be one, and what only looks like one.

use super::*;

/// The codes that a tree with this file is found to have.
fn found_with(path: &str, bytes: &[u8]) -> Vec<String> {
    let tree = Tree::sound();
    tree.write(path, bytes, 0o644);
    tree.found()
}

#[test]
fn secrets_are_found_by_name_whatever_is_in_them() {
    for path in [
        "id_rsa",
        "keys/id_ed25519",
        ".env",
        "conf/.env",
        "conf/.ENV.production",
        ".env.local",
        ".netrc",
        "_netrc",
        ".git-credentials",
        ".godot/export_credentials.cfg",
        "stable.0123abcd.pk8",
        "stable.0123abcd.pk8.retired",
        "ROOT.PK8",
        ".aws/credentials",
        ".cargo/credentials.toml",
        "butler_creds",
        "ssfn1234567890123456789",
    ] {
        let found = found_with(path, b"x");
        assert!(found.contains(&format!("secret {path}")), "{path} {found:?}");
    }
    for folder in [".git", ".svn", ".hg", ".ssh", ".gnupg"] {
        assert_eq!(found_with(&format!("sub/{folder}/HEAD"), b"x"), [format!("secret sub/{folder}")]);
    }
}

#[test]
fn what_may_be_a_secret_is_told_apart_from_what_is_one() {
    for path in ["server.KEY", "a.keystore", "a.p12", "a.pfx", "b.jks", "credentials.json", "sub/.bash_history"] {
        assert_eq!(found_with(path, b"x"), [format!("possible_secret {path}")]);
    }
    assert_eq!(
        found_with("google.json", format!("AIza{}", "x".repeat(35)).as_bytes()),
        ["possible_secret google.json"]
    );
    assert_eq!(found_with("a.txt", b"-----BEGIN PRIVATE KEY-----\n"), ["possible_secret a.txt"]);
    let litter = [".godot/x", "sub/.DS_Store", ".vsekai/x", "addon/.git"];
    assert_eq!(litter.map(|path| found_with(path, b"x")).concat().len(), 4);
    let severity = |path| {
        let tree = Tree::sound();
        tree.write(path, b"x", 0o644);
        tree.findings()[0].severity
    };
    assert_eq!(severity(".env"), Severity::Refused);
    assert_eq!(severity("a.key"), Severity::Blocking);
    assert_eq!(severity("Thumbs.db"), Severity::Warning);
}

/// A private key for Ed25519 in PKCS#8, of zeros.
fn private_key() -> Vec<u8> {
    let mut key = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    key.resize(48, 0);
    key
}

#[test]
fn private_keys_are_found_by_content_whatever_their_name() {
    assert_eq!(found_with("logo.png", &private_key()), ["secret logo.png"]);
    let body = "MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for text in [
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n{body}\r\n"),
        format!("-----BEGIN EC PRIVATE KEY-----\n\n{body}"),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n".to_owned(),
        "-----BEGIN RSA PRIVATE KEY-----\r\nAAAA".to_owned(),
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n".to_owned(),
        format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{body}"),
        format!("{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END\"}}"),
        format!("STABLE_KEY={body}"),
        format!("key: |\n  -----BEGIN PRIVATE KEY-----\n  {body}\n"),
        format!("KEY='-----BEGIN PRIVATE KEY----- {body} -----END'"),
        format!("{{\"a\": \"{{\\\"k\\\": \\\"-----BEGIN PRIVATE KEY-----\\\\n{body}\\\"}}\"}}"),
        "PuTTY-User-Key-File-3: ssh-ed25519\n".to_owned(),
    ] {
        assert_eq!(found_with("settings.cfg", text.as_bytes()), ["secret settings.cfg"], "{text}");
        let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(found_with("settings.cfg", &utf16), ["secret settings.cfg"], "UTF-16 {text}");
    }
}

#[test]
fn tokens_are_found_in_text_and_not_repeated() {
    let letters = "aB3".repeat(30);
    let samples = [
        format!("token = vsk_{}_{}\n", "0a".repeat(16), "1b".repeat(32)),
        format!("[aws]\nid = AKIA{}\n", "Q7".repeat(8)),
        format!("url=https://ghp_{}@github.com/", &letters[..36]),
        format!("github_pat_{}", &letters[..82]),
        format!("token: \"glpat-{}\"", &letters[..20]),
        format!("aws_secret_access_key = {}", "a1B2".repeat(10)),
    ];
    for sample in samples {
        let tree = Tree::sound();
        tree.write("settings.cfg", sample.as_bytes(), 0o644);
        assert_eq!(tree.found(), ["secret settings.cfg"], "{sample}");
        let message = &tree.findings()[0].message;
        assert!(!message.contains(&letters[..20]) && !message.contains("Q7") && !message.contains("0a0a"), "{message}");
    }
    let tree = Tree::sound();
    tree.write("settings.cfg", format!("\n\nAKIA{}", "Q7".repeat(8)).as_bytes(), 0o644);
    assert_eq!(tree.findings()[0].message, "settings.cfg has an AWS access key in line 3.");
    // A log of some length.
    let log = ["line\n".repeat(50_000), format!("Bearer vsk_{}", "0a".repeat(48))].concat();
    assert_eq!(found_with("build.log", log.as_bytes()), ["secret build.log"]);
}

#[test]
fn settings_of_tools_are_found_if_they_have_a_password() {
    for (path, text) in [
        (".npmrc", "registry=https://r.example/\n//r.example/:_authToken=0123456789abcdef\n"),
        (".npmrc", "_password = aGVsbG93b3JsZA==\n"),
        (".yarnrc.yml", "npmAuthToken: \"0123456789\"\n"),
        (".pypirc", "[pypi]\nusername = __token__\npassword = 0123456789\n"),
        (".docker/config.json", "{\"auths\": {\"h\": {\"auth\": \"aGVsbG86d29ybGQ=\"}}}"),
        ("NuGet.Config", "<add key=\"ClearTextPassword\" value=\"0123456789\" />"),
        ("config/config.vdf", "\"Software\"\n{\n\"ConnectCache\"\n{\n}\n}\n"),
        ("prod.env", "DB_PASSWORD=0123456789\n"),
    ] {
        assert_eq!(found_with(path, text.as_bytes()), [format!("secret {path}")], "{text}");
    }
    for (path, text) in [
        (".npmrc", "registry=https://r.example/\n//r.example/:_authToken=${NPM_TOKEN}\n"),
        (".npmrc", "save-exact=true\n"),
        (".pypirc", "[distutils]\nindex-servers = pypi\n"),
        ("config.json", "{\"auth\": \"automatic-mode\"}"),
        ("config.vdf", "\"controller_config\" { }"),
        ("sky.env", "\x1f\x01\x08\x00binary password=0123456789"),
        ("night.env", "sun_energy=0.123456789\n"),
    ] {
        let found = found_with(path, text.as_bytes());
        assert_eq!(found, [""; 0], "{path} {text}");
    }
}

#[test]
fn what_only_resembles_a_secret_is_left_alone() {
    let large = [vec![0; 8 << 10], format!("AKIA{}", "Q7".repeat(8)).into_bytes(), vec![b'\n'; 64 << 10]].concat();
    for (path, bytes) in [
        ("large.bin", large.as_slice()),
        ("short.txt", b"AKIA1234 ghp_short xMAKIAQ7Q7Q7Q7Q7Q7Q7Q7 vsk_... vsk_short"),
        ("aws.md", b"Give AKIAIOSFODNN7EXAMPLE as the key."),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nAAAA"),
        ("public.pem", b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"),
        ("code.gd", b"if line == \"-----BEGIN PRIVATE KEY-----\": pass"),
        ("code.py", b"text = '-----BEGIN PRIVATE KEY-----\\n' + body"),
        ("manual.md", b"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"),
        ("code.rs", b"aws_secret_access_key = std::env::var(\"AWS_SECRET_ACCESS_KEY\")"),
        ("read.me", b"-----BEGIN PRIVATE KEY-----\nYour key goes here"),
        ("id_rsa.pub", b"ssh-rsa AAAA"),
        (".env.example", b"TOKEN=change-me"),
        (".gitignore", b".env"),
        (".gitattributes", b"* text"),
        ("env", b"x"),
        ("monkey", b"x"),
        ("credentials/list.txt", b"Thanks to all"),
        ("keyboard.keys", b"x"),
    ] {
        assert_eq!(found_with(path, bytes), [""; 0], "{path}");
    }
    let tree = Tree::sound();
    fs::create_dir(tree.folder.path().join(".env")).unwrap();
    assert_eq!(tree.found(), [""; 0], "a folder of Python's");
}

#[test]
fn search_for_secrets_is_linear_in_the_text() {
    for piece in ["SG.", "-----BEGIN PRIVATE KEY-----\n ", "vsk_ ", "AKIA", "aws_secret_access_key\n"] {
        let text = piece.repeat((1 << 20) / piece.len());
        let begun = std::time::Instant::now();
        found_with("text.txt", text.as_bytes());
        assert!(begun.elapsed().as_secs() < 20, "{piece}: {:?}", begun.elapsed());
    }
}
