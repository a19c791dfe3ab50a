//! What the command line wants. Decides only.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The first word of a stub that goes on in another folder: see [`uninstall`](crate::uninstall).
pub(crate) const GO_ON: &str = "go-on-uninstalling";

const QUIET: &str = "--quiet";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A command of `vsekai`, with what follows the folder.
    Vsekai(Command),
    /// Removes the install in which this program is.
    Uninstall { is_quiet: bool },
    /// The same from a copy, for an install elsewhere.
    GoOn { root: PathBuf, is_quiet: bool },
}

/// `vsekai --json VERB DIR AFTER`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) verb: &'static str,
    pub(crate) after: Vec<OsString>,
}

impl Wanted {
    /// The meaning of a command line without the program's name; `None` if it has none.
    ///
    /// What stands behind `--` is passed on as it is, and never taken for an option. A link may have become several
    /// words: `vsekai open` refuses them.
    pub(crate) fn of(words: Vec<OsString>) -> Option<Self> {
        let texts: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
        match texts.as_slice() {
            // The menu: a launcher if there is one.
            [] => Some(Self::Vsekai(Command { verb: "open", after: Vec::new() })),
            ["--", ..] => Some(Self::Vsekai(Command { verb: "launch", after: words })),
            ["open", "--", ..] => Some(Self::Vsekai(Command { verb: "open", after: words[1..].to_vec() })),
            ["uninstall"] => Some(Self::Uninstall { is_quiet: false }),
            ["uninstall", QUIET] => Some(Self::Uninstall { is_quiet: true }),
            [GO_ON, _] => Some(Self::GoOn { root: PathBuf::from(&words[1]), is_quiet: false }),
            [GO_ON, _, QUIET] => Some(Self::GoOn { root: PathBuf::from(&words[1]), is_quiet: true }),
            _ => None,
        }
    }
}

/// The words that make a stub go on.
pub(crate) fn go_on(root: &OsStr, is_quiet: bool) -> Vec<OsString> {
    let quiet = is_quiet.then(|| OsString::from(QUIET));
    [OsString::from(GO_ON), root.to_owned()].into_iter().chain(quiet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<Wanted> {
        Wanted::of(words.iter().map(OsString::from).collect())
    }

    fn vsekai(verb: &'static str, after: &[&str]) -> Wanted {
        Wanted::Vsekai(Command { verb, after: after.iter().map(OsString::from).collect() })
    }

    #[test]
    fn desktop_says_what_it_wants() {
        assert_eq!(of(&[]), Some(vsekai("open", &[])));
        assert_eq!(of(&["--", "--use_vr"]), Some(vsekai("launch", &["--", "--use_vr"])));
        assert_eq!(of(&["open", "--", "uro://a"]), Some(vsekai("open", &["--", "uro://a"])));
        assert_eq!(of(&["uninstall"]), Some(Wanted::Uninstall { is_quiet: false }));
        assert_eq!(of(&["uninstall", "--quiet"]), Some(Wanted::Uninstall { is_quiet: true }));
    }

    #[test]
    fn words_of_a_link_are_never_options_of_ours() {
        let hostile = ["--", "uro://x", "uninstall", "--quiet", "--", "--main-pack"];
        let given: Vec<&str> = ["open"].into_iter().chain(hostile).collect();
        assert_eq!(of(&given), Some(vsekai("open", &hostile)));
        for refused in [&["open"][..], &["open", "uro://a"], &["launch"], &["uninstall", "x"], &["--quiet"], &[GO_ON]] {
            assert_eq!(of(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn copy_understands_what_the_original_tells_it() {
        for is_quiet in [false, true] {
            let told = go_on(OsStr::new("C:\\V Sekai"), is_quiet);
            assert_eq!(Wanted::of(told), Some(Wanted::GoOn { root: PathBuf::from("C:\\V Sekai"), is_quiet }));
        }
    }
}
