//! Gives the editor's help the texts of enumerators. gdext's macros do that for everything else that has a doc comment.

use std::fmt::Write;

use godot::obj::GodotClass;
use godot::private::{__GODOT_DOCS_REGISTRY, DocsItem, DocsShard, InherentImplDocs};

/// The lines of a doc comment.
pub(super) fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// The enumerators of an enumeration of the class `C`, from 0, each with its text.
pub(super) fn add<C: GodotClass>(enumeration: &str, enumerators: impl IntoIterator<Item = (String, String)>) {
    let mut xml = String::new();
    for (value, (word, text)) in enumerators.into_iter().enumerate() {
        let text = bbcode(&text);
        // Writing to a string cannot fail.
        let _ = write!(xml, r#"<constant name="{word}" value="{value}" enum="{enumeration}">{text}</constant>"#);
    }
    let docs = InherentImplDocs { constants_xml: String::leak(xml), ..InherentImplDocs::default() };
    if let Ok(mut registry) = __GODOT_DOCS_REGISTRY.lock() {
        registry.push(DocsShard::new::<C>(DocsItem::InherentImpl(docs)));
    }
}

/// Code and the characters of XML, as gdext writes them.
fn bbcode(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        let tag = match at {
            0 => "",
            odd if odd % 2 == 1 => "[code]",
            _ => "[/code]",
        };
        out.push_str(tag);
        out.push_str(part);
    }
    out
}
