#!/usr/bin/env python3
"""Tries `vsekai.exe` in wine: installs, updates, resumes and kills; windows_held.py: files that other programs have open.

Usage: tests/e2e/windows.py VSEKAI.EXE [TEST...]. The exe may be a released one. Versions are published by the `vsekai` of this
system, so that the test also shows whether the two agree. All of it happens in a folder below /tmp, drive `Z:` of wine.
"""

import contextlib
import functools
import http.server
import io
import json
import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from systems import WINE, Windows, program
from world import GAME, run_tests

BLOCK = 4096
MIB = 1 << 20
CHUNK = 256 << 10


z = Windows.path


class Run:
    """The outcome of `vsekai.exe --json`."""

    def __init__(self, done):
        self.code = done.returncode
        self.said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        self.lines = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]

    @property
    def last(self):
        return self.lines[-1] if self.lines else {}

    def done(self):
        assert self.code == 0 and self.last.get("event") == "done", f"exit {self.code}: {self.said}"
        return self.last

    def failed(self, code):
        assert self.code != 0 and self.last.get("code") == code, f"exit {self.code}, not {code}: {self.said}"
        return self.last

    def warnings(self, code):
        return [line["message"] for line in self.lines if line["event"] == "warned" and line["code"] == code]


class World:
    """A folder with a publisher, and the programs."""

    def __init__(self, folder, exe):
        self.folder, self.exe, self.vsekai = folder, folder / "bin/vsekai.exe", program("vsekai")
        (folder / "bin").mkdir()
        shutil.copy(exe, self.exe)
        for name in ["game", "hold"]:
            Windows.compile(name, folder / f"bin/{name}.exe")
        self.publish_with(["keys", "init", self.keys, "--mode", "stable"])

    @property
    def keys(self):
        return self.folder / "keys"

    @property
    def repository(self):
        return self.folder / "repository"

    def publish_with(self, words):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VSEKAI_")}
        done = subprocess.run([self.vsekai, *map(str, words)], env=clean, capture_output=True)
        assert done.returncode == 0, f"{words}: {done.stderr.decode()}"

    def build(self, version):
        """A game of this version: some files are the same in all versions."""
        tree = self.folder / f"build-{version}"
        (tree / "data").mkdir(parents=True, exist_ok=True)
        shutil.copy(self.folder / "bin/game.exe", tree / "game.exe")
        (tree / "common").write_bytes(random.Random(1).randbytes(3 * MIB))
        (tree / "data/map").write_bytes(random.Random(version).randbytes(MIB))
        (tree / "data/ゲーム äöü.txt").write_text(version)
        (tree / ("Case.txt" if version == "1.0.0" else "case.txt")).write_text("the same")
        (tree / "read-only.txt").write_text("settings")
        (tree / "read-only.txt").chmod(0o444)
        return tree

    def publish(self, version, *words):
        self.publish_tree([] if "--from-index" in words else [self.build(version)], version, *words)

    def publish_tree(self, tree, version, *words):
        options = ["--mode", "stable", "--version", version, "--platform", "windows-x86_64", "--entry", "game.exe"]
        target = ["--repository", self.repository, "--keys", self.keys]
        self.publish_with(["publish", *tree, *options, *target, *words])

    def publish_from_index(self, version):
        """Publishes what `casync` would have made: with the times of folders, and all else that a tree has."""
        tree, index, store = self.build(version), self.folder / f"{version}.caidx", self.folder / "casync-store"
        self.publish_with(["store", "make", "--casync-exact", "--store", store, index, tree])
        self.publish(version, "--from-index", index, "--from-store", store)

    def start(self, *words, env=None, **more):
        given = {name: value for name, value in os.environ.items() if not name.startswith(("VSEKAI_", "GAME_"))}
        for kept in ["VSEKAI_TOOLS", "VSEKAI_WINE_PREFIX"]:
            given |= {kept: os.environ[kept]} if kept in os.environ else {}
        given |= env or {}
        return subprocess.Popen([WINE, *map(str, words)], env=given, cwd=self.folder, **more)

    def run(self, *words, env=None, seconds=300):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started = self.start(*words, env=env, **pipes)
        out, err = started.communicate(timeout=seconds)
        return subprocess.CompletedProcess(words, started.returncode, out, err)

    def __call__(self, *words, env=None):
        """`vsekai.exe --json WORDS`"""
        return Run(self.run(z(self.exe), "--json", *words, env=env))

    def update(self, game, *words, env=None):
        first = ["--repository", z(self.repository), "--trust-root", z(self.keys / "root.json"), "--no-shared-cache"]
        return self("update", z(game), *first, *words, env=env)

    def hold(self, *files, seconds):
        """A program that has files open that nobody else may then write, rename or remove."""
        words = [z(self.folder / "bin/hold.exe"), seconds, *map(z, files)]
        holder = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = holder.stdout.readline()
        assert said.strip() == b"open", said
        return holder

    @contextlib.contextmanager
    def holding(self, *files, seconds=60):
        holder = self.hold(*files, seconds=seconds)
        try:
            yield
        finally:
            self.run("taskkill", "/F", "/IM", "hold.exe")
            holder.wait(timeout=60)


