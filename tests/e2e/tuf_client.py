#!/usr/bin/env -S python3 -B
"""python-tuf, TUF's reference implementation, reads our repositories: those of `vsekai publish` and of the server.

    tests/tools/tuftools.sh                    prints a Python that has python-tuf
    $(tests/tools/tuftools.sh) tests/e2e/tuf_client.py

Knows no more of the repository than TUF says: the URLs of metadata and targets, and the first root.json. After each
publication and each replaced key, a client that has followed all the time and a new one refresh and fetch every target.
Names of targets are not part of TUF's protocol; they are read from the verified metadata of the delegated roles.
"""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import Updater

from world import program

ROLES = ["root", "targets", "snapshot", "timestamp", "catalog", "stable", "beta"]
WORK = Path(tempfile.mkdtemp(prefix="vsekai-tuf-"))


def run(name, *arguments, **environment):
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "NO_PROXY": "*", **environment})
    if done.returncode != 0:
        sys.exit(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(number):
    tree = WORK / f"build-{number}"
    tree.mkdir(exist_ok=True)
    (tree / "game").write_text(f"#!/bin/sh\necho {number}\n")
    (tree / "game").chmod(0o755)
    (tree / "world.pck").write_bytes(bytes(number) + b"world" * 20_000)
    return tree


class Client:
    """A python-tuf client with its own metadata and targets."""

    def __init__(self, name, url, root):
        self.folder, self.url, self.root = WORK / name, url, root
        (self.folder / "metadata").mkdir(parents=True)

    def read(self):
        """Refreshes, and fetches every target. Returns their names."""
        targets = self.folder / "targets"
        shutil.rmtree(targets, ignore_errors=True)
        targets.mkdir()
        updater = Updater(metadata_dir=str(self.folder / "metadata"), metadata_base_url=f"{self.url}/tuf/",
                          target_dir=str(targets), target_base_url=f"{self.url}/targets/", bootstrap=self.root)
        updater.refresh()
        names = self.names(updater)
        for number, name in enumerate(sorted(names)):
            info = updater.get_targetinfo(name)
            if info is None:
                sys.exit(f"python-tuf finds no target {name}")
            # Checks length and digests.
            updater.download_target(info, filepath=str(targets / str(number)))
        return names

    def names(self, updater):
        # A search for a name that nobody lists reads every role that could list it.
        for role in ROLES[4:]:
            name = "catalog.json" if role == "catalog" else f"{role}/none/none/none"
            updater.get_targetinfo(name)
        found = set()
        for role in ROLES[4:]:
            file = self.folder / "metadata" / f"{role}.json"
            if file.exists():
                found |= set(Metadata[Targets].from_file(str(file)).signed.targets)
        return found


class Repository:
    """A repository at a URL, and the clients that follow it."""

    def __init__(self, name, url, root):
        self.name, self.url, self.root = name, url, root
        self.old = Client(f"{name}-old", url, root)
        self.count = 0

    def check(self, after, at_least):
        self.count += 1
        followed = self.old.read()
        new = Client(f"{self.name}-new-{self.count}", self.url, self.root).read()
        if followed != new or len(new) < at_least:
            sys.exit(f"{self.name}, {after}: {sorted(followed)} and {sorted(new)}")
        print(f"{self.name}: {after}: {len(new)} targets", flush=True)


def serve(folder):
    quiet = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    quiet.func.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def publish(mode, version, number, keys, *where, **environment):
    run("vsekai", "publish", build(number), "--mode", mode, "--version", version, "--entry", "game", "--keys", keys,
        "--quiet", *where, **environment)


def of_publish():
    keys, folder = WORK / "keys", WORK / "repository"
    run("vsekai", "keys", "init", keys, "--mode", "stable", "--mode", "beta")
    here = ["--repository", folder, "--delta-from", "1"]
    root = (keys / "root.json").read_bytes()
    publish("stable", "1.0.0", 1, keys, *here)
    repository = Repository("publish", serve(folder), root)
    repository.check("a first version", 4)
    publish("beta", "2.0.0-beta.1", 2, keys, *here)
    publish("stable", "1.1.0+b2", 3, keys, *here)
    repository.check("two modes", 10)
    for role in ROLES:
        run("vsekai", "keys", "rotate", keys, role)
        run("vsekai", "repository", "renew", "--repository", folder, "--keys", keys)
        repository.check(f"a new key of {role}", 10)
    run("vsekai", "keys", "add-key", keys, "root")
    run("vsekai", "keys", "threshold", keys, "root", 2)
    run("vsekai", "repository", "renew", "--repository", folder, "--keys", keys)
    repository.check("two keys of root", 10)
    run("vsekai", "repository", "retire", "--repository", folder, "--keys", keys, "--mode", "beta", "--update-to",
        "stable")
    repository.check("a mode with a successor", 10)
    refuses_a_forgery(folder, repository)


def refuses_a_forgery(folder, repository):
    """The proof that these checks can fail: a changed target and changed metadata."""
    catalog = next((folder / "targets").glob("*.catalog.json"))
    for file in [catalog, next((folder / "tuf").glob("*.snapshot.json"))]:
        kept = {path: path.read_bytes() for path in file.parent.glob(f"*.{file.name.split('.', 1)[1]}")}
        for path, data in kept.items():
            path.write_bytes(data.replace(b"1", b"2", 1))
        try:
            Client(f"forged-{file.name}", repository.url, repository.root).read()
        except RepositoryError as error:
            print(f"refused as it should be: {type(error).__name__}", flush=True)
        else:
            sys.exit(f"a forged {file.name} was not refused")
        for path, data in kept.items():
            path.write_bytes(data)


def of_server():
    data = WORK / "server"
    log = (WORK / "server.log").open("w")
    server = subprocess.Popen([program("vsekai-server"), "serve", "--data", data, "--listen", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, stderr=log, text=True, stdin=subprocess.DEVNULL)
    try:
        lines = [server.stdout.readline() for _ in range(2)]
        url = lines[0].removeprefix("Listening at ").strip()
        token = {"VSEKAI_TOKEN": Path(lines[1].removeprefix("Admin token in ").strip()).read_text().strip()}
        threading.Thread(target=lambda: server.stdout.read(), daemon=True).start()
        keys = WORK / "server-keys"
        run("vsekai", "keys", "init", keys, "--mode", "stable", "--mode", "beta", "--online", url)
        root = (keys / "root.json").read_bytes()
        publish("stable", "1.0.0", 1, keys, "--server", url, **token)
        publish("beta", "2.0.0-beta.1", 2, keys, "--server", url, **token)
        repository = Repository("server", url, root)
        repository.check("two modes", 7)
        for number, role in enumerate(["root", "targets", "stable", "beta"]):
            run("vsekai", "keys", "rotate", keys, role)
            publish("stable", f"1.{number + 1}.0", number + 3, keys, "--server", url, **token)
            repository.check(f"a new key of {role}", 10 + 3 * number)
        run("vsekai", "repository", "retire", "--server", url, "--keys", keys, "--mode", "beta", "--update-to",
            "stable", **token)
        repository.check("a mode with a successor", 10)
    finally:
        server.terminate()
        server.wait(timeout=30)


def main():
    try:
        of_publish()
        of_server()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    main()
