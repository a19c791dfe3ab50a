"""The tables of bench_bundles.py, as Markdown: what was measured beside each bar that was set."""

import os
import platform
import subprocess

MIB = 1 << 20

# Bytes of content that an update may fetch at most.
BYTES_BARS = {"wesnoth": 7.0e6, "freeorion": 100e3, "godot3": 13.2e6, "vsekai": 42e6, "mtimes": 20e3}
FULL_BARS = {"vsekai": (52.5e6, 25)}
PEAK_BAR = 256 * MIB
REQUESTS_BAR = 5
BUILD_BARS = {"wesnoth": (30, 1024 * MIB)}
APPLY_BAR, FAR_BAR, FAR_DESYNC_BAR = 1.2, 0.35, 0.2
NAMES = {
    "wesnoth": "wesnoth-1.18-data 1.18.5-1 → 1.18.8-1",
    "freeorion": "freeorion-data 0.5.1-2 → 0.5.1.2-1",
    "godot3": "godot3 3.6+ds-2 → 3.6.2+ds-1+b1",
    "vsekai": "V-Sekai 2023-04-08 → 2023-04-10",
    "mtimes": "V-Sekai 2023-04-10, new mtimes",
    "hedgewars": "hedgewars-data 1.0.2-13 → 1.0.3-5",
    "warzone2100": "warzone2100-data 4.5.5deb-1 → 4.7.0-3",
    "ddnet": "ddnet-data 19.1-2 → 20.1.1+ds-1",
    "llvm": "libllvm19 19.1.7-3+b1 → 19.1.7-22+b1",
    "blender": "blender 4.3.2+dfsg-2 → 5.2.2+dfsg-1",
    "pck": "pack of 4 GiB, 1 % changed",
}


def shown(count):
    """Bytes in the unit that reads best."""
    if count is None:
        return "-"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"


def mib(count):
    return "-" if count is None else f"{count / MIB:.0f} MiB"


def seconds(value):
    return "-" if value is None else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def verdict(*met):
    known = [each for each in met if each is not None]
    return "-" if not known else "met" if all(known) else "**missed**"


def ratio(one, other):
    return None if one is None or not other else one / other


def at_most(value, bar):
    return None if value is None or bar is None else value <= bar


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def part(found, name):
    return found.get(name) or {}


def fetched(of):
    return f"{shown(of['bytes'])}, {of['requests']}" if of.get("bytes") is not None else "-"


def patched(of, marked=None):
    """A patcher's bytes, with a mark where they are not all its own work."""
    if of.get("missing"):
        return "none"
    size = of.get("bytes", of.get("quick_bytes"))
    return shown(size) + (f" ({marked})" if marked else "")


def bytes_table(found):
    rows = []
    for name, of in found.items():
        ours, bar = part(of, "ours"), BYTES_BARS.get(name)
        desync, tar, files, bsdiff = (part(of, each) for each in ("desync", "zstd_tar", "zstd_files", "bsdiff"))
        given_up = bsdiff.get("given_up")
        own = ours.get("bytes")
        best = min((each["bytes"] for each in (tar, files, bsdiff, part(of, "butler")) if each.get("bytes")), default=None)
        to_best, to_desync = ratio(own, best), ratio(own, desync.get("bytes"))
        rows.append([
            NAMES.get(name, name),
            fetched(desync),
            patched(tar, f"2^{tar['window_log']}" if tar.get("window_log", 0) > 27 else None),
            patched(files),
            patched(bsdiff, f"{given_up} given up" if given_up else None),
            patched(part(of, "butler")),
            f"**{shown(own)}**, {ours['requests']}, {ours['route']}" if ours else "-",
            f"{to_desync:.3f}" if to_desync is not None else "-",
            f"{to_best:.2f}" if to_best is not None else "-",
            f"≤ {shown(bar)}" if bar else "-",
            verdict(at_most(own, bar)),
        ])
    head = ["update", "desync", "zstd -19, tar", "zstd -19, files", "bsdiff", "butler", "vsekai", "to desync", "to the best patch", "bar", ""]
    return table(head, rows)


def full_table(found):
    rows = []
    for name, of in found.items():
        ours, desync, tar = part(of, "ours"), part(of, "desync"), part(of, "zstd_tar")
        bar = FULL_BARS.get(name, (None, None))
        own = ours.get("full_bytes")
        rows.append([
            NAMES.get(name, name).split("→")[-1].strip(),
            shown(of["new_bytes"]) + f", {of['files']:,} files",
            f"{shown(desync.get('full_bytes'))}, {desync.get('full_requests', '-')}",
            shown(tar.get("full_bytes")),
            f"**{shown(own)}**, {ours['full_requests']} in all, {ours['full_route']}" if ours else "-",
            f"≤ {shown(bar[0])}, ≤ {bar[1]}" if bar[0] else "-",
            verdict(at_most(own, bar[0]), at_most(ours.get("full_requests"), bar[1])),
        ])
    return table(["first install", "tree", "desync", "tar, zstd -19 --long=27", "vsekai", "bar", ""], rows)


