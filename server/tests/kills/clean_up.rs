//! Clean-up of a store in a folder is killed before each of its writes: in the database, and of the chunks' files.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _};

use crate::support::deployment::{TestDeployment, text};

/// Calls by which clean-up writes: to the database, and of chunks.
const WRITES: [&str; 2] = ["pwrite64", "unlink"];

/// Publishing takes a second in a debug build. What clean-up has begun may delay it by two.
const PATIENCE: Duration = Duration::from_secs(8);

/// Every write, or each of this many.
fn step() -> usize {
    match std::env::var("VSEKAI_FAULTS").as_deref() {
        Ok("all") => 1,
        Ok("some") => 9,
        _ => 4,
    }
}

/// Without `strace`, prints a line and returns false; in CI, fails.
fn has_strace() -> bool {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs strace");
    let _ = std::io::stderr().write_all(b"SKIPPED: no strace: clean-up is not killed at each of its writes\n");
    false
}

/// Clean-up, killed before this call for the `when`th time, by any of its threads. Returns whether it was. The lease of one
/// that was killed before has to end first.
fn clean(test: &TestDeployment, call: &str, when: usize) -> bool {
    let began = Instant::now();
    loop {
        let output = try_to_clean(test, call, when);
        let is_killed = output.status.signal() == Some(9);
        if is_killed || output.status.success() {
            return is_killed;
        }
        assert!(text(&output).contains("[busy]") && began.elapsed() < PATIENCE, "{}", text(&output));
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn try_to_clean(test: &TestDeployment, call: &str, when: usize) -> Output {
    let plain = test.server_command(&["gc"]);
    let mut command = Command::new("strace");
    command.current_dir(test.folder.path()).args(["-f", "-qq", "-o", "/dev/null"]);
    command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:signal=KILL:when={when}")]);
    command.arg(plain.get_program()).args(plain.get_args()).output().unwrap()
}

/// Runs statements on the server's database.
fn ask(test: &TestDeployment, sql: &'static str, count: &'static str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
        let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
        conn.execute(sql).await.unwrap();
        sqlx::query_scalar(count).fetch_one(&mut conn).await.unwrap()
    })
}

/// As if all publications had ended an hour ago. Returns the number of chunks.
fn age(test: &TestDeployment) -> usize {
    let count = ask(test, "DELETE FROM chunk_pins; UPDATE chunks SET keep_until = 0", "SELECT count(*) FROM chunks");
    usize::try_from(count).unwrap()
}

#[test]
fn clean_up_of_a_folder_killed_at_its_writes_blocks_nothing_and_loses_nothing() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = format!("chunks=file://{}", folder.path().display());
    let test = TestDeployment::new(&["bundles=false", "clean_grace_h=0", "superseded_h=0", &place]);
    // Two builds by turns: what one version needs is garbage, and needed again by the next.
    let (mut number, mut kills) = (0_u32, 0);
    let mut publish = |test: &TestDeployment| {
        number += 1;
        let version = format!("1.{number}.0");
        test.publish("stable", &version, number % 2).args(["--keep-versions", "1"]).done();
        number % 2
    };
    publish(&test);
    for call in WRITES {
        for when in (1..).step_by(step()) {
            publish(&test);
            age(&test);
            let is_killed = clean(&test, call, when);
            let began = Instant::now();
            let published = publish(&test);
            assert!(began.elapsed() < PATIENCE, "{call} {when}: publishing took {:?}", began.elapsed());
            let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
            assert!(verify.status.success(), "{call} {when}: {}", text(&verify));
            if !is_killed {
                test.update("game").done();
                test.assert_has("game", published);
                break;
            }
            kills += 1;
        }
    }
    assert!(kills > 2, "{kills}");
    eprintln!("{kills} kills");
    age(&test);
    assert!(!clean(&test, "unlink", 10_000));
    assert_eq!(super::chunks_in(folder.path()), age(&test), "a file without a row is never removed");
}
