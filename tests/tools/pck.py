#!/usr/bin/env python3
"""Makes two versions of a large Godot 4 pack: pck.py FOLDER [--mib N] writes FOLDER/{old,new}/game.pck.

Half of it is noise, like textures and sound; the rest compresses like text and meshes. From the old to the new version,
about 1 % of the bytes change, spread over the whole pack: ranges are overwritten, inserted and removed, files are added
and removed, and some files are moved or renamed. The output is the same every time.

The layout is that of core/io/pck_packer.cpp of Godot 4.2: a header of 100 bytes, the directory, files at multiples of 32.
"""

import argparse
import hashlib
import random
import struct
from pathlib import Path

ALIGNMENT = 32
CHANGED = 0.01
PAGE_BYTES = 1 << 20
# Names and frequencies. By count, so that each kind's share of the bytes follows from the sizes.
KINDS = ["noise", "noise", "text", "mesh"]
WORDS = [hashlib.sha256(bytes([at])).hexdigest()[: 3 + at % 9].encode() + b" " for at in range(256)]
MESH = bytes(min(at.bit_length() * 9 + at % 7, 255) if at % 3 else 0 for at in range(256))


def content(kind, seed, size):
    pages = []
    while size > 0:
        noise = hashlib.shake_128(f"{seed}/{len(pages)}".encode()).digest(min(size, PAGE_BYTES))
        if kind == "text":
            noise = b"".join([WORDS[byte] for byte in noise[: len(noise) // 4 + 1]])[: len(noise)]
        elif kind == "mesh":
            noise = noise.translate(MESH)
        pages.append(noise)
        size -= len(noise)
    return b"".join(pages)


class File:
    """A file of the pack, and its changes from the old to the new version."""

    def __init__(self, number, kind, size):
        self.number, self.kind, self.size = number, kind, size
        self.path = self.new_path = f"res://{kind}/{number % 97:02}/{kind}_{number}.res"
        # (position in the old bytes, number removed, number inserted)
        self.edits = []
        self.in_old = self.in_new = True

    def new_size(self):
        return self.size + sum(come - go for _, go, come in self.edits)

    def old_bytes(self):
        return content(self.kind, self.number, self.size)

    def new_bytes(self, old):
        parts, done = [], 0
        for number, (at, go, come) in enumerate(self.edits):
            parts += [old[done:at], content(self.kind, f"{self.number}+{number}", come)]
            done = at + go
        return b"".join([*parts, old[done:]])


def planned(total, dice):
    files, sum_bytes = [], 0
    while sum_bytes < total:
        size = min(int(2 ** dice.uniform(11, 25)), total - sum_bytes)
        files.append(File(len(files), dice.choice(KINDS), size))
        sum_bytes += size
    return files


def change(files, total, dice):
    """Assigns changes to the files. Returns the files of the new version in order."""
    added, sizes = [], [file.size for file in files]
    budget = int(total * CHANGED)
    while budget > 0:
        size = min(int(2 ** dice.uniform(8, 18)), budget)
        what = dice.random()
        file = dice.choices(files, sizes)[0]
        if what < 0.05:
            added.append(File(len(files) + len(added), dice.choice(KINDS), size))
            added[-1].in_old = False
        elif what < 0.06 and file.size < PAGE_BYTES:
            file.in_new = False
        elif size * 4 < file.size:
            at = dice.randrange(file.size - size)
            go, come = [(size, size), (0, size), (size, 0)][0 if what < 0.7 else 1 if what < 0.9 else 2]
            file.edits.append((at, go, come))
        else:
            continue
        budget -= size
    for file in files:
        file.edits = without_overlaps(sorted(file.edits))
        if dice.random() < 0.02:
            file.new_path = f"res://moved/{file.path.removeprefix('res://')}"
    order = [file for file in files if file.in_new]
    for file in dice.sample(order, len(order) // 20) + added:
        if file in order:
            order.remove(file)
        order.insert(dice.randrange(len(order) + 1), file)
    return added, order


def without_overlaps(edits):
    kept, done = [], 0
    for at, go, come in edits:
        if at >= done:
            kept.append((at, go, come))
            done = at + go
    return kept


class Pack:
    def __init__(self, path, files, is_new):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.entries = open(path, "wb"), {}
        self.names = [(each, (each.new_path if is_new else each.path).encode()) for each in files]
        self.base = aligned(100 + sum(4 + padded(len(name)) + 36 for _, name in self.names))
        at = 0
        for each, _ in self.names:
            size = each.new_size() if is_new else each.size
            self.entries[each.number] = [at, size, None]
            at = aligned(at + size)

    def put(self, number, data):
        at, size, _ = self.entries[number]
        assert len(data) == size, (len(data), size)
        self.file.seek(self.base + at)
        self.file.write(data)
        self.entries[number][2] = hashlib.md5(data).digest()

    def close(self):
        self.file.seek(0)
        self.file.write(struct.pack("<4s5IQ64xI", b"GDPC", 2, 4, 2, 0, 0, self.base, len(self.names)))
        for each, name in self.names:
            at, size, digest = self.entries[each.number]
            length = padded(len(name))
            self.file.write(struct.pack(f"<I{length}sQQ16sI", length, name, at, size, digest, 0))
        self.file.close()


def padded(length):
    return -(-length // 4) * 4


def aligned(at):
    return -(-at // ALIGNMENT) * ALIGNMENT


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mib", type=int, default=4096)
    options = parser.parse_args()
    dice, total = random.Random(1), options.mib << 20
    files = planned(total, dice)
    added, order = change(files, total, dice)
    old = Pack(options.folder / "old/game.pck", files, is_new=False)
    new = Pack(options.folder / "new/game.pck", order, is_new=True)
    for file in files + added:
        before = file.old_bytes() if file.in_old else b""
        if file.in_old:
            old.put(file.number, before)
        if file.in_new:
            new.put(file.number, file.new_bytes(before) if file.in_old else file.old_bytes())
    for pack, version in ((old, "old"), (new, "new")):
        pack.close()
        program = options.folder / version / "game"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)


main()
