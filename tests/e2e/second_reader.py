#!/usr/bin/env -S python3 -B
"""An independent reader of bundles: docs/bundle-format.md in Python, with the zstd command and no code of the updater.

    tests/e2e/second_reader.py                 publishes builds and reads their bundles; also V-Sekai's, if available
    tests/e2e/second_reader.py REPOSITORY...   reads all bundles of repository folders

Checks every chunk against its id, and both documents against the signed digests. It proves that the page is sufficient
for other implementers. It reads indexes and stores by casync's formats, and release documents by docs/publishing.md. It
verifies no signatures, always reads whole bundles, and is slow.
"""

import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from world import GAME, program

INDEX, FILES = 1, 2
PLACES = 1 << 27
DISTANCE = re.compile(
    rb"\xe8|\xff[\x15\x25]|[\x48\x4c][\x03\x2b\x39\x3b\x63\x85\x89\x8b\x8d][\x05\x0d\x15\x1d\x25\x2d\x35\x3d]"
    rb"|\x0f[\x10\x11\x28\x29\x2a\x2e\x2f\x51\x54\x57-\x5f\x6f\x7e\x7f\xb6\xb7\xbe\xd6]"
    rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]", re.DOTALL)
LONGEST_PATTERN = 7


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def zstd(*arguments, data=None):
    return subprocess.run(["zstd", "-q", "-d", "-c", *map(str, arguments)], input=data, check=True,
                          capture_output=True).stdout


class Index:
    """A casync index file: a head of 64 bytes, 40 per chunk, and a tail of 40."""

    def __init__(self, data):
        self.data = data
        self.head = struct.unpack_from("<4Q", data, 16)
        entries = [struct.unpack_from("<Q32s", data, at) for at in range(64, len(data) - 40, 40)]
        self.ids = [entry[1] for entry in entries]
        self.ends = [entry[0] for entry in entries]
        self.starts = [0, *self.ends[:-1]]

    def document(self):
        sizes = b"".join(struct.pack("<I", end - start) for start, end in zip(self.starts, self.ends))
        return struct.pack("<5Q", *self.head, len(self.ids)) + sizes + b"".join(self.ids)


class Version:
    """The documents of a version in a repository."""

    def __init__(self, repository, release):
        release = json.loads(release.read_text())
        self.index = Index(signed(repository, release["index"]))
        self.digest = release["index"]["sha256"]
        table = zstd(data=signed(repository, release["files"]))
        self.files = json.loads(table)["entries"]
        self.document = re.sub(rb',"start":\d+', b"", table)
        assert sha256(self.document) == release["files"]["document_sha256"], "the document of the file table"
        chunks = [repository / "store" / each.hex()[:4] / f"{each.hex()}.cacnk" for each in self.index.ids]
        self.stream = b"".join(zstd(*chunks[at:at + 500]) for at in range(0, len(chunks), 500))

    def stretches(self, ranges):
        """(place in the joined ranges, offset in the file, length) of each stretch of one file's content."""
        found, joined = [], 0
        files = [(file["start"], file["size"]) for file in self.files if file["kind"] == "file"]
        for begin, end in ranges:
            for start, size in files:
                first, last = max(begin, start), min(end, start + size)
                if first < last:
                    place, offset = joined + first - begin, first - start
                    if found and (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]) == (place, offset):
                        # Two files are never joined in this way, because the second's offset is 0.
                        found[-1][2] += last - first
                    else:
                        found.append([place, offset, last - first])
            joined += end - begin
        return found


def signed(repository, target):
    """Reads a target by the path and digest in its release document."""
    folder, name = (repository / "targets" / target["path"]).parent, Path(target["path"]).name
    data = (folder / f"{target['sha256']}.{name}").read_bytes()
    assert (sha256(data), len(data)) == (target["sha256"], target["length"]), target
    return data


