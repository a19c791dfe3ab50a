mod copies;

use std::collections::BTreeMap;
use std::fs;
#[cfg(unix)]
use std::process::Command;

use super::*;
#[cfg(unix)]
use crate::local::disk;

#[path = "tests/other_systems.rs"]
mod other_systems;

/// A home folder with an install in it.
struct Desk {
    folder: tempfile::TempDir,
    folders: Folders,
    root: PathBuf,
    program: PathBuf,
    links: Links,
    copies_program: bool,
    stub: Option<PathBuf>,
    icon: Option<&'static [u8]>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        let folders = Folders {
            data: home.join(".local").join("share"),
            config: home.join(".config"),
            programs: home.join("Applications"),
        };
        let (root, program) = (home.join("games/V-Sekai"), home.join("bin/vsekai"));
        Self {
            folder,
            folders,
            root,
            program,
            links: Links::IfFree,
            copies_program: false,
            stub: None,
            icon: Some(b"<svg/>"),
        }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn try_on(&self, system: System, earlier: Option<&Record>) -> Result<Record> {
        integrate_on(system, &self.request(earlier))
    }

    fn request<'a>(&'a self, earlier: Option<&'a Record>) -> Request<'a> {
        Request {
            display_name: "V-Sekai",
            install_root: &self.root,
            program: &self.program,
            copies_program: self.copies_program,
            stub: self.stub.as_deref(),
            icon: self.icon.map(Icon::Svg),
            app_id_prefix: APP_ID_PREFIX,
            scheme: "uro",
            installed: ("1.0.0", 2048),
            links: self.links,
            folders: &self.folders,
            refresh: None,
            earlier,
        }
    }

    fn integrate(&self, earlier: Option<&Record>) -> Record {
        self.try_on(System::Linux, earlier).unwrap()
    }

    fn entry(&self) -> PathBuf {
        self.folders.data.join("applications").join(format!("{}.desktop", app_id(APP_ID_PREFIX, &self.root)))
    }

    fn list(&self) -> PathBuf {
        self.folders.config.join("mimeapps.list")
    }

    fn write_list(&self, text: &str) {
        fs::create_dir_all(&self.folders.config).unwrap();
        fs::write(self.list(), text).unwrap();
    }

    fn read_list(&self) -> String {
        fs::read_to_string(self.list()).unwrap()
    }

    /// All folders and files below the home folder, files with their bytes.
    fn all(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        fn add(folder: &Path, all: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                all.insert(entry.clone(), fs::read(&entry).ok());
                if entry.is_dir() {
                    add(&entry, all);
                }
            }
        }
        let mut all = BTreeMap::new();
        add(&self.home(), &mut all);
        all
    }
}

