//! The commands, one function each: they open the application, ask the service, and print.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use vsekai_server::app::Application;
use vsekai_server::auth::NewToken;
use vsekai_server::config::{Config, Loaded};
use vsekai_server::db::{self, Page, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_server::model::{AuditEntry, Time};
use vsekai_server::{api, gc};
use vsekai_updater::text;

use crate::{Cli, Command, TokenCommand};

mod bundle;
mod export;
mod import;
mod log;
mod relocate;
mod serve;
mod tls;

/// Fewest threads that answer requests: one that is long at a large body leaves others to the players.
const MIN_WORKERS: usize = 4;

/// Chunks verified per batch.
const BATCH: u32 = 500;

pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    if matches!(cli.command, Command::Openapi) {
        print(&api::spec());
        return Ok(ExitCode::SUCCESS);
    }
    let listen = if let Command::Serve { listen } = &cli.command { listen.as_ref() } else { None };
    let loaded = cli.settings.load(listen)?;
    if matches!(cli.command, Command::CheckConfig) {
        show(&loaded)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !may_create(&cli.command) {
        check_exists(&loaded.config.database_url())?;
    }
    log::start(&loaded.config)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(cores.max(MIN_WORKERS)).enable_all().build();
    let runtime = runtime.map_err(Error::internal_by("starting"))?;
    let code = runtime.block_on(run_async(cli.command, loaded.config));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    log::finish();
    code
}

async fn run_async(command: Command, config: Config) -> Result<ExitCode> {
    match command {
        Command::Serve { .. } => serve::run(config).await?,
        Command::Migrate => {
            db::open(&config.database_url(), &Pools::default()).await?;
            print(&format!("The tables of {} are up to date.\n", config.database_shown()));
        }
        Command::Token(command) => token(command, open(config).await?).await?,
        Command::Gc { dry_run } => collect_garbage(&open(config).await?, dry_run).await?,
        Command::Verify { deep, repair } => return verify(&open(config).await?, deep, repair.as_deref()).await,
        Command::Restore { seen } => {
            let version = open(config).await?.service().raise(seen).await?;
            print(&format!("The timestamp is at version {version}. Publish again what the backup lacks.\n"));
        }
        Command::Copy { from, to } => copy(&from, &to).await?,
        Command::Move { to, finish } => relocate::run(config, &to, finish).await?,
        Command::Export { dir } => export::run(&open(config).await?, &dir).await?,
        Command::Import { store, index, keep_days } => {
            import::run(&open(config).await?, &store, &index, keep_days).await?;
        }
        Command::Backup { file } => {
            db::backup(&config.database_url(), &file).await?;
            print(&format!(
                "Copied {} to {}. Copy {} too.\n",
                config.database_shown(),
                file.display(),
                config.keys_folder().display()
            ));
        }
        Command::Bundle(command) => return bundle::run(command, open(config).await?).await,
        Command::Openapi | Command::CheckConfig => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the command may be the first one of a new server. Any other would leave an empty database and new keys in a
/// folder that was named by mistake.
fn may_create(command: &Command) -> bool {
    let Command::Token(command) = command else {
        return matches!(
            command,
            Command::Serve { .. } | Command::Migrate | Command::Import { .. } | Command::Copy { .. }
        );
    };
    matches!(command, TokenCommand::Create { .. })
}

fn check_exists(url: &str) -> Result<()> {
    let file = url.strip_prefix("sqlite:").map(|rest| rest.split('?').next().unwrap_or(rest));
    match file {
        Some(file) if !file.contains(":memory:") && !std::path::Path::new(file.trim_start_matches("//")).exists() => {
            Err(Error::Config(format!("there is no server here: no database {file}; check the folder or the URL")))
        }
        _ => Ok(()),
    }
}

/// An entry of the audit log about what is done by this program.
fn entry(action: &str, subject: impl Into<String>, detail: &serde_json::Value) -> AuditEntry {
    AuditEntry::new("command line", action, subject, detail)
}

async fn open(config: Config) -> Result<Application> {
    Application::open(config, s3_settings()).await
}

/// The variables that AWS's own tools read, for an S3 store.
fn s3_settings() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("AWS_"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

/// Copies a database to another one. The keys and the chunks that are elsewhere stay where they are.
async fn copy(from: &str, to: &str) -> Result<()> {
    check_exists(from)?;
    let (from, to) = (db::open(from, &Pools::default()).await?, db::open(to, &Pools::default()).await?);
    db::copy::copy(&from, &to, |table, rows| note(&format!("{table:20} {rows} rows, compared"))).await?;
    print("Copied everything. Start the servers with the other database, and the same keys.\n");
    Ok(())
}

async fn token(command: TokenCommand, app: Application) -> Result<()> {
    let db = app.service().db();
    match command {
        TokenCommand::Create { name, scopes, days } => {
            let expires_at = days.map(|days| Time::now().plus_seconds(i64::from(days) * 86_400));
            let made = NewToken::make(&name, &scopes, expires_at)?;
            let detail = json!({"name": made.row.name, "scopes": made.row.scopes});
            db.put_token(&made.row, Some(&entry("token.create", made.row.id.to_string(), &detail))).await?;
            print(&format!("{}\n", made.text));
            note("This token is shown only once. Pass it to `vsekai publish` with --token-file or VSEKAI_TOKEN.");
        }
        TokenCommand::List => {
            let mut page = Page { after: None, limit: 100 };
            loop {
                let tokens = db.tokens(&page).await?;
                for token in &tokens {
                    let state = match (token.revoked_at, token.expires_at) {
                        (Some(_), _) => "revoked".to_owned(),
                        (None, Some(end)) if end <= Time::now() => "expired".to_owned(),
                        (None, Some(end)) => format!("until {end}"),
                        (None, None) => "no expiry".to_owned(),
                    };
                    print(&format!("{}  {:24}  {:24}  {state}\n", token.id, token.scopes, token.name));
                }
                let Some(last) = tokens.last().filter(|_| tokens.len() == 100) else { break };
                page.after = Some(last.id);
            }
        }
        TokenCommand::Revoke { id } => {
            if !db.revoke_token(id, Time::now(), Some(&entry("token.revoke", id.to_string(), &json!({})))).await? {
                return Err(Error::NotFound { what: "token" });
            }
            print("Revoked. Running servers stop accepting it within seconds.\n");
        }
    }
    Ok(())
}

async fn collect_garbage(app: &Application, dry_run: bool) -> Result<()> {
    if dry_run {
        let found = gc::preview(app.service()).await?;
        print(&format!("{} chunks ({} bytes) are no longer needed.\n", found.doomed_chunks, found.doomed_bytes));
        return Ok(());
    }
    let Some(collected) = gc::collect(app.service(), app.holder(), app.retention()).await? else {
        let reason = "Another process is collecting garbage; try again in a moment".to_owned();
        return Err(Error::Unavailable { code: "busy", reason });
    };
    let counts = json!({
        "doomed_chunks": collected.doomed_chunks, "removed_chunks": collected.removed_chunks,
        "removed_bundles": collected.removed_bundles, "publications": collected.publications,
        "removed_files": collected.removed_files, "leftovers": collected.leftovers,
    });
    app.service().db().add_audit(&entry("clean", "", &counts)).await?;
    print(&format!(
        "{} chunks doomed, {} removed; {} bundles doomed, {} removed; {} unfinished publications and {} files of old \
         metadata removed.\n",
        collected.doomed_chunks,
        collected.removed_chunks,
        collected.doomed_bundles,
        collected.removed_bundles,
        collected.publications,
        collected.removed_files
    ));
    Ok(())
}

async fn verify(app: &Application, deep: bool, repair: Option<&str>) -> Result<ExitCode> {
    let mut page = Page { after: None, limit: BATCH };
    let (mut checked, mut bad) = (0, 0);
    loop {
        let found = app.service().chunks().verify(&page, deep).await?;
        checked += found.checked;
        bad += found.missing.len() + found.corrupt.len();
        app.service().db().lose_chunks(&found.missing).await?;
        for id in &found.missing {
            print(&format!("missing {id}\n"));
        }
        for id in &found.corrupt {
            print(&format!("corrupt {id}\n"));
        }
        if let Some(from) = repair {
            let ids = [found.missing, found.corrupt].concat();
            let repaired = relocate::repair(app, from, &ids).await?;
            if repaired > 0 {
                let detail = json!({"from": text::without_secrets(from), "chunks": repaired});
                app.service().db().add_audit(&entry("chunks.repair", "", &detail)).await?;
            }
            bad -= repaired;
        }
        let Some(last) = found.last else { break };
        page.after = Some(last);
    }
    note(&format!("{checked} chunks, {bad} of them missing or corrupt."));
    let bundles = app.service().db().bundles(None).await?;
    let mut bad_bundles = 0;
    for bundle in &bundles {
        if !app.service().bundles().is_sound(bundle.info.id, bundle.info.length, deep).await? {
            bad_bundles += 1;
            print(&format!("bad bundle {}\n", bundle.info.id));
        }
    }
    note(&format!(
        "{} bundles, {bad_bundles} of them bad; `bundle remove ID` makes the server build one again.",
        bundles.len()
    ));
    bad += bad_bundles;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn show(loaded: &Loaded) -> Result<()> {
    let table = toml::Table::try_from(&loaded.config).map_err(|error| Error::Config(error.to_string()))?;
    for (name, value) in table {
        let value = match name.as_str() {
            "database" => toml::Value::from(loaded.config.database_shown()),
            "webhooks" => toml::Value::from(loaded.config.webhooks_shown()),
            _ => value,
        };
        let origin = loaded.origins.get(&name).copied().unwrap_or("default");
        print(&format!("{:44} # {origin}\n", format!("{name} = {value}")));
    }
    Ok(())
}

/// Writes to stdout. It is not an error if the reader has gone away.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes a line to stderr.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
