//! What other threads than the main one do with the extension, where the binding knows only the main one: calls, in plain
//! words, and objects.
//!
//! The binding panics there as soon as it asks the engine for anything, which nearly every call does, and gdext turns that
//! into a call that returns nothing. Its words are for those who write the extension.

use godot::global::godot_error;
use godot::init::is_main_thread;

pub(super) mod objects;

/// How the panic of the binding begins.
const PANIC: &str = "attempted to access binding from different thread";

/// Says in the console what to do, in place of the panic's own words. The engine adds where in the script that is.
pub(super) fn explain() {
    let other = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str().is_some_and(|text| text.starts_with(PANIC)) {
            godot_error!(
                "VSekaiUpdater: use it on the main thread, such as with call_deferred(). This call has done nothing."
            );
        } else {
            other(info);
        }
    }));
}

/// Whether this is another thread; then the console says so.
pub(super) fn is_elsewhere(method: &str) -> bool {
    let is_elsewhere = !is_main_thread();
    if is_elsewhere {
        godot_error!("VSekaiUpdater: {method}(): call it from the main thread, such as with call_deferred().");
    }
    is_elsewhere
}
