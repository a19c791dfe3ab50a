use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::escape::is_forbidden;
use super::*;

fn bbcode(markdown: &str) -> String {
    render(markdown).bbcode
}

/// Every tag in some BBCode, with its value.
fn tags(bbcode: &str) -> Vec<&str> {
    bbcode.split('[').skip(1).map(|rest| rest.split_once(']').expect("a tag that ends").0).collect()
}

/// Whether there are only the renderer's own tags, each closed, and nothing deceptive.
fn check(notes: &Notes) -> Result<(), String> {
    let mut open = Vec::new();
    for tag in tags(&notes.bbcode) {
        if tag == "lb" {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let begun: &str = open.pop().ok_or(format!("[{tag}] ends nothing"))?;
            if begun.split(['=', ' ']).next() != Some(name) {
                return Err(format!("[{tag}] ends [{begun}]"));
            }
            continue;
        }
        let is_ours = match tag {
            "b" | "i" | "s" | "code" | "indent" | "font_size=28" | "font_size=24" | "font_size=21" | "ul bullet=•" => {
                true
            }
            "cell padding=0,3,28,3" | "cell expand=1 bg=#80808024 padding=14,8,14,8" => true,
            _ => match tag.split_once('=') {
                Some(("ul bullet", number)) => number.trim_end_matches('.').parse::<u64>().is_ok(),
                Some(("table", columns)) => columns.parse::<usize>().is_ok_and(|columns| columns <= MAX_COLUMNS),
                Some(("url", href)) => is_web(href) && notes.links.iter().any(|link| link == href),
                _ => false,
            },
        };
        if !is_ours {
            return Err(format!("[{tag}] is not ours"));
        }
        open.push(tag);
    }
    if !open.is_empty() {
        return Err(format!("never ended: {open:?}"));
    }
    match notes.bbcode.chars().find(|character| *character != '\n' && is_forbidden(*character)) {
        Some(character) => Err(format!("{character:?} is in there")),
        None => Ok(()),
    }
}

fn is_web(href: &str) -> bool {
    (href.starts_with("https://") || href.starts_with("http://"))
        && href.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]\"'<>\\^`{|}".contains(&byte))
}

