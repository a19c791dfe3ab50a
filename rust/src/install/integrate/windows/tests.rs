use super::*;

/// Splits a command line like `CommandLineToArgvW`, by its documented rules: blanks separate words unless quoted;
/// before a quote, two backslashes are one, and a single one makes the quote a letter; in quotes, two quotes are a
/// letter, and the quotation ends. The program comes first and knows no backslashes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = line.chars().peekable();
    if letters.next_if_eq(&'"').is_some() {
        words.push(letters.by_ref().take_while(|letter| *letter != '"').collect());
        while letters.next_if(|letter| matches!(letter, ' ' | '\t')).is_some() {}
    }
    while letters.peek().is_some() {
        let (mut word, mut is_quoted) = (String::new(), false);
        while let Some(letter) = letters.next_if(|letter| is_quoted || !matches!(letter, ' ' | '\t')) {
            let mut backslashes = usize::from(letter == '\\');
            while backslashes > 0 && letters.next_if_eq(&'\\').is_some() {
                backslashes += 1;
            }
            if backslashes > 0 && letters.peek() == Some(&'"') {
                word.push_str(&"\\".repeat(backslashes / 2));
                letters.next();
                if backslashes % 2 == 1 { word.push('"') } else { is_quoted = !is_quoted }
            } else if backslashes > 0 {
                word.push_str(&"\\".repeat(backslashes));
            } else if letter == '"' && is_quoted && letters.next_if_eq(&'"').is_some() {
                word.push('"');
                is_quoted = false;
            } else if letter == '"' {
                is_quoted = !is_quoted;
            } else {
                word.push(letter);
            }
        }
        words.push(word);
        while letters.next_if(|letter| matches!(letter, ' ' | '\t')).is_some() {}
    }
    words
}

#[test]
fn command_line_is_read_back_as_it_was_meant() {
    let all =
        ["C:\\Program Files\\a.exe", "a\"b", "C:\\x\\", "C:\\x y\\", "\\\\server\\s\\", "", "é %1", "a\\\"", "\\"];
    assert_eq!(words(&command(&all)), all);
    assert_eq!(command(&["C:\\a.exe", "launch", "C:\\My Games\\"]), "C:\\a.exe launch \"C:\\My Games\\\\\"");
}

/// What a web page or another program may hand over, to become more than one harmless argument.
const HOSTILE: [&str; 18] = [
    r#"uro://x" --main-pack \\evil\share\p.pck ""#,
    r#"uro://x" "--main-pack" "\\evil\share\p.pck"#,
    r#"uro://x" -- --script evil.gd"#,
    r#"uro://x\" --main-pack p.pck"#,
    r#"uro://x\\" --main-pack p.pck"#,
    r#"uro://x"" --main-pack p.pck"#,
    r#"uro://x""" --main-pack p.pck"#,
    r#"uro://x"""" --main-pack p.pck"#,
    "uro://x\"\t--main-pack\tp.pck",
    r#"" --main-pack p.pck"#,
    r#"--main-pack=p.pck"#,
    r#"uro://x"y"#,
    r#"uro://x"" "#,
    r#"uro://x\"#,
    r#"uro://x --main-pack p.pck"#,
    "uro://x\r\n--main-pack",
    r#"uro://x" main.tscn"#,
    r#"uro://main.tscn"#,
];

#[test]
fn no_address_becomes_more_than_one_argument_that_is_taken() {
    let names = Names {
        app_id: "org.v_sekai.vsekai-12345678".to_owned(),
        program: "C:\\Program Files\\V Sekai\\vsekai.exe",
        stub: None,
        install_root: "D:\\My Games\\V Sekai\\",
    };
    let stub = Names { stub: Some("D:\\My Games\\V Sekai\\V-Sekai.exe"), app_id: names.app_id.clone(), ..names };
    let plain = words(&open_command(&names).replace("%1", "uro://a"));
    let through_stub = words(&open_command(&stub).replace("%1", "uro://a"));
    assert_eq!(plain[4..], through_stub[3..]);
    assert_eq!(through_stub[..3], [stub.stub.unwrap_or_default(), "open", "--"]);
    let registered = open_command(&names);
    for address in HOSTILE.iter().copied().chain(["uro://server/map?id=1"]) {
        let words = words(&registered.replace("%1", address));
        let ours = [names.program, "open", names.install_root, "--"];
        assert_eq!(words[..4], ours, "{address}");
        // `open` takes one argument behind `--`, and only an address.
        let taken = match &words[4..] {
            [one] => crate::install::link::LinkAddress::parse(one, "uro").ok(),
            _ => None,
        };
        let taken = taken.map(|address| address.as_str().to_owned());
        let wanted = match address {
            "uro://server/map?id=1" => Some(address),
            // The quote is gone; what is left is an address.
            r#"uro://x"y"# => Some("uro://xy"),
            _ => None,
        };
        assert_eq!(taken.as_deref(), wanted, "{address}: {words:?}");
    }
}

/// Reads a shortcut by the specification, field by field.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }

    fn string(&mut self) -> String {
        let count = u16::from_le_bytes(self.take(2).try_into().unwrap());
        wide(self.take(usize::from(count) * 2))
    }
}

