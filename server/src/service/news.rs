//! The news of a mode: signed by its key elsewhere, checked here, and brought into force.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::news::{News, NewsItem};
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::net::api::NewsUpload;
use vsekai_updater::net::trust::target_path;

use super::rebuild::mismatch;
use super::sign::{Accept, SignedRole, blocking};
use super::{Actor, Decision, Service};
use crate::db::{RowChange, View};
use crate::error::{Error, Result};
use crate::model::RepositoryFile;
use crate::shares::Turn;

/// What was sent, decoded.
struct Submission {
    metadata: Bytes,
    role: SignedRole,
    /// By path within the repository.
    files: BTreeMap<String, Vec<u8>>,
}

impl Service {
    /// Publishes the news of a mode, or removes them. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], `document_mismatch`, `document_missing`, `publication_stale`, `signature_invalid`,
    /// `metadata_rollback`, `news_malformed`.
    pub async fn put_news(&self, mode: &ModeName, upload: &NewsUpload, _turn: Turn, actor: &Actor) -> Result<()> {
        let upload = upload.clone();
        let sent = blocking("reading news", move || decode(&upload)).await?;
        let view = self.db.view().await?;
        view.mode_named(mode).ok_or(Error::NotFound { what: "mode" })?;
        if !is_in_force(&view, mode, &sent.metadata) {
            self.signer.verify_role(view.metadata, mode.to_string(), sent.metadata.clone()).await?;
        }
        let known = self.known_news(mode, &sent.role).await?;
        self.change(actor, |view| decide(view, mode, &sent, known.as_deref())).await
    }

    /// The bytes of the listed news, if this server has them already.
    async fn known_news(&self, mode: &ModeName, role: &SignedRole) -> Result<Option<Bytes>> {
        match role.path_of(&News::target_name(mode)) {
            Some(path) => self.db.repository_file(&path).await,
            None => Ok(None),
        }
    }
}

fn decode(upload: &NewsUpload) -> Result<Submission> {
    let decode = |text: &str| {
        STANDARD.decode(text).map_err(|_| Error::Invalid { what: "news", reason: "they are not in base64".to_owned() })
    };
    let metadata = Bytes::from(decode(&upload.metadata)?);
    let role = SignedRole::read(&metadata)?;
    let mut files = BTreeMap::new();
    for (name, text) in &upload.files {
        let bytes = decode(text)?;
        let sha256 = Digest::of(&bytes).to_string();
        let path = target_path(name, &sha256);
        if !role.names(&path, &sha256, bytes.len()) {
            return Err(mismatch(format!("The signed metadata does not list {name} as it was sent")));
        }
        files.insert(path, bytes);
    }
    Ok(Submission { metadata, role, files })
}

fn decide(view: &View, mode: &ModeName, sent: &Submission, known: Option<&[u8]>) -> Result<Decision> {
    view.mode_named(mode).ok_or(Error::NotFound { what: "mode" })?;
    if is_in_force(view, mode, &sent.metadata) {
        return Ok(Decision::default());
    }
    let before = role_in_force(view, mode)?;
    if before.of_versions(mode) != sent.role.of_versions(mode) {
        let reason = "The new metadata lists other versions; they change by publications".to_owned();
        return Err(Error::Conflict { code: "publication_stale", reason });
    }
    let items = check_files(mode, sent, &before, known)?;
    let gone = before.news(mode).into_keys().filter(|path| !sent.role.news(mode).contains_key(path));
    Ok(Decision {
        rows: gone.map(RowChange::RemoveTarget).collect(),
        files: sent
            .files
            .iter()
            .map(|(path, bytes)| RepositoryFile { path: path.clone(), bytes: bytes.clone() })
            .collect(),
        accept: Accept { roles: [(mode.to_string(), sent.metadata.to_vec())].into(), ..Accept::default() },
        audit: ("mode.news", mode.to_string()),
        detail: json!({"items": items}),
        ..Decision::default()
    })
}

/// Checks that the list names the news and their pictures and nothing else, and that all of it is here. Returns the ids
/// of the items.
fn check_files(mode: &ModeName, sent: &Submission, before: &SignedRole, known: Option<&[u8]>) -> Result<Vec<String>> {
    let listed = sent.role.news(mode);
    let is_here = |path: &String| sent.files.contains_key(path) || before.news(mode).contains_key(path);
    if let Some(path) = listed.keys().find(|path| !is_here(path)) {
        return Err(Error::Conflict { code: "document_missing", reason: format!("{path} has not been sent") });
    }
    let Some(path) = sent.role.path_of(&News::target_name(mode)) else {
        return match listed.keys().next() {
            Some(path) => Err(mismatch(format!("The signed metadata lists {path} without any news"))),
            None => Ok(Vec::new()),
        };
    };
    let bytes = sent.files.get(&path).map(Vec::as_slice).or(known);
    let missing = || Error::Conflict { code: "document_missing", reason: format!("{path} has not been sent") };
    let news = News::parse(bytes.ok_or_else(missing)?, mode)?;
    let pictures = news.items().iter().filter_map(NewsItem::picture);
    let mut count = 1;
    for picture in pictures {
        count += 1;
        let path = target_path(picture.path(), &picture.digest().to_string());
        if !listed.contains_key(&path) {
            return Err(mismatch(format!("The signed metadata does not list {path}")));
        }
        sent.files.get(&path).map(|bytes| picture.check(bytes)).transpose()?;
    }
    if count != listed.len() {
        return Err(mismatch("The signed metadata lists files that the news do not name".to_owned()));
    }
    Ok(news.items().iter().map(|item| item.id().to_string()).collect())
}

fn is_in_force(view: &View, mode: &ModeName, metadata: &[u8]) -> bool {
    view.role_file(mode).is_some_and(|file| file.bytes == metadata)
}

/// The list of a mode that is in force; an empty one if there is none.
pub(super) fn role_in_force(view: &View, mode: &ModeName) -> Result<SignedRole> {
    view.role_file(mode).map_or_else(|| Ok(SignedRole::default()), |file| SignedRole::read(&file.bytes))
}
