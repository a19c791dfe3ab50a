#!/usr/bin/env -S python3 -B
"""Plays through the exported launcher with real keys and clicks in a virtual display.

Installs the sample game from a real server, plays it, updates it in spite of a crash, and rolls it back. Then come an
unreachable server, damage, a retired mode, a full disk and a plain web host. With `VSEKAI_TEST_DATA`, the last step is
an update of V-Sekai itself by bundles, from server to button. Each step checks the output of `vsekai status --json`;
screenshots are kept in out/e2e, or out/e2e-windows, for people to look at.

    tests/e2e/launcher.py                      exports everything first
    tests/e2e/launcher.py --keep               uses the exports in out/
    tests/e2e/launcher.py --short              only the steps up to the update
    tests/e2e/launcher.py --windows VSEKAI.EXE    plays with launcher.exe in wine, and looks at its installs with this
"""

import argparse
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from display import Display
from player import Player
from systems import GODOT, REPO, Linux, Windows
from world import GAME, World, wait_until

# Number of steps in a short run: install, play, update in spite of a crash, play again.
SHORT = 4
NOTES = "# New in 0.2.0\n\n- **Day** has come: see the new light\n- More orbs, and they are *golden*\n"


def export(system):
    for arguments in (["launcher"], ["sample", "debug", "0.1.0"], ["sample", "debug", "0.2.0"]):
        subprocess.run([REPO / "tests/tools/export.sh", *arguments, f"--{system.export}"], check=True)


