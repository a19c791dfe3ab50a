#!/usr/bin/env python3
"""Builds a whole installation in network namespaces on this machine, and breaks it while its players update.

PostgreSQL with a replica, three vsekai-servers, S3 (moto), nginx with the shipped configuration, and N real clients:

    cluster.py [--clients N] [--at-once N | --all-at-once] [--scenes NAME,...] [--seed N]

In each scene something is published, all clients update, and something breaks once a fifth of them has. At the end
every client has the newest version, whole, and everything that was published is there. Prints a table. Needs root,
iproute2, iptables, util-linux, PostgreSQL, nginx, and moto_server on PATH (tests/tools/moto.sh).
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cluster_net import Network, address
from cluster_parts import NGINX, Bucket, Database, Front, fetched, postgres_programs, start_servers
from cluster_players import OUTAGE, Player, Publisher, Witness, all_update
from cluster_scenes import SCENES
from cluster_table import Row
from world import wait_until

# The clients of this node are offered no bundles.
WITHOUT_BUNDLES = 44


class World:
    def __init__(self, folder, options):
        self._folder, self._options, self._network = folder, options, Network()
        self.faults, self.rows = [], []

    def open(self):
        self._network.open()
        self.database = Database(self._network, self._folder)
        self.bucket = Bucket(self._network, self._folder)
        self.servers, token = start_servers(self._network, self._folder)
        self.front = Front(self._network, self._folder, address(WITHOUT_BUNDLES))
        self._studio = self._network.node("studio", 40)
        self.publisher = Publisher(self._studio, self._folder / "publisher", token, self._options.seed)
        nodes = [self._network.node(f"players{number}", number) for number in range(41, WITHOUT_BUNDLES + 1)]
        self.players = [Player(nodes[at % len(nodes)], self._folder / f"players/{at}", self.publisher.trust_root)
                        for at in range(self._options.clients)]
        random.Random(self._options.seed).shuffle(self.players)

    def close(self):
        self._network.close()

    def fault(self, scene, what):
        self.faults.append(f"{scene}: {what}")
        print(f"FAULT  {self.faults[-1]}", flush=True)

    def extra_player(self, name):
        """A client that is not counted, on the publisher's node."""
        return Player(self._studio, self._folder / f"{name}-{time.monotonic_ns()}", self.publisher.trust_root)

    def publish(self):
        """Publishes, and waits until there is a bundle."""
        self.publisher.publish()

        def bundles():
            found = self.front.listed(f"versions?mode=stable&version={self.publisher.newest}")
            found = found and self.front.listed(f"versions/{found['items'][0]['id']}/bundles")
            # One for first installs, and one from the version before.
            return found and len(found["items"]) >= min(len(self.publisher.published), 2)

        wait_until(f"{self.publisher.newest} has no bundles", bundles)

    def play(self, scene, meanwhile=None):
        """All players update, while `meanwhile` happens. Adds a row to the table."""
        self.front.take_log()
        # Something is still to begin when something breaks; or else everything is under way.
        few = min(self._options.at_once, max(len(self.players) // 4, 1))
        at_once = None if self._options.all_at_once else few
        with Witness(self._studio, self._folder, self.publisher.trust_root) as witness:
            turns = all_update(self.players, at_once, meanwhile)
        self.rows.append(Row(scene, turns, witness.turns, self.front.take_log()))
        for turn, is_whole in [*turns, *witness.turns]:
            strange = set(turn.failures) - OUTAGE
            if strange:
                self.fault(scene, f"a run failed with {strange}")
            if not turn.result:
                self.fault(scene, f"a client failed in the end: {turn.failures}")
            elif not is_whole:
                self.fault(scene, f"an install of {turn.version} is damaged")
        said = Counter(message for each in [*self.players, witness, self.publisher] for message in each.messages)
        for message, count in said.most_common(10):
            print(f"{count:6}×  {message}", flush=True)
        for each in [*self.players, self.publisher]:
            each.messages.clear()

    def settle(self, scene):
        """After everything is mended: nothing is lost, and every player gets what is newest."""
        for server in self.servers:
            server.wait_until_ready()
        wait_until("the servers do not agree", lambda: len({
            fetched(server.node, f"{server.url}/tuf/current.pack") for server in self.servers}) == 1)
        behind = [player for player in self.players if player.version != self.publisher.newest]
        for turn, is_whole in all_update(behind, self._options.at_once) if behind else []:
            if turn.version != self.publisher.newest or not is_whole:
                self.fault(scene, f"a player ends on {turn.version}, not whole on {self.publisher.newest}")
        self.rows[-1].behind = len(behind)
        for version in self.publisher.published:
            player = self.extra_player("look-back")
            turn, is_whole = player.update("--version", version)
            if turn.version != version or not is_whole:
                self.fault(scene, f"{version} was published and cannot be installed: {player.messages}")
            player.remove()
        self.rows[-1].publications = self.publisher.attempts
        self.publisher.attempts = []
        print(self.rows[-1].text(), flush=True)


def run(world, scenes):
    world.open()
    world.publish()
    world.play("install")
    world.settle("install")
    for name in scenes:
        try:
            SCENES[name](world)
            world.settle(name)
        except AssertionError as error:
            world.fault(name, error)
            return
    world.servers[0].run("verify", "--deep")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=64, help="clients that update at the same time, at most")
    parser.add_argument("--all-at-once", action="store_true", help="all of them begin at the same moment, in each scene")
    parser.add_argument("--scenes", type=lambda text: text.split(","), default=list(SCENES), help=", ".join(SCENES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-logs", type=Path, help="folder for the logs of all parts")
    options = parser.parse_args()
    if set(options.scenes) - set(SCENES):
        parser.error(f"the scenes are {', '.join(SCENES)}")
    missing = [name for name, found in {
        "root": os.geteuid() == 0, "PostgreSQL": postgres_programs(), "nginx": NGINX, "ip": shutil.which("ip"),
        "moto_server": shutil.which("moto_server"), "iptables": shutil.which("iptables")}.items() if not found]
    if missing:
        print(f"SKIPPED: no {', no '.join(missing)}: no cluster is broken", file=sys.stderr)
        sys.exit(os.environ.get("CI") == "true")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    folder = Path(tempfile.mkdtemp(prefix="vsekai-cluster-"))
    # PostgreSQL and nginx's workers are not root.
    folder.chmod(0o777)
    world = World(folder, options)
    try:
        run(world, options.scenes)
    finally:
        world.close()
        if options.keep_logs:
            options.keep_logs.mkdir(exist_ok=True)
            for log in [*folder.glob("*.log"), *folder.glob("database/*.log")]:
                shutil.copy(log, options.keep_logs)
        shutil.rmtree(folder, ignore_errors=True)
        print(Row.table(world.rows))
    print(f"a cluster that loses parts: {len(world.faults)} faults")
    sys.exit(bool(world.faults))


if __name__ == "__main__":
    main()
