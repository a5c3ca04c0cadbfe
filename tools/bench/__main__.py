"""bench STAGE RUNTIMES FIXTURES: what Inquest costs, side by side with other tools in one run.

The tools of a scenario are run in turn, so that whatever else the machine does hits all of them alike; only
ratios within one run mean much. The last line is everything as JSON.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys

import claims
import scenarios
import table
from measure import Bench
from targets import Builds


def main():
    about = "; ".join(f"{name}: {run.__doc__}" for name, run in scenarios.ALL.items())
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__.splitlines()[0],
                                     epilog=f"scenarios: {about}")
    for name in ("stage", "runtimes", "fixtures"):
        parser.add_argument(name)
    parser.add_argument("--only", metavar="NAMES", help="these scenarios only, with commas between")
    parser.add_argument("--quick", action="store_true",
                        help="fewer rounds and shorter slopes; without the tools and targets that take minutes")
    parser.add_argument("--json", metavar="FILE", help="also write the JSON here")
    parser.add_argument("--readme", metavar="FILE",
                        help="also put the tables between the bench marks of this file")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [
        name for name in scenarios.ALL if not (options.quick and name == "huge")]
    for name in wanted:
        if name not in scenarios.ALL:
            parser.error(f"there is no scenario \"{name}\"; there are {', '.join(scenarios.ALL)}")

    cache = os.path.join(os.path.dirname(os.path.abspath(options.fixtures)), "bench-cache")
    bench = Bench(options.stage, options.runtimes, options.fixtures, Builds(cache), options.quick)
    result = {"machine": machine(), "date": datetime.date.today().isoformat(), "commit": commit(),
              "watchers": priority(), "rows": []}
    print(f"{result['machine']}, {result['date']}\n\n{table.LEGEND.format(watchers=result['watchers'])}\n")
    for name in wanted:
        rows = scenarios.ALL[name](bench)
        result["rows"] += rows
        print(table.scenario(rows) + "\n", flush=True)
    result["claims"] = claims.check(result["rows"])
    print(table.claims(result["claims"]) + "\n")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)
    if options.readme:
        table.put_into(options.readme, result)
    print(json.dumps(result))


def machine():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return (f"{os.cpu_count()} × {names[0] if names else platform.machine()}, "
            f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f}")


def priority():
    """How a watcher of watch.c is scheduled here."""
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, *before)
        return "The watching threads have real-time priority."
    except PermissionError:
        return "The watching threads have ordinary priority: their pauses contain waits for a processor."


def commit():
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                           cwd=os.path.dirname(os.path.abspath(__file__)))
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
