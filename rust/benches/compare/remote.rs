//! Cases over HTTP/1.1 from a real nginx, without delay and 50 ms away.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::nginx::{self, Nginx, Request};
use crate::process::{Contender, Sample, Series, contest, median, series};
use crate::proxy::Proxy;
use crate::table::{Row, Verdict, grouped};
use crate::{Bench, ONE_WAY, Result};

pub(crate) const FAR: &str = "extract over HTTP/1.1, 50 ms round trip";
pub(crate) const FAR_64: &str = "the same extract, against 64 requests at once";
pub(crate) const FAR_UPDATE: &str = "update over HTTP/1.1, 50 ms round trip";
pub(crate) const FAR_UPDATE_64: &str = "the same update, against 64 requests at once";
pub(crate) const REQUESTS: &str = "update from a bare store: chunk requests";
pub(crate) const AGAIN: &str = "the same version again";
pub(crate) const AGAIN_BAR: &str = "0 requests, 0 bytes, < 50 ms beyond start";

impl Bench {
    fn serve(&self) -> Result<Nginx> {
        let program = self.programs.nginx.as_ref().ok_or("skipped: no nginx")?;
        Nginx::start(program, &self.data.store, &self.scratch.join(nginx::FOLDER))
    }

    /// The new version over the slow link: a full extract, and an update of the old version.
    pub(crate) fn far(&mut self) -> Result<()> {
        let server = self.serve()?;
        let proxy = Proxy::start(server.address(), ONE_WAY)?;
        let far = format!("http://{}/store", proxy.address());
        let near = self.data.store.display().to_string();
        let new = &self.data.new;
        let folder = |name: &str| self.scratch.join("far").join(name).join("GAME");
        let (whole, updated) = (folder("whole"), folder("updated"));
        let check = |round: usize, tree: &Path| match round {
            0 => self.programs.expect_same(tree, &self.reference),
            _ => Ok(()),
        };
        let mut contenders = vec![
            Contender::new("vsekai", |round| {
                self.fresh(&whole)?;
                let sample = self.programs.runner.run(&self.programs.extract(&far, new, &whole))?;
                check(round, &whole).map(|()| sample)
            }),
            Contender::new("vsekai update", |round| {
                self.fresh(&updated)?;
                self.programs.runner.run(&self.programs.extract(&near, &self.data.old, &updated))?;
                self.programs.runner.settle();
                let sample = self.programs.runner.run(&self.programs.extract(&far, new, &updated))?;
                check(round, &updated).map(|()| sample)
            }),
        ];
        for (name, concurrency) in [("desync", None), ("desync -n 64", Some(64))] {
            let (bench, dest, far) = (&*self, folder(name), &far);
            if self.programs.has_desync() {
                contenders.push(Contender::new(name, move |_| {
                    bench.fresh(&dest)?;
                    bench.programs.run(bench.programs.untar_with(far, new, &dest, concurrency))
                }));
            }
        }
        let all = contest(self.rounds, contenders)?;
        let take = |name| series(&all, name).cloned().unwrap_or_default();
        let (whole, updated) = (take("vsekai"), take("vsekai update"));
        let (slow, fast) = (series(&all, "desync"), series(&all, "desync -n 64"));
        self.versus("desync untar", FAR, &whole, slow, Some(0.15));
        self.versus("desync untar -n 64", FAR_64, &whole, fast, Some(0.8));
        self.versus("desync untar (whole: it has no update)", FAR_UPDATE, &updated, slow, None);
        self.versus("desync untar -n 64 (whole)", FAR_UPDATE_64, &updated, fast, None);
        self.note_memory("extract over HTTP", &whole, slow);
        self.note_memory("update over HTTP", &updated, None);
        Ok(())
    }

    /// The requests of an update, from nginx's log, then of the same version once more.
    pub(crate) fn update(&mut self) -> Result<()> {
        let server = self.serve()?;
        let url = format!("http://{}/store", server.address());
        let installed = self.scratch.join("update/GAME");
        self.fresh(&installed)?;
        let near = self.data.store.display().to_string();
        self.programs.runner.run(&self.programs.extract(&near, &self.data.old, &installed))?;
        let mark = server.mark();
        let update = self.programs.extract(&url, &self.data.new, &installed);
        let sample = self.programs.runner.run(&update)?;
        let ours = server.chunk_requests_since(mark)?;
        self.programs.expect_same(&installed, &self.reference)?;
        let theirs = self.desync_requests(&server, &url)?;
        self.request_row(&ours, theirs.as_deref(), &sample)?;
        self.again(&server, &update, &installed)
    }

