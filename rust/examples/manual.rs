//! Writes the manual pages of `vsekai` and the completions of shells into a folder, for packages.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: manual FOLDER")?;
    let (pages, completions) = (folder.join("man1"), folder.join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    let mut command = vsekai_updater::cli::command().disable_help_subcommand(true);
    command.build();
    write(&command, &pages)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        clap_complete::generate_to(shell, &mut vsekai_updater::cli::command(), "vsekai", &completions)?;
    }
    Ok(())
}

fn write(command: &Command, pages: &Path) -> io::Result<()> {
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| write(below, pages))?;
    fs::write(pages.join(Man::new(command.clone()).get_filename()), page(command.clone())?)
}

/// The page of one command. `clap_mangen` would fill the lines of examples like prose.
pub(crate) fn page(command: Command) -> io::Result<Vec<u8>> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_version = command.get_version().is_some();
    let (has_options, has_commands) = (command.get_arguments().next().is_some(), command.has_subcommands());
    let man = Man::new(command);
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    if has_options {
        man.render_options_section(&mut out)?;
    }
    if has_commands {
        man.render_subcommands_section(&mut out)?;
    }
    if !after.is_empty() {
        out.write_all(closing(&after).as_bytes())?;
    }
    if has_version {
        man.render_version_section(&mut out)?;
    }
    Ok(out)
}

/// What stands after the options: paragraphs of prose, and examples with their lines as they are.
fn closing(after: &str) -> String {
    let mut out = ".SH EXTRA\n".to_owned();
    for paragraph in after.split("\n\n") {
        let (examples, prose): (Vec<&str>, Vec<&str>) = paragraph.lines().partition(|line| line.starts_with("  "));
        out.push_str(".PP\n");
        for line in &prose {
            out.push_str(&escaped(line));
        }
        if !examples.is_empty() {
            out.push_str(".nf\n");
            for line in &examples {
                out.push_str(&escaped(line));
            }
            out.push_str(".fi\n");
        }
    }
    out
}

/// A line that roff shows as it is.
fn escaped(line: &str) -> String {
    let start = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{start}{}\n", line.replace('\\', "\\e").replace('-', "\\-"))
}
