//! Publications that are not finished.

use vsekai_server::model::DocumentKind;
use vsekai_updater::digest::Digest;

use super::samples::*;
use crate::databases::Fixture;

super::on_every_database! {
    hostile too:
    an_upload_begins_once,
    documents_are_kept_in_place_of_earlier_ones,
    a_large_document_is_there_whole_or_not_at_all,
    a_document_needs_its_upload,
    expired_uploads_go_and_published_ones_stay,
    parts_of_a_bundle_are_kept_until_the_upload_expires,
}

async fn an_upload_begins_once(f: Fixture) {
    let upload = upload("stable", "1.0.0");
    assert_eq!(f.db.begin_upload(&upload).await.unwrap(), upload);
    let mut again = upload.clone();
    again.expires_at = later(5);
    again.platform = windows();
    assert_eq!(f.db.begin_upload(&again).await.unwrap(), upload);
    assert_eq!(f.db.upload(upload.id).await.unwrap(), Some(upload));
}

async fn documents_are_kept_in_place_of_earlier_ones(f: Fixture) {
    let upload = upload("stable", "1.0.0");
    f.db.begin_upload(&upload).await.unwrap();
    assert_eq!(f.db.documents(upload.id).await.unwrap(), []);
    f.db.put_document(upload.id, DocumentKind::Release, bytes(1)).await.unwrap();
    f.db.put_document(upload.id, DocumentKind::Index, bytes(2)).await.unwrap();
    f.db.put_document(upload.id, DocumentKind::Release, bytes(3)).await.unwrap();
    assert_eq!(f.db.documents(upload.id).await.unwrap(), [DocumentKind::Index, DocumentKind::Release]);
    assert_eq!(f.db.document(upload.id, DocumentKind::Release).await.unwrap(), Some(bytes(3)));
    assert_eq!(f.db.document(upload.id, DocumentKind::Files).await.unwrap(), None);
}

async fn a_large_document_is_there_whole_or_not_at_all(f: Fixture) {
    let upload = upload("stable", "1.0.0");
    f.db.begin_upload(&upload).await.unwrap();
    // Stored in parts of 1 MiB; each replaces a longer or a shorter one.
    for length in [3 << 20, 1 << 20, (1 << 20) + 1, 0, (2 << 20) - 1, 5, 2 << 20] {
        let document: bytes::Bytes = (0..length).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
        f.db.put_document(upload.id, DocumentKind::Index, document.clone()).await.unwrap();
        let found = f.db.document(upload.id, DocumentKind::Index).await.unwrap();
        assert!(found == Some(document), "{length} bytes");
        assert_eq!(f.db.documents(upload.id).await.unwrap(), [DocumentKind::Index]);
    }
    assert_eq!(f.db.reap_uploads(later(1_000_000)).await.unwrap(), 1);
    assert_eq!(f.db.document(upload.id, DocumentKind::Index).await.unwrap(), None);
}

async fn a_document_needs_its_upload(f: Fixture) {
    let error = f.db.put_document(uuid::Uuid::new_v4(), DocumentKind::Index, bytes(1)).await.unwrap_err();
    assert_eq!(error.code(), "not_found");
}

async fn expired_uploads_go_and_published_ones_stay(f: Fixture) {
    publish(&*f.db, &mode("stable"), "1.0.0", 0..2).await;
    let (old, mut new) = (upload("stable", "2.0.0"), upload("stable", "3.0.0"));
    new.expires_at = later(200_000);
    for upload in [&old, &new] {
        f.db.begin_upload(upload).await.unwrap();
        f.db.put_document(upload.id, DocumentKind::Index, bytes(1)).await.unwrap();
    }
    assert_eq!(f.db.reap_uploads(old.expires_at).await.unwrap(), 0);
    assert_eq!(f.db.reap_uploads(later(100_000)).await.unwrap(), 1);
    assert_eq!(f.db.upload(old.id).await.unwrap(), None);
    assert_eq!(f.db.document(old.id, DocumentKind::Index).await.unwrap(), None);
    assert_eq!(f.db.documents(new.id).await.unwrap(), [DocumentKind::Index]);
    assert_eq!(f.db.reap_uploads(later(100_000)).await.unwrap(), 0);
}

async fn parts_of_a_bundle_are_kept_until_the_upload_expires(f: Fixture) {
    let (db, bundle, other) = (&f.db, Digest([1; 32]), Digest([2; 32]));
    let upload = upload("stable", "1.0.0");
    let put = |part, byte| db.put_upload_bundle_part(upload.id, &bundle, part, vec![byte; 1 << 20].into());
    assert_eq!(put(0, 1).await.unwrap_err().code(), "not_found");
    db.begin_upload(&upload).await.unwrap();
    for part in [3, 0, 1, 1] {
        put(part, 7).await.unwrap();
    }
    put(1, 8).await.unwrap();
    db.put_upload_bundle_part(upload.id, &other, 0, bytes(1)).await.unwrap();
    assert_eq!(db.upload_bundle_parts(upload.id, &bundle).await.unwrap(), [0, 1, 3]);
    assert_eq!(db.upload_bundle_part(upload.id, &bundle, 1).await.unwrap().unwrap()[..3], [8, 8, 8]);
    assert_eq!(db.upload_bundle_part(upload.id, &bundle, 2).await.unwrap(), None);
    db.remove_upload_bundle_parts(upload.id, &other).await.unwrap();
    assert_eq!(db.upload_bundle_parts(upload.id, &other).await.unwrap(), [0_u64; 0]);
    db.reap_uploads(upload.expires_at).await.unwrap();
    assert_eq!(db.upload_bundle_parts(upload.id, &bundle).await.unwrap().len(), 3);
    assert_eq!(db.reap_uploads(upload.expires_at.plus_seconds(1)).await.unwrap(), 1);
    assert_eq!(db.upload_bundle_parts(upload.id, &bundle).await.unwrap(), [0_u64; 0]);
}
