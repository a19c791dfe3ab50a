//! What a run of `vsekai --json` means: whether another `vsekai` should be tried, and what to tell the person.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

/// Exit codes with which Windows ends a program whose files it could not load: a library or a name in it is missing, or
/// one is of another system.
const NOT_LOADED: [u32; 5] = [0xc000_0135, 0xc000_0139, 0xc000_0138, 0xc000_007b, 0xc000_0142];

/// Failures of a program that is too old for what another one has written.
const TOO_OLD: [&str; 2] = ["state_too_new", "launcher_too_old"];

/// A run that has ended.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    /// The last line that says how it ended; `Null` if none does.
    last: Value,
}

impl Outcome {
    /// The outcome by the exit code and the end of what was printed. The game may have printed too.
    pub(crate) fn of(code: i32, printed: &[u8]) -> Self {
        let lines = printed.rsplit(|byte| *byte == b'\n');
        let mut values = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let last = values.find(|value| matches!(value["event"].as_str(), Some("done" | "error")));
        Self { code, last: last.unwrap_or_default() }
    }

    /// Whether this `vsekai` could do nothing, but another one may.
    pub(crate) fn leaves_it_to_another(&self) -> bool {
        let error = self.error().and_then(|error| error["code"].as_str()).unwrap_or_default();
        NOT_LOADED.contains(&self.code.cast_unsigned()) || TOO_OLD.contains(&error)
    }

    /// What to tell the person about a failure of `vsekai`; `None` if it did its work, even if the game failed.
    pub(crate) fn message(&self) -> Option<String> {
        let error = self.error()?;
        let mut text = error["message"].as_str().unwrap_or("vsekai failed.").to_owned();
        for cause in error["causes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let _ = write!(text, "\n{cause}");
        }
        if let Some(hint) = error["hint"].as_str() {
            let _ = write!(text, "\n\n{hint}");
        }
        Some(text)
    }

    /// What an uninstallation has done.
    pub(crate) fn removed(&self, name: &str, root: &Path) -> String {
        let root = root.display();
        let saved = self.last["saved_files"].as_u64().unwrap_or_default();
        if saved > 0 {
            return format!("{name} was removed. {saved} files of yours are still in {root}.");
        }
        if self.last["is_folder_gone"].as_bool() == Some(true) {
            return format!("{name} was removed.");
        }
        format!("{name} was removed. Files that it had not installed are still in {root}.")
    }

    fn error(&self) -> Option<&Value> {
        (self.last["event"] == "error").then_some(&self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &str =
        r#"{"event":"error","code":"damaged","message":"the game is damaged","causes":["a","b"],"hint":"Repair it."}"#;

    #[test]
    fn failure_of_the_updater_is_told_and_that_of_the_game_is_not() {
        let told = Outcome::of(1, format!("hello\n{ERROR}\n").as_bytes()).message();
        assert_eq!(told.as_deref(), Some("the game is damaged\na\nb\n\nRepair it."));
        let game =
            "ERROR: no sound\n{\"event\":\"done\",\"command\":\"launch\",\"exit_code\":1}\n{\"of\":\"the game\"}\n";
        assert_eq!(Outcome::of(1, game.as_bytes()).message(), None);
        assert_eq!(Outcome::of(1, b"").message(), None);
        // Cut off at its beginning.
        assert_eq!(Outcome::of(1, &ERROR.as_bytes()[5..]).message(), None);
    }

    #[test]
    fn another_one_is_tried_only_if_this_one_did_nothing() {
        let with = |code: &str| ERROR.replace("damaged\",\"m", &format!("{code}\",\"m"));
        for code in ["state_too_new", "launcher_too_old"] {
            assert!(Outcome::of(1, with(code).as_bytes()).leaves_it_to_another(), "{code}");
        }
        assert!(Outcome::of(0xc000_0135_u32.cast_signed(), b"").leaves_it_to_another());
        for (code, printed) in [(1, ERROR), (0, ""), (0xc000_0005_u32.cast_signed(), ""), (1, "state_too_new")] {
            assert!(!Outcome::of(code, printed.as_bytes()).leaves_it_to_another(), "{code} {printed}");
        }
    }

    #[test]
    fn uninstallation_says_what_is_left() {
        let said = |line: &str| Outcome::of(0, line.as_bytes()).removed("V-Sekai", Path::new("D"));
        let done = |rest: &str| said(&format!(r#"{{"event":"done","command":"uninstall",{rest}}}"#));
        assert_eq!(done(r#""saved_files":0,"is_folder_gone":true"#), "V-Sekai was removed.");
        assert!(done(r#""saved_files":3,"is_folder_gone":false"#).contains("3 files of yours are still in D"));
        assert!(done(r#""saved_files":0,"is_folder_gone":false"#).contains("had not installed"));
    }
}
