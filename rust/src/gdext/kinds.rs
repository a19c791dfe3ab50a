//! `VSekaiFailure.Kind`: a value for each code of an error, made of the one list of codes, so that scripts compare values
//! that the editor knows, and no text that may be misspelt.

use godot::builtin::{StringName, VariantType};
use godot::meta::conv::ByValue;
use godot::meta::error::ConvertError;
use godot::meta::shape::{EnumeratorShape, GodotShape};
use godot::meta::{FromGodot, GodotConvert, ToGodot};
use godot::obj::GodotClass;
use godot::register::private::constant::{ConstantKind, ExportConstant, IntegerConstant};
use godot::register::property::SimpleVar;

use super::values::VSekaiFailure;
use crate::app::worker::{INTERNAL, UNAVAILABLE};
use crate::error::Code;

const NAME: &str = "Kind";

/// What has happened: [member VSekaiFailure.code] as a value, which the editor completes and checks.
///
/// There is one for each code of [errors.md](errors.md), under the same name in capitals, and `INTERNAL`, which is a bug of
/// the updater, and `UNAVAILABLE`, which a call gives that makes no sense now. Only publishers meet some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(i64);

/// All codes, each at the place that is its value.
fn codes() -> impl Iterator<Item = &'static str> {
    [INTERNAL, UNAVAILABLE].into_iter().chain(Code::ALL.iter().map(|code| code.word()))
}

impl Kind {
    /// That of a code.
    pub(super) fn of(code: &str) -> Self {
        // No other code can come. If one does, that is a bug of ours, as the first one says.
        let at = codes().position(|known| known == code).unwrap_or_default();
        Self(i64::try_from(at).unwrap_or_default())
    }

    pub(super) fn register() {
        let enumerators = (0..).zip(codes()).map(|(at, code)| IntegerConstant::new::<i64>(&code.to_uppercase(), at));
        let kind = ConstantKind::Enum { name: StringName::from(NAME), enumerators: enumerators.collect() };
        ExportConstant::new(VSekaiFailure::class_id(), kind).register();
        #[cfg(feature = "docs")]
        super::enum_docs::add::<VSekaiFailure>(NAME, codes().map(|code| (code.to_uppercase(), docs::text(code))));
    }
}

impl GodotConvert for Kind {
    type Via = i64;

    fn godot_shape() -> GodotShape {
        GodotShape::Enum {
            variant_type: VariantType::INT,
            enumerators: Vec::<EnumeratorShape>::new().into(),
            godot_name: Some("VSekaiFailure.Kind".into()),
            is_bitfield: false,
        }
    }
}

impl ToGodot for Kind {
    type Pass = ByValue;

    fn to_godot(&self) -> i64 {
        self.0
    }
}

impl FromGodot for Kind {
    fn try_from_godot(via: i64) -> Result<Self, ConvertError> {
        let is_one = usize::try_from(via).is_ok_and(|at| at < codes().count());
        if is_one { Ok(Self(via)) } else { Err(ConvertError::new("no such Kind")) }
    }
}

impl SimpleVar for Kind {}

/// What the editor's help says of each.
#[cfg(feature = "docs")]
mod docs {
    use crate::app::worker::{INTERNAL, UNAVAILABLE};

    const PAGE: &str = include_str!("../../../docs/errors.md");

    /// The second column of the page's tables.
    pub(super) fn text(code: &str) -> String {
        match code {
            INTERNAL => return "A bug of the updater.".to_owned(),
            UNAVAILABLE => {
                return "The call makes no sense now: nothing is paused, or the node is not in the tree.".to_owned();
            }
            _ => {}
        }
        let row = PAGE.lines().find_map(|line| line.strip_prefix(&format!("| `{code}` | <a id=\"{code}\"></a>")));
        row.and_then(|row| row.split(" | ").next()).map(|text| format!("{text}.")).unwrap_or_default()
    }

    #[cfg(test)]
    mod tests {
        use super::super::{Kind, codes};
        use super::text;

        #[test]
        fn every_code_has_a_value_of_its_own_and_a_text() {
            for (at, code) in (0..).zip(codes()) {
                assert_eq!(Kind::of(code), Kind(at), "{code}");
                assert!(text(code).len() > 10, "{code}: {}", text(code));
            }
            assert_eq!(Kind::of("busy_bee"), Kind::of("internal"));
        }
    }
}
