//! Databases for tests: each test gets an empty one of its own, which is removed afterwards.

mod hostile;

use std::io::Write as _;
use std::sync::{Arc, Once};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;
use vsekai_server::db::{Db, Pools, open};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    /// With serializable transactions, as always.
    Postgres,
    /// The same with a role without privileges, without advisory locks, with the limits that we keep for CockroachDB, and
    /// with serialization failures at statements and at COMMIT.
    HostilePostgres,
    Cockroach,
}

/// The database of one test.
pub(crate) struct Fixture {
    pub(crate) db: Arc<dyn Db>,
    pub(crate) kind: Kind,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// Opens the same database again, like another server.
    pub(crate) async fn another(&self) -> Arc<dyn Db> {
        open(&self.url, &Pools::default()).await.unwrap()
    }
}

impl Kind {
    /// Runs a test on a database of this kind. Without a PostgreSQL server, prints a line and does nothing; in CI,
    /// fails.
    pub(crate) fn run<F: Future<Output = ()>>(self, test: impl FnOnce(Fixture) -> F) {
        let Some(server) = self.server() else { return };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            if self == Self::Sqlite {
                let url = format!("sqlite:{}", folder.path().join("server.db").display());
                let db = open(&url, &Pools::default()).await.unwrap();
                return test(Fixture { db, kind: self, url, _folder: folder }).await;
            }
            let (url, name) = match self {
                Self::Postgres => copy_of_template(&server).await,
                Self::HostilePostgres => create_hostile(&server).await,
                _ => create(&server, false).await,
            };
            let db = open(&url, &Pools::default()).await.unwrap();
            test(Fixture { db, kind: self, url, _folder: folder }).await;
            drop_database(&server, &name).await;
        });
    }

    /// The server on which databases of this kind can be created.
    pub(crate) fn server(self) -> Option<String> {
        static NO_POSTGRES: Once = Once::new();
        let variable = match self {
            Self::Sqlite => return Some(String::new()),
            Self::Postgres | Self::HostilePostgres => "TEST_POSTGRES_URL",
            Self::Cockroach => "TEST_COCKROACH_URL",
        };
        let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
        if url.is_none() {
            assert!(self != Self::Cockroach, "{variable} is not set");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must set {variable}");
            NO_POSTGRES.call_once(|| {
                // Written past the test runner, which shows output only of tests that fail.
                let _ = writeln!(std::io::stderr(), "SKIPPED: no {variable}: nothing is tested on that database");
            });
        }
        url
    }
}

/// The URL of another database on the same server.
fn at(server: &str, database: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(database);
    url.into()
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    let mut conn = PgConnection::connect(&url.replacen("cockroachdb://", "postgres://", 1)).await.unwrap();
    conn.execute("SET default_transaction_isolation = 'serializable'").await.unwrap();
    conn
}

/// Executes a statement, again if it fails on purpose.
pub(crate) async fn execute(conn: &mut PgConnection, sql: String) {
    while let Err(error) = conn.execute(AssertSqlSafe(sql.clone())).await {
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("40001"), "{error}");
    }
}

/// Creates a database. Returns its URL and its name.
pub(crate) async fn create(server: &str, for_plain_role: bool) -> (String, String) {
    let name = format!("vsekai_test_{}", Uuid::new_v4().simple());
    let mut conn = connect(server).await;
    if !for_plain_role {
        execute(&mut conn, format!("CREATE DATABASE {name}")).await;
        return (at(server, &name), name);
    }
    execute(&mut conn, format!("CREATE ROLE {name} LOGIN PASSWORD 'plain'")).await;
    execute(&mut conn, format!("CREATE DATABASE {name} OWNER {name}")).await;
    let mut conn = connect(&at(server, &name)).await;
    for function in ["pg_advisory_lock(bigint)", "pg_try_advisory_lock(bigint)"] {
        execute(&mut conn, format!("REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")).await;
    }
    let mut url = url::Url::parse(&at(server, &name)).unwrap();
    // The URL of a socket has the role in its query.
    let others: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| key != "user" && key != "password")
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(&others).append_pair("user", &name).append_pair("password", "plain");
    if url.has_host() {
        let _ = (url.set_username(&name), url.set_password(Some("plain")));
    }
    (url.into(), name)
}

/// Creates a database with all tables that is hostile: see [`hostile`]. Returns its URL and its name.
pub(crate) async fn create_hostile(server: &str) -> (String, String) {
    let (url, name) = create(server, true).await;
    drop(open(&url, &Pools::default()).await.unwrap());
    hostile::make(&at(server, &name)).await;
    (url, name)
}

/// A new database with all tables, copied from a template; this takes a tenth of the time that migrating takes.
async fn copy_of_template(server: &str) -> (String, String) {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(|| make_template(server)).await;
    let name = format!("vsekai_test_{}", Uuid::new_v4().simple());
    execute(&mut connect(server).await, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    (at(server, &name), name)
}

/// The template with these migrations. On a server that keeps running, the next run finds it.
async fn make_template(server: &str) -> String {
    let mut migrations: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    migrations.sort();
    let digest =
        migrations.iter().fold(Sha256::new(), |digest, path| digest.chain_update(std::fs::read(path).unwrap()));
    let template = format!("vsekai_template_{}", hex::encode(&digest.finalize()[..8]));
    let mut conn = connect(server).await;
    let is_there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&template)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    if is_there {
        return template;
    }
    // Has another name until it is complete, because other programs look for the template, too.
    let (url, name) = create(server, false).await;
    drop(open(&url, &Pools::default()).await.unwrap());
    // PostgreSQL neither renames nor copies a database to which somebody is connected.
    execute(&mut conn, format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    loop {
        let left: i64 =
            sqlx::query_scalar("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1")
                .bind(&name)
                .fetch_one(&mut conn)
                .await
                .unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if conn.execute(AssertSqlSafe(format!("ALTER DATABASE {name} RENAME TO {template}"))).await.is_err() {
        drop_database(server, &name).await;
    }
    template
}

pub(crate) async fn drop_database(server: &str, name: &str) {
    let mut conn = connect(server).await;
    // Only PostgreSQL has WITH (FORCE). It removes the database even if the test has forgotten a server.
    let forced = conn.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await;
    if forced.is_err() {
        execute(&mut conn, format!("DROP DATABASE IF EXISTS {name} CASCADE")).await;
    }
    let _ = conn.execute(AssertSqlSafe(format!("DROP ROLE IF EXISTS {name}"))).await;
}
