//! The table.

use crate::cost;
use crate::day::{Day, peak};
use crate::world::{Seconds, World};

pub(crate) const HEAD: &str = "\
| | half have it | 99 % | the last | to players, peak | busiest place | origin, peak | from the origin | its requests | \
slowest 1 % of downloads | given up | CloudFront | bunny.net | R2 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

pub(crate) fn row(world: &World, day: &Day) -> String {
    let at = |part: f64| day.done.get((day.done.len() as f64 * part) as usize).or(day.done.last());
    let when = |part: f64| at(part).map_or_else(|| "never".to_owned(), |seconds| time(*seconds));
    let slowest = day.slowdown.get((day.slowdown.len() as f64 * 0.99) as usize).copied().unwrap_or(f64::NAN);
    let to_players: f64 = day.to_players.iter().sum();
    let origin: f64 = day.from_origin.iter().sum();
    let cells = [
        world.scenario.name.to_owned(),
        when(0.5),
        when(0.99),
        when(1.0),
        gigabits(&day.to_players),
        gigabits(&day.busiest),
        gigabits(&day.from_origin),
        format!("{:.1} GB", origin / 1e9),
        format!("{:.0}", day.origin_requests),
        format!("{slowest:.1} × alone"),
        day.failed.to_string(),
        format!("${:.0}", cost::cloudfront(to_players)),
        format!("${:.0}", cost::bunny(to_players)),
        format!("${:.2}", cost::r2(day.origin_requests)),
    ];
    format!("| {} |", cells.join(" | "))
}

fn time(seconds: Seconds) -> String {
    let (hours, minutes) = (seconds / 3600.0, seconds / 60.0);
    if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else if minutes < 100.0 {
        format!("{minutes:.1} min")
    } else {
        format!("{hours:.1} h")
    }
}

fn gigabits(minutes: &[f64]) -> String {
    let gigabits = peak(minutes) / 60.0 * 8.0 / 1e9;
    if gigabits < 10.0 { format!("{gigabits:.2} Gbit/s") } else { format!("{gigabits:.0} Gbit/s") }
}
