//! Where Godot enters the library: `gdext_rust_init`.

#![expect(unsafe_code, reason = "gdext makes this word the promise that there is one such entry; it has no other form")]

use godot::init::{ExtensionLibrary, InitLevel, InitStage, gdextension};

use super::{enums, slack};

struct Extension;

#[gdextension]
unsafe impl ExtensionLibrary for Extension {
    fn min_level() -> InitLevel {
        slack::first_level()
    }

    fn on_stage_init(stage: InitStage) {
        slack::on_stage(stage);
        if stage == InitStage::Scene {
            enums::register();
        }
    }
}
