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
