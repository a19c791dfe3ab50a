//! Bundles that the publisher builds and sends: used by players, checked by the server, and not built again.

use serde_json::{Value, json};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{Header, Table, list_name, name_of};

use super::*;

const PUBLICATION: &str = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11";

/// Size of the parts of a bundle.
const PART: usize = 1 << 20;

/// Requests of publishers, with this token.
struct Publisher<'a> {
    test: &'a TestDeployment,
    token: String,
}

impl<'a> Publisher<'a> {
    fn new(test: &'a TestDeployment, scope: &str) -> Self {
        let name = uuid::Uuid::new_v4().to_string();
        let made = test.api("POST", "/api/v1/tokens", Some(json!({"name": name, "scopes": [scope]}))).1;
        Self { test, token: made["token"].as_str().unwrap().to_owned() }
    }

    /// Returns the status, and the code of a refusal or the JSON of an answer.
    fn send(&self, method: &str, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
            let url = format!("{}/api/v1/publications/{path}", self.test.url());
            let request = client.request(method.parse().unwrap(), url).bearer_auth(&self.token);
            let answer = request.header("content-type", kind).body(body.into()).send().await.unwrap();
            let status = answer.status().as_u16();
            let json: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
            (status, if status < 300 { json } else { json["code"].clone() })
        })
    }

    fn begin(&self, mode: &str, version: &str) -> u16 {
        let new = json!({"id": PUBLICATION, "mode": mode, "version": version, "platform": "linux-x86_64"});
        let path = format!("{}/api/v1/publications", self.test.url());
        let body = new.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
            let request = client.post(path).bearer_auth(&self.token).header("content-type", "application/json");
            request.body(body).send().await.unwrap().status().as_u16()
        })
    }

    fn put_part(&self, bundle: &Digest, part: usize, bytes: &[u8]) -> (u16, Value) {
        let path = format!("{PUBLICATION}/bundles/{bundle}/parts/{part}");
        self.send("PUT", &path, "application/octet-stream", bytes)
    }

    fn put_parts(&self, bytes: &[u8]) -> Digest {
        let id = Digest::of(bytes);
        for (part, piece) in bytes.chunks(PART).enumerate() {
            assert_eq!(self.put_part(&id, part, piece).0, 204);
        }
        id
    }

    fn parts(&self, bundle: &Digest) -> (u16, Value) {
        self.send("GET", &format!("{PUBLICATION}/bundles/{bundle}"), "application/json", "")
    }

    fn create(&self, bundle: &Digest, length: u64, from: Option<Digest>) -> (u16, Value) {
        let from = from.map(|from| from.to_string());
        let new = json!({"id": bundle.to_string(), "length": length, "from": from});
        self.send("POST", &format!("{PUBLICATION}/bundles"), "application/json", new.to_string())
    }

    /// Sends a whole bundle, and offers it.
    fn offer(&self, bytes: &[u8], from: Option<Digest>) -> (u16, Value) {
        let id = self.put_parts(bytes);
        self.create(&id, bytes.len() as u64, from)
    }
}

