//! Disks that lack permissions, links or exact times, such as FAT, exFAT and network shares: what such a disk cannot
//! hold is not damage, and every command ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::shop::Shop;
use super::skipped;
use crate::support::trees::{link, noise, write};

/// A disk, until it is dropped.
struct PlainDisk {
    at: PathBuf,
    server: Option<Child>,
}

impl PlainDisk {
    /// `tests/tools/plain_disk.py`, which says what the options mean.
    fn simulated(source: &Path, at: &Path, options: &[&str]) -> Option<Self> {
        fs::create_dir_all(source).unwrap();
        fs::create_dir_all(at).unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/plain_disk.py");
        let mut command = Command::new("python3");
        command.arg(program).arg(source).arg(at).args(options).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.trim() != "ready" {
            let _ = server.wait();
            return None;
        }
        Some(Self { at: at.to_owned(), server: Some(server) })
    }

    /// A file system of this kind in a file.
    fn real(kind: &str, image: &Path, at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let is_made = image.exists()
            || fs::File::create(image).and_then(|file| file.set_len(48 << 20)).is_ok()
                && Command::new(format!("mkfs.{kind}")).arg(image).output().is_ok_and(|it| it.status.success());
        let mut mount = Command::new("mount");
        mount.args(["-t", kind, "-o", &format!("loop,{options}")]).arg(image).arg(at);
        let is_mounted = is_made && mount.output().is_ok_and(|it| it.status.success());
        is_mounted.then(|| Self { at: at.to_owned(), server: None })
    }
}

impl Drop for PlainDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// A shop whose install root is on another disk, with two versions that have links.
fn shop() -> (Shop, PathBuf) {
    let shop = Shop::new();
    for version in ["1.0.0", "2.0.0"] {
        shop.publish_in("stable", version, &[], |tree| {
            write(tree, "data/large.pck", &noise(3, 200_000));
            write(tree, "settings.cfg", b"volume=5\n");
            write(tree, "lib/thing.so.1.2", &noise(4, 3_000));
            link(tree, "lib/thing.so.1", "thing.so.1.2");
            link(tree, "lib/thing.so", "thing.so.1");
            link(tree, "start", "game");
            link(tree, "maps", "data");
            link(tree, "data/loop", "..");
            link(tree, "dangling", "nowhere");
        });
    }
    let at = shop.path("disk");
    fs::create_dir(&at).unwrap();
    std::os::unix::fs::symlink(at.join("GAME"), shop.game()).unwrap();
    (shop, at)
}

#[track_caller]
fn assert_sound(shop: &Shop, what: &str) {
    let run = shop.vsekai(&["verify"]);
    assert_eq!(run.code, Some(0), "{what}: {:?}", run.lines.last());
    assert_eq!(run.lines.last().unwrap()["foreign"], json!([]), "{what}");
    assert_eq!(shop.update(&[]).done()["why"], Value::Null, "{what}: there is nothing to do");
    assert_eq!(shop.status()["missing"], Value::Null, "{what}");
    for (link, end) in [("lib/thing.so", "lib/thing.so.1.2"), ("start", "game"), ("maps/map", "data/map")] {
        let read = |name: &str| fs::read(shop.tree().join(name)).unwrap_or_else(|e| panic!("{what}: {name}: {e}"));
        assert!(read(link) == read(end), "{what}: {link}");
    }
}

/// Installs, updates, damages, repairs, goes back and uninstalls. `mount` mounts the disk again.
fn live_through(shop: &Shop, at: &Path, mount: &dyn Fn() -> Option<PlainDisk>, what: &str) -> bool {
    let Some(disk) = mount() else { return false };
    fs::create_dir(at.join("GAME")).unwrap();
    shop.update(&["--version", "1.0.0"]).done();
    let run = shop.vsekai(&["verify"]);
    assert_eq!(run.code, Some(0), "{what}: {:?}", run.lines.last());
    shop.update(&[]).done();
    assert_sound(shop, what);
    assert_eq!(shop.launch(&[]).code, Some(0), "{what}");

    fs::write(shop.tree().join("data/map"), b"not a map").unwrap();
    fs::remove_file(shop.tree().join("licence.txt")).unwrap();
    let run = shop.vsekai(&["verify"]);
    assert_eq!(run.code, Some(3), "{what}");
    let wanted = json!([{"kind": "changed", "path": "data/map"}, {"kind": "missing", "path": "licence.txt"}]);
    let found = run.lines.last().unwrap()["damage"].as_array().unwrap().clone();
    // The copy of a damaged folder counts as damaged only if somebody damages the copy itself.
    assert_eq!(json!(found), wanted, "{what}");
    shop.vsekai(&["verify", "--repair"]).done();
    assert_sound(shop, what);
    let again = shop.vsekai(&["verify", "--repair"]);
    assert_eq!(again.done()["repaired"], Value::Null, "{what}: there is nothing to repair");

    drop(disk);
    let Some(_disk) = mount() else { panic!("{what}: it was mounted before") };
    assert_sound(shop, what);
    shop.vsekai(&["rollback"]).done();
    assert_eq!(shop.version(), "1.0.0", "{what}");
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0), "{what}");
    shop.update(&["--version", "2.0.0"]).done();
    write(&shop.tree(), "mods/hat.pck", b"a hat");
    shop.publish("3.0.0");
    shop.update(&[]).done();
    assert_eq!(fs::read(shop.tree().join("mods/hat.pck")).unwrap(), b"a hat", "{what}");
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0), "{what}");
    fs::remove_dir_all(shop.tree()).unwrap();
    shop.update(&[]).done();
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0), "{what}");
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(!at.join("GAME/.vsekai").exists(), "{what}");
    assert_eq!(fs::read_dir(at.join("GAME")).map_or(0, Iterator::count), 1, "{what}: what the player had changed");
    true
}

