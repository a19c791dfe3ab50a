#!/usr/bin/env python3
"""Writes tests/fixtures/vVERSION: every file format, as the programs in rust/target/debug write it today.

    cargo build --bin vsekai && cargo build -p vsekai-server      (in rust/)
    tests/tools/freeze_formats.py 0.2

Every later release must be able to read what an earlier one could; rust/tests/it/formats/ and server/tests/it/formats/
check that. An existing folder is never overwritten. The builds are generated from seeds, and faketime sets the clock.
Keys, identifiers and therefore signed files differ in every run.

Needs faketime and zstd.
"""

import argparse
import contextlib
import datetime
import functools
import http.server
import itertools
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "rust/target/debug"
# The state of an install contains paths, so they are the same in every run.
WORK = pathlib.Path("/tmp/vsekai-formats")
PORT = 18_099
PLATFORM = "linux-x86_64"
UPLOAD = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11"

PUBLISHED = datetime.datetime(2026, 1, 1)
# Metadata is valid for at most ten years. Signed in this year, the tests can read it for that long.
SIGNED = datetime.datetime(2090, 1, 1)
MINUTES = itertools.count()
LONGEST_DAYS = 3650

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

GAME = """#!/bin/sh
echo "version %s"
[ -z "$VSEKAI_READY_FILE" ] || : >"$VSEKAI_READY_FILE"
exit "${GAME_EXIT:-0}"
"""


def noise(seed: int, length: int) -> bytes:
    """Bytes that cannot be compressed, the same for the same seed (xorshift64*)."""
    mask = (1 << 64) - 1
    state = (seed * 0x9E3779B97F4A7C15 & mask) | 1
    out = bytearray()
    while len(out) < length:
        state ^= state << 13 & mask
        state ^= state >> 7
        state ^= state << 17 & mask
        out += (state * 0x2545F4914F6CDD1D & mask).to_bytes(8, "little")
    return bytes(out[:length])


def code(functions: int, grown: int) -> bytes:
    """Imitates x86-64 code: many calls of few functions, for which the filter of bundles is made.

    It grows in the middle, so that calls across that point have new distances and the same targets.
    """
    targets = [4096 + 640 * at for at in range(8)]
    out = bytearray(b"\x7fELF\x02\x01\x01" + bytes(9))
    for at in range(functions):
        if at == functions // 2:
            out += b"\x90" * grown
        out += b"\x55\x48\x89\xe5" + noise(at + 1, 10)
        for call in range(3):
            out += b"\xe8" + (targets[(at + call * 3) % 8] - len(out) - 5).to_bytes(4, "little", signed=True)
        out += b"\x5d\xc3"
    return bytes(out)


