//! Colours the words that begin a line of an error, as clap does. A terminal without colours, `NO_COLOR`, a file or a pipe
//! gets plain text.

use std::io::Write as _;

use clap::builder::styling::{AnsiColor, Style};

const LABELS: [(&str, Style); 5] = [
    ("error:", AnsiColor::Red.on_default().bold()),
    ("warning:", AnsiColor::Yellow.on_default().bold()),
    ("hint:", AnsiColor::Cyan.on_default().bold()),
    ("tip:", AnsiColor::Green.on_default()),
    ("Usage:", Style::new().bold().underline()),
];

/// Writes text to stderr. A reader that closed the pipe is not an error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", painted(text));
}

/// The text with its labels coloured.
fn painted(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(painted_line).collect();
    lines.join("\n")
}

fn painted_line(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    let (space, words) = line.split_at(start);
    let label = LABELS.iter().find(|(label, _)| words.starts_with(label));
    label.map_or_else(
        || line.to_owned(),
        |(label, style)| format!("{space}{style}{label}{style:#}{}", &words[label.len()..]),
    )
}

#[cfg(test)]
mod tests {
    use super::painted;

    #[test]
    fn only_the_labels_are_coloured() {
        let text = painted("error: no hint: here\n  x\n\nhint: do it");
        let plain: String =
            text.replace("\u{1b}[1m", "").replace("\u{1b}[31m", "").replace("\u{1b}[36m", "").replace("\u{1b}[0m", "");
        assert_eq!(plain, "error: no hint: here\n  x\n\nhint: do it");
        assert_eq!(text.matches("\u{1b}[0m").count(), 2, "{text:?}");
    }
}
