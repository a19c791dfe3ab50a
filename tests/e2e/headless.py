#!/usr/bin/env python3
"""Compares `godot --headless --no-header --path . -- ARGS` with `vsekai ARGS`: output and exit codes must be the same.

headless.py [--launcher PROGRAM] [--only WORD] [--few]: run by tests/tools/fixtures.sh, which provides a server. Each
case runs twice, each time on a fresh copy of the same files at the same path; stdout, stderr and exit code are compared.
With --launcher, runs this exported program instead of Godot with this project. With --windows, runs out/windows and this
`vsekai.exe`, both in wine; what is published must be for Windows then (`VSEKAI_TEST_PLATFORM`).
"""

import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from systems import GODOT, QUIET, REPO, WINE, Windows

VSEKAI = str(Path(os.environ.get("VSEKAI_BIN") or REPO / "rust/target/debug") / "vsekai")
WORK = Path(os.environ["VSEKAI_TEST_DIR"]) / "headless"
URL, ROOT = os.environ["VSEKAI_TEST_URL"], os.environ["VSEKAI_TEST_ROOT"]
# wine, if the programs are those for Windows.
WINDOWS: Windows | None = None
HUNG: list[list[str]] = []

# Everything that may differ: durations, random keys, and the path of the program itself.
NORMAL = [
    (re.compile(r"\b(in|Took) \d+\.\d+ s\b"), r"\1 TIME s"),
    (re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d ", re.M), "TIME "),
    (re.compile(r"\b[0-9a-f]{16}\b(?=  (not )?here)"), "KEY"),
    (re.compile(r'"key_id":"[0-9a-f]{64}"'), '"key_id":"KEY"'),
    # The second of the run is in it.
    (re.compile(r'"expires":"[-0-9T:]+Z"'), '"expires":"TIME"'),
    # The number of progress lines depends on the time, too.
    (re.compile(r'^\{"event":"(progress|advanced)".*\n', re.M), ""),
    # On a busy machine, wine now and then complains of its own connection.
    (re.compile(r"^wine client error:.*\n", re.M), ""),
]

# Name, arguments. DIR is the copy of the files: see `prepare`.
CASES = """
help                 --help
help short           -h
no arguments
version              --version
unknown command      no-such-command
unknown option       status --no-such-option DIR/game
missing argument     update
bad value            update --limit-rate fast DIR/new
help of install      install --help
help of update       update --help
help of check        check --help
help of status       status --help
help of verify       verify --help
help of rollback     rollback --help
help of launch       launch --help
help of uninstall    uninstall --help
help of mode         mode --help
help of mode list    mode list --help
help of mode switch  mode switch -h
help of integrate    integrate --help
help of unintegrate  unintegrate --help
help of config       config --help
help of publish      publish --help
help of repository   repository --help
help of keys         keys --help
help of store        store --help
help of store make   store make --help
help command         help store extract
mode alone           mode
mode list            mode list --repository DIR/repo --trust-root DIR/keys/root.json
mode list of install mode list DIR/game
mode list json       --json mode list DIR/game
mode list of server  mode list --repository URL --trust-root ROOT
mode list of nothing mode list
mode current         mode current
mode current install mode current DIR/game
mode switch          mode switch --mode_name beta DIR/game
mode switch default  mode switch --mode_name beta
mode switch unknown  mode switch --mode_name nightly DIR/game
install              update DIR/new --repository DIR/repo --trust-root DIR/keys/root.json
install as option    --update DIR/new --repository DIR/repo --trust-root DIR/keys/root.json
install from server  --json update DIR/new --repository URL --trust-root ROOT --mode beta --no-shared-cache
install without root update DIR/new --repository DIR/repo
update               update DIR/game
update json          --json update DIR/game
update dry           update --dry-run DIR/game
update nothing       update DIR/newest
update quiet         -q update DIR/game
update elsewhere     update --repository http://127.0.0.1:1 DIR/game
check                check DIR/game
check exit code      check --exit-code DIR/game
check up to date     check --exit-code DIR/newest
check json           --json check DIR/game
status               status DIR/game
status json          --json status DIR/newest
status of nothing    status DIR/nothing
verify               verify DIR/game
verify damage        verify DIR/damaged
verify damage json   --json verify DIR/damaged
repair               verify --repair DIR/damaged
rollback             rollback DIR/newest
rollback of nothing  rollback DIR/game
launch               launch DIR/game -- --exit 7 --use_vr
launch json          --json launch DIR/game
launch nothing       launch DIR/nothing
uninstall unasked    uninstall DIR/game
uninstall            uninstall --yes DIR/game
uninstall nothing    --json uninstall DIR/nothing
integrate            integrate DIR/game
integrate json       --json integrate DIR/game
unintegrate          unintegrate DIR/game
config show          config show
config set           config set limit_rate 5M
config get           config get connections
config path          config path
completions          completions bash
versions             versions DIR/game
versions json        --json versions --all DIR/newest
history              history DIR/newest
mode switch word     mode switch beta DIR/game
install verb         install DIR/new --repository DIR/repo --trust-root DIR/keys/root.json
repository show      repository show --repository DIR/repo --keys DIR/keys
keys init            keys init DIR/new_keys --mode stable
keys show            keys show DIR/keys
keys show nothing    keys show DIR/nothing
publish              publish DIR/build --mode stable --version 3.0.0 --entry game --repository DIR/repo --keys DIR/keys
publish json         --json publish DIR/build --mode beta --version 3.0.0-beta.1 --entry game --repository DIR/repo --keys DIR/keys
publish refused      publish DIR/build --mode stable --version alpha14 --entry game --repository DIR/repo --keys DIR/keys
recall               repository recall --mode stable --version 1.1.0 --repository DIR/repo --keys DIR/keys
retire               repository retire --mode beta --update-to stable --repository DIR/repo --keys DIR/keys
store make           store make --store DIR/new_store DIR/new.caidx DIR/build
store make json      --json store make --store DIR/new_store DIR/new.caibx DIR/build/data/world.pck
store extract        store extract --store DIR/store DIR/build.caidx DIR/extracted
store info           store info DIR/build.caidx
store info json      --json store info DIR/build.caidx
store verify         store verify DIR/store
store verify damage  store verify DIR/broken_store
store prune          store prune DIR/store DIR/build.caidx
store chunk          store chunk DIR/build/data/world.pck
store nothing        store info DIR/nothing.caidx
"""


# One of each kind: help, wrong arguments, JSON, the network, a damaged file, a running game.
FEW = {"help", "unknown option", "status json", "install from server", "verify damage", "launch", "publish refused"}


def cases():
    for line in CASES.strip().splitlines():
        name, arguments = line[:20], line[20:]
        yield name.strip(), arguments.split()


def run(command, env=None, **more):
    """Runs a program in the same root as Godot, or in wine, with a minimal environment."""
    if WINDOWS:
        home = Path((env or {}).pop("HOME", WORK))
        settings = {"VSEKAI_CONFIG": WINDOWS.path(home / "config.toml"), **(env or {}), **QUIET}
        return subprocess.Popen([WINE, *command], env=WINDOWS.environment(settings), stdin=subprocess.DEVNULL,
                                start_new_session=True, **more)
    names = {"HOME": None, "XDG_CONFIG_HOME": None, "COLUMNS": None, **(env or {})}
    given = {name: value for name, value in names.items() if value is not None}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VSEKAI_")}
    kept.pop("DISPLAY", None)
    kept |= {name: value for name, value in given.items() if name != "HOME"}
    # godot.sh also looks for Godot in HOME, so the HOME of the case is passed under another name.
    kept["VSEKAI_TOOLS"] = os.environ.get("VSEKAI_TOOLS", "") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vsekai-updater"
    )
    given |= QUIET
    inside = ["/usr/bin/env", "-u", "VSEKAI_TOOLS", *(f"{name}={value}" for name, value in given.items())]
    return subprocess.Popen(
        [GODOT, "--run", *inside, *command], env=kept, stdin=subprocess.DEVNULL, start_new_session=True, **more
    )


