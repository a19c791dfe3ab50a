//! Arguments of the commands for settings, and of those for the shell.

use clap::{Args, Subcommand};

use crate::install::config::KEYS;

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show each setting with the value in force, and where that comes from: a variable, the file or the default
    Show,
    /// Print the value of a setting that is in force; nothing if there is none. With --verbose, also where it comes from
    Get {
        /// The setting
        #[arg(value_parser = KEYS)]
        key: String,
    },
    /// Set a value in the configuration file. The rest of the file stays as it is
    #[command(
        after_help = "Examples:\n  vsekai config set limit_rate 5M\n  vsekai config set repository https://a.example https://b.example"
    )]
    Set {
        /// The setting
        #[arg(value_parser = KEYS)]
        key: String,
        /// The value; several for `repository`
        #[arg(required = true)]
        value: Vec<String>,
    },
    /// Remove a setting from the configuration file, so that its default applies
    Unset {
        /// The setting, also one that this program does not know
        key: String,
    },
    /// Print the path of the configuration file, which need not exist
    Path,
}

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = COMPLETION_EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

const COMPLETION_EXAMPLES: &str = "\
Examples:
  # bash
  vsekai completions bash > ~/.local/share/bash-completion/completions/vsekai
  # zsh, with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  vsekai completions zsh > ~/.zfunc/_vsekai
  # fish
  vsekai completions fish > ~/.config/fish/completions/vsekai.fish
  # PowerShell
  vsekai completions powershell >> $PROFILE

The packages of a release bring those of bash, zsh and fish.";
