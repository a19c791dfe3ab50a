//! Runs the corpus of the fuzz targets through the same checks in each test run. Fuzzing itself runs nightly:
//! `tests/tools/fuzz.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use checks::{bundle, catar, chunk, chunker, index, layout, news, pack, path};

#[allow(unreachable_pub, reason = "there it is a library")]
#[path = "../../fuzz/src/checks/mod.rs"]
mod checks;

/// Longest time for one input, the same as the fuzzer's.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Limit of the replay's address space, in KiB: the fuzzer's memory limit, plus room for what the test program itself
/// maps.
const MAX_MEMORY_KIB: u32 = 1 << 20;

fn targets() -> BTreeMap<&'static str, fn(&[u8])> {
    BTreeMap::from([
        ("bundle", bundle::check as fn(&[u8])),
        ("catar", catar::check),
        ("chunk", chunk::check),
        ("chunker", chunker::check),
        ("index", index::check),
        ("layout", layout::check),
        ("news", news::check),
        ("pack", pack::check),
        ("path", path::check),
    ])
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_input_of_the_corpus_keeps_what_its_check_promises() {
    // In a separate process, because the memory limit would otherwise apply to all tests.
    let command = "ulimit -v \"$1\" && exec \"$0\" --exact corpus::replay --ignored --nocapture --test-threads 1";
    let mut child = Command::new("sh");
    child.args(["-c", command]).arg(std::env::current_exe().unwrap()).arg(MAX_MEMORY_KIB.to_string());
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by the test above"]
fn replay() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let targets = targets();
    assert!(names(&fuzz.join("fuzz_targets")).iter().eq(targets.keys()), "a target is not replayed");
    assert!(names(&fuzz.join("corpus")).iter().eq(targets.keys()), "a target without a corpus, or the other way round");
    for (target, check) in targets {
        let inputs = fs::read_dir(fuzz.join("corpus").join(target)).unwrap().map(|entry| entry.unwrap().path());
        let mut count = 0;
        for input in inputs {
            println!("{}", input.display());
            let began = Instant::now();
            check(&fs::read(&input).unwrap());
            assert!(began.elapsed() < MAX_TIME, "{:?}", began.elapsed());
            count += 1;
        }
        assert!(count >= 4, "{target}: {count} inputs");
    }
}