fn wide(bytes: &[u8]) -> String {
    let letters: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&letters).unwrap().split('\0').next().unwrap().to_owned()
}

fn sample(target: &str) -> Vec<u8> {
    let link = Link { target, arguments: "launch \"D:\\V Sekai\" --", folder: "C:\\Games", description: "V-Sekai" };
    link.to_bytes()
}

#[test]
fn shortcut_is_read_by_its_specification() {
    for (target, has_environment) in [
        ("C:\\Games\\vsekai.exe", true),
        ("C:\\Spiele für ゲーム\\vsekai.exe", true),
        ("C:\\100%\\vsekai.exe", false),
        (&format!("C:\\{}\\vsekai.exe", "x".repeat(250)), false),
    ] {
        let bytes = sample(target);
        let mut reader = Reader(&bytes);
        assert_eq!(reader.u32(), 76);
        assert_eq!(hex::encode(reader.take(16)), "0114020000000000c000000000000046");
        let flags = reader.u32();
        assert_eq!(flags & 0x200 != 0, has_environment, "{target}");
        reader.take(76 - 24);
        let info = Reader(reader.0).u32() as usize;
        let info = reader.take(info);
        let offset = |at: usize| u32::from_le_bytes(info[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(offset(4), 0x24);
        assert_eq!(wide(&info[offset(28)..]), target);
        let narrow = info[offset(16)..].split(|byte| *byte == 0).next().unwrap();
        assert_eq!(narrow.len(), target.chars().count());
        assert_eq!(info[offset(24)], 0, "no suffix");
        assert_eq!(wide(&info[offset(32)..]), "");
        let strings = [reader.string(), reader.string(), reader.string(), reader.string()];
        assert_eq!(strings, ["V-Sekai", "C:\\Games", "launch \"D:\\V Sekai\" --", target]);
        if has_environment {
            assert_eq!((reader.u32(), reader.u32()), (0x314, 0xa000_0001));
            reader.take(260);
            assert_eq!(wide(reader.take(520)), target);
        }
        assert_eq!((reader.u32(), reader.0.len()), (0, 0));
    }
}

#[cfg(windows)]
mod registered {
    use windows_registry::CURRENT_USER;

    use super::super::super::{APP_ID_PREFIX, Folders, Icon, Links, Record, Request, integrate, unintegrate};
    use super::*;

    /// An install with its own name and scheme, because tests run in parallel in one registry.
    struct Desk {
        folder: tempfile::TempDir,
        folders: Folders,
        scheme: String,
        stub: Option<std::path::PathBuf>,
    }

    impl Desk {
        fn new(scheme: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().to_owned();
            let folders = Folders { config: data.clone(), programs: data.join("Programs"), data };
            let scheme = format!("{scheme}-{}", std::process::id());
            let _ = CURRENT_USER.remove_tree(format!("{CLASSES}\\{scheme}"));
            Self { folder, folders, scheme, stub: None }
        }

        fn integrate(&self, take_scheme: bool, earlier: Option<&Record>) -> Record {
            let program = self.folder.path().join("vsekai.exe");
            integrate(&Request {
                display_name: "V-Sekai",
                install_root: &self.folder.path().join("V Sekai"),
                program: &program,
                copies_program: false,
                stub: self.stub.as_deref(),
                icon: Some(Icon::Svg(b"")),
                app_id_prefix: APP_ID_PREFIX,
                scheme: &self.scheme,
                installed: ("1.0.0", 2048),
                links: if take_scheme { Links::TakeOver } else { Links::IfFree },
                folders: &self.folders,
                refresh: None,
                earlier,
            })
            .unwrap()
        }

        fn class(&self) -> String {
            format!("{CLASSES}\\{}", self.scheme)
        }

        fn command(&self) -> Option<String> {
            CURRENT_USER.open(format!("{}\\shell\\open\\command", self.class())).ok()?.get_string("").ok()
        }
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            let _ = CURRENT_USER.remove_tree(self.class());
        }
    }

    #[test]
    fn shell_opens_the_shortcut() {
        if CURRENT_USER.open("Software\\Wine").is_ok() {
            println!("SKIPPED: wine without a desktop opens no shortcut");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (shortcut, proof) = (folder.path().join("a shortcut.lnk"), folder.path().join("proof"));
        let link = Link {
            target: "C:\\windows\\system32\\cmd.exe",
            arguments: &format!("/c echo opened> {}", proof.display()),
            folder: folder.path().to_str().unwrap(),
            description: "A shortcut",
        };
        std::fs::write(&shortcut, link.to_bytes()).unwrap();
        let mut shell = std::process::Command::new("cmd");
        shell.args(["/c", "start", "/wait"]).arg(&shortcut);
        assert!(shell.status().unwrap().success());
        let started = std::time::Instant::now();
        let read = || std::fs::read_to_string(&proof).unwrap_or_default();
        while read().trim() != "opened" {
            assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", read());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    #[test]
    fn everything_is_made_and_taken_back() {
        let desk = Desk::new("uro-all");
        let record = desk.integrate(false, None);
        let uninstall = format!("{UNINSTALL}\\{}", record.app_id);
        let line = CURRENT_USER.open(&uninstall).unwrap().get_string("UninstallString").unwrap();
        assert_eq!(words(&line)[1], "uninstall");
        assert!(record.has_scheme);
        let command = desk.command().unwrap();
        assert_eq!(&words(&command)[1..], ["open", desk.folder.path().join("V Sekai").to_str().unwrap(), "--", "%1"]);
        assert!(desk.folders.programs.join("V-Sekai.lnk").is_file());
        assert_eq!(record.places().iter().filter(|place| place.ends_with(&record.app_id)).count(), 1);
        let again = desk.integrate(false, Some(&record));
        assert_eq!(again, record);
        unintegrate(&again).unwrap();
        assert!(CURRENT_USER.open(&uninstall).is_err());
        assert!(CURRENT_USER.open(desk.class()).is_err());
        assert!(!desk.folders.programs.exists());
        unintegrate(&again).unwrap();
    }

    #[test]
    fn stub_is_what_everything_starts() {
        let mut desk = Desk::new("uro-stub");
        let stub = desk.folder.path().join("vsekai-stub.exe");
        std::fs::write(&stub, b"stub").unwrap();
        std::fs::write(desk.folder.path().join("vsekai.exe"), b"vsekai").unwrap();
        std::fs::create_dir(desk.folder.path().join("V Sekai")).unwrap();
        desk.stub = Some(stub);
        let record = desk.integrate(true, None);
        let place = desk.folder.path().join("V Sekai").join("V-Sekai.exe");
        let place = place.to_str().unwrap();
        assert_eq!(words(&desk.command().unwrap()), [place, "open", "--", "%1"]);
        let key = CURRENT_USER.open(format!("{UNINSTALL}\\{}", record.app_id)).unwrap();
        assert_eq!(words(&key.get_string("UninstallString").unwrap()), [place, "uninstall"]);
        assert_eq!(words(&key.get_string("QuietUninstallString").unwrap()), [place, "uninstall", "--quiet"]);
        assert_eq!(key.get_string("DisplayIcon").unwrap(), place);
        unintegrate(&record).unwrap();
        assert!(!std::path::Path::new(place).exists());
    }

    #[test]
    fn list_of_programs_shows_the_version_and_the_size() {
        let desk = Desk::new("uro-version");
        let mut record = desk.integrate(false, None);
        let key = format!("{UNINSTALL}\\{}", record.app_id);
        let shown = || {
            let opened = CURRENT_USER.open(&key).unwrap();
            (opened.get_string("DisplayVersion").unwrap(), opened.get_u32("EstimatedSize").unwrap())
        };
        assert_eq!(shown(), ("1.0.0".to_owned(), 2));
        let quiet = CURRENT_USER.open(&key).unwrap().get_string("QuietUninstallString").unwrap();
        assert_eq!(&words(&quiet)[1..3], ["--quiet", "uninstall"]);
        assert_eq!(words(&quiet).last().unwrap(), "--yes", "there is no terminal to ask on");
        record.show_version("2.0.0", 5000).unwrap();
        assert_eq!(shown(), ("2.0.0".to_owned(), 5));
        // What somebody else has written there stays.
        CURRENT_USER.create(&key).unwrap().set_string("DisplayVersion", "of another").unwrap();
        record.show_version("3.0.0", 5000).unwrap();
        assert_eq!(shown().0, "of another");
        CURRENT_USER.create(&key).unwrap().set_string("DisplayVersion", "2.0.0").unwrap();
        unintegrate(&record).unwrap();
        assert!(CURRENT_USER.open(&key).is_err());
    }

    #[test]
    fn handler_of_another_program_is_kept_or_put_back() {
        let desk = Desk::new("uro-other");
        let open = CURRENT_USER.create(format!("{}\\shell\\open\\command", desk.class())).unwrap();
        open.set_expand_string("", "%APPDATA%\\other.exe \"%1\"").unwrap();
        let record = desk.integrate(false, None);
        assert!(!record.has_scheme);
        assert_eq!(desk.command().as_deref(), Some("%APPDATA%\\other.exe \"%1\""));
        let record = desk.integrate(true, Some(&record));
        assert!(desk.command().unwrap().contains("vsekai.exe"));
        unintegrate(&desk.integrate(false, Some(&record))).unwrap();
        assert_eq!(desk.command().as_deref(), Some("%APPDATA%\\other.exe \"%1\""));
        assert_eq!(open.get_type("").unwrap(), windows_registry::Type::ExpandString);
        let class = CURRENT_USER.open(desk.class()).unwrap();
        assert!(class.get_string("URL Protocol").is_err(), "it was not there before");
    }

    #[test]
    fn value_that_the_user_changed_stays() {
        let desk = Desk::new("uro-changed");
        let record = desk.integrate(false, None);
        let open = CURRENT_USER.create(format!("{}\\shell\\open\\command", desk.class())).unwrap();
        open.set_string("", "mine.exe").unwrap();
        unintegrate(&record).unwrap();
        assert_eq!(desk.command().as_deref(), Some("mine.exe"));
    }
}
