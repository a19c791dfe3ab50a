//! Who may read the folders of the server.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::deployment::TestDeployment;

#[test]
fn data_and_keys_are_nobody_elses() {
    let mut test = TestDeployment::new(&[]);
    let folders = ["server", "server/keys", "keys"].map(|name| test.path(name));
    let modes = || folders.clone().map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777);
    assert_eq!(modes(), [0o700; 3]);
    test.kill();
    // As an earlier version created them.
    folders.iter().take(2).for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap());
    test.start();
    assert_eq!(modes(), [0o700; 3]);
}
