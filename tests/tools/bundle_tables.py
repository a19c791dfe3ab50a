"""The tables of bench_bundles.py as Markdown: each measured value next to its bar."""

import os
import platform
import subprocess

MIB = 1 << 20

# Most bytes of content that an update may download.
BYTES_BARS = {"wesnoth": 7.0e6, "freeorion": 100e3, "godot3": 13.2e6, "vsekai": 42e6, "mtimes": 20e3}
FULL_BARS = {"vsekai": (52.5e6, 25)}
PEAK_BAR = 256 * MIB
REQUESTS_BAR = 5
BUILD_BARS = {"wesnoth": (30, 1024 * MIB)}
APPLY_BAR, FAR_BAR, FAR_DESYNC_BAR = 1.2, 0.35, 0.2
LINE_BYTES_A_SECOND = 50e6 / 8
RIVALS = ["desync", "zstd_tar", "zstd_files", "bsdiff", "butler"]
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
    """Formats bytes in the most readable unit."""
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


def plain_ratio(one, other):
    found = ratio(one, other)
    return "-" if found is None else f"{found:.2f}" if found >= 0.1 else f"{found:.4f}"


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
    """A patcher's bytes, with a mark if it did not produce all of them itself."""
    if of.get("missing"):
        return "none"
    size = of.get("bytes", of.get("quick_bytes"))
    return shown(size) + (f" ({marked})" if marked else "")


def named(name):
    return NAMES.get(name, name)


def bytes_row(name, of):
    ours, bar = part(of, "ours"), BYTES_BARS.get(name)
    desync, tar, files, bsdiff, butler = (part(of, each) for each in RIVALS)
    own, given_up = ours.get("bytes"), bsdiff.get("given_up")
    best = min((each["bytes"] for each in (tar, files, bsdiff, butler) if each.get("bytes")), default=None)
    return [
        named(name),
        fetched(desync),
        patched(tar, f"2^{tar['window_log']}" if tar.get("window_log", 0) > 27 else None),
        patched(files),
        patched(bsdiff, f"{given_up} given up" if given_up else None),
        patched(butler),
        f"**{shown(own)}**, {ours['requests']}, {ours['route']}" if ours else "-",
        shown(ours.get("all_bytes")),
        plain_ratio(own, desync.get("bytes")),
        plain_ratio(own, best),
        f"≤ {shown(bar)}" if bar else "-",
        verdict(at_most(own, bar)),
    ]


def bytes_table(found):
    patchers = ["zstd -19, tar", "zstd -19, files", "bsdiff", "butler"]
    head = ["update", "desync", *patchers, "vsekai", "with metadata", "/ desync", "/ the smallest patch", "bar", ""]
    return table(head, [bytes_row(name, of) for name, of in found.items()])


def full_row(name, of):
    ours, desync, tar = part(of, "ours"), part(of, "desync"), part(of, "zstd_tar")
    bytes_bar, requests_bar = FULL_BARS.get(name, (None, None))
    own = ours.get("full_bytes")
    return [
        named(name).split("→")[-1].strip(),
        f"{shown(of['new_bytes'])}, {of['files']:,} files",
        f"{shown(desync['full_bytes'])}, {desync['full_requests']}" if desync else "-",
        shown(tar.get("full_bytes")),
        f"**{shown(own)}**, {ours['full_requests']} in all, {ours['full_route']}" if ours else "-",
        f"≤ {shown(bytes_bar)}, ≤ {requests_bar}" if bytes_bar else "-",
        verdict(at_most(own, bytes_bar), at_most(ours.get("full_requests"), requests_bar)),
    ]


def full_table(found):
    head = ["first install", "tree", "desync", "tar, zstd -19 --long=27", "vsekai", "bar", ""]
    return table(head, [full_row(name, of) for name, of in found.items()])


def cost_row(name, of):
    ours, tar, desync = part(of, "ours"), part(of, "zstd_tar"), part(of, "desync")
    peaks = ("apply_peak_bytes", "wire_peak_bytes", "full_peak_bytes")
    peak = max((ours[each] for each in peaks if each in ours), default=None)
    own, far, check = (ours.get(each) for each in ("apply_seconds", "far_seconds", "requests_with_check"))
    written, chunks, theirs = tar.get("apply_write_seconds"), ours.get("far_chunks_seconds"), desync.get("far_seconds")
    line = ours["bytes"] / LINE_BYTES_A_SECOND if ours else None
    return [
        named(name),
        mib(peak),
        f"{seconds(own)} / {seconds(written)} = **{plain_ratio(own, written)}**",
        f"{seconds(far)} ({seconds(line)})",
        f"{seconds(chunks)}: **{plain_ratio(far, chunks)}**",
        f"{seconds(theirs)}: **{plain_ratio(far, theirs)}**",
        str(check) if check is not None else "-",
        verdict(
            at_most(peak, PEAK_BAR),
            at_most(ratio(own, written), APPLY_BAR),
            at_most(ratio(far, chunks), FAR_BAR),
            at_most(ratio(far, theirs), FAR_DESYNC_BAR),
            at_most(check, REQUESTS_BAR),
        ),
    ]


