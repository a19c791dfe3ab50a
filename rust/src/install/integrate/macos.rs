//! macOS: a small `.app` in the user's `Applications`, which starts `vsekai open`.
//!
//! Source: Apple, Information Property List Key Reference. Since the program is a script, it cannot
//! receive the address of a `uro:` link, which macOS sends as an Apple event.

use std::path::PathBuf;

use super::change::Work;
use super::{Links, Names, Request};
use crate::error::Result;

/// Returns whether the game receives addresses of the scheme, which is always false here: see above.
pub(super) fn make(request: &Request<'_>, names: &Names<'_>, work: &mut Work<'_>) -> Result<bool> {
    let list = property_list(request, names);
    let contents = place(request, names, &list, work).join("Contents");
    work.folder(&contents.join("MacOS"))?;
    work.program(&contents.join("MacOS").join("launch"), script(names).as_bytes())?;
    // Written last: without it, the folder is not a bundle, so the Finder never shows an incomplete one.
    work.file(&contents.join("Info.plist"), list.as_bytes())?;
    Ok(false)
}

/// `V-Sekai.app`, or `V-Sekai (1a2b3c4d).app` next to one that is not ours.
fn place(request: &Request<'_>, names: &Names<'_>, list: &str, work: &Work<'_>) -> PathBuf {
    let bundle = request.folders.programs.join(format!("{}.app", request.display_name));
    if work.may_write(&bundle.join("Contents").join("Info.plist"), list.as_bytes()) {
        return bundle;
    }
    request.folders.programs.join(format!("{} ({}).app", request.display_name, names.suffix()))
}

fn property_list(request: &Request<'_>, names: &Names<'_>) -> String {
    // A bundle identifier must not contain underscores.
    let id = names.app_id.replace('_', "-");
    let text = |key: &str, value: &str| format!("\t<key>{key}</key>\n\t<string>{}</string>\n", escaped(value));
    [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n",
        &text("CFBundleInfoDictionaryVersion", "6.0"),
        &text("CFBundleIdentifier", &id),
        &text("CFBundleName", request.display_name),
        &text("CFBundleDisplayName", request.display_name),
        &text("CFBundlePackageType", "APPL"),
        &text("CFBundleShortVersionString", "1.0"),
        &text("CFBundleVersion", "1"),
        &text("CFBundleExecutable", "launch"),
        &schemes(request, &id),
        "</dict>\n</plist>\n",
    ]
    .concat()
}

/// A launch agent of this user.
///
/// Source: Apple, Creating Launch Daemons and Agents; `launchd.plist(5)`.
pub(super) fn start_at_login(
    request: &Request<'_>,
    names: &Names<'_>,
    words: &[&str],
    work: &mut Work<'_>,
) -> Result<()> {
    let id = names.app_id.replace('_', "-");
    let home = request.folders.programs.parent().unwrap_or(&request.folders.programs);
    let folder = home.join("Library").join("LaunchAgents");
    let string = |word: &&str| format!("\t\t<string>{}</string>\n", escaped(word));
    let arguments = words.iter().map(string).collect::<Vec<_>>().concat();
    let list = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\t<key>Label</key>\n\t<string>{id}</string>\n\
         \t<key>ProgramArguments</key>\n\t<array>\n{arguments}\t</array>\n\
         \t<key>RunAtLoad</key>\n\t<true/>\n</dict>\n</plist>\n"
    );
    work.folder(&folder)?;
    work.file(&folder.join(format!("{id}.plist")), list.as_bytes())
}

/// What tells macOS that the application opens links.
fn schemes(request: &Request<'_>, id: &str) -> String {
    if request.links == Links::Never {
        return String::new();
    }
    [
        "\t<key>CFBundleURLTypes</key>\n\t<array>\n\t\t<dict>\n\t\t\t<key>CFBundleURLName</key>\n\t\t\t<string>",
        id,
        "</string>\n\t\t\t<key>CFBundleURLSchemes</key>\n\t\t\t<array>\n\t\t\t\t<string>",
        request.scheme,
        "</string>\n\t\t\t</array>\n\t\t</dict>\n\t</array>\n",
    ]
    .concat()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn script(names: &Names<'_>) -> String {
    let [program, root] = [names.program, names.install_root].map(quoted);
    format!("#!/bin/sh\nexec {program} open {root} -- \"$@\"\n")
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
