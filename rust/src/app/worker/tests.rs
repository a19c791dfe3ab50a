use std::time::Duration;

use super::*;

fn done(worker: &mut Worker) -> Result<Outcome, Failed> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        for message in worker.messages() {
            if let Message::Done(done) = message {
                return done;
            }
        }
        assert!(Instant::now() < end, "the worker says nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_panic_is_a_failure_with_a_code_of_its_own() {
    let mut worker = Worker::spawn(|_| panic!("the moon is in the wrong place"));
    let failed = done(&mut worker).unwrap_err();
    assert_eq!(failed.code, INTERNAL);
    assert!(failed.message.contains("the moon is in the wrong place"), "{failed:?}");
    assert!(worker.messages().is_empty(), "nothing comes after the end");
    assert!(worker.join(Duration::ZERO));
}

#[test]
fn cancelled_work_stops_and_says_so() {
    let mut worker = Worker::spawn(|context| {
        while !context.monitor.cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        context.monitor.cancel.check().map(|()| Outcome::Integrated)
    });
    worker.cancel();
    assert!(done(&mut worker).unwrap_err().is_cancelled());
}

#[test]
fn work_that_does_not_stop_is_waited_for_no_longer_than_said() {
    let (hold, held) = mpsc::channel::<()>();
    let worker = Worker::spawn(move |_| {
        let _ = held.recv();
        Ok(Outcome::Integrated)
    });
    worker.cancel();
    assert!(!worker.join(Duration::from_millis(20)));
    drop(hold);
}

#[test]
fn what_was_wished_wrongly_is_a_failure_of_the_task() {
    let wish = |directory: &str| Wish { directory: directory.into(), ..Wish::default() };
    for (wish, task) in [
        (wish(""), Task::ReadStatus),
        (wish("not/absolute"), Task::Launch(Vec::new())),
        (Wish { mode: "no such name!".to_owned(), ..wish("/nonexistent/game") }, Task::Check { plan: false }),
        (Wish { proxy: "::".to_owned(), ..wish("/nonexistent/game") }, Task::Check { plan: true }),
        (wish("/nonexistent/game"), Task::SwitchMode("Not A Mode".to_owned())),
    ] {
        let failed = done(&mut Worker::start(wish, task.clone())).unwrap_err();
        assert_eq!(failed.code, "invalid_argument", "{task:?}: {failed:?}");
    }
}

#[test]
fn the_status_of_nothing_is_that_nothing_is_installed() {
    let wish = Wish { directory: "/nonexistent/game".into(), mode: "beta".to_owned(), ..Wish::default() };
    let Ok(Outcome::Status(status)) = done(&mut Worker::start(wish, Task::ReadStatus)) else { panic!("no status") };
    assert_eq!((status.current, status.mode.as_str()), (None, "beta"));
}

#[test]
fn what_will_be_received_is_less_where_compression_helps() {
    let plan = |fetch_plain_bytes, stored_bytes, tree_bytes| PlanMade {
        version: "1.0.0".to_owned(),
        summary: Summary { fetch_plain_bytes, ..Summary::default() },
        sizes: Sizes { stored_bytes, tree_bytes, ..Sizes::default() },
        is_first_install: true,
        free_bytes: None,
    };
    assert_eq!(plan(1_000, 250, 1_000).download_bytes(), 250);
    assert_eq!(plan(100, 250, 1_000).download_bytes(), 25);
    assert_eq!(plan(100, 0, 0).download_bytes(), 100, "nothing is known");
    assert_eq!(plan(u64::MAX, u64::MAX - 1, u64::MAX).download_bytes(), u64::MAX - 1);
}

#[test]
fn details_name_everything_but_the_user() {
    let home = Path::new("/home/mia");
    let source = std::io::Error::other("no such file: /home/mia/game");
    let failed = Failed::from(Error::Io { action: "read", path: "/home/mia/game".into(), source });
    let text = failed.details("CHECK", "Godot 4.6", Some(home));
    assert!(text.contains("~/game") && !text.contains("mia"), "{text}");
    for part in [failed.code.as_str(), "CHECK", "Godot 4.6", env!("CARGO_PKG_VERSION"), std::env::consts::OS] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn an_editor_warns_of_every_place_that_is_missing_or_wrong() {
    let urls = |places: &[&str]| places.iter().map(ToString::to_string).collect::<Vec<_>>();
    let well = urls(&["https://example.org/game", "/srv/game"]);
    assert_eq!(warnings(Path::new("/games/one"), &well, Some(true)), [""; 0]);
    for (warnings, property) in [
        (warnings(Path::new(""), &well, Some(true)), "install_dir is empty"),
        (warnings(Path::new("games/one"), &well, Some(true)), "install_dir must be"),
        (warnings(Path::new("/games/one"), &[], Some(true)), "repository_urls is empty"),
        (warnings(Path::new("/games/one"), &urls(&["/srv/game", " "]), Some(true)), "repository_urls has an empty"),
        (warnings(Path::new("/games/one"), &well, None), "trust_root is empty"),
        (warnings(Path::new("/games/one"), &well, Some(false)), "trust_root names a file"),
    ] {
        assert!(matches!(warnings[..], [only] if only.starts_with(property)), "{property}: {warnings:?}");
    }
    assert_eq!(warnings(Path::new(""), &[], None).len(), 3);
}
