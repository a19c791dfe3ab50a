#!/usr/bin/python3 -B
"""What a screen reader finds in the exported launcher: names and roles of the controls of each page, through AT-SPI.

Starts a bus of its own, says on it that a screen reader runs, and reads the tree that Godot's AccessKit shows there.
Needs Debian's at-spi2-core and python3-pyatspi, the exports in out/, and the library that tests/tools/accesskit.sh builds:
Debian's Godot loads AccessKit from a file beside the program, the official one contains it.

    tests/e2e/screen_reader.py LIBACCESSKIT [--print]
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from display import Display
from player import Player
from systems import GODOT, Linux
from world import World, wait_until

# What a page must offer, as role and beginning of the name. Godot's menus with a choice are toggle buttons.
FIRST_PAGE = [("label", "Welcome to V-Sekai"), ("entry", "Installation folder"), ("push button", "Install")]
HOME = [("push button", "Play"), ("label", "V-Sekai is ready to play."), ("label", "Version 0.1.0"),
        ("push button", "Check for updates")]
NAVIGATION = [("toggle button", name) for name in ("Home", "What's new", "Settings", "About")]
WHATS_NEW = [("label", "What's new"), ("label", "Version 0.1.0")]
SETTINGS = [("toggle button", "Update channel"), ("toggle button", "When an update is found"), ("entry", "Proxy"),
            ("push button", "Uninstall")]
ABOUT = [("push button", "Website"), ("push button", "Report a problem"), ("toggle button", "Licenses")]
# A control of the page before, which is hidden now.
HIDDEN = {"Home": "Installation folder", "What's new": "V-Sekai is ready to play.", "Settings": "This version has no release notes", "About": "Update channel"}


class Reader:
    """The tree as a screen reader sees it."""

    def __init__(self):
        import pyatspi  # Only on the bus of this test.

        self._registry = pyatspi.Registry

    def nodes(self):
        """Role, name and description of everything that is shown, in order."""
        found = []
        for app in self._registry.getDesktop(0):
            if app is not None and app.name.startswith("launcher"):
                self._walk(app, found)
        return found

    def _walk(self, node, found):
        with contextlib.suppress(Exception):  # It may have gone meanwhile.
            node.clear_cache()
            found.append((node.getRoleName(), node.name or "", node.description or ""))
            for child in node:
                if child is not None:
                    self._walk(child, found)

    def must_find(self, page, wanted):
        def missing():
            nodes = self.nodes()
            return [want for want in wanted
                    if not any(role == want[0] and name.startswith(want[1]) for role, name, _ in nodes)]

        try:
            wait_until(page, lambda: not missing(), 20)
        except AssertionError:
            shown = "\n".join(f"  {role}: {name} | {description}" for role, name, description in self.nodes())
            raise SystemExit(f"error: {page}: a screen reader does not find {missing()}, but\n{shown}") from None

    def must_not_find(self, page, hidden):
        wait_until(f"{page}: a screen reader still finds {hidden}",
                   lambda: not any(name.startswith(hidden) for _, name, _ in self.nodes()), 20)

    def print(self, page):
        for node in self.nodes():
            print(page, *node, sep=" | ")

    def must_name_all(self, page):
        """Whatever can be pressed or filled in has a name."""
        kinds = ("button", "push button", "toggle button", "check box", "switch", "combo box", "entry", "link")
        nameless = [role for role, name, _ in self.nodes() if role in kinds and not name]
        assert not nameless, f"{page}: no name: {nameless}"


class Spoken(Linux):
    """A system with a screen reader, and a launcher that has AccessKit beside it."""

    def __init__(self, folder, library):
        super().__init__(folder)
        place = folder / "launcher"
        place.mkdir()
        for file in Linux.launcher.parent.iterdir():
            shutil.copy2(file, place / file.name)
        shutil.copy(library, place / "libaccesskit.so")
        self.launcher = place / Linux.launcher.name

    def spawn(self, settings, display, log):
        bus = {name: os.environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
        return super().spawn({**settings, **bus}, display, log)


def switch_on():
    """Says on the bus that a screen reader runs, as GNOME's settings do."""
    for name in ("IsEnabled", "ScreenReaderEnabled"):
        subprocess.run(["gdbus", "call", "--session", "--dest", "org.a11y.Bus", "--object-path", "/org/a11y/bus",
                        "--method", "org.freedesktop.DBus.Properties.Set", "org.a11y.Status", name, "<true>"],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)


def main(library, is_printed):
    folder = Path(os.environ["XDG_RUNTIME_DIR"])
    with contextlib.ExitStack() as stack:
        switch_on()
        reader = Reader()
        world = World(folder, system=Spoken(folder, library))
        stack.callback(world.close)
        display = Display(GODOT)
        stack.callback(display.close)
        player = Player(display, world, folder)
        stack.callback(player.stop)
        repository, keys = world.files()
        player.choose(str(repository), keys / "root.json", folder / "game")
        player.start()
        reader.must_find("first page", FIRST_PAGE)
        reader.must_name_all("first page")
        if is_printed:
            reader.print("first page")
        player.press("Return")
        wait_until("the game is not installed", lambda: world.version(player.install) == "0.1.0")
        player.rest()
        pages = [("Home", NAVIGATION + HOME, "ctrl+Next"), ("What's new", NAVIGATION + WHATS_NEW, "ctrl+Next"),
                 ("Settings", NAVIGATION + SETTINGS, "ctrl+Next"), ("About", NAVIGATION + ABOUT, "ctrl+Next"),
                 ("Home again", NAVIGATION + HOME, None)]
        for page, wanted, key in pages:
            reader.must_find(page, wanted)
            reader.must_name_all(page)
            if page in HIDDEN:
                reader.must_not_find(page, HIDDEN[page])
            if is_printed:
                reader.print(page)
            if key:
                player.press(key)
    print(f"screen reader: {len(pages)} pages have what they must have")


def begin():
    """Starts again on a bus of its own."""
    folder = tempfile.mkdtemp(prefix="vsekai-atspi-", dir="/tmp")
    environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "VSEKAI_ATSPI": folder}
    environment.pop("DISPLAY", None)
    try:
        command = ["dbus-run-session", "--", sys.executable, "-B", __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, timeout=600).returncode)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if "VSEKAI_ATSPI" not in os.environ:
        begin()
    main(Path(sys.argv[1]), "--print" in sys.argv)
