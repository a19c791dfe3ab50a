//! Bundles of published versions: built by a running server, and read as clients read them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use sqlx::{Connection as _, Row as _};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{
    BundleInfo, BundleList, ChunkSource, Effort, Header, SectionContent, Table, decompress, index_document, list_name,
    name_of, parse_index_document, read_ranges,
};
use vsekai_updater::formats::chunk::{CompressedChunk, Decompressor};
use vsekai_updater::formats::index::{Index, IndexChunk};

use crate::databases::{self, Kind};
use crate::support::deployment::{TestDeployment, text};

mod sent;

/// The longest time to wait for anything.
const PATIENCE: Duration = Duration::from_secs(90);

/// Builds without rests, and with the least effort.
const FAST: [&str; 2] = ["bundle_cpu_percent=100", "bundle_effort=fast"];

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Requests of players.
impl TestDeployment {
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = crate::client::plain().timeout(PATIENCE).build().unwrap();
            let request = client.request(method.parse().unwrap(), format!("{}/{path}", self.url()));
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
        })
    }

    fn index(&self, mode: &str, version: &str) -> Index {
        let found = self.api("GET", &format!("/api/v1/versions?mode={mode}&version={version}"), None).1;
        let path = format!("/api/v1/files?version_id={}", found["items"][0]["id"].as_str().unwrap());
        let files = self.api("GET", &path, None).1;
        let file = files["items"].as_array().unwrap().iter().find(|it| it["file_name"] == "index.caidx").unwrap();
        let answer = self.ask("GET", file["file_uri"].as_str().unwrap(), &[]);
        assert_eq!(Digest::of(&answer.body).to_string(), file["file_checksum_hash"].as_str().unwrap());
        Index::parse(&answer.body).unwrap()
    }

    fn list(&self, to: &Digest) -> BundleList {
        let answer = self.ask("GET", &list_name(to), &[]);
        assert_eq!(answer.status, 200);
        BundleList::parse(&answer.body).unwrap()
    }

    /// Waits until there are bundles to a version: from each of these versions, or the full one for `None`.
    #[track_caller]
    fn wait_for(&self, to: &Digest, froms: &[Option<Digest>]) -> BundleList {
        let began = Instant::now();
        loop {
            let list = self.list(to);
            if froms.iter().all(|from| list.find(from.as_ref()).is_some()) {
                return list;
            }
            assert!(began.elapsed() < PATIENCE, "{list:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// Asks the server to stop, like a service manager. Returns how long that took.
    fn stop(&mut self) -> Duration {
        let began = Instant::now();
        let server = self.server.as_mut().unwrap();
        let pid = server.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(server.child.wait().unwrap().success());
        self.server = None;
        began.elapsed()
    }

    #[track_caller]
    fn command(&self, args: &[&str]) -> String {
        let output = self.server_command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}\n{}", text(&output), self.log());
        text(&output)
    }
}

/// The chunks in the store of the server, over HTTP.
struct Store<'a> {
    test: &'a TestDeployment,
    index: &'a Index,
    got: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl<'a> Store<'a> {
    fn new(test: &'a TestDeployment, index: &'a Index) -> Self {
        Self { test, index, got: Mutex::default() }
    }
}

impl ChunkSource for Store<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> vsekai_updater::error::Result<()> {
        let path = format!("store/{}", chunk.id.store_path());
        let mut got = self.got.lock().unwrap();
        let plain = got.entry(path.clone()).or_insert_with(|| {
            let stored = CompressedChunk::new(chunk.id, self.test.ask("GET", &path, &[]).body);
            let plain = Decompressor::new().unwrap().decompress(&stored, chunk.size(), Vec::new()).unwrap();
            plain.verify(self.index.digest()).unwrap().into_bytes()
        });
        buffer.extend_from_slice(plain);
        Ok(())
    }
}