class Story:
    """The steps in order. Each leaves the world in the state that the next one expects."""

    def __init__(self, world, player, line):
        self.world, self.player, self.line = world, player, line
        self.game = world.folder / "game"
        self.url = f"http://127.0.0.1:{line.port}"

    def has(self, version, **also):
        """Waits until an install has a version, then checks other fields of its status."""
        install = self.player.install
        wait_until(f"{install.name} has not {version}, but {self.world.version(install) or 'nothing'}",
                   lambda: self.world.version(install) == version, 300)
        status = self.world.status(install)
        for word, value in also.items():
            assert status[word] == value, f"{word} is {status[word]}, not {value}"

    def a_first_start_installs_what_the_server_offers(self):
        self.world.publish("stable", "0.1.0")
        self.world.publish("beta", "0.1.0-beta.1")
        self.player.choose(self.url, self.world.keys / "root.json", self.game)
        self.player.start()
        self.player.look("first_run")
        self.player.press("Return")
        self.has("0.1.0", mode="stable")
        self.player.rest()
        self.player.look("installed")

    def the_game_starts_and_is_acknowledged(self):
        self.player.play("0.1.0", "plays_0.1.0")
        assert self.player.is_alive(), "the launcher has not outlived the game"
        self.player.look("after_the_game")
        self.player.stop()

    def a_launcher_killed_in_an_update_resumes(self):
        self.world.publish("stable", "0.2.0", notes=NOTES)
        self.world.bundle()
        offered = self.world.available(self.game)
        assert offered["download_bytes"] < offered["sizes"]["stored_bytes"], "the bundle is not what is offered"
        whole = self.world.planned(self.game)["fetch_bytes"]
        self.player.start()
        self.player.look("update_waits")
        self.line.take_carried()
        self.line.limit(2_000_000)
        self.player.press("Return")
        time.sleep(3)
        self.player.look("updates")
        self.player.kill()
        self.has("0.1.0", is_resumable=True)
        self.line.limit(0)
        carried = self.line.take_carried()
        left = self.world.planned(self.game)
        assert left["earlier_bytes"] > 0, f"nothing of the download has stayed: {left}"
        total = left["fetch_bytes"] + left["earlier_bytes"]
        assert abs(total - whole) < whole / 20, f"the download of {whole} bytes has {total} now"
        self.line.take_carried()
        self.player.start()
        self.player.look("can_be_resumed")
        self.player.press("Return")
        self.has("0.2.0")
        self.player.rest()
        # The bundle, at most one second of which was downloaded twice.
        carried, most = carried + self.line.take_carried(), offered["download_bytes"] + 3_500_000
        assert carried < most, f"{carried} bytes for a bundle of {offered['download_bytes']}"
        self.player.look("updated")

    def the_update_plays(self):
        self.player.play("0.2.0", "plays_0.2.0")
        self.player.click("whats_new", "HomeButton")

    def a_second_start_leaves_it_to_the_first(self):
        begun = time.monotonic()
        code = self.player.start_another().wait(30)
        assert code == 0, f"the second launcher ended with {code}"
        print(f"     a second start took {time.monotonic() - begun:.1f} s", flush=True)
        assert self.player.is_alive(), "the first launcher has gone"
        self.player.rest()
        self.player.look("started_twice")
        if self.world.system.platform == "linux-x86_64":
            self._one_that_hangs_is_passed_over()

    def _one_that_hangs_is_passed_over(self):
        self.player.hang(True)
        beside = self.player.start_another()
        try:
            time.sleep(10)
            assert beside.poll() is None, f"the second launcher ended with {beside.returncode}"
            self.player.look("beside_one_that_hangs")
        finally:
            self.world.system.kill(beside)
            beside.wait(20)
            self.player.hang(False)

    def settings_roll_back(self):
        self.player.click("settings", "Rollback", then="Yes")
        self.has("0.1.0")
        assert self.world.status(self.game)["bad"], "the version that was left would be offered again"
        self.player.rest()
        self.player.look("rolled_back")
        self.player.stop()
        self.player.start()
        self.player.look("after_rolling_back")
        self.player.stop()

    def without_the_server_the_game_still_plays(self):
        self.line.cut()
        self.player.start()
        self.player.look("offline")
        self.player.play("0.1.0", "plays_offline")
        self.player.stop()
        self.line.mend()

    def damage_is_found_and_repaired(self):
        self.player.start()
        damaged = self.world.tree(self.game) / "world.bin"
        with damaged.open("r+b") as file:
            file.seek(5_000_000)
            file.write(b"this is not true")
        self.player.click("settings", "Verify")
        self.player.rest()
        self.player.look("damaged")
        self.player.press("Escape")
        self.player.rest()
        self.player.look("damaged_home")
        self.player.press("Return")
        wait_until("the damage was not repaired", lambda: self.world.is_whole(self.game))
        self.player.rest()
        self.player.look("repaired")

    def settings_uninstall(self):
        # The notice of the repair takes room in Settings for eight seconds.
        time.sleep(8)
        self.player.click("settings", "Uninstall", then="Yes")
        wait_until("the game was not uninstalled", lambda: not self.game.exists())
        self.player.rest()
        self.player.look("uninstalled")
        self.player.stop()

    def a_retired_mode_moves_its_players(self):
        install = self.world.folder / "beta"
        self.world.play("--update", install, "--repository", self.url, "--trust-root", self.world.keys / "root.json",
                        "--mode", "beta")
        self.world.retire("beta", "stable")
        self.player.choose(self.url, self.world.keys / "root.json", install)
        self.player.start()
        self.player.look("retired_mode")
        self.player.press("Return")
        # The player chose beta, and comes back with it.
        self.has("0.2.0", mode="beta")
        assert self.world.status(install)["current"]["mode"] == "stable"
        self.player.rest()
        self.player.look("moved_to_stable")
        self.player.stop()

    def a_full_disk_is_said_before_anything_is_written(self):
        disk = self.world.folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", disk]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            print("SKIPPED: no right to mount: a full disk is not tried", file=sys.stderr)
            return
        try:
            # Programs that already run do not see what is mounted now.
            self.world.system.restart()
            self.player.choose(self.url, self.world.keys / "root.json", disk / "game")
            self.player.start()
            self.player.look("small_disk")
            self.line.take_carried()
            self.player.press("Return")
            time.sleep(2)
            self.player.rest()
            self.player.look("disk_full")
            assert self.world.version(disk / "game") == "", "something was installed on a disk that is too small"
            carried = self.line.take_carried()
            assert carried < 1_000_000, f"{carried} bytes were downloaded for a disk that is too small"
            self.player.stop()
        finally:
            self.player.stop()
            self.world.system.restart()
            subprocess.run(["umount", disk], check=False)

    def a_plain_web_host_does_as_well(self):
        url, keys = self.world.static()
        self.player.choose(url, keys / "root.json", self.world.folder / "from-files")
        self.player.start()
        self.player.press("Return")
        self.has("0.1.0")
        self.player.stop()
        self.world.publish("stable", "0.2.0", self.world.folder / "static", keys)
        self.player.start()
        self.player.press("Return")
        self.has("0.2.0")
        self.player.rest()
        self.player.play("0.2.0", "plays_from_files")
        self.player.stop()

    def the_real_game_comes_as_bundles(self):
        if GAME is None:
            print("SKIPPED: VSEKAI_TEST_DATA is not set: V-Sekai's own builds are not updated", file=sys.stderr)
            return
        if self.world.system.platform != "linux-x86_64":
            print("SKIPPED: V-Sekai's own builds are for Linux; tests/e2e/windows.py installs them in wine", file=sys.stderr)
            return
        install = self.world.folder / "v-sekai"
        old = self.world.publish_game("2023-04-08", "vsekai_game_linux")
        self.world.bundle()
        self.line.take_carried()
        done = self.world.play("--json", "--update", install, "--repository", self.url, "--trust-root",
                               self.world.keys / "root.json", "--mode", "game", "--no-shared-cache")
        done = json.loads(done.stdout.splitlines()[-1])
        assert (done["current"]["version"], way_of(done)) == (old, "full"), done
        new = self.world.publish_game("2023-04-10", "v_sekai_linuxbsd")
        self.world.bundle()
        offered = self.world.available(install)
        assert offered["download_bytes"] < 0.8 * offered["sizes"]["stored_bytes"], offered
        self.player.choose(self.url, self.world.keys / "root.json", install)
        self.player.start()
        self.player.look("real_game_waits")
        self.line.take_carried()
        self.player.press("Return")
        self.has(new, mode="game")
        self.player.rest()
        self.player.look("real_game_updated")
        self.player.stop()
        carried = self.line.take_carried()
        # Response headers, and signed metadata.
        assert carried < offered["download_bytes"] + 100_000, f"{carried} bytes for {offered['download_bytes']}"
        sums = ["sha256sum", "--check", "--quiet", GAME / "linux_2023-04-10.sha256"]
        subprocess.run(sums, cwd=install / "current", check=True)

    STEPS = (
        a_first_start_installs_what_the_server_offers,
        the_game_starts_and_is_acknowledged,
        a_launcher_killed_in_an_update_resumes,
        the_update_plays,
        a_second_start_leaves_it_to_the_first,
        settings_roll_back,
        without_the_server_the_game_still_plays,
        damage_is_found_and_repaired,
        settings_uninstall,
        a_retired_mode_moves_its_players,
        a_full_disk_is_said_before_anything_is_written,
        a_plain_web_host_does_as_well,
        the_real_game_comes_as_bundles,
    )


