#!/usr/bin/env python3
"""Tries in wine what `vsekai.exe` does while other programs have files of an install open, run in it or work in it.

Usage: tests/e2e/windows_held.py VSEKAI.EXE [TEST...]; see windows.py.
"""

import functools
import os
import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import windows
from windows import assert_is, tree, z


def test_scanner_that_has_files_open(world):
    world.publish("1.0.0")
    world.publish("2.0.0")
    world.publish("3.0.0")
    game = world.folder / "game"
    world.update(game, "--version", "1.0.0").done()
    play = functools.partial(world, "launch", z(game), env={"GAME_READY": "1"})
    play().done()
    # For a moment: waited for. For long: an error that names the file, and what was fetched is kept.
    with world.holding(game / ".vsekai/state.json", seconds=3):
        world.update(game, "--version", "2.0.0").done()
    play().done()
    with world.holding(game / ".vsekai/state.json"):
        failed = world.update(game).failed("busy")
    assert "state.json" in failed["message"], failed
    old = next(path for path in (game / "versions").iterdir() if path.name.startswith("1.0.0"))
    with world.holding(old / "common"):
        run = world.update(game)
        assert run.done()["current"]["version"] == "3.0.0"
        assert any("common" in text or "1.0.0" in text for text in run.warnings("busy")), run.said
        play().done()
        back = world("rollback", z(game)).done()
        assert back["version"] == "2.0.0", back
    world.update(game, "--version", "3.0.0").done()
    play().done()
    assert not old.exists(), "removed by a later command"


def held_template(world):
    """An install of two versions, with a third one that was staged."""
    for version in ["1.0.0", "2.0.0", "3.0.0"]:
        world.publish(version)
    first, template, counted = world.folder / "first", world.folder / "template", world.folder / "operations"
    for version in ["1.0.0", "2.0.0"]:
        world.update(first, "--version", version).done()
        world("launch", z(first), env={"GAME_READY": "1"}).done()
    shutil.copytree(first, template)
    if os.environ.get("VSEKAI_RELEASED") == "1":
        return template
    # Two copies take the same steps.
    trial = shutil.copytree(first, world.folder / "trial")
    world.update(trial, "--threads", "1", env={"VSEKAI_FAULT": f"count:{z(counted)}"}).done()
    flush = next(line for line in counted.read_text().splitlines() if " sync-disk " in line).split()[0]
    world.update(template, "--threads", "1", env={"VSEKAI_FAULT": f"{flush}:before"})
    assert list((template / ".vsekai/staging").rglob("map")), "nothing was staged"
    return template


def held_by_turns(world, file, command):
    """Runs a command on an install, one file of which somebody has open for two seconds. Returns what is wrong then."""
    game = world.folder / f"{command}-{random.randbytes(4).hex()}"
    shutil.copytree(world.folder / "template", game)
    try:
        holder = world.hold(game / file, seconds=2)
        if command == "update":
            world.update(game).done()
        else:
            world(command, *(["--yes"] if command == "uninstall" else []), z(game)).done()
        holder.wait(timeout=60)
        if command == "uninstall":
            assert not game.exists(), sorted(map(str, game.rglob("*")))
        else:
            assert_is(world, game, {"update": "3.0.0", "rollback": "1.0.0"}[command])
        return None
    except AssertionError as error:
        return f"{command}, {file}: {str(error)[:600]}"
    finally:
        shutil.rmtree(game, ignore_errors=True)


def test_any_file_that_is_held_for_a_moment_is_waited_for(world):
    template = held_template(world)
    files = sorted(path.relative_to(template) for path in template.rglob("*") if path.is_file())
    for part in ["versions", ".vsekai/indexes", ".vsekai/trust", ".vsekai/lock", ".vsekai/state.json"]:
        assert any(str(file).startswith(part) for file in files), (part, files)
    turns = [(file, command) for file in files for command in ["update", "rollback", "uninstall"]]
    # They mostly wait.
    with ThreadPoolExecutor(4) as pool:
        broken = [text for text in pool.map(lambda turn: held_by_turns(world, *turn), turns) if text]
    print(f"held {len(files)} files in turn, {len(turns)} commands, {len(broken)} wrong")
    assert not broken, "\n".join(broken)


def assert_uninstall_is_refused(world, game, held):
    """It changes nothing, and names what is held."""
    before = {path: path.read_bytes() for path in game.rglob("*") if path.is_file() and path.name != "lock"}
    refused = world("uninstall", "--yes", z(game)).failed("busy")
    assert held in refused["message"], refused
    after = {path: path.read_bytes() for path in game.rglob("*") if path.is_file() and path.name != "lock"}
    assert before == after, before.keys() ^ after.keys()


def test_uninstallation_takes_nothing_while_a_version_is_used(world):
    world.publish("1.0.0")
    game = world.folder / "game"
    world.update(game).done()
    (tree(game) / "data/tool.exe").write_bytes((world.folder / "bin/game.exe").read_bytes())
    with world.holding(tree(game) / "data/map"):
        assert_uninstall_is_refused(world, game, "map")
    # Another program than the entry.
    tool = world.start(z(tree(game) / "data/tool.exe"), env={"GAME_RUN": "600"})
    time.sleep(3)
    assert_uninstall_is_refused(world, game, "tool.exe")
    world.run("taskkill", "/F", "/IM", "tool.exe")
    tool.wait(timeout=60)
    # A program of somebody else that works in a folder of the version.
    words = ["cmd", "/c", f"cd /d {z(tree(game) / 'data')} && {z(world.folder / 'bin/hold.exe')} 600 {z(world.exe)}"]
    shell = world.start(*words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert shell.stdout.readline().strip() == b"open"
    assert_uninstall_is_refused(world, game, "data")
    world.run("taskkill", "/F", "/IM", "hold.exe")
    shell.wait(timeout=60)
    (tree(game) / "data/tool.exe").unlink()
    assert_is(world, game, "1.0.0")
    world("uninstall", "--yes", z(game)).done()
    assert not game.exists(), sorted(map(str, game.rglob("*")))


def test_game_that_outlives_its_updater(world):
    for version in ["1.0.0", "2.0.0", "3.0.0"]:
        world.publish(version)
    game = world.folder / "game"
    world.update(game, "--version", "1.0.0").done()
    playing = world.start(z(tree(game) / "game.exe"), env={"GAME_RUN": "600"})
    time.sleep(3)
    first = tree(game)
    world.update(game, "--version", "2.0.0").done()
    world.update(game).done()
    assert (first / "common").exists(), sorted(map(str, (game / "versions").rglob("*")))
    refused = world("uninstall", "--yes", z(game)).failed("busy")
    assert "in use" in refused["message"], refused
    assert world("status", z(game)).done()["current"]["version"] == "3.0.0"
    world.run("taskkill", "/F", "/IM", "game.exe")
    playing.wait(timeout=60)
    world("uninstall", "--yes", z(game)).done()
    assert not game.exists(), sorted(map(str, game.rglob("*")))


if __name__ == "__main__":
    windows.main(globals())
