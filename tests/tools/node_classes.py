"""What Godot knows of the addon's classes, and the texts of their doc comments."""

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
NAMES = ("updater", "updater/care", "updater/offers", "updater/queries", "updater/start", "updater/stop")
NAMES += ("task", "instance", "values", "values/progress", "kinds", "enums")
SOURCES = [REPO / f"rust/src/gdext/{name}.rs" for name in NAMES]


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


def trees():
    """The classes as Godot describes them, by name."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        godot = [REPO / "tests/tools/godot.sh", "--headless", "--path", REPO]
        subprocess.run([*godot, "--doctool", folder, "--gdextension-docs"], check=True, capture_output=True, timeout=120)
        found = {path.stem: ElementTree.parse(path).getroot() for path in Path(folder).rglob("VSekai*.xml")}
    if "VSekaiUpdater" not in found:
        sys.exit("error: Godot knows no VSekaiUpdater\n\nhint: ./run extension builds it")
    return found
