//! Who has installed this program: a package manager, which then also updates it.
//!
//! Reads the databases of dpkg, asks `rpm`, and knows the folders of Homebrew, Scoop and `WinGet`. Changes nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A package manager that has installed a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// Its name.
    pub name: &'static str,
    /// The command that updates the program.
    pub command: String,
}

/// The package manager that has installed the program with this path, which has no links in it.
pub fn manager_of(program: &Path) -> Option<Manager> {
    by_folder(program)
        .or_else(|| by_dpkg(program, Path::new("/var/lib/dpkg/info")))
        .or_else(|| by_rpm(program, Path::new("rpm")))
}

/// Package managers that keep their programs in folders of their own.
fn by_folder(program: &Path) -> Option<Manager> {
    let names: Vec<_> = program.iter().map(|name| name.to_string_lossy().to_lowercase()).collect();
    let after = |folders: &[&str]| {
        let at = names.windows(folders.len()).position(|some| some.iter().eq(folders.iter()))?;
        // Of WinGet's folder `Publisher.Package_Source`, only the beginning is the package.
        names.get(at + folders.len()).map(|name| name.split('_').next().unwrap_or_default().to_owned())
    };
    let manager = |name, command| Some(Manager { name, command });
    if let Some(package) = after(&["cellar"]) {
        return manager("Homebrew", format!("brew upgrade {package}"));
    }
    if let Some(package) = after(&["scoop", "apps"]) {
        return manager("Scoop", format!("scoop update {package}"));
    }
    if let Some(package) = after(&["winget", "packages"]) {
        return manager("WinGet", format!("winget upgrade --id {package}"));
    }
    None
}

/// dpkg lists the files of each package in a file of its own, one on each line.
fn by_dpkg(program: &Path, database: &Path) -> Option<Manager> {
    let path = program.to_str()?;
    // Where `/bin` is a link to `/usr/bin`, a list may have either.
    let other = path.strip_prefix("/usr").filter(|short| short.starts_with("/bin/") || short.starts_with("/sbin/"));
    let is_it = |line: &str| line == path || Some(line) == other;
    let lists = fs::read_dir(database).ok()?.flatten().map(|entry| entry.path());
    let mut lists = lists.filter(|path| path.extension().is_some_and(|ending| ending == "list"));
    let list = lists.find(|list| fs::read_to_string(list).is_ok_and(|text| text.lines().any(is_it)))?;
    let package = list.file_stem()?.to_str()?.split(':').next()?;
    Some(Manager { name: "dpkg", command: format!("sudo apt install --only-upgrade {package}") })
}

/// The database of rpm has no format that we could read; `rpm` itself takes some milliseconds.
fn by_rpm(program: &Path, rpm: &Path) -> Option<Manager> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut command = Command::new(rpm);
    command.args(["--query", "--queryformat", "%{NAME}", "--file"]).arg(program);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let package = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(Manager { name: "rpm", command: format!("sudo dnf upgrade {package}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(found: Option<Manager>) -> String {
        found.map(|manager| format!("{}: {}", manager.name, manager.command)).unwrap_or_default()
    }

    #[test]
    fn folders_of_package_managers_are_known() {
        for (path, wanted) in [
            ("/opt/homebrew/Cellar/vsekai/0.1.0/bin/vsekai", "Homebrew: brew upgrade vsekai"),
            ("/home/linuxbrew/.linuxbrew/Cellar/vsekai/0.1.0/bin/vsekai", "Homebrew: brew upgrade vsekai"),
            ("/c/Users/u/scoop/apps/vsekai/current/vsekai.exe", "Scoop: scoop update vsekai"),
            (
                "/c/AppData/Local/Microsoft/WinGet/Packages/V-Sekai.Updater_Microsoft.Winget.Source_8we/vsekai.exe",
                "WinGet: winget upgrade --id v-sekai.updater",
            ),
            ("/home/u/bin/vsekai", ""),
            ("/home/u/scoop/vsekai", ""),
        ] {
            assert_eq!(command(by_folder(Path::new(path))), wanted, "{path}");
        }
    }

    #[test]
    fn files_of_dpkg_are_found_in_its_lists() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bash.list"), "/.\n/bin\n/bin/bash\n").unwrap();
        fs::write(folder.path().join("vsekai:amd64.list"), "/.\n/usr\n/usr/bin/vsekai\n").unwrap();
        fs::write(folder.path().join("vsekai.md5sums"), "/usr/bin/other\n").unwrap();
        let of = |path: &str| command(by_dpkg(Path::new(path), folder.path()));
        assert_eq!(of("/usr/bin/vsekai"), "dpkg: sudo apt install --only-upgrade vsekai");
        assert_eq!(of("/usr/bin/bash"), "dpkg: sudo apt install --only-upgrade bash");
        for none in ["/usr/bin/other", "/usr/bin/vsek", "/usr/local/bin/vsekai"] {
            assert_eq!(of(none), "", "{none}");
        }
        assert_eq!(by_dpkg(Path::new("/usr/bin/vsekai"), &folder.path().join("none")), None);
    }

    #[cfg(unix)]
    #[test]
    fn rpm_is_asked_for_its_package() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let rpm = folder.path().join("rpm");
        fs::write(&rpm, "#!/bin/sh\nfor last; do :; done\n[ \"$last\" = /usr/bin/vsekai ] && printf vsekai\n").unwrap();
        fs::set_permissions(&rpm, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(command(by_rpm(Path::new("/usr/bin/vsekai"), &rpm)), "rpm: sudo dnf upgrade vsekai");
        assert_eq!(by_rpm(Path::new("/home/u/vsekai"), &rpm), None);
        assert_eq!(by_rpm(Path::new("/usr/bin/vsekai"), &folder.path().join("none")), None);
    }
}
