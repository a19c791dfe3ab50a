"""A network of namespaces on this machine: nodes with an address each, at one switch.

The switch is in a namespace, too, so nothing is added to the network of the machine. Needs root and iproute2; a
partition needs iptables.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000
SUBNET = "10.77.0"
_libc = ctypes.CDLL(None, use_errno=True)


def ran(*command, **options):
    """Runs a command, which must succeed, and returns its output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def address(number):
    return f"{SUBNET}.{number}"


class Network:
    """The switch and its nodes. `close` ends all of their processes and removes them."""

    def __init__(self):
        self._prefix = f"vsekai{os.getpid()}"
        self._nodes = []
        self.switch = f"{self._prefix}-switch"

    def open(self):
        ran("ip", "netns", "add", self.switch)
        ran("ip", "-n", self.switch, "link", "add", "switch", "type", "bridge")
        ran("ip", "-n", self.switch, "link", "set", "switch", "up")

    def node(self, name, number):
        """A node at the switch. Its address ends with the number."""
        node = Node(self, f"{self._prefix}-{name}", name, number)
        self._nodes.append(node)
        node.open()
        return node

    def close(self):
        for node in self._nodes:
            node.kill()
        for name in [*(node.namespace for node in self._nodes), self.switch]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Node:
    """A machine of the network."""

    def __init__(self, network, namespace, name, number):
        self._switch, self.namespace, self.name, self.address = network.switch, namespace, name, address(number)

    def open(self):
        ran("ip", "netns", "add", self.namespace)
        ran("ip", "link", "add", self.name, "netns", self._switch, "type", "veth", "peer", "name", "eth0", "netns",
            self.namespace)
        ran("ip", "-n", self._switch, "link", "set", self.name, "master", "switch", "up")
        ran("ip", "-n", self.namespace, "link", "set", "lo", "up")
        ran("ip", "-n", self.namespace, "link", "set", "eth0", "up")
        self.take(self.address)

    def take(self, address):
        """Adds an address, and tells the others where it is now."""
        ran("ip", "-n", self.namespace, "addr", "replace", f"{address}/24", "dev", "eth0")
        with self.entered():
            _announce(address)

    def leave(self, address):
        subprocess.run(["ip", "-n", self.namespace, "addr", "del", f"{address}/24", "dev", "eth0"], capture_output=True)

    def plug(self, is_in):
        """Puts the cable in or pulls it out. Whoever was connected gets no answer, not even a refusal."""
        ran("ip", "-n", self._switch, "link", "set", self.name, "up" if is_in else "down")

    def cut(self, *addresses):
        """Drops everything from and to these addresses, until `mend`."""
        for each in addresses:
            ran(*self.command("iptables", "-w", "-A", "INPUT", "-s", each, "-j", "DROP"))
            ran(*self.command("iptables", "-w", "-A", "OUTPUT", "-d", each, "-j", "DROP"))

    def mend(self):
        ran(*self.command("iptables", "-w", "-F"))

    def command(self, *words):
        """The command that runs these words on this node."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *map(str, words)]

    def spawn(self, log, *words, environment=None, **options):
        """Starts a process, whose output goes to a file. Ctrl-C does not reach it."""
        with log.open("ab") as out:
            return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    env={**os.environ, **(environment or {})}, process_group=0, **options)

    def kill(self):
        """Kills all processes of this node."""
        for _ in range(50):
            found = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True)
            if not found.stdout:
                return
            for pid in found.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.1)

    @contextlib.contextmanager
    def entered(self):
        """This thread, and what it starts, is on this node."""
        with open("/proc/thread-self/ns/net") as home:
            self.enter()
            try:
                yield
            finally:
                _set_namespace(home)

    def enter(self):
        """For the rest of this thread's life."""
        with open(f"/run/netns/{self.namespace}") as there:
            _set_namespace(there)


def _set_namespace(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _announce(address):
    """A gratuitous ARP: whoever knows the address learns who has it now (RFC 5227, 3)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as line:
        line.bind(("eth0", 0))
        mine, ip, everybody = line.getsockname()[4], socket.inet_aton(address), b"\xff" * 6
        head = everybody + mine + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04"
        for operation in (b"\x00\x01", b"\x00\x02"):
            line.send(head + operation + mine + ip + everybody + ip)
