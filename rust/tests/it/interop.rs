//! Interoperability with the real desync and casync: we extract and update what they make, and they extract what we
//! make.
//!
//! Needs `desync` and `casync` on `PATH`. Without one, its tests print a line on stderr and pass; if `CI` is set, they
//! fail.

mod foreign;
mod large;
mod ours;
mod server;
mod special;

use std::fs;
use std::path::Path;

use crate::support::trees::{chmod, link, noise, touch, write};

/// A tree with everything that causes trouble for archivers.
fn first_version(root: &Path) {
    write(root, "bin/game", &noise(1, 1_200_000));
    chmod(root, "bin/game", 0o755);
    write(root, "data/main.pck", &noise(2, 1_500_000));
    write(root, "data/zeros.bin", &vec![0; 1_300_000]);
    write(root, "data/text.txt", "the same line again and again\n".repeat(20_000).as_bytes());
    for (name, size) in
        [("one", 1), ("min", 16 << 10), ("avg", 64 << 10), ("max", 256 << 10), ("over", (256 << 10) + 1)]
    {
        write(root, &format!("sizes/{name}"), &noise(size as u64, size));
    }
    write(root, "none/empty", b"");
    fs::create_dir_all(root.join("none/nothing")).unwrap();
    for name in
        ["データ/ゲーム.txt", "é/e\u{301}", "🎮 emoji", "with space", "-dash", ".hidden", "..a", "it's", "#hash%20"]
    {
        write(root, name, name.as_bytes());
    }
    // Longest name and deepest folder that casync can extract.
    write(root, &"n".repeat(237), b"237 bytes");
    write(root, &format!("long/{}", "あ".repeat(79)), b"237 bytes of 79 letters");
    write(root, &format!("long/{}", "x".repeat(200)), b"200 bytes");
    // 3,780 bytes: as close to the system's limit of 4,096 as temporary folders allow.
    write(root, &format!("deep/{}/file", vec!["d".repeat(62); 60].join("/")), b"deep down");
    link(root, "links/file", "../bin/game");
    link(root, "links/folder", "../data");
    link(root, "links/broken", "no/such/file");
    link(root, "links/self", "file");
    for (name, mode) in [("data/text.txt", 0o444), ("sizes/one", 0o600), ("sizes/min", 0o640), ("none/empty", 0o777)] {
        chmod(root, name, mode);
    }
    for number in 0..60 {
        write(root, &format!("levels/{number:02}.map"), &noise(1000 + number, 7_000));
    }
    for name in ["a", "b", "c", "d", "e", "f"] {
        write(root, &format!("kinds/{name}/inside"), name.as_bytes());
        write(root, &format!("kinds/{name}.file"), &noise(name.as_bytes()[0].into(), 30_000));
    }
    write(root, "locked/in/file", &noise(11, 50_000));
    chmod(root, "locked/in", 0o555);
    chmod(root, "locked", 0o500);
    for (name, seconds) in [("bin/game", 1_500_000_000), ("none/nothing", 1_500_000_001), ("data", 1), ("locked", 2)] {
        touch(root, name, seconds);
    }
}

/// Names with all bytes that a name may contain.
fn add_longest_names(root: &Path) {
    write(root, &"m".repeat(255), b"255 bytes");
    write(root, &format!("longest/{}", "い".repeat(85)), b"255 bytes of 85 letters");
}

/// Folders in 250 folders.
fn add_deepest_folders(root: &Path) {
    write(root, &format!("deepest/{}/file", ["fourteen_bytes"; 250].join("/")), b"deeper");
}

/// All changes that can happen to a tree between two releases.
fn second_version(root: &Path) {
    let mut game = fs::read(root.join("bin/game")).unwrap();
    game[600_000..600_010].fill(7);
    game.extend(noise(12, 10_000));
    fs::write(root.join("bin/game"), game).unwrap();
    touch(root, "bin/game", 1_600_000_000);
    // Moved and renamed, with new bytes before the content.
    fs::create_dir(root.join("assets")).unwrap();
    fs::rename(root.join("data/main.pck"), root.join("assets/game.pck")).unwrap();
    write(root, "assets/first", &noise(13, 40_000));
    fs::rename(root.join("levels"), root.join("maps")).unwrap();
    write(root, "added/file", &noise(14, 90_000));
    fs::remove_dir_all(root.join("none")).unwrap();
    fs::remove_file(root.join("sizes/avg")).unwrap();
    chmod(root, "sizes/max", 0o755);
    touch(root, "sizes/over", 1_400_000_000);
    fs::write(root.join("sizes/min"), noise(15, 100)).unwrap();
    // Changed kinds: file to folder, folder to file, file to link, link to file, folder to link, link to folder.
    fs::remove_file(root.join("kinds/a.file")).unwrap();
    write(root, "kinds/a.file/now/a/folder", b"deeper");
    fs::remove_dir_all(root.join("kinds/b")).unwrap();
    write(root, "kinds/b", b"now a file");
    fs::remove_file(root.join("kinds/c.file")).unwrap();
    link(root, "kinds/c.file", "d.file");
    fs::remove_file(root.join("links/file")).unwrap();
    write(root, "links/file", b"no link any more");
    fs::remove_dir_all(root.join("kinds/e")).unwrap();
    link(root, "kinds/e", "f");
    fs::remove_file(root.join("links/folder")).unwrap();
    write(root, "links/folder/file", b"a real one");
    fs::remove_file(root.join("links/broken")).unwrap();
    link(root, "links/broken", "../sizes/one");
    chmod(root, "locked", 0o700);
    chmod(root, "locked/in", 0o700);
    write(root, "locked/in/second", b"added where nothing could be");
    chmod(root, "locked/in", 0o500);
    chmod(root, "data", 0o700);
}