/// Reads a bundle in ranges, like a client, and checks its chunks against the index. Returns their number.
fn check(test: &TestDeployment, info: &BundleInfo, new: &Index, old: Option<&Index>) -> usize {
    let path = name_of(&info.id);
    let range = |from: u64, to: u64| {
        let answer = test.ask("GET", &path, &[("range", &format!("bytes={from}-{}", to - 1))]);
        assert_eq!(answer.status, 206);
        assert_eq!(answer.body.len() as u64, to - from);
        answer.body
    };
    let front = range(0, info.front_bytes);
    let header = Header::parse(&front).unwrap();
    let table = Table::parse(&front).unwrap();
    assert_eq!((table.to, table.from), (Digest::of(&new.to_bytes()), old.map(|old| Digest::of(&old.to_bytes()))));
    let old_store = old.map(|old| Store::new(test, old));
    let mut given = 0;
    for (place, section) in table.places(header.sections_at()) {
        section.check(new, old).unwrap();
        let packed = range(place.start, place.end);
        let (mut prefix, mut plain) = (Vec::new(), Vec::new());
        match (&section.content, old, &old_store) {
            (SectionContent::Index, Some(old), _) => prefix = index_document(old),
            (SectionContent::Chunks(_), Some(old), Some(store)) => {
                read_ranges(old, store, &section.prefix, &mut prefix).unwrap();
            }
            (SectionContent::FileTable, Some(_), _) => continue,
            _ => {}
        }
        decompress(&packed, &prefix, section.plain_bytes, &mut plain).unwrap();
        if section.content == SectionContent::Index {
            assert_eq!(parse_index_document(&plain).unwrap().to_bytes(), new.to_bytes());
        }
        let mut at = 0;
        for chunk in section.positions().map(|position| new.get(position).unwrap()) {
            let end = at + chunk.size() as usize;
            assert_eq!(new.digest().id_of(&plain[at..end]), chunk.id);
            (at, given) = (end, given + 1);
        }
    }
    given
}

/// Publishes two versions, and checks which bundles a player sees.
fn versions_get_bundles(settings: &[&str]) {
    let test = TestDeployment::new(&[&FAST[..], settings].concat());
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    let (old, new) = (test.index("stable", "1.0.0"), test.index("stable", "1.1.0"));
    let (from, to) = (Digest::of(&old.to_bytes()), Digest::of(&new.to_bytes()));
    let list = test.wait_for(&to, &[Some(from), None]);
    let (delta, full) = (list.find(Some(&from)).unwrap(), list.find(None).unwrap());
    assert!(delta.length < full.length, "{list:?}");
    assert_eq!(
        check(&test, full, &new, None),
        new.iter().map(|it| it.id).collect::<std::collections::HashSet<_>>().len()
    );
    assert!(check(&test, delta, &new, Some(&old)) > 0);
    test.wait_for(&from, &[None]);

    let found = test.api("GET", "/api/v1/versions?mode=stable&version=1.1.0", None).1;
    let path = format!("/api/v1/versions/{}/bundles", found["items"][0]["id"].as_str().unwrap());
    let shown = test.api("GET", &path, None).1;
    let mut shown: Vec<_> =
        shown["items"].as_array().unwrap().iter().map(|it| (it["from_version"].clone(), it["size"].clone())).collect();
    shown.sort_by_key(|(from, _)| from.is_null());
    assert_eq!(shown, [("1.0.0".into(), delta.length.into()), (serde_json::Value::Null, full.length.into())]);
    let verified = test.command(&["verify", "--deep"]);
    assert!(verified.contains("3 bundles, 0 bad"), "{verified}");
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn published_versions_get_bundles_in_the_database() {
    versions_get_bundles(&[]);
}

#[test]
fn published_versions_get_bundles_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    versions_get_bundles(&[&format!("chunks=file://{}", folder.path().join("store").display())]);
    assert_eq!(std::fs::read_dir(folder.path().join("store/bundles")).unwrap().count(), 3);
}

