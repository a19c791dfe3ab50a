//! Other users of the machine: what they can put in our way, and what they may read and write.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Command;

use super::shop::{Launched, Shop, as_nobody};
use super::skipped;
use crate::support::run::Run;
use crate::support::trees::{chmod, snapshot, write};

const NOBODY: u32 = 65_534;

/// The command, with another umask.
fn under(umask: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[track_caller]
fn assert_modes(folder: &Path, umask: &str) {
    for (path, seen) in snapshot(folder) {
        let found = fs::symlink_metadata(folder.join(&path)).unwrap();
        let wanted = if found.is_dir() { 0o755 } else { 0o644 };
        let is_ready = path.starts_with("staging");
        assert!(
            found.is_symlink() || is_ready || seen.mode == wanted,
            "{umask}: {} is {:o}",
            path.display(),
            seen.mode
        );
    }
}

#[test]
fn control_files_have_the_same_permissions_under_every_umask() {
    for umask in ["000", "002", "022", "077"] {
        let shop = Shop::new();
        shop.publish("1.0.0");
        shop.publish("2.0.0");
        Run::of(&mut under(umask, &shop.updating(&["--version", "1.0.0"]))).done();
        Run::of(&mut under(umask, &shop.updating(&[]))).done();
        assert_eq!(Launched::of(&mut under(umask, &shop.launching(&[]))).code, Some(0));
        Run::of(&mut under(umask, shop.command(&["check"]).arg(shop.game()))).done();
        assert_modes(shop.control("").components().as_path(), umask);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&shop.game()), mode(&shop.game().join("versions"))), (0o755, 0o755), "{umask}");
    }
}

#[test]
fn permissions_that_an_earlier_umask_gave_are_taken_back() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    for name in ["", "indexes", "trust", "state.json", "lock"] {
        let path = shop.control(name);
        let mode = if path.is_dir() { 0o777 } else { 0o666 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    chmod(&shop.game(), "versions", 0o777);
    let release = shop.control("indexes").join(format!("{}.release.json", shop.folder_of("1.0.0")));
    fs::set_permissions(&release, fs::Permissions::from_mode(0o666)).unwrap();
    shop.update(&[]).done();
    for path in [
        shop.control("indexes"),
        shop.control("state.json"),
        shop.control("lock"),
        release,
        shop.game().join("versions"),
    ] {
        let mode = fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o022, 0, "{}: {mode:o}", path.display());
    }
}

#[test]
fn keys_are_in_a_folder_of_their_own_under_every_umask() {
    for umask in ["000", "022"] {
        let shop = Shop::new();
        let keys = shop.path("others");
        Run::of(&mut under(umask, shop.command(&["keys", "init", "--mode", "stable"]).arg(&keys))).done();
        assert_eq!(fs::metadata(&keys).unwrap().mode() & 0o777, 0o700, "{umask}");
    }
}

#[test]
fn links_in_the_place_of_our_files_are_not_followed() {
    let commands: [&[&str]; 5] = [&["check"], &["verify", "--repair"], &["launch"], &["update"], &["rollback"]];
    for command in commands {
        let shop = Shop::with(&["1.0.0", "2.0.0"]);
        shop.update(&[]).done();
        shop.launch(&[]);
        let victim = shop.path("victim");
        fs::write(&victim, b"precious").unwrap();
        let mark = format!("running/{}", shop.folder_of("2.0.0"));
        for name in ["lock", &mark, "state.json.damaged", "trust/client.json", "trust/cache/timestamp.json"] {
            let path = shop.control(name);
            let _ = fs::remove_file(&path);
            symlink(&victim, &path).unwrap();
        }
        let output = shop.command(command).arg(shop.game()).output().unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{command:?}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
        assert_eq!(shop.launch(&[]).code, Some(0), "{command:?}");
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{command:?}");
    }
}

#[test]
fn pipe_in_the_place_of_our_files_keeps_nobody_waiting() {
    for name in ["lock", "state.json", "running/mark"] {
        let shop = Shop::with(&["1.0.0", "2.0.0"]);
        shop.launch(&[]);
        let name = name.replace("mark", &shop.folder_of("1.0.0"));
        let path = shop.control(&name);
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        for command in [&["launch"][..], &["verify"], &["update"]] {
            let mut run = Command::new("timeout");
            let mut inner = shop.command(command);
            inner.arg(shop.game());
            if command[0] == "update" {
                // What `state.json` said about the install is lost, so the command must say it again.
                inner = shop.updating(&[]);
            }
            run.arg("30").arg(inner.get_program()).args(inner.get_args());
            run.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = run.output().unwrap();
            assert_eq!(
                output.status.code(),
                Some(0),
                "{name}: {command:?}: {}",
                String::from_utf8_lossy(&output.stdout)
            );
        }
        assert_eq!(shop.version(), "2.0.0", "{name}");
    }
}

