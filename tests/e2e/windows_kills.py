#!/usr/bin/env python3
"""Stops `vsekai.exe` in wine at every change of the disk that its commands make, as rust/tests/kills does on Linux.

Usage: tests/e2e/windows_kills.py VSEKAI.EXE [TEST...]. The exe is a build with debug assertions, for `VSEKAI_FAULT`.
Each operation meets one of the faults in `KINDS` in turn: by default every tenth operation, with `VSEKAI_FAULTS=all` all
of them. After a fault, `status` and `launch` work at once and know a whole version, and no file of the player is lost.
The same command then ends as it would without the fault.
"""

import concurrent.futures
import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import windows
from windows import tree, z

# Killed, killed with half of a file written, refused as by a scanner, and a full disk.
KINDS = ["before", "tear", "eacces", "enospc"]
# The game of this version never gets ready, if its environment says so.
FAILS = "2.0.0"
GAME = "{folder}\\game"
HAT = b"a hat that the player made"
STEP = 1 if os.environ.get("VSEKAI_FAULTS") == "all" else 10
# Every operation counts, but a file of one size is as good as another.
SIZES = {"common": 300_000, "data/map": 90_000}


@dataclass
class Play:
    """One command on one install root."""

    name: str
    # Fills the folder with the install `game`.
    prepare: Callable
    words: list
    # The versions that may be current after a fault, and the one that is in the end. None: nothing is installed.
    may_be: tuple
    ends_as: str | None
    # Fewer than these were no test.
    operations: int
    # Below the folder, where the install is in the end.
    home: str = "game"
    # The player's file that must not be lost.
    mine: bytes | None = None
    fails: bool = False
    # Operations that this system is to lack.
    without: str = ""
    # Whether what the menu starts must work, too.
    has_stub: bool = False
    # What a second run may say, because the first one had done all.
    too_late: str = ""
    # Of so many operations that are alike, one is stopped.
    step: int = STEP


def play(world, play):
    template = world.folder / "template"
    template.mkdir()
    play.prepare(template)
    counted = world.folder / "operations"
    # Only the first of all runs changes what is the same for every folder, such as a shortcut in the start menu.
    for name, rule in [("first", ""), ("probe", f"count:{z(counted)}")]:
        (out,) = run(world, play, shutil.copytree(template, world.folder / name), rule, [play.words])
        assert out[0] == 0, out
    operations = [line.split(" ", 2)[1] for line in counted.read_text().splitlines()]
    assert len(operations) >= play.operations, operations
    numbers = range(1, len(operations) + 1, play.step)
    kinds = itertools.cycle(KINDS)
    rules = [f"{number}:{next(kinds)}" for number in numbers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda rule: survive(world, play, template, rule), rules)
    broken = [f"{rule}: {said}" for rule, said in zip(rules, results, strict=True) if said]
    print(f"{play.name}: stopped at {len(rules)} of {len(operations)} operations, {len(broken)} left broken", flush=True)
    assert not broken, "\n".join(broken)


def run(world, play, folder, rule, commands):
    """Runs commands one after the other, the first of them with a fault, in one start of wine. Returns the exit code
    and the JSON lines of each."""
    script, lines = folder / "run.bat", ["@echo off"]
    fault = ",".join(part for part in [rule, play.without and f"without:{play.without}"] if part)
    for at, words in enumerate(commands):
        lines.append(f"set VSEKAI_FAULT={fault if at == 0 else play.without and f'without:{play.without}'}")
        program = [] if words[0].endswith(".exe") else [z(world.exe), "--json"]
        line = " ".join(f'"{word.format(folder=z(folder))}"' for word in [*program, *words])
        lines += [f'{line} >"{z(folder)}\\out{at}" 2>"{z(folder)}\\err{at}"', f'echo %errorlevel% >"{z(folder)}\\code{at}"']
    script.write_text("\r\n".join(lines) + "\r\n")
    env = {"GAME_READY": "1", **({"GAME_FAILS": FAILS} if play.fails else {})}
    world.run("cmd", "/c", z(script), env=env)
    return [outcome(folder, at) for at in range(len(commands))]


def outcome(folder, at):
    texts = [(folder / f"{name}{at}").read_text(errors="replace") for name in ("code", "out", "err")]
    lines = [json.loads(line) for line in texts[1].splitlines() if line.startswith("{") and line.endswith("}")]
    return int(texts[0]), lines[-1] if lines else {}, texts[2][-400:]


