//! Every statement that is sent to a database, as constants: the same text for `SQLite`, `PostgreSQL` and
//! `CockroachDB`.
//!
//! Values are bound as `$1`, `$2`, …. Only types, functions and keywords that all three have are used, as the tests
//! below check. Two placeholders are expanded by [`list`] and [`rows`]: `{list 2}` becomes `$2, $3, …`, and `{rows 4}`
//! becomes `($1, $2, $3, $4), ($5, …`. No statement selects `*`: a column added later must not change what an older
//! server reads.

/// Lengths of lists. There are few, so that few statements are prepared; shorter lists repeat a value.
const LIST_LENGTHS: [usize; 4] = [1, 32, 250, LIST];
/// The longest list. With all other values it stays far below the limit of `SQLite`, 32,766 values.
pub(super) const LIST: usize = 500;
/// Numbers of rows inserted at once. Few, for the same reason.
pub(super) const ROWS: [usize; 3] = [256, 16, 1];

macro_rules! statements {
    ($($(#[$about:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$about])* pub(super) const $name: &str = $text;)*
        /// All statements.
        const ALL: &[&str] = &[$($name),*];
    };
}

statements! {
    PING = "SELECT 1";

    // The repository
    REVISION = "SELECT revision FROM repository WHERE id = 1";
    NEXT_REVISION = "UPDATE repository SET revision = revision + 1 WHERE id = 1 AND revision = $1";
    ALL_MODES = "SELECT m.id, m.name, m.description, m.is_active, m.update_to, m.sequence, m.updated_at, \
        l.minimum, l.percent FROM modes m LEFT JOIN report_limits l ON l.mode_id = m.id";
    ALL_VERSIONS = "SELECT id, mode_id, version, state, skip_update, recalled, rollout, sequence, manifest_file_uri, \
        published_at, updated_at FROM versions \
        ORDER BY mode_id, sort_key DESC, id";
    ALL_PLATFORMS = "SELECT DISTINCT f.version_id, f.platform FROM files f JOIN versions v ON v.id = f.version_id \
        WHERE v.state = 'published' OR v.recalled = TRUE";
    ALL_CDNS = "SELECT uid, name, uri, region, is_enabled, weight, is_healthy, contrary_count, latency_ms, \
        last_checked_on, updated_at FROM cdn";
    METADATA = "SELECT f.path, f.bytes, c.digest, c.length FROM repository_files f \
        LEFT JOIN file_contents n ON n.path = f.path LEFT JOIN contents c ON c.digest = n.digest \
        WHERE f.in_force = TRUE";
    REPOSITORY_FILE = "SELECT f.path, f.bytes, c.digest, c.length FROM repository_files f \
        LEFT JOIN file_contents n ON n.path = f.path LEFT JOIN contents c ON c.digest = n.digest WHERE f.path = $1";
    REPOSITORY_FILES = "SELECT f.path, f.bytes, c.digest, c.length FROM repository_files f \
        LEFT JOIN file_contents n ON n.path = f.path LEFT JOIN contents c ON c.digest = n.digest \
        WHERE f.path > $1 ORDER BY f.path LIMIT $2";
    PUT_REPOSITORY_FILE = "INSERT INTO repository_files (path, kind, bytes) VALUES ($1, $2, $3) \
        ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes, superseded_at = NULL";
    LIVE_METADATA = "SELECT path, in_force FROM repository_files \
        WHERE in_force = TRUE OR (superseded_at IS NULL AND kind = 'metadata')";
    TAKE_OUT_OF_FORCE = "UPDATE repository_files SET in_force = FALSE, superseded_at = CASE \
        WHEN kind = 'metadata' THEN COALESCE(superseded_at, $1) ELSE superseded_at END WHERE path IN ({list 2})";
    PUT_IN_FORCE = "UPDATE repository_files SET in_force = TRUE, superseded_at = NULL WHERE path IN ({list 1})";
    SUPERSEDE_UNNAMED = "UPDATE repository_files SET superseded_at = $1 WHERE path = $2 AND superseded_at IS NULL \
        AND NOT EXISTS (SELECT 1 FROM files f WHERE f.file_uri = repository_files.path)";
    REMOVE_SUPERSEDED = "DELETE FROM repository_files WHERE path IN (SELECT s.path FROM repository_files s \
        WHERE s.superseded_at < $1 AND s.in_force = FALSE AND s.kind <> 'root' \
        AND NOT EXISTS (SELECT 1 FROM files f WHERE f.file_uri = s.path) LIMIT $2)";

    // Contents of large files of the repository
    BEGIN_CONTENT = "INSERT INTO contents (digest, length, changed_at) VALUES ($1, $2, $3) \
        ON CONFLICT (digest) DO UPDATE SET changed_at = excluded.changed_at";
    COUNT_CONTENT_PARTS = "SELECT COUNT(*) AS count FROM content_parts WHERE digest = $1";
    PUT_CONTENT_PART = "INSERT INTO content_parts (digest, part, bytes) VALUES ($1, $2, $3) \
        ON CONFLICT (digest, part) DO NOTHING";
    CONTENT_PART = "SELECT bytes FROM content_parts WHERE digest = $1 AND part = $2";
    NAME_CONTENT = "INSERT INTO file_contents (path, digest) VALUES ($1, $2) \
        ON CONFLICT (path) DO UPDATE SET digest = excluded.digest";
    UNNAME_CONTENT = "DELETE FROM file_contents WHERE path = $1";
    UNNAME_OF_NO_FILE = "DELETE FROM file_contents WHERE path IN (SELECT n.path FROM file_contents n \
        WHERE NOT EXISTS (SELECT 1 FROM repository_files f WHERE f.path = n.path) LIMIT $1)";
    UNNAMED_CONTENTS = "SELECT c.digest FROM contents c WHERE c.changed_at < $1 \
        AND NOT EXISTS (SELECT 1 FROM file_contents n WHERE n.digest = c.digest) LIMIT $2";
    REMOVE_CONTENT_PARTS = "DELETE FROM content_parts WHERE digest = $1 \
        AND EXISTS (SELECT 1 FROM contents c WHERE c.digest = $1 AND c.changed_at < $2) \
        AND NOT EXISTS (SELECT 1 FROM file_contents n WHERE n.digest = $1)";
    REMOVE_CONTENT = "DELETE FROM contents WHERE digest = $1 AND changed_at < $2 \
        AND NOT EXISTS (SELECT 1 FROM file_contents n WHERE n.digest = $1)";

    // Modes, versions, files, CDNs
    MODES = "SELECT m.id, m.name, m.description, m.is_active, m.update_to, m.sequence, m.updated_at, \
        l.minimum, l.percent FROM modes m LEFT JOIN report_limits l ON l.mode_id = m.id WHERE m.name > $1 \
        AND ($2 IS NULL OR m.name = $2) AND ($3 IS NULL OR m.is_active = $3) ORDER BY m.name LIMIT $4";
    MODE = "SELECT m.id, m.name, m.description, m.is_active, m.update_to, m.sequence, m.updated_at, \
        l.minimum, l.percent FROM modes m LEFT JOIN report_limits l ON l.mode_id = m.id WHERE m.id = $1";
    PUT_MODE = "INSERT INTO modes (id, name, description, is_active, update_to, sequence, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
        description = excluded.description, is_active = excluded.is_active, update_to = excluded.update_to, \
        sequence = excluded.sequence, updated_at = excluded.updated_at";
    VERSIONS = "SELECT v.id, v.mode_id, v.version, v.state, v.skip_update, v.recalled, v.rollout, v.sequence, \
        v.manifest_file_uri, v.published_at, v.updated_at FROM versions v \
        WHERE v.sort_key <= $1 AND (v.sort_key < $1 OR v.id > $2) \
        AND ($3 IS NULL OR v.mode_id = $3) AND ($4 IS NULL OR v.state = $4) AND ($5 IS NULL OR v.version = $5) \
        AND ($6 IS NULL OR EXISTS (SELECT 1 FROM files f WHERE f.version_id = v.id AND f.platform = $6)) \
        AND ($7 IS NULL OR v.skip_update = $7) AND ($8 IS NULL OR v.recalled = $8) \
        ORDER BY v.sort_key DESC, v.id LIMIT $9";
    VERSION = "SELECT id, mode_id, version, state, skip_update, recalled, rollout, sequence, manifest_file_uri, \
        published_at, updated_at FROM versions WHERE id = $1";
    PUT_VERSION = "INSERT INTO versions (id, mode_id, version, sort_key, state, skip_update, recalled, rollout, \
        sequence, manifest_file_uri, published_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
        $12) ON CONFLICT (id) DO UPDATE SET mode_id = excluded.mode_id, version = excluded.version, \
        sort_key = excluded.sort_key, state = excluded.state, skip_update = excluded.skip_update, \
        recalled = excluded.recalled, rollout = excluded.rollout, sequence = excluded.sequence, \
        manifest_file_uri = excluded.manifest_file_uri, published_at = excluded.published_at, \
        updated_at = excluded.updated_at";
    FILES = "SELECT id, version_id, platform, file_name, file_uri, file_checksum_hash, size FROM files \
        WHERE id > $1 AND ($2 IS NULL OR version_id = $2) AND ($3 IS NULL OR platform = $3) \
        AND ($4 IS NULL OR file_name = $4) ORDER BY id LIMIT $5";
    FILE = "SELECT id, version_id, platform, file_name, file_uri, file_checksum_hash, size FROM files WHERE id = $1";
    FILE_URI = "SELECT file_uri FROM files WHERE version_id = $1 AND platform = $2 AND file_name = $3";
    FILE_URIS = "SELECT file_uri FROM files WHERE version_id = $1 AND platform = $2";
    PUT_FILE = "INSERT INTO files (id, version_id, platform, file_name, file_uri, file_checksum_hash, size) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (version_id, platform, file_name) DO UPDATE SET \
        id = excluded.id, file_uri = excluded.file_uri, file_checksum_hash = excluded.file_checksum_hash, \
        size = excluded.size";
    REMOVE_FILES = "DELETE FROM files WHERE version_id = $1 AND platform = $2";
    CDNS = "SELECT uid, name, uri, region, is_enabled, weight, is_healthy, contrary_count, latency_ms, \
        last_checked_on, updated_at FROM cdn WHERE name > $1 AND ($2 IS NULL OR region = $2) \
        AND ($3 IS NULL OR is_enabled = $3) AND ($4 IS NULL OR is_healthy = $4) ORDER BY name LIMIT $5";
    CDN = "SELECT uid, name, uri, region, is_enabled, weight, is_healthy, contrary_count, latency_ms, \
        last_checked_on, updated_at FROM cdn WHERE uid = $1";
    PUT_CDN = "INSERT INTO cdn (uid, name, uri, region, is_enabled, weight, updated_at, is_healthy, contrary_count, \
        latency_ms, last_checked_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
        ON CONFLICT (uid) DO UPDATE SET name = excluded.name, uri = excluded.uri, region = excluded.region, \
        is_enabled = excluded.is_enabled, weight = excluded.weight, updated_at = excluded.updated_at";
    REMOVE_CDN = "DELETE FROM cdn WHERE uid = $1";
    PUT_HEALTH = "UPDATE cdn SET is_healthy = $2, contrary_count = $3, latency_ms = $4, last_checked_on = $5 \
        WHERE uid = $1";

    // The audit log
    AUDIT = "SELECT id, done_at, actor, action, subject, detail, request_id FROM audit \
        WHERE id < $1 ORDER BY id DESC LIMIT $2";
    ADD_AUDIT = "INSERT INTO audit (id, done_at, actor, action, subject, detail, request_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";

    // Publications
    BEGIN_UPLOAD = "INSERT INTO uploads (id, mode, version, platform, sequence, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    UPLOAD = "SELECT id, mode, version, platform, sequence, created_at, expires_at FROM uploads WHERE id = $1";
    OPEN_UPLOADS = "SELECT id, mode, version, platform, sequence, created_at, expires_at FROM uploads WHERE id > $1 \
        AND sequence IS NULL AND expires_at > $2 AND ($3 IS NULL OR mode = $3) ORDER BY id LIMIT $4";
    END_UPLOAD = "UPDATE uploads SET sequence = $2 WHERE id = $1";
    PUT_DOCUMENT = "INSERT INTO upload_documents (upload_id, kind, bytes) VALUES ($1, $2, $3) \
        ON CONFLICT (upload_id, kind) DO UPDATE SET bytes = excluded.bytes";
    DOCUMENT = "SELECT bytes FROM upload_documents WHERE upload_id = $1 AND kind = $2";
    HIDE_DOCUMENT = "DELETE FROM upload_documents WHERE upload_id = $1 AND kind = $2";
    PUT_DOCUMENT_PART = "INSERT INTO upload_document_parts (upload_id, kind, part, bytes) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (upload_id, kind, part) DO UPDATE SET bytes = excluded.bytes";
    DOCUMENT_PART = "SELECT bytes FROM upload_document_parts WHERE upload_id = $1 AND kind = $2 AND part = $3";
    LAST_DOCUMENT_PART = "SELECT CAST(COALESCE(MAX(part), 0) AS BIGINT) FROM upload_document_parts \
        WHERE upload_id = $1 AND kind = $2";
    REMOVE_DOCUMENT_PARTS = "DELETE FROM upload_document_parts WHERE upload_id = $1 AND kind = $2 AND part > $3";
    REMOVE_ALL_DOCUMENT_PARTS = "DELETE FROM upload_document_parts WHERE upload_id = $1";
    REAP_DOCUMENT_PARTS = "DELETE FROM upload_document_parts WHERE (upload_id, kind, part) IN \
        (SELECT p.upload_id, p.kind, p.part FROM upload_document_parts p WHERE NOT EXISTS \
        (SELECT 1 FROM uploads u WHERE u.id = p.upload_id AND u.expires_at >= $1) LIMIT $2)";
    PUT_UPLOAD_BUNDLE_PART = "INSERT INTO upload_bundle_parts (upload_id, bundle_id, part, bytes) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (upload_id, bundle_id, part) DO UPDATE SET bytes = excluded.bytes";
    UPLOAD_BUNDLE_PART = "SELECT bytes FROM upload_bundle_parts WHERE upload_id = $1 AND bundle_id = $2 AND part = $3";
    UPLOAD_BUNDLE_PARTS = "SELECT part FROM upload_bundle_parts WHERE upload_id = $1 AND bundle_id = $2 ORDER BY part";
    REMOVE_UPLOAD_BUNDLE_PARTS = "DELETE FROM upload_bundle_parts WHERE upload_id = $1 AND bundle_id = $2 AND part IN \
        (SELECT p.part FROM upload_bundle_parts p WHERE p.upload_id = $1 AND p.bundle_id = $2 LIMIT $3)";
    REAP_UPLOAD_BUNDLE_PARTS = "DELETE FROM upload_bundle_parts WHERE (upload_id, bundle_id, part) IN \
        (SELECT p.upload_id, p.bundle_id, p.part FROM upload_bundle_parts p WHERE NOT EXISTS \
        (SELECT 1 FROM uploads u WHERE u.id = p.upload_id AND u.expires_at >= $1) LIMIT $2)";
    DOCUMENTS = "SELECT kind FROM upload_documents WHERE upload_id = $1";
    REMOVE_DOCUMENTS = "DELETE FROM upload_documents WHERE upload_id = $1";
    REAP_DOCUMENTS = "DELETE FROM upload_documents WHERE (upload_id, kind) IN \
        (SELECT d.upload_id, d.kind FROM upload_documents d JOIN uploads u ON u.id = d.upload_id \
        WHERE u.expires_at < $1 LIMIT $2)";
    REAP_UPLOADS = "DELETE FROM uploads WHERE id IN (SELECT u.id FROM uploads u WHERE u.expires_at < $1 \
        AND u.sequence IS NULL AND NOT EXISTS (SELECT 1 FROM upload_documents d WHERE d.upload_id = u.id) LIMIT $2)";

    // Chunks
    LIVE_CHUNKS = "SELECT id, keep_until, in_use FROM chunks WHERE state = 'live' AND id IN ({list 1})";
    PIN_CHUNKS = "INSERT INTO chunk_pins (chunk_id, keep_until) VALUES {rows 2} ON CONFLICT (chunk_id) DO UPDATE SET \
        keep_until = excluded.keep_until WHERE chunk_pins.keep_until < excluded.keep_until";
    REMOVE_PINS = "DELETE FROM chunk_pins WHERE chunk_id IN \
        (SELECT p.chunk_id FROM chunk_pins p WHERE p.keep_until < $1 LIMIT $2)";
    CHUNK_STATES = "SELECT id, state FROM chunks WHERE id IN ({list 1})";
    ADD_CHUNKS = "INSERT INTO chunks (id, size, stored_size, keep_until) VALUES {rows 4} ON CONFLICT (id) DO NOTHING";
    REVIVE_CHUNKS = "UPDATE chunks SET state = 'live', doomed_at = NULL, \
        keep_until = CASE WHEN keep_until < $1 THEN $1 ELSE keep_until END WHERE state <> 'deleting' \
        AND (state <> 'live' OR keep_until < $1) AND id IN ({list 2})";
    ADD_CHUNK_DATA = "INSERT INTO chunk_data (id, bytes) VALUES {rows 2} ON CONFLICT (id) DO NOTHING";
    HAS_CHUNK_DATA = "SELECT COUNT(*) AS count FROM chunk_data WHERE id = $1";
    ADD_CHUNK_TAIL = "INSERT INTO chunk_tails (id, bytes) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET \
        bytes = excluded.bytes";
    CHUNK_TAIL = "SELECT bytes FROM chunk_tails WHERE id = $1";
    CHUNK_BYTES = "SELECT d.bytes FROM chunk_data d JOIN chunks c ON c.id = d.id \
        WHERE d.id = $1 AND c.state <> 'deleting'";
    CHUNKS_BYTES = "SELECT d.id, d.bytes FROM chunk_data d JOIN chunks c ON c.id = d.id \
        WHERE c.state <> 'deleting' AND d.id IN ({list 1})";
    CHUNK_SIZE = "SELECT stored_size FROM chunks WHERE id = $1 AND state <> 'deleting'";
    CHUNK_IDS = "SELECT id FROM chunks WHERE id > $1 AND (state = 'live' OR state = 'lost') ORDER BY id LIMIT $2";
    CHUNK_COUNTS = "SELECT state, COUNT(*) AS count, CAST(COALESCE(SUM(stored_size), 0) AS BIGINT) AS bytes \
        FROM chunks GROUP BY state";
    USE_CHUNKS = "UPDATE chunks SET in_use = TRUE WHERE state = 'live' AND in_use = FALSE AND id IN ({list 1})";
    LAST_EXPIRY = "SELECT CAST(COALESCE(MAX(expires_at), 0) AS BIGINT) FROM uploads WHERE sequence IS NULL";
    RELEASE_CHUNKS = "UPDATE chunks SET in_use = FALSE, \
        keep_until = CASE WHEN keep_until < $1 THEN $1 ELSE keep_until END WHERE in_use = TRUE \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = chunks.id) \
        AND NOT EXISTS (SELECT 1 FROM version_chunks r WHERE r.chunk_id = chunks.id) AND id IN ({list 2})";

    // Which chunks a version needs
    BEGIN_SET = "INSERT INTO chunk_sets (id, version_id, platform, state, changed_at) \
        VALUES ($1, $2, $3, 'incoming', $4) ON CONFLICT (id) DO UPDATE SET version_id = excluded.version_id, \
        platform = excluded.platform, changed_at = excluded.changed_at WHERE chunk_sets.state = 'incoming'";
    SET_STATE = "SELECT state FROM chunk_sets WHERE id = $1";
    ADD_TO_SET = "INSERT INTO set_chunks (chunk_id, set_id) SELECT c.id, $1 FROM chunks c \
        WHERE c.state = 'live' AND c.id IN ({list 2}) ON CONFLICT (chunk_id, set_id) DO NOTHING";
    SET_SIZE = "SELECT COUNT(*) AS count FROM set_chunks WHERE set_id = $1";
    PUBLISH_SET = "UPDATE chunk_sets SET state = 'live', version_id = $2, platform = $3, changed_at = $4 \
        WHERE id = $1 AND state = 'incoming'";
    DROP_SETS = "UPDATE chunk_sets SET state = 'dropped', changed_at = $3 \
        WHERE version_id = $1 AND platform = $2 AND state = 'live'";
    DROP_SET = "UPDATE chunk_sets SET state = 'dropped' WHERE id = $1 AND state = 'incoming'";
    DROP_LEFT_SETS = "UPDATE chunk_sets SET state = 'dropped' WHERE id IN (SELECT s.id FROM chunk_sets s \
        WHERE (s.state = 'incoming' AND s.changed_at < $1) OR (s.state = 'live' AND NOT EXISTS \
        (SELECT 1 FROM files f WHERE f.version_id = s.version_id AND f.platform = s.platform)) LIMIT $2)";
    DROPPED_SETS = "SELECT id FROM chunk_sets WHERE state = 'dropped'";
    DROPPED_CHUNKS = "SELECT r.chunk_id FROM set_chunks r JOIN chunk_sets s ON s.id = r.set_id \
        WHERE r.set_id = $1 AND s.state = 'dropped' ORDER BY r.chunk_id LIMIT $2";
    REMOVE_FROM_SET = "DELETE FROM set_chunks WHERE set_id = $1 AND chunk_id IN ({list 2})";
    FORGET_SET = "DELETE FROM chunk_sets WHERE id = $1 AND state = 'dropped'";

    // The same as servers noted it before there were sets
    UNNEEDED_REFERENCES = "SELECT DISTINCT r.version_id, r.platform FROM version_chunks r WHERE NOT EXISTS \
        (SELECT 1 FROM files f WHERE f.version_id = r.version_id AND f.platform = r.platform)";
    UNNEEDED_CHUNKS = "SELECT r.chunk_id FROM version_chunks r WHERE r.version_id = $1 AND r.platform = $2 \
        AND NOT EXISTS (SELECT 1 FROM files f WHERE f.version_id = $1 AND f.platform = $2) \
        ORDER BY r.chunk_id LIMIT $3";
    REMOVE_REFERENCES = "DELETE FROM version_chunks WHERE version_id = $1 AND platform = $2 \
        AND chunk_id IN ({list 3})";

    LOSE_CHUNKS = "UPDATE chunks SET state = 'lost' WHERE state = 'live' AND id IN ({list 1})";
    DROP_CHUNK_DATA = "DELETE FROM chunk_data WHERE id IN ({list 1})";
    DROP_CHUNK_TAILS = "DELETE FROM chunk_tails WHERE id IN ({list 1})";
    CHUNK_PLACE = "SELECT place, moved_from FROM chunk_place WHERE id = 1";
    RECORD_PLACE = "INSERT INTO chunk_place (id, place, moved_from) VALUES (1, $1, '') ON CONFLICT (id) DO NOTHING";
    MOVE_PLACE = "UPDATE chunk_place SET place = $2, moved_from = place WHERE id = 1 AND place = $1";

    // Garbage collection
    COUNT_UNUSED = "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(c.stored_size), 0) AS BIGINT) AS bytes FROM chunks c \
        WHERE c.state = 'live' AND c.in_use = FALSE AND c.keep_until < $1 \
        AND NOT EXISTS (SELECT 1 FROM version_chunks r WHERE r.chunk_id = c.id) \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = c.id) \
        AND NOT EXISTS (SELECT 1 FROM chunk_pins p WHERE p.chunk_id = c.id AND p.keep_until >= $1)";
    UNUSED_CHUNKS = "SELECT c.id FROM chunks c WHERE c.state = 'live' AND c.in_use = FALSE AND c.keep_until < $1 \
        AND NOT EXISTS (SELECT 1 FROM version_chunks r WHERE r.chunk_id = c.id) \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = c.id) \
        AND NOT EXISTS (SELECT 1 FROM chunk_pins p WHERE p.chunk_id = c.id AND p.keep_until >= $1) \
        ORDER BY c.keep_until LIMIT $2";
    DOOM_CHUNKS = "UPDATE chunks SET state = 'doomed', doomed_at = $1 WHERE state = 'live' AND in_use = FALSE \
        AND keep_until < $1 AND NOT EXISTS (SELECT 1 FROM version_chunks r WHERE r.chunk_id = chunks.id) \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = chunks.id) \
        AND NOT EXISTS (SELECT 1 FROM chunk_pins p WHERE p.chunk_id = chunks.id AND p.keep_until >= $1) \
        AND id IN ({list 2})";
    DOOMED_CHUNKS = "SELECT c.id FROM chunks c WHERE c.state = 'doomed' AND c.doomed_at < $1 \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = c.id) ORDER BY c.doomed_at LIMIT $2";
    REMOVE_CHUNK_DATA = "DELETE FROM chunk_data WHERE id IN ({list 1}) \
        AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.id = chunk_data.id)";
    REMOVE_CHUNK_TAILS = "DELETE FROM chunk_tails WHERE id IN ({list 1}) \
        AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.id = chunk_tails.id)";
    REMOVE_DOOMED = "DELETE FROM chunks WHERE state = 'doomed' AND id IN ({list 1}) \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = chunks.id)";
    CLAIMED_CHUNKS = "SELECT id FROM chunks WHERE doomed_at IS NOT NULL AND state = 'deleting' \
        ORDER BY doomed_at LIMIT $1";
    CLAIM_CHUNKS = "UPDATE chunks SET state = 'deleting' WHERE state = 'doomed' AND id IN ({list 1}) \
        AND NOT EXISTS (SELECT 1 FROM set_chunks r WHERE r.chunk_id = chunks.id)";
    FORGET_CHUNKS = "DELETE FROM chunks WHERE state = 'deleting' AND id IN ({list 1})";

    // Bundles
    INDEXES = "SELECT version_id, platform, file_checksum_hash FROM files WHERE file_name = 'index.caidx'";
    ADD_BUNDLE = "INSERT INTO bundles (id, to_index, from_index, length, front_bytes, plain_bytes, effort, state, \
        created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'incoming', $8, $8) ON CONFLICT (id) DO UPDATE SET \
        changed_at = excluded.changed_at WHERE bundles.state = 'incoming'";
    BUNDLE_STATE = "SELECT state FROM bundles WHERE id = $1";
    PUT_BUNDLE_PART = "INSERT INTO bundle_data (bundle_id, part, bytes) VALUES ($1, $2, $3) \
        ON CONFLICT (bundle_id, part) DO UPDATE SET bytes = excluded.bytes";
    PUBLISH_BUNDLE = "UPDATE bundles SET state = 'live', created_at = $2, changed_at = $2, effort = $3 \
        WHERE id = $1 AND state <> 'deleting'";
    PUBLISH_BUNDLE_EARLY = "UPDATE bundles SET state = CASE WHEN EXISTS (SELECT 1 FROM files f \
        WHERE f.file_checksum_hash = bundles.to_index AND f.file_name = 'index.caidx') THEN 'live' ELSE 'waiting' END, \
        created_at = $2, changed_at = $2, effort = $3 WHERE id = $1 AND state <> 'deleting'";
    PUBLISH_WAITING_BUNDLES = "UPDATE bundles SET state = 'live', changed_at = $2 WHERE to_index = $1 AND state = 'waiting'";
    DOOM_OTHER_BUNDLES = "UPDATE bundles SET state = 'doomed', changed_at = $2 WHERE id <> $1 \
        AND (state = 'live' OR state = 'waiting') AND to_index = $3 AND from_index = $4";
    RAISE_EFFORT = "UPDATE bundles SET effort = $2 WHERE id = $1";
    BUNDLE = "SELECT id, to_index, from_index, length, front_bytes, plain_bytes, effort, created_at FROM bundles \
        WHERE id = $1 AND (state = 'live' OR state = 'doomed')";
    BUNDLES_OF = "SELECT id, to_index, from_index, length, front_bytes, plain_bytes, effort, created_at FROM bundles \
        WHERE to_index = $1 AND state = 'live' ORDER BY created_at DESC, id";
    ALL_BUNDLES = "SELECT id, to_index, from_index, length, front_bytes, plain_bytes, effort, created_at FROM bundles \
        WHERE state = 'live' ORDER BY created_at DESC, id";
    BUNDLE_PART = "SELECT bytes FROM bundle_data WHERE bundle_id = $1 AND part = $2";
    DOOM_BUNDLES = "UPDATE bundles SET state = 'doomed', changed_at = $1 WHERE id IN (SELECT b.id FROM bundles b \
        WHERE (b.state = 'incoming' AND b.changed_at < $2) OR (b.state = 'waiting' AND b.changed_at < $3) OR \
        (b.state = 'live' AND NOT EXISTS (SELECT 1 FROM files f WHERE f.file_checksum_hash = b.to_index AND \
        f.file_name = 'index.caidx')) LIMIT $4)";
    CLAIMABLE_BUNDLES = "SELECT id FROM bundles WHERE state = 'deleting' OR (state = 'doomed' AND changed_at <= $1) \
        ORDER BY changed_at LIMIT $2";
    CLAIM_BUNDLE = "UPDATE bundles SET state = 'deleting' WHERE id = $1";
    CLAIM_UNLISTED_BUNDLES = "UPDATE bundles SET state = 'deleting' WHERE state <> 'live'";
    REMOVE_BUNDLE_PARTS = "DELETE FROM bundle_data WHERE bundle_id = $1 AND part IN \
        (SELECT d.part FROM bundle_data d WHERE d.bundle_id = $1 ORDER BY d.part LIMIT $2)";
    CLEAR_BUNDLE_PARTS = "DELETE FROM bundle_data WHERE (bundle_id, part) IN \
        (SELECT d.bundle_id, d.part FROM bundle_data d LIMIT $1)";
    FORGET_BUNDLE = "DELETE FROM bundles WHERE id = $1 AND state = 'deleting'";
    ADD_ASKS = "INSERT INTO bundle_asks (to_index, from_index, day, asks) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (to_index, from_index, day) DO UPDATE SET asks = bundle_asks.asks + excluded.asks";
    REMOVE_ASKS = "DELETE FROM bundle_asks WHERE (to_index, from_index, day) IN \
        (SELECT a.to_index, a.from_index, a.day FROM bundle_asks a WHERE a.day < $1 LIMIT $2)";
    ASKS = "SELECT to_index, from_index, CAST(SUM(asks) AS BIGINT) AS count FROM bundle_asks WHERE day >= $1 \
        GROUP BY to_index, from_index";

    // Reports
    PUT_REPORT_LIMIT = "INSERT INTO report_limits (mode_id, minimum, percent) VALUES ($1, $2, $3) \
        ON CONFLICT (mode_id) DO UPDATE SET minimum = excluded.minimum, percent = excluded.percent";
    REMOVE_REPORT_LIMIT = "DELETE FROM report_limits WHERE mode_id = $1";
    ADD_REPORTS = "INSERT INTO report_counts (version_id, platform, started, failed) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (version_id, platform) DO UPDATE SET started = report_counts.started + excluded.started, \
        failed = report_counts.failed + excluded.failed";
    REPORTS = "SELECT version_id, platform, started, failed FROM report_counts ORDER BY version_id, platform";
    REMOVE_REPORTS = "DELETE FROM report_counts WHERE version_id = $1";
    PUT_HALT = "INSERT INTO halts (version_id, platform, reports, failed, percent, halted_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (version_id) DO UPDATE SET platform = excluded.platform, \
        reports = excluded.reports, failed = excluded.failed, percent = excluded.percent, \
        halted_at = excluded.halted_at";
    HALTS = "SELECT version_id, platform, reports, failed, percent, halted_at FROM halts \
        ORDER BY halted_at DESC, version_id";
    REMOVE_HALT = "DELETE FROM halts WHERE version_id = $1";

    // Tokens and leases
    PUT_TOKEN = "INSERT INTO tokens (id, name, hash, scopes, created_at, expires_at, revoked_at, last_used_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
    VALID_NAMESAKE = "SELECT id FROM tokens WHERE name = $1 AND id <> $2 AND revoked_at IS NULL \
        AND (expires_at IS NULL OR expires_at > $3) ORDER BY id LIMIT 1";
    FIRST_TOKEN = "SELECT id FROM tokens ORDER BY created_at, id LIMIT 1";
    TOKEN = "SELECT id, name, hash, scopes, created_at, expires_at, revoked_at, last_used_at FROM tokens WHERE id = $1";
    TOKENS = "SELECT id, name, hash, scopes, created_at, expires_at, revoked_at, last_used_at FROM tokens \
        WHERE id > $1 ORDER BY id LIMIT $2";
    REVOKE_TOKEN = "UPDATE tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
    TOKEN_TO_TOUCH = "SELECT id FROM tokens WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    TOUCH_TOKEN = "UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    LEASE = "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
        holder = excluded.holder, expires_at = excluded.expires_at \
        WHERE leases.expires_at < $4 OR leases.expires_at > $5 OR leases.holder = excluded.holder";
    END_LEASE = "DELETE FROM leases WHERE name = $1 AND holder = $2";

    // Migrations. The table is sqlx's.
    MIGRATIONS_DONE = "SELECT version, checksum FROM _sqlx_migrations WHERE success = TRUE ORDER BY version";
}

/// As of when a statement reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Now.
    Now,
    /// As long ago as a follower of `CockroachDB` surely knows of, which is a few seconds.
    Earlier,
}