#[test]
fn published_versions_get_bundles_on_postgres() {
    let Some(server) = Kind::Postgres.server() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (url, name) = runtime.block_on(databases::create(&server, false));
    versions_get_bundles(&[&format!("database={url}")]);
    runtime.block_on(databases::drop_database(&server, &name));
}

#[test]
fn bundles_are_built_again_at_once_after_a_move() {
    let mut test = TestDeployment::new(&FAST);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    let (old, new) = (test.index("stable", "1.0.0"), test.index("stable", "1.1.0"));
    let (from, to) = (Digest::of(&old.to_bytes()), Digest::of(&new.to_bytes()));
    let before = test.wait_for(&to, &[Some(from), None]);
    test.wait_for(&from, &[None]);
    // As if a better one had replaced it: its bytes are in the old place alone, too.
    let doomed = before.find(None).unwrap().id.to_string();
    let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let doom = sqlx::query("UPDATE bundles SET state = 'doomed' WHERE id = $1").bind(doomed);
        assert_eq!(doom.execute(&mut conn).await.unwrap().rows_affected(), 1);
    });
    let place = format!("file://{}", test.path("elsewhere").display());
    test.command(&["move", "--to", &place]);
    test.kill();
    test.settings.push(format!("chunks={place}"));
    test.start();
    let after = test.wait_for(&to, &[Some(from), None]);
    test.wait_for(&from, &[None]);
    check(&test, after.find(None).unwrap(), &new, None);
    check(&test, after.find(Some(&from)).unwrap(), &new, Some(&old));
    assert!(test.command(&["verify", "--deep"]).contains("3 bundles, 0 bad"));
    assert!(!test.log().contains("cannot build"), "{}", test.log());
}

#[test]
fn bundles_and_their_lists_are_answered_as_files_are() {
    let test = TestDeployment::new(&FAST);
    test.publish("stable", "1.0.0", 1).done();
    let to = Digest::of(&test.index("stable", "1.0.0").to_bytes());
    let list = test.wait_for(&to, &[None]);
    let full = list.find(None).unwrap();
    let path = name_of(&full.id);
    let tag = format!("\"{}\"", full.id);
    let whole = test.ask("GET", &path, &[]);
    assert_eq!(Digest::of(&whole.body), full.id);
    let length = full.length.to_string();
    for answer in [&whole, &test.ask("HEAD", &path, &[])] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!((answer.header("etag"), answer.header("content-length")), (tag.as_str(), length.as_str()));
        assert_eq!(answer.header("accept-ranges"), "bytes");
    }
    let part = test.ask("GET", &path, &[("range", "bytes=-5"), ("if-range", &tag)]);
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[whole.body.len() - 5..]));
    assert_eq!(part.header("content-range"), format!("bytes {}-{}/{length}", full.length - 5, full.length - 1));
    assert_eq!(test.ask("GET", &path, &[("range", "bytes=0-1"), ("if-range", "\"x\"")]).status, 200);
    let past = test.ask("GET", &path, &[("range", &format!("bytes={length}-"))]);
    assert_eq!((past.status, past.header("content-range")), (416, format!("bytes */{length}").as_str()));
    assert_eq!(test.ask("GET", &path, &[("if-none-match", &tag)]).status, 304);

    let list = test.ask("GET", &list_name(&to), &[]);
    assert_eq!(list.header("cache-control"), "public, max-age=30, stale-while-revalidate=300, stale-if-error=86400");
    assert_eq!(list.header("content-type"), "application/json");
    let known = list.header("etag").to_owned();
    assert_eq!(test.ask("GET", &list_name(&to), &[("if-none-match", &known)]).status, 304);
    for unknown in [name_of(&to), list_name(&full.id), "bundles/x".to_owned()] {
        let answer = test.ask("GET", &unknown, &[]);
        assert_eq!((answer.status, answer.header("cache-control")), (404, "public, max-age=5"), "{unknown}");
    }
}

