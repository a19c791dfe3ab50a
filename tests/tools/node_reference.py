#!/usr/bin/env python3
"""Writes the node reference of docs/godot.md from the class docs: node_reference.py [--check].

Names, arguments, types and defaults come from Godot itself (`--doctool`), which knows what is really registered. The
texts come from the doc comments in rust/src/gdext, which F1 shows in the editor. A class, property, method, signal or
value without a text is an error, and so is a method of the node that the page's table of needs leaves out. `--check` only
compares.
"""

import re
import subprocess
import sys
import tempfile
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PAGE = REPO / "docs/godot.md"
WRAPPER = REPO / "addons/vsekai_updater/csharp/VSekaiUpdaterNode.cs"
NAMES = ("updater", "updater/care", "updater/offers", "updater/queries", "updater/start", "updater/stop")
NAMES += ("instance", "values", "values/progress", "kinds", "enums")
SOURCES = [REPO / f"rust/src/gdext/{name}.rs" for name in NAMES]
# One value for each row of docs/errors.md.
EXPLAINED_ELSEWHERE = "Kind"
BEGIN, END = "<!-- reference: made by tests/tools/node_reference.py -->\n", "<!-- end of reference -->\n"


def comments():
    """Doc comments by the name of the item that follows; those in a class also by `Class.name`."""
    found = {}
    for source in SOURCES:
        text, owner = [], ""
        for line in source.read_text().splitlines():
            line = line.strip()
            if line.startswith("///"):
                # Code keeps its indentation.
                text.append(line[3:].removeprefix(" ").rstrip())
                continue
            if line.startswith("#["):
                continue
            named = re.match(r"(?:pub(?:\(\w+\))? )?(struct|fn|enum)? ?(\w+)", line)
            # `Silent = "SILENT"` and `State of VSekaiUpdater as "State" {` of the enumerations
            enumerator = re.match(r'\w+ (?:=|of \w+ as) "(\w+)"', line)
            if named and (text or named[1] == "struct"):
                name = enumerator[1] if enumerator else named[2]
                if named[1] == "struct" or (enumerator and " as " in line):
                    owner = name
                words = "\n".join(text)
                found.setdefault(name, words)
                found[f"{owner}.{name}"] = words
            text = []
    return found


def plain(text):
    """Converts Godot's links to Markdown, without the paragraph that leads to this page."""
    text = re.sub(r"\n\n[^\n]*/docs/godot\.md\)\.", "", text)
    text = re.sub(r"\[(?:method|signal|member|constant|param|enum) ([^\]]+)\]", r"`\1`", text)
    return re.sub(r"\[([A-Z]\w+)\]", r"`\1`", text)


def kind(element):
    return element.get("enum") or element.get("type")


def arguments(element):
    parts = []
    for param in sorted(element.findall("param"), key=lambda param: int(param.get("index"))):
        default = f" = {param.get('default')}" if param.get("default") else ""
        parts.append(f"{param.get('name')}: {kind(param)}{default}")
    return ", ".join(parts)


class Reference:
    def __init__(self):
        self.texts, self.missing, self.lines, self.methods = comments(), [], [], []

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
                self.item(f"{member.get('name')}: {kind(member)}{default}", self.text(name, member.get("name")))
        accessors = {each for member in members for each in (member.get("getter"), member.get("setter"))}
        if methods := [each for each in methods if each.get("name") not in accessors]:
            self.section("Methods")
            for method in methods:
                self.methods.append(f"{name}.{method.get('name')}")
                static = "static " if "static" in (method.get("qualifiers") or "") else ""
                head = f"{static}{method.get('name')}({arguments(method)}) -> {kind(method.find('return'))}"
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
            if enum == EXPLAINED_ELSEWHERE:
                names = ", ".join(f"`{constant.get('name')}`" for constant in constants)
                self.lines += textwrap.wrap(names, 120)
                continue
            for constant in constants:
                self.item(f"{constant.get('name')} = {constant.get('value')}", self.text(enum, constant.get("name")))


def check_wrapper(trees):
    """Every name that the wrapper for C# calls must be one of the classes: nothing compiles it."""
    known = set()
    for tree in trees.values():
        known |= {each.get("name") for part in ("method", "member", "signal") for each in tree.iter(part)}
    called = set(re.findall(r'"([a-z_]+)"', WRAPPER.read_text()))
    if len(called) < 20 or called - known:
        sys.exit(f"error: {WRAPPER.name} names what no class has: {sorted(called - known)}")
    own = [method for method in trees["VSekaiUpdater"].iter("method") if "static" not in method.get("qualifiers", "")]
    results = {method.get("name") for method in own if method.get("name").startswith("get_")}
    if len(results) < 10 or results - called:
        sys.exit(f"error: {WRAPPER.name} lacks results of the node: {sorted(results - called)}")


def main():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        godot = [REPO / "tests/tools/godot.sh", "--headless", "--path", REPO]
        subprocess.run([*godot, "--doctool", folder, "--gdextension-docs"], check=True, capture_output=True, timeout=120)
        trees = {path.stem: ElementTree.parse(path).getroot() for path in Path(folder).rglob("VSekai*.xml")}
    if "VSekaiUpdater" not in trees:
        sys.exit("error: Godot knows no VSekaiUpdater\n\nhint: ./run extension builds it")
    check_wrapper(trees)
    reference = Reference()
    for name in sorted(trees, key=lambda name: (name != "VSekaiUpdater", name)):
        reference.add(trees[name])
    if reference.missing:
        sys.exit("error: no doc comment for " + ", ".join(reference.missing))
    before, rest = PAGE.read_text().split(BEGIN)
    table = "".join(line for line in before.splitlines() if line.startswith("|"))
    node = [name.removeprefix("VSekaiUpdater.") for name in reference.methods if name.startswith("VSekaiUpdater.")]
    if left_out := [name for name in node if not re.search(rf"`(VSekaiUpdater\.)?{name}\(", table)]:
        sys.exit("error: the table of needs in docs/godot.md lacks " + ", ".join(left_out))
    made = before + BEGIN + "\n".join(reference.lines) + "\n\n" + END + rest.split(END)[1]
    if "--check" not in sys.argv:
        PAGE.write_text(made)
    elif made != PAGE.read_text():
        sys.exit("error: docs/godot.md is not what the class docs say\n\nhint: run tests/tools/node_reference.py")


main()
