//! The type of a property that holds a `Texture2D`: its class is not among those that are compiled in (see `Cargo.toml`).

use godot::classes::Resource;
use godot::meta::conv::ByValue;
use godot::meta::error::ConvertError;
use godot::meta::shape::{ClassHeritage, GodotShape};
use godot::meta::{ClassId, FromGodot, GodotConvert, ToGodot};
use godot::obj::Gd;
use godot::register::property::{Export, SimpleVar};

/// A `Texture2D` for the editor and for scripts. The engine checks neither what a script sets by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture(pub(super) Option<Gd<Resource>>);

impl GodotConvert for Picture {
    type Via = Option<Gd<Resource>>;

    fn godot_shape() -> GodotShape {
        GodotShape::Class {
            class_id: ClassId::new_dynamic("Texture2D"),
            heritage: ClassHeritage::Resource,
            is_nullable: true,
        }
    }
}

impl ToGodot for Picture {
    type Pass = ByValue;

    fn to_godot(&self) -> Self::Via {
        self.0.clone()
    }
}

impl FromGodot for Picture {
    fn try_from_godot(via: Self::Via) -> Result<Self, ConvertError> {
        Ok(Self(via))
    }
}

impl SimpleVar for Picture {}
impl Export for Picture {}
