//! Why a database cannot be used, in words for whoever runs the server.

use std::io;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use vsekai_updater::text;

use super::Conn;
use crate::error::{Error, Result};

/// The codes of `PostgreSQL` for a wrong user or password, and for a database that is not there.
const REFUSED: [&str; 2] = ["28P01", "28000"];
const NO_DATABASE: &str = "3D000";

/// One connection, or why there is none.
pub(super) async fn connect(options: &PgConnectOptions, patience: Duration) -> Result<Conn> {
    match tokio::time::timeout(patience, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(named(options, error)),
        Err(_) => Err(unreachable(options, &io::ErrorKind::TimedOut.into())),
    }
}

fn named(options: &PgConnectOptions, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    match error {
        sqlx::Error::Io(error) => unreachable(options, &error),
        error if REFUSED.contains(&code.as_str()) => {
            let reason =
                format!("the database at {} does not let the user {:?} in", place(options), options.get_username());
            tracing::debug!(%error, "the database refused");
            Error::config(
                reason,
                "Check the user and the password in `database`; special characters are written as %XX",
            )
        }
        _ if code == NO_DATABASE => {
            let name = options.get_database().unwrap_or_else(|| options.get_username());
            let reason = format!("there is no database {name:?} at {}", place(options));
            Error::config(
                reason,
                "Create it, for instance with `createdb`, or correct the name at the end of `database`",
            )
        }
        error => error.into(),
    }
}

fn unreachable(options: &PgConnectOptions, error: &io::Error) -> Error {
    let place = place(options);
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing answers at {place}, where the database should be"),
        _ if error.to_string().contains("lookup address") => format!("the host of the database is unknown: {place}"),
        _ => format!("the database at {place} cannot be reached: {}", text::system_reason(error)),
    };
    let hint = "Check that the database is running, that host and port in `database` are right, and that no firewall is in \
                between: `pg_isready -h HOST -p PORT` tries it";
    Error::command("database_unreachable", reason, hint)
}

fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}