def survive(world, play, template, rule):
    """What is wrong after a fault; "" if nothing is."""
    folder = world.folder / f"fault-{rule.replace(':', '-')}"
    shutil.copytree(template, folder)
    try:
        return judge(world, play, folder, rule)
    except (AssertionError, OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {str(error)[:600]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def judge(world, play, folder, rule):
    stopped, status = run(world, play, folder, rule, [play.words, ["status", place(play, folder)]])
    is_kill = rule.endswith(("before", "tear"))
    assert not (rule.endswith("before") and stopped[0] == 0), "it was not killed"
    assert is_kill or stopped[0] == 0 or stopped[1].get("code"), f"it ended without an error: {stopped}"
    if play.mine:
        assert any(path.is_file() and path.read_bytes() == play.mine for path in folder.rglob("*")), "a file is lost"
    # A move may have left either place.
    home = place(play, folder)
    if home != GAME:
        (status,) = run(world, play, folder, "", [["status", home]])
    version = (status[1].get("current") or {}).get("version")
    assert version in play.may_be, f"{version} is current: {status}, {stopped}"
    starts = [[f"{home}\\V-Sekai.exe", "--"]] if play.has_stub else [["launch", home]] if version else []
    *started, again = run(world, play, folder, "", [*starts, play.words])
    for code, said, error in started:
        assert code == 0 and (play.has_stub or said["version"] in play.may_be), f"it does not start: {said} {error}"
    assert again[0] == 0 or again[1].get("code") == play.too_late, f"the next run: {again}"
    return converged(world, play, folder)


def place(play, folder):
    """The install that counts: the place that a move has reached, as soon as it is one."""
    found = [home for home in (play.home, "game") if (folder / home / ".vsekai/state.json").is_file()]
    return f"{{folder}}\\{(found or ['game'])[0]}".replace("/", "\\")


def converged(world, play, folder):
    home = folder / play.home
    if play.ends_as is None:
        left = [path for path in home.rglob("*") if path.is_file() and path.read_bytes() != play.mine]
        assert not left, f"left: {left}"
        return ""
    (verified,) = run(world, play, folder, "", [["verify", place(play, folder)]])
    assert verified[0] == 0 and verified[1]["damage"] == [], verified
    version = windows.current(home)["version"]
    assert version == play.ends_as, f"{version} in the end"
    return ""


class Shop:
    """A repository with two versions, of which the second one is to be updated to."""

    def __init__(self, world, *words):
        self.world = world
        for version in ["1.0.0", "2.0.0"]:
            build = world.build(version)
            for name, size in SIZES.items():
                (build / name).write_bytes((build / name).read_bytes()[:size])
            world.publish_tree([build], version, *words)

    def update(self, *words):
        world = self.world
        first = ["--repository", z(world.repository), "--trust-root", z(world.keys / "root.json"), "--no-shared-cache"]
        return ["update", GAME, *first, "--threads", "1", *words]

    def install(self, folder, *versions):
        for version in versions:
            self.world.update(folder / "game", "--version", version).done()

    def start(self, folder, **env):
        return self.world("launch", z(folder / "game"), env={"GAME_READY": "1", **env})


def with_old(shop):
    return lambda folder: shop.install(folder, "1.0.0")


def with_both(shop):
    def prepare(folder):
        shop.install(folder, "1.0.0", "2.0.0")
        shop.start(folder).done()

    return prepare


def with_hat(prepare):
    def then(folder):
        prepare(folder)
        (tree(folder / "game") / "mods").mkdir()
        (tree(folder / "game") / "mods/hat.pck").write_bytes(HAT)

    return then


def test_first_install(world):
    shop = Shop(world)
    play(world, Play("first install", lambda _: None, shop.update(), (None, "2.0.0"), "2.0.0", 80))


def test_adoption(world):
    shop = Shop(world)

    def prepare(folder):
        shutil.copytree(world.folder / "build-2.0.0", folder / "game")
        (folder / "game/hat.pck").write_bytes(HAT)

    words = shop.update("--adopt")
    play(world, Play("adoption of a folder with files", prepare, words, (None, "2.0.0"), "2.0.0", 80, mine=HAT))


def test_update(world):
    shop = Shop(world)
    prepare = with_hat(with_old(shop))
    play(world, Play("update", prepare, shop.update(), ("1.0.0", "2.0.0"), "2.0.0", 80, mine=HAT))


def test_update_by_a_bundle(world):
    shop = Shop(world, "--delta-from", "1")
    play(world, Play("update by a bundle", with_old(shop), shop.update(), ("1.0.0", "2.0.0"), "2.0.0", 60))


def test_update_that_goes_on_after_a_kill(world):
    shop = Shop(world)

    def prepare(folder):
        shop.install(folder, "1.0.0")
        words = [word.format(folder=z(folder)) for word in shop.update()]
        assert world(*words, env={"VSEKAI_FAULT": "50:before"}).code != 0

    play(world, Play("update resumed after a kill", prepare, shop.update(), ("1.0.0", "2.0.0"), "2.0.0", 40))


def test_rollback(world):
    words = ["rollback", GAME, "--threads", "1"]
    prepare = with_hat(with_both(Shop(world)))
    play(world, Play("rollback", prepare, words, ("1.0.0", "2.0.0"), "1.0.0", 15, mine=HAT, too_late="no_previous_version"))


def test_launch_that_ends_a_trial(world):
    shop = Shop(world)
    prepare = lambda folder: shop.install(folder, "1.0.0", "2.0.0")  # noqa: E731
    play(world, Play("launch that ends a trial", prepare, ["launch", GAME], ("2.0.0",), "2.0.0", 10))


def test_launch_that_goes_back(world):
    shop = Shop(world)

    def prepare(folder):
        shop.install(folder, "1.0.0")
        shop.start(folder).done()
        shop.install(folder, "2.0.0")
        for _ in range(2):
            shop.start(folder, GAME_FAILS=FAILS)

    words = ["launch", GAME]
    play(world, Play("launch that goes back", prepare, words, ("2.0.0", "1.0.0"), "1.0.0", 10, fails=True))


def test_repair(world):
    shop = Shop(world)

    def prepare(folder):
        shop.install(folder, "1.0.0")
        file = tree(folder / "game") / "common"
        file.unlink()
        file.write_bytes(b"not what was published")

    words = ["verify", "--repair", GAME, "--threads", "1"]
    play(world, Play("repair", with_hat(prepare), words, ("1.0.0",), "1.0.0", 40, mine=HAT))


def test_recovery_of_a_damaged_state(world):
    shop = Shop(world)

    def prepare(folder):
        shop.install(folder, "1.0.0")
        (folder / "game/.vsekai/state.json").write_text("{")

    words = ["status", GAME]
    play(world, Play("recovery of a damaged state", prepare, words, ("1.0.0",), "1.0.0", 5))


def test_uninstall(world):
    prepare = with_both(Shop(world))

    def with_notes(folder):
        prepare(folder)
        (folder / "game/notes.txt").write_bytes(HAT)

    words = ["uninstall", GAME, "--yes"]
    ends = Play("uninstall", with_notes, words, ("2.0.0", None), None, 20, mine=HAT, too_late="not_installed")
    play(world, ends)


def move(world, name, operations, without=""):
    prepare = with_hat(with_both(Shop(world)))

    def then(folder):
        prepare(folder)
        (folder / "there").mkdir()

    words = ["move", GAME, "{folder}\\there\\game"]
    play(world, Play(name, then, words, ("2.0.0",), "2.0.0", operations, home="there/game", mine=HAT, without=without,
                     too_late="not_installed"))


def test_move_on_one_disk(world):
    move(world, "move on one disk", 4)


def test_move_to_another_disk(world):
    move(world, "move to another disk", 60, without="rename-tree")


def test_update_of_the_launcher(world):
    """Its versions have the command and the stub in them, and the menu starts the stub of the install."""
    exe = Path(sys.argv[1]).resolve()
    subprocess.run(["x86_64-w64-mingw32-strip", world.exe], check=True)
    shutil.copy(exe.parents[1] / "stub/vsekai-stub.exe", world.folder / "bin")
    for version in ["1.0.0", "2.0.0"]:
        for program in ["vsekai.exe", "vsekai-stub.exe"]:
            shutil.copy(world.folder / "bin" / program, world.build(version))
    shop = Shop(world)

    def prepare(folder):
        shop.install(folder, "1.0.0")
        world("integrate", z(folder / "game")).done()

    words = shop.update()
    play(world, Play("update of the launcher", prepare, words, ("1.0.0", "2.0.0"), "2.0.0", 80, has_stub=True,
                     step=1 if STEP == 1 else 4 * STEP))


if __name__ == "__main__":
    windows.main(globals())
