use super::*;

#[test]
fn nothing_that_a_terminal_obeys_gets_through() {
    let hostile = "a\u{1b}[31mred\u{1b}]0;title\u{7}\r\u{8}\u{9b}2J\u{7f}\u{202e}evil\u{2066}\u{2028}x\0";
    for shown in [line(hostile), lines(hostile), message(hostile)] {
        assert!(!shown.chars().any(is_forbidden), "{shown:?}");
    }
    assert_eq!(line("two\nlines\tand a tab"), "two lines and a tab");
    assert_eq!(lines("two\nlines\r\n\u{202e}\tand"), "two\nlines\n\tand");
    assert_eq!(line("ゲーム 👩\u{200d}🚀 é"), "ゲーム 👩\u{200d}🚀 é");
}

#[test]
fn addresses_are_shown_without_what_can_be_a_secret() {
    for (given, shown) in [
        ("https://host/a", "https://host/a"),
        ("https://user:hush@host:8443/a/b?token=hush#hush", "https://host:8443/a/b?…"),
        ("https://hush@host", "https://host"),
        ("https://user:hush@hush@host/x", "https://host/x"),
        ("HTTPS://user:hush@host/", "HTTPS://host/"),
        ("s3://hush:hush@bucket/x?sig=hush", "s3://bucket/x?…"),
        ("http://user:hush/hush@host/x", "http://host/x"),
        ("http://[::1]:8080/a@b", "http://[::1]:8080/a@b"),
        ("http://host/a@b/c", "http://host/a@b/c"),
        ("http://host?hush", "http://host?…"),
        ("C:\\Games\\a?b", "C:\\Games\\a?b"),
        ("a folder/with?mark#x@y", "a folder/with?mark#x@y"),
        ("C:\\me@home\\x", "C:\\me@home\\x"),
        ("/home/me@work/x:y", "/home/me@work/x:y"),
    ] {
        assert_eq!(address(given), shown);
        assert_eq!(has_secret(given), given.contains("hush"), "{given}");
    }
}

#[test]
fn addresses_in_a_sentence_are_shown_without_secrets() {
    for (given, shown) in [
        ("no address", "no address"),
        ("in /here/http:/a:hush@b/x?sig=hush.", "in /here/http:/b/x?…."),
        ("in /here/http:/a:hush/hush@b/x", "in /here/http:/b/x"),
        ("'a:hush@host:80/x?sig=hush' is no folder", "'host:80/x?…' is no folder"),
        ("http://a:hush@bad host/x?sig=hush", "http://bad host/x?…"),
        ("me@example.org wrote to x?y", "me@example.org wrote to x?y"),
        ("a: b@c", "a: b@c"),
        ("http://a:hush@b/x: status 404", "http://b/x: status 404"),
        ("from http://a:hush@b/?sig=hush, and https://c/d?x=hush.", "from http://b/?…, and https://c/d?…."),
        ("\"http://a:hush@bad host/x\" is wrong", "\"http://bad host/x\" is wrong"),
        ("(http://h/?…)", "(http://h/?…)"),
        ("ß://user:hush@h x", "ß://h x"),
        ("://", "://"),
        ("http://", "http://"),
        ("http://h/?…: status 500", "http://h/?…: status 500"),
        ("ゲームhttp://a:hush@b", "ゲームhttp://b"),
    ] {
        assert_eq!(without_secrets(given), shown);
    }
}

#[test]
fn scheme_counts_in_any_case_and_a_missing_one_is_noticed() {
    for url in ["http://h", "HTTP://h", "Https://h/x"] {
        assert!(is_web_url(url), "{url}");
    }
    for other in ["httpx://h", "http:/h", "file:///x", "h:80", ""] {
        assert!(!is_web_url(other), "{other}");
    }
    for (given, meant) in [
        ("host:8080/x", Some("https://host:8080/x")),
        ("example.org:443", Some("https://example.org:443")),
        ("127.0.0.1:8080/", Some("https://127.0.0.1:8080/")),
        ("[::1]:8080/x", Some("https://[::1]:8080/x")),
        ("user:hush@host:8080/x?hush", Some("https://host:8080/x?…")),
        ("https:/example.org/x", Some("https://example.org/x")),
        ("HTTP:example.org", Some("http://example.org")),
        ("some/folder", None),
        ("C:\\Games", None),
        ("C:/Games", None),
        ("./host:8080/x", None),
        ("a:b/c", None),
        ("https://host:8080/x", None),
    ] {
        assert_eq!(meant_url(given).as_deref(), meant, "{given}");
    }
}

#[test]
fn system_errors_are_told_in_words() {
    for kind in [io::ErrorKind::NotFound, io::ErrorKind::AlreadyExists, io::ErrorKind::UnexpectedEof] {
        for error in [io::Error::from(kind), io::Error::new(kind, "entity not found")] {
            let text = system_reason(&error);
            assert!(!text.contains("entity") && !text.contains("os error"), "{text}");
        }
    }
    assert_eq!(system_reason(&io::Error::from_raw_os_error(2)), "There is no such file or folder");
    // EIO, ERROR_IO_DEVICE: neither is a kind of its own.
    let code = if cfg!(windows) { 1117 } else { 5 };
    let text = system_reason(&io::Error::from_raw_os_error(code));
    assert!(text.ends_with(&format!("(system error {code})")) && !text.contains("os error"), "{text}");
    assert_eq!(system_reason(&io::Error::other("Godot reports X")), "Godot reports X");
}
