//! The enumerations of the node and its values. gdext 0.5 does not register user enumerations with Godot. This module does, so that
//! GDScript can write `VSekaiUpdater.State.IDLE` and the inspector shows names.

use godot::builtin::StringName;
use godot::global::godot_error;
use godot::meta::conv::ByValue;
use godot::meta::error::ConvertError;
use godot::meta::shape::{EnumeratorShape, GodotShape};
use godot::meta::{Element, FromGodot, GodotConvert, ToGodot};
use godot::obj::GodotClass;
use godot::register::private::constant::{ConstantKind, ExportConstant, IntegerConstant};
use godot::register::property::{Export, Var};

use super::instance::VSekaiInstance;
use super::updater::VSekaiUpdater;
use super::values::{VSekaiProgress, VSekaiRelease};
use crate::app::{instance, places};
use crate::formats::release::Why;
use crate::{event, state};

/// As the inspector shows a value of an enumeration: `List Modes` of `LIST_MODES`.
fn shown(word: &str) -> String {
    let capitalised = |part: &str| part.chars().take(1).chain(part.to_lowercase().chars().skip(1)).collect::<String>();
    word.split('_').map(capitalised).collect::<Vec<_>>().join(" ")
}

/// An enumeration of a class: names in Godot's style, which no other enumeration of the class has, values from 0, and a text
/// for each.
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident of $class:ident as $godot:literal {
        $($(#[doc = $item_doc:literal])+ $item:ident = $word:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[doc = $item_doc])+ $item),+ }

        impl $name {
            const ALL: &[Self] = &[$(Self::$item),+];
            const WORDS: &[&'static str] = &[$($word),+];

            /// Its name in GDScript.
            pub(super) fn word(self) -> &'static str {
                Self::WORDS.get(self as usize).copied().unwrap_or_default()
            }

            fn register() {
                let enumerators = Self::ALL.iter().map(|item| IntegerConstant::new(item.word(), *item as i64)).collect();
                let kind = ConstantKind::Enum { name: StringName::from($godot), enumerators };
                ExportConstant::new($class::class_id(), kind).register();
                #[cfg(feature = "docs")]
                {
                    let texts = [$(super::enum_docs::joined(&[$($item_doc),+])),+];
                    let words = Self::WORDS.iter().map(ToString::to_string);
                    super::enum_docs::add::<$class>($godot, words.zip(texts));
                }
            }
        }

        impl GodotConvert for $name {
            type Via = i64;

            fn godot_shape() -> GodotShape {
                let shape =
                    |item: &Self| EnumeratorShape { name: shown(item.word()).into(), value: Some(*item as i64) };
                let enumerators = Self::ALL.iter().map(shape);
                GodotShape::Enum {
                    variant_type: godot::builtin::VariantType::INT,
                    enumerators: enumerators.collect::<Vec<_>>().into(),
                    godot_name: Some(concat!(stringify!($class), ".", $godot).into()),
                    is_bitfield: false,
                }
            }
        }

        impl ToGodot for $name {
            type Pass = ByValue;

            fn to_godot(&self) -> i64 {
                *self as i64
            }
        }

        impl FromGodot for $name {
            fn try_from_godot(via: i64) -> Result<Self, ConvertError> {
                let item = usize::try_from(via).ok().and_then(|at| Self::ALL.get(at)).copied();
                item.ok_or_else(|| ConvertError::new(concat!("no such ", $godot)))
            }
        }

        impl Element for $name {}

        impl Var for $name {
            type PubType = Self;

            fn var_get(field: &Self) -> i64 {
                field.to_godot()
            }

            fn var_set(field: &mut Self, value: i64) {
                match Self::try_from_godot(value) {
                    Ok(item) => *field = item,
                    Err(_) => godot_error!("{value} is not a {}: nothing was changed", $godot),
                }
            }

            fn var_pub_get(field: &Self) -> Self {
                *field
            }

            fn var_pub_set(field: &mut Self, value: Self) {
                *field = value;
            }
        }

        impl Export for $name {}
    };
}

enumeration! {
    /// What happens when a check finds an update: see [member update_policy].
    UpdatePolicy of VSekaiUpdater as "UpdatePolicy" {
        /// It is installed immediately, if something is installed already.
        Silent = "SILENT",
        /// It is reported with a plan, for the user to decide.
        Ask = "ASK",
        /// It is reported, and nothing else happens.
        Never = "NEVER",
    }
}

enumeration! {
    /// How far the node is with an update, as last reported by [signal state_changed].
    ///
    /// Checks, updates, repairs and rollbacks change it; other operations, such as [method read_status] or [method launch],
    /// leave it alone. It changes as soon as one of those starts, and when that has ended, it stays at the outcome until the
    /// next one starts, so that a scene can be drawn from it. [method verify] is [constant VERIFYING] while it runs, and then
    /// gives back the state from before. [method uninstall] and leaving the tree set [constant IDLE]. For whether anything is
    /// running, ask [method is_busy]; for what, [method get_operation].
    State of VSekaiUpdater as "State" {
        /// Nothing has been asked for yet, or a repair or a rollback has succeeded.
        Idle = "IDLE",
        /// Asking the repository for a newer version; how checks and updates start.
        Checking = "CHECKING",
        /// Outcome: the install is up to date.
        NoUpdateFound = "NO_UPDATE_FOUND",
        /// Outcome of a check: there is an update, which [method get_release] describes. An update only passes through it.
        UpdateAvailable = "UPDATE_AVAILABLE",
        /// Reading the files that are there, to plan what has to be downloaded.
        PreparingUpdate = "PREPARING_UPDATE",
        /// Downloading, and building the new version from that and from files that are there.
        DownloadingUpdate = "DOWNLOADING_UPDATE",
        /// Switching to the new version: from here on, [method pause] and [method cancel] are too late.
        ApplyingUpdate = "APPLYING_UPDATE",
        /// The new version is current; removing what no version needs.
        FinalizingUpdate = "FINALIZING_UPDATE",
        /// Outcome of an update: the new version is installed.
        UpdateSuccessful = "UPDATE_SUCCESSFUL",
        /// Outcome of [method pause]: [method resume] continues the update, and [method cancel] gives it up.
        Paused = "PAUSED",
        /// Outcome of [method cancel].
        Cancelled = "CANCELLED",
        /// Outcome: it has failed, and [method get_failure] says why until the next operation starts.
        Failed = "FAILED",
        /// Returning to the previous version.
        RollingBack = "ROLLING_BACK",
        /// Comparing all files with what was published.
        Verifying = "VERIFYING",
        /// Repairing: reading all files, and replacing those that are damaged.
        Repairing = "REPAIRING",
    }
}

enumeration! {
    /// What the node is asked to do: see [member VSekaiTask.operation], [method get_operation] and
    /// [member VSekaiFailure.operation].
    Operation of VSekaiUpdater as "Operation" {
        /// No operation is running.
        None = "NONE",
        /// [method check_for_update].
        Check = "CHECK",
        /// [method start_update], [method install_version] or [method resume].
        Update = "UPDATE",
        /// [method verify].
        Verify = "VERIFY",
        /// [method repair].
        Repair = "REPAIR",
        /// [method rollback].
        Rollback = "ROLLBACK",
        /// [method list_modes].
        ListModes = "LIST_MODES",
        /// [method switch_mode].
        SwitchMode = "SWITCH_MODE",
        /// [method launch]; never what [method get_operation] says.
        Launch = "LAUNCH",
        /// [method integrate].
        Integrate = "INTEGRATE",
        /// [method unintegrate].
        Unintegrate = "UNINTEGRATE",
        /// [method uninstall].
        Uninstall = "UNINSTALL",
        /// [method read_status].
        ReadStatus = "READ_STATUS",
        /// [method plan_mode].
        PlanMode = "PLAN_MODE",
        /// [method move_install].
        MoveInstall = "MOVE_INSTALL",
        /// [method list_notes].
        ListNotes = "LIST_NOTES",
        /// [method download_update].
        Download = "DOWNLOAD",
        /// [method start_at_login].
        StartAtLogin = "START_AT_LOGIN",
        /// [method list_news].
        ListNews = "LIST_NEWS",
        /// [method remove_previous].
        RemovePrevious = "REMOVE_PREVIOUS",
    }
}

enumeration! {
    /// What an operation is doing when it tells its progress: see [member VSekaiProgress.phase].
    Phase of VSekaiProgress as "Phase" {
        /// Reading files that are there, to find what need not be downloaded.
        Reading = "READING",
        /// Downloading what is missing, and building the version from that and from files that are there.
        Building = "BUILDING",
        /// Comparing files with what was published.
        Verifying = "VERIFYING",
        /// Copying the install to another folder.
        Moving = "MOVING",
    }
}

enumeration! {
    /// Why a version is offered: see [member VSekaiRelease.reason].
    Reason of VSekaiRelease as "Reason" {
        /// Nothing is installed.
        Install = "INSTALL",
        /// It is newer than the installed version.
        Newer = "NEWER",
        /// The installed version was withdrawn.
        Recalled = "RECALLED",
        /// The installed version comes from another mode.
        ModeChanged = "MODE_CHANGED",
        /// Somebody has asked for it: see [method VSekaiUpdater.install_version].
        Asked = "ASKED",
        /// It is installed, and a part of it is gone.
        Incomplete = "INCOMPLETE",
    }
}

enumeration! {
    /// What a folder is, for somebody who wants to install there: see [method inspect_folder].
    Place of VSekaiUpdater as "Place" {
        /// It is new or empty.
        Free = "FREE",
        /// A game is installed there.
        Installed = "INSTALLED",
        /// Other files are there, or it must not be used: the home folder, a whole disk, a folder in `res://`.
        Taken = "TAKEN",
        /// This user may not write there, or the install there belongs to another user.
        Forbidden = "FORBIDDEN",
        /// An installation was begun there and has not come to its end: [method start_update] continues it.
        Begun = "BEGUN",
    }
}

enumeration! {
    /// What became of a call to another launcher: see [method VSekaiInstance.call_other].
    Response of VSekaiInstance as "Response" {
        /// No launcher is running for this install.
        NotRunning = "NOT_RUNNING",
        /// The running launcher does what was asked for.
        Accepted = "ACCEPTED",
        /// The running launcher does not do it.
        Declined = "DECLINED",
        /// The running launcher has not answered in time.
        TimedOut = "TIMED_OUT",
    }
}

pub(super) fn register() {
    Place::register();
    Response::register();
    UpdatePolicy::register();
    State::register();
    Phase::register();
    Reason::register();
    Operation::register();
}

impl From<places::Place> for Place {
    fn from(place: places::Place) -> Self {
        match place {
            places::Place::Free => Self::Free,
            places::Place::Installed => Self::Installed,
            places::Place::Taken => Self::Taken,
            places::Place::Forbidden => Self::Forbidden,
            places::Place::Begun => Self::Begun,
        }
    }
}

impl From<instance::Answer> for Response {
    fn from(answer: instance::Answer) -> Self {
        match answer {
            instance::Answer::Nobody => Self::NotRunning,
            instance::Answer::Accepted => Self::Accepted,
            instance::Answer::Declined => Self::Declined,
            instance::Answer::None => Self::TimedOut,
        }
    }
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        match why {
            Why::Install => Self::Install,
            Why::Newer => Self::Newer,
            Why::Recalled => Self::Recalled,
            Why::ModeChanged => Self::ModeChanged,
            Why::Asked => Self::Asked,
            Why::Incomplete => Self::Incomplete,
        }
    }
}