/// Publishes two versions with bundles, and one without. Players use the former, and the server builds only for the
/// latter.
fn sent_bundles_are_used_and_not_built_again(settings: &[&str]) {
    let test = TestDeployment::new(&[&["bundle_cpu_percent=100"], settings].concat());
    let first = test.publish("stable", "1.0.0", 1).arg("--bundles").done();
    assert_eq!(first["bundles"].as_array().unwrap().len(), 1, "{first}");
    test.update("game").done();
    test.assert_has("game", 1);
    let second = test.publish("stable", "1.1.0", 2).arg("--bundles").done();
    let (old, new) = (test.index("stable", "1.0.0"), test.index("stable", "1.1.0"));
    let (from, to) = (Digest::of(&old.to_bytes()), Digest::of(&new.to_bytes()));
    let list = test.list(&to);
    let (delta, full) = (list.find(Some(&from)).unwrap(), list.find(None).unwrap());
    assert_eq!(second["bundles"].as_array().unwrap().len(), 2, "{second}");
    check(&test, full, &new, None);
    assert!(check(&test, delta, &new, Some(&old)) > 0);

    let done = test.update("game").done();
    test.assert_has("game", 2);
    // The front of the delta comes with the documents; the rest of it is all content that is received.
    assert_eq!(done["transfer"]["requests"], 1, "{done}");
    assert_eq!(done["transfer"]["received_bytes"], delta.length - delta.front_bytes, "{done}");
    let verified = test.command(&["verify", "--deep"]);
    assert!(verified.contains("3 bundles, 0 bad"), "{verified}");

    test.publish("stable", "1.2.0", 3).done();
    let newest = Digest::of(&test.index("stable", "1.2.0").to_bytes());
    test.wait_for(&newest, &[Some(to), Some(from), None]);
    // It builds all with the least effort first, and would have come to the older version before it builds the best.
    let began = Instant::now();
    while test.log().matches(" (best)").count() < 3 {
        assert!(began.elapsed() < PATIENCE, "{}", test.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = test.log();
    let built: Vec<_> = log.lines().filter(|line| line.contains("built ")).collect();
    assert!(built.len() >= 9 && built.iter().all(|line| line.contains("built stable 1.2.0 ")), "{built:#?}");
    assert_eq!(test.list(&to).bundles.len(), 2);
    let audit = test.api("GET", "/api/v1/audit?limit=100", None).1;
    let accepted = audit["items"].as_array().unwrap().iter().filter(|it| it["action"] == "bundle.accept").count();
    assert_eq!(accepted, 3);
}

#[test]
fn sent_bundles_are_used_and_not_built_again_in_the_database() {
    sent_bundles_are_used_and_not_built_again(&[]);
}

#[test]
fn sent_bundles_are_used_and_not_built_again_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    sent_bundles_are_used_and_not_built_again(&[&format!("chunks=file://{}", folder.path().join("store").display())]);
}

#[test]
fn sent_bundles_are_used_and_not_built_again_on_postgres() {
    let Some(server) = Kind::Postgres.server() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (url, name) = runtime.block_on(databases::create(&server, false));
    sent_bundles_are_used_and_not_built_again(&[&format!("database={url}")]);
    runtime.block_on(databases::drop_database(&server, &name));
}

#[test]
fn published_version_gets_better_bundles_later() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    let [from, to] = ["1.0.0", "1.1.0"].map(|version| Digest::of(&test.index("stable", version).to_bytes()));
    assert!(test.list(&to).bundles.is_empty());
    let mut lengths = Vec::new();
    for effort in ["--fast", "--best"] {
        let again = test.publish("stable", "1.1.0", 2).args(["--bundles", effort]).done();
        assert_eq!((&again["was_there"], again["bundles"].as_array().unwrap().len()), (&json!(true), 2), "{again}");
        std::thread::sleep(Duration::from_millis(1500));
        lengths.push(test.list(&to).find(Some(&from)).unwrap().length);
    }
    // What it builds on does not compress: the best is not always smaller, and a larger one replaces nothing.
    assert!(lengths[1] <= lengths[0], "{lengths:?}");
    let again = test.publish("stable", "1.1.0", 2).arg("--bundles").done();
    assert_eq!(again["bundles"], json!([]), "nothing is built that is there");
}

/// A delta as the server would list it, and what it is between.
struct Good {
    bytes: Vec<u8>,
    from: Digest,
    to: Digest,
}

/// A version without bundles, and a good one for it.
fn without_bundles(test: &TestDeployment) -> Good {
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    test.command(&["bundle", "build", "--effort", "fast", "--now"]);
    std::thread::sleep(Duration::from_millis(1500));
    let [from, to] = ["1.0.0", "1.1.0"].map(|version| Digest::of(&test.index("stable", version).to_bytes()));
    let id = test.list(&to).find(Some(&from)).unwrap().id;
    let bytes = test.ask("GET", &name_of(&id), &[]).body;
    for info in test.list(&to).bundles.into_iter().chain(test.list(&from).bundles) {
        test.command(&["bundle", "remove", &info.id.to_string()]);
    }
    std::thread::sleep(Duration::from_millis(1500));
    Good { bytes, from, to }
}

#[test]
fn bundle_that_is_not_what_it_should_be_is_refused_and_changes_nothing() {
    let test = TestDeployment::new(&["bundles=false"]);
    let Good { bytes, from, to } = without_bundles(&test);
    let publisher = Publisher::new(&test, "publish:stable");
    assert_eq!(publisher.begin("stable", "1.1.0"), 201);
    let refused = (422, json!("bundle_refused"));

    let cut = &bytes[..bytes.len() - 1];
    assert_eq!(publisher.offer(cut, Some(from)), refused, "truncated");
    // The content of the last section, which is stored as it is because it does not compress.
    let mut wrong = bytes.clone();
    let at = bytes.len() - 1000;
    wrong[at] ^= 1;
    assert_eq!(publisher.offer(&wrong, Some(from)), refused, "a wrong chunk");
    assert_eq!(publisher.offer(&bytes, None), refused, "it needs an old version");
    assert_eq!(publisher.offer(&bytes, Some(to)), refused, "it builds on another");
    assert_eq!(publisher.offer(&bytes, Some(Digest([7; 32]))), refused, "nobody has that version");
    assert_eq!(publisher.offer(b"VSKBNDL\x01 no bundle", Some(from)), refused);
    let mut table = Table::parse(&bytes).unwrap();
    let last = table.sections.pop().unwrap();
    let (begin, end) =
        (Header::parse(&bytes).unwrap().sections_at() as usize, bytes.len() - last.packed_bytes as usize);
    let fewer = [table.to_bytes().unwrap(), bytes[begin..end].to_vec()].concat();
    assert_eq!(publisher.offer(&fewer, Some(from)), refused, "chunks are missing");

    let id = Digest([9; 32]);
    assert_eq!(publisher.put_part(&id, 0, &bytes).0, 204);
    assert_eq!(publisher.create(&id, bytes.len() as u64, Some(from)), refused, "another SHA-256");
    assert_eq!(publisher.parts(&id), (200, json!({"parts": []})), "what is refused is removed");

    let zeros = vec![0; 4 * PART];
    assert_eq!(publisher.offer(&zeros, Some(from)), (413, json!("too_large")), "more than the version has");
    assert_eq!(publisher.create(&id, 5 << 30, Some(from)), (413, json!("too_large")));
    assert_eq!(publisher.put_part(&id, 0, &zeros).0, 413, "a part is too large");
    assert_eq!(publisher.put_part(&id, 5000, b"x").0, 400, "no bundle is so long");
    assert_eq!(publisher.create(&id, bytes.len() as u64, Some(from)), (409, json!("bundle_incomplete")));

    assert!(test.list(&to).bundles.is_empty());
    test.update("game").done();
    test.assert_has("game", 2);
    assert_eq!(publisher.offer(&bytes, Some(from)), (200, json!({"outcome": "listed"})), "the good one");
    let id = Digest::of(&bytes);
    assert_eq!(publisher.create(&id, bytes.len() as u64, Some(from)), (200, json!({"outcome": "listed"})), "again");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(test.list(&to).find(Some(&from)).unwrap().id, id);
    assert_eq!(rows(&test, "SELECT DISTINCT bundle_id FROM upload_bundle_parts"), Vec::<Vec<String>>::new());
    assert_eq!(std::fs::read_dir(test.path("server/bundle-checks.tmp")).unwrap().count(), 0);
}

