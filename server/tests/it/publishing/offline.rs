//! A version for a server that is prepared without a key, signed without a network, and committed with a token alone.

use std::fs;

use crate::support::deployment::{Call, TestDeployment};

fn prepare(test: &TestDeployment, version: &str, number: u32) -> Call {
    test.publish("stable", version, number).args(["--prepare", "prepared.json"])
}

fn commit(test: &TestDeployment) -> Call {
    test.publisher(&["publish", "--commit", "prepared.json", "--server", test.url()])
}

/// Takes the private keys to a folder of their own.
fn part_keys(test: &TestDeployment) {
    let signer = test.path("signer");
    fs::create_dir(&signer).unwrap();
    for file in fs::read_dir(test.path("keys")).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), signer.join(file.file_name())).unwrap();
        if file.path().extension().is_some_and(|it| it == "pk8") {
            fs::remove_file(file.path()).unwrap();
        }
    }
}

#[test]
fn version_is_signed_elsewhere_and_committed_with_a_token() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    // Nothing can be prepared before the mode is there.
    let refused = prepare(&test, "1.0.0", 1).fails();
    assert!(refused.to_string().contains("keys push"), "{refused}");
    test.publish("stable", "1.0.0", 1).done();
    part_keys(&test);
    let sign = |test: &TestDeployment| test.publisher(&["sign", "prepared.json", "--yes", "--keys", "signer"]);

    assert_eq!(prepare(&test, "1.1.0", 2).done()["was_there"], false);
    test.update("game").done();
    test.assert_has("game", 1);
    assert_eq!(commit(&test).fails()["code"], "signature_invalid");
    // Signed by keys of the same name that are somebody else's.
    test.publisher(&["keys", "init", "others"]).done();
    assert_eq!(
        test.publisher(&["sign", "prepared.json", "--yes", "--keys", "others"]).fails()["code"],
        "signature_invalid"
    );
    sign(&test).done();
    let good = fs::read_to_string(test.path("prepared.json")).unwrap();
    let mut forged: serde_json::Value = serde_json::from_str(&good).unwrap();
    forged["sign"][0]["signatures"][0]["sig"] = "00".repeat(64).into();
    fs::write(test.path("prepared.json"), forged.to_string()).unwrap();
    let refused = commit(&test).fails();
    assert!(refused.to_string().contains("signature_invalid"), "{refused}");
    fs::write(test.path("prepared.json"), &good).unwrap();
    // The server was killed meanwhile.
    test.kill();
    test.start();
    assert_eq!(commit(&test).done()["was_there"], false);
    assert_eq!(commit(&test).done()["was_there"], true);
    test.update("game").done();
    test.assert_has("game", 2);

    // Two were prepared at the same time: the second one comes too late.
    prepare(&test, "1.2.0", 3).done();
    sign(&test).done();
    fs::rename(test.path("prepared.json"), test.path("first.json")).unwrap();
    prepare(&test, "1.3.0", 4).done();
    sign(&test).done();
    commit(&test).done();
    fs::rename(test.path("first.json"), test.path("prepared.json")).unwrap();
    assert_eq!(commit(&test).fails()["code"], "preparation_stale");
    test.update("game").done();
    test.assert_has("game", 4);

    // New days for the list, by the same steps.
    test.publisher(&["repository", "renew", "--server", test.url(), "--keys", "keys"])
        .args(["--mode", "stable", "--prepare", "prepared.json"])
        .done();
    sign(&test).done();
    commit(&test).done();
    assert_eq!(test.api("GET", "/tuf/5.stable.json", None).0, 200);
}
