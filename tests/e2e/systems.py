"""The systems that a launcher runs on: Linux itself, and Windows as wine shows it.

Each knows the names of what was exported for it, how its programs write paths, and how the launcher is started, found
among the processes, and ended. `World` and `Player` do the rest in the same way on both.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
GODOT = str(REPO / "tests/tools/godot.sh")
WINE = str(REPO / "tests/tools/wine.sh")
# Debug exports contain class docs; ignore the warning about that.
QUIET = {"GDRUST_SUPPRESSED_WARNINGS": "RegisterDocsInExport"}


def program(name):
    """A built program: from the folder in `VSEKAI_BIN`, or the newer of debug and release."""
    folders = [REPO / "rust/target/debug", REPO / "rust/target/release"]
    if os.environ.get("VSEKAI_BIN"):
        folders = [Path(os.environ["VSEKAI_BIN"])]
    found = [folder / name for folder in folders if (folder / name).exists()]
    if not found:
        raise SystemExit(f"error: {name} is not built\n\nhint: cargo build --workspace --bins, in rust/")
    return str(max(found, key=lambda path: path.stat().st_mtime))


class Linux:
    """The launcher runs in the root of Godot, with a home folder of its own."""

    platform, export, entry = "linux-x86_64", "linux", "sample.x86_64"
    launcher = REPO / "out/linux/launcher.x86_64"

    def __init__(self, folder):
        self._home = folder / "home"
        self.vsekai = [program("vsekai")]

    def close(self):
        pass

    def restart(self):
        """Ends what stays in the background between two programs."""

    @staticmethod
    def path(path):
        """A path as the programs of this system write it."""
        return str(path)

    def environment(self, settings):
        """Variables for a program of this system."""
        return {**os.environ, **settings}

    def spawn(self, settings, display, log):
        """Starts the launcher on a display."""
        self._home.mkdir(exist_ok=True)
        settings = {**settings, "HOME": str(self._home), "LANG": "en_US.UTF-8", "DISPLAY": display.name, **QUIET}
        words = [f"{name}={value}" for name, value in settings.items()]
        command = [GODOT, "--run", "env", *words, self.launcher, "--audio-driver", "Dummy"]
        return subprocess.Popen(command, stdout=log, stderr=log)

    @staticmethod
    def pid(process):
        """The process of the launcher, whose parents have become it."""
        return process.pid

    @staticmethod
    def ask_to_end(process, _display):
        """Like the end of a desktop session."""
        process.terminate()

    @staticmethod
    def kill(process):
        process.kill()


class Windows:
    """The launcher runs in wine, which has a prefix, and so a user, of its own. Drive `Z:` is this system.

    There is no window manager, so a window as high as the display leaves the height of a title bar black.
    """

    platform, export, entry = "windows-x86_64", "windows", "sample.exe"
    launcher = REPO / "out/windows/launcher.exe"

    def __init__(self, folder, vsekai=None):
        self._prefix = folder / "prefix"
        self._run([WINE, "wineboot", "--init"], {}, 180)
        # What it has started knows no display, and would give windows none.
        self.restart()
        self.vsekai = [WINE, self.path(shutil.copy(vsekai, folder / "vsekai.exe"))] if vsekai else []

    def close(self):
        self._run([WINE, "--kill"], {}, 60)

    def restart(self):
        self.close()

    @staticmethod
    def path(path):
        return "Z:" + str(path).replace("/", "\\")

    @staticmethod
    def compile(name, target):
        """Compiles one of the programs in tests/e2e/windows."""
        source = REPO / f"tests/e2e/windows/{name}.c"
        subprocess.run(["x86_64-w64-mingw32-gcc", "-O1", "-s", "-o", target, source], check=True)

    def environment(self, settings):
        return {**os.environ, **settings, "VSEKAI_WINE_PREFIX": str(self._prefix)}

    def spawn(self, settings, display, log):
        # wine finds a program by its Unix path as well, but then the launcher's own path would be one.
        command = [WINE, self.path(self.launcher), "--audio-driver", "Dummy"]
        settings = {**settings, "DISPLAY": display.name, **QUIET}
        return subprocess.Popen(command, env=self.environment(settings), stdout=log, stderr=log)

    def pid(self, process):
        """`wine.sh` stays the parent of the program. None until it runs."""
        return self._below(process.pid)

    def _below(self, parent):
        for pid in _children(parent):
            if _text(Path(f"/proc/{pid}/comm")).strip() == self.launcher.name:
                return pid
            if found := self._below(pid):
                return found
        return None

    @staticmethod
    def ask_to_end(_process, display):
        display.key("alt+F4")

    def kill(self, process):
        os.kill(self.pid(process), signal.SIGKILL)

    def _run(self, command, settings, seconds):
        subprocess.run(["timeout", str(seconds), *command], env=self.environment(settings), check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _children(pid):
    return [int(child) for child in _text(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def _text(path):
    """A file of /proc; "" if its process has ended."""
    try:
        return path.read_text()
    except OSError:
        return ""