/// The record as it is read back from `state.json`.
fn stored(record: &Record) -> Record {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

fn handler(desk: &Desk) -> String {
    format!("x-scheme-handler/uro={}.desktop", app_id(APP_ID_PREFIX, &desk.root))
}

#[test]
fn everything_is_made_and_taken_back() {
    let desk = Desk::new();
    let before = desk.all();
    let record = desk.integrate(None);
    assert!(record.has_scheme);
    assert_eq!(
        fs::read(desk.folders.data.join(format!("icons/hicolor/scalable/apps/{}.svg", record.app_id))).unwrap(),
        b"<svg/>"
    );
    assert_eq!(desk.read_list(), format!("[Default Applications]\n{}\n", handler(&desk)));
    assert!(record.places().contains(&desk.entry().display().to_string()));
    unintegrate(&stored(&record)).unwrap();
    assert_eq!(desk.all(), before);
    unintegrate(&record).unwrap();
    assert_eq!(desk.all(), before);
}

#[test]
fn twice_is_as_once() {
    let desk = Desk::new();
    desk.write_list("[Added Associations]\na=b\n");
    let before = desk.all();
    let first = desk.integrate(None);
    let after = desk.all();
    let second = desk.integrate(Some(&stored(&first)));
    assert_eq!(desk.all(), after);
    assert_eq!(second, first);
    unintegrate(&second).unwrap();
    assert_eq!(desk.all(), before);
}

#[test]
fn list_of_handlers_is_restored_to_the_byte() {
    for text in [
        "",
        "\n",
        "# mine\n",
        "[Default Applications]",
        "[Default Applications]\n",
        "[Default Applications]\r\ntext/html=a.desktop;\r\n",
        "[Default Applications]\n\n# why\ntext/html = a.desktop\n\n[Added Associations]\nx-scheme-handler/uro=b.desktop\n",
        "[Added Associations]\nx-scheme-handler/uro=b.desktop",
        "[Added Associations]\n\n[Default Applications]\nx-scheme-handler/uro=\n",
    ] {
        let desk = Desk::new();
        desk.write_list(text);
        let record = desk.integrate(None);
        assert!(record.has_scheme, "{text:?}");
        let changed = desk.read_list();
        assert!(changed.contains(&handler(&desk)), "{text:?}");
        let kept: Vec<_> = text.lines().filter(|line| !line.ends_with("uro=")).collect();
        assert!(kept.iter().all(|line| changed.lines().any(|other| other == *line)), "{changed:?}");
        unintegrate(&record).unwrap();
        assert_eq!(desk.read_list(), text);
    }
}

#[test]
fn handler_of_another_program_is_kept_unless_it_is_to_be_taken() {
    let text = "[Default Applications]\nx-scheme-handler/uro = other.desktop;third.desktop; \na=b\n";
    let mut desk = Desk::new();
    desk.write_list(text);
    let record = desk.integrate(None);
    assert!(!record.has_scheme);
    assert_eq!(desk.read_list(), text);
    desk.links = Links::TakeOver;
    let record = desk.integrate(Some(&record));
    assert!(record.has_scheme);
    let ours = format!("[Default Applications]\nx-scheme-handler/uro ={}.desktop\na=b\n", record.app_id);
    assert_eq!(desk.read_list(), ours);
    desk.links = Links::IfFree;
    let record = desk.integrate(Some(&record));
    assert!(record.has_scheme, "it is still ours");
    unintegrate(&record).unwrap();
    assert_eq!(desk.read_list(), text);
}

#[test]
fn two_installs_share_a_home() {
    let first = Desk::new();
    let second = Desk { root: first.home().join("games/other"), ..Desk::new() };
    let second = Desk { folders: first.folders.clone(), links: Links::TakeOver, ..second };
    assert_ne!(app_id(APP_ID_PREFIX, &first.root), app_id(APP_ID_PREFIX, &second.root));
    let (a, b) = (first.integrate(None), second.integrate(None));
    assert!(first.read_list().contains(&handler(&second)));
    unintegrate(&b).unwrap();
    assert!(first.entry().exists() && first.read_list().contains(&handler(&first)));
    // In the other order: the former default is gone, so no reference to it may be left.
    let b = second.integrate(None);
    unintegrate(&a).unwrap();
    assert!(!first.entry().exists() && first.read_list().contains(&handler(&second)));
    unintegrate(&b).unwrap();
    assert!(!first.read_list().contains("uro"), "{}", first.read_list());
}

#[test]
fn what_the_user_changed_stays() {
    let desk = Desk::new();
    let record = desk.integrate(None);
    fs::write(desk.entry(), "[Desktop Entry]\nName=Mine\n").unwrap();
    desk.write_list("[Default Applications]\nx-scheme-handler/uro=mine.desktop\n");
    let icon = desk.folders.data.join(format!("icons/hicolor/scalable/apps/{}.svg", record.app_id));
    fs::remove_file(icon).unwrap();
    unintegrate(&record).unwrap();
    assert_eq!(fs::read_to_string(desk.entry()).unwrap(), "[Desktop Entry]\nName=Mine\n");
    assert_eq!(desk.read_list(), "[Default Applications]\nx-scheme-handler/uro=mine.desktop\n");
    assert!(!desk.folders.data.join("icons").exists());
}

#[test]
fn list_that_was_written_anew_loses_our_line_alone() {
    let desk = Desk::new();
    let record = desk.integrate(None);
    let line = handler(&desk);
    desk.write_list(&format!("[Default Applications]\n{line}\ntext/html=a.desktop\n"));
    unintegrate(&record).unwrap();
    assert_eq!(desk.read_list(), "[Default Applications]\ntext/html=a.desktop\n");
    desk.write_list(&format!("[Default Applications]\ntext/html=a.desktop\n{line};\n[Added Associations]\n{line}\n"));
    unintegrate(&record).unwrap();
    let want = format!("[Default Applications]\ntext/html=a.desktop\n[Added Associations]\n{line}\n");
    assert_eq!(desk.read_list(), want);
}

#[test]
fn file_of_handlers_that_is_no_text_is_left_alone() {
    let desk = Desk::new();
    fs::create_dir_all(&desk.folders.config).unwrap();
    fs::write(desk.list(), [0xff, b'\n']).unwrap();
    assert!(!desk.integrate(None).has_scheme);
    assert_eq!(fs::read(desk.list()).unwrap(), [0xff, b'\n']);
    desk.write_list(&"#".repeat((1 << 20) + 1));
    assert!(!desk.integrate(None).has_scheme);
    assert_eq!(desk.read_list().len(), (1 << 20) + 1);
}

#[test]
#[cfg(unix)]
fn list_behind_a_link_stays_behind_it_with_its_mode() {
    let desk = Desk::new();
    let real = desk.home().join("dotfiles");
    fs::write(&real, "[Default Applications]\n").unwrap();
    disk::set_mode(&real, 0o600).unwrap();
    fs::create_dir_all(&desk.folders.config).unwrap();
    std::os::unix::fs::symlink(&real, desk.list()).unwrap();
    desk.integrate(None);
    assert!(fs::symlink_metadata(desk.list()).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains(&handler(&desk)));
    assert_eq!(disk::mode(&fs::metadata(&real).unwrap()), 0o600);
}

#[test]
fn what_an_earlier_run_made_elsewhere_is_removed() {
    let mut desk = Desk::new();
    let record = desk.integrate(None);
    let old = desk.folders.data.clone();
    desk.folders.data = desk.home().join("elsewhere");
    let record = desk.integrate(Some(&record));
    assert!(!old.exists() && desk.entry().exists());
    desk.icon = Some(b"<svg>new</svg>");
    let record = desk.integrate(Some(&record));
    unintegrate(&record).unwrap();
    assert_eq!(desk.all(), BTreeMap::new());
}

#[test]
fn failure_leaves_nothing_behind() {
    let desk = Desk::new();
    fs::create_dir_all(desk.list()).unwrap();
    let before = desk.all();
    assert!(desk.try_on(System::Linux, None).is_err());
    assert_eq!(desk.all(), before);
}

/// Parses `Exec` like a desktop: escapes of the file, then quotes, then field codes.
#[cfg(unix)]
fn exec_words(entry: &str) -> Vec<String> {
    let line = entry.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
    let line = line.replace("\\\\", "\\");
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => word.push(letters.next().unwrap()),
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            '%' if !is_quoted && word.is_empty() && letters.as_str() == "u" => word.push('%'),
            '%' => {
                assert_eq!(letters.next(), Some('%'));
                word.push('%');
            }
            _ => word.push(letter),
        }
    }
    words.push(word);
    words
}

