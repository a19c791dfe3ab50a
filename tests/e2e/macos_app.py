#!/usr/bin/env python3
"""Checks the launcher's application for macOS as Godot exports it, and that it can be published and installed.

macos_app.py. There is no template for macOS on Linux. So the engine of this one is an empty program, and so is the
extension's library: both for both processors, made by zig. Everything around them is what players get: names, places,
`Info.plist`, permissions and the signature. Nothing is run.
"""

import json
import os
import plistlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from systems import GODOT, REPO, program  # noqa: E402

APP = "V-Sekai Launcher.app"
LIBRARY = "libvsekai_updater.debug.universal.dylib"
# Type and subtype, from Apple's <mach/machine.h>.
PROCESSORS = {"x86_64": (0x01000007, 3), "aarch64": (0x0100000C, 0)}
FAT_MAGIC = 0xCAFEBABE
# Each part of a universal file begins at a page of the processor with the largest.
PAGE_BITS = 14
LC_CODE_SIGNATURE = 0x1D
# What Godot's own template contains, reduced to what a Mac needs to start an application.
PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleExecutable</key><string>$binary</string>
<key>CFBundleName</key><string>$name</string>
<key>CFBundleIdentifier</key><string>$bundle_identifier</string>
<key>CFBundleShortVersionString</key><string>$short_version</string>
<key>CFBundleVersion</key><string>$version</string>
<key>CFBundlePackageType</key><string>APPL</string>
<key>CFBundleIconFile</key><string>icon.icns</string>
$additional_plist_content
</dict></plist>
"""


def universal(parts):
    """A universal file of these programs, by processor (the format is in Apple's <mach-o/fat.h>)."""
    page = 1 << PAGE_BITS
    header, body = struct.pack(">II", FAT_MAGIC, len(parts)), b""
    for processor, data in parts.items():
        header += struct.pack(">IIIII", *PROCESSORS[processor], page + len(body), len(data), PAGE_BITS)
        body += data + bytes(-len(data) % page)
    return header + bytes(page - len(header)) + body


def compile_empty(folder, *options):
    """An empty program or library for both processors, with room for the signature that Godot adds."""
    tools = subprocess.check_output(["bash", "-c", f"source '{REPO}/tests/tools/lib.sh' && zig_tools"], text=True)
    source, parts = folder / "empty.c", {}
    source.write_text("int main(void) { return 0; }\n")
    for processor in PROCESSORS:
        made = folder / processor
        words = ["-m", "ziglang", "cc", "-target", f"{processor}-macos", "-Wl,-headerpad,0x1000", *options]
        subprocess.run([Path(tools.strip()) / "python", *words, source, "-o", made], check=True)
        parts[processor] = made.read_bytes()
    return universal(parts)


def make_template(file, engine):
    with zipfile.ZipFile(file, "w") as template:
        for name, data, mode in [
            ("Info.plist", PLIST, 0o644),
            ("PkgInfo", "APPL????", 0o644),
            ("Resources/icon.icns", b"icns\0\0\0\x08", 0o644),
            ("MacOS/godot_macos_debug.universal", engine, 0o755),
            ("MacOS/godot_macos_release.universal", engine, 0o755),
        ]:
            entry = zipfile.ZipInfo(f"macos_template.app/Contents/{name}")
            entry.create_system, entry.external_attr = 3, (0o100000 | mode) << 16
            template.writestr(entry, data)


def export(work):
    """Exports the launcher with a template of our own; its unpacked application."""
    version = subprocess.check_output([GODOT, "--version"], text=True).split()[-1]
    templates = work / "data/godot/export_templates" / ".".join(version.split(".")[:4])
    templates.mkdir(parents=True)
    make_template(templates / "macos.zip", compile_empty(work))
    library = REPO / "addons/vsekai_updater/bin" / LIBRARY
    if library.exists():
        raise SystemExit(f"error: {library} exists; a stand-in would replace it")
    library.write_bytes(compile_empty(work, "-shared", f"-Wl,-install_name,@rpath/{LIBRARY}"))
    settings = {**os.environ, "XDG_DATA_HOME": str(work / "data"), "VSEKAI_PASS": "XDG_DATA_HOME"}
    words = ["launcher", "debug", "--macos", "--keep-library"]
    try:
        subprocess.run([REPO / "tests/tools/export.sh", *words], check=True, env=settings)
    finally:
        library.unlink()
    # Python's zipfile loses permissions.
    subprocess.run(["unzip", "-q", REPO / "out/macos/launcher.zip", "-d", work / "export"], check=True)
    return work / "export" / APP


def is_signed(file):
    """Whether each part of a universal file has a signature: a load command for it."""
    data = file.read_bytes()
    magic, count = struct.unpack_from(">II", data)
    assert magic == FAT_MAGIC, f"{file} is not universal"
    for part in range(count):
        at = struct.unpack_from(">5I", data, 8 + 20 * part)[2]
        commands, place = struct.unpack_from("<I", data, at + 16)[0], at + 32
        found = []
        for _ in range(commands):
            kind, size = struct.unpack_from("<II", data, place)
            found.append(kind)
            place += size
        if LC_CODE_SIGNATURE not in found:
            return False
    return count == len(PROCESSORS)


def check_layout(app):
    contents = app / "Contents"
    info = plistlib.loads((contents / "Info.plist").read_bytes())
    version = next(line for line in (REPO / "project.godot").read_text().splitlines() if line.startswith("config/version="))
    assert info["CFBundleIdentifier"] == "org.v-sekai.launcher", info
    assert info["CFBundleShortVersionString"] == version.split('"')[1], info
    # A launcher that declares this would have macOS ask about each game that it installs (docs/integration.md).
    assert "LSFileQuarantineEnabled" not in info, info
    engine, library = contents / "MacOS" / info["CFBundleExecutable"], contents / "Frameworks" / LIBRARY
    assert os.access(engine, os.X_OK), engine
    assert list((contents / "Resources").glob("*.pck")), "no pack"
    assert (contents / "Resources" / info["CFBundleIconFile"]).stat().st_size > 1000, "the template's icon, not ours"
    for file in (engine, library):
        assert is_signed(file), f"{file} is not signed"
    sealed = plistlib.loads((contents / "_CodeSignature/CodeResources").read_bytes())["files2"]
    missing = {str(file.relative_to(contents)) for file in (library, *(contents / "Resources").glob("*.pck"))} - set(sealed)
    assert not missing, f"not covered by the signature: {missing}"
    return engine.relative_to(app.parent)


def publish_and_install(work, entry):
    vsekai, tree = program("vsekai"), work / "export"

    def run(*words):
        said = subprocess.run([vsekai, "--json", *map(str, words)], capture_output=True, text=True, cwd=work)
        assert said.returncode == 0, said.stdout + said.stderr
        return json.loads(said.stdout.splitlines()[-1])

    run("keys", "init", "keys")
    published = ["--mode", "stable", "--version", "1.0.0", "--entry", entry, "--repository", "repository"]
    run("publish", tree, *published, "--keys", "keys")
    root = next((work / "repository/tuf").glob("*root.json"))
    source = ["--repository", "repository", "--trust-root", root]
    run("update", "launcher", "--platform", "macos-universal", *source)
    assert run("status", "launcher")["current"]["version"] == "1.0.0"
    run("verify", "launcher")
    installed = next((work / "launcher/versions").iterdir())
    assert subprocess.run(["diff", "-r", tree, installed]).returncode == 0
    assert os.access(installed / entry, os.X_OK), "no program any more"


def main():
    work = Path(tempfile.mkdtemp())
    try:
        entry = check_layout(export(work))
        publish_and_install(work, entry)
    finally:
        shutil.rmtree(work)
    print("the application for macOS: its layout and signature, published and installed")


main()
