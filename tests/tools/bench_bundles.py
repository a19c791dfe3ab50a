#!/usr/bin/env python3
"""Measures updates of real trees against desync, `zstd --patch-from`, bsdiff and butler, in one run.

bench_bundles.py [FOLDER] [--only NAME,...] [--large] [--rounds N] [--write FILE] [--save FILE] [--rivals FILE]

FOLDER contains the pairs of pairs.sh, which fills it; the default is the cache. Downloads are counted in nginx's log.
Every resulting tree is compared with the published one. --save writes all numbers as JSON. --rivals reads those of the
others from such a file, because measuring them takes an hour; only the time to apply a zstd patch is measured again, in
turns with ours. --ours measures no others at all. Bundles of a large pair are built with --fast.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# Do not write bytecode next to the sources.
sys.dont_write_bytecode = True

import bundle_tables  # noqa: E402
import rivals  # noqa: E402
from measure import MIB, REPO, TOOLS, Nginx, SlowLine, fresh, measured, must_be_equal, say, sizes  # noqa: E402

VSEKAI = Path(os.environ.get("VSEKAI", REPO / "rust/target/release/vsekai"))
PAIRS = ["wesnoth", "freeorion", "godot3", "vsekai", "mtimes", "hedgewars", "warzone2100", "ddnet", "llvm", "blender"]
LARGE, GAME = ["pck"], ["vsekai", "mtimes"]
SIGNED = (".catalog.json", ".release.json")


def figures(sample):
    """The numbers in the last JSON line of an update. The only place that knows their names."""
    told = json.loads(sample.output.splitlines()[-1])
    assert told["event"] == "done", told
    return {"content_bytes": told["transfer"]["received_bytes"], "requests": told["transfer"]["requests"]}


def counted(asked):
    """The downloads in a log of nginx: content; with index and file table; and with signed metadata."""
    folders = ("/store/", "/bundles/")
    content = [each for each in asked if each[2].startswith(folders) and not each[2].endswith(".json")]
    signed = [size for _, size, path in asked if path.startswith("/tuf/") or path.endswith(SIGNED)]
    all_bytes = sum(size for _, size, _ in asked)
    ways = {"bundles": "bundle", "store": "chunks"}
    taken = [way for folder, way in ways.items() if any(path.startswith(f"/{folder}/") for _, _, path in content)]
    return {
        "bytes": all_bytes - sum(signed),
        "content_bytes": sum(size for _, size, _ in content),
        "requests": len(content),
        "all_bytes": all_bytes,
        "all_requests": len(asked),
        "route": " and ".join(taken) or "nothing",
    }


class Ours:
    """A pair as two versions in a folder repository, and the updates from it."""

    def __init__(self, pair, scratch, rounds, is_large):
        self.pair, self.scratch, self.rounds, self.is_large = pair, fresh(scratch), rounds, is_large
        self.repository, self.keys = scratch / "repository", scratch / "keys"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "NO_PROXY": "*"}
        self.run("--quiet", "keys", "init", self.keys, "--mode", "stable")

    def run(self, *arguments):
        return measured(VSEKAI, *arguments, env=self.environment)

    def publish(self, version, *flags):
        tree = self.pair / ("old" if version == "1.0.0" else "new")
        platform = ["--mode", "stable", "--version", version, "--platform", "linux-x86_64", "--entry", entry(tree)]
        to = ["--repository", self.repository, "--keys", self.keys]
        return self.run("--json", "publish", tree, *platform, *to, *flags)

    def update(self, folder, repository, *flags):
        root = ["--trust-root", self.keys / "root.json", "--no-shared-cache"]
        return self.run("--json", "update", folder, "--repository", repository, *root, *flags)

    def installed(self, name):
        """An install of the old version, made by the updater: it would not know the files of a plain copy."""
        place = fresh(self.scratch / name)
        self.update(place, self.repository, "--version", "1.0.0")
        return place

    def checked(self, place):
        must_be_equal((place / "current").resolve(), self.pair / "new")
        shutil.rmtree(place)

    def all(self, by_turns):
        self.publish("1.0.0", "--delta-from", "0")
        build = self.publish("1.1.0", *(["--fast"] if self.is_large else []))
        bundles = self.repository / "bundles"
        found = {
            "build_seconds": build.seconds,
            "build_cpu_seconds": build.cpu_seconds,
            "build_peak_bytes": build.peak_bytes,
            "bundle_bytes": sum(sizes(bundles).values()) if bundles.exists() else 0,
        }
        nginx = Nginx(self.repository, self.scratch)
        try:
            found |= self.near(nginx, by_turns)
            found |= self.wire(nginx)
            found["far_seconds"], routes = self.far(nginx)
        finally:
            nginx.stop()
        found["far_routes"] = routes
        if bundles.exists():
            nginx = Nginx(self.without_bundles(), self.scratch)
            try:
                found["far_chunks_seconds"], _ = self.far(nginx)
            finally:
                nginx.stop()
        return found

    def without_bundles(self):
        """A copy of the repository without bundles."""
        place = self.scratch / "chunks-only"
        measured("cp", "-al", self.repository, place)
        shutil.rmtree(place / "bundles")
        return place

    def near(self, nginx, by_turns):
        """Updates from this machine, where downloads cost next to nothing. `by_turns` is run as often."""
        samples, routes = [], []
        for _ in range(self.rounds):
            place = self.installed("near")
            nginx.seen()
            samples.append(self.update(place, nginx.url))
            routes.append(counted(nginx.seen())["route"])
            self.checked(place)
            by_turns()
        return {
            "apply_seconds": statistics.median(each.seconds for each in samples),
            "apply_peak_bytes": max(each.peak_bytes for each in samples),
            "apply_routes": routes,
        }

    def wire(self, nginx):
        """Bytes and requests of a check with an update, and of a first install, over the slow line."""
        line, place, first_place = SlowLine(nginx.port), self.installed("wire"), self.scratch / "first"
        try:
            self.run("--json", "check", place, "--repository", line.url)
            checked = nginx.seen()
            sample = self.update(place, line.url)
            update = counted(nginx.seen())
            first_sample = self.update(first_place, line.url)
            first = counted(nginx.seen())
        finally:
            line.stop()
        for each in (place, first_place):
            self.checked(each)
        told = figures(sample)
        if any(told[each] != update[each] for each in told):
            say(f"vsekai says {told}, and nginx {update}")
        return {
            **update,
            "requests_with_check": len(checked) + update["all_requests"],
            "wire_peak_bytes": sample.peak_bytes,
            "full_bytes": first["bytes"],
            "full_requests": first["all_requests"],
            "full_route": first["route"],
            "full_seconds": first_sample.seconds,
            "full_peak_bytes": first_sample.peak_bytes,
        }

    def far(self, nginx):
        """Updates over the slow line: median of the seconds, and the strategies chosen."""
        line, samples, routes = SlowLine(nginx.port), [], []
        try:
            for _ in range(self.rounds):
                place = self.installed("far")
                nginx.seen()
                samples.append(self.update(place, line.url))
                routes.append(counted(nginx.seen())["route"])
                self.checked(place)
        finally:
            line.stop()
        return statistics.median(each.seconds for each in samples), routes


def entry(tree):
    """A path to use as the program: the largest executable, or the first file."""
    files = sizes(tree)
    executable = [path for path in files if os.access(tree / path, os.X_OK) and (tree / path).stat().st_mode & 0o111]
    return max(executable, key=files.get) if executable else min(files)


def desync_program():
    found = subprocess.run([TOOLS / "desync.sh"], capture_output=True, text=True)
    return f"{found.stdout.strip()}/desync" if found.returncode == 0 else None


def scratch_folder(is_large):
    """A folder on a RAM disk if there is room, as in ./run bench; a large pair needs a disk."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or is_large or not memory.exists() or shutil.disk_usage(memory).free < 8 << 30:
        return None
    return memory


