//! The table: one row for each case, with ratios, their bars, and the measured seconds.

use std::fmt::Write;

use crate::process::{Series, median};

/// The result of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    /// It has no bar: the number is for comparison.
    Shown,
    /// The reason why it could not be measured.
    Missing(String),
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    case: String,
    ours: String,
    theirs: String,
    ratio: String,
    bar: String,
    pub(crate) verdict: Verdict,
}

impl Row {
    /// A row of text, with a verdict from the caller.
    pub(crate) fn plain(case: &str, ours: String, theirs: String, bar: &str, verdict: Verdict) -> Self {
        Self { case: case.to_owned(), ours, theirs, ratio: "-".to_owned(), bar: bar.to_owned(), verdict }
    }

    /// A row with the reason why there is no number.
    pub(crate) fn missing(case: &str, bar: &str, reason: &str) -> Self {
        eprintln!("\nNOT MEASURED: {case}: {reason}\n");
        let verdict = Verdict::Missing(reason.replace(['\n', '|'], " "));
        Self::plain(case, "-".to_owned(), "-".to_owned(), bar, verdict)
    }

    /// A row without the other side.
    pub(crate) fn alone(case: &str, ours: &Series, bar: Option<f64>, reason: &str) -> Self {
        Self { ours: times(ours), ..Self::missing(case, &bar_words(bar), reason) }
    }

    /// Adds a ratio of something other than time, for comparison.
    pub(crate) fn set_ratio(&mut self, ratio: f64, of: &str) {
        self.ratio = format!("{ratio:.2} {of}");
    }

    /// Compares the median of the rounds' ratios with a bar.
    pub(crate) fn ratio(case: &str, ours: &Series, theirs: (&str, &Series), bar: Option<f64>) -> Self {
        let (our_seconds, their_seconds) = (ours.seconds(), theirs.1.seconds());
        let ratios: Vec<f64> = our_seconds.iter().zip(&their_seconds).map(|(a, b)| a / b).collect();
        let ratio = median(&ratios);
        let best = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let verdict = match bar {
            None => Verdict::Shown,
            Some(bar) if ratio <= bar => Verdict::Pass,
            Some(_) => Verdict::Fail,
        };
        Self {
            case: case.to_owned(),
            ours: times(ours),
            theirs: format!("{}: {}", theirs.0, times(theirs.1)),
            ratio: format!("**{ratio:.2}** (best {best:.2})"),
            bar: bar_words(bar),
            verdict,
        }
    }

    /// Whether this row belongs to that case.
    pub(crate) fn is_about(&self, case: &str) -> bool {
        self.case == case
    }
}

fn bar_words(bar: Option<f64>) -> String {
    bar.map_or_else(|| "none".to_owned(), |bar| format!("≤ {bar}"))
}

fn times(series: &Series) -> String {
    let wall = median(&series.seconds());
    series.median_cpu().map_or_else(|| format!("{wall:.3} s"), |cpu| format!("{wall:.3} s (CPU {cpu:.2} s)"))
}

/// The rows as Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("| case | vsekai | against | ratio | bar | result |\n|---|---|---|---|---|---|\n");
    for row in rows {
        let verdict = match &row.verdict {
            Verdict::Pass => "pass".to_owned(),
            Verdict::Fail => "**FAIL**".to_owned(),
            Verdict::Shown => "-".to_owned(),
            Verdict::Missing(reason) => format!("**not measured**: {reason}"),
        };
        let Row { case, ours, theirs, ratio, bar, .. } = row;
        let _ = writeln!(text, "| {case} | {ours} | {theirs} | {ratio} | {bar} | {verdict} |");
    }
    text
}

/// Formats KiB as MiB.
pub(crate) fn mebibytes(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

/// Formats `1866` as `1,866`.
pub(crate) fn grouped(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", grouped(number / 1000), number % 1000) }
}
