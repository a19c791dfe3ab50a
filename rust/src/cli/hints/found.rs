//! Hints that are made of what was found: the way out of this very error.

use std::ffi::OsStr;

use crate::cli::options;
use crate::cli::output::Audience;
use crate::cli::words::{Words, shell_word};
use crate::error::{Error, Refused, TrustKind};
use crate::formats::release::Platform;
use crate::install::config;
use crate::net::trust::NO_KEY_FOLDER;
use crate::text;

/// Most files that a hint names; whoever has more of them looks at each anyway.
const MAX_NAMED: usize = 5;

/// The hint for this error, in place of that for its code.
pub(super) fn instead(error: &Error, audience: Audience, words: &Words) -> Option<String> {
    match error {
        Error::LintFailed { refused, .. } => Some(of_refused(refused)),
        Error::ServerRefused { code, detail, .. } if code == "forbidden" => of_scope(detail, words),
        Error::Malformed { reason, .. } if error.code() == "config_malformed" && audience == Audience::Player => {
            of_unknown_key(reason).or_else(|| of_value(reason))
        }
        Error::Invalid { reason, .. } if reason.starts_with(options::NO_INSTALL) => {
            Some(format!("Work in the folder of an install, or name it, as in `vsekai {} GAME`.", words.command()))
        }
        Error::ServerRefused { code, detail, .. } if code == "unauthorized" => Some(of_token(detail, words)),
        Error::Trust { kind: TrustKind::Unsigned, .. } => {
            Some("Nothing was published. Then bring the file back, and run this again.".to_owned())
        }
        Error::Io { action, .. } if *action == "find the repository" => None,
        Error::Io { action, .. } if *action == NO_KEY_FOLDER && error.code() == "not_found" => Some(words.fill(
            "Check the path. `vsekai keys init {keys} --mode stable` makes a new folder with keys, for a new repository.",
        )),
        Error::Io { .. } if error.code() == "not_found" => {
            Some("Check the path; a relative one starts at the working folder.".to_owned())
        }
        _ => None,
    }
}

/// What was meant, before the hint for the code.
pub(super) fn before(error: &Error) -> Option<String> {
    let meant = |typed: &str, known: &[&str]| {
        text::closest(typed, known).map(|meant| format!("Did you mean {}?", shell_word(OsStr::new(meant))))
    };
    match error {
        Error::ModeUnknown { mode, known } => meant(mode, &names(known)),
        Error::VersionUnknown { version, known, .. } => {
            let known = names(known);
            let typed = version.split(' ').next().unwrap_or(version);
            let newest = known.first().map(|newest| format!("The newest is {newest}."));
            meant(typed, &known).filter(|_| known.len() > 1).or(newest)
        }
        Error::NoBuild { platform, .. } => Platform::meant(platform).map(|meant| format!("Did you mean {meant}?")),
        _ => None,
    }
}

fn names(known: &str) -> Vec<&str> {
    known.split(", ").filter(|name| !name.is_empty()).collect()
}

/// Which options allow the findings, where they can be allowed: how each is fixed stands below it already.
fn of_refused(refused: &[Refused]) -> String {
    let (allowed, never): (Vec<&Refused>, Vec<&Refused>) = refused.iter().partition(|it| it.can_be_allowed);
    let mut never: Vec<&str> = never.iter().map(|finding| finding.code).collect();
    never.dedup();
    match (options(&allowed), never.as_slice()) {
        (options, []) if options.contains("--allow-secret") => {
            format!("Mend what is listed above. Only if every player may have these secrets, add {options}.")
        }
        (options, []) => format!("Mend what is listed above; or, if that is meant, add {options}."),
        (options, never) if options.is_empty() => {
            format!("Mend what is listed above: {} cannot be allowed.", never.join(", "))
        }
        (options, never) => format!(
            "Mend what is listed above: {} cannot be allowed. If the rest is meant, add {options}.",
            never.join(", ")
        ),
    }
}

/// The options that allow these findings: a secret by its path, anything else by its code.
fn options(allowed: &[&Refused]) -> String {
    let (mut codes, mut paths) = (Vec::new(), Vec::new());
    for finding in allowed {
        match &finding.path {
            Some(path) if matches!(finding.code, "secret" | "possible_secret") => {
                paths.push(format!("--allow-secret {}", shell_word(OsStr::new(path))));
            }
            _ => codes.push(finding.code),
        }
    }
    codes.dedup();
    paths.dedup();
    if paths.len() > MAX_NAMED {
        paths = vec!["--allow-secret PATH for each".to_owned()];
    }
    let codes = (!codes.is_empty()).then(|| format!("--allow {}", codes.join(",")));
    codes.into_iter().chain(paths).collect::<Vec<_>>().join(" ")
}

