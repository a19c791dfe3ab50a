//! Programs that are placed in the install root, and installs without links.

use super::*;

#[cfg(unix)]
#[test]
fn program_that_may_go_is_copied_and_its_copy_renewed() {
    let mut desk = Desk::new();
    desk.copies_program = true;
    fs::create_dir_all(desk.program.parent().unwrap()).unwrap();
    fs::create_dir_all(&desk.root).unwrap();
    fs::write(&desk.program, vec![1; 5 << 20]).unwrap();
    let before = desk.all();
    let first = desk.integrate(None);
    let copy = desk.root.join(".vsekai/bin/vsekai");
    let starts = fs::read_to_string(desk.entry()).unwrap();
    assert!(starts.contains(copy.to_str().unwrap()) && !starts.contains(desk.program.to_str().unwrap()), "{starts}");
    fs::write(&desk.program, vec![2; 5 << 20]).unwrap();
    let bin = copy.parent().unwrap();
    disk::set_mode(bin, 0o777).unwrap();
    let second = desk.integrate(Some(&stored(&first)));
    assert_eq!(fs::read(&copy).unwrap(), vec![2; 5 << 20]);
    assert_eq!([bin, &copy].map(|path| disk::mode(&fs::metadata(path).unwrap()) & 0o777), [0o755; 2]);
    // Another program in its place is not ours.
    fs::write(&copy, b"of another").unwrap();
    unintegrate(&stored(&second)).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), b"of another");
    fs::write(&copy, vec![2; 5 << 20]).unwrap();
    unintegrate(&stored(&second)).unwrap();
    fs::write(&desk.program, vec![1; 5 << 20]).unwrap();
    assert_eq!(desk.all(), before);
}

#[test]
fn install_without_links_handles_none() {
    let mut desk = Desk::new();
    desk.links = Links::Never;
    for system in [System::Linux, System::MacOs] {
        let before = desk.all();
        let record = desk.try_on(system, None).unwrap();
        assert!(!record.has_scheme);
        let all = desk.all();
        let texts = all.values().flatten().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(!texts.into_iter().any(|text| text.contains("uro")), "{all:?}");
        unintegrate(&record).unwrap();
        assert_eq!(desk.all(), before);
    }
}

#[cfg(unix)]
#[test]
fn stub_is_what_windows_starts_and_another_program_of_its_name_is_left_alone() {
    let mut desk = Desk::new();
    let stub = desk.home().join("vsekai-stub.exe");
    fs::create_dir_all(desk.program.parent().unwrap()).unwrap();
    fs::create_dir_all(&desk.root).unwrap();
    fs::write(&desk.program, b"vsekai").unwrap();
    fs::write(&stub, b"stub").unwrap();
    desk.stub = Some(stub.clone());
    let before = desk.all();
    let first = desk.try_on(System::Windows, None).unwrap();
    let place = desk.root.join("V-Sekai.exe");
    assert_eq!(fs::read(&place).unwrap(), b"stub");
    assert_eq!(fs::read(desk.root.join(".vsekai/bin/vsekai.exe")).unwrap(), b"vsekai");
    fs::write(&stub, b"newer").unwrap();
    let second = desk.try_on(System::Windows, Some(&stored(&first))).unwrap();
    assert_eq!(fs::read(&place).unwrap(), b"newer");
    unintegrate(&stored(&second)).unwrap();
    fs::write(&stub, b"stub").unwrap();
    assert_eq!(desk.all(), before);
    fs::write(&place, b"of another").unwrap();
    let record = desk.try_on(System::Windows, None).unwrap();
    assert_eq!(fs::read(&place).unwrap(), b"of another");
    assert!(record.places().iter().any(|place| place.contains("V-Sekai (")), "{:?}", record.places());
    unintegrate(&record).unwrap();
    fs::remove_file(&place).unwrap();
    assert_eq!(desk.all(), before);
}