def write(path: pathlib.Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def build(version: str, number: int) -> pathlib.Path:
    """A build with everything that a tree can contain."""
    tree = WORK / f"build-{version}"
    if tree.exists():
        return tree
    write(tree / "game", GAME % version)
    (tree / "game").chmod(0o755)
    write(tree / "bin/engine", code(900, 16 * number))
    (tree / "bin/engine").chmod(0o755)
    write(tree / "data/world.pck", noise(1, 24_000) + f"version {version}\n".encode() + noise(2, 8_000))
    write(tree / "data/new.pck", noise(100 + number, 6_000))
    write(tree / "data/\u4e16\u754c.txt", "\u3053\u3093\u306b\u3061\u306f\n" * 20)
    write(tree / "data/empty", b"")
    write(tree / "settings.cfg", "volume=7\n")
    (tree / "latest").symlink_to("data/new.pck")
    return tree


def small_build(number: int) -> pathlib.Path:
    """A build that a database of every migration can contain."""
    tree = WORK / f"small-{number}"
    write(tree / "game", GAME % number)
    (tree / "game").chmod(0o755)
    write(tree / "data/world.pck", noise(7, 3_000))
    write(tree / "data/new.pck", noise(200 + number, 600))
    return tree


def faketime(clock: datetime.datetime) -> list[str]:
    """Each program starts a minute after the previous one, because a clock that goes back is refused."""
    return ["faketime", str(clock + datetime.timedelta(minutes=next(MINUTES)))]


def run(clock: datetime.datetime, program: str, *words: object, env: dict[str, str] | None = None) -> str:
    """Runs one of the programs at this time, in an environment without user settings."""
    command = [*faketime(clock), str(BIN / program), *map(str, words)]
    done = subprocess.run(command, env=environment(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    base = {"PATH": os.environ["PATH"], "HOME": str(WORK / "home"), "TZ": "UTC", "LC_ALL": "C.UTF-8", "NO_PROXY": "*"}
    # Do not fake the times of files, nor the clock used for waiting.
    return base | {"NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"} | (more or {})


def vsekai(*words: object, clock: datetime.datetime = PUBLISHED, env: dict[str, str] | None = None) -> str:
    return run(clock, "vsekai", *words, env=env)


def make_keys(folder: pathlib.Path, *modes: str, online: pathlib.Path | None = None) -> None:
    """Keys whose signatures are valid as long as possible. The second root has the new lifetimes."""
    words = [word for mode in modes for word in ("--mode", mode)]
    vsekai("keys", "init", folder, *words, *(["--online", online] if online else []))
    described = json.loads((folder / "keys.json").read_text())
    described["days"] = dict.fromkeys(described["days"], LONGEST_DAYS)
    write(folder / "keys.json", json.dumps(described, indent=2) + "\n")
    vsekai("keys", "renew-root", folder, clock=SIGNED)


def make_repository(out: pathlib.Path) -> pathlib.Path:
    """Modes, versions and bundles of every kind, by `vsekai publish --repository`."""
    keys, repository = WORK / "keys", WORK / "repository"
    make_keys(keys, "stable", "beta", "old")
    desk = ["--repository", repository, "--keys", keys]
    write(WORK / "notes.md", "# New\n\n- A **second** world\n")

    def publish(tree: pathlib.Path, mode: str, version: str, *more: object) -> None:
        words = ["--mode", mode, "--version", version, "--platform", PLATFORM, "--entry", "game"]
        vsekai("publish", tree, *words, "--chunk-size", "4:16:64", *desk, *more)

    mutable = ["--mutable", "settings.cfg"]
    publish(build("1.0.0", 1), "stable", "1.0.0", *mutable)
    publish(build("1.1.0", 2), "stable", "1.1.0", *mutable, "--entry-arg", "--fast", "--notes", WORK / "notes.md")
    publish(build("1.2.0", 3), "stable", "1.2.0", *mutable, "--min-launcher", "0.1.0", "--best")
    # Without a program: sections without a filter.
    publish(small_build(1), "beta", "2.0.0-beta.1", "--skip-update")
    publish(small_build(2), "beta", "2.0.0-beta.2+build.5", "--rollout", 25)
    publish(build("1.0.0", 1), "old", "0.9.0", "--delta-from", 0)
    edit = "repository"
    vsekai(edit, "mode", *desk, "--mode", "stable", "--description", "For everybody")
    vsekai(edit, "recall", *desk, "--mode", "beta", "--version", "2.0.0-beta.1")
    vsekai(edit, "retire", *desk, "--mode", "old", "--update-to", "stable")
    vsekai(edit, "renew", *desk, clock=SIGNED)
    for folder in (keys, repository):
        shutil.copytree(folder, out / folder.name)
    # Addresses in the catalog are set in a copy, because no client may use them.
    other = WORK / "elsewhere"
    shutil.copytree(repository, other)
    desk[1] = other
    vsekai(edit, "stores", *desk, "https://cdn.example.org/store", "store")
    vsekai(edit, "mirrors", *desk, "https://mirror.example.org/v-sekai/")
    before = {path.name for path in (repository / "targets").glob("*.catalog.json")}
    (catalog,) = [path for path in (other / "targets").glob("*.catalog.json") if path.name not in before
                  and b"mirror.example.org" in path.read_bytes()]
    write(out / "documents/catalog.json", catalog.read_bytes())
    return repository


@contextlib.contextmanager
def web_host(folder: pathlib.Path):
    """The folder over HTTP at the address that the state of the install names."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", PORT), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{PORT}/"
        server.shutdown()


def make_install(out: pathlib.Path, repository: pathlib.Path) -> None:
    """1.0.0, started, and 1.1.0 on trial, with a file of the user's; `vsekai update` from a web host."""
    with web_host(repository) as url:
        update_twice(out, url)


def update_twice(out: pathlib.Path, url: str) -> None:
    game = WORK / "install"
    words = ["update", game, "--platform", PLATFORM, "--no-shared-cache"]
    vsekai(*words, "--repository", url, "--trust-root", WORK / "keys/root.json", "--version", "1.0.0")
    vsekai("launch", game)
    # Files that the game and the user have written since.
    write(game / "versions" / os.readlink(game / "current").split("/")[-1] / "settings.cfg", "volume=3\n")
    write(game / "current/screenshot.txt", "mine\n")
    vsekai(*words, "--version", "1.1.0")
    shutil.copytree(game, out / "install", symlinks=True)
    # A state with all of its fields: registered with a desktop, and rolled back.
    home = {"XDG_DATA_HOME": str(WORK / "home/data"), "XDG_CONFIG_HOME": str(WORK / "home/config")}
    vsekai("integrate", game, env=home)
    vsekai("rollback", game)
    write(out / "documents/state.json", (game / ".vsekai/state.json").read_bytes())


def make_documents(out: pathlib.Path) -> None:
    """Files that no repository contains: an index of a blob, and what an extract leaves next to its destination."""
    blob, store = WORK / "build-1.1.0/bin/engine", WORK / "store"
    vsekai("store", "make", "--store", store, "--chunk-size", "1:4:16", WORK / "engine.caibx", blob)
    write(out / "documents/engine.caibx", (WORK / "engine.caibx").read_bytes())
    vsekai("store", "make", "--store", store, WORK / "tree.caidx", WORK / "build-1.1.0")
    vsekai("store", "extract", "--store", store, WORK / "tree.caidx", WORK / "extracted")
    write(out / "documents/receipt", (WORK / ".extracted.vsekai/receipt").read_bytes())
    write(out / "documents/receipt.caidx", (WORK / "tree.caidx").read_bytes())


@contextlib.contextmanager
def serving(data: pathlib.Path):
    """A running server: its address and, at its first start, its first token."""
    has_begun = data.exists()
    words = ["--data", data, "--listen", "127.0.0.1:0", "--set", "probe_every_s=0", "--set", "bundles=false", "--set", "log=warn"]
    with subprocess.Popen([*faketime(PUBLISHED), BIN / "vsekai-server", "serve", *words], env=environment(),
                          stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            url = server.stdout.readline().strip().removeprefix("Listening at ")
            said = "" if has_begun else server.stdout.readline().strip().removeprefix("Admin token in ")
            yield url, pathlib.Path(said).read_text().strip() if said else ""
        finally:
            # faketime is the parent of the listening process.
            os.killpg(server.pid, signal.SIGTERM)


def ask(method: str, url: str, token: str, body: object) -> None:
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), head, method=method)
    DIRECT.open(request).read()


def make_server(out: pathlib.Path) -> None:
    """The data of a server after `vsekai publish --server` and calls of its API; and its keys."""
    data = WORK / "server"
    with serving(data) as (url, token):
        keys = WORK / "server-publisher"
        make_keys(keys, "stable", "beta", online=url)
        for number, version in enumerate(["1.0.0", "1.1.0"], 1):
            words = ["--mode", "stable", "--version", version, "--platform", PLATFORM, "--entry", "game"]
            vsekai("publish", small_build(number), *words, "--chunk-size", "1:2:4", "--server", url, "--keys", keys,
                   env={"VSEKAI_TOKEN": token}, clock=SIGNED)
        api = f"{url}/api/v1"
        ask("PATCH", f"{api}/modes/stable", token, {"description": "For everybody"})
        ask("PATCH", f"{api}/modes/beta", token, {"is_active": False, "update_to": "stable"})
        ask("POST", f"{api}/cdns", token, {"name": "Tokyo", "uri": "https://tokyo.example.org/", "region": "jp"})
        ask("POST", f"{api}/tokens", token, {"name": "nightly", "scopes": ["publish:beta"]})
        leave_unfinished(url, token)
        write(WORK / "token", token + "\n")
    run(PUBLISHED, "vsekai-server", "bundle", "build", "--effort", "fast", "--now", "--data", data)
    with serving(data) as (url, _):
        ask_for_delta(url, data)
    run(PUBLISHED, "vsekai-server", "backup", "--data", data, WORK / "server.db")
    shutil.copytree(data / "keys", out / "server/keys")
    write(out / "server/admin-token", (WORK / "token").read_bytes())
    shutil.copytree(WORK / "server-publisher", out / "server/publisher-keys")
    make_migrations(out)


def leave_unfinished(url: str, token: str) -> None:
    """A publication with a document, and with a chunk that existed before."""
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    chunk = min((WORK / "store").rglob("*.cacnk"), key=lambda path: (path.stat().st_size, path.name))
    stored = f"{url}/store/{chunk.stem[:4]}/{chunk.name}"
    DIRECT.open(urllib.request.Request(stored, chunk.read_bytes(), head, method="PUT")).read()
    upload = {"id": UPLOAD, "mode": "beta", "version": "2.0.0", "platform": PLATFORM}
    ask("POST", f"{url}/api/v1/publications", token, upload)
    ask("POST", f"{url}/api/v1/publications/{UPLOAD}/missing", token, {"ids": [chunk.stem, "ab" * 32]})
    index = f"{url}/api/v1/publications/{UPLOAD}/documents/index"
    DIRECT.open(urllib.request.Request(index, (WORK / "engine.caibx").read_bytes(), head, method="PUT")).read()


def ask_for_delta(url: str, data: pathlib.Path) -> None:
    """A client that updates from 1.0.0. The server counts it, and saves the count after a minute."""
    named = "SELECT file_checksum_hash FROM files WHERE file_name = 'index.caidx' ORDER BY id"
    with sqlite3.connect(data / "vsekai.db") as database:
        (old,), (new,) = database.execute(named).fetchall()
        DIRECT.open(f"{url}/bundles/{new}.json?from={old}").read()
        for _ in range(120):
            if database.execute("SELECT count(*) FROM bundle_asks").fetchone()[0]:
                return
            time.sleep(1)
    sys.exit("error: nobody has counted who comes from where")


def make_migrations(out: pathlib.Path) -> None:
    """The database after each migration: its tables, with the rows of the newest database."""
    newest = sqlite3.connect(WORK / "server.db")
    texts = sorted((ROOT / "server/migrations").glob("*.sql"))
    tables = [name for (name,) in newest.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    empty = [name for name in tables if not newest.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
    if empty:
        sys.exit(f"error: tables without rows prove nothing: {empty}")
    for level, text in enumerate(texts, 1):
        path = WORK / f"{text.stem}.db"
        made = sqlite3.connect(path, isolation_level=None)
        made.execute("PRAGMA page_size = 8192")
        made.execute("PRAGMA journal_mode = WAL")
        (noted,) = newest.execute("SELECT sql FROM sqlite_master WHERE name = '_sqlx_migrations'").fetchone()
        made.execute(noted)
        for earlier in texts[:level]:
            made.executescript(earlier.read_text())
        made.execute("ATTACH ? AS newest", [str(WORK / "server.db")])
        made.execute("DELETE FROM newest.leases")
        made.execute("INSERT INTO _sqlx_migrations SELECT * FROM newest._sqlx_migrations WHERE version <= ?", [level])
        for (table,) in made.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table != "_sqlx_migrations":
                made.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM newest.{table}")
        made.execute("DETACH newest")
        made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        made.close()
        pack(path, out / f"server/migrations/{text.stem}.db.zst")
    newest.close()
    pack(WORK / "server.db", out / "server/server.db.zst")


def pack(path: pathlib.Path, to: pathlib.Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["zstd", "-q", "-19", path, "-o", to], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="of the release whose formats these are, such as 0.2")
    out = ROOT / f"tests/fixtures/v{parser.parse_args().version}"
    if out.exists():
        sys.exit(f"error: {out} is there; what was frozen is never written again")
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "home").mkdir(parents=True)
    os.umask(0o022)
    with tempfile.TemporaryDirectory(dir=out.parent) as made:
        new = pathlib.Path(made) / "new"
        new.mkdir()
        repository = make_repository(new)
        make_install(new, repository)
        make_documents(new)
        make_server(new)
        new.rename(out)
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
