#!/usr/bin/env python3
"""Says which files of two releases are the same, and of archives and packages, what in them differs.

Usage: release_compare.py DIR1 DIR2. Fails if anything differs. Signatures are left out: they have a time in them.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

LEFT_OUT = (".minisig",)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def in_tar(data, prefix=""):
    """Name: what it is, its mode, its time and its content."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {}
        for one in archive:
            content = digest(archive.extractfile(one).read()) if one.isfile() else one.linkname
            found[prefix + one.name] = (one.type, one.mode, one.mtime, content)
        return found


def in_zip(file):
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        return {one.filename: (one.external_attr, one.date_time, digest(archive.read(one))) for one in entries}


def in_package(file):
    def part(name):
        return subprocess.run(["dpkg-deb", f"--{name}-tarfile", file], check=True, capture_output=True).stdout

    return in_tar(part("ctrl"), "control: ") | in_tar(part("fsys"))


def members(file):
    """What an archive contains; nothing of other files."""
    if file.name.endswith((".tar.xz", ".tar.gz")):
        return in_tar(file.read_bytes())
    if file.suffix == ".zip":
        return in_zip(file)
    return in_package(file) if file.suffix == ".deb" else {}


def differences(ours, theirs):
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            yield f"only in the first: {name}"
        elif name not in ours:
            yield f"only in the second: {name}"
        elif ours[name] != theirs[name]:
            yield f"differs: {name}"


def names_in(folder):
    return {path.name for path in folder.iterdir() if path.is_file() and path.suffix not in LEFT_OUT}


def main(first, second):
    names = [names_in(first), names_in(second)]
    if not any(names):
        sys.exit("error: there are no files to compare")
    different = len(names[0] ^ names[1])
    for name in sorted(names[0] | names[1]):
        if name not in names[0] or name not in names[1]:
            print(f"only in {first if name in names[0] else second}: {name}")
        elif (first / name).read_bytes() == (second / name).read_bytes():
            print(f"the same: {name}")
        else:
            different += 1
            print(f"differs: {name}")
            for line in differences(members(first / name), members(second / name)):
                print(f"  {line}")
    print(f"{different} of {len(names[0] | names[1])} files differ")
    return 1 if different else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: release_compare.py DIR1 DIR2")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
