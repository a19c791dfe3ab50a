"""Measures other programs with the same update: desync, `zstd --patch-from`, bsdiff, butler.

Each function returns a dictionary: bytes downloaded, and requests, seconds and memory where they are meaningful. Each
program is measured at its best: desync without times in its archive and with the old version's chunks in a cache;
patchers by bytes only, as if all patches came in one file and they recognised renamed files.
"""

import hashlib
import os
import shutil
import time
from statistics import median

from measure import MIB, Nginx, SlowLine, chunk_path, fresh, ids_of, measured, must_be_equal, say, sizes

# Largest window that a zstd decoder allows by default, and that may therefore be sent to any client.
LEGAL_WINDOW_LOG = 27


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def changes(pair):
    """Paths whose content differs between the versions, and new files whose content no old file has."""
    old, new = sizes(pair / "old"), sizes(pair / "new")
    known = {digest(pair / "old" / path) for path in old}
    fresh_files = [path for path in new if digest(pair / "new" / path) not in known]
    return [path for path in fresh_files if path in old], [path for path in fresh_files if path not in old]


def desync(pair, scratch, desync_program, is_timed=True):
    store = fresh(scratch / "store")
    made = {}
    for version in ("old", "new"):
        index = scratch / f"{version}.caidx"
        made[version] = measured(desync_program, "tar", "-i", "--no-time", "-s", store, index, pair / version)
    have, need = (ids_of(scratch / f"{version}.caidx") for version in ("old", "new"))
    missing = set(need) - set(have)
    stored = {each: chunk_path(store, each).stat().st_size for each in set(need)}
    result = {
        "bytes": sum(stored[each] for each in missing),
        "requests": len(missing),
        "full_bytes": sum(stored.values()),
        "full_requests": len(stored),
        "build_seconds": made["new"].seconds,
        "build_peak_bytes": made["new"].peak_bytes,
    }
    if is_timed:
        result |= desync_far(pair, scratch, desync_program, store, result)
    shutil.rmtree(store)
    return result


def desync_far(pair, scratch, desync_program, store, counted):
    """The update over the slow line, with desync's own settings and a cache that has the old version."""
    cache = fresh(scratch / "cache")
    measured(desync_program, "cache", "-s", store, "-c", cache, scratch / "old.caidx")
    nginx = Nginx(store, scratch)
    line = SlowLine(nginx.port)
    try:
        place, index = fresh(scratch / "desync-tree"), scratch / "new.caidx"
        untar = measured(desync_program, "untar", "-i", "--no-same-owner", "-s", line.url, "-c", cache, index, place)
        asked = nginx.seen()
    finally:
        line.stop()
        nginx.stop()
    must_be_equal(place, pair / "new")
    if len(asked) != counted["requests"] or sum(size for _, size, _ in asked) != counted["bytes"]:
        say(f"desync asked {len(asked)} times, and {counted['requests']} chunks are missing")
    for folder in (place, cache):
        shutil.rmtree(folder)
    return {"far_seconds": untar.seconds, "apply_peak_bytes": untar.peak_bytes}


def tar(tree, target):
    """A tar of the tree with only its content: sorted, without times and owners."""
    plain = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]
    measured("tar", *plain, "-C", tree, "-cf", target, ".")


class TarPatch:
    """Both trees as tar streams, and a patch between them with a window that covers both."""

    def __init__(self, pair, scratch, level=19):
        self.old, self.new, self.patch = (scratch / name for name in ("old.tar", "new.tar", "tar.patch"))
        self.tree = scratch / "zstd-tree"
        tar(pair / "old", self.old)
        tar(pair / "new", self.new)
        both = self.old.stat().st_size + self.new.stat().st_size
        self.window_log = min(max(both.bit_length(), LEGAL_WINDOW_LOG), 31)
        patch_from = [f"--long={self.window_log}", f"--patch-from={self.old}", self.new, "-o", self.patch]
        self.build = measured("zstd", "-q", "-f", f"-{level}", *patch_from)
        self.alone, self.written = [], []

    def apply(self):
        """Decodes the patch once, and once more into a new tree."""
        decode = f"zstd -q -d -c --long={self.window_log} --patch-from='{self.old}' '{self.patch}'"
        self.alone.append(measured("sh", "-c", f"{decode} >/dev/null"))
        self.written.append(measured("sh", "-c", f"{decode} | tar -C '{fresh(self.tree)}' -xf -"))

    def applied(self):
        """The median times, and the peak memory."""
        return {
            "apply_seconds": median(each.seconds for each in self.alone),
            "apply_write_seconds": median(each.seconds for each in self.written),
            "apply_peak_bytes": max(each.peak_bytes for each in self.written),
        }

    def remove(self):
        """Removes the streams, the patch and the tree."""
        for each in (self.old, self.new, self.patch):
            each.unlink()
        shutil.rmtree(self.tree)


