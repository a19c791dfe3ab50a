#!/usr/bin/env -S python3 -B
"""Runs docs/tutorial.md line by line: every block of shell in order, in one shell and an empty folder. After the launcher
is exported, and after the update is published, presses its button in a virtual display and looks what is installed.

Needs the extension in the addon and `vsekai` of the tests (`VSEKAI_BIN`). The only change: another port.
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
from pathlib import Path

from display import Display
from systems import GODOT, REPO
from world import wait_until

PAGE = REPO / "docs/tutorial.md"
BIN = Path(os.environ.get("VSEKAI_BIN") or REPO / "rust/target/debug")
# The heading after whose blocks the player does something, and the version that is installed then.
PLAYED = {"6": "0.1.0", "7": "0.2.0"}


def blocks():
    """The number of the section of each block of shell, and the block."""
    section = ""
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.M):
        section = part.split(".", 1)[0]
        for code in re.findall(r"^```sh\n(.*?)^```$", part, re.M | re.S):
            yield section, code


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


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
        self.shell.stdin.write(f"{code}echo END-OF-BLOCK\n")
        self.shell.stdin.flush()
        said = []
        for line in self.shell.stdout:
            if line == "END-OF-BLOCK\n":
                return "".join(said)
            said.append(line)
        sys.exit(f"error: this block of {PAGE.name} fails:\n\n{code}\n{''.join(said)}")

    def play(self, version):
        """Presses the launcher's button until this version is installed."""
        home = self.folder / "home"
        game = home / ".local/share/godot/app_userdata/My Game/game"
        display = Display(GODOT)
        launcher = subprocess.Popen(
            [GODOT, "--run", "/usr/bin/env", f"HOME={home}", f"DISPLAY={display.name}", "LIBGL_ALWAYS_SOFTWARE=1",
             str(self.folder / "player/my-game.x86_64"), "--rendering-driver", "opengl3", "--audio-driver", "Dummy"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until("the launcher shows no window", lambda: display.windows("My Game"), 60)

            def is_there():
                display.key("Return")
                return self.version(game) == version

            wait_until(f"the button does not install {version}, but {self.version(game)}", is_there, 90)
        finally:
            launcher.terminate()
            launcher.wait(20)
            display.close()

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
    finally:
        reader.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"tutorial: {len(steps)} blocks run, and the launcher has installed and updated the game")


main()