def cost_table(found):
    head = [
        "update",
        "memory ≤ 256 MiB",
        f"apply / zstd -d and tar -x ≤ {APPLY_BAR}",
        "over the line (its bytes alone)",
        f"/ our chunks ≤ {FAR_BAR}",
        f"/ desync ≤ {FAR_DESYNC_BAR}",
        f"requests of check and update ≤ {REQUESTS_BAR}",
        "",
    ]
    return table(head, [cost_row(name, of) for name, of in found.items()])


def built(of):
    if "build_seconds" not in of:
        return "-"
    return seconds(of["build_seconds"]) + (f", {mib(of['build_peak_bytes'])}" if of.get("build_peak_bytes") else "")


def build_row(name, of):
    ours, (seconds_bar, peak_bar) = part(of, "ours"), BUILD_BARS.get(name, (None, None))
    return [
        named(name),
        *(built(part(of, each)) for each in RIVALS),
        f"**{built(ours)}**, bundles {shown(ours.get('bundle_bytes'))}" if ours else "-",
        f"≤ {seconds_bar} s, ≤ {mib(peak_bar)}" if seconds_bar else "-",
        verdict(at_most(ours.get("build_seconds"), seconds_bar), at_most(ours.get("build_peak_bytes"), peak_bar)),
    ]


def build_table(found):
    rivals = ["desync tar", "zstd -19, tar", "zstd -19, files", "bsdiff", "butler"]
    head = ["build", *rivals, "vsekai publish", "bar", ""]
    return table(head, [build_row(name, of) for name, of in found.items()])


def apply_row(name, of):
    tar, desync, butler = (part(of, each) for each in ("zstd_tar", "desync", "butler"))
    return [
        named(name),
        *(seconds(tar.get(each)) for each in ("apply_seconds", "apply_write_seconds")),
        mib(tar.get("apply_peak_bytes")),
        seconds(butler.get("apply_seconds")),
        mib(butler.get("apply_peak_bytes")),
        seconds(desync.get("far_seconds")),
        mib(desync.get("apply_peak_bytes")),
    ]


def apply_table(found):
    """The cost of applying a patch with the other programs, with which ours is compared."""
    head = ["the others' client", "zstd -d", "and tar -x", "memory", "butler apply", "memory", "desync over the line", "memory"]
    return table(head, [apply_row(name, of) for name, of in found.items()])


NOTES = """\
MB is 10^6 bytes, MiB 2^20. A number after bytes is requests for content. Of vsekai all is counted but the signed metadata,
so chunks, bundles, index and file table; of desync chunks alone, of patchers the patch. To apply, the bundle
comes from a server on the same machine, so that fetching takes next to no time.

- **desync** is at its best: times left out of its archive (with them it fetches up to four times as much), and a cache that
  has all chunks of the old version. Over the line it runs with its own settings: ten requests at once.
- **zstd -19, tar**: one patch between two sorted tar streams without times. Over 2^27 (in brackets) a decoder has to be told
  to allow that window, and needs memory for it. **files**: a patch for each changed path, new files by themselves, moved
  ones free, as if all came in one piece. **bsdiff** in the same way; a file that it did not finish in {bsdiff_seconds} s of
  CPU time for the whole pair counts as zstd -19 by itself. **butler**: {butler}.
- **The line** has a round trip of 50 ms and 50 Mbit/s that all connections share, and each takes a round trip to open. It
  loses nothing and has no slow start.

Medians of {rounds} rounds; the others' builds once{again}. Machine: {cores} cores, Linux {kernel}; zstd {zstd}; load {load:.1f} at the
end. Command: `tests/tools/bench_bundles.py`
"""


def butler_shown(found):
    known = [part(of, "butler") for of in found.values() if part(of, "butler")]
    named_versions = {each["version"] for each in known if "version" in each}
    if named_versions:
        return f"what its servers make of a first patch, by `rediff --rediff-quality 9` ({', '.join(sorted(named_versions))})"
    return "not measured, " + next((each["missing"] for each in known), "as was not asked for")


def text(found, options):
    zstd = subprocess.run(["zstd", "--version"], capture_output=True, text=True).stdout.split(",")[0].split()[-1]
    notes = NOTES.format(
        bsdiff_seconds=options.bsdiff_seconds,
        butler=butler_shown(found),
        rounds=options.rounds,
        again=", in an earlier run; to apply them was measured again, with a patch of level 3" if options.rivals else "",
        cores=os.cpu_count(),
        kernel=platform.release(),
        zstd=zstd,
        load=os.getloadavg()[0],
    )
    tables = [bytes_table(found), full_table(found)]
    if any("ours" in of for of in found.values()):
        tables.append(cost_table(found))
    return "\n".join([*tables, build_table(found), apply_table(found), notes])
