//! What the repository offers: modes, the notes of versions, and an update to come.

use godot::builtin::{Array, GString};
use godot::obj::Gd;
use godot::register::godot_api;

use super::refusals::{Refusal, refuse};
use super::{Operation, Started, VSekaiTask, VSekaiUpdater, is_started};
use crate::app::worker::Options;
use crate::formats::release::ModeName;
use crate::gdext::convert::text;
use crate::gdext::project_settings;
use crate::gdext::values::{VSekaiMode, VSekaiNews, VSekaiNotes, VSekaiPlan};

#[godot_api(secondary)]
impl VSekaiUpdater {
    /// Gets the modes of the repository, for players to choose one: [signal modes_listed]. Needs the network.
    #[func]
    fn list_modes(&mut self) -> Started {
        self.begin(
            Operation::ListModes,
            |options, context| context.updater(options)?.modes(&context.monitor),
            |node, modes| {
                let modes: Array<Gd<VSekaiMode>> = modes.iter().map(VSekaiMode::of).collect();
                let kept = modes.iter_shared().collect();
                let keep = move |node: &mut Self| {
                    node.modes = kept;
                    true
                };
                node.tell_after(keep, move |node| node.signals().modes_listed().emit(&modes));
            },
        )
    }

    /// Downloads the update and puts it beside the installed version, which stays current: [signal update_downloaded], or
    /// [signal no_update_found] if there is nothing to do. [method start_update] then only switches. It tells its progress
    /// like an update, but no state except [constant NO_UPDATE_FOUND]. [method cancel] stops it; downloaded data is kept.
    #[func]
    fn download_update(&mut self) -> Started {
        self.begin(
            Operation::Download,
            |options, context| context.updater(options)?.download(&context.monitor),
            |node, version| match version {
                Some(version) => {
                    let version = text(&version.to_string());
                    node.tell(move |node| node.signals().update_downloaded().emit(&version));
                }
                None => node.up_to_date(),
            },
        )
    }

    /// Installs exactly this version of the followed mode, also a lower one, or one that [method rollback] has left:
    /// [signal update_completed], or [signal no_update_found] if it is installed. [method pause] and [method resume] work
    /// as with [method start_update]. The next update that is found replaces it.
    #[func]
    fn install_version(&mut self, version: GString) -> Started {
        if version.is_empty() {
            let refusal = Refusal::invalid("it needs a version", "Pass one, such as \"1.0.0\".");
            return refuse(Operation::Update, &refusal.of("install_version"));
        }
        self.update_as(None, version.to_string())
    }

    /// Makes the install follow another mode: [signal mode_switched]. Also changes [member mode], unless that is empty.
    /// If nothing is installed yet, set [member mode] instead.
    #[func]
    fn switch_mode(&mut self, name: GString) -> Started {
        if name.is_empty() {
            return refuse(Operation::SwitchMode, &no_mode());
        }
        let name = name.to_string();
        self.begin(
            Operation::SwitchMode,
            move |options, context| context.updater(options)?.switch_mode(&ModeName::new(&name)?, &context.monitor),
            |node, mode| node.switched(text(mode.as_str())),
        )
    }

    /// Gets the release notes of the last ten versions of the followed mode, and of the installed one:
    /// [signal notes_listed]. They are kept in the install, so that later calls also work without a network. With
    /// [param is_offline], the network is not used.
    #[func]
    fn list_notes(&mut self, #[opt(default = false)] is_offline: bool) -> Started {
        self.begin(
            Operation::ListNotes,
            move |options, context| context.updater(options)?.notes(is_offline, &context.monitor),
            |node, notes| {
                let notes: Array<Gd<VSekaiNotes>> = notes.iter().map(VSekaiNotes::of).collect();
                let kept = notes.iter_shared().collect();
                let keep = move |node: &mut Self| {
                    node.notes = kept;
                    true
                };
                node.tell_after(keep, move |node| node.signals().notes_listed().emit(&notes));
            },
        )
    }

    /// Reads the news of the followed mode: [signal news_listed]. News are signed like versions, and each check
    /// fetches them. So this uses the network only for missing pictures, which are downloaded for the newest three items; with
    /// [param is_offline], not even for those. It does not fail without a network or without news: it then lists what an
    /// earlier check has found, or nothing.
    /// ```gdscript
    /// extends Node
    ///
    /// @onready var updater: VSekaiUpdater = $VSekaiUpdater
    ///
    ///
    /// func _ready() -> void:
    ///     await updater.list_news().wait()
    ///     for item: VSekaiNews in updater.get_news():
    ///         print(item.title, ": ", item.text)
    /// ```
    #[func]
    fn list_news(&mut self, #[opt(default = false)] is_offline: bool) -> Started {
        self.begin(
            Operation::ListNews,
            move |options, context| context.updater(options)?.news(is_offline, &context.monitor),
            |node, stories| {
                let locale = project_settings::locale();
                let news: Array<Gd<VSekaiNews>> = stories.iter().map(|story| VSekaiNews::of(story, &locale)).collect();
                let keep = move |node: &mut Self| {
                    node.news = stories;
                    true
                };
                node.tell_after(keep, move |node| node.signals().news_listed().emit(&news));
            },
        )
    }

    /// Finds out what an update would do if the install followed this mode: [signal mode_planned]. Changes nothing. Not
    /// beside an update: what it reads would change meanwhile, and the plan with it.
    #[func]
    fn plan_mode(&mut self, name: GString) -> Started {
        if name.is_empty() {
            return refuse(Operation::PlanMode, &no_mode());
        }
        let name = name.to_string();
        let answer = self.begin(
            Operation::PlanMode,
            move |options, context| context.plan_mode(options, name),
            |node, (mode, plan)| {
                let (mode, plan) = (text(mode.as_str()), plan.as_ref().map(VSekaiPlan::of));
                let kept = plan.clone();
                let keep = move |node: &mut Self| {
                    node.mode_plan = kept;
                    true
                };
                node.tell_after(keep, move |node| node.signals().mode_planned().emit(&mode, plan.as_ref()));
            },
        );
        if is_started(answer.as_ref()) {
            self.mode_plan = None;
        }
        answer
    }
}

fn no_mode() -> Refusal {
    Refusal::invalid("the name of the mode is empty", "Pass one, such as \"beta\".")
}

impl VSekaiUpdater {
    /// Installs, updates or resumes; `version` empty = what is offered. `task`: the one that this continues.
    pub(super) fn update_as(&mut self, task: Option<Gd<VSekaiTask>>, version: String) -> Started {
        let wanted = version.clone();
        let answer = self.begin_as(
            task,
            Operation::Update,
            move |options, context| context.update(Options { version, ..options }),
            |node, updated| match updated.why {
                Some(_) => node.updated(&updated.current.version.to_string()),
                None => node.up_to_date(),
            },
        );
        if is_started(answer.as_ref()) {
            self.wanted_version = wanted;
        }
        answer
    }
}
