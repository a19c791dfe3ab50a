#!/usr/bin/env python3
"""A disk that lacks what FAT, exFAT and many network shares lack: shows SOURCE at MOUNTPOINT until it is unmounted.

Speaks the kernel's FUSE protocol itself, so it needs no library, but the right to mount. Prints "ready" when mounted.

  fixed-modes     everything has the mode 0755; chmod succeeds and does nothing
  refused-modes   everything has the mode 0755; chmod fails with EPERM
  no-symlinks     symlink fails with EPERM
  no-hard-links   link fails with EPERM
  coarse-times    modification times are even seconds
  fold-case       a and A are one name
  no-folder-sync  fsync of a folder fails with EINVAL
  bad-sectors     what has a name that begins with "bad-sector" cannot be read or listed: EIO
"""

import ctypes
import errno
import os
import stat
import struct
import sys
import time

IN, OUT = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
SET_MODE, SET_SIZE, SET_ATIME, SET_MTIME, SET_FH = 1, 8, 16, 32, 64
ATIME_NOW, MTIME_NOW = 128, 256
BIG_WRITES = 1 << 5
MAX_WRITE = 128 << 10


class Disk:
    def __init__(self, source, options):
        self.source, self.options = source, options
        self.paths, self.nodes, self.next_node = {1: ""}, {"": 1}, 2

    # Names

    def real(self, path):
        return os.path.join(self.source, path) if path else self.source

    def inner(self, node, name):
        folder = self.paths[node]
        name = os.fsdecode(name)
        if "fold-case" in self.options and not os.path.lexists(os.path.join(self.real(folder), name)):
            for other in os.listdir(self.real(folder)):
                if other.casefold() == name.casefold():
                    name = other
        return f"{folder}/{name}" if folder else name

    def node_of(self, path):
        if path not in self.nodes:
            self.nodes[path], self.paths[self.next_node] = self.next_node, path
            self.next_node += 1
        return self.nodes[path]

    def moved(self, old, new):
        self.forget(new)
        for path in [path for path in self.nodes if path == old or path.startswith(old + "/")]:
            node = self.nodes.pop(path)
            self.nodes[new + path[len(old) :]] = node
            self.paths[node] = new + path[len(old) :]

    def forget(self, path):
        self.nodes.pop(path, None)

    def must_be_readable(self, node):
        name = os.path.basename(self.paths[node])
        if "bad-sectors" in self.options and name.startswith("bad-sector"):
            raise OSError(errno.EIO, name)

    # Answers

    def attributes(self, found):
        mode, mtime = found.st_mode, found.st_mtime_ns
        if self.options & {"fixed-modes", "refused-modes"} and not stat.S_ISLNK(mode):
            mode = stat.S_IFMT(mode) | 0o755
        if "coarse-times" in self.options:
            mtime -= mtime % 2_000_000_000
        times = [found.st_atime_ns, mtime, found.st_ctime_ns]
        seconds, rest = [time // 10**9 for time in times], [time % 10**9 for time in times]
        return ATTRIBUTES.pack(
            found.st_ino, found.st_size, found.st_blocks, *seconds, *rest,
            mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0,
        )  # fmt: skip

    def entry(self, path):
        attributes = self.attributes(os.lstat(self.real(path)))
        return struct.pack("<QQQQII", self.node_of(path), 0, 0, 0, 0, 0) + attributes

    # Operations, by their numbers

    def lookup(self, node, body):
        return self.entry(self.inner(node, body[:-1]))

    def getattr(self, node, body):
        flags, _, handle = struct.unpack_from("<IIQ", body)
        found = os.fstat(handle) if flags & 1 else os.lstat(self.real(self.paths[node]))
        return struct.pack("<QII", 0, 0, 0) + self.attributes(found)

    def setattr(self, node, body):
        valid, _, handle, size, _, atime, mtime, _, atime_ns, mtime_ns, _, mode = struct.unpack_from("<IIQQQQQQIIII", body)
        path = self.real(self.paths[node])
        if valid & SET_MODE:
            if "refused-modes" in self.options:
                raise PermissionError(errno.EPERM, "chmod")
            if "fixed-modes" not in self.options:
                os.chmod(path, stat.S_IMODE(mode))
        if valid & SET_SIZE:
            os.truncate(handle if valid & SET_FH else path, size)
        if valid & (SET_ATIME | SET_MTIME):
            found = os.lstat(path)
            now = time.time_ns()
            new_atime = now if valid & ATIME_NOW else atime * 10**9 + atime_ns
            new_mtime = now if valid & MTIME_NOW else mtime * 10**9 + mtime_ns
            times = (
                new_atime if valid & SET_ATIME else found.st_atime_ns,
                new_mtime if valid & SET_MTIME else found.st_mtime_ns,
            )
            os.utime(path, ns=times, follow_symlinks=False)
        return struct.pack("<QII", 0, 0, 0) + self.attributes(os.lstat(path))

    def readlink(self, node, _body):
        return os.fsencode(os.readlink(self.real(self.paths[node])))

    def symlink(self, node, body):
        if "no-symlinks" in self.options:
            raise PermissionError(errno.EPERM, "symlink")
        name, target = body.split(b"\0")[:2]
        path = self.inner(node, name)
        os.symlink(os.fsdecode(target), self.real(path))
        return self.entry(path)

    def mkdir(self, node, body):
        mode, _ = struct.unpack_from("<II", body)
        path = self.inner(node, body[8:-1])
        os.mkdir(self.real(path), mode)
        return self.entry(path)

    def unlink(self, node, body):
        path = self.inner(node, body[:-1])
        os.unlink(self.real(path))
        self.forget(path)
        return b""

    def rmdir(self, node, body):
        path = self.inner(node, body[:-1])
        os.rmdir(self.real(path))
        self.forget(path)
        return b""

    def rename(self, node, body, names=8):
        (new_node,) = struct.unpack_from("<Q", body)
        old_name, new_name = body[names:].split(b"\0")[:2]
        old, new = self.inner(node, old_name), self.inner(new_node, new_name)
        if old == new:
            new = os.path.join(os.path.dirname(old), os.fsdecode(new_name))
        os.rename(self.real(old), self.real(new))
        self.moved(old, new)
        return b""

    def rename2(self, node, body):
        (flags,) = struct.unpack_from("<I", body, 8)
        if flags:
            raise OSError(errno.EINVAL, "rename2")
        return self.rename(node, body, 16)

    def link(self, node, body):
        if "no-hard-links" in self.options:
            raise PermissionError(errno.EPERM, "link")
        (old,) = struct.unpack_from("<Q", body)
        path = self.inner(node, body[8:-1])
        os.link(self.real(self.paths[old]), self.real(path))
        return self.entry(path)

    def open(self, node, body):
        (flags, _) = struct.unpack_from("<II", body)
        handle = os.open(self.real(self.paths[node]), flags & ~(os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL))
        return struct.pack("<QII", handle, 0, 0)

    def create(self, node, body):
        flags, mode, _, _ = struct.unpack_from("<IIII", body)
        path = self.inner(node, body[16:-1])
        handle = os.open(self.real(path), (flags & ~os.O_NOFOLLOW) | os.O_CREAT, stat.S_IMODE(mode))
        return self.entry(path) + struct.pack("<QII", handle, 0, 0)

    def read(self, node, body):
        self.must_be_readable(node)
        handle, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(handle, size, offset)

    def write(self, _node, body):
        handle, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    def release(self, _node, body):
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def nothing(self, _node, _body):
        return b""

    def fsync(self, _node, body):
        os.fsync(struct.unpack_from("<Q", body)[0])
        return b""

    def fsyncdir(self, _node, _body):
        if "no-folder-sync" in self.options:
            raise OSError(errno.EINVAL, "fsync")
        return b""

    def statfs(self, _node, _body):
        found = os.statvfs(self.source)
        counts = (found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
        return struct.pack("<QQQQQIIII24x", *counts, found.f_bsize, 255, found.f_frsize, 0)

    def opendir(self, _node, _body):
        return struct.pack("<QII", 0, 0, 0)

    def readdir(self, node, body):
        self.must_be_readable(node)
        _, offset, size = struct.unpack_from("<QQI", body)
        entries = [(".", 4), ("..", 4)]
        with os.scandir(self.real(self.paths[node])) as found:
            kinds = [(entry.name, stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12) for entry in found]
        entries += sorted(kinds)
        answer = b""
        for at, (name, kind) in list(enumerate(entries))[offset:]:
            name = os.fsencode(name)
            record = struct.pack("<QQII", at + 2, at + 1, len(name), kind) + name
            record += b"\0" * (-len(record) % 8)
            if len(answer) + len(record) > size:
                break
            answer += record
        return answer

    def init(self, _node, _body):
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, MAX_WRITE, BIG_WRITES, 16, 12, MAX_WRITE, 1, 0, 0, 0)


OPERATIONS = {
    1: Disk.lookup, 3: Disk.getattr, 4: Disk.setattr, 5: Disk.readlink, 6: Disk.symlink, 9: Disk.mkdir,
    10: Disk.unlink, 11: Disk.rmdir, 12: Disk.rename, 13: Disk.link, 14: Disk.open, 15: Disk.read, 16: Disk.write,
    17: Disk.statfs, 18: Disk.release, 20: Disk.fsync, 25: Disk.nothing, 26: Disk.init, 27: Disk.opendir,
    28: Disk.readdir, 29: Disk.nothing, 30: Disk.fsyncdir, 34: Disk.nothing, 35: Disk.create, 38: Disk.nothing,
    45: Disk.rename2,
}  # fmt: skip
WITHOUT_ANSWER = {2, 36, 42}


def mount(mountpoint):
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"plain", os.fsencode(mountpoint), b"fuse.plain", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return device


def main():
    source, mountpoint, *options = sys.argv[1:]
    disk, device = Disk(os.path.abspath(source), set(options)), mount(mountpoint)
    print("ready", flush=True)
    while True:
        try:
            request = os.read(device, MAX_WRITE + 4096)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                continue
            return
        _, number, unique, node, *_ = IN.unpack_from(request)
        if number in WITHOUT_ANSWER:
            continue
        status, answer = 0, b""
        try:
            if number not in OPERATIONS:
                raise OSError(errno.ENOSYS, "not here")
            answer = OPERATIONS[number](disk, node, request[IN.size :])
        except OSError as error:
            status = -(error.errno or errno.EIO)
        except KeyError:
            status = -errno.ENOENT
        try:
            os.write(device, OUT.pack(OUT.size + len(answer), status, unique) + answer)
        except OSError as error:
            if error.errno != errno.ENOENT:
                return


if __name__ == "__main__":
    os.umask(0)
    main()
