//! `vsekai repository prune`: a repository loses what nobody needs, and nothing else.

use std::fs;

use super::{TestPublisher, files};

#[test]
fn prune_removes_the_chunks_of_versions_that_left_and_no_others() {
    let test = TestPublisher::new();
    let store = test.publisher.repository().join("store");
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    test.publish(&test.tree("two", 2), "1.1.0", &[]).done();
    assert_eq!(test.edit(&["prune", "--grace", "0s"]).done()["removed"], 0, "all is on offer");
    test.edit(&["recall", "--mode", "stable", "--version", "1.1.0"]).done();
    assert_eq!(test.edit(&["prune", "--grace", "0s"]).done()["removed"], 0, "a recall can be undone");

    let last = test.publish(&test.tree("three", 3), "1.2.0", &["--keep-versions", "1"]);
    let before = files(&store);
    assert_eq!(test.edit(&["prune"]).done()["removed"], 0, "what is a day old at most stays");
    let would = test.edit(&["prune", "--grace", "0s", "--dry-run"]).done()["removed"].as_u64().unwrap();
    assert_eq!(files(&store), before, "the dry run removed something");
    let pruned = test.edit(&["prune", "--grace", "0s"]);
    assert!(would > 0 && pruned.done()["removed"] == would, "{would} {:?}", pruned.done());
    assert_eq!(files(&store), before - usize::try_from(would).unwrap());
    assert!(pruned.done()["kept"].as_u64() > last.done()["sizes"]["chunks"].as_u64(), "those of the recalled one stay");
    fs::remove_dir_all(test.publisher.repository().join("bundles")).unwrap_or_default();
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.2.0");
    test.edit(&["recall", "--undo", "--mode", "stable", "--version", "1.1.0"]).done();
    assert_eq!(test.install("other", &["--version", "1.1.0"]).done()["current"]["version"], "1.1.0");
}

#[test]
fn prune_without_a_document_it_needs_removes_nothing() {
    let test = TestPublisher::new();
    test.edit(&["prune"]).failed("not_found");
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    let before = files(&test.publisher.repository().join("store"));
    let documents = test.publisher.repository().join("targets/stable/1.0.0/linux-x86_64");
    let index = fs::read_dir(&documents).unwrap().flatten().map(|entry| entry.path());
    let index = index.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "caidx")).unwrap();
    fs::remove_file(index).unwrap();
    test.edit(&["prune", "--grace", "0s"]).failed("not_found");
    assert_eq!(files(&test.publisher.repository().join("store")), before);
}
