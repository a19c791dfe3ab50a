//! `vsekai-server check-config`: shows every setting, and whether the server could start with them.

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
        check_place(&loaded.config).await
    })?;
    note("The settings can be used: `vsekai-server serve` with the same options starts the server.");
    Ok(ExitCode::SUCCESS)
}

fn show(loaded: &Loaded) -> Result<()> {
    let table = toml::Table::try_from(&loaded.config).map_err(Error::internal_by("showing the settings"))?;
    for (name, value) in table {
        let value = match name.as_str() {
            "database" => toml::Value::from(loaded.config.database_shown()),
            "webhooks" => toml::Value::from(loaded.config.webhooks_shown()),
            _ => value,
        };
        let origin = loaded.origins.get(&name).map_or_else(|| "default".to_owned(), ToString::to_string);
        print(&format!("{:44} # {origin}\n", format!("{name} = {value}")));
    }
    Ok(())
}

/// After a move of the chunks, a configuration may name the place where they were.
async fn check_place(config: &Config) -> Result<()> {
    let configured = config.chunk_location()?.to_string();
    match db::look_for_place(&config.database_url()).await {
        Ok(Some(found)) if found.place != configured => Err(elsewhere(&found.place, &configured)),
        Ok(_) => Ok(()),
        // The setting is wrong, whatever the database would say.
        Err(error @ Error::Config { .. }) => Err(error),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            note(&text::message(&format!(
                "warning: the database could not be asked where the chunks are: {error}{cause}"
            )));
            Ok(())
        }
    }
}