#[test]
fn simulated_disks_are_lived_through() {
    let kinds: [&[&str]; 6] = [
        &["fixed-modes"],
        &["refused-modes"],
        &["no-symlinks", "no-hard-links"],
        &["fixed-modes", "no-symlinks", "no-hard-links", "coarse-times", "fold-case"],
        &["refused-modes", "no-symlinks", "no-hard-links", "coarse-times", "no-folder-sync"],
        &["no-folder-sync"],
    ];
    for options in kinds {
        let (shop, at) = shop();
        let source = shop.path("source");
        let mount = || PlainDisk::simulated(&source, &at, options);
        if !live_through(&shop, &at, &mount, &options.join(" ")) {
            return skipped("FUSE cannot be mounted: disks without permissions and links are not simulated");
        }
    }
}

#[test]
fn real_disks_are_lived_through() {
    for (kind, options) in [("vfat", "umask=022"), ("vfat", "quiet,fmask=0000,dmask=0000"), ("exfat", "umask=022")] {
        let (shop, at) = shop();
        let image = shop.path("image");
        let mount = || PlainDisk::real(kind, &image, &at, options);
        if !live_through(&shop, &at, &mount, kind) {
            skipped(&format!("{kind} cannot be made or mounted here: it is only simulated"));
        }
    }
}

#[test]
fn folder_of_store_extract_is_updated_where_there_are_no_links() {
    use crate::support::run::{Run, extract};
    use crate::support::stores::Bench;
    let bench = Bench::in_memory();
    let tree = |number: u64| {
        let tree = bench.path(&format!("tree-{number}"));
        write(&tree, "data/map", &noise(number, 4_000));
        link(&tree, "maps", "data");
        link(&tree, "data/again", "map");
        bench.publish(&format!("v{number}.caidx"), &tree)
    };
    let indexes = [tree(1), tree(2)];
    let at = bench.path("disk");
    let options = ["refused-modes", "no-symlinks", "no-hard-links", "no-folder-sync"];
    let Some(_disk) = PlainDisk::simulated(&bench.path("source"), &at, &options) else {
        return skipped("FUSE cannot be mounted: store extract on a disk without links is not simulated");
    };
    let game = at.join("GAME");
    for index in [&indexes[0], &indexes[0], &indexes[1], &indexes[1], &indexes[0]] {
        Run::of(&mut extract(&[bench.store()], index, &game)).done();
        assert!(fs::read(game.join("maps/map")).unwrap() == fs::read(game.join("data/map")).unwrap());
        assert!(fs::read(game.join("data/again")).unwrap() == fs::read(game.join("data/map")).unwrap());
    }
    let again = Run::of(&mut extract(&[bench.store()], &indexes[0], &game));
    assert_eq!(again.done()["up_to_date"], true);
}

#[test]
fn files_on_bad_sectors_stay_behind_named_and_block_nothing() {
    let (shop, at) = shop();
    shop.publish("3.0.0");
    let Some(_disk) = PlainDisk::simulated(&shop.path("source"), &at, &["no-hard-links", "bad-sectors"]) else {
        return skipped("FUSE cannot be mounted: bad sectors are not simulated");
    };
    fs::create_dir(at.join("GAME")).unwrap();
    shop.update(&["--version", "1.0.0"]).done();
    let tree = shop.tree();
    let foreign = ["bad-sector.txt", "mods/bad-sector.pck", "mods/hat.pck", "bad-sector-folder/inner"];
    foreign.iter().for_each(|name| write(&tree, name, b"of the player"));
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
    let run = shop.update(&["--version", "2.0.0"]);
    run.done();
    let said = run.lines.iter().filter(|line| line["event"] == "warned").map(ToString::to_string).collect::<String>();
    for name in ["bad-sector.txt", "mods/bad-sector.pck", "bad-sector-folder"] {
        let path = Path::new("versions").join(tree.file_name().unwrap()).join(name);
        assert!(said.contains(path.to_str().unwrap()), "{name}: {said}");
    }
    assert_eq!(fs::read(shop.tree().join("mods/hat.pck")).unwrap(), b"of the player");
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
    assert_eq!(shop.launch(&[]).code, Some(0));
    // The rest of the version is removed around them.
    shop.update(&["--version", "3.0.0"]).done();
    assert!(tree.join("bad-sector-folder").exists() && !tree.join("game").exists());
    let saved = shop.game().join("saved").join(tree.file_name().unwrap());
    assert!(saved.join("bad-sector.txt").exists() && saved.join("mods/bad-sector.pck").exists());
    shop.vsekai(&["verify", "--repair"]).done();
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(tree.join("bad-sector-folder").exists());
}