#[test]
fn version_without_bundles_has_an_empty_list() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    let to = Digest::of(&test.index("stable", "1.0.0").to_bytes());
    assert!(test.list(&to).bundles.is_empty());
}

#[test]
fn server_ends_in_the_middle_of_a_build_and_goes_on_after_it() {
    let mut test = TestDeployment::new(&["bundle_cpu_percent=1", "bundle_effort=fast"]);
    test.publish("stable", "1.0.0", 1).done();
    let to = Digest::of(&test.index("stable", "1.0.0").to_bytes());
    let is_building = |test: &TestDeployment| {
        let began = Instant::now();
        while std::fs::read_dir(test.path("server/bundles.tmp")).map_or(0, Iterator::count) < 2 {
            assert!(began.elapsed() < PATIENCE, "{}", test.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(test.list(&to).bundles.is_empty(), "it was built too fast for this test");
    };
    is_building(&test);
    let busy = test.server_command(&["bundle", "build", "--now"]).output().unwrap();
    assert!(!busy.status.success() && text(&busy).contains("[busy]"), "{}", text(&busy));
    let took = test.stop();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(
        rows(&test, "SELECT expires_at FROM leases WHERE name = 'bundles'")[0][0].parse::<i64>().unwrap() <= micros()
    );
    test.start();
    is_building(&test);
    test.kill();
    test.settings = FAST.map(str::to_owned).to_vec();
    // The lease of the killed server expires.
    test.start();
    let list = test.wait_for(&to, &[None]);
    check(&test, list.find(None).unwrap(), &test.index("stable", "1.0.0"), None);
}

#[test]
fn bundles_go_with_their_version() {
    let test = TestDeployment::new(&["clean_grace_h=0", FAST[0], FAST[1]]);
    test.publish("stable", "1.0.0", 1).done();
    let old = Digest::of(&test.index("stable", "1.0.0").to_bytes());
    let id = test.wait_for(&old, &[None]).find(None).unwrap().id;
    test.publish("stable", "1.1.0", 2).args(["--keep-versions", "1"]).done();
    let new = Digest::of(&test.index("stable", "1.1.0").to_bytes());
    test.wait_for(&new, &[None]);
    assert_eq!(test.ask("GET", &list_name(&old), &[]).status, 404);
    assert_eq!(test.ask("GET", &name_of(&id), &[]).status, 200, "until it is cleaned up");
    let cleaned = test.command(&["gc"]);
    assert!(cleaned.contains("1 bundle doomed, 1 removed"), "{cleaned}");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(test.ask("GET", &name_of(&id), &[]).status, 404);
    let left = rows(&test, "SELECT DISTINCT bundle_id FROM bundle_data");
    assert_eq!(left.len(), 1, "no bytes are left behind");
    assert!(!test.command(&["bundle", "list"]).contains(&id.to_string()));
}

fn micros() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64
}

/// The rows of a query, all columns as text.
fn rows(test: &TestDeployment, statement: &'static str) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
        let mut db = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let rows = sqlx::query(statement).fetch_all(&mut db).await.unwrap();
        let cell = |row: &sqlx::sqlite::SqliteRow, at| {
            row.try_get::<String, _>(at).or_else(|_| row.try_get::<i64, _>(at).map(|it| it.to_string())).unwrap()
        };
        rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect()).collect()
    })
}

