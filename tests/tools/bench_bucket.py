#!/usr/bin/env python3
"""Measures publishing to a distant bucket against a folder: the second version of V-Sekai's build, from an empty runner.

Usage: VSEKAI_TEST_DATA=... tests/tools/bench_bucket.py [--rtt-ms 50] [--mbit 1000] [--rounds 3]. The bucket is that of
`s3s-fs` (cargo install s3s-fs@0.14.1 --features binary), which must be on PATH: one that takes little of the processors that
the publisher uses. The allowance for the line is the time that the bytes take on it, one direction after the other.
"""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from systems import program  # noqa: E402
from world import GAME, wait_until  # noqa: E402

SLOW_LINE = Path(__file__).with_name("slow_line.py")
ENTRIES = ("vsekai_game_linux", "v_sekai_linuxbsd")
# What the second version sends and reads back, counted by `bucket.py`: 1,870 chunks, a bundle, and the chunks for it.
LINE_BYTES = 52_000_000 + 48_144_906


def run(*words, env=None):
    """Runs `vsekai`, which must succeed, and returns its seconds."""
    begun = time.monotonic()
    done = subprocess.run([program("vsekai"), *map(str, words)], env={**os.environ, **(env or {})}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {words}: {done.stdout}{done.stderr}")
    return time.monotonic() - begun


def is_up(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def measure(folder, trees, options):
    """Seconds for a bucket behind the line, and for a folder."""
    (folder / "s3/games").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["s3s-fs", folder / "s3", "--host", "127.0.0.1", "--port", port, "--access-key", "a", "--secret-key", "b"]
    service = subprocess.Popen(list(map(str, words)), env={**os.environ, "RUST_LOG": "error"}, stdout=subprocess.DEVNULL)
    limits = ["--rtt-ms", str(options.rtt_ms), "--mbit", str(options.mbit)]
    line = subprocess.Popen([SLOW_LINE, str(port), *limits], stdout=subprocess.PIPE, text=True)
    wait_until("s3s-fs does not answer", lambda: is_up(port))
    near, far = port, int(line.stdout.readline())

    def publish(place, number, door=near):
        env = {"AWS_ENDPOINT": f"http://127.0.0.1:{door}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        env |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        build = [trees[number], "--version", f"1.{number}.0", "--entry", ENTRIES[number], "--mode", "stable"]
        return run("publish", *build, "--fast", "--repository", place, "--keys", folder / "keys", env=env)

    try:
        run("keys", "init", folder / "keys", "--mode", "stable")
        publish("s3://games/real", 0)
        bucket = publish("s3://games/real", 1, far)
        publish(folder / "repository", 0)
        return bucket, publish(folder / "repository", 1)
    finally:
        service.kill()
        line.kill()


def main(options):
    if not GAME or not shutil.which("s3s-fs"):
        sys.exit("error: VSEKAI_TEST_DATA is not set, or s3s-fs is not on PATH")
    with tempfile.TemporaryDirectory(prefix="vsekai-bucket-", dir="/tmp") as place:
        trees = [Path(place) / index.stem for index in sorted(GAME.glob("*linux*.caidx"))[-2:]]
        for tree in trees:
            run("store", "extract", "--store", GAME / "store", GAME / f"{tree.name}.caidx", tree)
        on_line = LINE_BYTES * 8 / (options.mbit * 1e6)
        for number in range(options.rounds):
            bucket, local = measure(Path(place) / str(number), trees, options)
            print(f"bucket {bucket:.1f} s, folder {local:.1f} s; without {on_line:.1f} s for the line's bytes: "
                  f"{(bucket - on_line) / local:.2f}", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rtt-ms", type=int, default=50)
    arguments.add_argument("--mbit", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    main(arguments.parse_args())
