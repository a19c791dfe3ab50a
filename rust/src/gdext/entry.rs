//! Where Godot enters the library: `gdext_rust_init`.

#![expect(unsafe_code, reason = "gdext makes this word the promise that there is one such entry; it has no other form")]

use godot::init::{ExtensionLibrary, InitStage, gdextension};

use super::enums;

struct Extension;

#[gdextension]
unsafe impl ExtensionLibrary for Extension {
    fn on_stage_init(stage: InitStage) {
        if stage == InitStage::Scene {
            enums::register();
        }
    }
}
