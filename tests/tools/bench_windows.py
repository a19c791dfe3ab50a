#!/usr/bin/env python3
"""Measures what Windows costs: `vsekai.exe` in wine against `vsekai` on this system, by turns, on V-Sekai's own builds.

Usage: VSEKAI_TEST_DATA=... tests/tools/bench_windows.py VSEKAI.EXE [ROUNDS]. Both programs must be built as they are released;
`VSEKAI_BIN` is the folder of this system's. Prints the times of an extraction from a chunk store and of an update by a
bundle, without what starting `vsekai.exe --version` takes, and the medians of their ratios.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from systems import WINE, Windows, program  # noqa: E402


def run(command):
    """Runs a command that must succeed, and returns its seconds."""
    begun = time.monotonic()
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    seconds = time.monotonic() - begun
    if done.returncode != 0:
        sys.exit(f"error: {command}: {done.stdout.decode()}{done.stderr.decode()}")
    return seconds


class Programs:
    """The same program for two systems: how it is called, and how paths are written for it."""

    def __init__(self, exe):
        self.each = {"linux": ([program("vsekai")], str), "wine": ([WINE, Windows.path(exe)], Windows.path)}
        run([*self.each["wine"][0], "--version"])
        self.started = {
            name: statistics.median(run([*command, "--version"]) for _ in range(3))
            for name, (command, _) in self.each.items()
        }

    def seconds(self, name, *words):
        """Paths among the words are written as the system does. The time to start a program is taken off."""
        command, write = self.each[name]
        words = [write(word) if isinstance(word, Path) else word for word in words]
        return run([*command, *words]) - self.started[name]


def by_turns(what, rounds, programs, prepare, words):
    """Runs both programs in each round, and prints the ratio."""
    found = {name: [] for name in programs.each}
    for _ in range(rounds):
        for name, times in found.items():
            prepare()
            os.sync()
            times.append(programs.seconds(name, *words))
    ratio = statistics.median(wine / linux for wine, linux in zip(found["wine"], found["linux"], strict=True))
    shown = ", ".join(f"{name} {' '.join(f'{seconds:.2f}' for seconds in times)} s" for name, times in found.items())
    print(f"{what}: {ratio:.2f} ({shown})", flush=True)


def main(folder, exe, rounds):
    data = Path(os.environ["VSEKAI_TEST_DATA"])
    # Wine sees only the folders that this system shares with it.
    store = shutil.copytree(data / "store", folder / "store")
    older, newer = (Path(shutil.copy(index, folder)) for index in sorted(data.glob("*linux*.caidx"))[-2:])
    exe = Path(shutil.copy(exe, folder / "vsekai.exe"))
    programs = Programs(exe)
    print(f"start: {programs.started['wine'] / programs.started['linux']:.1f}", flush=True)

    game, extract = folder / "game", ["store", "extract", "--store", store]
    by_turns(
        "extract from a store", rounds, programs, lambda: shutil.rmtree(game, ignore_errors=True), [*extract, newer, game]
    )

    keys, repository, first = folder / "keys", folder / "repository", folder / "first"
    run([program("vsekai"), "keys", "init", keys, "--mode", "stable"])
    entries = ("vsekai_game_linux", "v_sekai_linuxbsd")
    for version, index, entry in zip(("1.0.0", "2.0.0"), (older, newer), entries, strict=True):
        words = ["publish", "--from-index", index, "--from-store", store, "--mode", "stable", "--version", version]
        words += ["--platform", "linux-x86_64", "--entry", entry, "--fast"]
        run([program("vsekai"), *words, "--repository", repository, "--keys", keys])
    update = ["--no-shared-cache", "--platform", "linux-x86_64"]
    update += ["--repository", repository, "--trust-root", keys / "root.json"]
    run([program("vsekai"), "update", first, "--version", "1.0.0", *update])

    def prepare():
        shutil.rmtree(game, ignore_errors=True)
        shutil.copytree(first, game, symlinks=True)

    by_turns("update by a bundle", rounds, programs, prepare, ["update", game, *update])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="vsekai-windows-", dir="/tmp") as place:
        main(Path(place).resolve(), Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