class Reader:
    """Reads numbers from a table."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self):
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def ranges(self):
        found, end = [], 0
        for _ in range(self.number()):
            begin = end + self.number()
            end = begin + self.number()
            found.append((begin, end))
        return found


def convert(data, stretches, is_back):
    """Applies the filter for machine code, or reverses it."""
    data = bytearray(data)
    for place, offset, length in stretches:
        end, at = place + length, place
        while (match := DISTANCE.search(data, at, end)) and match.start() + LONGEST_PATTERN <= end:
            at = match.end() + 4
            (value,), here = struct.unpack_from("<i", data, match.end()), offset + at - place
            if here >= PLACES or not -here <= value < PLACES:
                continue
            if is_back:
                value = value - here if value >= 0 else value + PLACES
            else:
                value = value + here if value < PLACES - here else value - PLACES
            struct.pack_into("<i", data, match.end(), value)
    return bytes(data)


def unpack(frame, prefix, length, scratch):
    if prefix:
        (scratch / "prefix").write_bytes(prefix)
    against = ["--long=27", f"--patch-from={scratch / 'prefix'}"] if prefix else ["--long=27"]
    plain = zstd(*against, data=frame)
    assert len(plain) == length, f"{len(plain)} bytes for {length}"
    return plain


def read(bundle, old, new, scratch):
    """Reads a whole bundle. Returns the number of its chunks, and of its filtered sections."""
    assert bundle[:8] == b"VSKBNDL\x01"
    packed, plain = struct.unpack_from("<2I", bundle, 8)
    table = Reader(zstd(data=bundle[16:16 + packed]))
    assert len(table.data) == plain
    assert table.take(32).hex() == (old.digest if old else "00" * 32)
    assert table.take(32).hex() == new.digest
    sections = []
    for _ in range(table.number()):
        kind, is_filtered = table.take(2)
        sections.append((kind, is_filtered, table.number(), table.number(), table.ranges(), table.ranges()))
    assert table.at == plain
    at, given, filtered = 16 + packed, set(), 0
    for kind, is_filtered, length, plain_length, prefix_ranges, runs in sections:
        frame, at = bundle[at:at + length], at + length
        if kind == INDEX:
            assert unpack(frame, old.index.document() if old else b"", plain_length, scratch) == new.index.document()
        elif kind == FILES:
            assert unpack(frame, old.document if old else b"", plain_length, scratch) == new.document
        else:
            prefix = b"".join(old.stream[begin:end] for begin, end in prefix_ranges)
            if is_filtered:
                prefix = convert(prefix, old.stretches(prefix_ranges) if old else [], is_back=False)
            content = unpack(frame, prefix, plain_length, scratch)
            positions = [position for begin, end in runs for position in range(begin, end)]
            ranges = [(new.index.starts[position], new.index.ends[position]) for position in positions]
            if is_filtered:
                content = convert(content, new.stretches(ranges), is_back=True)
            place = 0
            for position, (begin, end) in zip(positions, ranges):
                chunk, place = content[place:place + end - begin], place + end - begin
                assert hashlib.new("sha512_256", chunk).digest() == new.index.ids[position], f"chunk {position}"
                given.add(new.index.ids[position])
            assert place == len(content)
            filtered += bool(is_filtered)
    assert at == len(bundle), "bytes behind the last section"
    there = set(old.index.ids) if old else set()
    assert given | there >= set(new.index.ids), "with what is installed, it does not make the version"
    return len(given), filtered


def read_all(repository):
    """Reads every bundle of a repository. Returns the number of filtered sections."""
    releases = (repository / "targets").glob("**/*.release.json")
    versions = {version.digest: version for version in (Version(repository, release) for release in releases)}
    all_filtered, count = 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for to, new in versions.items():
            listed = repository / "bundles" / f"{to}.json"
            for info in json.loads(listed.read_text())["bundles"] if listed.exists() else []:
                bundle = (repository / "bundles" / info["id"]).read_bytes()
                assert (sha256(bundle), len(bundle)) == (info["id"], info["length"])
                chunks, filtered = read(bundle, versions[info["from"]] if "from" in info else None, new, Path(scratch))
                kind = "delta" if "from" in info else "full"
                print(f"ok   {kind} of {len(bundle):,} bytes: {chunks} chunks, {filtered} sections of machine code")
                all_filtered, count = all_filtered + filtered, count + 1
    assert count, f"{repository} has no bundle"
    return all_filtered


def publish(folder, builds):
    """A repository with these builds as versions, the later ones with bundles."""
    vsekai, environment = program("vsekai"), {**os.environ, "VSEKAI_CONFIG": str(folder / "config.toml")}
    repository, keys = folder / "repository", folder / "keys"
    where = ["--mode", "stable", "--platform", "linux-x86_64", "--repository", repository, "--keys", keys, "--fast"]
    commands = [["keys", "init", keys, "--mode", "stable"]]
    for number, (build, entry) in enumerate(builds):
        commands.append(["publish", *build, "--entry", entry, "--version", f"1.{number}.0", *where,
                         "--delta-from", number])
    for command in commands:
        subprocess.run([vsekai, "--quiet", *map(str, command)], check=True, env=environment)
    return repository


def made(folder):
    """Two builds: a pack in which some bytes change, files that move, and a program of this machine."""
    noise = random.Random(1)
    old, new = folder / "old", folder / "new"
    for tree in (old, new):
        (tree / "data").mkdir(parents=True)
        shutil.copy(shutil.which("bash"), tree / "game")
    pack = noise.randbytes(3 << 20)
    (old / "data/pack.pck").write_bytes(pack)
    (new / "data/pack.pck").write_bytes(pack[:1 << 20] + b"inserted" + pack[(1 << 20) + 4096:])
    for number in range(40):
        text = f"file {number} of forty\n".encode() * noise.randrange(1, 2000)
        (old / f"data/{number}.txt").write_bytes(text)
        (new / f"data/moved-{number}.txt").write_bytes(text + b"a line more\n")
    return [([old], "game"), ([new], "game")]


def main():
    if len(sys.argv) > 1:
        for repository in sys.argv[1:]:
            read_all(Path(repository))
        return
    with tempfile.TemporaryDirectory() as folder:
        filtered = read_all(publish(Path(folder), made(Path(folder))))
        assert filtered, "no section was filtered, so the filter was not read"
    if GAME is None:
        print("SKIPPED: VSEKAI_TEST_DATA is not set: bundles of V-Sekai's own builds are not read", file=sys.stderr)
        return
    games = [("2023-04-08", "vsekai_game_linux"), ("2023-04-10", "v_sekai_linuxbsd")]
    builds = [(["--from-index", GAME / f"linux_{build}.caidx", "--from-store", GAME / "store"], entry)
              for build, entry in games]
    with tempfile.TemporaryDirectory() as folder:
        read_all(publish(Path(folder), builds))


if __name__ == "__main__":
    main()
