//! The commands, one function each: they open the application, ask the service, and print.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use vsekai_server::app::{Application, open_database};
use vsekai_server::chunks::StorageLocation;
use vsekai_server::config::{Config, EXAMPLE, Loaded};
use vsekai_server::db::{self, Page, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_server::model::AuditEntry;
use vsekai_server::{api, gc};
use vsekai_updater::text::{self, counted};

use crate::{Cli, Command, help};

mod bundle;
mod check;
mod export;
mod import;
pub(crate) mod log;
mod relocate;
mod restore;
mod serve;
mod tls;
mod token;

/// Fewest threads that answer requests: one that is long at a large body leaves others to the players.
const MIN_WORKERS: usize = 4;

/// Tables whose rows somebody who copies a server knows.
const NOTABLE: [&str; 6] = ["modes", "versions", "chunks", "bundles", "tokens", "audit"];

/// Chunks verified per batch.
const BATCH: u32 = 500;

pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    if let Some(code) = run_alone(&cli.command) {
        return code;
    }
    let listen = if let Command::Serve { listen } = &cli.command { listen.as_ref() } else { None };
    if matches!(cli.command, Command::Serve { .. }) && cli.settings.wants_json() {
        log::write_json();
    }
    let loaded = cli.settings.load(listen);
    if let Command::CheckConfig { json, offline } = cli.command {
        return check::run(loaded, json, offline);
    }
    let loaded = match loaded {
        Ok(loaded) => loaded,
        // As any other value that cannot be used.
        Err(error) => {
            crate::report(&error);
            return Ok(ExitCode::from(2));
        }
    };
    check_folder(&loaded.config.data)?;
    if !may_create(&cli.command) {
        check_exists(&loaded.config.database_url())?;
    }
    log::start(&loaded.config)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(cores.max(MIN_WORKERS)).enable_all().build();
    let runtime = runtime.map_err(Error::internal_by("starting"))?;
    let code = runtime.block_on(async {
        let config = located(loaded).await;
        run_async(cli.command, config).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    log::finish();
    code
}

/// Runs what asks no server.
fn run_alone(command: &Command) -> Option<Result<ExitCode>> {
    match command {
        Command::Openapi => print(&api::spec()),
        Command::ExampleConfig => print(EXAMPLE),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut help::whole(), "vsekai-server", &mut script);
            let _ = std::io::stdout().write_all(&script);
        }
        Command::Manual { dir } => {
            let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(help::whole(), dir));
            if let Err(error) = written {
                let reason = format!("cannot write {}: {}", dir.display(), text::system_reason(&error));
                let hint = "Name a folder that this user may make and write to";
                return Some(Err(Error::command("io_failed", reason, hint)));
            }
        }
        _ => return None,
    }
    Some(Ok(ExitCode::SUCCESS))
}