#[test]
fn token_of_another_mode_sends_no_bundle() {
    let test = TestDeployment::new(&["bundles=false"]);
    let Good { bytes, from, to } = without_bundles(&test);
    let (stable, beta) = (Publisher::new(&test, "publish:stable"), Publisher::new(&test, "publish:beta"));
    assert_eq!(stable.begin("stable", "1.1.0"), 201);
    let unseen = (404, json!("not_found"));
    let id = stable.put_parts(&bytes);
    assert_eq!(beta.put_part(&id, 0, &bytes), unseen);
    assert_eq!(beta.parts(&id), unseen);
    assert_eq!(beta.create(&id, bytes.len() as u64, Some(from)), unseen);
    assert!(test.list(&to).bundles.is_empty());
    // A publication of its own mode has no such version, so it needs documents.
    let mut of_beta = beta;
    of_beta.token = Publisher::new(&test, "publish:beta").token;
    let other = PUBLICATION.replace("8a11", "8a12");
    let new = json!({"id": other, "mode": "beta", "version": "1.1.0", "platform": "linux-x86_64"});
    assert_eq!(test.api("POST", "/api/v1/publications", Some(new)).0, 201);
    let path = format!("{other}/bundles/{id}/parts/0");
    assert_eq!(of_beta.send("PUT", &path, "application/octet-stream", bytes.clone()).0, 204);
    let new = json!({"id": id.to_string(), "length": bytes.len(), "from": from.to_string()});
    let answer = of_beta.send("POST", &format!("{other}/bundles"), "application/json", new.to_string());
    assert_eq!(answer, (409, json!("document_missing")));
    assert_eq!(stable.create(&id, bytes.len() as u64, Some(from)), (200, json!({"outcome": "listed"})));
}

#[test]
fn killed_publication_shows_nothing_and_goes_on() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    let mut publisher = test.publish("stable", "1.1.0", 2).arg("--bundles").0.spawn().unwrap();
    let began = Instant::now();
    while rows(&test, "SELECT bundle_id FROM upload_bundle_parts").is_empty() {
        assert!(began.elapsed() < PATIENCE && publisher.try_wait().unwrap().is_none(), "it sent nothing");
    }
    publisher.kill().unwrap();
    publisher.wait().unwrap();
    let found = test.api("GET", "/api/v1/versions?mode=stable&version=1.1.0", None).1;
    assert_eq!(found["items"], json!([]), "the version comes after its bundles");
    let sent = rows(&test, "SELECT bundle_id FROM upload_bundle_parts UNION SELECT id FROM bundles");
    for bundle in &sent {
        assert_eq!(test.ask("GET", &format!("bundles/{}", bundle[0]), &[]).status, 404);
    }
    let again = test.publish("stable", "1.1.0", 2).arg("--bundles").done();
    let to = Digest::of(&test.index("stable", "1.1.0").to_bytes());
    let listed: Vec<String> = test.list(&to).bundles.iter().map(|info| info.id.to_string()).collect();
    assert_eq!((listed.len(), again["bundles"].as_array().unwrap().len()), (2, 2));
    assert!(sent.iter().all(|bundle| listed.contains(&bundle[0])), "the same content has the same name");
    assert_eq!(test.ask("GET", &list_name(&to), &[]).status, 200);
}

#[test]
fn flags_of_bundles_need_somebody_who_builds_them() {
    let test = TestDeployment::new(&["bundles=false"]);
    for flags in [&["--fast"][..], &["--best"], &["--delta-from", "1"]] {
        let output = test.publish("stable", "1.0.0", 1).args(flags.iter().copied()).0.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    }
    let none = test.publish("stable", "1.0.0", 1).args(["--bundles", "--delta-from", "0"]).done();
    assert_eq!(none["bundles"], json!([]));
}
