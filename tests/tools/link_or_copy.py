#!/usr/bin/env python3
"""Compares the cost of hard-linking and of copying a file, by size: link_or_copy.py FOLDER.

Prints the time per file in microseconds, the best of several rounds, without and with syncing to the disk. Measures the
disk of FOLDER. `docs/install-root.md` has the results and conclusions.
"""

import ctypes
import os
import shutil
import sys
import time
from pathlib import Path

ROUNDS = 5
# Size in bytes, number of files.
CASES = [(4 << 10, 2000), (16 << 10, 2000), (64 << 10, 1000), (256 << 10, 400), (1 << 20, 100), (4 << 20, 25)]


def sync(folder):
    handle = os.open(folder, os.O_RDONLY)
    ctypes.CDLL(None).syncfs(handle)
    os.close(handle)


def measure(take, old, new, count):
    """The best times of all files, in seconds: without and with syncing."""
    taken, synced = [], []
    for _ in range(ROUNDS):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        sync(new)
        begun = time.perf_counter()
        for number in range(count):
            take(old / str(number), new / str(number))
        taken.append(time.perf_counter() - begun)
        sync(new)
        synced.append(time.perf_counter() - begun)
    return min(taken), min(synced)


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    folder = Path(sys.argv[1]) / "link-or-copy"
    old, new = folder / "old", folder / "new"
    print("size in KiB | link, synced in µs | copy, synced in µs")
    for size, count in CASES:
        old.mkdir(parents=True)
        for number in range(count):
            (old / str(number)).write_bytes(os.urandom(size))
        row = [measure(take, old, new, count) for take in (os.link, shutil.copy2)]
        times = [f"{taken / count * 1e6:.0f}, {synced / count * 1e6:.0f}" for taken, synced in row]
        print(f"{size >> 10} | {times[0]} | {times[1]}", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
