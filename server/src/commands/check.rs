//! `vsekai-server check-config`: shows every setting, and whether the server could start with them.

use std::path::Path;
use std::process::ExitCode;

use vsekai_server::chunks::elsewhere;
use vsekai_server::config::{Config, Loaded};
use vsekai_server::db;
use vsekai_server::error::{Error, Result};
use vsekai_updater::text;

use super::{note, print, tls};

pub(super) fn run(loaded: &Loaded) -> Result<ExitCode> {
    show(loaded)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::internal_by("starting"))?;
    runtime.block_on(async {
        if let Some(files) = tls::files(&loaded.config) {
            tls::check(&files).await?;
        }
        check_data(&loaded.config.data)?;
        if loaded.config.database_folder().is_some_and(|folder| folder != loaded.config.data) {
            db::check_folder(&loaded.config.database_url())?;
        }
        check_place(&loaded.config).await
    })?;
    note("The settings can be used: `vsekai-server serve` with the same options starts the server.");
    Ok(ExitCode::SUCCESS)
}

fn show(loaded: &Loaded) -> Result<()> {
    let table = toml::Table::try_from(&loaded.config).map_err(Error::internal_by("showing the settings"))?;
    for (name, value) in table {
        let value = match name.as_str() {
            "database" => toml::Value::from(database(&loaded.config)),
            "keys" => toml::Value::from(absolute(&loaded.config.keys_folder())),
            "data" | "tls_cert" | "tls_key" | "webhook_secret_file" => match value.as_str() {
                Some(path) if !path.is_empty() => toml::Value::from(absolute(Path::new(path))),
                _ => value,
            },
            "webhooks" => toml::Value::from(loaded.config.webhooks_shown()),
            _ => value,
        };
        let origin = loaded.origins.get(&name).map_or_else(|| "default".to_owned(), ToString::to_string);
        print(&format!("{:44} # {origin}\n", format!("{name} = {value}")));
    }
    Ok(())
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
