"""The parts of an installation, each on nodes of its own: PostgreSQL with a replica, S3, three servers, nginx."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from cluster_net import SUBNET, address, ran
from systems import REPO, program
from world import wait_until

DATABASE = address(10)
S3 = f"http://{address(30)}:5000"
FRONT = f"http://{address(20)}:8080"
SERVERS = {name: address(number) for name, number in (("server1", 21), ("server2", 22), ("server3", 23))}
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
# The service wants some signature.
SCOPE = "Credential=a/20260101/us-east-1/s3/aws4_request"
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 {SCOPE}, SignedHeaders=host, Signature=0"}


def postgres_programs():
    """The folder of PostgreSQL's programs, which Debian keeps out of PATH; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return found[-1] if found else None


def fetched(node, url, timeout=10):
    """Status and content of a URL, as a node gets it. Status 0: no answer."""
    with node.entered(), contextlib.suppress(OSError, http.client.HTTPException):
        try:
            with urllib.request.urlopen(url, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
    return 0, b""


class Database:
    """A primary, a replica that confirms each commit, and the address of whichever is the primary."""

    def __init__(self, network, folder):
        self._programs = postgres_programs()
        self._folder = folder / "database"
        self._folder.mkdir()
        shutil.chown(self._folder, "postgres", "postgres")
        self._primary, self._other = network.node("database1", 11), network.node("database2", 12)
        self._initialize()
        self._start(self._primary)
        self._primary.take(DATABASE)
        self.add_replica()

    def _data(self, node):
        return self._folder / node.name

    def _as_owner(self, node, name, *words):
        return node.command("setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--",
                            self._programs / name, *words)

    def _initialize(self):
        data = self._data(self._primary)
        ran(*self._as_owner(self._primary, "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust",
                            "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"), cwd=self._folder)
        with (data / "pg_hba.conf").open("a") as rules:
            for what in ("all", "replication"):
                rules.write(f"host {what} all {SUBNET}.0/24 trust\n")

    def _start(self, node):
        # No fsync: what was committed survives on the replica, and killed machines do not come back.
        settings = {"listen_addresses": "*", "unix_socket_directories": "", "fsync": "off", "max_connections": "100",
                    "synchronous_commit": "remote_apply", "logging_collector": "off"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / f"{node.name}.log").open("ab") as log:
            subprocess.Popen(self._as_owner(node, "postgres", "-D", self._data(node), *words), stdin=subprocess.DEVNULL,
                             stdout=log, stderr=log, cwd=self._folder, process_group=0)
        wait_until(f"PostgreSQL on {node.name} does not start", lambda: self._answer(node, "SELECT 1") == "1")

    def _answer(self, node, query):
        done = subprocess.run(self._as_owner(node, "psql", "-h", node.address, "-U", "postgres", "-Atc", query),
                              capture_output=True, text=True, cwd=self._folder)
        return done.stdout.strip() if done.returncode == 0 else None

    def add_replica(self):
        """A new replica on the other node. From now on, no commit is answered before the replica shows it."""
        data = self._data(self._other)
        shutil.rmtree(data, ignore_errors=True)
        source = f"host={self._primary.address} user=postgres application_name=replica"
        ran(*self._as_owner(self._other, "pg_basebackup", "-d", source, "-D", data, "-R", "-X", "stream", "-c", "fast",
                            "--no-sync"), cwd=self._folder)
        # Alone, it would wait for itself.
        settings = data / "postgresql.auto.conf"
        kept = [line for line in settings.read_text().splitlines() if "synchronous_standby_names" not in line]
        settings.write_text("\n".join([*kept, ""]))
        self._start(self._other)
        for command in ("ALTER SYSTEM SET synchronous_standby_names = 'replica'", "SELECT pg_reload_conf()"):
            assert self._answer(self._primary, command) is not None, command
        state = "SELECT sync_state FROM pg_stat_replication"
        wait_until("the replica does not follow", lambda: self._answer(self._primary, state) == "sync")

    def lose_primary(self, is_unplugged):
        """Kills the primary. Unplugged first, it does not even close its connections."""
        if is_unplugged:
            self._primary.plug(False)
        self._primary.kill()

    def promote(self):
        """Makes the replica the primary, and gives it the address."""
        self._primary.leave(DATABASE)
        self._primary, self._other = self._other, self._primary
        ran(*self._as_owner(self._primary, "pg_ctl", "promote", "--wait", "--pgdata", self._data(self._primary)),
            cwd=self._folder)
        self._primary.take(DATABASE)
        self._other.plug(True)


class Bucket:
    """An imitation of S3, which can be slow."""

    def __init__(self, network, folder):
        self._node = network.node("bucket", 30)
        self._node.spawn(folder / "moto.log", "moto_server", "-H", "127.0.0.1", "-p", "5001")
        self._line = self._node.spawn(folder / "line.log", sys.executable, REPO / "tests/tools/slow_line.py", "5001",
                                      "--listen", S3.removeprefix("http://"), "--rtt-ms", "300", "--mbit", "10000",
                                      "--on-signal")
        wait_until("the bucket does not answer", lambda: self._ask("GET", "/") == 200)
        assert self._ask("PUT", "/games") == 200

    def _ask(self, method, path):
        with self._node.entered(), contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(S3.removeprefix("http://"), timeout=30)
            connection.request(method, path, headers=SIGNED)
            return connection.getresponse().status
        return 0

    def slow_down(self, is_slow):
        self._line.send_signal(signal.SIGUSR1 if is_slow else signal.SIGUSR2)


class Server:
    """One of the three servers."""

    settings = ("--database", f"postgres://postgres@{DATABASE}/postgres", "--chunks", "s3://games/stable")
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
                   "AWS_ENDPOINT": S3, "AWS_ALLOW_HTTP": "true"}

    def __init__(self, network, folder, name):
        self.node = network.node(name, int(SERVERS[name].rsplit(".", 1)[1]))
        self.name, self.folder, self.url = name, folder / name, f"http://{SERVERS[name]}:8080"
        self.log = folder / f"{name}.log"

    def start(self):
        words = ["--listen", f"{SERVERS[self.name]}:8080", "--data", self.folder]
        for setting in (f"trusted_proxies={address(20)}", "bundle_effort=fast", "bundle_cpu_percent=100",
                        "bundle_deltas=1", "database_connections=8"):
            words += ["--set", setting]
        self._process = self.node.spawn(self.log, program("vsekai-server"), "serve", *self.settings, *words,
                                        environment=self.environment)
        self.wait_until_ready()

    def wait_until_ready(self):
        wait_until(f"{self.name} is not ready", self.is_ready)

    def is_ready(self):
        return self.readiness()[0] == 200

    def readiness(self):
        return fetched(self.node, f"{self.url}/readyz", 20)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def run(self, *words):
        """Runs a command of the server with its settings."""
        return ran(*self.node.command(program("vsekai-server"), *words, *self.settings, "--data", self.folder),
                   env={**os.environ, **self.environment})


