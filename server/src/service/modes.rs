//! Changes of modes and versions that need no publisher: what is offered, to whom, and where the users of a mode move.

use serde_json::json;
use uuid::Uuid;
use vsekai_updater::formats::release::ModeName;

use super::{Actor, Decision, Service, statement};
use crate::db::{RowChange, View};
use crate::error::{Error, Result};
use crate::model::{Mode, ModeVersion, ReportLimit, Time};

/// Longest description of a mode, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 500;

/// A change of a mode. `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ModeEdit {
    /// The new description, in one sentence.
    pub description: Option<String>,
    /// Whether it is still published.
    pub is_active: Option<bool>,
    /// The mode that its users move to. `Some(None)`: they stay.
    pub update_to: Option<Option<ModeName>>,
    /// When reports stop a rollout. `Some(None)`: players are not asked for any.
    pub reports: Option<Option<ReportLimit>>,
}

/// A change of how a version is offered. `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct VersionEdit {
    /// Whether to offer it only by name.
    pub skip_update: Option<bool>,
    /// Whether to recall it: stop offering it, and move its players to another version.
    pub recalled: Option<bool>,
    /// Percentage of installs to offer it to.
    pub rollout: Option<u8>,
}

impl Service {
    /// Creates a mode. Versions can be published to it once its key has been delegated.
    ///
    /// # Errors
    /// `mode_exists`, `mode_cycle`, `successor_not_signed`, [`Error::Invalid`].
    pub async fn create_mode(&self, name: &ModeName, edit: &ModeEdit, actor: &Actor) -> Result<Mode> {
        let id = Uuid::now_v7();
        let decide = |view: &View| {
            if view.mode_named(name).is_some() {
                return Err(Error::Conflict { code: "mode_exists", reason: format!("The mode {name} exists already") });
            }
            let mut mode = begin(id, name);
            edit_mode(view, &mut mode, edit)?;
            Ok(Decision {
                audit: ("mode.create", name.to_string()),
                detail: describe(&mode),
                rows: vec![RowChange::Mode(mode)],
                ..Decision::default()
            })
        };
        self.change(actor, decide).await?;
        self.db.mode(id).await?.ok_or(Error::NotFound { what: "mode" })
    }

    /// Changes a mode, but only if `is_expected` holds for its current state.
    ///
    /// # Errors
    /// [`Error::NotFound`], `mode_cycle`, `successor_not_signed`, [`Error::PreconditionFailed`], [`Error::Invalid`].
    pub async fn update_mode(
        &self,
        name: &ModeName,
        edit: &ModeEdit,
        is_expected: impl Fn(&Mode, &View) -> bool + Sync,
        actor: &Actor,
    ) -> Result<Mode> {
        let decide = |view: &View| {
            let before = view.mode_named(name).ok_or(Error::NotFound { what: "mode" })?;
            if !is_expected(before, view) {
                return Err(Error::PreconditionFailed);
            }
            let mut mode = before.clone();
            edit_mode(view, &mut mode, edit)?;
            if mode == *before {
                return Ok(Decision::default());
            }
            mode.sequence += 1;
            mode.updated_at = Time::now();
            Ok(Decision {
                audit: ("mode.update", name.to_string()),
                detail: json!({"before": describe(before), "after": describe(&mode)}),
                rows: vec![RowChange::Mode(mode)],
                ..Decision::default()
            })
        };
        self.change(actor, decide).await?;
        self.mode_named(name).await
    }