impl From<event::Phase> for Phase {
    fn from(phase: event::Phase) -> Self {
        match phase {
            event::Phase::ScanSeed | event::Phase::ReadLayout => Self::Reading,
            event::Phase::Verify => Self::Verifying,
            event::Phase::Move => Self::Moving,
            // Those of publishers, too, which no operation of the node has.
            event::Phase::Assemble | event::Phase::Make | event::Phase::Upload | event::Phase::Bundle => Self::Building,
        }
    }
}

impl From<state::State> for State {
    fn from(state: state::State) -> Self {
        match state {
            state::State::Idle => Self::Idle,
            state::State::Checking => Self::Checking,
            state::State::NoUpdateFound => Self::NoUpdateFound,
            state::State::UpdateAvailable => Self::UpdateAvailable,
            state::State::PreparingUpdate => Self::PreparingUpdate,
            state::State::DownloadingUpdate => Self::DownloadingUpdate,
            state::State::ApplyingUpdate => Self::ApplyingUpdate,
            state::State::FinalizingUpdate => Self::FinalizingUpdate,
            state::State::UpdateSuccessful => Self::UpdateSuccessful,
            state::State::Paused => Self::Paused,
            state::State::Cancelled => Self::Cancelled,
            state::State::Failed => Self::Failed,
            state::State::RollingBack => Self::RollingBack,
        }
    }
}