class Server:
    """The repository on a web server that counts requests and the bytes of what it sends."""

    def __init__(self, folder, tls=None):
        self.sent, self.requests, server, counting = 0, 0, self, threading.Lock()
        # Bytes a second; as fast as possible if it is 0. And what was sent of each file.
        self.rate, self.sent_of = 0, {}

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                with counting:
                    server.requests += 1
                super().do_GET()

            def send_head(self):
                """Also of a part of a file, which bundles are read by."""
                asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                path = Path(self.translate_path(self.path))
                if not asked or not path.is_file():
                    return super().send_head()
                whole, first = path.stat().st_size, int(asked[1])
                end = min(int(asked[2] or whole) + 1, whole)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{end - 1}/{whole}")
                self.send_header("Content-Length", str(end - first))
                self.end_headers()
                with open(path, "rb") as file:
                    file.seek(first)
                    return io.BytesIO(file.read(end - first))

            def copyfile(self, source, outputfile):
                while part := source.read(16 << 10):
                    outputfile.write(part)
                    with counting:
                        server.sent += len(part)
                        server.sent_of[self.path] = server.sent_of.get(self.path, 0) + len(part)
                    if server.rate:
                        time.sleep(len(part) / server.rate)

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client that was killed, or that does not trust us, is no fault of the server."""

        handler = functools.partial(Handler, directory=folder)
        self._server = Quiet(("127.0.0.1", 0), handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()

    def sent_of_files(self, is_one):
        return sum(count for path, count in self.sent_of.copy().items() if is_one(path))


def current(game):
    return json.loads((game / ".vsekai/state.json").read_text())["current"]


def tree(game):
    return game / "versions" / current(game)["folder"]


def assert_is(world, game, version):
    """The install has this version, byte for byte, and says so."""
    assert current(game)["version"] == version, current(game)
    build, found = world.folder / f"build-{version}", tree(game)
    for path in [path for path in build.rglob("*") if path.is_file()]:
        name = path.relative_to(build)
        assert (found / name).read_bytes() == path.read_bytes(), name
    names = [{str(path.relative_to(top)) for path in top.rglob("*")} for top in (build, found)]
    assert names[0] == names[1], names[0] ^ names[1]
    assert world("verify", z(game)).done()["damage"] == []


def test_build_that_casync_made_is_installed_updated_and_rolled_back(world):
    game = world.folder / "game"
    world.publish_from_index("1.0.0")
    world.update(game).done()
    assert_is(world, game, "1.0.0")
    world.publish_from_index("2.0.0")
    done = world.update(game).done()
    assert done["plan"]["kept_files"] >= 2 and done["from"] == "1.0.0", done
    assert_is(world, game, "2.0.0")
    world("rollback", z(game)).done()
    assert_is(world, game, "1.0.0")


def test_path_as_people_write_it_and_a_japanese_one(world):
    world.publish("1.0.0")
    for name in ["forward", "ユーザー 名/ゲーム"]:
        game = world.folder / name
        game.parent.mkdir(exist_ok=True)
        options = ["--repository", z(world.repository).replace("\\", "/"), "--trust-root", z(world.keys / "root.json")]
        world("--update", z(game).replace("\\", "/"), *options).done()
        assert_is(world, game, "1.0.0")
        log = world.folder / "game.log"
        run = world("launch", z(game), "--", 'a "quoted" word', "--use_vr", env={"GAME_LOG": z(log), "GAME_READY": "1"})
        assert run.done()["is_acknowledged"] is True
        said = log.read_text(encoding="utf-8", errors="replace")
        assert 'argument=a "quoted" word\n' in said and "argument=--use_vr" in said, said
        for told in [said, world("status", z(game)).said]:
            assert "\\\\?\\" not in told and "\\\\\\\\?\\\\" not in told, told


def test_folder_that_the_game_made_is_carried_over(world):
    world.publish("1.0.0")
    world.publish("2.0.0")
    game = world.folder / "game"
    world.update(game, "--version", "1.0.0").done()
    (tree(game) / "logs/deep").mkdir(parents=True)
    (tree(game) / "logs/deep/today.txt").write_text("of the player")
    world.update(game).done()
    assert (tree(game) / "logs/deep/today.txt").read_text() == "of the player"


def test_long_names_and_paths(world):
    build = world.folder / "build-1.0.0"
    (build / ("d" * 20)).mkdir(parents=True)
    (build / ("d" * 20) / ("f" * 209)).write_text("a path of 230 letters, as many as may be published for Windows")
    world.publish("1.0.0")
    # The paths of the installed files have about 450 letters, where programs of old stop at 260.
    game = world.folder / ("g" * 90) / ("h" * 90)
    game.parent.mkdir()
    world.update(game).done()
    assert_is(world, game, "1.0.0")
    world("uninstall", "--yes", z(game)).done()
    assert not game.exists(), sorted(map(str, game.rglob("*")))


def test_longest_names_are_packed_and_extracted(world):
    tree, copy = world.folder / "tree", world.folder / "copy"
    (tree / ("d" * 255)).mkdir(parents=True)
    for name in ["f" * 255, "\u30b2" * 85]:
        (tree / ("d" * 255) / name).write_text(name)
    store, index = world.folder / "store", world.folder / "tree.caidx"
    world("store", "make", "--store", z(store), z(index), z(tree)).done()
    world("store", "extract", "--store", z(store), z(index), z(copy)).done()
    names = [sorted(str(path.relative_to(top)) for path in top.rglob("*")) for top in (tree, copy)]
    assert names[0] == names[1] and len(names[0]) == 3, names


def kill_after(world, server, words, is_one, count):
    """Starts an update on a slow line, and kills it when so much of some files was sent. Returns how much that was."""
    server.rate, server.sent_of = MIB, {}
    slow = world.start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while server.sent_of_files(is_one) < count:
        assert time.monotonic() < deadline, server.sent_of
        time.sleep(0.05)
    world.run("taskkill", "/F", "/IM", "vsekai.exe")
    slow.wait(timeout=60)
    first = server.sent_of_files(is_one)
    server.rate, server.sent_of = 0, {}
    return first


def test_run_that_was_killed_goes_on_where_it_stopped(world):
    world.publish("1.0.0", "--delta-from", "0")
    game, server = world.folder / "game", Server(world.repository)
    where = ["--repository", server.url, "--trust-root", z(world.keys / "root.json"), "--no-shared-cache"]
    words = [z(world.exe), "--json", "update", z(game), *where, "--connections", "1"]
    first = kill_after(world, server, words, is_chunk, 2 * MIB)
    world("update", z(game), *where).done()
    again = server.sent_of_files(is_chunk)
    whole = sum(path.stat().st_size for path in (world.repository / "store").rglob("*.cacnk"))
    print(f"chunks: {first} of {whole} bytes, then {again}")
    # The chunk that was on its way when it was killed is fetched again.
    assert again <= whole - first + CHUNK, (first, again, whole)
    assert_is(world, game, "1.0.0")
    server.close()


def is_chunk(path):
    return path.endswith(".cacnk")


def test_run_that_was_killed_goes_on_in_the_middle_of_a_bundle(world):
    for version in ["1.0.0", "2.0.0"]:
        # Every other block is that of before: chunks are all new, and a delta saves half.
        kept, fresh = (random.Random(f"noise {seed}").randbytes(12 * MIB) for seed in ("kept", version))
        blocks = (((kept, fresh)[at // BLOCK % 2])[at:at + BLOCK] for at in range(0, 12 * MIB, BLOCK))
        (world.build(version) / "data/noise").write_bytes(b"".join(blocks))
        world.publish(version)
    game, server = world.folder / "game", Server(world.repository)
    world.update(game, "--version", "1.0.0").done()
    where = ["--repository", server.url, "--no-shared-cache", "--connections", "1"]
    words = [z(world.exe), "--json", "update", z(game), *where]
    first = kill_after(world, server, words, is_bundle, 4 * MIB)
    world("update", z(game), *where).done()
    again, used = server.sent_of_files(is_bundle), [path for path in server.sent_of if is_bundle(path)]
    assert len(used) == 1, server.sent_of
    whole = (world.repository / used[0].lstrip("/")).stat().st_size
    print(f"bundle: {first} of {whole} bytes, then {again}")
    # Of a section, all but what came in the last second is kept.
    assert again <= whole - first + MIB + CHUNK, (first, again, whole)
    assert_is(world, game, "2.0.0")
    server.close()


def is_bundle(path):
    return path.startswith("/bundles/") and not Path(path).suffix


def make_authority(folder, name):
    """A certificate of an authority of one's own: NAME.pem, and its key NAME.key."""
    made = f"-subj /CN={name} -keyout {name}.key -out {name}.pem"
    openssl(folder, f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 {made}")
    return folder / f"{name}.pem"


def certify_server(folder, authority):
    """Certificate and key of a server at this address, by the authority of this name."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl(folder, "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout key.pem -out request")
    signer = f"-CA {authority}.pem -CAkey {authority}.key -CAcreateserial"
    openssl(folder, f"x509 -req -in request {signer} -days 2 -extfile names -out certificate.pem")
    return folder / "certificate.pem", folder / "key.pem"


def openssl(folder, words):
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)


def test_https_with_an_authority_of_ones_own(world):
    world.publish("1.0.0")
    authority = make_authority(world.folder, "authority")
    server = Server(world.repository, certify_server(world.folder, "authority"))
    where = ["--repository", server.url, "--trust-root", z(world.keys / "root.json")]
    game = world.folder / "game"
    refused = world("update", z(game), *where)
    assert refused.code == 1 and refused.last["code"] == "tls_failed", refused.said
    world("update", z(game), *where, "--ca-cert", z(authority)).done()
    assert_is(world, game, "1.0.0")
    server.close()


def test_https_with_an_authority_that_windows_trusts(world):
    world.publish("1.0.0")
    authority, other = make_authority(world.folder, "authority"), make_authority(world.folder, "other")
    server = Server(world.repository, certify_server(world.folder, "authority"))
    # With an authority of one's own, rustls verifies, and reads those of Windows. Without, the verifier of Windows would
    # do it: that of wine refuses every certificate whose revocation it cannot look up (CERT_E_REVOCATION_FAILURE).
    where = ["--repository", server.url, "--trust-root", z(world.keys / "root.json"), "--ca-cert", z(other)]
    game = world.folder / "game"
    refused = world("update", z(game), *where)
    assert refused.code == 1 and refused.last["code"] == "tls_failed", refused.said
    with fresh_prefix(world):
        world("update", z(game), *where, env={"VSEKAI_WINE_AUTHORITIES": str(authority)}).done()
    assert_is(world, game, "1.0.0")
    server.close()


@contextlib.contextmanager
def fresh_prefix(world):
    """A Windows of its own while this lasts: no program of another one decides what it trusts."""
    usual = os.environ.get("VSEKAI_WINE_PREFIX")
    os.environ["VSEKAI_WINE_PREFIX"] = str(world.folder / "prefix")
    try:
        yield
    finally:
        subprocess.run([WINE, "--kill"], capture_output=True)
        del os.environ["VSEKAI_WINE_PREFIX"]
        os.environ |= {"VSEKAI_WINE_PREFIX": usual} if usual else {}


def test_publisher_on_windows(world):
    build, store, index = world.build("1.0.0"), world.folder / "store", world.folder / "game.caidx"
    world("store", "make", "--store", z(store), z(index), z(build)).done()
    world("store", "verify", z(store)).done()
    keys, repository = world.folder / "win-keys", world.folder / "win-repository"
    world("keys", "init", z(keys), "--mode", "stable").done()
    options = ["--mode", "stable", "--version", "1.0.0", "--entry", "game.exe", "--keys", z(keys)]
    world("publish", z(build), *options, "--repository", z(repository)).done()
    game = world.folder / "game"
    world("--update", z(game), "--repository", z(repository), "--trust-root", z(keys / "root.json")).done()
    assert_is(world, game, "1.0.0")


def test_real_builds(world):
    if not GAME:
        print("SKIPPED: VSEKAI_TEST_DATA is not set, so V-Sekai's own builds are not installed", file=sys.stderr)
        return
    builds = {"1.0.0": "vsekai_game_linux", "2.0.0": "v_sekai_linuxbsd"}
    indexes = sorted(GAME.glob("*linux*.caidx"))[-2:]
    options = ["--mode", "stable", "--platform", "windows-x86_64", "--repository", world.repository, "--keys", world.keys]
    for (version, entry), index in zip(builds.items(), indexes, strict=True):
        world.publish_with(["store", "extract", "--store", GAME / "store", index, world.folder / f"build-{version}"])
        build = ["--from-index", index, "--from-store", GAME / "store", "--version", version, "--entry", entry]
        world.publish_with(["publish", *build, *options, "--fast", "--allow", "entry_not_program"])
    with contextlib.closing(Server(world.repository)) as server:
        fetched = {}
        trust = {"linux": world.keys / "root.json", "wine": z(world.keys / "root.json")}
        for system, root in trust.items():
            game = world.folder / f"game-{system}"
            for version in builds:
                server.requests = server.sent = 0
                words = ["update", game if system == "linux" else z(game), "--repository", server.url, "--trust-root", root]
                words += ["--platform", "windows-x86_64", "--no-shared-cache", "--version", version]
                world.publish_with(words) if system == "linux" else world(*words).done()
                assert current(game)["version"] == version
                fetched[system, version] = server.requests, server.sent
    for version in builds:
        print(f"{version}: {fetched['wine', version]} requests and bytes, on Linux {fetched['linux', version]}")
        assert fetched["wine", version] == fetched["linux", version]
    assert_is(world, game, "2.0.0")
    world("rollback", z(game)).done()
    assert_is(world, game, "1.0.0")


@contextlib.contextmanager
def new_world(exe):
    with tempfile.TemporaryDirectory(prefix="vsekai-windows-", dir="/tmp") as folder:
        try:
            yield World(Path(folder).resolve(), exe)
        finally:
            subprocess.run([WINE, "--kill"], check=False, stderr=subprocess.DEVNULL)


def main(module):
    """Runs the tests of a module that the command line names."""
    exe = Path(sys.argv[1]).resolve()
    run_tests("Windows", module, sys.argv[2:], lambda: new_world(exe))


if __name__ == "__main__":
    main(globals())