    /// The mode with this name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn mode_named(&self, name: &ModeName) -> Result<Mode> {
        let filter = crate::db::ModeFilter { name: Some(name.to_string()), is_active: None };
        let found = self.db.modes(&filter, &crate::db::Page { after: None, limit: 1 }).await?;
        found.into_iter().next().ok_or(Error::NotFound { what: "mode" })
    }

    /// Changes how a version is offered, but only if `is_expected` holds for its current state.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Invalid`] for a rollout over 100.
    pub async fn update_version(
        &self,
        id: Uuid,
        edit: VersionEdit,
        is_expected: impl Fn(&ModeVersion) -> bool + Sync,
        actor: &Actor,
    ) -> Result<ModeVersion> {
        if edit.rollout.is_some_and(|percent| percent > 100) {
            return Err(Error::Invalid { what: "rollout", reason: "it must be at most 100 percent".to_owned() });
        }
        let decide = |view: &View| {
            let missing = || Error::NotFound { what: "version" };
            let before = view.versions.iter().find(|version| version.id == id).ok_or_else(missing)?;
            if !is_expected(before) {
                return Err(Error::PreconditionFailed);
            }
            let mut mode = view.mode(before.mode_id).ok_or_else(missing)?.clone();
            let mut version = before.clone();
            version.skip_update = edit.skip_update.unwrap_or(version.skip_update);
            version.recalled = edit.recalled.unwrap_or(version.recalled);
            version.rollout = edit.rollout.unwrap_or(version.rollout);
            if version == *before {
                return Ok(Decision::default());
            }
            let now = Time::now();
            version.updated_at = now;
            mode.sequence += 1;
            mode.updated_at = now;
            let mut rows = vec![RowChange::Mode(mode.clone())];
            // Who lets a stopped version go on begins to count anew: what was reported has been judged.
            if before.rollout == 0 && version.rollout > 0 {
                rows.push(RowChange::ForgetReports(version.id));
            }
            let shown = |version: &ModeVersion| json!({"skip_update": version.skip_update, "recalled": version.recalled, "rollout": version.rollout});
            Ok(Decision {
                audit: ("version.update", format!("{} {}", mode.name, version.version)),
                detail: json!({"before": shown(before), "after": shown(&version)}),
                rows: [rows, vec![RowChange::Version(version)]].concat(),
                ..Decision::default()
            })
        };
        self.change(actor, decide).await?;
        self.db.version(id).await?.ok_or(Error::NotFound { what: "version" })
    }
}

/// A new mode: active and empty.
pub(super) fn begin(id: Uuid, name: &ModeName) -> Mode {
    let updated_at = Time::now();
    Mode {
        id,
        name: name.clone(),
        description: String::new(),
        is_active: true,
        update_to: None,
        sequence: 0,
        reports: None,
        updated_at,
    }
}

fn edit_mode(view: &View, mode: &mut Mode, edit: &ModeEdit) -> Result<()> {
    if let Some(description) = &edit.description {
        if description.len() > MAX_DESCRIPTION_BYTES || description.contains(char::is_control) {
            let reason = format!("it must have at most {MAX_DESCRIPTION_BYTES} bytes and no control characters");
            return Err(Error::Invalid { what: "description", reason });
        }
        mode.description.clone_from(description);
    }
    mode.is_active = edit.is_active.unwrap_or(mode.is_active);
    if let Some(next) = &edit.update_to {
        let find = |next: &ModeName| {
            let missing = || Error::Conflict { code: "mode_unknown", reason: format!("There is no mode {next}") };
            view.mode_named(next).map(|mode| mode.id).ok_or_else(missing)
        };
        mode.update_to = next.as_ref().map(find).transpose()?;
        if mode.update_to == Some(mode.id) {
            let reason = format!("The mode {} cannot lead to itself", mode.name);
            return Err(Error::Conflict { code: "mode_cycle", reason });
        }
        statement::check_successor(view, mode)?;
    }
    if let Some(limit) = edit.reports {
        mode.reports = limit.map(checked).transpose()?;
    }
    Ok(())
}

fn checked(limit: ReportLimit) -> Result<ReportLimit> {
    let (minimums, percents) = (ReportLimit::MINIMUMS, ReportLimit::PERCENTS);
    if minimums.contains(&limit.minimum) && percents.contains(&limit.percent) {
        return Ok(limit);
    }
    let (least, most) = minimums.into_inner();
    let reason = format!("minimum must be {least} to {most}, and percent {} to {}", percents.start(), percents.end());
    Err(Error::Invalid { what: "reports", reason })
}

fn describe(mode: &Mode) -> serde_json::Value {
    let limit = |limit: ReportLimit| json!({"minimum": limit.minimum, "percent": limit.percent});
    let reports = mode.reports.map(limit);
    json!({
        "description": mode.description, "is_active": mode.is_active, "update_to": mode.update_to, "reports": reports,
    })
}
