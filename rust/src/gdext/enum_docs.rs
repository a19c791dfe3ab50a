//! Gives the editor's help the texts of enumerators. gdext's macros do that for everything else that has a doc comment.

use std::fmt::Write;

use godot::private::{__GODOT_DOCS_REGISTRY, DocsItem, DocsShard, InherentImplDocs};

use super::updater::VSekaiUpdater;

/// The enumerators of `VSekaiUpdater.{enumeration}`, each with the lines of its doc comment.
pub(super) fn add(enumeration: &str, words: &[&str], docs: &[&[&str]]) {
    let mut xml = String::new();
    for (value, (word, lines)) in words.iter().zip(docs).enumerate() {
        let text = bbcode(&lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "));
        // Writing to a string cannot fail.
        let _ = write!(xml, r#"<constant name="{word}" value="{value}" enum="{enumeration}">{text}</constant>"#);
    }
    let docs = InherentImplDocs { constants_xml: String::leak(xml), ..InherentImplDocs::default() };
    if let Ok(mut registry) = __GODOT_DOCS_REGISTRY.lock() {
        registry.push(DocsShard::new::<VSekaiUpdater>(DocsItem::InherentImpl(docs)));
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