#[test]
fn control_folder_that_is_a_link_is_refused() {
    let shop = Shop::with(&["1.0.0"]);
    fs::rename(shop.game().join(".vsekai"), shop.path("elsewhere")).unwrap();
    symlink(shop.path("elsewhere"), shop.game().join(".vsekai")).unwrap();
    shop.update(&[]).failed("invalid_argument");
    shop.vsekai(&["rollback"]).failed("invalid_argument");
}

fn give_to(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_to(&entry.unwrap().path(), user));
    }
}

#[test]
fn install_of_another_user_is_refused_unless_the_user_is_named() {
    if !rustix::process::geteuid().is_root() {
        return skipped("not run as root: an install of another user is not tested");
    }
    let parts: [&[&str]; 4] = [&[""], &[".vsekai"], &[".vsekai/indexes"], &["versions"]];
    for part in parts {
        let shop = Shop::with(&["1.0.0", "2.0.0"]);
        shop.update(&[]).done();
        part.iter().for_each(|name| give_to(&shop.game().join(name), NOBODY));
        let before = snapshot(&shop.game());
        for command in [
            &["update"][..],
            &["rollback"],
            &["verify", "--repair"],
            &["launch"],
            &["uninstall", "--yes"],
            &["integrate"],
        ] {
            let said = shop.vsekai(command).failed("other_owner");
            assert!(said.contains(&NOBODY.to_string()), "{said}");
        }
        for command in [&["status"][..], &["verify"], &["check"]] {
            shop.vsekai(command).done();
        }
        crate::support::trees::assert_same(&before, &snapshot(&shop.game()), crate::support::trees::Same::Untouched);
        let named = ["--trust-owner", "65534"];
        assert_eq!(Launched::of(shop.launching(&[]).args(named)).code, Some(0), "{part:?}");
        Run::of(shop.command(&["rollback"]).args(named).arg(shop.game())).done();
        shop.update(&["--trust-owner", "65534", "--version", "2.0.0"]).done();
    }
}

#[test]
fn administrators_install_starts_for_everybody() {
    let shop = Shop::with(&["1.0.0"]);
    let Some(mut launch) = as_nobody(&shop, &shop.launching(&[])) else { return };
    assert_eq!(Launched::of(&mut launch).last["version"], "1.0.0");
}

#[test]
fn new_install_in_a_folder_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return skipped("not run as root: a folder of another user is not tested");
    }
    let shop = Shop::new();
    shop.publish("1.0.0");
    fs::create_dir(shop.game()).unwrap();
    lchown(shop.game(), Some(NOBODY), Some(NOBODY)).unwrap();
    shop.update(&[]).failed("other_owner");
    assert_eq!(fs::read_dir(shop.game()).unwrap().count(), 0);
    shop.update(&["--trust-owner", "65534"]).done();
}

/// An install of `nobody`, with two versions.
fn install_of_nobody(shop: &Shop) -> Option<impl Fn(&Command) -> Command> {
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        shop.publish(version);
    }
    fs::create_dir(shop.game()).unwrap();
    let install = as_nobody(shop, &shop.updating(&["--version", "1.0.0"]))?;
    let run = move |command: &Command| {
        let mut command_as = Command::new(install.get_program());
        command_as.args(command.get_args()).env_clear();
        command_as.envs(install.get_envs().filter_map(|(name, value)| Some((name, value?))));
        use std::os::unix::process::CommandExt;
        command_as.uid(NOBODY).gid(NOBODY);
        command_as
    };
    lchown(shop.game(), Some(NOBODY), Some(NOBODY)).unwrap();
    Run::of(&mut run(&shop.updating(&["--version", "1.0.0"]))).done();
    Some(run)
}

