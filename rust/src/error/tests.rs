use super::*;

/// One of each; a new variant without a sample makes its documented code look superfluous.
fn samples() -> Vec<Error> {
    let id = ChunkId::from_bytes([0; 32]);
    let text = String::new;
    let malformed = |format| Error::malformed(format, 0, text());
    let io = |kind: io::ErrorKind| Error::io("read", "/f")(kind.into());
    let transport = |kind| Error::transport(kind, text(), text());
    let mut all = vec![
        Error::UnsafePath { name: text(), reason: "" },
        Error::chunk_corrupt(id, text(), text()),
        Error::ChunkMissing { id, origins: text() },
        Error::DiskFull { path: "/d".into(), needed_bytes: 2, free_bytes: 1 },
        Error::ServerRefused { status: 409, code: text(), detail: text() },
        Error::DestinationNotOurs { path: "/d".into() },
        Error::OtherOwner { path: "/d".into(), owner: 1 },
        Error::ForeignConflict { path: "/d".into() },
        Error::Busy { path: "/d".into(), holder: text() },
        Error::VersionInvalid { version: text(), reason: text() },
        Error::ModeUnknown { mode: text(), known: text() },
        Error::ModeRetired { mode: text() },
        Error::ModeCycle { path: text() },
        Error::NoBuild { mode: text(), platform: text(), is_recalled: false },
        Error::VersionUnknown { mode: text(), version: text(), known: text() },
        Error::VersionRecalled { mode: text(), version: text() },
        Error::VersionExists { mode: text(), version: text(), differs: text() },
        Error::VersionTooOld { mode: text(), version: text(), oldest: text() },
        Error::LauncherTooOld { what: text(), needed: text() },
        Error::StateTooNew { path: "/d".into(), schema: 9 },
        Error::NotInstalled { path: "/d".into() },
        Error::RepositoryMissing { path: "/d".into() },
        Error::NoPrevious { path: "/d".into() },
        Error::Damaged { path: "/d".into(), files: 1 },
        Error::LaunchFailed { path: "/d".into(), source: io::ErrorKind::NotFound.into() },
        Error::PackageManaged { path: "/d".into(), manager: "dpkg", command: text() },
        Error::LintFailed { findings: 1, codes: text(), refused: Vec::new() },
        Error::KeyMissing { role: text(), path: "/d".into() },
        Error::PassphraseMissing { path: "/k".into() },
        Error::PassphraseWrong { path: "/k".into() },
        Error::SignerFailed { path: "/k".into(), reason: text() },
        Error::PreparationStale { reason: text() },
        Error::SignatureExpired { role: text(), expires: jiff::Timestamp::UNIX_EPOCH },
        Error::invalid("", text()),
        Error::not_there(text()),
        Error::unsupported(text()),
        Error::Cancelled,
    ];
    all.extend([Format::Index, Format::Archive, Format::Chunk, Format::Receipt].map(malformed));
    all.extend(
        [
            Format::Release,
            Format::Catalog,
            Format::FileTable,
            Format::News,
            Format::Bundle,
            Format::State,
            Format::Preparation,
        ]
        .map(malformed),
    );
    all.push(malformed(Format::Config));
    let trust = |kind| Error::trust(kind, text());
    use TrustKind::{ClockBack, Expired, Malformed, Mismatch, NotSigned, Rollback, Root, Signature, Unsigned};
    all.extend([ClockBack, Expired, Malformed, Mismatch, NotSigned, Rollback, Root, Signature, Unsigned].map(trust));
    all.extend(
        [
            io::ErrorKind::StorageFull,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::NotFound,
            io::ErrorKind::Other,
        ]
        .map(io),
    );
    use TransportKind::{NotFound, Offline, Protocol, TimedOut, Tls, Unauthorized};
    all.extend([Offline, TimedOut, Tls, Unauthorized, NotFound, Protocol].map(transport));
    all
}

#[test]
fn documentation_lists_every_code_and_no_other() {
    let codes: std::collections::BTreeSet<&str> = samples().iter().map(Error::code).collect();
    let table = include_str!("../../../docs/errors.md");
    let groups: Vec<Vec<&str>> = table
        .split("\n### ")
        .map(|group| group.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect())
        .collect();
    assert!(groups.iter().all(|group| group.is_sorted()), "each group is sorted: {groups:?}");
    let mut rows: Vec<&str> = groups.into_iter().flatten().collect();
    rows.sort_unstable();
    assert_eq!(rows, codes.into_iter().collect::<Vec<_>>());
    let mut all: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    all.sort_unstable();
    assert_eq!(rows, all, "no code is without an error");
}

#[test]
fn full_disk_has_one_code_however_it_was_found() {
    let before = Error::DiskFull { path: "/d".into(), needed_bytes: 2, free_bytes: 1 };
    let during = Error::io("write", "/d/f")(io::Error::from(io::ErrorKind::StorageFull));
    assert_eq!(before.code(), "disk_full");
    assert_eq!(during.code(), "disk_full");
}

#[test]
fn sources_keep_their_type_and_are_said_once() {
    let error = Error::malformed(Format::Chunk, 0, "it does not decompress").caused_by(io::Error::other("bad magic"));
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<io::Error>()));
    assert_eq!(error.causes(), ["bad magic"]);
    assert_eq!(error.message_with_causes(), "Malformed chunk at byte 0: it does not decompress: bad magic");
    let around = Error::chunk_corrupt(ChunkId::from_bytes([0; 32]), "here", "it does not decode").caused_by(error);
    assert_eq!(around.causes(), ["Malformed chunk at byte 0: it does not decompress", "bad magic"]);
}

#[test]
fn translated_sources_are_for_programs_only() {
    let source = Source::translated(io::Error::other("error sending request for url (https://user:secret@host)"));
    let error = Error::transport(TransportKind::Offline, "https://host", "refused").with_source(Some(source));
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<io::Error>()));
    assert!(error.causes().is_empty());
}

#[test]
fn libraries_are_the_sources_of_malformed_documents() {
    use crate::formats::release::Catalog;

    let error = Catalog::parse(b"{").err().map(|error| Error::invalid("catalog", "no").caused_by(error));
    let catalog = error.as_ref().and_then(|error| std::error::Error::source(error));
    let json = catalog.and_then(std::error::Error::source);
    assert!(json.is_some_and(|source| source.is::<serde_json::Error>()), "{error:?}");
    let error = crate::install::config::Config::parse("mode = [").err();
    let toml = error.as_ref().and_then(|error| std::error::Error::source(error));
    assert!(toml.is_some_and(|source| source.is::<toml::de::Error>()), "{error:?}");
}