/// What the token of a publisher lacks, and the command of an operator that gives it.
fn of_scope(detail: &str, words: &Words) -> Option<String> {
    let scope = detail.split_once("lacks the scope ")?.1.trim();
    let is_name = |it: char| it.is_ascii_alphanumeric() || "-:*".contains(it);
    if scope.is_empty() || !scope.chars().all(is_name) {
        return None;
    }
    let create = format!("`vsekai-server token create --name NAME --scope {scope}`");
    Some(if scope == "admin" && words.command() == "publish" {
        words.fill(&format!(
            "The server does not have this mode yet, or not this key, and only an admin token brings those. Whoever has one \
             runs `vsekai keys push {{keys}} --server {{server}}` once, or makes you one with {create}. After that, a token \
             for the mode is enough."
        ))
    } else {
        format!("Whoever runs the server makes a token that may: {create}. Give it with --token-file or VSEKAI_TOKEN.")
    })
}

/// What to do without a token, and with one that does not count.
fn of_token(detail: &str, words: &Words) -> String {
    let scope = if words.command() == "publish" { "publish:MODE" } else { "admin" };
    let made =
        format!("Whoever runs the server makes one with `vsekai-server token create --name NAME --scope {scope}`");
    if detail.contains("none was sent") {
        let first = "the first start of a server writes one to `admin-token` in its data folder";
        return format!("Give one with --token-file FILE or VSEKAI_TOKEN. {made}; {first}.");
    }
    format!("Check --token-file or VSEKAI_TOKEN, and that it is a token of this server. {made}.")
}

/// How a key of a configuration file is corrected that no setting has.
fn of_unknown_key(reason: &str) -> Option<String> {
    let key = reason.split_once("unknown field `")?.1.split('`').next()?;
    let is_name = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
    if key.is_empty() || !key.chars().all(is_name) {
        return None;
    }
    Some(match text::closest(&key.to_ascii_lowercase().replace('-', "_"), &config::KEYS) {
        Some(meant) => format!("Write `{meant}` there, or remove the line with `vsekai config unset {key}`."),
        None => format!("Remove the line with `vsekai config unset {key}`; `vsekai config show` lists the settings."),
    })
}

/// A line of a configuration file that can be used, for each key.
const LINES: [(&str, &str); config::KEYS.len()] = [
    ("repository", "[\"https://example.org/game\"]"),
    ("trust_root", "\"/path/to/root.json\""),
    ("mode", "\"beta\""),
    ("platform", "\"linux-x86_64\""),
    ("limit_rate", "\"5M\""),
    ("proxy", "\"http://proxy.example.org:3128\""),
    ("connections", "64"),
    ("cache", "\"/path/to/cache\""),
    ("shared_cache", "true"),
    ("grace_seconds", "30"),
    ("reports", "false"),
];