impl Operation {
    /// The method that starts it.
    pub(super) fn method(self) -> String {
        match self {
            Self::Check => "check_for_update".to_owned(),
            Self::Update => "start_update".to_owned(),
            Self::Download => "download_update".to_owned(),
            other => other.word().to_lowercase(),
        }
    }

    /// The state that it starts in; `None` if it leaves the state alone.
    pub(super) fn first_state(self) -> Option<State> {
        match self {
            Self::Check | Self::Update => Some(State::Checking),
            Self::Rollback => Some(State::RollingBack),
            Self::Verify => Some(State::Verifying),
            Self::Repair => Some(State::Repairing),
            _ => None,
        }
    }

    /// Whether it only reads what is there: it may run beside any other, except those that take the folder away.
    pub(super) fn is_read(self) -> bool {
        matches!(self, Self::ReadStatus | Self::ListModes | Self::ListNotes | Self::ListNews)
    }

    /// Whether it takes the folder away, so that nobody may read there meanwhile.
    pub(super) fn takes_folder(self) -> bool {
        matches!(self, Self::Uninstall | Self::MoveInstall)
    }

    /// Whether it has one state all the time, whatever its work passes through.
    pub(super) fn is_one_state(self) -> bool {
        matches!(self, Self::Verify | Self::Repair)
    }
}

impl State {
    /// Whether work is going on: such a state ends on its own.
    pub(super) fn is_working(self) -> bool {
        matches!(
            self,
            Self::Checking
                | Self::PreparingUpdate
                | Self::DownloadingUpdate
                | Self::ApplyingUpdate
                | Self::FinalizingUpdate
                | Self::RollingBack
                | Self::Verifying
                | Self::Repairing
        )
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_inspector_shows_words() {
        assert_eq!([super::shown("ASK"), super::shown("LIST_MODES")], ["Ask", "List Modes"]);
    }
}
