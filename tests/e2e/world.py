"""The world around a launcher: a server, a slow line to it, a folder on a web host, versions, and an install.

Everything is real: the built `vsekai` and `vsekai-server`, in a temporary folder.
"""

import functools
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
from pathlib import Path

from systems import REPO, Linux, program

COMMON_BYTES = 4 * 1024 * 1024
CHANGED_BYTES = 12 * 1024 * 1024

# V-Sekai's published builds, if they are here.
GAME = Path(os.environ["VSEKAI_TEST_DATA"]) if os.environ.get("VSEKAI_TEST_DATA") else None


def wait_until(what, condition, seconds=120.0):
    """Waits until a condition is true, and returns its value. The limit allows for a busy machine."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"after {seconds:.0f} s: {what}")


def run_tests(what, module, names, new_world):
    """Runs the tests of a module, each in a world of its own, and ends the program.

    Only those that have one of `names` in their name, if any are given.
    """
    tests = {name: test for name, test in module.items() if name.startswith("test_")}
    chosen = {name: test for name, test in tests.items() if not names or any(part in name for part in names)}
    if not chosen:
        raise SystemExit(f"error: no test has one of {names} in its name; there are {', '.join(tests)}")
    failed = []
    for name, test in chosen.items():
        begun = time.monotonic()
        try:
            with new_world() as world:
                test(world)
            print(f"ok    {name}  ({time.monotonic() - begun:.0f} s)", flush=True)
        except Exception as error:  # noqa: BLE001 - a test may fail in any way
            failed.append(name)
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAIL  {name}, line {place.lineno}: {type(error).__name__}: {str(error)[:3000]}", flush=True)
    print(f"{what}: {len(chosen) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


class Line:
    """A connection to a server that can be slowed down and cut."""

    def __init__(self, port):
        self._target = port
        self.port = 0
        self._rate, self._is_free_at, self._changed = 0, 0.0, threading.Condition()
        self._carried = 0
        self.mend()

    def take_carried(self):
        """Bytes received since the last call."""
        with self._changed:
            carried, self._carried = self._carried, 0
            return carried

    def limit(self, bytes_per_second):
        """Sets the rate; 0 means no limit. Data that waits for the old limit is sent immediately."""
        with self._changed:
            self._rate, self._is_free_at = bytes_per_second, 0.0
            self._changed.notify_all()

    def cut(self):
        """Stops listening, as if the server were gone."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def mend(self):
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink, is_limited in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._carry, args=(source, sink, is_limited), daemon=True).start()

    def _carry(self, source, sink, is_limited):
        try:
            while data := source.recv(16384):
                if is_limited:
                    self._wait_for(len(data))
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _wait_for(self, count):
        # All connections share the line.
        with self._changed:
            self._carried += count
            rate = self._rate
            if rate:
                self._is_free_at = free_at = max(self._is_free_at, time.monotonic()) + count / rate
                self._changed.wait_for(lambda: self._rate != rate, max(free_at - time.monotonic(), 0))