    /// The requests of desync, which fetches the whole new version.
    fn desync_requests(&self, server: &Nginx, url: &str) -> Result<Option<Vec<Request>>> {
        let whole = self.scratch.join("update-desync/GAME");
        let Some(untar) = self.programs.untar(url, &self.data.new, &whole) else { return Ok(None) };
        self.fresh(&whole)?;
        let mark = server.mark();
        self.programs.runner.run(&untar)?;
        server.chunk_requests_since(mark).map(Some)
    }

    fn request_row(&mut self, ours: &[Request], theirs: Option<&[Request]>, sample: &Sample) -> Result<()> {
        let missing = self.data.missing()?;
        let expected: BTreeSet<String> = missing.iter().map(|id| format!("/store/{}", id.store_path())).collect();
        let asked: BTreeSet<String> = ours.iter().map(|request| request.path.clone()).collect();
        let is_good =
            asked == expected && ours.len() == asked.len() && ours.iter().all(|request| request.status == 200);
        let verdict = if is_good { Verdict::Pass } else { Verdict::Fail };
        let told =
            theirs.map_or_else(|| "skipped: no desync".to_owned(), |theirs| format!("desync untar: {}", words(theirs)));
        let bar = format!("exactly the {} missing chunks, once each", grouped(missing.len() as u64));
        let seconds = sample.wall.as_secs_f64();
        let mut row = Row::plain(REQUESTS, format!("{}; {seconds:.3} s", words(ours)), told, &bar, verdict);
        if let Some(theirs) = theirs.filter(|theirs| !theirs.is_empty()) {
            row.set_ratio(total(ours) / total(theirs), "of the bytes");
        }
        self.rows.push(row);
        Ok(())
    }

    /// Nothing is downloaded, and no file changes: neither its inode nor its times.
    fn again(&mut self, server: &Nginx, update: &std::process::Command, installed: &Path) -> Result<()> {
        let mark = server.mark();
        let before = stamps(installed)?;
        let runner = &self.programs.runner;
        let all = contest(
            self.rounds.max(15),
            vec![
                Contender::new("again", |_| runner.run(update)),
                Contender::new("--version", |_| runner.run(&self.programs.version())),
            ],
        )?;
        let requests = server.chunk_requests_since(mark)?.len();
        let is_untouched = stamps(installed)? == before;
        let take = |name| series(&all, name).map(Series::seconds).unwrap_or_default();
        let [again, start] = [take("again"), take("--version")].map(|seconds| median(&seconds) * 1000.0);
        let beyond = again - start;
        let verdict = if requests == 0 && is_untouched && beyond < 50.0 { Verdict::Pass } else { Verdict::Fail };
        let files = if is_untouched { "no file touched" } else { "FILES WRITTEN" };
        let ours = format!("{requests} chunk requests, {files}, {beyond:.1} ms beyond start");
        let theirs = format!("`vsekai --version`: {start:.1} ms");
        self.rows.push(Row::plain(AGAIN, ours, theirs, AGAIN_BAR, verdict));
        let peak = series(&all, "again").cloned().unwrap_or_default();
        self.note_memory("the same version again", &peak, None);
        Ok(())
    }
}

fn total(requests: &[Request]) -> f64 {
    let bytes: u64 = requests.iter().map(|request| request.sent_bytes).sum();
    Duration::from_micros(bytes).as_secs_f64()
}

fn words(requests: &[Request]) -> String {
    format!("{} requests, {:.1} MB received", grouped(requests.len() as u64), total(requests))
}

/// Path, inode, size and times of everything below a folder.
fn stamps(folder: &Path) -> Result<BTreeSet<(PathBuf, [i64; 5], u64)>> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec(), found.ino().cast_signed()];
        all.insert((entry.path(), times, found.len()));
        if found.is_dir() {
            all.append(&mut stamps(&entry.path())?);
        }
    }
    Ok(all)
}
