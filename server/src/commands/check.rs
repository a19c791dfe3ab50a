//! `vsekai-server check-config`: shows every setting, and whether the server could start with them.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use vsekai_server::chunks::elsewhere;
use vsekai_server::config::{Config, Loaded, Origin};
use vsekai_server::db;
use vsekai_server::error::{Error, Result};
use vsekai_updater::text;

use super::{note, print, print_json, tls};

pub(super) fn run(loaded: Result<Loaded>, json: bool) -> Result<ExitCode> {
    let (loaded, refused) = match loaded {
        Ok(loaded) => (Some(loaded), None),
        Err(error) => (None, Some(error)),
    };
    let settings = loaded.as_ref().map(shown).unwrap_or_default();
    if !json {
        for (name, value, origin) in &settings {
            let origin = origin.map_or_else(|| "default".to_owned(), ToString::to_string);
            print(&format!("{:44} # {origin}\n", format!("{name} = {value}")));
        }
    }
    let checked = match (&loaded, refused) {
        (_, Some(error)) => Err(error),
        (Some(loaded), None) => check_all(&loaded.config),
        (None, None) => Ok(()),
    };
    if json {
        print_json(&as_json(&settings, checked.as_ref().err()));
    } else if checked.is_ok() {
        note("The settings can be used: `vsekai-server serve` with the same options starts the server.");
    }
    checked.map(|()| ExitCode::SUCCESS)
}

fn check_all(config: &Config) -> Result<()> {
    super::check_folder(&config.data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::internal_by("starting"))?.block_on(check(config))
}

async fn check(config: &Config) -> Result<()> {
    if let Some(files) = tls::files(config) {
        tls::check(&files).await?;
    }
    check_data(&config.data)?;
    if config.database_folder().is_some_and(|folder| folder != config.data) {
        db::check_folder(&config.database_url())?;
    }
    check_place(config).await
}

/// A setting as it is shown, and where it was given.
type Shown<'a> = (String, toml::Value, Option<&'a Origin>);

fn shown(loaded: &Loaded) -> Vec<Shown<'_>> {
    let config = &loaded.config;
    let table = toml::Table::try_from(config).unwrap_or_default();
    let shown = |(name, value): (String, toml::Value)| {
        let value = match name.as_str() {
            "database" => toml::Value::from(database(config)),
            "keys" => toml::Value::from(absolute(&config.keys_folder())),
            "data" | "tls_cert" | "tls_key" | "webhook_secret_file" => match value.as_str() {
                Some(path) if !path.is_empty() => toml::Value::from(absolute(Path::new(path))),
                _ => value,
            },
            "webhooks" => toml::Value::from(config.webhooks_shown()),
            _ => value,
        };
        let origin = loaded.origins.get(&name);
        (name, value, origin)
    };
    table.into_iter().map(shown).collect()
}

fn as_json(settings: &[Shown<'_>], error: Option<&Error>) -> serde_json::Value {
    let setting = |(name, value, origin): &Shown<'_>| {
        let mut shown = json!({
            "name": name,
            "value": value,
            "source": origin.map_or_else(|| "default".to_owned(), ToString::to_string),
        });
        if let Some(Origin::File { path, line }) = origin {
            shown["file"] = path.display().to_string().into();
            shown["line"] = json!(line);
        }
        shown
    };
    let errors = match error {
        Some(Error::Settings(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let problem = |error: &&Error| json!({"code": error.code(), "message": text::message(&error.to_string()), "hint": crate::hint(error)});
    json!({
        "is_usable": error.is_none(),
        "settings": settings.iter().map(setting).collect::<Vec<_>>(),
        "problems": errors.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// A relative path starts at the working folder, which a service may have elsewhere.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn database(config: &Config) -> String {
    let shown = config.database_shown();
    match shown.strip_prefix("sqlite:") {
        Some(file) if !file.starts_with("//") => format!("sqlite:{}", absolute(Path::new(file))),
        _ => shown,
    }
}

/// Fails if the server could not make its folder, or not write to it. Leaves nothing behind.
fn check_data(data: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        let reason = format!("{}: {}", data.display(), text::system_reason(&error));
        Error::config(reason, "Name a folder that this user may make and write to, with `--data DIR`")
    };
    let data = std::path::absolute(data).map_err(failed)?;
    let there = data.ancestors().find(|folder| folder.exists()).unwrap_or(&data);
    let trial = there.join(format!(".vsekai-check-{}", std::process::id()));
    std::fs::create_dir(&trial).and_then(|()| std::fs::remove_dir(&trial)).map_err(failed)
}

/// After a move of the chunks, a configuration may name the place where they were.
async fn check_place(config: &Config) -> Result<()> {
    let configured = config.chunk_location()?.to_string();
    match db::look_for_place(&config.database_url()).await {
        Ok(Some(found)) if found.place != configured => Err(elsewhere(&found.place, &configured)),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