#[test]
fn what_this_user_may_not_read_stays_behind_named_and_blocks_nothing() {
    let shop = Shop::new();
    let Some(demoted) = install_of_nobody(&shop) else { return };
    let run = |command: &Command| Run::of(&mut demoted(command));
    let tree = shop.tree_of("1.0.0");
    // Sets permissions as root would leave them.
    write(&tree, "logs/deep/log.txt", b"a log");
    chmod(&tree, "logs", 0o700);
    write(&tree, "secret.txt", b"secret");
    chmod(&tree, "secret.txt", 0o600);
    fs::create_dir(tree.join("data/empty")).unwrap();
    chmod(&tree, "data/empty", 0o000);
    write(&tree, "mods/hat.pck", b"a hat");
    give_to(&tree.join("mods"), NOBODY);
    let words = |words: &[&str]| {
        let mut command = shop.command(words);
        command.arg(shop.game());
        command
    };
    assert_eq!(run(&words(&["verify"])).code, Some(0));
    run(&words(&["verify", "--repair"])).done();
    let update = run(&shop.updating(&["--version", "2.0.0"]));
    update.done();
    let said = update.warnings("permission_denied").join("\n");
    for name in ["logs", "secret.txt", "data/empty"] {
        assert!(said.contains(&tree.join(name).display().to_string()), "{name}: {said}");
    }
    assert_eq!(fs::read(shop.tree_of("2.0.0").join("mods/hat.pck")).unwrap(), b"a hat");
    assert_eq!(Launched::of(&mut demoted(&words(&["launch"]))).code, Some(0));
    // Now the version with these files is removed.
    let update = run(&shop.updating(&["--version", "3.0.0"]));
    update.done();
    assert!(update.warnings("permission_denied").join("\n").contains("logs"), "{:?}", update.lines);
    assert_eq!(fs::read(tree.join("logs/deep/log.txt")).unwrap(), b"a log");
    assert!(!tree.join("game").exists() && !tree.join("licence.txt").exists(), "ours is gone");
    let saved = shop.game().join("saved").join(shop.folder_of("1.0.0"));
    assert_eq!(fs::read(saved.join("secret.txt")).unwrap(), b"secret", "a file can be moved by the folder's owner");
    let again = run(&shop.updating(&["--version", "2.0.0"]));
    again.done();
    assert_eq!(again.warnings("permission_denied"), [""; 0], "it is nobody's business any more");
    assert_eq!(run(&words(&["verify"])).code, Some(0));
    run(&words(&["uninstall", "--yes"])).done();
    assert!(!shop.control("").exists());
    assert_eq!(fs::read(tree.join("logs/deep/log.txt")).unwrap(), b"a log");
}

#[test]
fn working_folder_that_another_user_has_put_beside_a_destination_is_refused() {
    use crate::support::run::extract;
    use crate::support::stores::Bench;
    if !rustix::process::geteuid().is_root() {
        return skipped("not run as root: a folder of another user is not tested");
    }
    let bench = Bench::in_memory();
    write(&bench.path("tree"), "data/map", b"a map");
    let index = bench.publish("v1.caidx", &bench.path("tree"));
    let planted = bench.path("there/.GAME.vsekai");
    fs::create_dir_all(&planted).unwrap();
    lchown(&planted, Some(NOBODY), Some(NOBODY)).unwrap();
    let destination = bench.path("there/GAME");
    Run::of(&mut extract(&[bench.store()], &index, &destination)).failed("invalid_argument");
    assert!(!destination.exists());
    fs::remove_dir(&planted).unwrap();
    std::os::unix::fs::symlink(bench.path("tree"), &planted).unwrap();
    Run::of(&mut extract(&[bench.store()], &index, &destination)).failed("invalid_argument");
    fs::remove_file(&planted).unwrap();
    Run::of(&mut extract(&[bench.store()], &index, &destination)).done();
}

type Make = fn(&Path);

/// Something else in place of a file in `.vsekai/trust` costs requests and nothing more.
#[test]
fn things_in_the_place_of_remembered_metadata_are_replaced() {
    let kinds: [(&str, Make); 3] = [
        ("a pipe", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
        ("a folder", |path| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), b"x").unwrap();
        }),
        ("a link", |path| std::os::unix::fs::symlink(path, path).unwrap()),
    ];
    let names = ["timestamp.json", "snapshot.json", "latest_known_time.json", "client.json", "roots", "cache"];
    for (kind, make) in kinds {
        for name in names {
            let shop = Shop::with(&["1.0.0", "2.0.0"]);
            let path = shop.control("trust").join(name);
            if path.is_dir() {
                fs::remove_dir_all(&path).unwrap()
            } else {
                fs::remove_file(&path).unwrap()
            }
            make(&path);
            let inner = shop.updating(&[]);
            let mut run = Command::new("timeout");
            run.arg("60").arg(inner.get_program()).args(inner.get_args());
            run.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = run.output().unwrap();
            assert!(output.status.success(), "{kind} as {name}: {}", String::from_utf8_lossy(&output.stdout));
            assert_eq!(shop.version(), "2.0.0");
        }
    }
}

#[test]
fn lock_that_is_a_hard_link_to_a_file_of_others_changes_nothing_of_it() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let other = shop.path("private");
    fs::write(&other, "private").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let running = shop.control("running").join(shop.folder_of("1.0.0"));
    fs::create_dir_all(running.parent().unwrap()).unwrap();
    for path in [shop.control("lock"), running] {
        let _ = fs::remove_file(&path);
        fs::hard_link(&other, &path).unwrap();
    }
    shop.launch(&[]);
    shop.update(&[]).done();
    assert_eq!(fs::read_to_string(&other).unwrap(), "private");
    assert_eq!(fs::metadata(&other).unwrap().permissions().mode() & 0o777, 0o600);
}