def programs(launcher):
    if WINDOWS:
        return {"vsekai": WINDOWS.vsekai[1:],
                "godot": [WINDOWS.path(launcher or WINDOWS.launcher), "--headless", "--no-header", "--"]}
    if launcher:
        ours = [launcher, "--headless", "--no-header", "--"]
    else:
        ours = ["godot", "--headless", "--no-header", "--path", str(REPO), "--"]
    if os.environ.get("GODOT"):
        ours[0] = os.environ["GODOT"] if not launcher else ours[0]
    return {"vsekai": [VSEKAI], "godot": ours}


def vsekai(*arguments):
    subprocess.run([VSEKAI, "--quiet", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL)


def client(*arguments):
    """Runs the player's `vsekai`."""
    if not WINDOWS:
        return vsekai(*arguments)
    words = [WINDOWS.path(word) if isinstance(word, Path) else word for word in arguments]
    return subprocess.run([*WINDOWS.vsekai, "--quiet", *words], env=WINDOWS.environment({}), check=True,
                          stdin=subprocess.DEVNULL)


def entry():
    return "game.exe" if WINDOWS else "game"


def path(word):
    return WINDOWS.path(word) if WINDOWS else str(word)


def prepare():
    """The files, of which every case gets a copy."""
    base = WORK / "DIR"
    base.mkdir(parents=True)
    builds = WORK.parent
    # Godot creates these automatically.
    (base / "home/.local/share").mkdir(parents=True)
    shutil.copytree(builds / "one", base / "build")
    platform = ["--platform", WINDOWS.platform] if WINDOWS else []
    vsekai("keys", "init", base / "keys", "--mode", "stable", "--mode", "beta")
    for mode, version, tree in [("stable", "1.0.0", "one"), ("stable", "1.1.0", "two"), ("beta", "2.0.0-beta.1", "three")]:
        vsekai("publish", builds / tree, "--mode", mode, "--version", version, "--entry", entry(),
               "--repository", base / "repo", "--keys", base / "keys", *platform)
    vsekai("store", "make", "--store", base / "store", base / "build.caidx", base / "build")
    shutil.copytree(base / "store", base / "broken_store")
    chunk = sorted((base / "broken_store").glob("*/*.cacnk"))[0]
    chunk.chmod(0o644)
    chunk.write_bytes(b"broken")
    return base


def install(base, at, arguments):
    """Installs record their location, so the one of the case is created in place."""
    shutil.copytree(base, at, symlinks=True)
    source = ["--repository", at / "repo", "--trust-root", at / "keys/root.json"]
    for name in ("game", "damaged", "newest"):
        if f"DIR/{name}" in arguments:
            client("update", at / name, "--version", "1.0.0", *source)
    if "DIR/damaged" in arguments:
        damaged = next((at / "damaged/versions").glob("*/data/world.pck"))
        damaged.chmod(0o644)
        damaged.write_bytes(b"not what was published")
    if "DIR/newest" in arguments:
        client("update", at / "newest")


def is_registered(arguments):
    """Whether a case changes what all cases share on Windows."""
    return WINDOWS is not None and "integrate" in arguments and "--help" not in arguments


def normal(text):
    for pattern, word in NORMAL:
        text = pattern.sub(word, text)
    return text


def outcome(command, env):
    """Exit code and output. A program that hangs is a failure, except once in a run in wine, which does that rarely."""
    process = run(command, dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if not WINDOWS or HUNG:
            raise
        HUNG.append(command)
        print(f"HUNG in wine, tried again: {command}", file=sys.stderr)
        return outcome(command, env)
    return process.returncode, out, err


def compare(number, name, arguments, sources, both):
    results = attempt(number, arguments, sources, both)
    if WINDOWS and is_code_lost(results.values()):
        print(f"EXIT CODE LOST in wine, tried again: {name}", file=sys.stderr)
        results = attempt(number, arguments, sources, both)
    if results["vsekai"] == results["godot"]:
        return None
    return f"{name}: {' '.join(arguments)}\n" + "".join(
        f"  {program}: exit {code}\n    stdout {out!r}\n    stderr {err!r}\n" for program, (code, out, err) in results.items()
    )


def is_code_lost(results):
    """Whether two programs differ in that one has exited with 0.

    In wine, a thread that ends just when the program exits now and then takes the exit code with it: a C program whose
    main function returns 3 while others of its threads return 0 exited with 0 twice in 150 runs.
    """
    (one, *said), (other, *heard) = results
    return said == heard and one != other and 0 in (one, other)


def attempt(number, arguments, sources, both):
    """What each program says and does in a case."""
    at = WORK / f"case{number}"
    words = {"URL": URL, "ROOT": path(ROOT), "game": entry()}
    arguments = [words.get(word, word.replace("DIR/", path(f"{at}/"))) for word in arguments]
    results = {}
    for program, command in both.items():
        # A case that names no file gets none.
        if number in sources:
            shutil.copytree(sources[number], at, symlinks=True)
        code, out, err = outcome([*command, *arguments], {"HOME": str(at / "home")})
        results[program] = (code, normal(out.decode()), normal(err.decode()))
        if is_registered(arguments):
            # What it changes is not in the case's folder there.
            client("unintegrate", at / "game")
        shutil.rmtree(at, ignore_errors=True)
    return results


def closed_stdout(both):
    """The reader closes the pipe immediately, like `| head -0`."""
    codes = {}
    for program, command in both.items():
        reader, writer = os.pipe()
        os.close(reader)
        process = run([*command, "--help"], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        _, err = process.communicate(timeout=30)
        codes[program] = (process.returncode, err)
    return None if codes["vsekai"] == codes["godot"] == (0, b"") else f"closed stdout: {codes}"


def relative(both, base):
    """Paths are relative to the caller's folder, not to the one that the engine changes to."""
    at = WORK / "relative"
    install(base, at, ["DIR/game"])
    found = {}
    for program, command in both.items():
        process = run([*command, "status", "game"], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=30)
        found[program] = (process.returncode, out, err)
    is_fine = found["vsekai"] == found["godot"] and found["godot"][0] == 0
    return None if is_fine else f"relative path: {found}"


def unknown_folder(both):
    """Without PWD, as on Windows, nobody knows the caller's folder: no install is looked for where the engine is."""
    for arguments in (["status", "game"], ["status"]):
        process = run([*both["godot"], *arguments], {"PWD": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=300)
        said = b"give the whole path" if len(arguments) == 2 else b"or name it"
        if process.returncode == 0 or out or said not in err:
            return f"unknown folder: {arguments}: {process.returncode} {out} {err}"
    return None


def no_home(both):
    """The home folder is not writable. The engine warns on stderr, so stderr is not compared."""
    found = {}
    for program, command in both.items():
        arguments = ["mode", "list", "--repository", URL, "--trust-root", ROOT]
        process = run([*command, *arguments], {"HOME": "/proc"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=30)
        found[program] = (process.returncode, out)
    is_fine = found["vsekai"] == found["godot"] and found["godot"][0] == 0 and b"stable" in found["godot"][1]
    return None if is_fine else f"no home: {found}"


def interrupted(both):
    """Ctrl-C during an update: exit code 130, and the next run resumes."""
    found = {}
    for program, command in both.items():
        game = WORK / f"interrupted_{program}"
        arguments = ["update", str(game), "--repository", URL, "--trust-root", ROOT, "--no-shared-cache"]
        process = run([*command, *arguments, "--limit-rate", "700K"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not list(game.glob(".vsekai/staging/*/tree/data/new.pck")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        again = run([*command, "--json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said, _ = again.communicate(timeout=60)
        resumed = re.search(rb'"resumed_bytes":([1-9]\d*)', said) is not None
        found[program] = (process.returncode, out, err, again.returncode, resumed)
    is_fine = found["vsekai"] == found["godot"] and found["godot"][0] == 130 and found["godot"][3:] == (0, True)
    return None if is_fine else f"Ctrl-C: {found}"


def panics(both):
    """A bug in the updater itself: exit code 101, and never success."""
    found = {}
    for program, command in both.items():
        keys = WORK / f"panic_{program}"
        process = run([*command, "keys", "init", path(keys)], {"VSEKAI_FAULT": "1:panic"}, stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=30)
        found[program] = (process.returncode, out, b"panic requested by VSEKAI_FAULT" in err)
    is_fine = all(result == (101, b"", True) for result in found.values())
    return None if is_fine else f"panic: {found}"


def best_of_five(command):
    """Seconds that a command takes. On a busy machine, processor time counts instead of wall time."""
    def processor():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    times = []
    for _ in range(5):
        begun, used = time.monotonic(), processor()
        process = run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait(timeout=30)
        times += [time.monotonic() - begun, processor() - used]
    return min(times)


def duration(both):
    """`mode list` by Godot takes less than half a second; on a slow machine, less than four empty starts of the engine."""
    empty = WORK / "empty"
    empty.mkdir()
    (empty / "project.godot").write_text("config_version=5\n")
    ours = best_of_five([*both["godot"], "mode", "list"])
    engine = best_of_five([os.environ.get("GODOT", "godot"), "--headless", "--path", str(empty), "--quit"])
    print(f"headless mode list: {ours:.2f} s; the engine with an empty project: {engine:.2f} s (best of five)")
    limit = max(0.5, 4 * engine)
    return None if ours < limit else f"`mode list` takes {ours:.2f} s, and {limit:.2f} s is the limit"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--launcher", help="an exported launcher, instead of Godot with this project")
    parser.add_argument("--windows", metavar="VSEKAI.EXE", help="compare with this, in wine")
    parser.add_argument("--only", default="", help="cases with this word in their name")
    parser.add_argument("--few", action="store_true", help="one case of each kind alone")
    options = parser.parse_args()
    if options.windows:
        global WINDOWS
        WORK.mkdir(parents=True)
        WINDOWS = Windows(WORK, options.windows)
    both = programs(options.launcher)
    base = prepare()
    chosen = [(number, *case) for number, case in enumerate(cases())
              if options.only in case[0] and (not options.few or case[0] in FEW)]
    assert not options.few or options.only or len(chosen) == len(FEW), "a name in FEW is not in CASES"
    sources = {}
    for number, _, arguments in chosen:
        # The files of a case are created once, in their final place, and then set aside.
        at = WORK / f"case{number}"
        if any(f"DIR/{name}" in arguments for name in ("game", "damaged", "newest")):
            install(base, at, arguments)
            sources[number] = at.rename(WORK / f"source{number}")
        elif any(word.startswith("DIR/") for word in arguments):
            sources[number] = base
    # Windows has one registry for all cases.
    alone = [case for case in chosen if is_registered(case[2])]
    chosen = [case for case in chosen if case not in alone]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: compare(*case, sources, both), chosen))
    results += [compare(*case, sources, both) for case in alone]
    if WINDOWS and not options.only:
        # Windows has neither PWD nor signals, and wine starts too slowly to be timed.
        results += [closed_stdout(both), unknown_folder(both), panics(both)]
        WINDOWS.close()
    elif not options.only and not options.few:
        results += [closed_stdout(both), relative(both, base), unknown_folder(both), no_home(both), interrupted(both), panics(both), duration(both)]
    failures = [result for result in results if result]
    for failure in failures:
        print(f"FAIL {failure}", file=sys.stderr)
    print(f"headless: {len(results) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
