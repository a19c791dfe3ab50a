"""Somebody at the exported launcher: starts it, presses keys, clicks, and kills it.

The launcher is told nothing that a player's would not be: three environment variables name repository, trust root
and install root. Where its buttons are is asked of the same scenes in the same state, by `print_layout.gd`.
"""

import json
import os
import subprocess
import time
from pathlib import Path

from world import REPO, wait_until

GODOT = str(REPO / "tests/tools/godot.sh")
LAUNCHER = REPO / "out/linux/launcher.x86_64"
STILL_SECONDS = 0.8
# A launcher that works keeps a core busy, if it gets one.
BUSY_SHARE = 0.4


class Player:
    """One launcher at a time, on one display, with a home of its own."""

    def __init__(self, display, world, pictures):
        self._display, self._world, self._pictures = display, world, pictures
        self._process, self._count = None, 0
        self._log = (world.folder / "launcher.log").open("ab")

    def choose(self, url, trust_root, install):
        """What the next launcher works on."""
        self.install = install
        self._settings = {
            "VSEKAI_REPOSITORY": url, "VSEKAI_TRUST_ROOT": str(trust_root), "VSEKAI_INSTALL_DIR": str(install),
            "VSEKAI_CONFIG": str(self._world.folder / "config.toml"), "HOME": str(self._world.folder / "home"),
            "LANG": "en_US.UTF-8", "DISPLAY": self._display.name,
            # Only a debug export has class docs in it, which is no news here.
            "GDRUST_SUPPRESSED_WARNINGS": "RegisterDocsInExport",
        }
        (self._world.folder / "home").mkdir(exist_ok=True)

    def spawn(self):
        self._process = subprocess.Popen(self.command(str(LAUNCHER), "--audio-driver", "Dummy"), stdout=self._log,
                                         stderr=self._log)

    def start(self):
        """Starts the launcher, and waits until its window is at rest."""
        self.spawn()
        wait_until("the launcher has no window", lambda: self._display.windows("V-Sekai") > 0)
        wait_until("the launcher shows nothing", self._display.has_picture)
        self.rest()

    def rest(self, seconds=20.0):
        """Waits until for a while no picture changed, and no thread of the launcher was at work."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            begun, picture, used = time.monotonic(), self._display.memory(), self.cpu_seconds()
            while self._display.memory() == picture and time.monotonic() - begun < STILL_SECONDS:
                time.sleep(0.1)
            passed = time.monotonic() - begun
            if passed >= STILL_SECONDS and self.cpu_seconds() - used < passed * BUSY_SHARE:
                return

    def wait_for_news(self, seconds=20.0):
        """Waits until the picture changes, and then until it rests."""
        picture, deadline = self._display.memory(), time.monotonic() + seconds
        while self._display.memory() == picture and time.monotonic() < deadline:
            time.sleep(0.1)
        self.rest()

    def stop(self):
        """Closes the launcher as a session's end does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def kill(self):
        """Ends the launcher as a crash does."""
        self._process.kill()
        self._process.wait(20)
        self._process = None

    def is_alive(self):
        return self._process is not None and self._process.poll() is None

    def cpu_seconds(self, is_main_only=False):
        """Processor time that the launcher has used, all of it or that of its main thread."""
        if not self.is_alive():
            return 0.0
        number = self._process.pid
        path = Path(f"/proc/{number}/task/{number}/stat" if is_main_only else f"/proc/{number}/stat")
        words = path.read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def press(self, *keys):
        self._display.key(*keys)

    def click(self, page, button, then=None):
        """Clicks on a button of a page, found at the page's end; `then` is one that shows after that."""
        first, second = self._layout(page), self._layout(page, button) if then else {}
        tab = {"home": "HomeButton", "settings": "SettingsButton", "whats_new": "WhatsNewButton"}[page]
        self._display.click(*first[tab])
        self.rest(5)
        self._display.scroll(640, 450, 40)
        self.rest(5)
        self._display.click(*first[button])
        if then:
            self.rest(5)
            self.look(f"asks_{button.lower()}")
            self._display.click(*second[then])

    def look(self, name):
        """Keeps a picture of what is shown."""
        self._count += 1
        self._display.save(self._pictures / f"{self._count:02}_{name}.png")

    def play(self, version, name):
        """Presses Play, sees the game of a version, and leaves it."""
        self.press("Return")
        wait_until(f"the game {version} has no window", lambda: self._display.windows(f"Sample {version}") > 0)
        wait_until("the game was not acknowledged", lambda: self._world.status(self.install)["trial"] is None)
        time.sleep(0.7)
        self.look(name)
        self.press("Escape")
        wait_until("the game did not end", lambda: self._display.windows("Sample") == 0)
        self.rest(5)

    def _layout(self, *wanted):
        command = self.command("godot", "--headless", "--path", str(REPO), "-s",
                                str(REPO / "tests/e2e/print_layout.gd"), "--", *wanted)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        lines = [line for line in done.stdout.splitlines() if line.startswith("layout ")]
        assert lines, f"no layout of {wanted}:\n{done.stdout}{done.stderr}"
        return json.loads(lines[0].removeprefix("layout "))

    def command(self, program, *arguments):
        """A command line that runs a program where Godot runs, with the settings of `choose`."""
        settings = [f"{name}={value}" for name, value in self._settings.items()]
        if program == "godot":
            program = os.environ.get("GODOT", "godot")
        return [GODOT, "--run", "env", *settings, program, *arguments]
