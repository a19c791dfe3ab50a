use super::*;

#[test]
fn mac_bundle_is_made_and_taken_back() {
    for name in NAMES {
        let mut desk = Desk::new();
        desk.root = desk.home().join(name);
        let before = desk.all();
        let record = desk.try_on(System::MacOs, None).unwrap();
        assert!(!record.has_scheme);
        let contents = desk.folders.programs.join("V-Sekai.app/Contents");
        let list = fs::read_to_string(contents.join("Info.plist")).unwrap();
        assert!(list.contains("<string>uro</string>") && list.contains("<string>launch</string>"));
        let after = desk.all();
        assert_eq!(desk.try_on(System::MacOs, Some(&record)).unwrap(), record);
        assert_eq!(desk.all(), after);
        unintegrate(&stored(&record)).unwrap();
        assert_eq!(desk.all(), before);
    }
}

#[test]
#[cfg(unix)]
fn script_of_the_mac_bundle_starts_the_game_wherever_it_is() {
    for name in NAMES {
        let mut desk = Desk::new();
        desk.root = desk.home().join(name);
        desk.program = desk.home().join(format!("{name}-bin"));
        fs::write(&desk.program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
        disk::set_mode(&desk.program, 0o755).unwrap();
        desk.try_on(System::MacOs, None).unwrap();
        let script = desk.folders.programs.join("V-Sekai.app/Contents/MacOS/launch");
        let output = Command::new(script).arg("an address").output().unwrap();
        let want = format!("open\n{}\n--\nan address\n", desk.root.display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), want);
    }
}

#[test]
fn application_of_another_install_is_not_written_over() {
    for (system, name) in [(System::MacOs, "app/Contents/Info.plist"), (System::Windows, "lnk")] {
        let desk = Desk::new();
        let foreign = desk.folders.programs.join(format!("V-Sekai.{name}"));
        fs::create_dir_all(foreign.parent().unwrap()).unwrap();
        fs::write(&foreign, "foreign").unwrap();
        let before = desk.all();
        let record = desk.try_on(system, None).unwrap();
        assert_eq!(fs::read(&foreign).unwrap(), b"foreign");
        let suffix = &record.app_id[APP_ID_PREFIX.len() + 1..];
        assert!(desk.folders.programs.join(format!("V-Sekai ({suffix}).{name}")).exists());
        unintegrate(&record).unwrap();
        assert_eq!(desk.all(), before);
    }
}

#[test]
fn folders_are_those_of_the_user() {
    let environment = |name: &str| match name {
        "HOME" => Some("/home/me".to_owned()),
        "XDG_CONFIG_HOME" => Some("relative".to_owned()),
        "XDG_DATA_HOME" => Some("/data".to_owned()),
        "APPDATA" => Some("/roaming".to_owned()),
        _ => None,
    };
    let folders = Folders::find(System::Linux, &environment).unwrap();
    assert_eq!((folders.data, folders.config), ("/data".into(), Path::new("/home/me").join(".config")));
    let folders = Folders::find(System::MacOs, &environment).unwrap();
    assert_eq!(folders.programs, Path::new("/home/me").join("Applications"));
    let folders = Folders::find(System::Windows, &environment).unwrap();
    assert!(folders.programs.starts_with("/roaming") && folders.programs.ends_with("Start Menu/Programs"));
    assert_eq!(Folders::find(System::Linux, &|_| None), None);
}

/// As `host` has it for a launcher that was unpacked, and for one that is installed like a game.
fn at_login(desk: &Desk, system: System, opens: &Opens, earlier: Option<&Record>) -> Result<Record> {
    login::start_at_login_on(system, &desk.request(earlier), opens)
}

// An entry for Linux escapes the backslashes of this system's paths.
#[cfg(unix)]
#[test]
fn launcher_starts_with_the_session_until_it_is_taken_back() {
    let desk = Desk::new();
    let before = desk.all();
    let opens = Opens::Program(desk.home().join("my apps/launcher"));
    let record = at_login(&desk, System::Linux, &opens, None).unwrap();
    let entry = desk.folders.config.join(format!("autostart/{}.desktop", record.app_id));
    let text = fs::read_to_string(&entry).unwrap();
    let launcher = desk.home().join("my apps/launcher");
    assert!(text.contains(&format!("\nExec=\"{}\" login\n", launcher.display())), "{text}");
    assert!(text.starts_with("[Desktop Entry]\nType=Application\n"), "{text}");
    let again = at_login(&desk, System::Linux, &opens, Some(&stored(&record))).unwrap();
    unintegrate(&stored(&again)).unwrap();
    assert_eq!(desk.all(), before);
}

#[cfg(unix)]
#[test]
fn installed_launcher_starts_through_the_program_that_stays() {
    let desk = Desk::new();
    let opens = Opens::Install(desk.root.clone());
    let exec = |record: &Record| {
        let path = desk.folders.config.join(format!("autostart/{}.desktop", record.app_id));
        fs::read_to_string(path)
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix("Exec=").map(str::to_owned))
            .unwrap()
    };
    let record = at_login(&desk, System::Linux, &opens, None).unwrap();
    let (program, root) = (desk.program.display(), desk.root.display());
    assert_eq!(exec(&record), format!("{program} launch {root} -- login"));
    let copies = Desk { copies_program: true, ..desk };
    fs::create_dir_all(copies.root.join(".vsekai/bin")).unwrap();
    fs::write(copies.root.join(".vsekai/bin/vsekai"), "").unwrap();
    let record = at_login(&copies, System::Linux, &opens, Some(&record)).unwrap();
    let path = copies.folders.config.join(format!("autostart/{}.desktop", record.app_id));
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("/.vsekai/bin/vsekai launch "), "{text}");
    for opens in [Opens::Game, Opens::Install(copies.home())] {
        assert_eq!(at_login(&copies, System::Linux, &opens, None).unwrap_err().code(), "unsupported");
    }
}

#[test]
fn launch_agent_of_macos_is_made_and_taken_back() {
    let desk = Desk::new();
    let before = desk.all();
    let opens = Opens::Program(desk.home().join("V & S/launcher"));
    let record = at_login(&desk, System::MacOs, &opens, None).unwrap();
    let list = desk.home().join(format!("Library/LaunchAgents/{}.plist", record.app_id.replace('_', "-")));
    let text = fs::read_to_string(list).unwrap();
    assert!(text.contains("V &amp; S/launcher</string>\n\t\t<string>login</string>"), "{text}");
    assert!(text.contains("<key>RunAtLoad</key>\n\t<true/>"), "{text}");
    unintegrate(&record).unwrap();
    assert_eq!(desk.all(), before);
}

#[test]
fn value_of_windows_names_the_launcher() {
    let desk = Desk::new();
    let opens = Opens::Program(desk.home().join("my apps/launcher"));
    let record = at_login(&desk, System::Windows, &opens, None).unwrap();
    let places = record.places();
    assert_eq!(places.len(), 1);
    assert!(places[0].ends_with("\\CurrentVersion\\Run"), "{places:?}");
    unintegrate(&record).unwrap();
}
