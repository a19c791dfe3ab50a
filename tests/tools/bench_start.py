#!/usr/bin/env -S python3 -B
"""How long `vsekai` takes for what needs neither network nor install: help, completions, version.

bench_start.py [PROGRAM]: fails if one of them needs 20 ms of processor time or more. The fastest of ten runs counts: what
else runs on the machine only adds to it. A debug build has to hold the bar, too, so that a release build does for sure.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from systems import program  # noqa: E402

BAR_MS = 20.0
RUNS = 10
COMMANDS = (["--help"], ["update", "--help"], ["completions", "bash"], ["--version"])


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command):
    """Processor time and time of one run, in milliseconds."""
    before, begun = processor_seconds(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (processor_seconds() - before), 1000 * (time.perf_counter() - begun)


def main():
    vsekai = sys.argv[1] if len(sys.argv) > 1 else program("vsekai")
    slow = []
    for words in COMMANDS:
        runs = [run([vsekai, *words]) for _ in range(RUNS)]
        processor, wall = (min(column) for column in zip(*runs))
        print(f"vsekai {' '.join(words)}: {processor:.1f} ms of processor time, {wall:.1f} ms")
        if processor >= BAR_MS:
            slow.append(" ".join(words))
    if slow:
        sys.exit(f"error: {BAR_MS:.0f} ms are not enough for: {', '.join(slow)}")


main()
