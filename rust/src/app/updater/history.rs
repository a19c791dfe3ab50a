//! What is new in the last versions: their release notes, kept for when there is no network.

use serde::{Deserialize, Serialize};

use super::Updater;
use super::repository_state::RepositoryState;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::{ModeName, Release};
use crate::install::{self, InstallState, InstalledVersion};
use crate::limits;
use crate::local::disk::{self, Durability};
use crate::version::Version;

/// How many versions are told about.
pub const MAX_VERSIONS: usize = 10;

/// The file in `.vsekai` that keeps them.
const FILE: &str = "notes.json";

/// The release notes of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionNotes {
    /// The mode that offers it.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// Time of publication, in seconds since 1970; 0 if unknown.
    pub published_at_s: i64,
    /// In Markdown; may be empty.
    pub notes: String,
    /// It is the installed version.
    #[serde(default)]
    pub is_current: bool,
    /// It is higher than the installed version, and was not put aside here.
    #[serde(default)]
    pub is_new: bool,
}

impl VersionNotes {
    fn of(release: &Release) -> Self {
        Self {
            mode: release.mode.clone(),
            version: release.version.clone(),
            published_at_s: release.published_at.as_second(),
            notes: release.notes.clone(),
            is_current: false,
            is_new: false,
        }
    }
}

impl Updater {
    /// The notes of the last versions of the followed mode, the newest first, and of the installed one. Without the
    /// repository, or with `is_offline`, those that the last call has kept.
    ///
    /// # Errors
    /// Those of the repository, if nothing is known without it.
    pub fn notes(&self, is_offline: bool, monitor: &Monitor) -> Result<Vec<VersionNotes>> {
        let state = self.state_or_new(monitor)?;
        let kept = self.kept_notes(&state);
        let offered = if is_offline { Ok(kept.clone()) } else { self.offered_notes(&state, &kept, monitor) };
        let mut all = match offered {
            Ok(all) => all,
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) if kept.is_empty() => return Err(error),
            Err(error) => {
                monitor.warn(&error);
                kept
            }
        };
        let now = state.current.as_ref();
        for each in &mut all {
            each.is_current = now.is_some_and(|now| (&now.mode, &now.version) == (&each.mode, &each.version));
            let is_bad = state.bad.iter().any(|(mode, version)| (mode, version) == (&each.mode, &each.version));
            each.is_new = !is_bad && now.is_none_or(|now| each.version > now.version);
        }
        Ok(all)
    }

    fn offered_notes(
        &self,
        state: &InstallState,
        kept: &[VersionNotes],
        monitor: &Monitor,
    ) -> Result<Vec<VersionNotes>> {
        let mut view = RepositoryState::open(&self.settings, &self.root, state, monitor)?;
        let mode = view.mode(&self.settings, state)?;
        let mut wanted: Vec<(ModeName, Version)> =
            view.told(&mode, &self.settings.platform).into_iter().map(|version| (mode.clone(), version)).collect();
        wanted.sort_by(|(_, a), (_, b)| b.cmp(a));
        wanted.truncate(MAX_VERSIONS);
        if let Some(now) = state.current.as_ref().map(|now| (now.mode.clone(), now.version.clone()))
            && !wanted.contains(&now)
        {
            wanted.truncate(MAX_VERSIONS - 1);
            wanted.push(now);
            wanted.sort_by(|(_, a), (_, b)| b.cmp(a));
        }
        let mut all = Vec::new();
        for (mode, version) in wanted {
            monitor.cancel.check()?;
            // A published version never changes.
            if let Some(known) = kept.iter().find(|known| (&known.mode, &known.version) == (&mode, &version)) {
                all.push(known.clone());
                continue;
            }
            match view.release(&mode, &version, &self.settings.platform) {
                Ok((release, _)) => all.push(VersionNotes::of(&release)),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                // Of the other versions there is still something to tell.
                Err(error) => monitor.warn(&error),
            }
        }
        self.keep_notes(&all);
        Ok(all)
    }

    /// What earlier calls have kept, and the installed versions.
    fn kept_notes(&self, state: &InstallState) -> Vec<VersionNotes> {
        let longest = limits::MAX_DOCUMENT_BYTES.saturating_mul(MAX_VERSIONS as u64);
        let bytes = disk::read_control(&self.root.control(FILE), longest).ok().flatten().unwrap_or_default();
        let mut kept: Vec<VersionNotes> = serde_json::from_slice(&bytes).unwrap_or_default();
        kept.truncate(MAX_VERSIONS);
        for installed in state.kept() {
            if let Ok(release) = InstalledVersion::release(&self.root, &installed.folder)
                && !kept.iter().any(|known| (&known.mode, &known.version) == (&release.mode, &release.version))
            {
                kept.push(VersionNotes::of(&release));
            }
        }
        kept.sort_by(|a, b| b.version.cmp(&a.version));
        kept
    }

    /// Without an install there is no place for them; if they cannot be kept, the next call asks again.
    fn keep_notes(&self, all: &[VersionNotes]) {
        if self.root.is_ours()
            && !install::is_of_another_user(&self.root, self.settings.trusted_owner)
            && let Ok(bytes) = serde_json::to_vec(all)
        {
            let _ = disk::write_control(&self.root.control(FILE), &bytes, Durability::Kill);
        }
    }
}
