"""A player at the exported launcher: starts it, presses keys, clicks, and kills it.

The launcher has the same information as a player's: three environment variables name repository, trust root and
install root. `print_layout.gd` finds its buttons, by running the same scenes in the same state.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from systems import GODOT, REPO
from world import wait_until

STILL_SECONDS = 0.8
# After this many sleeps, the main thread has processed all messages.
STILL_TURNS = 5
# Each operation of the updater has a thread with this name.
WORKER = "vsekai-updater"


class Player:
    """One launcher at a time, on one display, of the system of the world."""

    def __init__(self, display, world, pictures):
        self._display, self._world, self._pictures = display, world, pictures
        self._system = world.system
        self._process, self._pid, self._count = None, None, 0
        self._log = (world.folder / "launcher.log").open("ab")

    def choose(self, url, trust_root, install):
        """Sets the repository and install root of the next launcher."""
        self.install = install
        self._paths = {
            "VSEKAI_TRUST_ROOT": trust_root, "VSEKAI_INSTALL_DIR": install,
            "VSEKAI_CONFIG": self._world.folder / "config.toml",
        }
        self._url = url

    def _settings(self, path):
        return {"VSEKAI_REPOSITORY": self._url} | {name: path(value) for name, value in self._paths.items()}

    def spawn(self):
        self._process = self._system.spawn(self._settings(self._system.path), self._display, self._log)
        self._pid = wait_until("the launcher does not run", lambda: self._system.pid(self._process))

    def start(self):
        """Starts the launcher, and waits until its window is idle."""
        self.spawn()
        wait_until("the launcher has no window", lambda: self._display.windows("V-Sekai") > 0)
        wait_until("the launcher shows nothing", self._display.has_picture)
        self.rest()

    def rest(self, seconds=120.0):
        """Waits until no operation is running and the screen has not changed for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            begun, picture, turns = time.monotonic(), self._display.memory(), self._turns()
            while not self._is_working() and self._display.memory() == picture:
                if time.monotonic() - begun >= STILL_SECONDS and self._turns() >= turns + STILL_TURNS:
                    return
                time.sleep(0.05)
            time.sleep(0.1)
        self.look("NO_REST")
        threads = sorted(_read(thread / "comm").strip() for thread in self._threads())
        raise AssertionError(f"after {seconds:.0f} s the launcher is not at rest: {threads}, {self._turns()} turns")

    def start_another(self):
        """Starts a second launcher for the same install. Returns its process."""
        return self._system.spawn(self._settings(self._system.path), self._display, self._log)

    def hang(self, is_hung):
        """Stops the launcher in the middle of whatever it does, or lets it go on."""
        os.kill(self._pid, signal.SIGSTOP if is_hung else signal.SIGCONT)

    def stop(self):
        """Closes the launcher, like a player or the end of a desktop session."""
        if self.is_alive():
            self._system.ask_to_end(self._process, self._display)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._process = None

    def kill(self):
        """Kills the launcher, like a crash."""
        self._system.kill(self._process)
        self._process.wait(20)
        self._process = None

    def is_alive(self):
        return self._process is not None and self._process.poll() is None

    def cpu_seconds(self, is_main_only=False):
        """Processor time of the launcher, in total or of its main thread only."""
        number = self._pid
        path = Path(f"/proc/{number}/task/{number}/stat" if is_main_only else f"/proc/{number}/stat")
        words = path.read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        """Memory that is the launcher's alone, and all that is resident, which others share."""
        status = _read(Path(f"/proc/{self._pid}/status"))
        return [int(status.split(f"\n{name}:")[1].split()[0]) / 1024 for name in ("RssAnon", "VmRSS")]

    def _is_working(self):
        """Whether an operation of the updater is running, however slowly."""
        return any(_read(thread / "comm").strip() == WORKER for thread in self._threads())

    def _turns(self):
        """Number of times the main thread has gone to sleep."""
        status = _read(Path(f"/proc/{self._pid}/status"))
        return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])

    def _threads(self):
        return Path(f"/proc/{self._pid}/task").iterdir()

    def press(self, *keys):
        self._display.key(*keys)

    def click(self, page, button, then=None):
        """Clicks a button at the end of a page; `then` is a button that appears after that."""
        first, second = self._layout(page), self._layout(page, button) if then else {}
        tab = {"home": "HomeButton", "settings": "SettingsButton", "whats_new": "WhatsNewButton"}[page]
        self._display.click(*first[tab])
        self.rest()
        self._display.scroll(640, 450, 40)
        self.rest()
        self._display.click(*first[button])
        if then:
            self.rest()
            self.look(f"asks_{button.lower()}")
            self._display.click(*second[then])

    def look(self, name):
        """Saves a screenshot."""
        self._count += 1
        self._display.save(self._pictures / f"{self._count:02}_{name}.png")

    def play(self, version, name):
        """Presses Play, waits for the game of this version, and quits it."""
        self.press("Return")
        wait_until(f"the game {version} has no window", lambda: self._display.windows(f"Sample {version}") > 0)
        wait_until("the game was not acknowledged", lambda: self._world.status(self.install)["trial"] is None)
        wait_until(f"the game {version} shows nothing", self._display.has_picture)
        time.sleep(0.7)
        self.look(name)
        self.press("Escape")
        wait_until("the game did not end", lambda: self._display.windows("Sample") == 0)
        self.rest()

    def _layout(self, *wanted):
        command = self.command("godot", "--headless", "--path", str(REPO), "-s",
                                str(REPO / "tests/e2e/print_layout.gd"), "--", *wanted)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        lines = [line for line in done.stdout.splitlines() if line.startswith("layout ")]
        assert lines, f"no layout of {wanted}:\n{done.stdout}{done.stderr}"
        return json.loads(lines[0].removeprefix("layout "))

    def command(self, program, *arguments):
        """A command line that runs a program in the root of Godot, with the settings of `choose`."""
        home = self._world.folder / "home"
        home.mkdir(exist_ok=True)
        settings = self._settings(str) | {"HOME": home, "LANG": "en_US.UTF-8", "DISPLAY": self._display.name,
                                          "GDRUST_SUPPRESSED_WARNINGS": "RegisterDocsInExport"}
        settings = [f"{name}={value}" for name, value in settings.items()]
        if program == "godot":
            program = os.environ.get("GODOT", "godot")
        return [GODOT, "--run", "env", *settings, program, *arguments]


def _read(path):
    """A file of /proc; "" if its process has ended."""
    try:
        return path.read_text()
    except OSError:
        return ""