#[test]
fn who_comes_from_where_is_counted_and_nothing_else() {
    let mut test = TestDeployment::new(&["bundle_deltas=0", FAST[0], FAST[1]]);
    for number in 1..=3 {
        test.publish("stable", &format!("1.{number}.0"), number).done();
    }
    let digest = |number: u32| Digest::of(&test.index("stable", &format!("1.{number}.0")).to_bytes());
    let (first, second, third) = (digest(1), digest(2), digest(3));
    test.wait_for(&third, &[None]);
    let secret = [("user-agent", "a-very-special-agent"), ("x-forwarded-for", "203.0.113.77")];
    let ask = |from: &str| test.ask("GET", &format!("{}?from={from}", list_name(&third)), &secret).status;
    for from in [first, first, first, second] {
        assert_eq!(ask(&from.to_string()), 200);
    }
    let unknown = Digest([0xab; 32]);
    for from in [unknown.to_string(), third.to_string(), "x".to_owned(), String::new()] {
        assert_eq!(ask(&from), 200);
    }
    test.ask("HEAD", &format!("{}?from={second}", list_name(&third)), &[]);
    test.stop();
    let counted = rows(&test, "SELECT * FROM bundle_asks ORDER BY asks");
    let day = (micros() / 86_400_000_000).to_string();
    let row = |from: &Digest, count: &str| vec![third.to_string(), from.to_string(), day.clone(), count.to_owned()];
    assert_eq!(counted, [row(&second, "1"), row(&first, "3")]);
    let everything = std::fs::read(test.path("server/vsekai.db")).unwrap();
    for text in ["a-very-special-agent", "203.0.113.77", &unknown.to_string()] {
        assert!(!everything.windows(text.len()).any(|some| some == text.as_bytes()), "{text} is in the database");
    }

    // A requested bundle is built, and its use is counted.
    test.start();
    let list = test.wait_for(&third, &[Some(first), Some(second)]);
    let delta = list.find(Some(&first)).unwrap();
    test.ask("GET", &name_of(&delta.id), &[("range", "bytes=0-15")]);
    test.ask("GET", &name_of(&delta.id), &[("range", "bytes=16-")]);
    test.stop();
    let counted = rows(&test, "SELECT * FROM bundle_asks ORDER BY asks");
    assert_eq!(counted, [row(&second, "1"), row(&first, "4")]);
}

#[test]
fn operator_builds_lists_moves_and_removes_bundles() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    test.publish("beta", "2.0.0-beta.1", 3).done();
    let built = test.command(&["bundle", "build", "--mode", "stable", "--effort", "normal", "--now"]);
    assert!(built.contains("stable 1.1.0 linux-x86_64 from 1.0.0 (normal): "), "{built}");
    let listed = test.command(&["bundle", "list"]);
    assert_eq!(listed.lines().filter(|line| line.contains(" normal ")).count(), 3, "{listed}");
    assert!(!listed.contains("beta"), "{listed}");
    test.command(&["export", "files"]);
    let exported = |id: &str| test.path("files/bundles").join(id);
    let head: Vec<_> = listed.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["id", "size", "effort", "version", "from"]);
    let json: serde_json::Value = serde_json::from_str(&test.command(&["bundle", "list", "--json"])).unwrap();
    assert_eq!(json["bundles"].as_array().map(Vec::len), Some(3), "{json}");
    let ids: Vec<_> =
        listed.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    for id in &ids {
        assert_eq!(Digest::of(&std::fs::read(exported(id)).unwrap()).to_string(), *id);
    }
    let to = Digest::of(&test.index("stable", "1.1.0").to_bytes());
    let kept = BundleList::parse(&std::fs::read(exported(&format!("{to}.json"))).unwrap()).unwrap();
    assert_eq!(kept.bundles.len(), 2);

    for id in &ids {
        test.command(&["bundle", "remove", id]);
    }
    assert!(test.list(&to).bundles.is_empty());
    let taken = test.command(&["bundle", "import", "files/bundles"]);
    assert!(taken.contains("Took 3 bundles"), "{taken}");
    std::thread::sleep(Duration::from_millis(1500));
    let efforts: Vec<_> = test.list(&to).bundles.iter().map(|info| info.effort).collect();
    assert_eq!(efforts, [Effort::Best; 2], "what was brought is not built again");
    std::fs::write(exported(&ids[0]), b"something else").unwrap();
    test.command(&["bundle", "remove", &ids[0]]);
    let refused = test.server_command(&["bundle", "import", "files/bundles"]).output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("it is not what its name"), "{}", text(&refused));
}
