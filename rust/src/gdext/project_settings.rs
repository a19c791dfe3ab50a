//! The engine's `ProjectSettings`, `OS`, `Time`, `ResourceLoader` and locale, by reflection: their classes are not among
//! those that are compiled in (see `Cargo.toml`).

use godot::builtin::{GString, Variant};
use godot::classes::{Engine, Object, Resource};
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

/// The project's name, as its exports have it; empty if it has none.
pub(super) fn name() -> String {
    text("application/config/name")
}

/// The project's icon; `None` if it has none, or it cannot be loaded.
pub(super) fn icon() -> Option<Gd<Resource>> {
    let path = [text("application/config/icon").to_variant()];
    let mut loader = Engine::singleton().get_singleton("ResourceLoader")?;
    if !loader.call("exists", &path).booleanize() {
        return None;
    }
    loader.call("load", &path).try_to().ok()
}

/// A text among the settings, which may be another one in this export.
fn text(name: &str) -> String {
    let value = singleton().map(|mut settings| settings.call("get_setting_with_override", &[name.to_variant()]));
    value.and_then(|value| value.try_to::<GString>().ok()).unwrap_or_default().to_string()
}

/// The locale of translations, such as `pt_BR`.
pub(super) fn locale() -> String {
    let server = Engine::singleton().get_singleton("TranslationServer");
    let locale = server.and_then(|mut server| server.call("get_locale", &[]).try_to::<GString>().ok());
    locale.unwrap_or_default().to_string()
}

/// The path in the file system of a `res://` or `user://` path.
pub(super) fn globalize_path(path: &GString) -> GString {
    let globalized = singleton().map(|mut settings| settings.call("globalize_path", &[path.to_variant()]));
    globalized.and_then(|path| path.try_to().ok()).unwrap_or_else(|| path.clone())
}

/// Whether this is an exported program, and not the engine with a project.
pub(super) fn is_exported() -> bool {
    let os = Engine::singleton().get_singleton("OS");
    os.is_some_and(|mut os| os.call("has_feature", &["template".to_variant()]).booleanize())
}

/// What local time is ahead of UTC, in minutes; 0 if the engine does not say.
pub(super) fn utc_offset_minutes() -> i64 {
    let time = Engine::singleton().get_singleton("Time");
    let zone = time.map(|mut time| time.call("get_time_zone_from_system", &[]));
    let zone = zone.and_then(|zone| zone.try_to::<godot::builtin::VarDictionary>().ok());
    zone.and_then(|zone| zone.get("bias")).and_then(|bias| bias.try_to().ok()).unwrap_or(0)
}
