#!/usr/bin/env python3
"""Writes docs/godot-reference.md from the class docs: node_reference.py [--check].

Names, arguments, types and defaults come from Godot itself (`--doctool`), which knows what is really registered. The
texts come from the doc comments in rust/src/gdext, which F1 shows in the editor. A class, property, method, signal or
value without a text is an error, and so is a method of the node that the table of needs of docs/godot.md leaves out. `--check` only
compares.
"""

import re
import sys
import textwrap

import node_classes
from node_classes import REPO, kind, plain

PAGE = REPO / "docs/godot-reference.md"
GUIDE = REPO / "docs/godot.md"
# One value for each row of docs/errors.md, which has its text.
KINDS = "Kind"
ERRORS = REPO / "docs/errors.md"
# Of the two that no row has.
OWN_KINDS = {"internal": "A bug of the updater", "unavailable": "The call makes no sense now"}
# Beside those of the section for publishing: only the command line meets them.
OF_THE_COMMAND_LINE = {"config_malformed", "package_managed", "receipt_malformed"}
BEGIN, END = "<!-- reference: made by tests/tools/node_reference.py -->\n", "<!-- end of reference -->\n"


def typed(element):
    """The type as GDScript writes it: `Array[VSekaiMode]`, and not `VSekaiMode[]`."""
    return re.sub(r"^(\w+)\[\]$", r"Array[\1]", kind(element))


def kinds():
    """What each kind means, by its code; nothing for those that no game meets."""
    found, section = dict(OWN_KINDS), ""
    for line in ERRORS.read_text().splitlines():
        if line.startswith("### "):
            section = line
        if row := re.match(r"\| `(\w+)` \| <a id=\"\w+\"></a>(.*?) \| ", line):
            is_met = "publishing" not in section and row[1] not in OF_THE_COMMAND_LINE
            found[row[1]] = row[2] if is_met or row[1] == "version_invalid" else ""
    return found


def arguments(element):
    parts = []
    for param in sorted(element.findall("param"), key=lambda param: int(param.get("index"))):
        default = f" = {param.get('default')}" if param.get("default") else ""
        parts.append(f"{param.get('name')}: {typed(param)}{default}")
    return ", ".join(parts)


class Reference:
    def __init__(self):
        self.texts, self.missing, self.lines, self.methods = node_classes.comments(), [], [], []

    def text(self, owner, name):
        text = self.texts.get(f"{owner}.{name}") or self.texts.get(name)
        if not text:
            self.missing.append(f"{owner}.{name}")
        return plain(text or "")

    def item(self, head, text):
        self.lines += [f"- **`{head}`**", *(f"  {line}".rstrip() for line in text.splitlines())]

    def section(self, title):
        self.lines += ["", f"#### {title}", ""]

    def add(self, tree):
        name = tree.get("name")
        self.lines += ["", f"### {name}", "", f"Inherits `{tree.get('inherits')}`.", "", self.text(name, name)]
        methods, signals = tree.findall("methods/method"), tree.findall("signals/signal")
        if members := tree.findall("members/member"):
            self.section("Properties")
            for member in members:
                default = f" = {member.get('default')}" if member.get("default") else ""
                self.item(f"{member.get('name')}: {typed(member)}{default}", self.text(name, member.get("name")))
        accessors = {each for member in members for each in (member.get("getter"), member.get("setter"))}
        if methods := [each for each in methods if each.get("name") not in accessors]:
            self.section("Methods")
            for method in methods:
                self.methods.append(f"{name}.{method.get('name')}")
                static = "static " if "static" in (method.get("qualifiers") or "") else ""
                head = f"{static}{method.get('name')}({arguments(method)}) -> {typed(method.find('return'))}"
                self.item(head, self.text(name, method.get("name")))
        if signals:
            self.section("Signals")
            for signal in signals:
                self.item(f"{signal.get('name')}({arguments(signal)})", self.text(name, signal.get("name")))
        enums = {}
        for constant in tree.findall("constants/constant"):
            enums.setdefault(constant.get("enum"), []).append(constant)
        for enum, constants in enums.items():
            self.section(f"enum {enum}")
            self.lines += [self.text(enum, enum), ""]
            if enum == KINDS:
                self.kinds([constant.get("name") for constant in constants])
                continue
            for constant in constants:
                self.item(f"{constant.get('name')} = {constant.get('value')}", self.text(enum, constant.get("name")))


    def kinds(self, names):
        texts = kinds()
        met = [name for name in names if texts[name.lower()]]
        for name in met:
            self.lines += textwrap.wrap(f"- **`{name}`** {texts[name.lower()]}", 120, subsequent_indent="  ")
        others = ", ".join(f"`{name}`" for name in names if name not in met)
        self.lines += ["", *textwrap.wrap(f"No game meets these, only who publishes or uses the command line: {others}.", 120)]


def main():
    trees = node_classes.trees()
    reference = Reference()
    for name in sorted(trees, key=lambda name: (name != "VSekaiUpdater", name != "VSekaiTask", name)):
        reference.add(trees[name])
    if reference.missing:
        sys.exit("error: no doc comment for " + ", ".join(reference.missing))
    before, rest = PAGE.read_text().split(BEGIN)
    table = "".join(line for line in GUIDE.read_text().splitlines() if line.startswith("|"))
    node = [name.removeprefix("VSekaiUpdater.") for name in reference.methods if name.startswith("VSekaiUpdater.")]
    if left_out := [name for name in node if not re.search(rf"`(VSekaiUpdater\.)?{name}\(", table)]:
        sys.exit("error: the table of needs in docs/godot.md lacks " + ", ".join(left_out))
    made = before + BEGIN + "\n".join(reference.lines) + "\n\n" + END + rest.split(END)[1]
    if "--check" not in sys.argv:
        PAGE.write_text(made)
    elif made != PAGE.read_text():
        sys.exit("error: docs/godot-reference.md is not what the class docs say\n\nhint: run tests/tools/node_reference.py")


main()
