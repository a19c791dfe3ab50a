#!/usr/bin/env python3
"""Tries in wine what starts and replaces itself: the stub (`rust/stub`) and `vsekai self-update`.

Usage: tests/e2e/windows_itself.py VSEKAI.EXE [TEST...]. The stub is expected where cargo puts it beside that target:
`../stub/vsekai-stub.exe`. Messages are read from a virtual display; without one, the tests that need it are skipped.
"""

import os
import shutil
import sys
from pathlib import Path

import windows
from display import Display
from windows import current, tree, z
from world import REPO, wait_until

GODOT = REPO / "tests/tools/godot.sh"
STUB = Path(sys.argv[1]).resolve().parents[1] / "stub/vsekai-stub.exe"
MAX_STUB_BYTES = 400_000


def integrated(world, with_vsekai=False):
    """A game with a stub in it; with `vsekai.exe` in each version, as a launcher has it, on request."""
    shutil.copy(STUB, world.folder / "bin/vsekai-stub.exe")
    for version in ["1.0.0", "2.0.0"]:
        if with_vsekai:
            shutil.copy(world.exe, world.build(version) / "vsekai.exe")
        world.publish(version)
    game = world.folder / "V Sekai"
    world.update(game, "--version", "1.0.0").done()
    world("integrate", z(game)).done()
    return game


def start(world, game, *words, env=None, log="game.log"):
    """Runs the stub of a game; by default it starts the game at once, and not as the menu does, which looks for an
    update first. Returns its exit code and what the game noted."""
    log = world.folder / log
    log.unlink(missing_ok=True)
    words = [] if words == ("menu",) else words or ["--"]
    done = world.run(z(game / "V-Sekai.exe"), *words, env={"GAME_LOG": z(log), "GAME_READY": "1", **(env or {})})
    return done.returncode, log.read_text() if log.exists() else ""


def with_display(test):
    """Gives a test a virtual display, in which wine shows windows."""

    def run(world):
        display = Display(GODOT)
        os.environ["DISPLAY"] = display.name
        try:
            test(world, display)
        finally:
            del os.environ["DISPLAY"]
            display.close()

    return run


def test_stub_is_small(_world):
    size = STUB.stat().st_size
    print(f"the stub has {size} bytes")
    assert size <= MAX_STUB_BYTES, size


def test_stub_starts_the_game_and_passes_on_what_it_says(world):
    game = integrated(world)
    assert (game / ".vsekai/bin/vsekai.exe").is_file()
    code, said = start(world, game, env={"GAME_EXIT": "7"})
    assert code == 7 and "VSEKAI_VERSION=1.0.0" in said, (code, said)
    code, said = start(world, game, "--", "a b", '"quoted"')
    assert code == 0 and 'argument=a b\nargument="quoted"\n' in said, (code, said)
    code, said = start(world, game, "open", "--", "uro://server/map?id=1")
    assert code == 0 and "argument=--\nargument=uro://server/map?id=1\n" in said, (code, said)
    # A program that has moved away is not needed any more.
    world.exe.rename(world.exe.with_name("elsewhere.exe"))
    code, said = start(world, game)
    assert code == 0 and "VSEKAI_VERSION=1.0.0" in said, (code, said)


def test_menu_entry_brings_the_update_or_starts_what_is_there(world):
    game = integrated(world)
    assert start(world, game)[0] == 0, "no longer on trial"
    code, said = start(world, game, "menu")
    assert code == 0 and "VSEKAI_VERSION=" in said, (code, said)


def test_stub_falls_back_to_the_programs_in_the_versions(world):
    game = integrated(world, with_vsekai=True)
    first = tree(game)
    world.update(game, "--version", "2.0.0").done()
    (game / ".vsekai/bin/vsekai.exe").write_bytes(b"not a program")
    code, said = start(world, game)
    assert code == 0 and "VSEKAI_VERSION=2.0.0" in said, (code, said)
    second = tree(game)
    shutil.rmtree(second)
    code, said = start(world, game)
    assert code == 0 and "VSEKAI_VERSION=" in said, (code, said)
    assert first.is_dir()


def test_version_that_does_not_start_gives_way_through_the_stub(world):
    game = integrated(world)
    start(world, game)
    world.update(game, "--version", "2.0.0").done()
    for _ in range(2):
        code, said = start(world, game, env={"GAME_EXIT": "3", "GAME_READY": ""})
        assert code == 3 and "VSEKAI_VERSION=2.0.0" in said, (code, said)
    code, said = start(world, game)
    assert code == 0 and "VSEKAI_VERSION=1.0.0" in said, (code, said)
    assert current(game)["version"] == "1.0.0"


