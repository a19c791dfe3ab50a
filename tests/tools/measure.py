"""What the benches of update sizes share: running a command and measuring it, serving files, comparing trees."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections import namedtuple
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
REPO = TOOLS.parents[1]
MIB = 1 << 20

# Wall time; user and system time; the most memory that one process of it had; what it printed.
Sample = namedtuple("Sample", "seconds cpu_seconds peak_bytes output")


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def measured(*command, limit=None, may_fail=False, **options):
    """Runs a command that must succeed, a pipe as a list that begins with "sh"; None if it took over `limit` seconds.

    Memory is the largest process's, as wait4 counts it: that of a pipe is the larger one of its ends.
    """
    command = [str(part) for part in command]
    log = options.pop("log", None) or Path(os.environ.get("TMPDIR", "/tmp")) / f"measure-{os.getpid()}.log"
    begin = time.monotonic()
    with open(log, "w+", encoding="utf-8", errors="replace") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG if limit else 0)
            if pid:
                break
            if time.monotonic() - begin > limit:
                os.killpg(child.pid, signal.SIGKILL)
                os.wait4(child.pid, 0)
                child.returncode = -9
                return None
            time.sleep(0.005)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    log.unlink()
    if child.returncode != 0 and not may_fail:
        sys.exit(f"{command} failed:\n{text[-2000:]}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text)


def fresh(folder):
    """The folder, empty."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def sizes(tree):
    """Sizes of the files of a tree by path."""
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
    """The chunk ids of an index of desync: 40 bytes for each chunk, after 64 of headers and before 40 of tail."""
    data = Path(index).read_bytes()
    return [data[at + 8 : at + 40].hex() for at in range(64, len(data) - 40, 40)]


def chunk_path(store, chunk_id):
    return Path(store) / chunk_id[:4] / f"{chunk_id}.cacnk"


def sizes_of_chunks(index):
    data = Path(index).read_bytes()
    return [struct.unpack_from("<Q", data, at)[0] for at in range(64, len(data) - 40, 40)]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Nginx:
    """Serves a folder and counts what was asked for."""

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
    """A far and narrow way to a server: 50 ms round trip, 50 Mbit/s."""

    def __init__(self, port):
        command = [sys.executable, str(TOOLS / "slow_line.py"), str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
