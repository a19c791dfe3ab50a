"""Who uses an installation: the players, all at once; a publisher; somebody who installs anew all the time."""

import json
import os
import random
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cluster_parts import FRONT
from systems import program

# A failed run is run again this often, after a pause, as a launcher or its player would.
RUNS_AGAIN, PAUSE_SECONDS = 3, 5
# What a client may say when something is gone. Anything else means that it was shown something half done.
OUTAGE = {"offline", "timed_out", "http_failed"}
KIB = 1 << 10


@dataclass
class Turn:
    """What became of one update: the codes of the runs that failed, and what the last run said."""

    begun: float
    ended: float = 0.0
    failures: list = field(default_factory=list)
    result: dict | None = None

    @property
    def version(self):
        return self.result["current"]["version"] if self.result else None

    @property
    def ways(self):
        """How the bytes came: by `chunks`, by the bundle `delta` or `full`."""
        return {route["way"] for route in self.result["routes"] if route["chosen"]} if self.result else set()


class Start:
    """Lets many programs begin at the same moment: each waits until all are there."""

    def __init__(self, count):
        self._left, self._lock = count, threading.Lock()
        self.input, self._gate = os.pipe()
        self.at = None

    @staticmethod
    def waiting(command):
        """The command that waits at `input`, which has nothing but its end."""
        return ["sh", "-c", 'read -r _; exec "$@" </dev/null', "sh", *command]

    def joined(self):
        """One more is there."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.at = time.monotonic()
                os.close(self._gate)
                os.close(self.input)


class Client:
    """`vsekai` on a node, with a home folder of its own."""

    def __init__(self, node, folder):
        self.node, self.folder = node, folder
        self.messages = []
        folder.mkdir(parents=True)

    def run(self, *words, start=None):
        """One run, which waits for others if there is a start. Its result; or the code of its failure, which is kept with
        its message.
        """
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        command = [program("vsekai"), "--json", "--no-progress", *map(str, words)]
        where, command = (start.input, start.waiting(command)) if start else (subprocess.DEVNULL, command)
        try:
            with self.node.entered():
                process = subprocess.Popen(command, stdin=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True, env=environment, process_group=0)
        finally:
            if start:
                start.joined()
        try:
            out, err = process.communicate(timeout=900)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()[0], "it hung for 900 s"
        said = json.loads(out.splitlines()[-1]) if out.strip() else {}
        if process.returncode == 0:
            return said, None
        code = said.get("code", f"exit {process.returncode}")
        self.messages.append(f"{code}: {said.get('message') or err[-400:]}")
        return None, code

    def turn(self, *words, start=None):
        """Runs until it succeeds, or has failed too often. The first run waits for others if there is a start."""
        turn = Turn(time.monotonic())
        for count in range(1 + RUNS_AGAIN):
            if count:
                time.sleep(PAUSE_SECONDS)
            turn.result, code = self.run(*words, start=None if count else start)
            if start:
                turn.begun = start.at
            if turn.result:
                break
            turn.failures.append(code)
        turn.ended = time.monotonic()
        return turn


class Player(Client):
    """A client with an install root."""

    def __init__(self, node, folder, trust_root):
        super().__init__(node, folder)
        self.root = folder / "game"
        self._first = ["--mode", "stable", "--repository", FRONT, "--trust-root", trust_root]
        self.version = None

    def update(self, *words, start=None):
        """One turn, and a look at every byte of the install. Returns the turn and whether all was whole."""
        turn = self.turn("update", self.root, *([] if self.version else self._first), *words, start=start)
        self.version = turn.version or self.version
        return turn, bool(turn.result) and self.is_whole()

    def is_whole(self):
        return self.run("verify", self.root)[1] is None

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def all_update(players, at_once, meanwhile=None):
    """Lets all players update: so many at once, or all at the same moment if that is `None`. Once a fifth of them has, calls
    `meanwhile`. Returns what `update` of each returned.
    """
    done, lock, part_is_done = [0], threading.Lock(), threading.Event()
    start = None if at_once else Start(len(players))

    def update(player):
        try:
            return player.update(start=start)
        finally:
            with lock:
                done[0] += 1
                if done[0] >= len(players) / 5:
                    part_is_done.set()

    pool = ThreadPoolExecutor(at_once or len(players))
    try:
        futures = [pool.submit(update, player) for player in players]
        if meanwhile:
            part_is_done.wait()
            meanwhile()
        return [future.result() for future in futures]
    finally:
        # After Ctrl-C, whoever has not begun never does.
        pool.shutdown(wait=False, cancel_futures=True)


class Publisher(Client):
    """Makes builds from a seed and publishes them. A refused publication is repeated."""

    def __init__(self, node, folder, token, seed):
        super().__init__(node, folder)
        self._random = random.Random(seed)
        self._content = bytearray(self._random.randbytes(2048 * KIB))
        self._keys, self._token = folder / "keys", folder / "token"
        self._token.write_text(token)
        self.published, self.attempts = [], []
        _, code = self.run("keys", "init", self._keys, "--mode", "stable", "--online", FRONT)
        assert code is None, self.messages
        self.trust_root = self._keys / "root.json"

    @property
    def newest(self):
        return self.published[-1]

    def publish(self):
        """Publishes the next version, which differs in some places from the one before."""
        version = f"{len(self.published) + 1}.0.0"
        build = self.folder / version
        build.mkdir()
        for _ in range(6):
            at = self._random.randrange(len(self._content) - 48 * KIB)
            self._content[at:at + 48 * KIB] = self._random.randbytes(48 * KIB)
        (build / "data.pck").write_bytes(self._content)
        (build / "game").write_text(f"#!/bin/sh\necho {version}\n")
        (build / "game").chmod(0o755)
        turn = self.turn("publish", build, "--mode", "stable", "--version", version, "--platform", "linux-x86_64",
                         "--entry", "game", "--keys", self._keys, "--server", FRONT, "--token-file", self._token,
                         "--chunk-size", "16:64:256")
        self.attempts.append((version, turn))
        assert turn.result, f"{version} could not be published: {self.messages}"
        self.published.append(version)


class Witness:
    """Installs anew, again and again, whatever is offered: what can be seen can be installed."""

    def __init__(self, node, folder, trust_root):
        self._node, self._folder, self._trust_root = node, folder, trust_root
        self.turns, self.messages = [], []
        self._is_over = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _watch(self):
        while not self._is_over.is_set():
            player = Player(self._node, self._folder / f"witness-{time.monotonic_ns()}", self._trust_root)
            self.turns.append(player.update())
            self.messages += player.messages
            player.remove()
            self._is_over.wait(0.5)
