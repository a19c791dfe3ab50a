"""Shared by the benchmarks of update sizes: runs and measures commands, serves files, compares trees."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import namedtuple
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
REPO = TOOLS.parents[1]
MIB = 1 << 20

# Wall time; user and system time; peak memory of the largest process; stdout.
Sample = namedtuple("Sample", "seconds cpu_seconds peak_bytes output")


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def measured(*command, limit=None, may_fail=False, env=None):
    """Runs a command, which must succeed; returns None if it took more than `limit` seconds.

    Memory is that of the largest process, also in a pipe of `sh -c`. GNU time measures it, because a child of this
    program would start with this program's memory.
    """
    command, place = [str(part) for part in command], Path(tempfile.mkdtemp(prefix="measure-"))
    timed = ["/usr/bin/time", "--quiet", "-o", str(place / "usage"), "-f", "%U %S %M", *command]
    begin = time.monotonic()
    try:
        with open(place / "stdout", "w+b") as stdout, open(place / "stderr", "w+b") as stderr:
            child = subprocess.Popen(timed, stdout=stdout, stderr=stderr, start_new_session=True, env=env)
            try:
                child.wait(limit)
            except BaseException as stopped:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                if isinstance(stopped, subprocess.TimeoutExpired):
                    return None
                raise
            seconds = time.monotonic() - begin
        output, errors = ((place / each).read_text(errors="replace") for each in ("stdout", "stderr"))
        if child.returncode != 0 and not may_fail:
            sys.exit(f"{command} failed:\n{output[-2000:]}\n{errors[-2000:]}")
        user, system, peak = (place / "usage").read_text().split()[-3:]
    finally:
        shutil.rmtree(place)
    return Sample(seconds, float(user) + float(system), int(peak) * 1024, output)


def fresh(folder):
    """Empties or creates the folder, and returns it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def sizes(tree):
    """The sizes of a tree's files, by path."""
    return {
        str(path.relative_to(tree)): path.stat().st_size
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def must_be_equal(one, other):
    differences = measured("diff", "-rq", "--no-dereference", one, other, may_fail=True)
    if differences.output:
        sys.exit(f"{one} and {other} differ:\n{differences.output[:2000]}")


def ids_of(index):
    """The chunk ids of a desync index: 40 bytes per chunk, between 64 bytes of headers and 40 of tail."""
    data = Path(index).read_bytes()
    return [data[at + 8 : at + 40].hex() for at in range(64, len(data) - 40, 40)]


def chunk_path(store, chunk_id):
    return Path(store) / chunk_id[:4] / f"{chunk_id}.cacnk"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Nginx:
    """Serves a folder and counts requests."""

    def __init__(self, folder, scratch):
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            sys.exit("error: nginx is not there\n\nhint: run ./run setup test")
        self.port, place = free_port(), fresh(scratch / "nginx")
        self.url, self.log = f"http://127.0.0.1:{self.port}", place / "access.log"
        temporary = "".join(
            f"{kind}_temp_path {place}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root; " if os.geteuid() == 0 else ""
        (place / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; {user}pid {place}/pid; error_log {place}/error.log;\n"
            "events { worker_connections 4096; }\n"
            f"http {{ log_format counted '$status $body_bytes_sent $uri'; access_log {self.log} counted; {temporary}\n"
            "sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;\n"
            f"server {{ listen 127.0.0.1:{self.port} backlog=2048; root {folder}; }} }}\n"
        )
        command = [program, "-e", place / "error.log", "-c", place / "nginx.conf"]
        self.process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url + "/", timeout=5).close()
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.05)
            else:
                break
        self.seen()

    def seen(self):
        """(status, body bytes, path) of each request since the last call."""
        time.sleep(0.05)
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return [(int(status), int(size), path) for status, size, path in (line.split(" ", 2) for line in lines)]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class SlowLine:
    """A slow connection to a server: 50 ms round trip, 50 Mbit/s."""

    def __init__(self, port):
        command = [sys.executable, str(TOOLS / "slow_line.py"), str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