class World:
    """A server, its keys, and the two versions of the sample game. All files are in `folder`.

    The publisher works on Linux. `system` is the player's.
    """

    def __init__(self, folder, changed_bytes=CHANGED_BYTES, system=None):
        self.folder = folder
        self.system = system or Linux(folder)
        self._changed_bytes = changed_bytes
        self.vsekai = program("vsekai")
        self._server_program = program("vsekai-server")
        self._builds = {}
        self._processes = []
        self.keys = folder / "keys"

    def close(self):
        for process in self._processes:
            process.terminate()
            process.wait(20)

    def run(self, *arguments, codes=(0,)):
        """Runs the publisher's `vsekai` with arguments, and returns its output."""
        environment = {**os.environ, "VSEKAI_CONFIG": str(self.folder / "config.toml")}
        return self._done([self.vsekai, *map(str, arguments)], environment, codes).stdout

    def play(self, *arguments, codes=(0,)):
        """Runs the player's `vsekai`. Paths become those of his system."""
        words = [self.system.path(word) if isinstance(word, Path) else str(word) for word in arguments]
        environment = self.system.environment({"VSEKAI_CONFIG": self.system.path(self.folder / "config.toml")})
        return self._done([*self.system.vsekai, *words], environment, codes)

    def _done(self, command, environment, codes):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode in codes, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def _told(self, *arguments):
        return json.loads(self.play("--json", *arguments).stdout.splitlines()[-1])

    def status(self, install):
        """The output of `vsekai status --json` for an install."""
        return self._told("status", install)

    def available(self, install):
        """The available version for an install, according to `vsekai check --json`."""
        return self._told("check", install)["available"]

    def planned(self, install):
        """The plan of an update that is not made, according to `vsekai update --dry-run --json`."""
        return self._told("update", "--dry-run", install)["plan"]

    def is_whole(self, install):
        """Whether `vsekai verify` finds no damage. 3 is damage, 75 a repair that goes on."""
        return self.play("verify", install, codes=(0, 3, 75)).returncode == 0

    def tree(self, install):
        """The folder of the current version. wine has no link `current`."""
        found = list((install / "versions").glob(f"{self.version(install)}-*"))
        assert len(found) == 1, found
        return found[0]

    def version(self, install):
        """The current version of an install; "" if there is none."""
        if not (install / ".vsekai").exists():
            return ""
        current = self.status(install)["current"]
        return current["version"] if current else ""

    def serve(self):
        """Starts the server on SQLite. Returns the line to it."""
        out = self.folder / "server.out"
        with out.open("w") as stdout, (self.folder / "server.log").open("w") as stderr:
            # Bundles are only built when the test requests it.
            command = [self._server_program, "serve", "--listen", "127.0.0.1:0", "--data", self.folder / "server",
                       "--set", "bundles=false"]
            self._processes.append(subprocess.Popen(command, stdout=stdout, stderr=stderr))
        text = wait_until("the server has no token", lambda: "Admin token in " in out.read_text() and out.read_text())
        file = next(line.removeprefix("Admin token in ") for line in text.splitlines() if line.startswith("Admin token in "))
        self.url = next(line.split()[-1] for line in text.splitlines() if line.startswith("Listening at"))
        self.token = Path(file).read_text().strip()
        (self.folder / "token").write_text(self.token)
        modes = [word for mode in ("stable", "beta", "game") for word in ("--mode", mode)]
        self.run("keys", "init", self.keys, *modes, "--online", self.url)
        return Line(int(self.url.rsplit(":", 1)[1]))

    def build(self, version):
        """A build of the sample game, with a file large enough for an update to be observed."""
        if version not in self._builds:
            tree = self.folder / f"build-{version}"
            shutil.copytree(REPO / f"out/sample-{version}/{self.system.export}", tree)
            self._payload(tree / "world.bin")
            self._builds[version] = tree
        return self._builds[version]

    def publish(self, mode, version, repository=None, keys=None, notes=""):
        """Publishes to the server, or to a folder."""
        target = ["--repository", repository, "--fast"] if repository else ["--server", self.url, "--token-file",
                                                                            self.folder / "token"]
        if notes:
            (self.folder / "notes.md").write_text(notes)
            target += ["--notes", self.folder / "notes.md"]
        self.run("publish", self.build(version.split("-")[0]), "--mode", mode, "--version", version, "--platform",
                 self.system.platform, "--entry", self.system.entry, "--keys", keys or self.keys, *target)

    def publish_game(self, build, entry):
        """Publishes a build of V-Sekai to the server, in the mode game. Returns its version."""
        version = ".".join(str(int(part)) for part in build.split("-"))
        index = ["--from-index", GAME / f"linux_{build}.caidx", "--from-store", GAME / "store", "--entry", entry]
        self.run("publish", *index, "--mode", "game", "--version", version, "--platform", "linux-x86_64", "--keys",
                 self.keys, "--server", self.url, "--token-file", self.folder / "token")
        return version

    def bundle(self):
        """Makes the server build the bundles of all published versions."""
        subprocess.run([self._server_program, "bundle", "build", "--effort", "fast", "--now", "--data",
                        self.folder / "server"], check=True, capture_output=True, timeout=300)

    def retire(self, mode, successor):
        """Retires a mode, which moves its players."""
        self.run("repository", "retire", "--mode", mode, "--update-to", successor, "--keys", self.keys, "--server",
                 self.url, "--token-file", self.folder / "token")

    def files(self):
        """Creates a repository of plain files with 0.1.0. Returns its folder and its keys."""
        folder, keys = self.folder / "static", self.folder / "static-keys"
        self.run("keys", "init", keys, "--mode", "stable")
        self.publish("stable", "0.1.0", folder, keys)
        return folder, keys

    def static(self):
        """Like `files`, but on a plain web host. Returns its URL and its keys."""
        folder, keys = self.files()
        handler = functools.partial(_Quiet, directory=str(folder))
        server = _Host(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}", keys

    def _payload(self, path):
        # The first part of a payload is the same in all versions.
        common = self.folder / "common.bin"
        if not common.exists():
            common.write_bytes(os.urandom(COMMON_BYTES))
        path.write_bytes(common.read_bytes() + os.urandom(self._changed_bytes))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


class _Host(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """It does not support ranges, so a client that requested one disconnects."""
