"""The scenes: each publishes something, lets all players update, and breaks something meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor

from cluster_net import address
from cluster_parts import DATABASE, FRONT, fetched
from world import wait_until


def scene_nothing(world):
    """Nothing breaks."""
    world.publish()
    world.play("nothing breaks")


def scene_server(world):
    """One of three servers is killed."""
    world.publish()
    world.play("a server is killed", world.servers[1].kill)
    world.servers[1].start()


def lose_database(world, name, is_unplugged):
    """The primary goes while somebody publishes, and the replica is promoted after some seconds."""
    world.publish()

    def lose():
        with ThreadPoolExecutor(1) as pool:
            publication = pool.submit(world.publisher.publish)
            wait_until("nobody publishes", world.front.sees_publication, 30)
            world.database.lose_primary(is_unplugged)
            time.sleep(5)
            world.database.promote()
            publication.result()

    world.play(name, lose)
    world.database.add_replica()


def scene_primary(world):
    """The primary of the database is killed."""
    lose_database(world, "the primary is killed", False)


def scene_machine(world):
    """The machine of the primary is gone, and says nothing any more."""
    lose_database(world, "the primary's machine is gone", True)


def scene_partition(world):
    """One server does not reach the database. It says so, and serves what it has."""
    world.publish()
    cut, *others = reversed(world.servers)
    chunks = []

    def partition():
        # One that this server has sent, and so has in memory.
        chunks.extend(path for _, _, path, status, asked in world.front.look()
                      if path.startswith("/store/") and status == "200" and asked == [cut.name])
        cut.node.cut(DATABASE, address(11), address(12))
        wait_until(f"{cut.name} says that it is ready", lambda: cut.readiness()[0] == 503, 30)
        for path in ["/tuf/current.pack", *chunks[:5]]:
            status, _ = fetched(cut.node, cut.url + path)
            if status != 200:
                world.fault("partition", f"{cut.name} answers {status} for {path}, which it has in memory")
        for server in others:
            # On a machine that is busy with a thousand clients, the database may take longer than a server waits.
            server.wait_until_ready()
        world.publisher.publish()

    world.play("a server without the database", partition)
    if not chunks:
        world.fault("partition", f"{cut.name} had served no chunk: nothing was seen of its memory")
    ahead_of_a_cut_server(world, cut)
    cut.node.mend()


def ahead_of_a_cut_server(world, cut):
    """What a client does that knows more than the server it asks: it must keep what it has."""
    player = world.extra_player("ahead")
    # The first server that it asks may be the one that is cut off.
    wait_until("no client gets what is newest", lambda: player.update()[0].version == world.publisher.newest, 30)
    _, code = player.run("update", player.root, "--repository", cut.url)
    print(f"a client that is ahead of {cut.name}: {player.messages or 'nothing to do'}", flush=True)
    if code not in (None, "metadata_rollback") or player.version != world.publisher.newest or not player.is_whole():
        world.fault("partition", f"a client that is ahead of {cut.name}: {player.messages}")
    # Through the front, which asks one after the other, it is led to another server before it gives up.
    for _ in range(9):
        _, code = player.run("update", player.root, "--repository", FRONT)
        if code is not None:
            world.fault("partition", f"a client that is ahead of {cut.name} fails through the front: {player.messages}")
            break


def scene_slow(world):
    """S3 answers 300 ms later."""
    world.bucket.slow_down(True)
    world.publish()
    world.play("S3 is slow")
    world.bucket.slow_down(False)


SCENES = {name.removeprefix("scene_"): scene for name, scene in globals().items() if name.startswith("scene_")}
