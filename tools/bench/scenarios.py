"""What is measured. Each scenario returns its rows; scenarios.ALL has them in order, by name."""
import json
import os
import shutil
import statistics
import tempfile

from measure import ratio
from targets import Target
from tools import CreateDump, EUStack, EVERYTHING, GDB, Inquest, ours

ALL = {}


def scenario(function):
    ALL[function.__name__] = function
    return function


def native(bench, program, *arguments, **options):
    return Target([f"{bench.native}/{program}", *map(str, arguments)], bench.native, **options)


@scenario
def startup(bench):
    """What is paid without a crash: pairs of commands, the first with our part and the second without."""
    rounds = 40 if bench.quick else 200
    with tempfile.TemporaryDirectory() as scratch:
        # What the dynamic loader takes for any library at all, so that the shim's own share can be seen.
        empty = f"{scratch}/empty.so"
        bench.builds.cc(["-shared", "-nostdlib", "-o", empty, "-x", "c", "/dev/null"])
        shim, nothing = (dict(os.environ, LD_PRELOAD=library) for library in (bench.shim, empty))
        true, python = ["/bin/true"], ["/usr/bin/python3", "-S", "-c", "0"]
        version = ["--version"]
        pairs = [
            ("shim in /bin/true", true, shim, true, None),
            ("shim in bash", ["bash", "-c", ":"], shim, ["bash", "-c", ":"], None),
            ("shim in python3", python, shim, python, None),
            ("shim in a musl program", *[[f"{bench.native}/musl_hello"], shim], [
                f"{bench.native}/musl_hello"], None),
            ("shim in /bin/true / an empty library in it", true, shim, true, nothing),
            ("inquest-collector --version / true", [bench.collector, *version], None, true, None),
            ("inquest --version / inquest-collector --version", [bench.inquest, *version], None,
             [bench.collector, *version], None),
        ]
        rows = []
        for name, command, env, other, other_env in pairs:
            left, right = [], []
            for _ in range(rounds):
                left.append(bench.once(command, env)[0])
                right.append(bench.once(other, other_env)[0])
            left, right = statistics.median(left), statistics.median(right)
            rows.append({"scenario": "startup", "what": name, "ours_ms": round(left, 3),
                         "theirs_ms": round(right, 3), "ratio": ratio(left, right)})
        return rows


@scenario
def threads64(bench):
    """64 threads × 50 frames"""
    with native(bench, "threads", 64, 50) as target:
        return bench.compare(
            "64 threads × 50 frames", target,
            [*ours(bench), EUStack(), EUStack("-i -s"), GDB()])


@scenario
def threads3000(bench):
    """3,000 threads × 10 frames"""
    with native(bench, "threads", 3000, 10) as target:
        tools = [*ours(bench), EUStack(is_slow=True)]
        if not bench.quick:
            tools += [EUStack("-i -s", is_slow=True), GDB(is_slow=True)]
        return bench.compare("3,000 threads × 10 frames", target, tools)


@scenario
def deep(bench):
    """100,000 frames of one function"""
    with native(bench, "deep", 100000) as target:
        tools = [*ours(bench), EUStack("-q"), EUStack()]
        if not bench.quick:
            tools += [EUStack("-i -s"), GDB(is_slow=True)]
        return bench.compare("100,000 frames deep", target, tools)


def large(bench, title, name, units):
    with Target([bench.builds.large(name, units)], bench.native) as target:
        megabytes = os.path.getsize(target.command[0]) >> 20
        return bench.compare(
            f"{title}, {megabytes} MB", target,
            [*ours(bench), EUStack(), EUStack("-i -s"), GDB(is_slow=True)])


@scenario
def cxx(bench):
    """a large C++ program with debug information, 50 compilation units on the stack"""
    return large(bench, "C++ with debug information", "large", 100)


@scenario
def huge(bench):
    """the same with 2 GB"""
    return large(bench, "C++ with debug information", "huge", 1000)


@scenario
def mappings(bench):
    """a process with 5,000 mappings"""
    program = bench.builds("mappings", "mappings.c")
    with Target([program, "5000"], bench.native) as target:
        return bench.compare(
            "5,000 mappings", target, [*ours(bench), EUStack(), EUStack("-i -s"), GDB()])


def runtime(bench):
    return f"{bench.runtimes}/8.0.4/shared/Microsoft.NETCore.App/8.0.4"


@scenario
def dotnet(bench):
    """a live .NET 8 service"""
    command = [f"{bench.runtimes}/8.0.4/dotnet", f"{bench.fixtures}/dotnet/8.0.4/Crash.dll", "wait"]
    with Target(command, bench.native) as target:
        return bench.compare(
            "live .NET 8 service", target, [*ours(bench), CreateDump(runtime(bench))])


