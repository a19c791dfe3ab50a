//! Where Godot enters the library: `gdext_rust_init`.

#![expect(unsafe_code, reason = "gdext requires the keyword; it promises that this is the only entry")]

use godot::init::{ExtensionLibrary, InitLevel, InitStage, gdextension};

use super::kinds::Kind;
use super::{enums, other_thread, slack};

struct Extension;

#[gdextension]
unsafe impl ExtensionLibrary for Extension {
    fn min_level() -> InitLevel {
        slack::first_level()
    }

    fn on_stage_init(stage: InitStage) {
        slack::on_stage(stage);
        if stage == InitStage::Scene {
            other_thread::explain();
            enums::register();
            Kind::register();
        }
    }
}
