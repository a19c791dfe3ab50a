#!/usr/bin/env -S python3 -B
"""Measures the launcher: frames with and without an update, start, idle load, memory, command line, size. Prints a Markdown
table. bench_godot.sh compares the node with the command line.

    bench_launcher.py [debug|release]     measures the export in out/linux (default: debug)
    bench_launcher.py frames              only measures frames in the project

Frames are measured in the project, under a virtual display with Mesa's software renderer; the rest on the export.
Nothing else should run on the machine meanwhile: the load is printed with the table.
"""

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests/e2e"))

from display import Display  # noqa: E402
from player import Player  # noqa: E402
from systems import GODOT, Linux  # noqa: E402
from world import World, wait_until  # noqa: E402

LAUNCHER = Linux.launcher
CHANGED_BYTES = 256 * 1024 * 1024
IDLE_SECONDS = 20
RUNS = 5


class Bench:
    def __init__(self, world, player, display, url, kind):
        self.world, self.player, self.display, self.url, self.kind = world, player, display, url, kind
        self.rows = []

    def row(self, what, value, bar):
        self.rows.append(f"| {what} | {value} | {bar} |")

    def install_root(self, name):
        folder = self.world.folder / name
        self.player.choose(self.url, self.world.keys / "root.json", folder)
        return folder

    def frames(self):
        """The launcher in the project, drawing all the time, unlike a launcher at rest. It installs from a folder,
        because a server on the same two cores would distort the result."""
        folder, keys = self.world.files()
        self.player.choose(str(folder), keys / "root.json", self.world.folder / "by-node")
        script = str(REPO / "tests/e2e/measure_frames.gd")
        done = subprocess.run(self.player.command("godot", "--path", str(REPO), "--audio-driver", "Dummy",
                                                  "--rendering-driver", "opengl3", "-s", script),
                              capture_output=True, text=True, timeout=600)
        told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("frames_", "update ")))
        assert "update" in told, done.stdout + done.stderr
        for word, what in (("off", "nothing happens"), ("on", "an update runs at full speed"),
                           ("after", "nothing happens again")):
            frames = json.loads(told[f"frames_{word}"])
            self.row(f"frames while {what}", "{frames}: median {median_ms:.1f} ms, 99 % {p99_ms:.1f} ms, longest "
                     "{longest_ms:.1f} ms, over 33 ms: {over_33_ms}".format(**frames), "none over 33 ms by the updater")
        assert json.loads(told["update"])["end"] == ["0.1.0"], told

    def start(self):
        """Time from the start of the process to the first picture."""
        folder = self.install_root("by-command")
        self.world.run("--update", folder, "--repository", self.url, "--trust-root", self.world.keys / "root.json")
        seconds = []
        for _ in range(RUNS):
            empty = self.display.memory()
            begun = time.monotonic()
            self.player.spawn()
            while self.display.memory() == empty:
                time.sleep(0.005)
            seconds.append(time.monotonic() - begun)
            self.player.rest()
            self.player.stop()
            wait_until("the window stays", lambda: not self.display.windows("V-Sekai"))
        self.row("start to the first frame", f"{statistics.median(seconds):.2f} s (first {seconds[0]:.2f} s)", "< 1 s")

    def idle(self):
        """Processor time of an idle launcher."""
        self.install_root("by-command")
        # The first start of a machine compiles shaders.
        self.player.start()
        self.player.stop()
        self.player.start()
        time.sleep(3)
        own, resident = self.player.memory_mib()
        before, before_main = self.player.cpu_seconds(), self.player.cpu_seconds(is_main_only=True)
        time.sleep(IDLE_SECONDS)
        share = (self.player.cpu_seconds() - before) / IDLE_SECONDS
        main = (self.player.cpu_seconds(is_main_only=True) - before_main) / IDLE_SECONDS
        self.player.stop()
        self.row(f"idle launcher, {IDLE_SECONDS} s", f"{share * 100:.1f} % of a core; {main * 100:.1f} % in the main "
                 "thread", "≤ 1 %")
        self.row("memory of the idle launcher", f"{own:.0f} MiB of its own (resident with all libraries: {resident:.0f} "
                 "MiB)", "≤ 120 MiB")

    def command_line(self):
        """The launcher used as a command line, as in a script."""
        folder = self.install_root("by-command")
        seconds = []
        for _ in range(RUNS):
            begun = time.monotonic()
            subprocess.run(self.player.command(str(LAUNCHER), "--headless", "--no-header", "--", "mode", "list",
                                               str(folder)), check=True, capture_output=True, timeout=60)
            seconds.append(time.monotonic() - begun)
        self.row("`--headless -- mode list`",
                 f"{min(seconds):.2f} s (median {statistics.median(seconds):.2f} s)", "< 0.5 s")

    def size(self):
        """The size that the export adds to the engine's template."""
        # An export of the other kind may have left its library there.
        library = "libvsekai_updater.x86_64.so" if self.kind == "release" else "libvsekai_updater.debug.x86_64.so"
        files = [LAUNCHER.with_suffix(".pck"), LAUNCHER.parent / library]
        parts = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.2f}" for path in sorted(files))
        total = sum(path.stat().st_size for path in files)
        self.row("launcher beyond the template", f"{total / 1e6:.1f} MB ({parts})", "≤ 15 MB (release)")


def main():
    kind = sys.argv[1] if len(sys.argv) > 1 else "debug"
    is_frames = kind == "frames"
    exports = [["sample", "debug", "0.1.0"]] + ([] if is_frames else [["launcher", kind]])
    for arguments in exports:
        subprocess.run([REPO / "tests/tools/export.sh", *arguments], check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="vsekai-bench-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        world = World(folder, CHANGED_BYTES)
        stack.callback(world.close)
        display = Display(GODOT)
        stack.callback(display.close)
        player = Player(display, world, folder)
        stack.callback(player.stop)
        world.serve()
        world.publish("stable", "0.1.0")
        # Directly to the server: a slow line in Python would distort the result.
        bench = Bench(world, player, display, world.url, kind)
        load = os.getloadavg()[0]
        others = [bench.start, bench.idle, bench.command_line, bench.size]
        for measure in [bench.frames] + ([] if is_frames else others):
            measure()
    print(f"\n{kind} export, {os.cpu_count()} cores, load before {load:.1f}\n")
    print("| what | measured | bar |\n| --- | --- | --- |\n" + "\n".join(bench.rows))


if __name__ == "__main__":
    main()
