use std::time::Duration;

use super::*;

/// An absolute path, on this system.
const PLACE: &str = if cfg!(windows) { "C:/nonexistent/game" } else { "/nonexistent/game" };

fn done<R: Send + 'static>(worker: &mut Worker<R>) -> Result<R, Failure> {
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
    let mut worker = Worker::<()>::start(Options::default(), |_, _| panic!("the moon is in the wrong place"));
    let failure = done(&mut worker).unwrap_err();
    assert_eq!(failure.code, INTERNAL);
    assert!(failure.message.contains("the moon is in the wrong place"), "{failure:?}");
    assert!(worker.messages().is_empty(), "nothing comes after the end");
    assert!(worker.join(Duration::ZERO));
}

#[test]
fn cancelled_work_stops_and_says_so() {
    let mut worker = Worker::start(Options::default(), |_, context| {
        while !context.monitor.cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        context.monitor.cancel.check()
    });
    worker.cancel();
    assert!(done(&mut worker).unwrap_err().is_cancelled());
}

#[test]
fn work_that_does_not_stop_is_waited_for_no_longer_than_said() {
    let (hold, held) = mpsc::channel::<()>();
    let worker = Worker::start(Options::default(), move |_, _| {
        let _ = held.recv();
        Ok(())
    });
    worker.cancel();
    assert!(!worker.join(Duration::from_millis(20)));
    drop(hold);
}

#[test]
fn wrong_options_are_a_failure_of_the_operation() {
    type Work = fn(Options, &Context) -> Result<()>;
    let options = |directory: &str| Options { directory: directory.into(), ..Options::default() };
    let check: Work = |options, context| context.check(options, Planning::Always).map(drop);
    let launch: Work = |options, context| context.launch(options, Vec::new(), None).map(drop);
    let plan_mode: Work = |options, context| context.plan_mode(options, "Not A Mode".to_owned()).map(drop);
    for (options, work) in [
        (options(""), check),
        (options("not/absolute"), launch),
        (options("not/absolute"), check),
        (Options { mode: "no such name!".to_owned(), ..options(PLACE) }, check),
        (options(PLACE), plan_mode),
    ] {
        let what = format!("{options:?}");
        let failure = done(&mut Worker::start(options, work)).unwrap_err();
        assert_eq!(failure.code, "invalid_argument", "{what}: {failure:?}");
    }
}

#[test]
fn the_status_of_nothing_is_that_nothing_is_installed() {
    let options = Options { directory: PLACE.into(), mode: "beta".to_owned(), ..Options::default() };
    let status = done(&mut Worker::start(options, |options, context| context.status(options))).unwrap();
    assert_eq!((status.current, status.mode.as_str()), (None, "beta"));
}

#[test]
fn what_will_be_received_is_less_where_compression_helps() {
    let plan = |fetch_plain_bytes, stored_bytes, tree_bytes| PlanSummary {
        version: "1.0.0".to_owned(),
        summary: Summary { fetch_plain_bytes, ..Summary::default() },
        sizes: Sizes { stored_bytes, tree_bytes, ..Sizes::default() },
        is_first_install: true,
        is_downgrade: false,
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
    let failure = Failure::from(Error::Io { action: "read", path: "/home/mia/game".into(), source });
    let text = failure.details("CHECK", "Godot 4.6", Some(home));
    assert!(text.contains("~/game") && !text.contains("mia"), "{text}");
    for part in [failure.code.as_str(), "CHECK", "Godot 4.6", env!("CARGO_PKG_VERSION"), std::env::consts::OS] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn an_editor_warns_of_every_place_that_is_missing_or_wrong() {
    let urls = |places: &[&str]| places.iter().map(ToString::to_string).collect::<Vec<_>>();
    let well = urls(&["https://example.org/game", PLACE]);
    assert_eq!(warnings(Path::new(PLACE), &well, Some(true)), [""; 0]);
    for (warnings, property) in [
        (warnings(Path::new(""), &well, Some(true)), "install_dir is empty"),
        (warnings(Path::new("games/one"), &well, Some(true)), "install_dir must be"),
        (warnings(Path::new(PLACE), &[], Some(true)), "repository_urls is empty"),
        (warnings(Path::new(PLACE), &urls(&[PLACE, " "]), Some(true)), "repository_urls has an empty"),
        (warnings(Path::new(PLACE), &well, None), "trust_root is empty"),
        (warnings(Path::new(PLACE), &well, Some(false)), "trust_root is set to a file"),
    ] {
        assert!(matches!(warnings[..], [only] if only.starts_with(property)), "{property}: {warnings:?}");
    }
    assert_eq!(warnings(Path::new(""), &[], None).len(), 3);
}
