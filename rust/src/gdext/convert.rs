//! From the library's types to Godot's, and back.

use godot::builtin::{GString, PackedStringArray};

/// Text for labels, without control characters and characters that change the direction of text.
pub(super) fn text(text: &str) -> GString {
    GString::from(crate::text::lines(text).as_str())
}

pub(super) fn texts(texts: impl IntoIterator<Item = String>) -> PackedStringArray {
    texts.into_iter().map(|one| text(&one)).collect()
}

/// Converts to Godot's integers, which are signed.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn strings(texts: &PackedStringArray) -> Vec<String> {
    texts.as_slice().iter().map(ToString::to_string).collect()
}
