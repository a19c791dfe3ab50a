#!/usr/bin/env python3
"""Prints the licences of all crates that a program links. Reads `cargo metadata` from stdin; texts are in the crates.

Of a licence that requires its text even where a crate has left it out, the text is in packaging/licences.
"""

import json
import sys
from pathlib import Path

OURS = Path(__file__).resolve().parents[2] / "packaging/licences"
NAMES = ("licen", "copying", "notice", "copyright")


def texts(folder):
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES))
    return [path.read_text(errors="replace").strip() for path in files]


def text_of(licence):
    """Our copy of a licence's text, if its name is all that a crate has."""
    path = OURS / f"{licence}.txt"
    return [path.read_text().strip()] if path.is_file() else []


def linked(metadata):
    """The ids of what the workspace's crates need, without what only builds or tests them need."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    found, rest = set(), list(metadata["workspace_members"])
    while rest:
        crate = rest.pop()
        if crate in found:
            continue
        found.add(crate)
        kinds = [(dep["pkg"], [kind["kind"] for kind in dep["dep_kinds"]]) for dep in nodes[crate]["deps"]]
        rest += [package for package, kind in kinds if None in kind]
    return found - set(metadata["workspace_members"])


def main():
    metadata = json.load(sys.stdin)
    wanted = linked(metadata)
    crates = [it for it in metadata["packages"] if it["id"] in wanted]
    crates.sort(key=lambda it: (it["name"], it["version"]))
    unlicensed = [crate["name"] for crate in crates if not (crate["license"] or crate["license_file"])]
    if unlicensed:
        sys.exit(f"error: no licence is named by {', '.join(unlicensed)}")
    groups = {}
    print("The programs and libraries contain these crates, each for some systems or features. Their source is at")
    print("these addresses.\n")
    for crate in crates:
        source = crate["repository"] or f"https://crates.io/crates/{crate['name']}"
        print(f"{crate['name']} {crate['version']}: {crate['license']}, {source}")
        for text in texts(Path(crate["manifest_path"]).parent) or text_of(crate["license"]):
            groups.setdefault(text, []).append(f"{crate['name']} {crate['version']}")
    for text, names in sorted(groups.items(), key=lambda it: it[1]):
        print(f"\n{'=' * 80}\n{', '.join(names)}\n{'-' * 80}\n{text}")


if __name__ == "__main__":
    main()