const NAMES: [&str; 9] =
    ["plain", "with space", "it's", "say \"hi\"", "100%", "%u", "ゲーム é", "a\\b", "$HOME `x` ~;&|*?#()<>"];

#[test]
#[cfg(unix)]
fn any_path_is_started_as_it_is() {
    for name in NAMES {
        let mut desk = Desk::new();
        desk.root = desk.home().join(name);
        desk.program = desk.home().join(name).join("vsekai");
        desk.integrate(None);
        let entry = fs::read_to_string(desk.entry()).unwrap();
        let paths = [&desk.program, &desk.root].map(|path| path.to_str().unwrap());
        assert_eq!(exec_words(&entry), [paths[0], "open", paths[1], "--", "%u"], "{entry}");
    }
}

#[test]
#[cfg(unix)]
fn menu_entry_is_valid() {
    let found = Command::new("desktop-file-validate").arg("--help").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "desktop-file-validate must be on PATH in CI");
        let text = "SKIPPED: desktop-file-validate is not on PATH, menu entries are not validated\n";
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
        return;
    }
    for name in NAMES {
        let mut desk = Desk::new();
        desk.root = desk.home().join(name);
        desk.program = desk.home().join(name).join("vsekai");
        desk.integrate(None);
        let output = Command::new("desktop-file-validate").arg(desk.entry()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.is_empty(), "{said}{}", fs::read_to_string(desk.entry()).unwrap());
    }
}

