//! The engine's `ProjectSettings`, by reflection: its class is not among those that are compiled in (see `Cargo.toml`).

use godot::builtin::{GString, Variant};
use godot::classes::{Engine, Object};
use godot::meta::ToGodot;
use godot::obj::{Gd, Singleton};

fn singleton() -> Option<Gd<Object>> {
    Engine::singleton().get_singleton("ProjectSettings")
}

/// The value of a setting; nil if the project does not have it.
pub(super) fn setting(name: &str) -> Variant {
    let arguments = [name.to_variant(), Variant::nil()];
    singleton().map_or_else(Variant::nil, |mut settings| settings.call("get_setting", &arguments))
}

/// The path in the file system of a `res://` or `user://` path.
pub(super) fn globalize_path(path: &GString) -> GString {
    let globalized = singleton().map(|mut settings| settings.call("globalize_path", &[path.to_variant()]));
    globalized.and_then(|path| path.try_to().ok()).unwrap_or_else(|| path.clone())
}