/// The statement, which has a WHERE, as of this moment.
pub(super) fn at(statement: &str, moment: Moment) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(match moment {
        Moment::Now => statement.to_owned(),
        Moment::Earlier => statement.replacen(" WHERE ", " AS OF SYSTEM TIME follower_read_timestamp() WHERE ", 1),
    })
}

/// Expands `{list N}` for at least `count` values. Returns the statement and the number of values that it takes.
pub(super) fn list(statement: &str, count: usize) -> (String, usize) {
    let length = LIST_LENGTHS.into_iter().find(|length| *length >= count).unwrap_or(LIST);
    let text = expand(statement, "{list ", |first| numbered(first, length));
    (text, length)
}

/// Expands `{rows N}` for `count` rows.
pub(super) fn rows(statement: &str, count: usize) -> String {
    expand(statement, "{rows ", |width| {
        let row = |row: usize| format!("({})", numbered(row * width + 1, width));
        (0..count).map(row).collect::<Vec<_>>().join(", ")
    })
}

/// Every statement and every migration as they are sent, for checking their grammar.
pub fn statements() -> Vec<String> {
    let ours = ALL.iter().map(|text| rows(&list(text, 1).0, 2));
    let migrations = super::migrate::MIGRATIONS.iter().map(|(_, text)| (*text).to_owned());
    ours.chain(migrations).collect()
}

fn numbered(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

fn expand(statement: &str, form: &str, text: impl Fn(usize) -> String) -> String {
    let parts = statement.split_once(form).and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match parts {
        Some((before, (number, after))) => {
            format!("{before}{}{after}", text(number.parse().unwrap_or(1)))
        }
        None => statement.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