async fn run_async(command: Command, config: Config) -> Result<ExitCode> {
    match command {
        Command::Serve { .. } => serve::run(config).await?,
        Command::Migrate => {
            // A database elsewhere needs no folder of data yet.
            if config.database.is_empty() {
                open_database(&config).await?;
            } else {
                db::open(&config.database_url(), &Pools::default()).await?;
            }
            print(&format!("The tables of {} are up to date.\n", config.database_shown()));
        }
        Command::Token(command) => token::run(command, open_database(&config).await?.as_ref()).await?,
        Command::Gc { dry_run } => collect_garbage(&open(config).await?, dry_run).await?,
        Command::Verify { deep, repair } => return verify(&open(config).await?, deep, repair.as_deref()).await,
        Command::Restore { file, seen } => restore::run(config, &file, seen).await?,
        Command::Raise { seen } => {
            let version = open(config).await?.service().raise(seen).await?;
            print(&format!("The timestamp is at version {version}. Publish again what the backup lacks.\n"));
        }
        Command::Copy { from, to, verbose } => copy(&from, &to, verbose).await?,
        Command::Move { to, finish } => {
            check_place(&to)?;
            relocate::run(config, &to, finish).await?;
        }
        Command::Export { dir, prune, dry_run } => {
            let prune = match (prune, dry_run) {
                (false, _) => export::Prune::No,
                (true, true) => export::Prune::List,
                (true, false) => export::Prune::After(config.clean_grace_h * 3600),
            };
            export::run(&open(config).await?, &dir, prune).await?;
        }
        Command::Import { store, index, keep_days } => {
            import::run(&open(config).await?, &store, &index, keep_days).await?;
        }
        Command::Backup { file } => {
            db::backup(&config.database_url(), &file).await?;
            let mut rest = config.keys_folder().display().to_string();
            if let Some(found) = db::look_for_place(&config.database_url()).await?.filter(|it| it.place != "database") {
                rest = format!("{rest} and the chunks in {}", found.place);
            }
            print(&format!("Copied {} to {}. Copy {rest} too.\n", config.database_shown(), file.display()));
        }
        Command::Bundle(command) => return bundle::run(command, open(config).await?).await,
        // Done before.
        Command::Openapi
        | Command::ExampleConfig
        | Command::CheckConfig { .. }
        | Command::Completions { .. }
        | Command::Manual { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the command may be the first one of a new server. Any other would leave an empty database and new keys in a
/// folder that was named by mistake.
fn may_create(command: &Command) -> bool {
    use Command::{Copy, Import, Migrate, Restore, Serve};
    matches!(command, Serve { .. } | Migrate | Import { .. } | Copy { .. } | Restore { .. })
}

fn check_folder(data: &Path) -> Result<()> {
    if !data.is_file() {
        return Ok(());
    }
    let shown = data.display();
    let hint = "Name a folder with `--data DIR`; `--config FILE` names a file of settings";
    Err(Error::config(format!("data must be a folder, and {shown} is a file"), hint))
}

fn check_exists(url: &str) -> Result<()> {
    let file = url.strip_prefix("sqlite:").map(|rest| rest.split('?').next().unwrap_or(rest));
    match file {
        Some(file) if !file.contains(":memory:") && !Path::new(file.trim_start_matches("//")).exists() => {
            let reason = format!("there is no server here: no database {file}");
            let hint = "Name the server's folder with `--data DIR`, or its database with `--database URL`; `vsekai-server serve` \
                        begins a new one";
            Err(Error::command("no_server", reason, hint))
        }
        _ => Ok(()),
    }
}

fn check_place(to: &str) -> Result<()> {
    let hint = "Write --to database, --to file:///DIR or --to s3://BUCKET/PREFIX";
    StorageLocation::parse(to).map(|_| ()).map_err(|error| match error {
        Error::Config { reason, .. } => Error::command("place_invalid", reason, hint),
        other => other,
    })
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

/// The configuration, with the place of the chunks that the database names if no other is given.
async fn located(loaded: Loaded) -> Config {
    let Loaded { mut config, origins } = loaded;
    if !origins.contains_key("chunks")
        // A database that cannot be asked is told of when it is opened.
        && let Ok(Some(found)) = db::look_for_place(&config.database_url()).await
    {
        config.chunks = found.place;
    }
    config
}

/// Copies a database to another one. The keys and the chunks that are elsewhere stay where they are.
async fn copy(from: &str, to: &str, is_verbose: bool) -> Result<()> {
    check_exists(from)?;
    if db::is_in_use(from).await? {
        let reason = "a server is using the database that is to be copied".to_owned();
        let hint = "Stop every server of that database, and copy again: what they take in meanwhile would be lost";
        return Err(Error::command("busy", reason, hint));
    }
    let (from, to) = (db::open(from, &Pools::default()).await?, db::open(to, &Pools::default()).await?);
    let (mut tables, mut all) = (0, 0);
    db::copy::copy(&from, &to, |table, rows| {
        (tables, all) = (tables + 1, all + rows);
        if is_verbose || (rows > 0 && NOTABLE.contains(&table)) {
            note(&format!("{table:22} {}, compared", counted(rows, "row", "rows")));
        }
    })
    .await?;
    note(&format!("{} in {}, compared", counted(all, "row", "rows"), counted(tables, "table", "tables")));
    print(
        "Copied everything. Start the servers with the other database and the same keys, and none with the first one.\n",
    );
    Ok(())
}

async fn collect_garbage(app: &Application, dry_run: bool) -> Result<()> {
    if dry_run {
        let found = gc::preview(app.service()).await?;
        let chunks = counted(found.doomed_chunks, "chunk is", "chunks are");
        print(&match found.doomed_chunks {
            0 => "No chunk can go: every one is needed.\n".to_owned(),
            _ => format!("{chunks} no longer needed: {}.\n", text::bytes(found.doomed_bytes)),
        });
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
    tell_of(&collected, &counts);
    if collected.failed > 0 {
        let what = counted(collected.failed, "chunk or bundle", "chunks and bundles");
        let reason = format!("{what} could not be removed; the warnings above say why");
        let hint =
            "Mend what they name, such as the permissions of the folder of chunks; the next clean-up tries again";
        return Err(Error::command("not_removed", reason, hint));
    }
    Ok(())
}

fn tell_of(collected: &gc::Collected, counts: &serde_json::Value) {
    let is_nothing = counts.as_object().is_some_and(|counts| counts.values().all(|count| count == 0));
    if is_nothing && collected.doomed_bundles + collected.failed == 0 {
        print("There is nothing to clean up.\n");
        return;
    }
    print(&format!(
        "{} doomed, {} removed; {} doomed, {} removed; {} and {} of old metadata removed.\n",
        counted(collected.doomed_chunks, "chunk", "chunks"),
        collected.removed_chunks,
        counted(collected.doomed_bundles, "bundle", "bundles"),
        collected.removed_bundles,
        counted(collected.publications, "unfinished publication", "unfinished publications"),
        counted(collected.removed_files, "file", "files")
    ));
    if collected.doomed_chunks > 0 || collected.doomed_bundles > 0 {
        note("What is doomed goes in a round after `clean_grace_h` hours, unless a version needs it by then.");
    }
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
    let checked = counted(checked, "chunk", "chunks");
    note(&if deep {
        format!("{checked}, {bad} missing or corrupt.")
    } else {
        format!("{checked}, {bad} missing or of a wrong size. Their content was not read: --deep reads it.")
    });
    let bundles = app.service().db().bundles(None).await?;
    let mut bad_bundles = 0;
    for bundle in &bundles {
        if !app.service().bundles().is_sound(bundle.info.id, bundle.info.length, deep).await? {
            bad_bundles += 1;
            print(&format!("bad bundle {}\n", bundle.info.id));
        }
    }
    note(&format!(
        "{}, {bad_bundles} bad.{}",
        counted(bundles.len() as u64, "bundle", "bundles"),
        if bad_bundles > 0 { " `vsekai-server bundle remove ID` makes the server build one again." } else { "" }
    ));
    if bad > 0 && repair.is_none() {
        note(
            "`vsekai-server verify --repair STORE` brings chunks from a mirror or a backup; publishing the version again, too.",
        );
    }
    bad += bad_bundles;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// Writes to stdout. It is not an error if the reader has gone away.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes a JSON document to stdout.
fn print_json(value: &serde_json::Value) {
    print(&format!("{value:#}\n"));
}

/// Writes a line to stderr.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
