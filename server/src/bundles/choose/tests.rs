use uuid::Uuid;
use vsekai_updater::formats::bundle::BundleInfo;
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::version::Version;

use super::*;
use crate::model::{Mode, Time};

fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

/// Modes `a`, `b` … with this many versions each. Version `n` has the index `n` in the first mode, `100 + n` in the
/// second.
fn world(counts: &[u8]) -> Known {
    let mut known = Known::default();
    for (line, &count) in (0_u8..).zip(counts) {
        let id = Uuid::now_v7();
        let name = ModeName::new(&char::from(b'a' + line).to_string()).unwrap();
        known.view.modes.push(Mode {
            id,
            name,
            description: String::new(),
            is_active: true,
            update_to: None,
            sequence: u64::from(count),
            reports: None,
            updated_at: Time(0),
        });
        for number in 1..=count {
            let version = ModeVersion {
                id: Uuid::now_v7(),
                mode_id: id,
                version: Version::parse(&format!("1.{number}.0")).unwrap(),
                state: VersionState::Published,
                skip_update: false,
                recalled: false,
                rollout: 100,
                sequence: u64::from(number),
                manifest_file_uri: String::new(),
                published_at: Time(i64::from(number)),
                updated_at: Time(0),
            };
            let platform = Platform::new("linux-x86_64").unwrap();
            known.indexes.push(VersionIndex { digest: digest(line * 100 + number), version_id: version.id, platform });
            known.view.versions.push(version);
        }
    }
    known
}

fn policy() -> Policy {
    Policy { versions: 1, deltas: 3, asked: 2, effort: Effort::Fast, only_last: false }
}

/// From which versions bundles for the newest version are built; 0 stands for none.
fn froms(known: &Known, policy: &Policy) -> Vec<u8> {
    let jobs = choose(known, policy);
    assert!(jobs.windows(2).all(|two| two[0].to == two[1].to), "{jobs:?}");
    jobs.iter().map(|job| job.from.map_or(0, |from| from.0[0])).collect()
}

fn built(to: u8, from: u8, effort: Effort) -> Bundle {
    let from = (from > 0).then(|| digest(from));
    let info = BundleInfo { id: digest(to ^ 0xff), length: 1, front_bytes: 1, plain_bytes: 1, from, effort };
    Bundle { info, to: digest(to), created_at: Time(0) }
}

fn asks(to: u8, from: u8, count: u64) -> Asks {
    Asks { to: digest(to), from: digest(from), count }
}

#[test]
fn newest_previous_version_comes_first_and_the_full_bundle_last() {
    assert_eq!(froms(&world(&[6]), &policy()), [5, 4, 3, 0]);
    assert_eq!(froms(&world(&[2]), &policy()), [1, 0]);
    assert_eq!(froms(&world(&[1]), &policy()), [0]);
    assert!(choose(&Known::default(), &policy()).is_empty());
}

#[test]
fn versions_that_players_come_from_come_before_others() {
    let mut known = world(&[8]);
    known.asks = vec![asks(8, 5, 10), asks(7, 6, 3)];
    assert_eq!(froms(&known, &policy()), [7, 5, 6, 0]);
}

#[test]
fn other_versions_are_built_for_only_if_asked_for_most() {
    let mut known = world(&[9]);
    known.asks = vec![asks(9, 1, 5), asks(9, 2, 90), asks(9, 3, 50), asks(9, 77, 1000), asks(8, 4, 400)];
    assert_eq!(froms(&known, &policy()), [8, 2, 3, 7, 6, 0]);
    assert_eq!(froms(&known, &Policy { asked: 0, ..policy() }), [8, 7, 6, 0]);
    assert_eq!(froms(&known, &Policy { deltas: 0, ..policy() }), [2, 3, 0]);
}

#[test]
fn all_is_built_in_haste_before_anything_is_built_with_care() {
    let known = world(&[2]);
    let jobs = choose(&known, &Policy { effort: Effort::Best, ..policy() });
    let order: Vec<_> = jobs.iter().map(|job| (job.effort, job.from.is_some())).collect();
    let each = |effort| [(effort, true), (effort, false)];
    assert_eq!(order, Effort::ALL.map(each).concat());
    let jobs = choose(&known, &Policy { effort: Effort::Best, only_last: true, ..policy() });
    assert!(jobs.len() == 2 && jobs.iter().all(|job| job.effort == Effort::Best));
}

#[test]
fn what_is_there_is_not_built_again_but_better() {
    let mut known = world(&[2]);
    known.bundles = vec![built(2, 1, Effort::Normal), built(2, 0, Effort::Fast)];
    assert!(choose(&known, &policy()).is_empty());
    let jobs = choose(&known, &Policy { effort: Effort::Normal, ..policy() });
    assert_eq!(jobs, [BuildJob { effort: Effort::Normal, to: digest(2), from: None }]);
}

#[test]
fn recalled_and_withdrawn_versions_get_none_and_recalled_ones_are_left() {
    let mut known = world(&[4]);
    known.view.versions[3].recalled = true;
    known.view.versions[1].state = VersionState::Withdrawn;
    let jobs = choose(&known, &policy());
    assert!(jobs.iter().all(|job| job.to == digest(3)), "{jobs:?}");
    assert_eq!(froms(&known, &policy()), [1, 0]);
    known.asks = vec![asks(3, 4, 1)];
    assert_eq!(froms(&known, &policy()), [1, 4, 0], "clients with the recalled version are led back");
}

#[test]
fn newest_versions_of_all_modes_come_before_older_ones() {
    let known = world(&[2, 2]);
    let jobs = choose(&known, &Policy { versions: 2, deltas: 0, ..policy() });
    let targets: Vec<_> = jobs.iter().map(|job| job.to.0[0]).collect();
    assert_eq!(targets.len(), 4);
    assert_eq!(targets.iter().take(2).map(|it| it % 100).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn content_that_two_modes_have_is_built_once() {
    let mut known = world(&[2, 2]);
    for index in &mut known.indexes {
        index.digest = digest(index.digest.0[0] % 100);
    }
    assert_eq!(froms(&known, &policy()), [1, 0]);
    // The same build again under a new number needs no bundle from itself.
    known.indexes.iter_mut().for_each(|index| index.digest = digest(9));
    assert_eq!(froms(&known, &policy()), [0]);
}
