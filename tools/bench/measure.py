"""Running tools in turn, and what each costs: itself and its target."""
import os
import statistics
import subprocess
import tempfile
import threading
import time

from tools import EVERYTHING, NAMES_ONLY

# A tool gets this many rounds, or as many as fit into so many seconds; at least three if one takes less
# than SLOW seconds.
ROUNDS, SECONDS, SLOW = 15, 6.0, 3.0
# One run that takes longer is ended, and shown as that.
LIMIT = 300


class TimedOut(Exception):
    pass


class Bench:
    """Where everything is, and how thoroughly to measure."""

    def __init__(self, stage, runtimes, fixtures, builds, quick):
        self.collector = f"{stage}/libexec/inquest/inquest-collector"
        self.inquest = f"{stage}/bin/inquest"
        self.shim = f"{stage}/lib/inquest/libinquest-preload.so"
        self.runtimes, self.fixtures, self.builds, self.quick = runtimes, fixtures, builds, quick
        self.native = f"{fixtures}/native"
        self.launch = builds("launch", "launch.c", flags=["-static"])
        self.rounds, self.seconds = (5, 2.0) if quick else (ROUNDS, SECONDS)

    def once(self, command, env=None, output=None, limit=LIMIT):
        """Runs a command to its end: (milliseconds, peak MB, wait status). Its stdout goes to `output`."""
        with tempfile.TemporaryDirectory() as scratch, open(output or os.devnull, "w") as sink:
            result = f"{scratch}/result"
            child = subprocess.Popen(
                [self.launch, result, *command], env=env, stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.DEVNULL)
            try:
                child.wait(limit)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                raise TimedOut from None
            with open(result) as file:
                nanoseconds, kilobytes, status = map(int, file.read().split())
            return nanoseconds / 1e6, kilobytes / 1024, status

    def compare(self, scenario, target, tools, rounds=None):
        """Runs the tools on one target in turn: a row for each tool, medians over its rounds.

        Its ratios are ours over the tool's, ours being the row that gives as much.
        """
        runs = [ToolRuns(self, tool, target) for tool in tools]
        for _ in range(rounds or self.rounds):
            for tool in runs:
                if tool.wants_more():
                    tool.round()
        rows = [tool.row(scenario) for tool in runs]
        by_name = {row["tool"]: row for row in rows}
        for tool, row in zip(tools, rows):
            if row["wall_ms"] is not None and not tool.is_ours:
                mine = by_name.get(None if tool.gives_lines else NAMES_ONLY, by_name[EVERYTHING])
                row["wall_ratio"] = ratio(mine["wall_ms"], row["wall_ms"])
                row["pause_ratio"] = ratio(mine["pause_ms"], row["pause_ms"])
        return rows


class ToolRuns:
    """All runs of one tool on one target."""

    def __init__(self, bench, tool, target):
        self.bench, self.tool, self.target = bench, tool, target
        self.walls, self.pauses, self.peaks = [], [], []
        self.counts, self.status, self.gave_up = None, None, False

    @property
    def is_slow(self):
        return self.tool.is_slow or bool(self.walls) and self.walls[-1] > SLOW * 1000

    def wants_more(self):
        if self.gave_up:
            return False
        few = len(self.walls) < 3 and not self.is_slow
        return not self.walls or few or sum(self.walls) / 1000 < self.bench.seconds

    def round(self):
        with tempfile.TemporaryDirectory() as scratch:
            output = f"{scratch}/output"
            command = self.tool.command(self.target.pid, output)
            run = lambda: self.bench.once(command, output=output)  # noqa: E731
            try:
                # The watchers take a little of the processor. So the time is taken without them, and
                # again with them, unless that takes long.
                wall = None if self.is_slow else run()[0]
                pause, (watched, peak, status) = self.target.watch.during(run)
            except TimedOut:
                self.gave_up = True
                self.target.restart()
                return
            self.status = os.waitstatus_to_exitcode(status)
            self.walls.append(wall or watched)
            self.pauses.append(pause)
            self.peaks.append(peak)
            self.counts = self.tool.count(self.tool.output(output))

    def row(self, scenario):
        row = {"scenario": scenario, "tool": self.tool.name, "rounds": len(self.walls)}
        if not self.walls:
            return row | {"wall_ms": None, "note": f"ended after {LIMIT} s"}
        wall = statistics.median(self.walls)
        row |= {
            "exit_status": self.status,
            "wall_ms": round(wall, 2),
            "pause_ms": round(statistics.median(self.pauses), 3),
            "pause_max_ms": round(max(self.pauses), 3),
            "idle_ms": round(self.noise(wall), 3),
            "busy_ms": round(self.noise(wall, hogs=os.cpu_count()), 3),
            "peak_mb": round(max(self.peaks), 1),
            **self.counts,
        }
        if self.tool.is_ours:
            with tempfile.TemporaryDirectory() as scratch:
                command = self.tool.command(self.target.pid, f"{scratch}/output")
                together = max(family_peak(self.bench, command) for _ in range(3))
                # One that grows and ends between two looks is missed: no less than the largest by itself.
                row["peak_all_mb"] = round(max(together, *self.peaks), 1)
        return row

    def noise(self, wall, hogs=0):
        """What the watchers see for as long as the tool took, with nobody attached: the median of 3."""
        seconds = min(wall / 1000, 2)
        children = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(hogs)]
        try:
            return statistics.median(
                self.target.watch.during(lambda: time.sleep(seconds))[0] for _ in range(3))
        finally:
            for child in children:
                child.kill()
                child.wait()


def family_peak(bench, command):
    """MB: the sum of the largest resident sizes of all processes that the command consists of.

    More than they ever had together, as each had its own moment, and as forked ones share pages. Asked
    every millisecond, in a run of its own.
    """
    sizes = {}
    worker = threading.Thread(target=bench.once, args=(command,))
    worker.start()
    while worker.is_alive():
        for pid in descendants(os.getpid()):
            try:
                with open(f"/proc/{pid}/status") as file:
                    lines = dict(line.split(":", 1) for line in file if ":" in line)
                if lines["Name"].strip() != "launch" and "VmHWM" in lines:
                    sizes[pid] = max(sizes.get(pid, 0), int(lines["VmHWM"].split()[0]))
            except OSError:
                continue
        time.sleep(0.001)
    worker.join()
    return sum(sizes.values()) / 1024


def descendants(pid):
    """Processes below this one, the bench's targets (which it started itself) not among them."""
    found = []
    for child in children(pid):
        try:
            with open(f"/proc/{child}/comm") as file:
                is_launcher = file.read().strip() == "launch"
        except OSError:
            continue
        if is_launcher or pid != os.getpid():
            found += [child] + descendants(child)
    return found


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def ratio(ours, theirs):
    return round(ours / theirs, 6) if ours is not None and theirs else None
