//! Rows as the databases give them, and the domain's types made of them.
//!
//! What does not fit was not written by this program: it is an [`Error::Internal`] that names the column, never a panic.

use std::str::FromStr;

use sqlx::FromRow;
use uuid::Uuid;
use vsekai_updater::bundle::{BundleInfo, Digest, Effort};
use vsekai_updater::chunk::ChunkId;
use vsekai_updater::version::Version;

use crate::error::{Error, Result};
use crate::model::{
    Asks, AuditEntry, Bundle, Cdn, Health, Mode, ModeVersion, RepositoryFile, Time, Token, Upload, VersionFile,
    VersionIndex, VersionState,
};

/// What a database keeps as a signed number.
pub(super) fn number<N: TryInto<i64>>(value: N) -> Result<i64> {
    value.try_into().map_err(|_| bad("a number is too large for the database"))
}

pub(super) fn unsigned<N: TryFrom<i64>>(value: i64, column: &str) -> Result<N> {
    value.try_into().map_err(|_| bad(column))
}

pub(super) fn parsed<T: FromStr>(text: &str, column: &str) -> Result<T> {
    text.parse().map_err(|_| bad(column))
}

pub(super) fn chunk_id(bytes: &[u8]) -> Result<ChunkId> {
    bytes.try_into().map(ChunkId::from_bytes).map_err(|_| bad("chunks.id"))
}

pub(super) fn bad(column: &str) -> Error {
    Error::Internal { context: format!("a value of {column} in the database is not understood") }
}

#[derive(FromRow)]
pub(super) struct ModeRow {
    id: Uuid,
    name: String,
    description: String,
    is_active: bool,
    update_to: Option<Uuid>,
    sequence: i64,
    updated_at: i64,
}

impl TryFrom<ModeRow> for Mode {
    type Error = Error;

    fn try_from(row: ModeRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: parsed(&row.name, "modes.name")?,
            description: row.description,
            is_active: row.is_active,
            update_to: row.update_to,
            sequence: unsigned(row.sequence, "modes.sequence")?,
            updated_at: Time(row.updated_at),
        })
    }
}

#[derive(FromRow)]
pub(super) struct VersionRow {
    id: Uuid,
    mode_id: Uuid,
    version: String,
    state: String,
    skip_update: bool,
    recalled: bool,
    rollout: i64,
    sequence: i64,
    manifest_file_uri: String,
    published_at: i64,
    updated_at: i64,
}

impl TryFrom<VersionRow> for ModeVersion {
    type Error = Error;

    fn try_from(row: VersionRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            mode_id: row.mode_id,
            version: Version::parse(&row.version).map_err(|_| bad("versions.version"))?,
            state: VersionState::parse(&row.state).ok_or_else(|| bad("versions.state"))?,
            skip_update: row.skip_update,
            recalled: row.recalled,
            rollout: unsigned(row.rollout, "versions.rollout")?,
            sequence: unsigned(row.sequence, "versions.sequence")?,
            manifest_file_uri: row.manifest_file_uri,
            published_at: Time(row.published_at),
            updated_at: Time(row.updated_at),
        })
    }
}

#[derive(FromRow)]
pub(super) struct FileRow {
    id: Uuid,
    version_id: Uuid,
    platform: String,
    file_name: String,
    file_uri: String,
    file_checksum_hash: String,
    size: i64,
}

impl TryFrom<FileRow> for VersionFile {
    type Error = Error;

    fn try_from(row: FileRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            version_id: row.version_id,
            platform: parsed(&row.platform, "files.platform")?,
            file_name: row.file_name,
            file_uri: row.file_uri,
            file_checksum_hash: row.file_checksum_hash,
            size: unsigned(row.size, "files.size")?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct CdnRow {
    uid: Uuid,
    name: String,
    uri: String,
    region: String,
    is_enabled: bool,
    weight: i64,
    is_healthy: bool,
    contrary_count: i64,
    latency_ms: Option<i64>,
    last_checked_on: Option<i64>,
    updated_at: i64,
}

impl TryFrom<CdnRow> for Cdn {
    type Error = Error;

    fn try_from(row: CdnRow) -> Result<Self> {
        let health = Health {
            is_healthy: row.is_healthy,
            contrary_count: unsigned(row.contrary_count, "cdn.contrary_count")?,
            latency_ms: row.latency_ms.map(|value| unsigned(value, "cdn.latency_ms")).transpose()?,
            last_checked_on: row.last_checked_on.map(Time),
        };
        Ok(Self {
            uid: row.uid,
            name: row.name,
            uri: row.uri,
            region: row.region,
            is_enabled: row.is_enabled,
            weight: unsigned(row.weight, "cdn.weight")?,
            health,
            updated_at: Time(row.updated_at),
        })
    }
}

#[derive(FromRow)]
pub(super) struct UploadRow {
    id: Uuid,
    mode: String,
    version: String,
    platform: String,
    sequence: Option<i64>,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<UploadRow> for Upload {
    type Error = Error;

    fn try_from(row: UploadRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            mode: parsed(&row.mode, "uploads.mode")?,
            version: parsed(&row.version, "uploads.version")?,
            platform: parsed(&row.platform, "uploads.platform")?,
            sequence: row.sequence.map(|value| unsigned(value, "uploads.sequence")).transpose()?,
            created_at: Time(row.created_at),
            expires_at: Time(row.expires_at),
        })
    }
}

#[derive(FromRow)]
pub(super) struct TokenRow {
    id: Uuid,
    name: String,
    hash: Vec<u8>,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Error;

