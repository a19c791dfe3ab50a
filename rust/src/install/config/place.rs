//! The path of the user's configuration file.

use std::path::PathBuf;

/// The operating systems, each of which has its own place for configuration files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and the other Unixes: the XDG Base Directory Specification.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The system that this program was built for.
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

/// The folders of a user, as the caller found them in the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders {
    /// The home folder, `HOME`.
    pub home: Option<PathBuf>,
    /// The variable `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// The variable `APPDATA`, used on Windows.
    pub app_data: Option<PathBuf>,
}

/// The path of the user's `config.toml`; `None` if its folder is unknown.
///
/// | system | file |
/// |---|---|
/// | Linux | `$XDG_CONFIG_HOME/vsekai/config.toml`, else `~/.config/vsekai/config.toml` |
/// | macOS | `~/Library/Application Support/vsekai/config.toml` |
/// | Windows | `%APPDATA%\vsekai\config.toml` |
pub fn file_in(system: System, folders: &Folders) -> Option<PathBuf> {
    let home = || folders.home.clone().filter(|home| !home.as_os_str().is_empty());
    let base = match system {
        System::Linux => {
            // The specification says to ignore relative paths.
            let given = folders.xdg_config_home.clone().filter(|path| path.has_root());
            given.or_else(|| home().map(|home| home.join(".config")))
        }
        System::MacOs => home().map(|home| home.join("Library").join("Application Support")),
        System::Windows => folders.app_data.clone().filter(|path| !path.as_os_str().is_empty()),
    };
    base.map(|base| base.join("vsekai").join("config.toml"))
}