#[test]
fn markdown_becomes_bbcode() {
    for (markdown, wanted) in [
        ("# Big", "[font_size=28][b]Big[/b][/font_size]"),
        ("### Small ###", "[font_size=21][b]Small[/b][/font_size]"),
        ("one\n\n## two\n\nthree", "one\n\n[font_size=24][b]two[/b][/font_size]\nthree"),
        ("one\ntwo", "one two"),
        ("one  \ntwo", "one\ntwo"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("- one\n- two", "[ul bullet=•]one[/ul]\n[ul bullet=•]two[/ul]"),
        ("- one\n  - two", "[ul bullet=•]one[/ul]\n[indent][ul bullet=•]two[/ul][/indent]"),
        ("3. three\n4. four\n\n   more", "[ul bullet=3.]three[/ul]\n[ul bullet=4.]four[/ul]\n[indent]more[/indent]"),
        ("- [x] done", "[ul bullet=•][lb]x] done[/ul]"),
        ("**bold** and *italic* and ~~gone~~", "[b]bold[/b] and [i]italic[/i] and [s]gone[/s]"),
        ("__bold__ and _italic_", "[b]bold[/b] and [i]italic[/i]"),
        ("***both***", "[i][b]both[/b][/i]"),
        ("snake_case_name, 2 * 3 * 4", "snake_case_name, 2 * 3 * 4"),
        ("`--use_vr` **x**", "[code]--use_vr[/code] [b]x[/b]"),
        ("`[b]x[/b]`", "[code][lb]b]x[lb]/b][/code]"),
        ("&#91;b] &lt;", "[lb]b] <"),
        ("a<br>b <!-- hidden --> c", "a\nb  c"),
        ("<!-- hidden\nfor long -->\n\nseen", "seen"),
        ("![a cat](https://x.example/cat.png)", "a cat"),
        ("![a **big** cat](x.png)", "a big cat"),
        ("one\n\n---\n\ntwo", "one\n\ntwo"),
    ] {
        assert_eq!(bbcode(markdown), wanted, "{markdown}");
    }
}

#[test]
fn code_and_quotes_stand_in_a_box() {
    let boxed = |content: &str| format!("{BOX}{content}{BOX_END}");
    assert_eq!(bbcode("```sh\n**not** [b]\n\nx\n```"), {
        boxed("[code]**not** [lb]b][/code]\n[code][/code]\n[code]x[/code]")
    });
    assert_eq!(bbcode("> one\n>\n> two\n\nthree"), format!("{}\n\nthree", boxed("one\n\ntwo")));
    assert_eq!(bbcode("> one\n> > two"), boxed("one\n\n[indent]two[/indent]"));
    assert_eq!(bbcode("> ```\n> x\n> ```"), boxed("[code]x[/code]"), "a box holds no other");
    assert_eq!(bbcode("- a\n  > b"), format!("[ul bullet=•]a[/ul]\n[indent]{}[/indent]", boxed("b")));
}

#[test]
fn tables_have_a_bold_head() {
    let row = |cells: &[&str]| cells.iter().map(|cell| format!("{CELL}{cell}[/cell]")).collect::<String>();
    let markdown = "| a | b |\n| --- | ---: |\n| 1 | [x] |\n| **2** | `c` |";
    let wanted = ["[b]a[/b]", "[b]b[/b]", "1", "[lb]x]", "[b]2[/b]", "[code]c[/code]"];
    assert_eq!(bbcode(markdown), format!("[table=2]{}[/table]", row(&wanted)));
    let wide = format!("{}\n{}\n{}", "|a".repeat(20), "|-".repeat(20), "|[b]".repeat(20));
    let lines = bbcode(&wide);
    assert!(!lines.contains("[table") && lines.contains("[lb]b] | [lb]b]"), "{lines}");
}

#[test]
fn links_show_where_they_lead() {
    for (markdown, wanted) in [
        ("[site](https://a.example/b?c=d)", "[url=https://a.example/b?c=d]site[/url] (a.example/b?c=d)"),
        ("[a.example](https://a.example/)", "[url=https://a.example/]a.example[/url]"),
        ("<https://a.example/b>", "[url=https://a.example/b]https://a.example/b[/url]"),
        ("[](http://a.example)", "[url=http://a.example/]http://a.example[/url]"),
        ("[HTTP](HTTP://A.example)", "[url=http://a.example/]HTTP[/url] (http://a.example)"),
        ("[https://good.example](https://evil.example)", {
            "[url=https://evil.example/]https://good.example[/url] (evil.example)"
        }),
        ("[![badge](b.svg)](https://a.example)", "[url=https://a.example/]badge[/url] (a.example)"),
        ("[x](https://аpple.example)", "[url=https://xn--pple-43d.example/]x[/url] (xn--pple-43d.example)"),
        (
            "[x](https://a.example/?q=[b]'`)",
            "[url=https://a.example/?q=%5Bb%5D%27%60]x[/url] (a.example/?q=%5Bb%5D%27%60)",
        ),
    ] {
        assert_eq!(bbcode(markdown), wanted, "{markdown}");
    }
    let notes = render("[one](https://one.example) [two](https://two.example) [again](https://one.example)");
    assert_eq!(notes.links, ["https://one.example/", "https://two.example/"]);
    let long = bbcode(&format!("[x](https://a.example/{})", "y".repeat(300)));
    assert!(long.ends_with("yyy…)"), "{long}");
}

#[test]
fn only_addresses_of_the_web_become_links() {
    for address in [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "uro://x",
        "res://a.tscn",
        "https://",
        "//a.example",
        "data:text/html,x",
        "http:/a.example",
        "https:\\\\a.example",
        "https://[::1]/",
        "https://v-sekai.org@evil.example/",
        "mailto:a@b.example",
        "ht\ntps://a.example",
    ] {
        let notes = render(&format!("[notes](<{address}>)"));
        assert!(notes.links.is_empty() && !notes.bbcode.contains("[url"), "{address}: {notes:?}");
    }
    assert_eq!(bbcode("<a@b.example>"), "a@b.example");
}

#[test]
fn hostile_notes_show_as_text() {
    for hostile in [
        "[img]https://x.example/pixel.png[/img]",
        "[url=file:///etc/passwd]notes[/url]",
        "[font_size=4000]huge[/font_size]",
        "[url=javascript:1]x[/url][/code][img]res://icon.svg[/img]",
        "<script>alert(1)</script><img src=x>",
        "`[/code][img]x[/img]`",
        "```\n[/code][/cell][/table][img]x[/img]\n```",
        "| [/cell][img]x[/img] |\n| --- |\n| [/table] |",
        "> [/cell][/table]",
        "[x](https://a.example/][img]x)",
        "[x](https://a.example/\"onclick=1)",
        "![[img]x[/img]](x)",
        "# [font_size=1]x",
        "[a][b]\n\n[b]: https://a.example/][img",
        "\u{202E}evil\u{0}\u{1b}[31m",
    ] {
        let notes = render(hostile);
        check(&notes).unwrap_or_else(|problem| panic!("{hostile}: {problem} in {}", notes.bbcode));
        assert!(!tags(&notes.bbcode).iter().any(|tag| tag.starts_with("img")), "{hostile}: {}", notes.bbcode);
    }
    assert_eq!(bbcode("[img]x[/img] <b>y</b>"), "[lb]img]x[lb]/img] <b>y</b>");
    assert_eq!(bbcode("a\u{202E}b\u{200B}c\u{7}d"), "abcd");
}

#[test]
fn notes_of_any_size_and_depth_end_soon_and_small() {
    let begun = Instant::now();
    for evil in [
        "*",
        "**a ",
        "[",
        "(",
        "_a",
        "`",
        "[](",
        "![",
        "# ",
        ">",
        "> ",
        "- ",
        "- \n",
        "1. a\n",
        "|a|\n|-|\n",
        "|a",
        "<",
        "<!--",
        "[a](https://a.example/) ",
        "&#91;",
        "```\n",
        "\t",
        "a\n\n",
        "[^1]",
        "> - ",
        "*a **b ",
        "\\[",
        "<br>",
    ] {
        let notes = render(&evil.repeat(200_000));
        check(&notes).unwrap_or_else(|problem| panic!("{evil:?}: {problem}"));
        assert!(notes.bbcode.len() < MAX_OUTPUT + 1_000, "{evil:?}: {} bytes", notes.bbcode.len());
        assert!(notes.links.len() <= MAX_LINKS);
    }
    for (first, then) in [("|a|b|\n|-|-|\n", "|x\n"), ("a", "\n> b"), ("- a\n", "  - b\n")] {
        check(&render(&(first.to_owned() + &then.repeat(50_000)))).unwrap();
    }
    // Allows for a debug build on a busy machine; alone it takes about a second.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn what_is_cut_off_is_cut_at_a_letter_and_closed() {
    let notes = render(&format!("**{}", "あ[".repeat(60_000)));
    check(&notes).unwrap();
    assert!(notes.bbcode.len() > 50_000);
    let notes = render(&format!("| a |\n| --- |\n{}", "| **[[[[[[[[[[** |\n".repeat(5_000)));
    check(&notes).unwrap();
    assert!(notes.bbcode.contains('…') && notes.bbcode.ends_with("[/table]"));
}

/// Strings with a meaning in Markdown or BBCode, and arbitrary text.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "[", "]", "(", ")", "*", "**", "_", "`", "```\n", "> ", "- ", "1. ", "\n", "\n\n", "    ", "|",
    "\n|-|-|\n", "# ", "<", ">", "<!--", "-->", "![", "](https://a.example/", "](javascript:", "[b]", "[/b]",
    "[img]", "[url=", "[/cell]", "~~", "\\", "&#91;", "\u{202E}", "\u{0}", "<br>", "https://", "[lb]", "[x] ",
    "---\n", "a", " ",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(PIECES).prop_map(ToOwned::to_owned), 1 => "\\PC{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_tag_comes_from_the_notes(pieces in proptest::collection::vec(piece(), 0..60)) {
        let markdown = pieces.concat();
        let notes = render(&markdown);
        prop_assert_eq!(check(&notes), Ok(()), "{:?} became {}", markdown, notes.bbcode);
    }

    #[test]
    fn any_bytes_are_notes(markdown in "\\PC{0,200}|[\\x00-\\xff]{0,200}") {
        prop_assert_eq!(check(&render(&markdown)), Ok(()));
    }
}
