//! Lets timers of the engine's threads fire late, if the project setting `vsekai/timer_slack_usec` asks for it.
//!
//! On X11 a thread of Godot 4.6 polls for events every millisecond, which takes 3 to 5 % of a core for a window in
//! which nothing moves. With a timer slack, Linux lets such a wait take longer; an event still wakes the thread at
//! once. A thread cannot set the slack of another thread, but a new thread inherits that of its creator. So the main
//! thread has the slack while the engine creates its display, and no longer.
//!
//! For launchers, not for games: audio threads also wait for timers. Does nothing unless asked, nothing in the editor,
//! and nothing on other systems.

use godot::init::{InitLevel, InitStage};

use super::project_settings;

const SETTING: &str = "vsekai/timer_slack_usec";
const MAX_USEC: i64 = 200_000;
/// The kernel addresses the main thread as the process.
const MAIN_THREAD: &str = "/proc/self/timerslack_ns";

/// The level must come before the display is created. The library with class docs belongs to the editor, which would
/// have to be restarted to load a library of this level.
pub(super) fn first_level() -> InitLevel {
    if cfg!(all(target_os = "linux", not(feature = "docs"))) { InitLevel::Core } else { InitLevel::Scene }
}

pub(super) fn on_stage(stage: InitStage) {
    // A library of a later level is told about the earlier stages only when the display already exists.
    if first_level() != InitLevel::Core {
        return;
    }
    match stage {
        InitStage::Core => {
            if let Ok(usec @ 1..=MAX_USEC) = project_settings::setting(SETTING).try_to::<i64>() {
                set(usec * 1000);
            }
        }
        // The display exists. 0 restores the slack that the thread started with.
        InitStage::Scene => set(0),
        _ => {}
    }
}

/// A failure only costs power.
fn set(nanoseconds: i64) {
    let _ = std::fs::write(MAIN_THREAD, nanoseconds.to_string());
}
