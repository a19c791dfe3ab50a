//! Where Godot enters the library: `gdext_rust_init`.

#![expect(unsafe_code, reason = "gdext requires the keyword; it promises that this is the only entry")]

use godot::init::{ExtensionLibrary, InitLevel, InitStage, gdextension};
use godot::sys::{
    GDExtensionBool, GDExtensionClassLibraryPtr, GDExtensionInitialization, GDExtensionInterfaceGetProcAddress,
};

use super::kinds::Kind;
use super::{enums, other_thread, slack};

struct Extension;

#[gdextension(entry_symbol = vsekai_bind)]
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

    fn on_stage_deinit(stage: InitStage) {
        if stage == InitStage::Scene {
            other_thread::objects::free_left();
        }
    }
}

/// The name that `vsekai_updater.gdextension` has.
#[unsafe(no_mangle)]
unsafe extern "C" fn gdext_rust_init(
    find: GDExtensionInterfaceGetProcAddress,
    library: GDExtensionClassLibraryPtr,
    init: *mut GDExtensionInitialization,
) -> GDExtensionBool {
    // SAFETY: what the engine has passed, which the binding uses as the engine expects.
    unsafe { vsekai_bind(other_thread::objects::guarded(find), library, init) }
}
