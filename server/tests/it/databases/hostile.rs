//! A PostgreSQL that fails on purpose, and refuses what CockroachDB would refuse or do badly.
//!
//! Refused: a transaction that is not serializable, a value above 1 MiB, a transaction that changes more than 1,000 rows
//! or writes more than 2 MiB. Two of five transactions fail with 40001: one at any of its statements, one at COMMIT.

use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use super::{connect, execute};

const MAX_VALUE: usize = 1 << 20;
const MAX_ROWS: usize = 1000;
const MAX_BYTES: usize = 2 << 20;

/// The number of the transaction decides which fail, not each row, so that the failures do not depend on how much a
/// transaction writes.
const FAILURES: &str = "
    CREATE FUNCTION fail_at_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF abs(hashint8(txid_current())) % 5 = 0 AND random() < 0.5 THEN
            RAISE EXCEPTION 'on purpose, at a statement' USING ERRCODE = '40001'; END IF;
        RETURN NULL; END $$;
    CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF abs(hashint8(txid_current())) % 5 = 1 THEN
            RAISE EXCEPTION 'on purpose, at COMMIT' USING ERRCODE = '40001'; END IF;
        RETURN NULL; END $$;";

/// Adds up what a transaction has written, in settings that end with it.
fn limits() -> String {
    format!(
        "CREATE FUNCTION count_written(changed bigint, written bigint, largest bigint) RETURNS void
             LANGUAGE plpgsql AS $$ BEGIN
             changed := changed + coalesce(nullif(current_setting('hostile.rows', true), ''), '0')::bigint;
             written := written + coalesce(nullif(current_setting('hostile.bytes', true), ''), '0')::bigint;
             PERFORM set_config('hostile.rows', changed::text, true), set_config('hostile.bytes', written::text, true);
             IF current_setting('transaction_isolation') <> 'serializable' THEN
                 RAISE EXCEPTION 'a transaction that is not serializable' USING ERRCODE = '54000'; END IF;
             IF largest > {MAX_VALUE} THEN
                 RAISE EXCEPTION 'a value of % bytes', largest USING ERRCODE = '54000'; END IF;
             IF changed > {MAX_ROWS} THEN
                 RAISE EXCEPTION 'a transaction of % rows', changed USING ERRCODE = '54000'; END IF;
             IF written > {MAX_BYTES} THEN
                 RAISE EXCEPTION 'a transaction of % bytes', written USING ERRCODE = '54000'; END IF;
             END $$;"
    )
}

/// Makes the database of this URL hostile.
pub(super) async fn make(url: &str) {
    let mut conn = connect(url).await;
    conn.execute(FAILURES).await.unwrap();
    execute(&mut conn, limits()).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        limit(&mut conn, &table).await;
        execute(
            &mut conn,
            format!(
                "CREATE TRIGGER fail_at_statement AFTER INSERT OR UPDATE OR DELETE ON {table} \
                     FOR EACH STATEMENT EXECUTE FUNCTION fail_at_statement();
                 CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT OR UPDATE OR DELETE ON {table} \
                     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_at_commit();"
            ),
        )
        .await;
    }
}

/// Counts what is written to a table. Values of other types than these have 16 bytes at most.
async fn limit(conn: &mut PgConnection, table: &str) {
    let columns: Vec<(String, bool)> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT column_name::text, data_type IN ('bytea', 'text') FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name = '{table}'"
    )))
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let length = |(name, has_length): &(String, bool)| match has_length {
        true => format!("coalesce(octet_length({name}), 0)"),
        false => "16".to_owned(),
    };
    let lengths: Vec<_> = columns.iter().map(length).collect();
    let (sum, largest) = (lengths.join(" + "), lengths.join(", "));
    for (event, changed, sizes) in [
        ("INSERT", "NEW TABLE AS changed", (sum.as_str(), format!("greatest({largest})"))),
        ("UPDATE", "NEW TABLE AS changed", (sum.as_str(), format!("greatest({largest})"))),
        ("DELETE", "OLD TABLE AS changed", ("0", "0".to_owned())),
    ] {
        let (bytes, largest) = sizes;
        let name = format!("limit_{}_{table}", event.to_lowercase());
        execute(
            conn,
            format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     PERFORM count_written(count(*), coalesce(sum({bytes}), 0)::bigint, \
                         coalesce(max({largest}), 0)::bigint) FROM changed;
                     RETURN NULL; END $$;
                 CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {changed} \
                     FOR EACH STATEMENT EXECUTE FUNCTION {name}();"
            ),
        )
        .await;
    }
}
