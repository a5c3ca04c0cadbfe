"""count.py REPORT: how many frames lie in code from no ELF file; fails if the report misses any."""
import json
import sys

THREADS, DEPTH = 300, 10  # as run.sh starts the victim
# pause, the innermost descend, a pair for each call, the thread's function, and two of the C library.
SLEEPER_FRAMES = 2 * DEPTH + 5

with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
assert report["report"]["complete"] and not report["limitations"], report["limitations"]
sleepers = [t for t in report["threads"] if t["frame_count"] == SLEEPER_FRAMES and t["complete"]]
assert len(sleepers) == THREADS, len(sleepers)
(code,) = [i for i, m in enumerate(report["modules"]) if m["path"].endswith("/no-elf")]
count = 0
for thread in report["threads"]:
    for frame in thread["frames"]:
        if frame.get("module") == code:
            count += frame.get("repeated", {}).get("times", 1)
assert count == THREADS * DEPTH + 1, count
print(count)
