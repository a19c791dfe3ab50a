"""The table of what happened in each scene, in Markdown."""

import statistics
from collections import Counter

HEAD = ["scene", "clients", "first to last", "median", "95 %", "slowest", "failed first runs",
        "runs again, most by one", "behind, and came back", "failed in the end", "by bundle, by chunks",
        "requests to each server", "asked a second one", "first installs", "publications"]


class Row:
    """One scene: the turns of players and witness, and nginx's log."""

    def __init__(self, scene, turns, witnessed, requests):
        self.scene, self.behind, self.publications = scene, 0, []
        self._turns = [turn for turn, _ in turns]
        self._witnessed = [turn for turn, _ in witnessed]
        self._requests = requests

    def _seconds(self):
        return sorted(turn.ended - turn.begun for turn in self._turns)

    def cells(self):
        turns, seconds = self._turns, self._seconds()
        whole = max(turn.ended for turn in turns) - min(turn.begun for turn in turns)
        again = [len(turn.failures) - (turn.result is None) for turn in turns]
        ways = Counter(way for turn in turns for way in turn.ways)
        asked = Counter(name for *_, names in self._requests for name in names)
        installs = f"{len(self._witnessed)}, {sum(bool(turn.failures) for turn in self._witnessed)} failed at first"
        tries = "; ".join(f"{version} at try {1 + len(turn.failures)}, {turn.ended - turn.begun:.1f} s"
                          for version, turn in self.publications)
        bundles = ways["delta"] + ways["deltas"] + ways["full"]
        return [self.scene, len(turns), f"{whole:.0f} s", f"{statistics.median(seconds):.1f} s",
                f"{seconds[int(len(seconds) * 0.95)]:.1f} s", f"{seconds[-1]:.1f} s",
                sum(bool(turn.failures) for turn in turns), f"{sum(again)}, {max(again)}", self.behind,
                sum(turn.result is None for turn in turns), f"{bundles}, {ways['chunks']}",
                " + ".join(str(asked[name]) for name in ("server1", "server2", "server3")),
                sum(len(names) > 1 for *_, names in self._requests), installs, tries]

    def text(self):
        return "| " + " | ".join(map(str, self.cells())) + " |"

    @staticmethod
    def table(rows):
        head = ["| " + " | ".join(HEAD) + " |", "| " + " | ".join("---" for _ in HEAD) + " |"]
        return "\n".join([*head, *(row.text() for row in rows)])
