//! Arguments of `vsekai news`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::publish::RepositoryTarget;
use super::values;
use crate::formats::news::{Language, NewsId, NewsLink};
use crate::formats::release::ModeName;

const EXAMPLES: &str = "\
Examples:
  vsekai news add opening --mode stable \\
    --title \"en=The garden is open\" --text \"en=Come and see it.\" \\
    --title \"de=Der Garten ist offen\" --text \"de=Komm und sieh ihn dir an.\" \\
    --link https://example.org/garden --picture garden.webp \\
    --repository REPO --keys KEYS
  vsekai news list --mode stable --repository REPO --keys KEYS
  vsekai news remove opening --mode stable --repository REPO --keys KEYS";

/// Where the news are, and the keys that sign them
#[derive(Debug, Clone, Args)]
pub(crate) struct NewsTarget {
    /// The mode whose players are told
    #[arg(long, value_name = "NAME", value_parser = values::mode)]
    pub(crate) mode: ModeName,
    #[command(flatten)]
    pub(crate) target: RepositoryTarget,
}

#[derive(Debug, Subcommand)]
pub(crate) enum News {
    /// Add an item, or replace the one with the same id. Launchers show the newest three
    #[command(after_help = EXAMPLES)]
    Add(Box<Add>),
    /// List the items of a mode
    List {
        #[command(flatten)]
        of: NewsTarget,
    },
    /// Remove an item
    Remove {
        /// The id of the item
        #[arg(value_parser = values::news_id)]
        id: NewsId,
        #[command(flatten)]
        of: NewsTarget,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The id of the item: 1 to 64 of a-z, 0-9 and -
    #[arg(value_parser = values::news_id)]
    pub(crate) id: NewsId,
    #[command(flatten)]
    pub(crate) of: NewsTarget,
    /// The title in one language, such as "en=Open"; at most 100 characters. Repeat it for each language
    #[arg(long, value_name = "LANGUAGE=TEXT", required = true, value_parser = values::in_language)]
    pub(crate) title: Vec<(Language, String)>,
    /// The text in one language; at most 500 characters, without markup. Each language needs both
    #[arg(long, value_name = "LANGUAGE=TEXT", required = true, value_parser = values::in_language)]
    pub(crate) text: Vec<(Language, String)>,
    /// The web page that it leads to
    #[arg(long, value_name = "HTTPS_URL", value_parser = values::news_link)]
    pub(crate) link: Option<NewsLink>,
    /// PNG or WebP of at most 512 KiB, with sides of at most 2048 pixels; shown in 16:9
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// When it is published, as 2026-11-27T10:00:00Z; shown from then on [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) date: Option<Timestamp>,
}
