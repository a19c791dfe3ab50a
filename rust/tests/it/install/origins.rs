//! Servers that only the catalog names: they get no credentials, and no place in an install.

use std::fs;

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::server::TestServer;

const TOKEN: &str = "Bearer of-the-origin";
const COOKIE: &str = "session=of-the-origin";

/// A repository on two servers. The user names the first, the catalog the second.
struct Mirrored {
    shop: Shop,
    origin: TestServer,
    mirror: TestServer,
}

impl Mirrored {
    fn new() -> Self {
        let shop = Shop::new();
        shop.publish("1.0.0");
        let (origin, mirror) =
            (TestServer::start(shop.publisher.repository()), TestServer::start(shop.publisher.repository()));
        fs::write(shop.path("auth"), format!("{TOKEN}\n")).unwrap();
        fs::write(shop.path("cookie"), format!("{COOKIE}\n")).unwrap();
        let mirrored = Self { shop, origin, mirror };
        mirrored.name_mirrors(&[&mirrored.mirror.url()]);
        mirrored
    }

    fn name_mirrors(&self, urls: &[&str]) {
        let urls = if urls.is_empty() { &["--clear"] } else { urls };
        let words: Vec<&str> = ["mirrors"].iter().chain(urls).copied().collect();
        self.shop.publisher.edit(&words);
    }

    /// Runs a command with the user's credentials.
    fn run(&self, words: &[&str]) -> Run {
        let (auth, cookie) = (self.shop.path("auth"), self.shop.path("cookie"));
        let mut command = self.shop.command(words);
        command.arg(self.shop.game()).arg("--http-auth-file").arg(auth).arg("--http-cookie-file").arg(cookie);
        Run::of(&mut command)
    }

    fn install(&self) {
        let root = self.shop.publisher.root().to_str().unwrap().to_owned();
        self.run(&["update", "--no-shared-cache", "--repository", &self.origin.url(), "--trust-root", &root]).done();
        self.origin.take_asked();
    }
}

#[test]
fn credentials_go_to_the_origin_and_not_to_mirrors_of_the_catalog() {
    let mut test = Mirrored::new();
    test.install();
    let sent = test.origin.take_credentials();
    assert!(sent.contains(&TOKEN.to_owned()) && sent.contains(&COOKIE.to_owned()), "{sent:?}");
    test.shop.publish("2.0.0");
    // The origin goes down, so that everything comes from the mirror.
    test.origin = TestServer::start(&test.shop.path("nowhere"));
    test.run(&["update", "--no-shared-cache"]).done();
    assert_eq!(test.shop.version(), "2.0.0");
    assert!(!test.mirror.take_asked().is_empty());
    assert_eq!(test.mirror.take_credentials(), Vec::<String>::new());
}

#[test]
fn user_may_name_a_mirror_that_gets_credentials() {
    let mut test = Mirrored::new();
    test.install();
    test.shop.publish("2.0.0");
    test.origin = TestServer::start(&test.shop.path("nowhere"));
    test.run(&["update", "--no-shared-cache", "--http-auth-origin", &test.mirror.url()]).done();
    assert!(test.mirror.take_credentials().contains(&TOKEN.to_owned()));
}

#[test]
fn mirror_that_the_catalog_drops_is_forgotten() {
    let test = Mirrored::new();
    test.install();
    let listed = |shop: &Shop| fs::read_to_string(shop.control("state.json")).unwrap();
    assert!(listed(&test.shop).contains(&test.mirror.url()), "it serves while the origin is down");
    assert!(!test.shop.status()["repository"].to_string().contains(&test.mirror.url()), "it is not the user's");
    test.name_mirrors(&[]);
    test.run(&["update"]).done();
    assert!(!listed(&test.shop).contains(&test.mirror.url()));
    test.mirror.take_asked();
    test.run(&["check"]).done();
    assert!(test.mirror.take_asked().is_empty());
}
