//! The program: reads the command line, the configuration and the environment, runs a command, and reports errors.
//!
//! Exit codes: 0 done, 1 failed, 2 usage or settings, 3 damage found by `verify`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use vsekai_server::auth::Scope;
use vsekai_server::config::{self, Given, Loaded};
use vsekai_server::error::{Error, Result};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::Effort;
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::text;

mod commands;
mod help;
mod numbers;
mod tips;

/// Settings stand apart from a command's own options, after them.
const SETTINGS: &str = "Which server";

const EXAMPLES: &str = "\
Examples:
  vsekai-server serve                                        on this machine, with SQLite in ./data
  vsekai-server serve --listen 0.0.0.0:8080 --database postgres://USER:PASSWORD@HOST/NAME
  vsekai-server example-config > config.toml                 every setting with an explanation
  vsekai-server token create --name nightly --scope publish:nightly --days 90
  vsekai-server gc --dry-run
  vsekai-server bundle build --effort best --now              at night, by cron
  vsekai-server export /srv/www/v-sekai                      for nginx or any web host

Publish to it with `vsekai publish --server URL`.
Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 damage found by `verify`";

/// Not a doc comment, which would be parsed as Markdown.
const CHUNKS_HELP: &str =
    "Where chunks are kept: database, file:///DIR or s3://BUCKET/PREFIX [default: as recorded, or database]";

const DATABASE_HELP: &str =
    "The database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME [default: sqlite:vsekai.db in the data folder]";

