#!/usr/bin/env python3
"""Publishes and installs through a real nginx with the configuration of server/deploy/nginx.conf.

Its log shows which requests the server got and which its cache answered. Usage: tests/e2e/proxy.py [TEST...]
"""

import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from systems import REPO, program
from world import run_tests, wait_until

CONFIGURATION = REPO / "server/deploy/nginx.conf"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
MIB = 1 << 20
HEX = re.compile(r"^/(store/|targets/|bundles/[0-9a-f]{64}$|tuf/\d)")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """A server behind nginx, its keys, and builds in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = folder / "keys"
        self._vsekai = program("vsekai")
        self._processes = []
        server, front = free_port(), free_port()
        self.url = f"http://127.0.0.1:{front}"
        self._serve(server)
        self._start_nginx(server, front)
        self.run("keys", "init", self.keys, "--mode", "stable", "--online", self.url)

    def _serve(self, port):
        out = self.folder / "server.out"
        with out.open("w") as stdout, (self.folder / "server.log").open("w") as stderr:
            command = [program("vsekai-server"), "serve", "--listen", f"127.0.0.1:{port}", "--data", self.folder / "data",
                       "--set", "bundles=false", "--set", "trusted_proxies=127.0.0.1"]
            self._processes.append(subprocess.Popen(command, stdout=stdout, stderr=stderr))
        text = wait_until("the server has no token", lambda: "Admin token in " in out.read_text() and out.read_text())
        file = next(line.removeprefix("Admin token in ") for line in text.splitlines() if line.startswith("Admin token in "))
        (self.folder / "token").write_text(Path(file.strip()).read_text().strip())

    def _start_nginx(self, server, front):
        text = CONFIGURATION.read_text()
        for old, new in [
            ("/tmp/", f"{self.folder}/"),
            ("server server1:8080 max_fails=2 fail_timeout=5s;", f"server 127.0.0.1:{server};"),
            ("    server server2:8080 max_fails=2 fail_timeout=5s;\n", ""),
            ("listen 8080;", f"listen 127.0.0.1:{front};"),
            ("access_log off;", f"log_format t '$uri $status $upstream_cache_status $request_length'; access_log {self.folder}/log t;"),
        ]:
            assert old in text, f"the configuration no longer has {old}"
            text = text.replace(old, new)
        (self.folder / "nginx.conf").write_text(text)
        command = [NGINX, "-e", "stderr", "-c", self.folder / "nginx.conf", "-g", "daemon off;"]
        with (self.folder / "nginx.log").open("w") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        wait_until("nginx does not answer", self._answers, 20)

    def _answers(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/readyz", timeout=5).status == 200
        return False

    def take_log(self):
        """What nginx was asked for since the last call: path and what its cache said (`-`: not asked)."""
        log = self.folder / "log"
        lines = [line.split() for line in log.read_text().splitlines()]
        log.write_text("")
        return [(path, said) for path, _, said, _ in lines]

    def run(self, *words):
        environment = {**os.environ, "VSEKAI_CONFIG": str(self.folder / "config.toml")}
        done = subprocess.run([self._vsekai, "--json", *map(str, words)], capture_output=True, text=True, env=environment,
                              timeout=120)
        assert done.returncode == 0, (words, done)
        return json.loads(done.stdout.splitlines()[-1])

    def publish(self, version, content):
        build = self.folder / version
        build.mkdir()
        (build / "data.pck").write_bytes(content)
        (build / "game").write_text(f"#!/bin/sh\necho {version}\n")
        (build / "game").chmod(0o755)
        self.run("publish", build, "--mode", "stable", "--version", version, "--platform", "linux-x86_64", "--entry", "game",
                 "--keys", self.keys, "--server", self.url, "--token-file", self.folder / "token")
        subprocess.run([program("vsekai-server"), "bundle", "build", "--effort", "fast", "--now", "--data",
                        self.folder / "data"], check=True, capture_output=True, timeout=120)

    def update(self, name):
        return self.run("update", self.folder / name, "--mode", "stable", "--repository", self.url, "--trust-root",
                        self.keys / "root.json")

    def close(self):
        for process in self._processes:
            process.terminate()
            process.wait(20)


def test_second_player_costs_the_server_nothing_that_lasts(world):
    world.publish("1.0.0", random.Random(1).randbytes(12 * MIB))
    # The server shows new bundles after a moment.
    wait_until("there is no bundle", lambda: any("/bundles/" in path and not path.endswith(".json")
                                                 for path, _ in (world.update(f"try-{random.random()}"), world.take_log())[1]), 60)
    world.update("second")
    lasting = [(path, said) for path, said in world.take_log() if HEX.match(path)]
    bundles = [said for path, said in lasting if path.startswith("/bundles/")]
    assert bundles and all(said == "HIT" for _, said in lasting), lasting


def test_bundle_from_the_middle_is_that_of_the_server(world):
    content = random.Random(2).randbytes(12 * MIB)
    world.publish("1.0.0", content)

    def bundle():
        world.update(f"try-{random.random()}")
        return next((path for path, _ in world.take_log() if path.startswith("/bundles/") and not path.endswith(".json")), None)

    path = wait_until("there is no bundle", bundle, 60)
    whole = urllib.request.urlopen(f"{world.url}{path}", timeout=30).read()
    assert len(whole) > 12 * MIB, len(whole)
    for first, last in [(5 * MIB + 7, 9 * MIB), (0, 0), (11 * MIB, len(whole) - 1)]:
        request = urllib.request.Request(f"{world.url}{path}", headers={"Range": f"bytes={first}-{last}"})
        answer = urllib.request.urlopen(request, timeout=30)
        assert answer.status == 206 and answer.read() == whole[first:last + 1], (first, last, answer.status)


def test_new_version_is_seen_at_once(world):
    """The two files that change are not cached here."""
    world.publish("1.0.0", random.Random(3).randbytes(MIB))
    assert world.update("game")["current"]["version"] == "1.0.0"
    world.publish("1.1.0", random.Random(4).randbytes(MIB))
    assert world.update("game")["current"]["version"] == "1.1.0"
    answered = {said for path, said in world.take_log() if path in ("/tuf/current.pack", "/tuf/timestamp.json")}
    assert answered == {"-"}, answered


@contextlib.contextmanager
def new_world():
    with tempfile.TemporaryDirectory(prefix="vsekai-proxy-") as folder:
        # Its workers are not root.
        os.chmod(folder, 0o777)
        world = World(Path(folder))
        try:
            yield world
        finally:
            world.close()


if __name__ == "__main__":
    if NGINX:
        run_tests("nginx", globals(), sys.argv[1:], new_world)
    print("SKIPPED: no nginx: nothing is published through a proxy", file=sys.stderr)
    sys.exit(os.environ.get("CI") == "true")