def cost_table(found):
    rows = []
    for name, of in found.items():
        ours, tar, desync = part(of, "ours"), part(of, "zstd_tar"), part(of, "desync")
        peaks = [ours[each] for each in ("apply_peak_bytes", "near_peak_bytes", "full_peak_bytes") if each in ours]
        peak = max(peaks, default=None)
        apply = ratio(ours.get("apply_seconds"), tar.get("apply_write_seconds"))
        far, far_desync = (ratio(ours.get("far_seconds"), other) for other in (ours.get("far_chunks_seconds"), desync.get("far_seconds")))
        rows.append([
            NAMES.get(name, name),
            mib(peak),
            f"{seconds(ours.get('apply_seconds'))} / {seconds(tar.get('apply_write_seconds'))}" + (f" = **{apply:.2f}**" if apply else ""),
            seconds(ours.get("far_seconds")),
            f"{seconds(ours.get('far_chunks_seconds'))}" + (f": **{far:.2f}**" if far else ""),
            f"{seconds(desync.get('far_seconds'))}" + (f": **{far_desync:.2f}**" if far_desync else ""),
            str(ours.get("requests_with_check", "-")),
            verdict(
                at_most(peak, PEAK_BAR), at_most(apply, APPLY_BAR), at_most(far, FAR_BAR),
                at_most(far_desync, FAR_DESYNC_BAR), at_most(ours.get("requests_with_check"), REQUESTS_BAR),
            ),
        ])
    head = [
        "update", "memory ≤ 256 MiB", f"apply, / zstd -d + tar -x, ≤ {APPLY_BAR}", "50 ms, 50 Mbit/s",
        f"/ our chunks, ≤ {FAR_BAR}", f"/ desync, ≤ {FAR_DESYNC_BAR}", f"requests of check + update ≤ {REQUESTS_BAR}", "",
    ]
    return table(head, rows)


def built(of):
    if "build_seconds" not in of:
        return "-"
    return seconds(of["build_seconds"]) + (f", {mib(of['build_peak_bytes'])}" if of.get("build_peak_bytes") else "")


def build_table(found):
    rows = []
    for name, of in found.items():
        ours, bar = part(of, "ours"), BUILD_BARS.get(name, (None, None))
        rows.append([
            NAMES.get(name, name),
            *(built(part(of, each)) for each in ("desync", "zstd_tar", "zstd_files", "bsdiff", "butler")),
            f"**{built(ours)}**, bundles {shown(ours.get('bundle_bytes'))}" if ours else "-",
            f"≤ {bar[0]} s, ≤ {mib(bar[1])}" if bar[0] else "-",
            verdict(at_most(ours.get("build_seconds"), bar[0]), at_most(ours.get("build_peak_bytes"), bar[1])),
        ])
    return table(["build", "desync tar", "zstd -19, tar", "zstd -19, files", "bsdiff", "butler", "vsekai publish", "bar", ""], rows)


def apply_table(found):
    """What the others need to apply a patch: the measure that ours is held to."""
    rows = [
        [
            NAMES.get(name, name),
            *(seconds(part(of, "zstd_tar").get(each)) for each in ("apply_seconds", "apply_write_seconds")),
            mib(part(of, "zstd_tar").get("apply_peak_bytes")),
            seconds(part(of, "desync").get("far_seconds")),
            mib(part(of, "desync").get("apply_peak_bytes")),
        ]
        for name, of in found.items()
    ]
    return table(["the others' client", "zstd -d", "zstd -d + tar -x", "memory", "desync over 50 ms, 50 Mbit/s", "memory"], rows)


NOTES = """\
MB is 10^6 bytes, MiB 2^20. A number after bytes is requests. Content alone is counted: chunks and bundles; metadata, index and file table
apart, as desync's index is.

- **desync** is at its best: times left out of its archive (with them it fetches up to four times as much), and a cache that has all
  chunks of the old version. Over the line it runs with its own settings: ten requests at once.
- **zstd -19, tar**: one patch between two sorted tar streams without times. Over 2^27 (in brackets) a decoder must be told to allow that
  window, and needs memory for it. **files**: a patch for each changed path, new files alone, moved ones free; as if all came in one piece.
- **bsdiff** as that; files that it did not finish in {bsdiff_seconds} s a pair count as zstd -19 alone.
- **The line**: 50 ms round trip and 50 Mbit/s that all connections share, and a round trip for each to open; no loss, no slow start.
"""


def text(found, options):
    butler = next((part(of, "butler").get("missing") for of in found.values() if part(of, "butler").get("missing")), None)
    notes = NOTES.format(bsdiff_seconds=options.bsdiff_seconds)
    if butler:
        notes += f"- **butler** was not measured: {butler}.\n"
    versions = subprocess.run(["zstd", "--version"], capture_output=True, text=True).stdout.split(",")[0].split()[-1]
    load = os.getloadavg()[0]
    notes += (
        f"\nMedians of {options.rounds} rounds. Machine: {os.cpu_count()} cores, Linux {platform.release()}; zstd {versions}; load {load:.1f} at the end.\n"
        "Command: `tests/tools/bench_bundles.py`\n"
    )
    tables = [bytes_table(found), full_table(found)]
    if any("ours" in of for of in found.values()):
        tables.append(cost_table(found))
    return "\n".join([*tables, build_table(found), apply_table(found), notes])