/// The V-Sekai update service: modes, versions and chunks over HTTP
#[derive(Debug, Parser)]
#[command(name = "vsekai-server", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// Settings that every command accepts
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = SETTINGS)]
struct Settings {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", env = "VSEKAI_SERVER_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// The folder for the database and the keys [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    #[arg(long, global = true, value_name = "URL", help = DATABASE_HELP)]
    database: Option<String>,
    #[arg(long, global = true, value_name = "URL", help = CHUNKS_HELP)]
    chunks: Option<String>,
    /// Set any setting of `vsekai-server example-config`. May be repeated
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = pair)]
    pairs: Vec<(String, String)>,
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in region=eu")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests until stopped
    Serve {
        /// Where to listen [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
    },
    /// Bring the tables of the database up to date, and exit
    Migrate,
    /// Create, list and revoke tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Remove chunks, bundles and metadata that nothing needs
    Gc {
        /// Only report which chunks are no longer needed
        #[arg(long)]
        dry_run: bool,
    },
    /// Check that every chunk and bundle is there, and of the right size
    Verify {
        /// Also read and hash each of them
        #[arg(long)]
        deep: bool,
        /// Bring what is missing or damaged from this store: a folder or a URL
        #[arg(long, value_name = "STORE")]
        repair: Option<String>,
    },
    /// Put a backup in the place of the SQLite database. Stop the servers first
    Restore {
        /// The backup
        file: PathBuf,
        /// The version of the timestamp that players have seen, if it is above that of the replaced database
        #[arg(long, value_name = "VERSION", value_parser = numbers::version)]
        seen: Option<u64>,
    },
    /// Sign until players who have seen later metadata accept this repository again
    Raise {
        /// The version of the timestamp that players have seen, as their error `metadata_rollback` names it
        #[arg(long, value_name = "VERSION", value_parser = numbers::version)]
        seen: u64,
    },
    /// Copy everything to another, empty database. Stop the servers first
    Copy {
        #[arg(
            long,
            value_name = "URL",
            help = "The database to copy: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME"
        )]
        from: String,
        /// The database to copy to, in the same form
        #[arg(long, value_name = "URL")]
        to: String,
        /// Also print how many rows each table has
        #[arg(short, long)]
        verbose: bool,
    },
    /// Move all chunks to another place, while servers go on
    Move {
        /// Where to: database, `file:///DIR` or `s3://BUCKET/PREFIX`
        #[arg(long, value_name = "PLACE")]
        to: String,
        /// After every server has been started again with that place, remove the chunks from the database
        #[arg(long)]
        finish: bool,
    },
    /// Write the whole repository as plain files, for any web host
    Export {
        /// The folder. Files that are there already are not written again
        dir: PathBuf,
        /// Then remove what the repository has not had for `clean_grace_h` hours, by earlier exports with this option
        #[arg(long)]
        prune: bool,
        /// Write nothing: list what is no longer needed
        #[arg(long, requires = "prune")]
        dry_run: bool,
    },
    /// Import the chunks of a desync or casync store
    Import {
        /// A folder, or a URL
        store: String,
        /// Import only the chunks of this index; required for a URL. May be repeated
        #[arg(long, value_name = "FILE")]
        index: Vec<PathBuf>,
        /// How many days to keep chunks that no version needs
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = numbers::keep_days)]
        keep_days: u16,
    },
    /// Copy an SQLite database to a new file, even while it is in use
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Build, list, import and remove bundles: chunks of a version compressed together
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    Manual {
        /// The folder
        dir: PathBuf,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print a configuration file with every setting, its default and an explanation
    ExampleConfig,
    /// Check the settings, and show each with where it comes from
    CheckConfig {
        /// Print JSON: the settings, and everything that is wrong with them
        #[arg(long)]
        json: bool,
        /// Ask nobody: neither the database where the chunks are, nor the bucket whether it can be used
        #[arg(long)]
        offline: bool,
    },
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    /// List the bundles offered to clients
    List {
        /// Only bundles of this mode
        #[arg(long, value_name = "NAME")]
        mode: Option<ModeName>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Build missing bundles, and exit. A running server does the same in the background
    Build {
        /// Only bundles of this mode
        #[arg(long, value_name = "NAME")]
        mode: Option<ModeName>,
        /// Effort: fast, normal or best [default: as configured]
        #[arg(long, value_name = "EFFORT", value_parser = effort)]
        effort: Option<Effort>,
        /// Use all processors without throttling, whatever is configured
        #[arg(long)]
        now: bool,
    },
    /// Import bundles built elsewhere, for versions on this server
    Import {
        /// The folder `bundles` of a repository
        dir: PathBuf,
    },
    /// Remove a bundle at once
    Remove {
        /// The name of the bundle: 64 hex digits
        #[arg(value_parser = digest)]
        id: Digest,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a token, which is shown only once
    Create {
        /// What the token is for, such as who or what uses it. No other valid token may have this name
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// What the token may do: admin, publish:* or publish:MODE. May be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
        /// Days until it expires, 1 to 3650 [default: never]
        #[arg(long, value_name = "DAYS", value_parser = numbers::token_days)]
        days: Option<u16>,
        /// Print JSON, with the token in it
        #[arg(long)]
        json: bool,
    },
    /// List the tokens, without their secrets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token
    Revoke {
        /// The id of the token, or its name if no other has it
        #[arg(value_name = "ID|NAME")]
        token: String,
    },
}

fn scope(text: &str) -> std::result::Result<Scope, String> {
    Scope::parse(text).map_err(|error| match error {
        Error::Invalid { reason, .. } => reason,
        other => other.to_string(),
    })
}

fn effort(text: &str) -> std::result::Result<Effort, String> {
    Effort::parse(text).ok_or_else(|| "write fast, normal or best".to_owned())
}

fn digest(text: &str) -> std::result::Result<Digest, String> {
    text.parse().map_err(|_| "write 64 lower-case hex digits".to_owned())
}

impl Settings {
    fn load(&self, listen: Option<&String>) -> Result<Loaded> {
        Loaded::read(self.config.as_deref(), environment(), &self.given(listen))
    }

    /// Whether the log is to be JSON, also if other settings cannot be used.
    fn wants_json(&self) -> bool {
        config::wants_json(self.config.as_deref(), environment(), &self.given(None))
    }

    fn given(&self, listen: Option<&String>) -> Vec<Given> {
        let pairs = self.pairs.iter().cloned().map(|(name, value)| Given { name, value, is_option: false });
        let options = [
            ("data", &self.data),
            ("database", &self.database),
            ("chunks", &self.chunks),
            ("listen", &listen.cloned()),
        ];
        let options = options
            .into_iter()
            .filter_map(|(name, value)| Some(Given { name: name.to_owned(), value: value.clone()?, is_option: true }));
        pairs.chain(options).collect()
    }
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn main() -> ExitCode {
    let cli = match help::parse(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(cli) => cli,
        Err(said) if said.use_stderr() => {
            let said_text = text::of_parser(&text::lines(&said.render().to_string()));
            // The parser quotes arguments, and an address of a database has a password. Help has only examples of them.
            let is_help = said.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            let said_text = if is_help { said_text } else { text::without_secrets(&said_text) };
            let _ = write!(std::io::stderr(), "{said_text}");
            return ExitCode::from(2);
        }
        Err(said) => said.exit(),
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            // The value of an option that the parser takes for a text.
            if error.code() == "place_invalid" { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Reports an error on stderr, with its causes and a hint.
fn report(error: &Error) {
    let causes = causes_of(error);
    let all = if let Error::Settings(all) = error { all.as_slice() } else { &[] };
    let said = if commands::log::is_json() { as_json(error, &causes, all) } else { as_text(error, &causes, all) };
    let _ = std::io::stderr().write_all(said.as_bytes());
}

fn causes_of(error: &Error) -> Vec<String> {
    let mut causes = Vec::new();
    // The message of one of the updater's errors has its causes.
    let mut cause = std::error::Error::source(error).filter(|_| !matches!(error, Error::Updater(_)));
    while let Some(error) = cause {
        let reason = error.downcast_ref::<std::io::Error>().map(text::system_reason);
        let said = text::message(&reason.unwrap_or_else(|| error.to_string()));
        // Some libraries repeat what is below.
        if causes.last().is_none_or(|last: &String| !last.contains(&said)) {
            causes.push(said);
        }
        cause = error.source();
    }
    causes
}

fn as_text(error: &Error, causes: &[String], all: &[Error]) -> String {
    let mut lines = vec![format!("error: {} [{}]", text::message(&error.to_string()), error.code())];
    lines.extend(causes.iter().map(|cause| format!("  because: {cause}")));
    for one in all {
        let hint = hint(one).unwrap_or_default();
        lines.push(format!("\n  {}\n  hint: {}", text::message(&one.to_string()), text::message(hint)));
    }
    lines.extend(hint(error).map(|hint| format!("\nhint: {hint}")));
    format!("{}\n", lines.join("\n"))
}

/// One line for each error: several settings are several.
fn as_json(error: &Error, causes: &[String], all: &[Error]) -> String {
    let entry = |error: &Error| {
        let fields = json!({
            "event": "failed", "message": text::message(&error.to_string()), "code": error.code(), "causes": causes, "hint": hint(error),
        });
        commands::log::entry("ERROR", &fields)
    };
    if all.is_empty() { entry(error) } else { all.iter().map(entry).collect() }
}

fn hint(error: &Error) -> Option<&str> {
    match error {
        Error::Command { hint, .. } => Some(hint.as_ref()),
        Error::Config { hint, .. } => Some(hint.as_str()),
        Error::Database(error) if ["not a database", "malformed"].iter().any(|it| error.to_string().contains(it)) => {
            Some(
                "That file is no SQLite database, or is damaged. Name another with `--database`, or restore the backup",
            )
        }
        Error::Database(_) => Some("Is the database running, and is its URL right? Set it with `--database URL`"),
        Error::ObjectStore(_) => Some(
            "Check `chunks`: the bucket or the folder. A bucket needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, \
             and AWS_ENDPOINT if it is not Amazon's",
        ),
        Error::Updater(error) => match error.code() {
            "disk_full" => Some("Free some disk space"),
            "permission_denied" => Some("Check the owner and the permissions of what the message names"),
            "not_found" => {
                Some("Check the path in the message; on the command line, a relative one starts at the working folder")
            }
            "read_only" => Some("Choose a folder on a disk that can be written to"),
            "key_missing" => Some("Put that key into the server's folder of keys, and run the command again"),
            "busy" => Some("Stop the other process, or wait until it has ended"),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bucket_says_is_said_once_with_what_to_set() {
        let source = std::io::Error::other("refused");
        let error = Error::ObjectStore(object_store::Error::Generic { store: "S3", source: source.into() });
        let said = as_text(&error, &causes_of(&error), &[]);
        assert_eq!(said.matches("refused").count(), 1, "{said}");
        assert!(said.contains("hint: Check `chunks`") && said.contains("AWS_ENDPOINT"), "{said}");
    }
}
