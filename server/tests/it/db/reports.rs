//! Reports of players: counted, and forgotten with the halt that they led to.

use vsekai_server::db::RowChange;
use vsekai_server::model::{Halt, ReportCount, ReportLimit};

use super::samples::{NOW, apply, later, linux, mode, version, windows};
use crate::databases::Fixture;

super::on_every_database! { hostile too:
    reports_are_added_up_by_version_and_platform,
    limit_of_a_mode_is_kept_and_removed,
    halt_is_kept_until_its_reports_are_forgotten,
}

async fn reports_are_added_up_by_version_and_platform(f: Fixture) {
    let stable = mode("stable");
    let [one, two] = ["1.0.0", "1.1.0"].map(|text| version(&stable, text));
    let rows = vec![RowChange::Mode(stable), RowChange::Version(one.clone()), RowChange::Version(two.clone())];
    apply(&*f.db, rows).await;
    let count = |version_id, platform, started, failed| ReportCount { version_id, platform, started, failed };
    f.db.add_reports(&[count(one.id, linux(), 5, 1), count(two.id, linux(), 1, 0)]).await.unwrap();
    f.db.add_reports(&[count(one.id, linux(), 0, 2), count(one.id, windows(), 0, 7)]).await.unwrap();
    f.db.add_reports(&[]).await.unwrap();
    let mut all = f.db.reports().await.unwrap();
    all.sort_by_key(|count| (count.version_id != one.id, count.platform.clone()));
    assert_eq!(all, [count(one.id, linux(), 5, 3), count(one.id, windows(), 0, 7), count(two.id, linux(), 1, 0)]);
    assert!(f.db.add_reports(&[count(uuid::Uuid::now_v7(), linux(), 1, 0)]).await.is_err(), "of no version");
}

async fn limit_of_a_mode_is_kept_and_removed(f: Fixture) {
    let mut stable = mode("stable");
    for reports in [None, Some((50, 5)), Some((1_000_000, 99)), None] {
        stable.reports = reports.map(|(minimum, percent)| ReportLimit { minimum, percent });
        apply(&*f.db, vec![RowChange::Mode(stable.clone())]).await;
        assert_eq!(f.db.view().await.unwrap().modes, [stable.clone()]);
        assert_eq!(f.db.mode(stable.id).await.unwrap(), Some(stable.clone()));
    }
}

async fn halt_is_kept_until_its_reports_are_forgotten(f: Fixture) {
    let stable = mode("stable");
    let [one, two] = ["1.0.0", "1.1.0"].map(|text| version(&stable, text));
    let rows = vec![RowChange::Mode(stable), RowChange::Version(one.clone()), RowChange::Version(two.clone())];
    apply(&*f.db, rows).await;
    let halt = |version_id, at| Halt { version_id, platform: linux(), reports: 60, failed: 9, percent: 5, at };
    let count = ReportCount { version_id: one.id, platform: linux(), started: 51, failed: 9 };
    f.db.add_reports(&[count]).await.unwrap();
    apply(&*f.db, vec![RowChange::Halt(halt(one.id, NOW)), RowChange::Halt(halt(two.id, later(9)))]).await;
    apply(&*f.db, vec![RowChange::Halt(halt(one.id, later(5)))]).await;
    assert_eq!(f.db.halts().await.unwrap(), [halt(two.id, later(9)), halt(one.id, later(5))]);
    apply(&*f.db, vec![RowChange::ForgetReports(one.id)]).await;
    assert_eq!(f.db.halts().await.unwrap(), [halt(two.id, later(9))]);
    assert_eq!(f.db.reports().await.unwrap(), []);
}
