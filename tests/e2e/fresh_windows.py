#!/usr/bin/env python3
"""A player on a bare Windows follows docs/install.md, with nothing but the files of a release.

Usage: tests/e2e/fresh_windows.py OUT_RELEASE. A fresh prefix of wine is the Windows. V-Sekai's own builds, two versions
of the launcher and the sample are published by the `vsekai` of this system to a web host. Without VSEKAI_TEST_DATA,
made-up builds take the place of V-Sekai's. The sample is that of `tests/tools/export.sh sample debug 0.2.0 --windows`.
"""

import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from display import Display
from own_launcher import agree_to_install, brand
from systems import GODOT, QUIET, REPO, WINE, Windows, program
from windows import Server, current, tree
from world import GAME, wait_until

SAMPLE = REPO / "out/sample-0.2.0/windows"
BUILDS = {"1.0.0": "vsekai_game_linux", "2.0.0": "v_sekai_linuxbsd"}
USER = "HKCU\\Software"
APPS = f"{USER}\\Microsoft\\Windows\\CurrentVersion\\Uninstall"


def skip(what):
    """As in tests/tools/lib.sh: a silent gap would look like success."""
    print(f"SKIPPED: {what}", file=sys.stderr, flush=True)
    if os.environ.get("CI") == "true":
        raise SystemExit(f"error: CI must not skip: {what}")


