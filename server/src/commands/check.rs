//! `vsekai-server check-config`: shows every setting, and whether the server could start with them.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use vsekai_server::chunks::{Options, StorageLocation, elsewhere, try_place};
use vsekai_server::config::{Config, Loaded, Origin};
use vsekai_server::db;
use vsekai_server::error::{Error, Result};
use vsekai_updater::text;

use super::{note, print, print_json, tls};

pub(super) fn run(loaded: Result<Loaded>, json: bool, offline: bool) -> Result<ExitCode> {
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
    let is_refused = refused.is_some();
    let checked = match (&loaded, refused) {
        (_, Some(error)) => Err(error),
        (Some(loaded), None) => check_all(loaded, offline),
        (None, None) => Ok(()),
    };
    if json {
        print_json(&as_json(&settings, checked.as_ref().err()));
    } else if checked.is_ok() {
        note("The settings can be used: `vsekai-server serve` with the same options starts the server.");
    }
    match checked {
        // As any other value that cannot be used.
        Err(error) if is_refused => {
            crate::report(&error);
            Ok(ExitCode::from(2))
        }
        checked => checked.map(|()| ExitCode::SUCCESS),
    }
}

fn check_all(loaded: &Loaded, offline: bool) -> Result<()> {
    super::check_folder(&loaded.config.data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::internal_by("starting"))?.block_on(check(loaded, offline))
}

async fn check(loaded: &Loaded, offline: bool) -> Result<()> {
    let config = &loaded.config;
    if let Some(files) = tls::files(config) {
        tls::check(&files).await?;
    }
    check_data(&config.data, "--data DIR")?;
    if config.database_folder().is_some_and(|folder| folder != config.data) {
        db::check_folder(&config.database_url())?;
    }
    if offline {
        return Ok(());
    }
    match check_place(loaded).await? {
        Some(place) => check_chunks(StorageLocation::parse(&place)?).await,
        None => check_chunks(config.chunk_location()?).await,
    }
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
fn check_data(data: &Path, option: &str) -> Result<()> {
    let failed = |error: std::io::Error| {
        let reason = format!("{}: {}", data.display(), text::system_reason(&error));
        Error::config(reason, format!("Name a folder that this user may make and write to, with `{option}`"))
    };
    let data = std::path::absolute(data).map_err(failed)?;
    let there = data.ancestors().find(|folder| folder.exists()).unwrap_or(&data);
    let trial = there.join(format!(".vsekai-check-{}", std::process::id()));
    std::fs::create_dir(&trial).and_then(|()| std::fs::remove_dir(&trial)).map_err(failed)
}

/// After a move of the chunks, a configuration may name the place where they were. Returns the one that the database
/// names.
async fn check_place(loaded: &Loaded) -> Result<Option<String>> {
    let configured = loaded.config.chunk_location()?.to_string();
    let is_given = loaded.origins.contains_key("chunks");
    match db::look_for_place(&loaded.config.database_url()).await? {
        Some(found) if is_given && found.place != configured => Err(elsewhere(&found.place, &configured)),
        found => Ok(found.map(|found| found.place)),
    }
}

/// Tries the place of the chunks out. A bucket is written to and read from, as the server would.
async fn check_chunks(location: StorageLocation) -> Result<()> {
    match location {
        StorageLocation::Database => Ok(()),
        StorageLocation::Folder(folder) => check_data(&folder, "--chunks file:///DIR"),
        location @ StorageLocation::S3 { .. } => {
            try_place(&Options { s3: super::s3_settings(), ..Options::new(location) }).await
        }
    }
}