@with_display
def test_stub_tells_what_it_cannot_do(world, display):
    game = integrated(world)
    (game / ".vsekai/bin/vsekai.exe").unlink()
    stub = world.start(z(game / "V-Sekai.exe"))
    wait_until("no message", lambda: display.windows("^V-Sekai$"), 60)
    display.key("Return")
    assert stub.wait(timeout=60) == 1


@with_display
def test_uninstallation_asks_and_says_what_it_did(world, display):
    game = integrated(world)
    for answer in ["n", "y"]:
        stub = world.start(z(game / "V-Sekai.exe"), "uninstall")
        wait_until("no question", lambda: display.windows("^V-Sekai$"), 60)
        display.key(answer)
        assert stub.wait(timeout=60) == (0 if answer == "y" else 1)
        assert (game / ".vsekai/state.json").exists() == (answer == "n") or answer == "y"
    wait_until("it is still there", lambda: not game.exists(), 60)
    wait_until("no message", lambda: display.windows("^V-Sekai$"), 60)
    display.key("Return")
    wait_until("the message stays", lambda: not display.windows("^V-Sekai$"), 60)


def test_quiet_uninstallation_removes_everything(world):
    game = integrated(world)
    done = world.run(z(game / "V-Sekai.exe"), "uninstall", "--quiet")
    assert done.returncode == 0, done.stderr
    wait_until("it is still there", lambda: not game.exists(), 60)
    query = ["reg", "query", r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall", "/s"]
    listed = world.run(*query).stdout.decode(errors="replace")
    assert world.folder.name not in listed, listed


def commands(world, version, content):
    """Publishes a command in the mode `command`, and returns the words of a first self-update."""
    tree = world.folder / f"command-{version}"
    tree.mkdir()
    (tree / "vsekai.exe").write_bytes(content)
    place = ["--repository", world.folder / "commands", "--keys", world.folder / "command-keys"]
    if not (world.folder / "command-keys").exists():
        world.publish_with(["keys", "init", world.folder / "command-keys", "--mode", "command"])
        # The install root of the command is the user's, and all tests have one user.
        world.run("cmd", "/c", "rmdir /s /q %LOCALAPPDATA%\\vsekai\\command")
    options = ["--mode", "command", "--version", version, "--platform", "windows-x86_64", "--entry", "vsekai.exe"]
    world.publish_with(["publish", tree, *options, *place, "--delta-from", "0"])
    root = z(world.folder / "command-keys/root.json")
    return ["self-update", "--repository", z(world.folder / "commands"), "--trust-root", root, "--no-progress"]


def test_command_replaces_itself_while_it_runs(world):
    # A program that says its version and ends well, and the same with other bytes behind it.
    game = (world.folder / "bin/game.exe").read_bytes()
    original, new = world.exe.read_bytes(), game + b"new"
    words = commands(world, "9.0.0", new)
    done = world(*words).done()
    assert done["is_replaced"] is True and done["version"] == "9.0.0", done
    assert world.exe.read_bytes() == new
    # `.old` goes with the next start of a vsekai.
    old = world.exe.with_name("vsekai.exe.old")
    world.exe.write_bytes(original)
    world("--version")
    assert not old.exists(), sorted(world.exe.parent.iterdir())
    world.exe.write_bytes(new)


def test_command_that_is_killed_while_it_replaces_itself_is_restored(world):
    new = (world.folder / "bin/game.exe").read_bytes() + b"new"
    original, folder = world.exe.read_bytes(), world.exe.parent
    words = commands(world, "9.0.0", new)
    counted = world.folder / "operations"
    # With the new version in the install root already, as in all runs below: the operations have the same numbers.
    world(*words).done()
    world.exe.write_bytes(original)
    world(*words, env={"VSEKAI_FAULT": f"count:{z(counted)}"}).done()
    all_of_them = [line.split(" ", 2) for line in counted.read_text().splitlines()]
    ours = [int(number) for number, _, path in all_of_them if "\\bin\\vsekai.exe" in path]
    assert len(ours) >= 5, all_of_them
    print(f"{len(ours)} operations on the program")
    for number in ours:
        for path in folder.glob("vsekai.exe*"):
            path.unlink()
        world.exe.write_bytes(original)
        killed = world(*words, env={"VSEKAI_FAULT": f"{number}:after"})
        assert killed.last.get("event") != "done", number
        if not world.exe.exists():
            # Between the two renames: the old program still works, and gives the name back.
            world.run(z(folder / "vsekai.exe.old"), "--version")
        found = world.exe.read_bytes()
        assert found in (original, new), number
        if found == original:
            world(*words).done()
        assert world.exe.read_bytes() == new, number


if __name__ == "__main__":
    windows.main(globals())