/// How a value is corrected that its key cannot have.
fn of_value(reason: &str) -> Option<String> {
    let (key, value) = LINES.iter().find(|(key, _)| reason.contains(&format!(": {key}: ")))?;
    Some(format!("Write it as in `{key} = {value}`, or remove the line with `vsekai config unset {key}`."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Cli;

    fn words(line: &str) -> Words {
        Cli::parse_arguments(line.split(' ').map(Into::into).collect()).unwrap().words
    }

    fn refused(code: &'static str, path: &str, can_be_allowed: bool) -> Refused {
        Refused { code, path: (!path.is_empty()).then(|| path.to_owned()), hint: "Leave it out.", can_be_allowed }
    }

    fn publish() -> Words {
        words("publish B --mode m --version 1.0.0 --entry g --server https://a.example --keys K")
    }

    fn full(error: &Error) -> String {
        super::super::of(error, Audience::Publisher, &publish()).unwrap()
    }

    #[test]
    fn lint_names_each_finding_and_what_allows_it() {
        let lint = |refused: Vec<Refused>| full(&Error::LintFailed { findings: 1, codes: String::new(), refused });
        let said = lint(vec![refused("possible_secret", "my key.pem", true), refused("version_lower", "", true)]);
        let quoted = if cfg!(windows) { "\"my key.pem\"" } else { "'my key.pem'" };
        assert!(!said.contains("Leave it out"), "it is said once, where the finding is: {said}");
        assert!(said.ends_with(&format!("add --allow version_lower --allow-secret {quoted}.")), "{said}");
        let said = lint(vec![refused("case_collision", "A", false), refused("entry_not_program", "game", true)]);
        assert!(
            said.ends_with("case_collision cannot be allowed. If the rest is meant, add --allow entry_not_program."),
            "{said}"
        );
        let said = lint(["a", "b", "c", "d", "e"].map(|path| refused("publisher_file", path, false)).to_vec());
        let keys: Vec<String> = (0..9).map(|at| format!("{at}.pem")).collect();
        let many = lint(keys.iter().map(|path| refused("secret", path, true)).collect());
        assert!(many.ends_with("add --allow-secret PATH for each."), "{many}");
        assert!(said.ends_with("publisher_file cannot be allowed.") && !said.contains("--allow"), "{said}");
    }

    #[test]
    fn mistyped_names_are_recognized() {
        let mode = Error::ModeUnknown { mode: "bata".into(), known: "beta, stable".into() };
        assert!(full(&mode).starts_with("Did you mean beta? The key folder has no key"), "{}", full(&mode));
        let version = |version: &str, known: &str| {
            full(&Error::VersionUnknown { mode: "m".into(), version: version.into(), known: known.into() })
        };
        assert!(version("1.2.00", "1.3.0, 1.2.0").starts_with("Did you mean 1."));
        assert!(version("7.7.7", "1.3.0, 1.2.0").starts_with("The newest is 1.3.0."));
        let none = Error::NoBuild { mode: "m".into(), platform: "win64-x86_64".into(), is_recalled: false };
        assert!(full(&none).starts_with("Did you mean windows-x86_64?"));
    }

    #[test]
    fn refused_publishers_learn_who_lets_them() {
        let forbidden = |scope: &str| {
            let detail = format!("The token lacks the scope {scope}");
            full(&Error::ServerRefused { status: 403, code: "forbidden".into(), detail })
        };
        assert!(forbidden("publish:m").contains("token create --name NAME --scope publish:m`"));
        assert!(
            forbidden("admin").contains("`vsekai keys push K --server https://a.example`"),
            "{}",
            forbidden("admin")
        );
        assert!(forbidden("admin`; rm").contains("Whoever runs the server makes them"));
    }

    #[test]
    fn who_has_no_token_learns_where_to_get_one() {
        let of = |detail: &str| {
            full(&Error::ServerRefused { status: 401, code: "unauthorized".into(), detail: detail.into() })
        };
        let none = of("This needs a token, and none was sent");
        assert!(none.starts_with("Give one with --token-file") && none.contains("--scope publish:MODE"), "{none}");
        let wrong = of("The token is not valid any more: it expired on 2026-11-01");
        assert!(wrong.starts_with("Check --token-file or VSEKAI_TOKEN") && !wrong.contains("Give one"), "{wrong}");
    }

    #[test]
    fn command_that_lacks_a_folder_is_named_as_it_was_typed() {
        let error = Error::invalid("DIR", options::NO_INSTALL);
        for command in ["launch", "mode list"] {
            let said = super::super::of(&error, Audience::Player, &words(command)).unwrap();
            assert!(said.contains(&format!("`vsekai {command} GAME`")), "{said}");
        }
    }

    #[test]
    fn unknown_settings_are_named() {
        let of = |text: &str| {
            let error = config::Config::parse(text).unwrap_err();
            super::super::of(&error, Audience::Player, &words("status GAME")).unwrap()
        };
        assert!(
            of("limit-rate = '5M'").starts_with("Write `limit_rate` there, or remove"),
            "{}",
            of("limit-rate = '5M'")
        );
        assert!(of("nonsense = 1").starts_with("Remove the line with `vsekai config unset nonsense`"));
        let loaded = |text: &str| {
            let error = config::in_file(std::path::Path::new("/c.toml"), config::Config::parse(text).unwrap_err());
            super::super::of(&error, Audience::Player, &words("status GAME")).unwrap()
        };
        assert!(loaded("\nconnections = 5000").starts_with("Write it as in `connections = 64`, or remove"));
        assert!(loaded("mode 5").starts_with("Correct that line"));
    }

    #[test]
    #[cfg(unix)]
    fn example_of_each_setting_can_be_used() {
        for (at, (key, value)) in LINES.iter().enumerate() {
            assert_eq!(config::KEYS[at], *key);
            config::Config::parse(&format!("{key} = {value}")).unwrap();
        }
    }
}