    fn try_from(row: TokenRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            hash: row.hash.try_into().map_err(|_| bad("tokens.hash"))?,
            scopes: row.scopes,
            created_at: Time(row.created_at),
            expires_at: row.expires_at.map(Time),
            revoked_at: row.revoked_at.map(Time),
            last_used_at: row.last_used_at.map(Time),
        })
    }
}

#[derive(FromRow)]
pub(super) struct AuditRow {
    id: Uuid,
    done_at: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    request_id: String,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = Error;

    fn try_from(row: AuditRow) -> Result<Self> {
        let AuditRow { id, done_at, actor, action, subject, detail, request_id } = row;
        Ok(Self { id, at: Time(done_at), actor, action, subject, detail, request_id })
    }
}

#[derive(FromRow)]
pub(super) struct RepositoryFileRow {
    path: String,
    bytes: Vec<u8>,
}

impl TryFrom<RepositoryFileRow> for RepositoryFile {
    type Error = Error;

    fn try_from(RepositoryFileRow { path, bytes }: RepositoryFileRow) -> Result<Self> {
        Ok(Self { path, bytes })
    }
}

/// A SHA-256 in hex.
pub(super) fn digest(text: &str, column: &str) -> Result<Digest> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| bad(column))?;
    Ok(Digest(bytes))
}

#[derive(FromRow)]
pub(super) struct IndexRow {
    version_id: Uuid,
    platform: String,
    file_checksum_hash: String,
}

impl TryFrom<IndexRow> for VersionIndex {
    type Error = Error;

    fn try_from(row: IndexRow) -> Result<Self> {
        Ok(Self {
            digest: digest(&row.file_checksum_hash, "files.file_checksum_hash")?,
            version_id: row.version_id,
            platform: parsed(&row.platform, "files.platform")?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct BundleRow {
    id: String,
    to_index: String,
    from_index: String,
    length: i64,
    front_bytes: i64,
    plain_bytes: i64,
    effort: String,
    created_at: i64,
}

impl TryFrom<BundleRow> for Bundle {
    type Error = Error;

    fn try_from(row: BundleRow) -> Result<Self> {
        let from = (!row.from_index.is_empty()).then(|| digest(&row.from_index, "bundles.from_index"));
        let info = BundleInfo {
            id: digest(&row.id, "bundles.id")?,
            length: unsigned(row.length, "bundles.length")?,
            front_bytes: unsigned(row.front_bytes, "bundles.front_bytes")?,
            plain_bytes: unsigned(row.plain_bytes, "bundles.plain_bytes")?,
            from: from.transpose()?,
            effort: Effort::parse(&row.effort).ok_or_else(|| bad("bundles.effort"))?,
        };
        Ok(Self { info, to: digest(&row.to_index, "bundles.to_index")?, created_at: Time(row.created_at) })
    }
}

#[derive(FromRow)]
pub(super) struct AsksRow {
    to_index: String,
    from_index: String,
    count: i64,
}

impl TryFrom<AsksRow> for Asks {
    type Error = Error;

    fn try_from(row: AsksRow) -> Result<Self> {
        Ok(Self {
            to: digest(&row.to_index, "bundle_asks.to_index")?,
            from: digest(&row.from_index, "bundle_asks.from_index")?,
            count: unsigned(row.count, "bundle_asks.asks")?,
        })
    }
}

/// Rows as what they stand for.
pub(super) fn all<R, T: TryFrom<R, Error = Error>>(rows: Vec<R>) -> Result<Vec<T>> {
    rows.into_iter().map(T::try_from).collect()
}