def way_of(done):
    """The strategy of an update, according to `--json`."""
    return next(route["way"] for route in done["routes"] if route["chosen"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="use the exports in out/")
    parser.add_argument("--short", action="store_true", help="only the steps up to the update")
    parser.add_argument("--windows", metavar="VSEKAI.EXE", help="play in wine; this program looks at the installs")
    options = parser.parse_args()
    if not shutil.which("xdotool"):
        raise SystemExit("error: xdotool is not installed\n\nhint: ./run setup")
    system = Windows if options.windows else Linux
    if not options.keep:
        export(system)
    if not system.launcher.exists():
        raise SystemExit(f"error: there is no {system.launcher}\n\nhint: ./run export launcher")
    pictures = REPO / ("out/e2e-windows" if options.windows else "out/e2e")
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    begun = time.monotonic()
    # A stopped test cleans up like one that ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        # /tmp is the same folder in the root where Godot runs; others may not be.
        folder = Path(tempfile.mkdtemp(prefix="vsekai-e2e-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        system = Windows(folder, options.windows) if options.windows else Linux(folder)
        stack.callback(system.close)
        world = World(folder, system=system)
        stack.callback(world.close)
        display = Display(GODOT)
        stack.callback(display.close)
        player = Player(display, world, pictures)
        stack.callback(player.stop)
        steps = Story.STEPS[:SHORT] if options.short else Story.STEPS
        tell(Story(world, player, world.serve()), steps, player, folder)
    seconds = time.monotonic() - begun
    print(f"{len(steps)} steps of the launcher passed in {seconds:.0f} s; pictures in {pictures}")


def tell(story, steps, player, folder):
    for step in steps:
        start = time.monotonic()
        try:
            step(story)
        except BaseException:
            player.look(f"FAILED_{step.__name__}")
            print(f"FAIL {step.__name__}", file=sys.stderr)
            print((folder / "launcher.log").read_text(errors="replace")[-3000:], file=sys.stderr)
            raise
        print(f"ok   {step.__name__} ({time.monotonic() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