#[test]
#[cfg(unix)]
fn desktop_is_told_and_a_program_that_hangs_is_ended() {
    let desk = Desk::new();
    let tool = desk.home().join("refresh");
    let write_tool = |text: &str| {
        fs::write(&tool, text).unwrap();
        disk::set_mode(&tool, 0o755).unwrap();
    };
    let before = desk.all();
    let integrate = || {
        let request = Request {
            display_name: "V-Sekai",
            install_root: &desk.root,
            program: &desk.program,
            copies_program: false,
            stub: None,
            icon: desk.icon.map(Icon::Svg),
            app_id_prefix: APP_ID_PREFIX,
            scheme: "uro",
            installed: ("1.0.0", 2048),
            links: Links::IfFree,
            folders: &desk.folders,
            refresh: Some(&tool),
            earlier: None,
        };
        integrate_on(System::Linux, &request).unwrap()
    };
    write_tool("#!/bin/sh\nprintf '[MIME Cache]\\n' > \"$1/mimeinfo.cache\"\n");
    let record = integrate();
    assert!(desk.folders.data.join("applications/mimeinfo.cache").exists());
    unintegrate(&record).unwrap();
    fs::remove_file(&tool).unwrap();
    assert_eq!(desk.all(), before);
    write_tool("#!/bin/sh\nexec sleep 60\n");
    let started = std::time::Instant::now();
    integrate();
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn a_game_may_have_no_icon_and_no_links() {
    let desk = Desk { icon: None, links: Links::Never, ..Desk::new() };
    let request = Request { scheme: "", ..desk.request(None) };
    for system in [System::Linux, System::MacOs] {
        let record = integrate_on(system, &request).unwrap();
        assert!(!record.has_scheme);
        if system == System::Linux {
            let entry = fs::read_to_string(desk.entry()).unwrap();
            assert!(!entry.contains("Icon=") && !entry.contains("MimeType="), "{entry}");
            assert!(!desk.folders.data.join("icons").exists());
        }
        unintegrate(&stored(&record)).unwrap();
    }
    assert!(desk.all().is_empty());
}

#[test]
fn values_that_a_desktop_could_not_take_are_refused() {
    let refused = |change: fn(&mut Desk)| {
        let mut desk = Desk::new();
        change(&mut desk);
        matches!(desk.try_on(System::Linux, None), Err(Error::Invalid { .. })) && desk.all().is_empty()
    };
    assert!(refused(|desk| desk.program = "vsekai".into()));
    assert!(refused(|desk| desk.root = "games".into()));
    assert!(refused(|desk| desk.root = desk.home().join("a\nExec=b")));
    assert!(refused(|desk| desk.program = desk.home().join("a=b")));
    assert!(refused(|desk| desk.icon = Some(vec![0; (1 << 20) + 1].leak())));
    let desk = Desk::new();
    for (display_name, scheme) in [("a/b", "uro"), ("", "uro"), ("V", ""), ("V", "Uro"), ("V", "uro;x"), ("V", "1")] {
        let request = Request {
            display_name,
            install_root: &desk.root,
            program: &desk.program,
            copies_program: false,
            stub: None,
            icon: desk.icon.map(Icon::Svg),
            app_id_prefix: APP_ID_PREFIX,
            scheme,
            installed: ("1.0.0", 2048),
            links: Links::IfFree,
            folders: &desk.folders,
            refresh: None,
            earlier: None,
        };
        assert!(matches!(integrate_on(System::Linux, &request), Err(Error::Invalid { .. })), "{display_name} {scheme}");
    }
}
