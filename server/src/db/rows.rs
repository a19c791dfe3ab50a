//! Rows as the databases return them, and their conversion into domain types.
//!
//! A value that does not fit was not written by this program: it becomes an [`Error::Internal`] that names the column,
//! never a panic.

use std::str::FromStr;

use uuid::Uuid;
use vsekai_updater::formats::bundle::{BundleInfo, Effort};
use vsekai_updater::formats::chunk::ChunkId;

use crate::error::{Error, Result};
use crate::model::{
    Asks, AuditEntry, Bundle, Cdn, Halt, Health, Mode, ModeVersion, ReportCount, ReportLimit, Time, Token, Upload,
    VersionFile, VersionIndex, VersionState,
};

/// A number as the databases store it: signed.
pub(super) fn number<N: TryInto<i64>>(value: N) -> Result<i64> {
    value.try_into().map_err(|_| bad("a number is too large for the database"))
}

pub(super) fn unsigned<N: TryFrom<i64>>(value: i64, column: &str) -> Result<N> {
    value.try_into().map_err(|_| bad(column))
}

/// [`unsigned`] for a value that may be null.
fn unsigned_if_any<N: TryFrom<i64>>(value: Option<i64>, column: &str) -> Result<Option<N>> {
    value.map(|value| unsigned(value, column)).transpose()
}

pub(super) fn parsed<T: FromStr>(text: impl AsRef<str>, column: &str) -> Result<T> {
    text.as_ref().parse().map_err(|_| bad(column))
}

fn state(text: impl AsRef<str>, column: &str) -> Result<VersionState> {
    VersionState::parse(text.as_ref()).ok_or_else(|| bad(column))
}

fn effort(text: impl AsRef<str>, column: &str) -> Result<Effort> {
    Effort::parse(text.as_ref()).ok_or_else(|| bad(column))
}

fn hash(bytes: Vec<u8>, column: &str) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| bad(column))
}

fn time_if_any(value: Option<i64>) -> Option<Time> {
    value.map(Time)
}

pub(super) fn chunk_id(bytes: &[u8]) -> Result<ChunkId> {
    bytes.try_into().map(ChunkId::from_bytes).map_err(|_| bad("chunks.id"))
}

pub(super) fn bad(column: &str) -> Error {
    Error::internal(format!("unexpected value of {column} in the database"))
}

