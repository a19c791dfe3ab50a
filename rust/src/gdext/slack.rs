//! Lets the timers of the engine's own threads be late, if the project asks for that by `vsekai/timer_slack_usec`.
//!
//! On X11 a thread of Godot 4.6 looks for events every millisecond, whatever a project does: 3 to 5 % of a core for a
//! window in which nothing moves. Linux may let such a wait take longer, by the thread's timer slack; what the thread
//! waits for still wakes it at once. Nobody may set the slack of another thread, but a new thread takes it from the one
//! that starts it: so the main thread has it while the engine makes its display, and no longer.
//!
//! For a launcher, not for a game: threads of the sound wait by timers too. Does nothing unless it is asked, nothing in
//! the editor, and nothing on other systems.

use godot::classes::ProjectSettings;
use godot::init::{InitLevel, InitStage};
use godot::meta::ToGodot;
use godot::obj::Singleton;

const SETTING: &str = "vsekai/timer_slack_usec";
const MAX_USEC: i64 = 200_000;
/// To the kernel, the main thread is the process.
const MAIN_THREAD: &str = "/proc/self/timerslack_ns";

/// Before the display is made. The library with class docs is the editor's, which could not load such a one without
/// being started again.
pub(super) fn first_level() -> InitLevel {
    if cfg!(all(target_os = "linux", not(feature = "docs"))) { InitLevel::Core } else { InitLevel::Scene }
}

pub(super) fn on_stage(stage: InitStage) {
    // A library that begins later is told of the earlier stages then, when the display is there already.
    if first_level() != InitLevel::Core {
        return;
    }
    match stage {
        InitStage::Core => {
            let asked = ProjectSettings::singleton().get_setting_ex(SETTING).default_value(&0.to_variant()).done();
            if let Ok(usec @ 1..=MAX_USEC) = asked.try_to::<i64>() {
                set(usec * 1000);
            }
        }
        // The display is there. The kernel takes 0 for what the thread began with.
        InitStage::Scene => set(0),
        _ => {}
    }
}

/// Where this cannot be done, nothing is lost but some electricity.
fn set(nanoseconds: i64) {
    let _ = std::fs::write(MAIN_THREAD, nanoseconds.to_string());
}
