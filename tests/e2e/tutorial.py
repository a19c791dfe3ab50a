#!/usr/bin/env -S python3 -B
"""Runs docs/tutorial.md line by line: every block of shell in order, in one shell and an empty folder. After the launcher
is exported, and after the update is published, presses its button in a virtual display as a player would: once to
install or update, and once to play. Looks what is installed, and that its window appears.

Needs the extension in the addon and `vsekai` of the tests (`VSEKAI_BIN`), which stand for what the first block downloads
and builds. The only changes: another port, and a folder for the host to which the page uploads. An error that Godot prints
is a failure, even if everything works.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from display import Display
from player import WORKER
from systems import GODOT, REPO
from world import wait_until

PAGE = REPO / "docs/tutorial.md"
HOST = "you@example.org:/var/www/game/"
ERROR = re.compile(r"^.*\b(?:SCRIPT ERROR|ERROR):.*$", re.M)
BIN = Path(os.environ.get("VSEKAI_BIN") or REPO / "rust/target/debug")
# A picture with text and a button has at least this many different rows of pixels.
ROWS = 25
STILL_FRAMES = 5
# The heading after whose blocks the player does something, and the version that is installed then.
PLAYED = {"6": "0.1.0", "7": "0.2.0"}


def blocks():
    """The number of the section of each block of shell, and the block, without what makes ready."""
    _, *steps = re.split(r"^## (?=\d)", PAGE.read_text(), flags=re.M)
    for part in steps:
        section = part.split(".", 1)[0]
        for code in re.findall(r"^```sh\n(.*?)^```$", part, re.M | re.S):
            yield section, code


def check(said, where):
    """Fails if Godot has reported an error."""
    if errors := ERROR.findall(said):
        sys.exit(f"error: {where} prints:\n\n" + "\n".join(errors))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def frames(pid):
    """Number of times the launcher's main thread has gone to sleep, as it does after each frame."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])


def rest(pid, display):
    """Waits until the launcher shows its button, does nothing, and its picture stays the same, also on a slow machine."""

    def is_at_rest():
        before, drawn = display.memory(), frames(pid)
        for _ in range(10):
            threads = [(thread / "comm").read_text().strip() for thread in Path(f"/proc/{pid}/task").iterdir()]
            if WORKER in threads or display.memory() != before:
                return False
            time.sleep(0.1)
        return frames(pid) >= drawn + STILL_FRAMES and display.has_picture(ROWS)

    wait_until("the launcher is not at rest", is_at_rest)


class Reader:
    """Somebody who follows the page in a shell that stays open."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        # In the root where Godot runs, only this repository and /tmp are there.
        (folder / "updater").symlink_to(REPO)
        tools = folder / "tools"
        tools.mkdir()
        (tools / "vsekai").symlink_to(BIN / "vsekai")
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder / "home"),
                       "CARGO_HOME": os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")),
                       "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
                       "VSEKAI_TOOLS": os.environ.get("VSEKAI_TOOLS") or str(Path.home() / ".cache/vsekai-updater")}
        (folder / "home").mkdir()
        self.shell = subprocess.Popen(["bash", "-euo", "pipefail"], cwd=folder, env=environment, text=True,
                                      start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        # No program on PATH: our own tools would take it for an engine of this system.
        self.follow(f'godot() {{ "{GODOT}" "$@"; }}\n')

    def follow(self, code):
        """Runs a block. It fails if any line of it fails, which ends the shell."""
        code = code.replace(":8000", f":{self.port}").replace("http.server 8000", f"http.server {self.port}")
        code = code.replace(HOST, f"{self.folder}/host/")
        self.shell.stdin.write(f"{code}echo END-OF-BLOCK\n")
        self.shell.stdin.flush()
        said = []
        for line in self.shell.stdout:
            if line == "END-OF-BLOCK\n":
                check("".join(said), f"this block of {PAGE.name}:\n\n{code}\n")
                return
            said.append(line)
        sys.exit(f"error: this block of {PAGE.name} fails:\n\n{code}\n{''.join(said)}")

    def play(self, version):
        """Starts the launcher, installs this version with one press of its button, and plays it with another."""
        home, log = self.folder / "home", self.folder / "launcher.log"
        game = home / ".local/share/my-game/game"
        display = Display(GODOT)
        launcher = subprocess.Popen(
            [GODOT, "--run", "/usr/bin/env", f"HOME={home}", f"DISPLAY={display.name}", "LIBGL_ALWAYS_SOFTWARE=1",
             str(self.folder / "player/my-game.x86_64"), "--rendering-driver", "opengl3", "--audio-driver", "Dummy"],
            stdout=log.open("ab"), stderr=subprocess.STDOUT)
        try:
            wait_until("the launcher shows no window", lambda: display.windows("My Game"), 60)
            rest(launcher.pid, display)
            # While it installs, the same button pauses: a second press would be one too many.
            display.key("Return")
            wait_until(f"the button does not install {version}", lambda: self.version(game) == version)
            rest(launcher.pid, display)
            display.key("Return")
            wait_until(f"{version} does not start", lambda: display.windows(f"Sample {version}"))
            display.key("Escape")
            wait_until(f"{version} does not end", lambda: not display.windows("Sample"))
        except AssertionError as error:
            picture = Path(tempfile.gettempdir()) / "vsekai-tutorial.png"
            display.save(picture)
            sys.exit(f"error: {error}\n{log.read_text()}\nhint: {picture} shows the launcher")
        finally:
            launcher.terminate()
            launcher.wait(20)
            display.close()
        check(log.read_text(), "the launcher")

    def version(self, game):
        done = subprocess.run([BIN / "vsekai", "--json", "status", game], capture_output=True, text=True)
        current = json.loads(done.stdout.splitlines()[-1]).get("current") if done.returncode == 0 else None
        return current and current["version"]

    def close(self):
        """Ends the shell and the server that it has started."""
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()


def main():
    folder = Path(tempfile.mkdtemp(prefix="vsekai-tutorial-", dir="/tmp"))
    reader = Reader(folder)
    try:
        steps = list(blocks())
        assert len(steps) >= 10, "the tutorial has lost its blocks"
        for at, (section, code) in enumerate(steps):
            reader.follow(code)
            is_last = at + 1 == len(steps) or steps[at + 1][0] != section
            if is_last and section in PLAYED:
                reader.play(PLAYED[section])
        assert reader.version(folder / "try") == "0.2.0"
        assert (folder / "host/tuf/timestamp.json").is_file(), "the page uploads nothing"
    finally:
        reader.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"tutorial: {len(steps)} blocks run, and the launcher has installed and updated the game")


main()