def start_servers(network, folder):
    """The first makes the keys, the others get them. Returns the servers and the token."""
    servers = [Server(network, folder, name) for name in SERVERS]
    servers[0].start()
    for server in servers[1:]:
        server.folder.mkdir()
        shutil.copytree(servers[0].folder / "keys", server.folder / "keys")
        server.start()
    return servers, (servers[0].folder / "admin-token").read_text().strip()


class Front:
    """nginx with the shipped configuration. One address gets no bundles, as from a host that has none."""

    def __init__(self, network, folder, address_without_bundles):
        self.node = network.node("front", 20)
        self._log, self._at = folder / "requests", 0
        text = (REPO / "server/deploy/nginx.conf").read_text()
        upstreams = "".join(f"    server {ip}:8080 max_fails=2 fail_timeout=5s;\n" for ip in SERVERS.values())
        log = r"log_format t '$remote_addr\t$request_method\t$uri\t$status\t$upstream_addr'"
        bundles = 'location ~ "^/bundles/[0-9a-f]+$" {\n'
        for old, new in [
            ("/tmp/", f"{folder}/"),
            ("    server server1:8080 max_fails=2 fail_timeout=5s;\n", upstreams),
            ("    server server2:8080 max_fails=2 fail_timeout=5s;\n", ""),
            ("listen 8080;", f"listen {FRONT.removeprefix('http://')};"),
            ("access_log off;", f"{log}; access_log {self._log} t;"),
            (bundles, f"{bundles}      if ($remote_addr = {address_without_bundles}) {{ return 404; }}\n"),
        ]:
            assert old in text, f"the configuration no longer has {old}"
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        self.node.spawn(folder / "nginx.log", NGINX, "-e", "stderr", "-c", folder / "nginx.conf", "-g", "daemon off;")
        wait_until("nginx does not answer", lambda: fetched(self.node, f"{FRONT}/healthz")[0] == 200, 20)

    def look(self):
        """Requests since the last `take_log`: client, method, path, status, and the servers that were asked."""
        with self._log.open() as log:
            log.seek(self._at)
            lines = [line.rstrip("\n").split("\t") for line in log.readlines() if line.endswith("\n")]
        names = {ip: name for name, ip in SERVERS.items()}
        return [(client, method, path, status, [names[ip] for ip in re.findall(r"10\.77\.0\.2[1-3]", asked)])
                for client, method, path, status, asked in lines]

    def take_log(self):
        """Like `look`, which then begins here."""
        requests = self.look()
        self._at = self._log.stat().st_size
        return requests

    def sees_publication(self):
        return any(method == "POST" and "/publications" in path for _, method, path, *_ in self.look())

    def listed(self, path):
        """An answer of the API; None if there is none."""
        status, content = fetched(self.node, f"{FRONT}/api/v1/{path}")
        return json.loads(content) if status == 200 else None
