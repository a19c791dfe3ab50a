//! Documents: what is read from each, and that writing them again gives the same bytes.

use std::collections::BTreeMap;
use std::fs;

use sha2::{Digest, Sha256};
use vsekai_updater::digest::DigestAlgorithm;
use vsekai_updater::formats::bundle::{BundleList, Effort, index_document, parse_index_document};
use vsekai_updater::formats::index::{FeatureFlags, Index};
use vsekai_updater::formats::metadata_pack::{self, MetadataPack};
use vsekai_updater::formats::release::{Catalog, FileTable, ModeName, Platform};
use vsekai_updater::install::{InstallRoot, InstallState};
use vsekai_updater::version::Version;

use super::frozen::{NEW_PCK, STABLE, files, read, stable, v01};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mode(name: &str) -> ModeName {
    ModeName::new(name).unwrap()
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(packed).unwrap()
}

#[test]
fn indexes_of_trees_are_read_and_written_alike() {
    for version in STABLE {
        let stable = stable(version);
        assert_eq!(stable.index.to_bytes(), stable.index_bytes, "{version}");
        assert_eq!(sha256(&stable.index_bytes), stable.release.index.sha256);
        assert_eq!((stable.index.flags(), stable.index.digest()), (FeatureFlags::TREE, DigestAlgorithm::Sha512_256));
        let sizes = stable.index.sizes();
        assert_eq!([sizes.min(), sizes.avg(), sizes.max()], [4 << 10, 16 << 10, 64 << 10]);
        assert_eq!(parse_index_document(&index_document(&stable.index)).unwrap(), stable.index);
    }
}

#[test]
fn index_of_a_blob_is_read_and_written_alike() {
    let bytes = read("documents/engine.caibx");
    let index = Index::parse(&bytes).unwrap();
    assert_eq!((index.flags(), index.len(), index.stream_bytes()), (FeatureFlags::BLOB, 8, 27_948));
    assert_eq!(index.to_bytes(), bytes);
}

#[test]
fn release_documents_are_read_and_written_alike() {
    for (version, sequence) in STABLE.into_iter().zip(1..) {
        let stable = stable(version);
        let release = stable.release;
        assert_eq!(release.to_bytes().unwrap(), stable.release_bytes, "{version}");
        assert_eq!((release.mode.as_str(), release.version.to_string().as_str()), ("stable", version));
        assert_eq!((release.platform.as_str(), release.sequence), ("linux-x86_64", sequence));
        assert!(release.published_at.to_string().starts_with("2026-01-01T00:"), "{}", release.published_at);
        assert_eq!(release.entry.path.as_str(), "game");
        assert_eq!(release.mutable.iter().map(ToString::to_string).collect::<Vec<_>>(), ["settings.cfg"]);
        assert_eq!((release.chunking.sizes_bytes, release.chunking.forced_cuts), ([4096, 16384, 65536], true));
        assert_eq!((release.sizes.files, release.sizes.tree_bytes), (7, 66_384 + 16 * (sequence - 1)));
    }
    let second = stable("1.1.0").release;
    assert_eq!(
        (second.entry.arguments, second.notes.as_str()),
        (vec!["--fast".to_owned()], "# New\n\n- A **second** world\n")
    );
    assert_eq!(stable("1.2.0").release.min_launcher, Some(Version::parse("0.1.0").unwrap()));
}

#[test]
fn file_tables_are_read_and_written_alike() {
    for (version, new_pck) in STABLE.into_iter().zip(NEW_PCK) {
        let stable = stable(version);
        let rows: Vec<_> =
            stable.table.files().map(|(_, path, bytes, digest)| (path.as_str(), bytes, digest)).collect();
        let paths: Vec<_> = rows.iter().map(|(path, ..)| *path).collect();
        let expected =
            ["bin/engine", "data/empty", "data/new.pck", "data/world.pck", "data/世界.txt", "game", "settings.cfg"];
        assert_eq!(paths, expected);
        assert_eq!((rows[2].1, rows[2].2.to_string().as_str()), (6_000, new_pck));
        // Another zstd release may compress it differently, but the content is the same.
        assert_eq!(unpacked(&stable.table.to_bytes().unwrap()), unpacked(&stable.table_bytes));
        let document = stable.table.to_document().unwrap();
        assert_eq!(Some(sha256(&document)), stable.release.files.document_sha256);
        assert_eq!(FileTable::of_document(&document, &stable.index).unwrap(), stable.table);
    }
}

