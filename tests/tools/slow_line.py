#!/usr/bin/env python3
"""A TCP proxy that simulates a slow connection: slow_line.py TARGET-PORT [--rtt-ms N] [--mbit N] [--listen HOST:PORT]

Prints the port that it listens on, and forwards everything to TARGET-PORT on this machine until it is stopped. Every
byte arrives half a round trip after it was sent. All connections share the rate, in each direction. A connection takes
a round trip before its first byte, like a TCP handshake. It loses nothing and has no slow start.

With --on-signal it has no delay at first: SIGUSR1 begins it, SIGUSR2 ends it.
"""

import argparse
import asyncio
import signal

PIECE_BYTES = 16 << 10
# Pieces in flight in one direction of a connection: far more than such a link holds.
QUEUED_PIECES = 256
# How far to read ahead, like a router's queue: timers are too coarse to keep the line busy without it.
AHEAD_SECONDS = 0.02


class Direction:
    """The rate of the link in one direction, shared by all connections."""

    def __init__(self, bytes_a_second, delay):
        self.rate, self.delay, self.free_at = bytes_a_second, delay, 0.0

    def due(self, size):
        """When a piece sent now will have arrived. The line is occupied until its last byte has left."""
        now = asyncio.get_running_loop().time()
        self.free_at = max(self.free_at, now) + size / self.rate
        return self.free_at + self.delay


async def carry(reader, writer, direction, opening):
    """Forwards one direction of a connection. A piece is read shortly before the line is free for it."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue(QUEUED_PIECES)
    await asyncio.sleep(opening)

    async def send():
        while (piece := await queue.get()) is not None:
            due, data = piece
            await asyncio.sleep(max(0, due - loop.time()))
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    sender = asyncio.create_task(send())
    try:
        while data := await reader.read(PIECE_BYTES):
            due = direction.due(len(data))
            await queue.put((due, data))
            await asyncio.sleep(max(0, due - direction.delay - AHEAD_SECONDS - loop.time()))
        await queue.put((loop.time() + direction.delay, b""))
        await queue.put(None)
        await sender
    finally:
        sender.cancel()


async def serve(options):
    host, port = options.listen.rsplit(":", 1)
    delay = options.rtt_ms / 2000
    up, down = (Direction(options.mbit * 1e6 / 8, 0 if options.on_signal else delay) for _ in range(2))

    def set_delay(seconds):
        up.delay = down.delay = seconds

    if options.on_signal:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, set_delay, delay)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, set_delay, 0)

    async def connection(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", options.target)
        except OSError:
            writer.close()
            return
        ways = carry(reader, far_writer, up, 2 * up.delay), carry(far_reader, writer, down, 0)
        await asyncio.gather(*ways, return_exceptions=True)
        for each in (writer, far_writer):
            each.close()

    server = await asyncio.start_server(connection, host, int(port), backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=int)
    parser.add_argument("--rtt-ms", type=float, default=50)
    parser.add_argument("--mbit", type=float, default=50)
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:0")
    parser.add_argument("--on-signal", action="store_true")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options))
    except KeyboardInterrupt:
        pass


main()
