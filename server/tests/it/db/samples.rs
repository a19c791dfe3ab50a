//! Sample data for tests of databases.

use bytes::Bytes;
use uuid::Uuid;
use vsekai_server::db::{Applied, Change, Db, Publish, RowChange};
use vsekai_server::model::{
    AuditEntry, Cdn, Health, Mode, ModeVersion, NewChunk, RepositoryFile, Time, Token, Upload, VersionFile,
    VersionState,
};
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::{ModeName, Platform};
use vsekai_updater::version::Version;

pub(crate) const NOW: Time = Time(1_750_000_000_000_000);

pub(crate) fn later(seconds: i64) -> Time {
    NOW.plus_seconds(seconds)
}

pub(crate) fn mode(name: &str) -> Mode {
    Mode {
        id: Uuid::now_v7(),
        name: ModeName::new(name).unwrap(),
        description: format!("The mode {name}"),
        is_active: true,
        update_to: None,
        sequence: 0,
        reports: None,
        updated_at: NOW,
    }
}

pub(crate) fn version(mode: &Mode, text: &str) -> ModeVersion {
    ModeVersion {
        id: Uuid::now_v7(),
        mode_id: mode.id,
        version: Version::parse(text).unwrap(),
        state: VersionState::Published,
        skip_update: false,
        recalled: false,
        rollout: 100,
        sequence: 1,
        manifest_file_uri: format!("targets/{}/{text}/release.json", mode.name),
        published_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn linux() -> Platform {
    Platform::new("linux-x86_64").unwrap()
}

pub(crate) fn windows() -> Platform {
    Platform::new("windows-x86_64").unwrap()
}

pub(crate) fn file(version: &ModeVersion, platform: &Platform, name: &str, uri: &str) -> VersionFile {
    VersionFile {
        id: Uuid::now_v7(),
        version_id: version.id,
        platform: platform.clone(),
        file_name: name.to_owned(),
        file_uri: uri.to_owned(),
        file_checksum_hash: "ab".repeat(32),
        size: 1234,
    }
}

pub(crate) fn cdn(name: &str) -> Cdn {
    Cdn {
        uid: Uuid::now_v7(),
        name: name.to_owned(),
        uri: format!("https://{}.example.org/", name.to_lowercase().replace(' ', "-")),
        region: "eu".to_owned(),
        is_enabled: true,
        weight: 10,
        health: Health { is_healthy: true, contrary_count: 0, latency_ms: None, last_checked_on: None },
        updated_at: NOW,
    }
}

pub(crate) fn upload(mode: &str, text: &str) -> Upload {
    Upload {
        id: Uuid::new_v4(),
        mode: ModeName::new(mode).unwrap(),
        version: Version::parse(text).unwrap(),
        platform: linux(),
        sequence: None,
        created_at: NOW,
        expires_at: later(86_400),
    }
}

pub(crate) fn token(name: &str) -> Token {
    Token {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        hash: [7; 32],
        scopes: "admin publish:*".to_owned(),
        created_at: NOW,
        expires_at: Some(later(1000)),
        revoked_at: None,
        last_used_at: None,
    }
}

pub(crate) fn audit(action: &str) -> AuditEntry {
    AuditEntry {
        id: Uuid::now_v7(),
        at: NOW,
        actor: "tester".to_owned(),
        action: action.to_owned(),
        subject: "stable".to_owned(),
        detail: r#"{"before":null}"#.to_owned(),
        request_id: "r-1".to_owned(),
    }
}

pub(crate) fn repository_file(path: &str) -> RepositoryFile {
    RepositoryFile { path: path.to_owned(), bytes: path.as_bytes().to_vec() }
}

/// The id of the chunk with this number, as evenly spread as digests are.
pub(crate) fn id(number: u64) -> ChunkId {
    let mut bytes = [0; 32];
    for (place, part) in bytes.chunks_mut(8).enumerate() {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(place as u32 * 16 + 7);
        part.copy_from_slice(&(mixed ^ number).to_be_bytes());
    }
    ChunkId::from_bytes(bytes)
}

pub(crate) fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<ChunkId> {
    numbers.into_iter().map(id).collect()
}

pub(crate) fn chunk(number: u64, keep_until: Time) -> NewChunk {
    NewChunk { id: id(number), size: 100, stored_size: 10, keep_until }
}

pub(crate) fn bytes(number: u64) -> Bytes {
    Bytes::from(format!("chunk {number}"))
}

pub(crate) async fn put(db: &dyn Db, numbers: impl IntoIterator<Item = u64>, keep_until: Time) {
    let chunks: Vec<_> = numbers.into_iter().map(|n| (chunk(n, keep_until), Some(bytes(n)))).collect();
    db.put_chunks(&chunks).await.unwrap();
}

/// Changes only rows, on the newest revision.
pub(crate) async fn apply(db: &dyn Db, rows: Vec<RowChange>) {
    let change = Change { revision: db.revision().await.unwrap(), rows, at: NOW, ..Change::default() };
    let applied = db.apply(&change).await.unwrap();
    assert_eq!(applied, Applied::Done(change.revision + 1));
}

/// The change that publishes a version with these chunks, decided on `revision`.
pub(crate) fn publication(
    revision: u64,
    mode: &Mode,
    version: &ModeVersion,
    upload: &Upload,
    chunks: Vec<ChunkId>,
) -> Change {
    let uri = format!("targets/{}/{}/{}/index.caidx", mode.name, version.version, upload.platform);
    Change {
        revision,
        rows: vec![
            RowChange::Mode(mode.clone()),
            RowChange::Version(version.clone()),
            RowChange::File(file(version, &upload.platform, "index.caidx", &uri)),
        ],
        publish: Some(Publish {
            upload_id: upload.id,
            sequence: version.sequence,
            version_id: version.id,
            platform: upload.platform.clone(),
            chunks,
        }),
        files: vec![repository_file(&uri), repository_file("tuf/timestamp.json")],
        in_force: vec!["tuf/timestamp.json".to_owned()],
        audit: vec![audit("publish")],
        at: NOW,
    }
}

/// Stores these chunks, keeps them until NOW, and publishes a version with them.
pub(crate) async fn publish(db: &dyn Db, mode: &Mode, text: &str, numbers: std::ops::Range<u64>) -> ModeVersion {
    put(db, numbers.clone(), NOW).await;
    let version = version(mode, text);
    let upload = upload(mode.name.as_str(), text);
    db.begin_upload(&upload).await.unwrap();
    let change = publication(db.revision().await.unwrap(), mode, &version, &upload, ids(numbers));
    assert!(matches!(db.apply(&change).await.unwrap(), Applied::Done(_)));
    version
}