#[test]
fn catalogs_are_read_and_written_alike() {
    let bytes = read("documents/catalog.json");
    let catalog = Catalog::parse(&bytes).unwrap();
    assert_eq!(catalog.to_bytes().unwrap(), bytes);
    assert_eq!(catalog.stores, ["https://cdn.example.org/store", "store"]);
    assert_eq!(catalog.mirrors, ["https://mirror.example.org/v-sekai/"]);
    assert_eq!(catalog.modes.keys().map(ModeName::as_str).collect::<Vec<_>>(), ["beta", "old", "stable"]);
    let (old, stable) = (&catalog.modes[&mode("old")], &catalog.modes[&mode("stable")]);
    assert_eq!((old.is_active, old.update_to.clone()), (false, Some(mode("stable"))));
    assert_eq!((stable.description.as_str(), stable.sequence, stable.versions.len()), ("For everybody", 4, 3));
    let beta = |version: &str| catalog.modes[&mode("beta")].offer(&Version::parse(version).unwrap()).unwrap().clone();
    let (first, second) = (beta("2.0.0-beta.1"), beta("2.0.0-beta.2+build.5"));
    assert_eq!((first.skip_update, first.recalled, first.rollout), (true, true, 100));
    assert_eq!((second.skip_update, second.recalled, second.rollout), (false, false, 25));
    assert!(second.platforms.contains(&Platform::new("linux-x86_64").unwrap()));
}

#[test]
fn lists_of_bundles_are_read_and_written_alike() {
    let counts: Vec<_> = STABLE
        .iter()
        .map(|version| {
            let to = stable(version).release.content();
            let bytes = read(&format!("repository/{}", vsekai_updater::formats::bundle::list_name(&to)));
            let list = BundleList::parse(&bytes).unwrap();
            assert_eq!(list.to_bytes().unwrap(), bytes);
            let efforts: Vec<_> = list.bundles.iter().map(|bundle| bundle.effort).collect();
            assert!(
                efforts.iter().all(|effort| *effort == if *version == "1.2.0" { Effort::Best } else { Effort::Normal })
            );
            efforts.len()
        })
        .collect();
    assert_eq!(counts, [1, 2, 3]);
}

#[test]
fn pack_has_the_files_of_the_repository() {
    let bytes = read(&format!("repository/{}", metadata_pack::PATH));
    let pack = MetadataPack::parse(&bytes).unwrap();
    let files: BTreeMap<String, Vec<u8>> =
        pack.paths().map(|path| (path.to_owned(), pack.get(path).unwrap().to_vec())).collect();
    assert_eq!((files.len(), pack.newest_root()), (14, Some(2)));
    for (path, body) in &files {
        assert_eq!(*body, read(&format!("repository/{path}")), "{path}");
    }
    assert_eq!(unpacked(&MetadataPack::write(&files).unwrap()), unpacked(&bytes));
}

#[test]
fn states_are_read_and_written_alike() {
    for name in ["documents/state.json", "install/.vsekai/state.json"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".vsekai")).unwrap();
        fs::copy(v01(name), folder.path().join(".vsekai/state.json")).unwrap();
        let root = InstallRoot::at(folder.path()).unwrap();
        let state = InstallState::load(&root).unwrap().unwrap();
        state.save(&root).unwrap();
        assert_eq!(fs::read(root.control("state.json")).unwrap(), read(name));
        assert_eq!((state.mode.as_str(), state.install_id.len(), state.seen_root), ("stable", 32, 2));
        assert_eq!(state.seen[&mode("stable")], 4);
        let is_rolled_back = name == "documents/state.json";
        let current = state.current.unwrap();
        assert_eq!(current.version.to_string(), if is_rolled_back { "1.0.0" } else { "1.1.0" });
        assert_eq!(state.trial.map(|trial| trial.attempts), (!is_rolled_back).then_some(0));
        assert_eq!(state.bad.len(), usize::from(is_rolled_back));
        assert_eq!(state.integration.is_some(), is_rolled_back);
    }
}

#[test]
fn files_are_named_by_their_digest() {
    let folder = v01("repository");
    let mut checked = 0;
    for name in files(&folder) {
        let last = name.rsplit('/').next().unwrap();
        let digest = last.split('.').next().unwrap();
        // A list of bundles is named by its version, a chunk by its unpacked content.
        let is_named = digest.len() == 64 && (name.starts_with("targets/") || last == digest);
        if is_named {
            assert_eq!(sha256(&fs::read(folder.join(&name)).unwrap()), digest, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}
