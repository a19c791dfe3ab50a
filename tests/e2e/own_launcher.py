#!/usr/bin/env -S python3 -B
"""The exported launcher as a product: installed like a game, started by `vsekai launch`, it updates itself.

    tests/e2e/own_launcher.py                    uses the export in out/linux
    tests/e2e/own_launcher.py --newer LIBRARY    the way from a launcher that is too old to a game: LIBRARY is the
                                                 extension of version NEWER

Publishes the export with `vsekai` beside it in the mode `launcher`, and starts it in a virtual display: the trial ends by
its first frame, a newer one is installed in the background, and the next start is that. Then one that was only unpacked,
of a brand that publishes its launcher, offers to install itself, and does.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from display import Display
from systems import GODOT, REPO, Linux
from world import program, wait_until

# Longer than the launcher needs, so that only its ready file can end the trial.
GRACE = "600s"

# The version of the extension that a game needs in the test with two of them.
NEWER = "0.2.0"

# Where the launcher has its one button.
INSTALL = (160, 694)

LAUNCHER = Linux.launcher


def brand(folder, path, address, trust_root):
    """Gives an unpacked launcher a brand that knows the repository which it was published to.

    `path` is the folder as the launcher's system writes it, with forward slashes.
    """
    branding = (REPO / "themes/vsekai/vsekai_branding.tres").read_text()
    branding += f'repository_urls = PackedStringArray("{address}")\n'
    branding += f'trust_root = "{trust_root}"\n'
    (folder / "branding.tres").write_text(branding)
    (folder / "override.cfg").write_text(f'[vsekai]\nbranding="{path}/branding.tres"\n')


class Product:
    def __init__(self, folder):
        self.folder, self.vsekai, self.root = folder, program("vsekai"), folder / "launcher"
        self.tree, self.home = folder / "tree", folder / "home"
        shutil.copytree(LAUNCHER.parent, self.tree)
        # A copy of 100 MB in each version takes long, and only its name matters here.
        (self.tree / "vsekai").write_text(f'#!/bin/sh\nexec "{self.vsekai}" "$@"\n')
        (self.tree / "vsekai").chmod(0o755)
        self.home.mkdir()
        self.run("keys", "init", folder / "keys", "--mode", "launcher", "--mode", "stable")

    def run(self, *words):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VSEKAI_")}
        done = subprocess.run([self.vsekai, *map(str, words)], env=clean, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def publish(self, version):
        (self.tree / "version.txt").write_text(version)
        options = ["--mode", "launcher", "--version", version, "--entry", LAUNCHER.name, "--delta-from", "0"]
        place = ["--repository", self.folder / "repository", "--keys", self.folder / "keys"]
        self.run("publish", self.tree, *options, *place)

    def publish_game(self):
        """A game that the launcher of another version can install."""
        game = self.folder / "build"
        game.mkdir()
        (game / "game").write_text("#!/bin/sh\nexit 0\n")
        (game / "game").chmod(0o755)
        options = ["--mode", "stable", "--version", "1.0.0", "--entry", "game", "--min-launcher", NEWER]
        options += ["--allow", "entry_not_program"]
        self.run("publish", game, *options, "--repository", self.folder / "repository", "--keys", self.folder / "keys")

    def update(self, version):
        place = ["--repository", self.folder / "repository", "--trust-root", self.folder / "keys/root.json"]
        self.run("update", self.root, "--mode", "launcher", "--version", version, "--no-shared-cache", *place)

    def status(self):
        return json.loads(self.run("--json", "status", self.root).splitlines()[-1])

    def unpack(self, folder):
        """A download of a launcher whose brand knows this repository."""
        shutil.copytree(self.tree, folder)
        brand(folder, str(folder), str(self.folder / "repository"), str(self.folder / "keys/root.json"))
        return folder / LAUNCHER.name

    def start(self, display, log):
        return self.spawn([self.vsekai, "launch", str(self.root), "--grace", GRACE, "--"], display, log)

    def spawn(self, command, display, log):
        passed = {"HOME": str(self.home), "LANG": "en_US.UTF-8", "DISPLAY": display.name,
                  "GDRUST_SUPPRESSED_WARNINGS": "RegisterDocsInExport"}
        env = {name: value for name, value in os.environ.items() if not name.startswith("VSEKAI_")}
        if "VSEKAI_TOOLS" in os.environ:
            env["VSEKAI_TOOLS"] = os.environ["VSEKAI_TOOLS"]
        settings = [f"{name}={value}" for name, value in passed.items()]
        words = [GODOT, "--run", "env", *settings, *command, "--audio-driver", "Dummy"]
        return subprocess.Popen(words, env=env, stdout=log, stderr=log)


def main():
    newer = Path(sys.argv[2]).resolve() if sys.argv[1:2] == ["--newer"] else None
    display = Display(GODOT)
    with tempfile.TemporaryDirectory(prefix="vsekai-own-", dir="/tmp") as folder:
        product = Product(Path(folder))
        with (product.folder / "launcher.log").open("ab") as log:
            try:
                if newer:
                    lead_to_the_game(product, display, log, newer)
                else:
                    play(product, display, log)
                    install_itself(product, display, log)
            except BaseException:
                print((product.folder / "launcher.log").read_text()[-3000:])
                raise
            finally:
                display.close()
    print("an old launcher led to the game" if newer else "the launcher updated itself")


def play(product, display, log):
    for version in ["1.0.0", "1.1.0"]:
        product.publish(version)
        product.update(version)
    assert product.status()["trial"] is not None
    product.publish("1.2.0")
    launcher = product.start(display, log)
    try:
        wait_until("the launcher has no window", lambda: display.windows("V-Sekai") > 0)
        # Only what this launcher did: the trial of 1.1.0 has ended, and 1.2.0 is on trial.
        wait_until("1.2.0 is not installed", lambda: product.status()["current"]["version"] == "1.2.0", 180)
        status = product.status()
        assert status["previous"]["version"] == "1.1.0" and status["is_integrated"], status
        assert status["trial"]["attempts"] == 0, status
        # It has put itself into the menu, without links, and the menu starts a copy that stays.
        entries = list((product.home / ".local/share/applications").glob("*.desktop"))
        text = entries[0].read_text()
        assert len(entries) == 1 and ".vsekai/bin/vsekai" in text and "x-scheme-handler" not in text, text
    finally:
        launcher.terminate()
        launcher.wait(60)
    launcher = product.start(display, log)
    try:
        wait_until("the trial of 1.2.0 does not end", lambda: product.status()["trial"] is None)
        assert product.status()["current"]["version"] == "1.2.0"
    finally:
        launcher.terminate()
        launcher.wait(60)


def agree_to_install(display, installed, picture):
    """Says yes to an unpacked launcher that offers to install itself, and waits until it has."""
    wait_until("the unpacked launcher has no window", lambda: display.windows("V-Sekai") > 0, 180)
    wait_until("the unpacked launcher shows nothing", display.has_picture)
    display.settled()
    # The answer that installs it has the focus.
    display.save(picture)
    display.key("Return")
    wait_until("the launcher has not installed itself", (installed / ".vsekai/state.json").is_file, 180)


def install_itself(product, display, log):
    # Another player, who has never had it.
    product.home = product.folder / "other-home"
    product.home.mkdir()
    program, installed = product.unpack(product.folder / "unpacked"), product.home / ".local/share/vsekai/launcher"
    unpacked = product.spawn([program], display, log)
    agree_to_install(display, installed, REPO / "out/own_launcher_offer.png")
    # The installed one runs, and the other one has gone.
    wait_until("the unpacked launcher stays", lambda: unpacked.poll() is not None)
    product.root = installed
    wait_until("the installed launcher has no window", lambda: display.windows("V-Sekai") == 1)
    wait_until("the installed launcher is not in the menu", lambda: product.status()["is_integrated"])
    subprocess.run(["pkill", "-f", str(installed)], check=False)
    wait_until("the installed launcher stays", lambda: display.windows("V-Sekai") == 0)


def lead_to_the_game(product, display, log, newer):
    """The game needs a newer launcher: two presses bring both."""
    place = product.folder
    brand(place, str(place), str(place / "repository"), str(place / "keys/root.json"))
    shutil.copy(product.folder / "override.cfg", product.tree)
    product.publish("1.0.0")
    product.update("1.0.0")
    product.publish_game()
    old = product.start(display, log)
    try:
        wait_until("the launcher has no window", lambda: display.windows("V-Sekai") > 0)
        wait_until("the trial of 1.0.0 does not end", lambda: product.status()["trial"] is None)
        [library] = product.tree.glob("libvsekai_updater*.so")
        shutil.copy(newer, library)
        product.publish("1.1.0")
        display.settled()
        display.key("Return")
        display.settled()
        display.save(REPO / "out/own_launcher_too_old.png")
        display.key("Return")
        wait_until("1.1.0 is not installed", lambda: product.status()["current"]["version"] == "1.1.0", 180)
        # The newer one has taken its place.
        wait_until("the old launcher stays", lambda: old.poll() is not None)
        wait_until("the newer launcher has no window", lambda: display.windows("V-Sekai") == 1)
        wait_until("the trial of 1.1.0 does not end", lambda: product.status()["trial"] is None)
        display.settled()
        display.save(REPO / "out/own_launcher_newer.png")
        # Without a window manager, nobody gives the second window the keys.
        display.click(*INSTALL)
        wait_until("the game is not installed", lambda: list(product.home.rglob("versions/*/game")), 180)
    finally:
        subprocess.run(["pkill", "-f", str(product.root)], check=False)
        old.wait(60)


if __name__ == "__main__":
    main()