/// A struct that sqlx can read from a row of any database, its fields being columns of the same names. sqlx's derive
/// would do this too, but compiling it takes a second SQLite and a second TLS library, for the compiler itself.
macro_rules! from_row {
    (struct $row:ident { $($field:ident: $stored:ty,)* }) => {
        pub(super) struct $row {
            $($field: $stored,)*
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $row
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($stored: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}

/// A row whose columns have the same names as the fields of a domain type. A column is taken as it is, wrapped (`as`),
/// or converted by a function that may fail (`=>`).
macro_rules! row {
    ($row:ident of $table:literal is $model:ident {
        $($field:ident: $stored:ty $(as $wrapped:ident)? $(=> $read:ident)?,)*
    }) => {
        from_row! {
            struct $row {
                $($field: $stored,)*
            }
        }

        impl TryFrom<$row> for $model {
            type Error = Error;

            fn try_from(row: $row) -> Result<Self> {
                Ok(Self {
                    $($field: row!(@made row.$field, $table, $field $(as $wrapped)? $(=> $read)?),)*
                })
            }
        }
    };
    (@made $value:expr, $table:literal, $field:ident) => {
        $value
    };
    (@made $value:expr, $table:literal, $field:ident as $wrapped:ident) => {
        $wrapped($value)
    };
    (@made $value:expr, $table:literal, $field:ident => $read:ident) => {
        $read($value, concat!($table, ".", stringify!($field)))?
    };
}

from_row! {
    struct ModeRow {
        id: Uuid,
        name: String,
        description: String,
        is_active: bool,
        update_to: Option<Uuid>,
        sequence: i64,
        updated_at: i64,
        minimum: Option<i64>,
        percent: Option<i64>,
    }
}

impl TryFrom<ModeRow> for Mode {
    type Error = Error;

    fn try_from(row: ModeRow) -> Result<Self> {
        let limit = |(minimum, percent)| -> Result<ReportLimit> {
            let minimum = unsigned(minimum, "report_limits.minimum")?;
            Ok(ReportLimit { minimum, percent: unsigned(percent, "report_limits.percent")? })
        };
        Ok(Self {
            id: row.id,
            name: parsed(&row.name, "modes.name")?,
            description: row.description,
            is_active: row.is_active,
            update_to: row.update_to,
            sequence: unsigned(row.sequence, "modes.sequence")?,
            reports: row.minimum.zip(row.percent).map(limit).transpose()?,
            updated_at: Time(row.updated_at),
        })
    }
}

row! {
    ReportRow of "report_counts" is ReportCount {
        version_id: Uuid,
        platform: String => parsed,
        started: i64 => unsigned,
        failed: i64 => unsigned,
    }
}

from_row! {
    struct HaltRow {
        version_id: Uuid,
        platform: String,
        reports: i64,
        failed: i64,
        percent: i64,
        halted_at: i64,
    }
}

impl TryFrom<HaltRow> for Halt {
    type Error = Error;

    fn try_from(row: HaltRow) -> Result<Self> {
        Ok(Self {
            version_id: row.version_id,
            platform: parsed(row.platform, "halts.platform")?,
            reports: unsigned(row.reports, "halts.reports")?,
            failed: unsigned(row.failed, "halts.failed")?,
            percent: unsigned(row.percent, "halts.percent")?,
            at: Time(row.halted_at),
        })
    }
}

row! {
    VersionRow of "versions" is ModeVersion {
        id: Uuid,
        mode_id: Uuid,
        version: String => parsed,
        state: String => state,
        skip_update: bool,
        recalled: bool,
        rollout: i64 => unsigned,
        sequence: i64 => unsigned,
        manifest_file_uri: String,
        published_at: i64 as Time,
        updated_at: i64 as Time,
    }
}

row! {
    FileRow of "files" is VersionFile {
        id: Uuid,
        version_id: Uuid,
        platform: String => parsed,
        file_name: String,
        file_uri: String,
        file_checksum_hash: String,
        size: i64 => unsigned,
    }
}

row! {
    UploadRow of "uploads" is Upload {
        id: Uuid,
        mode: String => parsed,
        version: String => parsed,
        platform: String => parsed,
        sequence: Option<i64> => unsigned_if_any,
        created_at: i64 as Time,
        expires_at: i64 as Time,
    }
}

row! {
    TokenRow of "tokens" is Token {
        id: Uuid,
        name: String,
        hash: Vec<u8> => hash,
        scopes: String,
        created_at: i64 as Time,
        expires_at: Option<i64> as time_if_any,
        revoked_at: Option<i64> as time_if_any,
        last_used_at: Option<i64> as time_if_any,
    }
}

from_row! {
    struct RepositoryFileRow {
        path: String,
        bytes: Vec<u8>,
        digest: Option<String>,
        length: Option<i64>,
    }
}

/// A file of the repository as its row has it.
pub(super) struct StoredFile {
    pub(super) path: String,
    /// Empty if the bytes are elsewhere.
    pub(super) bytes: Vec<u8>,
    /// The digest and the length of the content that has the bytes.
    pub(super) content: Option<(String, u64)>,
}

impl TryFrom<RepositoryFileRow> for StoredFile {
    type Error = Error;

    fn try_from(row: RepositoryFileRow) -> Result<Self> {
        let RepositoryFileRow { path, bytes, digest, length } = row;
        let length = unsigned_if_any(length, "contents.length")?;
        // An older server writes bytes, and leaves the name of an earlier content.
        let content = digest.zip(length).filter(|_| bytes.is_empty());
        Ok(Self { path, bytes, content })
    }
}

from_row! {
    struct CdnRow {
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
}

impl TryFrom<CdnRow> for Cdn {
    type Error = Error;

    fn try_from(row: CdnRow) -> Result<Self> {
        let health = Health {
            is_healthy: row.is_healthy,
            contrary_count: unsigned(row.contrary_count, "cdn.contrary_count")?,
            latency_ms: unsigned_if_any(row.latency_ms, "cdn.latency_ms")?,
            last_checked_on: time_if_any(row.last_checked_on),
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

from_row! {
    struct AuditRow {
        id: Uuid,
        done_at: i64,
        actor: String,
        action: String,
        subject: String,
        detail: String,
        request_id: String,
    }
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = Error;

    fn try_from(row: AuditRow) -> Result<Self> {
        let AuditRow { id, done_at, actor, action, subject, detail, request_id } = row;
        Ok(Self { id, at: Time(done_at), actor, action, subject, detail, request_id })
    }
}

from_row! {
    struct IndexRow {
        version_id: Uuid,
        platform: String,
        file_checksum_hash: String,
    }
}

impl TryFrom<IndexRow> for VersionIndex {
    type Error = Error;

    fn try_from(row: IndexRow) -> Result<Self> {
        Ok(Self {
            digest: parsed(&row.file_checksum_hash, "files.file_checksum_hash")?,
            version_id: row.version_id,
            platform: parsed(row.platform, "files.platform")?,
        })
    }
}

from_row! {
    struct BundleRow {
        id: String,
        to_index: String,
        from_index: String,
        length: i64,
        front_bytes: i64,
        plain_bytes: i64,
        effort: String,
        created_at: i64,
    }
}

impl TryFrom<BundleRow> for Bundle {
    type Error = Error;

    fn try_from(row: BundleRow) -> Result<Self> {
        let from = (!row.from_index.is_empty()).then(|| parsed(&row.from_index, "bundles.from_index"));
        let info = BundleInfo {
            id: parsed(&row.id, "bundles.id")?,
            length: unsigned(row.length, "bundles.length")?,
            front_bytes: unsigned(row.front_bytes, "bundles.front_bytes")?,
            plain_bytes: unsigned(row.plain_bytes, "bundles.plain_bytes")?,
            from: from.transpose()?,
            effort: effort(row.effort, "bundles.effort")?,
        };
        Ok(Self { info, to: parsed(&row.to_index, "bundles.to_index")?, created_at: Time(row.created_at) })
    }
}

from_row! {
    struct AsksRow {
        to_index: String,
        from_index: String,
        count: i64,
    }
}

impl TryFrom<AsksRow> for Asks {
    type Error = Error;

    fn try_from(row: AsksRow) -> Result<Self> {
        Ok(Self {
            to: parsed(&row.to_index, "bundle_asks.to_index")?,
            from: parsed(&row.from_index, "bundle_asks.from_index")?,
            count: unsigned(row.count, "bundle_asks.asks")?,
        })
    }
}

/// Converts rows.
pub(super) fn all<R, T: TryFrom<R, Error = Error>>(rows: Vec<R>) -> Result<Vec<T>> {
    rows.into_iter().map(T::try_from).collect()
}