class Publisher:
    """Has a repository with the modes `stable`, `launcher` and `sample`."""

    def __init__(self, folder):
        self.folder, self.repository, self.keys = folder, folder / "repository", folder / "keys"
        modes = [word for mode in ("stable", "launcher", "sample") for word in ("--mode", mode)]
        self.run("keys", "init", self.keys, *modes)

    def run(self, *words):
        done = subprocess.run([program("vsekai"), *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def publish(self, mode, version, entry, *words):
        options = ["--mode", mode, "--version", version, "--entry", entry, "--platform", "windows-x86_64", "--fast"]
        self.run("publish", *options, "--repository", self.repository, "--keys", self.keys, *words)

    def publish_build(self, version):
        """One of V-Sekai's builds, which are for Linux: they are installed here, not started."""
        if not GAME:
            tree = self.folder / f"build-{version}"
            tree.mkdir()
            for name in (BUILDS[version], "data.pck"):
                (tree / name).write_bytes(random.Random(version + name).randbytes(5 << 20))
            self.publish("stable", version, BUILDS[version], tree, "--allow", "entry_not_program")
            return
        index = sorted(GAME.glob("*linux*.caidx"))[-2:][list(BUILDS).index(version)]
        words = ["--from-index", index, "--from-store", GAME / "store", "--allow", "entry_not_program"]
        self.publish("stable", version, BUILDS[version], *words)


class Player:
    """A fresh Windows with its drive C, on a display."""

    def __init__(self, folder, display):
        self.display, self._windows = display, Windows(folder)
        self.drive = folder / "prefix/drive_c"

    def start(self, *words, **more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VSEKAI_")}
        clean |= {"VSEKAI_TOOLS": os.environ["VSEKAI_TOOLS"]} if "VSEKAI_TOOLS" in os.environ else {}
        env = {**clean, **QUIET, "DISPLAY": self.display.name, "VSEKAI_WINE_PREFIX": str(self.drive.parent)}
        return subprocess.Popen([WINE, *map(str, words)], env=env, stdin=subprocess.DEVNULL, **more)

    def run(self, *words):
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said, _ = process.communicate(timeout=300)
        print(f"> {' '.join(map(str, words))}\n{said}", end="", flush=True)
        assert process.returncode == 0, f"{words} ended with {process.returncode}"
        return said

    def close(self):
        self._windows.close()


    def listed(self):
        """What *Apps* in the settings lists: each name, and the command that removes it."""
        found = {}
        for part in re.split(r"^HKEY.*$", self.query(APPS), flags=re.MULTILINE):
            values = dict(re.findall(r"^ +(\w+) +REG_SZ +(.*?)\r?$", part, re.MULTILINE))
            if "DisplayName" in values:
                found[values["DisplayName"]] = values["UninstallString"]
        return found

    def query(self, key):
        """A key of the registry with all below it; "" if it is not there."""
        process = self.start("reg", "query", key, "/s", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return process.communicate(timeout=60)[0]

    def files(self, *patterns):
        """What is below these places of the user's folder."""
        found = [path for pattern in patterns for path in self.drive.glob(f"users/*/AppData/{pattern}")]
        return [str(path.relative_to(self.drive)) for path in found]

    def runs(self, version, program):
        """Whether a program of this version of an install runs in this Windows."""
        wanted = re.compile(rf"[\\/]versions[\\/]{re.escape(version)}-[^\\/]*[\\/]{re.escape(program)}".encode())
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = str(self.drive.parent).encode() in (process / "environ").read_bytes()
                if ours and wanted.search((process / "cmdline").read_bytes()):
                    return True
        return False


def launch(player, display, words, title, then):
    """Starts a game or the launcher, waits for its window and for `then`, and closes it."""
    process = player.start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(f"no window {title}", lambda: display.windows(title) > 0, 180)
    wait_until(f"what {title} was to do", then, 180)
    display.key("alt+F4")
    process.wait(60)


def first_start(player, display, release, server):
    """Starts a launcher that was unpacked into Downloads, and agrees when it offers to install itself."""
    user = next(path for path in player.drive.glob("users/*") if path.name != "Public")
    downloads = user / "Downloads"
    downloads.mkdir(exist_ok=True)
    with zipfile.ZipFile(launcher_archive(release)) as archive:
        archive.extractall(downloads)
    unpacked = next(downloads.glob("vsekai-launcher-*"))
    brand(unpacked, f"C:/{unpacked.relative_to(player.drive)}", server.url, "C:/root.json")
    started = player.start(f"C:/{(unpacked / 'launcher.exe').relative_to(player.drive)}", stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    installed = user / "AppData/Local/vsekai/launcher"
    agree_to_install(display, installed, REPO / "out/fresh_windows_offer.png")
    wait_until("the installed launcher does not run", lambda: player.runs("0.1.0", "launcher.exe"), 180)
    wait_until("the unpacked launcher stays", lambda: started.poll() is not None, 60)
    wait_until("the launcher is not in the menu", lambda: "V-Sekai Launcher" in player.listed(), 60)
    wait_until("the installed launcher has no window", lambda: display.windows("V-Sekai") == 1, 60)
    display.key("alt+F4")
    wait_until("the installed launcher stays", lambda: not player.runs("0.1.0", "launcher.exe"), 60)
    remove_as_apps_does(player, "V-Sekai Launcher", installed / "versions", "Left", "Return")  # *No* is chosen
    shutil.rmtree(unpacked)


def remove_as_apps_does(player, name, folder, *keys):
    """Runs the command that *Apps* has for a program, and agrees by these keys to what it asks."""
    words = re.findall(r'"([^"]*)"|(\S+)', player.listed()[name])
    player.start(*[quoted or plain for quoted, plain in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_gone():
        if player.display.windows(name) > 0:
            player.display.key(*keys)
        return not folder.exists() and name not in player.listed()

    wait_until(f"{name} is not removed", is_gone, 120)
    # It says so in a last window.
    while player.display.windows(name) > 0:
        player.display.key(*keys)


def assert_all_is_gone(player):
    """No file, no entry of the start menu and no key of the registry is left."""
    left = [str(path.relative_to(player.drive)) for path in (player.drive / "v-sekai").rglob("*")]
    left += player.files("Local/vsekai", "Local/vsekai/**/*", "Local/V-Sekai", "Local/V-Sekai/**/*")
    left += player.files("Roaming/Microsoft/Windows/Start Menu/**/*ekai*")
    left += [name for name in player.listed() if "ekai" in name]
    left += re.findall("^HKEY.*", player.query(f"{USER}\\Classes\\uro"), re.MULTILINE)
    left += re.findall(".*ekai.*", player.query(f"{USER}\\Microsoft\\Windows\\CurrentVersion\\Run"))
    assert not left, left


def walk(player, display, publisher, release):
    setup, headless = next(release.glob("*-setup.exe")), next(release.glob("headless-vsekai-v*.exe"))
    for file in (setup, headless):
        shutil.copy(file, player.drive)
    with contextlib.closing(Server(publisher.repository)) as server:
        shutil.copy(publisher.keys / "root.json", player.drive)
        first = ["--repository", server.url, "--trust-root", "C:/root.json"]
        # The command.
        player.run(f"C:/{setup.name}", "/S")
        command = next(player.drive.glob("users/*/AppData/Local/V-Sekai/bin")).relative_to(player.drive)
        vsekai = f"C:/{command}/vsekai.exe"
        first_start(player, display, release, server)
        # The launcher, by the command that needs no installation.
        player.run(f"C:/{headless.name}", "--update", "C:/v-sekai/launcher", "--mode", "launcher", *first)
        launcher = player.drive / "v-sekai/launcher"
        publisher.publish("launcher", "0.2.0", "launcher.exe", publisher.folder / "launcher")
        is_new = lambda: current(launcher)["version"] == "0.2.0"  # noqa: E731
        launch(player, display, [f"C:/{headless.name}", "launch", "C:/v-sekai/launcher"], "V-Sekai", is_new)
        launch(player, display, ["C:/v-sekai/launcher/V-Sekai Launcher.exe"], "V-Sekai",
               lambda: player.runs("0.2.0", "launcher.exe"))
        # V-Sekai.
        player.run(vsekai, "--update", "C:/v-sekai/game", *first)
        game = player.drive / "v-sekai/game"
        assert current(game)["version"] == "1.0.0"
        publisher.publish_build("2.0.0")
        player.run(vsekai, "--update", "C:/v-sekai/game")
        assert current(game)["version"] == "2.0.0" and (tree(game) / BUILDS["2.0.0"]).is_file()
        player.run(vsekai, "verify", "C:/v-sekai/game")
        # The sample.
        if (SAMPLE / "sample.exe").is_file():
            player.run(vsekai, "--update", "C:/v-sekai/sample", "--mode", "sample", *first)
            launch(player, display, [vsekai, "launch", "C:/v-sekai/sample"], "Sample 0.2.0", lambda: True)
            player.run(vsekai, "uninstall", "--yes", "C:/v-sekai/sample")
        else:
            skip(f"there is no sample.exe in {SAMPLE}: no sample is played")
        # All of it goes: one as *Apps* does it, the other by the command, and that in turn as *Apps* does it.
        player.run(vsekai, "uninstall", "--yes", "C:/v-sekai/game")
        remove_as_apps_does(player, "V-Sekai Launcher", launcher / "versions", "Left", "Return")  # *No* is chosen
        remove_as_apps_does(player, "V-Sekai updater", player.drive / command / "vsekai.exe", "Return")
        assert_all_is_gone(player)


def launcher_archive(release):
    return next(release.glob("vsekai-launcher-*-windows-*.zip"))


def main(release):
    if not GAME:
        print("VSEKAI_TEST_DATA is not set: made-up builds stand for V-Sekai's", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="vsekai-fresh-", dir="/tmp") as place:
        folder, display = Path(place).resolve(), Display(GODOT)
        publisher = Publisher(folder)
        with zipfile.ZipFile(launcher_archive(release)) as archive:
            archive.extractall(folder)
        next(folder.glob("vsekai-launcher-*")).rename(folder / "launcher")
        publisher.publish("launcher", "0.1.0", "launcher.exe", folder / "launcher")
        (folder / "launcher/version.txt").write_text("0.2.0\n")
        publisher.publish_build("1.0.0")
        if (SAMPLE / "sample.exe").is_file():
            publisher.publish("sample", "0.2.0", "sample.exe", SAMPLE)
        subprocess.run([WINE, "--display"], check=True)
        player = Player(folder, display)
        try:
            walk(player, display, publisher, release)
        except BaseException:
            display.save(REPO / "out/fresh_windows.png")
            raise
        finally:
            player.close()
            display.close()
    print("installed, updated, played and removed on a fresh Windows")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
