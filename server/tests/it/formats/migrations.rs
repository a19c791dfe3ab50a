//! The database after each migration: this server migrates it to the newest schema, and keeps its content.

use std::path::Path;
use std::sync::Arc;

use vsekai_server::db::{Db, FileFilter, ModeFilter, Page, Pools, VersionFilter, open};
use vsekai_updater::formats::bundle::Effort;

use super::frozen::{names, unpack, v01};

const UPLOAD: &str = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11";

/// The number of migrations of release 0.1. Later ones are not frozen here.
const LEVELS: usize = 19;

fn all<K>() -> Page<K> {
    Page { after: None, limit: 1000 }
}

/// What can be counted in a database, with the first migration after which there is any.
async fn counts(db: &dyn Db) -> Vec<(usize, &'static str, usize)> {
    let view = db.view().await.unwrap();
    let chunks = db.chunk_ids(&all()).await.unwrap();
    let mut bytes = 0;
    for id in &chunks {
        bytes += usize::from(db.chunk_bytes(id).await.unwrap().is_some());
    }
    let upload = UPLOAD.parse().unwrap();
    let bundles = db.bundles(None).await.unwrap();
    let mut parts = 0;
    for bundle in &bundles {
        parts += usize::from(db.bundle_part(&bundle.info.id, 0).await.unwrap().is_some());
    }
    vec![
        (2, "modes", view.modes.len()),
        (3, "versions", view.versions.len()),
        (4, "files", db.files(&FileFilter::default(), &all()).await.unwrap().len()),
        (5, "cdns", view.cdns.len()),
        (6, "chunks", chunks.len()),
        (7, "bytes of chunks", bytes),
        (9, "revision", usize::try_from(view.revision).unwrap()),
        (10, "metadata", view.metadata.len()),
        (10, "files of the repository", db.repository_files().await.unwrap().len()),
        (11, "uploads", usize::from(db.upload(upload).await.unwrap().is_some())),
        (12, "documents of it", db.documents(upload).await.unwrap().len()),
        (13, "tokens", db.tokens(&all()).await.unwrap().len()),
        (14, "audit", db.audit(&all()).await.unwrap().len()),
        (16, "bundles", bundles.len()),
        (17, "parts of bundles", parts),
        (18, "asks", db.asks(0).await.unwrap().len()),
    ]
}

/// The counts in the newest database, none of which is 0.
const NEWEST: [usize; 16] = [2, 2, 6, 1, 7, 7, 6, 9, 32, 1, 1, 2, 7, 3, 3, 1];

async fn opened(name: &str, folder: &Path) -> Arc<dyn Db> {
    let file = folder.join("server.db");
    unpack(name, &file);
    open(&format!("sqlite:{}", file.display()), &Pools::default()).await.unwrap()
}

#[test]
fn there_is_one_of_each_migration() {
    let migrations = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"));
    let expected: Vec<_> = migrations.iter().take(LEVELS).map(|name| name.replace(".sql", ".db.zst")).collect();
    assert_eq!(names(&v01("migrations")), expected);
    assert_eq!(expected.len(), LEVELS);
}

#[tokio::test]
async fn each_is_brought_to_the_newest_with_what_was_in_it() {
    for (level, name) in (1..).zip(names(&v01("migrations"))) {
        let folder = tempfile::tempdir().unwrap();
        let db = opened(&format!("migrations/{name}"), folder.path()).await;
        for ((since, what, count), newest) in counts(&*db).await.into_iter().zip(NEWEST) {
            assert_eq!(count, if level < since { 0 } else { newest }, "{what} after migration {level}");
        }
        // The schema is the newest now, so another server can open it, too.
        let url = format!("sqlite:{}", folder.path().join("server.db").display());
        open(&url, &Pools::default()).await.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn the_newest_has_every_field_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let db = opened("server.db.zst", folder.path()).await;
    let modes = db.modes(&ModeFilter::default(), &all()).await.unwrap();
    let (beta, stable) = (&modes[0], &modes[1]);
    assert_eq!((beta.name.as_str(), beta.is_active, beta.update_to), ("beta", false, Some(stable.id)));
    assert_eq!(
        (stable.name.as_str(), stable.description.as_str(), stable.is_active),
        ("stable", "For everybody", true)
    );
    let versions = db.versions(&VersionFilter::default(), &all()).await.unwrap();
    let numbers: Vec<_> = versions.iter().map(|version| (version.version.to_string(), version.sequence)).collect();
    assert_eq!(numbers, [("1.1.0".to_owned(), 2), ("1.0.0".to_owned(), 1)]);
    assert!(versions.iter().all(|version| version.published_at.to_string().starts_with("2026-01-01T")));
    let cdn = &db.view().await.unwrap().cdns[0];
    assert_eq!(
        (cdn.name.as_str(), cdn.uri.as_str(), cdn.region.as_str()),
        ("Tokyo", "https://tokyo.example.org", "jp")
    );
    let scopes: Vec<_> = db.tokens(&all()).await.unwrap().into_iter().map(|token| token.scopes).collect();
    assert_eq!(scopes, ["publish:beta", "admin"]);
    let upload = db.upload(UPLOAD.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((upload.mode.as_str(), upload.version.to_string().as_str(), upload.sequence), ("beta", "2.0.0", None));
    let bundles = db.bundles(None).await.unwrap();
    assert!(bundles.iter().all(|bundle| bundle.info.effort == Effort::Fast));
    assert_eq!(bundles.iter().filter(|bundle| bundle.info.from.is_some()).count(), 1);
    assert_eq!(db.asks(0).await.unwrap()[0].count, 1);
}
