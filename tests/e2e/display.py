"""A virtual display: keys and clicks like those of a person, and screenshots.

Needs `xdotool` on this system and an `Xvfb` in the root where Godot runs. Screenshots are read from the display's
memory and written as PNG, without another program. Colours have 24 bits; nothing here compares screenshots.
"""

import os
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

SIZE = (1280, 800)


class Display:
    """The display, which runs until `close`. `name` is the value of `DISPLAY`."""

    def __init__(self, godot):
        self._memory = tempfile.TemporaryDirectory(prefix="vsekai-display-", dir="/tmp")
        reader, writer = os.pipe()
        screen = f"{SIZE[0]}x{SIZE[1]}x24"
        command = [godot, "--run", "Xvfb", "-displayfd", str(writer), "-screen", "0", screen, "-fbdir",
                   self._memory.name, "-nolisten", "tcp", "-noreset"]
        self._process = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as told:
            number = told.readline().strip()
        if not number:
            raise SystemExit("error: the virtual display did not start")
        self.name = f":{number}"

    def close(self):
        self._process.terminate()
        self._process.wait(10)
        self._memory.cleanup()

    def key(self, *names):
        """Presses and releases keys, named as in `xdotool`."""
        self._do("key", "--delay", "60", *names)

    def click(self, x, y):
        self._do("mousemove", str(round(x)), str(round(y)), "sleep", "0.1", "click", "1")

    def scroll(self, x, y, notches):
        """Turns the wheel at a position; downwards if `notches` is positive."""
        button = "5" if notches > 0 else "4"
        self._do("mousemove", str(round(x)), str(round(y)), "click", "--repeat", str(abs(notches)), "--delay", "20",
                 button)

    def windows(self, title):
        """Number of windows with a matching title."""
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", title], env=self._environment(),
                               capture_output=True, text=True, timeout=20)
        return len(found.stdout.split())

    def save(self, path):
        """Writes a screenshot as PNG."""
        width, height, rows = self._pixels()
        raw = b"".join(b"\0" + row for row in rows)
        data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        data += _chunk(b"IDAT", zlib.compress(raw, 6)) + _chunk(b"IEND", b"")
        Path(path).write_bytes(data)

    def has_picture(self, rows=100):
        """Whether the display has this many different rows. One colour and a mouse pointer have about twenty."""
        return len(set(self._pixels()[2])) >= rows

    def memory(self):
        """The screen content, as bytes that are only good for comparison."""
        return Path(self._memory.name, "Xvfb_screen0").read_bytes()

    def settled(self):
        """The screen content, once it has stayed the same for two seconds."""
        while True:
            before = self.memory()
            time.sleep(2)
            if self.memory() == before:
                return before

    def _pixels(self):
        # The xwd format: 25 big-endian numbers of 32 bits, then a name, the colour map, and the rows.
        data = self.memory()
        head = struct.unpack(">25I", data[:100])
        width, height, stride = head[4], head[5], head[12]
        begin = head[0] + head[19] * 12
        rows = []
        for y in range(height):
            line = data[begin + y * stride:begin + y * stride + width * 4]
            row = bytearray(width * 3)
            row[0::3], row[1::3], row[2::3] = line[2::4], line[1::4], line[0::4]
            rows.append(bytes(row))
        return width, height, rows

    def _do(self, *arguments):
        subprocess.run(["xdotool", *arguments], env=self._environment(), check=True, timeout=20,
                       stdout=subprocess.DEVNULL)

    def _environment(self):
        return {**os.environ, "DISPLAY": self.name}


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