def zstd_tar(pair, scratch, level=19):
    """The smallest such patch; `window_log` is the window that a decoder must allow."""
    patch = TarPatch(pair, scratch, level)
    full = scratch / "full.zst"
    measured("zstd", "-q", "-f", f"-{level}", "-T2", f"--long={LEGAL_WINDOW_LOG}", patch.new, "-o", full)
    result = {
        "bytes": patch.patch.stat().st_size,
        "full_bytes": full.stat().st_size,
        "build_seconds": patch.build.seconds,
        "build_cpu_seconds": patch.build.cpu_seconds,
        "build_peak_bytes": patch.build.peak_bytes,
        "window_log": patch.window_log,
    }
    patch.apply()
    result |= patch.applied()
    must_be_equal(patch.tree, pair / "new")
    patch.remove()
    full.unlink()
    return result


def zstd_files(pair, scratch, level=19):
    """A patch for each file changed at the same path, and each new file compressed alone."""
    changed, added = changes(pair)
    patch, begin, total, far_windows = scratch / "file.patch", time.monotonic(), 0, 0
    for path in changed + added:
        new = pair / "new" / path
        command = ["zstd", "-q", "-f", f"-{level}", new, "-o", patch]
        if path in changed:
            old = pair / "old" / path
            far_windows += max(old.stat().st_size, new.stat().st_size) > 1 << LEGAL_WINDOW_LOG
            command += [f"--patch-from={old}"]
        measured(*command)
        total += patch.stat().st_size
    return {
        "bytes": total,
        "changed": len(changed),
        "added": len(added),
        "beyond_legal_window": far_windows,
        "build_seconds": time.monotonic() - begin,
    }


def bsdiff(pair, scratch, limit_seconds):
    """Like zstd_files. A changed file for which no CPU time is left counts as a new one."""
    if not shutil.which("bsdiff"):
        return {"missing": "bsdiff is not installed"}
    changed, added = changes(pair)
    patch, left, total, given_up, peak = scratch / "file.patch", limit_seconds, 0, 0, 0
    for path in sorted(changed, key=lambda each: (pair / "new" / each).stat().st_size) + added:
        new, done = pair / "new" / path, None
        if path in changed:
            if left >= 1:
                limited = ["prlimit", f"--cpu={int(left)}", "bsdiff"]
                done = measured(*limited, pair / "old" / path, new, patch, may_fail=True)
                left -= done.cpu_seconds
                peak = max(peak, done.peak_bytes)
            if not done or left < 1:
                given_up += 1
                done = None
        if not done:
            measured("zstd", "-q", "-f", "-19", new, "-o", patch)
        total += patch.stat().st_size
    seconds = limit_seconds - left
    return {"bytes": total, "given_up": given_up, "build_seconds": seconds, "build_peak_bytes": peak}


def butler(pair, scratch):
    """itch.io's butler: its quick patch, and the one its servers make from it later, with bsdiff and brotli 9."""
    program = os.environ.get("BUTLER") or shutil.which("butler")
    if not program:
        return {"missing": "butler is not installed, and comes from itch.io's own site alone: set BUTLER to the program"}
    old, new, quick, better = pair / "old", pair / "new", scratch / "quick.pwr", scratch / "better.pwr"
    diff = measured(program, "diff", old, new, quick)
    flags = ["--patch", quick, "--old", old, "--new", new, "-o", better, "--rediff-quality", "9"]
    rediff = measured(program, "rediff", *flags)
    place, staging = fresh(scratch / "butler-tree"), fresh(scratch / "butler-staging")
    measured("cp", "-a", old, place / "tree")
    applied = measured(program, "apply", f"--staging-dir={staging}", better, place / "tree")
    must_be_equal(place / "tree", new)
    result = {
        "version": measured(program, "--version").output.splitlines()[0],
        "quick_bytes": quick.stat().st_size,
        "quick_seconds": diff.seconds,
        "bytes": better.stat().st_size,
        "build_seconds": diff.seconds + rediff.seconds,
        "build_peak_bytes": max(diff.peak_bytes, rediff.peak_bytes),
        "apply_seconds": applied.seconds,
        "apply_peak_bytes": applied.peak_bytes,
    }
    for each in (place, staging):
        shutil.rmtree(each)
    return result


def all_of(pair, scratch, desync_program, bsdiff_seconds, is_large):
    """All programs' numbers for a pair. Patchers are skipped if the pair is too large for them to be useful."""
    say(f"{pair.name}: desync")
    found = {}
    if desync_program:
        found["desync"] = desync(pair, scratch, desync_program)
    if is_large:
        return found
    say(f"{pair.name}: zstd --patch-from")
    found["zstd_tar"] = zstd_tar(pair, scratch)
    found["zstd_files"] = zstd_files(pair, scratch)
    say(f"{pair.name}: bsdiff")
    found["bsdiff"] = bsdiff(pair, scratch, bsdiff_seconds)
    found["butler"] = butler(pair, scratch)
    say(f"{pair.name}: desync {found.get('desync', {}).get('bytes', 0) / MIB:.1f} MiB, "
        f"zstd {found['zstd_tar']['bytes'] / MIB:.1f} MiB")
    return found
