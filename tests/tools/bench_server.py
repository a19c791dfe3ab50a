#!/usr/bin/env -S python3 -B
"""Measures vsekai-server against nginx and `desync chunk-server` on the same chunks, in the same run.

bench_server.py [--rounds N] [--seconds N] [--write FILE] [--only hot,cold,postgres,check,publish,memory,missing,copy]

The server runs on the first core and wrk on the second. It compares requests per second of the server's CPU time (of all
its processes, from /proc), as the median of rounds in which all servers take turns. Chunks are the real game's if
VSEKAI_TEST_DATA names it, or generated noise. Rows say what is missing on this machine.

`copy` compares `vsekai-server copy` from SQLite to PostgreSQL with a program that reads the same rows from SQLite and
writes them into the same tables, with their keys and indexes, by COPY in binary, without comparing what arrived.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

from pg_copy import write_rows

REPO = Path(__file__).resolve().parents[2]
RELEASE = REPO / "rust/target/release"
CONNECTIONS = 64
TICKS = os.sysconf("SC_CLK_TCK")


def ran(*command, **options):
    """Runs a command, which must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def cpu_seconds(pid):
    """User and system time of a process and its living children."""
    pids = [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if children.exists():
        pids += [int(child) for child in children.read_text().split()]
    return sum(cpu_alone(each) for each in pids)


def cpu_alone(pid):
    """User and system time of a process; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


class Server:
    """A program that answers requests, on the first core."""

    def __init__(self, name, command, url, cores="0", **options):
        self.name, self.url = name, url
        command = ["taskset", "-c", cores, *map(str, command)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)

    def wait(self, path):
        for _ in range(200):
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                    return answer.read()
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{self.name} does not answer")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Ours(Server):
    """vsekai-server on a folder."""

    def __init__(self, folder, *settings, cores="0"):
        pairs = [part for setting in settings for part in ("--set", setting)]
        command = [RELEASE / "vsekai-server", "serve", "--listen", "127.0.0.1:0", "--data", folder, *pairs]
        super().__init__("vsekai-server", command, "", cores)
        self.url = self.process.stdout.readline().removeprefix("Listening at ").strip()
        self.token = None
        if not (folder / "token").exists():
            line = self.process.stdout.readline()
            (folder / "token").write_text(Path(line.removeprefix("Admin token in ").strip()).read_text().strip())
        self.token = (folder / "token").read_text()


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch, self.rows = options, scratch, []
        self.find_chunks()

    def find_chunks(self):
        data = os.environ.get("VSEKAI_TEST_DATA")
        if data:
            self.data, self.index = Path(data), Path(data) / "linux_2023-04-10.caidx"
            self.store, self.entry = self.data / "store", "v_sekai_linuxbsd"
            self.shown = "the real V-Sekai game"
        else:
            print("SKIPPED: VSEKAI_TEST_DATA is not set: 64 MiB of noise stand in for the game", file=sys.stderr)
            tree = self.scratch / "tree"
            tree.mkdir()
            (tree / "game").write_bytes(b"#!/bin/sh\n")
            (tree / "game").chmod(0o755)
            (tree / "world.pck").write_bytes(os.urandom(64 << 20))
            self.store, self.index, self.entry = self.scratch / "store", self.scratch / "game.caidx", "game"
            ran(RELEASE / "vsekai", "store", "make", "--store", self.store, self.index, tree)
            self.shown = "64 MiB of noise"
        self.paths = [f"{path.parent.name}/{path.name}" for path in self.store.glob("????/*.cacnk")]
        random.Random(1).shuffle(self.paths)
        self.bytes = sum((self.store / path).stat().st_size for path in self.paths)

    def row(self, case, measured, bar, is_met):
        verdict = "—" if is_met is None else ("met" if is_met else "**missed**")
        self.rows.append(f"| {case} | {measured} | {bar} | {verdict} |")
        print(self.rows[-1], file=sys.stderr)

    def wrk(self, url, paths, connections=CONNECTIONS, seconds=None):
        """Number of successful requests, and the seconds they took."""
        script = self.scratch / "wrk.lua"
        listed = ",".join(json.dumps(path) for path in paths)
        script.write_text(
            f"local paths = {{{listed}}}\nlocal at = 0\n"
            "init = function() math.randomseed(os.time()) at = math.random(#paths) end\n"
            "request = function() at = at % #paths + 1 return wrk.format('GET', paths[at]) end\n"
            "done = function(summary) io.write(string.format('RESULT %d %d %d %d\\n', summary.requests, "
            "summary.errors.status, summary.errors.read + summary.errors.connect + summary.errors.timeout, "
            "summary.duration)) end\n"
        )
        seconds = seconds or self.options.seconds
        command = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", script, url]
        for line in ran(*command).splitlines():
            if line.startswith("RESULT"):
                requests, bad, broken, micros = map(int, line.split()[1:])
                if bad or broken > requests // 1000:
                    sys.exit(f"{url}: {bad} bad answers and {broken} broken ones of {requests}")
                return requests, micros / 1e6
        sys.exit("wrk said nothing")

    def per_cpu_second(self, server, paths):
        before = cpu_seconds(server.process.pid)
        requests, _ = self.wrk(server.url, paths)
        return requests / (cpu_seconds(server.process.pid) - before)

    def contest(self, contenders):
        """Medians of requests per CPU-second, and of the rounds' ratios to the first."""
        rounds = []
        for server, paths in contenders:
            self.wrk(server.url, paths, seconds=2)
        for _ in range(self.options.rounds):
            rounds.append([self.per_cpu_second(server, paths) for server, paths in contenders])
        rates = [statistics.median(column) for column in zip(*rounds)]
        ratios = [statistics.median(each[0] / each[at] for each in rounds) for at in range(len(contenders))]
        return rates, ratios

    def nginx(self):
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not program:
            return None
        port, folder = free_port(), self.scratch / "nginx"
        folder.mkdir(exist_ok=True)
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; user root; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events { worker_connections 4096; }\n"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n"
            f"server {{ listen 127.0.0.1:{port} backlog=2048; location /store/ {{ alias {self.store}/; }} }} }}\n"
        )
        server = Server("nginx", [program, "-c", folder / "nginx.conf"], f"http://127.0.0.1:{port}")
        server.wait("/store/" + self.paths[0])
        return server

    def desync(self):
        program = shutil.which("desync")
        if not program:
            return None
        port = free_port()
        command = [program, "chunk-server", "-s", self.store, "-l", f"127.0.0.1:{port}"]
        server = Server("desync chunk-server", command, f"http://127.0.0.1:{port}")
        server.wait("/" + self.paths[0])
        return server

    def filled(self):
        """A folder with a database that has all chunks."""
        folder = self.scratch / "filled"
        if not folder.exists():
            ran(RELEASE / "vsekai-server", "import", self.store, "--data", folder)
        return folder

    def chunks(self, case, settings, bars):
        ours = Ours(self.filled(), *settings)
        others = [(self.nginx(), "/store/"), (self.desync(), "/")]
        contenders = [(ours, ["/store/" + path for path in self.paths])]
        contenders += [(server, [prefix + path for path in self.paths]) for server, prefix in others if server]
        try:
            rates, ratios = self.contest(contenders)
        finally:
            for server, _ in contenders:
                server.stop()
        found = {server.name: (rate, ratio) for (server, _), rate, ratio in zip(contenders, rates, ratios)}
        for name, bar in bars.items():
            if name in found:
                rate, ratio = found[name]
                shown = f"{ratio:.2f} × {name} ({rates[0]:,.0f} against {rate:,.0f} a CPU-second)"
                self.row(case, shown, f"≥ {bar}", ratio >= bar)
            else:
                self.row(case, f"skipped: no {name}", f"≥ {bar}", None)

    def hot(self):
        settings = ["chunk_cache_mib=1024", "clean_every_min=0", "probe_every_s=0", "log=warn"]
        self.chunks("chunk GET, hot, per CPU-second", settings, {"nginx": 0.5, "desync chunk-server": 2.5})

    def cold(self):
        settings = ["chunk_cache_mib=0", "clean_every_min=0", "probe_every_s=0", "log=warn"]
        self.chunks("chunk GET, no cache, SQLite", settings, {"desync chunk-server": 1.0})

    def postgres(self):
        """Chunks from PostgreSQL, whose processes count, too."""
        url = os.environ.get("TEST_POSTGRES_URL")
        if not url:
            self.row("chunk GET, no cache, PostgreSQL", "skipped: no TEST_POSTGRES_URL", "none", None)
            return
        folder, database = self.scratch / "postgres", f"database={url}"
        ran(RELEASE / "vsekai-server", "import", self.store, "--data", folder, "--set", database)
        server = Ours(folder, database, "chunk_cache_mib=0", "clean_every_min=0", "probe_every_s=0", "log=warn")

        def cpu():
            running = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
            return sum(cpu_alone(pid) for pid in running if pid == server.process.pid or name_of(pid) == "postgres")

        rates = []
        try:
            self.wrk(server.url, ["/store/" + path for path in self.paths], seconds=2)
            for _ in range(self.options.rounds):
                before = cpu()
                requests, _ = self.wrk(server.url, ["/store/" + path for path in self.paths])
                rates.append(requests / (cpu() - before))
        finally:
            server.stop()
        shown = f"{statistics.median(rates):,.0f} a CPU-second, that of the database included"
        self.row("chunk GET, no cache, PostgreSQL", shown, "none", None)

    def publisher(self, folder, *where):
        command = [RELEASE / "vsekai", "--json", "publish", "--from-index", self.index, "--from-store", self.store]
        return [*command, "--mode", "stable", "--version", "1.0.0", "--platform", "linux-x86_64", "--entry", self.entry,
                "--keys", folder / "keys", *where]

    def published(self, publisher_cores="0-1", server_cores="0-1"):
        """A server with the game, and how long publishing it took, then again; and how long the same took for a folder."""
        folder = self.scratch / f"publish-{time.monotonic_ns()}"
        folder.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*"}
        tree = folder / "tree"
        ran(RELEASE / "vsekai", "store", "extract", "--no-shared-cache", "--store", self.store, self.index, tree)
        ran(RELEASE / "vsekai", "keys", "init", folder / "folder-keys", env=environment)
        common = ["--mode", "stable", "--version", "1.0.0", "--platform", "linux-x86_64", "--entry", self.entry]

        def timed(*command):
            begin = time.monotonic()
            ran("taskset", "-c", publisher_cores, *command, env=environment)
            return time.monotonic() - begin

        publish = [RELEASE / "vsekai", "--json", "publish", tree, *common]
        # A server builds bundles by itself, after the publication.
        in_folder = ["--repository", folder / "repository", "--keys", folder / "folder-keys", "--delta-from", "0"]
        to_folder = timed(*publish, *in_folder)
        server = Ours(folder / "server", "clean_every_min=0", "probe_every_s=0", "log=warn", cores=server_cores)
        environment["VSEKAI_TOKEN"] = server.token
        ran(RELEASE / "vsekai", "keys", "init", folder / "keys", "--online", server.url, env=environment)
        to_server = [*publish, "--server", server.url, "--keys", folder / "keys"]
        return server, timed(*to_server), timed(*to_server), to_folder

    def publish(self):
        # As in real life, with a machine for each; then with both on the same cores, which then do the work of both.
        for cores, where in ((("0", "1"), "a core each"), (("0-1", "0-1"), "both on two cores")):
            rounds = []
            for _ in range(self.options.rounds):
                server, first, again, to_folder = self.published(*cores)
                server.stop()
                rounds.append((first / to_folder, again, first, to_folder))
            ratio, again, first, to_folder = (statistics.median(column) for column in zip(*rounds))
            shown = f"{ratio:.2f} × ({first:.2f} s against {to_folder:.2f} s)"
            self.row(f"publish through the API, against a folder, {where}", shown, "≤ 1.2", ratio <= 1.2)
            self.row("the same with nothing new", f"{again:.2f} s", "≤ 0.3 s", again <= 0.3)

    def check(self):
        server, *_ = self.published()
        server.stop()
        folder = Path(server.process.args[server.process.args.index("--data") + 1])
        server = Ours(folder, "clean_every_min=0", "probe_every_s=0", "log=warn")
        try:
            rates, _ = self.contest([(server, ["/tuf/timestamp.json"])])
        finally:
            server.stop()
        self.row("update check", f"{rates[0]:,.0f} a CPU-second", "≥ 20,000", rates[0] >= 20_000)

    def memory(self):
        server = Ours(self.filled(), "clean_every_min=0", "probe_every_s=0", "log=warn")
        try:
            requests, _ = self.wrk(server.url, ["/store/" + path for path in self.paths], connections=1000, seconds=10)
            status = Path(f"/proc/{server.process.pid}/status").read_text()
        finally:
            server.stop()
        peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
        shown = f"{peak:.0f} MiB, its cache of 128 MiB included ({requests:,} chunks in 10 s)"
        self.row("peak memory, 1,000 connections pulling chunks", shown, "≤ 256 MiB", peak <= 256)

    def missing(self):
        folder = self.scratch / "million"
        ran(RELEASE / "vsekai-server", "migrate", "--data", folder)
        ids = [os.urandom(32) for _ in range(1_000_000)]
        with sqlite3.connect(folder / "vsekai.db") as database:
            columns = "id, size, stored_size, keep_until"
            rows = ((each, 65536, 40000, 0) for each in ids)
            database.executemany(f"INSERT INTO chunks ({columns}) VALUES (?, ?, ?, ?)", rows)
            # A server does not start with a database whose chunks are somewhere else.
            database.execute("INSERT INTO chunk_data (id, bytes) SELECT id, x'00' FROM chunks")
        database.close()
        server = Ours(folder, "clean_every_min=0", "probe_every_s=0", "log=warn", cores="0-1")
        try:
            upload = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11"
            new = {"id": upload, "mode": "stable", "version": "1.0.0", "platform": "linux-x86_64"}
            self.post(server, "/api/v1/publications", new)
            times = []
            for round_ in range(max(5, self.options.rounds)):
                asked = random.Random(round_).sample(ids, 2500) + [os.urandom(32) for _ in range(2500)]
                begin = time.monotonic()
                reply = self.post(server, f"/api/v1/publications/{upload}/missing", {"ids": [each.hex() for each in asked]})
                times.append(time.monotonic() - begin)
                assert len(reply["missing"]) == 2500, len(reply["missing"])
        finally:
            server.stop()
        median = statistics.median(times) * 1000
        shown = f"{median:.0f} ms (half of them there, and pinned by it; the request included)"
        self.row("missing-query of 5,000 ids among 1,000,000", shown, "≤ 100 ms", median <= 100)

    def many_versions(self, count):
        """An SQLite database with this many versions, each with a few bytes of the largest file changed."""
        folder = self.scratch / "versions"
        folder.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*"}
        tree = folder / "tree"
        ran(RELEASE / "vsekai", "store", "extract", "--no-shared-cache", "--store", self.store, self.index, tree)
        largest = max((path for path in tree.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        server = Ours(folder / "server", "bundles=false", "clean_every_min=0", "probe_every_s=0", "log=warn", cores="0-1")
        environment["VSEKAI_TOKEN"] = server.token
        try:
            ran(RELEASE / "vsekai", "keys", "init", folder / "keys", "--online", server.url, env=environment)
            for number in range(count):
                with largest.open("r+b") as file:
                    file.seek(random.Random(number).randrange(largest.stat().st_size - 64))
                    file.write(random.Random(-number).randbytes(64))
                ran(RELEASE / "vsekai", "--json", "publish", tree, "--mode", "stable", "--version", f"1.{number}.0",
                    "--platform", "linux-x86_64", "--entry", self.entry, "--server", server.url, "--keys", folder / "keys",
                    env=environment)
        finally:
            server.stop()
        return folder / "server/vsekai.db"

    def psql(self, database, sql):
        return ran("psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-", database, input=sql)

    def empty_database(self):
        """A new database that has the tables already."""
        url = urllib.parse.urlsplit(os.environ["TEST_POSTGRES_URL"])
        name = f"bench_{uuid.uuid4().hex}"
        self.psql(url.geturl(), f"CREATE DATABASE {name}")
        database = url._replace(path=f"/{name}").geturl()
        ran(RELEASE / "vsekai-server", "migrate", "--data", self.scratch / "migrated", "--database", database)
        return database

    def copied_plainly(self, source, database):
        """Seconds to read all rows from SQLite and to write them by COPY."""
        listed = self.psql(database, "SELECT table_name, column_name, data_type FROM information_schema.columns "
                                     "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position")
        columns = {}
        for line in listed.splitlines():
            table, column, kind = line.split("\t")
            columns.setdefault(table, []).append((column, kind))
        rows = sqlite3.connect(source, check_same_thread=False)
        known = {name for name, in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables = [table for table in columns if table in known and not table.startswith("_")]
        # Tables of their own: those of the server have rows already.
        copies = (f"CREATE TABLE plain.{table} (LIKE public.{table} INCLUDING ALL);" for table in tables)
        self.psql(database, "CREATE SCHEMA plain;" + "".join(copies))
        pipe = self.scratch / "rows"
        script = []
        for number, table in enumerate(tables):
            os.mkfifo(f"{pipe}{number}")
            names = ", ".join(f'"{name}"' for name, _ in columns[table])
            script.append(f"\\copy plain.{table} ({names}) FROM '{pipe}{number}' WITH (FORMAT binary)\n")

        def write():
            for number, table in enumerate(tables):
                with open(f"{pipe}{number}", "wb", buffering=1 << 20) as file:
                    write_rows(file, rows, table, columns[table])

        begin = time.monotonic()
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        self.psql(database, "".join(script))
        writer.join()
        took = time.monotonic() - begin
        rows.close()
        for number in range(len(tables)):
            os.unlink(f"{pipe}{number}")
        return took

    def copy(self):
        if not os.environ.get("TEST_POSTGRES_URL") or not shutil.which("psql"):
            return self.row("copy of 20 versions to PostgreSQL", "skipped: no PostgreSQL", "≤ 2", None)
        source = self.many_versions(20)
        rounds = []
        for _ in range(self.options.rounds):
            database = self.empty_database()
            begin = time.monotonic()
            ran(RELEASE / "vsekai-server", "copy", "--from", f"sqlite:{source}", "--to", database)
            ours = time.monotonic() - begin
            plain = self.copied_plainly(source, self.empty_database())
            rounds.append((ours / plain, ours, plain))
        ratio, ours, plain = (statistics.median(column) for column in zip(*rounds))
        size = source.stat().st_size / 1e6
        shown = f"{ratio:.2f} × reading the rows and writing them by COPY ({ours:.2f} s against {plain:.2f} s, {size:.0f} MB)"
        self.row("copy of 20 versions from SQLite to PostgreSQL, compared", shown, "≤ 2", ratio <= 2)

    def post(self, server, path, body):
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = ["hot", "cold", "postgres", "check", "publish", "memory", "missing", "copy"]
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--only", default=",".join(cases))
    options = parser.parse_args()
    if "copy" in options.only.split(",") and not os.environ.get("VSEKAI_ASKED_POSTGRES"):
        os.environ["VSEKAI_ASKED_POSTGRES"] = "1"
        postgres = REPO / "tests/tools/postgres.sh"
        os.execv(postgres, [str(postgres), sys.executable, "-B", str(Path(__file__).resolve()), *sys.argv[1:]])
    if not shutil.which("wrk"):
        print("SKIPPED: wrk is not installed: the server is not measured", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="vsekai-bench-server-") as scratch:
        bench = Bench(options, Path(scratch))
        for case in options.only.split(","):
            getattr(bench, case)()
    table = "\n".join(["| case | measured | bar | |", "|---|---|---|---|", *bench.rows])
    table += (
        f"\n\nMedians of {options.rounds} rounds of {options.seconds} s, {CONNECTIONS} connections; the server on one core, "
        f"wrk on the other. Data: {bench.shown}, {len(bench.paths)} chunks of "
        f"{bench.bytes / len(bench.paths) / 1000:.0f} KB in the mean.\n"
        f"Command: `tests/tools/bench_server.py --rounds {options.rounds} --seconds {options.seconds}`\n"
    )
    print(table)
    if options.write:
        options.write.write_text(table)


main()
