#!/usr/bin/env python3
"""Publishes to a bucket with the built `vsekai`, and installs from it as from any web host.

The bucket is that of `moto_server`, which must be on PATH. A line to it counts requests, and can kill
the publisher at a chosen write, before or after the bucket has got it.

Usage: tests/e2e/bucket.py [TEST...]. `VSEKAI_FAULTS=all` kills at every write instead of every eighth
one, and `some` at every sixteenth.
"""

import contextlib
import http.client
import http.server
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from world import program, run_tests, wait_until

VSEKAI = program("vsekai")
MIB = 1 << 20
# The service wants some signature for reading, too.
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"}


class Service:
    """`moto_server`, and a line to it."""

    def __init__(self, folder):
        self.port = free_port()
        log = open(folder / "moto.log", "wb")
        self._process = subprocess.Popen(
            ["moto_server", "-H", "127.0.0.1", "-p", str(self.port)], stdout=log, stderr=log
        )
        wait_until("the service does not answer", self._answers)
        self.ask("PUT", "/games")
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return lambda: service.carry(self)
                raise AttributeError(name)

            def log_message(self, *_):
                pass

        class Line(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """A killed publisher closes its connections."""

        self._line = Line(("127.0.0.1", 0), Handler)
        self._line.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._line.server_address[1]}"
        threading.Thread(target=self._line.serve_forever, daemon=True).start()
        self._lock = threading.Lock()
        self.reset()

    def _answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.ask("GET", "/")
            return True
        return False

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {**SIGNED, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def reset(self, kill_at=None, victim=None, after=False):
        """Counts from the start. At write number `kill_at`, calls `victim`, before or after the bucket gets it."""
        with self._lock:
            self.requests, self.writes, self.read_bytes, self.chunk_bytes = 0, 0, 0, 0
            self._kill_at, self._victim, self._after = kill_at, victim, after
            self._meanwhile = None

    def before_next_write(self, meanwhile):
        """Calls `meanwhile` before the bucket gets the next write."""
        with self._lock:
            self._meanwhile = meanwhile

    def carry(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        is_write = request.command in ("PUT", "POST", "DELETE")
        with self._lock:
            self.requests += 1
            self.writes += is_write
            dies = is_write and self.writes == self._kill_at
            # A killed program sends nothing more, and nothing of it arrives later.
            is_dead = is_write and self._kill_at and (self.writes > self._kill_at or (dies and not self._after))
            meanwhile = self._meanwhile if is_write else None
            if meanwhile:
                self._meanwhile = None
        if meanwhile:
            meanwhile()
        if dies and not self._after:
            self._victim()
        if is_dead:
            request.close_connection = True
            return
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        headers = {**SIGNED, **headers}
        status, answer, content = self.ask(request.command, request.path, body, headers)
        if dies:
            self._victim()
            request.close_connection = True
            return
        with self._lock:
            self.read_bytes += len(content)
            if request.command == "GET" and "/store/" in request.path:
                self.chunk_bytes += len(content)
        request.send_response(status)
        for name, value in answer.items():
            if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                request.send_header(name, value)
        length = answer["Content-Length"] if request.command == "HEAD" else len(content)
        request.send_header("Content-Length", str(length or 0))
        request.end_headers()
        with contextlib.suppress(OSError):
            request.wfile.write(content)

    def stop(self):
        self._line.shutdown()
        self._process.kill()
        self._process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """A bucket, keys and builds in a folder."""

    def __init__(self, folder, service):
        self.folder, self.service = folder, service
        self.keys = folder / "keys"
        self.prefix = "one"
        self.run("keys", "init", self.keys, "--mode", "stable", "--mode", "beta").check_returncode()
        self.builds = {}
        base = random.Random(1).randbytes(3 * MIB)
        changed = base[:MIB] + random.Random(2).randbytes(2000) + base[MIB:]
        for version, content in [("1.0.0", base), ("1.1.0", changed)]:
            self.builds[version] = self._build(version, content)

    def _build(self, version, content):
        build = self.folder / version
        build.mkdir()
        (build / "data.pck").write_bytes(content)
        game = build / "game.x86_64"
        game.write_text(f"#!/bin/sh\necho {version}\n")
        game.chmod(0o755)
        return build

    def environment(self, address):
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VSEKAI_"))}
        return plain | {
            "AWS_ENDPOINT": address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            # Of other programs.
            "AWS_PAGER": "less",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self, *words):
        words = [VSEKAI, "--json", *map(str, words)]
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(self.service.address)
        )

    def run(self, *words):
        process = self.start(*words)
        said, complaint = process.communicate(timeout=300)
        return subprocess.CompletedProcess(words, process.returncode, said, complaint)

    def done(self, *words):
        ended = self.run(*words)
        last = json.loads(ended.stdout.splitlines()[-1]) if ended.stdout else {}
        assert ended.returncode == 0 and last.get("event") == "done", (words, ended)
        return last

    def failed(self, code, *words):
        ended = self.run(*words)
        last = json.loads(ended.stdout.splitlines()[-1])
        assert ended.returncode != 0 and last.get("code") == code, (words, ended)
        return last

    @property
    def place(self):
        return f"s3://games/{self.prefix}"

    def words(self, version, *options):
        if "--platform" not in options:
            options = (*options, "--platform", "linux-x86_64")
        return [
            *("publish", self.builds[version], "--version", version, "--mode", "stable", "--entry", "game.x86_64"),
            *("--repository", self.place, "--keys", self.keys, *options),
        ]

    def publish(self, version, *options):
        return self.done(*self.words(version, *options))

    def update(self, name):
        """Installs or updates from the bucket as from a web host. Returns the version."""
        root = self.keys / "root.json"
        url = f"{self.service.address}/games/{self.prefix}"
        install = self.folder / name
        self.done("update", install, "--mode", "stable", "--repository", url, "--trust-root", root)
        found = self.done("status", install)
        return found["current"]["version"] if isinstance(found["current"], dict) else found["current"]

    def files(self, folder):
        """The paths of all files below a folder of the repository."""
        _, _, answer = self.service.ask("GET", f"/games?list-type=2&prefix={self.prefix}/{folder}/")
        names = re.findall(r"<Key>([^<]*)</Key>", answer.decode())
        return {name.removeprefix(f"{self.prefix}/") for name in names}

    def has(self, version):
        return any(version in path for path in self.files("targets"))

    def head(self, path):
        status, headers, _ = self.service.ask("HEAD", f"/games/{self.prefix}/{path}")
        assert status == 200, (path, status)
        return headers


def test_publishes_updates_and_changes(world):
    first = world.publish("1.0.0")
    assert first["new_chunks"] == first["sizes"]["chunks"] and len(first["bundles"]) == 1, first
    assert world.update("inst") == "1.0.0"
    world.service.reset()
    second = world.publish("1.1.0")
    assert 0 < second["new_chunks"] < 10, second
    deltas = [info for info in second["bundles"] if info.get("from")]
    assert len(deltas) == 1 and deltas[0]["length"] < 20_000, second
    # Besides metadata, only the chunk that the new version lacks is read back.
    assert world.service.read_bytes < 500_000, world.service.read_bytes
    assert world.update("inst") == "1.1.0"
    world.service.reset()
    again = world.publish("1.1.0")
    assert again["was_there"], again
    assert world.service.writes == 0, world.service.writes
    shutil.copytree(world.builds["1.0.0"], world.folder / "other", dirs_exist_ok=True)
    words = world.words("1.1.0")
    words[1] = world.folder / "other"
    world.failed("version_exists", *words)
    target = ["--repository", world.place, "--keys", world.keys]
    world.done("repository", "recall", *target, "--mode", "stable", "--version", "1.1.0")
    assert world.update("fresh") == "1.0.0"
    world.done("repository", "renew", *target)
    shown = world.done("keys", "show", world.keys, "--repository", world.place)
    assert {"root", "targets", "snapshot", "timestamp", "catalog", "stable"} <= {role["role"] for role in shown["roles"]}, shown


def test_rehearsal_and_what_is_so_already_write_nothing(world):
    world.service.reset()
    first = world.publish("1.0.0", "--dry-run")
    assert first["is_new_mode"] and first["new_chunks"] == first["chunks"], first
    assert world.service.writes == 0, world.service.writes
    world.publish("1.0.0")
    world.service.reset()
    second = world.publish("1.1.0", "--dry-run", "--bucket-cache", world.folder / "no-cache")
    assert second["deltas_from"] == ["1.0.0"] and not second["is_at_most"], second
    unchecked = world.done("repository", "show", "--repository", world.place)
    assert world.service.writes == 0, world.service.writes
    assert not (world.folder / "no-cache").exists()
    published = world.publish("1.1.0")
    assert published["new_chunks"] == second["new_chunks"], (published, second)
    target = ["--repository", world.place, "--keys", world.keys]
    checked = world.done("repository", "show", *target)
    assert checked["is_checked"] and not unchecked["is_checked"], unchecked
    assert unchecked["modes"]["stable"]["versions"] == checked["modes"]["stable"]["versions"][-1:], (unchecked, checked)
    recall = ["repository", "recall", *target, "--mode", "stable", "--version", "1.0.0"]
    assert not world.done(*recall)["was_so"]
    world.service.reset()
    assert world.done(*recall)["was_so"] and world.service.writes == 0, world.service.writes


def test_files_say_how_long_to_keep_them(world):
    world.publish("1.0.0")
    for path, kind, lasts in [
        ("tuf/timestamp.json", "application/json", False),
        ("tuf/current.pack", "application/octet-stream", False),
        ("tuf/1.root.json", "application/json", True),
    ]:
        headers = world.head(path)
        assert headers["Content-Type"] == kind, (path, headers.items())
        assert ("immutable" in headers["Cache-Control"]) == lasts, (path, headers.items())


def test_cache_saves_reading_back(world):
    """With and without the cache: the bytes of the old chunk that a delta needs."""
    read = {}
    for name, options in [("none", []), ("kept", ["--bucket-cache", world.folder / "cache"])]:
        world.prefix = name
        world.publish("1.0.0", *options)
        world.service.reset()
        world.publish("1.1.0", *options)
        read[name] = world.service.chunk_bytes
        assert world.update(name) == "1.1.0"
    assert read["none"] > 0 and read["kept"] == 0, read
    here = world.words("1.1.0", "--bucket-cache", world.folder / "cache")
    here[here.index("--repository") + 1] = world.folder / "repository"
    world.failed("invalid_argument", *here)


def test_refuses_what_is_not_there(world):
    nowhere = ["--repository", "s3://games/nowhere", "--keys", world.keys]
    refused = world.failed("invalid_argument", "repository", "renew", *nowhere)
    assert "s3://games/nowhere" in refused["message"], refused
    missing = ["--repository", "s3://no-such-bucket/a", "--keys", world.keys]
    words = world.words("1.0.0")
    words = words[: words.index("--repository")] + missing
    ended = world.failed("not_found", *words)
    assert "no-such-bucket" in ended["message"], ended


def test_publishers_at_the_same_time_all_succeed(world):
    world.publish("1.0.0")
    platforms = ["linux-x86_64", "linux-aarch64", "windows-x86_64", "macos-universal"]
    allow = ["--allow", "wrong_platform", "--allow", "entry_not_program"]
    words = [world.words("1.1.0", "--platform", platform, *allow) for platform in platforms]
    with ThreadPoolExecutor(len(words)) as pool:
        ended = list(pool.map(lambda these: world.run(*these), words))
    assert all(one.returncode == 0 for one in ended), ended
    listed = world.done("mode", "list", "--repository", f"{world.service.address}/games/{world.prefix}",
                        "--trust-root", world.keys / "root.json", "--platform", "windows-x86_64")
    assert "1.1.0" in json.dumps(listed), listed
    assert world.update("all") == "1.1.0"


def test_version_is_prepared_signed_elsewhere_and_committed(world):
    """CI has no private key; who commits has not that of the mode. Killed in a commit, the commit is repeated."""
    world.publish("1.0.0")
    for name, roles in [("public", []), ("signer", ["stable"]), ("online", ["catalog", "snapshot", "timestamp"])]:
        shutil.copytree(world.keys, world.folder / name)
        for key in (world.folder / name).glob("*.pk8"):
            if key.name.split(".")[0] not in roles:
                key.unlink()
    keys, file = world.keys, world.folder / "prepared.json"
    world.keys = world.folder / "public"
    world.publish("1.1.0", "--prepare", file)
    world.keys = keys
    assert world.update("signed") == "1.0.0"
    commit = ["publish", "--commit", file, "--repository", world.place, "--keys", world.folder / "online"]
    world.failed("signature_invalid", *commit)
    world.done("sign", "--yes", file, "--keys", world.folder / "signer")
    world.service.reset()
    process = world.start(*commit)
    world.service.reset(kill_at=3, victim=process.kill)
    process.communicate(timeout=120)
    assert process.returncode != 0
    world.service.reset()
    assert world.update("signed") == "1.0.0"
    assert not world.done(*commit)["was_there"]
    assert world.update("signed") == "1.1.0"
    assert world.done(*commit)["was_there"]
    world.keys = world.folder / "public"
    shutil.copytree(world.builds["1.1.0"], world.folder / "1.2.0")
    (world.folder / "1.2.0" / "new.pck").write_bytes(b"new")
    world.builds["1.2.0"] = world.folder / "1.2.0"
    world.publish("1.2.0", "--prepare", file)
    world.keys = keys
    world.done("sign", "--yes", file, "--keys", world.folder / "signer")
    world.done("repository", "skip", "--repository", world.place, "--keys", keys, "--mode", "stable", "--version", "1.1.0")
    world.failed("preparation_stale", *commit)


def test_clean_up_removes_what_no_version_needs(world):
    world.publish("1.0.0")
    world.publish("1.1.0", "--keep-versions", "1")
    assert not world.files("locks"), world.files("locks")
    orphan = f"store/abcd/abcd{'0' * 60}.cacnk"
    for path in (orphan, "store/readme.txt", "store/abcd/other.cacnk"):
        world.service.ask("PUT", f"/games/{world.prefix}/{path}", b"12345678")
    before = world.files("store")
    prune = ["repository", "prune", "--repository", world.place, "--keys", world.keys]
    young = world.done(*prune)
    assert young["removed"] == 0 and young["too_young"] >= 2, young
    would = world.done(*prune, "--grace", "0s", "--dry-run")
    assert world.files("store") == before, "the dry run has removed something"
    # The orphan, and at least one chunk of the version that left.
    gone = world.done(*prune, "--grace", "0s")
    assert gone["removed"] == would["removed"] >= 2, (would, gone)
    after = world.files("store")
    assert len(before - after) == gone["removed"] and orphan not in after, (before - after, gone)
    assert {"store/readme.txt", "store/abcd/other.cacnk"} <= after, after
    assert world.done(*prune, "--grace", "0s")["removed"] == 0
    assert not world.files("locks"), world.files("locks")
    assert world.update("pruned") == "1.1.0"
    world.failed("invalid_argument", *prune[:3], "s3://games/nowhere", *prune[4:])


def test_clean_up_and_publishers_keep_apart(world):
    world.publish("1.0.0")
    prune = ["repository", "prune", "--repository", world.place, "--keys", world.keys, "--grace", "0s"]
    world.service.ask("PUT", f"/games/{world.prefix}/locks/publish-1", b"other")
    world.failed("busy", *prune)
    world.service.ask("DELETE", f"/games/{world.prefix}/locks/publish-1")
    world.service.ask("PUT", f"/games/{world.prefix}/locks/prune-1", b"other")
    publisher = world.start(*world.words("1.1.0"))
    wait_until("the publisher takes no lock", lambda: len(world.files("locks")) == 2)
    time.sleep(2)
    assert publisher.poll() is None and not world.has("1.1.0"), "the publisher has not waited"
    world.service.ask("DELETE", f"/games/{world.prefix}/locks/prune-1")
    said, complaint = publisher.communicate(timeout=60)
    assert publisher.returncode == 0, (said, complaint)
    assert not world.files("locks"), world.files("locks")
    assert world.update("apart") == "1.1.0"


def test_publisher_sends_what_was_cleaned_up_before_its_lock(world):
    """It has read that the version before has all of its chunks; then that version goes, and its chunks."""
    world.publish("1.0.0")
    needed = world.files("store")
    target = ["--repository", world.place, "--keys", world.keys]
    removed = []

    def clean():
        words = world.words("1.1.0", "--keep-versions", "1")
        words[1] = world.folder / "other"
        world.done(*words)
        removed.append(world.done("repository", "prune", *target, "--grace", "0s")["removed"])

    shutil.copytree(world.builds["1.1.0"], world.folder / "other")
    (world.folder / "other/data.pck").write_bytes(random.Random(3).randbytes(MIB))
    world.builds["2.0.0"] = world.builds["1.0.0"]
    words = world.words("2.0.0")
    world.service.before_next_write(clean)
    world.done(*words)
    assert removed and removed[0] >= len(needed) - 1, (removed, len(needed))
    assert needed <= world.files("store"), needed - world.files("store")
    assert world.update("sent") == "2.0.0"


def test_killed_at_every_write(world):
    """After each kill players have the old version or the new one, whole, and the next run finishes the work."""
    step = {"all": 1, "some": 16}.get(os.environ.get("VSEKAI_FAULTS"), 8)
    killed = 0
    for after in (False, True):
        at = 1
        while True:
            world.prefix = f"kill-{at}-{after}"
            world.service.reset()
            world.publish("1.0.0")
            process = world.start(*world.words("1.1.0"))
            world.service.reset(kill_at=at, victim=process.kill, after=after)
            process.communicate(timeout=120)
            reached = world.service.writes
            world.service.reset()
            if process.returncode == 0:
                assert reached < at, (reached, at)
                break
            killed += 1
            found = world.update(f"{world.prefix}-early")
            assert found in ("1.0.0", "1.1.0"), found
            world.publish("1.1.0")
            assert world.update(f"{world.prefix}-late") == "1.1.0"
            at += step
    print(f"killed at {killed} writes")
    assert killed >= 20 // step, killed


@contextlib.contextmanager
def new_world():
    with tempfile.TemporaryDirectory(prefix="vsekai-bucket-") as folder:
        service = Service(Path(folder))
        try:
            yield World(Path(folder), service)
        finally:
            service.stop()


if __name__ == "__main__":
    if shutil.which("moto_server"):
        run_tests("buckets", globals(), sys.argv[1:], new_world)
    print("SKIPPED: no moto_server: nothing is published to a bucket", file=sys.stderr)
    sys.exit(os.environ.get("CI") == "true")