def described(pair):
    old, new = sizes(pair / "old"), sizes(pair / "new")
    return {"files": len(new), "old_bytes": sum(old.values()), "new_bytes": sum(new.values())}


def measure_pair(options, pair, known):
    is_large = pair.name in LARGE
    found = described(pair)
    with tempfile.TemporaryDirectory(prefix="vsekai-bundles-", dir=scratch_folder(is_large)) as scratch:
        scratch = Path(scratch)
        if known:
            found |= {name: known[name] for name in bundle_tables.RIVALS if name in known}
        elif not options.ours:
            found |= rivals.all_of(pair, scratch, options.desync, options.bsdiff_seconds, is_large)
        if not options.no_ours:
            say(f"{pair.name}: vsekai")
            # The level of the table: patches of other levels take up to a tenth more or less to apply.
            patch = rivals.TarPatch(pair, scratch) if "zstd_tar" in found else None
            ours = Ours(pair, scratch / "ours", 1 if is_large else options.rounds, is_large)
            found["ours"] = ours.all(patch.apply if patch else lambda: None)
            if patch:
                found["zstd_tar"] |= patch.applied()
            say(f"{pair.name}: {found['ours']['bytes'] / MIB:.2f} MiB, {found['ours']['requests']} requests")
    return found


def arguments():
    cache = os.environ.get("VSEKAI_TOOLS", Path.home() / ".cache/vsekai-updater")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(cache) / "pairs")
    parser.add_argument("--only")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bsdiff-seconds", type=int, default=600)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--rivals", type=Path)
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--no-ours", action="store_true", help="measure the others alone")
    options = parser.parse_args()
    options.desync = desync_program()
    options.names = options.only.split(",") if options.only else PAIRS + (LARGE if options.large else [])
    if not options.only and "VSEKAI_TEST_DATA" not in os.environ:
        print("SKIPPED: VSEKAI_TEST_DATA is not set: V-Sekai's own builds are left out", file=sys.stderr)
        options.names = [name for name in options.names if name not in GAME]
    return options


def main():
    options = arguments()
    # Stop servers and remove folders in that case, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not VSEKAI.exists():
        sys.exit(f"error: {VSEKAI} is not there\n\nhint: run ./run build, or set VSEKAI to the program")
    subprocess.run([TOOLS / "pairs.sh", options.folder, *options.names], check=True)
    known = json.loads(options.rivals.read_text()) if options.rivals else {}
    found = {}
    for name in options.names:
        found[name] = measure_pair(options, options.folder / name, known.get(name))
        if options.save:
            options.save.write_text(json.dumps(found, indent=1) + "\n")
    table = bundle_tables.text(found, options)
    print(table)
    if options.write:
        options.write.write_text(table)


if __name__ == "__main__":
    main()