@scenario
def crash(bench):
    """the death of a .NET 8 service: by how much it is delayed"""
    rounds = 5 if bench.quick else 15
    with tempfile.TemporaryDirectory(dir=bench.builds.folder) as scratch:
        # A runtime whose createdump notes what it needs: links, so that nothing is copied.
        root = f"{scratch}/dotnet"
        shutil.copytree(f"{bench.runtimes}/8.0.4", root, copy_function=link)
        directory = runtime(bench).replace(f"{bench.runtimes}/8.0.4", root)
        os.rename(f"{directory}/createdump", f"{directory}/createdump.real")
        noting(bench, f"{directory}/createdump", f"{scratch}/theirs", f"{directory}/createdump.real")
        noting(bench, f"{scratch}/collector", f"{scratch}/ours", bench.collector)

        env = dict(os.environ, DOTNET_DbgMiniDumpName=f"{scratch}/core")
        ours_env = dict(env, LD_PRELOAD=bench.shim, INQUEST_DIR=f"{scratch}/reports")
        theirs_env = dict(env, DOTNET_DbgEnableMiniDump="1", DOTNET_EnableCrashReportOnly="1")

        def die(env, dotnet=f"{bench.runtimes}/8.0.4/dotnet"):
            return bench.once([dotnet, f"{bench.fixtures}/dotnet/8.0.4/Crash.dll", "exception"], env)[0]

        without, with_ours, with_theirs = [], [], []
        for _ in range(rounds):
            without.append(die(env))
            with_ours.append(die(ours_env))
            with_theirs.append(die(theirs_env))
        base = statistics.median(without)
        peaks = {"ours": [], "theirs": []}
        for _ in range(3):
            die(dict(ours_env, INQUEST_COLLECTOR=f"{scratch}/collector"))
            die(theirs_env, f"{root}/dotnet")
            for name in peaks:
                with open(f"{scratch}/{name}") as file:
                    peaks[name].append(int(file.read().split()[1]) / 1024)

        rows = []
        for name, times, side in ((EVERYTHING, with_ours, "ours"),
                                  ("createdump, report only", with_theirs, "theirs")):
            rows.append({
                "scenario": "death of a .NET 8 service: delay", "tool": name, "rounds": rounds,
                "wall_ms": round(statistics.median(times) - base, 2),
                "peak_mb": round(max(peaks[side]), 1), "lives_ms": round(base, 1)})
        newest = max((os.path.join(scratch, "reports", name)
                      for name in os.listdir(f"{scratch}/reports")), key=os.path.getmtime)
        rows[0] |= Inquest(bench.collector).count(open(newest).read())
        rows[1] |= CreateDump(runtime(bench)).count(open(f"{scratch}/core.crashreport.json").read())
        rows[1]["wall_ratio"] = ratio(rows[0]["wall_ms"], rows[1]["wall_ms"])
        return rows


def link(source, destination):
    os.link(os.path.realpath(source), destination)


def noting(bench, path, result, program):
    """A stand-in for the program, which leaves in `result` what launch.c writes."""
    with open(path, "w") as file:
        file.write(f'#!/bin/sh\nexec {bench.launch} {result} {program} "$@"\n')
    os.chmod(path, 0o755)


@scenario
def slopes(bench):
    """how cost grows with threads and with frames"""
    threads = [10, 30, 100, 300, 1000] + ([] if bench.quick else [3000])
    frames = [1000, 10_000, 100_000] + ([] if bench.quick else [1_000_000])
    rows = []
    for what, counts, program, tail in (
            ("thread", threads, "threads", [10]), ("frame", frames, "deep", [])):
        # All points several times over, so that a busy minute does not bend the line.
        found = {}
        for _ in range(1 if bench.quick else 3):
            for count in counts:
                # 1,000,000 frames take 32 MB of stack.
                with native(bench, program, count, *tail, stack=1 << 30) as target:
                    tools = [*ours(bench), EUStack(is_slow=count >= 1000)]
                    for row in bench.compare("", target, tools, rounds=5):
                        found.setdefault(row["tool"], {}).setdefault(count, []).append(row)
        for tool, runs in found.items():
            points = [{"count": count, **{
                column: statistics.median(row[column] for row in runs[count])
                for column in ("wall_ms", "pause_ms", "frames", "peak_mb")}} for count in counts]
            rows.append({"scenario": f"cost per {what}", "tool": tool, "points": points,
                         **growth(points)})
    return rows


def growth(points):
    """What each further thread or frame costs, in µs from point to point, and by how much that grows.

    Between points, because what a capture takes with nothing to do would make every cost look sublinear.
    Growth is the slope of the upper half of the range over that of the lower half: 1 is linear.
    """
    def slope(one, two, column):
        return 1000 * (two[column] - one[column]) / (two["count"] - one["count"])

    first, middle, last = points[0], points[len(points) // 2], points[-1]
    result = {}
    for name in ("wall", "pause"):
        column = f"{name}_ms"
        result[f"{name}_us"] = [
            round(slope(one, two, column), 3) for one, two in zip(points, points[1:])]
        lower, upper = slope(first, middle, column), slope(middle, last, column)
        # Below zero is noise that hides the slope.
        result[f"{name}_growth"] = round(upper / lower, 2) if lower > 0 else None
    return result
